//! The world around the edge of `dev`: viewers that pretend to be elsewhere, the gateway as an origin, and buckets that
//! CloudFront reads itself.

use super::REASON;
use super::inspect::requests::Requests;
use super::system::System;
use crate::http::opaque_id;
use crate::log::Sink;
use crate::machine;
use crate::pretend::Pretended;
use crate::serve::budget;
use arc_swap::ArcSwap;
use portcullis_distribution::site::GATEWAY;
use portcullis_edge::distribution::Origin;
use portcullis_edge::exchange::{Exchange, Reply, ViewerRequest};
use portcullis_edge::identity::REQUEST_ID_RANDOM_BYTES;
use portcullis_edge::path::split_target;
use portcullis_edge::trace::{Found, Step};
use portcullis_edge_functions::Runner;
use portcullis_edge_server::drive::{Times, World};
use portcullis_edge_server::origins::directory::{Directory, MissingKey};
use portcullis_edge_server::origins::{Fetching, OriginConnector, OriginFetch};
use portcullis_origin::record::{Record, Verdict};
use portcullis_play::gateway::ask;
use portcullis_viewer::country::Country;
use serde_json::json;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What everything here shares.
pub(super) struct Shared {
    system: ArcSwap<System>,
    guards: Arc<ArcSwap<Runner>>,
    log: Sink,
    json: bool,
    requests: Requests,
    /// How far the clock of the caches is ahead, in milliseconds.
    ahead_ms: AtomicU64,
}

impl Shared {
    pub(super) fn new(system: System, json: bool) -> Self {
        Self {
            guards: Arc::new(ArcSwap::new(system.guards())),
            system: ArcSwap::from_pointee(system),
            log: if json { Sink::Stdout } else { Sink::Stderr },
            json,
            requests: Requests::default(),
            ahead_ms: AtomicU64::new(0),
        }
    }

    pub(super) fn requests(&self) -> &Requests {
        &self.requests
    }

    pub(super) fn ahead_ms(&self) -> u64 {
        self.ahead_ms.load(Ordering::Relaxed)
    }

    /// Puts the clock of the caches ahead. The gateway, and with it every signature, stays in the present.
    pub(super) fn set_ahead_ms(&self, ahead_ms: u64) {
        self.ahead_ms.store(ahead_ms, Ordering::Relaxed);
    }

    /// Puts another system in its place; requests under way finish with the old one.
    pub(super) fn replace(&self, system: System) {
        self.guards.store(system.guards());
        self.system.store(Arc::new(system));
    }

    /// The edge guards of the site that is at work.
    pub(super) fn guards(&self) -> Arc<ArcSwap<Runner>> {
        Arc::clone(&self.guards)
    }

    pub(super) fn system(&self) -> Arc<System> {
        self.system.load_full()
    }

    fn decided(&self, record: &Record<'_>) {
        self.requests.decided(record);
        if self.json {
            self.log.line(&record.line());
            return;
        }
        let verdict = match record.verdict {
            Verdict::Admitted => "admitted",
            Verdict::Reported => "reported",
            Verdict::Refused => "refused",
            Verdict::Unproven => "unproven",
            Verdict::Rejected => "rejected",
        };
        let statement = record
            .statement
            .map(|n| format!(" by statement {n}"))
            .unwrap_or_default();
        let policy = record
            .policy
            .map(|p| format!(" of {p}"))
            .unwrap_or_default();
        let why = match record.reason {
            "admitted" => String::new(),
            reason => format!(": {reason}"),
        };
        self.log.line(&format!(
            "{} {} {}  {verdict}{statement}{policy}{why}",
            record.status, record.method, record.path
        ));
    }

    /// The edge guard refused a request.
    pub(super) fn refused_by_guard(&self, method: &str, path: &str, why: &str) {
        self.at_edge(
            "refused-at-edge",
            "403",
            (method, path),
            ("refused by the edge guard", why),
        );
    }

    fn at_edge(
        &self,
        event: &str,
        status: &str,
        (method, path): (&str, &str),
        (words, why): (&str, &str),
    ) {
        let line = if self.json {
            json!({ "event": event, "method": method, "target": path, "why": why }).to_string()
        } else {
            format!("{status} {method} {path}  {words}: {why}")
        };
        self.log.line(&line);
    }
}

