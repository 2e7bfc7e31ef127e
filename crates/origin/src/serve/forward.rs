//! What of a request reaches a custom origin: the path, and what cannot poison a cache.
//!
//! Always holds: the request is built, never copied. An input reaches the origin only if it is in the cache key, or
//! nothing is cached, or it selects among forms of the same answer (conditions, a range, codings). Cookies, credentials,
//! the origin proof, the parameters of a signature and every other header stay here (attacks A6.1, A11.1).

use super::Exchange;
use crate::request::{Method, Request};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use portcullis_http_semantics::field::list;
use portcullis_http_semantics::negotiation::{Weight, weighted};
use portcullis_http_semantics::{Coding, RangeRequest, parse_range};
use portcullis_signed_access::strip_reserved;
use portcullis_site::{Behavior, Caching, QueryKey, Site};

/// The longest `CDN-Loop` or `Via` that is handed on, in bytes; a longer one is a loop, or as good as one.
const TRACE_BYTES_MAX: usize = 2_048;

/// How every loop token begins.
const LOOP_PREFIX: &str = "portcullis-";

/// What may not stand raw in a query (RFC 3986 §3.4); browsers encode the same.
const QUERY: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>');

/// Headers by lower-case name, for a custom origin.
pub(super) type Forwarded = Vec<(&'static str, Vec<u8>)>;

/// The token by which a gateway of this site knows its own requests in `CDN-Loop` and `Via` (RFC 8586).
#[must_use]
pub fn loop_token(site: &Site) -> String {
    format!("{LOOP_PREFIX}{}", site.site)
}

/// Whether a request has been through a gateway of this site before, or through too many others to tell.
#[must_use]
pub fn loops(site: &Site, request: &Request<'_>) -> bool {
    let is_ours = |word: &[u8]| {
        let split = word.split_at_checked(LOOP_PREFIX.len());
        split.is_some_and(|(prefix, name)| {
            prefix.eq_ignore_ascii_case(LOOP_PREFIX.as_bytes())
                && name.eq_ignore_ascii_case(site.site.as_str().as_bytes())
        })
    };
    let named = |value: &str, word: fn(&[u8]) -> &[u8]| {
        value.len() > TRACE_BYTES_MAX || list(value.as_bytes()).any(|entry| is_ours(word(entry)))
    };
    let headers = &request.headers;
    headers.cdn_loop.is_some_and(|value| named(value, cdn_id))
        || headers.via.is_some_and(|value| named(value, received_by))
}

/// `cdn-id` of an entry `cdn-id ; parameters`.
fn cdn_id(entry: &[u8]) -> &[u8] {
    let id = entry.split(|b| *b == b';').next().unwrap_or_default();
    id.trim_ascii()
}

/// `received-by` of an entry `protocol received-by comment`.
fn received_by(entry: &[u8]) -> &[u8] {
    let mut words = entry
        .split(u8::is_ascii_whitespace)
        .filter(|w| !w.is_empty());
    words.nth(1).unwrap_or_default()
}

/// The query that the behavior sends on.
///
/// With caching it is what is in the cache key; without, all of it. The parameters that sign a URL are never in it.
pub(super) fn query(behavior: &Behavior, raw: &str) -> String {
    let key = match &behavior.caching {
        Caching::Disabled => &QueryKey::All,
        Caching::Enabled { key, .. } => &key.query,
    };
    let kept: Vec<&str> = match key {
        QueryKey::None => Vec::new(),
        QueryKey::All => raw.split('&').collect(),
        QueryKey::Only(names) => raw
            .split('&')
            .filter(|pair| {
                let name = pair.split('=').next().unwrap_or_default();
                names.iter().any(|wanted| wanted == name)
            })
            .collect(),
    };
    let kept = kept.join("&");
    utf8_percent_encode(&strip_reserved(&kept), QUERY).to_string()
}

/// The headers that are sent on.
pub(super) fn headers(exchange: &Exchange<'_>) -> Forwarded {
    let sent = &exchange.request.headers;
    let mut forwarded = Forwarded::with_capacity(12);
    let mut add = |name, value: Option<&str>| {
        if let Some(value) = value {
            forwarded.push((name, value.as_bytes().to_vec()));
        }
    };
    add("if-match", sent.if_match);
    add("if-none-match", sent.if_none_match);
    add("if-modified-since", sent.if_modified_since);
    add("if-unmodified-since", sent.if_unmodified_since);
    if asks_range(exchange) {
        add("range", sent.range);
        add("if-range", sent.if_range);
    }
    for (name, value) in declared(exchange) {
        add(name, value);
    }
    if let Some(codings) = codings(sent.accept_encoding) {
        forwarded.push(("accept-encoding", codings));
    }
    let token = loop_token(exchange.target.site);
    forwarded.push(("cdn-loop", appended(sent.cdn_loop, &token)));
    forwarded.push(("via", appended(sent.via, &format!("1.1 {token}"))));
    forwarded
}

/// Whether one well-formed range is asked for; several are not worth forwarding, since the whole would be answered.
pub(super) fn asks_range(exchange: &Exchange<'_>) -> bool {
    let range = parse_range(exchange.request.headers.range.map(str::as_bytes));
    exchange.method == Method::Get && matches!(range, RangeRequest::Single(_))
}

/// Whether the origin may answer 304.
pub(super) fn is_conditional(exchange: &Exchange<'_>) -> bool {
    let sent = &exchange.request.headers;
    sent.if_none_match.is_some() || sent.if_modified_since.is_some()
}

/// Inputs of the answer that the cache key declares, or that no cache keeps.
fn declared<'a>(exchange: &Exchange<'a>) -> Vec<(&'static str, Option<&'a str>)> {
    let sent = &exchange.request.headers;
    let known = [
        ("accept", sent.accept),
        ("origin", sent.origin),
        ("access-control-request-method", sent.request_method),
        ("access-control-request-headers", sent.request_headers),
        ("sec-fetch-dest", sent.fetch_dest),
        ("sec-fetch-mode", sent.fetch_mode),
        ("cloudfront-viewer-country", sent.viewer_country),
    ];
    let is_declared = |name: &str| match &exchange.target.behavior.caching {
        Caching::Disabled => true,
        Caching::Enabled { key, .. } => {
            key.headers.iter().any(|header| header == name)
                || (key.country && name == "cloudfront-viewer-country")
        }
    };
    known
        .into_iter()
        .filter(|(name, _)| is_declared(name))
        .collect()
}

