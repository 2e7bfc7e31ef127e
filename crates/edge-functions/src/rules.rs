//! What any edge function may change, whatever language it is written in (DG:edge-function-restrictions-all).
//!
//! Always holds: what a function left alone keeps its bytes and the spelling of its name; a field that comes out of here is
//! a token with a value without line breaks; what no function sees stays as it was.

use portcullis_edge::distribution::EventType;
use portcullis_edge::headers::Headers;
use std::borrow::Cow;

/// The path and the query have fewer bytes than this together.
pub const TARGET_BYTES_END: usize = 8_192;
/// The most fields of one answer. CloudFront's own limit is on their bytes; this bounds the work here.
pub const FIELDS_MAX: usize = 1_000;
/// The statuses that a function may answer with.
pub const STATUSES: std::ops::RangeInclusive<u16> = 200..=599;

/// Names that no function sees and none may add; one that ends with `*` is a prefix.
const HIDDEN: [&str; 27] = [
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
    "x-amz-cf-*",
    "x-amzn-auth",
    "x-amzn-cf-billing",
    "x-amzn-cf-id",
    "x-amzn-cf-xff",
    "x-amzn-errortype",
    "x-amzn-fle-profile",
    "x-amzn-header-count",
    "x-amzn-header-order",
    "x-amzn-lambda-integration-tag",
    "x-amzn-requestid",
    "x-cache",
    "x-edge-*",
    "x-forwarded-proto",
    "x-real-ip",
];

/// Whether no function sees a field or may add it. The name is in lower case.
#[must_use]
pub fn is_hidden(lower: &str) -> bool {
    HIDDEN.iter().any(|name| match name.strip_suffix('*') {
        Some(prefix) => lower.starts_with(prefix),
        None => *name == lower,
    })
}

/// What runs a function; the rules differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// CloudFront Functions.
    Function,
    /// Lambda@Edge.
    Lambda,
}

/// The fields that a function at this event may read and not change, in lower case.
#[must_use]
pub fn read_only(kind: Kind, event: EventType) -> &'static [&'static str] {
    match (event, kind) {
        (EventType::ViewerRequest, _) => &[
            "cdn-loop",
            "content-length",
            "host",
            "transfer-encoding",
            "via",
        ],
        (EventType::OriginRequest, _) => &[
            "accept-encoding",
            "cdn-loop",
            "content-length",
            "if-modified-since",
            "if-none-match",
            "if-range",
            "if-unmodified-since",
            "transfer-encoding",
            "via",
        ],
        (EventType::OriginResponse, _) => &["transfer-encoding", "via"],
        (EventType::ViewerResponse, Kind::Function) => &["warning", "via"],
        (EventType::ViewerResponse, Kind::Lambda) => &[
            "warning",
            "via",
            "content-length",
            "content-encoding",
            "transfer-encoding",
        ],
    }
}

/// Why an answer is refused: CloudFront answers 502.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is not the object that is asked for; serde says where it differs.
    #[error("the function answered neither a request nor a response: {0}")]
    Shape(String),
    /// It names a field that no function may set.
    #[error("the function set `{0}`, which no function may set")]
    Hidden(String),
    /// It changed, added or left out a field that is read-only.
    #[error("the function changed `{0}`, which is read-only")]
    ReadOnly(String),
    /// A field cannot be one.
    #[error("the function set `{}`, whose name or value cannot be sent", .0.escape_debug())]
    Field(String),
    /// There are more than [`FIELDS_MAX`].
    #[error("the function set more than {FIELDS_MAX} headers")]
    Fields,
    /// It changed the method.
    #[error("the function changed the method, which is read-only")]
    Method,
    /// The path or the query cannot be one.
    #[error("the function made a path or a query that cannot be one")]
    Target,
    /// The status is none of [`STATUSES`].
    #[error("the function answered with status {0}, which is none")]
    Status(i64),
    /// The body cannot be read, or cannot stand with the status.
    #[error("the function answered with a body that cannot be sent")]
    Body,
    /// The body or the answer is larger than it may be.
    #[error("the function answered with {0} bytes, and {1} are allowed")]
    TooLarge(usize, usize),
    /// It chose an origin that cannot be one.
    #[error("the function chose an origin that cannot be played: {0}")]
    Origin(String),
}

/// How much of an answer is shown before the place where it differs, in characters.
const EXCERPT_CHARS: usize = 40;

/// Why an answer of one line cannot be read, with what stands before the place.
#[must_use]
pub fn unreadable(answer: &str, error: &serde_json::Error) -> Refused {
    let before: Vec<char> = answer.chars().take(error.column()).collect();
    let excerpt = before.len().saturating_sub(EXCERPT_CHARS);
    let excerpt: String = before.into_iter().skip(excerpt).collect();
    let said = error.to_string();
    let (what, _) = said.split_once(" at line").unwrap_or((&said, ""));
    Refused::Shape(format!("{what} at `{excerpt}`"))
}

