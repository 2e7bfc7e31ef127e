//! A site in the terms of the edge model: the distribution that the manifest stands for, as `dev` plays it and `explain`
//! reads it, and what the gateway hears from it.
//!
//! Always holds: nothing is decided here; each function translates. Deliberately absent: what the manifest cannot say, such
//! as a geo restriction of the distribution.

use crate::http::{Texts, opaque_id};
use portcullis_edge::accept_encoding::EdgeCodings;
use portcullis_edge::gate::{
    AllowedMethods, Arrival, Gate, GeoRestriction, HttpVersion, Passage, Scheme,
    ViewerProtocolPolicy, pass,
};
use portcullis_edge::headers::{CustomHeaders, Headers};
use portcullis_edge::identity::{EdgeHost, RequestId};
use portcullis_edge::origin_request::{
    Forwarding, GeneratedHeader, Origin, ViewerRequest, origin_request,
};
use portcullis_edge::path::split_target;
use portcullis_edge::pattern::PathPattern;
use portcullis_edge::selection::{Names, Selection};
use portcullis_edge::switches::Switches;
use portcullis_origin::request::{Front, Principal, Request};
use portcullis_site::{Behavior, Caching, Methods, QueryKey, Site, ViewerProtocol};
use portcullis_viewer::country::Country;
use std::net::{Ipv4Addr, SocketAddr};

/// The address from which the edge reaches the gateway: a documentation address, which no real peer has.
pub(crate) const EDGE: &str = "203.0.113.1";
/// The domain name of the gateway's function URL.
pub(crate) const FUNCTION_URL: &str = "portcullis-dev.lambda-url.local.on.aws";

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

/// The patterns of the site's behaviors, in their order.
pub(crate) fn patterns(site: &Site) -> Vec<PathPattern> {
    site.behaviors
        .iter()
        .filter_map(|behavior| PathPattern::new(behavior.path.as_str()).ok())
        .collect()
}

/// Who asks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Viewer {
    /// Where the connection comes from, if that is known.
    pub(crate) address: Option<SocketAddr>,
    /// Where CloudFront sees that.
    pub(crate) country: Option<Country>,
}

/// A request as it comes to the edge.
#[derive(Clone, Copy)]
pub(crate) struct Arrived<'a> {
    pub(crate) viewer: Viewer,
    pub(crate) method: &'a str,
    /// Path and query.
    pub(crate) target: &'a str,
    pub(crate) headers: &'a Headers,
}

/// What the edge says to a request before anything is looked up.
pub(crate) fn at_gate(
    behavior: &Behavior,
    arrived: &Arrived<'_>,
    scheme: Scheme,
    host: &str,
    has_body: bool,
) -> Passage {
    let arrival = Arrival {
        method: arrived.method,
        host,
        target: arrived.target,
        scheme,
        version: HttpVersion::Http11,
        country: arrived.viewer.country,
        has_body,
        header_bytes: arrived.headers.bytes(),
    };
    pass(&gate(behavior), &arrival, &Switches::default())
}

/// The edge that sends a request on: which of CloudFront's hosts, for which distribution, under which id.
pub(crate) struct Sender<'a> {
    pub(crate) site: &'a Site,
    /// The secret header.
    pub(crate) custom_headers: &'a CustomHeaders,
    pub(crate) edge: &'a EdgeHost,
    pub(crate) id: &'a RequestId,
}

/// What the gateway hears: the text that a request borrows.
pub(crate) struct Heard {
    method: String,
    target: String,
    texts: Texts,
    cookies: Option<String>,
    id: String,
}

