//! Both fronts against the shapes AWS documents, field by field.

use super::{
    AlbHeaders, Iam, UrlAnswer, UrlRequest, alb_event, decode_alb_answer, decode_url_answer,
    function_url_event,
};
use crate::outcome::{InitFailure, Outcome, StreamEnd, Streamed};
use serde_json::{Value, json};
use std::collections::BTreeSet;

fn parsed(event: &[u8]) -> Value {
    serde_json::from_slice(event).unwrap()
}

fn fixture(name: &str) -> Value {
    let folder = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../data/lambda-events/http-fronts"
    );
    parsed(&std::fs::read(format!("{folder}/{name}.json")).unwrap())
}

/// The paths of all members, those of `headers` and parameters left out: they depend on the request.
fn shape(value: &Value) -> BTreeSet<String> {
    fn walk(value: &Value, path: &str, into: &mut BTreeSet<String>) {
        into.insert(path.to_owned());
        let is_open = path.ends_with("eaders") || path.ends_with("Parameters");
        for (name, member) in value.as_object().filter(|_| !is_open).into_iter().flatten() {
            walk(member, &format!("{path}/{name}"), into);
        }
    }
    let mut paths = BTreeSet::new();
    walk(value, "", &mut paths);
    paths
}

fn iam() -> Iam {
    let [access_key, account_id, caller_id, user_arn, user_id] = [
        "ASIA1",
        "123456789012",
        "AROA1:caller",
        "arn:aws:sts::123456789012:assumed-role/r/s",
        "AROA1:s",
    ]
    .map(str::to_owned);
    Iam {
        access_key,
        account_id,
        caller_id,
        user_arn,
        user_id,
    }
}

fn full_request() -> UrlRequest {
    UrlRequest {
        domain_name: "id.lambda-url.eu-west-2.on.aws".to_owned(),
        source_ip: "65.78.31.245".to_owned(),
        time_epoch_ms: 1_673_437_534_837,
        request_id: "MIZRNhJtIAMEMDw=".to_owned(),
        ..UrlRequest::get("/my/path?parameter1=value1&parameter1=value2&parameter2=value")
            .with_header("Cookie", "test=hi")
            .with_header("Accept", "*/*")
            .with_header("User-Agent", "curl/7.68.0")
    }
}

#[test]
fn a_url_event_equals_a_recorded_one() {
    let mut recorded = fixture("lambda_function_url_request");
    let mut made = parsed(&function_url_event(&full_request()));
    // The recording lacks the decoded parameters; account, API id and TLS details are made up in both.
    let parameters = made
        .as_object_mut()
        .and_then(|event| event.remove("queryStringParameters"));
    assert_eq!(
        parameters,
        Some(json!({ "parameter1": "value1,value2", "parameter2": "value" }))
    );
    for event in [&mut recorded, &mut made] {
        for made_up in ["accountId", "apiId"] {
            event["requestContext"]
                .as_object_mut()
                .unwrap()
                .remove(made_up);
        }
        event["headers"]
            .as_object_mut()
            .unwrap()
            .retain(|name, _| !name.starts_with("x-amzn-"));
    }
    assert_eq!(made, recorded);
}

#[test]
fn a_signed_url_event_names_its_caller_as_documented() {
    let made = parsed(&function_url_event(&UrlRequest {
        iam: Some(iam()),
        ..full_request()
    }));
    let caller = &made["requestContext"]["authorizer"]["iam"];
    let documented = fixture("example-apigw-v2-request-iam");
    let names = |value: &Value| {
        value
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect::<BTreeSet<_>>()
    };
    assert_eq!(
        names(caller),
        names(&documented["requestContext"]["authorizer"]["iam"])
    );
    assert_eq!(
        caller["userArn"],
        "arn:aws:sts::123456789012:assumed-role/r/s"
    );
    assert_eq!(made["requestContext"]["accountId"], "123456789012");
}

#[test]
fn a_url_event_keeps_path_and_query_as_sent_and_joins_what_repeats() {
    let request = UrlRequest::get("/a%2Fb/../%C3%A9 \\?q=%22a+b%22&q=2&flag")
        .with_header("X-One", "1")
        .with_header("x-one", "2")
        .with_header("Cookie", "a=1; b=2")
        .with_header("cookie", "c=3")
        .with_header("X-Forwarded-For", "203.0.113.9, 198.51.100.1");
    let event = parsed(&function_url_event(&request));
    assert_eq!(event["rawPath"], "/a%2Fb/../%C3%A9 \\");
    assert_eq!(event["requestContext"]["http"]["path"], event["rawPath"]);
    assert_eq!(event["rawQueryString"], "q=%22a+b%22&q=2&flag");
    assert_eq!(
        event["queryStringParameters"],
        json!({ "q": "\"a b\",2", "flag": "" })
    );
    assert_eq!(event["headers"]["x-one"], "1,2");
    assert_eq!(event["headers"]["x-forwarded-for"], "203.0.113.9");
    assert_eq!(event["cookies"], json!(["a=1", "b=2", "c=3"]));
}

