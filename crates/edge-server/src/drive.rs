//! The model between the two ends: it is asked what to do, and this does it.
//!
//! Always holds:
//! - the network is locked only while it decides, never across a wait;
//! - an exchange whose viewer goes away is given up, so that nobody waits for it for ever;
//! - a body is stored only after all of it has passed.
//!
//! Deliberately absent: what runs edge functions. Whoever builds an [`Edge`] brings it as [`Functions`], or none; without
//! one a behavior that has a function answers 503.

mod convert;
mod counted;
mod encryption;
mod passing;

use crate::body::{Body, BodyError};
use crate::listen::{Answer, Arrived, Handler, Refusal, Refused};
use crate::origins::{OriginAnswer, OriginConnector, OriginFailure, OriginFetch};
use counted::Counted;
use encryption::Sender;
use passing::Passing;
use portcullis_edge::answer::{Answer as Generated, Cause, Stamp};
use portcullis_edge::compute::{ComputeCall, ComputeFailure, Computed, ShownBody};
use portcullis_edge::distribution::{EventType, Origin};
use portcullis_edge::exchange::{
    Ending, Event, Exchange, Fetch, Keep, Next, Reply, ReplyBody, ViewerRequest,
};
use portcullis_edge::gate::Scheme;
use portcullis_edge::identity::{EdgeHost, REQUEST_ID_RANDOM_BYTES, RequestId};
use portcullis_edge::network::{Flight, Network};
use portcullis_field_encryption::Configuration;
use portcullis_http_semantics::HttpDate;
use portcullis_viewer::country::Country;
use std::collections::HashMap;
use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// How many random bytes are drawn at once for request ids.
const RANDOM_BYTES: usize = REQUEST_ID_RANDOM_BYTES;

/// The world of an edge: time, randomness, places and origins.
pub trait World: Send + Sync + 'static {
    /// Now, in milliseconds since 1970-01-01T00:00:00Z.
    fn now_ms(&self) -> u64;

    /// Random bytes for a request's id.
    fn random(&self) -> [u8; RANDOM_BYTES];

    /// Where an address is.
    fn country(&self, address: IpAddr) -> Option<Country>;

    /// What reaches an origin of a distribution. It is asked once for each origin.
    fn connector(&self, distribution: &str, origin: &Origin) -> Arc<dyn OriginConnector>;

    /// Changes a request before the model sees it: who the viewer pretends to be, and at which point of presence it
    /// arrives. Used on a laptop, where everybody comes from the loopback address.
    fn pretend(&self, request: &mut ViewerRequest) -> Option<String> {
        let _ = request;
        None
    }

    /// What field-level encryption does, by the id of its configuration. A request whose configuration is not known here is
    /// refused.
    fn field_encryption(&self, id: &str) -> Option<Arc<Configuration>> {
        let _ = id;
        None
    }

    /// Told of every answer as it begins.
    fn answered(&self, exchange: &Exchange, reply: &Reply, times: Times) {
        let _ = (exchange, reply, times);
    }

    /// Who is to be told when the answer has ended, as it begins: whoever keeps a log.
    fn log(&self, exchange: &Exchange, reply: &Reply, times: Times) -> Option<Box<Ended>> {
        let _ = (exchange, reply, times);
        None
    }
}

/// Told when an answer has ended.
pub type Ended = dyn FnOnce(Sent) + Send;

/// What became of an answer's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Bytes of the body that the viewer took.
    pub bytes: u64,
    /// Whether that was all of it.
    pub complete: bool,
    /// When it ended, in milliseconds since 1970-01-01T00:00:00Z.
    pub ended_ms: u64,
}

/// When a request came and when its answer began, in milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// It came.
    pub arrived_ms: u64,
    /// Its answer began.
    pub answered_ms: u64,
}

/// Runs edge functions.
pub trait Functions: Send + Sync + 'static {
    /// Runs one.
    fn run<'a>(&'a self, distribution: &'a str, call: ComputeCall) -> Running<'a>;
}

/// A function that is running.
pub type Running<'a> = Pin<Box<dyn Future<Output = Result<Computed, ComputeFailure>> + Send + 'a>>;

/// An edge that answers viewers.
pub struct Edge<W>(Arc<Inner<W>>);

