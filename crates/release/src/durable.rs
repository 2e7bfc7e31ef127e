//! Files that are either the old ones or the new ones, whatever stops the process.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

/// Holds the exclusive lock of `path` until it is dropped. The system releases it when the process dies.
pub(crate) fn lock(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)?;
    file.lock()?;
    Ok(file)
}

/// Puts `bytes` at `path` in one step. `temporary` is on the same file system and nobody else's.
pub(crate) fn replace(path: &Path, temporary: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    drop(file);
    fs::rename(temporary, path)?;
    path.parent().map_or(Ok(()), sync_directory)
}

/// Makes what was done in `directory` last.
pub(crate) fn sync_directory(directory: &Path) -> io::Result<()> {
    // The parent of a bare file name is empty and means the working directory.
    let named = !directory.as_os_str().is_empty();
    File::open(if named { directory } else { Path::new(".") })?.sync_all()
}
