//! One copy: what the origin answered, how long it lives, and when it came.
//!
//! Times are milliseconds since 1970-01-01T00:00:00Z, lifetimes are seconds.

use crate::freshness::{ErrorRule, TtlRule};
use crate::headers::Headers;
use crate::stale::StoredCopy;
use bytes::Bytes;
use portcullis_http_semantics::ByteRange;
use portcullis_http_semantics::negotiation::Coding;
use std::sync::Arc;

/// What decided how long a copy lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifetime {
    /// The TTL table.
    Ttl(TtlRule),
    /// Error caching.
    Error(ErrorRule),
    /// It stands in for a failing origin, for the error caching minimum TTL.
    StandIn,
}

impl Lifetime {
    /// A stable name for reports.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Ttl(rule) => rule.code(),
            Self::Error(rule) => rule.code(),
            Self::StandIn => "stand-in",
        }
    }
}

/// A stored answer.
#[derive(Clone, Debug)]
pub struct Copy {
    /// The path and query it was asked by, for invalidations and reports.
    pub target: Arc<str>,
    /// The status.
    pub status: u16,
    /// The fields, as the origin (or its origin-response function) sent them.
    pub headers: Arc<Headers>,
    /// The body, or parts of it.
    pub body: Body,
    /// The coding the edge gave it; `None` when it is as the origin sent it.
    pub coded: Option<Coding>,
    /// When it was stored or last refreshed, in milliseconds.
    pub since_ms: u64,
    /// Its age when it came, in seconds: `Age` of the origin, or of the tier above.
    pub age_at_start: u64,
    /// How long it is fresh, in seconds.
    pub ttl: u64,
    /// What decided that.
    pub lifetime: Lifetime,
    /// The Maximum TTL of its behavior, in seconds.
    pub max_ttl: u64,
    /// `stale-while-revalidate`, in seconds.
    pub stale_while_revalidate: Option<u64>,
    /// `stale-if-error`, in seconds.
    pub stale_if_error: Option<u64>,
    /// Whether each request goes to the origin all the same, without conditions (`Vary: *`).
    pub always_asks: bool,
    /// Its cache tags.
    pub tags: Vec<Box<str>>,
    /// Until when it stands in for a failing origin without asking again, in milliseconds.
    pub stands_in_until_ms: u64,
}

/// The body of a copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// All of it.
    Whole(Bytes),
    /// Parts of it, as `206` answers brought them.
    Parts(Parts),
}

/// The most parts of one object that are kept.
pub const PARTS_MAX: usize = 16;

/// Parts of one representation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parts(Vec<Cut>);

/// One part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Where it lies, and how large the whole is.
    pub range: ByteRange,
    /// Its bytes.
    pub bytes: Bytes,
}

impl Parts {
    /// Adds a part; beyond [`PARTS_MAX`] the first one goes.
    pub fn add(&mut self, cut: Cut) {
        if self.0.len() == PARTS_MAX {
            self.0.remove(0);
        }
        self.0.push(cut);
    }

    /// The bytes of a range, where one part holds all of it.
    #[must_use]
    pub fn get(&self, first: u64, last: u64) -> Option<(Bytes, u64)> {
        let cut = self
            .0
            .iter()
            .find(|cut| cut.range.first() <= first && last <= cut.range.last())?;
        let from = usize::try_from(first - cut.range.first()).ok()?;
        let until = usize::try_from(last - cut.range.first() + 1).ok()?;
        (until <= cut.bytes.len()).then(|| (cut.bytes.slice(from..until), cut.range.size()))
    }

    /// How large the whole is, if a part is there.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        self.0.first().map(|cut| cut.range.size())
    }

    fn bytes(&self) -> usize {
        self.0.iter().map(|cut| cut.bytes.len()).sum()
    }
}

impl Copy {
    /// Its age, in seconds.
    #[must_use]
    pub fn age(&self, now_ms: u64) -> u64 {
        self.age_at_start + now_ms.saturating_sub(self.since_ms) / 1000
    }

    /// How long it was kept in the state it is in, in seconds: what its lifetime is compared with.
    #[must_use]
    pub fn resident(&self, now_ms: u64) -> u64 {
        now_ms.saturating_sub(self.since_ms) / 1000
    }

    /// Whether it answers without the origin being asked.
    #[must_use]
    pub fn is_fresh(&self, now_ms: u64) -> bool {
        !self.always_asks && self.resident(now_ms) < self.ttl
    }

    /// What [`StoredCopy::serve`] decides on.
    #[must_use]
    pub fn staleness(&self, now_ms: u64) -> StoredCopy {
        StoredCopy {
            age: self.resident(now_ms),
            ttl: self.ttl,
            max_ttl: self.max_ttl,
            stale_while_revalidate: self.stale_while_revalidate,
            stale_if_error: self.stale_if_error,
        }
    }

    /// What it takes beside key and overhead, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let body = match &self.body {
            Body::Whole(bytes) => bytes.len(),
            Body::Parts(parts) => parts.bytes(),
        };
        let tags: usize = self.tags.iter().map(|tag| tag.len()).sum();
        body + self.headers.bytes() + self.target.len() + tags
    }

    /// Whether this is an answer that the origin, or the edge, would rather not have given.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.status >= 400
    }
}
