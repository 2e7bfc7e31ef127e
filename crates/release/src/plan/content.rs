//! The content of a release: each file's bytes, type, lifetime and variants.
//!
//! Always holds: what is said of a file is said of bytes that were read whole while the file did not change.

use super::bundler;
use super::cache::{Cache, Known};
use super::compress::{self, Coding, Variant};
use super::form::RULE_FILES;
use super::lifetime::Lifetimes;
use super::media_type;
use super::walk::{Found, Stamp, WalkError, walk};
use crate::key::Digest;
use bytes::Bytes;
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// How much of a file is read at once, in bytes.
const PART_BYTES: usize = 256 * 1024;
/// How many bytes of variants are kept for their upload; what is more is made again.
const PACKED_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// How a directory is published.
#[derive(Debug, Clone, Copy)]
pub struct PlanSettings<'a> {
    /// The site's lifetimes.
    pub lifetimes: Lifetimes<'a>,
    /// The codings that are tried.
    pub codings: &'a [Coding],
    /// How many files are read at one time.
    pub threads: usize,
    /// The time, by which it is known whether a file has settled.
    pub now: SystemTime,
}

/// A file as it will be served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedFile {
    /// The path under which it is served, without the first slash.
    pub path: String,
    /// Where it is.
    pub file: PathBuf,
    /// Its size in bytes.
    pub size: u64,
    /// The SHA-256 of its bytes.
    pub sha256: Digest,
    /// Its media type.
    pub content_type: String,
    /// Its lifetime.
    pub cache_control: String,
    /// The number of its class in the manifest, if it has one.
    pub class: Option<usize>,
    /// Whether its name changes with its content.
    pub versioned: bool,
    /// Its variants.
    pub variants: Vec<Variant>,
}

/// What was planned.
#[derive(Debug, Default)]
pub struct Planned {
    /// The files in the order of their paths.
    pub files: Vec<PlannedFile>,
    /// How many of them had to be read.
    pub files_read: usize,
    /// How many bytes were read.
    pub bytes_read: u64,
    packed: HashMap<Digest, Bytes>,
}

/// What one file came to.
type Read = Result<(PlannedFile, Known), WalkError>;

/// Plans the publication of the directory `root`; its [`RULE_FILES`] are rules, and no files of the site. `cache` is brought up to date; write it when the plan is done.
///
/// # Errors
/// The first file that cannot be published, in the order of their paths.
pub fn plan(
    root: &Path,
    settings: &PlanSettings<'_>,
    cache: &mut Cache,
) -> Result<Planned, WalkError> {
    let mut found = walk(root)?;
    found.retain(|file| !RULE_FILES.contains(&file.path.as_str()));
    let reader = Reader {
        settings,
        cache,
        listed: bundler::listed(root),
        next: AtomicUsize::new(0),
        files_read: AtomicUsize::new(0),
        bytes_read: AtomicU64::new(0),
        packed: Mutex::default(),
    };
    let mut read: Vec<(usize, Read)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..settings.threads.max(1))
            .map(|_| scope.spawn(|| reader.read_all(&found)))
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| {
                thread
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })
            .collect()
    });
    read.sort_unstable_by_key(|(index, _)| *index);
    let mut planned = Planned {
        files: Vec::with_capacity(read.len()),
        files_read: reader.files_read.into_inner(),
        bytes_read: reader.bytes_read.into_inner(),
        packed: reader.packed.into_inner().unwrap_or_default().0,
    };
    // Before 1970 nothing has settled.
    let now = settings.now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = i128::try_from(now.as_nanos()).unwrap_or_default();
    let mut next = Cache::of(settings.codings);
    for (_, file) in read {
        let (file, known) = file?;
        next.push(&file.path, known, now);
        planned.files.push(file);
    }
    *cache = next;
    Ok(planned)
}

struct Reader<'a> {
    settings: &'a PlanSettings<'a>,
    cache: &'a Cache,
    listed: HashSet<String>,
    next: AtomicUsize,
    files_read: AtomicUsize,
    bytes_read: AtomicU64,
    /// The bytes of variants, and how many there are.
    packed: Mutex<(HashMap<Digest, Bytes>, u64)>,
}