/// The world of `dev`.
pub(super) struct Local {
    pub(super) shared: Arc<Shared>,
    pub(super) viewer: IpAddr,
    pub(super) country: Option<String>,
}

impl World for Local {
    fn now_ms(&self) -> u64 {
        machine::now_ms().saturating_add(self.shared.ahead_ms())
    }

    fn random(&self) -> [u8; REQUEST_ID_RANDOM_BYTES] {
        machine::many_random()
    }

    fn country(&self, _address: IpAddr) -> Option<Country> {
        None
    }

    fn connector(&self, _distribution: &str, origin: &Origin) -> Arc<dyn OriginConnector> {
        let system = self.shared.system();
        match system.direct_bucket(&origin.id) {
            Some(folder) => Arc::new(Directory::new(folder, MissingKey::AccessDenied)),
            None => Arc::new(GatewayOrigin(Arc::clone(&self.shared))),
        }
    }

    fn pretend(&self, request: &mut ViewerRequest) -> Option<String> {
        let pretended = Pretended::take(&mut request.headers);
        let system = self.shared.system();
        let country = pretended.country.or_else(|| self.country.clone());
        let address = pretended.viewer.unwrap_or(self.viewer);
        let viewer = system.viewer(address, country.as_deref());
        request.peer = viewer.address.unwrap_or(request.peer);
        request.country = viewer.country;
        // The loopback address stands for the site's own name, for which its links are signed.
        if let Some(host) = system.site().hosts.first() {
            request.host = host.as_str().to_owned();
        }
        pretended.pop
    }

    /// What the gateway and the guard answered, they have told themselves.
    fn answered(&self, exchange: &Exchange, reply: &Reply, times: Times) {
        let text = |name: &str| {
            let value = reply.headers.get(name)?;
            std::str::from_utf8(value).ok()
        };
        let pop = text("x-amz-cf-pop").unwrap_or_default();
        let requests = self.shared.requests();
        requests.answered(exchange, reply, times, pop, text(REASON));
        let Some((event, words, why)) = told(&exchange.trace.steps, reply) else {
            return;
        };
        let request = &exchange.request;
        // A query may hold a signature.
        let (path, _) = split_target(&exchange.asked);
        let (status, what) = (reply.status.to_string(), (request.method.as_str(), path));
        self.shared.at_edge(event, &status, what, (words, &why));
    }
}

/// The event, what happened in words, and why; `None` where somebody else has told it.
fn told(steps: &[Step], reply: &Reply) -> Option<(&'static str, &'static str, String)> {
    let mut from_bucket = None;
    for step in steps {
        match step {
            Step::Origin { id, .. } if id == GATEWAY => return None,
            Step::Origin { id, .. } => from_bucket = Some(id.clone()),
            Step::Answered(_) => return None,
            Step::Generated(cause) => {
                let why = cause.detailed_result().to_owned();
                return Some(("refused-at-edge", "refused at the edge", why));
            }
            _ => {}
        }
    }
    if let Some(bucket) = from_bucket {
        return Some(("fetched", "read by CloudFront", bucket));
    }
    match steps.iter().rev().find_map(fresh) {
        Some(why) => Some(("hit", "served from the cache", why)),
        None => Some((
            "answered-at-edge",
            "answered at the edge",
            reply.detailed.to_owned(),
        )),
    }
}

fn fresh(step: &Step) -> Option<String> {
    match step {
        Step::Asked {
            layer,
            found: Found::Fresh { age, remaining },
            ..
        } => Some(format!(
            "{}, {age} s old, {remaining} s to live",
            layer.name()
        )),
        _ => None,
    }
}

/// The gateway, by its function URL.
struct GatewayOrigin(Arc<Shared>);

impl OriginConnector for GatewayOrigin {
    fn fetch(&self, fetch: OriginFetch) -> Fetching<'_> {
        Box::pin(async move {
            let system = self.0.system();
            let told = |record: &Record<'_>| self.0.decided(record);
            let id = opaque_id();
            Ok(ask(system.gateway(), &fetch, &id, &budget(), told).await)
        })
    }
}
