//! The Runtime API over HTTP/1.1 on a loopback port of its own for each process.
//!
//! Decides how bytes become transitions of the [`Station`] and outcomes. A stream that breaks is an outcome; a buffered
//! answer that breaks is none. Paths outside version 2018-06-01 of the API (extensions, restore) are answered with 404.

use crate::config::function_arn;
use crate::outcome::{
    InitFailure, Outcome, RESPONSE_BYTES_MAX, STREAM_BYTES_MAX, StreamEnd, Streamed,
};
use crate::station::{Refused, Running, Station};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};

const INVOCATION: &str = "/2018-06-01/runtime/invocation/";
const INIT_ERROR: &str = "/2018-06-01/runtime/init/error";
const ERROR_TYPE: &str = "lambda-runtime-function-error-type";
const ERROR_BODY: &str = "lambda-runtime-function-error-body";
const RESPONSE_MODE: &str = "lambda-runtime-function-response-mode";
const HTTP_INTEGRATION: &[u8] = b"application/vnd.awslambda.http-integration-response";
const PRELUDE_END: [u8; 8] = [0; 8];
/// An answer over the limit is read on and thrown away up to here, so that the process sees the refusal and not a reset.
const DISCARDED_BYTES_MAX: usize = 64 * 1024 * 1024;
const TOO_LARGE: &str = r#"{"errorType":"RequestEntityTooLarge","errorMessage":"Exceeded maximum allowed payload size (6291556 bytes)."}"#;

type Answer = Response<Full<Bytes>>;

/// A running server; it stops, with all its connections, when this is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) address: String,
    open: watch::Receiver<usize>,
    task: AbortHandle,
}

impl Server {
    pub(crate) async fn start(
        station: Arc<Station>,
        accepted: Arc<AtomicU64>,
    ) -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?.to_string();
        let (open_sender, open) = watch::channel(0);
        let task = tokio::spawn(accept(listener, station, accepted, open_sender)).abort_handle();
        Ok(Self {
            address,
            open,
            task,
        })
    }

    /// Waits until the process has no connection left.
    pub(crate) async fn closed(&self) {
        // An error says that the server is gone, and its connections with it.
        drop(self.open.clone().wait_for(|open| *open == 0).await);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(
    listener: TcpListener,
    station: Arc<Station>,
    accepted: Arc<AtomicU64>,
    open: watch::Sender<usize>,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            connection = listener.accept() => {
                let Ok((stream, _)) = connection else { continue };
                accepted.fetch_add(1, Ordering::Relaxed);
                open.send_modify(|count| *count += 1);
                // Without it a small event could wait for an acknowledgement of the one before.
                drop(stream.set_nodelay(true));
                let station = Arc::clone(&station);
                connections.spawn(async move {
                    let service = service_fn(move |request| answer(Arc::clone(&station), request));
                    let http = hyper::server::conn::http1::Builder::new().title_case_headers(true).clone();
                    drop(http.serve_connection(TokioIo::new(stream), service).await);
                });
            }
            Some(_) = connections.join_next() => open.send_modify(|count| *count -= 1),
        }
    }
}

async fn answer(station: Arc<Station>, request: Request<Incoming>) -> Result<Answer, Infallible> {
    let path = request.uri().path().to_owned();
    let answer = match (
        request.method(),
        path.strip_prefix(INVOCATION)
            .map(|rest| rest.split_once('/').unwrap_or((rest, ""))),
    ) {
        (&Method::GET, Some(("next", ""))) => next(&station).await,
        (&Method::POST, Some((id, "response"))) => match station.begin_answer(id) {
            Ok(running) if streams(request.headers()) => streamed(&station, running, request).await,
            Ok(running) => buffered(&station, running, request).await,
            Err(refused) => refuse(refused),
        },
        (&Method::POST, Some((id, "error"))) => match station.begin_answer(id) {
            Ok(running) => function_error(&station, running, request).await,
            Err(refused) => refuse(refused),
        },
        (&Method::POST, None) if path == INIT_ERROR => init_error(&station, request).await,
        _ => plain(StatusCode::NOT_FOUND, r#"{"errorType":"NotFound"}"#),
    };
    Ok(answer)
}

async fn next(station: &Station) -> Answer {
    let waiting = match station.poll() {
        Ok(waiting) => waiting,
        Err(refused) => return refuse(refused),
    };
    let Ok(event) = waiting.await else {
        return plain(
            StatusCode::INTERNAL_SERVER_ERROR,
            r#"{"errorType":"ServiceShutdown"}"#,
        );
    };
    let mut answer = Response::new(Full::new(event.payload));
    let headers = [
        ("lambda-runtime-aws-request-id", event.request_id),
        ("lambda-runtime-deadline-ms", event.deadline_ms.to_string()),
        ("lambda-runtime-invoked-function-arn", function_arn()),
        ("lambda-runtime-trace-id", event.trace_id),
    ];
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::try_from(value) {
            answer.headers_mut().insert(name, value);
        }
    }
    answer
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    station.sending();
    answer
}

