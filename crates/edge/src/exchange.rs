//! One request on its way through the network, as a state machine: [`Network::advance`] takes what happened and says
//! what to do next.
//!
//! The order is CloudFront's: host, limits, geo restriction, behavior, viewer protocol, methods, signature,
//! viewer-request function, default root object, cache key, tiers, origin-request function, origin or origin group,
//! origin-response function, store, custom error page, response headers policy, viewer-response function.
//!
//! - an exchange ends with exactly one [`Next::Answer`];
//! - what a step has to know of the past is in the exchange, so exchanges may be advanced in any order;
//! - an event that does not fit the state ends the exchange with a 500 of the edge, never with a panic.

mod arrive;
mod consult;
mod error;
mod origin;
mod origin_side;
mod reply;
mod store;

pub use store::{Ending, Keep};

use crate::compute::{ChangedRequest, ComputeCall, ComputeFailure, Computed, OriginChoice};
use crate::distribution::Origin;
use crate::gate::{HttpVersion, Scheme};
use crate::headers::Headers;
use crate::identity::RequestId;
use crate::key::CacheKey;
use crate::network::{Flight, Network};
use crate::origin_failure::OriginFailure;
use crate::origin_request::OriginRequest;
use crate::played::Played;
use crate::store::{Copy, Tier};
use crate::trace::{ResultType, Trace};
use bytes::Bytes;
use portcullis_viewer::country::Country;
use std::net::SocketAddr;
use std::sync::Arc;

/// A request as the viewer sent it.
#[derive(Clone, Debug)]
pub struct ViewerRequest {
    /// The method.
    pub method: String,
    /// Path and query as sent.
    pub target: String,
    /// The `Host` or `:authority`, with its port if it names one.
    pub host: String,
    /// The scheme.
    pub scheme: Scheme,
    /// The HTTP version.
    pub version: HttpVersion,
    /// The fields as sent, `Host` among them.
    pub headers: Headers,
    /// The other end of the connection.
    pub peer: SocketAddr,
    /// Where that is, if it is known.
    pub country: Option<Country>,
    /// Whether there is a body.
    pub has_body: bool,
    /// Its id.
    pub id: RequestId,
}

/// What happened.
#[derive(Debug)]
pub enum Event {
    /// The exchange begins.
    Begin,
    /// The function that was asked for answered.
    Computed(Result<Computed, ComputeFailure>),
    /// The flight that was waited for landed.
    Landed,
    /// The origin answered; its body is not read yet. Also in place of [`Event::Computed`] where a function is to run at
    /// `origin-request` and the origin has no address: CloudFront looks it up before.
    Fetched(Result<OriginHead, OriginFailure>),
    /// The body that was asked for.
    Collected(Result<Bytes, Ending>),
    /// The body of the request cannot be encrypted as the behavior demands (`fle-status`).
    BodyRefused,
}

/// The head of an origin's answer.
#[derive(Clone, Debug)]
pub struct OriginHead {
    /// The status.
    pub status: u16,
    /// The fields.
    pub headers: Headers,
    /// How the body says where it ends.
    pub framing: Framing,
}

/// How a body says where it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// It has that many bytes.
    Length(u64),
    /// It is chunked.
    Chunked,
    /// It ends with the connection, so that a truncated one looks whole.
    Close,
}

/// What to do next.
#[derive(Debug)]
pub enum Next {
    /// Run a function, and come back with [`Event::Computed`].
    Compute(Box<ComputeCall>),
    /// Wait until the flight has landed, and come back with [`Event::Landed`].
    Wait(Flight),
    /// Ask the origin, and come back with [`Event::Fetched`].
    Fetch(Box<Fetch>),
    /// Read the origin's body, of at most `bytes_max`, and come back with [`Event::Collected`].
    Collect {
        /// The most bytes it may have.
        bytes_max: u64,
    },
    /// Answer the viewer. The exchange is over.
    Answer(Box<Reply>),
}

/// A request to an origin.
#[derive(Clone, Debug)]
pub struct Fetch {
    /// The origin.
    pub origin: Arc<Origin>,
    /// The method.
    pub method: String,
    /// Path, query and fields.
    pub request: OriginRequest,
    /// Whether the viewer's body goes with it.
    pub sends_viewer_body: bool,
    /// A body that a function put in its place.
    pub body: Option<Bytes>,
    /// The scheme the viewer used, for origins that follow it.
    pub scheme: Scheme,
    /// The configuration of field-level encryption the body passes.
    pub field_encryption: Option<String>,
}

/// The answer to the viewer.
#[derive(Debug)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The fields. `Content-Length` is among them where the length is known.
    pub headers: Headers,
    /// The body.
    pub body: ReplyBody,
    /// What the driver feeds with the origin's body as it passes.
    pub keep: Option<Keep>,
    /// A refresh to run in the background.
    pub background: Option<Box<Exchange>>,
    /// How it is logged.
    pub result: ResultType,
    /// `x-edge-detailed-result-type`.
    pub detailed: &'static str,
}

