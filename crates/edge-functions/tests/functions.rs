//! Functions in the engine: what they see, what they may change, and what becomes of those that misbehave.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must fail"
)]

mod support;

use portcullis_edge::compute::{ComputeFailure, Computed, FunctionResponse};
use portcullis_edge::distribution::EventType;
use portcullis_edge::headers::Headers;
use portcullis_edge_functions::{EdgeFunction, NotAFunction};
use support::{PLACE, answered, call, changed, fields, headers, run};

/// What a function is shown, as it tells itself.
#[test]
fn a_function_sees_the_event_that_cloudfront_shows() {
    let ran = run(
        "function handler(event) { console.log(event.request); console.log(event.context, event.viewer.ip); return event.request; }",
    );
    let request: serde_json::Value = serde_json::from_str(&ran.log[0]).unwrap();
    assert_eq!(request["uri"], "/a%20b");
    assert_eq!(request["querystring"]["x"]["multiValue"][1]["value"], "2");
    assert_eq!(request["querystring"]["y"]["value"], "");
    assert_eq!(
        request["headers"]["accept"]["multiValue"][1]["value"],
        "*/*"
    );
    assert_eq!(request["cookies"]["b"]["value"], "2");
    assert!(request["headers"]["cookie"].is_null() && request["headers"]["x-amz-cf-id"].is_null());
    assert!(
        ran.log[1].contains("\"distributionId\":\"EDFDVBD6EXAMPLE\"")
            && ran.log[1].ends_with("192.0.2.2"),
        "{:?}",
        ran.log
    );
}

/// What is left alone is left as it came, byte for byte.
#[test]
fn a_function_that_changes_nothing_changes_nothing() {
    let before = call(EventType::ViewerRequest, None).request;
    let after = changed("function handler(event) { return event.request; }");
    assert_eq!((after.uri, after.query), (before.uri, before.query));
    let sorted = |headers: &Headers| {
        let mut all = fields(headers);
        all.sort();
        all
    };
    assert_eq!(sorted(&after.headers), sorted(&before.headers));
}

#[test]
fn a_function_rewrites_and_adds() {
    let after = changed(
        "async function handler(event) {
           event.request.uri = '/index.html';
           event.request.querystring = { q: { value: 'a' } };
           event.request.headers['x-one'] = { value: '1' };
           event.request.cookies.c = { value: '3' };
           return event.request;
         }",
    );
    assert_eq!(
        (after.uri.as_str(), after.query.as_str()),
        ("/index.html", "q=a")
    );
    let all = fields(&after.headers);
    assert!(
        all.contains(&("X-One".to_owned(), "1".to_owned())),
        "{all:?}"
    );
    assert!(
        all.contains(&("Cookie".to_owned(), "a=1; b=2; c=3".to_owned())),
        "{all:?}"
    );
}

#[test]
fn a_function_answers_in_the_origins_place() {
    let response = answered(
        "function handler() {
           return { statusCode: 302, headers: { location: { value: '/login' } },
                    cookies: { seen: { value: '1', attributes: 'Secure; HttpOnly' } }, body: 'go' };
         }",
    );
    assert_eq!(
        (response.status, response.body.as_deref()),
        (302, Some(b"go".as_slice()))
    );
    let expected = [
        ("Location", "/login"),
        ("Set-Cookie", "seen=1; Secure; HttpOnly"),
    ];
    assert_eq!(
        fields(&response.headers),
        expected.map(|(n, v)| (n.to_owned(), v.to_owned()))
    );
}

#[test]
fn a_viewer_response_may_change_status_and_body() {
    let shown = FunctionResponse {
        status: 200,
        headers: headers(&[("Content-Type", "text/html"), ("Via", "1.1 x")]),
        body: None,
    };
    let function = EdgeFunction::new(
        "tried",
        "function handler(event) { const r = event.response; r.statusCode = 404; r.body = { encoding: 'base64', data: 'aGk=' }; r.headers['x-a'] = { value: 'b' }; return r; }",
        None,
    );
    let ran = function
        .unwrap()
        .run(call(EventType::ViewerResponse, Some(shown)), PLACE);
    let Ok(Computed::Response(response)) = ran.outcome else {
        panic!("{ran:?}")
    };
    assert_eq!(
        (response.status, response.body.as_deref()),
        (404, Some(b"hi".as_slice()))
    );
    assert_eq!(response.headers.get("x-a"), Some(b"b".as_slice()));
    assert_eq!(response.headers.get("via"), Some(b"1.1 x".as_slice()));
}

