//! What a release changes for readers, and which cached answers that makes wrong.
//!
//! Always holds: an invalidation names the keys under which the cache has the answers. Where a function rewrites paths in a
//! way that is not known, there is no list of keys that can be trusted, and none is made.

use crate::guards::{Guard, Guards};
use crate::key::VersionedKey;
use std::cmp::Ordering;
use std::collections::BTreeSet;

/// The paths in which two releases differ, each list in the order of its bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Only the new release has them.
    pub added: Vec<String>,
    /// Both have them, with other bytes or other metadata.
    pub changed: Vec<String>,
    /// Only the old release has them.
    pub gone: Vec<String>,
    /// How many are the same.
    pub unchanged: usize,
}

/// What happens to a request's path before the cache is asked.
#[derive(Clone, Copy)]
pub enum Rewriting<'a> {
    /// Nothing.
    None,
    /// The path becomes this one.
    By(&'a dyn Fn(&str) -> String),
    /// Something that is not known.
    Unknown,
}

/// How answers are found in the cache.
#[derive(Clone, Copy)]
pub struct CacheKeys<'a> {
    /// The directory index.
    pub entry: &'a str,
    /// Whether `/guide` answers `guide.html`.
    pub clean_urls: bool,
    /// Whether query strings are part of the key, so that one path has many.
    pub by_query: bool,
    /// What happens to the path first.
    pub rewriting: Rewriting<'a>,
}

/// Why there is no list of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a function rewrites paths in a way that is not known; invalidate by tag, or say how it rewrites"
)]
pub struct UnknownKeys;

impl Changes {
    /// Compares the files of two releases, each in the order of their paths.
    pub fn between<'a>(
        old: impl IntoIterator<Item = (&'a str, &'a VersionedKey)>,
        new: impl IntoIterator<Item = (&'a str, &'a VersionedKey)>,
    ) -> Self {
        let (mut old, mut new) = (old.into_iter().peekable(), new.into_iter().peekable());
        let mut changes = Self::default();
        loop {
            let order = match (old.peek(), new.peek()) {
                (None, None) => return changes,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some((before, _)), Some((after, _))) => before.cmp(after),
            };
            let before = old.next_if(|_| order != Ordering::Greater);
            let after = new.next_if(|_| order != Ordering::Less);
            match (before, after) {
                (Some((_, before)), Some((_, after))) if before == after => changes.unchanged += 1,
                (Some((path, _)), Some(_)) => changes.changed.push(path.to_owned()),
                (Some((path, _)), None) => changes.gone.push(path.to_owned()),
                (None, Some((path, _))) => changes.added.push(path.to_owned()),
                (None, None) => return changes,
            }
        }
    }

    /// The paths to invalidate, as CloudFront takes them: of what changed or is gone. What was added was answered by a 404
    /// that no cache kept.
    ///
    /// # Errors
    /// [`UnknownKeys`].
    pub fn invalidation(
        &self,
        keys: &CacheKeys<'_>,
        guards: Guards,
    ) -> Result<Vec<String>, UnknownKeys> {
        let paths = self.changed.iter().chain(&self.gone);
        let spellings: BTreeSet<String> = paths.flat_map(|path| keys.spellings(path)).collect();
        let rewritten: BTreeSet<String> = match keys.rewriting {
            Rewriting::By(rewrite) if guards.has(Guard::RewrittenKeys) => {
                spellings.iter().map(|path| rewrite(path)).collect()
            }
            Rewriting::Unknown if !spellings.is_empty() => return Err(UnknownKeys),
            _ => spellings,
        };
        let star = if keys.by_query { "*" } else { "" };
        Ok(rewritten
            .into_iter()
            .map(|path| format!("{path}{star}"))
            .collect())
    }
}

