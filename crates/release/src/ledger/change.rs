//! Changes of the ledger that publishers and operators make.
//!
//! Always holds: a change that was already made is told as made and changes nothing, so that a write whose answer was lost
//! can be tried again from the newest ledger.

use super::{
    Canary, HOLDER_BYTES_MAX, Lease, Ledger, Live, PREVIEWS_MAX, Percent, RELEASES_MAX, Record,
};
use crate::guards::{Guard, Guards};
use crate::key::ReleaseId;
use portcullis_site::Name;

/// Where a committed release is served.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Target {
    /// To everybody.
    Live,
    /// Under this name.
    Preview(Name),
    /// To this share of the viewers.
    Canary(Percent),
}

/// Why the ledger does not allow a change. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// Somebody else publishes.
    #[error("`{holder}` is publishing; its lease ends at {until} (seconds since the epoch)")]
    Busy {
        /// Who.
        holder: String,
        /// When its lease ends.
        until: u64,
    },
    /// The lease is not ours any more: somebody published or collected meanwhile.
    #[error("the lease was lost: somebody else published or collected meanwhile")]
    Fenced,
    /// The live release is not the one that was planned against.
    #[error("the live release was changed meanwhile")]
    Overtaken,
    /// There is no such release.
    #[error("there is no release {0}")]
    Unknown(ReleaseId),
    /// The release is being collected.
    #[error("release {0} is being collected")]
    Condemned(ReleaseId),
    /// There is no release before the live one.
    #[error("there is no earlier release to go back to")]
    NoEarlier,
    /// No release is on trial.
    #[error("no release is on trial")]
    NoCanary,
    /// There is no such preview.
    #[error("there is no preview `{0}`")]
    NoPreview(Name),
    /// The ledger is full.
    #[error("the site has {RELEASES_MAX} releases or {PREVIEWS_MAX} previews; collect first")]
    Full,
    /// The publisher's name is empty or longer than [`HOLDER_BYTES_MAX`].
    #[error("a publisher's name has 1 to {HOLDER_BYTES_MAX} bytes")]
    Holder,
}

/// What a publisher commits.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Commit {
    /// The lease's number.
    pub fence: u64,
    /// The epoch of the live release that was planned against ([`Ledger::live_since`]).
    pub over: u64,
    /// The release.
    pub release: ReleaseId,
    /// The era it was planned in.
    pub era: u64,
    /// Where it is to be served.
    pub target: Target,
}

/// The next ledger, or `None` if the change was made already.
pub type Changed = Result<Option<Ledger>, Refusal>;

impl Ledger {
    /// Gives the lease to `holder` for `seconds`. It is refused to others until it ends; the same holder, back after a
    /// crash, takes it over and so shuts its former run out.
    ///
    /// # Errors
    /// [`Refusal::Busy`], [`Refusal::Full`] or [`Refusal::Holder`].
    pub fn lease_to(&self, holder: &str, run: u64, now: u64, seconds: u64) -> Changed {
        if holder.is_empty() || holder.len() > HOLDER_BYTES_MAX {
            return Err(Refusal::Holder);
        }
        if self.releases.len() >= RELEASES_MAX {
            return Err(Refusal::Full);
        }
        match &self.lease {
            Some(lease) if lease.run == run => return Ok(None),
            Some(lease) if lease.holder != holder && now < lease.expires_at => {
                return Err(lease.busy());
            }
            _ => {}
        }
        let mut next = self.next();
        next.fence += 1;
        next.lease = Some(Lease {
            fence: next.fence,
            holder: holder.to_owned(),
            run,
            expires_at: now.saturating_add(seconds),
        });
        Ok(Some(next))
    }

    /// Makes the lease number `fence` end `seconds` from now.
    ///
    /// # Errors
    /// [`Refusal::Fenced`].
    pub fn renew(&self, fence: u64, now: u64, seconds: u64) -> Changed {
        let mut next = self.next();
        let lease = next.lease.as_mut().filter(|lease| lease.fence == fence);
        let lease = lease.ok_or(Refusal::Fenced)?;
        let expires_at = now.saturating_add(seconds);
        if expires_at <= lease.expires_at {
            return Ok(None);
        }
        lease.expires_at = expires_at;
        Ok(Some(next))
    }

    /// Gives the lease number `fence` back.
    ///
    /// # Errors
    /// None; a lease that is gone was given back.
    pub fn give_back(&self, fence: u64) -> Changed {
        if self.lease.as_ref().is_none_or(|lease| lease.fence != fence) {
            return Ok(None);
        }
        let mut next = self.next();
        next.lease = None;
        Ok(Some(next))
    }

    /// Serves a release whose every object was verified, and gives the lease back: the flip.
    ///
    /// # Errors
    /// [`Refusal::Fenced`] if the lease is another's, [`Refusal::Overtaken`] if another release became live since it was
    /// taken, [`Refusal::Condemned`], [`Refusal::Full`].
    pub fn commit(&self, commit: &Commit, now: u64, guards: Guards) -> Changed {
        let lease = self.lease.as_ref();
        let ours = lease.is_some_and(|lease| lease.fence == commit.fence);
        if !ours && self.has(commit.release, &commit.target) {
            return Ok(None);
        }
        if !ours && guards.has(Guard::Fence) {
            return Err(Refusal::Fenced);
        }
        let overtaken = commit.target == Target::Live && commit.over != self.live_since();
        if overtaken && guards.has(Guard::Over) {
            return Err(Refusal::Overtaken);
        }
        let mut next = self.next();
        next.lease = None;
        match next.record(&commit.release) {
            Some(record) if record.condemned => return Err(Refusal::Condemned(commit.release)),
            Some(_) => {}
            None => next.releases.push(Record {
                release: commit.release,
                era: commit.era,
                published_at: now,
                live_at: None,
                unused_since: None,
                condemned: false,
            }),
        }
        next.serve(commit.release, &commit.target, now)?;
        Ok(Some(next.settled(now)))
    }

