//! Each guard taken out, one at a time, at a size at which its absence shows: a guard that nothing needs would be no guard.

use super::{COLLECTS, NONE, Size, explore};
use crate::guards::{Guard, Guards};

#[track_caller]
fn finds(guard: Guard, size: Size, expected: &str) {
    let explored = explore(size, Guards::without(guard));
    let (violation, path) = explored.violation.expect("the planted fault is found");
    println!(
        "without {guard:?}: {violation}, after {} steps, {} states",
        path.len(),
        explored.states
    );
    assert!(
        violation.contains(expected),
        "{violation}\n  {}",
        path.join("\n  ")
    );
}

const BOTH: Size = Size {
    publishers: 1,
    ..COLLECTS
};

#[test]
fn a_pointer_flipped_before_the_upload_is_found() {
    finds(
        Guard::UploadFirst,
        Size {
            publishers: 1,
            ..NONE
        },
        "a release that is kept has lost an object",
    );
}

#[test]
fn a_lifecycle_rule_that_expires_the_live_release_is_found() {
    finds(
        Guard::Reachability,
        COLLECTS,
        "a release that is served is condemned",
    );
}

#[test]
fn a_publisher_that_lost_its_lease_is_found() {
    finds(
        Guard::Fence,
        BOTH,
        "a release that is kept has lost an object",
    );
}

#[test]
fn a_rollback_overtaken_by_an_older_publication_is_found() {
    let size = Size {
        publishers: 1,
        rollbacks: 1,
        ..NONE
    };
    finds(
        Guard::Over,
        size,
        "a publisher replaced a release that it had not planned against",
    );
}

#[test]
fn a_rollback_to_what_is_being_collected_is_found() {
    finds(
        Guard::Tombstones,
        Size {
            rollbacks: 1,
            ..COLLECTS
        },
        "a release that is served is condemned",
    );
}

#[test]
fn a_collection_during_a_publication_is_found() {
    finds(
        Guard::CollectorLease,
        BOTH,
        "a release that is kept has lost an object",
    );
}

#[test]
fn a_deletion_that_comes_after_the_content_was_published_again_is_found() {
    finds(
        Guard::Era,
        BOTH,
        "a release that is kept has lost an object",
    );
}

#[test]
fn a_deletion_without_grace_is_found() {
    finds(
        Guard::Grace,
        COLLECTS,
        "a release that is kept has lost an object",
    );
}

#[test]
fn a_page_and_a_pointer_that_disagree_are_found() {
    let size = Size {
        rollbacks: 1,
        readers: 1,
        ..NONE
    };
    finds(
        Guard::KeptAnswer,
        size,
        "an open page asks for a release that does not answer",
    );
}
