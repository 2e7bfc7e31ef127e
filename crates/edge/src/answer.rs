//! Answers that CloudFront makes itself, and what it adds to every answer.
//!
//! The shape of a generated page is CloudFront's (title, heading, one sentence with the cause, request id), so that it is
//! recognised; the words are not. Generated answers carry no freshness: how long they are cached is decided by
//! [`crate::freshness`]. Deliberately absent: custom error pages, the XML body of a signed-access refusal.

use crate::compute::ComputeFailure;
use crate::gate::{HttpVersion, RedirectStatus};
use crate::headers::Headers;
use crate::identity::{EdgeHost, RequestId};
use crate::origin_failure::OriginFailure;
use portcullis_http_semantics::HttpDate;
use portcullis_signed_access::SignatureRefusal;

/// Why CloudFront answers with an error of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The request cannot be read.
    BadRequest,
    /// Path and query are longer than 8,192 bytes.
    TargetTooLong,
    /// The fields are longer than 32,768 bytes.
    HeadersTooLarge,
    /// No distribution serves the `Host`.
    UnknownHost,
    /// The distribution is disabled.
    Disabled,
    /// The name of the TLS handshake and the `Host` belong to different owners.
    Fronted,
    /// The geo restriction excludes the viewer's country.
    CountryBlocked,
    /// The behavior wants https.
    HttpsRequired,
    /// The behavior does not allow the method.
    MethodNotAllowed,
    /// A GET request has a body.
    GetWithBody,
    /// The behavior asks for a signature, and this is what is wrong with it.
    Unsigned(SignatureRefusal),
    /// An edge function failed.
    Function(ComputeFailure),
    /// A form cannot be encrypted as the behavior demands.
    FieldEncryption,
    /// The origin's name has no address.
    OriginNameUnresolved,
    /// The origin refuses or closes the connection, or its answer cannot be read.
    OriginConnectionFailed,
    /// The origin does not answer in time.
    OriginTimeout,
    /// The fields of the origin's answer are too large.
    OriginHeadersTooLarge,
    /// The driver of the model broke its rules.
    Internal,
}

impl Cause {
    /// The status of the answer.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::BadRequest => 400,
            Self::FieldEncryption => 400,
            Self::UnknownHost
            | Self::Disabled
            | Self::CountryBlocked
            | Self::HttpsRequired
            | Self::MethodNotAllowed
            | Self::GetWithBody
            | Self::Unsigned(_) => 403,
            Self::TargetTooLong => 414,
            Self::Fronted => 421,
            Self::HeadersTooLarge => 494,
            Self::Internal => 500,
            Self::OriginNameUnresolved
            | Self::OriginConnectionFailed
            | Self::OriginHeadersTooLarge
            | Self::Function(ComputeFailure::Validation) => 502,
            Self::Function(ComputeFailure::Execution | ComputeFailure::Limit) => 503,
            Self::OriginTimeout => 504,
        }
    }

    /// `x-edge-detailed-result-type` in the logs (DG:standard-logs-reference).
    #[must_use]
    pub fn detailed_result(self) -> &'static str {
        match self {
            Self::BadRequest
            | Self::TargetTooLong
            | Self::UnknownHost
            | Self::Disabled
            | Self::Fronted
            | Self::HttpsRequired
            | Self::GetWithBody
            | Self::FieldEncryption => "InvalidRequest",
            Self::Unsigned(_) => "InvalidRequestBlocked",
            Self::Function(ComputeFailure::Validation) => "FunctionValidationError",
            Self::Function(ComputeFailure::Execution) => "FunctionExecutionError",
            Self::Function(ComputeFailure::Limit) => "LimitExceeded",
            Self::OriginHeadersTooLarge => "OriginHeaderTooBigError",
            Self::Internal => "Error",
            Self::HeadersTooLarge => "InvalidRequestHeader",
            Self::CountryBlocked => "ClientGeoBlocked",
            Self::MethodNotAllowed => "InvalidRequestMethod",
            Self::OriginNameUnresolved => "OriginDnsError",
            Self::OriginConnectionFailed => "OriginConnectError",
            Self::OriginTimeout => "OriginCommError",
        }
    }

    /// What an origin's failure is to the viewer.
    #[must_use]
    pub fn of(failure: OriginFailure) -> Self {
        match failure {
            OriginFailure::Dns => Self::OriginNameUnresolved,
            OriginFailure::Timeout => Self::OriginTimeout,
            OriginFailure::HeaderTooLarge => Self::OriginHeadersTooLarge,
            OriginFailure::Connect
            | OriginFailure::Tls
            | OriginFailure::Closed
            | OriginFailure::Invalid => Self::OriginConnectionFailed,
        }
    }

    /// Whether a custom error response may replace it (DG:creating-custom-error-pages): not where the request itself is
    /// suspect, and not where a CloudFront Function failed.
    #[must_use]
    pub fn may_have_page(self) -> bool {
        !matches!(
            self,
            Self::BadRequest
                | Self::UnknownHost
                | Self::Disabled
                | Self::Fronted
                | Self::HeadersTooLarge
                | Self::Internal
        )
    }

    fn sentence(self) -> &'static str {
        match self {
            Self::BadRequest => "The request is malformed.",
            Self::TargetTooLong => "The address of the request is too long.",
            Self::HeadersTooLarge => "The headers of the request are too large.",
            Self::UnknownHost => "No distribution is set up for this host name.",
            Self::CountryBlocked => {
                "This distribution is set up to refuse requests from your country."
            }
            Self::HttpsRequired => "This content is available over HTTPS only.",
            Self::MethodNotAllowed => {
                "This distribution does not accept requests with this method."
            }
            Self::GetWithBody => "A GET request may not have a body.",
            Self::Disabled => "The distribution of this host name is disabled.",
            Self::Fronted => {
                "The host name of the request is not the one the connection was made for."
            }
            Self::Unsigned(_) => "The request is not signed, or its signature does not hold.",
            Self::Function(ComputeFailure::Validation) => {
                "An edge function answered something that is not allowed."
            }
            Self::Function(ComputeFailure::Execution) => "An edge function failed.",
            Self::Function(ComputeFailure::Limit) => "An edge function exceeded a limit.",
            Self::FieldEncryption => "The form cannot be encrypted.",
            Self::OriginHeadersTooLarge => "The headers of the origin's answer are too large.",
            Self::Internal => "The edge failed.",
            Self::OriginNameUnresolved => "The host name of the origin could not be resolved.",
            Self::OriginConnectionFailed => {
                "The origin could not be reached, or broke off the connection."
            }
            Self::OriginTimeout => "The origin did not answer in time.",
        }
    }
}

