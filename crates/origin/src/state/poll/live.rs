//! One state as it is decided by, with what is known about it.

use crate::clock::Now;
use crate::state::{Advanced, HeldBack, Secrets, SiteState};
use std::time::Duration;

/// Where a state comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The copy packaged with the program; no read has succeeded yet.
    Fallback,
    /// The store.
    Store,
}

/// A state and its age. It does not change; the next one takes its place.
#[derive(Debug)]
pub struct Live {
    state: SiteState,
    /// The secrets of a state that is too old: unknown to decisions, but they still must not go back.
    withheld: Option<Secrets>,
    since: Now,
    reads: u64,
    held_back: Vec<HeldBack>,
}

impl Live {
    pub(super) fn fallback(state: SiteState, now: Now) -> Self {
        Self {
            state,
            withheld: None,
            since: now,
            reads: 0,
            held_back: Vec::new(),
        }
    }

    /// The state after `new` was read.
    pub(super) fn advance(&self, new: SiteState, now: Now) -> Self {
        let Advanced { state, held_back } = self.good().advance(new);
        Self {
            state,
            withheld: None,
            since: now,
            reads: self.reads + 1,
            held_back,
        }
    }

    /// The same state with unknown secrets.
    pub(super) fn without_secrets(&self) -> Self {
        let good = self.good();
        let withheld = Some(good.secrets.clone());
        let secrets = Secrets {
            version: good.secrets.version,
            ..Secrets::default()
        };
        Self {
            state: SiteState { secrets, ..good },
            withheld,
            since: self.since,
            reads: self.reads,
            held_back: self.held_back.clone(),
        }
    }

    fn good(&self) -> SiteState {
        let secrets = self.withheld.as_ref().unwrap_or(&self.state.secrets);
        SiteState {
            secrets: secrets.clone(),
            ..self.state.clone()
        }
    }

    /// The state. Secrets that are too old to be believed are not in it.
    #[must_use]
    pub fn state(&self) -> &SiteState {
        &self.state
    }

    /// The time since it was last read from the store, or since the start if it never was.
    #[must_use]
    pub fn age(&self, now: Now) -> Duration {
        now.since(self.since)
    }

    /// Where it comes from.
    #[must_use]
    pub fn source(&self) -> Source {
        match self.reads {
            0 => Source::Fallback,
            _ => Source::Store,
        }
    }

    /// The parts of the last read that would have gone back.
    #[must_use]
    pub fn held_back(&self) -> &[HeldBack] {
        &self.held_back
    }

    /// Whether the secrets are too old to be believed.
    #[must_use]
    pub fn secrets_are_withheld(&self) -> bool {
        self.withheld.is_some()
    }

    /// How many reads have succeeded.
    pub(super) fn reads(&self) -> u64 {
        self.reads
    }
}
