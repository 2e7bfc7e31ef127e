//! A directory as buckets: what `portcullis dev` serves, and what tests and local tools write with [`DirectoryWriter`].
//!
//! ```text
//! ROOT/BUCKET/KEY                        an object
//! ROOT/.portcullis/BUCKET/KEY.json       what is said of it: type, coding, lifetime (`sidecar`)
//! ```
//!
//! A bucket may also be any directory of its own ([`DirectoryStore::with_bucket`]); its metadata is then below
//! `DIRECTORY/.portcullis/objects/`.
//!
//! **Keys and file names.** A key is the file's path below its bucket, byte for byte, segment by segment: nothing is
//! encoded, so a space, `+`, `@`, `=`, `?`, a quote or a letter with an accent stands in the file name as it is. What no
//! file can be called is missing: an empty or dot segment (a key that ends in `/` names a directory), a segment of more
//! than [`SEGMENT_BYTES_MAX`] bytes, and everything below `.portcullis`. Unlike S3, a directory cannot hold both `a` and
//! `a/b`.
//!
//! Always holds:
//! - The file that is read is the one its key spells: a path that leads through a symbolic link, or differs from the
//!   key in case or normalisation where the file system does not care, is missing. So nothing outside the bucket is read,
//!   and no file has two keys that two policies could govern.
//! - The entity tag is the SHA-256 of the bytes that are read. It is remembered, within a bound, for files that have not
//!   changed; what changes while it is read ends with [`StoreError::Broken`].
//! - An object of any size is read in parts of [`PART_BYTES_MAX`].
//!
//! Deliberately absent: media types of files without metadata, which is the server's guess to make.

mod body;
mod content;
mod layout;
mod sidecar;
mod write;

pub use write::DirectoryWriter;

use crate::field::StrongTag;
use crate::store::{
    Fetched, Metadata, Object, ObjectRef, ObjectStore, Selection, StoreError, Want,
};
use body::FileBody;
use bytes::Bytes;
use content::{Contents, Opened};
use http_body_util::{BodyExt as _, Empty};
use layout::{Layout, Place};
use portcullis_site::Bucket;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// The longest segment of a key that can be a file name, in bytes.
pub const SEGMENT_BYTES_MAX: usize = 255;

/// The largest part of a file that is read at once, in bytes.
pub const PART_BYTES_MAX: usize = 256 * 1024;

/// How often a read begins again because the object was replaced under it.
const READS_MAX: usize = 3;

/// A store of objects in directories.
#[derive(Debug, Clone)]
pub struct DirectoryStore {
    layout: Layout,
    contents: Arc<Contents>,
}

impl DirectoryStore {
    /// Every directory below `root` is a bucket.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self::of(Layout::below(root.into()))
    }

    /// No bucket but those that are added.
    #[must_use]
    pub fn without_root() -> Self {
        Self::of(Layout::default())
    }

    /// Adds `directory` as the bucket `name`, whatever is below the root.
    #[must_use]
    pub fn with_bucket(mut self, name: Bucket, directory: impl Into<PathBuf>) -> Self {
        self.layout.add(name, directory.into());
        self
    }

    fn of(layout: Layout) -> Self {
        let contents = Arc::default();
        Self { layout, contents }
    }

    async fn read(&self, object: &ObjectRef) -> Result<Option<Found>, StoreError> {
        let Some(place) = self.layout.place(&object.bucket, &object.key) else {
            return Ok(None);
        };
        let contents = Arc::clone(&self.contents);
        tokio::task::spawn_blocking(move || find(&place, &contents))
            .await
            .map_err(|_| StoreError::Unavailable("the read was cancelled".to_owned()))?
    }
}

impl ObjectStore for DirectoryStore {
    async fn get(&self, object: &ObjectRef, want: &Want) -> Result<Fetched, StoreError> {
        let Some(Found { opened, metadata }) = self.read(object).await? else {
            return Ok(Fetched::Missing);
        };
        let part = match want.select(&metadata) {
            Selection::Changed => return Ok(Fetched::Changed),
            Selection::NotModified => return Ok(Fetched::NotModified(metadata)),
            Selection::Unsatisfiable => {
                let size = Some(metadata.size);
                return Ok(Fetched::Unsatisfiable { size });
            }
            Selection::Whole => None,
            Selection::Part(part) => Some(part),
        };
        let (first, length) = part.map_or((0, metadata.size), |part| (part.first(), part.len()));
        let body = match length {
            0 => Empty::<Bytes>::new()
                .map_err(|never| match never {})
                .boxed_unsync(),
            _ => FileBody::new(opened, first, length).boxed_unsync(),
        };
        Ok(Object { metadata, body }.fetched(part))
    }

    async fn head(&self, object: &ObjectRef) -> Result<Option<Metadata>, StoreError> {
        let found = self.read(object).await?;
        Ok(found.map(|found| found.metadata))
    }
}

/// An object, open for reading.
struct Found {
    opened: Opened,
    metadata: Metadata,
}

fn find(place: &Place, contents: &Contents) -> Result<Option<Found>, StoreError> {
    for _ in 0..READS_MAX {
        let Some(mut opened) = Opened::open(&place.objects, &place.object)? else {
            return Ok(None);
        };
        let Some(sha256) = contents.sha256(&mut opened)? else {
            continue;
        };
        let descriptions = sidecar::read(place)?;
        let mut metadata = Metadata {
            size: opened.stamp.size,
            etag: StrongTag::parse(format!("\"{}\"", hex(&sha256)).as_bytes()),
            last_modified: opened.stamp.modified_seconds(),
            sha256: Some(sha256),
            ..Metadata::default()
        };
        if let Some(raw) = sidecar::describing(&descriptions, &sha256) {
            metadata.describe(&raw);
        } else if !descriptions.is_empty() && !opened.is_current(&place.objects, &place.object)? {
            continue;
        }
        return Ok(Some(Found { opened, metadata }));
    }
    Err(StoreError::Unavailable(
        "the object changes faster than it can be read".to_owned(),
    ))
}

fn hex(digest: &[u8; 32]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the shape that map_err calls"
)]
fn unreadable(error: io::Error) -> StoreError {
    match error.kind() {
        io::ErrorKind::PermissionDenied => StoreError::Denied(error.kind().to_string()),
        kind => StoreError::Unavailable(kind.to_string()),
    }
}

#[cfg(test)]
mod tests;
