//! What a function answered, held to what it may change (DG:edge-function-restrictions-all).

use crate::event;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use portcullis_edge::compute::{
    ChangedRequest, ComputeCall, Computed, FunctionRequest, FunctionResponse, OriginChoice,
};
use portcullis_edge::distribution::EventType;
use portcullis_edge::headers::Headers;
use serde_json::{Map, Value};

/// The longest path and query, in bytes.
const TARGET_BYTES_MAX: usize = 8_192;
/// Request fields that no viewer-request function changes.
const READ_ONLY_REQUEST: [&str; 5] = [
    "cdn-loop",
    "content-length",
    "host",
    "transfer-encoding",
    "via",
];
/// Response fields that no viewer-response function changes.
const READ_ONLY_RESPONSE: [&str; 2] = ["warning", "via"];

/// Why an answer is refused: CloudFront answers 502.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is no object, or lacks what it needs.
    #[error("the function answered neither a request nor a response")]
    Shape,
    /// It names a header that no function may set.
    #[error("the function set `{0}`, which no function may set")]
    Hidden(String),
    /// It changed a header that is read-only.
    #[error("the function changed `{0}`, which is read-only")]
    ReadOnly(String),
    /// The path or the query cannot be one.
    #[error("the function made a path or a query that cannot be one")]
    Target,
    /// The status is none.
    #[error("the function answered with a status that is none")]
    Status,
    /// The body cannot be read.
    #[error("the function answered with a body that cannot be read")]
    Body,
}

/// What an answer means for the request that was shown.
///
/// # Errors
/// [`Refused`]
pub fn of(answer: &str, call: ComputeCall) -> Result<Computed, Refused> {
    let answer: Value = serde_json::from_str(answer).map_err(|_| Refused::Shape)?;
    let answer = answer.as_object().ok_or(Refused::Shape)?;
    match call.event {
        EventType::ViewerRequest if answer.contains_key("statusCode") => {
            response(answer, None).map(Computed::Response)
        }
        EventType::ViewerRequest => request(answer, &call.request).map(Computed::Request),
        _ => {
            let shown = call.response.ok_or(Refused::Shape)?;
            response(answer, Some(shown)).map(Computed::Response)
        }
    }
}

fn request(
    answer: &Map<String, Value>,
    shown: &FunctionRequest,
) -> Result<ChangedRequest, Refused> {
    let uri = answer
        .get("uri")
        .and_then(Value::as_str)
        .ok_or(Refused::Shape)?;
    let query = match answer.get("querystring") {
        Some(Value::String(text)) => text.clone(),
        Some(map) if *map == event::query(&shown.query) => shown.query.clone(),
        Some(Value::Object(map)) => pairs(map, "&"),
        _ => String::new(),
    };
    let bad = |text: &str| text.contains(|c: char| c.is_whitespace() || c.is_control());
    if !uri.starts_with('/')
        || uri.len() + query.len() > TARGET_BYTES_MAX
        || bad(&query)
        || query.contains('#')
    {
        return Err(Refused::Target);
    }
    let given = members(answer, "headers");
    let mut headers = fields(&given, &shown.headers, &READ_ONLY_REQUEST)?;
    let cookies = members(answer, "cookies");
    if Value::Object(cookies.clone()) == event::cookies(&shown.headers) {
        for (name, value) in shown
            .headers
            .iter()
            .filter(|(name, _)| name.eq_ignore_ascii_case("cookie"))
        {
            headers.add(name, value.to_vec());
        }
    } else if !cookies.is_empty() {
        headers.add("Cookie", pairs(&cookies, "; "));
    }
    Ok(ChangedRequest {
        uri: uri.to_owned(),
        query,
        headers,
        body: None,
        origin: OriginChoice::Unchanged,
    })
}

