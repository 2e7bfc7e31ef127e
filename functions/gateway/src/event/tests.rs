//! What an event is read as, field by field: what arrives, what is absent, what is malformed, what is foreign.

use super::{AnswerForm, Decoded, EVENT_BYTES_MAX, Unreadable, decode, foreign};
use portcullis_origin::request::{Front, Request};
use serde_json::{Value, json};

const SECRET: &str = "x-origin-verify";

/// An event of a function URL as CloudFront's request makes it.
fn url_event() -> Value {
    json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/caf%C3%A9/a%20b",
        "rawQueryString": "a=1&a=%20&b",
        "headers": {
            "x-origin-verify": "s3cret",
            "cloudfront-viewer-address": "2001:db8::1:443",
            "x-forwarded-for": "6.6.6.6",
            "range": "bytes=0-1",
            "user-agent": "curl",
        },
        "requestContext": {
            "domainName": "abc.lambda-url.eu-central-1.on.aws",
            "authorizer": { "iam": { "userArn": "arn:aws:sts::1:assumed-role/cf", "accessKey": "AKIA" } },
            "http": { "method": "GET", "path": "/", "sourceIp": "192.0.2.1:4711" },
        },
        "isBase64Encoded": false,
    })
}

/// An event of a load balancer.
fn alb_event() -> Value {
    json!({
        "requestContext": { "elb": { "targetGroupArn": "arn:aws:elb:tg" } },
        "httpMethod": "HEAD",
        "path": "/a%2Fb",
        "queryStringParameters": {},
        "headers": { "x-forwarded-for": "6.6.6.6, 192.0.2.7", "cookie": "CloudFront-Policy=p; q=1" },
        "body": "",
        "isBase64Encoded": false,
    })
}

/// `event` with the value at `pointer` replaced, or removed where `value` is `None`.
fn with(mut event: Value, pointer: &str, value: Option<Value>) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = event.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    match value {
        Some(value) => parent.insert(name.to_owned(), value),
        None => parent.remove(name),
    };
    event
}

#[track_caller]
fn check<T>(event: &str, seen: impl FnOnce(&Decoded<'_>, Request<'_>) -> T) -> T {
    let decoded = decode(event.as_bytes(), SECRET).unwrap_or_else(|why| panic!("{why:?}: {event}"));
    let cookies = decoded.cookies();
    let request = decoded.request("id", &cookies);
    seen(&decoded, request)
}

#[track_caller]
fn refused(event: &str) -> Unreadable {
    decode(event.as_bytes(), SECRET)
        .map(|decoded| format!("{decoded:?}"))
        .unwrap_err()
}

#[test]
fn a_function_urls_event_is_a_request_with_everything_as_it_was_sent() {
    check(&url_event().to_string(), |decoded, request| {
        assert_eq!(decoded.form(), AnswerForm::Url);
        assert_eq!(
            request.front,
            Front::Domain("abc.lambda-url.eu-central-1.on.aws")
        );
        assert_eq!(
            request.principal.unwrap().arn,
            Some("arn:aws:sts::1:assumed-role/cf")
        );
        assert_eq!(request.peer, Some("192.0.2.1:4711"));
        assert_eq!(request.method, "GET");
        assert_eq!(request.raw_path, "/caf%C3%A9/a%20b");
        assert_eq!(request.raw_query, "a=1&a=%20&b");
        assert_eq!(request.headers.secret, Some("s3cret"));
        assert_eq!(request.headers.viewer_address, Some("2001:db8::1:443"));
        assert_eq!(request.headers.range, Some("bytes=0-1"));
        assert_eq!(request.headers.if_range, None);
        assert_eq!(request.id, "id");
        assert!(request.cookies.is_empty());
    });
}

