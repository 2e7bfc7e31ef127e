//! Fresh before each decision, patient with a store that is away, and cheap under a flood.

use super::{Freshness, Live, LiveState, Source, jittered};
use crate::clock::{Now, TestClock};
use crate::state::memory::MemoryState;
use crate::state::{Back, HeldBack, Part, SecretDigest, Secrets, SiteState, StateError};
use std::sync::Arc;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn state(version: u64) -> SiteState {
    let current = Some(SecretDigest::of(version.to_string().as_bytes()));
    SiteState {
        secrets: Secrets {
            version,
            current,
            ..Secrets::default()
        },
        ..SiteState::default()
    }
}

fn away() -> Result<SiteState, StateError> {
    Err(StateError::Unavailable("away".to_owned()))
}

struct Stage {
    store: MemoryState,
    clock: Arc<TestClock>,
    live: LiveState<MemoryState, Arc<TestClock>>,
}

/// A live state over `answer`, packaged with version 1, at noon.
fn stage(answer: Result<SiteState, StateError>) -> Stage {
    let store = MemoryState::new(answer);
    let clock = Arc::new(TestClock::at(Now {
        wall: 43_200,
        monotonic: 0,
    }));
    let live = LiveState::new(
        store.clone(),
        Arc::clone(&clock),
        Freshness::default(),
        state(1),
    );
    Stage { store, clock, live }
}

