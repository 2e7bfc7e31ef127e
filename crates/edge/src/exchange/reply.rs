//! What the viewer gets: from a copy, or as it passes, with the conditions and ranges it asked for.

use super::store::Verdict;
use super::{Asking, Exchange, Framing, Keep, Next, OriginHead, Reply, ReplyBody, State};
use crate::answer::{Stamp, XCache};
use crate::compute::{ComputeFailure, Computed, FunctionResponse};
use crate::distribution::EventType;
use crate::headers::Headers;
use crate::network::Network;
use crate::range::{self, Selected};
use crate::store::{Body, Copy, Parts};
use crate::trace::{ResultType, Step};
use bytes::Bytes;
use portcullis_http_semantics::{
    EntityTag, HttpDate, Method, Precondition, Preconditions, Validators,
};
use std::sync::Arc;

impl Network {
    pub(super) fn serve_copy(
        &mut self,
        exchange: &mut Exchange,
        copy: &Arc<Copy>,
        result: ResultType,
        detailed: &'static str,
        now_ms: u64,
    ) -> Next {
        if copy.is_error() && exchange.page.is_none() && self.has_page(exchange, copy.status) {
            return self.start_page(exchange, copy.status, "Error", now_ms);
        }
        let mut reply = match conditioned(exchange, copy) {
            Precondition::NotModified => bare(304, not_modified(&copy.headers)),
            Precondition::Failed => bare(412, Headers::default()),
            Precondition::Proceed => ranged(exchange, copy),
        };
        reply.headers.set("Age", copy.age(now_ms).to_string());
        (reply.result, reply.detailed) = match copy.is_error() {
            true => (ResultType::Error, "Error"),
            false => (result, detailed),
        };
        self.dress(exchange, reply, now_ms)
    }

    /// Passes the origin's answer on, keeping it where the verdict says so.
    pub(super) fn pass_on(
        &mut self,
        exchange: &mut Exchange,
        asking: &Asking,
        head: OriginHead,
        verdict: &Verdict,
        now_ms: u64,
    ) -> Next {
        let mut keep = self.keep(exchange, asking, &head, verdict, now_ms);
        if let Some(body) = &asking.generated {
            if let Some(mut keep) = keep.take() {
                keep.push(body);
                self.finish(keep, super::Ending::Complete, now_ms);
            }
            return self.pass_bytes(exchange, head, body.clone(), now_ms);
        }
        let has_none = has_no_body(&exchange.request.method, head.status)
            || head.framing == Framing::Length(0);
        let body = if has_none {
            ReplyBody::Empty
        } else {
            ReplyBody::Origin
        };
        if let Some(keep) = keep.take_if(|_| has_none) {
            self.finish(keep, super::Ending::Complete, now_ms);
        }
        let reply = reply_of(head, body, keep);
        self.dress(exchange, reply, now_ms)
    }

    pub(super) fn pass_bytes(
        &mut self,
        exchange: &mut Exchange,
        mut head: OriginHead,
        body: Bytes,
        now_ms: u64,
    ) -> Next {
        head.headers.set("Content-Length", body.len().to_string());
        let reply = reply_of(head, ReplyBody::Bytes(body), None);
        self.dress(exchange, reply, now_ms)
    }

    /// Turns the origin's fields into the viewer's, and lets the viewer-response function at them.
    pub(super) fn dress(&mut self, exchange: &mut Exchange, mut reply: Reply, now_ms: u64) -> Next {
        let Some(played) = exchange.played.clone() else {
            return self.out_of_order(exchange, now_ms);
        };
        if let Some(page) = exchange.page {
            if reply.status == 200 {
                reply.status = page.status;
            }
            (reply.result, reply.detailed) = (ResultType::Error, page.detailed);
        }
        played.to_viewer(exchange.behavior, &exchange.request, &mut reply.headers);
        let behavior = played.distribution.behavior(exchange.behavior);
        let runs = reply.status < 400
            && exchange.page.is_none()
            && !exchange.is_background
            && exchange.viewer_functions;
        match &behavior.functions.viewer_response {
            Some(compute) if runs => {
                let mut call = exchange.call(EventType::ViewerResponse, compute);
                call.response = Some(FunctionResponse {
                    status: reply.status,
                    headers: reply.headers.clone(),
                    body: None,
                });
                exchange.state = State::ViewerResponse(Box::new(reply));
                Next::Compute(Box::new(call))
            }
            Some(_) | None => self.send(exchange, reply, now_ms),
        }
    }

