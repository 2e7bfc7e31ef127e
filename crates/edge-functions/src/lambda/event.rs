//! What a Lambda@Edge function is shown (DG:lambda-event-structure).

use super::origin;
use crate::event::Members;
use crate::function::Place;
use crate::rules::{is_hidden, reason, text};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portcullis_edge::compute::{ComputeCall, FunctionResponse, ShownBody};
use portcullis_edge::distribution::EventType;
use portcullis_edge::headers::Headers;
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

/// One field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Its name as it is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Its value.
    pub value: String,
}

/// Fields by lower-case name.
pub type Fields = Members<Vec<Header>>;

#[derive(Serialize)]
struct Shown<'a> {
    #[serde(rename = "Records")]
    records: [Record<'a>; 1],
}

#[derive(Serialize)]
struct Record<'a> {
    cf: Cf<'a>,
}

#[derive(Serialize)]
struct Cf<'a> {
    config: Config<'a>,
    request: Request<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response: Option<Response>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Config<'a> {
    distribution_domain_name: &'a str,
    distribution_id: &'a str,
    event_type: &'static str,
    request_id: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Request<'a> {
    client_ip: String,
    headers: Fields,
    method: &'a str,
    querystring: &'a str,
    uri: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<Body>,
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<origin::Shown>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    input_truncated: bool,
    action: &'static str,
    encoding: &'static str,
    data: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Response {
    status: String,
    status_description: &'static str,
    headers: Fields,
}

/// The event of a call, as JSON.
///
/// # Errors
/// None that is known: all of it can be written as JSON. The error is serde's.
pub fn of(call: &ComputeCall, place: Place<'_>) -> Result<Box<RawValue>, serde_json::Error> {
    let request = &call.request;
    let origin = (call.event == EventType::OriginRequest)
        .then_some(call.origin.as_deref())
        .flatten();
    let cf = Cf {
        config: Config {
            distribution_domain_name: place.domain,
            distribution_id: place.id,
            event_type: call.event.name(),
            request_id: call.id.as_str(),
        },
        request: Request {
            client_ip: call.viewer.to_string(),
            headers: fields(&request.headers),
            method: &request.method,
            querystring: &request.query,
            uri: &request.uri,
            body: call.body.as_ref().map(body),
            origin: origin.map(origin::shown),
        },
        response: call.response.as_ref().map(response),
    };
    to_raw_value(&Shown {
        records: [Record { cf }],
    })
}

fn body(shown: &ShownBody) -> Body {
    Body {
        input_truncated: shown.truncated,
        action: "read-only",
        encoding: "base64",
        data: STANDARD.encode(&shown.bytes),
    }
}

fn response(response: &FunctionResponse) -> Response {
    Response {
        status: response.status.to_string(),
        status_description: reason(response.status),
        headers: fields(&response.headers),
    }
}

/// Fields by lower-case name, without what no function sees.
#[must_use]
pub fn fields(headers: &Headers) -> Fields {
    let mut fields = Fields::default();
    for (name, value) in headers.iter() {
        let lower = name.to_ascii_lowercase();
        if is_hidden(&lower) {
            continue;
        }
        let header = Header {
            key: Some(name.to_owned()),
            value: text(value).into_owned(),
        };
        match fields.0.iter_mut().find(|(own, _)| *own == lower) {
            Some((_, all)) => all.push(header),
            None => fields.0.push((lower, vec![header])),
        }
    }
    fields
}
