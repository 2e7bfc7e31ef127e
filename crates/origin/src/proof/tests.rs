//! The proof, layer by layer: one table for each.

use super::{Layer, ProofFailure, SECRET_BYTES_MAX, SecretSlot, is_one_value, prove};
use crate::request::{Front, Headers, Principal, Request};
use crate::state::{SecretDigest, Secrets, SiteState};
use portcullis_site::{Guard, Requirement, Seconds, WhenStale};
use portcullis_viewer::prefixes::{Guards, PrefixSnapshot};

const NOW: u64 = 1_790_000_000;
const URL: &str = "abc123.lambda-url.eu-central-1.on.aws";
const CURRENT: &str = "current-value-of-the-secret";

fn state() -> SiteState {
    let digest = |value: &str| Some(SecretDigest::of(value.as_bytes()));
    let secrets = Secrets {
        version: 1,
        pending: digest("pending"),
        current: digest(CURRENT),
        previous: digest("previous"),
    };
    let lists = [("130.176.88.0/21", 0), ("2600:9000:5200::/40", 1)];
    let edge_lists = lists
        .into_iter()
        .map(|(network, i)| {
            let name = Guard::EDGE_PREFIX_LISTS[i];
            let snapshot = PrefixSnapshot::new(
                name,
                1,
                NOW - 3_600,
                vec![network.parse().unwrap()],
                Guards::Edges,
            )
            .unwrap();
            (name.to_owned(), snapshot)
        })
        .collect();
    SiteState {
        secrets,
        edge_lists,
        ..SiteState::default()
    }
}

fn genuine() -> Request<'static> {
    Request {
        front: Front::Domain(URL),
        principal: Some(Principal { arn: None }),
        peer: Some("130.176.88.9"),
        method: "GET",
        raw_path: "/",
        raw_query: "",
        headers: Headers {
            secret: Some(CURRENT),
            ..Headers::default()
        },
        cookies: &[],
        id: "t",
    }
}

#[track_caller]
fn check(request: Request<'_>, expected: Result<(), ProofFailure>) {
    assert_eq!(
        prove(&Guard::default(), &state(), &request, NOW).map(|_| ()),
        expected,
        "{request:?}"
    );
}

#[test]
fn a_genuine_request_passes_every_layer() {
    let proven = prove(&Guard::default(), &state(), &genuine(), NOW).unwrap();
    assert_eq!(
        (proven.access_control, proven.secret, proven.edge),
        (Layer::Passed, Layer::Passed, Layer::Passed)
    );
    assert_eq!(proven.secret_slot, Some(SecretSlot::Current));
}

#[test]
fn only_a_function_url_is_a_front_unless_others_are_named() {
    for front in [
        "abc.execute-api.eu-central-1.amazonaws.com",
        "evil.example",
        "abc.lambda-url.eu.on.aws.evil.example",
        ".lambda-url.x.on.aws",
        "",
    ] {
        check(
            Request {
                front: Front::Domain(front),
                ..genuine()
            },
            Err(ProofFailure::WrongFront),
        );
    }
    let arn = "arn:aws:elasticloadbalancing:eu-central-1:111122223333:targetgroup/t/1";
    check(
        Request {
            front: Front::TargetGroup(arn),
            ..genuine()
        },
        Err(ProofFailure::WrongFront),
    );
    let guard = Guard {
        fronts: vec![arn.to_owned()],
        ..Guard::default()
    };
    let prove_with =
        |front| prove(&guard, &state(), &Request { front, ..genuine() }, NOW).map(|_| ());
    assert_eq!(prove_with(Front::TargetGroup(arn)), Ok(()));
    assert_eq!(
        prove_with(Front::Domain(URL)),
        Err(ProofFailure::WrongFront)
    );
}

#[test]
fn access_control_needs_a_principal_and_the_right_one() {
    check(
        Request {
            principal: None,
            ..genuine()
        },
        Err(ProofFailure::NoPrincipal),
    );
    let mut guard = Guard::default();
    guard.access_control.principals = vec!["arn:aws:iam::1:role/edge".to_owned()];
    let with = |arn| {
        prove(
            &guard,
            &state(),
            &Request {
                principal: Some(Principal { arn }),
                ..genuine()
            },
            NOW,
        )
        .map(|_| ())
    };
    assert_eq!(with(Some("arn:aws:iam::1:role/edge")), Ok(()));
    assert_eq!(
        with(Some("arn:aws:iam::2:role/edge")),
        Err(ProofFailure::WrongPrincipal)
    );
    assert_eq!(with(None), Err(ProofFailure::WrongPrincipal));
}

