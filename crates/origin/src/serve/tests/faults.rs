//! A store on bad days (fault drills F01, F02): right bytes or a visible error, few calls, little time.

use super::{Ask, Got, Scripted, Stamp, World, answer, get};
use crate::request::Headers;
use crate::serve::{Carriage, EXTRA_CALLS_MAX, OriginFault, Outcome, Ports};
use crate::store::memory::{At, Fault, MemoryObject, MemoryStore};
use crate::store::{Fetched, Metadata, ObjectRef, ObjectStore, StoreError, Want};
use bytes::Bytes;
use portcullis_http_semantics::RangeSpec;
use proptest::prelude::*;
use std::sync::Arc;
use std::time::Duration;

const SIZE: usize = 200_000;

fn bytes() -> Vec<u8> {
    (0..SIZE)
        .map(|at| u8::try_from(at % 251).unwrap())
        .collect()
}

fn world() -> World {
    let world = World::new();
    world.put("files", "files/a", MemoryObject::new(bytes()));
    world
}

/// The answer when the store does `faults`.
fn under(faults: &[(At, Fault)]) -> Got {
    let world = world();
    for (at, fault) in faults {
        world.store.plan(*at, fault.clone());
    }
    let got = world.get("/files/a");
    assert!(got.store_calls <= 1 + EXTRA_CALLS_MAX, "{got:?}");
    assert_eq!(
        u64::from(got.store_calls),
        world.store.count(),
        "every call is counted"
    );
    got
}

#[track_caller]
fn fails(faults: &[(At, Fault)], fault: OriginFault, status: u16, calls: u32) {
    let got = under(faults);
    assert_eq!(
        (got.outcome, got.status, got.store_calls),
        (Outcome::OriginFailed(fault), status, calls),
        "{faults:?}"
    );
    got.assert_not_cacheable();
    assert!(got.bytes.as_ref().is_some_and(|b| b.len() < 100));
    assert_eq!(got.header("retry-after").is_some(), status == 503);
}

#[track_caller]
fn recovers(faults: &[(At, Fault)], calls: u32) {
    let got = under(faults);
    assert_eq!((got.status, got.store_calls), (200, calls), "{faults:?}");
    assert!(got.bytes == Some(bytes()), "{faults:?}");
}

#[test]
fn f01_passing_faults_are_repeated_twice_and_no_more() {
    let busy = Fault::Fail(StoreError::Throttled);
    let down = Fault::Fail(StoreError::Unavailable("500".to_owned()));
    recovers(&[(At::Call(1), busy.clone())], 2);
    recovers(
        &[(At::Call(1), busy.clone()), (At::Call(2), down.clone())],
        3,
    );
    fails(&[(At::From(1), busy)], OriginFault::Throttled, 503, 3);
    fails(&[(At::From(1), down)], OriginFault::Unavailable, 503, 3);
    fails(
        &[(At::From(1), Fault::Fail(StoreError::TimedOut))],
        OriginFault::TimedOut,
        504,
        3,
    );
}

#[test]
fn what_will_not_pass_is_not_repeated() {
    fails(
        &[(
            At::From(1),
            Fault::Fail(StoreError::Denied("no".to_owned())),
        )],
        OriginFault::Denied,
        502,
        1,
    );
    fails(
        &[(
            At::From(1),
            Fault::Fail(StoreError::Malformed("no".to_owned())),
        )],
        OriginFault::Malformed,
        502,
        1,
    );
}

#[test]
fn a_store_that_never_answers_costs_the_time_of_the_budget() {
    for (faults, expected) in [
        (vec![(At::From(1), Fault::Hang)], 504),
        (
            vec![(At::From(1), Fault::Delay(Duration::from_secs(30)))],
            504,
        ),
        (
            vec![(At::From(1), Fault::Delay(Duration::from_secs(19)))],
            200,
        ),
        (vec![(At::From(1), Fault::StallBody(1_000))], 504),
    ] {
        let got = under(&faults);
        assert_eq!(got.status, expected, "{faults:?}");
    }
}