/// The codings a viewer accepts, out of those a browser can undo, in one spelling. An absent field stays absent.
fn codings(accept_encoding: Option<&str>) -> Option<Vec<u8>> {
    let sent = accept_encoding?;
    let accepted = [Coding::Br, Coding::Gzip, Coding::Zstd]
        .into_iter()
        .filter(|coding| {
            let mut weights = weighted(sent.as_bytes())
                .filter(|(name, _)| coding.is_named(name))
                .map(|(_, weight)| weight);
            weights
                .next()
                .is_some_and(|first| first > Weight::NONE && weights.all(|w| w > Weight::NONE))
        });
    let names: Vec<&str> = accepted.map(Coding::name).collect();
    Some(if names.is_empty() {
        b"identity".to_vec()
    } else {
        names.join(",").into_bytes()
    })
}

/// A list header with one more entry; what is not a list of visible characters is replaced.
fn appended(list: Option<&str>, entry: &str) -> Vec<u8> {
    let readable = |text: &&str| {
        text.len() <= TRACE_BYTES_MAX
            && !text.is_empty()
            && text.bytes().all(|b| (0x20..0x7F).contains(&b))
    };
    match list.filter(readable) {
        Some(list) => format!("{list}, {entry}").into_bytes(),
        None => entry.as_bytes().to_vec(),
    }
}
