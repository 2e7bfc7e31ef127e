//! Publishing: name, lease, upload, verify, flip.
//!
//! Always holds: the pointer is moved by the last write, after every object of the release was seen in the store. A release
//! that is already served so costs no write and no look at the store.

use super::{Answer, Assigned, CHUNK, Call, Failure, Keys, Step, Writing};
use crate::guards::{Guard, Guards};
use crate::key::ReleaseId;
use crate::ledger::{Commit, Ledger, Refusal, Target};
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

/// Who publishes, and where to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PublishSettings {
    /// The publisher's name; the same after a crash, so that it need not wait for its own lease.
    pub holder: String,
    /// A number that no other run draws.
    pub run: u64,
    /// Where the release is served.
    pub target: Target,
    /// The epoch of the live release over which somebody approved the plan ([`Ledger::live_since`]); publishing over
    /// another one is refused. Without it the release that is live when publishing begins is replaced.
    pub approved_over: Option<u64>,
    /// How long others wait for a publisher that has stopped.
    pub lease_seconds: u64,
}

/// What publishing came to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Published {
    /// The release is served so already.
    Unchanged(ReleaseId),
    /// It is served from this epoch on.
    Flipped {
        /// Its id.
        release: ReleaseId,
        /// The epoch.
        epoch: u64,
    },
}

/// The machine of one publication.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Publish {
    settings: PublishSettings,
    guards: Guards,
    writing: Writing,
    phase: Phase,
}

/// The lease, and what was planned under it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Held {
    fence: u64,
    over: u64,
    era: u64,
    renew_at: u64,
    release: Assigned,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Phase {
    Loading,
    Naming(Arc<Ledger>),
    Leasing(Assigned),
    Comparing(Held),
    Uploading(Held, Uploads),
    Renewing(Held, Uploads),
    Verifying(Held),
    Committing(Held),
    Ended,
}

/// What is still to be uploaded, and all that was to be.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Uploads {
    chunks: VecDeque<Keys>,
    all: Keys,
}

type Next = Result<Step<Published>, Failure>;

impl Publish {
    /// A machine that has done nothing yet.
    #[must_use]
    pub fn new(settings: PublishSettings, guards: Guards) -> Self {
        let (writing, phase) = (Writing::default(), Phase::Loading);
        Self {
            settings,
            guards,
            writing,
            phase,
        }
    }

    /// The number of the lease, while there is one.
    #[must_use]
    pub fn fence(&self) -> Option<u64> {
        match &self.phase {
            Phase::Comparing(held)
            | Phase::Uploading(held, _)
            | Phase::Renewing(held, _)
            | Phase::Verifying(held)
            | Phase::Committing(held) => Some(held.fence),
            Phase::Leasing(_) => self.writing.tried.as_ref().map(|ledger| ledger.fence),
            Phase::Loading | Phase::Naming(_) | Phase::Ended => None,
        }
    }

    /// Goes on with `answer` at `now`.
    pub fn step(&mut self, answer: Answer, now: u64) -> Step<Published> {
        match self.go(answer, now) {
            Ok(step) => step,
            Err(failure) => Step::End(Err(failure)),
        }
    }

    fn go(&mut self, answer: Answer, now: u64) -> Next {
        match (std::mem::replace(&mut self.phase, Phase::Ended), answer) {
            (Phase::Loading, Answer::Begin) => Ok(self.load()),
            (Phase::Loading, Answer::Ledger(ledger)) => {
                self.phase = Phase::Naming(Arc::clone(&ledger));
                Ok(Step::Call(Call::Assign(ledger)))
            }
            (Phase::Naming(ledger), Answer::Assigned(release)) => self.lease(&ledger, release, now),
            (Phase::Leasing(release), Answer::Stored) => self.leased(release),
            (Phase::Leasing(_), Answer::Conflict | Answer::Lost) => Ok(self.load()),
            (Phase::Comparing(held), Answer::Keys(absent)) => {
                let chunks = absent.chunks(CHUNK).map(Keys::from).collect();
                let all = absent;
                self.upload(held, Uploads { chunks, all }, now)
            }
            (Phase::Uploading(held, uploads), Answer::Done) => self.upload(held, uploads, now),
            (Phase::Renewing(held, uploads), answer) => self.renew(held, uploads, answer, now),
            (Phase::Verifying(held), Answer::Keys(wrong)) => self.verified(held, wrong),
            (Phase::Committing(held), answer) => self.commit(held, answer, now),
            _ => Err(Failure::OutOfOrder),
        }
    }

    fn load(&mut self) -> Step<Published> {
        self.phase = Phase::Loading;
        Step::Call(Call::Load)
    }

    fn lease(&mut self, ledger: &Arc<Ledger>, release: Assigned, now: u64) -> Next {
        let settings = &self.settings;
        if ledger.has(release.release, &settings.target) {
            return Ok(Step::End(Ok(Published::Unchanged(release.release))));
        }
        let approved = settings.approved_over;
        if approved.is_some_and(|approved| approved != ledger.live_since()) {
            return Err(Refusal::Overtaken.into());
        }
        let leased =
            ledger.lease_to(&settings.holder, settings.run, now, settings.lease_seconds)?;
        let Some(next) = leased else {
            // Ours: the write of an earlier attempt was carried out though it was not answered.
            self.writing.tried = Some(Arc::clone(ledger));
            return self.leased(release);
        };
        self.phase = Phase::Leasing(release);
        self.writing.store(next).map(Step::Call)
    }

