//! What was read of files before, so that a file that has not changed is not read again.
//!
//! Always holds: an entry counts only while size, times and inode are the same. A file that was changed shortly before it was
//! read has none: it might be changed again without its times telling. A cache that cannot be read is an empty one.

use super::compress::{Coding, Variant};
use super::walk::Stamp;
use crate::durable;
use crate::key::Digest;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;

/// The beginning of the first line. Another form, or other settings of the compressors, has another number.
const FORM: &str = "portcullis-cache 1";
/// The longest cache that is read, in bytes.
const CACHE_BYTES_MAX: u64 = 1024 * 1024 * 1024;
/// How long before the reading a file must have been changed last, in nanoseconds. File systems count time in steps, the
/// coarsest of two seconds.
const SETTLED: i128 = 3_000_000_000;

/// What is known of a file's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) stamp: Stamp,
    pub(super) sha256: Digest,
    /// The variants that pay.
    pub(super) variants: Vec<Variant>,
    /// Whether they were made for a name that changes with the content.
    pub(super) versioned: bool,
}

/// What is known of files, by path.
#[derive(Debug, Default)]
pub struct Cache {
    /// The first line of its file.
    form: String,
    /// In the order of their paths.
    files: Vec<(String, Known)>,
}

impl Cache {
    /// Reads the cache in the file `path`; one for other codings is an empty one.
    #[must_use]
    pub fn read(path: &Path, codings: &[Coding]) -> Self {
        let empty = Self::of(codings);
        let Ok(metadata) = fs::metadata(path) else {
            return empty;
        };
        if metadata.len() > CACHE_BYTES_MAX {
            return empty;
        }
        let text = fs::read_to_string(path).unwrap_or_default();
        let mut lines = text.lines();
        if lines.next() != Some(&empty.form) {
            return empty;
        }
        let files: Vec<_> = lines.map_while(parse).collect();
        // Looked up by halving: what is out of order is nobody's work but a stranger's.
        if files.is_sorted_by(|(a, _), (b, _)| a < b) {
            Self { files, ..empty }
        } else {
            empty
        }
    }

    /// An empty cache for variants in these codings.
    pub(super) fn of(codings: &[Coding]) -> Self {
        let names: Vec<&str> = codings.iter().map(|coding| coding.name()).collect();
        let form = format!("{FORM} {}", names.join(","));
        Self {
            form,
            ..Self::default()
        }
    }

    /// Writes the cache to the file `path`.
    ///
    /// # Errors
    /// The system's reason; an older cache then stays.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let mut text = format!("{}\n", self.form);
        for (name, known) in &self.files {
            // A name with a line break is refused before it comes here.
            line(&mut text, name, known).map_err(io::Error::other)?;
        }
        let temporary = path.with_extension(format!("new-{}", std::process::id()));
        durable::replace(path, &temporary, text.as_bytes())
    }

    /// What is known of the file at `path`, which is probably the one with this number.
    pub(super) fn get(&self, number: usize, path: &str, stamp: &Stamp) -> Option<&Known> {
        let probable = self.files.get(number).filter(|(known, _)| known == path);
        let search = || {
            let found = self
                .files
                .binary_search_by(|(known, _)| known.as_str().cmp(path));
            self.files.get(found.ok()?)
        };
        let (_, known) = probable.or_else(search)?;
        (known.stamp == *stamp).then_some(known)
    }

    /// Takes what is known of the file at `path`, which comes after all others, if `now` is long enough after its change.
    pub(super) fn push(&mut self, path: &str, known: Known, now: i128) {
        let changed = known.stamp.modified.max(known.stamp.changed);
        if changed.saturating_add(SETTLED) < now {
            self.files.push((path.to_owned(), known));
        }
    }
}

fn line(text: &mut String, name: &str, known: &Known) -> std::fmt::Result {
    let Stamp {
        size,
        modified,
        changed,
        inode,
    } = known.stamp;
    let versioned = u8::from(known.versioned);
    write!(
        text,
        "{size} {modified} {changed} {inode} {} {versioned} ",
        known.sha256
    )?;
    for variant in &known.variants {
        write!(
            text,
            "{}:{}:{},",
            variant.coding.name(),
            variant.size,
            variant.sha256
        )?;
    }
    writeln!(text, " {name}")
}

fn parse(line: &str) -> Option<(String, Known)> {
    let mut words = line.splitn(8, ' ');
    let stamp = Stamp {
        size: words.next()?.parse().ok()?,
        modified: words.next()?.parse().ok()?,
        changed: words.next()?.parse().ok()?,
        inode: words.next()?.parse().ok()?,
    };
    let sha256 = Digest::parse(words.next()?).ok()?;
    let versioned = words.next()? == "1";
    let variants = words.next()?.split_terminator(',').map(|variant| {
        let (coding, rest) = variant.split_once(':')?;
        let (size, sha256) = rest.split_once(':')?;
        Some(Variant {
            coding: Coding::parse(coding)?,
            size: size.parse().ok()?,
            sha256: Digest::parse(sha256).ok()?,
        })
    });
    let variants = variants.collect::<Option<_>>()?;
    Some((
        words.next()?.to_owned(),
        Known {
            stamp,
            sha256,
            variants,
            versioned,
        },
    ))
}
