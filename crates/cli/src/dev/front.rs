//! The edge front: what CloudFront does with a request before and after the gateway, without a cache.

use super::system::System;
use crate::edge::{Arrived, Viewer, at_gate};
use crate::http::{self, Answers, WireBody};
use crate::log::Sink;
use crate::serve::budget;
use arc_swap::ArcSwap;
use hyper::body::{Body as _, Incoming};
use hyper::http::request::Parts;
use portcullis_edge::answer::{Answer, Stamp, XCache};
use portcullis_edge::gate::{HttpVersion, Passage, Scheme};
use portcullis_edge::headers::Headers;
use portcullis_edge::identity::{EdgeHost, POP, REQUEST_ID_RANDOM_BYTES, RequestId};
use portcullis_http_semantics::HttpDate;
use portcullis_origin::record::{Record, Verdict};
use portcullis_origin::response::Response;
use portcullis_site::Behavior;
use serde_json::json;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// The header by which one request chooses its viewer. Only `dev` knows it, and it goes no further.
const VIEWER: &str = "x-portcullis-viewer";
/// The header by which one request chooses the country CloudFront sees.
const COUNTRY: &str = "x-portcullis-country";

/// The edge front of one site.
pub(super) struct Front {
    system: ArcSwap<System>,
    viewer: IpAddr,
    country: Option<String>,
    log: Sink,
    json: bool,
    edge: EdgeHost,
}

/// A request as the front sees it.
#[derive(Clone, Copy)]
struct Exchange<'a> {
    system: &'a System,
    arrived: Arrived<'a>,
    id: &'a RequestId,
}

impl Front {
    pub(super) fn new(system: System, viewer: IpAddr, country: Option<String>, json: bool) -> Self {
        let edge = EdgeHost::new(random());
        Self {
            system: ArcSwap::from_pointee(system),
            viewer,
            country,
            log: if json { Sink::Stdout } else { Sink::Stderr },
            json,
            edge,
        }
    }

    /// Puts another system in its place; requests under way finish with the old one.
    pub(super) fn replace(&self, system: System) {
        self.system.store(Arc::new(system));
    }

    async fn exchange(&self, head: &Parts, has_body: bool) -> hyper::Response<WireBody> {
        let system = self.system.load_full();
        let headers = edge_headers(head);
        let target = head.uri.path_and_query().map_or("/", |t| t.as_str());
        let id = RequestId::new(random::<REQUEST_ID_RANDOM_BYTES>());
        let exchange = Exchange {
            system: &system,
            arrived: Arrived {
                viewer: self.viewer(&system, head),
                method: head.method.as_str(),
                target,
                headers: &headers,
            },
            id: &id,
        };
        let (Some(behavior), Some(now)) = (
            system.behavior(target),
            HttpDate::from_epoch_seconds(system.now()),
        ) else {
            return http::response(refused(403));
        };
        let stamp = Stamp {
            edge: &self.edge,
            pop: POP,
            id: &id,
            version: HttpVersion::Http11,
            now,
        };
        let host = head.headers.get("host").and_then(|h| h.to_str().ok());
        // Plain HTTP on the loopback address stands for the viewer's HTTPS.
        let (scheme, host) = (Scheme::Https, host.unwrap_or_default());
        match at_gate(behavior, &exchange.arrived, scheme, host, has_body) {
            Passage::Pass => {}
            Passage::Redirect { status, location } => {
                return generated(Answer::redirect(status, &location, &stamp));
            }
            Passage::Refuse(cause) => {
                self.log_refused_at_edge(&exchange, cause.detailed_result());
                return generated(Answer::error(cause, &stamp));
            }
        }
        let answer = self.ask(&exchange, behavior).await;
        let answer = self.custom_error(&exchange, answer).await;
        marked(answer, &stamp)
    }

    fn viewer(&self, system: &System, head: &Parts) -> Viewer {
        let text = |name| head.headers.get(name).and_then(|v| v.to_str().ok());
        let address = text(VIEWER)
            .and_then(|v| v.parse().ok())
            .unwrap_or(self.viewer);
        let named = text(COUNTRY).or(self.country.as_deref());
        system.viewer(address, named)
    }

    /// Asks what is behind the edge: the gateway, or the bucket that CloudFront reads itself.
    async fn ask(&self, exchange: &Exchange<'_>, behavior: &Behavior) -> Response {
        let sender = exchange.system.sender(&self.edge, exchange.id);
        let heard = sender.send(&exchange.arrived, behavior);
        let cookies = heard.cookies();
        let request = heard.request(&cookies);
        let gateway = exchange.system.behind(behavior);
        let answer = gateway.handle(&request, &budget()).await;
        if let Some(record) = &answer.record {
            self.log(record);
        }
        answer.response
    }

