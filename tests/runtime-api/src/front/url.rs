//! A function URL: payload format 2.0, and how its answers are read.
//!
//! Source: "Invoking Lambda function URLs" in the AWS Lambda Developer Guide. Not modelled: the renaming of hop-by-hop and
//! reserved headers to `x-amzn-remapped-*`.

use super::{Head, Iam, UrlAnswer, UrlRequest, body_of, decoded};
use bytes::Bytes;
use serde_json::{Map, Value, json};
use std::time::Duration;

const ANONYMOUS: &str = "anonymous";
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// The event a function URL makes of `request`: path and query as sent, header names in lower case with repeats joined by a
/// comma, cookies as an array, parameters decoded.
#[must_use]
pub fn function_url_event(request: &UrlRequest) -> Vec<u8> {
    let prefix = request.domain_name.split('.').next().unwrap_or_default();
    let mut context = json!({
        "accountId": request.iam.as_ref().map_or(ANONYMOUS, |iam| iam.account_id.as_str()),
        "apiId": prefix,
        "domainName": request.domain_name,
        "domainPrefix": prefix,
        "http": {
            "method": request.method,
            "path": request.raw_path,
            "protocol": "HTTP/1.1",
            "sourceIp": request.source_ip,
            "userAgent": request.value("user-agent"),
        },
        "requestId": request.request_id,
        "routeKey": "$default",
        "stage": "$default",
        "time": common_log_time(request.time_epoch_ms),
        "timeEpoch": request.time_epoch_ms,
    });
    let mut event = json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": request.raw_path,
        "rawQueryString": request.raw_query,
        "headers": headers(request),
        "isBase64Encoded": false,
    });
    if let (Some(iam), Some(context)) = (&request.iam, context.as_object_mut()) {
        context.insert("authorizer".to_owned(), json!({ "iam": authorizer(iam) }));
    }
    let cookies: Vec<&str> = request
        .values("cookie")
        .flat_map(|line| line.split(';'))
        .map(str::trim)
        .collect();
    if let Some(event) = event.as_object_mut() {
        event.insert("requestContext".to_owned(), context);
        if !cookies.is_empty() {
            event.insert("cookies".to_owned(), json!(cookies));
        }
        if !request.raw_query.is_empty() {
            event.insert("queryStringParameters".to_owned(), parameters(request));
        }
        if !request.body.is_empty() {
            let (body, is_base64) = request.body_fields();
            event.insert("body".to_owned(), body.into());
            event.insert("isBase64Encoded".to_owned(), is_base64.into());
        }
    }
    event.to_string().into_bytes()
}

/// The headers the URL passes on, with those it sets itself.
fn headers(request: &UrlRequest) -> Map<String, Value> {
    let mut headers: Map<String, Value> = request
        .grouped_headers()
        .into_iter()
        .map(|(name, values)| (name, values.join(",").into()))
        .collect();
    // What CloudFront or an attacker wrote before: the URL keeps only the leftmost address.
    let forwarded = request
        .value("x-forwarded-for")
        .and_then(|list| list.split(',').next())
        .map(str::trim);
    let forwarded = forwarded.unwrap_or(&request.source_ip).to_owned();
    let own = [
        ("host", request.domain_name.clone()),
        (
            "x-amzn-tls-cipher-suite",
            "TLS_AES_128_GCM_SHA256".to_owned(),
        ),
        ("x-amzn-tls-version", "TLSv1.3".to_owned()),
        (
            "x-amzn-trace-id",
            format!(
                "Root=1-{:08x}-000000000000000000000001",
                request.time_epoch_ms / 1000
            ),
        ),
        ("x-forwarded-for", forwarded),
        ("x-forwarded-port", "443".to_owned()),
        ("x-forwarded-proto", "https".to_owned()),
    ];
    headers.extend(own.map(|(name, value)| (name.to_owned(), value.into())));
    headers
}

fn authorizer(iam: &Iam) -> Value {
    json!({
        "accessKey": iam.access_key,
        "accountId": iam.account_id,
        "callerId": iam.caller_id,
        "cognitoIdentity": null,
        "principalOrgId": null,
        "userArn": iam.user_arn,
        "userId": iam.user_id,
    })
}

fn parameters(request: &UrlRequest) -> Value {
    let mut parameters: Map<String, Value> = Map::new();
    for (name, value) in request.parameters() {
        let (name, value) = (decoded(name), decoded(value));
        let joined = match parameters.get(&name).and_then(Value::as_str) {
            Some(before) => format!("{before},{value}"),
            None => value,
        };
        parameters.insert(name, joined.into());
    }
    Value::Object(parameters)
}

/// `12/Mar/2020:19:03:58 +0000`.
fn common_log_time(epoch_ms: u64) -> String {
    let seconds = Duration::from_millis(epoch_ms).as_secs();
    let (year, month, day) = civil(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    let month = MONTHS.get(month).copied().unwrap_or_default();
    format!("{day:02}/{month}/{year:04}:{hour:02}:{minute:02}:{second:02} +0000")
}

/// The date of a day counted from 1970-01-01: year, month from zero, day.
fn civil(mut day: u64) -> (u64, usize, u64) {
    let mut year = 1970;
    loop {
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let lengths = [
            31,
            if leap { 29 } else { 28 },
            31,
            30,
            31,
            30,
            31,
            31,
            30,
            31,
            30,
            31,
        ];
        for (month, length) in lengths.into_iter().enumerate() {
            if day < length {
                return (year, month, day + 1);
            }
            day -= length;
        }
        year += 1;
    }
}

/// What a function URL makes of a buffered answer. Any JSON without `statusCode` is itself the body of a 200; what is no
/// JSON, or has a field of the wrong type, is a 502.
#[must_use]
pub fn decode_url_answer(payload: &[u8]) -> UrlAnswer {
    let Ok(answer) = serde_json::from_slice::<Value>(payload) else {
        return UrlAnswer::bad_gateway();
    };
    if answer.get("statusCode").is_none() {
        return UrlAnswer {
            status: 200,
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            cookies: Vec::new(),
            body: Bytes::copy_from_slice(payload),
            complete: true,
        };
    }
    match (Head::of(&answer, "application/json"), body_of(&answer)) {
        (Some(head), Some(body)) => head.with(body, true),
        _ => UrlAnswer::bad_gateway(),
    }
}
