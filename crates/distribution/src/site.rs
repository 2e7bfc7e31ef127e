//! A site as a distribution: what its manifest stands for, with the gateway and the direct buckets as origins.
//!
//! Always holds: nothing is decided here, each function translates; a refusal (403) is never kept, whatever the manifest
//! leaves out; a direct bucket whose policy asks for a signature is served to nobody without one. Deliberately absent: what
//! the gateway does itself (security headers, routes to origins), and the code of the edge guard.

use crate::identity::derived;
use portcullis_edge::accept_encoding::EdgeCodings;
use portcullis_edge::distribution::{
    AccessControl, AccessControlOrigin, Behavior, CachePolicy, CacheSettings, Compute, CustomError,
    CustomOrigin, Distribution, ErrorPage, Functions, HeaderSelection, Origin, OriginKind,
    OriginProtocol, OriginRequestPolicy, Signing, Target, Trusted, ViewerConnections,
};
use portcullis_edge::freshness::Ttls;
use portcullis_edge::gate::{AllowedMethods, GeoRestriction, ViewerProtocolPolicy};
use portcullis_edge::headers::{CustomHeaderError, CustomHeaders};
use portcullis_edge::origin_request::GeneratedHeader;
use portcullis_edge::pattern::{PathPattern, PatternError};
use portcullis_edge::selection::Names;
use portcullis_edge_guard::{is_guarded, name as guard_name};
use portcullis_signed_access::{Algorithm, KeyGroup};
use portcullis_site::{
    Bucket, Caching, ErrorResponse, KeyPrefix, Methods, Name, QueryKey, Site, ViewerProtocol,
};
use std::sync::Arc;

/// The id of the gateway among the origins. A direct bucket has the name it has in the manifest, after [`BUCKET`].
pub const GATEWAY: &str = "gateway";

/// The header in which the gateway names the cache tags of a release's answers.
pub const CACHE_TAGS: &str = "cache-tag";

/// What stands before the name of a direct bucket's origin.
pub const BUCKET: &str = "bucket-";

/// Where a site is deployed: what a manifest does not say of its distribution.
#[derive(Clone, Copy, Debug)]
pub struct Deployment<'a> {
    /// The value of the secret header.
    pub secret: &'a str,
    /// The domain name of the gateway's function URL.
    pub function_url_domain: &'a str,
    /// The region of the direct buckets.
    pub region: &'a str,
}

/// The cookies that carry a signature.
const SIGNED_COOKIES: [&str; 5] = [
    "CloudFront-Policy",
    "CloudFront-Expires",
    "CloudFront-Signature",
    "CloudFront-Key-Pair-Id",
    "CloudFront-Hash-Algorithm",
];

/// The headers that a cross-origin rule is decided by.
const CORS_HEADERS: [&str; 3] = [
    "origin",
    "access-control-request-method",
    "access-control-request-headers",
];

/// The headers of CloudFront that the gateway decides by.
const GENERATED: [GeneratedHeader; 2] = [
    GeneratedHeader::ViewerAddress,
    GeneratedHeader::ViewerCountry,
];

/// Why a site is no distribution.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SiteError {
    /// The secret header cannot be an origin custom header.
    #[error("the secret header cannot be sent by CloudFront: {0}")]
    SecretHeader(#[from] CustomHeaderError),
    /// A behavior's path is no pattern of CloudFront.
    #[error("`{path}`: {error}")]
    Pattern {
        /// The path.
        path: String,
        /// What is wrong with it.
        error: PatternError,
    },
    /// A key group has a key that cannot be read.
    #[error("key group `{name}`: {error}")]
    KeyGroup {
        /// The group.
        name: String,
        /// What is wrong with it.
        error: String,
    },
    /// No behavior takes every path.
    #[error("a site ends with a behavior for `*`")]
    NoDefault,
}

/// How long a site's gateway may run, and how long CloudFront waits for it: what it waits for itself, and some room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// The function's timeout, in seconds.
    pub function_s: u8,
    /// CloudFront's origin response timeout, in seconds; at most 120.
    pub origin_s: u8,
}

