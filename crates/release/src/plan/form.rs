//! The form in which a planned release is stored: one table, with the rules of its site.
//!
//! Always holds: a rule that is not understood stops the publication, with its file and line; nothing of it is guessed.

use super::source::{KeyedFile, ManifestForm};
use crate::key::VersionedKey;
use crate::run::ManifestKeys;
use bytes::Bytes;
use portcullis_release_manifest as manifest;
use portcullis_release_manifest::{File, Object, Release, ReleaseManifest, Rules};
use portcullis_site::Releases;
use std::fmt::Display;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

/// The files of a site that hold its rules, at its root.
pub const RULE_FILES: [&str; 2] = ["_redirects", "_headers"];

/// The longest rule file that is read, in bytes.
const RULE_FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// What is wrong with a rule file.
#[derive(Debug, thiserror::Error)]
pub enum RuleFault {
    /// It cannot be read.
    #[error("{}: {error}", .path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// The system's reason.
        error: io::Error,
    },
    /// A line is not understood.
    #[error("{}:{line}: {why}", .path.display())]
    Line {
        /// Which.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        why: String,
    },
}

/// How a site answers around the files of the directory `root`: its settings, and the directory's [`RULE_FILES`].
///
/// # Errors
/// Every line that is not understood.
pub fn rules(root: &Path, releases: &Releases) -> Result<Rules, Vec<RuleFault>> {
    let [redirects, headers] = RULE_FILES.map(|name| root.join(name));
    let redirects = read(&redirects, manifest::redirects::parse);
    let headers = read(&headers, manifest::headers::parse);
    let (redirects, headers) = match (redirects, headers) {
        (Ok(redirects), Ok(headers)) => (redirects, headers),
        (redirects, headers) => {
            let faults = redirects.err().into_iter().chain(headers.err());
            return Err(faults.flatten().collect());
        }
    };
    let classes = releases.classes.iter();
    Ok(Rules {
        entry: releases.entry.clone(),
        clean_urls: releases.clean_urls,
        fallback: releases.fallback.as_ref().map(|one| one.document.clone()),
        not_found: releases.not_found.clone(),
        classes: classes.map(|class| class.glob.clone()).collect(),
        redirects,
        headers,
    })
}

/// What a rule file says; nothing if there is none.
fn read<T, E: Display>(
    path: &Path,
    parse: impl Fn(&str) -> Result<Vec<T>, Vec<(usize, E)>>,
) -> Result<Vec<T>, Vec<RuleFault>> {
    let unreadable = |error| {
        let path = path.to_owned();
        vec![RuleFault::Unreadable { path, error }]
    };
    let file = match std::fs::File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        opened => opened.map_err(unreadable)?,
    };
    let mut text = String::new();
    let read = file.take(RULE_FILE_BYTES_MAX + 1).read_to_string(&mut text);
    if read.map_err(unreadable)? as u64 > RULE_FILE_BYTES_MAX {
        return Err(unreadable(io::Error::other(format!(
            "it is longer than {RULE_FILE_BYTES_MAX} bytes"
        ))));
    }
    let line = |(line, why): (usize, E)| RuleFault::Line {
        path: path.to_owned(),
        line,
        why: why.to_string(),
    };
    parse(&text).map_err(|faults| faults.into_iter().map(line).collect())
}

/// The table of a release, with these rules.
#[derive(Debug, Default)]
pub struct Table(pub Rules);

impl ManifestKeys for Table {
    fn keys(&self, bytes: &Bytes) -> Result<Vec<VersionedKey>, String> {
        let opened = ReleaseManifest::open(bytes).map_err(|error| error.to_string())?;
        let keys = opened.keys().collect::<Result<_, _>>();
        keys.map_err(|error| error.to_string())
    }
}

impl ManifestForm for Table {
    fn encode(&self, files: &[KeyedFile<'_>]) -> Result<Bytes, String> {
        let files = files.iter().map(|keyed| {
            let file = stored(keyed)?;
            Ok((keyed.file.path.clone(), file))
        });
        let release = Release {
            files: files.collect::<Result<_, String>>()?,
            rules: self.0.clone(),
        };
        let bytes = manifest::encode(&release).map_err(|error| error.to_string())?;
        Ok(bytes.into())
    }
}

fn stored(keyed: &KeyedFile<'_>) -> Result<File, String> {
    let file = keyed.file;
    let class = file.class.map(u8::try_from).transpose();
    let variants = keyed.variants.iter().zip(&file.variants);
    Ok(File {
        object: Object {
            key: keyed.key.clone(),
            size: file.size,
            sha256: file.sha256,
        },
        content_type: file.content_type.clone(),
        cache_control: file.cache_control.clone(),
        class: class.map_err(|_| format!("{}: its class has too high a number", file.path))?,
        versioned: file.versioned,
        tags: Vec::new(),
        variants: variants
            .map(|((coding, key, size), variant)| {
                let object = Object {
                    key: key.clone(),
                    size: *size,
                    sha256: variant.sha256,
                };
                (*coding, object)
            })
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::{RuleFault, rules};
    use portcullis_site::{Keep, Releases, Seconds};
    use std::fs;

    fn releases() -> Releases {
        Releases {
            entry: "index.html".to_owned(),
            clean_urls: true,
            fallback: None,
            not_found: Some("404.html".to_owned()),
            classes: Vec::new(),
            keep: Keep {
                releases: 1,
                min_age: Seconds::new(0).unwrap(),
            },
        }
    }

    #[test]
    fn rules_are_the_sites_and_the_directorys() {
        let root = tempfile::tempdir().unwrap();
        let none = rules(root.path(), &releases()).unwrap();
        assert_eq!((none.redirects.len(), none.headers.len()), (0, 0));
        assert_eq!(none.not_found.as_deref(), Some("404.html"));
        fs::write(root.path().join("_redirects"), "/old /new 301\n").unwrap();
        fs::write(
            root.path().join("_headers"),
            "/*\n  x-robots-tag: noindex\n",
        )
        .unwrap();
        let some = rules(root.path(), &releases()).unwrap();
        assert_eq!((some.redirects.len(), some.headers.len()), (1, 1));
    }

    #[test]
    fn every_line_that_is_not_understood_is_named() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("_redirects"), "/a /b 301\n/old\n").unwrap();
        fs::write(root.path().join("_headers"), "  x-lost: 1\n").unwrap();
        let faults = rules(root.path(), &releases()).unwrap_err();
        let places: Vec<_> = faults
            .iter()
            .filter_map(|fault| match fault {
                RuleFault::Line { path, line, .. } => Some((path.file_name()?.to_str()?, *line)),
                RuleFault::Unreadable { .. } => None,
            })
            .collect();
        assert_eq!(places, [("_redirects", 2), ("_headers", 1)]);
    }
}
