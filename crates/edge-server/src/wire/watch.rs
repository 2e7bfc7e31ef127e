//! One timer per connection that is moved for free.
//!
//! Always holds: it fires at its deadline or shortly after. Moving the deadline back costs no timer operation, so a busy
//! connection never touches the runtime's timer wheel.

use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep_until};

/// A deadline that moves.
pub(crate) struct Watch {
    sleep: Pin<Box<Sleep>>,
    deadline: Instant,
}

impl Watch {
    pub(crate) fn new(limit: Duration) -> Self {
        let deadline = Instant::now() + limit;
        Self {
            sleep: Box::pin(sleep_until(deadline)),
            deadline,
        }
    }

    /// Moves the deadline to `limit` from now.
    pub(crate) fn restart(&mut self, limit: Duration) {
        self.deadline = Instant::now() + limit;
        if self.deadline < self.sleep.deadline() {
            self.sleep.as_mut().reset(self.deadline);
        }
    }

    pub(crate) fn poll_elapsed(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            ready!(self.sleep.as_mut().poll(context));
            if Instant::now() >= self.deadline {
                return Poll::Ready(());
            }
            self.sleep.as_mut().reset(self.deadline);
        }
    }
}
