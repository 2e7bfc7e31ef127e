//! Custom origins over HTTP/1.1: one exchange, with the origin's attempts and timeouts.
//!
//! Always holds:
//! - An address is checked after the name was resolved, and the connection goes to the address that was checked.
//! - Redirects are answers like any other; nothing is asked that the caller did not ask for.
//! - Every wait has a limit: for the name, for a connection, for the first byte and for each part after it.
//! - Connections that are kept are few and short-lived, and never lent between origins with different rules.
//! - Only requests without a body are sent, so one that meets a connection just closed by the server is sent again on a
//!   new one, once.
//!
//! Deliberately absent: proxies, HTTP/2, decompression, and which headers of the answer a viewer may see.

mod body;
mod connect;
mod pool;

use super::{Upstream, UpstreamError, UpstreamRequest, UpstreamResponse};
use crate::request::Method;
use body::{AnswerBody, Lease};
use bytes::Bytes;
use connect::Connector;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::{Body as _, Incoming};
use hyper::client::conn::http1::SendRequest;
use hyper::header::{CONTENT_LENGTH, HOST, HeaderName, HeaderValue};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use pool::{Destination, Pool};
use rustls::pki_types::CertificateDer;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// The most header fields of an answer.
pub const HEADERS_MAX: usize = 100;

/// The most bytes of an answer before its body. CloudFront takes no more from an origin.
pub const HEADER_BYTES_MAX: usize = 32_768;

/// What may stand in a query stays as it came; everything else is percent-encoded, so that no query ends the request line
/// or begins a fragment (RFC 3986 §3.4).
const ENCODED_IN_QUERY: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// Fields that are the connection's and never the caller's (RFC 9110 §7.6.1).
const NEVER_SENT: [&str; 10] = [
    "connection",
    "content-length",
    "host",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "expect",
];

/// A connection that a request can be sent on.
type Sender = SendRequest<Empty<Bytes>>;

/// An HTTP client for custom origins. Clones share their connections.
#[derive(Debug, Clone, Default)]
pub struct HttpClient {
    connector: Connector,
    pool: Arc<Pool>,
}

impl HttpClient {
    /// A client that trusts the system's certificates. They are read when the first one is needed.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same client, which also trusts `roots`.
    #[must_use]
    pub fn with_roots(mut self, roots: impl IntoIterator<Item = CertificateDer<'static>>) -> Self {
        self.connector.trust(roots);
        self
    }

    /// The same client, for which `host` has these addresses, whatever its name resolves to. They are checked like any.
    #[must_use]
    pub fn with_addresses(mut self, host: impl Into<String>, addresses: Vec<IpAddr>) -> Self {
        self.connector.pin(host.into(), addresses);
        self
    }

    /// Sends on a connection that was kept. `None` if there is none, or it turns out to be closed.
    async fn on_kept(
        &self,
        destination: &Destination,
        request: &UpstreamRequest<'_>,
    ) -> Option<Result<UpstreamResponse, UpstreamError>> {
        let sender = self.pool.take(destination)?;
        match self.exchange(sender, destination, request).await {
            Err(UpstreamError::Broken { after: 0 }) => None,
            answer => Some(answer),
        }
    }

    async fn exchange(
        &self,
        mut sender: Sender,
        destination: &Destination,
        request: &UpstreamRequest<'_>,
    ) -> Result<UpstreamResponse, UpstreamError> {
        let message = message(request)?;
        let limit = Duration::from_secs(request.origin.response_timeout.get());
        let answer = timeout(limit, async {
            sender.ready().await?;
            sender.send_request(message).await
        });
        let answer = answer.await.map_err(|_| UpstreamError::TimedOut)?;
        let answer = answer.map_err(|error| refused_answer(&error))?;
        let lease = Lease::new(sender, destination.clone(), Arc::clone(&self.pool));
        received(answer, request.method, lease, limit)
    }
}

impl Upstream for HttpClient {
    async fn fetch(&self, request: UpstreamRequest<'_>) -> Result<UpstreamResponse, UpstreamError> {
        let destination = Destination::of(request.origin);
        if let Some(answer) = self.on_kept(&destination, &request).await {
            return answer;
        }
        let sender = self.connector.connect(request.origin, &destination).await?;
        self.exchange(sender, &destination, &request).await
    }
}

/// The request as it is sent. An error means that HTTP cannot express it: its target is too long.
fn message(request: &UpstreamRequest<'_>) -> Result<hyper::Request<Empty<Bytes>>, UpstreamError> {
    let (url, path) = (&request.origin.url, request.path.sent());
    let mut target = format!("{}{path}", url.base_path());
    if !request.query.is_empty() {
        target.push('?');
        target.extend(utf8_percent_encode(request.query, ENCODED_IN_QUERY));
    }
    let mut message = hyper::Request::builder()
        .method(request.method.as_str())
        .uri(target)
        .header(HOST, host(request))
        .body(Empty::new())
        .map_err(|_| UpstreamError::Malformed)?;
    for (name, value) in &request.headers {
        let field = (
            HeaderName::from_bytes(name.as_bytes()),
            HeaderValue::from_bytes(value),
        );
        // A value that could end its line is left out, not repaired.
        if let (false, (Ok(field), Ok(value))) = (NEVER_SENT.contains(name), field) {
            message.headers_mut().append(field, value);
        }
    }
    Ok(message)
}

/// `Host`, with the port where the scheme does not say it (RFC 9110 §7.2).
fn host(request: &UpstreamRequest<'_>) -> String {
    let url = &request.origin.url;
    match (url.is_secure(), url.port()) {
        (true, 443) | (false, 80) => url.host().to_owned(),
        (_, port) => format!("{}:{port}", url.host()),
    }
}

fn received(
    answer: hyper::Response<Incoming>,
    method: Method,
    lease: Lease,
    limit: Duration,
) -> Result<UpstreamResponse, UpstreamError> {
    let (head, incoming) = answer.into_parts();
    if head.status.is_informational() {
        return Err(UpstreamError::Malformed);
    }
    let stated = || {
        head.headers
            .get(CONTENT_LENGTH)?
            .to_str()
            .ok()?
            .parse()
            .ok()
    };
    let content_length = match method {
        Method::Head => stated(),
        Method::Get | Method::Options => incoming.size_hint().exact(),
    };
    let headers = head.headers.iter();
    Ok(UpstreamResponse {
        status: head.status.as_u16(),
        headers: headers
            .map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()))
            .collect(),
        content_length,
        body: AnswerBody::new(incoming, lease, limit).boxed_unsync(),
    })
}

/// Why no answer came.
fn refused_answer(error: &hyper::Error) -> UpstreamError {
    if error.is_parse() {
        UpstreamError::Malformed
    } else {
        UpstreamError::Broken { after: 0 }
    }
}

#[cfg(test)]
mod tests;