/// How long the gateway waits for a store, in seconds.
const STORE_WAIT: u64 = 10;

/// The deadlines of a site, which nest: upstream wait < function < CloudFront.
#[must_use]
pub fn timeouts(site: &Site) -> Timeouts {
    let one = |name: &Name| match site.origins.get(name) {
        Some(portcullis_site::Origin::Http(http)) => {
            http.connect_timeout.get() + http.response_timeout.get()
        }
        _ => STORE_WAIT,
    };
    let waits =
        site.behaviors
            .iter()
            .map(|behavior| match site.origin_groups.get(&behavior.origin) {
                Some(group) => one(&group.primary) + one(&group.secondary),
                None => one(&behavior.origin),
            });
    let wait = waits.max().unwrap_or(STORE_WAIT).clamp(8, 108);
    // At most 108 was left: neither sum is more than 120.
    let with = |room: u64| u8::try_from(wait + room).unwrap_or(u8::MAX);
    Timeouts {
        function_s: with(5),
        origin_s: with(12),
    }
}

/// The distribution that a site stands for.
///
/// # Errors
/// [`SiteError`]; never for a site that was validated.
pub fn of_site(site: &Site, deployment: &Deployment<'_>) -> Result<Distribution, SiteError> {
    let (last, listed) = site.behaviors.split_last().ok_or(SiteError::NoDefault)?;
    if !last.path.is_default() {
        return Err(SiteError::NoDefault);
    }
    let reading = Reading::of(site)?;
    let behaviors = listed.iter().map(|one| reading.patterned(one));
    let identity = derived(site.site.as_str());
    let hosts = site.hosts.iter();
    Ok(Distribution {
        id: identity.id,
        domain: identity.domain,
        enabled: true,
        aliases: hosts.map(|host| host.as_str().to_owned()).collect(),
        default_root: None,
        origins: reading.origins(deployment)?,
        groups: Vec::new(),
        behaviors: behaviors.collect::<Result<_, _>>()?,
        default_behavior: reading.behavior(last),
        errors: errors(site),
        geo: GeoRestriction::Off,
        viewer: ViewerConnections {
            tls_policy: site.viewer_tls.clone(),
            own_certificate: site.certificate.is_some(),
            ..ViewerConnections::default()
        },
        logging: None,
        cache_tag_header: has_releases(site).then(|| CACHE_TAGS.to_owned()),
        web_acl: None,
        continuous_deployment: None,
        staging: false,
    })
}

