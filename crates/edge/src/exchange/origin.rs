//! The origin: what it is asked, by which member of a group, and what its answer means.

use super::{Asking, Exchange, Fetch, Next, OriginHead, State, store::Verdict};
use crate::answer::Cause;
use crate::compute::{OriginChoice, ShownBody};
use crate::distribution::{EventType, Origin, OriginGroup, Target};
use crate::failover::{Primary, goes_to_secondary};
use crate::headers::Headers;
use crate::network::Network;
use crate::origin_failure::OriginFailure;
use crate::path::split_target;
use crate::played::Played;
use crate::stale::{OriginReply, Serving};
use crate::store::Copy;
use crate::trace::{ResultType, Step};
use std::sync::Arc;

impl Network {
    pub(super) fn ask_origin(
        &mut self,
        exchange: &mut Exchange,
        asking: Asking,
        now_ms: u64,
    ) -> Next {
        let Some(played) = exchange.played.clone() else {
            return self.out_of_order(exchange, now_ms);
        };
        let behavior = played.distribution.behavior(exchange.behavior);
        let asking = Box::new(asking);
        match &behavior.functions.origin_request {
            Some(compute) => {
                let mut call = exchange.call(EventType::OriginRequest, compute);
                self.show_origin_request(exchange, &played, &asking, &mut call);
                call.request.origin = exchange.origin_position(&played, asking.second);
                exchange.show_origins(&played, asking.second, &mut call);
                // What a function put in the place of the viewer's body.
                let put = exchange.change.as_ref().and_then(|c| c.body.as_ref());
                call.body = put
                    .zip(call.body_bytes_max())
                    .map(|(body, bytes_max)| ShownBody::of(body, bytes_max));
                exchange.state = State::OriginRequest(asking);
                Next::Compute(Box::new(call))
            }
            None => self.ask(exchange, &played, asking, now_ms),
        }
    }

    pub(super) fn ask(
        &mut self,
        exchange: &mut Exchange,
        played: &Played,
        asking: Box<Asking>,
        now_ms: u64,
    ) -> Next {
        let Some(fetch) = self.fetch(exchange, played, &asking) else {
            return self.out_of_order(exchange, now_ms);
        };
        exchange.trace.origin_requests = exchange.trace.origin_requests.saturating_add(1);
        exchange.trace.steps.push(Step::Origin {
            id: fetch.origin.id.clone(),
            conditional: asking.conditional,
        });
        exchange.state = State::Fetching(asking);
        Next::Fetch(Box::new(fetch))
    }

    /// The request to the origin; `None` when there is no such origin, which a reader rules out.
    pub(super) fn fetch(
        &self,
        exchange: &Exchange,
        played: &Played,
        asking: &Asking,
    ) -> Option<Fetch> {
        let origin = exchange.origin(played, asking.second)?;
        let mut request = played.origin_request(
            exchange.behavior,
            &exchange.request,
            &origin,
            &self.edge,
            &self.settings.switches,
        );
        if let Some(copy) = asking.stale.as_ref().filter(|_| asking.conditional) {
            set_conditions(&mut request.headers, copy);
        }
        let mut body = exchange
            .change
            .as_ref()
            .and_then(|change| change.body.clone());
        if let Some(changed) = &asking.changed {
            let (_, forwarded) = split_target(&request.target);
            let forwarded = forwarded.unwrap_or_default();
            // A query that was not shown and not set is still forwarded.
            let shown = played.shows_query(exchange.behavior);
            let query = match changed.query.as_str() {
                "" if !shown => forwarded,
                query => query,
            };
            let mark = if query.is_empty() { "" } else { "?" };
            request.target = format!("{}{}{mark}{query}", origin.path, changed.uri);
            request.headers = changed.headers.clone();
            for (name, value) in origin.custom_headers.iter() {
                request.headers.set(name, value);
            }
            body = changed.body.clone().or(body);
        }
        let behavior = played.distribution.behavior(exchange.behavior);
        Some(Fetch {
            origin,
            method: exchange.request.method.clone(),
            request,
            sends_viewer_body: exchange.request.has_body
                && body.is_none()
                && exchange.page.is_none(),
            body,
            scheme: exchange.request.scheme,
            field_encryption: behavior.field_encryption.clone(),
        })
    }

