//! How many, and how long.

use std::time::Duration;

/// The limits of a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections at the same time; more wait unaccepted.
    pub connections_max: usize,
    /// From the first byte of a head to its last, and for a TLS handshake.
    pub head_time: Duration,
    /// Between two requests.
    pub idle_time: Duration,
    /// Between two parts of a request's body.
    pub body_time: Duration,
    /// Until a viewer takes the next part of an answer.
    pub write_time: Duration,
    /// From the stop until the last connection is cut.
    pub drain_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 4_096,
            head_time: Duration::from_secs(30),
            idle_time: Duration::from_secs(60),
            body_time: Duration::from_secs(30),
            write_time: Duration::from_secs(30),
            drain_time: Duration::from_secs(10),
        }
    }
}
