//! How an origin fails: what the caller tells the model when there is no answer.

/// How an origin failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OriginFailure {
    /// Its name has no address.
    Dns,
    /// It refuses connections, or none came about in time.
    Connect,
    /// TLS failed.
    Tls,
    /// It did not answer in time.
    Timeout,
    /// It closed the connection before it answered.
    Closed,
    /// Its answer is no HTTP.
    Invalid,
    /// The fields of its answer are too large.
    HeaderTooLarge,
}

impl OriginFailure {
    /// A stable name for reports.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Timeout => "timeout",
            Self::Closed => "closed",
            Self::Invalid => "invalid",
            Self::HeaderTooLarge => "header-too-large",
        }
    }
}