impl Sender<'_> {
    /// What the gateway hears of a request to a behavior.
    pub(crate) fn send(&self, arrived: &Arrived<'_>, behavior: &Behavior) -> Heard {
        let mut forwarding = forwarding(self.site, behavior);
        if arrived.viewer.address.is_none() {
            let generated = &mut forwarding.generated;
            generated.retain(|header| *header != GeneratedHeader::ViewerAddress);
        }
        // Only `X-Forwarded-For` would show it, which the gateway never reads.
        let nowhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 443));
        let viewer = ViewerRequest {
            method: arrived.method,
            target: arrived.target,
            version: HttpVersion::Http11,
            scheme: Scheme::Https,
            headers: arrived.headers,
            peer: arrived.viewer.address.unwrap_or(nowhere),
            country: arrived.viewer.country,
        };
        let origin = Origin {
            domain: FUNCTION_URL.to_owned(),
            path: String::new(),
            custom_headers: self.custom_headers.clone(),
        };
        let (edge, id, switches) = (self.edge, self.id, Switches::default());
        let sent = origin_request(&viewer, &forwarding, None, &origin, edge, id, &switches);
        let text = |name: &str| {
            let value = sent.headers.joined(name, ",")?;
            Some(String::from_utf8_lossy(&value).into_owned())
        };
        Heard {
            method: arrived.method.to_owned(),
            texts: Texts::of(text, &self.site.guard.secret_header.name),
            cookies: text("cookie"),
            id: opaque_id(),
            target: sent.target,
        }
    }
}

impl Heard {
    /// The `Cookie` header, for [`Self::request`] to borrow.
    pub(crate) fn cookies(&self) -> Vec<&str> {
        self.cookies.iter().map(String::as_str).collect()
    }

    /// The request, by the distribution's function URL and with its access control.
    pub(crate) fn request<'a>(&'a self, cookies: &'a [&'a str]) -> Request<'a> {
        let (path, query) = split_target(&self.target);
        Request {
            front: Front::Domain(FUNCTION_URL),
            principal: Some(Principal { arn: None }),
            peer: Some(EDGE),
            method: &self.method,
            raw_path: path,
            raw_query: query.unwrap_or_default(),
            headers: self.texts.headers(),
            cookies,
            id: &self.id,
        }
    }
}

/// What a behavior asks of a request before anything is looked up.
fn gate(behavior: &Behavior) -> Gate<'static> {
    Gate {
        geo: &GeoRestriction::Off,
        viewer_protocol: match behavior.viewer_protocol {
            ViewerProtocol::AllowAll => ViewerProtocolPolicy::AllowAll,
            ViewerProtocol::HttpsOnly => ViewerProtocolPolicy::HttpsOnly,
            ViewerProtocol::RedirectToHttps => ViewerProtocolPolicy::RedirectToHttps,
        },
        allowed_methods: match behavior.methods {
            Methods::GetHead => AllowedMethods::GetHead,
            Methods::GetHeadOptions => AllowedMethods::GetHeadOptions,
        },
    }
}

/// The codings that a behavior's cache policy tells apart.
pub(crate) fn codings(behavior: &Behavior) -> EdgeCodings {
    let on = behavior.compress && matches!(behavior.caching, Caching::Enabled { .. });
    EdgeCodings {
        gzip: on,
        brotli: on,
    }
}

/// The cache policy and the origin request policy of a behavior, in one: only what is needed.
fn forwarding(site: &Site, behavior: &Behavior) -> Forwarding {
    let mut headers: Vec<String> = Vec::new();
    if behavior.response_headers.cors.is_some() {
        headers.extend(CORS_HEADERS.map(str::to_owned));
    }
    let query = match &behavior.caching {
        Caching::Disabled => Names::All,
        Caching::Enabled { key, .. } => {
            headers.extend(key.headers.iter().cloned());
            query_names(&key.query)
        }
    };
    let cookies = if asks_for_signature(site, behavior) {
        Names::Only(SIGNED_COOKIES.map(str::to_owned).to_vec())
    } else {
        Names::Nothing
    };
    Forwarding {
        headers: requested(Names::Only(headers)),
        cookies: requested(cookies),
        query: requested(query),
        generated: vec![
            GeneratedHeader::ViewerAddress,
            GeneratedHeader::ViewerCountry,
        ],
        codings: codings(behavior),
        ..Forwarding::default()
    }
}

fn requested(names: Names) -> Selection {
    Selection {
        cache_policy: Names::Nothing,
        origin_request_policy: names,
    }
}

fn asks_for_signature(site: &Site, behavior: &Behavior) -> bool {
    site.policies.get(&behavior.policy).is_some_and(|policy| {
        let mut conditions = policy.statements.iter().filter_map(|s| s.when.as_ref());
        conditions.any(|when| when.signed_by.is_some())
    })
}

fn query_names(query: &QueryKey) -> Names {
    match query {
        QueryKey::None => Names::Nothing,
        QueryKey::All => Names::All,
        QueryKey::Only(names) => Names::Only(names.clone()),
    }
}
