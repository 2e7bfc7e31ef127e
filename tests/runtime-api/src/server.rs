//! The Runtime API over HTTP/1.1 on a loopback port of its own for each process.
//!
//! Decides which request is which transition of the [`Station`]. Paths outside version 2018-06-01 of the API (extensions, restore) are answered with 404.

use crate::answers::{buffered, function_error, init_error, read_and_refuse, streamed, streams};
use crate::config::function_arn;
use crate::station::{Refused, Station};
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};

const INVOCATION: &str = "/2018-06-01/runtime/invocation/";
const INIT_ERROR: &str = "/2018-06-01/runtime/init/error";

pub(crate) type Answer = Response<Full<Bytes>>;

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
            Err(refused) => read_and_refuse(refused, request).await,
        },
        (&Method::POST, Some((id, "error"))) => match station.begin_answer(id) {
            Ok(running) => function_error(&station, running, request).await,
            Err(refused) => read_and_refuse(refused, request).await,
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

pub(crate) fn accepted() -> Answer {
    plain(StatusCode::ACCEPTED, r#"{"status":"OK"}"#)
}

pub(crate) fn refuse(refused: Refused) -> Answer {
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

pub(crate) fn plain(status: StatusCode, body: &'static str) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from_static(body.as_bytes())));
    *answer.status_mut() = status;
    answer
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}
