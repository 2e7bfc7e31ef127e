//! Reading a manifest from disk, with every mistake shown where it stands.

use crate::exit::{Exit, Failure};
use anstream::eprint;
use portcullis_manifest::{Compiled, Folder, MANIFEST_BYTES_MAX, compile, render};
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// The name a manifest has in its folder.
pub(crate) const MANIFEST: &str = "portcullis.yaml";

/// A manifest that compiles, and where it is.
#[derive(Debug)]
pub(crate) struct Manifest {
    pub(crate) compiled: Compiled,
    /// The file as it was named.
    pub(crate) name: String,
    /// The folder it is in.
    pub(crate) folder: PathBuf,
}

/// Why a manifest does not compile.
#[derive(Debug)]
pub(crate) enum LoadError {
    /// It cannot be read.
    Unreadable(Failure),
    /// It has mistakes.
    Mistakes(portcullis_manifest::Diagnostics),
}

impl std::fmt::Display for LoadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unreadable(failure) => failure.fmt(f),
            Self::Mistakes(diagnostics) => f.write_str(&diagnostics.render(false)),
        }
    }
}

impl From<LoadError> for Failure {
    /// Prints the mistakes; the failure itself has nothing to add.
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Unreadable(failure) => failure,
            LoadError::Mistakes(diagnostics) => {
                eprint!("{}", diagnostics.render(true));
                Self::new(Exit::Findings, "")
            }
        }
    }
}

/// The path of the manifest: the file itself, or the one in a folder.
pub(crate) fn path_of(named: &Path) -> PathBuf {
    if named.is_dir() {
        named.join(MANIFEST)
    } else {
        named.to_owned()
    }
}

/// Compiles the manifest at `named`, a file or its folder; warnings are printed.
pub(crate) fn load(named: &Path) -> Result<Manifest, LoadError> {
    let manifest = quietly(named)?;
    eprint!(
        "{}",
        render(&manifest.name, &manifest.compiled.warnings, true)
    );
    Ok(manifest)
}

/// The same without a word.
pub(crate) fn quietly(named: &Path) -> Result<Manifest, LoadError> {
    let path = path_of(named);
    let name = path.display().to_string();
    let source = read(&path).map_err(|why| {
        let failure = Failure::failed(format!("the manifest `{name}` cannot be read: {why}"));
        LoadError::Unreadable(failure.help("name another file, or make one with `portcullis init`"))
    })?;
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    let files = Folder(if folder.as_os_str().is_empty() {
        PathBuf::from(".")
    } else {
        folder.clone()
    });
    let compiled = compile(&source, &name, &files).map_err(LoadError::Mistakes)?;
    Ok(Manifest {
        compiled,
        name,
        folder,
    })
}

/// The text of a file that may be a manifest. One that is too long is cut where the compiler refuses it.
fn read(path: &Path) -> Result<String, String> {
    let file = std::fs::File::open(path).map_err(|e| e.to_string())?;
    let mut bytes = Vec::new();
    let limit = MANIFEST_BYTES_MAX as u64 + 1;
    file.take(limit)
        .read_to_end(&mut bytes)
        .map_err(|e| e.to_string())?;
    String::from_utf8(bytes).map_err(|_| "it is not UTF-8 text".to_owned())
}
