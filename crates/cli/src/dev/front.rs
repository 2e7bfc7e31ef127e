//! The edge front: what CloudFront does with a request before and after the gateway, without a cache.

use super::system::{EDGE, FUNCTION_URL, System, gate_settings};
use crate::http::{self, Answers, Texts, WireBody};
use crate::serve::budget;
use anstream::{eprintln, println};
use arc_swap::ArcSwap;
use hyper::body::{Body as _, Incoming};
use hyper::http::request::Parts;
use portcullis_edge::accept_encoding::EdgeCodings;
use portcullis_edge::answer::{Answer, Stamp, XCache};
use portcullis_edge::gate::{Arrival, Gate, GeoRestriction, HttpVersion, Passage, Scheme, pass};
use portcullis_edge::headers::Headers;
use portcullis_edge::identity::{EdgeHost, REQUEST_ID_RANDOM_BYTES, RequestId};
use portcullis_edge::origin_request::{
    Forwarding, GeneratedHeader, Origin, ViewerRequest, origin_request,
};
use portcullis_edge::path::split_target;
use portcullis_edge::selection::{Names, Selection};
use portcullis_edge::switches::Switches;
use portcullis_http_semantics::HttpDate;
use portcullis_origin::record::{Record, Verdict};
use portcullis_origin::request::{Front as Delivery, Principal, Request};
use portcullis_origin::response::Response;
use portcullis_site::{Behavior, Caching, QueryKey, Site};
use portcullis_viewer::country::Country;
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
    json: bool,
    edge: EdgeHost,
}

/// Who asks.
#[derive(Clone, Copy)]
struct Viewer {
    address: SocketAddr,
    country: Option<Country>,
}

/// A request as the front sees it.
struct Exchange<'a> {
    system: &'a System,
    viewer: Viewer,
    method: &'a str,
    target: &'a str,
    headers: &'a Headers,
    id: &'a RequestId,
}