#[test]
fn every_header_that_is_read_arrives_under_its_name() {
    type Read = for<'r> fn(&Request<'r>) -> Option<&'r str>;
    let table: [(&str, Read); 19] = [
        (SECRET, |r| r.headers.secret),
        ("cloudfront-viewer-address", |r| r.headers.viewer_address),
        ("cloudfront-viewer-country", |r| r.headers.viewer_country),
        ("range", |r| r.headers.range),
        ("if-range", |r| r.headers.if_range),
        ("if-match", |r| r.headers.if_match),
        ("if-none-match", |r| r.headers.if_none_match),
        ("if-modified-since", |r| r.headers.if_modified_since),
        ("if-unmodified-since", |r| r.headers.if_unmodified_since),
        ("accept-encoding", |r| r.headers.accept_encoding),
        ("origin", |r| r.headers.origin),
        ("access-control-request-method", |r| {
            r.headers.request_method
        }),
        ("access-control-request-headers", |r| {
            r.headers.request_headers
        }),
        ("accept", |r| r.headers.accept),
        ("sec-fetch-dest", |r| r.headers.fetch_dest),
        ("sec-fetch-mode", |r| r.headers.fetch_mode),
        ("cdn-loop", |r| r.headers.cdn_loop),
        ("via", |r| r.headers.via),
        ("x-amz-cf-id", |r| r.headers.cloudfront_id),
    ];
    for (name, read) in table {
        for spelling in [name.to_owned(), name.to_uppercase()] {
            let event = with(
                url_event(),
                "/headers",
                Some(json!({ spelling.as_str(): "one \"two\"" })),
            );
            check(&event.to_string(), |_, request| {
                assert_eq!(read(&request), Some("one \"two\""), "{spelling}");
            });
        }
    }
}

#[test]
fn a_name_that_only_looks_like_a_headers_is_another() {
    for name in [
        "x_origin_verify",
        "x.origin.verify",
        "x-origin-verify ",
        "x-origin-verif\u{443}",
        "range\0",
        "",
    ] {
        let event = with(url_event(), "/headers", Some(json!({ name: "s3cret" })));
        check(&event.to_string(), |_, request| {
            assert_eq!(request.headers.secret, None, "{name}");
            assert_eq!(request.headers.range, None, "{name}");
        });
    }
}

#[test]
fn two_values_of_a_header_are_two_values_however_they_come() {
    let joined = Some("s3cret,s3cret");
    for headers in [
        r#"{"x-origin-verify":"s3cret,s3cret"}"#,
        r#"{"x-origin-verify":"s3cret","x-origin-verify":"s3cret"}"#,
        r#"{"X-Origin-Verify":"s3cret","a":"b","x-origin-verify":"s3cret"}"#,
        r#"{"x-origin-verify":["s3cret","s3cret"]}"#,
        r#"{"x-origin-verify":["s3cret"],"X-ORIGIN-VERIFY":["s3cret"]}"#,
        r#"{"x-origin-verify":"s3cret","x-origin\u002dverify":"s3cret"}"#,
    ] {
        let event = with(url_event(), "/headers", Some(json!("HEADERS"))).to_string();
        let event = event.replace("\"HEADERS\"", headers);
        check(&event, |_, request| {
            assert_eq!(request.headers.secret, joined, "{headers}");
        });
    }
}

#[test]
fn what_is_absent_is_absent() {
    for headers in [
        json!(null),
        json!({}),
        json!({ "range": null }),
        json!({ "range": [] }),
    ] {
        let event = with(url_event(), "/headers", Some(headers.clone()));
        check(&event.to_string(), |_, request| {
            assert_eq!(request.headers.range, None, "{headers}");
        });
    }
    for pointer in [
        "/headers",
        "/rawQueryString",
        "/requestContext/authorizer",
        "/requestContext/http/sourceIp",
    ] {
        for value in [None, Some(json!(null))] {
            check(&with(url_event(), pointer, value).to_string(), |_, _| ());
        }
    }
    for authorizer in [
        json!({}),
        json!({ "iam": null }),
        json!({ "lambda": { "a": 1 } }),
    ] {
        let event = with(
            url_event(),
            "/requestContext/authorizer",
            Some(authorizer.clone()),
        );
        check(&event.to_string(), |_, request| {
            assert_eq!(request.principal, None, "{authorizer}");
        });
    }
    let event = with(
        url_event(),
        "/requestContext/authorizer",
        Some(json!({ "iam": {} })),
    );
    check(&event.to_string(), |_, request| {
        assert_eq!(request.principal.unwrap().arn, None);
    });
}

#[test]
fn cookies_that_can_sign_are_kept_and_no_others() {
    let cookies = |event: &Value| {
        check(&event.to_string(), |_, request| {
            request
                .cookies
                .iter()
                .map(|&cookie| cookie.to_owned())
                .collect::<Vec<_>>()
        })
    };
    let list = json!([
        "session=1",
        "CloudFront-Policy=a",
        "theme=\"dark\"",
        "CloudFront-Signature=\"b\""
    ]);
    let event = with(url_event(), "/cookies", Some(list));
    assert_eq!(
        cookies(&event),
        ["CloudFront-Policy=a", "CloudFront-Signature=\"b\""]
    );
    let header = Some(json!({ "cookie": "x=1; CloudFront-Policy=a" }));
    let only_header = with(url_event(), "/headers", header);
    assert_eq!(cookies(&only_header), ["x=1; CloudFront-Policy=a"]);
    let both = with(
        only_header,
        "/cookies",
        Some(json!(["CloudFront-Policy=b"])),
    );
    assert_eq!(
        cookies(&both),
        ["CloudFront-Policy=b"],
        "the list holds every cookie"
    );
    assert_eq!(cookies(&alb_event()), ["CloudFront-Policy=p; q=1"]);
}