#[test]
fn a_url_event_carries_text_as_text_and_the_rest_as_base64() {
    let send = |content_type: &str, body: &[u8]| {
        let request = UrlRequest::get("/").with_header("Content-Type", content_type);
        let event = parsed(&function_url_event(&UrlRequest {
            body: body.to_vec(),
            ..request
        }));
        (
            event.get("body").cloned(),
            event["isBase64Encoded"].as_bool(),
        )
    };
    assert_eq!(
        send("Application/JSON; charset=utf-8", b"{}"),
        (Some("{}".into()), Some(false))
    );
    assert_eq!(
        send("text/plain", b"\xff"),
        (Some("/w==".into()), Some(true))
    );
    assert_eq!(send("image/png", b"abc"), (Some("YWJj".into()), Some(true)));
    assert_eq!(send("image/png", b""), (None, Some(false)));
}

#[test]
fn the_time_is_written_in_the_common_log_format() {
    let time = |time_epoch_ms| {
        let event = parsed(&function_url_event(&UrlRequest {
            time_epoch_ms,
            ..UrlRequest::get("/")
        }));
        event["requestContext"]["time"].as_str().unwrap().to_owned()
    };
    assert_eq!(time(0), "01/Jan/1970:00:00:00 +0000");
    assert_eq!(time(951_827_696_000), "29/Feb/2000:12:34:56 +0000");
    assert_eq!(time(4_107_542_399_999), "28/Feb/2100:23:59:59 +0000");
    assert_eq!(time(4_107_542_400_000), "01/Mar/2100:00:00:00 +0000");
}

#[test]
fn a_balancer_event_has_the_documented_shape_in_both_forms() {
    let request = UrlRequest::get("/?key=hello").with_header("Accept", "*/*");
    for (form, name) in [
        (
            AlbHeaders::Single,
            "example-alb-lambda-target-request-headers-only",
        ),
        (
            AlbHeaders::Multi,
            "example-alb-lambda-target-request-multivalue-headers",
        ),
    ] {
        let mut made = shape(&parsed(&alb_event(&request, form)));
        made.insert("/body".to_owned());
        let mut documented = shape(&fixture(name));
        documented.insert("/body".to_owned());
        assert_eq!(made, documented, "{form:?}");
    }
}

#[test]
fn a_balancer_keeps_the_last_of_what_repeats_or_all_of_it_undecoded() {
    let request = UrlRequest::get("/a%20b?k=%31&k=2")
        .with_header("X-One", "1")
        .with_header("x-one", "2")
        .with_header("X-Forwarded-For", "203.0.113.9");
    let single = parsed(&alb_event(&request, AlbHeaders::Single));
    assert_eq!(single["path"], "/a%20b");
    assert_eq!(single["queryStringParameters"], json!({ "k": "2" }));
    assert_eq!(single["headers"]["x-one"], "2");
    assert_eq!(
        single["headers"]["x-forwarded-for"],
        "203.0.113.9, 192.0.2.1"
    );
    let multi = parsed(&alb_event(&request, AlbHeaders::Multi));
    assert_eq!(
        multi["multiValueQueryStringParameters"],
        json!({ "k": ["%31", "2"] })
    );
    assert_eq!(multi["multiValueHeaders"]["x-one"], json!(["1", "2"]));
    assert_eq!(
        multi["multiValueHeaders"]["host"],
        json!([request.domain_name])
    );
}

#[track_caller]
fn check_url(payload: &str, status: u16, content_type: &str, body: &[u8]) {
    let answer = decode_url_answer(payload.as_bytes());
    let got = (
        answer.status,
        answer.header("content-type").unwrap_or_default(),
        answer.body.as_ref(),
    );
    assert_eq!(got, (status, content_type, body), "{payload}");
}

