//! The `Cache-Control` of a file: its class's, or what its name proves.

use portcullis_site::{Class, Releases};
use std::fmt::Write as _;

/// For a name that changes with its content.
const IMMUTABLE: &str = "public, max-age=31536000, immutable";
/// For any other: kept, but asked about each time.
const REVALIDATED: &str = "public, max-age=0, must-revalidate";

/// The lifetimes of a site.
#[derive(Debug, Clone, Copy)]
pub struct Lifetimes<'a>(&'a Releases);

impl<'a> Lifetimes<'a> {
    /// The lifetimes that `releases` gives.
    #[must_use]
    pub const fn new(releases: &'a Releases) -> Self {
        Self(releases)
    }

    /// The number of the class of `path` and its `Cache-Control`. A document that answers for other paths, or for
    /// directories, is no versioned one whatever its name.
    #[must_use]
    pub fn of(self, path: &str, versioned: bool) -> (Option<usize>, String) {
        let classes = self.0.classes.iter().enumerate();
        let mut matching = classes.filter(|(_, class)| matches(&class.glob, path));
        match matching.next() {
            Some((number, class)) => (Some(number), stated(class)),
            None if versioned => (None, IMMUTABLE.to_owned()),
            None => (None, REVALIDATED.to_owned()),
        }
    }
}

fn stated(class: &Class) -> String {
    let mut text = format!(
        "public, max-age={}, s-maxage={}",
        class.browser.get(),
        class.edge.get()
    );
    let options = [
        ("stale-while-revalidate", class.stale_while_revalidate),
        ("stale-if-error", class.stale_if_error),
    ];
    for (name, seconds) in options {
        if let Some(seconds) = seconds {
            // Writing to a string cannot fail.
            let _ = write!(text, ", {name}={}", seconds.get());
        }
    }
    text
}

/// Whether a class's glob matches: `*` within a segment, `**` across segments; without `/` the file name.
fn matches(glob: &str, path: &str) -> bool {
    let glob = glob.strip_prefix('/').unwrap_or(glob);
    if glob.contains('/') {
        return segments(glob.as_bytes(), path.as_bytes());
    }
    let name = path.rsplit('/').next().unwrap_or(path);
    segments(
        glob.as_bytes(),
        if glob == "**" {
            path.as_bytes()
        } else {
            name.as_bytes()
        },
    )
}

/// Walks both texts once; of each kind of star the last one is where a mismatch goes back to.
fn segments(glob: &[u8], path: &[u8]) -> bool {
    let (mut at, mut from) = (0, 0);
    let (mut star, mut deep) = (None, None);
    loop {
        let rest = glob.get(at..).unwrap_or_default();
        match (rest, path.get(from)) {
            ([b'*', b'*', b'/', ..], _) => {
                // Also no directory at all.
                deep = Some((at, at + 3, from));
                (at, star) = (at + 3, None);
            }
            ([b'*', b'*', ..], _) => {
                deep = Some((at, at + 2, from));
                (at, star) = (at + 2, None);
            }
            ([b'*', ..], _) => {
                star = Some((at + 1, from));
                at += 1;
            }
            ([], None) => return true,
            ([byte, ..], Some(found)) if byte == found => (at, from) = (at + 1, from + 1),
            _ => match (star, deep) {
                (Some((after, start)), _) if path.get(start).is_some_and(|byte| *byte != b'/') => {
                    star = Some((after, start + 1));
                    (at, from) = (after, start + 1);
                }
                (_, Some((begin, after, start))) if start < path.len() => {
                    // `**/` takes whole directories, `**` any number of bytes.
                    let whole = after - begin == 3;
                    let skipped = path
                        .get(start..)
                        .unwrap_or_default()
                        .iter()
                        .position(|byte| *byte == b'/');
                    let Some(next) = (if whole {
                        skipped.map(|end| start + end + 1)
                    } else {
                        Some(start + 1)
                    }) else {
                        return false;
                    };
                    deep = Some((begin, after, next));
                    (at, from, star) = (after, next, None);
                }
                _ => return false,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn globs_match_within_and_across_segments() {
        for (glob, path, expected) in [
            ("*.html", "a/b.html", true),
            ("*.html", "a/b.htm", false),
            ("**", "a/b/c", true),
            ("assets/**", "assets/a/b.js", true),
            ("assets/*", "assets/a/b.js", false),
            ("assets/*", "assets/b.js", true),
            ("/assets/*.js", "assets/b.js", true),
            ("**/img/*.png", "img/a.png", true),
            ("**/img/*.png", "x/y/img/a.png", true),
            ("**/img/*.png", "x/img/y/a.png", false),
            ("a/**/b.js", "a/b.js", true),
            ("a/**/b.js", "a/x/y/b.js", true),
            ("a/**/b.js", "a/xb.js", false),
            ("*-*.css", "main-1-2.css", true),
            ("", "x", false),
        ] {
            assert_eq!(matches(glob, path), expected, "{glob} {path}");
        }
    }
}
