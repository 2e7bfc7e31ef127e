//! Who keeps whom waiting on an HTTP/2 connection.
//!
//! Always holds: a connection is idle only while no request is under way, and stalled only while every request under way
//! waits for the viewer to take more of its answer.

use super::super::Limits;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What happens on one connection.
#[derive(Default)]
pub(super) struct Traffic {
    /// Requests that began, parts of answers that were taken: anything a viewer does that counts.
    events: AtomicU64,
    under_way: AtomicU64,
    /// Requests for which this side has something to do.
    working: AtomicU64,
}

/// A request, from its head to the end of its answer.
pub(super) struct UnderWay(Arc<Traffic>);

/// A time in which the viewer waits.
pub(super) struct Working(Arc<Traffic>);

impl Traffic {
    pub(super) fn begin(self: Arc<Self>) -> UnderWay {
        self.events.fetch_add(1, Ordering::Relaxed);
        self.under_way.fetch_add(1, Ordering::Relaxed);
        UnderWay(self)
    }
}

impl UnderWay {
    pub(super) fn working(&self) -> Working {
        self.0.working.fetch_add(1, Ordering::Relaxed);
        Working(Arc::clone(&self.0))
    }

    pub(super) fn went_on(&self) {
        self.0.events.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.went_on();
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        self.0.events.fetch_add(1, Ordering::Relaxed);
        self.0.working.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What a look at a connection finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    Lively,
    /// No request for the idle time.
    Idle,
    /// Nothing was taken for the write time.
    Stalled,
}

/// Looks at a connection now and then.
pub(super) struct Lookout {
    traffic: Arc<Traffic>,
    limits: Limits,
    seen: u64,
    quiet: Duration,
}

impl Lookout {
    pub(super) fn new(traffic: Arc<Traffic>, limits: Limits) -> Self {
        Self {
            traffic,
            limits,
            seen: 0,
            quiet: Duration::ZERO,
        }
    }

    /// How long until the next look.
    pub(super) fn pause(&self) -> Duration {
        self.limits.idle_time.min(self.limits.write_time)
    }

    /// What is found after a pause.
    pub(super) fn look(&mut self) -> Found {
        let events = self.traffic.events.load(Ordering::Relaxed);
        let is_working = self.traffic.working.load(Ordering::Relaxed) > 0;
        if is_working || events != self.seen {
            self.seen = events;
            self.quiet = Duration::ZERO;
            return Found::Lively;
        }
        self.quiet += self.pause();
        let is_idle = self.traffic.under_way.load(Ordering::Relaxed) == 0;
        if is_idle && self.quiet >= self.limits.idle_time {
            Found::Idle
        } else if !is_idle && self.quiet >= self.limits.write_time {
            Found::Stalled
        } else {
            Found::Lively
        }
    }
}
