//! A distribution as the model plays it: the one type that a manifest, a CloudFormation template and the JSON of
//! `get-distribution-config` are read into.
//!
//! - the last behavior is the default one and there is always one; every other has its pattern;
//! - a behavior's target exists; a group has two members that exist;
//! - policies are resolved: a behavior holds its policies, not their ids.
//!
//! Everything a distribution can say has a place here, also what the model cannot play ([`unsupported`] names that).
//! Deliberately absent: comments, tags, billing and names that change no answer.

mod policies;
mod support;

pub use policies::{
    CachePolicy, CacheSettings, Cors, CorsNames, CustomField, FrameOption, HeaderSelection,
    HeadersAll, LegacyCookies, LegacyForwarding, LegacyQuery, OriginRequestPolicy, Overridable,
    ResponseHeadersPolicy, ServerTiming, StrictTransport, XssProtection,
};
pub use support::{Unsupported, leave_out, unsupported};

use crate::gate::{AllowedMethods, GeoRestriction, ViewerProtocolPolicy};
use crate::headers::CustomHeaders;
use crate::path::DefaultRootObject;
use crate::pattern::PathPattern;
use portcullis_signed_access::KeyGroup;
use std::sync::Arc;

/// The most behaviors of a distribution the model takes, the default one included. CloudFront's quota is 75; more are
/// taken so that growth can be tried.
pub const BEHAVIORS_MAX: usize = 4096;

/// The most origins of a distribution (CloudFront's quota).
pub const ORIGINS_MAX: usize = 100;

/// A distribution.
#[derive(Clone, Debug)]
pub struct Distribution {
    /// The id, `E` and capitals; also what cache keys and logs carry.
    pub id: String,
    /// The domain name CloudFront gave it, `d….cloudfront.net`.
    pub domain: String,
    /// Whether it accepts requests.
    pub enabled: bool,
    /// Alternate domain names in lower case; `*.` at the beginning stands for any number of labels.
    pub aliases: Vec<String>,
    /// What is served for exactly `/`.
    pub default_root: Option<DefaultRootObject>,
    /// The origins.
    pub origins: Vec<Origin>,
    /// The origin groups.
    pub groups: Vec<OriginGroup>,
    /// The behaviors with a pattern, in their order.
    pub behaviors: Vec<(PathPattern, Behavior)>,
    /// The behavior for every other path.
    pub default_behavior: Behavior,
    /// Custom error responses, at most one for each status.
    pub errors: Vec<CustomError>,
    /// The geo restriction.
    pub geo: GeoRestriction,
    /// How viewers connect.
    pub viewer: ViewerConnections,
    /// Where logs go, if they are kept.
    pub logging: Option<Logging>,
    /// The origin response header that names cache tags (`CacheTagConfig`).
    pub cache_tag_header: Option<String>,
    /// The web ACL, which the model cannot play.
    pub web_acl: Option<String>,
    /// A continuous deployment policy, which the model cannot play.
    pub continuous_deployment: Option<String>,
    /// Whether this is the staging distribution of another.
    pub staging: bool,
}

impl Distribution {
    /// The behavior at a position; the position after the last pattern is the default one.
    #[must_use]
    pub fn behavior(&self, index: usize) -> &Behavior {
        self.behaviors
            .get(index)
            .map_or(&self.default_behavior, |(_, behavior)| behavior)
    }

    /// The pattern of a behavior as written; `*` for the default one.
    #[must_use]
    pub fn pattern(&self, index: usize) -> &str {
        self.behaviors
            .get(index)
            .map_or("*", |(pattern, _)| pattern.as_str())
    }

    /// All behaviors in order, the default one last.
    pub fn all_behaviors(&self) -> impl Iterator<Item = &Behavior> {
        let listed = self.behaviors.iter().map(|(_, behavior)| behavior);
        listed.chain(std::iter::once(&self.default_behavior))
    }

