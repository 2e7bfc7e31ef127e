//! A release before it is written: its files, and the rules by which a site answers around them.

use crate::headers::HeaderRule;
use crate::key::{Digest, VersionedKey};
use crate::redirects::Redirect;
use std::collections::BTreeMap;

/// The longest public path, in bytes; a key holds a digest instead, so this is CloudFront's room for a URL.
pub const PATH_BYTES_MAX: usize = 4_096;
/// The most files of a release.
pub const FILES_MAX: usize = 4_000_000;
/// The longest text that is stored for a file besides its path (media type, lifetime, tags), in bytes.
pub const TEXT_BYTES_MAX: usize = 4_096;
/// The most classes of lifetimes.
pub const CLASSES_MAX: usize = 255;

/// A content coding (RFC 9110, section 8.4.1; RFC 7932; RFC 8878).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Coding {
    /// Brotli.
    Brotli,
    /// gzip.
    Gzip,
    /// Zstandard.
    Zstd,
}

/// One release.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Release {
    /// The files by public path, without the first slash.
    pub files: BTreeMap<String, File>,
    /// How the site answers around them.
    pub rules: Rules,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// The object that holds its bytes.
    pub object: Object,
    /// `Content-Type`.
    pub content_type: String,
    /// `Cache-Control` as it is stored with the object.
    pub cache_control: String,
    /// The number of its class in [`Rules::classes`], if it has one.
    pub class: Option<u8>,
    /// Whether its name changes with its content, so that older releases go on answering by it.
    pub versioned: bool,
    /// Cache tags of its own, besides those of its release, class and path.
    pub tags: Vec<String>,
    /// The same content in codings, each at most once.
    pub variants: Vec<(Coding, Object)>,
}

/// A stored object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Its key; of an object, never of a manifest.
    pub key: VersionedKey,
    /// The stored size in bytes.
    pub size: u64,
    /// The SHA-256 of the stored bytes.
    pub sha256: Digest,
}

/// How a site answers around its files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    /// The directory index, a file name; empty for none.
    pub entry: String,
    /// Whether `/guide` answers `guide.html` or `guide/` and the entry document.
    pub clean_urls: bool,
    /// The path of the document that answers navigations to unknown paths.
    pub fallback: Option<String>,
    /// The path of the document sent with a 404.
    pub not_found: Option<String>,
    /// The names of the classes of lifetimes, for cache tags; at most [`CLASSES_MAX`].
    pub classes: Vec<String>,
    /// The redirects and rewrites, the first that matches wins.
    pub redirects: Vec<Redirect>,
    /// The header rules; all that match apply.
    pub headers: Vec<HeaderRule>,
}

impl Coding {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Brotli, Self::Gzip, Self::Zstd];

    /// Its name in `Content-Encoding`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }

    /// The coding of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|coding| coding.name() == name)
    }
}
