//! What differs in caching between two behaviors that govern the same path.

use portcullis_site::{Behavior, Caching, QueryKey};
use serde::Serialize;

/// What differs for the paths that both behaviors govern.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The pattern in the old site and in the new one.
    pub patterns: (String, String),
    /// One of the paths.
    pub path: String,
    /// What differs: a setting, its old value and its new one.
    pub settings: Vec<(&'static str, String, String)>,
}

/// What differs, if anything does.
#[must_use]
pub fn change(old: &Behavior, new: &Behavior, path: &str) -> Option<Change> {
    let values = |one: &Behavior| {
        [
            ("origin", one.origin.to_string()),
            ("enforce", format!("{:?}", one.enforce).to_ascii_lowercase()),
            ("query in the key", query(one)),
            ("headers in the key", headers(one)),
            ("country in the key", country(one)),
            ("lifetime", lifetime(one)),
            ("methods", format!("{:?}", one.methods)),
            (
                "compression",
                if one.compress { "on" } else { "off" }.to_owned(),
            ),
        ]
    };
    let settings: Vec<_> = values(old)
        .into_iter()
        .zip(values(new))
        .filter(|((_, old), (_, new))| old != new)
        .map(|((name, old), (_, new))| (name, old, new))
        .collect();
    (!settings.is_empty()).then(|| Change {
        patterns: (old.path.as_str().to_owned(), new.path.as_str().to_owned()),
        path: path.to_owned(),
        settings,
    })
}

const NOT_CACHED: &str = "not cached";

fn query(one: &Behavior) -> String {
    match &one.caching {
        Caching::Disabled => NOT_CACHED.to_owned(),
        Caching::Enabled { key, .. } => match &key.query {
            QueryKey::None => "none".to_owned(),
            QueryKey::All => "all".to_owned(),
            QueryKey::Only(names) => names.join(", "),
        },
    }
}

fn headers(one: &Behavior) -> String {
    match &one.caching {
        Caching::Disabled => NOT_CACHED.to_owned(),
        Caching::Enabled { key, .. } if key.headers.is_empty() => "none".to_owned(),
        Caching::Enabled { key, .. } => key.headers.join(", "),
    }
}

fn country(one: &Behavior) -> String {
    match &one.caching {
        Caching::Disabled => NOT_CACHED.to_owned(),
        Caching::Enabled { key, .. } => if key.country { "yes" } else { "no" }.to_owned(),
    }
}

fn lifetime(one: &Behavior) -> String {
    match &one.caching {
        Caching::Disabled => NOT_CACHED.to_owned(),
        Caching::Enabled { ttl, .. } => format!(
            "{} s, between {} s and {} s",
            ttl.default.get(),
            ttl.min.get(),
            ttl.max.get()
        ),
    }
}
