//! The world around a distribution on this machine: the clock, viewers that pretend to be elsewhere, and what to tell of
//! each answer.

use super::access_log::{AccessLog, Logged};
use super::origins::Places;
use super::read::Encryption;
use crate::args::Edge;
use crate::exit::Failure;
use crate::log::Sink;
use crate::machine;
use crate::pretend::Pretended;
use arc_swap::ArcSwap;
use portcullis_edge::distribution::{Distribution, Origin};
use portcullis_edge::exchange::{Exchange, Reply, ViewerRequest};
use portcullis_edge::identity::REQUEST_ID_RANDOM_BYTES;
use portcullis_edge::path::split_target;
use portcullis_edge_server::drive::{Ended, Times, World};
use portcullis_edge_server::origins::{Fetching, OriginConnector, OriginFailure, OriginFetch};
use portcullis_field_encryption::Configuration;
use portcullis_viewer::country::Country;
use serde_json::json;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// The world of `edge`.
pub(super) struct Elsewhere {
    places: ArcSwap<Places>,
    encryption: ArcSwap<Encryption>,
    viewer: Option<IpAddr>,
    country: Option<Country>,
    log: Sink,
    json: bool,
    access_log: Option<Arc<AccessLog>>,
}

impl Elsewhere {
    pub(super) fn new(
        args: &Edge,
        places: Places,
        encryption: Encryption,
    ) -> Result<Self, Failure> {
        let country = args.country.as_deref().map(|code| {
            code.parse()
                .map_err(|_| Failure::usage(format!("`{code}` is no country code")))
        });
        Ok(Self {
            places: ArcSwap::from_pointee(places),
            encryption: ArcSwap::from_pointee(encryption),
            viewer: args.viewer,
            country: country.transpose()?,
            log: sink(args)?,
            json: args.json,
            access_log: args
                .access_log
                .as_deref()
                .map(AccessLog::open)
                .transpose()?
                .map(Arc::new),
        })
    }

    /// Puts other origins and configurations of field-level encryption to work.
    pub(super) fn replace(&self, places: Places, encryption: Encryption) {
        self.places.store(Arc::new(places));
        self.encryption.store(Arc::new(encryption));
    }

    /// Adds what a new version of a distribution needs to what is at work.
    pub(super) fn add(
        &self,
        distribution: &Distribution,
        encryption: Encryption,
    ) -> Result<(), Failure> {
        let mut places = Places::clone(&self.places.load());
        places.add(distribution)?;
        let mut all = Encryption::clone(&self.encryption.load());
        all.extend(encryption);
        self.replace(places, all);
        Ok(())
    }
}

/// Where lines about requests go.
pub(super) fn sink(args: &Edge) -> Result<Sink, Failure> {
    match &args.log {
        Some(log) => Sink::open(log),
        None if args.json => Ok(Sink::Stdout),
        None => Ok(Sink::Stderr),
    }
}

impl World for Elsewhere {
    fn now_ms(&self) -> u64 {
        machine::now_ms()
    }

    fn random(&self) -> [u8; REQUEST_ID_RANDOM_BYTES] {
        machine::many_random()
    }

    fn country(&self, _address: IpAddr) -> Option<Country> {
        self.country
    }

    fn connector(&self, distribution: &str, origin: &Origin) -> Arc<dyn OriginConnector> {
        let known = self.places.load().connector(distribution, origin);
        known.unwrap_or_else(|| Arc::new(Nowhere))
    }

    fn field_encryption(&self, id: &str) -> Option<Arc<Configuration>> {
        self.encryption.load().get(id).cloned()
    }

    fn pretend(&self, request: &mut ViewerRequest) -> Option<String> {
        let pretended = Pretended::take(&mut request.headers);
        if let Some(address) = pretended.viewer.or(self.viewer) {
            request.peer = SocketAddr::new(address, request.peer.port());
        }
        if let Some(code) = pretended.country {
            request.country = code.parse().ok();
        }
        pretended.pop
    }

    fn log(&self, exchange: &Exchange, reply: &Reply, times: Times) -> Option<Box<Ended>> {
        let log = Arc::clone(self.access_log.as_ref()?);
        let logged = Logged::of(exchange, reply, times);
        Some(Box::new(move |sent| log.write(&logged, sent)))
    }

    fn answered(&self, exchange: &Exchange, reply: &Reply, times: Times) {
        if !self.log.is_read() {
            return;
        }
        let request = &exchange.request;
        // A query may hold a signature.
        let (path, _) = split_target(&exchange.asked);
        let took_ms = times.answered_ms.saturating_sub(times.arrived_ms);
        let asked = exchange.trace.origin_requests;
        let line = if self.json {
            json!({
                "event": "answer",
                "status": reply.status,
                "method": request.method,
                "path": path,
                "result": reply.detailed,
                "origin_requests": asked,
                "took_ms": took_ms,
                "id": request.id.as_str(),
            })
            .to_string()
        } else {
            format!(
                "{} {} {path}  {}, {asked} to the origin, {took_ms} ms",
                reply.status, request.method, reply.detailed
            )
        };
        self.log.line(&line);
    }
}

/// An origin that a function described, which stands nowhere here.
struct Nowhere;

impl OriginConnector for Nowhere {
    fn fetch(&self, _fetch: OriginFetch) -> Fetching<'_> {
        Box::pin(async { Err(OriginFailure::Dns) })
    }
}