struct Inner<W> {
    world: W,
    functions: Option<Box<dyn Functions>>,
    guarded: Mutex<Guarded>,
    connectors: Mutex<HashMap<(String, String), Arc<dyn OriginConnector>>>,
    host: EdgeHost,
    /// Whether plain HTTP stands for HTTPS: on a loopback address, without a certificate.
    http_is_https: bool,
}

/// How many connectors are remembered. Functions can name origins without end; beyond this all are asked for anew.
const CONNECTORS_MAX: usize = 1_024;

/// The network, and who waits for whom in it.
struct Guarded {
    network: Network,
    /// A sender that goes away lets its receivers go on.
    waiting: HashMap<Flight, watch::Sender<()>>,
}

impl<W> Clone for Edge<W> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<W: World> Edge<W> {
    /// An edge over a network.
    #[must_use]
    pub fn new(
        network: Network,
        world: W,
        functions: Option<Box<dyn Functions>>,
        http_is_https: bool,
    ) -> Self {
        Self(Arc::new(Inner {
            host: EdgeHost::new(network.settings().edge),
            world,
            functions,
            guarded: Mutex::new(Guarded {
                network,
                waiting: HashMap::new(),
            }),
            connectors: Mutex::default(),
            http_is_https,
        }))
    }

    /// The world it was made with.
    #[must_use]
    pub fn world(&self) -> &W {
        &self.0.world
    }

    /// Looks at the network or changes it; nothing else goes on meanwhile.
    pub fn with_network<T>(&self, act: impl FnOnce(&mut Network) -> T) -> T {
        let mut guarded = self.0.lock();
        let result = act(&mut guarded.network);
        guarded.let_go();
        result
    }

    /// Forgets how origins are reached, so that they are asked for anew.
    pub fn forget_connectors(&self) {
        lock(&self.0.connectors).clear();
    }
}

impl Guarded {
    fn let_go(&mut self) {
        for flight in self.network.landed() {
            self.waiting.remove(&flight);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An exchange that is given up when it is dropped before its answer.
struct UnderWay<'a, W: World> {
    inner: &'a Arc<Inner<W>>,
    exchange: Exchange,
}

impl<W: World> Drop for UnderWay<'_, W> {
    fn drop(&mut self) {
        let mut guarded = self.inner.lock();
        guarded.network.abandon(&mut self.exchange);
        guarded.let_go();
    }
}

/// What the next step is, with what it has to wait for.
enum Step {
    Wait(watch::Receiver<()>),
    Else(Next),
}

impl<W: World> Inner<W> {
    fn lock(&self) -> MutexGuard<'_, Guarded> {
        lock(&self.guarded)
    }

    fn advance(&self, exchange: &mut Exchange, event: Event) -> Step {
        let now_ms = self.world.now_ms();
        let mut guarded = self.lock();
        let next = guarded.network.advance(exchange, event, now_ms);
        guarded.let_go();
        match next {
            Next::Wait(flight) => {
                let landing = guarded.waiting.entry(flight);
                let sender = landing.or_insert_with(|| watch::channel(()).0);
                Step::Wait(sender.subscribe())
            }
            next => Step::Else(next),
        }
    }

    fn finish(&self, keep: Keep, ending: Ending) {
        let now_ms = self.world.now_ms();
        let mut guarded = self.lock();
        guarded.network.finish(keep, ending, now_ms);
        guarded.let_go();
    }

    /// Drives an exchange to its answer. What is left of the origin's body comes with it.
    async fn drive(
        self: &Arc<Self>,
        under_way: &mut UnderWay<'_, W>,
        mut event: Event,
        viewer_body: Body,
    ) -> (Box<Reply>, Option<OriginAnswer>) {
        let mut viewer_body = Some(viewer_body);
        let mut answer: Option<OriginAnswer> = None;
        loop {
            event = match self.advance(&mut under_way.exchange, event) {
                Step::Wait(mut landing) => {
                    // It ends with an error when the flight has landed: that is the signal.
                    let _landed = landing.changed().await;
                    Event::Landed
                }
                Step::Else(Next::Wait(_)) => Event::Landed,
                Step::Else(Next::Answer(reply)) => return (reply, answer),
                Step::Else(Next::Compute(call)) => {
                    let call = shown(*call, &mut viewer_body).await;
                    self.compute(&under_way.exchange, call).await
                }
                Step::Else(Next::Collect { bytes_max }) => {
                    let body = answer.take().map_or_else(Body::empty, |a| a.body);
                    let bytes_max = usize::try_from(bytes_max).unwrap_or(usize::MAX);
                    Event::Collected(body.collect(bytes_max).await.map_err(ending_of))
                }
                Step::Else(Next::Fetch(fetch)) => {
                    let exchange = &mut under_way.exchange;
                    let mut fetch = *fetch;
                    let goes_on = self.encrypt(exchange, &mut fetch, &mut viewer_body).await;
                    if !goes_on {
                        event = Event::BodyRefused;
                        continue;
                    }
                    match self.fetch(exchange, fetch, &mut viewer_body).await {
                        Ok(fetched) => {
                            let head = convert::head(&fetched);
                            answer = Some(fetched);
                            Event::Fetched(Ok(head))
                        }
                        Err(failure) => Event::Fetched(Err(convert::failure(failure))),
                    }
                }
            };
        }
    }

