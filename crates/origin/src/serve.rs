//! From an admission to an answer: which object or server, which bytes, which headers.
//!
//! What always holds:
//! - nothing is fetched without an [`Admitted`]; it is part of the only value that can call a port;
//! - every path that is derived (index document, clean URL, precompressed variant) is parsed again and governed by the
//!   behavior that governs the request, or it is not served under the request's URL;
//! - bytes are right or visibly broken: a whole answer was checked for length and digest, a streamed one breaks;
//! - what is not a 200, 206 or 304 has `no-store`, no validators and no age;
//! - store calls are bounded: at most six look-ups of what may answer a path, one more where conditions need the metadata
//!   first, and [`EXTRA_CALLS_MAX`] for everything that is repeated.
//!
//! Deliberately absent: the decision itself, events, logging, and any clock; the time of day is an argument.
//!
//! Reading order: this file, `bucket`, `object`, `body`, `carriage`, `lifetime`; `releases`; `custom` and `failover` for HTTP
//! servers.

mod body;
mod bucket;
mod calls;
mod carriage;
mod conditions;
mod custom;
mod decorate;
mod exact;
mod failover;
mod forward;
mod hand_off;
mod headers;
mod lifetime;
mod location;
mod media_type;
mod object;
mod outcome;
mod plain;
mod releases;
mod reply;
mod variant;

pub use calls::EXTRA_CALLS_MAX;
pub use carriage::{Budget, Carriage, LAMBDA_ENVELOPE_BYTES, envelope_bytes};
pub use decorate::decorate;
pub use forward::{loop_token, loops};
pub use hand_off::{NoSigner, SignerError, UrlSigner};
pub use lifetime::{Lifetime, VersionedName};
pub use outcome::{OriginFault, Outcome};
pub use plain::plain;

use crate::behaviors::Behaviors;
use crate::object_path::{ObjectKey, ObjectPath};
use crate::releases::Releases;
use crate::request::{Method, Request};
use crate::response::{Body, Response};
use crate::store::ObjectStore;
use crate::upstream::Upstream;
use calls::Calls;
use portcullis_policy::Admitted;
use portcullis_release_manifest::ReleaseId;
use portcullis_release_manifest::serving::Serving;
use portcullis_site::{Behavior, Methods, Origin, Site};
use reply::Reply;
use std::sync::Arc;

/// What serving needs from outside.
pub trait Ports: Send + Sync {
    /// The object store.
    type Objects: ObjectStore + 'static;
    /// The client of custom origins.
    type Upstream: Upstream;
    /// The signer of hand-off URLs.
    type Signer: UrlSigner;

    /// The object store; a streamed body keeps it to resume from.
    fn objects(&self) -> &Arc<Self::Objects>;
    /// The client of custom origins.
    fn upstream(&self) -> &Self::Upstream;
    /// The signer of hand-off URLs.
    fn signer(&self) -> &Self::Signer;
}

/// What was asked for, and by which behavior it is governed.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// The site.
    pub site: &'a Site,
    /// The site's behaviors, to see who governs a derived path.
    pub behaviors: &'a Behaviors,
    /// The path of the request.
    pub path: &'a ObjectPath<'a>,
    /// The index of the behavior that governs it.
    pub index: usize,
    /// That behavior.
    pub behavior: &'a Behavior,
    /// The releases as the state of this request names them; `None` where there is none.
    pub releases: Option<Published<'a>>,
}

/// The releases of the site.
#[derive(Debug, Clone, Copy)]
pub struct Published<'a> {
    /// The manifests that are open.
    pub releases: &'a Releases,
    /// Which of them answer.
    pub serving: &'a Serving,
}

impl<'a> Target<'a> {
    /// The target of `path`; `None` only for a table without a default behavior.
    #[must_use]
    pub fn of(site: &'a Site, behaviors: &'a Behaviors, path: &'a ObjectPath<'a>) -> Option<Self> {
        let (index, behavior) = behaviors.of(path)?;
        Some(Self {
            site,
            behaviors,
            path,
            index,
            behavior,
            releases: None,
        })
    }

    /// Whether `derived` is governed by the behavior of the request.
    fn governs(&self, derived: &ObjectPath<'_>) -> bool {
        self.behaviors
            .of(derived)
            .is_some_and(|(index, _)| index == self.index)
    }
}

