//! What an error of the SDK comes to: the few things a caller can do something about.
//!
//! Always holds: the text names the operation, the service's own code and its request id, and nothing else of the answer;
//! it is short and printable, whatever the service said.

use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;

/// The longest word of the service's that is repeated, in characters.
const WORD_CHARACTERS_MAX: usize = 80;

/// Why a call has no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Credentials or permissions.
    Denied(String),
    /// Too busy.
    Throttled(String),
    /// Too late.
    TimedOut,
    /// Not to be reached, or failing.
    Unavailable(String),
    /// Saying what makes no sense.
    Malformed(String),
}

/// Codes of refused credentials that come with another status than 401 or 403.
const DENIED: [&str; 8] = [
    "AccessDeniedException",
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidSignatureException",
    "InvalidToken",
    "MissingAuthenticationTokenException",
    "UnrecognizedClientException",
];

/// Codes of throttling that come with another status than 429 or 503.
const THROTTLED: [&str; 6] = [
    "LimitExceededException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
];

impl Failure {
    /// What `error` of `operation` (`s3:GetObject`, also the missing permission's name) comes to.
    pub(crate) fn of<E: ProvideErrorMetadata>(
        operation: &'static str,
        error: &SdkError<E, HttpResponse>,
    ) -> Self {
        match error {
            SdkError::TimeoutError(_) => Self::TimedOut,
            SdkError::DispatchFailure(failure) if failure.is_timeout() => Self::TimedOut,
            SdkError::DispatchFailure(failure) if failure.is_io() => {
                Self::Unavailable(format!("{operation}: no connection"))
            }
            SdkError::DispatchFailure(_) => {
                Self::Unavailable(format!("{operation}: no HTTP answer"))
            }
            SdkError::ResponseError(error) => Self::Malformed(said(
                operation,
                "an answer that cannot be read",
                error.raw(),
            )),
            SdkError::ServiceError(error) => {
                Self::of_answer(operation, error.err().code(), error.raw())
            }
            _ => Self::Unavailable(format!("{operation}: no request could be made")),
        }
    }

    fn of_answer(operation: &'static str, code: Option<&str>, answer: &HttpResponse) -> Self {
        let status = answer.status().as_u16();
        let text = said(operation, code.unwrap_or("no code"), answer);
        let is = |codes: &[&str]| code.is_some_and(|code| codes.contains(&code));
        match status {
            // Archived: a 403 that no permission cures.
            _ if is(&["InvalidObjectState"]) => Self::Unavailable(text),
            // A success or a redirect that the SDK counts as an error, and an answer to a condition or a range that nobody
            // sent, are no answers to what was asked.
            ..=399 | 412 | 416 => Self::Malformed(text),
            401 | 403 => Self::Denied(text),
            429 | 503 => Self::Throttled(text),
            _ if is(&DENIED) => Self::Denied(text),
            _ if is(&THROTTLED) => Self::Throttled(text),
            // A 404 that says nothing is no store's.
            404 if code.is_none() => Self::Malformed(text),
            _ => Self::Unavailable(text),
        }
    }
}

fn said(operation: &str, what: &str, answer: &HttpResponse) -> String {
    let id = ["x-amz-request-id", "x-amzn-requestid"];
    let id = id
        .into_iter()
        .find_map(|name| answer.headers().get(name))
        .unwrap_or("-");
    let status = answer.status().as_u16();
    format!("{operation}: {status} {}, request {}", word(what), word(id))
}

fn word(text: &str) -> String {
    let printable = text.chars().map(|c| {
        if c.is_ascii_graphic() || c == ' ' {
            c
        } else {
            '?'
        }
    });
    printable.take(WORD_CHARACTERS_MAX).collect()
}
