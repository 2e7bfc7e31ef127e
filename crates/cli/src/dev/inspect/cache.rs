//! What the caches hold, as the page shows it.
//!
//! Always holds: of cookies only the names, of an `Authorization` nothing, and no body.

use portcullis_edge::key::{CacheKey, Part};
use portcullis_edge::network::Network;
use serde_json::{Value, json};

/// The copies that one answer lists.
const SHOWN_MAX: usize = 500;

/// The copies whose path begins with this, the newest first, and how many there are.
pub(super) fn copies(network: &Network, path: &str, now_ms: u64) -> Value {
    let of_path = |key: &CacheKey| {
        let own = key.parts().find(|(part, _)| *part == Part::Path);
        own.is_some_and(|(_, own)| own.starts_with(path))
    };
    let found: Vec<Value> = network
        .copies()
        .filter(|(_, own, _)| of_path(own))
        .map(|(tier, own, copy)| {
            json!({
                "tier": network.tier_name(tier),
                "key": key(own),
                "status": copy.status,
                "bytes": copy.bytes(),
                "age": copy.age(now_ms),
                "remaining": copy.ttl.saturating_sub(copy.resident(now_ms)),
                "fresh": copy.is_fresh(now_ms),
                "ttl": copy.ttl,
                "rule": copy.lifetime.code(),
                "tags": copy.tags,
            })
        })
        .collect();
    let count = found.len();
    let shown: Vec<Value> = found.into_iter().rev().take(SHOWN_MAX).collect();
    json!({ "count": count, "copies": shown })
}

/// The parts of a key, in order: what each is, and its text.
pub(super) fn key(key: &CacheKey) -> Value {
    let mut header = String::new();
    let parts = key.parts().filter_map(|(part, text)| {
        let shown = match part {
            Part::HeaderName => {
                header = text;
                return None;
            }
            Part::HeaderValue => {
                let name = std::mem::take(&mut header);
                let hidden = matches!(name.as_str(), "authorization" | "cookie");
                let value = if hidden { "…" } else { text.as_str() };
                return Some(json!(["header", format!("{name}: {value}")]));
            }
            // One distribution is played, and all keys begin with its name.
            Part::Domain => return None,
            Part::Cookie => text
                .split(';')
                .map(cookie_name)
                .collect::<Vec<_>>()
                .join("; "),
            Part::Query => text.split('&').map(parameter).collect::<Vec<_>>().join("&"),
            _ => text,
        };
        (!shown.is_empty()).then(|| json!([part.name(), shown]))
    });
    parts.collect()
}

fn cookie_name(pair: &str) -> String {
    format!("{}=…", pair.split('=').next().unwrap_or_default().trim())
}

fn parameter(pair: &str) -> String {
    match pair.split_once('=') {
        Some((name, _)) => format!("{name}=…"),
        None => pair.to_owned(),
    }
}
