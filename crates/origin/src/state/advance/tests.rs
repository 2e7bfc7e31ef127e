//! No part goes back, whatever is read, in any order.

use super::{Advanced, Back, HeldBack, Part};
use crate::state::{SecretDigest, Secrets, SiteState};
use portcullis_release_manifest::ReleaseId;
use portcullis_release_manifest::serving::{Serving, Stored};
use portcullis_viewer::prefixes::{Guards, PrefixSnapshot};
use proptest::prelude::*;
use std::collections::BTreeMap;

fn secrets(version: u64, value: &str) -> Secrets {
    let current = Some(SecretDigest::of(value.as_bytes()));
    Secrets {
        version,
        current,
        ..Secrets::default()
    }
}

fn list(version: u64, fetched_at: u64, network: &str) -> PrefixSnapshot {
    let networks = vec![network.parse().unwrap()];
    PrefixSnapshot::new("edges", version, fetched_at, networks, Guards::Edges).unwrap()
}

fn release(epoch: u64, name: &str) -> Serving {
    Serving {
        epoch,
        live: Some(Stored {
            release: ReleaseId::of(name.as_bytes()),
            era: 0,
        }),
        ..Serving::default()
    }
}

fn with_list(list: Option<PrefixSnapshot>) -> SiteState {
    let edge_lists = list
        .into_iter()
        .map(|list| ("edges".to_owned(), list))
        .collect();
    SiteState {
        edge_lists,
        ..SiteState::default()
    }
}

#[track_caller]
fn check(old: &SiteState, new: &SiteState, taken: bool, held_back: &[(Part, Back)]) {
    let advanced = old.advance(new.clone());
    let state = if taken { new.clone() } else { old.clone() };
    let held_back = held_back
        .iter()
        .cloned()
        .map(|(part, why)| HeldBack { part, why })
        .collect();
    assert_eq!(advanced, Advanced { state, held_back });
}

#[test]
fn secrets_go_forward_only() {
    let state = |version, value| SiteState {
        secrets: secrets(version, value),
        ..SiteState::default()
    };
    check(&state(1, "a"), &state(2, "b"), true, &[]);
    check(&state(1, "a"), &state(1, "a"), true, &[]);
    check(
        &state(2, "b"),
        &state(1, "a"),
        false,
        &[(Part::Secrets, Back::Older)],
    );
    check(
        &state(2, "b"),
        &state(2, "a"),
        false,
        &[(Part::Secrets, Back::SameVersionChanged)],
    );
    check(&state(0, "a"), &state(0, "b"), true, &[]);
    check(
        &state(2, "b"),
        &SiteState::default(),
        false,
        &[(Part::Secrets, Back::Older)],
    );
}

#[test]
fn a_list_goes_forward_only_and_a_confirmation_makes_it_younger() {
    let (a, b) = ("3.29.57.0/26", "13.124.199.0/24");
    let edges = || Part::EdgeList("edges".to_owned());
    let state = |version, fetched_at, network| with_list(Some(list(version, fetched_at, network)));
    check(&state(7, 100, a), &state(8, 50, b), true, &[]);
    check(&state(7, 100, a), &state(7, 200, a), true, &[]);
    check(
        &state(7, 200, a),
        &state(7, 100, a),
        false,
        &[(edges(), Back::Older)],
    );
    check(
        &state(7, 100, a),
        &state(7, 200, b),
        false,
        &[(edges(), Back::SameVersionChanged)],
    );
    check(
        &state(7, 100, a),
        &state(6, 200, b),
        false,
        &[(edges(), Back::Older)],
    );
    check(
        &state(7, 100, a),
        &with_list(None),
        false,
        &[(edges(), Back::Gone)],
    );
    check(&with_list(None), &state(1, 0, a), true, &[]);
}

#[test]
fn a_rollback_is_a_higher_epoch() {
    let state = |pointer| SiteState {
        release: pointer,
        ..SiteState::default()
    };
    let (one, two, back) = (release(1, "one"), release(2, "two"), release(3, "one"));
    check(&state(Some(two.clone())), &state(Some(back)), true, &[]);
    check(
        &state(Some(two.clone())),
        &state(Some(one)),
        false,
        &[(Part::Release, Back::Older)],
    );
    check(
        &state(Some(two.clone())),
        &state(None),
        false,
        &[(Part::Release, Back::Gone)],
    );
    let other = state(Some(release(2, "other")));
    check(
        &state(Some(two)),
        &other,
        false,
        &[(Part::Release, Back::SameVersionChanged)],
    );
}

