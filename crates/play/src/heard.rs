//! A site at the edge: the distribution it stands for, as `dev` plays it and `explain` reads it, and what the gateway hears
//! from it.
//!
//! Always holds: nothing is decided here; each function translates.

use crate::texts::Texts;
use portcullis_distribution::site::{Deployment, SiteError, of_site};
use portcullis_edge::distribution::Distribution;
use portcullis_edge::gate::{HttpVersion, Scheme};
use portcullis_edge::headers::{CustomHeaders, Headers};
use portcullis_edge::identity::{EdgeHost, RequestId};
use portcullis_edge::origin_request::{
    Forwarding, GeneratedHeader, Origin, ViewerRequest, origin_request,
};
use portcullis_edge::path::split_target;
use portcullis_edge::pattern::first_match;
use portcullis_edge::switches::Switches;
use portcullis_origin::request::{Front, Principal, Request};
use portcullis_site::Site;
use portcullis_viewer::country::Country;
use std::net::{Ipv4Addr, SocketAddr};

/// The address from which the edge reaches the gateway: a documentation address, which no real peer has.
pub const EDGE: &str = "203.0.113.1";
/// The domain name of the gateway's function URL.
pub const FUNCTION_URL: &str = "portcullis-dev.lambda-url.local.on.aws";

/// The region of buckets that no one deployed.
const REGION: &str = "local";

/// The distribution that a site stands for, with `secret` as the value of the secret header.
pub fn distribution(site: &Site, secret: &str) -> Result<Distribution, SiteError> {
    let deployment = Deployment {
        secret,
        function_url_domain: FUNCTION_URL,
        region: REGION,
    };
    of_site(site, &deployment)
}

/// The position of the behavior that CloudFront chooses for a target, which is its position in the site too.
pub fn chosen(distribution: &Distribution, target: &str) -> usize {
    let patterns = distribution.behaviors.iter().map(|(pattern, _)| pattern);
    first_match(patterns, target).unwrap_or(distribution.behaviors.len())
}

/// Who asks.
#[derive(Debug, Clone, Copy)]
pub struct Viewer {
    /// Where the connection comes from, if that is known.
    pub address: Option<SocketAddr>,
    /// Where CloudFront sees that.
    pub country: Option<Country>,
}

/// A request as it comes to the edge.
#[derive(Clone, Copy)]
pub struct Arrived<'a> {
    /// The viewer.
    pub viewer: Viewer,
    /// The method.
    pub method: &'a str,
    /// Path and query.
    pub target: &'a str,
    /// The headers.
    pub headers: &'a Headers,
}

/// The edge that sends a request on: which of CloudFront's hosts, for which distribution, under which id.
pub struct Sender<'a> {
    /// The site.
    pub site: &'a Site,
    /// Its distribution.
    pub distribution: &'a Distribution,
    /// The secret header.
    pub custom_headers: &'a CustomHeaders,
    /// The edge.
    pub edge: &'a EdgeHost,
    /// The request's id.
    pub id: &'a RequestId,
}

/// What the gateway hears: the text that a request borrows.
pub struct Heard {
    method: String,
    target: String,
    texts: Texts,
    cookies: Option<String>,
    id: String,
}

impl Sender<'_> {
    /// What the gateway hears of a request to the behavior at a position.
    pub fn send(&self, arrived: &Arrived<'_>, behavior: usize) -> Heard {
        let forwarding = Forwarding::of(self.distribution.behavior(behavior));
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
        let mut sent = origin_request(&viewer, &forwarding, None, &origin, edge, id, &switches);
        if arrived.viewer.address.is_none() {
            sent.headers.remove(GeneratedHeader::ViewerAddress.name());
        }
        let id = self.id.as_str();
        Heard::of(self.site, arrived.method, &sent.target, id, |name| {
            let value = sent.headers.joined(name, ",")?;
            Some(String::from_utf8_lossy(&value).into_owned())
        })
    }
}

impl Heard {
    /// A request as it comes to the function URL: method, path and query, and the text of a header by its name.
    pub fn of(
        site: &Site,
        method: &str,
        target: &str,
        id: &str,
        text: impl Fn(&str) -> Option<String>,
    ) -> Self {
        Self {
            method: method.to_owned(),
            target: target.to_owned(),
            cookies: text("cookie"),
            texts: Texts::of(text, &site.guard.secret_header.name),
            id: id.to_owned(),
        }
    }

    /// The `Cookie` header, for [`Self::request`] to borrow.
    pub fn cookies(&self) -> Vec<&str> {
        self.cookies.iter().map(String::as_str).collect()
    }

    /// The request, by the distribution's function URL and with its access control.
    pub fn request<'a>(&'a self, cookies: &'a [&'a str]) -> Request<'a> {
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