#[test]
fn a_load_balancers_event_is_a_request_of_its_target_group() {
    let event = with(
        alb_event(),
        "/queryStringParameters",
        Some(json!("PARAMETERS")),
    );
    let parameters = r#"{"b":"%20x","a":""}"#;
    let event = event.to_string().replace("\"PARAMETERS\"", parameters);
    check(&event, |decoded, request| {
        assert_eq!(decoded.form(), AnswerForm::Alb);
        assert_eq!(request.front, Front::TargetGroup("arn:aws:elb:tg"));
        assert_eq!(request.principal, None);
        assert_eq!(request.method, "HEAD");
        assert_eq!(request.raw_path, "/a%2Fb");
        assert_eq!(
            request.raw_query, "b=%20x&a=",
            "in the order of the event, undecoded"
        );
        assert_eq!(request.peer, Some("192.0.2.7"), "the balancer's own word");
    });
}

#[test]
fn a_load_balancers_lists_are_read_and_answered_as_lists() {
    let lists = json!({
        "X-Forwarded-For": ["6.6.6.6", "7.7.7.7, 192.0.2.7"],
        "x-origin-verify": ["one", "two"],
        "cookie": ["CloudFront-Policy=p", "CloudFront-Signature=s"],
    });
    let event = with(alb_event(), "/multiValueHeaders", Some(lists));
    let event = with(event, "/headers", None);
    let event = with(event, "/queryStringParameters", None);
    let parameters = json!({ "k": ["1", "2"], "\"": ["x"] });
    let event = with(event, "/multiValueQueryStringParameters", Some(parameters));
    check(&event.to_string(), |decoded, request| {
        assert_eq!(decoded.form(), AnswerForm::AlbMultiValue);
        assert_eq!(request.peer, Some("192.0.2.7"));
        assert_eq!(
            request.headers.secret,
            Some("one,two"),
            "two values are never one"
        );
        assert_eq!(
            request.cookies,
            ["CloudFront-Policy=p; CloudFront-Signature=s"]
        );
        let query = request.raw_query;
        assert!(
            query == "k=1&k=2&\"=x" || query == "\"=x&k=1&k=2",
            "{query}"
        );
    });
}

#[test]
fn a_load_balancer_that_names_no_peer_has_none() {
    for headers in [json!(null), json!({}), json!({ "x-forwarded-for": "" })] {
        let event = with(alb_event(), "/headers", Some(headers.clone()));
        check(&event.to_string(), |_, request| {
            assert!(request.peer.is_none_or(str::is_empty), "{headers}");
        });
    }
}

#[test]
fn what_is_no_event_is_malformed() {
    for event in [
        "",
        " ",
        "null",
        "1",
        "\"a\"",
        "[]",
        "{",
        "{}x",
        "{\"version\":\"2.0\"",
        "\u{feff}{}",
        "{\"a\":01}",
    ] {
        assert_eq!(refused(event), Unreadable::Malformed, "{event}");
    }
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(
        decode(deep.as_bytes(), SECRET).is_err(),
        "and its depth costs no stack"
    );
    for bytes in [
        &b"{\"rawPath\":\"\xff\"}"[..],
        b"\xff",
        b"{\"a\":\"\xed\xa0\x80\"}",
    ] {
        assert_eq!(decode(bytes, SECRET).unwrap_err(), Unreadable::Malformed);
    }
    let mut long = url_event().to_string();
    long.extend(std::iter::repeat_n(' ', EVENT_BYTES_MAX));
    assert_eq!(refused(&long), Unreadable::Malformed);
}