#[test]
fn every_accepted_secret_passes_and_nothing_else() {
    let with = |secret| {
        prove(
            &Guard::default(),
            &state(),
            &Request {
                headers: Headers {
                    secret,
                    ..Headers::default()
                },
                ..genuine()
            },
            NOW,
        )
    };
    for (value, slot) in [
        ("pending", SecretSlot::Pending),
        (CURRENT, SecretSlot::Current),
        ("previous", SecretSlot::Previous),
    ] {
        assert_eq!(with(Some(value)).unwrap().secret_slot, Some(slot));
    }
    let long = "a".repeat(SECRET_BYTES_MAX + 1);
    let twice = format!("{CURRENT},{CURRENT}");
    let padded = format!(" {CURRENT}");
    for (value, failure) in [
        (None, ProofFailure::SecretMissing),
        (Some(""), ProofFailure::SecretMalformed),
        (Some(long.as_str()), ProofFailure::SecretMalformed),
        (Some(twice.as_str()), ProofFailure::SecretMalformed),
        (Some(padded.as_str()), ProofFailure::SecretMalformed),
        (
            Some("current-value-of-the-secreT"),
            ProofFailure::SecretWrong,
        ),
        (
            Some("current-value-of-the-secre"),
            ProofFailure::SecretWrong,
        ),
        (
            Some("current-value-of-the-secrets"),
            ProofFailure::SecretWrong,
        ),
        (
            Some("Y3VycmVudC12YWx1ZS1vZi10aGUtc2VjcmV0"),
            ProofFailure::SecretWrong,
        ),
    ] {
        assert_eq!(with(value).map(|_| ()), Err(failure), "{value:?}");
    }
    let unknown = SiteState {
        secrets: Secrets::default(),
        ..state()
    };
    assert_eq!(
        prove(&Guard::default(), &unknown, &genuine(), NOW).map(|_| ()),
        Err(ProofFailure::SecretUnknown)
    );
}

#[test]
fn an_absent_slot_matches_nothing() {
    // The digest that stands in for an absent slot is all zeros; no value is known that hashes to it, and none may pass.
    let only_current = SiteState {
        secrets: Secrets {
            pending: None,
            previous: None,
            ..state().secrets
        },
        ..state()
    };
    let request = Request {
        headers: Headers {
            secret: Some("pending"),
            ..Headers::default()
        },
        ..genuine()
    };
    assert_eq!(
        prove(&Guard::default(), &only_current, &request, NOW).map(|_| ()),
        Err(ProofFailure::SecretWrong)
    );
}

#[test]
fn the_peer_must_be_an_edge_by_a_fresh_list() {
    check(
        Request {
            peer: Some("130.176.95.255:4711"),
            ..genuine()
        },
        Ok(()),
    );
    check(
        Request {
            peer: Some("2600:9000:5200::1"),
            ..genuine()
        },
        Ok(()),
    );
    check(
        Request {
            peer: Some("::ffff:130.176.88.1"),
            ..genuine()
        },
        Ok(()),
    );
    check(
        Request {
            peer: Some("203.0.113.7"),
            ..genuine()
        },
        Err(ProofFailure::EdgeOutside),
    );
    check(
        Request {
            peer: Some("130.176.88"),
            ..genuine()
        },
        Err(ProofFailure::EdgeUnknown),
    );
    check(
        Request {
            peer: None,
            ..genuine()
        },
        Err(ProofFailure::EdgeUnknown),
    );
    let empty = SiteState {
        edge_lists: Default::default(),
        ..state()
    };
    assert_eq!(
        prove(&Guard::default(), &empty, &genuine(), NOW).map(|_| ()),
        Err(ProofFailure::EdgeListMissing)
    );
    let mut guard = Guard::default();
    guard.edges.max_age = Seconds::of(3_599);
    assert_eq!(
        prove(&guard, &state(), &genuine(), NOW).map(|_| ()),
        Err(ProofFailure::EdgeListStale)
    );
    guard.edges.when_stale = WhenStale::Report;
    assert!(prove(&guard, &state(), &genuine(), NOW).is_ok());
}

#[test]
fn a_layer_can_be_reported_or_off_and_the_first_required_failure_wins() {
    let mut guard = Guard::default();
    guard.secret_header.mode = Requirement::Report;
    guard.edges.mode = Requirement::Off;
    let request = Request {
        peer: None,
        headers: Headers::default(),
        ..genuine()
    };
    let proven = prove(&guard, &state(), &request, NOW).unwrap();
    assert_eq!(
        (proven.secret, proven.edge),
        (Layer::Reported(ProofFailure::SecretMissing), Layer::Off)
    );
    let nothing = Request {
        front: Front::Domain("x"),
        principal: None,
        peer: None,
        headers: Headers::default(),
        ..genuine()
    };
    check(nothing, Err(ProofFailure::WrongFront));
    check(
        Request {
            front: Front::Domain(URL),
            ..nothing
        },
        Err(ProofFailure::NoPrincipal),
    );
}

#[test]
fn one_value_is_told_from_several_at_every_place() {
    let may_stand = |byte: u8| (0x21..=0x7e).contains(&byte) && byte != b',';
    for length in 1..=25 {
        for at in 0..length {
            for byte in 0..=u8::MAX {
                for other in [b'!', b'~'] {
                    let mut value = vec![other; length];
                    value[at] = byte;
                    assert_eq!(is_one_value(&value), may_stand(byte), "{value:?}");
                }
            }
        }
    }
}
