//! CloudFront's cache behaviors: which requests, from which origin, under which policy, cached how.

use crate::{Name, PathPattern, Seconds};
use serde::{Deserialize, Serialize};

/// One cache behavior.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Behavior {
    /// The requests it governs.
    pub path: PathPattern,
    /// An origin or an origin group.
    pub origin: Name,
    /// The policy that decides.
    pub policy: Name,
    /// Where the decision is enforced.
    pub enforce: Enforcement,
    /// Whether CloudFront caches, by which key and for how long.
    pub caching: Caching,
    /// The methods that are served.
    pub methods: Methods,
    /// What a viewer's plain HTTP request gets.
    pub viewer_protocol: ViewerProtocol,
    /// Whether CloudFront compresses.
    pub compress: bool,
    /// Headers added to every answer.
    pub response_headers: ResponseHeaders,
    /// What happens to an object too large for a buffered Lambda answer.
    pub large_objects: LargeObjects,
}

/// Where a policy is enforced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Enforcement {
    /// On every request, by a generated CloudFront Function; again by the gateway on a miss.
    Edge,
    /// By the gateway alone, so on cache misses only.
    Origin,
}

/// Whether and how CloudFront caches.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Caching {
    /// Every request reaches the origin.
    Disabled,
    /// Answers are kept by key.
    Enabled {
        /// What is in the key besides the path.
        key: CacheKey,
        /// The bounds of a lifetime at the edge.
        ttl: Ttl,
    },
}

/// What the cache key holds besides the distribution and the path.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CacheKey {
    /// Query parameters.
    pub query: QueryKey,
    /// Header names in lower case, at most 10.
    pub headers: Vec<String>,
    /// Whether `CloudFront-Viewer-Country` is in the key.
    pub country: bool,
}

/// The query parameters in the cache key; the same ones are sent to the origin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QueryKey {
    /// None of them.
    None,
    /// All of them.
    All,
    /// These, by exact name.
    Only(Vec<String>),
}

/// CloudFront's minimum, default and maximum TTL; `min ≤ default ≤ max`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ttl {
    /// Beats even `no-store` when above zero.
    pub min: Seconds,
    /// Used when the origin names no lifetime.
    pub default: Seconds,
    /// Caps a lifetime that the origin names.
    pub max: Seconds,
}

/// The methods served; CloudFront's first two sets. Nothing here can write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Methods {
    /// GET and HEAD.
    GetHead,
    /// GET, HEAD and OPTIONS.
    GetHeadOptions,
}

/// CloudFront's viewer protocol policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ViewerProtocol {
    /// HTTP and HTTPS.
    AllowAll,
    /// HTTP is refused.
    HttpsOnly,
    /// HTTP is redirected.
    RedirectToHttps,
}

/// Headers added to every answer of a behavior, errors and refusals included.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResponseHeaders {
    /// A set of security headers.
    pub security: SecurityHeaders,
    /// Cross-origin access, if any.
    pub cors: Option<Cors>,
}

/// Sets of security headers. `nosniff` is sent in every case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SecurityHeaders {
    /// Only `nosniff`.
    #[default]
    None,
    /// HSTS for a year, frames from the same origin, strict referrer policy.
    Basic,
    /// As `basic`, with frames denied, HSTS for two years with subdomains, and cross-origin isolation of the opener.
    Strict,
}

/// Cross-origin access, an exact list: never reflected, never `null`, never credentials with `*`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cors {
    /// Origins like `https://www.example.com`, or the single item `*`.
    pub allow_origins: Vec<String>,
    /// Request headers a preflight may ask for, lower case.
    pub allow_headers: Vec<String>,
    /// Response headers scripts may read.
    pub expose_headers: Vec<String>,
    /// How long a preflight answer holds.
    pub max_age: Seconds,
}

/// What happens to an object that does not fit a buffered Lambda answer; it is never cut.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum LargeObjects {
    /// 413 with a clear reason.
    #[default]
    Refuse,
    /// Streamed, through the function's streaming front.
    Stream,
    /// A redirect to a short-lived signed URL on a behavior that CloudFront serves straight from the bucket.
    HandOff {
        /// The path prefix of that behavior, beginning and ending with `/`.
        path: String,
        /// The key group that behavior trusts; the gateway signs with one of its keys.
        key_group: Name,
        /// How long the URL is valid: 1 s to 1 h.
        expires: Seconds,
    },
}