/// A site with what its behaviors refer to.
struct Reading<'a> {
    site: &'a Site,
    /// Name, bucket and prefix of each direct bucket. Origin 0 is the gateway, these follow.
    direct: Vec<(&'a Name, &'a Bucket, &'a KeyPrefix)>,
    key_groups: Vec<(&'a Name, Arc<KeyGroup>)>,
}

impl<'a> Reading<'a> {
    fn of(site: &'a Site) -> Result<Self, SiteError> {
        let direct = site.origins.iter().filter_map(|(id, origin)| match origin {
            portcullis_site::Origin::DirectBucket { name, prefix } => Some((id, name, prefix)),
            _ => None,
        });
        let groups = site.key_groups.iter().map(|(name, group)| {
            // CloudFront takes every algorithm it knows; no key group of its own can say less.
            let native = portcullis_site::KeyGroup {
                algorithms: Algorithm::ALL.to_vec(),
                ..group.clone()
            };
            let read = native.verifier().map_err(|error| SiteError::KeyGroup {
                name: name.to_string(),
                error: error.to_string(),
            })?;
            Ok((name, Arc::new(read)))
        });
        Ok(Self {
            site,
            direct: direct.collect(),
            key_groups: groups.collect::<Result<_, SiteError>>()?,
        })
    }

    fn origins(&self, deployment: &Deployment<'_>) -> Result<Vec<Origin>, SiteError> {
        let buckets = self.direct.iter().map(|(id, bucket, prefix)| Origin {
            id: format!("{BUCKET}{id}"),
            domain: format!("{bucket}.s3.{}.amazonaws.com", deployment.region),
            path: match prefix.as_str().trim_end_matches('/') {
                "" => String::new(),
                prefix => format!("/{prefix}"),
            },
            custom_headers: CustomHeaders::default(),
            kind: OriginKind::S3 {
                access_identity: false,
                read_timeout_s: 30,
            },
            connection_attempts: 3,
            connection_timeout_s: 10,
            completion_timeout_s: None,
            shield: self.site.origin_shield.clone(),
            access_control: Some(AccessControl {
                origin: AccessControlOrigin::S3,
                signing: Signing::Always,
            }),
        });
        let gateway = gateway(self.site, deployment)?;
        Ok(std::iter::once(gateway).chain(buckets).collect())
    }

    fn patterned(
        &self,
        one: &portcullis_site::Behavior,
    ) -> Result<(PathPattern, Behavior), SiteError> {
        let path = one.path.as_str();
        let pattern = PathPattern::new(path).map_err(|error| SiteError::Pattern {
            path: path.to_owned(),
            error,
        })?;
        Ok((pattern, self.behavior(one)))
    }

    fn behavior(&self, one: &portcullis_site::Behavior) -> Behavior {
        let bucket = self.direct.iter().position(|(id, ..)| **id == one.origin);
        let signers = signers(self.site, one);
        let guarded = is_guarded(self.site, one);
        let guard = || Compute::Function(guard_name(self.site, &one.policy));
        Behavior {
            target: Target::Origin(bucket.map_or(0, |at| at + 1)),
            viewer_protocol: match one.viewer_protocol {
                ViewerProtocol::AllowAll => ViewerProtocolPolicy::AllowAll,
                ViewerProtocol::HttpsOnly => ViewerProtocolPolicy::HttpsOnly,
                ViewerProtocol::RedirectToHttps => ViewerProtocolPolicy::RedirectToHttps,
            },
            methods: match one.methods {
                Methods::GetHead => AllowedMethods::GetHead,
                Methods::GetHeadOptions => AllowedMethods::GetHeadOptions,
            },
            caches_options: false,
            compress: one.compress,
            caching: CacheSettings::Policy(cache_policy(one)),
            origin_request: bucket
                .is_none()
                .then(|| origin_request_policy(one, !signers.is_empty())),
            response_headers: None,
            trusted: (bucket.is_some() && !signers.is_empty()).then(|| self.trusted(&signers)),
            functions: Functions {
                viewer_request: guarded.then(guard),
                ..Functions::default()
            },
            field_encryption: None,
            smooth_streaming: false,
            grpc: false,
            real_time_log: None,
        }
    }

    fn trusted(&self, signers: &[&Name]) -> Trusted {
        let named = self.key_groups.iter().filter(|(n, _)| signers.contains(n));
        Trusted::KeyGroups(named.map(|(_, group)| Arc::clone(group)).collect())
    }
}

fn gateway(site: &Site, deployment: &Deployment<'_>) -> Result<Origin, SiteError> {
    let name = site.guard.secret_header.name.clone();
    Ok(Origin {
        id: GATEWAY.to_owned(),
        domain: deployment.function_url_domain.to_owned(),
        path: String::new(),
        custom_headers: CustomHeaders::new(vec![(name, deployment.secret.to_owned())])?,
        kind: OriginKind::Custom(CustomOrigin {
            http_port: 80,
            https_port: 443,
            protocol: OriginProtocol::HttpsOnly,
            read_timeout_s: timeouts(site).origin_s,
            keepalive_timeout_s: 5,
        }),
        connection_attempts: 3,
        connection_timeout_s: 10,
        completion_timeout_s: None,
        shield: site.origin_shield.clone(),
        access_control: Some(AccessControl {
            origin: AccessControlOrigin::Lambda,
            signing: Signing::Always,
        }),
    })
}

/// The codings that a behavior's cache policy tells apart.
#[must_use]
pub fn codings(behavior: &portcullis_site::Behavior) -> EdgeCodings {
    let on = behavior.compress && matches!(behavior.caching, Caching::Enabled { .. });
    EdgeCodings {
        gzip: on,
        brotli: on,
    }
}

fn cache_policy(one: &portcullis_site::Behavior) -> CachePolicy {
    let mut policy = CachePolicy {
        name: one.path.as_str().to_owned(),
        ttls: Ttls {
            min: 0,
            default: 0,
            max: 0,
        },
        headers: Vec::new(),
        cookies: Names::Nothing,
        query: Names::Nothing,
        codings: codings(one),
    };
    if let Caching::Enabled { key, ttl } = &one.caching {
        policy.ttls = Ttls {
            min: ttl.min.get(),
            default: ttl.default.get(),
            max: ttl.max.get(),
        };
        policy.headers.clone_from(&key.headers);
        if key.country {
            let country = GeneratedHeader::ViewerCountry.name();
            policy.headers.push(country.to_owned());
        }
        policy.query = match &key.query {
            QueryKey::None => Names::Nothing,
            QueryKey::All => Names::All,
            QueryKey::Only(names) => Names::Only(names.clone()),
        };
    }
    policy
}

/// What the gateway needs and the key does not hold.
fn origin_request_policy(one: &portcullis_site::Behavior, signed: bool) -> OriginRequestPolicy {
    let mut headers = Vec::new();
    if one.response_headers.cors.is_some() {
        headers.extend(CORS_HEADERS);
    }
    headers.extend(GENERATED.map(GeneratedHeader::name));
    let cookies = match signed {
        true => Names::Only(SIGNED_COOKIES.map(str::to_owned).to_vec()),
        false => Names::Nothing,
    };
    OriginRequestPolicy {
        name: one.path.as_str().to_owned(),
        headers: HeaderSelection::Listed(headers.into_iter().map(str::to_owned).collect()),
        cookies,
        query: match one.caching {
            Caching::Disabled => Names::All,
            Caching::Enabled { .. } => Names::Nothing,
        },
    }
}

/// The key groups that a behavior's policy names.
fn signers<'a>(site: &'a Site, one: &portcullis_site::Behavior) -> Vec<&'a Name> {
    let policy = site.policies.get(&one.policy);
    let statements = policy.into_iter().flat_map(|policy| &policy.statements);
    let conditions = statements.filter_map(|statement| statement.when.as_ref());
    conditions
        .filter_map(|when| when.signed_by.as_ref())
        .collect()
}

