//! Origins: what a request is answered by when the edge cannot answer it.
//!
//! Always holds: an origin's answer is passed on as it is (redirects are answers, nothing is decompressed, no field is
//! added); how its body says where it ends is told, and an end that is none is an error of the body; every failure to
//! answer is one of [`OriginFailure`].
//!
//! Deliberately absent: retries between origins, origin access signatures, and which fields an origin may see. The caller
//! decides them.

pub mod directory;
pub mod http;
#[cfg(feature = "lambda")]
pub mod lambda;

pub use crate::wire::framing::Framing;

use crate::body::Body;
use crate::fields::Fields;
use crate::listen::Scheme;
use ::http::Method;
use std::pin::Pin;

/// Something that answers as an origin.
pub trait OriginConnector: Send + Sync {
    /// The origin's answer, or why there is none.
    fn fetch(&self, request: OriginFetch) -> Fetching<'_>;

    /// Looks the origin's name up, where it has one. CloudFront does so before it runs a function at `origin-request`, and
    /// does not run it for an origin without an address (DG:lambda-at-edge-function-restrictions).
    fn resolve(&self) -> Resolving<'_> {
        Box::pin(async { Ok(()) })
    }
}

/// A name that is looked up.
pub type Resolving<'a> = Pin<Box<dyn Future<Output = Result<(), OriginFailure>> + Send + 'a>>;

/// An answer on its way.
pub type Fetching<'a> =
    Pin<Box<dyn Future<Output = Result<OriginAnswer, OriginFailure>> + Send + 'a>>;

impl<F, A> OriginConnector for F
where
    F: Fn(OriginFetch) -> A + Send + Sync,
    A: Future<Output = Result<OriginAnswer, OriginFailure>> + Send + 'static,
{
    fn fetch(&self, request: OriginFetch) -> Fetching<'_> {
        Box::pin(self(request))
    }
}

/// A request to an origin.
#[derive(Debug)]
pub struct OriginFetch {
    /// The scheme, for origins that are reached by both.
    pub scheme: Scheme,
    /// The method.
    pub method: Method,
    /// Path and query, sent byte for byte; begins with `/`.
    pub target: String,
    /// The fields. `Host` is the origin's own where it is missing. Fields of a connection, and those that frame a body,
    /// are left out and written anew.
    pub fields: Fields,
    /// The body.
    pub body: Body,
    /// The edge's clock, in milliseconds since 1970-01-01T00:00:00Z, for origins that are played here.
    pub now_ms: u64,
}

/// An origin's answer.
#[derive(Debug)]
pub struct OriginAnswer {
    /// The status, 200 to 599.
    pub status: u16,
    /// The fields as the origin sent them.
    pub fields: Fields,
    /// How the body says where it ends. Of an answer to HEAD, and of a 204 or 304: a length of 0.
    pub framing: Framing,
    /// The body. Where the framing is [`Framing::Close`], a clean end cannot be told from a cut.
    pub body: Body,
}

/// Why an origin has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OriginFailure {
    /// Its name has no address.
    #[error("the name of the origin has no address")]
    Dns,
    /// It refuses connections.
    #[error("the origin refuses connections")]
    Connect,
    /// In none of the attempts a connection came about in time.
    #[error("no connection to the origin came about in time")]
    ConnectTimeout,
    /// TLS failed, most often because its certificate does not hold.
    #[error("TLS with the origin failed")]
    Tls,
    /// Its answer did not begin in time.
    #[error("the origin did not answer in time")]
    Timeout,
    /// It closed the connection before it answered.
    #[error("the origin closed the connection")]
    Closed,
    /// Its answer is no HTTP, or the request cannot be expressed in HTTP.
    #[error("the origin's answer is no HTTP")]
    Invalid,
    /// The fields of its answer are larger than [`crate::listen::HEADER_BYTES_MAX`], or too many.
    #[error("the fields of the origin's answer are too large")]
    HeaderTooBig,
}