    /// The custom error response for a status.
    #[must_use]
    pub fn error(&self, status: u16) -> Option<&CustomError> {
        self.errors.iter().find(|error| error.status == status)
    }
}

/// Where a behavior sends what it cannot answer. Positions are those in [`Distribution::origins`] and
/// [`Distribution::groups`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// One origin.
    Origin(usize),
    /// A group of two.
    Group(usize),
}

/// A cache behavior.
#[derive(Clone, Debug)]
pub struct Behavior {
    /// Where it sends requests.
    pub target: Target,
    /// What it does with viewers that come over http.
    pub viewer_protocol: ViewerProtocolPolicy,
    /// The methods it passes on.
    pub methods: AllowedMethods,
    /// Whether answers to OPTIONS are cached, beside those to GET and HEAD.
    pub caches_options: bool,
    /// Whether the edge compresses.
    pub compress: bool,
    /// Keys and lifetimes.
    pub caching: CacheSettings,
    /// What else reaches the origin.
    pub origin_request: Option<OriginRequestPolicy>,
    /// What is added to answers and taken from them.
    pub response_headers: Option<Arc<ResponseHeadersPolicy>>,
    /// Who may sign requests; `None` when no signature is asked for.
    pub trusted: Option<Trusted>,
    /// Edge functions.
    pub functions: Functions,
    /// Field-level encryption, by the id of its configuration.
    pub field_encryption: Option<String>,
    /// Smooth Streaming. The model serves the fragments as plain files.
    pub smooth_streaming: bool,
    /// gRPC, which the model cannot play.
    pub grpc: bool,
    /// Real-time logs, by the ARN of their configuration, which the model does not write.
    pub real_time_log: Option<String>,
}

/// The keys that may sign for a behavior.
#[derive(Clone, Debug)]
pub enum Trusted {
    /// Key groups, at most four, with their keys.
    KeyGroups(Vec<Arc<KeyGroup>>),
    /// AWS accounts (legacy), whose keys nobody outside knows.
    Accounts,
}

/// The edge functions of a behavior, one for each event at most.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Functions {
    /// Before the cache.
    pub viewer_request: Option<Compute>,
    /// Before the origin; on misses only.
    pub origin_request: Option<Compute>,
    /// After the origin; on misses only.
    pub origin_response: Option<Compute>,
    /// Before the viewer.
    pub viewer_response: Option<Compute>,
}

/// The event at which an edge function runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EventType {
    /// Before the cache.
    ViewerRequest,
    /// Before the origin.
    OriginRequest,
    /// After the origin.
    OriginResponse,
    /// Before the viewer.
    ViewerResponse,
}

impl EventType {
    /// CloudFront's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ViewerRequest => "viewer-request",
            Self::OriginRequest => "origin-request",
            Self::OriginResponse => "origin-response",
            Self::ViewerResponse => "viewer-response",
        }
    }
}

/// What runs at an event.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Compute {
    /// A CloudFront Function, by its name.
    Function(String),
    /// A Lambda@Edge function, by its ARN.
    Lambda {
        /// The ARN with its version.
        arn: String,
        /// Whether the request's body is shown to it.
        include_body: bool,
    },
}

/// An origin.
#[derive(Clone, Debug)]
pub struct Origin {
    /// Its id in the distribution.
    pub id: String,
    /// The domain name, sent as `Host` unless a policy forwards the viewer's.
    pub domain: String,
    /// `OriginPath`: put in front of the path; empty, or begins and does not end with a slash.
    pub path: String,
    /// The origin custom headers.
    pub custom_headers: CustomHeaders,
    /// What kind it is.
    pub kind: OriginKind,
    /// How many times a connection is tried, 1 to 3.
    pub connection_attempts: u8,
    /// How long one attempt may take, in seconds, 1 to 10.
    pub connection_timeout_s: u8,
    /// How long all of a request may take, in seconds; without one there is no limit.
    pub completion_timeout_s: Option<u32>,
    /// The region of its Origin Shield.
    pub shield: Option<String>,
    /// Origin access control.
    pub access_control: Option<AccessControl>,
}

