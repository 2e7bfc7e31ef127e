//! What a Lambda@Edge function answered, held to what it may change (DG:lambda-generating-http-responses,
//! DG:lambda-at-edge-function-restrictions).

use super::event::Fields;
use super::origin;
use crate::rules::{self, Given, Kind, Refused, read_only};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use portcullis_edge::compute::{
    ChangedRequest, ComputeCall, Computed, FunctionResponse, OriginChoice, body_bytes_max,
};
use portcullis_edge::distribution::EventType;
use portcullis_edge::headers::Headers;
use serde::Deserialize;
use serde_json::value::RawValue;

/// A request or a response; a response is one because it has a status.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    method: Option<String>,
    uri: Option<String>,
    #[serde(default)]
    querystring: String,
    #[serde(default)]
    headers: Fields,
    origin: Option<Box<RawValue>>,
    status: Option<Status>,
    body: Option<Box<RawValue>>,
    body_encoding: Option<String>,
}

/// Text in the guide; numbers are taken too, as they are there.
#[derive(Deserialize)]
#[serde(untagged)]
enum Status {
    Number(i64),
    Text(String),
}

#[derive(Deserialize)]
struct Replaced {
    action: Option<String>,
    encoding: Option<String>,
    #[serde(default)]
    data: String,
}

/// What an answer means for the call.
///
/// # Errors
/// [`Refused`]
pub fn of(answer: &str, call: ComputeCall) -> Result<Computed, Refused> {
    let answer: Answer =
        serde_json::from_str(answer).map_err(|why| rules::unreadable(answer, &why))?;
    match call.event {
        EventType::ViewerRequest | EventType::OriginRequest if answer.status.is_none() => {
            request(answer, &call).map(Computed::Request)
        }
        EventType::ViewerRequest | EventType::OriginRequest => {
            response(answer, &Headers::default(), call.event).map(Computed::Response)
        }
        EventType::OriginResponse => {
            let shown = call
                .response
                .ok_or_else(|| shape("no response was shown"))?;
            response(answer, &shown.headers, call.event).map(Computed::Response)
        }
        EventType::ViewerResponse => {
            let shown = call
                .response
                .ok_or_else(|| shape("no response was shown"))?;
            viewer_response(answer, &shown).map(Computed::Response)
        }
    }
}

#[allow(clippy::needless_pass_by_value, reason = "what `map_err` hands over")]
fn shape(why: impl ToString) -> Refused {
    Refused::Shape(why.to_string())
}

fn request(answer: Answer, call: &ComputeCall) -> Result<ChangedRequest, Refused> {
    let shown = &call.request;
    let uri = answer.uri.ok_or_else(|| shape("`uri` is missing"))?;
    if answer.method.is_some_and(|method| method != shown.method) {
        return Err(Refused::Method);
    }
    if uri != shown.uri || answer.querystring != shown.query {
        rules::target(&uri, &answer.querystring)?;
    }
    // CloudFront adds it after this event (DG:lambda-at-edge-function-restrictions).
    let added = "cloudfront-viewer-country";
    let is_added = answer.headers.get(added).is_some() && shown.headers.get(added).is_none();
    if call.event == EventType::ViewerRequest && is_added {
        return Err(Refused::ReadOnly(added.to_owned()));
    }
    let allowed = read_only(Kind::Lambda, call.event);
    let headers = rules::fields(given(answer.headers), &shown.headers, allowed)?;
    let body = match answer.body.as_deref().filter(|_| call.body.is_some()) {
        Some(body) => replaced(body, call.event)?,
        None => None,
    };
    let origin = match (call.event, answer.origin.as_deref(), call.origin.as_deref()) {
        (EventType::OriginRequest, Some(given), Some(shown)) => origin::of(given, shown)?,
        _ => OriginChoice::Unchanged,
    };
    Ok(ChangedRequest {
        uri,
        query: answer.querystring,
        headers,
        body,
        origin,
    })
}

fn given(fields: Fields) -> Vec<Given> {
    let fields = fields.0.into_iter().map(|(name, all)| {
        let values = all.into_iter().map(|header| (header.key, header.value));
        Given {
            name,
            values: values.collect(),
        }
    });
    fields.collect()
}

/// The body in place of the request's, where the function asked for that.
fn replaced(given: &RawValue, event: EventType) -> Result<Option<Bytes>, Refused> {
    let given: Replaced = serde_json::from_str(given.get()).map_err(shape)?;
    match given.action.as_deref() {
        Some("replace") => {
            // Base64 is the default here, text is where a response is made.
            let encoding = given.encoding.as_deref().unwrap_or("base64");
            decoded(given.data, encoding, body_bytes_max(event)).map(Some)
        }
        Some("read-only") | None => Ok(None),
        Some(other) => Err(shape(format!("`{}` is no action", other.escape_debug()))),
    }
}

/// A body within its limit, which base64 may exceed by a third.
fn decoded(data: String, encoding: &str, bytes_max: usize) -> Result<Bytes, Refused> {
    let body = match encoding {
        "text" => Bytes::from(data),
        "base64" => Bytes::from(STANDARD.decode(data).map_err(|_| Refused::Body)?),
        _ => return Err(Refused::Body),
    };
    if body.len() > bytes_max {
        return Err(Refused::TooLarge(body.len(), bytes_max));
    }
    Ok(body)
}

fn response(
    answer: Answer,
    before: &Headers,
    event: EventType,
) -> Result<FunctionResponse, Refused> {
    let status = match answer.status {
        Some(Status::Number(number)) => number,
        Some(Status::Text(text)) => text.parse().map_err(|_| shape("`status` is no number"))?,
        None => return Err(shape("`status` is missing")),
    };
    let status = rules::status(status)?;
    let headers = rules::fields(
        given(answer.headers),
        before,
        read_only(Kind::Lambda, event),
    )?;
    let bytes_max = body_bytes_max(event);
    let body = match answer.body.as_deref() {
        Some(body) => {
            let text: String = serde_json::from_str(body.get()).map_err(shape)?;
            let encoding = answer.body_encoding.as_deref().unwrap_or("text");
            Some(decoded(text, encoding, bytes_max)?)
        }
        None => None,
    };
    let has_body = body.as_ref().is_some_and(|body| !body.is_empty());
    if status == 204 && has_body {
        return Err(Refused::Body);
    }
    // Headers and body of a response that a function makes count together (DG:cloudfront-limits).
    let is_made = matches!(event, EventType::ViewerRequest | EventType::OriginRequest);
    let bytes = headers.bytes() + body.as_ref().map_or(0, Bytes::len);
    if is_made && bytes > bytes_max {
        return Err(Refused::TooLarge(bytes, bytes_max));
    }
    Ok(FunctionResponse {
        status,
        headers,
        body,
    })
}

/// Headers alone: status and body stay as they are, whatever the function says.
fn viewer_response(answer: Answer, shown: &FunctionResponse) -> Result<FunctionResponse, Refused> {
    let allowed = read_only(Kind::Lambda, EventType::ViewerResponse);
    let headers = rules::fields(given(answer.headers), &shown.headers, allowed)?;
    let bytes = headers.bytes();
    let bytes_max = body_bytes_max(EventType::ViewerResponse);
    if bytes > bytes_max {
        return Err(Refused::TooLarge(bytes, bytes_max));
    }
    Ok(FunctionResponse {
        status: shown.status,
        headers,
        body: None,
    })
}
