//! Functions at the origin's side: what they are shown of the request, and what becomes of their answers.

use super::{Asking, Exchange, Framing, Next, OriginHead, State};
use crate::compute::{ComputeCall, ComputeFailure, Computed, FunctionResponse, OriginChoice};
use crate::distribution::EventType;
use crate::network::Network;
use crate::path::split_target;
use crate::played::Played;
use crate::trace::Step;

impl Network {
    /// The request as it goes to the origin, for a function at the origin's side. The origin custom headers are shown with
    /// the origin and not among the fields (DG:lambda-event-structure).
    pub(super) fn show_origin_request(
        &self,
        exchange: &Exchange,
        played: &Played,
        asking: &Asking,
        call: &mut ComputeCall,
    ) {
        let Some(fetch) = self.fetch(exchange, played, asking) else {
            return;
        };
        let (path, query) = split_target(&fetch.request.target);
        call.request.uri = path
            .strip_prefix(&fetch.origin.path)
            .unwrap_or(path)
            .to_owned();
        let shown = query.filter(|_| played.shows_query(exchange.behavior));
        call.request.query = shown.unwrap_or_default().to_owned();
        call.request.headers = fetch.request.headers;
        for (name, _) in fetch.origin.custom_headers.iter() {
            call.request.headers.remove(name);
        }
    }

    pub(super) fn after_origin_request(
        &mut self,
        exchange: &mut Exchange,
        mut asking: Box<Asking>,
        outcome: Result<Computed, ComputeFailure>,
        now_ms: u64,
    ) -> Next {
        let event = EventType::OriginRequest;
        let Some(played) = exchange.played.clone() else {
            return self.out_of_order(exchange, now_ms);
        };
        match outcome {
            Err(failure) => self.function_failed(exchange, event, failure, now_ms),
            Ok(Computed::Request(changed)) => {
                exchange.trace.steps.push(Step::Ran(event));
                if !matches!(changed.origin, OriginChoice::Unchanged) {
                    let change = exchange.change.get_or_insert_default();
                    change.origin = changed.origin.clone();
                }
                asking.changed = Some(Box::new(changed));
                self.ask(exchange, &played, asking, now_ms)
            }
            Ok(Computed::Response(response)) => {
                exchange.trace.steps.push(Step::Answered(event));
                let head = generated_head(&response);
                asking.generated = Some(response.body.unwrap_or_default());
                // The origin-response function does not run for it (DG:lambda-cloudfront-trigger-events).
                self.settle(exchange, asking, head, now_ms)
            }
        }
    }

    pub(super) fn run_origin_response(
        exchange: &mut Exchange,
        asking: Box<Asking>,
        head: OriginHead,
        mut call: ComputeCall,
    ) -> Next {
        call.response = Some(FunctionResponse {
            status: head.status,
            headers: head.headers.clone(),
            body: None,
        });
        exchange.state = State::OriginResponse(asking, Box::new(head));
        Next::Compute(Box::new(call))
    }

    pub(super) fn after_origin_response(
        &mut self,
        exchange: &mut Exchange,
        mut asking: Box<Asking>,
        mut head: OriginHead,
        outcome: Result<Computed, ComputeFailure>,
        now_ms: u64,
    ) -> Next {
        let event = EventType::OriginResponse;
        match outcome {
            Ok(Computed::Response(response)) => {
                exchange.trace.steps.push(Step::Ran(event));
                head.status = response.status;
                head.headers = response.headers;
                if let Some(body) = response.body {
                    head.framing = Framing::Length(body.len() as u64);
                    head.headers.set("Content-Length", body.len().to_string());
                    asking.generated = Some(body);
                }
                self.settle(exchange, asking, head, now_ms)
            }
            Ok(Computed::Request(_)) => {
                let failure = ComputeFailure::Validation;
                self.function_failed(exchange, event, failure, now_ms)
            }
            Err(failure) => self.function_failed(exchange, event, failure, now_ms),
        }
    }
}

fn generated_head(response: &FunctionResponse) -> OriginHead {
    let length = response.body.as_ref().map_or(0, bytes::Bytes::len);
    let mut headers = response.headers.clone();
    headers.set("Content-Length", length.to_string());
    OriginHead {
        status: response.status,
        headers,
        framing: Framing::Length(length as u64),
    }
}

impl Exchange {
    /// What a function may send the request to, and what it goes to now.
    pub(super) fn show_origins(&self, played: &Played, second: bool, call: &mut ComputeCall) {
        call.origin = self.origin(played, second);
        call.origins = played.origins().to_vec();
    }
}