/// A field as a function gave it.
#[derive(Debug)]
pub struct Given {
    /// Its name as the function wrote it.
    pub name: String,
    /// Its values, each with the spelling of the name where it gave one.
    pub values: Vec<(Option<String>, String)>,
}

/// The fields that a function left. What did not change keeps its bytes.
///
/// # Errors
/// [`Refused`]
pub fn fields(given: Vec<Given>, before: &Headers, read_only: &[&str]) -> Result<Headers, Refused> {
    if given.iter().map(|one| one.values.len()).sum::<usize>() > FIELDS_MAX {
        return Err(Refused::Fields);
    }
    let mut headers = Headers::default();
    for (name, value) in before.iter() {
        if is_hidden(&name.to_ascii_lowercase()) {
            headers.add(name, value.to_vec());
        }
    }
    for name in read_only {
        let is_there = given
            .iter()
            .any(|one| one.name.eq_ignore_ascii_case(name) && !one.values.is_empty());
        if before.get(name).is_some() && !is_there {
            return Err(Refused::ReadOnly((*name).to_owned()));
        }
    }
    given
        .into_iter()
        .try_for_each(|one| add(one, before, read_only, &mut headers))?;
    Ok(headers)
}

fn add(
    one: Given,
    before: &Headers,
    read_only: &[&str],
    headers: &mut Headers,
) -> Result<(), Refused> {
    let lower = one.name.to_ascii_lowercase();
    if is_hidden(&lower) {
        return Err(Refused::Hidden(lower));
    }
    let was: Vec<(&str, &[u8])> = before
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case(&lower))
        .collect();
    let same = was.len() == one.values.len()
        && was
            .iter()
            .zip(&one.values)
            .all(|((name, value), (key, now))| {
                text(value) == now.as_str() && key.as_ref().is_none_or(|key| key == name)
            });
    if same {
        was.into_iter()
            .for_each(|(name, value)| headers.add(name, value.to_vec()));
        return Ok(());
    }
    if read_only.contains(&lower.as_str()) {
        return Err(Refused::ReadOnly(lower));
    }
    for (key, value) in one.values {
        let key = key.unwrap_or_else(|| capitals(&lower));
        if !key.eq_ignore_ascii_case(&lower) || !is_token(&key) || !is_value(&value) {
            return Err(Refused::Field(one.name));
        }
        headers.add(&key, value);
    }
    Ok(())
}

/// Bytes as a function sees them: UTF-8, or ISO-8859-1 made UTF-8.
#[must_use]
pub fn text(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(bytes.iter().map(|byte| char::from(*byte)).collect()),
    }
}

/// Whether a path and a query can be sent.
///
/// # Errors
/// [`Refused::Target`]
pub fn target(uri: &str, query: &str) -> Result<(), Refused> {
    let bad = |c: char| c.is_whitespace() || c.is_control() || c == '#';
    let holds = uri.starts_with('/')
        && !uri.contains(|c| bad(c) || c == '?')
        && !query.contains(bad)
        && uri.len() + query.len() < TARGET_BYTES_END;
    holds.then_some(()).ok_or(Refused::Target)
}

/// A status that may be answered with.
///
/// # Errors
/// [`Refused::Status`]
pub fn status(given: i64) -> Result<u16, Refused> {
    let status = u16::try_from(given).ok();
    status
        .filter(|status| STATUSES.contains(status))
        .ok_or(Refused::Status(given))
}

/// RFC 9110 §5.6.2.
pub(crate) fn is_token(name: &str) -> bool {
    portcullis_http_semantics::field::is_token(name.as_bytes())
}

/// RFC 9110 §5.5: no control character but the tab.
pub(crate) fn is_value(value: &str) -> bool {
    value
        .bytes()
        .all(|byte| byte == b'\t' || !byte.is_ascii_control())
}

/// `content-type` as `Content-Type`. Letters beyond ASCII stay.
#[must_use]
pub fn capitals(lower: &str) -> String {
    let mut begins = true;
    let letters = lower.chars().map(|letter| {
        let made = if begins {
            letter.to_ascii_uppercase()
        } else {
            letter
        };
        begins = letter == '-';
        made
    });
    letters.collect()
}

/// The words that go with a status (RFC 9110 §15 and the registry); empty for one without any.
#[must_use]
pub fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        206 => "Partial Content",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        410 => "Gone",
        416 => "Range Not Satisfiable",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "",
    }
}
