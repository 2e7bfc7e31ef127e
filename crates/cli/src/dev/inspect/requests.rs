//! The requests that were answered last, as the page shows them.
//!
//! Always holds: of a query only the names of its parameters are kept; what the gateway decided is that decision's own line.

use super::cache::key;
use super::steps::in_words;
use portcullis_edge::exchange::{Exchange, Reply};
use portcullis_edge::path::split_target;
use portcullis_edge_server::drive::Times;
use portcullis_origin::record::Record;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::broadcast;

/// The requests that are kept.
const KEPT_MAX: usize = 500;
/// The decisions that wait for their request to be answered.
const WAITING_MAX: usize = 256;
/// Requests that a page may be behind before it is told that it missed some.
const BEHIND_MAX: usize = 256;
/// The longest path that is shown, in characters.
const PATH_CHARS_MAX: usize = 512;

/// The requests.
pub(in super::super) struct Requests {
    kept: Mutex<Kept>,
    told: broadcast::Sender<String>,
}

#[derive(Default)]
struct Kept {
    count: u64,
    entries: VecDeque<Value>,
    /// What the gateway decided, by CloudFront's id of the request.
    decided: VecDeque<(String, Value)>,
}

impl Default for Requests {
    fn default() -> Self {
        Self {
            kept: Mutex::default(),
            told: broadcast::channel(BEHIND_MAX).0,
        }
    }
}

impl Requests {
    /// The gateway decided about a request.
    pub(in super::super) fn decided(&self, record: &Record<'_>) {
        let (Some(id), Ok(value)) = (record.cloudfront_id, serde_json::to_value(record)) else {
            return;
        };
        let mut kept = self.kept();
        if kept.decided.len() == WAITING_MAX {
            kept.decided.pop_front();
        }
        kept.decided.push_back((id.to_owned(), value));
    }

    /// A request was answered.
    pub(in super::super) fn answered(
        &self,
        exchange: &Exchange,
        reply: &Reply,
        times: Times,
        pop: &str,
        guard: Option<&str>,
    ) {
        let mut kept = self.kept();
        kept.count += 1;
        let id = exchange.request.id.as_str();
        let at = kept.decided.iter().position(|(of, _)| of == id);
        let decision = at
            .and_then(|at| kept.decided.remove(at))
            .map(|(_, value)| value);
        let entry = entry(exchange, reply, times, pop);
        let entry = with(entry, kept.count, decision, guard);
        if kept.entries.len() == KEPT_MAX {
            kept.entries.pop_front();
        }
        // Nobody may be listening.
        let _heard = self.told.send(entry.to_string());
        kept.entries.push_back(entry);
    }

    /// The last requests, the oldest first.
    pub(super) fn recent(&self) -> Vec<Value> {
        self.kept().entries.iter().cloned().collect()
    }

    /// Every request from now on, each as a line of JSON.
    pub(super) fn listen(&self) -> broadcast::Receiver<String> {
        self.told.subscribe()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn entry(exchange: &Exchange, reply: &Reply, times: Times, pop: &str) -> Value {
    let request = &exchange.request;
    let (path, query) = split_target(&exchange.asked);
    let behavior = exchange.trace.behavior.and_then(|at| {
        let played = exchange.played.as_ref()?;
        Some(played.distribution.pattern(at).to_owned())
    });
    json!({
        "at_ms": times.arrived_ms,
        "took_ms": times.answered_ms.saturating_sub(times.arrived_ms),
        "id": request.id.as_str(),
        "method": request.method,
        "path": path.chars().take(PATH_CHARS_MAX).collect::<String>(),
        "query": query.map(names).unwrap_or_default(),
        "viewer": request.peer.ip(),
        "country": request.country.map(|country| country.to_string()),
        "pop": pop,
        "status": reply.status,
        "result": reply.result.name(),
        "detailed": reply.detailed,
        "behavior": behavior,
        "key": exchange.trace.key.as_ref().map(key),
        "steps": exchange.trace.steps.iter().map(in_words).collect::<Vec<_>>(),
        "origin_requests": exchange.trace.origin_requests,
    })
}

fn with(mut entry: Value, number: u64, decision: Option<Value>, guard: Option<&str>) -> Value {
    if let Some(members) = entry.as_object_mut() {
        members.insert("n".to_owned(), number.into());
        members.insert("decision".to_owned(), decision.into());
        members.insert("guard".to_owned(), guard.into());
    }
    entry
}

/// The names of a query's parameters.
fn names(query: &str) -> Vec<String> {
    let names = query
        .split('&')
        .map(|pair| pair.split('=').next().unwrap_or_default());
    let names = names.filter(|name| !name.is_empty()).take(32);
    names.map(|name| name.chars().take(64).collect()).collect()
}
