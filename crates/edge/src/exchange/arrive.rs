//! From the viewer to the cache: which distribution, whether it is let in, and what its viewer-request function makes of it.

use super::{Change, Exchange, Next, State};
use crate::answer::Cause;
use crate::compute::{ChangedRequest, ComputeCall, ComputeFailure, Computed, FunctionRequest};
use crate::distribution::{Behavior, Compute, EventType, Trusted};
use crate::gate::{self, Arrival, Gate, Passage, Scheme};
use crate::network::Network;
use crate::path::split_target;
use crate::pattern::first_match;
use crate::played::Played;
use crate::trace::Step;
use portcullis_signed_access::{
    Profile, SignatureRefusal, SignedRequest, authenticate, strip_reserved,
};
use std::sync::Arc;

impl Network {
    pub(super) fn arrive(&mut self, exchange: &mut Exchange, now_ms: u64) -> Next {
        let Some(played) = self.serving(exchange.pop, &exchange.request.host) else {
            return self.refuse(exchange, Cause::UnknownHost, now_ms);
        };
        let played = Arc::clone(played);
        exchange.played = Some(Arc::clone(&played));
        if !played.distribution.enabled {
            return self.refuse(exchange, Cause::Disabled, now_ms);
        }
        exchange.choose_behavior(&played);
        let behavior = played.distribution.behavior(exchange.behavior);
        match gate::pass(
            &gate_of(&played, behavior),
            &exchange.arrival(),
            &self.settings.switches,
        ) {
            Passage::Pass => {}
            Passage::Refuse(cause) => return self.refuse(exchange, cause, now_ms),
            Passage::Redirect { status, location } => {
                return self.redirect(exchange, status, &location, now_ms);
            }
        }
        if let Some(trusted) = &behavior.trusted {
            if let Err(refusal) = signed(trusted, exchange, now_ms) {
                return self.refuse(exchange, Cause::Unsigned(refusal), now_ms);
            }
            exchange.trace.steps.push(Step::Signed);
            exchange.strip_signature();
        }
        match &behavior.functions.viewer_request {
            Some(compute) if exchange.viewer_functions => {
                let mut call = exchange.call(EventType::ViewerRequest, compute);
                exchange.show_origins(&played, false, &mut call);
                exchange.state = State::ViewerRequest;
                Next::Compute(Box::new(call))
            }
            Some(_) | None => self.behind_viewer_request(exchange, now_ms),
        }
    }

    pub(super) fn after_viewer_request(
        &mut self,
        exchange: &mut Exchange,
        outcome: Result<Computed, ComputeFailure>,
        now_ms: u64,
    ) -> Next {
        let event = EventType::ViewerRequest;
        match outcome {
            Err(failure) => self.function_failed(exchange, event, failure, now_ms),
            Ok(Computed::Response(response)) => {
                exchange.trace.steps.push(Step::Answered(event));
                self.answer_of_function(exchange, response, now_ms)
            }
            Ok(Computed::Request(changed)) => {
                exchange.trace.steps.push(Step::Ran(event));
                exchange.change(changed);
                self.behind_viewer_request(exchange, now_ms)
            }
        }
    }

    fn behind_viewer_request(&mut self, exchange: &mut Exchange, now_ms: u64) -> Next {
        exchange.apply_default_root();
        self.consult(exchange, now_ms)
    }

    /// A background refresh, or a custom error page: everything before the cache is behind it.
    pub(super) fn enter_at_cache(&mut self, exchange: &mut Exchange, now_ms: u64) -> Next {
        self.consult(exchange, now_ms)
    }
}

impl Exchange {
    pub(super) fn choose_behavior(&mut self, played: &Played) {
        let distribution = &played.distribution;
        let patterns = distribution.behaviors.iter().map(|(pattern, _)| pattern);
        self.behavior =
            first_match(patterns, &self.request.target).unwrap_or(distribution.behaviors.len());
        if self.page.is_none() {
            self.trace.behavior = Some(self.behavior);
        }
    }