#[test]
fn lists_that_come_and_go_do_not_add_up() {
    let mut state = SiteState::default();
    for round in 0..200 {
        let name = format!("list {round}");
        let new = SiteState {
            prefix_lists: [(name.clone(), list(1, 0, "3.29.57.0/26"))].into(),
            ..SiteState::default()
        };
        state = state.advance(new).state;
        assert!(
            state.prefix_lists.contains_key(&name),
            "what is read is always there"
        );
        assert!(state.prefix_lists.len() <= super::LISTS_MAX);
    }
}

prop_compose! {
    fn any_state()(
        secret in (0_u64..4, 0_u8..3),
        lists in proptest::collection::btree_map("[ab]", (1_u64..4, 0_u64..3, 0_u8..3), 0..3),
        pointer in proptest::option::of((1_u64..4, 0_u8..3)),
    ) -> SiteState {
        let lists = lists.into_iter().map(|(name, (version, fetched_at, network))| {
            (name, list(version, fetched_at, &format!("52.{network}.0.0/16")))
        });
        let lists: BTreeMap<String, PrefixSnapshot> = lists.collect();
        SiteState {
            secrets: secrets(secret.0, &secret.1.to_string()),
            edge_lists: lists.clone().into_iter().take(1).collect(),
            prefix_lists: lists,
            release: pointer.map(|(epoch, name)| release(epoch, &name.to_string())),
        }
    }
}

/// The versions of all parts; 0 for one that is not there.
fn versions(state: &SiteState) -> Vec<(u64, u64)> {
    let listed = |lists: &BTreeMap<String, PrefixSnapshot>, name: &str| {
        lists
            .get(name)
            .map_or((0, 0), |list| (list.version(), list.fetched_at()))
    };
    let mut versions = vec![
        (state.secrets.version, 0),
        (state.release.as_ref().map_or(0, |r| r.epoch), 0),
    ];
    for name in ["a", "b"] {
        versions.push(listed(&state.edge_lists, name));
        versions.push(listed(&state.prefix_lists, name));
    }
    versions
}

proptest! {
    #[test]
    fn no_part_ever_goes_back(states in proptest::collection::vec(any_state(), 2..12)) {
        let mut live = SiteState::default();
        for state in states {
            let before = live.clone();
            let Advanced { state: after, held_back } = live.advance(state.clone());
            for (old, new) in versions(&before).into_iter().zip(versions(&after)) {
                prop_assert!(new >= old || new.0 > old.0, "{old:?} to {new:?}");
            }
            for (read, kept) in versions(&state).into_iter().zip(versions(&after)) {
                prop_assert!(kept.0 >= read.0, "what is newer is taken");
            }
            prop_assert_eq!(held_back.is_empty(), after == state, "what is not taken is named");
            live = after;
        }
    }

    #[test]
    fn one_version_never_has_two_contents(states in proptest::collection::vec(any_state(), 2..12)) {
        let mut seen = BTreeMap::new();
        let mut live = SiteState::default();
        for state in states {
            live = live.advance(state).state;
            if live.secrets.version > 0 {
                let first = seen
                    .entry(live.secrets.version)
                    .or_insert_with(|| live.secrets.clone());
                prop_assert_eq!(&*first, &live.secrets);
            }
        }
    }

    #[test]
    fn reading_the_same_again_changes_nothing(old in any_state(), new in any_state()) {
        let once = old.advance(new.clone()).state;
        prop_assert_eq!(&once.advance(new).state, &once);
        prop_assert_eq!(once.advance(once.clone()), Advanced { state: once, held_back: Vec::new() });
    }

    #[test]
    fn a_state_survives_its_json(state in any_state()) {
        let json = serde_json::to_vec(&state).unwrap();
        prop_assert_eq!(SiteState::from_json(&json), Ok(state));
    }
}
