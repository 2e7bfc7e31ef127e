//! Signatures that were verified before.
//!
//! Verifying costs tens of microseconds, remembering a digest a fraction of one. An entry is the SHA-256 of the key
//! itself, the algorithm, the policy's bytes and the signature, so it says one thing that never changes: this
//! signature is this key's over these bytes. Time, address, URL and key group are not part of it and are checked on
//! every request. Only valid signatures enter, so nobody without a key can push others out.

use crate::algorithm::Algorithm;
use crate::key::PublicKey;
use ring::digest::{Context, SHA256};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Entries of a set; the least recently used one leaves first.
const WAYS: usize = 4;
/// Most entries a cache can have: 2 MiB.
const ENTRIES_MAX: usize = 1 << 16;

type Entry = [u8; 32];
type Set = [Option<Entry>; WAYS];

/// A bounded memory of verified signatures, shared between threads. It has no clock and reads none.
pub struct VerifiedCache {
    sets: Mutex<Box<[Set]>>,
}

impl VerifiedCache {
    /// A cache of about `entries` entries of 33 bytes: rounded up to whole sets of four, at least one set and at most
    /// 65,536 entries.
    #[must_use]
    pub fn new(entries: usize) -> Self {
        let sets = entries.clamp(1, ENTRIES_MAX).div_ceil(WAYS);
        Self {
            sets: Mutex::new(vec![[None; WAYS]; sets].into()),
        }
    }

    /// Whether the entry is known; a known one becomes the most recently used of its set.
    pub(crate) fn knows(&self, entry: &Entry) -> bool {
        let mut sets = self.lock();
        let Some(set) = set_of(&mut sets, entry) else {
            return false;
        };
        let Some(way) = set.iter().position(|known| known.as_ref() == Some(entry)) else {
            return false;
        };
        if let Some(recent) = set.get_mut(..=way) {
            recent.rotate_right(1);
        }
        true
    }

    /// Remembers an entry in place of the least recently used one of its set.
    pub(crate) fn remember(&self, entry: Entry) {
        if let Some(set) = set_of(&mut self.lock(), &entry) {
            set.rotate_right(1);
            set[0] = Some(entry);
        }
    }

    /// A panic elsewhere leaves whole entries behind, so a poisoned lock is as good as any.
    fn lock(&self) -> MutexGuard<'_, Box<[Set]>> {
        self.sets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn set_of<'a>(sets: &'a mut [Set], entry: &Entry) -> Option<&'a mut Set> {
    let prefix = entry
        .first_chunk()
        .map_or(0, |bytes| u32::from_le_bytes(*bytes));
    let index = usize::try_from(prefix).ok()?.checked_rem(sets.len())?;
    sets.get_mut(index)
}

/// The digest that stands for one signature. The signature is taken as text: its base64 has one spelling only.
pub(crate) fn entry(
    key: &PublicKey,
    algorithm: Algorithm,
    policy: &[u8],
    signature: &str,
) -> Entry {
    let mut digest = Context::new(&SHA256);
    digest.update(key.fingerprint());
    digest.update(algorithm.as_str().as_bytes());
    digest.update(&policy.len().to_le_bytes());
    digest.update(policy);
    digest.update(signature.as_bytes());
    let mut entry = [0; 32];
    entry.copy_from_slice(digest.finish().as_ref());
    entry
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An entry that falls in the first set of any cache.
    fn named(name: u8) -> Entry {
        let mut entry = [0; 32];
        entry[31] = name;
        entry
    }

    #[test]
    fn the_least_recently_used_entry_of_a_set_leaves() {
        let cache = VerifiedCache::new(WAYS);
        (1..=4).for_each(|name| cache.remember(named(name)));
        assert!(cache.knows(&named(1)), "all four fit");
        cache.remember(named(5));
        assert!(
            !cache.knows(&named(2)),
            "the oldest that was not used since"
        );
        assert!(
            [1, 3, 4, 5]
                .into_iter()
                .all(|name| cache.knows(&named(name)))
        );
    }

    #[test]
    fn any_capacity_gives_a_working_bounded_cache() {
        for (asked, entries) in [
            (0, 4),
            (1, 4),
            (5, 8),
            (1024, 1024),
            (usize::MAX, ENTRIES_MAX),
        ] {
            let cache = VerifiedCache::new(asked);
            assert_eq!(cache.lock().len() * WAYS, entries);
            assert!(!cache.knows(&named(1)));
            cache.remember(named(1));
            assert!(cache.knows(&named(1)));
        }
    }
}
