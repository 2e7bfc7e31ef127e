//! The manifests of a site's releases, opened: what is in memory between requests.
//!
//! What always holds:
//! - a [`Snapshot`] does not change; a request takes one and is answered by it to its end;
//! - a snapshot is replaced by one of a higher epoch alone, and only when the manifest of what is live in it was read and
//!   has the digest that it is named by; until then the last good one serves;
//! - at most one request reads the next snapshot while the others go on with the last; a failure is not tried again for
//!   [`RETRY_AFTER`];
//! - a manifest is read once; a small one is in memory, a larger one in a file that nobody else can name.
//!
//! Deliberately absent: which release answers a request, and what; that is serving's.

mod held;
mod slot;

pub use held::{IN_MEMORY_MAX, MANIFEST_BYTES_MAX};

pub(crate) use held::Held;
pub(crate) use slot::{Document, Opened};

use crate::serve::OriginFault;
use arc_swap::ArcSwapOption;
use portcullis_release_manifest::ReleaseId;
use portcullis_release_manifest::serving::{Serving, Stored};
use slot::Slot;
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// How long after a failure the same manifest is not read again.
pub const RETRY_AFTER: Duration = Duration::from_secs(5);

/// The releases of one site, shared by all requests of a process.
#[derive(Debug, Default)]
pub struct Releases {
    current: ArcSwapOption<Snapshot>,
    /// Held by whoever makes the next snapshot.
    turn: Mutex<Option<Failed>>,
}

/// The releases of one epoch.
#[derive(Debug)]
pub struct Snapshot {
    serving: Serving,
    slots: BTreeMap<ReleaseId, Arc<Slot>>,
}

/// A snapshot that could not be made.
#[derive(Debug, Clone, Copy)]
struct Failed {
    epoch: u64,
    until: Instant,
    fault: OriginFault,
}

/// Reads manifests.
pub(crate) trait Reader {
    /// Opens the manifest of a release.
    fn open(&self, stored: Stored) -> impl Future<Output = Result<Opened, OriginFault>> + Send;
}

impl Releases {
    /// The epoch that requests are answered by; 0 before the first.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        let current = self.current.load();
        current
            .as_ref()
            .map_or(0, |snapshot| snapshot.serving.epoch)
    }

    /// The snapshot of `serving`, or a newer one, or the last good one.
    pub(crate) async fn snapshot(
        &self,
        serving: &Serving,
        reader: &impl Reader,
    ) -> Result<Arc<Snapshot>, OriginFault> {
        let current = self.current.load_full();
        let is_new = |snapshot: &Arc<Snapshot>| snapshot.serving.epoch >= serving.epoch;
        if let Some(snapshot) = current.clone().filter(is_new) {
            return Ok(snapshot);
        }
        let mut turn = match (&current, self.turn.try_lock()) {
            (_, Ok(turn)) => turn,
            (Some(last), Err(_)) => return Ok(Arc::clone(last)),
            (None, Err(_)) => self.turn.lock().await,
        };
        // Whoever had the turn before may have made it.
        let last = self.current.load_full();
        if let Some(snapshot) = last.clone().filter(is_new) {
            return Ok(snapshot);
        }
        let failed =
            turn.filter(|failed| failed.epoch == serving.epoch && Instant::now() < failed.until);
        let made = match failed {
            Some(failed) => Err(failed.fault),
            None => self.advance(last.as_deref(), serving, reader).await,
        };
        match made {
            Ok(snapshot) => {
                *turn = None;
                Ok(snapshot)
            }
            Err(fault) => {
                let until = Instant::now() + RETRY_AFTER;
                let epoch = serving.epoch;
                *turn = failed.or(Some(Failed {
                    epoch,
                    until,
                    fault,
                }));
                last.ok_or(fault)
            }
        }
    }

    async fn advance(
        &self,
        last: Option<&Snapshot>,
        serving: &Serving,
        reader: &impl Reader,
    ) -> Result<Arc<Snapshot>, OriginFault> {
        let next = Arc::new(Snapshot::after(last, serving));
        if let Some(live) = serving.live {
            next.open(live, reader).await?;
        }
        self.current.store(Some(Arc::clone(&next)));
        Ok(next)
    }
}

impl Snapshot {
    /// The snapshot of `serving` with what `last` has open.
    fn after(last: Option<&Self>, serving: &Serving) -> Self {
        let slots = serving.all().into_iter().map(|stored| {
            let open = last.and_then(|last| last.slots.get(&stored.release));
            (stored.release, open.cloned().unwrap_or_default())
        });
        Self {
            slots: slots.collect(),
            serving: serving.clone(),
        }
    }

    /// Which releases there are.
    pub(crate) fn serving(&self) -> &Serving {
        &self.serving
    }

    /// A release of this snapshot, read if it was not yet.
    pub(crate) async fn open(
        &self,
        stored: Stored,
        reader: &impl Reader,
    ) -> Result<Arc<Opened>, OriginFault> {
        let slot = self
            .slots
            .get(&stored.release)
            .ok_or(OriginFault::NoRelease)?;
        slot.open(stored, reader).await
    }
}

#[cfg(test)]
mod tests;