    /// Whether `release` is served by `target`.
    #[must_use]
    pub fn has(&self, release: ReleaseId, target: &Target) -> bool {
        match target {
            Target::Live => self.live.is_some_and(|live| live.release == release),
            Target::Preview(name) => self.previews.get(name) == Some(&release),
            Target::Canary(share) => {
                let canary = Canary {
                    release,
                    share: *share,
                    held: false,
                };
                self.canary == Some(canary)
            }
        }
    }

    /// Serves a release that is here already: rollback, or a preview or trial of it. A live release is replaced at once,
    /// whoever is publishing; that publisher is then [`Refusal::Overtaken`].
    ///
    /// # Errors
    /// [`Refusal::Unknown`], [`Refusal::Condemned`], [`Refusal::Full`].
    pub fn move_to(
        &self,
        release: ReleaseId,
        target: &Target,
        now: u64,
        guards: Guards,
    ) -> Changed {
        let record = self.record(&release).ok_or(Refusal::Unknown(release))?;
        if record.condemned && guards.has(Guard::Tombstones) {
            return Err(Refusal::Condemned(release));
        }
        let mut next = self.next();
        next.serve(release, target, now)?;
        if next.live == self.live && next.previews == self.previews && next.canary == self.canary {
            return Ok(None);
        }
        Ok(Some(next.settled(now)))
    }

    /// The release that was live before the live one and remains.
    ///
    /// # Errors
    /// [`Refusal::NoEarlier`].
    pub fn earlier(&self) -> Result<ReleaseId, Refusal> {
        let live = self.live.map(|live| live.release);
        let mut earlier = self
            .remaining()
            .filter(|record| Some(record.release) != live && record.live_at.is_some());
        earlier
            .next_back()
            .map(|record| record.release)
            .ok_or(Refusal::NoEarlier)
    }

    /// Makes the release on trial live.
    ///
    /// # Errors
    /// [`Refusal::NoCanary`].
    pub fn promote(&self, now: u64) -> Changed {
        let canary = self.canary.ok_or(Refusal::NoCanary)?;
        let mut next = self.next();
        next.canary = None;
        next.serve(canary.release, &Target::Live, now)?;
        Ok(Some(next.settled(now)))
    }

    /// Ends the trial.
    ///
    /// # Errors
    /// None; a trial that is not there has ended.
    pub fn withdraw(&self, now: u64) -> Changed {
        if self.canary.is_none() {
            return Ok(None);
        }
        let mut next = self.next();
        next.canary = None;
        Ok(Some(next.settled(now)))
    }

    /// Gives the trial's viewers the live release until somebody decides, because `release` answers worse.
    ///
    /// # Errors
    /// [`Refusal::NoCanary`] if that release is not on trial.
    pub fn hold(&self, release: ReleaseId, now: u64) -> Changed {
        let mut next = self.next();
        let canary = next
            .canary
            .as_mut()
            .filter(|canary| canary.release == release);
        let canary = canary.ok_or(Refusal::NoCanary)?;
        if canary.held {
            return Ok(None);
        }
        canary.held = true;
        Ok(Some(next.settled(now)))
    }

    /// Ends a preview.
    ///
    /// # Errors
    /// [`Refusal::NoPreview`].
    pub fn end_preview(&self, name: &Name, now: u64) -> Changed {
        let mut next = self.next();
        let ended = next.previews.remove(name);
        ended.ok_or_else(|| Refusal::NoPreview(name.clone()))?;
        Ok(Some(next.settled(now)))
    }

    /// A copy with the next version.
    pub(super) fn next(&self) -> Self {
        let mut next = self.clone();
        next.version += 1;
        next
    }

    /// Points `target` at `release`, which has a record.
    fn serve(&mut self, release: ReleaseId, target: &Target, now: u64) -> Result<(), Refusal> {
        match target {
            Target::Live if self.live.is_some_and(|live| live.release == release) => {}
            Target::Live => {
                self.live = Some(Live {
                    release,
                    since: self.epoch + 1,
                });
                self.put_last(release, now);
            }
            Target::Preview(name) => {
                self.previews.insert(name.clone(), release);
                if self.previews.len() > PREVIEWS_MAX {
                    return Err(Refusal::Full);
                }
            }
            Target::Canary(share) => {
                self.canary = Some(Canary {
                    release,
                    share: *share,
                    held: false,
                });
            }
        }
        Ok(())
    }

    /// Moves the record of `release` to the end: it is the newest.
    fn put_last(&mut self, release: ReleaseId, now: u64) {
        self.releases
            .sort_by_key(|record| record.release == release);
        if let Some(record) = self.releases.last_mut() {
            record.live_at = Some(now);
        }
    }

    /// The end of a change that readers see: a new epoch, and for each record since when it is unused.
    fn settled(mut self, now: u64) -> Self {
        self.epoch += 1;
        let served: Vec<bool> = self
            .releases
            .iter()
            .map(|record| self.is_served(&record.release))
            .collect();
        for (record, served) in self.releases.iter_mut().zip(served) {
            record.unused_since = match record.unused_since {
                _ if served => None,
                None => Some(now),
                since => since,
            };
        }
        self
    }
}

impl Lease {
    pub(super) fn busy(&self) -> Refusal {
        Refusal::Busy {
            holder: self.holder.clone(),
            until: self.expires_at,
        }
    }
}
