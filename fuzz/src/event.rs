//! The event decoder: whatever it reads out of an event stands there, and what it does not read harms nobody.
//!
//! An input is the text of an event.

use portcullis_gateway::event::{AnswerForm, decode};
use portcullis_origin::request::{Front, Request};
use serde_json::Value;

const SECRET_NAME: &str = "x-origin-verify";

/// Holds for any input.
pub fn hold(input: &[u8]) {
    let Ok(decoded) = decode(input, SECRET_NAME) else {
        return;
    };
    let cookies = decoded.cookies();
    assert!(cookies.iter().all(|cookie| cookie.contains("CloudFront-")));
    // The generic reader has limits of its own for what the decoder skips.
    let Ok(event) = serde_json::from_slice::<Value>(input) else {
        return;
    };
    let request = decoded.request("id", &cookies);
    match decoded.form() {
        AnswerForm::Url => of_url(&event, &request),
        AnswerForm::Alb => of_balancer(&event, &request, "headers"),
        AnswerForm::AlbMultiValue => of_balancer(&event, &request, "multiValueHeaders"),
    }
}

fn of_url(event: &Value, request: &Request<'_>) {
    let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str);
    assert_eq!(text("/version"), Some("2.0"));
    assert_eq!(text("/rawPath"), Some(request.raw_path));
    assert_eq!(
        text("/rawQueryString").unwrap_or_default(),
        request.raw_query
    );
    assert_eq!(text("/requestContext/http/method"), Some(request.method));
    assert_eq!(text("/requestContext/http/sourceIp"), request.peer);
    let domain = text("/requestContext/domainName").map(Front::Domain);
    assert_eq!(domain, Some(request.front));
    let arn = text("/requestContext/authorizer/iam/userArn");
    assert_eq!(request.principal.and_then(|principal| principal.arn), arn);
    headers(&event["headers"], request);
}

fn of_balancer(event: &Value, request: &Request<'_>, named: &str) {
    let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str);
    assert_eq!(text("/path"), Some(request.raw_path));
    assert_eq!(text("/httpMethod"), Some(request.method));
    let target_group = text("/requestContext/elb/targetGroupArn").map(Front::TargetGroup);
    assert_eq!(target_group, Some(request.front));
    assert_eq!(request.principal, None, "a load balancer verifies nobody");
    headers(&event[named], request);
}

/// A header is there if and only if its name is, in some case, with a value.
fn headers(headers: &Value, request: &Request<'_>) {
    let read = [
        (SECRET_NAME, request.headers.secret),
        ("range", request.headers.range),
        ("if-none-match", request.headers.if_none_match),
        ("cloudfront-viewer-address", request.headers.viewer_address),
    ];
    for (name, value) in read {
        let members = headers.as_object().into_iter().flatten();
        let named = members.filter(|(known, _)| known.eq_ignore_ascii_case(name));
        let parts: Vec<&str> = named.flat_map(|(_, value)| texts(value)).collect();
        match value {
            None => assert!(parts.is_empty(), "`{name}` was lost"),
            // A name that comes twice in one case is one member here and two values there.
            Some(value) => assert!(parts.iter().all(|part| value.contains(part))),
        }
    }
}

fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}
