//! How a release store answers: entry document, clean URLs, fallback, lifetimes by class, what collection keeps.

use crate::Seconds;
use serde::{Deserialize, Serialize};

/// The release settings of a site.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Releases {
    /// The directory index.
    pub entry: String,
    /// Whether `/guide` answers `guide.html` or `guide/` + `entry`.
    pub clean_urls: bool,
    /// The document for unknown paths, if any.
    pub fallback: Option<Fallback>,
    /// The document sent with a 404.
    pub not_found: Option<String>,
    /// Lifetimes; the first class that matches a path wins.
    pub classes: Vec<Class>,
    /// What garbage collection never takes.
    pub keep: Keep,
}

/// A document that answers for paths the release does not have.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fallback {
    /// Its path in the release.
    pub document: String,
    /// Always true: it answers navigations, never assets.
    pub only_for_navigation: bool,
}

/// Lifetimes of the paths that match.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Class {
    /// A glob: `*` within a segment, `**` across segments; without `/` it matches the file name.
    pub glob: String,
    /// `max-age`.
    pub browser: Seconds,
    /// `s-maxage`.
    pub edge: Seconds,
    /// `stale-while-revalidate`.
    pub stale_while_revalidate: Option<Seconds>,
    /// `stale-if-error`.
    pub stale_if_error: Option<Seconds>,
}

/// What garbage collection never takes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keep {
    /// That many of the newest releases.
    pub releases: u32,
    /// Anything younger.
    pub min_age: Seconds,
}