/// What was read of a body.
struct Read {
    bytes: BytesMut,
    first_byte: Option<Instant>,
    end: ReadEnd,
}

enum ReadEnd {
    Whole { trailers: Option<HeaderMap> },
    Broken,
    TooLarge,
}

/// Reads a body, keeping at most `limit` bytes. `progress` always holds what has arrived: the future may be dropped at any time.
async fn read(mut body: Incoming, limit: usize, progress: &mut Read) {
    let mut trailers = None;
    let mut discarded = 0;
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return };
        match frame.into_data() {
            Ok(data) => {
                progress.first_byte.get_or_insert_with(Instant::now);
                let room = limit.saturating_sub(progress.bytes.len());
                progress
                    .bytes
                    .extend_from_slice(data.get(..room.min(data.len())).unwrap_or_default());
                discarded += data.len().saturating_sub(room);
            }
            Err(frame) => trailers = frame.into_trailers().ok(),
        }
        if discarded > DISCARDED_BYTES_MAX {
            break;
        }
    }
    progress.end = if discarded > 0 {
        ReadEnd::TooLarge
    } else {
        ReadEnd::Whole { trailers }
    };
}

impl Read {
    fn new() -> Self {
        Self {
            bytes: BytesMut::new(),
            first_byte: None,
            end: ReadEnd::Broken,
        }
    }

    fn first_byte(&self) -> Instant {
        self.first_byte.unwrap_or_else(Instant::now)
    }
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

async fn buffered(station: &Station, running: Running, request: Request<Incoming>) -> Answer {
    let in_flight = InFlight {
        station,
        running: Some(running),
    };
    let mut got = Read::new();
    read(request.into_body(), RESPONSE_BYTES_MAX, &mut got).await;
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
        ReadEnd::Broken => plain(
            StatusCode::BAD_REQUEST,
            r#"{"errorType":"TruncatedResponse"}"#,
        ),
    }
}

async fn function_error(station: &Station, running: Running, request: Request<Incoming>) -> Answer {
    let in_flight = InFlight {
        station,
        running: Some(running),
    };
    let error_type = header(request.headers(), ERROR_TYPE);
    let mut got = Read::new();
    read(request.into_body(), RESPONSE_BYTES_MAX, &mut got).await;
    if matches!(got.end, ReadEnd::Broken) {
        return plain(
            StatusCode::BAD_REQUEST,
            r#"{"errorType":"TruncatedResponse"}"#,
        );
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

async fn init_error(station: &Station, request: Request<Incoming>) -> Answer {
    let error_type = header(request.headers(), ERROR_TYPE);
    let mut got = Read::new();
    read(request.into_body(), RESPONSE_BYTES_MAX, &mut got).await;
    match station.fail_init(InitFailure::Reported {
        error_type,
        payload: got.bytes.freeze(),
    }) {
        Ok(()) => accepted(),
        Err(refused) => refuse(refused),
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

async fn streamed(station: &Station, running: Running, request: Request<Incoming>) -> Answer {
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
    read(request.into_body(), STREAM_BYTES_MAX, &mut stream.got).await;
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

fn streams(headers: &HeaderMap) -> bool {
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

fn accepted() -> Answer {
    plain(StatusCode::ACCEPTED, r#"{"status":"OK"}"#)
}

fn refuse(refused: Refused) -> Answer {
    match refused {
        Refused::UnknownRequestId => plain(
            StatusCode::BAD_REQUEST,
            r#"{"errorType":"InvalidRequestID","errorMessage":"Invalid request ID"}"#,
        ),
        Refused::StateTransition => plain(
            StatusCode::FORBIDDEN,
            r#"{"errorType":"InvalidStateTransition","errorMessage":"State transition is not allowed"}"#,
        ),
    }
}

fn plain(status: StatusCode, body: &'static str) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from_static(body.as_bytes())));
    *answer.status_mut() = status;
    answer
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}
