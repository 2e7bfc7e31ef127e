//! What a cache would make of the requests of a log, under the keys and lifetimes of a site.
//!
//! A log does not have the headers of an origin. So every answer is taken to live as long as its behavior says where an
//! origin says nothing (the default TTL within its bounds), errors not at all, and every point of presence has one cache
//! that never evicts for size. Headers in a key are not in a log either: they are left out of it here.

use foldhash::fast::FixedState;
use portcullis_access_log::read::Entry;
use portcullis_site::{Caching, QueryKey, Site};
use serde::Serialize;
use std::hash::{BuildHasher as _, Hash, Hasher as _};

/// The keys that are remembered at once, for about 40 bytes each.
pub const KEYS_MAX: usize = 2_000_000;

/// What came of the requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Ratio {
    /// From the cache.
    pub hits: u64,
    /// From the origin.
    pub misses: u64,
    /// Not cached at all, by the rules or because they are no GET or HEAD.
    pub passed: u64,
    /// Refused, or errors: what no ratio counts.
    pub left_out: u64,
}

impl Ratio {
    /// How many of the answers came from the cache, in thousandths.
    #[must_use]
    pub fn per_mille(&self) -> u64 {
        let all = self.hits + self.misses + self.passed;
        (self.hits * 1_000).checked_div(all).unwrap_or(0)
    }

    /// Requests to the origin.
    #[must_use]
    pub fn origin_requests(&self) -> u64 {
        self.misses + self.passed
    }
}

/// A cache by the rules of a site.
#[derive(Debug)]
pub struct Cache {
    /// When what is kept under a key ends, in two generations: the older one is let go when the younger is full.
    young: hashbrown::HashMap<u64, u64, FixedState>,
    old: hashbrown::HashMap<u64, u64, FixedState>,
    hasher: FixedState,
    ratio: Ratio,
}

impl Default for Cache {
    fn default() -> Self {
        Self {
            young: hashbrown::HashMap::with_hasher(FixedState::default()),
            old: hashbrown::HashMap::with_hasher(FixedState::default()),
            hasher: FixedState::default(),
            ratio: Ratio::default(),
        }
    }
}

impl Cache {
    /// Plays a request that the rules admit, with the position of its behavior.
    pub fn play(&mut self, site: &Site, behavior: usize, entry: &Entry<'_>) {
        if entry.status == 0 || entry.status >= 400 {
            self.ratio.left_out += 1;
            return;
        }
        let caching = site.behaviors.get(behavior).map(|one| &one.caching);
        let cached = matches!(&*entry.method, "GET" | "HEAD");
        let Some(Caching::Enabled { key, ttl }) = caching.filter(|_| cached) else {
            self.ratio.passed += 1;
            return;
        };
        let mut hash = self.hasher.build_hasher();
        (entry.location, behavior, &*entry.path).hash(&mut hash);
        if key.country {
            entry.country.hash(&mut hash);
        }
        query(&key.query, &entry.query, &mut hash);
        let key = hash.finish();
        let lives = ttl
            .default
            .get()
            .clamp(ttl.min.get(), ttl.max.get().max(ttl.min.get()));
        if self.fresh(key, entry.time) {
            self.ratio.hits += 1;
        } else {
            self.ratio.misses += 1;
            self.keep(key, entry.time.saturating_add(lives));
        }
    }

    /// Leaves a request out: the rules refuse it.
    pub fn leave_out(&mut self) {
        self.ratio.left_out += 1;
    }

    /// What came of all.
    #[must_use]
    pub fn ratio(&self) -> Ratio {
        self.ratio
    }

    fn fresh(&self, key: u64, now: u64) -> bool {
        let ends = self.young.get(&key).or_else(|| self.old.get(&key));
        ends.is_some_and(|ends| *ends > now)
    }

    fn keep(&mut self, key: u64, ends: u64) {
        if self.young.len() >= KEYS_MAX / 2 {
            std::mem::swap(&mut self.young, &mut self.old);
            self.young.clear();
        }
        self.young.insert(key, ends);
    }
}

/// The part of a query that is in the key. The order counts, as it does for CloudFront.
fn query(key: &QueryKey, query: &str, hash: &mut impl std::hash::Hasher) {
    match key {
        QueryKey::None => {}
        QueryKey::All => query.hash(hash),
        QueryKey::Only(names) => {
            for parameter in query.split('&') {
                let name = parameter.split('=').next().unwrap_or_default();
                if names.iter().any(|own| own == name) {
                    parameter.hash(hash);
                }
            }
        }
    }
}
