//! What readers poll: the part of a site's ledger by which requests are answered.
//!
//! Always holds: a request is answered by one release, which one copy of this names; it holds no release whose objects may
//! be gone; one that was only ever previewed answers under its preview alone.

use crate::key::{ReleaseId, VersionedKey};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The most releases in which a versioned name is looked up.
pub const KEPT_MAX: usize = 64;

/// The releases of one site as its readers see them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Serving {
    /// Grows with every change of anything below.
    pub epoch: u64,
    /// What readers get.
    pub live: Option<Stored>,
    /// A release that some viewers get, unless it is held.
    pub canary: Option<Trial>,
    /// Releases that are served under a name of their own.
    pub previews: BTreeMap<String, Stored>,
    /// All releases that are kept and were public, the newest first; the live one and the one on trial may be in it. More
    /// than [`KEPT_MAX`] are not looked at.
    pub kept: Vec<Stored>,
}

/// A release that is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stored {
    /// Its id.
    pub release: ReleaseId,
    /// The era of its manifest's key.
    pub era: u64,
}

/// A release on trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trial {
    /// Its id.
    pub release: ReleaseId,
    /// The era of its manifest's key.
    pub era: u64,
    /// The share of viewers that get it.
    pub share: Percent,
}

/// A share of 1 to 100 percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Percent(u8);

/// What of a request says which release is meant.
#[derive(Debug, Clone, Copy, Default)]
pub struct Asked<'a> {
    /// The preview that its host or header names.
    pub preview: Option<&'a str>,
    /// What stays the same of its viewer, for the trial.
    pub sticky: Option<&'a [u8]>,
}

impl Serving {
    /// The release that answers; `None` if there is none, or no such preview.
    #[must_use]
    pub fn answering(&self, asked: Asked<'_>) -> Option<Stored> {
        if let Some(preview) = asked.preview {
            return self.previews.get(preview).copied();
        }
        let trial = self.canary.filter(|trial| {
            asked
                .sticky
                .is_some_and(|sticky| trial.share.takes(&trial.release, sticky))
        });
        trial.map(|trial| trial.stored()).or(self.live)
    }

    /// The releases in which a versioned name is looked up after `first`, the one that answers: the live one, the one on
    /// trial, then all that are kept, the newest first. So a page that was opened before a flip goes on finding what it
    /// refers to.
    ///
    /// A name that does not change with its content is looked up in `first` alone.
    pub fn others(&self, first: Stored) -> impl Iterator<Item = Stored> {
        let trial = self.canary.map(|trial| trial.stored());
        let served = [self.live, trial].into_iter().flatten();
        let kept = self.kept.iter().take(KEPT_MAX).copied();
        let kept = kept.filter(move |stored| Some(*stored) != trial && Some(*stored) != self.live);
        served.chain(kept).filter(move |stored| *stored != first)
    }

    /// Every release that may be asked for, each once.
    #[must_use]
    pub fn all(&self) -> Vec<Stored> {
        let trial = self.canary.map(|trial| trial.stored());
        let mut all: Vec<Stored> = Vec::new();
        let kept = self.kept.iter().take(KEPT_MAX);
        for stored in self
            .live
            .iter()
            .chain(&trial)
            .chain(self.previews.values())
            .chain(kept)
        {
            if !all.contains(stored) {
                all.push(*stored);
            }
        }
        all
    }
}

impl Stored {
    /// The key of its manifest.
    #[must_use]
    pub fn manifest_key(&self) -> VersionedKey {
        VersionedKey::of_manifest(self.era, &self.release)
    }
}

impl Trial {
    /// The release itself.
    #[must_use]
    pub const fn stored(&self) -> Stored {
        Stored {
            release: self.release,
            era: self.era,
        }
    }
}

impl Percent {
    /// A share of `percent`.
    ///
    /// # Errors
    /// It is 0 or more than 100.
    pub fn new(percent: u8) -> Result<Self, &'static str> {
        match percent {
            1..=100 => Ok(Self(percent)),
            _ => Err("a share is 1 to 100 percent"),
        }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }

    /// Whether the viewer whom `sticky` names (an address, a cookie: what stays the same) gets `release`, which is on trial.
    /// A larger share takes more viewers and lets none of the former go.
    #[must_use]
    pub fn takes(self, release: &ReleaseId, sticky: &[u8]) -> bool {
        use sha2::Digest as _;
        let digest = sha2::Sha256::new()
            .chain_update(release.as_bytes())
            .chain_update(sticky)
            .finalize();
        let bucket = digest
            .iter()
            .take(8)
            .fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        bucket % 100 < u64::from(self.0)
    }
}

impl TryFrom<u8> for Percent {
    type Error = &'static str;
    fn try_from(percent: u8) -> Result<Self, Self::Error> {
        Self::new(percent)
    }
}

impl From<Percent> for u8 {
    fn from(percent: Percent) -> Self {
        percent.0
    }
}

#[cfg(test)]
mod tests {
    use super::{Asked, KEPT_MAX, Percent, Serving, Stored, Trial};
    use crate::key::Digest;

    fn stored(name: &str) -> Stored {
        Stored {
            release: Digest::of(name.as_bytes()),
            era: 7,
        }
    }

    fn serving(share: u8) -> Serving {
        let Stored { release, era } = stored("trial");
        let share = Percent::new(share).unwrap();
        Serving {
            epoch: 9,
            live: Some(stored("live")),
            canary: Some(Trial {
                release,
                era,
                share,
            }),
            previews: [("next".to_owned(), stored("next"))].into(),
            kept: vec![stored("trial"), stored("live"), stored("old")],
        }
    }

    #[test]
    fn a_preview_comes_before_the_trial_and_the_trial_before_what_is_live() {
        let asked = |preview, sticky| serving(100).answering(Asked { preview, sticky });
        let viewer = Some(&b"viewer"[..]);
        assert_eq!(asked(None, None), Some(stored("live")));
        assert_eq!(asked(None, viewer), Some(stored("trial")));
        assert_eq!(asked(Some("next"), viewer), Some(stored("next")));
        assert_eq!(asked(Some("other"), viewer), None);
        assert_eq!(Serving::default().answering(Asked::default()), None);
    }

    #[test]
    fn versioned_names_are_looked_up_once_in_each_public_release() {
        for (first, others) in [
            ("live", vec!["trial", "old"]),
            ("trial", vec!["live", "old"]),
            ("next", vec!["live", "trial", "old"]),
        ] {
            let others: Vec<_> = others.into_iter().map(stored).collect();
            assert_eq!(
                serving(1).others(stored(first)).collect::<Vec<_>>(),
                others,
                "{first}"
            );
        }
        assert_eq!(serving(1).all().len(), 4);
        let many = Serving {
            kept: (0..KEPT_MAX + 9).map(|n| stored(&n.to_string())).collect(),
            ..Serving::default()
        };
        assert_eq!(many.all().len(), KEPT_MAX);
    }

    #[test]
    fn it_is_read_back_as_it_was_written_and_a_share_is_a_percentage() {
        let text = serde_json::to_string(&serving(5)).unwrap();
        assert_eq!(serde_json::from_str::<Serving>(&text).unwrap(), serving(5));
        for bad in [
            text.replace("\"share\":5", "\"share\":0"),
            text.replace("\"era\":7", "\"age\":7"),
        ] {
            assert!(serde_json::from_str::<Serving>(&bad).is_err(), "{bad}");
        }
    }
}
