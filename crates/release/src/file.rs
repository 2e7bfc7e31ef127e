//! A ledger in a JSON file: what `portcullis dev` and local tools use.
//!
//! Always holds: a reader finds a whole ledger, the old or the new one, whatever stops a writer; writers take turns. Beside
//! `PATH` are `PATH_lock` and, while somebody writes, `PATH_new`. The file is the one truth; what readers poll
//! ([`Mirror`]) follows it, after a crash with the next command.

use crate::durable;
use crate::ledger::{LEDGER_BYTES_MAX, Ledger};
use crate::port::{LedgerPort, PortError, Written};
use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Tells readers what the ledger says now. Called with the lock held, also when nothing has changed.
pub type Mirror = dyn Fn(&Ledger) -> io::Result<()> + Send + Sync;

/// A ledger in a file.
#[derive(Clone)]
pub struct FileLedger {
    path: PathBuf,
    mirror: Option<Arc<Mirror>>,
}

impl FileLedger {
    /// The ledger in the file `path`.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        Self { path, mirror: None }
    }

    /// Tells `mirror` too.
    #[must_use]
    pub fn with_mirror(mut self, mirror: Arc<Mirror>) -> Self {
        self.mirror = Some(mirror);
        self
    }

    fn beside(&self, suffix: &str) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(suffix);
        name.into()
    }

    fn locked(&self) -> Result<(File, Ledger), PortError> {
        let turn = durable::lock(&self.beside("_lock")).map_err(|error| failed(&error))?;
        let ledger = read(&self.path)?;
        Ok((turn, ledger))
    }

    fn reflect(&self, ledger: &Ledger) -> Result<(), PortError> {
        let mirrored = self.mirror.as_ref().map_or(Ok(()), |mirror| mirror(ledger));
        mirrored.map_err(|error| failed(&error))
    }
}

/// Blocks while it reads and writes: for local tools.
impl LedgerPort for FileLedger {
    async fn load(&self) -> Result<Ledger, PortError> {
        let (_turn, ledger) = self.locked()?;
        self.reflect(&ledger)?;
        Ok(ledger)
    }

    async fn store(&self, expected: u64, ledger: &Ledger) -> Result<Written, PortError> {
        let (_turn, held) = self.locked()?;
        if held.version != expected {
            return Ok(Written::Conflict);
        }
        let text = ledger
            .to_json()
            .map_err(|error| PortError::Full(error.to_string()))?;
        let replaced = durable::replace(&self.path, &self.beside("_new"), &text);
        replaced.map_err(|error| failed(&error))?;
        self.reflect(ledger)?;
        Ok(Written::Yes)
    }
}

fn read(path: &Path) -> Result<Ledger, PortError> {
    let mut text = Vec::new();
    // One byte more than a ledger may have, so that a longer file is seen to be longer.
    let limit = LEDGER_BYTES_MAX as u64 + 1;
    match File::open(path).and_then(|file| file.take(limit).read_to_end(&mut text)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Ledger::default()),
        Err(error) => Err(failed(&error)),
        Ok(_) => Ledger::from_json(&text).map_err(|error| PortError::Malformed(error.to_string())),
    }
}

pub(crate) fn failed(error: &io::Error) -> PortError {
    match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            PortError::Denied(error.to_string())
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            PortError::Full(error.to_string())
        }
        _ => PortError::Unavailable(error.to_string()),
    }
}

impl fmt::Debug for FileLedger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FileLedger").field(&self.path).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::{FileLedger, Mirror};
    use crate::conformance;
    use crate::ledger::Ledger;
    use crate::port::{LedgerPort as _, PortError};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    #[tokio::test]
    async fn it_keeps_the_promises_of_a_ledger_and_tells_its_readers() {
        let directory = tempfile::tempdir().unwrap();
        let heard = Arc::new(AtomicU64::new(0));
        let hears = Arc::clone(&heard);
        let mirror: Arc<Mirror> = Arc::new(move |ledger: &Ledger| {
            hears.store(ledger.version, Ordering::Relaxed);
            Ok(())
        });
        let ledger = FileLedger::new(directory.path().join("ledger.json")).with_mirror(mirror);
        conformance::ledger(&ledger).await;
        assert_eq!(
            heard.load(Ordering::Relaxed),
            ledger.load().await.unwrap().version
        );
    }

    #[tokio::test]
    async fn what_is_no_ledger_is_refused_and_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ledger.json");
        std::fs::write(&path, "{").unwrap();
        let ledger = FileLedger::new(&path);
        let next = Ledger {
            version: 1,
            ..Ledger::default()
        };
        assert!(matches!(
            ledger.store(0, &next).await,
            Err(PortError::Malformed(_))
        ));
        assert_eq!(std::fs::read(&path).unwrap(), b"{");
    }
}
