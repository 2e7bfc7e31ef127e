//! Every case of `edge_functions.json`: real functions, in the model where the case is about it.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must fail"
)]

mod play;
mod support;

use play::{Play, Runs};
use portcullis_edge::compute::Computed;
use portcullis_edge::distribution::{Distribution, EventType, OriginGroup, Target};
use portcullis_edge::exchange::Reply;
use portcullis_edge::gate::{Scheme, ViewerProtocolPolicy};
use portcullis_edge::origin_failure::OriginFailure;
use portcullis_edge_functions::LambdaLimits;
use portcullis_edge_functions::lambda::Runtime;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::Duration;
use support::Lambda;

fn cases() -> Vec<Value> {
    let folder = std::env::var_os("PORTCULLIS_VECTORS").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors")),
        PathBuf::from,
    );
    let text = std::fs::read(folder.join("edge_functions.json")).unwrap();
    let file: Value = serde_json::from_slice(&text).unwrap();
    file["cases"].as_array().unwrap().clone()
}

fn event(case: &Value) -> EventType {
    match case["event"].as_str().unwrap() {
        "viewer-request" => EventType::ViewerRequest,
        "origin-request" => EventType::OriginRequest,
        "origin-response" => EventType::OriginResponse,
        "viewer-response" => EventType::ViewerResponse,
        other => panic!("no event {other}"),
    }
}

/// The statement that does what a case says, as `kind` writes it; the request or the response is `it`.
fn action(case: &Value) -> &'static str {
    match (
        case["action"].as_str().unwrap(),
        case["kind"].as_str().unwrap(),
    ) {
        ("add header X-Amz-Cf-Foo", _) => "it.headers['x-amz-cf-foo'] = [{ value: 'a' }];",
        ("change Host", _) => "it.headers.host = [{ value: 'a' }];",
        ("change Accept-Encoding", _) => "it.headers['accept-encoding'] = [{ value: 'br' }];",
        ("change Content-Encoding", _) => "it.headers['content-encoding'] = [{ value: 'br' }];",
        ("status 404", "cff") => "it.statusCode = 404;",
        ("status 404", _) => "it.status = '404';",
        ("status 199", _) => "it.status = '199';",
        ("response of 40961 bytes", _) => "return { status: '200', body: 'x'.repeat(40961) };",
        ("response of 1048577 bytes", _) => "return { status: '200', body: 'x'.repeat(1048577) };",
        ("run > 30 s", _) => "await new Promise((done) => setTimeout(done, 30000));",
        ("throw", _) => "throw new Error('no');",
        ("generate response", "cff") => {
            "return { statusCode: 200, headers: { 'cache-control': { value: 'max-age=9' } } };"
        }
        ("generate response", _) => {
            "return { status: '200', headers: { 'cache-control': [{ value: 'max-age=9' }] } };"
        }
        (
            "origin status 404"
            | "http->https redirect"
            | "cache hit"
            | "origin domain does not resolve"
            | "primary 503 with failover",
            _,
        ) => "",
        (other, _) => panic!("no action {other}"),
    }
}

/// The functions of the case's kind; of both where it is about any.
fn functions(case: &Value) -> Vec<Runs> {
    let event = event(case);
    let it = match event {
        EventType::ViewerRequest | EventType::OriginRequest => "request",
        EventType::OriginResponse | EventType::ViewerResponse => "response",
    };
    let kind = case["kind"].as_str().unwrap();
    let limits = LambdaLimits {
        // The rule is the same for a shorter time.
        origin_timeout: Duration::from_secs(2),
        ..LambdaLimits::default()
    };
    let mut all = Vec::new();
    if kind != "cff" {
        let case = json!({ "kind": "lambda", "action": case["action"] });
        let code = format!(
            "exports.handler = async (event) => {{ const it = event.Records[0].cf.{it}; {} return it; }};",
            action(&case)
        );
        all.push(Runs::Lambda(Lambda::new(Runtime::Node, &code, limits)));
    }
    if kind != "lambda" {
        let case = json!({ "kind": "cff", "action": case["action"] });
        let code = format!(
            "function handler(event) {{ var it = event.{it}; {} return it; }}",
            action(&case)
        );
        all.push(Runs::function(&code));
    }
    all
}

