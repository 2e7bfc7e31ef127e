//! The state that requests are decided by: the last good one that was read, how old it is, and when to read again.
//!
//! - It is read in the background every [`Freshness::poll_every`], jittered, where a process lives long enough.
//! - It is read before a decision when either clock says that it is stale: an instance may have been frozen for hours.
//! - It is read at once when a request suggests that it is outdated, but not more often than a flood of such requests may
//!   cost ([`LiveState::force_refresh`]).
//!
//! Always holds: at most one read is under way; no request waits longer than [`Freshness::wait_max`] for it; a read that
//! fails leaves everything as it was; no part goes back; secrets that nobody could confirm for too long are unknown.

mod live;

pub use live::{Live, Source};

use super::{SiteState, StateError, StateStore};
use crate::clock::{Clock, Now};
use arc_swap::{ArcSwap, ArcSwapOption};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::timeout;

/// How fresh the state is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Freshness {
    /// The time between two reads in the background, on average; each is up to a fifth longer or shorter.
    pub poll_every: Duration,
    /// How long a background read may take: less than [`Freshness::wait_max`], so that a request that finds one stuck on
    /// a connection that died in a freeze still has the time for a read of its own.
    pub poll_max: Duration,
    /// The age at which the state is read before a decision.
    pub stale_after: Duration,
    /// How long a request waits, for the read of another and for its own.
    pub wait_max: Duration,
    /// The time from one read that a request waited for to the next, if the first fails.
    pub retry_after: Duration,
    /// The least time between two forced reads.
    pub force_every: Duration,
    /// The age at which the secrets count as unknown.
    pub secrets_max_age: Duration,
}

impl Default for Freshness {
    fn default() -> Self {
        Self {
            poll_every: Duration::from_secs(5),
            poll_max: Duration::from_secs(1),
            stale_after: Duration::from_secs(10),
            wait_max: Duration::from_secs(2),
            retry_after: Duration::from_secs(5),
            force_every: Duration::from_secs(5),
            secrets_max_age: Duration::from_secs(24 * 3_600),
        }
    }
}

/// The live state of a site, shared by all requests of a process.
#[derive(Debug)]
pub struct LiveState<S, C> {
    store: S,
    clock: C,
    freshness: Freshness,
    live: ArcSwap<Live>,
    failure: ArcSwapOption<StateError>,
    /// Held by whoever reads.
    attempts: Mutex<Attempts>,
}

/// When the last reads began that requests waited for.
#[derive(Debug, Default)]
struct Attempts {
    any: Option<Now>,
    forced: Option<Now>,
}

/// Why the state is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    Poll,
    Stale,
    Forced,
}

impl<S: StateStore, C: Clock> LiveState<S, C> {
    /// A live state that begins with `fallback`, the copy packaged with the program. It is used until a read succeeds,
    /// and its secrets no longer than [`Freshness::secrets_max_age`] from now.
    pub fn new(store: S, clock: C, freshness: Freshness, fallback: SiteState) -> Self {
        let live = ArcSwap::from_pointee(Live::fallback(fallback, clock.now()));
        let (failure, attempts) = (ArcSwapOption::empty(), Mutex::default());
        Self {
            store,
            clock,
            freshness,
            live,
            failure,
            attempts,
        }
    }

    /// The state as it is, without waiting.
    pub fn current(&self) -> Arc<Live> {
        let live = self.live.load_full();
        if live.age(self.clock.now()) <= self.freshness.secrets_max_age
            || live.secrets_are_withheld()
        {
            return live;
        }
        let withheld = Arc::new(live.without_secrets());
        // Where a read was faster, its state stays.
        let before = self.live.compare_and_swap(&live, Arc::clone(&withheld));
        if Arc::ptr_eq(&before, &live) {
            withheld
        } else {
            Arc::clone(&before)
        }
    }

    /// The state to decide by: read again first if it is stale, or was never read. Waits at most
    /// [`Freshness::wait_max`].
    pub async fn before_decision(&self) -> Arc<Live> {
        if self.is_stale() {
            self.refresh(Cause::Stale, self.freshness.wait_max).await;
        }
        self.current()
    }

    /// Reads the state because a request suggests that it is outdated. Whether a newer read has come in; `false` at once
    /// if the last forced read began less than [`Freshness::force_every`] ago. Waits at most [`Freshness::wait_max`].
    pub async fn force_refresh(&self) -> bool {
        self.refresh(Cause::Forced, self.freshness.wait_max).await
    }

    /// Reads the state in the background for as long as it is polled. `random` gives uniformly distributed numbers.
    pub async fn poll(&self, mut random: impl FnMut() -> u64) -> Infallible {
        loop {
            tokio::time::sleep(jittered(self.freshness.poll_every, random())).await;
            self.refresh(Cause::Poll, self.freshness.poll_max).await;
        }
    }

    /// Why the last read failed; `None` if it did not.
    pub fn failure(&self) -> Option<Arc<StateError>> {
        self.failure.load_full()
    }

    fn is_stale(&self) -> bool {
        let live = self.live.load();
        live.source() == Source::Fallback || live.age(self.clock.now()) > self.freshness.stale_after
    }

    /// Whether a read has come in since the call.
    async fn refresh(&self, cause: Cause, limit: Duration) -> bool {
        let reads = self.live.load().reads();
        // The limit holds for the wait for another reader as well as for the read; whoever is cut off lets go of both.
        let in_time = timeout(limit, async {
            let mut attempts = self.attempts.lock().await;
            let meanwhile = self.live.load().reads() != reads;
            if !meanwhile && self.is_due(cause, &attempts) {
                attempts.begin(cause, self.clock.now());
                self.take(self.store.load().await);
            }
        });
        if in_time.await.is_err() {
            self.fail(StateError::Unavailable("no answer in time".to_owned()));
        }
        self.live.load().reads() != reads
    }

    fn is_due(&self, cause: Cause, attempts: &Attempts) -> bool {
        let now = self.clock.now();
        let passed = |last: Option<Now>, time| last.is_none_or(|last| now.since(last) >= time);
        match cause {
            Cause::Poll => true,
            Cause::Stale => self.is_stale() && passed(attempts.any, self.freshness.retry_after),
            Cause::Forced => passed(attempts.forced, self.freshness.force_every),
        }
    }

    /// Called by the holder of `attempts` only, so that no read overtakes another.
    fn take(&self, read: Result<SiteState, StateError>) {
        match read {
            Ok(state) => {
                let next = self.live.load().advance(state, self.clock.now());
                self.live.store(Arc::new(next));
                self.failure.store(None);
            }
            Err(error) => self.fail(error),
        }
    }

    fn fail(&self, error: StateError) {
        self.failure.store(Some(Arc::new(error)));
    }
}

impl Attempts {
    fn begin(&mut self, cause: Cause, now: Now) {
        if cause != Cause::Poll {
            self.any = Some(now);
        }
        if cause == Cause::Forced {
            self.forced = Some(now);
        }
    }
}

/// `every`, up to a fifth longer or shorter.
fn jittered(every: Duration, random: u64) -> Duration {
    const STEPS: u64 = 1_000;
    let fifth = every / 5;
    let step = u32::try_from(random % (2 * STEPS + 1)).unwrap_or_default();
    every - fifth + fifth * step / 1_000
}

#[cfg(test)]
mod tests;
