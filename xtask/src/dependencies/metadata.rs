//! What `cargo metadata` says, as far as the rules ask.
//!
//! The dependency graph is the one resolved for the host, with the features of the whole workspace united. A crate
//! reached only through a feature that another member turns on is therefore counted: the rules err on the strict side.

use crate::command::Program;
use crate::steps::Failure;
use crate::tree;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The workspace and its resolved dependencies.
#[derive(Deserialize)]
pub(crate) struct Metadata {
    packages: Vec<Package>,
    workspace_members: BTreeSet<String>,
    resolve: Resolve,
}

/// One package, of the workspace or not.
#[derive(Deserialize)]
pub(crate) struct Package {
    id: String,
    pub(crate) name: String,
    manifest_path: String,
    pub(crate) dependencies: Vec<Dependency>,
}

/// A dependency as its package's manifest names it.
#[derive(Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    #[serde(default, deserialize_with = "kind")]
    pub(crate) kind: Kind,
    path: Option<String>,
}

/// What a dependency is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Kind {
    #[default]
    Normal,
    Build,
    Dev,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<Edge>,
}

#[derive(Deserialize)]
struct Edge {
    pkg: String,
    dep_kinds: Vec<EdgeKind>,
}

#[derive(Deserialize)]
struct EdgeKind {
    #[serde(default, deserialize_with = "kind")]
    kind: Kind,
}

impl Metadata {
    /// Asks cargo.
    pub(crate) fn read() -> Result<Self, Failure> {
        let host = host()?;
        let json = Program::cargo("metadata --format-version 1 --locked --filter-platform")
            .args([host])
            .output()?;
        Self::parse(&json)
    }

    pub(super) fn parse(json: &[u8]) -> Result<Self, Failure> {
        serde_json::from_slice(json)
            .map_err(|error| Failure::new(format!("cargo metadata: {error}")))
    }

    /// The workspace's own packages.
    pub(crate) fn members(&self) -> impl Iterator<Item = &Package> {
        self.packages
            .iter()
            .filter(|package| self.workspace_members.contains(&package.id))
    }

    /// The names of all packages that something in the workspace uses, for whatever purpose.
    pub(super) fn resolved(&self) -> impl Iterator<Item = &str> {
        let names = self.names();
        self.resolve
            .nodes
            .iter()
            .filter_map(move |node| names.get(node.id.as_str()).copied())
    }

    /// The names of all packages that are linked into `package`: those reached by normal dependencies alone.
    pub(super) fn reached_by(&self, package: &Package) -> BTreeSet<&str> {
        let names = self.names();
        let nodes: BTreeMap<&str, &Node> = self
            .resolve
            .nodes
            .iter()
            .map(|node| (node.id.as_str(), node))
            .collect();
        let mut reached = BTreeSet::new();
        let mut open = vec![package.id.as_str()];
        while let Some(id) = open.pop() {
            let edges = nodes.get(id).into_iter().flat_map(|node| &node.deps);
            let linked = edges.filter(|edge| edge.is_normal());
            open.extend(
                linked
                    .map(|edge| edge.pkg.as_str())
                    .filter(|next| reached.insert(*next)),
            );
        }
        reached
            .into_iter()
            .filter_map(|id| names.get(id).copied())
            .collect()
    }

    fn names(&self) -> BTreeMap<&str, &str> {
        self.packages
            .iter()
            .map(|package| (package.id.as_str(), package.name.as_str()))
            .collect()
    }
}

impl Package {
    /// The package's folder, from the root.
    pub(crate) fn folder(&self) -> String {
        let manifest = Path::new(&self.manifest_path);
        from_root(manifest.parent().unwrap_or(manifest))
    }

    pub(super) fn is_under(&self, folder: &str) -> bool {
        self.folder().starts_with(folder)
    }
}

impl Dependency {
    /// Whether it is a crate of this workspace.
    pub(super) fn is_ours(&self) -> bool {
        self.path.is_some()
    }

    pub(super) fn is_under(&self, folder: &str) -> bool {
        let path = self.path.as_deref().map(Path::new);
        path.is_some_and(|path| from_root(path).starts_with(folder))
    }
}

impl Edge {
    fn is_normal(&self) -> bool {
        self.dep_kinds.iter().any(|edge| edge.kind == Kind::Normal)
    }
}

impl Kind {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Build => "build",
            Self::Dev => "dev",
        }
    }
}

/// Cargo writes a normal dependency's kind as `null`.
fn kind<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Kind, D::Error> {
    match Option::<String>::deserialize(deserializer)?.as_deref() {
        None => Ok(Kind::Normal),
        Some("build") => Ok(Kind::Build),
        Some("dev") => Ok(Kind::Dev),
        Some(other) => Err(serde::de::Error::custom(format!("unknown kind `{other}`"))),
    }
}

fn from_root(path: &Path) -> String {
    path.strip_prefix(tree::root())
        .unwrap_or(path)
        .to_string_lossy()
        .replace('\\', "/")
}

/// The target triple of this machine.
fn host() -> Result<String, Failure> {
    let version = Program::new("rustc").args(["-vV"]).output()?;
    String::from_utf8_lossy(&version)
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .map(str::to_owned)
        .ok_or_else(|| Failure::new("`rustc -vV` names no host"))
}
