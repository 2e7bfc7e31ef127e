//! A small world to serve: one site, a store in memory, custom origins that answer from a script.

mod conditions;
mod custom;
mod decoration;
mod faults;
mod groups;
mod hostile;
mod large;
mod objects;
mod paths;
mod ranges;

use super::{Budget, Carriage, Outcome, Ports, Served, SignerError, Target, UrlSigner, serve};
use crate::behaviors::Behaviors;
use crate::object_path::ObjectPath;
use crate::request::{Front, Headers, Request};
use crate::response::Body;
use crate::store::memory::{MemoryObject, MemoryStore};
use crate::upstream::{Upstream, UpstreamError, UpstreamRequest, UpstreamResponse};
use bytes::Bytes;
use http_body::Frame;
use http_body_util::BodyExt as _;
use portcullis_policy::{
    AddressFact, Admitted, Decision, Effect, Facts, Membership, Mode, Policy, Signatures,
    Statement, decide,
};
use portcullis_site::{Bucket, CacheKey, Caching, Name, QueryKey, Site, Ttl};
use portcullis_viewer::geo::{CountryFact, UnknownCountry};
use serde_json::json;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Midnight of 2026-01-01.
pub(super) const NOW: u64 = 1_767_225_600;

/// A site with one behavior for each thing that differs.
pub(super) fn site() -> Site {
    let bucket = |name: &str, extra: serde_json::Value| {
        let mut bucket = json!({
            "name": name, "prefix": "public/", "index": null,
            "clean_urls": false, "precompressed": false, "uploads": false,
        });
        for (key, value) in extra.as_object().unwrap() {
            bucket[key] = value.clone();
        }
        json!({ "bucket": bucket })
    };
    let server = |url: &str| {
        json!({ "http": {
            "url": url, "connect_timeout": 3, "response_timeout": 20, "attempts": 3, "private_addresses": false,
        } })
    };
    let behavior = |path: &str, origin: &str, policy: &str| {
        json!({
            "path": path, "origin": origin, "policy": policy, "enforce": "origin",
            "caching": { "enabled": {
                "key": { "query": "none", "headers": [], "country": false },
                "ttl": { "min": 0, "default": 86_400, "max": 31_536_000 },
            } },
            "methods": "get-head", "viewer_protocol": "https-only", "compress": false,
            "response_headers": { "security": "none", "cors": null },
            "large_objects": "refuse",
        })
    };
    let mut api = behavior("/api/*", "api", "everyone");
    api["methods"] = json!("get-head-options");
    api["caching"]["enabled"]["key"]["query"] = json!({ "only": ["q", "page"] });
    let mut partners = behavior("/partners/*", "pages", "members");
    partners["caching"] = json!("disabled");
    let pages = json!({ "index": "index.html", "clean_urls": true });
    let value = json!({
        "site": "handbook", "hosts": ["*.example.com", "www.example.com"], "certificate": null, "hosted_zone": null,
        "viewer_tls": "TLSv1.2_2021", "origin_shield": null,
        "origins": {
            "files": bucket("files-bucket", json!({})),
            "pages": bucket("pages-bucket", pages),
            "packed": bucket("packed-bucket", json!({ "index": "index.html", "clean_urls": true, "precompressed": true })),
            "uploads": bucket("uploads-bucket", json!({ "uploads": true })),
            "api": server("https://api.internal.example.com"),
            "standby": server("https://standby.internal.example.com/base"),
            "releases": { "releases": { "bucket": "release-bucket" } },
            "direct": { "direct_bucket": { "name": "files-bucket", "prefix": "public/" } },
        },
        "origin_groups": {
            "pair": { "primary": "api", "secondary": "standby", "failover_on": [404, 500, 503] },
            "patient": { "primary": "api", "secondary": "standby", "failover_on": [502, 504] },
            "mixed": { "primary": "files", "secondary": "standby", "failover_on": [404, 503] },
        },
        "guard": portcullis_site::Guard::default(),
        "geo": { "source": "database", "database": null, "on_disagreement": "deny", "groups": {} },
        "networks": {}, "key_groups": {},
        "policies": {
            "everyone": { "mode": "enforce", "statements": [{ "effect": "allow", "when": null, "reason": null }] },
            "members": { "mode": "enforce", "statements": [{ "effect": "allow", "reason": null, "when": {
                "networks": ["office"], "countries": null, "unknown_country": false,
                "countries_written": [], "signed_by": null,
            } }] },
        },
        "behaviors": [
            behavior("/files/*", "files", "everyone"), behavior("/packed/*", "packed", "everyone"),
            behavior("*.css", "packed", "everyone"), behavior("/uploads/*", "uploads", "everyone"),
            partners, api, behavior("/pair/*", "pair", "everyone"), behavior("/patient/*", "patient", "everyone"),
            behavior("/mixed/*", "mixed", "everyone"), behavior("/releases/*", "releases", "everyone"),
            behavior("/direct/*", "direct", "everyone"), behavior("*", "pages", "everyone"),
        ],
        "releases": null, "errors": {},
    });
    serde_json::from_value(value).unwrap()
}