    pub(super) fn after_viewer_response(
        &mut self,
        exchange: &mut Exchange,
        mut reply: Box<Reply>,
        outcome: Result<Computed, ComputeFailure>,
        now_ms: u64,
    ) -> Next {
        let event = EventType::ViewerResponse;
        let failure = match outcome {
            Ok(Computed::Response(response)) => {
                exchange.trace.steps.push(Step::Ran(event));
                reply.status = response.status;
                reply.headers = response.headers;
                if let Some(body) = response.body {
                    reply.headers.set("Content-Length", body.len().to_string());
                    reply.body = ReplyBody::Bytes(body);
                }
                return self.send(exchange, *reply, now_ms);
            }
            Ok(Computed::Request(_)) => ComputeFailure::Validation,
            Err(failure) => failure,
        };
        if let Some(keep) = reply.keep.take() {
            // The body is not read any more, so there is nothing to keep.
            self.finish(keep, super::Ending::ViewerGone, now_ms);
        }
        self.function_failed(exchange, event, failure, now_ms)
    }

    /// Marks the answer as CloudFront's and ends the exchange.
    pub(super) fn send(&mut self, exchange: &mut Exchange, mut reply: Reply, now_ms: u64) -> Next {
        let now = date(now_ms);
        if reply.headers.get("date").is_none() {
            reply.headers.set("Date", now.to_string());
        }
        let x_cache = match reply.result {
            ResultType::Hit => XCache::Hit,
            ResultType::RefreshHit => XCache::RefreshHit,
            ResultType::Miss => XCache::Miss,
            ResultType::Error => XCache::Error,
            ResultType::Redirect => XCache::Redirect,
            ResultType::FunctionError => XCache::FunctionExecutionError,
            ResultType::FunctionGenerated => XCache::FunctionGenerated,
            ResultType::LambdaGenerated => XCache::LambdaGenerated,
        };
        self.stamp(exchange, now).mark(&mut reply.headers, x_cache);
        if exchange.is_head() || has_no_body("GET", reply.status) {
            reply.body = ReplyBody::Empty;
            if let Some(keep) = reply.keep.take() {
                self.finish(keep, super::Ending::ViewerGone, now_ms);
            }
        }
        exchange.state = State::Done;
        Next::Answer(Box::new(reply))
    }

    pub(super) fn stamp<'a>(&'a self, exchange: &'a Exchange, now: HttpDate) -> Stamp<'a> {
        let pop = self.settings.pops.get(exchange.pop);
        Stamp {
            edge: &self.edge,
            pop: pop.map_or(crate::identity::POP, |pop| &pop.name),
            id: &exchange.request.id,
            version: exchange.request.version,
            now,
        }
    }
}

impl Exchange {
    /// Whether the viewer wants the fields alone; also while a page is fetched for it.
    pub(super) fn is_head(&self) -> bool {
        self.request.method == "HEAD" || self.wants_head
    }

    /// The part of the object that the viewer asked for, where one kept part holds all of it.
    pub(super) fn part_of(&self, parts: &Parts) -> Option<(u64, u64, Bytes)> {
        let size = parts.size()?;
        let wanted = range::select(self.request.headers.get("range"), size);
        let Selected::Parts(ranges) = wanted else {
            return None;
        };
        let [range] = ranges.as_slice() else {
            return None;
        };
        let (bytes, _) = parts.get(range.first(), range.last())?;
        Some((range.first(), range.last(), bytes))
    }
}

/// Now, for `Date`; a time beyond what a date can say is the epoch.
pub(super) fn date(now_ms: u64) -> HttpDate {
    HttpDate::from_epoch_seconds(now_ms / 1000).unwrap_or(HttpDate::EPOCH)
}