fn response(
    answer: &Map<String, Value>,
    shown: Option<FunctionResponse>,
) -> Result<FunctionResponse, Refused> {
    let status = answer.get("statusCode").and_then(Value::as_u64);
    let status = status.and_then(|status| u16::try_from(status).ok());
    let status = status
        .filter(|status| (100..600).contains(status))
        .ok_or(Refused::Status)?;
    let before = shown.map(|shown| shown.headers).unwrap_or_default();
    let given = members(answer, "headers");
    let mut headers = fields(&given, &before, &READ_ONLY_RESPONSE)?;
    for (name, item) in &members(answer, "cookies") {
        for value in values(item) {
            let attributes = item
                .get("attributes")
                .and_then(Value::as_str)
                .unwrap_or_default();
            let tail = if attributes.is_empty() {
                String::new()
            } else {
                format!("; {attributes}")
            };
            headers.add("Set-Cookie", format!("{name}={value}{tail}"));
        }
    }
    let body = match answer.get("body") {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(Bytes::from(text.clone())),
        Some(Value::Object(body)) => Some(read_body(body)?),
        Some(_) => return Err(Refused::Body),
    };
    Ok(FunctionResponse {
        status,
        headers,
        body,
    })
}

fn read_body(body: &Map<String, Value>) -> Result<Bytes, Refused> {
    let data = body
        .get("data")
        .and_then(Value::as_str)
        .ok_or(Refused::Body)?;
    match body.get("encoding").and_then(Value::as_str) {
        Some("base64") => STANDARD
            .decode(data)
            .map(Bytes::from)
            .map_err(|_| Refused::Body),
        Some("text") | None => Ok(Bytes::from(data.to_owned())),
        Some(_) => Err(Refused::Body),
    }
}

fn members(answer: &Map<String, Value>, name: &str) -> Map<String, Value> {
    let members = answer.get(name).and_then(Value::as_object);
    members.cloned().unwrap_or_default()
}

/// The values of an item: several win over one.
fn values(item: &Value) -> Vec<String> {
    let text = |item: &Value| {
        item.get("value").map(|value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        })
    };
    match item.get("multiValue").and_then(Value::as_array) {
        Some(all) => all.iter().filter_map(text).collect(),
        None => text(item).into_iter().collect(),
    }
}

fn pairs(map: &Map<String, Value>, separator: &str) -> String {
    let pairs = map.iter().flat_map(|(name, item)| {
        values(item)
            .into_iter()
            .map(move |value| format!("{name}={value}"))
    });
    pairs.collect::<Vec<_>>().join(separator)
}

/// The fields that were given. What did not change keeps its spelling; what did has capitals.
fn fields(
    given: &Map<String, Value>,
    before: &Headers,
    read_only: &[&str],
) -> Result<Headers, Refused> {
    let was = |name: &str| -> Vec<String> {
        let all = before
            .iter()
            .filter(|(own, _)| own.eq_ignore_ascii_case(name));
        all.map(|(_, value)| String::from_utf8_lossy(value).into_owned())
            .collect()
    };
    let mut headers = Headers::default();
    // What no function sees stays as it was.
    for (name, value) in before.iter() {
        if event::is_hidden(&name.to_ascii_lowercase()) {
            headers.add(name, value.to_vec());
        }
    }
    for (name, item) in given {
        let lower = name.to_ascii_lowercase();
        if event::is_hidden(&lower) {
            return Err(Refused::Hidden(lower));
        }
        let (now, was) = (values(item), was(&lower));
        if now == was {
            let same = before
                .iter()
                .filter(|(own, _)| own.eq_ignore_ascii_case(&lower));
            same.for_each(|(name, value)| headers.add(name, value.to_vec()));
            continue;
        }
        if read_only.contains(&lower.as_str()) {
            return Err(Refused::ReadOnly(lower));
        }
        now.iter()
            .for_each(|value| headers.add(&capitals(&lower), value.as_str()));
    }
    for name in read_only {
        if !was(name).is_empty() && !given.keys().any(|own| own.eq_ignore_ascii_case(name)) {
            return Err(Refused::ReadOnly((*name).to_owned()));
        }
    }
    Ok(headers)
}

/// `content-type` as `Content-Type`.
fn capitals(lower: &str) -> String {
    let words = lower.split('-').map(|word| {
        let mut letters = word.chars();
        let first = letters.next().map(|c| c.to_ascii_uppercase());
        first.into_iter().chain(letters).collect::<String>()
    });
    words.collect::<Vec<_>>().join("-")
}