impl Reader<'_> {
    /// Reads files until there are no more: one thread's work.
    fn read_all(&self, found: &[Found]) -> Vec<(usize, Read)> {
        let mut read = Vec::new();
        loop {
            let index = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(file) = found.get(index) else {
                return read;
            };
            let unreadable = |error| WalkError::Unreadable {
                path: file.file.clone(),
                error,
            };
            read.push((index, self.read(index, file).map_err(unreadable)));
        }
    }

    fn read(&self, index: usize, found: &Found) -> io::Result<(PlannedFile, Known)> {
        let content_type = media_type::of(&found.path);
        let known = match self.cache.get(index, &found.path, &found.stamp) {
            Some(known) if known.versioned == self.is_versioned(&found.path, &known.sha256) => {
                known.clone()
            }
            _ => self.read_bytes(found, &content_type)?,
        };
        let (class, cache_control) = self.settings.lifetimes.of(&found.path, known.versioned);
        let file = PlannedFile {
            path: found.path.clone(),
            file: found.file.clone(),
            size: known.stamp.size,
            sha256: known.sha256,
            content_type,
            cache_control,
            class,
            versioned: known.versioned,
            variants: known.variants.clone(),
        };
        Ok((file, known))
    }

    fn is_versioned(&self, path: &str, sha256: &Digest) -> bool {
        let name = path.rsplit('/').next().unwrap_or(path);
        self.listed.contains(name) || bundler::proves(path, sha256)
    }

    fn read_bytes(&self, found: &Found, content_type: &str) -> io::Result<Known> {
        let is_kept = compress::is_compressible(content_type, found.stamp.size);
        let (sha256, bytes) = read_unchanged(found, is_kept)?;
        self.files_read.fetch_add(1, Ordering::Relaxed);
        self.bytes_read
            .fetch_add(found.stamp.size, Ordering::Relaxed);
        let versioned = self.is_versioned(&found.path, &sha256);
        let mut variants = Vec::new();
        if is_kept {
            for coding in self.settings.codings {
                if let Some(packed) = compress::variant(&bytes, *coding, versioned)? {
                    variants.push(self.keep(*coding, packed));
                }
            }
        }
        Ok(Known {
            stamp: found.stamp,
            sha256,
            variants,
            versioned,
        })
    }

    fn keep(&self, coding: Coding, packed: Vec<u8>) -> Variant {
        let (size, sha256) = (packed.len() as u64, Digest::of(&packed));
        if let Ok(mut kept) = self.packed.lock()
            && kept.1 + size <= PACKED_BYTES_MAX
        {
            kept.1 += size;
            kept.0.insert(sha256, packed.into());
        }
        Variant {
            coding,
            size,
            sha256,
        }
    }
}

/// The digest of a file, and its bytes if they are to be kept.
fn read_unchanged(found: &Found, is_kept: bool) -> io::Result<(Digest, Vec<u8>)> {
    use sha2::Digest as _;
    let mut file = File::open(&found.file)?;
    let (mut hash, mut part, mut bytes) = (sha2::Sha256::new(), vec![0; PART_BYTES], Vec::new());
    let mut left = found.stamp.size;
    loop {
        let count = file.read(&mut part)?;
        let Some(read @ [_, ..]) = part.get(..count) else {
            break;
        };
        // A file that grows without end is seen to have changed.
        left = left.checked_sub(count as u64).ok_or_else(changed)?;
        hash.update(read);
        if is_kept {
            bytes.extend_from_slice(read);
        }
    }
    if Stamp::of(&file.metadata()?) != found.stamp {
        return Err(changed());
    }
    Ok((Digest::new(hash.finalize().into()), bytes))
}

fn changed() -> io::Error {
    io::Error::other("the file changed while it was read")
}

impl PlannedFile {
    /// What its key is made of: the stored bytes and all that is stored with them, of the file or of a variant.
    #[must_use]
    pub fn identity(&self, variant: Option<&Variant>) -> Digest {
        let sha256 = variant.map_or(&self.sha256, |variant| &variant.sha256);
        let coding = variant.map_or("", |variant| variant.coding.name());
        let text = format!(
            "{sha256}\n{}\n{}\n{coding}\n",
            self.content_type, self.cache_control
        );
        Digest::of(text.as_bytes())
    }
}

impl Planned {
    /// The bytes of a variant, made again if they were not kept.
    ///
    /// # Errors
    /// The file cannot be read any more, or has changed.
    pub fn packed(&self, file: &PlannedFile, variant: &Variant) -> io::Result<Bytes> {
        if let Some(packed) = self.packed.get(&variant.sha256) {
            return Ok(packed.clone());
        }
        let mut bytes = Vec::new();
        File::open(&file.file)?
            .take(file.size + 1)
            .read_to_end(&mut bytes)?;
        let packed = compress::variant(&bytes, variant.coding, file.versioned)?;
        let packed = packed.filter(|packed| Digest::of(packed) == variant.sha256);
        packed.map(Bytes::from).ok_or_else(changed)
    }
}

#[cfg(test)]
mod tests;
