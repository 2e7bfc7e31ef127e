//! HTTP/1.1 on a socket: a hyper request lends the gateway's request, the gateway's answer leaves as hyper's.
//!
//! Always holds: limits on connections, headers and time; `TCP_NODELAY`; a streamed body that cannot be finished breaks the
//! connection.

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Empty, Full};
use hyper::body::Incoming;
use hyper::header::HeaderMap;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use portcullis_origin::response::{Body, BodyError, Response};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::sync::watch;

/// Connections at the same time; more wait.
const CONNECTIONS_MAX: usize = 1_024;
/// How long a client may take to send its headers.
const HEADERS_TIME: Duration = Duration::from_secs(30);
/// The longest head of a request, in bytes: CloudFront's limits for headers and URL, and some room.
const HEAD_BYTES_MAX: usize = 48 * 1024;
/// How long open connections may take to finish at the end.
const GRACE: Duration = Duration::from_secs(10);

/// The body of an answer on the wire.
pub(crate) type WireBody = UnsyncBoxBody<Bytes, BodyError>;

/// Something that answers requests.
pub(crate) trait Answers: Send + Sync + 'static {
    /// The answer to one request from `peer`.
    fn answer(
        &self,
        request: hyper::Request<Incoming>,
        peer: SocketAddr,
    ) -> impl Future<Output = hyper::Response<WireBody>> + Send;
}

/// Serves until `stop` says so, then lets open connections finish.
pub(crate) async fn serve<A: Answers>(
    listener: TcpListener,
    answers: Arc<A>,
    mut stop: watch::Receiver<bool>,
) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.changed() => break,
        };
        let Ok((stream, peer)) = accepted else {
            // Out of descriptors, most likely: the connections that end give some back.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let _slower_but_correct = stream.set_nodelay(true);
        let (answers, stop) = (Arc::clone(&answers), stop.clone());
        tokio::spawn(async move {
            connection(TokioIo::new(stream), peer, answers, stop).await;
            drop(place);
        });
    }
    let all = u32::try_from(CONNECTIONS_MAX).unwrap_or(u32::MAX);
    let _whoever_is_left_is_cut = tokio::time::timeout(GRACE, places.acquire_many(all)).await;
}

async fn connection<A: Answers>(
    stream: TokioIo<tokio::net::TcpStream>,
    peer: SocketAddr,
    answers: Arc<A>,
    mut stop: watch::Receiver<bool>,
) {
    let service = service_fn(move |request| {
        let answers = Arc::clone(&answers);
        async move { Ok::<_, Infallible>(answers.answer(request, peer).await) }
    });
    let mut server = http1::Builder::new();
    server
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS_TIME)
        .max_buf_size(HEAD_BYTES_MAX);
    let connection = server.serve_connection(stream, service);
    tokio::pin!(connection);
    tokio::select! {
        // A client that breaks off is its own affair.
        _ = connection.as_mut() => {}
        _ = stop.changed() => {
            connection.as_mut().graceful_shutdown();
            let _its_own_affair = connection.await;
        }
    }
}

/// All values of a header, joined with a comma; bytes that are not UTF-8 become U+FFFD, which no parser accepts.
pub(crate) fn joined(headers: &HeaderMap, name: &str) -> Option<String> {
    let mut values = headers
        .get_all(name)
        .iter()
        .map(|v| String::from_utf8_lossy(v.as_bytes()));
    let first = values.next()?.into_owned();
    Some(values.fold(first, |all, value| all + "," + &value))
}

/// The `Cookie` headers as text.
pub(crate) fn cookies(headers: &HeaderMap) -> Vec<String> {
    headers
        .get_all("cookie")
        .iter()
        .map(|v| String::from_utf8_lossy(v.as_bytes()).into_owned())
        .collect()
}

/// An answer in hyper's form. Header values were checked where they were made, so none is left out.
pub(crate) fn response(answer: Response) -> hyper::Response<WireBody> {
    let body = match answer.body {
        Body::Empty => empty(),
        Body::Whole(bytes) => Full::new(bytes)
            .map_err(|never| match never {})
            .boxed_unsync(),
        Body::Stream { bytes, .. } => bytes,
    };
    let mut response = hyper::Response::new(body);
    *response.status_mut() = hyper::StatusCode::from_u16(answer.status)
        .unwrap_or(hyper::StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in &answer.headers {
        let name = hyper::header::HeaderName::from_bytes(name.as_bytes());
        let value = hyper::header::HeaderValue::from_bytes(value.as_bytes());
        if let (Ok(name), Ok(value)) = (name, value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// A body without bytes.
pub(crate) fn empty() -> WireBody {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

/// Sixteen random bytes in hexadecimal: an opaque id.
pub(crate) fn opaque_id() -> String {
    crate::machine::random::<16>()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Whether the process was asked to stop, by SIGINT or SIGTERM.
pub(crate) fn stop_signal() -> watch::Receiver<bool> {
    let (sender, receiver) = watch::channel(false);
    tokio::spawn(async move {
        let terminate = async {
            match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
                Ok(mut signal) => signal.recv().await,
                Err(_) => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate => {}
        }
        let _nobody_listens_any_more = sender.send(true);
    });
    receiver
}
