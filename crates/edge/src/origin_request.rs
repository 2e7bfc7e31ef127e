//! The request CloudFront sends to an origin, under cache and origin request policies (DG:controlling-origin-requests).
//!
//! An origin receives the path, the fields its behavior's policies select, and a few that CloudFront writes itself: `Host`
//! (the origin's name), `User-Agent: Amazon CloudFront`, `Via`, `X-Forwarded-For` and `X-Amz-Cf-Id`. A field that
//! CloudFront generates is never the viewer's copy, and an origin custom header replaces whatever a viewer sent.
//!
//! Interpreted: conditions and `Range` are forwarded without being selected, as the guide's header table has it; there is
//! no cache in front yet that would answer them. Deliberately absent: bodies, and the values of generated headers about
//! city, TLS and network: such a header is left out, and a viewer's copy of it with it.

mod forwarding;
mod generated;

pub use generated::GeneratedHeader;

use crate::accept_encoding::{AcceptEncoding, EdgeCodings, normalize};
use crate::gate::{HttpVersion, Scheme};
use crate::headers::{CustomHeaders, Headers};
use crate::identity::{EdgeHost, RequestId};
use crate::key::listed_cookies;
use crate::path::{DefaultRootObject, origin_path, split_target};
use crate::selection::{Selection, forwarded_cookies, forwarded_query};
use crate::switches::Switches;
use portcullis_viewer::country::Country;
use std::net::{IpAddr, SocketAddr};

/// What a behavior forwards.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forwarding {
    /// Viewer headers.
    pub headers: Selection,
    /// Cookies.
    pub cookies: Selection,
    /// Query parameters.
    pub query: Selection,
    /// Headers that CloudFront generates for the origin.
    pub generated: Vec<GeneratedHeader>,
    /// The codings of the cache policy.
    pub codings: EdgeCodings,
    /// Names of cookies with wildcards, in the place of `cookies`; legacy settings have them.
    pub cookie_patterns: Option<Vec<String>>,
    /// The methods without `Authorization`; legacy settings have them.
    pub without_authorization: &'static [&'static str],
}

/// The request as it came from the viewer.
#[derive(Clone, Copy, Debug)]
pub struct ViewerRequest<'a> {
    /// The method.
    pub method: &'a str,
    /// Path and query as sent.
    pub target: &'a str,
    /// The HTTP version.
    pub version: HttpVersion,
    /// The scheme.
    pub scheme: Scheme,
    /// The fields as sent, `Host` among them.
    pub headers: &'a Headers,
    /// The other end of the connection.
    pub peer: SocketAddr,
    /// Where that is, if it is known.
    pub country: Option<Country>,
}

/// The origin as the distribution describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The domain name, sent as `Host` unless a policy forwards the viewer's.
    pub domain: String,
    /// `OriginPath`: put in front of the path; empty, or begins and does not end with a slash.
    pub path: String,
    /// The origin custom headers.
    pub custom_headers: CustomHeaders,
}

/// What CloudFront sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OriginRequest {
    /// Path and query.
    pub target: String,
    /// The fields.
    pub headers: Headers,
}

/// Names and beginnings of names that never reach an origin from a viewer: fields about the connection, and fields that
/// would speak in CloudFront's name.
const NEVER_FORWARDED: [&str; 13] = [
    "connection",
    "expect",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "x-forwarded-proto",
    "x-real-ip",
    "x-cache",
];
const NEVER_FORWARDED_PREFIXES: [&str; 2] = ["x-amz-cf-", "x-edge-"];

/// Fields that are forwarded without being selected.
const ALWAYS_FORWARDED: [&str; 6] = [
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "range",
];

/// Fields that CloudFront derives from the viewer's and writes itself.
const DERIVED: [&str; 4] = ["accept-encoding", "cookie", "via", "x-forwarded-for"];

/// Builds the request for the origin.
#[must_use]
pub fn origin_request(
    viewer: &ViewerRequest<'_>,
    forwarding: &Forwarding,
    root: Option<&DefaultRootObject>,
    origin: &Origin,
    edge: &EdgeHost,
    id: &RequestId,
    switches: &Switches,
) -> OriginRequest {
    let mut headers = Headers::default();
    headers.add("Host", origin.domain.as_str());
    headers.add("User-Agent", "Amazon CloudFront");
    forward_selected(&mut headers, viewer, forwarding);
    forward_cookies(&mut headers, viewer, forwarding);
    forward_codings(&mut headers, viewer, forwarding, switches);
    headers.set("Via", via(viewer, forwarding, edge));
    headers.set(
        "X-Forwarded-For",
        x_forwarded_for(
            viewer.headers.joined("x-forwarded-for", ",").as_deref(),
            viewer.peer.ip(),
        ),
    );
    headers.set("X-Amz-Cf-Id", id.as_str());
    for header in &forwarding.generated {
        // The viewer's copy goes even when there is nothing to put in its place.
        headers.remove(header.name());
        if let Some(value) = header.value(viewer) {
            headers.add(header.name(), value);
        }
    }
    if forwarding.without_authorization.contains(&viewer.method) {
        headers.remove("authorization");
    }
    for (name, value) in origin.custom_headers.iter() {
        headers.set(name, value);
    }
    OriginRequest {
        target: origin_target(viewer.target, forwarding, root, &origin.path),
        headers,
    }
}