fn has_no_body(method: &str, status: u16) -> bool {
    method == "HEAD" || matches!(status, 100..200 | 204 | 304)
}

fn reply_of(head: OriginHead, body: ReplyBody, keep: Option<Keep>) -> Reply {
    let (result, detailed) = if head.status >= 400 {
        (ResultType::Error, "OriginError")
    } else {
        (ResultType::Miss, "Miss")
    };
    Reply {
        status: head.status,
        headers: head.headers,
        body,
        keep,
        background: None,
        result,
        detailed,
    }
}

fn bare(status: u16, headers: Headers) -> Reply {
    Reply {
        status,
        headers,
        body: ReplyBody::Empty,
        keep: None,
        background: None,
        result: ResultType::Hit,
        detailed: "Hit",
    }
}

/// What the viewer's conditions say about a copy.
fn conditioned(exchange: &Exchange, copy: &Copy) -> Precondition {
    let headers = &exchange.request.headers;
    let method = method(exchange);
    if copy.status != 200 || exchange.page.is_some() {
        return Precondition::Proceed;
    }
    let conditions = Preconditions::parse(|name| headers.get(name));
    if !conditions.is_conditional() {
        return Precondition::Proceed;
    }
    conditions.evaluate(method, &validators(&copy.headers))
}

fn validators(headers: &Headers) -> Validators<'_> {
    Validators {
        etag: headers.get("etag").and_then(EntityTag::parse),
        last_modified: headers.get("last-modified").and_then(HttpDate::parse),
    }
}

fn method(exchange: &Exchange) -> Method {
    if exchange.is_head() {
        Method::Head
    } else {
        Method::Get
    }
}

/// RFC 9110 §15.4.5: the fields of a 304 are those that a cache needs.
fn not_modified(stored: &Headers) -> Headers {
    let about_body = [
        "content-length",
        "content-encoding",
        "content-type",
        "content-range",
        "content-language",
    ];
    let kept = stored
        .iter()
        .filter(|(name, _)| !about_body.iter().any(|own| name.eq_ignore_ascii_case(own)));
    Headers::from_iter(kept)
}

/// The copy, or the ranges of it that the viewer asked for.
fn ranged(exchange: &Exchange, copy: &Copy) -> Reply {
    let mut reply = bare(copy.status, Headers::clone(&copy.headers));
    let bytes = match &copy.body {
        Body::Whole(bytes) => bytes.clone(),
        Body::Parts(parts) => {
            if let Some((first, last, bytes)) = exchange.part_of(parts) {
                let size = parts.size().unwrap_or_default();
                reply
                    .headers
                    .set("Content-Range", format!("bytes {first}-{last}/{size}"));
                return with_bytes(reply, bytes);
            }
            return bare(416, Headers::default());
        }
    };
    let headers = &exchange.request.headers;
    let wanted = headers.get("range").filter(|_| {
        copy.status == 200
            && exchange.page.is_none()
            && Preconditions::parse(|name| headers.get(name))
                .range_applies(method(exchange), &validators(&copy.headers))
    });
    match range::select(wanted, bytes.len() as u64) {
        Selected::Full => with_bytes(reply, bytes),
        Selected::Unsatisfiable => {
            let mut refused = bare(416, Headers::default());
            refused
                .headers
                .set("Content-Range", format!("bytes */{}", bytes.len()));
            refused
        }
        Selected::Parts(ranges) => {
            let boundary = exchange.request.id.as_str().trim_end_matches('=');
            let part = range::cut(&bytes, &ranges, &mut reply.headers, boundary);
            reply.status = 206;
            with_bytes(reply, part)
        }
    }
}

fn with_bytes(mut reply: Reply, bytes: Bytes) -> Reply {
    reply.headers.set("Content-Length", bytes.len().to_string());
    reply.body = if bytes.is_empty() {
        ReplyBody::Empty
    } else {
        ReplyBody::Bytes(bytes)
    };
    reply
}
