//! One HTTP/2 connection, spoken by hyper.
//!
//! Always holds: what would change its meaning on an HTTP/1.1 connection is refused or left out (RFC 9113 §8.2.2); a body
//! that breaks off resets its stream; a connection without requests ends after the idle time, one
//! whose viewer takes nothing after the write time.

mod body;
mod traffic;

use super::{Answer, Arrived, HEADER_BYTES_MAX, Handler, Limits, Refusal, Refused, Shared};
use super::{TARGET_BYTES_MAX, Version, Via};
use crate::body::Body;
use crate::fields::Fields;
use crate::wire::head::is_host;
use body::{Outbound, inbound};
use http::header::{COOKIE, HOST};
use http::request::Parts;
use http::{HeaderName, HeaderValue};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use traffic::{Found, Lookout, Traffic, UnderWay};

/// Requests at the same time on one connection.
const STREAMS_MAX: u32 = 128;

/// The largest list of fields that is read at all, in bytes; beyond, hyper refuses with 431. Counted with 32 for each
/// field (RFC 9113 §6.5.2).
const LIST_BYTES_MAX: u32 = 64 * 1024;

/// How much of a body may be under way, in bytes.
const WINDOW_BYTES: u32 = 256 * 1024;

/// How often a silent viewer is asked whether it is there.
const PING_EVERY: Duration = Duration::from_secs(20);

/// Fields that belong to an HTTP/1.1 connection.
const CONNECTION_FIELDS: [&str; 5] = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "transfer-encoding",
    "upgrade",
];

pub(super) async fn serve<S, H>(stream: S, via: &Via, shared: &Shared<H>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
    H: Handler,
{
    let traffic = Arc::<Traffic>::default();
    let mut lookout = Lookout::new(Arc::clone(&traffic), shared.limits);
    let service = {
        let (via, shared) = (via.clone(), shared.clone());
        service_fn(move |request: http::Request<Incoming>| {
            let (via, shared) = (via.clone(), shared.clone());
            let under_way = Arc::clone(&traffic).begin();
            async move { Ok::<_, Infallible>(exchange(request, via, &shared, under_way).await) }
        })
    };
    let server = builder(shared.limits);
    let mut connection = pin!(server.serve_connection(TokioIo::new(stream), service));
    let mut stopped = pin!(shared.stopped());
    loop {
        tokio::select! {
            _ended = connection.as_mut() => return,
            () = &mut stopped => break,
            () = tokio::time::sleep(lookout.pause()) => match lookout.look() {
                Found::Lively => {}
                Found::Idle => break,
                Found::Stalled => return,
            },
        }
    }
    connection.as_mut().graceful_shutdown();
    let _ended = tokio::time::timeout(shared.limits.drain_time, connection).await;
}

fn builder(limits: Limits) -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .max_header_list_size(LIST_BYTES_MAX)
        .initial_stream_window_size(WINDOW_BYTES)
        .initial_connection_window_size(4 * WINDOW_BYTES)
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(limits.write_time)
        .auto_date_header(false);
    builder
}

async fn exchange<H: Handler>(
    request: http::Request<Incoming>,
    via: Via,
    shared: &Shared<H>,
    under_way: UnderWay,
) -> http::Response<Outbound> {
    let working = under_way.working();
    let (head, incoming) = request.into_parts();
    let is_head = head.method == http::Method::HEAD;
    let answer = match arrived(head, &via) {
        Ok(arrived) => {
            let body = inbound(incoming, shared.limits.body_time);
            shared.handler.answer(arrived, body).await
        }
        Err(refusal) => shared.handler.refuse(&Refused {
            via,
            version: Version::Http2,
            refusal,
        }),
    };
    drop(working);
    outbound(answer, is_head, under_way)
}

fn arrived(head: Parts, via: &Via) -> Result<Arrived, Refusal> {
    let target = head
        .uri
        .path_and_query()
        .map_or("/", |target| target.as_str());
    if target.len() > TARGET_BYTES_MAX {
        return Err(Refusal::TargetTooLong);
    }
    let field = head.headers.get(HOST).and_then(|host| host.to_str().ok());
    let host = head
        .uri
        .authority()
        .map(http::uri::Authority::as_str)
        .or(field);
    let host = host
        .filter(|host| is_host(host))
        .ok_or(Refusal::Malformed)?;
    let names_another = field.is_some_and(|field| field != host);
    if names_another || !target.starts_with('/') || head.headers.get_all(HOST).iter().count() > 1 {
        return Err(Refusal::Malformed);
    }
    let fields = fields(&head, host).ok_or(Refusal::HeadersTooLarge)?;
    if fields.bytes() > HEADER_BYTES_MAX {
        return Err(Refusal::HeadersTooLarge);
    }
    Ok(Arrived {
        via: via.clone(),
        version: Version::Http2,
        target: target.to_owned(),
        host: host.to_owned(),
        method: head.method,
        fields,
    })
}

/// The fields as HTTP/1.1 would carry them: with `Host`, and one `cookie` (RFC 9113 §8.2.3).
fn fields(head: &Parts, host: &str) -> Option<Fields> {
    let mut fields = Fields::with_capacity(head.headers.len() + 1, 512);
    let mut all = fields.push(b"host", host.as_bytes());
    let pieces = head.headers.get_all(COOKIE).iter();
    let mut cookie = pieces.map(HeaderValue::as_bytes).collect::<Vec<_>>();
    for (name, value) in &head.headers {
        match name {
            name if name == HOST => {}
            name if name == COOKIE => {
                let pieces = std::mem::take(&mut cookie);
                if !pieces.is_empty() {
                    all &= fields.push(b"cookie", &pieces.join(&b"; "[..]));
                }
            }
            name => all &= fields.push(name.as_str().as_bytes(), value.as_bytes()),
        }
    }
    all.then_some(fields)
}

fn outbound(answer: Answer, is_head: bool, under_way: UnderWay) -> http::Response<Outbound> {
    let is_empty = is_head || matches!(answer.status, 204 | 304);
    let stated = answer.fields.get("content-length");
    let stated = stated.and_then(crate::wire::head::content_length);
    let own = answer.body.length();
    let body = if is_empty { Body::empty() } else { answer.body };
    let left = if is_empty { Some(0) } else { own.or(stated) };
    let mut response = http::Response::new(Outbound::new(body, left, under_way));
    *response.status_mut() = http::StatusCode::from_u16(answer.status)
        .unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    for (name, value) in answer.fields.iter() {
        let skipped = CONNECTION_FIELDS
            .iter()
            .any(|field| name.eq_ignore_ascii_case(field))
            || !is_empty && name.eq_ignore_ascii_case("content-length");
        let pair = (
            HeaderName::from_bytes(name.as_bytes()),
            HeaderValue::from_bytes(value),
        );
        if let (false, (Ok(name), Ok(value))) = (skipped, pair) {
            headers.append(name, value);
        }
    }
    if let Some(bytes) = left.filter(|_| !is_empty) {
        headers.insert(http::header::CONTENT_LENGTH, bytes.into());
    }
    response
}
