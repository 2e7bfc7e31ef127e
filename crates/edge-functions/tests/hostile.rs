//! Code that means harm: each ends as an error, soon, and the next run is none the wiser.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must fail"
)]

mod support;

use portcullis_edge::compute::{ComputeFailure, Computed};
use portcullis_edge::distribution::EventType;
use portcullis_edge_functions::{EdgeFunction, LOG_BYTES_MAX, Limits, Source, Version};
use std::time::{Duration, Instant};
use support::{PLACE, call, run};

/// How long a run may last here, whatever it does.
const SOON: Duration = Duration::from_secs(4);

#[test]
fn it_ends_soon() {
    use ComputeFailure::{Execution, Limit};
    let rows = [
        ("loops", "for (;;) {}", Execution),
        (
            "loops in a promise",
            "return new Promise(() => { for (;;) {} });",
            Execution,
        ),
        (
            "chains promises",
            "const f = () => Promise.resolve().then(f); return f();",
            Limit,
        ),
        (
            "catches what stops it",
            "for (;;) { try { for (;;) {} } catch (error) {} }",
            Execution,
        ),
        (
            "matches for ever",
            "return /^(a+)+$/.test('a'.repeat(40) + 'b');",
            Execution,
        ),
        (
            "recurses",
            "const f = () => f() + 1; return f();",
            Execution,
        ),
        (
            "nests",
            "let a = []; for (let i = 0; i < 8000; i++) a = [a]; return { uri: a };",
            Execution,
        ),
        ("hoards strings", "let s = 'x'; for (;;) s += s;", Execution),
        ("hoards a string at once", "return 'x'.repeat(1e9);", Limit),
        ("hoards bytes", "return new Uint8Array(64 << 20);", Limit),
        ("hoards numbers", "return new Array(1e7).fill(0);", Limit),
        (
            "hoards pairs",
            "const o = {}; for (let i = 0; ; i++) o['k' + i] = i;",
            Limit,
        ),
        (
            "hoards buffers",
            "const all = []; for (;;) all.push(Buffer.alloc(65536));",
            Limit,
        ),
        ("throws nothing", "throw undefined;", Execution),
        ("throws null", "throw null;", Limit),
        (
            "throws a getter",
            "throw { get message() { throw 1; } };",
            Execution,
        ),
        (
            "answers a circle",
            "const a = {}; a.a = a; return a;",
            Execution,
        ),
        (
            "answers with a getter that loops",
            "return { get uri() { for (;;) {} } };",
            Execution,
        ),
        (
            "answers with toJSON that loops",
            "return { toJSON() { for (;;) {} } };",
            Execution,
        ),
        (
            "breaks JSON",
            "JSON.stringify = null; JSON.parse = null; Object.prototype.toJSON = () => { throw 1; }; return e.request;",
            Execution,
        ),
    ];
    for (what, code, expected) in rows {
        let started = Instant::now();
        let ran = run(&format!("function handler(e) {{ {code} }}"));
        let failure = ran.outcome.map(|_| ()).unwrap_err();
        assert!(started.elapsed() < SOON, "{what}: {:?}", started.elapsed());
        assert_eq!(failure, expected, "{what}: {:?}", ran.log);
    }
}

/// The engine does not ask in these loops of its own; the caller does not wait for them.
#[test]
fn it_ends_soon_where_the_engine_does_not_ask() {
    let limits = Limits {
        wall: Duration::from_millis(200),
        ..Limits::default()
    };
    let source = Source {
        name: "tried",
        code: "function handler(e) { return [].indexOf.call({ length: 2 ** 31 }, 1); }",
        version: Version::V2,
        store: None,
    };
    let function = EdgeFunction::compile(source, limits).unwrap();
    let started = Instant::now();
    let ran = function.run(call(EventType::ViewerRequest, None), PLACE);
    assert_eq!(ran.outcome.map(|_| ()), Err(ComputeFailure::Execution));
    assert!(started.elapsed() < SOON, "{:?}", started.elapsed());
}

#[test]
fn a_budget_is_the_callers() {
    let code = "function handler(e) { let n = 0; for (let i = 0; i < 100000; i++) n += i; return e.request; }";
    let with = |steps| {
        let source = Source {
            name: "tried",
            code,
            version: Version::V2,
            store: None,
        };
        let limits = Limits {
            steps,
            ..Limits::default()
        };
        let function = EdgeFunction::compile(source, limits).unwrap();
        function.run(call(EventType::ViewerRequest, None), PLACE)
    };
    assert!(matches!(with(1_000_000).outcome, Ok(Computed::Request(_))));
    assert_eq!(with(1_000_000).utilization, with(1_000_000).utilization);
    assert!(
        (5..=30).contains(&with(1_000_000).utilization),
        "{}",
        with(1_000_000).utilization
    );
    assert!(matches!(
        with(50_000).outcome,
        Err(ComputeFailure::Execution)
    ));
}

#[test]
fn a_log_has_an_end() {
    let ran = run(
        "function handler(e) { for (let i = 0; i < 1000; i++) console.log('é'.repeat(50)); return e.request; }",
    );
    let bytes: usize = ran.log.iter().map(String::len).sum();
    assert!(
        bytes > LOG_BYTES_MAX / 2 && bytes <= LOG_BYTES_MAX,
        "{bytes}"
    );
    assert!(ran.outcome.is_ok());
}

/// A field with a line break in it would be two fields, or an answer of its own.
#[test]
fn no_line_break_gets_out() {
    let rows = [
        "e.request.headers['x-a'] = { value: 'a\\r\\nx-b: c' }; return e.request;",
        "e.request.headers['x-a: b\\r\\nx-c'] = { value: 'a' }; return e.request;",
        "e.request.headers['x-a'] = { value: 'a', multiValue: [{ value: 'a\\n' }] }; return e.request;",
        "e.request.cookies.a = { value: '1\\r\\nx-b: c' }; return e.request;",
        "e.request.uri = '/a HTTP/1.1\\r\\nx-b: c'; return e.request;",
        "e.request.querystring = 'a=b\\r\\nx-b: c'; return e.request;",
        "e.request.querystring = { a: { value: 'b c' } }; return e.request;",
        "return { statusCode: 200, headers: { 'x-a': { value: '\\u0000' } } };",
        "return { statusCode: 200, cookies: { a: { value: '1', attributes: 'Secure\\r\\nx-b: c' } } };",
        "return { statusCode: 200, cookies: { 'a\\r\\nx': { value: '1' } } };",
    ];
    for code in rows {
        let ran = run(&format!("function handler(e) {{ {code} }}"));
        assert_eq!(
            ran.outcome.map(|_| ()),
            Err(ComputeFailure::Validation),
            "{code}"
        );
    }
}
