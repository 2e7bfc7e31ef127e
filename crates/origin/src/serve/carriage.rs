//! Whether the front can carry an answer, decided from its length before its bytes are read; nothing is ever cut.
//!
//! A buffered Lambda answer is one JSON document that holds the headers and the body in base64. Its limit is on the whole
//! document (law L9, group R19), so the document is what is measured here, for the less favourable encoding.

use super::calls::Calls;
use super::outcome::{OriginFault, Outcome};
use super::plain::plain;
use super::reply::{Content, PendingBody, Reply, fault_answer};
use super::{Exchange, Ports, decorate, hand_off};
use crate::field::FieldValue;
use crate::object_path::ObjectPath;
use crate::response::{Body, BodyError, Response};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use portcullis_site::LargeObjects;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// Lambda's limit for a buffered answer, in bytes of its JSON document: the figure in the service's own error.
pub const LAMBDA_ENVELOPE_BYTES: u64 = 6_291_556;

/// The document without headers and body, and what a front adds to it: its own id of the request, for one.
const ENVELOPE_FIXED_BYTES: u64 = 1_024;

/// Quotes, colon, comma and, for a load balancer, brackets around one header.
const ENVELOPE_HEADER_BYTES: u64 = 8;

/// What a front without limits still holds in memory to check an answer whole; what is larger streams.
const WHOLE_BYTES_MAX: u64 = 1 << 20;

/// What a front can carry, and how long an answer may take.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    /// How answers leave.
    pub carriage: Carriage,
    /// From now until the head is there and, for a buffered answer, the body. To be kept below CloudFront's origin
    /// response timeout (law L9).
    pub time: Duration,
    /// A random number from 0 to 1,000 that spreads repeated calls.
    pub jitter: u16,
}

/// How answers leave a front.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carriage {
    /// As one JSON document of at most `bytes`; `streams` if the front can stream a plain 200 instead.
    Envelope {
        /// The limit in bytes, [`LAMBDA_ENVELOPE_BYTES`] for Lambda.
        bytes: u64,
        /// Whether it can stream.
        streams: bool,
    },
    /// As they come, of any length.
    Unlimited,
}

/// How an answer leaves.
enum Way {
    /// Collected and checked; more than this many bytes are too many.
    Whole(u64),
    Stream,
    Elsewhere,
    Refused,
}

/// The size of the JSON document that holds `head` and a body of `length` bytes in base64, at most.
#[must_use]
pub fn envelope_bytes(head: &Response, length: u64) -> u64 {
    let headers: u64 = head
        .headers
        .iter()
        .map(|(name, value)| {
            name.len() as u64 + json_bytes(value.as_bytes()) + ENVELOPE_HEADER_BYTES
        })
        .sum();
    let base64 = length.div_ceil(3).saturating_mul(4);
    ENVELOPE_FIXED_BYTES
        .saturating_add(headers)
        .saturating_add(base64)
}

/// The length of a value inside a JSON text.
fn json_bytes(value: &[u8]) -> u64 {
    value
        .iter()
        .map(|byte| match byte {
            b'"' | b'\\' | b'\t' => 2,
            0x20..0x7F => 1,
            _ => 6,
        })
        .sum()
}

/// Brings a reply into a form the front can carry.
pub(super) async fn carry<P: Ports>(
    reply: Reply,
    exchange: &Exchange<'_>,
    calls: &Calls<'_, P>,
) -> (Outcome, Response) {
    let Reply {
        outcome,
        mut head,
        content,
        path,
        ..
    } = reply;
    let Some(content) = content else {
        return (outcome, head);
    };
    if let Some(length) = content.length {
        head.set("content-length", FieldValue::from(length));
    }
    let behavior = exchange.target.behavior;
    decorate(&mut head, behavior, exchange.request.headers.origin);
    let body = match way(exchange, &head, &content, path.as_ref()) {
        Way::Whole(limit) => whole(content, limit, calls.deadline()).await,
        Way::Stream => Ok(Some(stream(content))),
        Way::Refused => Ok(None),
        Way::Elsewhere => {
            let answer = hand_off::redirect_to_bucket(exchange, path.as_ref(), calls.signer());
            return answer.map_or_else(failed, |response| (Outcome::HandedOff, response));
        }
    };
    match body {
        Ok(Some(body)) => (outcome, Response { body, ..head }),
        Ok(None) => (
            Outcome::TooLarge,
            plain(413, "This object is too large to be served here.\n"),
        ),
        Err(fault) => failed(fault),
    }
}

fn failed(fault: OriginFault) -> (Outcome, Response) {
    (Outcome::OriginFailed(fault), fault_answer(fault))
}

fn way(
    exchange: &Exchange<'_>,
    head: &Response,
    content: &Content,
    path: Option<&ObjectPath<'_>>,
) -> Way {
    let Carriage::Envelope { bytes, streams } = exchange.budget.carriage else {
        return match content.length {
            Some(length) if length <= WHOLE_BYTES_MAX => Way::Whole(length),
            _ => Way::Stream,
        };
    };
    let room = bytes.saturating_sub(envelope_bytes(head, 0)) / 4 * 3;
    if content.length.is_some_and(|length| length <= room) {
        return Way::Whole(room);
    }
    match exchange.target.behavior.large_objects {
        LargeObjects::HandOff { .. } if path.is_some() => Way::Elsewhere,
        LargeObjects::Stream if streams && content.streamable => Way::Stream,
        // Of an unknown length so much is read as fits.
        _ if content.length.is_none() => Way::Whole(room),
        LargeObjects::HandOff { .. } | LargeObjects::Stream | LargeObjects::Refuse => Way::Refused,
    }
}

fn stream(content: Content) -> Body {
    content.body.map_or(Body::Empty, |bytes| Body::Stream {
        length: content.length,
        bytes: bytes.map_err(|_| BodyError).boxed_unsync(),
    })
}

async fn whole(
    content: Content,
    limit: u64,
    deadline: Instant,
) -> Result<Option<Body>, OriginFault> {
    let Some(body) = content.body else {
        return Ok(Some(Body::Empty));
    };
    let collected = timeout_at(deadline, collect(body, content.length, limit)).await;
    let bytes = collected.map_err(|_| OriginFault::TimedOut)??;
    Ok(bytes.map(Body::Whole))
}

/// All bytes of a body; `None` if they are more than `limit`.
async fn collect(
    mut body: PendingBody,
    length: Option<u64>,
    limit: u64,
) -> Result<Option<Bytes>, OriginFault> {
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let bytes = frame?.into_data().unwrap_or_default();
        let sum = (first.len() + rest.len()) as u64 + bytes.len() as u64;
        if sum > limit {
            return Ok(None);
        }
        // A body in one piece is passed on as it is.
        if first.is_empty() && rest.is_empty() {
            first = bytes;
            continue;
        }
        if !first.is_empty() {
            let expected = length.unwrap_or(sum).min(limit);
            rest.reserve(usize::try_from(expected).unwrap_or_default());
            rest.extend_from_slice(&std::mem::take(&mut first));
        }
        rest.extend_from_slice(&bytes);
    }
    Ok(Some(if rest.is_empty() {
        first
    } else {
        rest.freeze()
    }))
}
