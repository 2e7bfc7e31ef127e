//! The state of a site in a JSON file: what `portcullis dev` and `serve` read, and local tools write.
//!
//! Always holds: a reader finds a whole state, the old or the new one, whatever stops a writer; writers take turns; no
//! write takes a part back ([`SiteState::advance`]). Beside `PATH` writers keep `PATH_lock` and, while they write,
//! `PATH_new`.

use super::{HeldBack, STATE_BYTES_MAX, SiteState, StateError, StateStore};
use crate::durable;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

/// A state in a file.
#[derive(Debug, Clone)]
pub struct FileState {
    path: PathBuf,
}

/// Why a change was not written.
#[derive(Debug, thiserror::Error)]
pub enum UpdateError {
    /// The state that is there cannot be read.
    #[error(transparent)]
    Unreadable(#[from] StateError),
    /// The change would take parts back.
    #[error("the change would take {0:?} back")]
    Back(Vec<HeldBack>),
    /// The changed state is longer than [`STATE_BYTES_MAX`].
    #[error("the changed state is longer than {STATE_BYTES_MAX} bytes")]
    TooLong,
    /// The system's reason.
    #[error("the state cannot be written: {0}")]
    Unwritten(#[from] io::Error),
}

impl FileState {
    /// The state in the file `path`.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        Self { path }
    }

    /// Changes the state, or the empty one if there is none, while no other writer does. Blocks until the disk has it;
    /// for local tools only.
    ///
    /// # Errors
    /// [`UpdateError`]; the file is then as it was.
    pub fn update(&self, change: impl FnOnce(&mut SiteState)) -> Result<SiteState, UpdateError> {
        let _turn = durable::lock(&self.beside("_lock"))?;
        let old = match read(&self.path) {
            Err(StateError::Missing) => SiteState::default(),
            other => other?,
        };
        let mut new = old.clone();
        change(&mut new);
        let held_back = old.advance(new.clone()).held_back;
        if !held_back.is_empty() {
            return Err(UpdateError::Back(held_back));
        }
        let text = serde_json::to_vec_pretty(&new).map_err(io::Error::from)?;
        if text.len() > STATE_BYTES_MAX {
            return Err(UpdateError::TooLong);
        }
        durable::replace(&self.path, &self.beside("_new"), &text)?;
        Ok(new)
    }

    fn beside(&self, suffix: &str) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(suffix);
        name.into()
    }
}

impl StateStore for FileState {
    async fn load(&self) -> Result<SiteState, StateError> {
        let path = self.path.clone();
        tokio::task::spawn_blocking(move || read(&path))
            .await
            .map_err(|_| StateError::Unavailable("the read was cancelled".to_owned()))?
    }
}

fn read(path: &Path) -> Result<SiteState, StateError> {
    let mut text = Vec::new();
    // One byte more than a state may have, so that a longer file is seen to be longer.
    let limit = STATE_BYTES_MAX as u64 + 1;
    File::open(path)
        .and_then(|file| file.take(limit).read_to_end(&mut text))
        .map_err(|error| unreadable(&error))?;
    SiteState::from_json(&text)
}

fn unreadable(error: &io::Error) -> StateError {
    match error.kind() {
        io::ErrorKind::NotFound => StateError::Missing,
        io::ErrorKind::PermissionDenied => StateError::Denied(error.to_string()),
        _ => StateError::Unavailable(error.to_string()),
    }
}

#[cfg(test)]
mod tests;
