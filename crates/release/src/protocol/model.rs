//! An exhaustive check of the protocol: every order of every step of its machines, at a size that is stated.
//!
//! The machines are the real ones, as is the ledger. The world around them is a set of stored keys, a ledger and a clock
//! that ticks. At each step any one process may go on; or be killed and begin again; the answer to a write may be lost;
//! the write may be carried out then, or later, or a second time later; a read of the ledger may be one version old.
//!
//! What must hold in every state that can be reached is [`World::violation`]; what must be found when a guard is taken out
//! is in [`planted`]. States are told apart by 128 bits of hash: that two of a few millions share one has a probability
//! below 10^-24.

mod planted;
mod world;

use crate::guards::Guards;
use std::collections::{HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use world::World;

/// The most states one check may visit before it counts as endless.
const STATES_MAX: usize = 100_000_000;

/// The variable that asks for the largest sizes, which take minutes and gigabytes.
const FULL: &str = "PORTCULLIS_MODEL_FULL";

/// What takes part, and how much may go wrong in one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Size {
    publishers: usize,
    rollbacks: usize,
    collections: u8,
    readers: usize,
    kills: u8,
    lost: u8,
    stale: u8,
    ticks: u64,
}

#[derive(Debug)]
struct Explored {
    states: usize,
    steps: usize,
    depth: usize,
    violation: Option<(String, Vec<String>)>,
}

/// Visits every state, nearest first, until one violates what must hold: the path to it is a shortest one.
fn explore(size: Size, guards: Guards) -> Explored {
    let mut seen = HashSet::new();
    let mut queue = VecDeque::new();
    // The trail of each state: its parent's index and what was done there.
    let mut trail: Vec<(usize, Box<str>)> = Vec::new();
    let first = World::new(size, guards);
    seen.insert(print_of(&first));
    trail.push((0, "begin".into()));
    queue.push_back((first, 0_usize, 0_usize));
    let (mut steps, mut deepest) = (0, 0);
    while let Some((world, index, depth)) = queue.pop_front() {
        deepest = depth.max(deepest);
        for (done, next) in world.successors() {
            steps += 1;
            if !seen.insert(print_of(&next)) {
                continue;
            }
            trail.push((index, done.into()));
            let place = trail.len() - 1;
            if let Some(violation) = next.violation() {
                let violation = Some((violation, path(&trail, place)));
                let states = seen.len();
                return Explored {
                    states,
                    steps,
                    depth: depth + 1,
                    violation,
                };
            }
            assert!(seen.len() <= STATES_MAX, "more than {STATES_MAX} states");
            queue.push_back((next, place, depth + 1));
        }
    }
    Explored {
        states: seen.len(),
        steps,
        depth: deepest,
        violation: None,
    }
}

fn print_of(world: &World) -> u128 {
    let half = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        salt.hash(&mut hasher);
        world.hash(&mut hasher);
        hasher.finish()
    };
    u128::from(half(0)) << 64 | u128::from(half(1))
}

fn path(trail: &[(usize, Box<str>)], mut place: usize) -> Vec<String> {
    let mut path = Vec::new();
    while place != 0 {
        let (parent, done) = &trail[place];
        path.push(done.to_string());
        place = *parent;
    }
    path.reverse();
    path
}

#[track_caller]
fn holds(name: &str, size: Size) {
    let began = std::time::Instant::now();
    let explored = explore(size, Guards::ALL);
    println!(
        "{name}: {} states, {} steps, depth {}, {:.1} s, violations {}; {size:?}",
        explored.states,
        explored.steps,
        explored.depth,
        began.elapsed().as_secs_f64(),
        usize::from(explored.violation.is_some()),
    );
    if let Some((violation, path)) = explored.violation {
        panic!("{name}: {violation}\n  {}", path.join("\n  "));
    }
}

const NONE: Size = Size {
    publishers: 0,
    rollbacks: 0,
    collections: 0,
    readers: 0,
    kills: 0,
    lost: 0,
    stale: 0,
    ticks: 0,
};

#[test]
fn two_publishers_and_a_rollback_with_lost_answers_and_late_writes() {
    holds(
        "race",
        Size {
            publishers: 2,
            rollbacks: 1,
            lost: 1,
            ..NONE
        },
    );
}

#[test]
fn two_publishers_that_are_killed() {
    holds(
        "kill",
        Size {
            publishers: 2,
            kills: 1,
            ticks: 1,
            ..NONE
        },
    );
}

#[test]
fn a_publisher_and_a_collector_that_are_killed() {
    holds(
        "kill and collect",
        Size {
            publishers: 1,
            kills: 1,
            ..COLLECTS
        },
    );
}

#[test]
fn a_publisher_and_a_collector_with_late_deletions() {
    holds(
        "late deletions",
        Size {
            publishers: 1,
            lost: 1,
            ..COLLECTS
        },
    );
}

#[test]
fn open_pages_during_rollback_and_collection() {
    holds(
        "pages",
        Size {
            rollbacks: 1,
            readers: 2,
            stale: 1,
            ..COLLECTS
        },
    );
}

// Any number of readers, at every moment: what each may have open is part of every state.

#[test]
fn two_publishers_and_a_collector() {
    holds(
        "two and collect",
        Size {
            publishers: 2,
            ..COLLECTS
        },
    );
}

#[test]
fn a_publisher_a_rollback_and_a_collector() {
    holds(
        "three",
        Size {
            publishers: 1,
            rollbacks: 1,
            ..COLLECTS
        },
    );
}

#[test]
fn everybody_at_once() {
    let everybody = Size {
        publishers: 2,
        rollbacks: 1,
        ..COLLECTS
    };
    // The first phase of the collection, in all its orders with everybody else.
    holds(
        "everybody",
        Size {
            collections: 1,
            ticks: 1,
            ..everybody
        },
    );
    if std::env::var_os(FULL).is_some() {
        holds(
            "three killed",
            Size {
                publishers: 1,
                rollbacks: 1,
                kills: 1,
                ..COLLECTS
            },
        );
        holds(
            "three, late",
            Size {
                publishers: 1,
                rollbacks: 1,
                lost: 1,
                ..COLLECTS
            },
        );
        holds("everybody, both phases", everybody);
    }
}

/// Two runs of the collector, with time for both phases.
const COLLECTS: Size = Size {
    collections: 2,
    ticks: 2,
    ..NONE
};
