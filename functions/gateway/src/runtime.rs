//! The Runtime API of Lambda: ask for an event, hand it over, send what came of it, ask again.
//!
//! What always holds:
//! - a worker has one connection and one event at a time; where Lambda sends several events to one environment (managed
//!   instances), there are as many workers, all over the same function;
//! - an event reaches the function as the bytes that came, and a document leaves as the bytes that were made;
//! - a body that cannot be finished breaks its connection, so that whoever reads it sees that it is cut;
//! - a panic costs its own request and nothing else.
//!
//! Why not `lambda_runtime`: it parses every event to JSON before a handler sees it and answers what does not parse by
//! itself, it serialises every answer again, it leaves Nagle's algorithm on, and when a stream fails it writes the text of
//! the error into the body and ends it as if it were whole. All of that is mended by not using it, and what is used of the
//! Runtime API is three requests ("Using the Lambda runtime API", "Building a custom runtime").
//!
//! Deliberately absent: extensions, SnapStart, and tracing headers, which nothing here reads.

mod connection;

use crate::answer::{Payload, PayloadBody};
use bytes::Bytes;
use connection::Connection;
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue, TRANSFER_ENCODING};
use hyper::{Request, Response, StatusCode};
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::task::JoinSet;

/// The most workers of one process: more events than Lambda sends to an environment of managed instances.
pub const WORKERS_MAX: usize = 256;

/// The longest answer of the Runtime API that is read, in bytes: an event, and room around it.
const BODY_BYTES_MAX: usize = crate::event::EVENT_BYTES_MAX + 64 * 1024;

/// The longest time that an invocation can have left, whatever its deadline says.
const TIME_LEFT_MAX: Duration = Duration::from_secs(900);

/// The pause before the next event is asked for again; it doubles.
const NEXT_PAUSE: Duration = Duration::from_millis(5);

/// The longest such pause.
const NEXT_PAUSE_MAX: Duration = Duration::from_millis(640);

const NEXT: &str = "/2018-06-01/runtime/invocation/next";
const REQUEST_ID: &str = "lambda-runtime-aws-request-id";
const DEADLINE: &str = "lambda-runtime-deadline-ms";
/// Lambda's own number of the invocation, which it wants back, so that no late answer meets another event.
const INVOCATION_ID: &str = "lambda-runtime-invocation-id";

/// One event to be answered.
#[derive(Debug)]
pub struct Invocation {
    /// What Lambda calls the AWS request id.
    pub request_id: String,
    /// The time until Lambda ends the invocation.
    pub time_left: Duration,
    /// The event as it came.
    pub event: Bytes,
}

/// What answers events. It is shared by all workers.
pub trait Function: Send + Sync + 'static {
    /// Answers one event; what goes wrong is an answer too.
    fn invoke(&self, invocation: Invocation) -> impl Future<Output = Payload> + Send;
}

/// Why a process cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// An exchange with the Runtime API failed.
    #[error("the exchange with the Lambda Runtime API at {address} failed: {reason}")]
    Broken {
        /// Its address.
        address: String,
        /// The system's reason.
        reason: String,
    },
    /// It answers what it never should.
    #[error("the Lambda Runtime API answered {0}")]
    Unexpected(String),
}

/// Answers events from the Runtime API at `address` (`host:port`) with `workers` workers for as long as there are any.
///
/// # Errors
/// The first worker that cannot go on; the process is then of no use.
pub async fn run<F: Function>(
    address: &str,
    workers: usize,
    function: F,
) -> Result<Infallible, RuntimeError> {
    let function = Arc::new(function);
    let mut set = JoinSet::new();
    for _ in 1..workers.clamp(1, WORKERS_MAX) {
        set.spawn(work(Connection::to(address), Arc::clone(&function)));
    }
    // One worker needs no task of its own.
    tokio::select! {
        ended = work(Connection::to(address), function) => ended,
        Some(ended) = set.join_next() => {
            ended.unwrap_or_else(|error| Err(RuntimeError::Unexpected(error.to_string())))
        }
    }
}

async fn work<F: Function>(
    mut connection: Connection,
    function: Arc<F>,
) -> Result<Infallible, RuntimeError> {
    loop {
        let (head, invocation) = next(&mut connection).await?;
        let request_id = invocation.request_id.clone();
        let request = match without_panic(function.invoke(invocation)).await {
            Some(payload) => answer(&request_id, payload),
            None => failure(&request_id),
        };
        let mut request = request;
        if let Some(id) = head.get(INVOCATION_ID) {
            request.headers_mut().insert(INVOCATION_ID, id.clone());
        }
        send(&mut connection, request).await?;
    }
}

