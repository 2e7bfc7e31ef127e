//! A site as a distribution: what its manifest stands for, with the gateway as the one origin.
//!
//! Always holds: nothing is decided here, each function translates; a refusal (403) is never kept, whatever the manifest
//! leaves out. Deliberately absent: what the gateway does itself (security headers, routes to origins), the generated
//! CloudFront Function of `enforce: edge`, and buckets that CloudFront reads without the gateway.

use crate::identity::derived;
use portcullis_edge::accept_encoding::EdgeCodings;
use portcullis_edge::distribution::{
    AccessControl, AccessControlOrigin, Behavior, CachePolicy, CacheSettings, CustomError,
    CustomOrigin, Distribution, ErrorPage, Functions, HeaderSelection, Origin, OriginKind,
    OriginProtocol, OriginRequestPolicy, Signing, Target, ViewerConnections,
};
use portcullis_edge::freshness::Ttls;
use portcullis_edge::gate::{AllowedMethods, GeoRestriction, ViewerProtocolPolicy};
use portcullis_edge::headers::{CustomHeaderError, CustomHeaders};
use portcullis_edge::origin_request::GeneratedHeader;
use portcullis_edge::pattern::{PathPattern, PatternError};
use portcullis_edge::selection::Names;
use portcullis_site::{Caching, ErrorResponse, Methods, QueryKey, Site, ViewerProtocol};

/// The id of the one origin.
pub const GATEWAY: &str = "gateway";

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
    /// No behavior takes every path.
    #[error("a site ends with a behavior for `*`")]
    NoDefault,
}

/// The distribution that a site stands for. `secret` is the value of its secret header, `function_url_domain` the domain
/// name of the gateway.
///
/// # Errors
/// [`SiteError`]; never for a site that was validated.
pub fn of_site(
    site: &Site,
    secret: &str,
    function_url_domain: &str,
) -> Result<Distribution, SiteError> {
    let (last, listed) = site.behaviors.split_last().ok_or(SiteError::NoDefault)?;
    if !last.path.is_default() {
        return Err(SiteError::NoDefault);
    }
    let behaviors = listed.iter().map(|one| patterned(site, one));
    let identity = derived(site.site.as_str());
    let hosts = site.hosts.iter();
    Ok(Distribution {
        id: identity.id,
        domain: identity.domain,
        enabled: true,
        aliases: hosts.map(|host| host.as_str().to_owned()).collect(),
        default_root: None,
        origins: vec![gateway(site, secret, function_url_domain)?],
        groups: Vec::new(),
        behaviors: behaviors.collect::<Result<_, _>>()?,
        default_behavior: behavior(site, last),
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

fn gateway(site: &Site, secret: &str, domain: &str) -> Result<Origin, SiteError> {
    let name = site.guard.secret_header.name.clone();
    Ok(Origin {
        id: GATEWAY.to_owned(),
        domain: domain.to_owned(),
        path: String::new(),
        custom_headers: CustomHeaders::new(vec![(name, secret.to_owned())])?,
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

fn patterned(
    site: &Site,
    one: &portcullis_site::Behavior,
) -> Result<(PathPattern, Behavior), SiteError> {
    let path = one.path.as_str();
    let pattern = PathPattern::new(path).map_err(|error| SiteError::Pattern {
        path: path.to_owned(),
        error,
    })?;
    Ok((pattern, behavior(site, one)))
}

fn behavior(site: &Site, one: &portcullis_site::Behavior) -> Behavior {
    Behavior {
        target: Target::Origin(0),
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
        origin_request: Some(origin_request_policy(site, one)),
        response_headers: None,
        trusted: None,
        functions: Functions::default(),
        field_encryption: None,
        smooth_streaming: false,
        grpc: false,
        real_time_log: None,
    }
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
fn origin_request_policy(site: &Site, one: &portcullis_site::Behavior) -> OriginRequestPolicy {
    let mut headers = Vec::new();
    if one.response_headers.cors.is_some() {
        headers.extend(CORS_HEADERS);
    }
    headers.extend(GENERATED.map(GeneratedHeader::name));
    let cookies = match asks_for_signature(site, one) {
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

fn asks_for_signature(site: &Site, one: &portcullis_site::Behavior) -> bool {
    site.policies.get(&one.policy).is_some_and(|policy| {
        let mut conditions = policy.statements.iter().filter_map(|s| s.when.as_ref());
        conditions.any(|when| when.signed_by.is_some())
    })
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