    async fn compute(&self, exchange: &Exchange, call: ComputeCall) -> Event {
        if let (EventType::OriginRequest, Some(origin)) = (call.event, &call.origin) {
            let connector = self.connector(exchange, origin);
            if let Err(failure) = connector.resolve().await {
                return Event::Fetched(Err(convert::failure(failure)));
            }
        }
        let id = exchange
            .played
            .as_ref()
            .map(|played| played.distribution.id.as_str());
        Event::Computed(match &self.functions {
            Some(functions) => functions.run(id.unwrap_or_default(), call).await,
            None => Err(ComputeFailure::Execution),
        })
    }

    /// Encrypts the body where the behavior says so. `false` if the request may not go on.
    async fn encrypt(
        &self,
        exchange: &mut Exchange,
        fetch: &mut Fetch,
        viewer_body: &mut Option<Body>,
    ) -> bool {
        let Some(id) = &fetch.field_encryption else {
            return true;
        };
        let configuration = self.world.field_encryption(id);
        let sender = Sender {
            target: &exchange.request.target,
            content_type: exchange.request.headers.get("content-type"),
        };
        let (said, goes_on) =
            encryption::encrypt(configuration.as_deref(), &sender, fetch, viewer_body).await;
        exchange.trace.field_encryption = said.or(exchange.trace.field_encryption);
        goes_on
    }

    async fn fetch(
        &self,
        exchange: &Exchange,
        fetch: Fetch,
        viewer_body: &mut Option<Body>,
    ) -> Result<OriginAnswer, OriginFailure> {
        let connector = self.connector(exchange, &fetch.origin);
        let body = match fetch.body {
            Some(bytes) => Body::from(bytes),
            None if fetch.sends_viewer_body => viewer_body.take().unwrap_or_else(Body::empty),
            None => Body::empty(),
        };
        let fetch = OriginFetch {
            scheme: convert::scheme_out(fetch.scheme),
            method: convert::method(&fetch.method).ok_or(OriginFailure::Invalid)?,
            target: fetch.request.target,
            fields: convert::fields(&fetch.request.headers),
            body,
            now_ms: self.world.now_ms(),
        };
        connector.fetch(fetch).await
    }

    fn connector(&self, exchange: &Exchange, origin: &Origin) -> Arc<dyn OriginConnector> {
        let id = exchange
            .played
            .as_ref()
            .map(|played| played.distribution.id.clone());
        let key = (id.unwrap_or_default(), origin.id.clone());
        let mut connectors = lock(&self.connectors);
        if let Some(known) = connectors.get(&key) {
            return Arc::clone(known);
        }
        if connectors.len() >= CONNECTORS_MAX {
            connectors.clear();
        }
        let connector = self.world.connector(&key.0, origin);
        connectors.insert(key, Arc::clone(&connector));
        connector
    }

    fn viewer_request(&self, arrived: &Arrived, has_body: bool) -> ViewerRequest {
        let headers = convert::headers(&arrived.fields);
        let scheme = match convert::scheme_in(arrived.via.scheme) {
            Scheme::Http if self.http_is_https => Scheme::Https,
            scheme => scheme,
        };
        ViewerRequest {
            method: arrived.method.as_str().to_owned(),
            target: arrived.target.clone(),
            host: arrived.host.clone(),
            scheme,
            version: convert::version(arrived.version),
            headers,
            peer: arrived.via.peer,
            country: self.world.country(arrived.via.peer.ip()),
            has_body,
            id: RequestId::new(self.world.random()),
        }
    }

