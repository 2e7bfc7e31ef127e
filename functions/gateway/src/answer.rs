//! An answer in the form a front takes it: one JSON document, or a prelude and a stream.
//!
//! What always holds:
//! - the document's size is known before its first byte is written, and it is written into one buffer of that size;
//! - it is never larger than [`envelope_bytes`](portcullis_origin::serve::envelope_bytes) says, by which answers are
//!   measured before they are fetched, so nothing is ever cut;
//! - the bytes of a body arrive as they are: as text only where that is safe and no longer than base64.
//!
//! Deliberately absent: cookies, which the gateway never sets, and repeated headers, which an answer does not have.

mod document;

use crate::event::AnswerForm;
use bytes::Bytes;
use document::{Counted, Sink};
use http_body::{Body, Frame, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;
use hyper::StatusCode;
use portcullis_origin::response::{self, BodyError, Response};
use portcullis_origin::serve::{LAMBDA_ENVELOPE_BYTES, plain};
use std::pin::Pin;
use std::task::{Context, Poll};

/// A load balancer's limit for an answer, in bytes of its JSON document: 1 MB, taken as the smaller of its two readings.
pub const ALB_ENVELOPE_BYTES: u64 = 1_000_000;

/// What stands between the prelude of a streamed answer and its body.
const PRELUDE_END: &str = "\0\0\0\0\0\0\0\0";

/// How the function's URL takes answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Each as one document.
    Buffered,
    /// Each as a prelude and a stream.
    Streamed,
}

/// The largest document that `form` may have, in bytes.
#[must_use]
pub fn document_bytes_max(form: AnswerForm) -> u64 {
    match form {
        AnswerForm::Url => LAMBDA_ENVELOPE_BYTES,
        AnswerForm::Alb | AnswerForm::AlbMultiValue => ALB_ENVELOPE_BYTES,
    }
}

/// What is sent to the Runtime API.
#[derive(Debug)]
pub enum Payload {
    /// A whole document.
    Document(Bytes),
    /// A prelude, and after it the body.
    Stream {
        /// The prelude with the eight zero bytes that end it.
        prelude: Bytes,
        /// The body.
        body: response::Body,
    },
}

impl Payload {
    /// The payload for `response`. A load balancer takes documents only, whatever the function's URL does.
    #[must_use]
    pub fn of(response: Response, form: AnswerForm, mode: Mode) -> Self {
        if mode == Mode::Streamed && form == AnswerForm::Url {
            return Self::Stream {
                prelude: prelude(&response).into(),
                body: response.body,
            };
        }
        match &response.body {
            response::Body::Empty => Self::document(&response, &[], form),
            response::Body::Whole(bytes) => Self::document(&response, bytes, form),
            // Serving streams to nobody who said that they take documents; if it did, nothing of it may be sent.
            response::Body::Stream { .. } => {
                Self::document(&plain(502, "This answer cannot be sent.\n"), &[], form)
            }
        }
    }

    fn document(head: &Response, body: &[u8], form: AnswerForm) -> Self {
        Self::Document(document(head, body, form).into())
    }
}

/// The JSON document for an answer with `head` and the whole `body`.
#[must_use]
pub fn document(head: &Response, body: &[u8], form: AnswerForm) -> String {
    let body = SentBody::of(head, body);
    let write = |sink: &mut dyn Sink| write_document(sink, head, &body, form);
    let mut size = Counted::default();
    write(&mut size);
    let mut text = String::with_capacity(size.bytes());
    write(&mut text);
    text
}

/// What precedes the body of a streamed answer.
fn prelude(head: &Response) -> String {
    let write = |sink: &mut dyn Sink| {
        write_status(sink, head.status);
        // A stream has chunks instead of a length; the front would rename the header.
        write_headers(sink, head, AnswerForm::Url, |name| name != "content-length");
        sink.verbatim("}");
        sink.verbatim(PRELUDE_END);
    };
    let mut size = Counted::default();
    write(&mut size);
    let mut text = String::with_capacity(size.bytes());
    write(&mut text);
    text
}

fn write_document(sink: &mut dyn Sink, head: &Response, body: &SentBody<'_>, form: AnswerForm) {
    write_status(sink, head.status);
    if form != AnswerForm::Url {
        sink.verbatim(",\"statusDescription\":\"");
        sink.number(head.status);
        sink.verbatim(" ");
        sink.verbatim(reason_phrase(head.status));
        sink.verbatim("\"");
    }
    write_headers(sink, head, form, |_| true);
    match body {
        SentBody::Text(text) => {
            sink.verbatim(",\"isBase64Encoded\":false,\"body\":\"");
            sink.escaped(text);
        }
        SentBody::Base64(bytes) => {
            sink.verbatim(",\"isBase64Encoded\":true,\"body\":\"");
            sink.base64(bytes);
        }
    }
    sink.verbatim("\"}");
}