/// Caching with these bounds and nothing but the path in the key.
pub(super) fn caching(ttl: Ttl) -> Caching {
    let key = CacheKey {
        query: QueryKey::None,
        headers: Vec::new(),
        country: false,
    };
    Caching::Enabled { key, ttl }
}

/// What a custom origin says next.
#[derive(Debug, Clone)]
pub(super) struct Script {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, &'static [u8])>,
    /// The parts of the body; `None` is where it breaks.
    pub(super) body: Vec<Option<&'static [u8]>>,
    pub(super) content_length: Option<u64>,
}

/// What a custom origin was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Received {
    pub(super) origin: String,
    pub(super) target: String,
    pub(super) headers: Vec<(&'static str, String)>,
}

/// Custom origins that answer from a script, one entry for each exchange.
#[derive(Debug, Default)]
pub(super) struct Scripted {
    answers: Mutex<VecDeque<Result<Script, UpstreamError>>>,
    received: Mutex<Vec<Received>>,
}

impl Upstream for Scripted {
    async fn fetch(&self, request: UpstreamRequest<'_>) -> Result<UpstreamResponse, UpstreamError> {
        let mark = if request.query.is_empty() { "" } else { "?" };
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        self.received.lock().unwrap().push(Received {
            origin: request.origin.url.as_str().to_owned(),
            target: format!(
                "{} {}{mark}{}",
                request.method.as_str(),
                request.path.sent(),
                request.query
            ),
            headers: request
                .headers
                .into_iter()
                .map(|(n, v)| (n, text(v)))
                .collect(),
        });
        let script = self
            .answers
            .lock()
            .unwrap()
            .pop_front()
            .expect("an exchange nobody planned")?;
        let parts = script.body.into_iter().map(|part| match part {
            Some(bytes) => Ok(Frame::data(Bytes::from_static(bytes))),
            None => Err(UpstreamError::Broken { after: 0 }),
        });
        let parts: Vec<_> = parts.collect();
        Ok(UpstreamResponse {
            status: script.status,
            headers: script
                .headers
                .iter()
                .map(|(n, v)| ((*n).to_owned(), v.to_vec()))
                .collect(),
            content_length: script.content_length,
            body: Parts(parts.into()).boxed_unsync(),
        })
    }
}

struct Parts(VecDeque<Result<Frame<Bytes>, UpstreamError>>);

impl http_body::Body for Parts {
    type Data = Bytes;
    type Error = UpstreamError;
    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Frame<Bytes>, UpstreamError>>> {
        std::task::Poll::Ready(self.0.pop_front())
    }
}

/// Signs by writing down until when.
#[derive(Debug, Default)]
pub(super) struct Stamp;

impl UrlSigner for Stamp {
    fn sign(&self, key_group: &Name, url: &str, expires: u64) -> Result<String, SignerError> {
        match key_group.as_str() {
            "lost" => Err(SignerError),
            name => Ok(format!("{url}?until={expires}&by={name}")),
        }
    }
}

/// Everything around one site.
pub(super) struct World {
    pub(super) site: Site,
    pub(super) store: Arc<MemoryStore>,
    pub(super) upstream: Scripted,
    pub(super) budget: Budget,
    pub(super) signer: Stamp,
}

impl Ports for World {
    type Objects = MemoryStore;
    type Upstream = Scripted;
    type Signer = Stamp;
    fn objects(&self) -> &Arc<MemoryStore> {
        &self.store
    }
    fn upstream(&self) -> &Scripted {
        &self.upstream
    }
    fn signer(&self) -> &Stamp {
        &self.signer
    }
}

/// A request that a test makes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ask<'a> {
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    pub(super) query: &'a str,
    pub(super) headers: Headers<'a>,
}

pub(super) fn get(path: &str) -> Ask<'_> {
    Ask {
        method: "GET",
        path,
        query: "",
        headers: Headers::default(),
    }
}

/// What came of it, with the body read to its end.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Got {
    pub(super) outcome: Outcome,
    pub(super) status: u16,
    pub(super) headers: Vec<(String, Vec<u8>)>,
    /// The bytes; `None` if the body broke.
    pub(super) bytes: Option<Vec<u8>>,
    pub(super) streamed: bool,
    pub(super) store_calls: u32,
    pub(super) upstream_calls: u32,
    pub(super) dropped: u32,
}