    async fn answer(self: &Arc<Self>, arrived: Arrived, body: Body) -> Answer {
        let arrived_ms = self.world.now_ms();
        let mut request = self.viewer_request(&arrived, !body.is_empty());
        let named = self.world.pretend(&mut request);
        let pop = self.pop(&request, named.as_deref());
        let mut under_way = UnderWay {
            inner: self,
            exchange: Exchange::new(request, pop),
        };
        let (mut reply, answer) = self.drive(&mut under_way, Event::Begin, body).await;
        let times = Times {
            arrived_ms,
            answered_ms: self.world.now_ms(),
        };
        self.world.answered(&under_way.exchange, &reply, times);
        let ended = self.world.log(&under_way.exchange, &reply, times);
        if let Some(background) = reply.background.take() {
            self.refresh(*background);
        }
        let sent = self.sent(*reply, answer);
        match ended {
            None => sent,
            Some(ended) => Answer {
                body: Counted::body(Arc::clone(self), sent.body, ended),
                ..sent
            },
        }
    }

    fn pop(&self, request: &ViewerRequest, named: Option<&str>) -> usize {
        let guarded = self.lock();
        let named = named.and_then(|name| guarded.network.pop_named(name));
        named.unwrap_or_else(|| guarded.network.pop_for(request))
    }

    /// Refreshes a copy while its viewer has its answer already.
    fn refresh(self: &Arc<Self>, exchange: Exchange) {
        let inner = Arc::clone(self);
        drop(tokio::spawn(async move {
            let mut under_way = UnderWay {
                inner: &inner,
                exchange,
            };
            let (reply, answer) = inner
                .drive(&mut under_way, Event::Landed, Body::empty())
                .await;
            let mut body = inner.sent(*reply, answer).body;
            while let Some(Ok(_)) = body.next().await {}
        }));
    }

    fn sent(self: &Arc<Self>, reply: Reply, answer: Option<OriginAnswer>) -> Answer {
        let body = match (reply.body, answer) {
            (ReplyBody::Bytes(bytes), _) => Body::from(bytes),
            (ReplyBody::Origin, Some(answer)) => self.passing(answer.body, reply.keep),
            (ReplyBody::Empty | ReplyBody::Origin, _) => {
                if let Some(keep) = reply.keep {
                    self.finish(keep, Ending::ViewerGone);
                }
                Body::empty()
            }
        };
        Answer {
            status: reply.status,
            fields: convert::fields(&reply.headers),
            body,
        }
    }

    fn passing(self: &Arc<Self>, body: Body, keep: Option<Keep>) -> Body {
        let length = body.length();
        match keep {
            None => body,
            Some(keep) => Body::parts(Passing::new(Arc::clone(self), body, keep), length),
        }
    }
}

/// A call with the beginning of the viewer's body, where the function asks for it and no other was put in its place.
async fn shown(mut call: ComputeCall, viewer_body: &mut Option<Body>) -> ComputeCall {
    if let (Some(bytes_max), None) = (call.body_bytes_max(), &call.body)
        && let Some(body) = viewer_body.take_if(|body| !body.is_empty())
    {
        let (bytes, truncated, body) = body.peek(bytes_max).await;
        *viewer_body = Some(body);
        call.body = Some(ShownBody { bytes, truncated });
    }
    call
}

fn ending_of(error: BodyError) -> Ending {
    match error {
        BodyError::TooLarge => Ending::TooLarge,
        BodyError::Truncated | BodyError::Timeout | BodyError::Malformed => Ending::Truncated,
    }
}

impl<W: World> Handler for Edge<W> {
    async fn answer(&self, arrived: Arrived, body: Body) -> Answer {
        self.0.answer(arrived, body).await
    }

    fn refuse(&self, refused: &Refused) -> Answer {
        let cause = match refused.refusal {
            Refusal::Malformed => Cause::BadRequest,
            Refusal::TargetTooLong => Cause::TargetTooLong,
            Refusal::HeadersTooLarge => Cause::HeadersTooLarge,
        };
        let now = HttpDate::from_epoch_seconds(self.0.world.now_ms() / 1000);
        let generated = Generated::error(
            cause,
            &Stamp {
                edge: &self.0.host,
                pop: portcullis_edge::identity::POP,
                id: &RequestId::new(self.0.world.random()),
                version: convert::version(refused.version),
                now: now.unwrap_or(HttpDate::EPOCH),
            },
        );
        Answer {
            status: generated.status,
            fields: convert::fields(&generated.headers),
            body: Body::from(generated.body.into_bytes()),
        }
    }
}
