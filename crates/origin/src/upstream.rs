//! The port to custom origins: one HTTP exchange with one configured server.
//!
//! Always holds: the URL is built from configured parts and a parsed path; no redirect is followed; the failures that
//! decide failover (no connection, no answer in time) are told apart from every other.

pub mod client;

use crate::object_path::ObjectPath;
use crate::request::Method;
use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use portcullis_site::HttpOrigin;
use std::future::Future;

/// A request to a custom origin.
#[derive(Debug, Clone)]
pub struct UpstreamRequest<'a> {
    /// The server and its time limits.
    pub origin: &'a HttpOrigin,
    /// GET, HEAD or OPTIONS.
    pub method: Method,
    /// The path; the client appends it to the origin's base path, percent-encoded again.
    pub path: &'a ObjectPath<'a>,
    /// The query that the behavior forwards, without `?`; empty for none.
    pub query: &'a str,
    /// Headers to send, by lower-case name; `host` is the client's.
    pub headers: Vec<(&'static str, Vec<u8>)>,
}

/// The body of an answer. An error means that the rest will not come.
pub type UpstreamBody = UnsyncBoxBody<Bytes, UpstreamError>;

/// The answer of a custom origin.
#[derive(Debug)]
pub struct UpstreamResponse {
    /// The status.
    pub status: u16,
    /// The headers, names in lower case, in order.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The length of the body, if the server named it.
    pub content_length: Option<u64>,
    /// The body.
    pub body: UpstreamBody,
}

/// Why a custom origin has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UpstreamError {
    /// The name does not resolve.
    #[error("the origin's name does not resolve")]
    Dns,
    /// It resolves to an address that is not public, and the origin does not allow that.
    #[error("the origin resolves to an address that is not public")]
    PrivateAddress,
    /// No connection, after all attempts.
    #[error("the origin cannot be reached")]
    Connect,
    /// TLS failed.
    #[error("the origin's certificate or TLS is refused")]
    Tls,
    /// No answer within the response timeout.
    #[error("the origin did not answer in time")]
    TimedOut,
    /// The answer is no HTTP, or too large in its headers.
    #[error("the origin's answer is malformed")]
    Malformed,
    /// The body ended or broke before its end.
    #[error("the origin's body broke after {after} bytes")]
    Broken {
        /// Bytes that had arrived.
        after: u64,
    },
}

/// Something that speaks to custom origins.
pub trait Upstream: Send + Sync {
    /// One exchange, with the origin's attempts and timeouts.
    fn fetch(
        &self,
        request: UpstreamRequest<'_>,
    ) -> impl Future<Output = Result<UpstreamResponse, UpstreamError>> + Send;
}