impl Got {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(n, _)| *n == name);
        found.map(|(_, value)| std::str::from_utf8(value).unwrap())
    }

    pub(super) fn text(&self) -> &str {
        std::str::from_utf8(self.bytes.as_deref().expect("the body broke")).unwrap()
    }

    /// An answer that no cache may learn from.
    #[track_caller]
    pub(super) fn assert_not_cacheable(&self) {
        assert_eq!(self.header("cache-control"), Some("no-store"), "{self:?}");
        for name in ["etag", "last-modified", "expires", "age"] {
            assert_eq!(self.header(name), None, "{name}");
        }
    }
}

impl World {
    pub(super) fn new() -> Self {
        Self {
            site: site(),
            store: Arc::new(MemoryStore::new()),
            upstream: Scripted::default(),
            budget: Budget {
                carriage: Carriage::Envelope {
                    bytes: super::LAMBDA_ENVELOPE_BYTES,
                    streams: false,
                },
                time: Duration::from_secs(20),
                jitter: 500,
            },
            signer: Stamp,
        }
    }

    /// Puts an object under the prefix that all buckets here have.
    pub(super) fn put(&self, bucket: &str, name: &str, object: MemoryObject) {
        let bucket = Bucket::new(format!("{bucket}-bucket")).unwrap();
        self.store.put(&bucket, &format!("public/{name}"), object);
    }

    pub(super) fn behavior(&mut self, path: &str) -> &mut portcullis_site::Behavior {
        let found = self
            .site
            .behaviors
            .iter_mut()
            .find(|b| b.path.as_str() == path);
        found.expect("no such behavior")
    }

    pub(super) fn will_answer(&self, answer: Result<Script, UpstreamError>) {
        self.upstream.answers.lock().unwrap().push_back(answer);
    }

    pub(super) fn received(&self) -> Vec<Received> {
        self.upstream.received.lock().unwrap().clone()
    }

    pub(super) fn ask(&self, ask: Ask<'_>) -> Got {
        answer(self, &self.site, &self.budget, ask)
    }

    pub(super) fn get(&self, path: &str) -> Got {
        self.ask(get(path))
    }
}

/// Makes a request and reads the answer to its end, on a clock that jumps over every wait.
pub(super) fn answer(ports: &impl Ports, site: &Site, budget: &Budget, ask: Ask<'_>) -> Got {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build();
    runtime.unwrap().block_on(async {
        let behaviors = Behaviors::new(&site.behaviors);
        let path = ObjectPath::parse(ask.path).unwrap();
        let target = Target::of(site, &behaviors, &path).unwrap();
        let request = request(ask);
        read(serve(ports, &admitted(), target, &request, NOW, budget).await).await
    })
}

fn request(ask: Ask<'_>) -> Request<'_> {
    Request {
        front: Front::Server,
        principal: None,
        peer: None,
        method: ask.method,
        raw_path: ask.path,
        raw_query: ask.query,
        headers: ask.headers,
        cookies: &[],
        id: "t",
    }
}

async fn read(served: Served) -> Got {
    let (bytes, streamed) = match served.response.body {
        Body::Empty => (Some(Vec::new()), false),
        Body::Whole(bytes) => (Some(bytes.to_vec()), false),
        Body::Stream { bytes, .. } => (
            bytes.collect().await.ok().map(|b| b.to_bytes().to_vec()),
            true,
        ),
    };
    let headers = served
        .response
        .headers
        .iter()
        .map(|(n, v)| (n.to_string(), v.as_bytes().to_vec()));
    Got {
        outcome: served.outcome,
        status: served.response.status,
        headers: headers.collect(),
        bytes,
        streamed,
        store_calls: served.store_calls,
        upstream_calls: served.upstream_calls,
        dropped: served.dropped_headers,
    }
}

/// An admission, made as any is.
fn admitted() -> Admitted {
    let allow = Statement {
        effect: Effect::Allow,
        when: None,
    };
    let policy = Policy::new(vec![allow], Mode::Enforce).unwrap();
    let facts = Facts {
        address: AddressFact::Unknown,
        networks: Membership::default(),
        country: CountryFact::Unknown(UnknownCountry::NoAddress),
        signatures: Signatures::default(),
    };
    match decide(&policy, &facts, NOW) {
        Decision::Admitted(admitted) => admitted,
        Decision::Refused(refusal) => panic!("{refusal:?}"),
    }
}
