//! Connections that are kept for the next request.
//!
//! Always holds: at most [`KEPT_MAX`] are kept, [`KEPT_PER_ORIGIN_MAX`] of them for one origin, each at most
//! [`KEPT_FOR`]; one is lent to one request at a time, and only for what it was made for.

use super::Sender;
use portcullis_site::HttpOrigin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// How long a connection is kept. Servers are known to close theirs after 20 s.
pub(super) const KEPT_FOR: Duration = Duration::from_secs(15);

/// How many connections are kept.
pub(super) const KEPT_MAX: usize = 16;

/// How many connections are kept for one origin.
pub(super) const KEPT_PER_ORIGIN_MAX: usize = 4;

/// What a connection was made for: connections that passed different checks are not the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Destination {
    pub(super) secure: bool,
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) private_addresses: bool,
}

impl Destination {
    pub(super) fn of(origin: &HttpOrigin) -> Self {
        Self {
            secure: origin.url.is_secure(),
            host: origin.url.host().to_owned(),
            port: origin.url.port(),
            private_addresses: origin.private_addresses,
        }
    }
}

#[derive(Debug)]
struct Kept {
    destination: Destination,
    sender: Sender,
    since: Instant,
}

/// The connections that are kept.
#[derive(Debug, Default)]
pub(super) struct Pool(Mutex<Vec<Kept>>);

impl Pool {
    /// The connection to `destination` that was used last.
    pub(super) fn take(&self, destination: &Destination) -> Option<Sender> {
        let mut kept = self.fresh();
        let last = kept
            .iter()
            .rposition(|kept| kept.destination == *destination)?;
        Some(kept.remove(last).sender)
    }

    /// Keeps a connection, in the place of an older one if there are too many.
    pub(super) fn keep(&self, destination: Destination, sender: Sender) {
        let mut kept = self.fresh();
        let same = |kept: &Kept| kept.destination == destination;
        if kept.iter().filter(|kept| same(kept)).count() >= KEPT_PER_ORIGIN_MAX {
            kept.iter().position(same).map(|oldest| kept.remove(oldest));
        } else if kept.len() >= KEPT_MAX {
            kept.remove(0);
        }
        let since = Instant::now();
        kept.push(Kept {
            destination,
            sender,
            since,
        });
    }

    /// Those that are open and not too old, oldest first.
    fn fresh(&self) -> std::sync::MutexGuard<'_, Vec<Kept>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|kept| kept.since.elapsed() < KEPT_FOR && !kept.sender.is_closed());
        kept
    }
}
