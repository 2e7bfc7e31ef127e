//! Lambda@Edge in real processes of Node and Python: the four triggers, limits, and processes that misbehave.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must fail"
)]

mod support;

use bytes::Bytes;
use portcullis_edge::compute::{
    ComputeFailure, Computed, FunctionResponse, OriginChoice, ShownBody, body_bytes_max,
};
use portcullis_edge::distribution::{EventType, OriginKind, OriginProtocol};
use portcullis_edge_functions::lambda::Runtime;
use portcullis_edge_functions::{LambdaLimits, Ran};
use std::path::Path;
use std::time::{Duration, Instant};
use support::{Lambda, PLACE, call, custom_origin, fields, headers};

const QUICK: LambdaLimits = LambdaLimits {
    viewer_timeout: Duration::from_millis(700),
    origin_timeout: Duration::from_secs(20),
    memory_mb: 128,
};

fn node(code: &str) -> Lambda {
    Lambda::new(Runtime::Node, &format!("exports.handler = {code};"), QUICK)
}

#[track_caller]
fn run(code: &str, event: EventType) -> Ran {
    let response = match event {
        EventType::ViewerRequest | EventType::OriginRequest => None,
        EventType::OriginResponse | EventType::ViewerResponse => Some(FunctionResponse {
            status: 200,
            headers: headers(&[
                ("Content-Type", "text/html"),
                ("Content-Encoding", "br"),
                ("Via", "1.1 x"),
            ]),
            body: None,
        }),
    };
    let mut call = call(event, response);
    if event == EventType::OriginRequest {
        call.origin = Some(custom_origin().into());
    }
    node(code).function.run(call, PLACE)
}

#[test]
fn a_function_sees_the_event_that_cloudfront_shows() {
    let ran = run(
        "async (event) => { console.log(JSON.stringify(event)); return event.Records[0].cf.request; }",
        EventType::OriginRequest,
    );
    assert!(ran.outcome.is_ok(), "{:?}", ran.log);
    let event: serde_json::Value = serde_json::from_str(&ran.log[0]).unwrap();
    let cf = &event["Records"][0]["cf"];
    assert_eq!(cf["config"]["eventType"], "origin-request");
    assert_eq!(cf["config"]["distributionId"], "EDFDVBD6EXAMPLE");
    assert_eq!(cf["request"]["clientIp"], "192.0.2.2");
    assert_eq!(cf["request"]["querystring"], "x=1&x=2&y");
    assert_eq!(
        cf["request"]["headers"]["accept"][1],
        serde_json::json!({ "key": "Accept", "value": "*/*" })
    );
    assert_eq!(cf["request"]["headers"]["cookie"][0]["value"], "a=1; b=2");
    assert!(cf["request"]["headers"]["x-amz-cf-id"].is_null());
    let expected = serde_json::json!({ "custom": {
        "customHeaders": { "x-secret": [{ "key": "X-Secret", "value": "s" }] }, "domainName": "example.org",
        "keepaliveTimeout": 5, "path": "", "port": 443, "protocol": "https", "readTimeout": 30, "sslProtocols": ["TLSv1.2"],
    } });
    assert_eq!(cf["request"]["origin"], expected);
}

#[test]
fn what_is_left_alone_stays() {
    for event in [EventType::ViewerRequest, EventType::OriginRequest] {
        let before = call(event, None).request;
        let ran = run("async (event) => event.Records[0].cf.request", event);
        let Ok(Computed::Request(after)) = ran.outcome else {
            panic!("{:?}", ran.log)
        };
        assert_eq!((after.uri, after.query), (before.uri, before.query));
        let sorted = |all: Vec<(String, String)>| {
            let mut all = all;
            all.sort();
            all
        };
        assert_eq!(
            sorted(fields(&after.headers)),
            sorted(fields(&before.headers))
        );
        assert!(matches!(after.origin, OriginChoice::Unchanged));
    }
}

