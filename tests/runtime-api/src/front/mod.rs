//! What stands between a viewer and the function: HTTP to event, answer to HTTP, for a function URL and for a load balancer.
//!
//! Requests are text as CloudFront or a client sent it; nothing is decoded, normalised or refused here, so that a test can
//! send what no well-behaved client would.

mod alb;
mod url;

pub use alb::{AlbHeaders, alb_event, decode_alb_answer};
pub use url::{decode_url_answer, function_url_event};

use crate::outcome::{Outcome, StreamEnd, Streamed};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

/// One HTTP request as it reaches the front.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlRequest {
    /// The method, as sent.
    pub method: String,
    /// The path, percent-encoded as sent.
    pub raw_path: String,
    /// The query without its `?`, as sent.
    pub raw_query: String,
    /// Names and values in the order they were sent; repeats allowed.
    pub headers: Vec<(String, String)>,
    /// The body; empty means none.
    pub body: Vec<u8>,
    /// The peer of the front: an edge server's address.
    pub source_ip: String,
    /// The host name of the function URL.
    pub domain_name: String,
    /// Who signed the request; `None` for a URL without access control. A load balancer ignores it.
    pub iam: Option<Iam>,
    /// When the request arrived, in milliseconds since the epoch.
    pub time_epoch_ms: u64,
    /// The front's own id of the request.
    pub request_id: String,
}

/// The caller as IAM knows it (`requestContext.authorizer.iam`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Iam {
    /// `accessKey`
    pub access_key: String,
    /// `accountId`
    pub account_id: String,
    /// `callerId`
    pub caller_id: String,
    /// `userArn`
    pub user_arn: String,
    /// `userId`
    pub user_id: String,
}

impl UrlRequest {
    /// A GET for `target` (`/path` or `/path?query`) from an edge address of the documentation range, without a signature.
    #[must_use]
    pub fn get(target: &str) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Self {
            method: "GET".to_owned(),
            raw_path: path.to_owned(),
            raw_query: query.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
            source_ip: "192.0.2.1".to_owned(),
            domain_name: "abcdefghijklmnopqrstuvwxyz012345.lambda-url.us-east-1.on.aws".to_owned(),
            iam: None,
            time_epoch_ms: 1_767_225_600_000,
            request_id: "00000000-0000-4000-8000-00000000f0f0".to_owned(),
        }
    }

    /// Adds one header.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Every value of the header `name`, in order.
    fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers
            .iter()
            .filter(move |(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The first value of the header `name`.
    fn value<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        self.values(name).next()
    }

    /// The names in lower case, each with its values in order; names in the order of their first appearance.
    fn grouped_headers(&self) -> Vec<(String, Vec<&str>)> {
        let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
        for (name, value) in &self.headers {
            let name = name.to_ascii_lowercase();
            match groups.iter_mut().find(|(known, _)| *known == name) {
                Some((_, values)) => values.push(value),
                None => groups.push((name, vec![value])),
            }
        }
        groups
    }

    /// The query's parameters in order, undecoded.
    fn parameters(&self) -> impl Iterator<Item = (&str, &str)> {
        self.raw_query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
    }

    /// The fields `body` and `isBase64Encoded`: text where the content type says so, base64 otherwise.
    fn body_fields(&self) -> (String, bool) {
        let is_text = self.value("content-encoding").is_none()
            && self.value("content-type").is_none_or(is_text_type);
        match std::str::from_utf8(&self.body) {
            Ok(text) if is_text => (text.to_owned(), false),
            _ => (STANDARD.encode(&self.body), true),
        }
    }
}

fn is_text_type(content_type: &str) -> bool {
    let essence = content_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    essence.starts_with("text/")
        || matches!(
            essence.as_str(),
            "application/json" | "application/javascript" | "application/xml"
        )
}

fn decoded(text: &str) -> String {
    percent_decode_str(&text.replace('+', " "))
        .decode_utf8_lossy()
        .into_owned()
}

