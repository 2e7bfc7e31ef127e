//! Opening exactly the file that a key spells, and the digest of its bytes.
//!
//! Always holds: an opened file is a regular one, reached through no link; a digest is that of the bytes of the open
//! file; a remembered digest belongs to a file that has not been written since, as far as the file system can tell.

use super::{PART_BYTES_MAX, unreadable};
use crate::store::StoreError;
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// How many digests are remembered.
const DIGESTS_MAX: usize = 8_192;

/// A file that was written less than this many nanoseconds ago may be written again without a new time of change.
const SETTLED_NANOSECONDS: i128 = 2_000_000_000;

/// What changes when a file does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Stamp {
    device: u64,
    inode: u64,
    pub(super) size: u64,
    /// When the bytes changed, in nanoseconds since the epoch.
    modified: i128,
    /// When bytes, name or permissions changed, in nanoseconds since the epoch.
    changed: i128,
}

impl Stamp {
    pub(super) fn of(metadata: &fs::Metadata) -> Self {
        let nanoseconds =
            |seconds: i64, rest: i64| i128::from(seconds) * 1_000_000_000 + i128::from(rest);
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
            changed: nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// When the bytes changed, in seconds since the epoch; `None` before it.
    pub(super) fn modified_seconds(&self) -> Option<u64> {
        u64::try_from(self.modified / 1_000_000_000).ok()
    }

    fn is_settled(&self) -> bool {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let now = i128::try_from(now.as_nanos()).unwrap_or_default();
        now - self.modified.max(self.changed) > SETTLED_NANOSECONDS
    }
}

/// A file open for reading, and what it was when it was opened.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) file: File,
    pub(super) stamp: Stamp,
}

impl Opened {
    /// Opens the file `relative` to `root`. `None` if there is none, or it is not exactly there.
    pub(super) fn open(root: &Path, relative: &Path) -> Result<Option<Self>, StoreError> {
        absent(Self::try_open(root, relative))
            .map(Option::flatten)
            .map_err(unreadable)
    }

    fn try_open(root: &Path, relative: &Path) -> io::Result<Option<Self>> {
        let path = root.canonicalize()?.join(relative);
        let named = fs::symlink_metadata(&path)?;
        // Checked before opening, which would wait for the writer of a named pipe.
        if !named.is_file() || path.canonicalize()? != path {
            return Ok(None);
        }
        let file = File::open(&path)?;
        let stamp = Stamp::of(&file.metadata()?);
        let same = (stamp.device, stamp.inode) == (named.dev(), named.ino());
        Ok(same.then_some(Self { file, stamp }))
    }

    /// Whether the open file is still the one of this name.
    pub(super) fn is_current(&self, root: &Path, relative: &Path) -> Result<bool, StoreError> {
        let named = absent(fs::metadata(root.join(relative))).map_err(unreadable)?;
        Ok(named.is_some_and(|named| {
            (named.dev(), named.ino()) == (self.stamp.device, self.stamp.inode)
        }))
    }

    /// Whether the bytes are what they were when the file was opened. Its name may have gone to another file since.
    pub(super) fn is_unchanged(&self) -> io::Result<bool> {
        let now = Stamp::of(&self.file.metadata()?);
        Ok((now.size, now.modified) == (self.stamp.size, self.stamp.modified))
    }

    fn hash(&mut self) -> io::Result<Option<[u8; 32]>> {
        let mut digest = Sha256::new();
        let mut part = vec![0; PART_BYTES_MAX];
        let mut rest = (&self.file).take(self.stamp.size);
        loop {
            match rest.read(&mut part)? {
                0 => break,
                read => digest.update(part.get(..read).unwrap_or_default()),
            }
        }
        self.file.rewind()?;
        Ok(self.is_unchanged()?.then(|| digest.finalize().into()))
    }
}

/// `None` where nothing of that name exists.
fn absent<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) => match error.kind() {
            io::ErrorKind::NotFound
            | io::ErrorKind::NotADirectory
            | io::ErrorKind::InvalidFilename => Ok(None),
            _ => Err(error),
        },
    }
}

/// Digests of files, the most recently used ones.
#[derive(Debug, Default)]
pub(super) struct Contents(Mutex<Generations>);

#[derive(Debug, Default)]
struct Generations {
    young: HashMap<Stamp, [u8; 32]>,
    old: HashMap<Stamp, [u8; 32]>,
}

impl Contents {
    /// The SHA-256 of the file's bytes; `None` if it changes while it is read. Reads the file if it is not remembered.
    pub(super) fn sha256(&self, opened: &mut Opened) -> Result<Option<[u8; 32]>, StoreError> {
        if let Some(known) = self.generations().get(&opened.stamp) {
            return Ok(Some(known));
        }
        let digest = opened.hash().map_err(unreadable)?;
        if let Some(digest) = digest.filter(|_| opened.stamp.is_settled()) {
            self.generations().insert(opened.stamp, digest);
        }
        Ok(digest)
    }

    fn generations(&self) -> std::sync::MutexGuard<'_, Generations> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Generations {
    fn get(&mut self, stamp: &Stamp) -> Option<[u8; 32]> {
        if let Some(known) = self.young.get(stamp) {
            return Some(*known);
        }
        let known = self.old.remove(stamp)?;
        self.insert(*stamp, known);
        Some(known)
    }

    fn insert(&mut self, stamp: Stamp, digest: [u8; 32]) {
        if self.young.len() >= DIGESTS_MAX / 2 {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(stamp, digest);
    }
}

#[cfg(test)]
mod tests {
    use super::{DIGESTS_MAX, Generations, Stamp};

    fn stamp(inode: u64) -> Stamp {
        Stamp {
            device: 0,
            inode,
            size: 0,
            modified: 0,
            changed: 0,
        }
    }

    #[test]
    fn the_memory_is_bounded_and_keeps_what_is_used() {
        let mut memory = Generations::default();
        memory.insert(stamp(0), [7; 32]);
        for inode in 1..DIGESTS_MAX as u64 * 3 {
            memory.insert(stamp(inode), [0; 32]);
            assert_eq!(memory.get(&stamp(0)), Some([7; 32]), "used all the time");
            assert!(memory.young.len() + memory.old.len() <= DIGESTS_MAX);
        }
        assert_eq!(memory.get(&stamp(1)), None, "not used for long");
    }
}
