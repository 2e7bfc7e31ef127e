//! What a process posts, read and made into outcomes.
//!
//! A stream that breaks is an outcome; a buffered answer that breaks is none, and its event stays in flight. Both hold also
//! where the connection's task is dropped before it saw the end: the guards here decide it when they are dropped.

use crate::body::{Read, ReadEnd};
use crate::outcome::{
    InitFailure, Outcome, RESPONSE_BYTES_MAX, STREAM_BYTES_MAX, StreamEnd, Streamed,
};
use crate::server::{Answer, accepted, plain, refuse};
use crate::station::{Refused, Running, Station};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderMap};
use hyper::{Request, StatusCode};
use std::time::Instant;

const ERROR_TYPE: &str = "lambda-runtime-function-error-type";
const ERROR_BODY: &str = "lambda-runtime-function-error-body";
const RESPONSE_MODE: &str = "lambda-runtime-function-response-mode";
const HTTP_INTEGRATION: &[u8] = b"application/vnd.awslambda.http-integration-response";
const PRELUDE_END: [u8; 8] = [0; 8];
const TOO_LARGE: &str = r#"{"errorType":"RequestEntityTooLarge","errorMessage":"Exceeded maximum allowed payload size (6291556 bytes)."}"#;
const TRUNCATED: &str = r#"{"errorType":"TruncatedResponse"}"#;

/// `POST /invocation/{id}/response` without streaming.
pub(crate) async fn buffered(
    station: &Station,
    running: Running,
    request: Request<Incoming>,
) -> Answer {
    let in_flight = InFlight {
        station,
        running: Some(running),
    };
    let mut got = Read::new();
    got.all(request.into_body(), RESPONSE_BYTES_MAX).await;
    let first_byte = got.first_byte();
    match got.end {
        ReadEnd::Whole { .. } => {
            in_flight.finish(Outcome::Buffered(got.bytes.freeze()), first_byte);
            accepted()
        }
        ReadEnd::TooLarge => {
            in_flight.finish(Outcome::ResponseTooLarge, first_byte);
            plain(StatusCode::PAYLOAD_TOO_LARGE, TOO_LARGE)
        }
        ReadEnd::Broken => plain(StatusCode::BAD_REQUEST, TRUNCATED),
    }
}

/// `POST /invocation/{id}/error`.
pub(crate) async fn function_error(
    station: &Station,
    running: Running,
    request: Request<Incoming>,
) -> Answer {
    let in_flight = InFlight {
        station,
        running: Some(running),
    };
    let error_type = header(request.headers(), ERROR_TYPE);
    let mut got = Read::new();
    got.all(request.into_body(), RESPONSE_BYTES_MAX).await;
    if matches!(got.end, ReadEnd::Broken) {
        return plain(StatusCode::BAD_REQUEST, TRUNCATED);
    }
    let first_byte = got.first_byte();
    in_flight.finish(
        Outcome::FunctionError {
            error_type,
            payload: got.bytes.freeze(),
        },
        first_byte,
    );
    accepted()
}

/// `POST /init/error`.
pub(crate) async fn init_error(station: &Station, request: Request<Incoming>) -> Answer {
    let error_type = header(request.headers(), ERROR_TYPE);
    let mut got = Read::new();
    got.all(request.into_body(), RESPONSE_BYTES_MAX).await;
    match station.fail_init(InitFailure::Reported {
        error_type,
        payload: got.bytes.freeze(),
    }) {
        Ok(()) => accepted(),
        Err(refused) => refuse(refused),
    }
}

/// Refuses an answer that may not be given now. Its body is read first: a connection closed over unread bytes would reset.
pub(crate) async fn read_and_refuse(refused: Refused, request: Request<Incoming>) -> Answer {
    Read::new().all(request.into_body(), 0).await;
    refuse(refused)
}

/// Puts the event back in flight unless the answer to it arrived, also where the connection's task is dropped on the way.
struct InFlight<'a> {
    station: &'a Station,
    running: Option<Running>,
}

impl InFlight<'_> {
    fn finish(mut self, outcome: Outcome, first_byte: Instant) {
        if let Some(running) = self.running.take() {
            self.station.finish(running, outcome, first_byte);
        }
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            self.station.resume(running);
        }
    }
}

/// A stream on its way; dropped before its end it is reported as broken, with what had arrived.
struct Stream<'a> {
    station: &'a Station,
    running: Option<Running>,
    has_prelude: bool,
    got: Read,
}

impl Drop for Stream<'_> {
    fn drop(&mut self) {
        let Some(running) = self.running.take() else {
            return;
        };
        let end = match &self.got.end {
            ReadEnd::Whole { trailers } => trailers
                .as_ref()
                .and_then(failed)
                .unwrap_or(StreamEnd::Complete),
            ReadEnd::Broken => StreamEnd::Broken,
            ReadEnd::TooLarge => StreamEnd::TooLarge,
        };
        let bytes = std::mem::take(&mut self.got.bytes).freeze();
        let outcome = if self.has_prelude {
            with_prelude(&bytes, end)
        } else {
            Streamed {
                prelude: None,
                body: bytes,
                end,
            }
        };
        self.station
            .finish(running, Outcome::Streamed(outcome), self.got.first_byte());
    }
}

/// `POST /invocation/{id}/response` with streaming.
pub(crate) async fn streamed(
    station: &Station,
    running: Running,
    request: Request<Incoming>,
) -> Answer {
    let has_prelude = request
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes() == HTTP_INTEGRATION);
    let mut stream = Stream {
        station,
        running: Some(running),
        has_prelude,
        got: Read::new(),
    };
    stream.got.all(request.into_body(), STREAM_BYTES_MAX).await;
    accepted()
}

fn with_prelude(bytes: &Bytes, end: StreamEnd) -> Streamed {
    let split = bytes
        .windows(PRELUDE_END.len())
        .position(|window| window == PRELUDE_END);
    let parts = split
        .and_then(|at| bytes.split_at_checked(at))
        .and_then(|(json, rest)| {
            let prelude = serde_json::from_slice(json).ok()?;
            Some((prelude, bytes.slice_ref(rest.get(PRELUDE_END.len()..)?)))
        });
    match parts {
        Some((prelude, body)) => Streamed {
            prelude: Some(prelude),
            body,
            end,
        },
        None if end == StreamEnd::Complete => Streamed {
            prelude: None,
            body: bytes.clone(),
            end: StreamEnd::BadPrelude,
        },
        None => Streamed {
            prelude: None,
            body: bytes.clone(),
            end,
        },
    }
}

fn failed(trailers: &HeaderMap) -> Option<StreamEnd> {
    trailers.get(ERROR_TYPE)?;
    let body = header(trailers, ERROR_BODY);
    let error_body = STANDARD
        .decode(&body)
        .unwrap_or_else(|_| body.into_bytes())
        .into();
    Some(StreamEnd::Failed {
        error_type: header(trailers, ERROR_TYPE),
        error_body,
    })
}

/// Whether the response mode is streaming.
pub(crate) fn streams(headers: &HeaderMap) -> bool {
    headers
        .get(RESPONSE_MODE)
        .is_some_and(|mode| mode.as_bytes().eq_ignore_ascii_case(b"streaming"))
}

fn header(headers: &HeaderMap, name: &str) -> String {
    headers
        .get(name)
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        .unwrap_or_default()
}