/// What a case is played on.
fn distribution(case: &Value, runs: &Runs) -> Distribution {
    let mut distribution = play::distribution();
    let behavior = &mut distribution.default_behavior;
    runs.associate(&mut behavior.functions, event(case));
    match case["action"].as_str().unwrap() {
        "http->https redirect" => behavior.viewer_protocol = ViewerProtocolPolicy::RedirectToHttps,
        "primary 503 with failover" => {
            behavior.target = Target::Group(0);
            distribution.origins.push(play::origin("second"));
            distribution.groups.push(OriginGroup {
                id: "both".to_owned(),
                statuses: vec![503],
                members: [0, 1],
                by_media_quality: false,
            });
        }
        _ => {}
    }
    distribution
}

fn ask(case: &Value, play: &mut Play) -> Reply {
    match case["action"].as_str().unwrap() {
        "http->https redirect" => play.get(Scheme::Http, |_| Ok(200)),
        "origin status 404" => play.get(Scheme::Https, |_| Ok(404)),
        "primary 503 with failover" => play.get(Scheme::Https, |origin| {
            Ok(if origin == "first" { 503 } else { 200 })
        }),
        "origin domain does not resolve" => play.get(Scheme::Https, |_| Err(OriginFailure::Dns)),
        _ => play.get(Scheme::Https, |_| Ok(200)),
    }
}

fn check(case: &Value, runs: Runs) -> Result<(), String> {
    let mut play = Play::new(distribution(case, &runs), runs);
    let mut reply = ask(case, &mut play);
    let first_runs = play.ran;
    if case["action"] == "cache hit" || !case["cached"].is_null() {
        reply = ask(case, &mut play);
    }
    let status = match &case["status"] {
        Value::String(word) if word == "unchanged" => Some(200),
        Value::String(word) if word == "error" => Some(502),
        other => other.as_u64(),
    };
    let said = |what: &str| {
        Err(format!(
            "{what}; status {}, ran {} times, {:?}",
            reply.status, play.ran, play.log
        ))
    };
    if status.is_some_and(|status| status != u64::from(reply.status)) {
        return said("another status");
    }
    // Of a hit it is the second request that counts; of everything else the only one.
    let ran = if case["action"] == "cache hit" {
        play.ran - first_runs
    } else {
        play.ran
    };
    if case["invoked"]
        .as_bool()
        .is_some_and(|invoked| invoked != (ran > 0))
    {
        return said("another number of runs");
    }
    if case["invocations"]
        .as_u64()
        .is_some_and(|times| times != u64::from(ran))
    {
        return said("another number of runs");
    }
    if case["cached"] == json!(false) && play.ran != 2 {
        return said("it was kept");
    }
    Ok(())
}

#[test]
fn every_case_holds() {
    let cases = cases();
    assert!(!cases.is_empty());
    let mut failures = Vec::new();
    for case in &cases {
        if case["kind"] == "config" {
            // A function before a Lambda of the same behavior: both run, in this order.
            if let Err(why) = both_run() {
                failures.push(format!("{}: {why}", case["id"]));
            }
            continue;
        }
        for runs in functions(case) {
            // There is no CloudFront Function at the origin's side.
            if let Err(why) = check(case, runs) {
                failures.push(format!("{}: {why}", case["id"]));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn both_run() -> Result<(), String> {
    let mut distribution = play::distribution();
    let functions = &mut distribution.default_behavior.functions;
    let before = Runs::function(
        "function handler(event) { event.request.uri = '/one'; return event.request; }",
    );
    let code = "exports.handler = async (event) => { const it = event.Records[0].cf.request; it.uri += '/two'; return it; };";
    let behind = Runs::Lambda(Lambda::new(Runtime::Node, code, LambdaLimits::default()));
    before.associate(functions, EventType::ViewerRequest);
    behind.associate(functions, EventType::OriginRequest);
    let mut play = Play::new(distribution, before);
    play.behind = Some(behind);
    let reply = play.get(Scheme::Https, |_| Ok(200));
    if (reply.status, play.asked.as_slice()) != (200, &["/one/two".to_owned()][..]) {
        return Err(format!("{} {:?} {:?}", reply.status, play.asked, play.log));
    }
    Ok(())
}

/// The same limits from below: what is one byte smaller is taken.
#[test]
fn a_response_as_large_as_it_may_be_is_taken() {
    for (event, bytes) in [
        (EventType::ViewerRequest, 40_960),
        (EventType::OriginRequest, 1_048_576),
    ] {
        let code = format!(
            "exports.handler = async () => ({{ status: '200', body: 'x'.repeat({bytes}) }});"
        );
        let lambda = Lambda::new(Runtime::Node, &code, LambdaLimits::default());
        let ran = lambda
            .function
            .run(support::call(event, None), support::PLACE);
        assert!(
            matches!(ran.outcome, Ok(Computed::Response(_))),
            "{:?}",
            ran.log
        );
    }
}
