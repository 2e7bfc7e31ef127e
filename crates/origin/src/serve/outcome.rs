//! What came of an admitted request: closed lists, so that a log, a metric and a test can name every case.

use crate::store::StoreError;
use crate::upstream::UpstreamError;
use portcullis_release_manifest::Damaged;

/// What came of an admitted request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The whole representation.
    Full,
    /// A range of it.
    Partial,
    /// The client has it already: 304.
    NotModified,
    /// `If-Match` or `If-Unmodified-Since` does not hold: 412.
    PreconditionFailed,
    /// The range lies outside: 416.
    Unsatisfiable,
    /// Too large for the front; a redirect to a signed URL that CloudFront serves from the bucket.
    HandedOff,
    /// A CORS preflight, or another OPTIONS request.
    Preflight,
    /// A redirect, to a directory's own form or by a custom origin.
    Redirected,
    /// There is no such object: 404.
    Missing,
    /// Too large for the front, and the behavior knows no other way: 413.
    TooLarge,
    /// The behavior does not serve the method: 405.
    MethodNotAllowed,
    /// The origin is a bucket that CloudFront reads itself: 403.
    NotServedHere,
    /// A custom origin answered this status, an error other than 404 and 416.
    Relayed(u16),
    /// The origin failed.
    OriginFailed(OriginFault),
}

impl Outcome {
    /// The stable code in logs.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Partial => "partial",
            Self::NotModified => "not-modified",
            Self::PreconditionFailed => "precondition-failed",
            Self::Unsatisfiable => "unsatisfiable",
            Self::HandedOff => "handed-off",
            Self::Preflight => "preflight",
            Self::Redirected => "redirected",
            Self::Missing => "missing",
            Self::TooLarge => "too-large",
            Self::MethodNotAllowed => "method-not-allowed",
            Self::NotServedHere => "direct-bucket",
            Self::Relayed(_) => "relayed",
            Self::OriginFailed(fault) => fault.code(),
        }
    }
}

/// How an origin failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OriginFault {
    /// It refuses the gateway.
    #[error("the origin refuses the gateway")]
    Denied,
    /// It is too busy.
    #[error("the origin is too busy")]
    Throttled,
    /// It did not answer in time.
    #[error("the origin did not answer in time")]
    TimedOut,
    /// It is down.
    #[error("the origin is unavailable")]
    Unavailable,
    /// Its answer makes no sense, or its bytes are not what it promised.
    #[error("the origin's answer makes no sense")]
    Malformed,
    /// Its body broke and could not be resumed.
    #[error("the origin's body broke")]
    Broken,
    /// The object changed each time it was read.
    #[error("the object changed while it was read")]
    Changed,
    /// Its name does not resolve, or no connection can be made.
    #[error("the origin cannot be reached")]
    Unreachable,
    /// Its address is not public, and it is not allowed to be private.
    #[error("the origin's address is not public")]
    PrivateAddress,
    /// Its certificate or TLS is refused.
    #[error("the origin's TLS is refused")]
    Tls,
    /// A hand-off URL could not be signed.
    #[error("a hand-off could not be signed")]
    Unsigned,
    /// No release is live, or its manifest could not be read yet.
    #[error("there is no release to serve")]
    NoRelease,
    /// The release names an object that is not there.
    #[error("the release is not complete")]
    Incomplete,
    /// The site does not say what the origin is; a validated site always does.
    #[error("the origin is not configured")]
    NotConfigured,
}

impl OriginFault {
    /// The stable code in logs.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Denied => "origin-denied",
            Self::Throttled => "origin-throttled",
            Self::TimedOut => "origin-timed-out",
            Self::Unavailable => "origin-unavailable",
            Self::Malformed => "origin-malformed",
            Self::Broken => "origin-broken",
            Self::Changed => "origin-changed",
            Self::Unreachable => "origin-unreachable",
            Self::PrivateAddress => "origin-private-address",
            Self::Tls => "origin-tls",
            Self::Unsigned => "hand-off-unsigned",
            Self::NoRelease => "no-release",
            Self::Incomplete => "release-incomplete",
            Self::NotConfigured => "origin-not-configured",
        }
    }

    /// The status a viewer gets.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::Denied
            | Self::Malformed
            | Self::Broken
            | Self::Unreachable
            | Self::PrivateAddress
            | Self::Tls
            | Self::Incomplete
            | Self::NotConfigured => 502,
            Self::NoRelease
            | Self::Throttled
            | Self::Unavailable
            | Self::Changed
            | Self::Unsigned => 503,
            Self::TimedOut => 504,
        }
    }

    /// The status that an origin group's list must hold for this to fail over.
    ///
    /// CloudFront, origin failover: a failed connection counts as 503 and a missing answer as 504. A store that refuses
    /// us says 403. What is the gateway's own fault never fails over.
    #[must_use]
    pub fn failover_status(self) -> Option<u16> {
        match self {
            Self::Denied => Some(403),
            Self::NoRelease | Self::Throttled | Self::Unavailable | Self::Unreachable => Some(503),
            Self::TimedOut => Some(504),
            Self::Malformed | Self::Broken | Self::Tls | Self::Incomplete => Some(502),
            Self::Changed | Self::PrivateAddress | Self::Unsigned | Self::NotConfigured => None,
        }
    }

    /// Whether the same call may succeed a moment later.
    pub(super) fn is_passing(self) -> bool {
        matches!(
            self,
            Self::Throttled | Self::Unavailable | Self::TimedOut | Self::Broken
        )
    }
}

impl From<StoreError> for OriginFault {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Denied(_) => Self::Denied,
            StoreError::Throttled => Self::Throttled,
            StoreError::TimedOut => Self::TimedOut,
            StoreError::Unavailable(_) => Self::Unavailable,
            StoreError::Malformed(_) => Self::Malformed,
            StoreError::Broken { .. } => Self::Broken,
        }
    }
}

impl From<Damaged> for OriginFault {
    fn from(_: Damaged) -> Self {
        Self::Malformed
    }
}

impl From<UpstreamError> for OriginFault {
    fn from(error: UpstreamError) -> Self {
        match error {
            UpstreamError::Dns | UpstreamError::Connect => Self::Unreachable,
            UpstreamError::PrivateAddress => Self::PrivateAddress,
            UpstreamError::Tls => Self::Tls,
            UpstreamError::TimedOut => Self::TimedOut,
            UpstreamError::Malformed => Self::Malformed,
            UpstreamError::Broken { .. } => Self::Broken,
        }
    }
}