    fn leased(&mut self, release: Assigned) -> Next {
        let ledger = self.writing.tried.take().ok_or(Failure::OutOfOrder)?;
        let lease = ledger.lease.as_ref().ok_or(Failure::OutOfOrder)?;
        let held = Held {
            fence: lease.fence,
            over: ledger.live_since(),
            era: ledger.era,
            renew_at: self.renew_at(lease.expires_at),
            release,
        };
        if !self.guards.has(Guard::UploadFirst) {
            return Ok(self.load_to_commit(held));
        }
        Ok(self.compare(held))
    }

    /// Half a lease before its end.
    fn renew_at(&self, expires_at: u64) -> u64 {
        expires_at.saturating_sub(self.settings.lease_seconds / 2)
    }

    fn compare(&mut self, held: Held) -> Step<Published> {
        let objects = held.release.objects.iter();
        // The manifest last: whoever finds it in the store finds what it names.
        let keys: Keys = objects.chain([&held.release.manifest]).cloned().collect();
        self.phase = Phase::Comparing(held);
        Step::Call(Call::Absent(keys))
    }

    fn upload(&mut self, held: Held, mut uploads: Uploads, now: u64) -> Next {
        if now >= held.renew_at && !uploads.chunks.is_empty() {
            self.phase = Phase::Renewing(held, uploads);
            return Ok(Step::Call(Call::Load));
        }
        if let Some(chunk) = uploads.chunks.pop_front() {
            self.phase = Phase::Uploading(held, uploads);
            return Ok(Step::Call(Call::Put(chunk)));
        }
        if !self.guards.has(Guard::UploadFirst) {
            return Ok(Step::End(Ok(Published::Flipped {
                release: held.release.release,
                epoch: held.over,
            })));
        }
        if !self.guards.has(Guard::Verify) {
            return Ok(self.load_to_commit(held));
        }
        // Also what was there already: a publisher that was stopped may have left it, and nobody has looked at it.
        let unseen = held.release.fresh.iter().chain([&held.release.manifest]);
        let unseen: BTreeSet<_> = unseen.chain(uploads.all.iter()).cloned().collect();
        self.phase = Phase::Verifying(held);
        Ok(Step::Call(Call::Verify(unseen.into_iter().collect())))
    }

    fn renew(&mut self, mut held: Held, uploads: Uploads, answer: Answer, now: u64) -> Next {
        let seconds = self.settings.lease_seconds;
        let call = match answer {
            Answer::Stored => {
                held.renew_at = self.renew_at(now.saturating_add(seconds));
                return self.upload(held, uploads, now);
            }
            Answer::Conflict | Answer::Lost => Call::Load,
            Answer::Ledger(ledger) => match ledger.renew(held.fence, now, seconds)? {
                Some(next) => self.writing.store(next)?,
                None => {
                    held.renew_at = now.saturating_add(1);
                    return self.upload(held, uploads, now);
                }
            },
            _ => return Err(Failure::OutOfOrder),
        };
        self.phase = Phase::Renewing(held, uploads);
        Ok(Step::Call(call))
    }

    fn verified(&mut self, held: Held, wrong: Keys) -> Next {
        if wrong.is_empty() {
            return Ok(self.load_to_commit(held));
        }
        self.phase = Phase::Verifying(held);
        Err(Failure::Incomplete(wrong))
    }

    fn load_to_commit(&mut self, held: Held) -> Step<Published> {
        self.writing.attempts = 0;
        self.phase = Phase::Committing(held);
        Step::Call(Call::Load)
    }

    fn commit(&mut self, held: Held, answer: Answer, now: u64) -> Next {
        let commit = Commit {
            fence: held.fence,
            over: held.over,
            release: held.release.release,
            era: held.era,
            target: self.settings.target.clone(),
        };
        // Kept where a refusal ends the run too, so that the lease can be given back.
        self.phase = Phase::Committing(held);
        match answer {
            Answer::Conflict | Answer::Lost => Ok(Step::Call(Call::Load)),
            Answer::Stored => {
                let ledger = self.writing.tried.take().ok_or(Failure::OutOfOrder)?;
                Ok(self.flipped(&ledger))
            }
            Answer::Ledger(ledger) if self.writing.succeeded(&ledger) => Ok(self.flipped(&ledger)),
            Answer::Ledger(ledger) => match ledger.commit(&commit, now, self.guards)? {
                Some(next) => self.writing.store(next).map(Step::Call),
                None => Ok(self.flipped(&ledger)),
            },
            _ => Err(Failure::OutOfOrder),
        }
    }

    fn flipped(&mut self, ledger: &Ledger) -> Step<Published> {
        let Phase::Committing(held) = std::mem::replace(&mut self.phase, Phase::Ended) else {
            return Step::End(Err(Failure::OutOfOrder));
        };
        if !self.guards.has(Guard::UploadFirst) {
            return self.compare(held);
        }
        Step::End(Ok(Published::Flipped {
            release: held.release.release,
            epoch: ledger.epoch,
        }))
    }
}
