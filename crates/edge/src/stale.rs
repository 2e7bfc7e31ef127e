//! What happens to a copy in the cache: is it served, refreshed, or does it stand in for a failing origin (DG:expiration).
//!
//! The origin's answer is an argument, though CloudFront asks it only when the copy does not settle the matter. Ages and
//! lifetimes are seconds. Interpreted: a limit includes its last second.

use crate::switches::StaleLimit;

/// A copy in the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredCopy {
    /// Its age.
    pub age: u64,
    /// Its lifetime, as [`crate::freshness::edge_ttl`] gave it.
    pub ttl: u64,
    /// The Maximum TTL of its behavior.
    pub max_ttl: u64,
    /// `stale-while-revalidate` of its response.
    pub stale_while_revalidate: Option<u64>,
    /// `stale-if-error` of its response.
    pub stale_if_error: Option<u64>,
}

/// What the origin does when it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OriginReply {
    /// It answers with this status.
    Status(u16),
    /// It cannot be reached, or does not answer in time.
    Unreachable,
}

/// What the viewer gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Serving {
    /// The copy, fresh.
    Hit,
    /// The copy at once, while it is refreshed in the background.
    StaleAsyncRefresh,
    /// The origin's answer, which refreshes or replaces the copy.
    Refresh,
    /// The copy, because `stale-if-error` allows it.
    StaleIfError,
    /// The copy, because nothing forbids it; for the error caching minimum TTL.
    StaleByDefault,
    /// An error.
    Error,
    /// The origin's 4xx answer. A stale copy does not hide it.
    PassThrough,
}

impl Serving {
    /// A stable name for reports.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::StaleAsyncRefresh => "stale-async-refresh",
            Self::Refresh => "refresh",
            Self::StaleIfError => "stale-if-error",
            Self::StaleByDefault => "stale-default",
            Self::Error => "error",
            Self::PassThrough => "pass-through",
        }
    }
}

impl StoredCopy {
    /// Decides what the viewer gets.
    #[must_use]
    pub fn serve(&self, origin: OriginReply, limit: StaleLimit) -> Serving {
        if self.age < self.ttl {
            return Serving::Hit;
        }
        if self
            .stale_while_revalidate
            .is_some_and(|window| self.is_within(window))
        {
            return Serving::StaleAsyncRefresh;
        }
        match origin {
            OriginReply::Status(..400) => Serving::Refresh,
            OriginReply::Status(400..500) => Serving::PassThrough,
            OriginReply::Status(500..) | OriginReply::Unreachable => self.stand_in(limit),
        }
    }

    fn stand_in(&self, limit: StaleLimit) -> Serving {
        match (self.stale_if_error, limit) {
            // Zero is how an origin opts out.
            (Some(0), _) => Serving::Error,
            (Some(window), _) if self.is_within(window) => Serving::StaleIfError,
            (Some(_), _) => Serving::Error,
            (None, StaleLimit::MaxTtl) if self.age > self.max_ttl => Serving::Error,
            (None, StaleLimit::MaxTtl | StaleLimit::None) => Serving::StaleByDefault,
        }
    }

    /// Whether the copy may be used this long past its lifetime; nothing is used past the Maximum TTL.
    fn is_within(&self, window: u64) -> bool {
        self.age <= self.ttl.saturating_add(window).min(self.max_ttl)
    }
}

#[cfg(test)]
mod tests {
    use super::{OriginReply, Serving, StoredCopy};
    use crate::switches::StaleLimit;

    const EXPIRED: StoredCopy = StoredCopy {
        age: 5000,
        ttl: 3600,
        max_ttl: 4000,
        stale_while_revalidate: None,
        stale_if_error: None,
    };

    #[test]
    fn no_directive_reaches_past_the_maximum() {
        let swr = StoredCopy {
            age: 4100,
            stale_while_revalidate: Some(600),
            ..EXPIRED
        };
        assert_eq!(
            swr.serve(OriginReply::Status(200), StaleLimit::None),
            Serving::Refresh
        );
        let sie = StoredCopy {
            stale_if_error: Some(86_400),
            ..EXPIRED
        };
        assert_eq!(
            sie.serve(OriginReply::Unreachable, StaleLimit::None),
            Serving::Error
        );
    }

    #[test]
    fn the_switch_decides_without_a_directive() {
        assert_eq!(
            EXPIRED.serve(OriginReply::Status(502), StaleLimit::None),
            Serving::StaleByDefault
        );
        assert_eq!(
            EXPIRED.serve(OriginReply::Status(502), StaleLimit::MaxTtl),
            Serving::Error
        );
        let young = StoredCopy {
            age: 4000,
            ..EXPIRED
        };
        assert_eq!(
            young.serve(OriginReply::Status(502), StaleLimit::MaxTtl),
            Serving::StaleByDefault
        );
    }

    #[test]
    fn a_lifetime_of_zero_is_never_fresh() {
        let copy = StoredCopy {
            age: 0,
            ttl: 0,
            ..EXPIRED
        };
        assert_eq!(
            copy.serve(OriginReply::Status(304), StaleLimit::None),
            Serving::Refresh
        );
    }
}