fn write_status(sink: &mut dyn Sink, status: u16) {
    sink.verbatim("{\"statusCode\":");
    sink.number(status);
}

fn reason_phrase(status: u16) -> &'static str {
    let known = StatusCode::from_u16(status).ok();
    known
        .and_then(|status| status.canonical_reason())
        .unwrap_or("Unknown")
}

fn write_headers(
    sink: &mut dyn Sink,
    head: &Response,
    form: AnswerForm,
    is_sent: impl Fn(&str) -> bool,
) {
    let (field, open, close) = match form {
        AnswerForm::Url | AnswerForm::Alb => (",\"headers\":{", "\":\"", "\""),
        AnswerForm::AlbMultiValue => (",\"multiValueHeaders\":{", "\":[\"", "\"]"),
    };
    sink.verbatim(field);
    let sent = head.headers.iter().filter(|(name, _)| is_sent(name));
    for (index, (name, value)) in sent.enumerate() {
        sink.verbatim(if index == 0 { "\"" } else { ",\"" });
        sink.verbatim(name);
        sink.verbatim(open);
        match value.to_str() {
            Some(text) => sink.escaped(text),
            None => sink.escaped(&latin_1(value.as_bytes())),
        }
        sink.verbatim(close);
    }
    sink.verbatim("}");
}

/// Bytes that are no UTF-8 as the characters they are in ISO 8859-1, which is what a header's bytes were by default.
fn latin_1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

/// The form in which a body is sent.
enum SentBody<'a> {
    Text(&'a str),
    Base64(&'a [u8]),
}

impl<'a> SentBody<'a> {
    fn of(head: &Response, body: &'a [u8]) -> Self {
        let text = is_text(head)
            .then(|| std::str::from_utf8(body).ok())
            .flatten()
            .filter(|text| document::escaped_bytes(text) <= document::base64_bytes(body));
        text.map_or(Self::Base64(body), Self::Text)
    }
}

/// Whether a body with this head is text as it stands. Whatever is unsure of it is not.
fn is_text(head: &Response) -> bool {
    let coded = head.header("content-encoding").is_some();
    let media_type = head.header("content-type").and_then(|value| value.to_str());
    !coded && media_type.is_some_and(is_textual)
}

fn is_textual(media_type: &str) -> bool {
    let essence = media_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim_ascii();
    let is = |name: &str| essence.eq_ignore_ascii_case(name);
    let has_suffix = |suffix: &str| {
        let at = essence.len().saturating_sub(suffix.len());
        essence
            .get(at..)
            .is_some_and(|end| end.eq_ignore_ascii_case(suffix))
    };
    essence
        .get(..5)
        .is_some_and(|start| start.eq_ignore_ascii_case("text/"))
        || is("application/json")
        || is("application/javascript")
        || is("application/xml")
        || has_suffix("+json")
        || has_suffix("+xml")
}

/// A payload on its way to the Runtime API.
#[derive(Debug)]
pub struct PayloadBody {
    first: Option<Bytes>,
    rest: Option<UnsyncBoxBody<Bytes, BodyError>>,
    is_document: bool,
}

impl PayloadBody {
    /// A body of these bytes.
    #[must_use]
    pub fn whole(bytes: Bytes) -> Self {
        Self {
            first: Some(bytes).filter(|bytes| !bytes.is_empty()),
            rest: None,
            is_document: true,
        }
    }
}

impl From<Payload> for PayloadBody {
    fn from(payload: Payload) -> Self {
        match payload {
            Payload::Document(bytes) => Self::whole(bytes),
            Payload::Stream { prelude, body } => {
                // What is whole goes out with the prelude in one piece: a small stream in two pieces waits for the peer's
                // delayed acknowledgement where the client's socket does.
                let (first, rest) = match body {
                    response::Body::Empty => (prelude, None),
                    response::Body::Whole(bytes) => ([prelude, bytes].concat().into(), None),
                    response::Body::Stream { bytes, .. } => (prelude, Some(bytes)),
                };
                Self {
                    first: Some(first),
                    rest,
                    is_document: false,
                }
            }
        }
    }
}

impl Body for PayloadBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(Frame::data(first))));
        }
        match &mut self.rest {
            Some(rest) => Pin::new(rest).poll_frame(context),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_none() && self.rest.is_none()
    }

    /// A document has its length; a stream has none, whatever is known of it, and so goes out in chunks.
    fn size_hint(&self) -> SizeHint {
        if self.is_document {
            SizeHint::with_exact(self.first.as_ref().map_or(0, |bytes| bytes.len() as u64))
        } else {
            SizeHint::default()
        }
    }
}

#[cfg(test)]
mod tests;
