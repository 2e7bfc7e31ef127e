//! The ledger of a site: which release is live, which are kept, who publishes and what is being collected.
//!
//! One record, changed only as a whole and only on the condition that it still has the version that was read. Every change
//! is a function of this module from one ledger to the next; the time is an argument, in seconds since the epoch.
//!
//! Always holds:
//! - `version` grows with every change, `epoch` with every change that a reader can see, `fence` with every lease, `era`
//!   with every collection; none ever goes back. A write that comes late or twice finds another version and does nothing.
//! - A publisher commits only with the lease it took, and only over the live release it planned against: a publisher that
//!   was overtaken by another, by a rollback or by a collection cannot flip any more.
//! - What is live, previewed or on trial is never condemned, whatever its age; what is condemned never comes back.
//!
//! **Why a late deletion does no harm.** Condemning is one write that ends an era `e`, and it needs that nobody holds a
//! lease. From then on `D`, the keys of eras up to `e` that no remaining release refers to, can only grow: a release that
//! commits later took its lease later, so each of its keys is of a later era or is referred to by a release that remained.
//! Whoever deletes keys of `D` may therefore be as slow as it likes.
//!
//! Deliberately absent: lists of keys; they follow from the manifests of the releases that remain.

mod change;
mod collection;
mod serving;

pub use change::{Changed, Commit, Refusal, Target};
pub use collection::Retention;
pub use portcullis_release_manifest::serving::Percent;

use crate::key::{ReleaseId, VersionedKey};
use portcullis_site::Name;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The most releases a ledger holds; a publisher is told to collect first.
pub const RELEASES_MAX: usize = 500;
/// The most previews at one time.
pub const PREVIEWS_MAX: usize = 50;
/// The longest ledger that is read, in bytes.
pub const LEDGER_BYTES_MAX: usize = 256 * 1024;
/// The longest name of a publisher, in bytes.
pub const HOLDER_BYTES_MAX: usize = 128;

/// The ledger of one site.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ledger {
    /// Grows with every change; the condition of the next one.
    pub version: u64,
    /// Grows with every change that a reader sees.
    pub epoch: u64,
    /// The era of new keys.
    pub era: u64,
    /// The number of the newest lease.
    pub fence: u64,
    /// Who publishes.
    pub lease: Option<Lease>,
    /// What readers get.
    pub live: Option<Live>,
    /// Releases that are served under a name of their own.
    pub previews: BTreeMap<Name, ReleaseId>,
    /// A release that some viewers get.
    pub canary: Option<Canary>,
    /// All releases, the one that became live last at the end.
    pub releases: Vec<Record>,
    /// The collection that is under way.
    pub collection: Option<Collection>,
}

/// The live release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Live {
    /// Its id.
    pub release: ReleaseId,
    /// The epoch in which it became live.
    pub since: u64,
}

/// A release on trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Canary {
    /// Its id.
    pub release: ReleaseId,
    /// The share of viewers that get it.
    pub share: Percent,
    /// Whether nobody gets it until it is promoted or withdrawn, because it answered worse than the live one.
    pub held: bool,
}

/// A release that can be served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Its id.
    pub release: ReleaseId,
    /// The era of its manifest's key.
    pub era: u64,
    /// When it was committed first.
    pub published_at: u64,
    /// When it last became live, if it ever did.
    pub live_at: Option<u64>,
    /// Since when it is neither live nor previewed nor on trial.
    pub unused_since: Option<u64>,
    /// Whether it is condemned: its objects may be gone.
    pub condemned: bool,
}

/// The right to commit a release.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lease {
    /// Its number: the fence that a commit has to show.
    pub fence: u64,
    /// Who has it, for people, and for the same publisher after a crash.
    pub holder: String,
    /// The run that took it, a number nobody else draws.
    pub run: u64,
    /// From when on others may take it.
    pub expires_at: u64,
}

/// A collection between its two phases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Collection {
    /// The era it ended.
    pub era: u64,
    /// When it condemned.
    pub condemned_at: u64,
}

/// Why a text is no ledger.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the ledger is not readable: {0}")]
pub struct Unreadable(pub String);

impl Ledger {
    /// Reads a ledger from its JSON form.
    ///
    /// # Errors
    /// [`Unreadable`] says where it is none; also if it is longer than [`LEDGER_BYTES_MAX`].
    pub fn from_json(text: &[u8]) -> Result<Self, Unreadable> {
        if text.len() > LEDGER_BYTES_MAX {
            let why = format!("it is longer than {LEDGER_BYTES_MAX} bytes");
            return Err(Unreadable(why));
        }
        serde_json::from_slice(text).map_err(|error| Unreadable(error.to_string()))
    }

    /// Its JSON form.
    ///
    /// # Errors
    /// [`Unreadable`] if it would be too long to be read again.
    pub fn to_json(&self) -> Result<Vec<u8>, Unreadable> {
        let text =
            serde_json::to_vec_pretty(self).map_err(|error| Unreadable(error.to_string()))?;
        if text.len() > LEDGER_BYTES_MAX {
            return Err(Unreadable(format!(
                "it is longer than {LEDGER_BYTES_MAX} bytes"
            )));
        }
        Ok(text)
    }

    /// The record of `release`, if it has one, condemned or not.
    #[must_use]
    pub fn record(&self, release: &ReleaseId) -> Option<&Record> {
        self.releases
            .iter()
            .find(|record| record.release == *release)
    }

    /// The releases whose every object is there: all that are not condemned.
    pub fn remaining(&self) -> impl DoubleEndedIterator<Item = &Record> {
        self.releases.iter().filter(|record| !record.condemned)
    }

    /// Whether readers may be given `release` by the live pointer, a preview or the canary.
    #[must_use]
    pub fn is_served(&self, release: &ReleaseId) -> bool {
        self.live.is_some_and(|live| live.release == *release)
            || self.canary.is_some_and(|canary| canary.release == *release)
            || self.previews.values().any(|preview| preview == release)
    }

    /// The epoch in which the live release became so; 0 if there is none.
    #[must_use]
    pub fn live_since(&self) -> u64 {
        self.live.map_or(0, |live| live.since)
    }
}

impl Record {
    /// The key of its manifest.
    #[must_use]
    pub fn manifest_key(&self) -> VersionedKey {
        VersionedKey::of_manifest(self.era, &self.release)
    }
}

impl Canary {
    /// Whether the viewer whom `sticky` names (an address, a cookie: what stays the same) gets the release on trial. A
    /// larger share takes more viewers and lets none of the former go.
    #[must_use]
    pub fn takes(&self, sticky: &[u8]) -> bool {
        !self.held && self.share.takes(&self.release, sticky)
    }
}

#[cfg(test)]
mod tests;