/// What the viewer of the front receives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlAnswer {
    /// The status code.
    pub status: u16,
    /// Names in lower case, without cookies, sorted by name.
    pub headers: Vec<(String, String)>,
    /// The values of the `Set-Cookie` headers, in order.
    pub cookies: Vec<String>,
    /// The bytes of the body that arrive.
    pub body: Bytes,
    /// False where the viewer sees the connection break before the end of the body.
    pub complete: bool,
}

impl UrlAnswer {
    /// What a function URL makes of `outcome`: an answer of the function, or 502 where there is none.
    #[must_use]
    pub fn of(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Buffered(payload) => decode_url_answer(payload),
            Outcome::Streamed(streamed) => Self::streamed(streamed),
            Outcome::RequestTooLarge => Self {
                status: 413,
                ..Self::bad_gateway()
            },
            Outcome::FunctionError { .. }
            | Outcome::TimedOut
            | Outcome::ResponseTooLarge
            | Outcome::Crashed { .. }
            | Outcome::InitFailed(_) => Self::bad_gateway(),
        }
    }

    /// The first value of the header `name`.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    fn streamed(streamed: &Streamed) -> Self {
        let complete = streamed.end == StreamEnd::Complete;
        match (&streamed.prelude, &streamed.end) {
            (Some(prelude), _) => match Head::of(prelude, "application/octet-stream") {
                Some(head) => head.with(streamed.body.clone(), complete),
                None => Self::bad_gateway(),
            },
            (None, StreamEnd::BadPrelude) => Self::bad_gateway(),
            (None, _) => {
                let head = Head::of(&json!({}), "application/octet-stream");
                head.map_or_else(Self::bad_gateway, |head| {
                    head.with(streamed.body.clone(), complete)
                })
            }
        }
    }

    fn bad_gateway() -> Self {
        Self {
            status: 502,
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            cookies: Vec::new(),
            body: Bytes::from_static(br#"{"message":"Internal Server Error"}"#),
            complete: true,
        }
    }
}

/// Status, headers and cookies of an answer object.
struct Head {
    status: u16,
    headers: Vec<(String, String)>,
    cookies: Vec<String>,
}

impl Head {
    /// `None` where a field has a type the front cannot use. An absent `statusCode` is 200.
    fn of(answer: &Value, default_type: &str) -> Option<Self> {
        let status = match answer.get("statusCode") {
            None => 200,
            Some(status) => u16::try_from(status.as_u64()?)
                .ok()
                .filter(|status| (100..=599).contains(status))?,
        };
        let cookies = match answer.get("cookies") {
            None | Some(Value::Null) => Vec::new(),
            Some(cookies) => cookies
                .as_array()?
                .iter()
                .map(text)
                .collect::<Option<_>>()?,
        };
        let mut headers = match answer.get("headers") {
            None | Some(Value::Null) => Vec::new(),
            Some(headers) => single_values(headers.as_object()?)?,
        };
        if !headers.iter().any(|(name, _)| name == "content-type") {
            headers.push(("content-type".to_owned(), default_type.to_owned()));
        }
        headers.sort();
        Some(Self {
            status,
            headers,
            cookies,
        })
    }

    fn with(self, body: Bytes, complete: bool) -> UrlAnswer {
        UrlAnswer {
            status: self.status,
            headers: self.headers,
            cookies: self.cookies,
            body,
            complete,
        }
    }
}

fn single_values(headers: &Map<String, Value>) -> Option<Vec<(String, String)>> {
    headers
        .iter()
        .map(|(name, value)| Some((name.to_ascii_lowercase(), text(value)?)))
        .collect()
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The fields `body` and `isBase64Encoded` of an answer object.
fn body_of(answer: &Value) -> Option<Bytes> {
    let body = match answer.get("body") {
        None | Some(Value::Null) => String::new(),
        Some(body) => text(body)?,
    };
    match answer.get("isBase64Encoded") {
        None | Some(Value::Null | Value::Bool(false)) => Some(body.into()),
        Some(Value::Bool(true)) => STANDARD.decode(body).ok().map(Bytes::from),
        Some(Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_)) => None,
    }
}

#[cfg(test)]
mod tests;