#[test]
fn a_handler_answers_in_every_way_that_lambda_takes() {
    let answers = [
        "async () => ({ status: '302', headers: { location: [{ value: '/a' }] }, body: 'aGk=', bodyEncoding: 'base64' })",
        "(event, context, callback) => callback(null, { status: '302', headers: { location: [{ key: 'Location', value: '/a' }] }, body: 'hi' })",
        "(event, context) => { context.succeed({ status: 302, headers: { Location: [{ value: '/a' }] }, body: 'hi' }); }",
        "(event, context, callback) => setTimeout(() => callback(null, { status: '302', headers: { location: [{ value: '/a' }] }, body: 'hi' }), 5)",
    ];
    for code in answers {
        let ran = run(code, EventType::ViewerRequest);
        let Ok(Computed::Response(response)) = ran.outcome else {
            panic!("{code}: {:?}", ran.log)
        };
        assert_eq!(
            (response.status, response.body.as_deref()),
            (302, Some(b"hi".as_slice())),
            "{code}"
        );
        assert_eq!(
            fields(&response.headers),
            [("Location".to_owned(), "/a".to_owned())],
            "{code}"
        );
    }
}

#[test]
fn an_origin_is_described() {
    let ran = run(
        "async (event) => { const r = event.Records[0].cf.request; r.origin.custom.domainName = 'other.example'; \
         r.origin.custom.port = 8080; r.origin.custom.protocol = 'http'; return r; }",
        EventType::OriginRequest,
    );
    let Ok(Computed::Request(changed)) = ran.outcome else {
        panic!("{:?}", ran.log)
    };
    let OriginChoice::Described(origin) = changed.origin else {
        panic!("{:?}", changed.origin)
    };
    assert_eq!(origin.domain, "other.example");
    let OriginKind::Custom(custom) = origin.kind else {
        panic!("{origin:?}")
    };
    assert_eq!(
        (custom.protocol, custom.http_port),
        (OriginProtocol::HttpOnly, 8080)
    );
    assert_ne!(origin.id, custom_origin().id);
}

#[test]
fn an_origin_becomes_a_bucket_and_no_nonsense() {
    let with = |origin: &str| {
        let code = format!(
            "async (event) => {{ const r = event.Records[0].cf.request; r.origin = {origin}; return r; }}"
        );
        run(&code, EventType::OriginRequest)
    };
    let bucket = "{ s3: { authMethod: 'none', customHeaders: {}, domainName: 'b.s3.eu-west-1.amazonaws.com', path: '/p', region: 'eu-west-1' } }";
    let ran = with(bucket);
    let Ok(Computed::Request(changed)) = ran.outcome else {
        panic!("{:?}", ran.log)
    };
    assert!(
        matches!(changed.origin, OriginChoice::Described(origin) if matches!(origin.kind, OriginKind::S3 { .. }) && origin.path == "/p")
    );
    let refused = [
        "{}",
        "{ s3: { authMethod: 'origin-access-identity', domainName: 'b.s3.amazonaws.com', region: 'us-east-1' } }",
        "{ custom: { ...r.origin.custom, domainName: '192.0.2.1' } }",
        "{ custom: { ...r.origin.custom, domainName: 'a:80' } }",
        "{ custom: { ...r.origin.custom, port: 22 } }",
        "{ custom: { ...r.origin.custom, path: 'x' } }",
        "{ custom: { ...r.origin.custom, readTimeout: 0 } }",
        "{ custom: { ...r.origin.custom, customHeaders: { host: [{ value: 'a' }] } } }",
    ];
    for origin in refused {
        let ran = with(origin);
        assert_eq!(
            ran.outcome.map(|_| ()),
            Err(ComputeFailure::Validation),
            "{origin}"
        );
    }
}

/// The body that replaces the request's, if one does, or a failure.
type BodyOr = Result<Option<&'static [u8]>, ComputeFailure>;

#[test]
fn a_body_is_shown_and_replaced() {
    let given = Bytes::from(vec![b'a'; 50_000]);
    let rows: [(&str, BodyOr); 6] = [
        (
            "b.encoding + b.inputTruncated + Buffer.from(b.data, 'base64').length === 'base64true40960' || fail()",
            Ok(None),
        ),
        (
            "b.action = 'replace', b.encoding = 'text', b.data = 'new'",
            Ok(Some(b"new")),
        ),
        ("b.action = 'replace', b.data = 'bmV3'", Ok(Some(b"new"))),
        (
            "b.action = 'replace', b.data = '!'",
            Err(ComputeFailure::Validation),
        ),
        (
            "b.action = 'replace', b.encoding = 'text', b.data = 'x'.repeat(40961)",
            Err(ComputeFailure::Validation),
        ),
        ("b.action = 'append'", Err(ComputeFailure::Validation)),
    ];
    for (change, expected) in rows {
        let lambda = node(&format!(
            "async (event) => {{ const r = event.Records[0].cf.request; const b = r.body; {change}; return r; }}"
        ));
        let mut call = call(EventType::ViewerRequest, None);
        call.body = Some(ShownBody::of(&given, body_bytes_max(call.event)));
        let ran = lambda.function.run(call, PLACE);
        let body = ran.outcome.map(|computed| match computed {
            Computed::Request(changed) => changed.body,
            Computed::Response(response) => panic!("{response:?}"),
        });
        let body = body.as_ref().map(|body| body.as_deref());
        assert_eq!(
            body.map_err(|failure| *failure),
            expected,
            "{change}: {:?}",
            ran.log
        );
    }
}

