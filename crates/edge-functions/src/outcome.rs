//! What a CloudFront Function answered, held to what it may change (DG:functions-event-structure).

use crate::event::{self, Items, Part};
use crate::rules::{self, Given, Kind, Refused, read_only};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use portcullis_edge::compute::{
    ChangedRequest, ComputeCall, Computed, FunctionRequest, FunctionResponse, OriginChoice,
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
    querystring: Option<Box<RawValue>>,
    #[serde(default)]
    headers: Items,
    #[serde(default)]
    cookies: Items,
    status_code: Option<i64>,
    body: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
struct Body {
    encoding: Option<String>,
    data: String,
}

/// What an answer means for the request that was shown; `origin` is what its helpers chose.
///
/// # Errors
/// [`Refused`]
pub fn of(answer: &str, call: ComputeCall, origin: OriginChoice) -> Result<Computed, Refused> {
    let answer: Answer =
        serde_json::from_str(answer).map_err(|why| rules::unreadable(answer, &why))?;
    let allowed = read_only(Kind::Function, call.event);
    match call.event {
        EventType::ViewerRequest if answer.status_code.is_none() => {
            request(answer, &call.request, allowed, origin).map(Computed::Request)
        }
        EventType::ViewerRequest => {
            response(answer, &Headers::default(), allowed).map(Computed::Response)
        }
        EventType::OriginRequest | EventType::OriginResponse | EventType::ViewerResponse => {
            let shown = call
                .response
                .ok_or_else(|| shape("no response was shown"))?;
            response(answer, &shown.headers, allowed).map(Computed::Response)
        }
    }
}

#[allow(clippy::needless_pass_by_value, reason = "what `map_err` hands over")]
fn shape(why: impl ToString) -> Refused {
    Refused::Shape(why.to_string())
}

fn request(
    answer: Answer,
    shown: &FunctionRequest,
    read_only: &[&str],
    origin: OriginChoice,
) -> Result<ChangedRequest, Refused> {
    let uri = answer.uri.ok_or_else(|| shape("`uri` is missing"))?;
    if answer.method.is_some_and(|method| method != shown.method) {
        return Err(Refused::Method);
    }
    let query = query(answer.querystring.as_deref(), &shown.query)?;
    if uri != shown.uri || query != shown.query {
        rules::target(&uri, &query)?;
    }
    let given = given(answer.headers, &event::headers(&shown.headers))?;
    let mut headers = rules::fields(given, &shown.headers, read_only)?;
    let were = event::cookies(&shown.headers);
    if answer.cookies == were {
        copy(&shown.headers, "cookie", &mut headers);
    } else if !answer.cookies.0.is_empty() {
        let cookies = pairs(answer.cookies, &were, "; ");
        if !rules::is_value(&cookies) {
            return Err(Refused::Field("cookie".to_owned()));
        }
        headers.add("Cookie", cookies);
    }
    Ok(ChangedRequest {
        uri,
        query,
        headers,
        body: None,
        origin,
    })
}

/// An object, or in runtime 2.0 the text itself; what did not change keeps its escapes.
fn query(given: Option<&RawValue>, shown: &str) -> Result<String, Refused> {
    let Some(given) = given else {
        return Ok(String::new());
    };
    if given.get().starts_with('"') {
        return serde_json::from_str(given.get()).map_err(shape);
    }
    let items: Items = serde_json::from_str(given.get()).map_err(shape)?;
    let were = event::query(shown);
    if items == were {
        return Ok(shown.to_owned());
    }
    Ok(pairs(items, &were, "&"))
}

fn pairs(items: Items, were: &Items, separator: &str) -> String {
    let mut pairs = Vec::new();
    for (name, item) in items.0 {
        for part in item.parts(were.get(&name)) {
            pairs.push(format!("{name}={}", part.value));
        }
    }
    pairs.join(separator)
}

fn given(items: Items, were: &Items) -> Result<Vec<Given>, Refused> {
    let items = items.0.into_iter().map(|(name, item)| {
        // DG:functions-event-structure: names are lower-case; cookies have a place of their own.
        if name.bytes().any(|byte| byte.is_ascii_uppercase()) || event::is_cookie(&name) {
            return Err(Refused::Field(name));
        }
        let parts = item.parts(were.get(&name)).into_iter();
        let values = parts.map(|part| (None, part.value)).collect();
        Ok(Given { name, values })
    });
    items.collect()
}

fn copy(from: &Headers, name: &str, to: &mut Headers) {
    let same = from
        .iter()
        .filter(|(own, _)| own.eq_ignore_ascii_case(name));
    same.for_each(|(name, value)| to.add(name, value.to_vec()));
}

fn response(
    answer: Answer,
    before: &Headers,
    read_only: &[&str],
) -> Result<FunctionResponse, Refused> {
    let status = answer
        .status_code
        .ok_or_else(|| shape("`statusCode` is missing"))?;
    let status = rules::status(status)?;
    let given = given(answer.headers, &event::headers(before))?;
    let mut headers = rules::fields(given, before, read_only)?;
    let were = event::set_cookies(before);
    if answer.cookies == were {
        copy(before, "set-cookie", &mut headers);
    } else {
        for (name, item) in answer.cookies.0 {
            for part in item.parts(were.get(&name)) {
                headers.add("Set-Cookie", set_cookie(&name, &part)?);
            }
        }
    }
    let body = answer.body.as_deref().map(read_body).transpose()?;
    Ok(FunctionResponse {
        status,
        headers,
        body,
    })
}

fn set_cookie(name: &str, part: &Part) -> Result<String, Refused> {
    let cookie = match part.attributes.as_deref().unwrap_or_default() {
        "" => format!("{name}={}", part.value),
        attributes => format!("{name}={}; {attributes}", part.value),
    };
    let holds = rules::is_value(&cookie);
    holds
        .then_some(cookie)
        .ok_or_else(|| Refused::Field("set-cookie".to_owned()))
}

fn read_body(given: &RawValue) -> Result<Bytes, Refused> {
    if given.get().starts_with('"') {
        let text: String = serde_json::from_str(given.get()).map_err(shape)?;
        return Ok(Bytes::from(text));
    }
    let body: Body = serde_json::from_str(given.get()).map_err(shape)?;
    match body.encoding.as_deref() {
        Some("base64") => {
            let bytes = STANDARD.decode(body.data).map_err(|_| Refused::Body)?;
            Ok(Bytes::from(bytes))
        }
        Some("text") | None => Ok(Bytes::from(body.data)),
        Some(_) => Err(Refused::Body),
    }
}
