//! Carries the machines' calls out over the ports.
//!
//! Always holds: nothing is decided here; an error of a port ends the run, and a lease that it held is given back if that is
//! still possible, so that the next run need not wait.

mod objects;

pub use objects::{MANIFEST_BYTES_MAX, UPLOADS_AT_ONCE};

use crate::guards::Guards;
use crate::key::{ReleaseId, VersionedKey};
use crate::ledger::{Ledger, Record, Retention};
use crate::port::{Body, Clock, Description, LedgerPort, ObjectPort, PortError, Written};
use crate::protocol::{
    Answer, Assigned, Call, Change, Collect, Collected, Failure, Keys, Operation, Publish,
    PublishSettings, Published, Step,
};
use bytes::Bytes;
use std::sync::Arc;

/// With how many kept releases a new one is compared. Content that only others have is uploaded again, if their era has
/// ended; that costs bytes and nothing else.
pub const MANIFESTS_COMPARED_MAX: usize = 4;

/// What is published.
pub trait Source: Send + Sync {
    /// Names the release: its contents under the keys that the manifests `kept` give them, and what these do not have
    /// under new keys of `era`.
    ///
    /// # Errors
    /// Says what is wrong with a manifest or with the contents.
    fn assign(&self, era: u64, kept: &[Bytes]) -> Result<Assigned, String>;

    /// What is to be stored with the object under a key that [`Source::assign`] gave last.
    fn description(&self, key: &VersionedKey) -> Option<Description>;

    /// Its bytes.
    ///
    /// # Errors
    /// Says why they cannot be had any more.
    fn body(&self, key: &VersionedKey) -> Result<Body, String>;
}

/// What knows the form of a manifest.
pub trait ManifestKeys: Send + Sync {
    /// The keys of all objects that a manifest refers to, variants too.
    ///
    /// # Errors
    /// Says why it is no manifest.
    fn keys(&self, manifest: &Bytes) -> Result<Vec<VersionedKey>, String>;
}

/// One site: where its objects and its ledger are.
#[derive(Debug, Clone)]
pub struct Site<O, L, C> {
    /// Its objects.
    pub objects: O,
    /// Its ledger.
    pub ledger: L,
    /// The time.
    pub clock: C,
    guards: Guards,
}

/// What a publication or collection has just done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The release has its name.
    Named {
        /// Its id.
        release: ReleaseId,
        /// How many objects it has.
        objects: usize,
    },
    /// The lease is ours.
    Leased {
        /// When it ends, in seconds since the epoch.
        until: u64,
    },
    /// The store was compared.
    Compared {
        /// How many objects it lacks.
        absent: usize,
    },
    /// An object is in the store.
    Uploaded {
        /// Its key.
        key: VersionedKey,
        /// Its size in bytes.
        bytes: u64,
    },
    /// Everything uploaded was seen in the store, as it should be.
    Verified {
        /// How many objects.
        objects: usize,
    },
    /// Objects were deleted.
    Deleted {
        /// How many.
        objects: usize,
    },
}

/// Why a run ended early.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// The protocol does not allow it.
    #[error(transparent)]
    Protocol(#[from] Failure),
    /// The ledger has no answer.
    #[error("the ledger: {0}")]
    Ledger(PortError),
    /// The store has no answer.
    #[error("the object store, at `{at}`: {error}")]
    Objects {
        /// The key or prefix.
        at: String,
        /// Why.
        error: PortError,
    },
    /// A release that is kept cannot be read.
    #[error("the manifest of release {release}: {why}")]
    Manifest {
        /// Which.
        release: ReleaseId,
        /// Why.
        why: String,
    },
    /// What is published cannot be named.
    #[error("{0}")]
    Source(String),
}

/// Where events go.
pub type Progress<'a> = &'a mut (dyn FnMut(Event) + Send);

impl<O: ObjectPort, L: LedgerPort, C: Clock> Site<O, L, C> {
    /// The site whose objects and ledger are there.
    pub const fn new(objects: O, ledger: L, clock: C) -> Self {
        let guards = Guards::ALL;
        Self {
            objects,
            ledger,
            clock,
            guards,
        }
    }

    #[cfg(test)]
    pub(crate) const fn with(mut self, guards: Guards) -> Self {
        self.guards = guards;
        self
    }

    /// Publishes `source`: name, lease, upload, verify, flip.
    ///
    /// # Errors
    /// [`RunError`]; what is live was not changed, unless the last write of the ledger was carried out without an answer.
    /// Running again is safe and goes on where this run ended.
    pub async fn publish(
        &self,
        source: &impl Source,
        settings: PublishSettings,
        progress: Progress<'_>,
    ) -> Result<Published, RunError> {
        let mut machine = Publish::new(settings, self.guards);
        let published = self.drive_publish(source, &mut machine, progress).await;
        if let (Err(_), Some(fence)) = (&published, machine.fence()) {
            // Whether this succeeds changes how long the next publisher waits, and nothing else.
            let _ = self.change(Operation::GiveBack(fence)).await;
        }
        published
    }

    async fn drive_publish(
        &self,
        source: &impl Source,
        machine: &mut Publish,
        progress: Progress<'_>,
    ) -> Result<Published, RunError> {
        let mut answer = Answer::Begin;
        loop {
            let call = match machine.step(answer, self.clock.now()) {
                Step::Call(call) => call,
                Step::End(end) => return Ok(end?),
            };
            answer = match call {
                Call::Load => self.load().await?,
                Call::Store(next) => self.store_leased(&next, progress).await,
                Call::Assign(ledger) => {
                    Answer::Assigned(self.assign(source, &ledger, progress).await?)
                }
                Call::Absent(keys) => {
                    let absent = self.absent(&keys).await?;
                    progress(Event::Compared {
                        absent: absent.len(),
                    });
                    Answer::Keys(absent)
                }
                Call::Put(keys) => {
                    self.put(source, &keys, progress).await?;
                    Answer::Done
                }
                Call::Verify(keys) => {
                    let wrong = self.verify(source, &keys).await?;
                    let objects = keys.len() - wrong.len();
                    progress(Event::Verified { objects });
                    Answer::Keys(wrong)
                }
                Call::Unreferenced(..) | Call::Delete(_) => return Err(Failure::OutOfOrder.into()),
            };
        }
    }