#[test]
fn what_may_not_be_answered_is_refused() {
    use ComputeFailure::{Execution, Validation};
    use EventType::{OriginRequest, OriginResponse, ViewerRequest};
    let rows = [
        (
            "async () => ({ status: '204', body: 'x' })",
            ViewerRequest,
            Validation,
        ),
        ("async () => ({ status: '600' })", ViewerRequest, Validation),
        ("async () => ({ status: 'x' })", ViewerRequest, Validation),
        ("async () => ({})", ViewerRequest, Validation),
        ("async () => 7", ViewerRequest, Validation),
        (
            "async () => ({ status: '200', body: '!', bodyEncoding: 'base64' })",
            ViewerRequest,
            Validation,
        ),
        (
            "async () => ({ status: '200', body: 'a', bodyEncoding: 'gzip' })",
            ViewerRequest,
            Validation,
        ),
        (
            "async () => ({ status: '200', headers: { 'x-a': [{ key: 'X-B', value: '1' }] } })",
            ViewerRequest,
            Validation,
        ),
        (
            "async () => ({ status: '200', headers: { 'x-a': [{ value: 'a\\nb' }] } })",
            ViewerRequest,
            Validation,
        ),
        (
            "async (e) => { const r = e.Records[0].cf.request; r.method = 'POST'; return r; }",
            ViewerRequest,
            Validation,
        ),
        (
            "async (e) => { const r = e.Records[0].cf.request; r.headers['cloudfront-viewer-country'] = [{ value: 'CH' }]; return r; }",
            ViewerRequest,
            Validation,
        ),
        (
            "async (e) => { const r = e.Records[0].cf.request; r.querystring = 'a b'; return r; }",
            OriginRequest,
            Validation,
        ),
        (
            "async (e) => { const r = e.Records[0].cf.response; delete r.headers.via; return r; }",
            OriginResponse,
            Validation,
        ),
        (
            "async () => { throw new Error('no'); }",
            ViewerRequest,
            Execution,
        ),
        ("async () => { throw 'no'; }", ViewerRequest, Execution),
        (
            "(event, context, callback) => callback(new Error('no'))",
            ViewerRequest,
            Execution,
        ),
    ];
    for (code, event, expected) in rows {
        let ran = run(code, event);
        assert_eq!(
            ran.outcome.map(|_| ()),
            Err(expected),
            "{code}: {:?}",
            ran.log
        );
    }
}

/// Whether a process is there, a zombie counted as one.
fn is_there(id: u32) -> bool {
    Path::new(&format!("/proc/{id}")).exists()
}

#[test]
fn a_process_is_kept_and_ends_with_its_function() {
    let lambda = node(
        "async (e) => { global.n = (global.n || 0) + 1; console.log(global.n); return e.Records[0].cf.request; }",
    );
    assert_eq!(lambda.function.process_id(), None);
    for expected in ["1", "2"] {
        let ran = lambda
            .function
            .run(call(EventType::ViewerRequest, None), PLACE);
        assert_eq!(ran.log, [expected]);
    }
    let id = lambda.function.process_id().unwrap();
    assert!(is_there(id));
    drop(lambda);
    assert!(!is_there(id));
}