/// Statuses that are kept for no time where the manifest says nothing: a refusal is for one viewer, and a failure is over
/// when it is over.
const NOT_KEPT: [u16; 5] = [403, 500, 502, 503, 504];

/// The manifest's error responses, and what it leaves to the laws.
fn errors(site: &Site) -> Vec<CustomError> {
    let written = site.errors.iter().map(|(status, e)| error(*status, e));
    let silent = NOT_KEPT
        .into_iter()
        .filter(|status| !site.errors.contains_key(status));
    let kept_for_no_time = silent.map(|status| CustomError {
        status,
        min_ttl: Some(0),
        page: None,
    });
    let mut errors: Vec<_> = written.chain(kept_for_no_time).collect();
    errors.sort_by_key(|error| error.status);
    errors
}

fn has_releases(site: &Site) -> bool {
    let mut origins = site.origins.values();
    origins.any(|origin| matches!(origin, portcullis_site::Origin::Releases { .. }))
}

fn error(status: u16, response: &ErrorResponse) -> CustomError {
    let page = response.document.as_ref().map(|path| ErrorPage {
        path: path.clone(),
        status: response.status.unwrap_or(status),
    });
    CustomError {
        status,
        min_ttl: Some(response.min_ttl.get()),
        page,
    }
}

#[cfg(test)]
mod tests;
