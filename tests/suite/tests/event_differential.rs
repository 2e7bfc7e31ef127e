//! The event decoder against `lambda_http`: on events that both accept they read the same request.
//!
//! Listed differences:
//! - `lambda_http` builds a URI, which no decoder of ours does; its `raw_http_path` is what is compared.
//! - It decodes and encodes the query of a load balancer again, so there the decoded pairs are compared, as a set.
//! - It joins cookies to one header; ours keeps those that can sign, one by one.
//! - It refuses what is no URI or no header value (and panics over some of it); such events are not made here.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on must fail"
)]

use lambda_http::RequestExt as _;
use portcullis_gateway::event::{AnswerForm, decode};
use portcullis_origin::request::Request;
use portcullis_runtime_api::{AlbHeaders, UrlRequest, alb_event, function_url_event};
use proptest::prelude::{Strategy, prop, proptest};
use std::collections::BTreeSet;

const SECRET_NAME: &str = "x-origin-verify";

fn headers<'r>(request: &Request<'r>) -> [(&'static str, Option<&'r str>); 8] {
    let headers = &request.headers;
    [
        (SECRET_NAME, headers.secret),
        ("range", headers.range),
        ("if-none-match", headers.if_none_match),
        ("if-modified-since", headers.if_modified_since),
        ("accept-encoding", headers.accept_encoding),
        ("origin", headers.origin),
        ("cloudfront-viewer-address", headers.viewer_address),
        ("via", headers.via),
    ]
}

/// The pairs of a query, decoded.
fn pairs(query: &str) -> BTreeSet<(String, String)> {
    let decoded = |text: &str| {
        let text = text.replace('+', " ");
        percent_encoding::percent_decode_str(&text)
            .decode_utf8_lossy()
            .into_owned()
    };
    let parts = query.split('&').filter(|part| !part.is_empty());
    parts
        .map(|part| part.split_once('=').unwrap_or((part, "")))
        .map(|(name, value)| (decoded(name), decoded(value)))
        .collect()
}

#[track_caller]
fn agree(event: &[u8]) {
    let text = std::str::from_utf8(event).expect("an event is text");
    let ours = decode(event, SECRET_NAME).unwrap_or_else(|why| panic!("{why:?}: {text}"));
    let cookies = ours.cookies();
    let request = ours.request("id", &cookies);
    let theirs = lambda_http::request::from_str(text).expect(text);
    assert_eq!(request.method, theirs.method().as_str(), "{text}");
    assert_eq!(request.raw_path, theirs.raw_http_path(), "{text}");
    let query = theirs.uri().query().unwrap_or_default();
    if ours.form() == AnswerForm::Url {
        assert_eq!(request.raw_query, query, "{text}");
    } else {
        assert_eq!(pairs(request.raw_query), pairs(query), "{text}");
    }
    for (name, value) in headers(&request) {
        let all: Vec<_> = theirs.headers().get_all(name).iter().collect();
        let joined = all
            .iter()
            .map(|value| value.to_str().expect("text"))
            .collect::<Vec<_>>()
            .join(",");
        assert_eq!(value.unwrap_or_default(), joined, "`{name}` of {text}");
    }
    let cookie = theirs
        .headers()
        .get("cookie")
        .map_or("", |value| value.to_str().expect("text"));
    for pair in request.cookies {
        assert!(cookie.contains(pair), "`{pair}` of {text}");
    }
    assert_eq!(
        cookie.contains("CloudFront-"),
        !request.cookies.is_empty(),
        "{text}"
    );
}

fn any_request() -> impl Strategy<Value = UrlRequest> {
    let names = prop::sample::select(vec![
        SECRET_NAME,
        "Range",
        "if-none-match",
        "If-Modified-Since",
        "accept-encoding",
        "origin",
        "cloudfront-viewer-address",
        "via",
        "user-agent",
        "x-other",
    ]);
    let header =
        (names, "[!-~]([ -~]{0,20}[!-~])?").prop_map(|(name, value)| (name.to_owned(), value));
    let cookie = prop::sample::select(vec![
        "s=1",
        "CloudFront-Policy=abc_",
        "CloudFront-Signature=x~y",
        "theme=dark",
    ]);
    (
        prop::sample::select(vec!["GET", "HEAD", "OPTIONS", "POST"]),
        "/([a-z0-9._~-]|%[2-7][0-9A-F]|/){0,20}",
        "([a-z]{1,3}=([a-z0-9]|%20|%26){0,5}(&[a-z]{1,3}=[a-z0-9]{1,5}){0,3})?",
        prop::collection::vec(header, 0..8),
        prop::collection::vec(cookie, 0..4),
    )
        .prop_map(|(method, path, query, headers, cookies)| {
            let mut request = UrlRequest::get(&path);
            request.method = method.to_owned();
            request.raw_query = query;
            request.headers = headers;
            if !cookies.is_empty() {
                request
                    .headers
                    .push(("cookie".to_owned(), cookies.join("; ")));
            }
            request
        })
}

proptest! {
    #[test]
    fn on_a_function_urls_events(request in any_request()) {
        agree(&function_url_event(&request));
    }

    #[test]
    fn on_a_load_balancers_events(request in any_request()) {
        agree(&alb_event(&request, AlbHeaders::Single));
        agree(&alb_event(&request, AlbHeaders::Multi));
    }
}

#[test]
fn on_the_samples_of_the_fronts_that_are_served() {
    let folder = portcullis_suite::data_dir().join("lambda-events/http-fronts");
    let served = [
        "lambda_function_url_request",
        "alb_request",
        "alb_multi_value_request",
        "alb_no_host",
        "alb_health_check",
        "alb_request_encoded_query_parameters",
        "alb_multi_value_request_encoded_query_parameters",
        "example-alb-lambda-target-request-headers-only",
        "example-alb-lambda-target-request-multivalue-headers",
    ];
    for name in served {
        agree(&std::fs::read(folder.join(format!("{name}.json"))).expect(name));
    }
}
