//! Functions behind the driver of `portcullis-edge-server`: from a viewer's request with its body to the origin and back.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must fail"
)]

mod play;
mod support;

use http::Method;
use play::Runs;
use portcullis_edge::compute::ComputeCall;
use portcullis_edge::distribution::{Distribution, EventType, Origin};
use portcullis_edge::identity::REQUEST_ID_RANDOM_BYTES;
use portcullis_edge::network::{Network, Settings};
use portcullis_edge_functions::lambda::Runtime;
use portcullis_edge_functions::{LambdaLimits, Place, Runner};
use portcullis_edge_server::body::Body;
use portcullis_edge_server::drive::{Edge, Functions, Running, World};
use portcullis_edge_server::fields::Fields;
use portcullis_edge_server::listen::{Answer, Arrived, Handler as _, Scheme, Version, Via};
use portcullis_edge_server::origins::{Framing, OriginAnswer, OriginConnector, OriginFetch};
use portcullis_viewer::country::Country;
use std::net::IpAddr;
use std::sync::Arc;
use support::{Lambda, PLACE};

/// A runner on threads that may block.
struct Threads(Arc<Runner>);

impl Functions for Threads {
    fn run<'a>(&'a self, distribution: &'a str, call: ComputeCall) -> Running<'a> {
        let (runner, id) = (Arc::clone(&self.0), distribution.to_owned());
        let running = tokio::task::spawn_blocking(move || {
            let place = Place {
                domain: PLACE.domain,
                id: &id,
            };
            runner.run(call, place).outcome
        });
        Box::pin(async move { running.await.unwrap() })
    }
}

/// One origin, which answers with what it was asked: the path, the field `X-A`, and the length of the body.
struct Echo;

impl World for Echo {
    fn now_ms(&self) -> u64 {
        1_767_225_600_000
    }

    fn random(&self) -> [u8; REQUEST_ID_RANDOM_BYTES] {
        [1; REQUEST_ID_RANDOM_BYTES]
    }

    fn country(&self, _address: IpAddr) -> Option<Country> {
        None
    }

    fn connector(&self, _distribution: &str, origin: &Origin) -> Arc<dyn OriginConnector> {
        let domain = origin.domain.clone();
        Arc::new(move |fetch: OriginFetch| {
            let domain = domain.clone();
            async move {
                let field = fetch
                    .fields
                    .get("x-a")
                    .map(|value| String::from_utf8_lossy(value).into_owned());
                let body = fetch.body.collect(10 << 20).await.unwrap();
                let text = format!(
                    "{domain}{} {} {}",
                    fetch.target,
                    field.unwrap_or_default(),
                    body.len()
                );
                Ok(OriginAnswer {
                    status: 200,
                    fields: Fields::default(),
                    framing: Framing::Length(text.len() as u64),
                    body: Body::from(text.into_bytes()),
                })
            }
        })
    }
}

fn edge(distribution: Distribution, runner: Runner) -> Edge<Echo> {
    assert!(runner.missing(&distribution).is_empty());
    let mut network = Network::new(Settings::local([7; 16], 1));
    network.install(distribution).unwrap();
    Edge::new(
        network,
        Echo,
        Some(Box::new(Threads(Arc::new(runner)))),
        true,
    )
}

async fn ask(edge: &Edge<Echo>, method: Method, body: Body) -> (u16, String) {
    let mut fields = Fields::default();
    fields.add("Host", PLACE.domain).unwrap();
    let arrived = Arrived {
        via: Via {
            scheme: Scheme::Http,
            peer: "192.0.2.2:50000".parse().unwrap(),
            tls: None,
        },
        version: Version::Http11,
        method,
        target: "/a".to_owned(),
        host: PLACE.domain.to_owned(),
        fields,
    };
    let Answer { status, body, .. } = edge.answer(arrived, body).await;
    let text = body.collect(1 << 20).await.unwrap();
    (status, String::from_utf8_lossy(&text).into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn both_kinds_run_on_the_way_to_the_origin() {
    let mut distribution = play::distribution();
    distribution.origins.push(play::origin("second"));
    let function = "import cf from 'cloudfront';
        function handler(e) { e.request.uri += '/one'; cf.selectRequestOriginById('second'); return e.request; }";
    let function = Runs::function(function);
    let lambda = "exports.handler = async (e) => { const r = e.Records[0].cf.request; const b = r.body;
        const size = b ? Buffer.from(b.data, 'base64').length : -1;
        r.headers['x-a'] = [{ value: r.origin.custom.domainName + ' ' + size + ' ' + Boolean(b && b.inputTruncated) }]; return r; }";
    let lambda = Lambda::new(Runtime::Node, lambda, LambdaLimits::default());
    let lambda = Runs::Lambda(lambda);
    let functions = &mut distribution.default_behavior.functions;
    function.associate(functions, EventType::ViewerRequest);
    lambda.associate_with_body(functions, EventType::OriginRequest);
    let mut runner = Runner::new();
    let _folder = function.into(&mut runner);
    let folder = lambda.into(&mut runner);
    let edge = edge(distribution, runner);
    // No body, a small one, and one that is larger than what a function is shown: the origin has all of it.
    let rows = [
        (Method::GET, 0, "-1 false"),
        (Method::POST, 3, "3 false"),
        (Method::POST, (1 << 20) + 5, "1048576 true"),
    ];
    for (method, bytes, shown) in rows {
        let body = Body::from(vec![b'a'; bytes]);
        let expected = format!("second.example.org/a/one second.example.org {shown} {bytes}");
        assert_eq!(ask(&edge, method, body).await, (200, expected));
    }
    drop(folder);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_in_parts_is_shown_and_goes_on() {
    let mut distribution = play::distribution();
    let lambda = "exports.handler = async (e) => { const r = e.Records[0].cf.request;
        r.uri = '/' + Buffer.from(r.body.data, 'base64').length + '/' + r.body.inputTruncated; return r; }";
    let lambda = Runs::Lambda(Lambda::new(Runtime::Node, lambda, LambdaLimits::default()));
    lambda.associate_with_body(
        &mut distribution.default_behavior.functions,
        EventType::ViewerRequest,
    );
    let mut runner = Runner::new();
    let _folder = lambda.into(&mut runner);
    let edge = edge(distribution, runner);
    for (parts, shown) in [(4, "/40000/false"), (5, "/40960/true")] {
        let body = (0..parts).map(|_| Ok(vec![b'a'; 10_000].into()));
        let body = Body::parts(futures_util::stream::iter(body.collect::<Vec<_>>()), None);
        let expected = format!("first.example.org{shown}  {}", parts * 10_000);
        assert_eq!(ask(&edge, Method::POST, body).await, (200, expected));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_here_fails() {
    let mut distribution = play::distribution();
    let function = Runs::function("function handler(e) { return e.request; }");
    function.associate(
        &mut distribution.default_behavior.functions,
        EventType::ViewerRequest,
    );
    let runner = Runner::new();
    let missing = runner.missing(&distribution);
    assert_eq!(missing.len(), 1);
    assert_eq!(missing[0].0, "*");
    let mut network = Network::new(Settings::local([7; 16], 1));
    network.install(distribution).unwrap();
    let edge = Edge::new(
        network,
        Echo,
        Some(Box::new(Threads(Arc::new(runner)))),
        true,
    );
    assert_eq!(ask(&edge, Method::GET, Body::empty()).await.0, 503);
}