impl CacheKeys<'_> {
    /// Every path whose answer is the file.
    fn spellings(&self, path: &str) -> Vec<String> {
        let mut spellings = vec![format!("/{path}")];
        let directory = path.strip_suffix(self.entry);
        if let Some(directory) =
            directory.filter(|directory| directory.is_empty() || directory.ends_with('/'))
        {
            spellings.push(format!("/{directory}"));
            if self.clean_urls && !directory.is_empty() {
                spellings.push(format!("/{}", directory.trim_end_matches('/')));
            }
        } else if let Some(clean) = path.strip_suffix(".html").filter(|_| self.clean_urls) {
            spellings.push(format!("/{clean}"));
        }
        spellings
    }
}

#[cfg(test)]
mod tests {
    use super::{CacheKeys, Changes, Rewriting, UnknownKeys};
    use crate::guards::{Guard, Guards};
    use crate::key::{Digest, VersionedKey};
    use std::collections::BTreeMap;

    fn release(files: &[(&'static str, &str)]) -> BTreeMap<&'static str, VersionedKey> {
        let key = |text: &str| VersionedKey::of_object(0, &Digest::of(text.as_bytes()), None);
        files
            .iter()
            .map(|(path, text)| (*path, key(text)))
            .collect()
    }

    fn changes() -> Changes {
        let old = release(&[
            ("a.html", "1"),
            ("docs/index.html", "1"),
            ("gone.js", "1"),
            ("same.js", "1"),
        ]);
        let new = release(&[
            ("a.html", "2"),
            ("docs/index.html", "2"),
            ("new.js", "1"),
            ("same.js", "1"),
        ]);
        let files = |release: &'static BTreeMap<&'static str, VersionedKey>| {
            release.iter().map(|(path, key)| (*path, key))
        };
        Changes::between(
            files(Box::leak(Box::new(old))),
            files(Box::leak(Box::new(new))),
        )
    }

    fn keys(rewriting: Rewriting<'_>) -> CacheKeys<'_> {
        CacheKeys {
            entry: "index.html",
            clean_urls: true,
            by_query: false,
            rewriting,
        }
    }

    #[test]
    fn two_releases_differ_in_what_was_added_changed_or_is_gone() {
        let Changes {
            added,
            changed,
            gone,
            unchanged,
        } = changes();
        assert_eq!(
            (added, changed, gone, unchanged),
            (
                vec!["new.js".to_owned()],
                vec!["a.html".to_owned(), "docs/index.html".to_owned()],
                vec!["gone.js".to_owned()],
                1,
            )
        );
    }

    #[test]
    fn every_spelling_of_a_changed_path_is_invalidated_and_nothing_else() {
        let paths = changes()
            .invalidation(&keys(Rewriting::None), Guards::ALL)
            .unwrap();
        assert_eq!(
            paths,
            [
                "/a",
                "/a.html",
                "/docs",
                "/docs/",
                "/docs/index.html",
                "/gone.js"
            ]
        );
        let by_query = CacheKeys {
            by_query: true,
            ..keys(Rewriting::None)
        };
        assert_eq!(
            changes().invalidation(&by_query, Guards::ALL).unwrap()[0],
            "/a*"
        );
        assert_eq!(
            changes().invalidation(&keys(Rewriting::Unknown), Guards::ALL),
            Err(UnknownKeys)
        );
        assert_eq!(
            Changes::default().invalidation(&keys(Rewriting::Unknown), Guards::ALL),
            Ok(Vec::new())
        );
    }

    /// A cache behind a function that rewrites: what it still holds of `/a.html` after the invalidation.
    fn left_in_the_cache(guards: Guards) -> usize {
        let rewrite = |path: &str| format!("/site-1{path}");
        let mut cache = BTreeMap::from([(rewrite("/a.html"), "the old page")]);
        for path in changes()
            .invalidation(&keys(Rewriting::By(&rewrite)), guards)
            .unwrap()
        {
            cache.remove(&path);
        }
        cache.len()
    }

    #[test]
    fn an_invalidation_that_misses_the_rewritten_key_is_found() {
        assert_eq!(left_in_the_cache(Guards::ALL), 0);
        assert_eq!(
            left_in_the_cache(Guards::without(Guard::RewrittenKeys)),
            1,
            "the planted fault shows"
        );
    }
}