#[test]
fn f02_a_body_that_breaks_is_resumed_where_it_broke() {
    recovers(&[(At::Call(1), Fault::BreakBody(70_000))], 2);
    recovers(&[(At::Call(1), Fault::EndBody(70_000))], 2);
    recovers(&[(At::Call(1), Fault::BreakBody(0))], 2);
    recovers(
        &[
            (At::Call(1), Fault::BreakBody(70_000)),
            (At::Call(2), Fault::BreakBody(1)),
        ],
        3,
    );
    recovers(
        &[
            (At::Call(1), Fault::BreakBody(70_000)),
            (At::Call(2), Fault::Fail(StoreError::Throttled)),
        ],
        3,
    );
    fails(
        &[(At::From(1), Fault::BreakBody(60_000))],
        OriginFault::Broken,
        502,
        3,
    );
    fails(
        &[(At::From(1), Fault::EndBody(0))],
        OriginFault::Broken,
        502,
        3,
    );
}

#[test]
fn f02_what_cannot_be_right_is_a_502() {
    let other = Bytes::from(vec![9; SIZE]);
    fails(
        &[
            (At::Call(1), Fault::BreakBody(70_000)),
            (At::Call(2), Fault::Overwrite(other)),
        ],
        OriginFault::Broken,
        502,
        2,
    );
    fails(
        &[
            (At::Call(1), Fault::BreakBody(70_000)),
            (At::Call(1), Fault::OmitTag),
        ],
        OriginFault::Broken,
        502,
        1,
    );
    fails(
        &[(At::Call(1), Fault::FlipBit(0))],
        OriginFault::Malformed,
        502,
        1,
    );
    fails(
        &[(At::Call(1), Fault::FlipBit(SIZE as u64 - 1))],
        OriginFault::Malformed,
        502,
        1,
    );
    fails(
        &[(At::Call(1), Fault::ClaimSize(SIZE as u64 - 1))],
        OriginFault::Malformed,
        502,
        1,
    );
    fails(
        &[
            (At::Call(1), Fault::BreakBody(70_000)),
            (At::Call(2), Fault::FlipBit(70_001)),
        ],
        OriginFault::Malformed,
        502,
        2,
    );
}

#[test]
fn an_object_that_changes_between_two_calls_is_looked_at_again() {
    let world = world();
    world
        .store
        .plan(At::Call(2), Fault::Overwrite(Bytes::from_static(b"new")));
    let headers = Headers {
        if_match: Some("*"),
        ..Headers::default()
    };
    let got = world.ask(Ask {
        headers,
        ..get("/files/a")
    });
    assert_eq!((got.status, got.text(), got.store_calls), (200, "new", 4));
    let world = self::world();
    for call in [2, 4, 6] {
        world.store.plan(
            At::Call(call),
            Fault::Overwrite(Bytes::from(vec![0; usize::try_from(call).unwrap()])),
        );
    }
    let got = world.ask(Ask {
        headers,
        ..get("/files/a")
    });
    assert_eq!(
        (got.outcome, got.store_calls),
        (Outcome::OriginFailed(OriginFault::Changed), 6)
    );
}

#[test]
fn a_streamed_body_breaks_rather_than_lies() {
    let streamed = |faults: &[(At, Fault)]| {
        let mut world = World::new();
        world.budget.carriage = Carriage::Unlimited;
        let bytes: Vec<u8> = (0..2_000_000_u32)
            .map(|at| u8::try_from(at % 251).unwrap())
            .collect();
        world.put("files", "files/a", MemoryObject::new(bytes.clone()));
        for (at, fault) in faults {
            world.store.plan(*at, fault.clone());
        }
        let got = world.get("/files/a");
        assert!(got.streamed && got.status == 200);
        assert!(got.bytes.is_none() || got.bytes == Some(bytes));
        got.bytes.is_some()
    };
    assert!(streamed(&[]));
    assert!(streamed(&[(At::Call(1), Fault::BreakBody(1_999_999))]));
    assert!(streamed(&[
        (At::Call(1), Fault::BreakBody(5)),
        (At::Call(2), Fault::EndBody(5))
    ]));
    assert!(!streamed(&[(At::From(1), Fault::EndBody(5))]));
    assert!(!streamed(&[(At::From(1), Fault::FlipBit(1_999_999))]));
    assert!(!streamed(&[(At::From(1), Fault::FlipBit(3))]));
    assert!(!streamed(&[(At::Call(1), Fault::ClaimSize(1_999_999))]));
    assert!(!streamed(&[(At::Call(1), Fault::ClaimSize(2_000_001))]));
}

/// A store that answers a range with the bytes one before it, and says so.
struct Shifted(MemoryStore);

