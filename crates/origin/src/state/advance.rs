//! Which parts of a state that was read replace those in use: a part never goes back.
//!
//! The parts have versions of their own, because each is written by another function: the secrets by rotation, a prefix
//! list by its refresh, the release by publishing. A read that is late or from a lagging replica may bring an older one,
//! and a rollback is a release with a higher epoch. So each part is compared alone, and what would go back is held back
//! and named.
//!
//! Always holds: the result has each part from one of the two states, unmixed; no version in it is lower than before;
//! version 0, with which nobody writes, gives way to anything.

use super::snapshots::LISTS_MAX;
use super::{Secrets, SiteState};
use portcullis_release_manifest::serving::Serving;
use portcullis_viewer::prefixes::PrefixSnapshot;
use std::collections::BTreeMap;

/// A part of the state, with a version of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// The accepted secrets.
    Secrets,
    /// A list of CloudFront's edges, by name.
    EdgeList(String),
    /// A list of the site's own, by id.
    PrefixList(String),
    /// The releases.
    Release,
}

/// How a part would go back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Back {
    /// Its version is lower than the one in use.
    Older,
    /// Its version is the one in use, and its content is not.
    SameVersionChanged,
    /// It is not there any more.
    Gone,
}

/// A part that was not taken over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldBack {
    /// Which.
    pub part: Part,
    /// Why.
    pub why: Back,
}

/// A state in which no part went back.
#[derive(Debug, Clone, PartialEq)]
pub struct Advanced {
    /// The state to use from now on.
    pub state: SiteState,
    /// The parts that stayed as they were although others were offered.
    pub held_back: Vec<HeldBack>,
}

impl SiteState {
    /// The state after `new` was read while `self` is in use.
    #[must_use]
    pub fn advance(&self, new: Self) -> Advanced {
        let mut held_back = Vec::new();
        let mut hold = |part, why| held_back.push(HeldBack { part, why });
        let secrets = advance(&self.secrets, new.secrets, |why| hold(Part::Secrets, why));
        let edge_lists = advance_lists(&self.edge_lists, new.edge_lists, |name, why| {
            hold(Part::EdgeList(name), why);
        });
        let prefix_lists = advance_lists(&self.prefix_lists, new.prefix_lists, |name, why| {
            hold(Part::PrefixList(name), why);
        });
        let release = match (&self.release, new.release) {
            (Some(old), Some(new)) => Some(advance(old, new, |why| hold(Part::Release, why))),
            (Some(old), None) => {
                hold(Part::Release, Back::Gone);
                Some(old.clone())
            }
            (None, new) => new,
        };
        let state = Self {
            secrets,
            edge_lists,
            prefix_lists,
            release,
        };
        Advanced { state, held_back }
    }
}

/// Something that is replaced as a whole and numbered.
trait Versioned: Clone {
    /// Grows with every change; the second number orders confirmations of the same content.
    fn version(&self) -> (u64, u64);
    /// Whether the contents are equal, whatever the second number of the version.
    fn is_same(&self, other: &Self) -> bool;
}

impl Versioned for Secrets {
    fn version(&self) -> (u64, u64) {
        (self.version, 0)
    }
    fn is_same(&self, other: &Self) -> bool {
        self == other
    }
}

impl Versioned for Serving {
    fn version(&self) -> (u64, u64) {
        (self.epoch, 0)
    }
    fn is_same(&self, other: &Self) -> bool {
        self == other
    }
}

impl Versioned for PrefixSnapshot {
    fn version(&self) -> (u64, u64) {
        (self.version(), self.fetched_at())
    }
    fn is_same(&self, other: &Self) -> bool {
        (self.list(), self.networks()) == (other.list(), other.networks())
    }
}

fn advance<T: Versioned>(old: &T, new: T, hold: impl FnOnce(Back)) -> T {
    let (before, after) = (old.version(), new.version());
    let why = if before.0 == 0 || after.0 > before.0 {
        return new;
    } else if after.0 == before.0 && !new.is_same(old) {
        Back::SameVersionChanged
    } else if after >= before {
        return new;
    } else {
        Back::Older
    };
    hold(why);
    old.clone()
}

fn advance_lists(
    old: &BTreeMap<String, PrefixSnapshot>,
    new: BTreeMap<String, PrefixSnapshot>,
    mut hold: impl FnMut(String, Back),
) -> BTreeMap<String, PrefixSnapshot> {
    let mut lists = BTreeMap::new();
    for (name, list) in new {
        let list = match old.get(&name) {
            Some(before) => advance(before, list, |why| hold(name.clone(), why)),
            None => list,
        };
        lists.insert(name, list);
    }
    for (name, list) in old {
        // The bound keeps a store whose names change with every read from filling the memory.
        if !lists.contains_key(name) && lists.len() < LISTS_MAX {
            hold(name.clone(), Back::Gone);
            lists.insert(name.clone(), list.clone());
        }
    }
    lists
}

#[cfg(test)]
mod tests;
