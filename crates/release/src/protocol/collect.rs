//! Collection in two phases, each a run of its own: condemn, and after the grace time delete.
//!
//! Always holds: what is deleted is worked out anew from the manifests of the releases that remain; one that cannot be
//! read ends the run. No lease is needed to delete (see [`crate::ledger`]).

use super::{Answer, CHUNK, Call, Failure, Keys, Step, Writing};
use crate::guards::Guards;
use crate::key::ReleaseId;
use crate::ledger::{Collection, Ledger, Retention};
use std::collections::VecDeque;
use std::sync::Arc;

/// What a collection came to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Collected {
    /// There is nothing to collect.
    Nothing,
    /// This would be condemned.
    Planned {
        /// Releases.
        releases: Vec<ReleaseId>,
        /// Objects.
        keys: Keys,
    },
    /// The first phase is done.
    Condemned {
        /// Releases.
        releases: Vec<ReleaseId>,
        /// How many objects.
        objects: usize,
        /// When the second may begin.
        sweep_at: u64,
    },
    /// The second phase may not begin yet.
    Waiting {
        /// When it may.
        sweep_at: u64,
    },
    /// The second phase is done.
    Swept {
        /// How many objects were deleted.
        objects: usize,
    },
}

/// The machine of one run.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Collect {
    retention: Retention,
    plan_only: bool,
    guards: Guards,
    writing: Writing,
    phase: Phase,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Phase {
    Loading,
    Surveying(Arc<Ledger>),
    Condemning(Vec<ReleaseId>, usize),
    Searching(Collection),
    Deleting(Collection, VecDeque<Keys>, usize),
    Forgetting(Collection, usize),
}

impl Collect {
    /// A machine that has done nothing yet. With `plan_only` it changes nothing.
    #[must_use]
    pub fn new(retention: Retention, plan_only: bool, guards: Guards) -> Self {
        let (writing, phase) = (Writing::default(), Phase::Loading);
        Self {
            retention,
            plan_only,
            guards,
            writing,
            phase,
        }
    }

    /// Goes on with `answer` at `now`.
    pub fn step(&mut self, answer: Answer, now: u64) -> Step<Collected> {
        match self.go(answer, now) {
            Ok(step) => step,
            Err(failure) => Step::End(Err(failure)),
        }
    }

    fn go(&mut self, answer: Answer, now: u64) -> Result<Step<Collected>, Failure> {
        let phase = std::mem::replace(&mut self.phase, Phase::Loading);
        match (phase, answer) {
            (Phase::Loading, Answer::Begin) => Ok(Step::Call(Call::Load)),
            (Phase::Loading, Answer::Ledger(ledger)) => Ok(self.begin(ledger, now)),
            (Phase::Surveying(ledger), Answer::Keys(keys)) => self.condemn(&ledger, keys, now),
            (Phase::Condemning(releases, objects), Answer::Stored) => {
                let tried = self.writing.tried.as_deref();
                let sweep_at = tried.and_then(|next| next.sweep_at(self.retention, self.guards));
                let sweep_at = sweep_at.ok_or(Failure::OutOfOrder)?;
                Ok(Step::End(Ok(Collected::Condemned {
                    releases,
                    objects,
                    sweep_at,
                })))
            }
            // From the start: what has expired may have changed. A collection that is found begun is our own or another's.
            (Phase::Condemning(..), Answer::Conflict | Answer::Lost) => Ok(Step::Call(Call::Load)),
            (Phase::Searching(collection), Answer::Keys(keys)) => {
                let chunks = keys.chunks(CHUNK).map(Keys::from).collect();
                Ok(self.delete(collection, chunks, keys.len()))
            }
            (Phase::Deleting(collection, chunks, objects), Answer::Done) => {
                Ok(self.delete(collection, chunks, objects))
            }
            (Phase::Forgetting(collection, objects), answer) => {
                self.forget(collection, objects, answer)
            }
            _ => Err(Failure::OutOfOrder),
        }
    }

    fn begin(&mut self, ledger: Arc<Ledger>, now: u64) -> Step<Collected> {
        let sweep_at = ledger.sweep_at(self.retention, self.guards);
        match (ledger.collection, sweep_at) {
            (Some(_), Some(sweep_at)) if now < sweep_at || self.plan_only => {
                Step::End(Ok(Collected::Waiting { sweep_at }))
            }
            (Some(collection), _) => {
                self.phase = Phase::Searching(collection);
                Step::Call(Call::Unreferenced(ledger, collection.era))
            }
            (None, _) => {
                let mut after = (*ledger).clone();
                after.condemn_expired(self.retention, now, self.guards);
                self.phase = Phase::Surveying(Arc::clone(&ledger));
                Step::Call(Call::Unreferenced(Arc::new(after), ledger.era))
            }
        }
    }

    fn condemn(
        &mut self,
        ledger: &Ledger,
        keys: Keys,
        now: u64,
    ) -> Result<Step<Collected>, Failure> {
        let expired = ledger.expired(self.retention, now, self.guards);
        let releases: Vec<ReleaseId> = expired.collect();
        if releases.is_empty() && keys.is_empty() {
            return Ok(Step::End(Ok(Collected::Nothing)));
        }
        if self.plan_only {
            return Ok(Step::End(Ok(Collected::Planned { releases, keys })));
        }
        match ledger.condemn(self.retention, now, self.guards)? {
            None => Err(Failure::OutOfOrder),
            Some(next) => {
                self.phase = Phase::Condemning(releases, keys.len());
                self.writing.store(next).map(Step::Call)
            }
        }
    }

    fn delete(
        &mut self,
        collection: Collection,
        mut chunks: VecDeque<Keys>,
        objects: usize,
    ) -> Step<Collected> {
        match chunks.pop_front() {
            Some(chunk) => {
                self.phase = Phase::Deleting(collection, chunks, objects);
                Step::Call(Call::Delete(chunk))
            }
            None => {
                self.phase = Phase::Forgetting(collection, objects);
                Step::Call(Call::Load)
            }
        }
    }

    fn forget(
        &mut self,
        collection: Collection,
        objects: usize,
        answer: Answer,
    ) -> Result<Step<Collected>, Failure> {
        let call = match answer {
            Answer::Stored => return Ok(Step::End(Ok(Collected::Swept { objects }))),
            Answer::Conflict | Answer::Lost => Call::Load,
            Answer::Ledger(ledger) => match ledger.swept(collection)? {
                None => return Ok(Step::End(Ok(Collected::Swept { objects }))),
                Some(next) => self.writing.store(next)?,
            },
            _ => return Err(Failure::OutOfOrder),
        };
        self.phase = Phase::Forgetting(collection, objects);
        Ok(Step::Call(call))
    }
}
