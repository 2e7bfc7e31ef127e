//! The files of a directory, each with the path under which it will be served.
//!
//! Always holds: paths are what the gateway's rule for paths accepts, unique also where case does not count, and in the
//! order of their bytes. Links are followed within the directory only. Empty directories are nothing.

use std::collections::HashMap;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// The most files of a release.
pub const FILES_MAX: usize = 2_000_000;
/// The deepest directory.
pub const DEPTH_MAX: usize = 64;
/// The longest path in bytes: S3's limit of 1,024 for keys, less what a prefix may take.
pub const PATH_BYTES_MAX: usize = 900;

/// Names that are no part of a site, wherever they are.
const LEFT_OUT: [&str; 4] = [".git", ".DS_Store", ".portcullis", ".vite"];

/// What tells whether a file is still the same without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// Its size in bytes.
    pub size: u64,
    /// When its bytes were changed, in nanoseconds since the epoch.
    pub modified: i128,
    /// When anything of it was changed, in nanoseconds since the epoch. No program sets it.
    pub changed: i128,
    /// Its number on its device.
    pub inode: u64,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The path under which it is served, without the first slash.
    pub path: String,
    /// Where it is.
    pub file: PathBuf,
    /// What it was when it was found.
    pub stamp: Stamp,
}

/// Why a directory cannot be published.
#[derive(Debug, thiserror::Error)]
pub enum WalkError {
    /// A file or directory cannot be read, or vanished meanwhile.
    #[error("{}: {error}", .path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// The system's reason.
        error: io::Error,
    },
    /// A name is not UTF-8.
    #[error("{}: the name is not UTF-8", .0.display())]
    NotUtf8(PathBuf),
    /// A name has characters that no request path may have.
    #[error("{}: the name has `{character}`, which the path of a request cannot have", .path.display())]
    Character {
        /// Which.
        path: PathBuf,
        /// The character, as Rust writes it.
        character: String,
    },
    /// A path is longer than [`PATH_BYTES_MAX`].
    #[error("{}: the path is longer than {PATH_BYTES_MAX} bytes", .0.display())]
    TooLong(PathBuf),
    /// Two paths differ in case only.
    #[error("`{0}` and `{1}` differ in case only")]
    Case(String, String),
    /// A link leads back to a directory above it.
    #[error("{}: the link leads back to a directory above it", .0.display())]
    Loop(PathBuf),
    /// A link leads out of the directory.
    #[error("{}: the link leads out of the published directory", .0.display())]
    Outside(PathBuf),
    /// A pipe, socket or device.
    #[error("{}: neither a file nor a directory", .0.display())]
    Special(PathBuf),
    /// Too many files.
    #[error("more than {FILES_MAX} files")]
    TooMany,
    /// Too deep.
    #[error("{}: more than {DEPTH_MAX} directories deep", .0.display())]
    TooDeep(PathBuf),
}

/// The files below `root`.
///
/// # Errors
/// The first thing that cannot be published.
pub fn walk(root: &Path) -> Result<Vec<Found>, WalkError> {
    let unreadable = |error| WalkError::Unreadable {
        path: root.to_owned(),
        error,
    };
    let root = root.canonicalize().map_err(unreadable)?;
    let mut walk = Walk {
        root: root.clone(),
        above: Vec::new(),
        found: Vec::new(),
    };
    walk.directory(&root, "")?;
    walk.found.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    refuse_case_collisions(&walk.found)?;
    Ok(walk.found)
}

struct Walk {
    root: PathBuf,
    /// The real directories above the one that is read, by device and inode.
    above: Vec<(u64, u64)>,
    found: Vec<Found>,
}

impl Walk {
    fn directory(&mut self, directory: &Path, prefix: &str) -> Result<(), WalkError> {
        let unreadable = |error| WalkError::Unreadable {
            path: directory.to_owned(),
            error,
        };
        let metadata = fs::metadata(directory).map_err(unreadable)?;
        let identity = (metadata.dev(), metadata.ino());
        if self.above.contains(&identity) {
            return Err(WalkError::Loop(directory.to_owned()));
        }
        if self.above.len() >= DEPTH_MAX {
            return Err(WalkError::TooDeep(directory.to_owned()));
        }
        self.above.push(identity);
        for entry in fs::read_dir(directory).map_err(unreadable)? {
            self.entry(&entry.map_err(unreadable)?, prefix)?;
        }
        self.above.pop();
        Ok(())
    }

