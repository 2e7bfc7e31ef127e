//! The event of one invocation, read into a request: never an error of the function's, whatever the event is.
//!
//! Two fronts deliver requests: a function URL (payload format 2.0) and an Application Load Balancer (header values single
//! or multiple). Everything else an event may be is refused by name: [`Unreadable::Foreign`] is somebody else's event,
//! [`Unreadable::Malformed`] is none at all or contradicts itself.
//!
//! What always holds:
//! - paths and queries stay as they were sent; nothing is decoded, normalised or repaired;
//! - text is lent from the event, and copied only where JSON escapes it;
//! - what the gateway does not read is skipped, not stored: other headers, other cookies, the body;
//! - a field that is read has the type it should have, once: `null` is absent, anything else is malformed.
//!
//! An API Gateway HTTP API delivers the same event as a function URL, but with a decoded path. Nothing in the event says so
//! reliably but its domain name, which the proof of origin checks.
//!
//! Sources: "Request and response payloads" (Lambda function URLs), "Lambda functions as targets" (Elastic Load Balancing).

mod alb;
mod headers;
mod read;
mod text;

use headers::HeaderValues;
use portcullis_origin::request::{Front, Principal, Request};
use read::{Context, Envelope};
use text::Text;

/// The longest event that is read, in bytes: Lambda delivers no more than 6 MB.
pub const EVENT_BYTES_MAX: usize = 6 * 1024 * 1024;

/// The names of the cookies that sign a request begin so; no others are kept.
const SIGNED_COOKIES: &str = "CloudFront-";

/// Why an event is no request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unreadable {
    /// It is not what Lambda delivers, or a field in it is not what it should be.
    Malformed,
    /// It is the event of another source: API Gateway's REST or WebSocket APIs, a bucket, a queue, a schedule.
    Foreign,
}

/// How the front takes the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerForm {
    /// A function URL's.
    Url,
    /// A load balancer's, one value for each header.
    Alb,
    /// A load balancer's, a list of values for each header, as its target group is set.
    AlbMultiValue,
}

/// Who delivered the event.
#[derive(Debug)]
enum Source<'a> {
    Domain(Text<'a>),
    TargetGroup(Text<'a>),
}

/// A request as an event holds it. [`Decoded::request`] lends it to the gateway.
#[derive(Debug)]
pub struct Decoded<'a> {
    form: AnswerForm,
    source: Source<'a>,
    principal: Option<Option<Text<'a>>>,
    peer: Option<Text<'a>>,
    method: Text<'a>,
    path: Text<'a>,
    query: Text<'a>,
    headers: HeaderValues<'a>,
    cookies: Vec<Text<'a>>,
}

/// Reads an event. `secret_name` is the name of the site's secret header in lower case.
///
/// # Errors
/// [`Unreadable`] says why it is no request.
pub fn decode<'a>(event: &'a [u8], secret_name: &str) -> Result<Decoded<'a>, Unreadable> {
    if event.len() > EVENT_BYTES_MAX {
        return Err(Unreadable::Malformed);
    }
    let text = std::str::from_utf8(event).map_err(|_| Unreadable::Malformed)?;
    let envelope = Envelope::read(text, secret_name).map_err(|_| Unreadable::Malformed)?;
    let is_version_2 = envelope
        .version
        .as_ref()
        .is_some_and(|version| version.as_str() == "2.0");
    if envelope
        .context
        .as_ref()
        .is_some_and(|context| context.elb.is_some())
    {
        alb::decoded(envelope)
    } else if is_version_2 {
        of_url(envelope)
    } else {
        Err(Unreadable::Foreign)
    }
}

fn of_url(envelope: Envelope<'_>) -> Result<Decoded<'_>, Unreadable> {
    let Context {
        domain_name,
        authorizer,
        http,
        ..
    } = envelope.context.unwrap_or_default();
    let http = http.ok_or(Unreadable::Malformed)?;
    let mut headers = envelope.headers.unwrap_or_default();
    let from_header = headers.cookie.take();
    let principal = authorizer
        .and_then(|authorizer| authorizer.iam)
        .map(|iam| iam.user_arn);
    Ok(Decoded {
        form: AnswerForm::Url,
        source: Source::Domain(domain_name.ok_or(Unreadable::Malformed)?),
        principal,
        peer: http.source_ip,
        method: http.method.ok_or(Unreadable::Malformed)?,
        path: envelope.raw_path.ok_or(Unreadable::Malformed)?,
        query: envelope.raw_query.unwrap_or_default(),
        cookies: envelope
            .cookies
            .unwrap_or_else(|| signed_cookie(from_header)),
        headers,
    })
}

/// The value of a `Cookie` header, if it can hold a signature.
fn signed_cookie(header: Option<Text<'_>>) -> Vec<Text<'_>> {
    header
        .into_iter()
        .filter(|value| may_sign(value.as_str()))
        .collect()
}

fn may_sign(cookie: &str) -> bool {
    cookie.contains(SIGNED_COOKIES)
}

impl<'a> Decoded<'a> {
    /// How the front takes the answer.
    #[must_use]
    pub fn form(&self) -> AnswerForm {
        self.form
    }

    /// The cookies that may sign the request, for [`Decoded::request`].
    #[must_use]
    pub fn cookies(&self) -> Vec<&str> {
        self.cookies.iter().map(Text::as_str).collect()
    }

    /// The request, under our own `id`. `cookies` are those of [`Decoded::cookies`].
    #[must_use]
    pub fn request<'r>(&'r self, id: &'r str, cookies: &'r [&'r str]) -> Request<'r> {
        Request {
            front: match &self.source {
                Source::Domain(name) => Front::Domain(name.as_str()),
                Source::TargetGroup(arn) => Front::TargetGroup(arn.as_str()),
            },
            principal: self.principal.as_ref().map(|arn| Principal {
                arn: text::lent(arn),
            }),
            peer: text::lent(&self.peer),
            method: self.method.as_str(),
            raw_path: self.path.as_str(),
            raw_query: self.query.as_str(),
            headers: self.headers.lend(),
            cookies,
            id,
        }
    }
}

/// The request that stands for a foreign event: it comes from no front, so the proof of origin refuses it and says so.
#[must_use]
pub fn foreign<'r>(id: &'r str) -> Request<'r> {
    Request {
        front: Front::Domain(""),
        principal: None,
        peer: None,
        method: "",
        raw_path: "",
        raw_query: "",
        headers: portcullis_origin::request::Headers::default(),
        cookies: &[],
        id,
    }
}

#[cfg(test)]
mod tests;
