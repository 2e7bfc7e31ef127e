//! The inspector: a page at `/.portcullis/` that shows what the edge and the gateway do, and lets a person ask and change.
//!
//! Always holds:
//! - it answers only to a loopback name, and changes anything only for its own page, so that no other site in the same browser
//!   can read or steer it;
//! - no secret, signature, cookie or query value is shown ([`requests`], [`cache`]);
//! - what it keeps has a limit.
//!
//! Deliberately absent: everything that `edge` needs; the paths below [`ROOT`] are the site's own there.

mod cache;
mod page;
pub(super) mod requests;
mod steps;
mod what_if;

use super::world::Local;
use super::{Current, replace};
use crate::args::Dev;
use crate::load::quietly;
use bytes::Bytes;
use futures_util::stream;
use portcullis_diff::compare::diff;
use portcullis_edge::invalidation::InvalidationPath;
use portcullis_edge::path::split_target;
use portcullis_edge_server::body::Body;
use portcullis_edge_server::drive::{Edge, World as _};
use portcullis_edge_server::fields::Fields;
use portcullis_edge_server::listen::{Answer, Arrived, Handler, Refused};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, broadcast};

/// Where the page is.
pub(super) const ROOT: &str = "/.portcullis/";
/// The largest body of a call, in bytes.
const BODY_BYTES_MAX: usize = 64 << 10;
/// How many pages may listen at the same time.
const LISTENERS_MAX: usize = 16;
/// How long nothing may be said to a page that listens.
const SILENCE: Duration = Duration::from_secs(15);
/// The furthest the clock of the caches may be ahead: ten years, in seconds.
const AHEAD_MAX: u64 = 10 * 365 * 86_400;
/// The names under which the page may be asked for.
const NAMES: [&str; 3] = ["127.0.0.1", "localhost", "[::1]"];

/// The edge of `dev`, with the inspector in front of it.
pub(super) struct Inspected {
    pub(super) edge: Edge<Local>,
    pub(super) args: Dev,
    pub(super) current: Arc<Current>,
    listeners: Arc<Semaphore>,
}

/// Why a call is refused: the status, and a sentence.
type Refusal = (u16, String);

impl Inspected {
    pub(super) fn new(edge: Edge<Local>, args: Dev, current: Arc<Current>) -> Self {
        Self {
            edge,
            args,
            current,
            listeners: Arc::new(Semaphore::new(LISTENERS_MAX)),
        }
    }

    async fn own(&self, arrived: &Arrived, body: Body) -> Answer {
        let (path, query) = split_target(&arrived.target);
        let name = path.strip_prefix(ROOT).unwrap_or_default();
        if let Err((status, why)) = allowed(arrived) {
            return said(status, &json!({ "error": why }));
        }
        let method = arrived.method.as_str();
        let call = match (method, name) {
            ("GET", "api/events") => return self.events(),
            ("GET" | "HEAD", name) if !name.starts_with("api/") => return page::asset(name),
            ("GET", "api/state") => Ok(self.state()),
            ("GET", "api/cache") => Ok(self.cached(query.unwrap_or_default())),
            ("POST", "api/what-if") => match read(body).await {
                Ok(asked) => self.what_if(asked).await,
                Err(refusal) => Err(refusal),
            },
            ("POST", "api/purge") => read(body).await.and_then(|asked: Purge| self.purge(&asked)),
            ("POST", "api/clock") => read(body)
                .await
                .and_then(|asked: Advance| self.advance(&asked)),
            ("POST", "api/manifest") => read(body)
                .await
                .and_then(|asked: Switch| self.switch(&asked)),
            _ => Err((404, format!("{method} {name} is nothing of the inspector"))),
        };
        match call {
            Ok(value) => said(200, &value),
            Err((status, why)) => said(status, &json!({ "error": why })),
        }
    }

