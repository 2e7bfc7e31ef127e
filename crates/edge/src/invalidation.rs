//! Invalidations: which copies a path removes (DG:invalidation-specifying-objects).
//!
//! Always holds: a `*` is a wildcard at the end and a character anywhere else; paths are compared as CloudFront keeps them,
//! case and escapes included; of a key every variant goes, whatever its headers, cookies and codings. Where the key has a
//! query string, it is part of the path.

use crate::key::{CacheKey, Part};
use crate::network::Network;

/// The longest path of an invalidation, in bytes. CloudFront does not say; a URL has no more.
pub const PATH_BYTES_MAX: usize = 8_192;
/// The most paths of one invalidation that have no wildcard (DG:cloudfront-limits).
pub const PATHS_MAX: usize = 3_000;
/// The most paths with a wildcard at the same time (DG:cloudfront-limits).
pub const WILDCARDS_MAX: usize = 15;

/// A path to invalidate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidationPath {
    path: String,
    is_prefix: bool,
}

/// Why a text is no path to invalidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAPath {
    /// It does not begin with a slash. The console adds one; the API refuses it.
    #[error("a path begins with `/`")]
    NoSlash,
    /// It is too long.
    #[error("a path has at most {PATH_BYTES_MAX} bytes")]
    TooLong,
}

impl InvalidationPath {
    /// The path that a text means.
    ///
    /// # Errors
    /// [`NotAPath`]
    pub fn new(text: &str) -> Result<Self, NotAPath> {
        if !text.starts_with('/') {
            return Err(NotAPath::NoSlash);
        }
        if text.len() > PATH_BYTES_MAX {
            return Err(NotAPath::TooLong);
        }
        Ok(match text.strip_suffix('*') {
            Some(prefix) => Self {
                path: prefix.to_owned(),
                is_prefix: true,
            },
            None => Self {
                path: text.to_owned(),
                is_prefix: false,
            },
        })
    }

    /// Whether it ends with the wildcard.
    #[must_use]
    pub fn is_wildcard(&self) -> bool {
        self.is_prefix
    }

    /// Whether it removes what is kept under a path, with its query string if the key has one.
    #[must_use]
    pub fn removes(&self, target: &str) -> bool {
        if self.is_prefix {
            target.starts_with(&self.path)
        } else {
            target == self.path
        }
    }
}

impl Network {
    /// Removes the copies of a distribution, by its domain name, that any of the paths names, at every tier. Returns how
    /// many went.
    pub fn invalidate(&mut self, domain: &str, paths: &[InvalidationPath]) -> usize {
        self.remove_if(|_, key, _| {
            let (own, target) = named(key);
            own == domain && paths.iter().any(|path| path.removes(&target))
        })
    }
}

/// The domain name and the path with its query of a key.
fn named(key: &CacheKey) -> (String, String) {
    let (mut domain, mut path, mut query) = (String::new(), String::new(), String::new());
    for (part, text) in key.parts() {
        match part {
            Part::Domain => domain = text,
            Part::Path => path = text,
            Part::Query if !text.is_empty() => query = format!("?{text}"),
            _ => {}
        }
    }
    path.push_str(&query);
    (domain, path)
}