    pub(super) fn fetched(
        &mut self,
        exchange: &mut Exchange,
        asking: Box<Asking>,
        outcome: Result<OriginHead, OriginFailure>,
        now_ms: u64,
    ) -> Next {
        let Some(played) = exchange.played.clone() else {
            return self.out_of_order(exchange, now_ms);
        };
        exchange.trace.steps.push(match &outcome {
            Ok(head) => Step::Status(head.status),
            Err(failure) => Step::OriginFailed(*failure),
        });
        if !asking.second && fails_over(exchange, &played, &outcome) {
            exchange.trace.steps.push(Step::FailedOver);
            let second = Asking {
                second: true,
                changed: None,
                ..*asking
            };
            return self.ask_origin(exchange, second, now_ms);
        }
        let behavior = played.distribution.behavior(exchange.behavior);
        match (outcome, &behavior.functions.origin_response) {
            (Err(failure), _) => self.origin_failed(exchange, &asking, failure, now_ms),
            (Ok(head), Some(compute)) => {
                let mut call = exchange.call(EventType::OriginResponse, compute);
                self.show_origin_request(exchange, &played, &asking, &mut call);
                Self::run_origin_response(exchange, asking, head, call)
            }
            (Ok(head), None) => self.settle(exchange, asking, head, now_ms),
        }
    }

    /// The origin has answered for good: refresh, stand-in, error, or an answer to keep and pass on.
    pub(super) fn settle(
        &mut self,
        exchange: &mut Exchange,
        asking: Box<Asking>,
        head: OriginHead,
        now_ms: u64,
    ) -> Next {
        if let Some(copy) = asking.stale.clone() {
            if head.status == 304 && asking.conditional {
                return self.refresh(exchange, &asking, &copy, &head, now_ms);
            }
            let serving = self.stand_in(&copy, OriginReply::Status(head.status), now_ms);
            if let Some(serving) = serving.filter(|_| head.status >= 500) {
                return self.stand_in_for(exchange, &asking, &copy, serving, now_ms);
            }
        }
        let verdict = self.judge(exchange, &asking, &head, now_ms);
        if head.status >= 400 && exchange.page.is_none() && self.has_page(exchange, head.status) {
            return self.error_with_page(exchange, &asking, &head, &verdict, now_ms);
        }
        if let Some(bytes_max) = self.compresses(exchange, &asking, &head) {
            return self.collect(exchange, asking, head, verdict, bytes_max, now_ms);
        }
        self.pass_on(exchange, &asking, head, &verdict, now_ms)
    }

    fn collect(
        &mut self,
        exchange: &mut Exchange,
        mut asking: Box<Asking>,
        head: OriginHead,
        verdict: Verdict,
        bytes_max: u64,
        now_ms: u64,
    ) -> Next {
        if let Some(body) = asking.generated.take() {
            return self.collected(exchange, &asking, head, &verdict, Ok(body), now_ms);
        }
        exchange.state = State::Collecting(asking, Box::new(head), Box::new(verdict));
        Next::Collect { bytes_max }
    }

    fn origin_failed(
        &mut self,
        exchange: &mut Exchange,
        asking: &Asking,
        failure: OriginFailure,
        now_ms: u64,
    ) -> Next {
        if let Some(copy) = asking.stale.clone()
            && let Some(serving) = self.stand_in(&copy, OriginReply::Unreachable, now_ms)
        {
            return self.stand_in_for(exchange, asking, &copy, serving, now_ms);
        }
        self.fail(exchange, asking, Cause::of(failure), now_ms)
    }

    fn stand_in(&self, copy: &Copy, reply: OriginReply, now_ms: u64) -> Option<Serving> {
        let serving = copy
            .staleness(now_ms)
            .serve(reply, self.settings.switches.stale_limit);
        matches!(serving, Serving::StaleIfError | Serving::StaleByDefault).then_some(serving)
    }

    /// Serves the copy, and goes on doing so for the error caching minimum TTL without asking again.
    fn stand_in_for(
        &mut self,
        exchange: &mut Exchange,
        asking: &Asking,
        copy: &Arc<Copy>,
        serving: Serving,
        now_ms: u64,
    ) -> Next {
        let min_ttl = self.error_min_ttl(exchange, 500);
        if let (Some(key), Some(played)) = (&asking.key, exchange.played.clone()) {
            let mut standing = Copy::clone(copy);
            standing.stands_in_until_ms = now_ms.saturating_add(min_ttl.saturating_mul(1000));
            let standing = Arc::new(standing);
            for tier in super::consult::places(self.tiers_of(exchange, &played)) {
                self.store.insert(tier, key.clone(), Arc::clone(&standing));
            }
        }
        self.land_flight(exchange);
        self.serve_stale(exchange, copy, serving, now_ms)
    }