impl Stage {
    async fn version(&self) -> u64 {
        self.live.before_decision().await.state().secrets.version
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_decision_waits_for_the_first_read() {
    let stage = stage(Ok(state(2)));
    assert_eq!(stage.live.current().state().secrets.version, 1);
    assert_eq!(stage.version().await, 2);
    assert_eq!(
        (stage.version().await, stage.store.loads()),
        (2, 1),
        "and the next one does not read"
    );
}

#[tokio::test(start_paused = true)]
async fn a_cold_start_without_the_store_uses_the_packaged_copy_and_says_so() {
    let stage = stage(away());
    let live = stage.live.before_decision().await;
    assert_eq!(
        (live.state().secrets.version, live.source()),
        (1, Source::Fallback)
    );
    assert_eq!(stage.live.failure().as_deref(), away().as_ref().err());
    stage.store.say(Ok(state(3)));
    assert_eq!(
        (stage.version().await, stage.store.loads()),
        (1, 1),
        "not asked again at once"
    );
    stage.clock.advance(5 * SECOND);
    let live = stage.live.before_decision().await;
    assert_eq!(
        (live.state().secrets.version, live.source()),
        (3, Source::Store)
    );
    assert_eq!(stage.live.failure(), None);
}

#[tokio::test(start_paused = true)]
async fn frozen_for_hours_it_reads_before_it_decides_whichever_clock_counted() {
    for thaw in [
        |clock: &TestClock| clock.advance(Duration::from_secs(6 * 3_600)),
        |clock: &TestClock| clock.advance_wall(6 * 3_600),
        |clock: &TestClock| {
            clock.set(Now {
                wall: 0,
                monotonic: 11_000,
            });
        },
    ] {
        let stage = stage(Ok(state(2)));
        assert_eq!(stage.version().await, 2);
        stage.store.say(Ok(state(3)));
        assert_eq!(stage.version().await, 2, "still fresh");
        thaw(&stage.clock);
        assert_eq!(
            stage.version().await,
            3,
            "the retired value is gone with the first decision"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn no_request_waits_longer_than_the_limit() {
    let stage = stage(Ok(state(2)));
    stage.store.delay(3_600 * SECOND);
    let begun = tokio::time::Instant::now();
    let ten = || async {
        tokio::join!(
            stage.version(),
            stage.version(),
            stage.version(),
            stage.version()
        )
    };
    assert_eq!(ten().await, (1, 1, 1, 1));
    assert_eq!((begun.elapsed(), stage.store.loads()), (2 * SECOND, 1));
    assert_eq!(stage.version().await, 1);
    assert_eq!(
        begun.elapsed(),
        2 * SECOND,
        "one slow read does not slow the next requests"
    );
}

#[tokio::test(start_paused = true)]
async fn requests_at_the_same_time_share_one_read() {
    let stage = stage(Ok(state(2)));
    stage.store.delay(SECOND / 2);
    let all = tokio::join!(
        stage.version(),
        stage.version(),
        stage.version(),
        stage.live.force_refresh()
    );
    assert_eq!(all, (2, 2, 2, true));
    assert_eq!(stage.store.loads(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_dropped_while_it_reads_blocks_nobody() {
    let stage = stage(Ok(state(2)));
    stage.store.delay(SECOND / 2);
    let dropped = tokio::time::timeout(SECOND / 10, stage.version()).await;
    assert!(dropped.is_err());
    stage.clock.advance(5 * SECOND);
    assert_eq!(stage.version().await, 2);
}

#[tokio::test(start_paused = true)]
async fn a_flood_forces_one_read_in_five_seconds_and_a_rotation_is_seen() {
    let stage = stage(Ok(state(2)));
    stage.version().await;
    let mut forced = 0;
    for _ in 0..1_000 {
        forced += u64::from(stage.live.force_refresh().await);
        stage.clock.advance(Duration::from_millis(20));
        stage.version().await;
    }
    assert_eq!(forced, 4, "in twenty seconds");
    assert_eq!(stage.store.loads(), 1 + 4);
    stage.clock.advance(5 * SECOND);
    stage.store.say(Ok(state(3)));
    assert!(stage.live.force_refresh().await);
    assert_eq!(stage.live.current().state().secrets.version, 3);
}

#[tokio::test(start_paused = true)]
async fn a_flood_while_the_store_is_away_is_turned_down_at_once() {
    let stage = stage(away());
    stage.version().await;
    for _ in 0..1_000 {
        assert!(!stage.live.force_refresh().await);
    }
    assert_eq!(stage.store.loads(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_read_that_goes_back_changes_nothing_and_is_named() {
    let stage = stage(Ok(state(5)));
    assert_eq!(stage.version().await, 5);
    stage.store.say(Ok(state(4)));
    stage.clock.advance(11 * SECOND);
    let live = stage.live.before_decision().await;
    assert_eq!(live.state().secrets.version, 5);
    assert_eq!(
        live.held_back(),
        [HeldBack {
            part: Part::Secrets,
            why: Back::Older
        }]
    );
    assert_eq!(
        live.age(Now {
            wall: 43_211,
            monotonic: 11_000
        }),
        Duration::ZERO,
        "it was confirmed that nothing is newer"
    );
}

#[tokio::test(start_paused = true)]
async fn secrets_nobody_confirmed_for_a_day_are_unknown_until_somebody_does() {
    let stage = stage(Ok(state(5)));
    stage.version().await;
    stage.store.say(away());
    stage.clock.advance(Duration::from_secs(24 * 3_600));
    let known = |live: &Live| live.state().secrets.current.is_some();
    assert!(known(&*stage.live.before_decision().await));
    stage.clock.advance(SECOND);
    let live = stage.live.before_decision().await;
    assert!(!known(&live) && live.secrets_are_withheld());
    assert!(!known(&stage.live.current()));
    stage.store.say(Ok(state(4)));
    stage.clock.advance(5 * SECOND);
    let live = stage.live.before_decision().await;
    assert!(known(&live));
    assert_eq!(
        live.state().secrets.version,
        5,
        "what is forgotten still does not go back"
    );
}

#[tokio::test(start_paused = true)]
async fn a_malformed_or_missing_state_never_replaces_a_good_one() {
    let stage = stage(Ok(state(2)));
    stage.version().await;
    for bad in [
        StateError::Malformed("x".to_owned()),
        StateError::Missing,
        StateError::Denied("x".to_owned()),
    ] {
        stage.store.say(Err(bad.clone()));
        stage.clock.advance(11 * SECOND);
        assert_eq!(stage.version().await, 2);
        assert_eq!(stage.live.failure().as_deref(), Some(&bad));
    }
}

#[tokio::test(start_paused = true)]
async fn polling_keeps_it_fresh_without_any_request() {
    let stage = stage(Ok(state(2)));
    let polling = stage.live.poll(|| 1_000);
    assert!(
        tokio::time::timeout(Duration::from_millis(50_500), polling)
            .await
            .is_err()
    );
    assert_eq!(stage.store.loads(), 10);
    assert_eq!(stage.live.current().state().secrets.version, 2);
}

#[test]
fn jitter_spreads_polls_over_two_fifths_around_the_interval() {
    let every = Duration::from_secs(5);
    assert_eq!(jittered(every, 0), Duration::from_secs(4));
    assert_eq!(jittered(every, 1_000), Duration::from_secs(5));
    assert_eq!(jittered(every, 2_000), Duration::from_secs(6));
    for random in [1, 2_001, u64::MAX, 0x5555_5555_5555_5555] {
        assert!(
            (4_000..=6_000).contains(&jittered(every, random).as_millis()),
            "{random}"
        );
    }
}

#[tokio::test]
async fn requests_of_many_threads_share_it() {
    let stage = Arc::new(stage(Ok(state(2))));
    stage.store.delay(Duration::from_millis(20));
    let request = |stage: Arc<Stage>| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        std::thread::spawn(move || runtime.block_on(stage.version()))
    };
    let requests: Vec<_> = (0..16).map(|_| request(Arc::clone(&stage))).collect();
    for request in requests {
        assert_eq!(request.join().unwrap(), 2);
    }
    assert_eq!(stage.store.loads(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_poll_that_hangs_since_before_the_freeze_does_not_keep_a_request_from_reading() {
    let stage = stage(Ok(state(2)));
    stage.version().await;
    stage.store.say(Ok(state(3)));
    stage.store.delay(3_600 * SECOND);
    let mut polling = Box::pin(stage.live.poll(|| 1_000));
    let frozen = tokio::time::timeout(Duration::from_millis(5_500), &mut polling);
    assert!(frozen.await.is_err());
    assert_eq!(stage.store.loads(), 2, "the poll is under way");
    stage.store.delay(Duration::ZERO);
    stage.clock.advance_wall(6 * 3_600);
    tokio::select! {
        _ = &mut polling => {}
        version = stage.version() => assert_eq!(version, 3),
    }
    assert_eq!(stage.store.loads(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_poll_that_fails_does_not_put_off_the_read_before_a_decision() {
    let stage = stage(Ok(state(2)));
    stage.version().await;
    stage.clock.advance_wall(6 * 3_600);
    stage.store.say(away());
    let polling = stage.live.poll(|| 1_000);
    assert!(
        tokio::time::timeout(Duration::from_millis(5_500), polling)
            .await
            .is_err()
    );
    stage.store.say(Ok(state(3)));
    assert_eq!(stage.version().await, 3);
}
