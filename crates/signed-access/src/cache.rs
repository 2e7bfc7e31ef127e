//! Signatures that were verified before.
//!
//! Verifying costs tens of microseconds, remembering a digest less than one. An entry stands for one claim, the
//! SHA-256 of everything its verification depends on: the key itself, the algorithm, the policy (or the URL and the
//! expiry time it is rebuilt from), the signature and the rules it was read by. What the policy says is kept beside it.
//! Time, address, resource and key group are no part of a claim and are checked on every request. Only valid
//! signatures enter, so nobody without a key can push others out.

use crate::authenticate::{Claim, Profile, Terms, Verified};
use crate::refusal::SignatureRefusal;
use ring::digest::{Context, SHA256};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Entries of a set; the least recently used one leaves first.
const WAYS: usize = 4;
/// Most entries a cache can have.
const ENTRIES_MAX: usize = 1 << 16;

type Digest = [u8; 32];
type Set<T> = [Option<(Digest, T)>; WAYS];

/// A bounded memory of verified signatures, shared between threads. It has no clock and reads none.
pub struct VerifiedCache {
    entries: Mutex<Entries<Arc<Verified>>>,
}

impl std::fmt::Debug for VerifiedCache {
    /// Entries are digests of what viewers sent; they do not print.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VerifiedCache").finish_non_exhaustive()
    }
}

impl VerifiedCache {
    /// A cache of about `entries` entries: rounded up to whole sets of four, at least one set and at most 65,536
    /// entries. One takes about 120 bytes and the `Resource` of its policy.
    #[must_use]
    pub fn new(entries: usize) -> Self {
        Self {
            entries: Mutex::new(Entries::new(entries)),
        }
    }

    /// What the claim was verified to say before, or what it is verified to say now.
    pub(crate) fn verify(&self, claim: &Claim<'_>) -> Result<Arc<Verified>, SignatureRefusal> {
        let digest = digest(claim);
        let known = self.lock().get(&digest);
        if let Some(verified) = known {
            return Ok(verified);
        }
        let verified = claim.verify()?;
        self.lock().put(digest, Arc::clone(&verified));
        Ok(verified)
    }

    /// A panic elsewhere leaves whole entries behind, so a poisoned lock is as good as any.
    fn lock(&self) -> MutexGuard<'_, Entries<Arc<Verified>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The digest that stands for a claim. Every part of variable length is preceded by its length.
fn digest(claim: &Claim<'_>) -> Digest {
    let mut context = Context::new(&SHA256);
    let mut part = |bytes: &[u8]| {
        context.update(&bytes.len().to_le_bytes());
        context.update(bytes);
    };
    part(claim.key.fingerprint());
    part(
        claim
            .algorithm
            .map_or("", |algorithm| algorithm.as_str())
            .as_bytes(),
    );
    part(match claim.profile {
        Profile::CloudFront => b"cloudfront",
        Profile::Gateway => b"gateway",
    });
    part(claim.signature.as_bytes());
    match claim.terms {
        Terms::Canned { url, expires } => {
            part(url.as_bytes());
            part(expires.as_bytes());
        }
        Terms::Custom(base64) => part(base64.as_bytes()),
    }
    let mut digest = [0; 32];
    digest.copy_from_slice(context.finish().as_ref());
    digest
}

/// A set-associative table: the digest chooses a set, and the least recently used entry of a set leaves first.
struct Entries<T> {
    sets: Box<[Set<T>]>,
}

impl<T: Clone> Entries<T> {
    fn new(entries: usize) -> Self {
        let sets = entries.clamp(1, ENTRIES_MAX).div_ceil(WAYS);
        Self {
            sets: (0..sets).map(|_| [const { None }; WAYS]).collect(),
        }
    }

    /// The value of a digest, which becomes the most recently used of its set.
    fn get(&mut self, digest: &Digest) -> Option<T> {
        let set = self.set(digest)?;
        let way = set
            .iter()
            .position(|entry| matches!(entry, Some((known, _)) if known == digest))?;
        set.get_mut(..=way)?.rotate_right(1);
        set[0].as_ref().map(|(_, value)| value.clone())
    }

    /// Remembers a value in place of the least recently used one of its set.
    fn put(&mut self, digest: Digest, value: T) {
        if let Some(set) = self.set(&digest) {
            set.rotate_right(1);
            set[0] = Some((digest, value));
        }
    }

    fn set(&mut self, digest: &Digest) -> Option<&mut Set<T>> {
        let prefix = digest
            .first_chunk()
            .map_or(0, |bytes| u32::from_le_bytes(*bytes));
        let index = usize::try_from(prefix).ok()?.checked_rem(self.sets.len())?;
        self.sets.get_mut(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A digest that falls in the first set of any table.
    fn named(name: u8) -> Digest {
        let mut digest = [0; 32];
        digest[31] = name;
        digest
    }

    #[test]
    fn the_least_recently_used_entry_of_a_set_leaves() {
        let mut entries = Entries::new(WAYS);
        (1..=4).for_each(|name| entries.put(named(name), name));
        assert_eq!(entries.get(&named(1)), Some(1), "all four fit");
        entries.put(named(5), 5);
        assert_eq!(
            entries.get(&named(2)),
            None,
            "the oldest that was not used since"
        );
        assert!(
            [1, 3, 4, 5]
                .into_iter()
                .all(|name| entries.get(&named(name)) == Some(name))
        );
    }

    #[test]
    fn any_capacity_gives_a_working_bounded_table() {
        for (asked, expected) in [
            (0, 4),
            (1, 4),
            (5, 8),
            (1024, 1024),
            (usize::MAX, ENTRIES_MAX),
        ] {
            let mut entries = Entries::new(asked);
            assert_eq!(entries.sets.len() * WAYS, expected);
            assert_eq!(entries.get(&named(1)), None);
            entries.put(named(1), 'a');
            assert_eq!(entries.get(&named(1)), Some('a'));
        }
    }
}
