//! The copies that a tier keeps: looked up by key, given up when their bytes no longer fit, removed by invalidations.
//!
//! - a look-up allocates nothing and moves nothing: it marks the copy as used;
//! - the bytes kept, overhead included, never exceed the limit; what alone exceeds it is not kept;
//! - which copy goes when room is needed: the oldest that was not used since the hand last passed it (SIEVE);
//! - the order of events decides everything; the seed only spreads keys.
//!
//! Deliberately absent: freshness. An expired copy stays until it is replaced or its room is needed, because it can be
//! revalidated and can stand in for a failing origin.

mod copy;

pub use copy::{Body, Copy, Cut, Lifetime, PARTS_MAX, Parts};

use crate::key::CacheKey;
use foldhash::fast::FixedState;
use hashbrown::HashTable;
use std::hash::BuildHasher as _;
use std::sync::Arc;

/// Where a copy lies: a tier of the network, numbered by the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tier(pub u16);

/// What a copy costs beside its body, its key and its fields, in bytes: slot, index and allocations.
pub const OVERHEAD_BYTES: usize = 256;

/// All copies of all tiers, within one limit.
#[derive(Debug)]
pub struct Store {
    index: HashTable<u32>,
    slots: Vec<Option<Slot>>,
    free: Vec<u32>,
    /// Ends of the list in order of arrival.
    newest: Option<u32>,
    oldest: Option<u32>,
    hand: Option<u32>,
    bytes: usize,
    bytes_max: usize,
    hasher: FixedState,
    evictions: u64,
}

#[derive(Debug)]
struct Slot {
    tier: Tier,
    key: CacheKey,
    copy: Arc<Copy>,
    bytes: usize,
    used: bool,
    newer: Option<u32>,
    older: Option<u32>,
}

/// How full a store is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fill {
    /// Copies kept.
    pub copies: usize,
    /// Bytes kept, overhead included.
    pub bytes: usize,
    /// The limit.
    pub bytes_max: usize,
    /// Copies that were given up for room since the start.
    pub evictions: u64,
}

impl Store {
    /// An empty store for at most `bytes_max` bytes.
    #[must_use]
    pub fn new(bytes_max: usize, seed: u64) -> Self {
        Self {
            index: HashTable::new(),
            slots: Vec::new(),
            free: Vec::new(),
            newest: None,
            oldest: None,
            hand: None,
            bytes: 0,
            bytes_max,
            hasher: FixedState::with_seed(seed),
            evictions: 0,
        }
    }

    /// The copy for a key, which counts as used.
    #[must_use]
    pub fn get(&mut self, tier: Tier, key: &CacheKey) -> Option<&Arc<Copy>> {
        let at = self.find(tier, key)?;
        let slot = self.slots.get_mut(at as usize)?.as_mut()?;
        slot.used = true;
        Some(&slot.copy)
    }

    /// Keeps a copy, in the place of one with the same key. Returns whether there was room.
    pub fn insert(&mut self, tier: Tier, key: CacheKey, copy: Arc<Copy>) -> bool {
        self.remove(tier, &key);
        let bytes = OVERHEAD_BYTES + key.len() + copy.bytes();
        if bytes > self.bytes_max {
            return false;
        }
        while self.bytes + bytes > self.bytes_max && self.evict() {}
        let hash = self.hash(tier, &key);
        let slot = Slot {
            tier,
            key,
            copy,
            bytes,
            used: false,
            newer: None,
            older: self.newest,
        };
        let Some(at) = self.place(slot) else {
            return false;
        };
        match self.newest.and_then(|newest| self.slot_mut(newest)) {
            Some(newest) => newest.newer = Some(at),
            None => self.oldest = Some(at),
        }
        self.newest = Some(at);
        self.bytes += bytes;
        let (slots, hasher) = (&self.slots, &self.hasher);
        let rehash = |&at: &u32| hash_at(slots, hasher, at);
        self.index.insert_unique(hash, at, rehash);
        true
    }

    /// Removes the copy for a key.
    pub fn remove(&mut self, tier: Tier, key: &CacheKey) -> Option<Arc<Copy>> {
        let at = self.find(tier, key)?;
        self.take(at).map(|slot| slot.copy)
    }

