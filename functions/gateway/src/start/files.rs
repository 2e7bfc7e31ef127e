//! Files of the package: read within a limit, or mapped where nothing can change them.

use memmap2::{Mmap, MmapMut};
use portcullis_aws::environment::Environment;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

/// Where Lambda mounts layers, read-only.
const LAYERS: &str = "/opt";

/// A file that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the file `{}` cannot be read: {why}", path.display())]
pub struct FileError {
    path: PathBuf,
    why: io::Error,
}

impl FileError {
    fn of(path: &Path, why: io::Error) -> Self {
        Self {
            path: path.to_owned(),
            why,
        }
    }

    /// Whether there is no such file.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        self.why.kind() == io::ErrorKind::NotFound
    }
}

/// The contents of a file of at most `bytes_max` bytes.
///
/// # Errors
/// It is not there, not readable, or longer.
pub(super) fn read(path: &Path, bytes_max: usize) -> Result<Vec<u8>, FileError> {
    let fail = |why| FileError::of(path, why);
    let mut contents = Vec::new();
    // One byte more, so that a longer file is seen to be longer.
    let limit = bytes_max as u64 + 1;
    let file = File::open(path).map_err(fail)?;
    file.take(limit).read_to_end(&mut contents).map_err(fail)?;
    if contents.len() > bytes_max {
        return Err(fail(too_long(bytes_max)));
    }
    Ok(contents)
}

fn too_long(bytes_max: usize) -> io::Error {
    io::Error::new(
        io::ErrorKind::FileTooLarge,
        format!("it is longer than {bytes_max} bytes"),
    )
}

/// The contents of a file of at most `bytes_max` bytes: mapped if it is part of the function, whose files nobody can write
/// to, and copied otherwise.
///
/// # Errors
/// It is not there, not readable, empty, or longer.
pub(super) fn map(
    path: &Path,
    bytes_max: usize,
    environment: &Environment,
) -> Result<Mmap, FileError> {
    let fail = |why| FileError::of(path, why);
    if !is_packaged(path, environment) {
        return copy(&read(path, bytes_max)?).map_err(fail);
    }
    let file = File::open(path).map_err(fail)?;
    if file.metadata().map_err(fail)?.len() > bytes_max as u64 {
        return Err(fail(too_long(bytes_max)));
    }
    map_unchanging(&file).map_err(fail)
}

fn is_packaged(path: &Path, environment: &Environment) -> bool {
    let root = environment.get("LAMBDA_TASK_ROOT").unwrap_or(LAYERS);
    let real = |path: &Path| path.canonicalize().ok();
    real(path).is_some_and(|path| {
        [root, LAYERS]
            .iter()
            .any(|root| real(Path::new(root)).is_some_and(|r| path.starts_with(r)))
    })
}

#[expect(
    unsafe_code,
    reason = "a file can be mapped in no other way, and a copy would cost its size in memory"
)]
fn map_unchanging(file: &File) -> io::Result<Mmap> {
    // SAFETY: the bytes must not change while they are mapped. The caller has seen that the file is part of the deployed
    // function or of a layer; Lambda mounts both read-only and replaces them only together with the process.
    unsafe { Mmap::map(file) }
}

/// The bytes in memory of their own, in the form of a mapped file.
fn copy(bytes: &[u8]) -> io::Result<Mmap> {
    let mut map = MmapMut::map_anon(bytes.len())?;
    map.copy_from_slice(bytes);
    map.make_read_only()
}