/// The kind of an origin and what only that kind has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OriginKind {
    /// An S3 bucket by its REST endpoint.
    S3 {
        /// Whether a legacy origin access identity is set.
        access_identity: bool,
        /// The time to the first byte, in seconds.
        read_timeout_s: u8,
    },
    /// Any HTTP server.
    Custom(CustomOrigin),
    /// A private origin in a VPC.
    Vpc {
        /// Its id.
        id: String,
        /// The time to the first byte, in seconds.
        read_timeout_s: u8,
    },
}

/// The settings of a custom origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CustomOrigin {
    /// The port for http.
    pub http_port: u16,
    /// The port for https.
    pub https_port: u16,
    /// Which of both is used.
    pub protocol: OriginProtocol,
    /// The time to the first byte, in seconds, 1 to 120.
    pub read_timeout_s: u8,
    /// How long an idle connection is kept, in seconds, 1 to 120.
    pub keepalive_timeout_s: u8,
}

/// How CloudFront connects to a custom origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OriginProtocol {
    /// Always http.
    HttpOnly,
    /// Always https.
    HttpsOnly,
    /// As the viewer.
    MatchViewer,
}

/// Origin access control: CloudFront signs its requests (SigV4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccessControl {
    /// What kind of origin it signs for.
    pub origin: AccessControlOrigin,
    /// When it signs.
    pub signing: Signing,
}

/// For which kind of origin requests are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessControlOrigin {
    /// `s3`.
    S3,
    /// `lambda`: a function URL.
    Lambda,
    /// `mediastore`.
    MediaStore,
    /// `mediapackagev2`.
    MediaPackageV2,
}

/// When requests are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signing {
    /// `always`: over a viewer's `Authorization`.
    Always,
    /// `never`.
    Never,
    /// `no-override`: unless the viewer sent `Authorization`.
    NoOverride,
}

/// Two origins, of which the second answers when the first fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OriginGroup {
    /// Its id in the distribution.
    pub id: String,
    /// The statuses of the first that count as failure.
    pub statuses: Vec<u16>,
    /// Positions in [`Distribution::origins`]: the first and the second.
    pub members: [usize; 2],
    /// `media-quality-based`, which the model cannot play.
    pub by_media_quality: bool,
}

/// A custom error response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomError {
    /// The status it is for.
    pub status: u16,
    /// The error caching minimum TTL, in seconds.
    pub min_ttl: Option<u64>,
    /// The page that replaces the answer.
    pub page: Option<ErrorPage>,
}

/// The page of a custom error response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorPage {
    /// Its path, with a slash at the beginning.
    pub path: String,
    /// The status the viewer gets.
    pub status: u16,
}

/// How viewers connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViewerConnections {
    /// Whether HTTP/2 is offered.
    pub http2: bool,
    /// Whether HTTP/3 is announced.
    pub http3: bool,
    /// Whether IPv6 is served.
    pub ipv6: bool,
    /// The security policy, `TLSv1.2_2021` and so on.
    pub tls_policy: String,
    /// Whether the certificate is one for the aliases, and not CloudFront's own.
    pub own_certificate: bool,
    /// Whether viewers show certificates, which the model cannot play.
    pub mutual_tls: bool,
}

impl Default for ViewerConnections {
    fn default() -> Self {
        Self {
            http2: true,
            http3: false,
            ipv6: true,
            tls_policy: "TLSv1".to_owned(),
            own_certificate: false,
            mutual_tls: false,
        }
    }
}

/// Standard logging.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logging {
    /// The bucket.
    pub bucket: String,
    /// The beginning of file names.
    pub prefix: String,
    /// Whether cookies are logged.
    pub cookies: bool,
}