impl Front {
    pub(super) fn new(system: System, viewer: IpAddr, country: Option<String>, json: bool) -> Self {
        let edge = EdgeHost::new(random());
        Self {
            system: ArcSwap::from_pointee(system),
            viewer,
            country,
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
        let viewer = self.viewer(&system, head);
        let exchange = Exchange {
            system: &system,
            viewer,
            method: head.method.as_str(),
            target,
            headers: &headers,
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
            id: &id,
            version: HttpVersion::Http11,
            now,
        };
        match self.gate(behavior, head, &exchange, has_body) {
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

    fn gate(
        &self,
        behavior: &Behavior,
        head: &Parts,
        exchange: &Exchange<'_>,
        has_body: bool,
    ) -> Passage {
        let (viewer_protocol, allowed_methods) = gate_settings(behavior);
        let gate = Gate {
            geo: &GeoRestriction::Off,
            viewer_protocol,
            allowed_methods,
        };
        let arrival = Arrival {
            method: exchange.method,
            host: head
                .headers
                .get("host")
                .and_then(|h| h.to_str().ok())
                .unwrap_or_default(),
            target: exchange.target,
            // Plain HTTP on the loopback address stands for the viewer's HTTPS.
            scheme: Scheme::Https,
            version: HttpVersion::Http11,
            country: exchange.viewer.country,
            has_body,
            header_bytes: exchange.headers.bytes(),
        };
        pass(&gate, &arrival, &Switches::default())
    }

    fn viewer(&self, system: &System, head: &Parts) -> Viewer {
        let text = |name| head.headers.get(name).and_then(|v| v.to_str().ok());
        let address = text(VIEWER)
            .and_then(|v| v.parse().ok())
            .unwrap_or(self.viewer);
        let named = text(COUNTRY).or(self.country.as_deref());
        viewer(system, address, named)
    }

    /// Asks what is behind the edge: the gateway, or the bucket that CloudFront reads itself.
    async fn ask(&self, exchange: &Exchange<'_>, behavior: &Behavior) -> Response {
        let sent = to_origin(exchange, behavior, &self.edge);
        let (path, query) = split_target(&sent.target);
        let text = |name: &str| {
            sent.headers
                .joined(name, ",")
                .map(|v| String::from_utf8_lossy(&v).into_owned())
        };
        let texts = Texts::of(text, &exchange.system.site().guard.secret_header.name);
        let cookies = text("cookie");
        let cookies: Vec<&str> = cookies.iter().map(String::as_str).collect();
        let id = http::opaque_id();
        let request = Request {
            front: Delivery::Domain(FUNCTION_URL),
            principal: Some(Principal { arn: None }),
            peer: Some(EDGE),
            method: exchange.method,
            raw_path: path,
            raw_query: query.unwrap_or_default(),
            headers: texts.headers(),
            cookies: &cookies,
            id: &id,
        };
        let gateway = if exchange.system.is_direct(behavior) {
            &exchange.system.direct
        } else {
            &exchange.system.gateway
        };
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
            .filter(|_| exchange.method != "OPTIONS");
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
            target: document,
            headers: &none,
            method: "GET",
            ..*exchange
        };
        let mut page = self.ask(&page, behavior).await;
        if page.status == 200 {
            page.status = rule.status.unwrap_or(answer.status);
        }
        if exchange.method == "HEAD" {
            page.body = portcullis_origin::response::Body::Empty;
        }
        page
    }

    fn log(&self, record: &Record<'_>) {
        if self.json {
            println!("{}", record.line());
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
        eprintln!(
            "{} {} {}  {verdict}{statement}{policy}{why}",
            record.status, record.method, record.path
        );
    }

    fn log_refused_at_edge(&self, exchange: &Exchange<'_>, why: &str) {
        if self.json {
            println!(
                "{}",
                serde_json::json!({ "event": "refused-at-edge", "method": exchange.method, "target": exchange.target, "why": why })
            );
        } else {
            eprintln!(
                "{} {}  refused at the edge: {why}",
                exchange.method, exchange.target
            );
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

/// The viewer at `address`; CloudFront sees the country that is named, else the one of the address.
fn viewer(system: &System, address: IpAddr, country: Option<&str>) -> Viewer {
    let country = country.map_or_else(|| system.country(address), |code| code.parse().ok());
    Viewer {
        address: SocketAddr::new(address, 50_443),
        country,
    }
}

/// What would become of a request for `path`, in a word and with the reason.
pub(super) fn foretell(
    system: &System,
    address: IpAddr,
    country: Option<&str>,
    path: &str,
    query: &str,
) -> (&'static str, String) {
    use portcullis_origin::judge::Judgement;
    use portcullis_policy::Decision;
    let Some(behavior) = system.behavior(path) else {
        return ("refused", "no behavior governs it".to_owned());
    };
    let target = if query.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{query}")
    };
    let (headers, id, edge) = (
        Headers::default(),
        RequestId::new([0; REQUEST_ID_RANDOM_BYTES]),
        EdgeHost::new([0; 16]),
    );
    let exchange = Exchange {
        system,
        viewer: viewer(system, address, country),
        method: "GET",
        target: &target,
        headers: &headers,
        id: &id,
    };
    let sent = to_origin(&exchange, behavior, &edge);
    let (path, query) = split_target(&sent.target);
    let text = |name: &str| {
        sent.headers
            .joined(name, ",")
            .map(|v| String::from_utf8_lossy(&v).into_owned())
    };
    let texts = Texts::of(text, &system.site().guard.secret_header.name);
    let request = Request {
        front: Delivery::Domain(FUNCTION_URL),
        principal: Some(Principal { arn: None }),
        peer: Some(EDGE),
        method: "GET",
        raw_path: path,
        raw_query: query.unwrap_or_default(),
        headers: texts.headers(),
        cookies: &[],
        id: "",
    };
    let gateway = if system.is_direct(behavior) {
        &system.direct
    } else {
        &system.gateway
    };
    let judged = gateway
        .judge()
        .judge(&request, gateway.live().current().state(), system.now());
    let policy = &behavior.policy;
    match judged {
        Judgement::Unproven(failure) => ("unproven", failure.code().to_owned()),
        Judgement::Rejected(_, rejection) => ("rejected", rejection.code().to_owned()),
        Judgement::Decided(decided) => match &decided.decision {
            Decision::Admitted(admitted) if admitted.reported().is_some() => {
                ("reported", format!("policy {policy} only reports"))
            }
            Decision::Admitted(_) => ("admitted", format!("policy {policy}")),
            Decision::Refused(refusal) => (
                "refused",
                format!("policy {policy}: {}", refusal.reason.code()),
            ),
        },
    }
}

/// What CloudFront sends on for a behavior of the site.
fn to_origin(
    exchange: &Exchange<'_>,
    behavior: &Behavior,
    edge: &EdgeHost,
) -> portcullis_edge::origin_request::OriginRequest {
    let viewer = ViewerRequest {
        target: exchange.target,
        version: HttpVersion::Http11,
        scheme: Scheme::Https,
        headers: exchange.headers,
        peer: exchange.viewer.address,
        country: exchange.viewer.country,
    };
    let origin = Origin {
        domain: FUNCTION_URL.to_owned(),
        path: String::new(),
        custom_headers: exchange.system.custom_headers.clone(),
    };
    let forwarding = forwarding(exchange.system.site(), behavior);
    origin_request(
        &viewer,
        &forwarding,
        None,
        &origin,
        edge,
        exchange.id,
        &Switches::default(),
    )
}

/// The cache policy and the origin request policy of a behavior, in one: only what is needed.
fn forwarding(site: &Site, behavior: &Behavior) -> Forwarding {
    let signed = site.policies.get(&behavior.policy).is_some_and(|p| {
        p.statements
            .iter()
            .any(|s| s.when.as_ref().is_some_and(|w| w.signed_by.is_some()))
    });
    let mut headers: Vec<String> = Vec::new();
    if behavior.response_headers.cors.is_some() {
        headers.extend(
            [
                "origin",
                "access-control-request-method",
                "access-control-request-headers",
            ]
            .map(str::to_owned),
        );
    }
    let (cached, query) = match &behavior.caching {
        Caching::Disabled => (false, Names::All),
        Caching::Enabled { key, .. } => {
            headers.extend(key.headers.iter().cloned());
            (true, names(&key.query))
        }
    };
    let requested = |names| Selection {
        cache_policy: Names::Nothing,
        origin_request_policy: names,
    };
    Forwarding {
        headers: requested(Names::Only(headers)),
        cookies: requested(if signed {
            Names::Only(SIGNED_COOKIES.map(str::to_owned).to_vec())
        } else {
            Names::Nothing
        }),
        query: requested(query),
        generated: vec![
            GeneratedHeader::ViewerAddress,
            GeneratedHeader::ViewerCountry,
        ],
        codings: EdgeCodings {
            gzip: cached && behavior.compress,
            brotli: cached && behavior.compress,
        },
    }
}

const SIGNED_COOKIES: [&str; 5] = [
    "CloudFront-Policy",
    "CloudFront-Expires",
    "CloudFront-Signature",
    "CloudFront-Key-Pair-Id",
    "CloudFront-Hash-Algorithm",
];

fn names(query: &QueryKey) -> Names {
    match query {
        QueryKey::None => Names::Nothing,
        QueryKey::All => Names::All,
        QueryKey::Only(names) => Names::Only(names.clone()),
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
