//! Writing objects into directories, for local tools and tests. The store that serves requests has no such function.
//!
//! Always holds: a process that is stopped anywhere leaves every object as it was or as it was to be, with the
//! description of that content; writers of one bucket take turns.

use super::content::Opened;
use super::layout::{Layout, Place};
use super::sidecar::{self, Description};
use crate::durable;
use crate::object_path::ObjectKey;
use crate::store::RawMetadata;
use portcullis_site::Bucket;
use sha2::{Digest as _, Sha256};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// How many descriptions of earlier contents stay until the new content is in place.
const EARLIER_DESCRIPTIONS_MAX: usize = 2;

/// Writes what a [`super::DirectoryStore`] of the same directories reads.
#[derive(Debug, Clone)]
pub struct DirectoryWriter {
    layout: Layout,
}

impl DirectoryWriter {
    /// Every directory below `root` is a bucket.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        let layout = Layout::below(root.into());
        Self { layout }
    }

    /// Adds `directory` as the bucket `name`, whatever is below the root.
    #[must_use]
    pub fn with_bucket(mut self, name: Bucket, directory: impl Into<PathBuf>) -> Self {
        self.layout.add(name, directory.into());
        self
    }

    /// Puts an object in place, whole and with what is said of it. Blocks until the disk has it.
    ///
    /// # Errors
    /// No file can have this key, another object's name is in the way, a link leads elsewhere, a value of `raw` is not
    /// UTF-8, or the system's own reason.
    pub fn put(
        &self,
        bucket: &Bucket,
        key: &ObjectKey,
        bytes: &[u8],
        raw: &RawMetadata,
    ) -> io::Result<()> {
        let place = self.place(bucket, key)?;
        let _turn = take_turn(&place)?;
        let new = Description::of(&Sha256::digest(bytes).into(), raw)?;
        let mut both = sidecar::read(&place).map_err(io::Error::other)?;
        both.truncate(EARLIER_DESCRIPTIONS_MAX);
        both.insert(0, new.clone());
        write_sidecar(&place, &both)?;
        write(&place.objects, &place.object, &place.temporary(), bytes)?;
        if both.len() > 1 {
            write_sidecar(&place, &[new])?;
        }
        Ok(())
    }

    /// Removes an object and what is said of it. Blocks until the disk has it.
    ///
    /// # Errors
    /// There is no such object, or the system's own reason.
    pub fn remove(&self, bucket: &Bucket, key: &ObjectKey) -> io::Result<()> {
        let place = self.place(bucket, key)?;
        let _turn = take_turn(&place)?;
        let exact =
            |root: &Path, relative: &Path| Opened::open(root, relative).map_err(io::Error::other);
        if exact(&place.objects, &place.object)?.is_none() {
            return Err(io::ErrorKind::NotFound.into());
        }
        durable::remove(&place.objects.join(&place.object))?;
        if exact(&place.metadata, &place.sidecar)?.is_some() {
            durable::remove(&place.metadata.join(&place.sidecar))?;
        }
        Ok(())
    }

    fn place(&self, bucket: &Bucket, key: &ObjectKey) -> io::Result<Place> {
        let place = self.layout.place(bucket, key);
        place.ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidFilename, "no file can have this key")
        })
    }
}

fn take_turn(place: &Place) -> io::Result<File> {
    fs::create_dir_all(&place.objects)?;
    fs::create_dir_all(&place.metadata)?;
    durable::lock(&place.lock())
}

fn write_sidecar(place: &Place, descriptions: &[Description]) -> io::Result<()> {
    let text = serde_json::to_vec_pretty(descriptions)?;
    write(&place.metadata, &place.sidecar, &place.temporary(), &text)
}

/// Writes `relative` to `root` as one step, and never through a link.
fn write(root: &Path, relative: &Path, temporary: &Path, bytes: &[u8]) -> io::Result<()> {
    let root = root.canonicalize()?;
    let path = root.join(relative);
    let directory = path.parent().unwrap_or(&root);
    let existing = directory
        .ancestors()
        .find(|above| above.exists())
        .unwrap_or(&root);
    if existing.canonicalize()? != existing {
        return Err(io::Error::new(
            io::ErrorKind::InvalidFilename,
            "the key leads through a link",
        ));
    }
    durable::make_directories(&root, directory)?;
    durable::replace(&path, temporary, bytes)
}
