//! What must hold when the state, the store or the clock fails under the gateway: the drills F01 to F04 and F09 of the
//! threat model, at the level of one process.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    reason = "a test that cannot go on must fail, and JSON is passed as it is written"
)]

mod gateway;

use bytes::Bytes;
use gateway::{NOW, SECRET, TestGateway, genuine, secrets, state, with_secret};
use portcullis_origin::response::Body;
use portcullis_origin::state::StateError;
use portcullis_origin::store::StoreError;
use portcullis_origin::store::memory::{At, Fault};
use std::time::Duration;

const TEXT: &str = "the bytes that must be right";

fn small() -> TestGateway {
    let gateway = TestGateway::of(portcullis_suite::small_site_json());
    gateway.put("page.txt", TEXT);
    gateway
}

async fn status(gateway: &TestGateway, secret: &str) -> u16 {
    gateway
        .ask(&with_secret(genuine("/page.txt"), secret))
        .await
        .response
        .status
}

#[tokio::test(start_paused = true)]
async fn f01_store_faults_never_give_wrong_bytes_nor_a_cacheable_error() {
    let faults = [
        Fault::Fail(StoreError::Throttled),
        Fault::Fail(StoreError::Unavailable("500".to_owned())),
        Fault::Fail(StoreError::TimedOut),
        Fault::Fail(StoreError::Denied("AccessDenied".to_owned())),
        Fault::Fail(StoreError::Malformed("<html>".to_owned())),
        Fault::Delay(Duration::from_secs(30)),
        Fault::Hang,
    ];
    for fault in faults {
        let gateway = small();
        gateway.store.plan(At::From(1), fault.clone());
        let before = tokio::time::Instant::now();
        let answer = gateway.ask(&genuine("/page.txt")).await;
        assert!(
            (502..=504).contains(&answer.response.status),
            "{fault:?}: {}",
            answer.response.status
        );
        assert_eq!(
            answer.response.header("cache-control").unwrap().as_bytes(),
            b"no-store",
            "{fault:?}"
        );
        assert!(answer.response.header("etag").is_none(), "{fault:?}");
        assert!(
            gateway.store.count() <= 3,
            "{fault:?}: at most two extra calls, not {}",
            gateway.store.count()
        );
        assert!(
            before.elapsed() <= Duration::from_secs(6),
            "{fault:?}: the budget holds"
        );
        gateway.store.heal();
        assert_eq!(
            status(&gateway, SECRET).await,
            200,
            "{fault:?}: normal at once afterwards"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn f02_bodies_are_right_or_the_answer_is_an_error() {
    let faults = [
        (Fault::BreakBody(5), true),
        (Fault::EndBody(5), true),
        (Fault::FlipBit(3), false),
        (Fault::ClaimSize(7), false),
        (Fault::ClaimSize(700), false),
        (Fault::StallBody(5), false),
        (Fault::Overwrite(Bytes::from_static(b"other bytes")), true),
    ];
    for (fault, recovers) in faults {
        let gateway = small();
        gateway.store.plan(At::Call(1), fault.clone());
        let answer = gateway.ask(&genuine("/page.txt")).await;
        match &answer.response.body {
            Body::Whole(bytes) if answer.response.status == 200 => {
                assert!(recovers, "{fault:?} must not look like success");
                assert!(
                    bytes == TEXT || bytes == "other bytes",
                    "{fault:?}: {bytes:?}"
                );
            }
            _ => assert!(
                (502..=504).contains(&answer.response.status),
                "{fault:?}: {}",
                answer.response.status
            ),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn f03_the_last_good_state_serves_while_its_store_is_away() {
    let gateway = small();
    assert_eq!(status(&gateway, SECRET).await, 200);
    for error in [
        StateError::Unavailable("throttled".to_owned()),
        StateError::Malformed("<html>".to_owned()),
        StateError::Missing,
    ] {
        gateway.state.say(Err(error.clone()));
        gateway.clock.advance(Duration::from_secs(600));
        assert_eq!(status(&gateway, SECRET).await, 200, "{error:?}");
    }
    let answer = gateway.ask(&genuine("/page.txt")).await;
    assert_eq!(
        answer.record.unwrap().proof.state_age_s,
        1_800,
        "and the decision line says how old it is"
    );
}

#[tokio::test(start_paused = true)]
async fn f03_a_cold_start_without_a_state_refuses_everyone() {
    let gateway = small();
    gateway
        .state
        .say(Err(StateError::Unavailable("down".to_owned())));
    assert_eq!(
        status(&gateway, SECRET).await,
        403,
        "nothing missing means open"
    );
    assert_eq!(gateway.store.count(), 0);
    gateway.state.say(Ok(state()));
    gateway.clock.advance(Duration::from_secs(6));
    assert_eq!(
        status(&gateway, SECRET).await,
        200,
        "and serves as soon as the state is back"
    );
}

#[tokio::test(start_paused = true)]
async fn f04_a_frozen_instance_refreshes_before_it_decides() {
    let gateway = small();
    assert_eq!(status(&gateway, SECRET).await, 200);
    let mut rotated = state();
    rotated.secrets = secrets(2, "the-next-value", None);
    gateway.state.say(Ok(rotated));
    // Thawed six hours later; the monotonic clock did not count.
    gateway.clock.advance_wall(6 * 3_600);
    assert_eq!(
        status(&gateway, SECRET).await,
        403,
        "the retired value is refused by the first request after the thaw"
    );
    assert_eq!(status(&gateway, "the-next-value").await, 200);
}

#[tokio::test(start_paused = true)]
async fn f04_a_rotation_refuses_no_genuine_request() {
    let gateway = small();
    assert_eq!(status(&gateway, SECRET).await, 200);
    let mut rotated = state();
    rotated.secrets = secrets(2, "the-next-value", Some(SECRET));
    gateway.state.say(Ok(rotated));
    assert_eq!(
        status(&gateway, "the-next-value").await,
        200,
        "an unknown value makes the gateway read its state once more"
    );
    assert_eq!(status(&gateway, SECRET).await, 200);
}

#[tokio::test(start_paused = true)]
async fn f04_a_flood_of_wrong_secrets_costs_one_read_in_five_seconds() {
    let gateway = small();
    assert_eq!(status(&gateway, SECRET).await, 200);
    let before = gateway.state.loads();
    let mut lines = 0;
    for _ in 0..1_000 {
        let answer = gateway
            .ask(&with_secret(genuine("/page.txt"), "wrong"))
            .await;
        assert_eq!(answer.response.status, 403);
        lines += usize::from(answer.record.is_some());
    }
    assert_eq!(gateway.state.loads() - before, 1, "reads of the state");
    assert_eq!(lines, 10, "lines of the flood");
    assert_eq!(
        gateway.store.count(),
        1,
        "only the genuine request reached the store"
    );
    assert_eq!(
        status(&gateway, SECRET).await,
        200,
        "a genuine request still passes"
    );
}

#[tokio::test(start_paused = true)]
async fn f03_no_part_of_the_state_goes_back() {
    let gateway = small();
    let mut newer = state();
    newer.secrets = secrets(5, "the-next-value", None);
    gateway.state.say(Ok(newer));
    assert_eq!(status(&gateway, "the-next-value").await, 200);
    gateway.state.say(Ok(state()));
    gateway.clock.advance(Duration::from_secs(600));
    assert_eq!(
        status(&gateway, "the-next-value").await,
        200,
        "an older version read late changes nothing"
    );
    assert_eq!(status(&gateway, SECRET).await, 403);
}

#[tokio::test(start_paused = true)]
async fn f09_a_clock_that_jumps_panics_nowhere_and_extends_nothing() {
    let gateway = small();
    for wall in [
        NOW,
        0,
        NOW + 31_536_000,
        u64::MAX,
        NOW - 600,
        i32::MAX as u64 + 1,
    ] {
        gateway
            .clock
            .set(portcullis_origin::clock::Now { wall, monotonic: 0 });
        let answer = gateway.ask(&genuine("/page.txt")).await;
        // A list of edges from the future is not old; one that is years old is.
        let expected = if wall > NOW + 14 * 86_400 { 403 } else { 200 };
        assert_eq!(answer.response.status, expected, "at {wall}");
    }
}

#[tokio::test(start_paused = true)]
async fn i1_without_proof_existing_and_missing_paths_answer_alike() {
    let gateway = small();
    let mut answers = Vec::new();
    for path in ["/page.txt", "/missing.txt", "/../page.txt", "/%2e%2e", ""] {
        let response = gateway
            .ask(&with_secret(genuine(path), "wrong"))
            .await
            .response;
        answers.push(format!("{response:?}"));
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:#?}");
    assert_eq!(gateway.store.count(), 0);
}