    pub(super) fn serve_stale(
        &mut self,
        exchange: &mut Exchange,
        copy: &Arc<Copy>,
        serving: Serving,
        now_ms: u64,
    ) -> Next {
        self.serve_stale_and(exchange, copy, serving, None, now_ms)
    }

    pub(super) fn serve_stale_and(
        &mut self,
        exchange: &mut Exchange,
        copy: &Arc<Copy>,
        serving: Serving,
        background: Option<Box<Exchange>>,
        now_ms: u64,
    ) -> Next {
        exchange.trace.steps.push(Step::Stale(serving));
        let mut next = self.serve_copy(exchange, copy, ResultType::Hit, "Hit", now_ms);
        match (&mut next, &mut exchange.state) {
            (Next::Answer(reply), _) => reply.background = background,
            (_, State::ViewerResponse(reply)) => reply.background = background,
            _ => {}
        }
        next
    }

    pub(super) fn land_flight(&mut self, exchange: &mut Exchange) {
        if let Some((tier, key, flight)) = exchange.flight.take() {
            self.land(tier, &key, flight);
        }
    }
}

/// RFC 9110 §13.1: the copy's validators, in place of whatever the viewer asked.
fn set_conditions(headers: &mut Headers, copy: &Copy) {
    for name in [
        "if-none-match",
        "if-modified-since",
        "if-match",
        "if-unmodified-since",
        "if-range",
        "range",
    ] {
        headers.remove(name);
    }
    if let Some(etag) = copy.headers.get("etag") {
        headers.set("If-None-Match", etag);
    }
    if let Some(modified) = copy.headers.get("last-modified") {
        headers.set("If-Modified-Since", modified);
    }
}

fn fails_over(
    exchange: &Exchange,
    played: &Played,
    outcome: &Result<OriginHead, OriginFailure>,
) -> bool {
    let Some(statuses) = exchange.failover_statuses(played) else {
        return false;
    };
    let primary = match outcome {
        Ok(head) => Primary::Status(head.status),
        Err(OriginFailure::Timeout) => Primary::Timeout,
        Err(_) => Primary::ConnectFailure,
    };
    let caches_options = played
        .distribution
        .behavior(exchange.behavior)
        .caches_options;
    goes_to_secondary(statuses, &exchange.request.method, caches_options, primary)
}

impl Exchange {
    fn group<'p>(&self, played: &'p Played) -> Option<&'p OriginGroup> {
        match played.distribution.behavior(self.behavior).target {
            Target::Group(at) => played.distribution.groups.get(at),
            Target::Origin(_) => None,
        }
    }

    fn failover_statuses<'a>(&'a self, played: &'a Played) -> Option<&'a [u16]> {
        match self.change.as_ref().map(|change| &change.origin) {
            Some(OriginChoice::Group { statuses, .. }) => Some(statuses),
            // A function's origin stands for the first of the group alone.
            Some(OriginChoice::Known(_)) => None,
            Some(OriginChoice::Described(_) | OriginChoice::Unchanged) | None => {
                self.group(played).map(|group| group.statuses.as_slice())
            }
        }
    }

    fn origin_position(&self, played: &Played, second: bool) -> Option<usize> {
        let member = usize::from(second);
        match self.change.as_ref().map(|change| &change.origin) {
            Some(OriginChoice::Known(at)) => return Some(*at),
            Some(OriginChoice::Group { members, .. }) => return members.get(member).copied(),
            Some(OriginChoice::Described(_)) if !second => return None,
            Some(OriginChoice::Described(_) | OriginChoice::Unchanged) | None => {}
        }
        match played.distribution.behavior(self.behavior).target {
            Target::Origin(at) => Some(at),
            Target::Group(_) => self.group(played)?.members.get(member).copied(),
        }
    }

    pub(super) fn origin(&self, played: &Played, second: bool) -> Option<Arc<Origin>> {
        let described = self
            .change
            .as_ref()
            .and_then(|change| match &change.origin {
                OriginChoice::Described(origin) if !second => Some(Arc::new(Origin::clone(origin))),
                _ => None,
            });
        described.or_else(|| {
            self.origin_position(played, second)
                .and_then(|at| played.origin(at))
        })
    }
}
