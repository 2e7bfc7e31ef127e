//! A custom origin: one exchange, and what of its answer a viewer gets.
//!
//! What always holds:
//! - no redirect is followed; where one may lead is for `location` to say, and its body is not sent;
//! - headers come from an allow-list: no `Set-Cookie`, nothing hop-by-hop, nothing nobody has thought about;
//! - lifetimes are read as an object's are, and only a 200, 206 or 304 has one; every other answer is `no-store` and has
//!   no validators and no age, whatever the origin says;
//! - a 304 or a 206 that was not asked for is a fault of the origin, not an answer.

use super::calls::Calls;
use super::exact::exact;
use super::headers::{kept, set_lifetime};
use super::lifetime::{Lifetime, Stated};
use super::outcome::{OriginFault, Outcome};
use super::plain::redirect;
use super::reply::{Content, Reply};
use super::{Exchange, Ports, forward, location};
use crate::field::FieldValue;
use crate::request::Method;
use crate::response::{Body, Response};
use crate::upstream::{UpstreamRequest, UpstreamResponse};
use portcullis_site::HttpOrigin;

/// Headers of any answer that are passed on.
const ALWAYS: [&str; 8] = [
    "content-type",
    "content-encoding",
    "content-language",
    "content-disposition",
    "content-security-policy",
    "retry-after",
    "allow",
    "vary",
];

/// Headers that only an answer with a lifetime has. `Age` shortens that lifetime, so it must not get lost.
const OF_REPRESENTATIONS: [&str; 5] = [
    "etag",
    "last-modified",
    "accept-ranges",
    "content-range",
    "age",
];

/// Answers a GET, HEAD or OPTIONS.
pub(super) async fn ask<P: Ports>(
    calls: &mut Calls<'_, P>,
    exchange: &Exchange<'_>,
    server: &HttpOrigin,
) -> Result<Reply, OriginFault> {
    let query = forward::query(exchange.target.behavior, exchange.request.raw_query);
    let request = UpstreamRequest {
        origin: server,
        method: exchange.method,
        path: exchange.target.path,
        query: &query,
        headers: forward::headers(exchange),
    };
    let answer = calls.fetch(request).await?;
    let outcome = outcome(exchange, &answer)?;
    if outcome == Outcome::Redirected {
        return redirected(&answer, server);
    }
    Ok(relayed(exchange, outcome, answer))
}

/// What a status means, if it can be an answer to what was asked.
fn outcome(exchange: &Exchange<'_>, answer: &UpstreamResponse) -> Result<Outcome, OriginFault> {
    Ok(match answer.status {
        206 if forward::asks_range(exchange) && is_part(answer) => Outcome::Partial,
        304 if forward::is_conditional(exchange) => Outcome::NotModified,
        206 | 304 => return Err(OriginFault::Malformed),
        200..=299 => Outcome::Full,
        301 | 302 | 303 | 307 | 308 => Outcome::Redirected,
        404 => Outcome::Missing,
        412 => Outcome::PreconditionFailed,
        416 => Outcome::Unsatisfiable,
        status @ 300..=599 => Outcome::Relayed(status),
        _ => return Err(OriginFault::Malformed),
    })
}

/// Whether `Content-Range` names bytes that exist and the body is as long as they are.
fn is_part(answer: &UpstreamResponse) -> bool {
    let length = header(answer, "content-range").and_then(part_length);
    length.is_some_and(|length| answer.content_length.is_none_or(|stated| stated == length))
}

/// The number of bytes that a `Content-Range` of a 206 names (RFC 9110 §14.4).
fn part_length(content_range: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(content_range).ok()?;
    let (bytes, size) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = bytes.split_once('-')?;
    let (first, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
    let exists = size == "*" || size.parse().is_ok_and(|size: u64| last < size);
    exists
        .then(|| last.checked_sub(first)?.checked_add(1))
        .flatten()
}

fn redirected(answer: &UpstreamResponse, server: &HttpOrigin) -> Result<Reply, OriginFault> {
    let location =
        header(answer, "location").and_then(|value| location::relayed(value, &server.url));
    let location = location.ok_or(OriginFault::Malformed)?;
    Ok(Reply::of(
        Outcome::Redirected,
        redirect(answer.status, location),
    ))
}

fn relayed(exchange: &Exchange<'_>, outcome: Outcome, answer: UpstreamResponse) -> Reply {
    let has_lifetime = matches!(answer.status, 200 | 206 | 304);
    let mut dropped = 0;
    let mut head = Response {
        status: answer.status,
        headers: Vec::with_capacity(16),
        body: Body::Empty,
    };
    let representation = OF_REPRESENTATIONS.into_iter().filter(|_| has_lifetime);
    for name in ALWAYS.into_iter().chain(representation) {
        if let Some(value) = value(&answer, name, &mut dropped) {
            head.set(name, value);
        }
    }
    if answer.status == 416
        && let Some(range) = value(&answer, "content-range", &mut dropped)
    {
        head.set("content-range", range);
    }
    if has_lifetime {
        let stated = Stated::of(
            value(&answer, "cache-control", &mut dropped).as_ref(),
            value(&answer, "expires", &mut dropped).as_ref(),
            exchange.now,
        );
        let target = &exchange.target;
        if answer.status != 304 || stated.says_anything() {
            set_lifetime(
                &mut head,
                &Lifetime::of(target.site, target.behavior, stated, None),
            );
        }
    } else {
        head.set("cache-control", const { FieldValue::literal("no-store") });
    }
    Reply {
        content: content(exchange, answer, &head),
        dropped,
        ..Reply::of(outcome, head)
    }
}

fn content(exchange: &Exchange<'_>, answer: UpstreamResponse, head: &Response) -> Option<Content> {
    if matches!(answer.status, 204 | 205 | 304) {
        return None;
    }
    let length = match (answer.status, head.header("content-range")) {
        (206, Some(range)) => part_length(range.as_bytes()),
        _ => answer.content_length,
    };
    Some(Content {
        length,
        streamable: answer.status == 200 && head.header("content-encoding").is_none(),
        body: (exchange.method != Method::Head).then(|| exact(answer.body, length)),
    })
}

/// The first header of that name.
fn header<'a>(answer: &'a UpstreamResponse, name: &str) -> Option<&'a [u8]> {
    let named = answer
        .headers
        .iter()
        .find(|(n, _)| n.eq_ignore_ascii_case(name));
    named.map(|(_, value)| value.as_slice())
}

/// All headers of that name as one value, if it can be sent.
fn value(answer: &UpstreamResponse, name: &str, dropped: &mut u32) -> Option<FieldValue> {
    let mut lines = answer
        .headers
        .iter()
        .filter(|(n, _)| n.eq_ignore_ascii_case(name))
        .map(|(_, v)| v.as_slice());
    let first = lines.next()?;
    let joined = lines.fold(first.to_vec(), |joined, line| {
        [joined.as_slice(), b", ", line].concat()
    });
    match FieldValue::new(&joined) {
        Ok(value) => kept(Some(&value), dropped),
        Err(_) => {
            *dropped += 1;
            None
        }
    }
}
