//! Which release answers, by the ledger alone: what a gateway asks once it holds a copy.
//!
//! Always holds: a page comes from one release; a release that is condemned answers nothing; a release that was only ever
//! previewed answers under its preview alone.

use super::{Ledger, Record};
use crate::guards::{Guard, Guards};
use crate::key::ReleaseId;
use portcullis_release_manifest::serving::{Serving, Stored, Trial};

impl Ledger {
    /// What readers poll, written with the ledger in one step. A trial that is held takes nobody; its versioned names go on
    /// answering, for pages that were opened from it.
    #[must_use]
    pub fn serving(&self) -> Serving {
        let stored = |release: ReleaseId| {
            let era = self.record(&release)?.era;
            Some(Stored { release, era })
        };
        let canary = self.canary.filter(|canary| !canary.held);
        let trial = canary.and_then(|canary| {
            let Stored { release, era } = stored(canary.release)?;
            let share = canary.share;
            Some(Trial {
                release,
                era,
                share,
            })
        });
        let previews = self.previews.iter();
        let previews =
            previews.filter_map(|(name, release)| Some((name.to_string(), stored(*release)?)));
        Serving {
            epoch: self.epoch,
            live: self.live.and_then(|live| stored(live.release)),
            canary: trial,
            previews: previews.collect(),
            kept: self.were_public().filter_map(stored).collect(),
        }
    }

    /// The releases in which a versioned name is looked up, `first` being the one that answers: then each that is kept and
    /// was public, the newest first, so that a page that was opened before a flip goes on finding what it refers to.
    ///
    /// For names that do not change with their content only the first counts.
    pub fn lookup_order(
        &self,
        first: ReleaseId,
        guards: Guards,
    ) -> impl Iterator<Item = ReleaseId> {
        let others = self.were_public();
        let others =
            others.filter(move |release| *release != first && guards.has(Guard::KeptAnswer));
        std::iter::once(first).chain(others)
    }

    /// The releases that are kept and were live or on trial, the newest first.
    fn were_public(&self) -> impl Iterator<Item = ReleaseId> {
        let canary = self.canary.map(|canary| canary.release);
        let was_public =
            move |record: &&Record| record.live_at.is_some() || canary == Some(record.release);
        let kept = self.remaining().rev().filter(was_public);
        kept.map(|record| record.release)
    }
}
