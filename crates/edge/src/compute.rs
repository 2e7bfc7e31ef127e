//! What an edge function is shown and what it may answer, without the engine that runs it.
//!
//! The model asks for a function to be run and takes back what it made; rules about headers and limits are the engine's
//! (they differ between CloudFront Functions and Lambda@Edge), rules about what becomes of the outcome are here.

use crate::distribution::{Compute, EventType, Origin};
use crate::headers::Headers;
use crate::identity::RequestId;
use bytes::Bytes;
use std::net::IpAddr;
use std::sync::Arc;

/// A function to run.
#[derive(Clone, Debug)]
pub struct ComputeCall {
    /// The event.
    pub event: EventType,
    /// What runs.
    pub compute: Compute,
    /// The request as it is at this event.
    pub request: FunctionRequest,
    /// The response, at response events.
    pub response: Option<FunctionResponse>,
    /// The viewer's address.
    pub viewer: IpAddr,
    /// The request's id.
    pub id: RequestId,
    /// Where the request goes unless the function says otherwise; at request events.
    pub origin: Option<Arc<Origin>>,
    /// The origins of the distribution in their order, among which a function may choose; at request events.
    pub origins: Vec<Arc<Origin>>,
    /// The request's body. The driver puts it there where [`ComputeCall::body_bytes_max`] asks for it.
    pub body: Option<ShownBody>,
}

impl ComputeCall {
    /// How many bytes of the request's body the function is shown; `None` where it is shown none.
    #[must_use]
    pub fn body_bytes_max(&self) -> Option<usize> {
        let include_body = matches!(
            self.compute,
            Compute::Lambda {
                include_body: true,
                ..
            }
        );
        match self.event {
            EventType::ViewerRequest | EventType::OriginRequest if include_body => {
                Some(body_bytes_max(self.event))
            }
            _ => None,
        }
    }
}

/// The most bytes of a body that a Lambda@Edge function is shown or makes: 40 KB at the viewer's side, 1 MB at the origin's
/// (DG:lambda-at-edge-function-restrictions).
#[must_use]
pub fn body_bytes_max(event: EventType) -> usize {
    match event {
        EventType::ViewerRequest | EventType::ViewerResponse => 40 << 10,
        EventType::OriginRequest | EventType::OriginResponse => 1 << 20,
    }
}

/// As much of a request's body as a function is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownBody {
    /// Its first bytes.
    pub bytes: Bytes,
    /// Whether there are more.
    pub truncated: bool,
}

impl ShownBody {
    /// The first bytes of a body, `bytes_max` at most.
    #[must_use]
    pub fn of(body: &Bytes, bytes_max: usize) -> Self {
        Self {
            bytes: body.slice(..body.len().min(bytes_max)),
            truncated: body.len() > bytes_max,
        }
    }
}

/// A request as a function sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionRequest {
    /// The method.
    pub method: String,
    /// The path, as it is on the wire.
    pub uri: String,
    /// The query without its question mark.
    pub query: String,
    /// The fields, `Cookie` among them.
    pub headers: Headers,
    /// Where it goes, by position in the distribution; at origin events.
    pub origin: Option<usize>,
}

/// A response as a function sees it or makes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionResponse {
    /// The status.
    pub status: u16,
    /// The fields.
    pub headers: Headers,
    /// The body it made; `None` leaves the one that is there.
    pub body: Option<Bytes>,
}

/// What a function answered.
#[derive(Clone, Debug)]
pub enum Computed {
    /// Go on with this request.
    Request(ChangedRequest),
    /// At request events: answer with this. At response events: go on with this.
    Response(FunctionResponse),
}

/// A request as a function left it.
#[derive(Clone, Debug)]
pub struct ChangedRequest {
    /// The path.
    pub uri: String,
    /// The query without its question mark.
    pub query: String,
    /// The fields.
    pub headers: Headers,
    /// The body in place of the viewer's.
    pub body: Option<Bytes>,
    /// Where it goes.
    pub origin: OriginChoice,
}

/// Where a function sends a request.
#[derive(Clone, Debug, Default)]
pub enum OriginChoice {
    /// Where it went before.
    #[default]
    Unchanged,
    /// To an origin of the distribution, by position.
    Known(usize),
    /// To an origin it described.
    Described(Box<Origin>),
    /// To the first of two, and to the second on these statuses.
    Group {
        /// Positions in the distribution.
        members: [usize; 2],
        /// The statuses that count as failure.
        statuses: Vec<u16>,
    },
}

/// How a function failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ComputeFailure {
    /// It changed what it may not, or answered nonsense: 502.
    Validation,
    /// It threw, crashed or ran out of its compute budget or time: 503.
    Execution,
    /// It exceeded another limit: 503.
    Limit,
}
