//! What a manifest wants, read leniently: the compiler says what is wrong with it, the rules what it means for a cache.

use crate::pattern::Pattern;
use crate::report::Where;
use crate::strictness::{Cells, Inputs, Policy, groups};
use crate::tree::Node;
use std::collections::{BTreeMap, BTreeSet};

/// Where a policy is enforced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enforcement {
    /// By an edge function, on every request.
    Edge,
    /// By the gateway, on misses.
    Origin,
}

/// Where the country comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GeoSource {
    /// CloudFront's header.
    CloudFront,
    /// Our database.
    Database,
    /// Both.
    Both,
}

/// A behavior of the manifest.
#[derive(Clone, Debug)]
pub struct Planned {
    /// Its pattern.
    pub pattern: Pattern,
    /// Its origin, or group.
    pub origin: String,
    /// The name of its policy.
    pub policy: String,
    /// What that depends on.
    pub inputs: Inputs,
    /// Where it is enforced.
    pub enforcement: Enforcement,
    /// Whether large objects are streamed.
    pub streams: bool,
    /// Whether large objects are handed off, refused or streamed.
    pub says_of_large: bool,
    /// What it writes.
    pub node: Node,
    /// Its position.
    pub index: usize,
}

/// A manifest.
#[derive(Clone, Debug)]
pub struct Intent {
    /// Its file.
    pub file: String,
    /// All of it.
    pub node: Node,
    /// The behaviors in order.
    pub behaviors: Vec<Planned>,
    /// The policies.
    pub policies: BTreeMap<String, Policy>,
    /// The partition of the addresses.
    pub cells: Cells,
    /// Where the country comes from.
    pub geo: GeoSource,
    /// The name of the secret header, if one is demanded.
    pub secret_header: Option<String>,
    /// The paths of error documents.
    pub documents: BTreeSet<String>,
}

impl Intent {
    /// What a manifest's text means.
    #[must_use]
    pub fn read(file: &str, node: Node) -> Self {
        let groups = groups(node.path(&["geo", "groups"]));
        let policies = node.get("policies").members().iter();
        let policies: BTreeMap<String, Policy> = policies
            .map(|(name, written)| (name.clone(), Policy::read(written, &groups)))
            .collect();
        let behaviors = node.get("behaviors").items().iter().enumerate();
        let behaviors = behaviors
            .map(|(index, one)| planned(index, one, &policies))
            .collect();
        let errors = node.get("errors").members().iter();
        let documents = errors
            .filter_map(|(_, one)| one.get("document").literal())
            .map(str::to_owned);
        let secret = node.path(&["guard", "secret_header"]);
        let secret_header = match secret.get("name").literal() {
            Some(name) => Some(name.to_owned()),
            None if secret.is_there() && secret.literal() != Some("off") => {
                Some("x-origin-verify".to_owned())
            }
            None => None,
        };
        Self {
            file: file.to_owned(),
            cells: Cells::of(node.get("networks")),
            geo: match node.path(&["geo", "source"]).literal() {
                Some("database") => GeoSource::Database,
                Some("both") => GeoSource::Both,
                _ => GeoSource::CloudFront,
            },
            documents: documents.collect(),
            secret_header,
            behaviors,
            policies,
            node,
        }
    }

    /// The behavior with the pattern of one of the template's.
    #[must_use]
    pub fn planned(&self, pattern: &Pattern) -> Option<&Planned> {
        self.behaviors.iter().find(|one| one.pattern == *pattern)
    }

    /// The policy of that name; one that is not written lets nobody in.
    #[must_use]
    pub fn policy(&self, name: &str) -> Policy {
        self.policies.get(name).cloned().unwrap_or_default()
    }

    /// What an origin is: `releases`, `bucket`, `direct_bucket`, `http`, or nothing that is known.
    #[must_use]
    pub fn origin_kind(&self, name: &str) -> &str {
        let members = self.node.path(&["origins", name]).members();
        members.first().map_or("", |(kind, _)| kind.as_str())
    }

    /// The names of buckets that hold releases.
    #[must_use]
    pub fn release_buckets(&self) -> BTreeSet<String> {
        let origins = self.node.get("origins").members().iter();
        let stores = origins.filter_map(|(_, one)| one.path(&["releases", "bucket"]).literal());
        stores.map(str::to_owned).collect()
    }

    /// The names of all buckets.
    #[must_use]
    pub fn buckets(&self) -> BTreeSet<String> {
        let origins = self.node.get("origins").members().iter();
        let named = origins.flat_map(|(_, one)| {
            ["bucket", "direct_bucket"].map(|kind| {
                let bucket = one.get(kind);
                bucket
                    .get("name")
                    .literal()
                    .or_else(|| bucket.literal())
                    .map(str::to_owned)
            })
        });
        named.flatten().chain(self.release_buckets()).collect()
    }

    /// A place in it.
    #[must_use]
    pub fn place(&self, pointer: &[&str]) -> Where {
        let mut node = &self.node;
        for key in pointer {
            node = match key.parse::<usize>() {
                Ok(index) => match node.items().get(index) {
                    Some(item) => item,
                    None => break,
                },
                Err(_) => node.get(key),
            };
        }
        let at = if node.is_there() {
            node.at
        } else {
            self.node.at
        };
        let pointer: String = pointer.iter().map(|key| format!("/{key}")).collect();
        Where::new(&self.file, "", pointer, at)
    }
}

fn planned(index: usize, node: &Node, policies: &BTreeMap<String, Policy>) -> Planned {
    let text = |key: &str| node.get(key).literal().unwrap_or_default().to_owned();
    let policy = text("policy");
    let inputs = policies
        .get(&policy)
        .map(Policy::inputs)
        .unwrap_or_default();
    let caches = node.get("caching").literal() != Some("disabled");
    let large = node.get("large_objects");
    let path = node.get("path").literal().unwrap_or("*");
    Planned {
        pattern: if path == "*" {
            Pattern::everything()
        } else {
            Pattern::new(path)
        },
        origin: text("origin"),
        enforcement: match node.get("enforce").literal() {
            Some("edge") => Enforcement::Edge,
            Some(_) => Enforcement::Origin,
            None if caches && inputs.any() => Enforcement::Edge,
            None => Enforcement::Origin,
        },
        policy,
        inputs,
        streams: large.literal() == Some("stream") || large.get("stream").is_there(),
        says_of_large: large.is_there(),
        node: node.clone(),
        index,
    }
}
