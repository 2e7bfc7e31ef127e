//! Which snapshot a request gets while manifests are read slowly, or not at all.

use super::{Held, Opened, RETRY_AFTER, Reader, Releases, Snapshot};
use crate::serve::OriginFault;
use portcullis_release_manifest::serving::{Serving, Stored};
use portcullis_release_manifest::{Digest, Release, ReleaseManifest, encode};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Reads an empty release, late, or fails.
#[derive(Default)]
struct Slow {
    delay: Duration,
    fault: Option<OriginFault>,
    reads: AtomicU32,
}

impl Slow {
    fn reads(&self) -> u32 {
        self.reads.load(Ordering::Relaxed)
    }
}

impl Reader for Slow {
    async fn open(&self, stored: Stored) -> Result<Opened, OriginFault> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        sleep(self.delay).await;
        match self.fault {
            Some(fault) => Err(fault),
            None => Ok(Opened {
                stored,
                manifest: ReleaseManifest::open(Held::Memory(encode(&Release::default()).unwrap()))
                    .unwrap(),
                not_found: None,
            }),
        }
    }
}

fn serving(epoch: u64, name: &str) -> Serving {
    let live = Stored {
        release: Digest::of(name.as_bytes()),
        era: 0,
    };
    Serving {
        epoch,
        live: Some(live),
        ..Serving::default()
    }
}

fn slow(seconds: u64) -> Slow {
    Slow {
        delay: Duration::from_secs(seconds),
        ..Slow::default()
    }
}

fn epoch(answer: Result<Arc<Snapshot>, OriginFault>) -> u64 {
    answer.unwrap().serving().epoch
}

#[tokio::test(start_paused = true)]
async fn all_wait_for_the_first_release_and_one_reads_it() {
    let (releases, reader) = (Releases::default(), slow(1));
    let first = serving(1, "a");
    let both = tokio::join!(
        releases.snapshot(&first, &reader),
        releases.snapshot(&first, &reader)
    );
    assert_eq!((epoch(both.0), epoch(both.1)), (1, 1));
    assert_eq!(reader.reads(), 1);
}

#[tokio::test(start_paused = true)]
async fn while_one_reads_the_next_release_the_others_go_on_with_the_last() {
    let (releases, reader) = (Releases::default(), slow(1));
    releases.snapshot(&serving(1, "a"), &reader).await.unwrap();
    let next = serving(2, "b");
    let other = async {
        let started = Instant::now();
        let answer = releases.snapshot(&next, &reader).await;
        (epoch(answer), started.elapsed())
    };
    let (one, (meanwhile, waited)) = tokio::join!(releases.snapshot(&next, &reader), other);
    assert_eq!((epoch(one), meanwhile, waited), (2, 1, Duration::ZERO));
    // A request that began with the older state gets the newer release: nobody goes back.
    assert_eq!(epoch(releases.snapshot(&serving(1, "a"), &reader).await), 2);
    assert_eq!((releases.epoch(), reader.reads()), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn a_release_that_is_still_served_is_not_read_again() {
    let (releases, reader) = (Releases::default(), slow(0));
    let first = serving(1, "a");
    releases.snapshot(&first, &reader).await.unwrap();
    let flipped = Serving {
        kept: first.live.into_iter().collect(),
        ..serving(2, "b")
    };
    releases.snapshot(&flipped, &reader).await.unwrap();
    // Back again.
    releases.snapshot(&serving(3, "a"), &reader).await.unwrap();
    assert_eq!(reader.reads(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_tried_again_after_a_while_or_with_the_next_epoch() {
    let releases = Releases::default();
    let fails = Slow {
        fault: Some(OriginFault::Malformed),
        ..Slow::default()
    };
    releases.snapshot(&serving(1, "a"), &slow(0)).await.unwrap();
    for _ in 0..3 {
        assert_eq!(epoch(releases.snapshot(&serving(2, "b"), &fails).await), 1);
    }
    assert_eq!(fails.reads(), 1);
    assert_eq!(epoch(releases.snapshot(&serving(3, "c"), &fails).await), 1);
    assert_eq!(fails.reads(), 2);
    sleep(RETRY_AFTER).await;
    assert_eq!(
        epoch(releases.snapshot(&serving(3, "c"), &slow(0)).await),
        3
    );
}

#[tokio::test(start_paused = true)]
async fn a_request_that_gives_up_leaves_the_turn_to_the_next() {
    let releases = Releases::default();
    let first = serving(1, "a");
    let gave_up = tokio::time::timeout(Duration::from_secs(1), async {
        releases.snapshot(&first, &slow(60)).await
    });
    assert!(gave_up.await.is_err());
    assert_eq!(epoch(releases.snapshot(&first, &slow(0)).await), 1);
}
