//! Errors: those the edge makes, those that are replaced by a page, and those of functions.

use super::store::Verdict;
use super::{Asking, Exchange, Framing, Next, OriginHead, Page, Reply, ReplyBody};
use crate::answer::{Answer, Cause};
use crate::compute::{ComputeFailure, FunctionResponse};
use crate::distribution::{Compute, EventType};
use crate::gate::RedirectStatus;
use crate::network::Network;
use crate::trace::{ResultType, Step};
use bytes::Bytes;
use portcullis_signed_access::SignatureRefusal;

impl Network {
    /// An error of the edge before the cache. It is not cached: it is about this viewer.
    pub(super) fn refuse(&mut self, exchange: &mut Exchange, cause: Cause, now_ms: u64) -> Next {
        exchange.trace.steps.push(Step::Generated(cause));
        let has_page = cause.may_have_page() && exchange.page.is_none();
        if has_page && self.has_page(exchange, cause.status()) {
            return self.start_page(exchange, cause.status(), cause.detailed_result(), now_ms);
        }
        self.generated(exchange, cause, now_ms)
    }

    /// An error of the edge in the place of the origin's answer. It is cached like one of the origin.
    pub(super) fn fail(
        &mut self,
        exchange: &mut Exchange,
        asking: &Asking,
        cause: Cause,
        now_ms: u64,
    ) -> Next {
        exchange.trace.steps.push(Step::Generated(cause));
        let answer = Answer::error(cause, &self.stamp(exchange, super::reply::date(now_ms)));
        let body = Bytes::from(answer.body);
        let head = OriginHead {
            status: cause.status(),
            headers: answer.headers,
            framing: Framing::Length(body.len() as u64),
        };
        let verdict = self.judge(exchange, asking, &head, now_ms);
        if exchange.page.is_none() && self.has_page(exchange, head.status) {
            self.keep_bytes(exchange, asking, &head, &verdict, &Bytes::new(), now_ms);
            return self.start_page(exchange, head.status, cause.detailed_result(), now_ms);
        }
        self.keep_bytes(exchange, asking, &head, &verdict, &body, now_ms);
        self.generated(exchange, cause, now_ms)
    }

    /// An error of the origin that a page replaces: what is cached is the error, without its body.
    pub(super) fn error_with_page(
        &mut self,
        exchange: &mut Exchange,
        asking: &Asking,
        head: &OriginHead,
        verdict: &Verdict,
        now_ms: u64,
    ) -> Next {
        let bare = OriginHead {
            framing: Framing::Length(0),
            ..head.clone()
        };
        self.keep_bytes(exchange, asking, &bare, verdict, &Bytes::new(), now_ms);
        self.start_page(exchange, head.status, "OriginError", now_ms)
    }

    fn keep_bytes(
        &mut self,
        exchange: &mut Exchange,
        asking: &Asking,
        head: &OriginHead,
        verdict: &Verdict,
        body: &Bytes,
        now_ms: u64,
    ) {
        if let Some(mut keep) = self.keep(exchange, asking, head, verdict, now_ms) {
            keep.push(body);
            self.finish(keep, super::Ending::Complete, now_ms);
        }
    }

    pub(super) fn has_page(&self, exchange: &Exchange, status: u16) -> bool {
        let played = exchange.played.as_ref();
        let error = played.and_then(|played| played.distribution.error(status));
        !exchange.is_background && error.is_some_and(|error| error.page.is_some())
    }

    /// Goes on with the page of a custom error response, through the behavior of the page's own path.
    pub(super) fn start_page(
        &mut self,
        exchange: &mut Exchange,
        status: u16,
        detailed: &'static str,
        now_ms: u64,
    ) -> Next {
        self.land_flight(exchange);
        let Some(played) = exchange.played.clone() else {
            return self.out_of_order(exchange, now_ms);
        };
        let error = played.distribution.error(status);
        let Some(page) = error.and_then(|error| error.page.as_ref()) else {
            return self.out_of_order(exchange, now_ms);
        };
        exchange.trace.steps.push(Step::ErrorPage {
            status,
            path: page.path.clone(),
        });
        exchange.page = Some(Page {
            replaced: status,
            status: page.status,
            detailed,
        });
        exchange.ask_for_page(&page.path);
        exchange.choose_behavior(&played);
        let behavior = played.distribution.behavior(exchange.behavior);
        if behavior.trusted.is_some() && !exchange.trace.steps.contains(&Step::Signed) {
            let unsigned = Cause::Unsigned(SignatureRefusal::MissingKeyPairId);
            return self.generated(exchange, unsigned, now_ms);
        }
        self.enter_at_cache(exchange, now_ms)
    }

