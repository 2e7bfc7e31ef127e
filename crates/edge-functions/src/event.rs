//! What a function is shown (DG:functions-event-structure).

use crate::Place;
use portcullis_edge::compute::ComputeCall;
use portcullis_edge::headers::Headers;
use serde_json::{Map, Value, json};

/// The event of a call.
#[must_use]
pub fn of(call: &ComputeCall, place: Place<'_>) -> Value {
    let request = &call.request;
    let mut event = json!({
        "version": "1.0",
        "context": {
            "distributionDomainName": place.domain,
            "endpoint": place.domain,
            "distributionId": place.id,
            "eventType": call.event.name(),
            "requestId": call.id.as_str(),
        },
        "viewer": { "ip": call.viewer.to_string() },
        "request": {
            "method": request.method,
            "uri": request.uri,
            "querystring": query(&request.query),
            "headers": headers(&request.headers),
            "cookies": cookies(&request.headers),
        },
    });
    if let (Some(response), Some(members)) = (&call.response, event.as_object_mut()) {
        let shown = json!({
            "statusCode": response.status,
            "statusDescription": "",
            "headers": headers(&response.headers),
            "cookies": set_cookies(&response.headers),
        });
        members.insert("response".to_owned(), shown);
    }
    event
}

/// Adds a value under a name: a second one makes both a list.
fn add(map: &mut Map<String, Value>, name: &str, item: Value) {
    let Some(known) = map.get_mut(name).and_then(Value::as_object_mut) else {
        map.insert(name.to_owned(), item);
        return;
    };
    let first = json!({ "value": known.get("value") });
    let all = known
        .entry("multiValue")
        .or_insert_with(|| Value::from(vec![first]));
    if let Some(all) = all.as_array_mut() {
        all.push(item);
    }
}

/// Query parameters, escapes as they came.
#[must_use]
pub fn query(query: &str) -> Value {
    let mut map = Map::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        add(&mut map, name, json!({ "value": value }));
    }
    map.into()
}

/// Fields by lower-case name, without cookies and what no function sees.
#[must_use]
pub fn headers(headers: &Headers) -> Value {
    let mut map = Map::new();
    for (name, value) in headers.iter() {
        let name = name.to_ascii_lowercase();
        if matches!(name.as_str(), "cookie" | "set-cookie") || is_hidden(&name) {
            continue;
        }
        add(
            &mut map,
            &name,
            json!({ "value": String::from_utf8_lossy(value) }),
        );
    }
    map.into()
}

/// The cookies of a request.
#[must_use]
pub fn cookies(headers: &Headers) -> Value {
    let mut map = Map::new();
    let all = headers.joined("cookie", "; ").unwrap_or_default();
    let all = String::from_utf8_lossy(&all);
    for pair in all
        .split(';')
        .map(str::trim)
        .filter(|pair| !pair.is_empty())
    {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        add(&mut map, name, json!({ "value": value }));
    }
    map.into()
}

/// The cookies that a response sets, with their attributes.
#[must_use]
pub fn set_cookies(headers: &Headers) -> Value {
    let mut map = Map::new();
    let set = headers
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie"));
    for (_, value) in set {
        let text = String::from_utf8_lossy(value);
        let (pair, attributes) = text.split_once(';').unwrap_or((&text, ""));
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let item = json!({ "value": value.trim(), "attributes": attributes.trim() });
        add(&mut map, name.trim(), item);
    }
    map.into()
}

/// Names that no function sees and none may add (DG:edge-function-restrictions-all).
#[must_use]
pub fn is_hidden(lower: &str) -> bool {
    const EXACT: [&str; 22] = [
        "connection",
        "expect",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "trailer",
        "upgrade",
        "x-accel-buffering",
        "x-accel-charset",
        "x-accel-limit-rate",
        "x-accel-redirect",
        "x-amzn-auth",
        "x-amzn-cf-billing",
        "x-amzn-cf-id",
        "x-amzn-cf-xff",
        "x-amzn-errortype",
        "x-amzn-fle-profile",
        "x-amzn-requestid",
        "x-cache",
        "x-forwarded-proto",
        "x-real-ip",
    ];
    let prefixed = [
        "x-amz-cf-",
        "x-edge-",
        "x-amzn-header-",
        "x-amzn-lambda-integration-",
    ];
    EXACT.contains(&lower) || prefixed.iter().any(|prefix| lower.starts_with(prefix))
}
