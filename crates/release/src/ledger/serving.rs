//! Which release answers, by the ledger alone: what a gateway asks once it holds a copy.
//!
//! Always holds: a page comes from one release; a release that is condemned answers nothing; a release that was only ever
//! previewed answers under its preview alone.

use super::{Ledger, Record};
use crate::guards::{Guard, Guards};
use crate::key::ReleaseId;
use portcullis_site::Name;

/// What of a request says which release is meant.
#[derive(Debug, Clone, Copy, Default)]
pub struct Asked<'a> {
    /// The preview that its host or header names.
    pub preview: Option<&'a Name>,
    /// What stays the same of its viewer, for the trial.
    pub sticky: Option<&'a [u8]>,
}

impl Ledger {
    /// The release that answers; `None` if there is none, or no such preview.
    #[must_use]
    pub fn answering(&self, asked: Asked<'_>) -> Option<ReleaseId> {
        if let Some(preview) = asked.preview {
            return self.previews.get(preview).copied();
        }
        let canary = self
            .canary
            .filter(|canary| asked.sticky.is_some_and(|sticky| canary.takes(sticky)));
        canary
            .map(|canary| canary.release)
            .or(self.live.map(|live| live.release))
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
        let canary = self.canary.map(|canary| canary.release);
        let was_public =
            move |record: &&Record| record.live_at.is_some() || canary == Some(record.release);
        let others = self
            .remaining()
            .rev()
            .filter(was_public)
            .map(|record| record.release);
        let others =
            others.filter(move |release| *release != first && guards.has(Guard::KeptAnswer));
        std::iter::once(first).chain(others)
    }
}
