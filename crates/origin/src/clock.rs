//! The port to time: both clocks in one reading, because neither can be trusted alone.
//!
//! A frozen instance thaws hours later with a monotonic clock that may not have counted, and a wall clock may be set
//! back. Who asks for an age takes the larger of both differences ([`Now::since`]).

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// One reading of both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Now {
    /// Seconds since 1970-01-01T00:00:00Z.
    pub wall: u64,
    /// Milliseconds since some moment before the process served its first request.
    pub monotonic: u64,
}

impl Now {
    /// The time since `earlier`: the larger of what both clocks say; a clock that went back says zero.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        let wall = Duration::from_secs(self.wall.saturating_sub(earlier.wall));
        let monotonic = Duration::from_millis(self.monotonic.saturating_sub(earlier.monotonic));
        wall.max(monotonic)
    }
}

/// Something that tells the time.
pub trait Clock: Send + Sync {
    /// Both clocks now.
    fn now(&self) -> Now;
}

impl<C: Clock + ?Sized> Clock for &C {
    fn now(&self) -> Now {
        (**self).now()
    }
}

impl<C: Clock + ?Sized> Clock for std::sync::Arc<C> {
    fn now(&self) -> Now {
        (**self).now()
    }
}

/// The machine's clocks.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock {
    started: Instant,
}

impl SystemClock {
    /// The monotonic clock counts from here.
    #[must_use]
    pub fn start() -> Self {
        Self {
            started: Instant::now(),
        }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Now {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH);
        let monotonic = self.started.elapsed().as_millis();
        Now {
            wall: wall.unwrap_or_default().as_secs(),
            monotonic: u64::try_from(monotonic).unwrap_or(u64::MAX),
        }
    }
}

/// Clocks that stand still until they are moved, together or one alone.
#[derive(Debug, Default)]
pub struct TestClock {
    wall: AtomicU64,
    monotonic: AtomicU64,
}

impl TestClock {
    /// Clocks that show `now`.
    #[must_use]
    pub fn at(now: Now) -> Self {
        let clock = Self::default();
        clock.set(now);
        clock
    }

    /// Shows `now` from here on.
    pub fn set(&self, now: Now) {
        self.wall.store(now.wall, Ordering::SeqCst);
        self.monotonic.store(now.monotonic, Ordering::SeqCst);
    }

    /// Moves both clocks.
    pub fn advance(&self, by: Duration) {
        let milliseconds = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
        self.wall.fetch_add(by.as_secs(), Ordering::SeqCst);
        self.monotonic.fetch_add(milliseconds, Ordering::SeqCst);
    }

    /// Moves the wall clock alone, as a freeze does on a host whose monotonic clock stops.
    pub fn advance_wall(&self, seconds: u64) {
        self.wall.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Now {
        Now {
            wall: self.wall.load(Ordering::SeqCst),
            monotonic: self.monotonic.load(Ordering::SeqCst),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Clock, Now, SystemClock, TestClock};
    use std::time::Duration;

    #[test]
    fn an_age_is_the_larger_of_both_clocks_and_never_negative() {
        let now = |wall, monotonic| Now { wall, monotonic };
        let age = |from, to: Now| to.since(from);
        assert_eq!(
            age(now(100, 5_000), now(101, 5_900)),
            Duration::from_secs(1)
        );
        assert_eq!(
            age(now(100, 5_000), now(21_700, 5_001)),
            Duration::from_secs(21_600)
        );
        assert_eq!(
            age(now(100, 5_000), now(40, 15_000)),
            Duration::from_secs(10)
        );
        assert_eq!(age(now(100, 5_000), now(0, 0)), Duration::ZERO);
        assert_eq!(
            age(now(0, 0), now(u64::MAX, u64::MAX)),
            Duration::from_secs(u64::MAX)
        );
    }

    #[test]
    fn the_test_clock_stands_still_until_it_is_moved() {
        let clock = TestClock::at(Now {
            wall: 7,
            monotonic: 3,
        });
        assert_eq!(
            clock.now(),
            Now {
                wall: 7,
                monotonic: 3
            }
        );
        clock.advance(Duration::from_secs(2));
        clock.advance_wall(10);
        assert_eq!(
            clock.now(),
            Now {
                wall: 19,
                monotonic: 2_003
            }
        );
    }

    #[test]
    fn the_system_clock_shows_this_century() {
        assert!(SystemClock::start().now().wall > 1_700_000_000);
    }
}