    /// Removes every copy that `goes` names. Returns how many went.
    pub fn remove_if(&mut self, mut goes: impl FnMut(Tier, &CacheKey, &Copy) -> bool) -> usize {
        let gone: Vec<u32> = (0u32..)
            .zip(&self.slots)
            .filter_map(|(at, slot)| {
                let slot = slot.as_ref()?;
                goes(slot.tier, &slot.key, &slot.copy).then_some(at)
            })
            .collect();
        for at in &gone {
            self.take(*at);
        }
        gone.len()
    }

    /// The copies, the oldest first.
    pub fn iter(&self) -> impl Iterator<Item = (Tier, &CacheKey, &Arc<Copy>)> {
        let slot = |at: u32| self.slots.get(at as usize)?.as_ref();
        std::iter::successors(self.oldest.and_then(slot), move |last| {
            last.newer.and_then(slot)
        })
        .map(|slot| (slot.tier, &slot.key, &slot.copy))
    }

    /// How full it is.
    #[must_use]
    pub fn fill(&self) -> Fill {
        Fill {
            copies: self.index.len(),
            bytes: self.bytes,
            bytes_max: self.bytes_max,
            evictions: self.evictions,
        }
    }

    fn hash(&self, tier: Tier, key: &CacheKey) -> u64 {
        self.hasher.hash_one((tier.0, key.as_bytes()))
    }

    fn find(&self, tier: Tier, key: &CacheKey) -> Option<u32> {
        let is_it = |&at: &u32| {
            let slot = self.slots.get(at as usize).and_then(Option::as_ref);
            slot.is_some_and(|slot| slot.tier == tier && slot.key == *key)
        };
        self.index.find(self.hash(tier, key), is_it).copied()
    }

    fn slot_mut(&mut self, at: u32) -> Option<&mut Slot> {
        self.slots.get_mut(at as usize)?.as_mut()
    }

    fn place(&mut self, slot: Slot) -> Option<u32> {
        if let Some(at) = self.free.pop() {
            *self.slots.get_mut(at as usize)? = Some(slot);
            return Some(at);
        }
        let at = u32::try_from(self.slots.len()).ok()?;
        self.slots.push(Some(slot));
        Some(at)
    }

    /// Moves the hand to the next copy that was not used, and gives that one up.
    fn evict(&mut self) -> bool {
        let mut at = self.hand.or(self.oldest);
        // Each copy is passed at most twice: the first pass clears its mark.
        for _ in 0..=self.slots.len() * 2 {
            let Some(here) = at.or(self.oldest) else {
                return false;
            };
            let Some(slot) = self.slot_mut(here) else {
                return false;
            };
            if !slot.used {
                self.hand = Some(here);
                self.evictions += 1;
                return self.take(here).is_some();
            }
            slot.used = false;
            at = slot.newer;
        }
        false
    }

    fn take(&mut self, at: u32) -> Option<Slot> {
        let hash = hash_at(&self.slots, &self.hasher, at);
        let slot = self.slots.get_mut(at as usize)?.take()?;
        if let Ok(entry) = self.index.find_entry(hash, |&other| other == at) {
            entry.remove();
        }
        match slot.newer.and_then(|newer| self.slot_mut(newer)) {
            Some(newer) => newer.older = slot.older,
            None => self.newest = slot.older,
        }
        match slot.older.and_then(|older| self.slot_mut(older)) {
            Some(older) => older.newer = slot.newer,
            None => self.oldest = slot.newer,
        }
        if self.hand == Some(at) {
            self.hand = slot.newer;
        }
        self.bytes -= slot.bytes;
        self.free.push(at);
        Some(slot)
    }
}

fn hash_at(slots: &[Option<Slot>], hasher: &FixedState, at: u32) -> u64 {
    slots
        .get(at as usize)
        .and_then(Option::as_ref)
        .map_or(0, |slot| {
            hasher.hash_one((slot.tier.0, slot.key.as_bytes()))
        })
}

#[cfg(test)]
mod tests;
