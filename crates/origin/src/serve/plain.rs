//! Answers that are no representation: a status and one constant line of text.
//!
//! Always holds: `no-store`, no validators, no age; the text depends on nothing in the request, so existing and missing
//! keys read alike.

use crate::field::FieldValue;
use crate::response::{Body, Response};
use bytes::Bytes;

/// Seconds in `Retry-After` when an origin is busy or down.
const RETRY_AFTER: FieldValue = FieldValue::literal("1");

/// An answer of `status` with `text`, which ends in a newline.
#[must_use]
pub fn plain(status: u16, text: &'static str) -> Response {
    let mut response = Response {
        status,
        headers: Vec::with_capacity(8),
        body: Body::Whole(Bytes::from_static(text.as_bytes())),
    };
    response.set(
        "content-type",
        const { FieldValue::literal("text/plain; charset=utf-8") },
    );
    response.set("content-length", FieldValue::from(text.len() as u64));
    response.set("cache-control", const { FieldValue::literal("no-store") });
    if status == 503 {
        response.set("retry-after", RETRY_AFTER);
    }
    response
}

/// A redirect to `location`, with an empty body and never stored.
pub(super) fn redirect(status: u16, location: FieldValue) -> Response {
    let mut response = Response {
        status,
        headers: Vec::with_capacity(6),
        body: Body::Empty,
    };
    response.set("location", location);
    response.set("content-length", FieldValue::from(0_u64));
    response.set("cache-control", const { FieldValue::literal("no-store") });
    response
}