/// `X-Cache`: what the edge did (observed, except `Error`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum XCache {
    /// Served from the cache.
    Hit,
    /// Revalidated with the origin and served from the cache.
    RefreshHit,
    /// Served by the origin.
    Miss,
    /// An error, the origin's or the edge's own.
    Error,
    /// Redirected to https.
    Redirect,
    /// Made by a CloudFront Function.
    FunctionGenerated,
    /// Made by a Lambda@Edge function.
    LambdaGenerated,
    /// A function failed.
    FunctionExecutionError,
}

impl XCache {
    /// The value of the field.
    #[must_use]
    pub fn value(self) -> &'static str {
        match self {
            Self::Hit => "Hit from cloudfront",
            Self::RefreshHit => "RefreshHit from cloudfront",
            Self::Miss => "Miss from cloudfront",
            Self::Error => "Error from cloudfront",
            Self::Redirect => "Redirect from cloudfront",
            Self::FunctionGenerated => "FunctionGeneratedResponse from cloudfront",
            Self::LambdaGenerated => "LambdaGeneratedResponse from cloudfront",
            Self::FunctionExecutionError => "FunctionExecutionError from cloudfront",
        }
    }
}

/// Who answers, which request, and when.
#[derive(Clone, Copy, Debug)]
pub struct Stamp<'a> {
    /// The edge.
    pub edge: &'a EdgeHost,
    /// The name of the point of presence.
    pub pop: &'a str,
    /// The request.
    pub id: &'a RequestId,
    /// The viewer's HTTP version.
    pub version: HttpVersion,
    /// Now.
    pub now: HttpDate,
}

impl Stamp<'_> {
    /// Marks an answer as having passed the edge. An origin's own `Via` is replaced.
    pub fn mark(&self, headers: &mut Headers, x_cache: XCache) {
        headers.set("X-Cache", x_cache.value());
        headers.set("Via", self.edge.via(self.version));
        headers.set("X-Amz-Cf-Pop", self.pop);
        headers.set("X-Amz-Cf-Id", self.id.as_str());
    }
}

/// An answer made at the edge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The fields, `Content-Length` among them.
    pub headers: Headers,
    /// The body; an answer to HEAD leaves it out and keeps the fields.
    pub body: String,
}

impl Answer {
    /// The error page for a cause.
    #[must_use]
    pub fn error(cause: Cause, stamp: &Stamp<'_>) -> Self {
        let status = cause.status();
        let (body, media_type) = match cause {
            Cause::Unsigned(refusal) => (signed_access_error(refusal), "text/xml"),
            _ => (error_page(status, cause.sentence(), stamp.id), "text/html"),
        };
        let mut headers = page_headers(&body, media_type, stamp, XCache::Error);
        if closes_connection(status) {
            headers.set("Connection", "close");
        }
        Self {
            status,
            headers,
            body,
        }
    }

    /// The redirect to https.
    #[must_use]
    pub fn redirect(status: RedirectStatus, location: &str, stamp: &Stamp<'_>) -> Self {
        let status = status.code();
        let body = REDIRECT_PAGE.replace("{status}", &status.to_string());
        let mut headers = page_headers(&body, "text/html", stamp, XCache::Redirect);
        headers.set("Location", location);
        Self {
            status,
            headers,
            body,
        }
    }
}