    fn entry(&mut self, entry: &fs::DirEntry, prefix: &str) -> Result<(), WalkError> {
        let file = entry.path();
        let name = entry.file_name().into_string();
        let name = name.map_err(|_| WalkError::NotUtf8(file.clone()))?;
        if LEFT_OUT.contains(&name.as_str()) {
            return Ok(());
        }
        let path = format!("{prefix}{name}");
        check(&file, &path)?;
        let unreadable = |error| WalkError::Unreadable {
            path: file.clone(),
            error,
        };
        if entry.file_type().map_err(unreadable)?.is_symlink() {
            let target = file.canonicalize().map_err(unreadable)?;
            if !target.starts_with(&self.root) {
                return Err(WalkError::Outside(file));
            }
        }
        let metadata = fs::metadata(&file).map_err(unreadable)?;
        if metadata.is_dir() {
            return self.directory(&file, &format!("{path}/"));
        }
        if !metadata.is_file() {
            return Err(WalkError::Special(file));
        }
        if self.found.len() == FILES_MAX {
            return Err(WalkError::TooMany);
        }
        let stamp = Stamp::of(&metadata);
        self.found.push(Found { path, file, stamp });
        Ok(())
    }
}

impl Stamp {
    pub(super) fn of(metadata: &Metadata) -> Self {
        let nanoseconds =
            |seconds: i64, rest: i64| i128::from(seconds) * 1_000_000_000 + i128::from(rest);
        Self {
            size: metadata.size(),
            modified: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
            changed: nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
            inode: metadata.ino(),
        }
    }
}

fn check(file: &Path, path: &str) -> Result<(), WalkError> {
    if path.len() > PATH_BYTES_MAX {
        return Err(WalkError::TooLong(file.to_owned()));
    }
    let refused = |c: char| c.is_control() || matches!(c, '%' | '\\');
    match path.chars().find(|c| refused(*c)) {
        None => Ok(()),
        Some(c) => Err(WalkError::Character {
            path: file.to_owned(),
            character: c.escape_default().to_string(),
        }),
    }
}

fn refuse_case_collisions(found: &[Found]) -> Result<(), WalkError> {
    let mut folded: HashMap<String, &str> = HashMap::with_capacity(found.len());
    for Found { path, .. } in found {
        if let Some(other) = folded.insert(path.to_lowercase(), path) {
            return Err(WalkError::Case(other.to_owned(), path.clone()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Found, PATH_BYTES_MAX, walk};
    use std::ffi::OsStr;
    use std::fs;
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::fs::symlink;
    use std::path::Path;

    #[track_caller]
    fn check(make: impl Fn(&Path), expected: Result<&[&str], &str>) {
        let directory = tempfile::tempdir().unwrap();
        make(directory.path());
        let found = walk(directory.path());
        let found = found.map(|found| {
            found
                .into_iter()
                .map(|Found { path, .. }| path)
                .collect::<Vec<_>>()
        });
        match (found, expected) {
            (Ok(found), Ok(expected)) => assert_eq!(found, expected),
            (Err(error), Err(expected)) => {
                let text = error.to_string();
                assert!(text.contains(expected), "{text}");
            }
            (found, _) => panic!("{found:?}"),
        }
    }

    fn write(root: &Path, path: impl AsRef<Path>) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "x").unwrap();
    }

    #[test]
    fn files_are_found_in_order_and_the_rest_is_nothing() {
        check(
            |root| {
                for path in [
                    "b.html",
                    "a/z.js",
                    "a b+c.txt",
                    "ü.html",
                    ".well-known/x",
                    ".git/config",
                ] {
                    write(root, path);
                }
                fs::create_dir(root.join("empty")).unwrap();
                symlink("b.html", root.join("link.html")).unwrap();
            },
            Ok(&[
                ".well-known/x",
                "a b+c.txt",
                "a/z.js",
                "b.html",
                "link.html",
                "ü.html",
            ]),
        );
    }

    #[test]
    fn what_cannot_be_published_is_named() {
        check(
            |root| write(root, OsStr::from_bytes(b"\xff.html")),
            Err("not UTF-8"),
        );
        check(|root| write(root, "100%.html"), Err("has `%`"));
        check(|root| write(root, "a\nb.html"), Err("has `\\n`"));
        let long = format!("{0}/{0}/{0}/{0}", "n".repeat(PATH_BYTES_MAX / 4));
        check(move |root| write(root, &long), Err("longer than 900 bytes"));
        check(
            |root| symlink(".", root.join("again")).unwrap(),
            Err("leads back"),
        );
        check(
            |root| symlink("/etc", root.join("etc")).unwrap(),
            Err("leads out"),
        );
        check(
            |root| symlink("nowhere", root.join("x")).unwrap(),
            Err("x: No such file"),
        );
        check(
            |root| {
                write(root, "a/Logo.svg");
                write(root, "a/logo.svg");
            },
            Err("`a/Logo.svg` and `a/logo.svg` differ in case only"),
        );
        check(
            |root| drop(std::os::unix::net::UnixListener::bind(root.join("socket")).unwrap()),
            Err("neither a file nor a directory"),
        );
    }
}
