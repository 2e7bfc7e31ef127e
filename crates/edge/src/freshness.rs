//! How long CloudFront keeps a response: the TTL table (DG:expiration) and error caching (DG:httpstatuscodes,
//! DG:custom-error-pages-expiration).
//!
//! Two rules surprise: a Minimum TTL above zero beats `no-store`, and the Default TTL is not bounded by the Maximum. Both
//! functions say which rule decided. Lifetimes are whole seconds. Deliberately absent: statuses with rules of their own
//! (redirects, `Vary: *`, incomplete bodies), which the cache decides before it asks here.

use crate::switches::{DefaultTtlApplies, ErrorListB, NoCacheAtZeroMin, Switches};
use portcullis_http_semantics::CacheControl;
use portcullis_http_semantics::cache_control::Scope;

/// The TTLs of a behavior, in seconds. Configurations hold `min <= default <= max`; the table is defined without that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ttls {
    /// Minimum TTL.
    pub min: u64,
    /// Default TTL.
    pub default: u64,
    /// Maximum TTL.
    pub max: u64,
}

impl Ttls {
    /// Whether all three are zero, which turns caching off.
    #[must_use]
    pub fn disable_caching(self) -> bool {
        self.min == 0 && self.default == 0 && self.max == 0
    }
}

/// What an origin says about lifetime.
#[derive(Clone, Copy, Debug)]
pub struct OriginLifetime<'a> {
    /// Its `Cache-Control`, if it sent one.
    pub cache_control: Option<&'a CacheControl>,
    /// `Expires` minus now, in seconds, if it sent a readable one; negative when it is past.
    pub expires_in: Option<i64>,
    /// Seconds of the lifetime it names that had passed when it arrived.
    pub age: u64,
}

impl OriginLifetime<'_> {
    /// The explicit lifetime and where it stands: `s-maxage`, then `max-age`, then `Expires`.
    fn explicit(&self) -> Option<(u64, TtlRule)> {
        let named =
            |directive: fn(&CacheControl) -> Option<u64>| self.cache_control.and_then(directive);
        let s_maxage = named(|cc| cc.s_maxage).map(|seconds| (seconds, TtlRule::SMaxAge));
        let max_age = || named(|cc| cc.max_age).map(|seconds| (seconds, TtlRule::MaxAge));
        // An instant in the past is a lifetime of nothing.
        let expires = || {
            self.expires_in
                .map(|seconds| (u64::try_from(seconds).unwrap_or(0), TtlRule::Expires))
        };
        let named = s_maxage.or_else(max_age).or_else(expires);
        named.map(|(seconds, rule)| (seconds.saturating_sub(self.age), rule))
    }

    fn forbids_caching(&self) -> bool {
        self.cache_control
            .is_some_and(CacheControl::forbids_shared_reuse)
    }
}

/// How long a successful response stays at the edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EdgeTtl {
    /// It is not kept.
    NotStored(NotStored),
    /// It is kept, and fresh for this long; for 0 seconds means that it is revalidated before each use.
    Stored {
        /// The lifetime.
        seconds: u64,
        /// What decided it.
        rule: TtlRule,
    },
}

/// Why a successful response is not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotStored {
    /// All TTLs of the behavior are zero.
    CachingDisabled,
    /// The origin said `no-store`, `no-cache` or `private`, and the Minimum TTL is zero.
    OriginDirective,
}

/// What decided a lifetime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TtlRule {
    /// `s-maxage`, within the Minimum and the Maximum.
    SMaxAge,
    /// `max-age`, within the Minimum and the Maximum.
    MaxAge,
    /// `Expires`, within the Minimum and the Maximum.
    Expires,
    /// The Default TTL, or the Minimum where that is larger.
    Default,
    /// The Minimum TTL, over a directive that forbids caching.
    MinOverridesDirective,
    /// Stored only to be revalidated, by [`NoCacheAtZeroMin::Revalidated`].
    RevalidatedEachTime,
    /// The Minimum TTL, by [`DefaultTtlApplies::NoHeader`].
    MinWithoutLifetime,
}

impl TtlRule {
    /// A stable name for reports.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::SMaxAge => "s-maxage",
            Self::MaxAge => "max-age",
            Self::Expires => "expires",
            Self::Default => "default",
            Self::MinOverridesDirective => "min-ttl-overrides",
            Self::RevalidatedEachTime => "revalidated-each-time",
            Self::MinWithoutLifetime => "min-ttl-without-lifetime",
        }
    }
}

impl NotStored {
    /// A stable name for reports.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::CachingDisabled => "caching-disabled",
            Self::OriginDirective => "origin-directive",
        }
    }
}

/// The TTL table, for a 200 answer to GET (DG:expiration).
#[must_use]
pub fn edge_ttl(ttls: Ttls, origin: &OriginLifetime<'_>, switches: &Switches) -> EdgeTtl {
    if ttls.disable_caching() {
        return EdgeTtl::NotStored(NotStored::CachingDisabled);
    }
    if origin.forbids_caching() {
        return forbidden(ttls, origin, switches);
    }
    let (seconds, rule) = match origin.explicit() {
        Some((lifetime, rule)) => (lifetime.min(ttls.max).max(ttls.min), rule),
        None => unnamed(ttls, origin, switches),
    };
    EdgeTtl::Stored { seconds, rule }
}