/// Waits for an event. Who asks right after an answer broke may be earlier than the news of it, and is refused; so one asks
/// again a few times.
async fn next(connection: &mut Connection) -> Result<(HeaderMap, Invocation), RuntimeError> {
    let mut pause = NEXT_PAUSE;
    loop {
        let (head, body) = ask_next(connection).await?.into_parts();
        let event = read(body).await?;
        match (head.status, text(&head.headers, REQUEST_ID)) {
            (StatusCode::OK, Some(request_id)) => {
                let invocation = Invocation {
                    request_id: request_id.to_owned(),
                    time_left: time_left(&head.headers),
                    event,
                };
                return Ok((head.headers, invocation));
            }
            (StatusCode::FORBIDDEN, _) if pause <= NEXT_PAUSE_MAX => {
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
            (status, _) => {
                let what = format!("{status} for the next event");
                return Err(RuntimeError::Unexpected(what));
            }
        }
    }
}

async fn ask_next(connection: &mut Connection) -> Result<Response<Incoming>, RuntimeError> {
    let ask = || connection::request("GET", NEXT, PayloadBody::whole(Bytes::new()));
    match connection.send(ask()).await {
        Ok(response) => Ok(response),
        // The connection may have been closed while the process was frozen; asking again is harmless.
        Err(_) => connection.send(ask()).await,
    }
}

async fn read(body: Incoming) -> Result<Bytes, RuntimeError> {
    let read = Limited::new(body, BODY_BYTES_MAX).collect().await;
    read.map(http_body_util::Collected::to_bytes)
        .map_err(|error| RuntimeError::Unexpected(format!("a body that cannot be read: {error}")))
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

fn time_left(headers: &HeaderMap) -> Duration {
    let deadline = text(headers, DEADLINE).and_then(|deadline| deadline.parse().ok());
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let left = deadline.map(|deadline| Duration::from_millis(deadline).saturating_sub(now));
    left.unwrap_or(TIME_LEFT_MAX).min(TIME_LEFT_MAX)
}

/// Runs a future to its end; `None` if it panics, which the panic hook has then reported.
async fn without_panic<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    poll_fn(|context| {
        // The future is not polled again after a panic, and what it shares is locks that outlive one and values that are
        // replaced whole.
        match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
            Ok(poll) => poll.map(Some),
            Err(_) => Poll::Ready(None),
        }
    })
    .await
}

fn answer(request_id: &str, payload: Payload) -> Request<PayloadBody> {
    let is_stream = matches!(payload, Payload::Stream { .. });
    let path = format!("/2018-06-01/runtime/invocation/{request_id}/response");
    let mut request = connection::request("POST", &path, payload.into());
    let headers = request.headers_mut();
    if is_stream {
        let http = HeaderValue::from_static("application/vnd.awslambda.http-integration-response");
        headers.insert(CONTENT_TYPE, http);
        headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
        let mode = HeaderValue::from_static("streaming");
        headers.insert("lambda-runtime-function-response-mode", mode);
    } else {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    request
}

/// What is sent in the place of an answer. It says nothing of the event.
fn failure(request_id: &str) -> Request<PayloadBody> {
    let path = format!("/2018-06-01/runtime/invocation/{request_id}/error");
    let error =
        r#"{"errorType":"Gateway.Panic","errorMessage":"the gateway has a defect; see its log"}"#;
    let body = PayloadBody::whole(Bytes::from_static(error.as_bytes()));
    let mut request = connection::request("POST", &path, body);
    let kind = HeaderValue::from_static("Gateway.Panic");
    request
        .headers_mut()
        .insert("lambda-runtime-function-error-type", kind);
    request
}

/// Sends what came of an event. An answer that does not arrive is lost, and said to be; only an API that itself fails
/// ends the worker.
async fn send(
    connection: &mut Connection,
    request: Request<PayloadBody>,
) -> Result<(), RuntimeError> {
    let response: Response<Incoming> = match connection.send(request).await {
        Ok(response) => response,
        Err(error) => {
            crate::log::trouble(&format!("an answer was broken off: {error}"));
            return Ok(());
        }
    };
    let status = response.status();
    let body = read(response.into_body()).await?;
    if status.is_server_error() {
        return Err(RuntimeError::Unexpected(format!("{status} to an answer")));
    }
    if !status.is_success() {
        let why = String::from_utf8_lossy(&body);
        crate::log::trouble(&format!("an answer was refused with {status}: {why}"));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
