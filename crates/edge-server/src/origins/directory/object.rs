//! A file as an object.
//!
//! Always holds: the file that is read is the one whose name was checked, it lies below the root, and no part of its path
//! is a link. Files are opened and read off the runtime's threads.

use crate::body::{Body, BodyError};
use bytes::Bytes;
use futures_util::stream;
use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path};
use std::time::{SystemTime, UNIX_EPOCH};

/// Up to here an object is read at once, in bytes; above, in parts of this size.
const PART_BYTES: u64 = 128 * 1024;

/// An open file.
#[derive(Debug)]
pub(super) struct Object {
    file: File,
    bytes: u64,
    modified: SystemTime,
}

impl Object {
    /// The object of a key; `None` where there is no such file.
    pub(super) async fn open(root: &Path, key: &str) -> Option<Self> {
        let relative = Path::new(key);
        let is_plain = |part| matches!(part, Component::Normal(_));
        // `Path` passes over what a key must not have: an empty segment, `.`, a slash at the end.
        let has_gaps = key.split('/').any(|part| part.is_empty() || part == ".");
        if has_gaps || key.contains('\0') || !relative.components().all(is_plain) {
            return None;
        }
        let (root, relative) = (root.to_owned(), relative.to_owned());
        let opened = tokio::task::spawn_blocking(move || open(&root, &relative));
        opened.await.ok()?.ok()
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// When it was changed, in seconds since 1970-01-01T00:00:00Z.
    pub(super) fn modified_s(&self) -> u64 {
        self.since_epoch().as_secs()
    }

    /// Its entity tag, in quotes. It looks like a digest and is none.
    pub(super) fn etag(&self) -> String {
        let nanoseconds = self.since_epoch().as_nanos();
        let time = u64::try_from(nanoseconds & u128::from(u64::MAX)).unwrap_or(0);
        format!("\"{time:016x}{:016x}\"", self.bytes)
    }

    fn since_epoch(&self) -> std::time::Duration {
        self.modified.duration_since(UNIX_EPOCH).unwrap_or_default()
    }

    /// `length` bytes from `first` on.
    pub(super) async fn body(mut self, first: u64, length: u64) -> io::Result<Body> {
        let read = tokio::task::spawn_blocking(move || {
            self.file.seek(SeekFrom::Start(first))?;
            if length > PART_BYTES {
                return Ok(Body::parts(
                    stream::unfold(Some((self.file, length)), part),
                    Some(length),
                ));
            }
            read_part(&mut self.file, length).map(Body::from)
        });
        read.await.map_err(io::Error::other)?
    }
}

fn open(root: &Path, relative: &Path) -> io::Result<Object> {
    let path = root.canonicalize()?.join(relative);
    let named = fs::symlink_metadata(&path)?;
    // Asked before opening: to open a pipe would wait for its writer.
    if !named.is_file() || path.canonicalize()? != path {
        return Err(io::ErrorKind::NotFound.into());
    }
    let file = File::open(&path)?;
    let metadata = file.metadata()?;
    if (metadata.dev(), metadata.ino()) != (named.dev(), named.ino()) {
        return Err(io::ErrorKind::NotFound.into());
    }
    Ok(Object {
        bytes: metadata.len(),
        modified: metadata.modified()?,
        file,
    })
}

fn read_part(file: &mut File, length: u64) -> io::Result<Bytes> {
    let mut part = vec![0; usize::try_from(length).map_err(io::Error::other)?];
    file.read_exact(&mut part)?;
    Ok(part.into())
}

type Left = Option<(File, u64)>;

/// The next part, and what is left behind it.
async fn part(left: Left) -> Option<(Result<Bytes, BodyError>, Left)> {
    let (mut file, left) = left.filter(|(_, left)| *left > 0)?;
    let length = left.min(PART_BYTES);
    let read = tokio::task::spawn_blocking(move || {
        let part = read_part(&mut file, length)?;
        Ok::<_, io::Error>((part, file))
    });
    match read.await {
        Ok(Ok((part, file))) => Some((Ok(part), Some((file, left - length)))),
        Ok(Err(_)) | Err(_) => Some((Err(BodyError::Truncated), None)),
    }
}
