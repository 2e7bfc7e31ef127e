//! Whether the second origin of a group is asked (DG:high-availability-origin-failover).
//!
//! Each request begins with the first origin; nothing is remembered.

/// What the first origin did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Primary {
    /// It answered.
    Status(u16),
    /// It could not be connected to, or its answer could not be read.
    ConnectFailure,
    /// It did not answer in time.
    Timeout,
}

/// Whether the group goes on to its second origin. A failure counts as the status that stands for it: 503 where there was
/// no connection, 504 where there was no answer.
#[must_use]
pub fn goes_to_secondary(
    statuses: &[u16],
    method: &str,
    caches_options: bool,
    primary: Primary,
) -> bool {
    let repeatable = match method {
        "GET" | "HEAD" => true,
        "OPTIONS" => caches_options,
        _ => false,
    };
    let status = match primary {
        Primary::Status(status) => status,
        Primary::ConnectFailure => 503,
        Primary::Timeout => 504,
    };
    repeatable && status >= 400 && statuses.contains(&status)
}