/// The body of a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplyBody {
    /// None: HEAD, 304, 204.
    Empty,
    /// These bytes.
    Bytes(Bytes),
    /// The origin's body, as it comes.
    Origin,
}

/// One request on its way.
#[derive(Debug)]
pub struct Exchange {
    /// What the viewer sent; functions change it, and so does the page of an error.
    pub request: ViewerRequest,
    /// Path and query as the viewer sent them.
    pub asked: Box<str>,
    /// Where it is.
    pub pop: usize,
    /// The distribution, once it is known.
    pub played: Option<Arc<Played>>,
    /// What was done.
    pub trace: Trace,
    pub(crate) flight: Option<(Tier, CacheKey, Flight)>,
    state: State,
    /// The behavior in force: the page's own while a custom error page is fetched.
    behavior: usize,
    /// Whether it waited for another exchange once.
    waited: bool,
    /// The status that a page is fetched for, and the status the page is sent with.
    page: Option<Page>,
    /// Whether it refreshes a copy and has no viewer.
    is_background: bool,
    /// The path a function put in the place of the viewer's, and other changes.
    change: Option<Box<Change>>,
    /// Whether edge functions at the viewer's side run.
    viewer_functions: bool,
    /// Whether the viewer asked with HEAD while a page is fetched with GET.
    wants_head: bool,
}

#[derive(Clone, Copy, Debug)]
struct Page {
    replaced: u16,
    status: u16,
    detailed: &'static str,
}

#[derive(Debug, Default)]
struct Change {
    body: Option<Bytes>,
    origin: OriginChoice,
}

#[derive(Debug)]
enum State {
    New,
    ViewerRequest,
    Waiting,
    OriginRequest(Box<Asking>),
    Fetching(Box<Asking>),
    OriginResponse(Box<Asking>, Box<OriginHead>),
    Collecting(Box<Asking>, Box<OriginHead>, Box<store::Verdict>),
    ViewerResponse(Box<Reply>),
    Done,
}

/// A request to the origin under way.
#[derive(Debug)]
struct Asking {
    /// The key and the tier that keeps the answer, where it may be kept.
    key: Option<CacheKey>,
    /// The expired copy, where there is one.
    stale: Option<Arc<Copy>>,
    /// Whether the request carries the copy's validators.
    conditional: bool,
    /// Which member of a group is asked.
    second: bool,
    /// The path, query and fields as the origin-request function left them.
    changed: Option<Box<ChangedRequest>>,
    /// Whether an origin-request function answered in the origin's place.
    generated: Option<Bytes>,
}

impl Exchange {
    /// A request at a point of presence.
    #[must_use]
    pub fn new(request: ViewerRequest, pop: usize) -> Self {
        Self {
            asked: request.target.as_str().into(),
            request,
            pop,
            played: None,
            trace: Trace::default(),
            flight: None,
            state: State::New,
            behavior: 0,
            waited: false,
            page: None,
            is_background: false,
            change: None,
            viewer_functions: true,
            wants_head: false,
        }
    }
}

impl Network {
    /// Goes on with an exchange. Times are milliseconds since 1970-01-01T00:00:00Z.
    pub fn advance(&mut self, exchange: &mut Exchange, event: Event, now_ms: u64) -> Next {
        let state = std::mem::replace(&mut exchange.state, State::Done);
        match (state, event) {
            (State::New, Event::Begin) => self.arrive(exchange, now_ms),
            (State::ViewerRequest, Event::Computed(outcome)) => {
                self.after_viewer_request(exchange, outcome, now_ms)
            }
            (State::Waiting, Event::Landed) => self.consult(exchange, now_ms),
            (State::OriginRequest(asking), Event::Computed(outcome)) => {
                self.after_origin_request(exchange, asking, outcome, now_ms)
            }
            (State::OriginRequest(asking), Event::Fetched(Err(failure))) => {
                self.fetched(exchange, asking, Err(failure), now_ms)
            }
            (State::Fetching(asking), Event::Fetched(outcome)) => {
                self.fetched(exchange, asking, outcome, now_ms)
            }
            (State::Fetching(_), Event::BodyRefused) => self.body_refused(exchange, now_ms),
            (State::OriginResponse(asking, head), Event::Computed(outcome)) => {
                self.after_origin_response(exchange, asking, *head, outcome, now_ms)
            }
            (State::Collecting(asking, head, verdict), Event::Collected(body)) => {
                self.collected(exchange, &asking, *head, &verdict, body, now_ms)
            }
            (State::ViewerResponse(reply), Event::Computed(outcome)) => {
                self.after_viewer_response(exchange, reply, outcome, now_ms)
            }
            (
                State::New
                | State::ViewerRequest
                | State::Waiting
                | State::OriginRequest(_)
                | State::Fetching(_)
                | State::OriginResponse(..)
                | State::Collecting(..)
                | State::ViewerResponse(_)
                | State::Done,
                _,
            ) => self.out_of_order(exchange, now_ms),
        }
    }
}