/// What happens to the process, whether it answers the event after, and what it was.
#[test]
fn a_process_that_misbehaves_is_replaced() {
    let rows = [
        ("for (;;) {}", "longer"),
        ("await new Promise(() => {})", "longer"),
        ("process.exit(3)", "exit status: 3"),
        ("process.kill(process.pid, 'SIGKILL')", "signal"),
        (
            "setTimeout(() => { throw new Error('late'); }, 1); await new Promise(() => {})",
            "late",
        ),
        ("console.log('x'.repeat(9 << 20))", "cannot be read"),
    ];
    for (code, said) in rows {
        let lambda = node(&format!(
            "async (e) => {{ const r = e.Records[0].cf.request; if (r.uri === '/bad') {{ {code}; }} return r; }}"
        ));
        let ask = |uri: &str| {
            let mut call = call(EventType::ViewerRequest, None);
            call.request.uri = uri.to_owned();
            lambda.function.run(call, PLACE)
        };
        assert!(ask("/good").outcome.is_ok(), "{code}");
        let id = lambda.function.process_id().unwrap();
        let started = Instant::now();
        let ran = ask("/bad");
        assert!(ran.outcome.is_err(), "{code}");
        assert!(
            ran.log.iter().any(|line| line.contains(said)),
            "{code}: {:?}",
            ran.log
        );
        assert!(started.elapsed() < Duration::from_secs(5), "{code}");
        assert!(!is_there(id), "{code}");
        assert!(ask("/good").outcome.is_ok(), "{code}");
    }
}

/// What a function starts goes with it.
#[test]
fn nothing_that_it_started_is_left() {
    let code = "async (e) => { const c = require('node:child_process').spawn('sleep', ['1000'], { stdio: 'ignore' }); \
                console.log(c.pid); for (;;) {} }";
    let ran = run(code, EventType::ViewerRequest);
    let id: u32 = ran.log[0].parse().unwrap();
    // It is no child of this process: whoever adopts it reaps it.
    let until = Instant::now() + Duration::from_secs(5);
    let state = || std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    while state().contains(") S ") && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(!state().contains(") S "), "{}", state());
}

#[test]
fn an_environment_is_what_is_given() {
    let ran = run(
        "async (e) => { console.log(Object.keys(process.env).sort().join(' ')); return e.Records[0].cf.request; }",
        EventType::ViewerRequest,
    );
    let expected = "AWS_LAMBDA_FUNCTION_MEMORY_SIZE AWS_LAMBDA_FUNCTION_NAME AWS_LAMBDA_FUNCTION_VERSION AWS_REGION LAMBDA_TASK_ROOT PATH _HANDLER";
    assert_eq!(ran.log, [expected]);
}

#[test]
fn what_does_not_load_is_an_error() {
    let rows = [
        (Runtime::Node, "syntax error here", "SyntaxError"),
        (Runtime::Node, "exports.other = 1;", "is no function"),
        (Runtime::Python, "def handler(:", "SyntaxError"),
        (Runtime::Python, "other = 1", "AttributeError"),
    ];
    for (runtime, code, said) in rows {
        let lambda = Lambda::new(runtime, code, QUICK);
        let ran = lambda
            .function
            .run(call(EventType::ViewerRequest, None), PLACE);
        assert_eq!(ran.outcome.map(|_| ()), Err(ComputeFailure::Execution));
        assert!(
            ran.log.iter().any(|line| line.contains(said)),
            "{said}: {:?}",
            ran.log
        );
        assert_eq!(lambda.function.process_id(), None);
    }
}

#[test]
fn python_does_the_same() {
    let code = "
import os, subprocess
def handler(event, context):
    request = event['Records'][0]['cf']['request']
    if request['uri'] == '/loop':
        while True: pass
    if request['uri'] == '/exit':
        os._exit(4)
    if request['uri'] == '/throw':
        raise ValueError('no')
    print('said', context.function_name, context.function_version)
    subprocess.run(['echo', 'inherited'])
    request['headers']['x-a'] = [{'value': 'é'}]
    return request
";
    let lambda = Lambda::new(Runtime::Python, code, QUICK);
    let ask = |uri: &str| {
        let mut call = call(EventType::ViewerRequest, None);
        call.request.uri = uri.to_owned();
        lambda.function.run(call, PLACE)
    };
    for uri in ["/loop", "/exit", "/throw"] {
        assert_eq!(
            ask(uri).outcome.map(|_| ()),
            Err(ComputeFailure::Execution),
            "{uri}"
        );
        let ran = ask("/good");
        let Ok(Computed::Request(changed)) = ran.outcome else {
            panic!("{:?}", ran.log)
        };
        assert_eq!(changed.headers.get("x-a"), Some("é".as_bytes()));
    }
}