    pub(super) fn redirect(
        &mut self,
        exchange: &mut Exchange,
        status: RedirectStatus,
        location: &str,
        now_ms: u64,
    ) -> Next {
        exchange.trace.steps.push(Step::RedirectedToHttps);
        let answer = Answer::redirect(
            status,
            location,
            &self.stamp(exchange, super::reply::date(now_ms)),
        );
        let reply = made(answer, ResultType::Redirect, "Redirect");
        self.send(exchange, reply, now_ms)
    }

    /// A function answered in the place of the cache and the origin. It is not stored, and no other function runs.
    pub(super) fn answer_of_function(
        &mut self,
        exchange: &mut Exchange,
        response: FunctionResponse,
        now_ms: u64,
    ) -> Next {
        let body = response.body.unwrap_or_default();
        let mut headers = response.headers;
        headers.set("Content-Length", body.len().to_string());
        let is_lambda = exchange.viewer_compute_is_lambda();
        let (result, detailed) = match (is_lambda, response.status) {
            (true, _) => (ResultType::LambdaGenerated, "MissGeneratedResponse"),
            (false, _) => (ResultType::FunctionGenerated, "FunctionGeneratedResponse"),
        };
        let reply = Reply {
            status: response.status,
            headers,
            body: if body.is_empty() {
                ReplyBody::Empty
            } else {
                ReplyBody::Bytes(body)
            },
            keep: None,
            background: None,
            result,
            detailed,
        };
        self.send(exchange, reply, now_ms)
    }

    pub(super) fn function_failed(
        &mut self,
        exchange: &mut Exchange,
        event: EventType,
        failure: ComputeFailure,
        now_ms: u64,
    ) -> Next {
        exchange.trace.steps.push(Step::Failed(event, failure));
        self.land_flight(exchange);
        self.refuse(exchange, Cause::Function(failure), now_ms)
    }

    pub(super) fn body_refused(&mut self, exchange: &mut Exchange, now_ms: u64) -> Next {
        self.land_flight(exchange);
        self.refuse(exchange, Cause::FieldEncryption, now_ms)
    }

    /// An event that does not fit: the driver is wrong, and the viewer gets an error.
    pub(super) fn out_of_order(&mut self, exchange: &mut Exchange, now_ms: u64) -> Next {
        self.land_flight(exchange);
        self.generated(exchange, Cause::Internal, now_ms)
    }

    fn generated(&mut self, exchange: &mut Exchange, cause: Cause, now_ms: u64) -> Next {
        let answer = Answer::error(cause, &self.stamp(exchange, super::reply::date(now_ms)));
        let result = match cause {
            Cause::Function(_) => ResultType::FunctionError,
            _ => ResultType::Error,
        };
        let reply = made(answer, result, cause.detailed_result());
        self.send(exchange, reply, now_ms)
    }
}

impl Exchange {
    fn ask_for_page(&mut self, path: &str) {
        self.wants_head = self.is_head();
        self.request.method = "GET".to_owned();
        self.request.target = path.to_owned();
        self.request.has_body = false;
        self.change = None;
        self.waited = false;
        for name in [
            "range",
            "if-range",
            "if-match",
            "if-none-match",
            "if-modified-since",
            "if-unmodified-since",
            "content-length",
            "content-type",
        ] {
            self.request.headers.remove(name);
        }
    }

    fn viewer_compute_is_lambda(&self) -> bool {
        let played = self.played.as_ref();
        let behavior = played.map(|played| played.distribution.behavior(self.behavior));
        let compute = behavior.and_then(|behavior| behavior.functions.viewer_request.as_ref());
        matches!(compute, Some(Compute::Lambda { .. }))
    }

    /// The status that a custom error page stands for, while it is fetched and after.
    #[must_use]
    pub fn replaced_status(&self) -> Option<u16> {
        self.page.map(|page| page.replaced)
    }
}

fn made(answer: Answer, result: ResultType, detailed: &'static str) -> Reply {
    Reply {
        status: answer.status,
        headers: answer.headers,
        body: ReplyBody::Bytes(Bytes::from(answer.body)),
        keep: None,
        background: None,
        result,
        detailed,
    }
}