#[test]
fn the_modules_of_the_runtime_are_there() {
    let after = changed(
        "import cf from 'cloudfront';
         import crypto from 'crypto';
         async function handler(event) {
           const store = cf.kvs();
           const list = await store.get('list', { format: 'json' });
           event.request.headers['x-greeting'] = { value: (await store.get('greeting')) + list.length };
           event.request.headers['x-has'] = { value: String(await store.exists('nothing')) };
           event.request.headers['x-sha'] = { value: crypto.createHash('sha256').update('abc').digest('hex').slice(0, 8) };
           event.request.headers['x-mac'] = { value: crypto.createHmac('sha256', 'key').update('abc').digest('hex').slice(0, 8) };
           return event.request;
         }",
    );
    let value = |name: &str| String::from_utf8_lossy(after.headers.get(name).unwrap()).into_owned();
    assert_eq!([value("x-greeting"), value("x-has")], ["hello2", "false"]);
    // FIPS 180-4's example, and the same of any implementation of HMAC.
    assert_eq!([value("x-sha"), value("x-mac")], ["ba7816bf", "9c196e32"]);
}

/// A function, how it fails, and what is said in its log.
#[test]
fn a_function_that_misbehaves_is_an_error_of_cloudfronts_kind() {
    use ComputeFailure::{Execution, Limit, Validation};
    let rows = [
        (
            "throws",
            "function handler() { throw new Error('no'); }",
            Execution,
            "no",
        ),
        (
            "loops",
            "function handler() { for (;;) {} }",
            Execution,
            "longer",
        ),
        (
            "waits for ever",
            "function handler() { return new Promise(() => {}); }",
            Execution,
            "",
        ),
        (
            "hoards",
            "function handler() { const a = []; for (;;) a.push(new Array(10000).fill(1)); }",
            Limit,
            "memory",
        ),
        (
            "recurses",
            "function handler(e) { return handler(e); }",
            Execution,
            "stack",
        ),
        (
            "answers nothing",
            "function handler() {}",
            Execution,
            "nothing",
        ),
        (
            "answers nonsense",
            "function handler() { return 7; }",
            Validation,
            "neither",
        ),
        (
            "evaluates",
            "function handler(e) { eval('1'); return e.request; }",
            Execution,
            "",
        ),
        (
            "reaches out",
            "function handler(e) { fetch('http://a'); return e.request; }",
            Execution,
            "fetch",
        ),
        (
            "changes the host",
            "function handler(e) { e.request.headers.host = { value: 'a' }; return e.request; }",
            Validation,
            "host",
        ),
        (
            "drops the host",
            "function handler(e) { delete e.request.headers.host; return e.request; }",
            Validation,
            "host",
        ),
        (
            "adds what is hidden",
            "function handler(e) { e.request.headers['x-amz-cf-foo'] = { value: 'a' }; return e.request; }",
            Validation,
            "x-amz-cf-foo",
        ),
        (
            "has a path without a slash",
            "function handler(e) { e.request.uri = 'a'; return e.request; }",
            Validation,
            "path",
        ),
        (
            "answers with no status",
            "function handler() { return { statusCode: 42 }; }",
            Validation,
            "status",
        ),
    ];
    for (what, code, failure, said) in rows {
        let ran = run(code);
        assert_eq!(
            ran.outcome.map(|_| ()),
            Err(failure),
            "{what}: {:?}",
            ran.log
        );
        assert!(
            ran.log.iter().any(|line| line.contains(said)),
            "{what}: {:?}",
            ran.log
        );
    }
}

#[test]
fn what_is_no_function_is_refused_before_it_runs() {
    let refused = |code: &str| EdgeFunction::new("tried", code, None).unwrap_err();
    assert!(matches!(
        refused("function handler( {"),
        NotAFunction::Code(..)
    ));
    assert!(matches!(refused("var x = 1;"), NotAFunction::Code(..)));
    assert!(matches!(
        refused("import x from 'fs'; function handler() {}"),
        NotAFunction::Code(..)
    ));
    assert_eq!(
        refused(&"x".repeat(10_241)),
        NotAFunction::TooLarge("tried".to_owned(), 10_241)
    );
}

/// One run leaves nothing for the next.
#[test]
fn runs_do_not_know_each_other() {
    let function = EdgeFunction::new(
        "tried",
        "var n = 0; function handler(event) { n += 1; globalThis.m = (globalThis.m || 0) + 1; console.log(n, globalThis.m); return event.request; }",
        None,
    )
    .unwrap();
    for _ in 0..3 {
        let ran = function.run(call(EventType::ViewerRequest, None), PLACE);
        assert_eq!(ran.log, ["1 1"]);
    }
}

/// DG:functions-event-structure: a changed list wins over the value; else a changed value replaces the first of the list.
#[test]
fn a_list_of_values_is_changed_by_its_rules() {
    let rows = [
        ("a.multiValue[1].value = 'z'", "text/html z"),
        (
            "a.multiValue[1].value = 'z'; a.value = 'ignored'",
            "text/html z",
        ),
        ("a.value = 'z'", "z */*"),
        ("a.multiValue.push({ value: 'z' })", "text/html */* z"),
        ("delete a.multiValue", "text/html"),
        ("a.multiValue = []", ""),
    ];
    for (change, expected) in rows {
        let after = changed(&format!(
            "function handler(e) {{ const a = e.request.headers.accept; {change}; return e.request; }}"
        ));
        let all = fields(&after.headers).into_iter();
        let all: Vec<String> = all
            .filter(|(name, _)| name.eq_ignore_ascii_case("accept"))
            .map(|(_, value)| value)
            .collect();
        assert_eq!(all.join(" "), expected, "{change}");
    }
}

