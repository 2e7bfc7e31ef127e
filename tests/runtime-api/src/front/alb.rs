//! An Application Load Balancer with a Lambda target: its two event forms, and how its answers are read.
//!
//! Source: "Use Lambda functions as targets of an Application Load Balancer" in the Elastic Load Balancing guide. Path and
//! query stay encoded. Deliberately absent: the 1 MB limits.

use super::{Head, UrlAnswer, UrlRequest, body_of, text};
use serde_json::{Map, Value, json};

const TARGET_GROUP: &str =
    "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/portcullis/0000000000000000";

/// The target group's attribute `lambda.multi_value_headers.enabled`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlbHeaders {
    /// Off: of a repeated header or parameter only the last value arrives.
    Single,
    /// On: every value arrives, and answers carry lists too.
    Multi,
}

/// The event a load balancer makes of `request`; it appends the peer to `X-Forwarded-For` as balancers do by default.
#[must_use]
pub fn alb_event(request: &UrlRequest, form: AlbHeaders) -> Vec<u8> {
    let mut forwarded: Vec<&str> = request.values("x-forwarded-for").collect();
    forwarded.push(&request.source_ip);
    let forwarded = forwarded.join(", ");
    let trace = format!(
        "Root=1-{:08x}-000000000000000000000001",
        request.time_epoch_ms / 1000
    );
    let own = [
        ("x-amzn-trace-id", trace.as_str()),
        ("x-forwarded-for", forwarded.as_str()),
        ("x-forwarded-port", "443"),
        ("x-forwarded-proto", "https"),
    ];
    let mut headers = request.grouped_headers();
    headers.retain(|(name, _)| own.iter().all(|(set, _)| set != name));
    if request.value("host").is_none() {
        headers.push(("host".to_owned(), vec![request.domain_name.as_str()]));
    }
    headers.extend(own.map(|(name, value)| (name.to_owned(), vec![value])));

    let (body, is_base64) = request.body_fields();
    let mut event = json!({
        "requestContext": { "elb": { "targetGroupArn": TARGET_GROUP } },
        "httpMethod": request.method,
        "path": request.raw_path,
        "body": body,
        "isBase64Encoded": is_base64,
    });
    let (parameters_name, headers_name) = match form {
        AlbHeaders::Single => ("queryStringParameters", "headers"),
        AlbHeaders::Multi => ("multiValueQueryStringParameters", "multiValueHeaders"),
    };
    if let Some(event) = event.as_object_mut() {
        let parameters = request
            .parameters()
            .map(|(name, value)| (name.to_owned(), vec![value]));
        event.insert(parameters_name.to_owned(), values(parameters, form));
        event.insert(headers_name.to_owned(), values(headers.into_iter(), form));
    }
    event.to_string().into_bytes()
}

fn values<'a>(named: impl Iterator<Item = (String, Vec<&'a str>)>, form: AlbHeaders) -> Value {
    let mut map: Map<String, Value> = Map::new();
    for (name, values) in named {
        match form {
            AlbHeaders::Single => {
                map.insert(name, values.last().copied().unwrap_or_default().into());
            }
            AlbHeaders::Multi => {
                let list = map.entry(name).or_insert_with(|| json!([]));
                if let Some(list) = list.as_array_mut() {
                    list.extend(values.into_iter().map(Value::from));
                }
            }
        }
    }
    Value::Object(map)
}

/// What a load balancer makes of a buffered answer: 502 where it is no object with a `statusCode`, or has a field of the wrong
/// type, or carries its headers in the other form.
#[must_use]
pub fn decode_alb_answer(payload: &[u8], form: AlbHeaders) -> UrlAnswer {
    serde_json::from_slice(payload)
        .ok()
        .and_then(|answer| decode(&answer, form))
        .unwrap_or_else(UrlAnswer::bad_gateway)
}

fn decode(answer: &Value, form: AlbHeaders) -> Option<UrlAnswer> {
    answer.get("statusCode")?;
    let body = body_of(answer)?;
    match form {
        AlbHeaders::Single => {
            let mut read = Head::of(answer, "application/octet-stream")?.with(body, true);
            read.cookies = read
                .headers
                .iter()
                .filter(|(name, _)| name == "set-cookie")
                .map(|(_, v)| v.clone())
                .collect();
            read.headers.retain(|(name, _)| name != "set-cookie");
            Some(read)
        }
        AlbHeaders::Multi => {
            let mut read =
                Head::of(&json!({ "statusCode": answer.get("statusCode") }), "")?.with(body, true);
            read.headers.clear();
            for (name, values) in answer.get("multiValueHeaders")?.as_object()? {
                let name = name.to_ascii_lowercase();
                for value in values.as_array()? {
                    match name.as_str() {
                        "set-cookie" => read.cookies.push(text(value)?),
                        _ => read.headers.push((name.clone(), text(value)?)),
                    }
                }
            }
            read.headers.sort();
            Some(read)
        }
    }
}
