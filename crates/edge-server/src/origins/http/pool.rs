//! Connections that are kept for the next request to the same origin.
//!
//! Always holds: at most [`KEPT_MAX`] are kept, each no longer than its origin's keep-alive; one is lent to one request
//! at a time; one that was closed, or said something unasked, is not lent.

use super::exchange::Connection;
use crate::listen::Scheme;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// How many connections to one origin are kept.
const KEPT_MAX: usize = 64;

/// The connections of one origin.
#[derive(Debug)]
pub(super) struct Pool {
    keep_alive_time: Duration,
    kept: Mutex<Vec<(Instant, Connection)>>,
}

impl Pool {
    pub(super) fn new(keep_alive_time: Duration) -> Self {
        Self {
            keep_alive_time,
            kept: Mutex::default(),
        }
    }

    /// The connection that was used last.
    pub(super) fn take(&self, scheme: Scheme) -> Option<Connection> {
        let mut kept = self.fresh();
        while let Some(last) = kept.iter().rposition(|(_, c)| c.scheme() == scheme) {
            let (_, mut connection) = kept.remove(last);
            if connection.is_quiet() {
                return Some(connection);
            }
        }
        None
    }

    /// Keeps a connection, in the place of the oldest if there are too many.
    pub(super) fn keep(&self, connection: Connection) {
        let mut kept = self.fresh();
        if kept.len() >= KEPT_MAX {
            kept.remove(0);
        }
        kept.push((Instant::now(), connection));
    }

    /// Those that are not too old, oldest first.
    fn fresh(&self) -> MutexGuard<'_, Vec<(Instant, Connection)>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|(since, _)| since.elapsed() < self.keep_alive_time);
        kept
    }
}