    /// Every request as it is answered, as server-sent events.
    fn events(&self) -> Answer {
        let Ok(place) = Arc::clone(&self.listeners).try_acquire_owned() else {
            return said(
                503,
                &json!({ "error": format!("{LISTENERS_MAX} pages listen already") }),
            );
        };
        let heard = self.edge.world().shared.requests().listen();
        let parts = stream::unfold((heard, place), |(mut heard, place)| async move {
            let text = match tokio::time::timeout(SILENCE, heard.recv()).await {
                Ok(Ok(entry)) => format!("event: request\ndata: {entry}\n\n"),
                Ok(Err(broadcast::error::RecvError::Lagged(missed))) => {
                    format!("event: missed\ndata: {missed}\n\n")
                }
                Ok(Err(broadcast::error::RecvError::Closed)) => return None,
                Err(_) => ": still here\n\n".to_owned(),
            };
            Some((Ok(Bytes::from(text)), (heard, place)))
        });
        answer(200, "text/event-stream", Body::parts(parts, None))
    }

    fn state(&self) -> Value {
        let shared = &self.edge.world().shared;
        let system = shared.system();
        let (fill, pops) = self.edge.with_network(|network| {
            let names = network.settings().pops.iter().map(|pop| pop.name.clone());
            (network.fill(), names.collect::<Vec<_>>())
        });
        json!({
            "site": system.site().site,
            "manifest": self.current.path().display().to_string(),
            "digest": system.digest(),
            "notes": system.notes(),
            "now_ms": self.edge.world().now_ms(),
            "ahead_s": shared.ahead_ms() / 1_000,
            "pops": pops,
            "cache": { "bytes": fill.bytes, "copies": fill.copies },
            "behaviors": system.site().behaviors.iter().map(|behavior| json!({
                "path": behavior.path.as_str(),
                "policy": behavior.policy,
                "origin": behavior.origin,
            })).collect::<Vec<_>>(),
            "viewer": self.args.viewer,
            "requests": shared.requests().recent(),
        })
    }

    fn cached(&self, query: &str) -> Value {
        let now_ms = self.edge.world().now_ms();
        let wanted = query.strip_prefix("path=").unwrap_or_default();
        let wanted = percent_encoding::percent_decode_str(wanted).decode_utf8_lossy();
        self.edge
            .with_network(|network| cache::copies(network, &wanted, now_ms))
    }

    /// Explaining waits for files and for a runtime of its own, which may not be done where requests are answered.
    async fn what_if(&self, asked: what_if::Asked) -> Result<Value, Refusal> {
        let (path, _) = split_target(&asked.url);
        let path = path.to_owned();
        let (args, manifest) = (self.args.clone(), self.current.path());
        let explaining =
            tokio::task::spawn_blocking(move || what_if::explained(&asked, &args, &manifest));
        let explained = explaining.await.map_err(|why| (500, why.to_string()))?;
        let explanation = explained.map_err(wrong)?;
        let now_ms = self.edge.world().now_ms();
        let copies = self
            .edge
            .with_network(|network| cache::copies(network, &path, now_ms));
        Ok(json!({ "explanation": explanation, "cache": copies }))
    }

    fn purge(&self, asked: &Purge) -> Result<Value, Refusal> {
        let path = InvalidationPath::new(&asked.path);
        let path = path.map_err(|why| (400, format!("`{}`: {why}", asked.path)))?;
        let system = self.edge.world().shared.system();
        let domain = &system.distribution().domain;
        let removed = self
            .edge
            .with_network(|network| network.invalidate(domain, &[path]));
        Ok(json!({ "removed": removed }))
    }

    fn advance(&self, asked: &Advance) -> Result<Value, Refusal> {
        let shared = &self.edge.world().shared;
        let ahead_s = (shared.ahead_ms() / 1_000).saturating_add(asked.seconds);
        if ahead_s > AHEAD_MAX {
            return Err((400, "the clock goes at most ten years ahead".to_owned()));
        }
        shared.set_ahead_ms(ahead_s * 1_000);
        Ok(json!({ "ahead_s": ahead_s }))
    }