/// What the query becomes, in which order.
#[test]
fn a_query_keeps_its_order() {
    let rows = [
        ("", "x=1&x=2&y"),
        ("q.z = { value: '3' }", "x=1&x=2&y=&z=3"),
        ("q.a = { value: '0' }", "x=1&x=2&y=&a=0"),
        ("q.x.value = '9'", "x=9&x=2&y="),
        ("delete q.x", "y="),
        ("e.request.querystring = 'y&x=%20'", "y&x=%20"),
        ("e.request.querystring = {}", ""),
        ("delete e.request.querystring", ""),
    ];
    for (change, expected) in rows {
        let after = changed(&format!(
            "function handler(e) {{ const q = e.request.querystring; {change}; return e.request; }}"
        ));
        assert_eq!(after.query, expected, "{change}");
    }
}

/// What is no UTF-8 is shown as ISO-8859-1, and passes unchanged where the function leaves it alone.
#[test]
fn bytes_that_are_no_text_pass() {
    let mut call = call(EventType::ViewerRequest, None);
    call.request.headers.add("X-Old", b"caf\xe9".to_vec());
    call.request.headers.add("X-New", b"caf\xe9".to_vec());
    let code = "function handler(e) { const h = e.request.headers; console.log(h['x-old'].value); h['x-new'].value += '!'; return e.request; }";
    let ran = EdgeFunction::new("tried", code, None)
        .unwrap()
        .run(call, PLACE);
    assert_eq!(ran.log, ["café"]);
    let Ok(Computed::Request(changed)) = ran.outcome else {
        panic!("{ran:?}")
    };
    assert_eq!(changed.headers.get("x-old"), Some(b"caf\xe9".as_slice()));
    assert_eq!(changed.headers.get("x-new"), Some("café!".as_bytes()));
}

#[test]
fn cookies_that_are_set_keep_their_attributes() {
    let shown = FunctionResponse {
        status: 200,
        headers: headers(&[
            ("Set-Cookie", "a=1; Secure; Path=/"),
            ("Set-Cookie", "b=2"),
            ("set-cookie", "a=3; HttpOnly"),
        ]),
        body: None,
    };
    let run = |change: &str| {
        let code = format!(
            "function handler(e) {{ const c = e.response.cookies; {change}; return e.response; }}"
        );
        let function = EdgeFunction::new("tried", &code, None).unwrap();
        let ran = function.run(call(EventType::ViewerResponse, Some(shown.clone())), PLACE);
        let Ok(Computed::Response(response)) = ran.outcome else {
            panic!("{ran:?}")
        };
        let all = fields(&response.headers).into_iter();
        all.map(|(name, value)| format!("{name}: {value}"))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        run(""),
        [
            "Set-Cookie: a=1; Secure; Path=/",
            "Set-Cookie: b=2",
            "set-cookie: a=3; HttpOnly"
        ]
    );
    assert_eq!(
        run("c.b.value = '9'; c.n = { value: '0', attributes: 'Max-Age=1' }"),
        [
            "Set-Cookie: a=1; Secure; Path=/",
            "Set-Cookie: a=3; HttpOnly",
            "Set-Cookie: b=9",
            "Set-Cookie: n=0; Max-Age=1"
        ]
    );
}

/// Answers of the wrong shape, and the word that says why.
#[test]
fn an_answer_of_another_shape_is_refused() {
    let rows = [
        (
            "e.request.headers['x-a'] = { value: 1 }; return e.request;",
            "string",
        ),
        (
            "e.request.headers['x-a'] = 'a'; return e.request;",
            "struct Item",
        ),
        (
            "e.request.headers['X-A'] = { value: 'a' }; return e.request;",
            "X-A",
        ),
        (
            "e.request.headers.cookie = { value: 'a=1' }; return e.request;",
            "cookie",
        ),
        (
            "e.request.headers[''] = { value: 'a' }; return e.request;",
            "name or value",
        ),
        ("e.request.method = 'POST'; return e.request;", "method"),
        ("delete e.request.uri; return e.request;", "uri"),
        ("return { statusCode: '200' };", "statusCode"),
        ("return { statusCode: 199 };", "199"),
        ("return { statusCode: 600 };", "600"),
        (
            "return { statusCode: 200, body: { encoding: 'base64', data: '!' } };",
            "body",
        ),
        (
            "return { statusCode: 200, body: { encoding: 'gzip', data: '' } };",
            "body",
        ),
        ("return { statusCode: 200, body: 7 };", "Body"),
        ("return e;", "uri"),
        ("return [];", "neither"),
    ];
    for (code, said) in rows {
        let ran = run(&format!("function handler(e) {{ {code} }}"));
        let failed = ran.outcome.map(|_| ()).unwrap_err();
        assert_eq!(failed, ComputeFailure::Validation, "{code}");
        assert!(
            ran.log.iter().any(|line| line.contains(said)),
            "{code}: {:?}",
            ran.log
        );
    }
}