fn page_headers(body: &str, media_type: &str, stamp: &Stamp<'_>, x_cache: XCache) -> Headers {
    let mut headers = Headers::default();
    headers.add("Server", "CloudFront");
    headers.add("Date", stamp.now.to_string());
    headers.add("Content-Type", media_type);
    headers.add("Content-Length", body.len().to_string());
    stamp.mark(&mut headers, x_cache);
    headers
}

/// Whether CloudFront ends the connection with an error of this status (DG:creating-custom-error-pages).
fn closes_connection(status: u16) -> bool {
    matches!(status, 400 | 405 | 414 | 416 | 500 | 501)
}

const REDIRECT_PAGE: &str = "<html><head><title>{status}</title></head><body>\
    <h1>{status}: this address is served over HTTPS</h1><hr>CloudFront</body></html>\n";

/// The body of a 403 for signed access (observed).
fn signed_access_error(refusal: SignatureRefusal) -> String {
    let error = refusal.cloudfront();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{}</Code><Message>{}</Message></Error>",
        error.code, error.message
    )
}

fn error_page(status: u16, sentence: &str, id: &RequestId) -> String {
    format!(
        "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\">\
         <title>ERROR: The request could not be served</title></head><body>\n\
         <h1>{status} ERROR</h1>\n<h2>The request could not be served.</h2>\n<hr>\n<p>{sentence}</p>\n\
         <p>If you run this site, the request id below finds the request in the edge log.</p>\n<hr>\n\
         <pre>\nGenerated by cloudfront (CloudFront), local model\nRequest ID: {}\n</pre>\n</body></html>\n",
        id.as_str()
    )
}

#[cfg(test)]
mod tests {
    use super::{Answer, Cause, Stamp, XCache};
    use crate::gate::{HttpVersion, RedirectStatus};
    use crate::headers::Headers;
    use crate::identity::{EdgeHost, POP, RequestId};
    use portcullis_http_semantics::HttpDate;

    fn stamped<T>(act: impl FnOnce(&Stamp<'_>) -> T) -> T {
        let (edge, id) = (EdgeHost::new([1; 16]), RequestId::new([2; 40]));
        let now = HttpDate::from_epoch_seconds(784_111_777).unwrap();
        act(&Stamp {
            edge: &edge,
            pop: POP,
            id: &id,
            version: HttpVersion::Http11,
            now,
        })
    }

    fn text<'h>(headers: &'h Headers, name: &str) -> &'h str {
        headers
            .get(name)
            .map_or("", |value| std::str::from_utf8(value).unwrap())
    }

    #[test]
    fn an_error_page_names_status_cause_and_request() {
        let answer = stamped(|stamp| Answer::error(Cause::CountryBlocked, stamp));
        assert_eq!(answer.status, 403);
        for part in [
            "403 ERROR",
            "your country",
            RequestId::new([2; 40]).as_str(),
        ] {
            assert!(answer.body.contains(part), "{part}");
        }
        for (name, value) in [
            ("server", "CloudFront"),
            ("date", "Sun, 06 Nov 1994 08:49:37 GMT"),
            ("content-type", "text/html"),
            ("x-cache", "Error from cloudfront"),
            (
                "via",
                "1.1 01010101010101010101010101010101.cloudfront.net (CloudFront)",
            ),
            ("x-amz-cf-pop", "LOCAL1-C1"),
            ("connection", ""),
            ("cache-control", ""),
        ] {
            assert_eq!(text(&answer.headers, name), value, "{name}");
        }
        assert_eq!(
            text(&answer.headers, "content-length"),
            answer.body.len().to_string()
        );
    }

    #[test]
    fn some_errors_end_the_connection() {
        stamped(|stamp| {
            assert_eq!(
                text(
                    &Answer::error(Cause::BadRequest, stamp).headers,
                    "connection"
                ),
                "close"
            );
            assert_eq!(
                text(
                    &Answer::error(Cause::OriginTimeout, stamp).headers,
                    "connection"
                ),
                ""
            );
        });
    }

    #[test]
    fn a_redirect_says_where_to() {
        let to = "https://example.org/a?b";
        let answer =
            stamped(|stamp| Answer::redirect(RedirectStatus::TemporaryRedirect, to, stamp));
        assert_eq!(
            (answer.status, text(&answer.headers, "location")),
            (307, to)
        );
        assert_eq!(text(&answer.headers, "x-cache"), "Redirect from cloudfront");
    }

    #[test]
    fn the_mark_replaces_what_the_origin_wrote() {
        let mut headers =
            Headers::from_iter([("via", "1.1 origin"), ("x-cache", "Hit"), ("etag", "\"a\"")]);
        stamped(|stamp| stamp.mark(&mut headers, XCache::Miss));
        assert_eq!(text(&headers, "x-cache"), "Miss from cloudfront");
        assert_eq!(headers.iter().count(), 5);
    }
}
