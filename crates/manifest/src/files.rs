//! The files a manifest names, behind a trait: a folder on disk for the command line, a map for tests and editors.

use std::collections::BTreeMap;
use std::io::{self, Read as _};
use std::path::PathBuf;

/// The files beside a manifest.
pub trait Files {
    /// The content of `path`, which is relative, written with `/` and without `..`; at most `limit` bytes and one more.
    ///
    /// # Errors
    /// Whatever keeps it from being read.
    fn read(&self, path: &str, limit: usize) -> io::Result<Vec<u8>>;
}

/// The files of a folder.
#[derive(Debug, Clone)]
pub struct Folder(pub PathBuf);

impl Files for Folder {
    fn read(&self, path: &str, limit: usize) -> io::Result<Vec<u8>> {
        let file = std::fs::File::open(self.0.join(path))?;
        let mut content = Vec::new();
        file.take(u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1))
            .read_to_end(&mut content)?;
        Ok(content)
    }
}

/// Files in memory, by path.
impl Files for BTreeMap<String, Vec<u8>> {
    fn read(&self, path: &str, _: usize) -> io::Result<Vec<u8>> {
        self.get(path)
            .cloned()
            .ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }
}

/// The text of a file of at most `limit` bytes, or why there is none; the reason is the same on every system.
pub(crate) fn read_bounded(files: &dyn Files, path: &str, limit: usize) -> Result<String, String> {
    let content = files
        .read(path, limit)
        .map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => "there is no such file".to_owned(),
            io::ErrorKind::PermissionDenied => "reading it is not permitted".to_owned(),
            kind => kind.to_string(),
        })?;
    if content.len() > limit {
        return Err(format!("it has more than {limit} bytes"));
    }
    String::from_utf8(content).map_err(|_| "it is not text".to_owned())
}