    fn arrival(&self) -> Arrival<'_> {
        let request = &self.request;
        Arrival {
            method: &request.method,
            host: &request.host,
            target: &request.target,
            scheme: request.scheme,
            version: request.version,
            country: request.country,
            has_body: request.has_body,
            header_bytes: request.headers.bytes(),
        }
    }

    /// The parameters of a signature are neither in the key nor sent to the origin.
    fn strip_signature(&mut self) {
        let (path, query) = split_target(&self.request.target);
        if let Some(query) = query {
            let rest = strip_reserved(query);
            let mark = if rest.is_empty() { "" } else { "?" };
            self.request.target = format!("{path}{mark}{rest}");
        }
    }

    pub(super) fn call(&self, event: EventType, compute: &Compute) -> ComputeCall {
        let (uri, query) = split_target(&self.request.target);
        let mut headers = self.request.headers.clone();
        // DG:functions-event-structure shows them to CloudFront Functions; Lambda@Edge at the viewer does not see them.
        if let (Compute::Function(_), Some(played)) = (compute, &self.played) {
            played.add_generated(self.behavior, &self.request, &mut headers);
        }
        ComputeCall {
            event,
            compute: compute.clone(),
            request: FunctionRequest {
                method: self.request.method.clone(),
                uri: uri.to_owned(),
                query: query.unwrap_or_default().to_owned(),
                headers,
                origin: None,
            },
            response: None,
            viewer: self.request.peer.ip(),
            id: self.request.id.clone(),
            origin: None,
            origins: Vec::new(),
            body: None,
        }
    }

    fn change(&mut self, changed: ChangedRequest) {
        let mark = if changed.query.is_empty() { "" } else { "?" };
        self.request.target = format!("{}{mark}{}", changed.uri, changed.query);
        self.request.headers = changed.headers;
        self.change = Some(Box::new(Change {
            body: changed.body,
            origin: changed.origin,
        }));
    }

    fn apply_default_root(&mut self) {
        let Some(played) = &self.played else { return };
        let (path, query) = split_target(&self.request.target);
        if let (Some(root), "/") = (&played.distribution.default_root, path) {
            let query = query.map(|q| format!("?{q}")).unwrap_or_default();
            self.request.target = format!("/{}{query}", root.as_str());
        }
    }
}

fn gate_of<'a>(played: &'a Played, behavior: &Behavior) -> Gate<'a> {
    Gate {
        geo: &played.distribution.geo,
        viewer_protocol: behavior.viewer_protocol,
        allowed_methods: behavior.methods,
    }
}

/// Whether a key of one of the groups signed the request, for now and for this viewer.
fn signed(trusted: &Trusted, exchange: &Exchange, now_ms: u64) -> Result<(), SignatureRefusal> {
    let Trusted::KeyGroups(groups) = trusted else {
        return Err(SignatureRefusal::UnknownKey);
    };
    let request = &exchange.request;
    let (raw_path, query) = split_target(&request.target);
    let cookie = request.headers.joined("cookie", "; ").unwrap_or_default();
    let cookie = String::from_utf8_lossy(&cookie);
    let signed = SignedRequest {
        scheme: match request.scheme {
            Scheme::Http => portcullis_signed_access::Scheme::Http,
            Scheme::Https => portcullis_signed_access::Scheme::Https,
        },
        host: &request.host,
        raw_path,
        raw_query: query.unwrap_or_default(),
        cookies: &[cookie.as_ref()],
    };
    let mut refusal = SignatureRefusal::UnknownKey;
    for group in groups {
        match authenticate(group, &signed, Profile::CloudFront) {
            Ok(grant) => return grant.admits(now_ms / 1000, Some(request.peer.ip())),
            Err(SignatureRefusal::UnknownKey) => {}
            Err(other) => refusal = other,
        }
    }
    Err(refusal)
}
