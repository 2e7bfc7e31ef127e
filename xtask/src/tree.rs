//! The files of the project: where its root is, and which files belong to it.

use crate::command::Program;
use crate::steps::Failure;
use std::path::{Path, PathBuf};

/// Folders that hold nothing of the project, looked at only where git cannot say.
const NOT_OURS: &[&str] = &[".git", ".portcullis", ".tools", "node_modules", "target"];

/// The workspace's root.
pub(crate) fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

/// Every file of the project, as paths from the root, sorted: what git tracks; in an unpacked archive, every file
/// outside the build folders.
pub(crate) fn files() -> Result<Vec<String>, Failure> {
    let mut files = if root().join(".git").exists() {
        tracked()?
    } else {
        let mut found = Vec::new();
        walk(root(), &mut found)?;
        found
    };
    files.retain(|file| root().join(file).is_file());
    files.sort();
    Ok(files)
}

fn tracked() -> Result<Vec<String>, Failure> {
    // A container often runs as another user than the checkout's owner; git would refuse even to list.
    let listed = Program::new("git")
        .args(["-c", "safe.directory=*", "ls-files", "-z"])
        .output()?;
    Ok(String::from_utf8_lossy(&listed)
        .split_terminator('\0')
        .map(str::to_owned)
        .collect())
}

fn walk(folder: &Path, found: &mut Vec<String>) -> Result<(), Failure> {
    for entry in std::fs::read_dir(folder).map_err(Failure::io(folder.display()))? {
        let entry = entry.map_err(Failure::io(folder.display()))?;
        let name = entry.file_name();
        let kind = entry.file_type().map_err(Failure::io(folder.display()))?;
        if kind.is_dir() && !NOT_OURS.iter().any(|skipped| name == *skipped) {
            walk(&entry.path(), found)?;
        } else if kind.is_file() {
            found.push(from_root(&entry.path()));
        }
    }
    Ok(())
}

fn from_root(path: &Path) -> String {
    path.strip_prefix(root())
        .unwrap_or(path)
        .to_string_lossy()
        .replace('\\', "/")
}

/// Reads one file of the project.
pub(crate) fn read(path: &str) -> Result<Vec<u8>, Failure> {
    std::fs::read(root().join(path)).map_err(Failure::io(path))
}

/// Reads one text file of the project.
pub(crate) fn read_text(path: &str) -> Result<String, Failure> {
    std::fs::read_to_string(root().join(path)).map_err(Failure::io(path))
}

/// Writes a file, making the folders above it.
pub(crate) fn write(path: &Path, contents: &[u8]) -> Result<(), Failure> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(Failure::io(folder.display()))?;
    }
    std::fs::write(path, contents).map_err(Failure::io(path.display()))
}

/// The folder for what is built: `CARGO_TARGET_DIR`, or `target`.
pub(crate) fn target_dir() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| root().join("target"), |folder| root().join(folder))
}