/// An answer, and what the decision line says of it.
#[derive(Debug)]
pub struct Served {
    /// The answer, decorated.
    pub response: Response,
    /// What came of the request.
    pub outcome: Outcome,
    /// The key of the object that answered, if one did.
    pub key: Option<ObjectKey>,
    /// The release that answered, if one did.
    pub release: Option<ReleaseId>,
    /// Calls to the object store until the answer was made; a stream that resumes later is not in it.
    pub store_calls: u32,
    /// Exchanges with custom origins.
    pub upstream_calls: u32,
    /// Metadata values and headers that were left out because they could not be sent.
    pub dropped_headers: u32,
}

/// One request on its way, as every part of serving sees it.
#[derive(Clone, Copy)]
struct Exchange<'a> {
    target: Target<'a>,
    request: &'a Request<'a>,
    method: Method,
    /// Seconds since the epoch.
    now: u64,
    budget: &'a Budget,
}

/// Answers an admitted request. `now` is in seconds since the epoch; `budget` says what the front can carry and how long
/// this may take.
pub async fn serve<P: Ports>(
    ports: &P,
    admitted: &Admitted,
    target: Target<'_>,
    request: &Request<'_>,
    now: u64,
    budget: &Budget,
) -> Served {
    let mut calls = Calls::new(ports, admitted, budget);
    let (key, release, dropped_headers, outcome, mut response) =
        match permitted(request.method, target.behavior.methods) {
            None => {
                let refused = method_not_allowed(target.behavior.methods);
                (None, None, 0, Outcome::MethodNotAllowed, refused)
            }
            Some(method) => {
                let exchange = Exchange {
                    target,
                    request,
                    method,
                    now,
                    budget,
                };
                let reply = ask(&mut calls, &exchange)
                    .await
                    .unwrap_or_else(Reply::fault);
                let (key, release, dropped) = (reply.key.clone(), reply.release, reply.dropped);
                let (outcome, response) = carriage::carry(reply, &exchange, &calls).await;
                (key, release, dropped, outcome, response)
            }
        };
    decorate(&mut response, target.behavior, request.headers.origin);
    if request.method == Method::Head.as_str() {
        response.body = Body::Empty;
    }
    Served {
        response,
        outcome,
        key,
        release,
        store_calls: calls.store_calls(),
        upstream_calls: calls.upstream_calls(),
        dropped_headers,
    }
}

/// The method, if the behavior serves it.
fn permitted(name: &str, methods: Methods) -> Option<Method> {
    Method::parse(name).filter(|method| match (method, methods) {
        (Method::Get | Method::Head, _) | (Method::Options, Methods::GetHeadOptions) => true,
        (Method::Options, Methods::GetHead) => false,
    })
}

fn method_not_allowed(methods: Methods) -> Response {
    let mut response = plain(405, "This method is not allowed here.\n");
    response.set("allow", decorate::allow(methods));
    response
}

/// Asks the behavior's origin or origin group.
async fn ask<P: Ports>(
    calls: &mut Calls<'_, P>,
    exchange: &Exchange<'_>,
) -> Result<Reply, OriginFault> {
    let Target { site, behavior, .. } = exchange.target;
    if exchange.method == Method::Options && decorate::is_preflight(behavior, exchange.request) {
        return Ok(Reply::of(Outcome::Preflight, decorate::preflight(behavior)));
    }
    match site.origin_groups.get(&behavior.origin) {
        Some(group) => failover::ask(calls, exchange, group).await,
        None => ask_one(calls, exchange, site.origins.get(&behavior.origin)).await,
    }
}

/// Asks one origin.
async fn ask_one<P: Ports>(
    calls: &mut Calls<'_, P>,
    exchange: &Exchange<'_>,
    origin: Option<&Origin>,
) -> Result<Reply, OriginFault> {
    match origin {
        Some(Origin::Bucket {
            name,
            prefix,
            index,
            clean_urls,
            precompressed,
            uploads,
        }) => {
            let bucket = bucket::BucketOrigin {
                bucket: name,
                prefix,
                index: index.as_deref(),
                clean_urls: *clean_urls,
                precompressed: *precompressed,
                uploads: *uploads,
            };
            bucket::ask(calls, exchange, &bucket).await
        }
        Some(Origin::Http(server)) => custom::ask(calls, exchange, server).await,
        Some(Origin::Releases { bucket }) => releases::ask(calls, exchange, bucket).await,
        Some(Origin::DirectBucket { .. }) => Ok(Reply::of(
            Outcome::NotServedHere,
            plain(403, "This path is not served here.\n"),
        )),
        None => Err(OriginFault::NotConfigured),
    }
}

#[cfg(test)]
mod tests;