fn origin_target(
    target: &str,
    forwarding: &Forwarding,
    root: Option<&DefaultRootObject>,
    prefix: &str,
) -> String {
    let (raw_path, query) = split_target(target);
    let path = origin_path(raw_path, root, prefix);
    let query = forwarded_query(query.unwrap_or_default(), &forwarding.query);
    if query.is_empty() {
        path
    } else {
        format!("{path}?{query}")
    }
}

fn forward_selected(headers: &mut Headers, viewer: &ViewerRequest<'_>, forwarding: &Forwarding) {
    // The viewer's copies replace what CloudFront would write, and keep their number and order.
    for name in ["Host", "User-Agent"] {
        if viewer.headers.get(name).is_some() && forwarding.headers.forwards_header(name) {
            headers.remove(name);
        }
    }
    for (name, value) in viewer.headers.iter() {
        if is_forwarded(&name.to_ascii_lowercase(), forwarding) {
            headers.add(name, value);
        }
    }
}

fn is_forwarded(lower_name: &str, forwarding: &Forwarding) -> bool {
    let kept_back = NEVER_FORWARDED.contains(&lower_name)
        || NEVER_FORWARDED_PREFIXES
            .iter()
            .any(|prefix| lower_name.starts_with(prefix))
        || DERIVED.contains(&lower_name);
    !kept_back
        && (ALWAYS_FORWARDED.contains(&lower_name)
            || forwarding.headers.forwards_header(lower_name))
}

fn forward_cookies(headers: &mut Headers, viewer: &ViewerRequest<'_>, forwarding: &Forwarding) {
    let Some(sent) = viewer.headers.joined("cookie", "; ") else {
        return;
    };
    let sent = String::from_utf8_lossy(&sent);
    let cookies = match &forwarding.cookie_patterns {
        Some(patterns) => listed_cookies(&sent, patterns),
        None => forwarded_cookies(&sent, &forwarding.cookies),
    };
    if !cookies.is_empty() {
        headers.set("Cookie", cookies);
    }
}

fn forward_codings(
    headers: &mut Headers,
    viewer: &ViewerRequest<'_>,
    forwarding: &Forwarding,
    switches: &Switches,
) {
    let sent = viewer.headers.joined("accept-encoding", ", ");
    match (
        normalize(
            forwarding.codings,
            sent.as_deref(),
            viewer.version,
            switches.wildcard_coding,
        ),
        sent,
    ) {
        (AcceptEncoding::Normalized(value), _) => headers.set("Accept-Encoding", value.to_origin()),
        (AcceptEncoding::Ordinary, Some(sent))
            if forwarding.headers.forwards_header("accept-encoding") =>
        {
            headers.set("Accept-Encoding", sent);
        }
        (AcceptEncoding::Ordinary | AcceptEncoding::Absent, _) => {}
    }
}

/// The viewer's `Via`, where it is forwarded, and the edge's own behind it.
fn via(viewer: &ViewerRequest<'_>, forwarding: &Forwarding, edge: &EdgeHost) -> Vec<u8> {
    let own = edge.via(viewer.version).into_bytes();
    let sent = viewer
        .headers
        .joined("via", ", ")
        .filter(|_| forwarding.headers.forwards_header("via"));
    sent.map_or_else(
        || own.clone(),
        |sent| [sent.as_slice(), b", ", &own].concat(),
    )
}

/// `X-Forwarded-For` on the way to the origin: what the viewer sent, a comma, and the viewer's address.
///
/// Only the last element is CloudFront's; anything before it was written by the viewer.
#[must_use]
pub fn x_forwarded_for(sent: Option<&[u8]>, peer: IpAddr) -> Vec<u8> {
    let peer = peer.to_canonical().to_string().into_bytes();
    match sent {
        None | Some([]) => peer,
        Some(sent) => [sent, b",", &peer].concat(),
    }
}

/// `CloudFront-Viewer-Address`: address and port with a colon between, no brackets around an IPv6 address.
#[must_use]
pub fn viewer_address(peer: SocketAddr) -> String {
    format!("{}:{}", peer.ip().to_canonical(), peer.port())
}

#[cfg(test)]
mod tests;
