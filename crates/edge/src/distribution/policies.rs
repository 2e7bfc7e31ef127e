//! The policies of a behavior: cache policy or legacy settings, origin request policy, response headers policy.

use crate::accept_encoding::EdgeCodings;
use crate::freshness::Ttls;
use crate::selection::Names;

/// What decides key and lifetime.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CacheSettings {
    /// A cache policy.
    Policy(CachePolicy),
    /// `ForwardedValues` and the TTLs of the behavior (legacy).
    Legacy(LegacyForwarding),
}

impl CacheSettings {
    /// The TTLs.
    #[must_use]
    pub fn ttls(&self) -> Ttls {
        match self {
            Self::Policy(policy) => policy.ttls,
            Self::Legacy(legacy) => legacy.ttls,
        }
    }
}

/// A cache policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CachePolicy {
    /// Its name or id, for reports.
    pub name: String,
    /// The TTLs.
    pub ttls: Ttls,
    /// Headers in the key: `none` or a list.
    pub headers: Vec<String>,
    /// Cookies in the key.
    pub cookies: Names,
    /// Query parameters in the key.
    pub query: Names,
    /// Codings the key tells apart.
    pub codings: EdgeCodings,
}

/// Legacy cache settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LegacyForwarding {
    /// The TTLs.
    pub ttls: Ttls,
    /// The query string.
    pub query: LegacyQuery,
    /// Cookies.
    pub cookies: LegacyCookies,
    /// Headers that are forwarded and keyed.
    pub headers: HeadersAll,
}

/// The headers of legacy settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeadersAll {
    /// `*`: all of them, and nothing is cached.
    All,
    /// These.
    Listed(Vec<String>),
}

/// The query string of legacy settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LegacyQuery {
    /// Neither forwarded nor keyed.
    None,
    /// All forwarded, all keyed.
    All,
    /// All forwarded, these keyed.
    Keyed(Vec<String>),
}

/// The cookies of legacy settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LegacyCookies {
    /// None.
    None,
    /// All forwarded and keyed.
    All,
    /// These; `*` and `?` in a name are wildcards.
    Listed(Vec<String>),
}

/// An origin request policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OriginRequestPolicy {
    /// Its name or id, for reports.
    pub name: String,
    /// Headers.
    pub headers: HeaderSelection,
    /// Cookies.
    pub cookies: Names,
    /// Query parameters.
    pub query: Names,
}

/// The headers of an origin request policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeaderSelection {
    /// `none`.
    None,
    /// `whitelist`, headers that CloudFront generates among them.
    Listed(Vec<String>),
    /// `allViewer`.
    AllViewer,
    /// `allViewerAndWhitelistCloudFront`: the viewer's and these of CloudFront.
    AllViewerAnd(Vec<String>),
    /// `allExcept`.
    AllExcept(Vec<String>),
}

/// A value, and whether it replaces one that the origin sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overridable<T> {
    /// The value.
    pub value: T,
    /// Whether the origin's value gives way.
    pub overrides: bool,
}

/// A response headers policy.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ResponseHeadersPolicy {
    /// Its name or id, for reports.
    pub name: String,
    /// Cross-origin rules.
    pub cors: Option<Cors>,
    /// `Strict-Transport-Security`.
    pub strict_transport: Option<Overridable<StrictTransport>>,
    /// `X-Content-Type-Options: nosniff`; whether it overrides.
    pub content_type_options: Option<Overridable<()>>,
    /// `X-Frame-Options`.
    pub frame_options: Option<Overridable<FrameOption>>,
    /// `X-XSS-Protection`.
    pub xss_protection: Option<Overridable<XssProtection>>,
    /// `Referrer-Policy`.
    pub referrer_policy: Option<Overridable<String>>,
    /// `Content-Security-Policy`.
    pub content_security_policy: Option<Overridable<String>>,
    /// Other headers.
    pub custom: Vec<CustomField>,
    /// Names removed before anything is added.
    pub remove: Vec<String>,
    /// `Server-Timing`.
    pub server_timing: Option<ServerTiming>,
}

/// A header that a response headers policy adds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomField {
    /// The name.
    pub name: String,
    /// The value.
    pub value: String,
    /// Whether the origin's value gives way.
    pub overrides: bool,
}

/// `X-Frame-Options`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameOption {
    /// `DENY`.
    Deny,
    /// `SAMEORIGIN`.
    SameOrigin,
}

/// `X-XSS-Protection`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum XssProtection {
    /// `0`.
    Off,
    /// `1`.
    On,
    /// `1; mode=block`.
    Block,
    /// `1; report=URI`.
    Report(String),
}

/// `Strict-Transport-Security`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StrictTransport {
    /// `max-age`, in seconds.
    pub max_age_s: u64,
    /// `includeSubDomains`.
    pub include_subdomains: bool,
    /// `preload`.
    pub preload: bool,
}

/// How often `Server-Timing` is added.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ServerTiming {
    /// In percent of the requests, 0 to 100.
    pub sampling_percent: f64,
}

/// The cross-origin part of a response headers policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cors {
    /// Whether it replaces the origin's cross-origin headers; else any such header of the origin keeps all of these away.
    pub overrides: bool,
    /// Origins, as written: `*`, `https://example.org`, `*.example.org` and ports.
    pub origins: Vec<String>,
    /// `Access-Control-Allow-Headers`.
    pub headers: CorsNames,
    /// `Access-Control-Allow-Methods`, `ALL` written out.
    pub methods: Vec<String>,
    /// `Access-Control-Allow-Credentials`.
    pub credentials: bool,
    /// `Access-Control-Expose-Headers`.
    pub expose: CorsNames,
    /// `Access-Control-Max-Age`, in seconds.
    pub max_age_s: Option<u64>,
}

/// A list of header names of a cross-origin rule; `*` in a name is a wildcard.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CorsNames(pub Vec<String>);