#[test]
fn a_field_of_the_wrong_type_is_malformed() {
    let wrong = [json!(1), json!(true), json!(["a"]), json!({ "a": "b" })];
    let texts = [
        "/version",
        "/rawPath",
        "/rawQueryString",
        "/requestContext/domainName",
        "/requestContext/http/method",
        "/requestContext/http/sourceIp",
        "/requestContext/authorizer/iam/userArn",
    ];
    for pointer in texts {
        for value in &wrong {
            let event = with(url_event(), pointer, Some(value.clone())).to_string();
            assert_eq!(refused(&event), Unreadable::Malformed, "{event}");
        }
    }
    let others = [
        ("/headers", json!("a")),
        ("/headers", json!(["a"])),
        ("/headers/range", json!(1)),
        ("/headers/range", json!({ "a": "b" })),
        ("/headers/range", json!([null])),
        ("/headers/range", json!(["a", 1])),
        ("/cookies", json!("a=b")),
        ("/cookies", json!([1])),
        ("/cookies", json!({})),
        ("/requestContext", json!("a")),
        ("/requestContext/http", json!("a")),
        ("/requestContext/authorizer", json!("a")),
    ];
    for (pointer, value) in others {
        let event = with(url_event(), pointer, Some(value)).to_string();
        assert_eq!(refused(&event), Unreadable::Malformed, "{event}");
    }
    for parameters in [
        json!({ "a": 1 }),
        json!({ "a": null }),
        json!({ "a": [["b"]] }),
        json!([]),
        json!("a=b"),
    ] {
        let event = with(alb_event(), "/queryStringParameters", Some(parameters)).to_string();
        assert_eq!(refused(&event), Unreadable::Malformed, "{event}");
    }
}

#[test]
fn a_field_that_every_request_has_is_needed() {
    let needed = [
        "/rawPath",
        "/requestContext",
        "/requestContext/domainName",
        "/requestContext/http",
        "/requestContext/http/method",
    ];
    for pointer in needed {
        for value in [None, Some(json!(null))] {
            let event = with(url_event(), pointer, value).to_string();
            assert_eq!(refused(&event), Unreadable::Malformed, "{event}");
        }
    }
    for pointer in ["/path", "/httpMethod", "/requestContext/elb/targetGroupArn"] {
        let event = with(alb_event(), pointer, None).to_string();
        assert_eq!(refused(&event), Unreadable::Malformed, "{event}");
    }
}

#[test]
fn a_field_that_comes_twice_is_malformed() {
    let event = url_event().to_string();
    for (field, again) in [
        ("\"rawPath\":", "\"rawPath\":\"/b\",\"rawPath\":"),
        ("\"version\":", "\"version\":\"1.0\",\"version\":"),
        ("\"method\":", "\"method\":\"GET\",\"method\":"),
        ("\"domainName\":", "\"domainName\":\"a\",\"domainName\":"),
        ("\"headers\":", "\"headers\":{},\"headers\":"),
        ("\"rawPath\":", "\"raw\\u0050ath\":\"/b\",\"rawPath\":"),
    ] {
        assert!(event.contains(field));
        assert_eq!(
            refused(&event.replace(field, again)),
            Unreadable::Malformed,
            "{again}"
        );
    }
}

#[test]
fn other_sources_events_are_foreign() {
    for event in [
        json!({}),
        json!({ "Records": [{ "eventSource": "aws:s3", "s3": { "object": { "key": "a" } } }] }),
        json!({ "Records": [{ "EventSource": "aws:sns", "Sns": { "Message": "m" } }] }),
        json!({ "version": "0", "source": "aws.events", "detail-type": "Scheduled Event", "detail": {} }),
        json!({ "version": "1.0", "resource": "/", "path": "/", "httpMethod": "GET", "headers": null,
                "requestContext": { "domainName": "abc.lambda-url.eu-central-1.on.aws", "identity": {} } }),
        json!({ "headers": {}, "requestContext": { "connectionId": "c", "eventType": "CONNECT", "domainName": "d" } }),
        json!({ "requestContext": { "elb": null }, "httpMethod": "GET", "path": "/" }),
        json!({ "rawPath": "/", "requestContext": { "domainName": "abc.lambda-url.eu-central-1.on.aws",
                "http": { "method": "GET" } } }),
    ] {
        assert_eq!(refused(&event.to_string()), Unreadable::Foreign, "{event}");
    }
    let request = foreign("id");
    assert_eq!(request.front, Front::Domain(""), "which is no site's front");
}

#[test]
fn escapes_are_undone_wherever_text_may_stand() {
    let event = url_event().to_string();
    let event = event.replace("\"rawPath\":\"/caf", "\"raw\\u0050ath\":\"\\/\\u0063af");
    let event = event.replace("\"bytes=0-1\"", "\"byt\\u0065s=0-1\"");
    check(&event, |_, request| {
        assert_eq!(request.raw_path, "/caf%C3%A9/a%20b");
        assert_eq!(request.headers.range, Some("bytes=0-1"));
    });
}