    /// Puts another manifest to work, or only says what it would change.
    fn switch(&self, asked: &Switch) -> Result<Value, Refusal> {
        let path = crate::load::path_of(&asked.manifest);
        let site = |path: &std::path::Path| {
            quietly(path).map(|loaded| loaded.compiled.bundle.site().clone())
        };
        let (old, new) = (
            site(&self.current.path()).map_err(wrong)?,
            site(&path).map_err(wrong)?,
        );
        let changes = diff(&old, &new).map_err(wrong)?;
        let changes = serde_json::to_value(&changes).map_err(|why| (500, why.to_string()))?;
        if !asked.plan {
            let system = super::System::start(&self.args, &path).map_err(wrong)?;
            replace(&self.edge, system).map_err(wrong)?;
            self.current.set(path.clone());
        }
        Ok(
            json!({ "manifest": path.display().to_string(), "plan": asked.plan, "changes": changes }),
        )
    }
}

fn wrong(why: impl std::fmt::Display) -> Refusal {
    (400, why.to_string())
}

/// What is to leave the caches.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Purge {
    path: String,
}

/// How far the clock of the caches goes ahead.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    seconds: u64,
}

/// Another manifest.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Switch {
    manifest: PathBuf,
    #[serde(default)]
    plan: bool,
}

async fn read<T: DeserializeOwned>(body: Body) -> Result<T, Refusal> {
    let bytes = body.collect(BODY_BYTES_MAX).await;
    let bytes = bytes.map_err(|_| (413, "the body is too long or broke off".to_owned()))?;
    serde_json::from_slice(&bytes).map_err(|why| (400, why.to_string()))
}

/// Whether a request may be answered: it names this machine and, where it changes something, comes from the page itself.
fn allowed(arrived: &Arrived) -> Result<(), Refusal> {
    let name = match arrived.host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => arrived.host.as_str(),
    };
    if !NAMES.iter().any(|own| own.eq_ignore_ascii_case(name)) {
        let why = "the inspector answers to the names of this machine only, such as localhost";
        return Err((421, why.to_owned()));
    }
    let text = |name: &str| {
        let value = arrived.fields.get(name);
        value.map(|value| String::from_utf8_lossy(value).into_owned())
    };
    let own = format!("http://{}", arrived.host);
    let elsewhere = text("origin").is_some_and(|origin| origin != own)
        || text("sec-fetch-site")
            .is_some_and(|site| !matches!(site.as_str(), "same-origin" | "none"));
    if elsewhere {
        return Err((403, "another site asks".to_owned()));
    }
    // A form of another site cannot send this type without asking first.
    let is_json = text("content-type").is_some_and(|kind| kind == "application/json");
    if arrived.method.as_str() == "POST" && !is_json {
        return Err((415, "a call is application/json".to_owned()));
    }
    Ok(())
}

fn said(status: u16, value: &Value) -> Answer {
    answer(
        status,
        "application/json",
        Body::from(value.to_string().into_bytes()),
    )
}

fn answer(status: u16, kind: &str, body: Body) -> Answer {
    let mut fields = Fields::with_capacity(7, 512);
    let pairs = [
        ("Content-Type", kind),
        ("Cache-Control", "no-store"),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "no-referrer"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
        (
            "Content-Security-Policy",
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; \
             base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        ),
    ];
    for (name, value) in pairs {
        // Constants, all of which a field may have.
        let _fits = fields.add(name, value);
    }
    Answer {
        status,
        fields,
        body,
    }
}

impl Handler for Inspected {
    async fn answer(&self, arrived: Arrived, body: Body) -> Answer {
        let (path, _) = split_target(&arrived.target);
        if path.starts_with(ROOT) {
            return self.own(&arrived, body).await;
        }
        self.edge.answer(arrived, body).await
    }

    fn refuse(&self, refused: &Refused) -> Answer {
        self.edge.refuse(refused)
    }
}
