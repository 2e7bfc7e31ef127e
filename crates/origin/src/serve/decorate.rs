//! Headers that belong to a behavior and not to what is answered: security, CORS, and what OPTIONS is told.
//!
//! Always holds: every answer has `nosniff`, refusals and errors included; CORS comes from an exact list, never from the
//! request's `Origin`, never for `null`, never with credentials; with one entry or `*` it does not depend on the request
//! at all, so that a cached answer is right for everyone.

use crate::field::FieldValue;
use crate::request::Request;
use crate::response::{Body, Response};
use portcullis_site::{Behavior, Cors, Methods, SecurityHeaders};

/// A year, in the header's own words.
const BASIC: [(&str, FieldValue); 3] = [
    (
        "strict-transport-security",
        FieldValue::literal("max-age=31536000"),
    ),
    ("x-frame-options", FieldValue::literal("SAMEORIGIN")),
    (
        "referrer-policy",
        FieldValue::literal("strict-origin-when-cross-origin"),
    ),
];

/// Two years and all subdomains.
const STRICT: [(&str, FieldValue); 4] = [
    (
        "strict-transport-security",
        FieldValue::literal("max-age=63072000; includeSubDomains"),
    ),
    ("x-frame-options", FieldValue::literal("DENY")),
    (
        "referrer-policy",
        FieldValue::literal("strict-origin-when-cross-origin"),
    ),
    (
        "cross-origin-opener-policy",
        FieldValue::literal("same-origin"),
    ),
];

/// Adds the behavior's headers to an answer of any kind; `origin` is the request's `Origin`. Doing it twice is the same
/// as doing it once.
pub fn decorate(response: &mut Response, behavior: &Behavior, origin: Option<&str>) {
    response.set(
        "x-content-type-options",
        const { FieldValue::literal("nosniff") },
    );
    let set: &[(&'static str, FieldValue)] = match behavior.response_headers.security {
        SecurityHeaders::None => &[],
        SecurityHeaders::Basic => &BASIC,
        SecurityHeaders::Strict => &STRICT,
    };
    for (name, value) in set {
        response.set(*name, value.clone());
    }
    if let Some(cors) = &behavior.response_headers.cors {
        allow_origin(response, cors, origin);
        set_list(
            response,
            "access-control-expose-headers",
            &cors.expose_headers,
        );
    }
}

fn allow_origin(response: &mut Response, cors: &Cors, origin: Option<&str>) {
    let allowed = match cors.allow_origins.as_slice() {
        [only] => Some(only),
        several => {
            vary_by_origin(response);
            several
                .iter()
                .find(|entry| Some(entry.as_str()) == origin && *entry != "*")
        }
    };
    // An entry `null` would let every sandboxed document in.
    let allowed = allowed.filter(|entry| *entry != "null");
    if let Some(value) = allowed.and_then(|entry| FieldValue::new(entry.as_bytes()).ok()) {
        response.set("access-control-allow-origin", value);
    }
}

fn vary_by_origin(response: &mut Response) {
    let names = response.header("vary").and_then(FieldValue::to_str);
    let value = match names {
        None => "Origin".to_owned(),
        Some(names)
            if names
                .split(',')
                .any(|n| n.trim().eq_ignore_ascii_case("origin")) =>
        {
            return;
        }
        Some(names) => format!("{names}, Origin"),
    };
    if let Ok(value) = FieldValue::new(value.as_bytes()) {
        response.set("vary", value);
    }
}

fn set_list(response: &mut Response, name: &'static str, items: &[String]) {
    if items.is_empty() {
        return;
    }
    if let Ok(value) = FieldValue::new(items.join(", ").as_bytes()) {
        response.set(name, value);
    }
}

/// Whether an OPTIONS request is a preflight that the behavior's CORS settings answer.
pub(super) fn is_preflight(behavior: &Behavior, request: &Request<'_>) -> bool {
    behavior.response_headers.cors.is_some()
        && request.headers.origin.is_some()
        && request.headers.request_method.is_some()
}

/// The answer to a preflight: what is allowed, whatever was asked for.
pub(super) fn preflight(behavior: &Behavior) -> Response {
    let mut response = options(behavior);
    if let Some(cors) = &behavior.response_headers.cors {
        response.set("access-control-allow-methods", allow(behavior.methods));
        response.set(
            "access-control-max-age",
            FieldValue::from(cors.max_age.get()),
        );
        set_list(
            &mut response,
            "access-control-allow-headers",
            &cors.allow_headers,
        );
    }
    response
}

/// The answer to an OPTIONS request that is no preflight.
pub(super) fn options(behavior: &Behavior) -> Response {
    let mut response = Response {
        status: 204,
        headers: Vec::with_capacity(8),
        body: Body::Empty,
    };
    response.set("allow", allow(behavior.methods));
    response.set("cache-control", const { FieldValue::literal("no-store") });
    response
}

/// The methods a behavior serves.
pub(super) fn allow(methods: Methods) -> FieldValue {
    match methods {
        Methods::GetHead => const { FieldValue::literal("GET, HEAD") },
        Methods::GetHeadOptions => const { FieldValue::literal("GET, HEAD, OPTIONS") },
    }
}
