//! The server that viewers talk to: HTTP/1.1 and HTTP/2, with TLS or without, on sockets.
//!
//! Always holds:
//! - a request reaches the [`Handler`] only whole and unambiguous; anything else is refused and ends its connection;
//! - an answer that cannot be finished breaks its connection or stream visibly, and never looks whole;
//! - whoever is slow is cut: each wait has its limit in [`Limits`];
//! - after the stop no connection outlives [`Limits::drain_time`].
//!
//! HTTP/1.1 is read and written here, because hyper joins what must be kept (order and spelling of fields, every byte of
//! the target) and passes what must be refused (line feeds alone, lengths beside codings). HTTP/2 is hyper's.
//!
//! Deliberately absent: HTTP/3, upgrades (WebSocket, h2c), trailers. A viewer that leaves is noticed when it is written to.

mod accept;
mod answer;
mod cores;
mod http1;
mod http2;
mod limits;
mod tls;
mod upload;

pub use accept::serve;
pub use cores::{Cores, serve_on_cores};
pub use limits::Limits;
pub use tls::{Certificate, CertificateError, TlsSession};

use crate::body::Body;
use crate::fields::Fields;
use http::Method;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::sync::watch;

/// The longest request target, in bytes (DG:requestandresponsebehaviorcustomorigin).
pub const TARGET_BYTES_MAX: usize = 8_192;

/// The most header bytes of a message, names and values together (DG:requestandresponsebehaviorcustomorigin).
pub const HEADER_BYTES_MAX: usize = 32_768;

/// Answers requests.
pub trait Handler: Send + Sync + 'static {
    /// The answer to a request. The answer may begin before the body of the request has ended.
    fn answer(&self, arrived: Arrived, body: Body) -> impl Future<Output = Answer> + Send;

    /// The answer to what is no request, or too large for one. The connection ends with it.
    fn refuse(&self, refused: &Refused) -> Answer;
}

/// Where a message came from.
#[derive(Clone, Debug)]
pub struct Via {
    /// The scheme.
    pub scheme: Scheme,
    /// The other end of the connection.
    pub peer: SocketAddr,
    /// What was agreed on in the TLS handshake.
    pub tls: Option<Arc<TlsSession>>,
}

/// A request, without its body.
#[derive(Debug)]
pub struct Arrived {
    /// Its connection.
    pub via: Via,
    /// The HTTP version.
    pub version: Version,
    /// The method.
    pub method: Method,
    /// Path and query, byte for byte as sent; begins with `/`.
    pub target: String,
    /// The authority of the target where it has one, else `Host`; with a port if it was sent. Empty in HTTP/1.0.
    pub host: String,
    /// The fields, `Host` among them. Over HTTP/2 it stands first, and the pieces of `cookie` are joined.
    pub fields: Fields,
}

/// What is no request.
#[derive(Debug)]
pub struct Refused {
    /// Its connection.
    pub via: Via,
    /// The HTTP version of the connection.
    pub version: Version,
    /// Why it is refused.
    pub refusal: Refusal,
}

/// Why a request is not handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It is not by the grammar, or two readers could understand it in two ways: 400.
    Malformed,
    /// Its target is longer than [`TARGET_BYTES_MAX`]: 414.
    TargetTooLong,
    /// Its fields are larger than [`HEADER_BYTES_MAX`], or too many: 494.
    HeadersTooLarge,
}

impl Refusal {
    /// CloudFront's status for it.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::Malformed => 400,
            Self::TargetTooLong => 414,
            Self::HeadersTooLarge => 494,
        }
    }
}

/// The scheme of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// `http`.
    Http,
    /// `https`.
    Https,
}

/// The HTTP version of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// HTTP/1.0.
    Http10,
    /// HTTP/1.1.
    Http11,
    /// HTTP/2.
    Http2,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The fields in the order in which they are sent. `Content-Length` is kept where there is no body (HEAD, 304) and
    /// follows the body otherwise; `Connection: close` ends the connection; `Transfer-Encoding` is the server's own.
    pub fields: Fields,
    /// The body. Of an answer to HEAD it is not sent.
    pub body: Body,
}

/// What all connections of a listener share.
#[derive(Debug)]
struct Shared<H> {
    handler: Arc<H>,
    limits: Limits,
    stop: watch::Receiver<bool>,
}

impl<H> Clone for Shared<H> {
    fn clone(&self) -> Self {
        Self {
            handler: Arc::clone(&self.handler),
            limits: self.limits,
            stop: self.stop.clone(),
        }
    }
}

impl<H> Shared<H> {
    fn is_stopping(&self) -> bool {
        *self.stop.borrow()
    }

    /// Resolves when the server is to stop, also when nobody can say so any more.
    fn stopped(&self) -> impl Future<Output = ()> + Send + use<H> {
        let mut stop = self.stop.clone();
        async move {
            let _said_or_gone = stop.wait_for(|stop| *stop).await;
        }
    }
}

#[cfg(test)]
mod tests;