impl ObjectStore for Shifted {
    async fn get(&self, object: &ObjectRef, want: &Want) -> Result<Fetched, StoreError> {
        let range = match want.range {
            Some(RangeSpec::FromTo { first, last }) => Some(RangeSpec::FromTo {
                first: first - 1,
                last: last - 1,
            }),
            other => other,
        };
        let want = Want {
            range,
            ..want.clone()
        };
        self.0.get(object, &want).await
    }

    async fn head(&self, object: &ObjectRef) -> Result<Option<Metadata>, StoreError> {
        self.0.head(object).await
    }
}

/// Ports over a store that lies.
struct Liar {
    store: Arc<Shifted>,
    world: World,
}

impl Ports for Liar {
    type Objects = Shifted;
    type Upstream = Scripted;
    type Signer = Stamp;
    fn objects(&self) -> &Arc<Shifted> {
        &self.store
    }
    fn upstream(&self) -> &Scripted {
        &self.world.upstream
    }
    fn signer(&self) -> &Stamp {
        &self.world.signer
    }
}

#[test]
fn a_part_that_was_not_asked_for_is_not_served() {
    let world = World::new();
    let object = MemoryObject {
        keeps_sha256: false,
        ..MemoryObject::new(bytes())
    };
    world.put("files", "files/a", object);
    let liar = Liar {
        store: Arc::new(Shifted(MemoryStore::clone(&world.store))),
        world,
    };
    let ask = |headers| {
        answer(
            &liar,
            &liar.world.site,
            &liar.world.budget,
            Ask {
                headers,
                ..get("/files/a")
            },
        )
    };
    let range = Headers {
        range: Some("bytes=5-9"),
        ..Headers::default()
    };
    assert_eq!(
        ask(range).outcome,
        Outcome::OriginFailed(OriginFault::Malformed)
    );
    liar.world.store.plan(At::Call(2), Fault::BreakBody(70_000));
    assert_eq!(
        ask(Headers::default()).outcome,
        Outcome::OriginFailed(OriginFault::Broken)
    );
}

#[test]
fn two_states_of_an_object_are_never_joined() {
    let world = World::new();
    let object = MemoryObject {
        keeps_sha256: false,
        ..MemoryObject::new(bytes())
    };
    world.put("files", "files/a", object);
    world.store.plan(At::Call(1), Fault::BreakBody(70_000));
    world
        .store
        .plan(At::Call(2), Fault::Overwrite(Bytes::from(vec![9; SIZE])));
    let got = world.get("/files/a");
    assert_eq!(
        got.outcome,
        Outcome::OriginFailed(OriginFault::Broken),
        "no digest would have told"
    );
}

#[test]
fn a_call_that_could_not_end_in_time_is_not_made() {
    let mut world = world();
    world.budget.time = Duration::from_millis(10);
    world
        .store
        .plan(At::From(1), Fault::Fail(StoreError::Throttled));
    let got = world.get("/files/a");
    assert_eq!(
        (got.outcome, got.store_calls),
        (Outcome::OriginFailed(OriginFault::Throttled), 1)
    );
}

fn any_fault() -> impl Strategy<Value = Fault> {
    let offset = 0..u64::try_from(SIZE).unwrap() + 2;
    prop_oneof![
        Just(Fault::Fail(StoreError::Throttled)),
        Just(Fault::Fail(StoreError::Denied(String::new()))),
        Just(Fault::Hang),
        Just(Fault::OmitTag),
        Just(Fault::Overwrite(Bytes::from_static(b"other"))),
        offset.clone().prop_map(Fault::BreakBody),
        offset.clone().prop_map(Fault::EndBody),
        offset.clone().prop_map(Fault::StallBody),
        offset.prop_map(Fault::FlipBit),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn whatever_goes_wrong_no_wrong_byte_is_served(plan in proptest::collection::vec((1_u64..4, any_fault()), 0..5)) {
        let plan: Vec<_> = plan.into_iter().map(|(call, fault)| (At::Call(call), fault)).collect();
        let got = under(&plan);
        match got.status {
            200 => prop_assert!(got.bytes == Some(bytes()) || got.bytes.as_deref() == Some(b"other"), "{plan:?}"),
            502..=504 => got.assert_not_cacheable(),
            other => prop_assert!(false, "{other}"),
        }
    }
}