    /// Changes the ledger: rollback, preview, trial, and their ends. Returns it as it is then.
    ///
    /// # Errors
    /// [`RunError`].
    pub async fn change(&self, operation: Operation) -> Result<Arc<Ledger>, RunError> {
        let mut machine = Change::new(operation, self.guards);
        let mut answer = Answer::Begin;
        loop {
            answer = match machine.step(answer, self.clock.now()) {
                Step::Call(Call::Load) => self.load().await?,
                Step::Call(Call::Store(next)) => self.store(&next).await,
                Step::Call(_) => return Err(Failure::OutOfOrder.into()),
                Step::End(end) => return Ok(end?),
            };
        }
    }

    /// Does the next phase of a collection; with `plan_only` says what it would be.
    ///
    /// # Errors
    /// [`RunError`]; running again is safe.
    pub async fn collect(
        &self,
        manifests: &impl ManifestKeys,
        retention: Retention,
        plan_only: bool,
        progress: Progress<'_>,
    ) -> Result<Collected, RunError> {
        let mut machine = Collect::new(retention, plan_only, self.guards);
        let mut answer = Answer::Begin;
        loop {
            answer = match machine.step(answer, self.clock.now()) {
                Step::Call(Call::Load) => self.load().await?,
                Step::Call(Call::Store(next)) => self.store(&next).await,
                Step::Call(Call::Unreferenced(ledger, era)) => {
                    Answer::Keys(self.unreferenced(manifests, &ledger, era).await?)
                }
                Step::Call(Call::Delete(keys)) => {
                    self.delete(&keys).await?;
                    progress(Event::Deleted {
                        objects: keys.len(),
                    });
                    Answer::Done
                }
                Step::Call(_) => return Err(Failure::OutOfOrder.into()),
                Step::End(end) => return Ok(end?),
            };
        }
    }

    async fn load(&self) -> Result<Answer, RunError> {
        let ledger = self.ledger.load().await.map_err(RunError::Ledger)?;
        Ok(Answer::Ledger(Arc::new(ledger)))
    }

    async fn store(&self, next: &Ledger) -> Answer {
        match self.ledger.store(next.version - 1, next).await {
            Ok(Written::Yes) => Answer::Stored,
            Ok(Written::Conflict) => Answer::Conflict,
            // What it came to is found out by reading; if that fails too, the run ends with its reason.
            Err(_) => Answer::Lost,
        }
    }

    async fn store_leased(&self, next: &Ledger, progress: Progress<'_>) -> Answer {
        let answer = self.store(next).await;
        if let (Answer::Stored, Some(lease)) = (&answer, &next.lease) {
            progress(Event::Leased {
                until: lease.expires_at,
            });
        }
        answer
    }

    async fn assign(
        &self,
        source: &impl Source,
        ledger: &Ledger,
        progress: Progress<'_>,
    ) -> Result<Assigned, RunError> {
        // The live release first: a directory that has not changed is to be the release that it was.
        let live = ledger.live.and_then(|live| ledger.record(&live.release));
        let others = ledger
            .remaining()
            .rev()
            .filter(|record| Some(*record) != live);
        let mut kept = Vec::new();
        for record in live.into_iter().chain(others).take(MANIFESTS_COMPARED_MAX) {
            kept.push(self.manifest(record).await?);
        }
        let assigned = source.assign(ledger.era, &kept).map_err(RunError::Source)?;
        progress(Event::Named {
            release: assigned.release,
            objects: assigned.objects.len(),
        });
        Ok(assigned)
    }

    /// The manifest of a release that remains.
    ///
    /// # Errors
    /// [`RunError::Manifest`] also if it is not there or not the one that its name says.
    pub async fn manifest(&self, record: &Record) -> Result<Bytes, RunError> {
        let key = record.manifest_key();
        let why = |why: String| RunError::Manifest {
            release: record.release,
            why,
        };
        let found = self.objects.get(&key, MANIFEST_BYTES_MAX).await;
        let bytes = found.map_err(|error| objects::at(&key, error))?;
        let bytes = bytes.ok_or_else(|| why("it is not in the store".to_owned()))?;
        if crate::key::Digest::of(&bytes) != record.release {
            return Err(why("its bytes are not those of its name".to_owned()));
        }
        Ok(bytes)
    }

    async fn unreferenced(
        &self,
        manifests: &impl ManifestKeys,
        ledger: &Ledger,
        era: u64,
    ) -> Result<Keys, RunError> {
        let mut referred = std::collections::HashSet::new();
        for record in ledger.remaining() {
            let manifest = self.manifest(record).await?;
            let keys = manifests
                .keys(&manifest)
                .map_err(|why| RunError::Manifest {
                    release: record.release,
                    why,
                })?;
            referred.extend(keys);
            referred.insert(record.manifest_key());
        }
        let mut found = Vec::new();
        self.each_key(|key| {
            if key.era() <= era && !referred.contains(&key) {
                found.push(key);
            }
        })
        .await?;
        Ok(found.into())
    }
}

#[cfg(test)]
mod simulation;
