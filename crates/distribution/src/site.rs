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
use portcullis_signed_access::KeyGroup;
use portcullis_site::{
    Bucket, Caching, Enforcement, ErrorResponse, KeyPrefix, Methods, Name, QueryKey, Site,
    ViewerProtocol,
};
use std::sync::Arc;

/// The id of the gateway among the origins. A direct bucket has the name it has in the manifest, after [`BUCKET`].
pub const GATEWAY: &str = "gateway";

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

/// The name of the CloudFront Function that decides for a site's behaviors with `enforce: edge`.
#[must_use]
pub fn edge_guard(site: &Site) -> String {
    format!("{}-edge-guard", site.site)
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
        cache_tag_header: None,
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
            let read = group.verifier().map_err(|error| SiteError::KeyGroup {
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
        // No function can verify a signature: the gateway does, or CloudFront by itself.
        let guarded = one.enforce == Enforcement::Edge && signers.is_empty();
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
                viewer_request: guarded.then(|| Compute::Function(edge_guard(self.site))),
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
            read_timeout_s: 30,
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

/// The manifest's error responses; a refusal is not kept where the manifest says nothing of it.
fn errors(site: &Site) -> Vec<CustomError> {
    const REFUSED: u16 = 403;
    let written = site.errors.iter();
    let mut errors: Vec<_> = written.map(|(status, e)| error(*status, e)).collect();
    if !site.errors.contains_key(&REFUSED) {
        errors.push(CustomError {
            status: REFUSED,
            min_ttl: Some(0),
            page: None,
        });
    }
    errors
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
