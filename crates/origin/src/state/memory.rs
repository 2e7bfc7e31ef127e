//! A state in memory that a test sets: what the store says, how late, and how often it was asked. Clones are the same store.

use super::{SiteState, StateError, StateStore};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A store of one state in memory.
#[derive(Debug, Clone)]
pub struct MemoryState(Arc<Mutex<Held>>);

#[derive(Debug)]
struct Held {
    answer: Result<SiteState, StateError>,
    delay: Duration,
    loads: u64,
}

impl MemoryState {
    /// A store that says `answer` at once.
    #[must_use]
    pub fn new(answer: Result<SiteState, StateError>) -> Self {
        let (delay, loads) = (Duration::ZERO, 0);
        let held = Held {
            answer,
            delay,
            loads,
        };
        Self(Arc::new(Mutex::new(held)))
    }

    /// What the store says from now on.
    pub fn say(&self, answer: Result<SiteState, StateError>) {
        self.held().answer = answer;
    }

    /// How late it says it, on tokio's clock.
    pub fn delay(&self, delay: Duration) {
        self.held().delay = delay;
    }

    /// How often it was asked.
    #[must_use]
    pub fn loads(&self) -> u64 {
        self.held().loads
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StateStore for MemoryState {
    async fn load(&self) -> Result<SiteState, StateError> {
        let delay = {
            let mut held = self.held();
            held.loads += 1;
            held.delay
        };
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        self.held().answer.clone()
    }
}