fn forbidden(ttls: Ttls, origin: &OriginLifetime<'_>, switches: &Switches) -> EdgeTtl {
    let only_no_cache = origin
        .cache_control
        .is_some_and(|cc| !cc.no_store && cc.private != Scope::Response);
    match switches.no_cache_at_zero_min {
        _ if ttls.min > 0 => EdgeTtl::Stored {
            seconds: ttls.min,
            rule: TtlRule::MinOverridesDirective,
        },
        NoCacheAtZeroMin::Revalidated if only_no_cache => EdgeTtl::Stored {
            seconds: 0,
            rule: TtlRule::RevalidatedEachTime,
        },
        NoCacheAtZeroMin::Revalidated | NoCacheAtZeroMin::NotStored => {
            EdgeTtl::NotStored(NotStored::OriginDirective)
        }
    }
}

/// The lifetime of a response whose origin named none.
fn unnamed(ttls: Ttls, origin: &OriginLifetime<'_>, switches: &Switches) -> (u64, TtlRule) {
    match switches.default_ttl {
        DefaultTtlApplies::NoHeader if origin.cache_control.is_some() => {
            (ttls.min, TtlRule::MinWithoutLifetime)
        }
        DefaultTtlApplies::NoHeader | DefaultTtlApplies::NoLifetime => {
            (ttls.default.max(ttls.min), TtlRule::Default)
        }
    }
}

/// The error caching minimum TTL where the distribution names none, in seconds.
pub const ERROR_CACHING_MIN_TTL_DEFAULT: u64 = 10;

/// An error and the settings that apply to it.
#[derive(Clone, Copy, Debug)]
pub struct ErrorToCache<'a> {
    /// The status, 400 to 599.
    pub status: u16,
    /// What the origin says about lifetime.
    pub origin: OriginLifetime<'a>,
    /// Whether the origin is S3.
    pub from_s3: bool,
    /// The error caching minimum TTL for this status, in seconds.
    pub min_ttl: u64,
    /// The Maximum TTL of the behavior, in seconds; of the one that serves the error page, where there is a page.
    pub max_ttl: u64,
    /// Whether the behavior caches at all.
    pub caching: bool,
}

/// How long an error stays at the edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorTtl {
    /// It is not kept.
    NotStored(ErrorNotStored),
    /// It is kept for this long.
    Stored {
        /// The lifetime.
        seconds: u64,
        /// Why the status is cached.
        rule: ErrorRule,
    },
}

/// Why an error is not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorNotStored {
    /// All TTLs of the behavior are zero.
    CachingDisabled,
    /// 416 is never cached.
    RangeNotSatisfiable,
    /// The origin said `no-store`, `no-cache` or `private`, and for this status that counts.
    OriginDirective,
    /// The status is cached only with `max-age` or `s-maxage`, by [`ErrorListB::HeaderRequired`].
    LifetimeRequired,
    /// The status is in no list of cached errors.
    StatusNotListed,
}

/// Why an error is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorRule {
    /// The status is always cached.
    Always,
    /// The status is cached because the origin named a lifetime.
    LifetimeNamed,
    /// The status is cached without a lifetime, by [`ErrorListB::MinTtl`].
    MinTtlOnly,
}

impl ErrorNotStored {
    /// A stable name for reports.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::CachingDisabled => "caching-disabled",
            Self::RangeNotSatisfiable => "416-never",
            Self::OriginDirective => "origin-directive",
            Self::LifetimeRequired => "needs-max-age",
            Self::StatusNotListed => "status-not-listed",
        }
    }
}

impl ErrorRule {
    /// A stable name for reports.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::LifetimeNamed => "conditional",
            Self::MinTtlOnly => "ecm-only",
        }
    }
}

/// How long an error is cached.
#[must_use]
pub fn error_ttl(error: &ErrorToCache<'_>, list_b: ErrorListB) -> ErrorTtl {
    match error_rule(error, list_b) {
        Err(reason) => ErrorTtl::NotStored(reason),
        Ok(rule) => ErrorTtl::Stored {
            seconds: error_seconds(error),
            rule,
        },
    }
}

fn error_rule(error: &ErrorToCache<'_>, list_b: ErrorListB) -> Result<ErrorRule, ErrorNotStored> {
    if !error.caching {
        return Err(ErrorNotStored::CachingDisabled);
    }
    // For other statuses the directives that forbid caching are ignored.
    let directive_counts = matches!(error.status, 404 | 410 | 414 | 501);
    if directive_counts && error.origin.forbids_caching() {
        return Err(ErrorNotStored::OriginDirective);
    }
    let names_lifetime = error
        .origin
        .cache_control
        .is_some_and(|cc| cc.shared_lifetime().is_some());
    match (error.status, list_b) {
        (416, _) => Err(ErrorNotStored::RangeNotSatisfiable),
        (404 | 414 | 500..=504, _) => Ok(ErrorRule::Always),
        (400 | 403 | 405 | 412 | 415, _) if names_lifetime => Ok(ErrorRule::LifetimeNamed),
        (400 | 403 | 405 | 412 | 415, ErrorListB::MinTtl) => Ok(ErrorRule::MinTtlOnly),
        (400 | 403 | 405 | 412 | 415, ErrorListB::HeaderRequired) => {
            Err(ErrorNotStored::LifetimeRequired)
        }
        _ => Err(ErrorNotStored::StatusNotListed),
    }
}

/// The larger of the error caching minimum and what the origin named, that capped at the Maximum TTL.
fn error_seconds(error: &ErrorToCache<'_>) -> u64 {
    // DG:custom-error-pages-expiration: for S3 a minimum of zero counts as one second.
    let floor = error.min_ttl.max(u64::from(error.from_s3));
    let named = error
        .origin
        .explicit()
        .map_or(0, |(lifetime, _)| lifetime.min(error.max_ttl));
    named.max(floor)
}

#[cfg(test)]
mod tests;
