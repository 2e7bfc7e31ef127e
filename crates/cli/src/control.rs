//! CloudFront's control API on a loopback port of its own, for the AWS command line and SDKs with `--endpoint-url`.
//!
//! Always holds: it listens on the loopback address alone and answers only to a loopback name, so that no page in a browser can
//! reach it through a name of its own; signatures are not checked, because whoever is here may do anything anyway.

use crate::exit::Failure;
use crate::{http, machine};
use portcullis_control::plane::RANDOM_BYTES;
use portcullis_control::{Answer as Said, ApiError, Call, Effect, Operation, Plane};
use portcullis_distribution::value::Value;
use portcullis_edge::distribution::Distribution;
use portcullis_edge::path::split_target;
use portcullis_edge_server::body::Body;
use portcullis_edge_server::drive::{Edge, World};
use portcullis_edge_server::fields::Fields;
use portcullis_edge_server::listen::{Answer, Arrived, Handler, Limits, Refused, serve};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;

/// The largest body, in bytes: more than any configuration within the quotas.
const BODY_BYTES_MAX: usize = 4 << 20;
/// How often it is looked whether a change is due.
const TICK: Duration = Duration::from_millis(25);
/// The names a request may be for.
const NAMES: [&str; 3] = ["127.0.0.1", "localhost", "[::1]"];

/// Makes a distribution of a configuration that came in an update, and puts what it needs to work.
pub(crate) trait Updates: Send + Sync + 'static {
    /// The distribution, which can be played.
    fn read(&self, id: &str, domain: &str, config: &Value) -> Result<Distribution, ApiError>;
}

/// The API of an edge.
pub(crate) struct Control<W> {
    plane: Mutex<Plane>,
    edge: Edge<W>,
    updates: Option<Box<dyn Updates>>,
}

/// Where the API listens, if it is wanted.
pub(crate) async fn listen(port: Option<u16>) -> Result<Option<TcpListener>, Failure> {
    let Some(port) = port else { return Ok(None) };
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let bound = TcpListener::bind(address).await;
    let bound = bound.map_err(|why| {
        Failure::failed(format!("cannot listen on {address}: {why}"))
            .help("--control 0 takes a free port")
    });
    bound.map(Some)
}

impl<W: World> Control<W> {
    /// The API of an edge, for distributions that are played already.
    pub(crate) fn new<'a>(
        edge: Edge<W>,
        propagation: Duration,
        held: impl Iterator<Item = (&'a Distribution, Option<Value>)>,
        updates: Option<Box<dyn Updates>>,
    ) -> Self {
        let pops = edge.with_network(|network| network.settings().pops.len());
        let propagation_ms = u64::try_from(propagation.as_millis()).unwrap_or(u64::MAX);
        let control = Self {
            plane: Mutex::new(Plane::new(propagation_ms, pops)),
            edge,
            updates,
        };
        control.hold(held);
        control
    }

    /// Takes up distributions that were read anew.
    pub(crate) fn hold<'a>(&self, held: impl Iterator<Item = (&'a Distribution, Option<Value>)>) {
        let mut plane = self.plane();
        for (distribution, config) in held {
            plane.hold(distribution, config, machine::now_ms(), machine::random());
        }
    }

    /// Serves until the program is stopped; without a listener only what is due is done, which is nothing.
    pub(crate) async fn run(self: &Arc<Self>, listener: Option<TcpListener>) {
        let Some(listener) = listener else { return };
        let ticking = async {
            loop {
                tokio::time::sleep(TICK).await;
                self.settle();
            }
        };
        let serving = serve(
            listener,
            None,
            Arc::clone(self),
            Limits::default(),
            http::stop_signal(),
        );
        tokio::select! {
            () = serving => {}
            () = ticking => {}
        }
    }

    fn plane(&self) -> MutexGuard<'_, Plane> {
        self.plane.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does what is due.
    fn settle(&self) {
        let effects = self.plane().due(machine::now_ms());
        if effects.is_empty() {
            return;
        }
        self.edge.with_network(|network| {
            for effect in effects {
                match effect {
                    Effect::Switch { pop, played } => network.switch_over(pop, &played),
                    Effect::Invalidate { domain, paths } => {
                        network.invalidate(&domain, &paths);
                    }
                }
            }
        });
    }

    fn said(&self, call: Call<'_>) -> Result<Said, ApiError> {
        self.settle();
        let random: [u8; RANDOM_BYTES] = machine::random();
        let said = match call.operation()? {
            Operation::UpdateDistribution(id) => self.update(&id, &call)?,
            operation => {
                let mut plane = self.plane();
                plane.answer(&operation, &call, machine::now_ms(), random)?
            }
        };
        // With no propagation delay it is done before the answer says so.
        self.settle();
        Ok(said)
    }

    /// Nothing else is asked of the plane meanwhile, so that what is put to work is what the entity tag allowed.
    fn update(&self, id: &str, call: &Call<'_>) -> Result<Said, ApiError> {
        let mut plane = self.plane();
        let (config, domain) = plane.update_of(id, call)?;
        let updates = self.updates.as_ref().ok_or_else(|| ApiError {
            status: 501,
            code: "NotImplemented",
            message: "distributions cannot be updated here".to_owned(),
        })?;
        let distribution = updates.read(id, &domain, &config)?;
        let (now_ms, random) = (machine::now_ms(), machine::random());
        plane.update(call, config, distribution, now_ms, random)
    }
}

impl<W: World> Handler for Control<W> {
    async fn answer(&self, arrived: Arrived, body: Body) -> Answer {
        let said = match body.collect(BODY_BYTES_MAX).await {
            _ if !is_local(&arrived.host) => Err(ApiError {
                status: 421,
                code: "InvalidRequest",
                message: "the host is none of this machine's own names".to_owned(),
            }),
            Err(_) => Err(ApiError {
                status: 413,
                code: "RequestTooLarge",
                message: format!("a body has at most {BODY_BYTES_MAX} bytes"),
            }),
            Ok(body) => {
                let (path, query) = split_target(&arrived.target);
                let if_match = arrived.fields.get("if-match");
                let call = Call {
                    method: arrived.method.as_str(),
                    path,
                    query: query.unwrap_or_default(),
                    if_match: if_match.and_then(|value| std::str::from_utf8(value).ok()),
                    body: &body,
                };
                self.said(call)
            }
        };
        sent(said)
    }

    fn refuse(&self, refused: &Refused) -> Answer {
        sent(Err(ApiError {
            status: refused.refusal.status(),
            code: "InvalidRequest",
            message: "this is no request of HTTP".to_owned(),
        }))
    }
}

fn is_local(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    NAMES.iter().any(|own| own.eq_ignore_ascii_case(name))
}

fn sent(said: Result<Said, ApiError>) -> Answer {
    let id: [u8; 16] = machine::random();
    let id: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
    let said = said.unwrap_or_else(|error| error.answer(&id));
    let mut fields = Fields::with_capacity(5, 256);
    let pairs = [
        ("Content-Type", Some("text/xml".to_owned())),
        ("x-amzn-RequestId", Some(id)),
        ("ETag", said.etag),
        ("Location", said.location),
    ];
    for (name, value) in pairs {
        if let Some(value) = value {
            // All of these are letters, digits and signs that a field may have.
            let _fits = fields.add(name, value);
        }
    }
    Answer {
        status: said.status,
        fields,
        body: Body::from(said.body.into_bytes()),
    }
}