#[test]
fn a_url_infers_what_an_answer_leaves_out() {
    let json = "application/json";
    check_url(r#"{ "statusCode": 204 }"#, 204, json, b"");
    check_url(
        r#"{ "statusCode": 200, "headers": { "Content-Type": "text/css" }, "body": "a" }"#,
        200,
        "text/css",
        b"a",
    );
    check_url(
        r#"{ "statusCode": 200, "body": "/wA=", "isBase64Encoded": true }"#,
        200,
        json,
        b"\xff\0",
    );
    check_url(
        r#"{ "statusCode": 200, "body": null, "headers": null, "cookies": null }"#,
        200,
        json,
        b"",
    );
    check_url(
        r#"{ "message": "hello" }"#,
        200,
        json,
        br#"{ "message": "hello" }"#,
    );
    check_url(r#""hello""#, 200, json, br#""hello""#);
}

#[test]
fn a_url_answers_502_for_what_it_cannot_read() {
    let failure = br#"{"message":"Internal Server Error"}"#;
    for payload in [
        "",
        "hello",
        r#"{ "statusCode": "200" }"#,
        r#"{ "statusCode": 42 }"#,
        r#"{ "statusCode": 70000 }"#,
        r#"{ "statusCode": 200, "headers": { "a": ["1", "2"] } }"#,
        r#"{ "statusCode": 200, "headers": [] }"#,
        r#"{ "statusCode": 200, "cookies": "a=1" }"#,
        r#"{ "statusCode": 200, "body": "%%", "isBase64Encoded": true }"#,
        r#"{ "statusCode": 200, "body": {} }"#,
    ] {
        check_url(payload, 502, "application/json", failure);
    }
}

#[test]
fn a_url_keeps_cookies_apart_and_lowers_names() {
    let payload = r#"{ "statusCode": 200, "headers": { "X-B": 1, "X-A": true }, "cookies": ["a=1; Secure", "b=2"] }"#;
    let answer = decode_url_answer(payload.as_bytes());
    let expected = [
        ("content-type", "application/json"),
        ("x-a", "true"),
        ("x-b", "1"),
    ];
    assert_eq!(
        answer.headers,
        expected.map(|(name, value)| (name.to_owned(), value.to_owned()))
    );
    assert_eq!(answer.cookies, ["a=1; Secure", "b=2"]);
}

#[test]
fn every_outcome_has_its_answer_at_the_url() {
    let streamed = |prelude: Option<Value>, end| {
        Outcome::Streamed(Streamed {
            prelude,
            body: "abc".into(),
            end,
        })
    };
    let head = json!({ "statusCode": 206, "headers": {}, "cookies": [] });
    for (outcome, status, complete) in [
        (Outcome::Buffered(r#"{"statusCode":304}"#.into()), 304, true),
        (streamed(Some(head.clone()), StreamEnd::Complete), 206, true),
        (streamed(Some(head.clone()), StreamEnd::Broken), 206, false),
        (streamed(Some(head), StreamEnd::TimedOut), 206, false),
        (streamed(None, StreamEnd::Complete), 200, true),
        (streamed(None, StreamEnd::BadPrelude), 502, true),
        (
            Outcome::FunctionError {
                error_type: String::new(),
                payload: "{}".into(),
            },
            502,
            true,
        ),
        (Outcome::TimedOut, 502, true),
        (Outcome::ResponseTooLarge, 502, true),
        (Outcome::RequestTooLarge, 413, true),
        (
            Outcome::Crashed {
                status: String::new(),
            },
            502,
            true,
        ),
        (Outcome::InitFailed(InitFailure::TimedOut), 502, true),
    ] {
        let answer = UrlAnswer::of(&outcome);
        assert_eq!(
            (answer.status, answer.complete),
            (status, complete),
            "{outcome:?}"
        );
    }
}

#[test]
fn a_balancer_reads_the_answer_of_its_own_form_only() {
    let documented = fixture("example-alb-lambda-target-response").to_string();
    let single = decode_alb_answer(documented.as_bytes(), AlbHeaders::Single);
    assert_eq!(
        (single.status, single.body.as_ref()),
        (200, b"Hello from Lambda".as_slice())
    );
    assert_eq!(single.cookies, ["cookies"]);
    let multi = decode_alb_answer(documented.as_bytes(), AlbHeaders::Multi);
    assert_eq!(
        (
            multi.status,
            multi.header("content-type"),
            multi.cookies.len()
        ),
        (200, Some("application/json"), 2)
    );
    for payload in [
        r#"{ "statusCode": 200, "headers": {} }"#,
        r#"{ "body": "no status" }"#,
        "[]",
    ] {
        assert_eq!(
            decode_alb_answer(payload.as_bytes(), AlbHeaders::Multi).status,
            502,
            "{payload}"
        );
    }
}