    /// Replaces an error by the site's page for it, which is fetched through the behavior of its own path.
    async fn custom_error(&self, exchange: &Exchange<'_>, answer: Response) -> Response {
        let configured = exchange
            .system
            .site()
            .errors
            .get(&answer.status)
            .filter(|_| exchange.arrived.method != "OPTIONS");
        let Some((rule, document)) =
            configured.and_then(|rule| Some((rule, rule.document.as_ref()?)))
        else {
            return answer;
        };
        let Some(behavior) = exchange.system.behavior(document) else {
            return answer;
        };
        let none = Headers::default();
        let page = Exchange {
            arrived: Arrived {
                target: document,
                headers: &none,
                method: "GET",
                ..exchange.arrived
            },
            ..*exchange
        };
        let mut page = self.ask(&page, behavior).await;
        if page.status == 200 {
            page.status = rule.status.unwrap_or(answer.status);
        }
        if exchange.arrived.method == "HEAD" {
            page.body = portcullis_origin::response::Body::Empty;
        }
        page
    }

    fn log(&self, record: &Record<'_>) {
        if self.json {
            self.log.line(&record.line());
            return;
        }
        let verdict = match record.verdict {
            Verdict::Admitted => "admitted",
            Verdict::Reported => "reported",
            Verdict::Refused => "refused",
            Verdict::Unproven => "unproven",
            Verdict::Rejected => "rejected",
        };
        let statement = record
            .statement
            .map(|n| format!(" by statement {n}"))
            .unwrap_or_default();
        let policy = record
            .policy
            .map(|p| format!(" of {p}"))
            .unwrap_or_default();
        let why = match record.reason {
            "admitted" => String::new(),
            reason => format!(": {reason}"),
        };
        self.log.line(&format!(
            "{} {} {}  {verdict}{statement}{policy}{why}",
            record.status, record.method, record.path
        ));
    }

    fn log_refused_at_edge(&self, exchange: &Exchange<'_>, why: &str) {
        let (method, target) = (exchange.arrived.method, exchange.arrived.target);
        if self.json {
            let event = json!({ "event": "refused-at-edge", "method": method, "target": target, "why": why });
            self.log.line(&event.to_string());
        } else {
            self.log
                .line(&format!("{method} {target}  refused at the edge: {why}"));
        }
    }
}

impl Answers for Front {
    async fn answer(
        &self,
        request: hyper::Request<Incoming>,
        _peer: SocketAddr,
    ) -> hyper::Response<WireBody> {
        let has_body = !request.body().is_end_stream();
        let (head, _body) = request.into_parts();
        self.exchange(&head, has_body).await
    }
}

/// The viewer's headers without those that only `dev` honours.
fn edge_headers(head: &Parts) -> Headers {
    let mut headers = Headers::default();
    let sent = head
        .headers
        .iter()
        .filter(|(name, _)| !matches!(name.as_str(), VIEWER | COUNTRY));
    sent.for_each(|(name, value)| headers.add(name.as_str(), value.as_bytes()));
    headers
}

fn refused(status: u16) -> Response {
    portcullis_origin::serve::plain(status, "Access denied.\n")
}

/// An answer the edge made itself.
fn generated(answer: Answer) -> hyper::Response<WireBody> {
    use http_body_util::{BodyExt as _, Full};
    let body = Full::new(bytes::Bytes::from(answer.body))
        .map_err(|never| match never {})
        .boxed_unsync();
    let mut response = hyper::Response::new(body);
    *response.status_mut() = hyper::StatusCode::from_u16(answer.status)
        .unwrap_or(hyper::StatusCode::INTERNAL_SERVER_ERROR);
    set(&mut response, &answer.headers);
    response
}

/// An answer from behind the edge, marked as CloudFront marks it.
fn marked(answer: Response, stamp: &Stamp<'_>) -> hyper::Response<WireBody> {
    let x_cache = if answer.status >= 400 {
        XCache::Error
    } else {
        XCache::Miss
    };
    let mut response = http::response(answer);
    let mut marks = Headers::default();
    stamp.mark(&mut marks, x_cache);
    set(&mut response, &marks);
    response
}

fn set(response: &mut hyper::Response<WireBody>, headers: &Headers) {
    for (name, value) in headers.iter() {
        let name = hyper::header::HeaderName::from_bytes(name.as_bytes());
        let value = hyper::header::HeaderValue::from_bytes(value);
        if let (Ok(name), Ok(value)) = (name, value) {
            response.headers_mut().insert(name, value);
        }
    }
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    // Without randomness ids repeat, and nothing else depends on them here.
    let _ids_repeat = getrandom::fill(&mut bytes);
    bytes
}
