//! What the model did with a request and why, in the order in which it happened.
//!
//! An answer carries its trace; logs, reports and tests read it. It holds no value of a secret header and no body.

use crate::distribution::EventType;
use crate::freshness::{ErrorNotStored, NotStored};
use crate::key::CacheKey;
use crate::origin_failure::OriginFailure;
use crate::stale::Serving;
use crate::store::{Lifetime, Tier};

/// The trace of one request.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// The position of the behavior; behind the last pattern is the default one. `None` when none was chosen.
    pub behavior: Option<usize>,
    /// The cache key, when the cache was asked.
    pub key: Option<CacheKey>,
    /// The steps.
    pub steps: Vec<Step>,
    /// How often an origin was asked.
    pub origin_requests: u8,
    /// What field-level encryption made of the request's body, where the behavior has it.
    pub field_encryption: Option<FieldEncryption>,
}

/// What field-level encryption made of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldEncryption {
    /// `fle-status` of the log.
    pub status: &'static str,
    /// `fle-encrypted-fields` of the log.
    pub fields: usize,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The edge answered by itself, and why.
    Generated(crate::answer::Cause),
    /// The viewer was sent to https.
    RedirectedToHttps,
    /// The signature of the request held.
    Signed,
    /// A function ran at this event.
    Ran(EventType),
    /// A function answered at this event.
    Answered(EventType),
    /// A function failed at this event.
    Failed(EventType, crate::compute::ComputeFailure),
    /// The cache was passed by.
    Bypassed(Bypass),
    /// A tier was asked.
    Asked {
        /// The tier.
        tier: Tier,
        /// Which kind.
        layer: Layer,
        /// What it had.
        found: Found,
    },
    /// The request waited for another one for the same object.
    Collapsed,
    /// An origin was asked.
    Origin {
        /// Its id.
        id: String,
        /// Whether with conditions, to refresh a copy.
        conditional: bool,
    },
    /// An origin answered.
    Status(u16),
    /// An origin failed.
    OriginFailed(OriginFailure),
    /// The group went on to its second origin.
    FailedOver,
    /// A copy was served though its lifetime is over.
    Stale(Serving),
    /// The answer is kept.
    Stored {
        /// How long it is fresh, in seconds.
        ttl: u64,
        /// What decided that.
        rule: Lifetime,
    },
    /// The answer is not kept.
    NotStored(WhyNotStored),
    /// The copy was refreshed by a 304.
    Refreshed {
        /// How long it is fresh, in seconds.
        ttl: u64,
    },
    /// The edge compressed the answer.
    Compressed,
    /// The page of a custom error response was asked for.
    ErrorPage {
        /// The status it replaces.
        status: u16,
        /// Its path.
        path: String,
    },
}

/// Why the cache was passed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bypass {
    /// The method is not cached.
    Method,
    /// The behavior does not cache.
    CachingDisabled,
}

/// What a tier had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// A copy in its lifetime.
    Fresh {
        /// Its age, in seconds.
        age: u64,
        /// The rest of its lifetime, in seconds.
        remaining: u64,
    },
    /// A copy beyond its lifetime.
    Expired {
        /// Its age, in seconds.
        age: u64,
    },
    /// Nothing.
    Nothing,
}

/// Why an answer is not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhyNotStored {
    /// The TTL table.
    Ttl(NotStored),
    /// Error caching.
    Error(ErrorNotStored),
    /// The status is one that is not stored here.
    Status,
    /// A function made the answer before the cache.
    Generated,
    /// It answers a conditional request that the viewer made.
    Conditional,
    /// It answers HEAD.
    Head,
    /// It is larger than what is kept, or there was no room.
    TooLarge,
    /// It did not arrive whole.
    Incomplete,
    /// Another answer of the same key came first.
    Superseded,
}

/// The kind of a tier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    /// The point of presence.
    Edge,
    /// The regional edge cache.
    Regional,
    /// Origin Shield.
    Shield,
}

impl Layer {
    /// As `cdn-hit-layer` names it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Edge => "EDGE",
            Self::Regional => "REC",
            Self::Shield => "Origin Shield",
        }
    }
}

/// `x-edge-result-type` of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResultType {
    /// From a cache.
    Hit,
    /// From a cache, after a 304 of the origin.
    RefreshHit,
    /// From the origin.
    Miss,
    /// An error.
    Error,
    /// A redirect to https.
    Redirect,
    /// A function failed.
    FunctionError,
    /// A function answered.
    FunctionGenerated,
    /// A Lambda@Edge function answered.
    LambdaGenerated,
}

impl ResultType {
    /// As `x-edge-result-type` names it (DG:standard-logs-reference).
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Hit => "Hit",
            Self::RefreshHit => "RefreshHit",
            Self::Miss => "Miss",
            Self::Error => "Error",
            Self::Redirect => "Redirect",
            Self::FunctionError => "FunctionExecutionError",
            Self::FunctionGenerated => "FunctionGeneratedResponse",
            Self::LambdaGenerated => "LambdaGeneratedResponse",
        }
    }
}
