//! CloudFront's path patterns: what they may contain, what they match and when one makes another unreachable.
//!
//! Source: CloudFront developer guide, cache behavior settings, path pattern. `*` is any run of characters including
//! `/`, `?` exactly one, everything else itself; matching is anchored and case-sensitive; a leading `/` is implied.

use serde::{Deserialize, Serialize};
use std::fmt;

/// CloudFront's limit for a pattern, in characters.
const PATTERN_CHARS_MAX: usize = 255;

/// A path pattern with its leading `/` written out, except for the default `*`.
///
/// - At most 255 characters from `A-Z a-z 0-9 _ - . * ? $ / ~ " ' @ : + &`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PathPattern(String);

/// Why a pattern was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// It has no characters.
    #[error("a path pattern must not be empty")]
    Empty,
    /// It is longer than CloudFront allows.
    #[error("a path pattern has at most {PATTERN_CHARS_MAX} characters, this one has {0}")]
    TooLong(usize),
    /// It has a character CloudFront does not allow.
    #[error(
        "`{0}` cannot stand in a path pattern; allowed are `A-Z a-z 0-9 _ - . * ? $ / ~ \" ' @ : + &`"
    )]
    Character(char),
}

impl PathPattern {
    /// Parses a pattern; a missing leading `/` is added.
    ///
    /// # Errors
    /// Names what CloudFront would refuse.
    pub fn new(text: &str) -> Result<Self, PatternError> {
        let allowed = |c: &char| c.is_ascii_alphanumeric() || "_-.*?$/~\"'@:+&".contains(*c);
        if text.is_empty() {
            return Err(PatternError::Empty);
        }
        if let Some(c) = text.chars().find(|c| !allowed(c)) {
            return Err(PatternError::Character(c));
        }
        if text.len() > PATTERN_CHARS_MAX {
            return Err(PatternError::TooLong(text.len()));
        }
        let implied = !text.starts_with('/') && text != "*";
        Ok(Self(if implied {
            format!("/{text}")
        } else {
            text.to_owned()
        }))
    }

    /// The default behavior's pattern.
    #[must_use]
    pub fn default_behavior() -> Self {
        Self("*".to_owned())
    }

    /// Whether this is the default behavior's pattern.
    #[must_use]
    pub fn is_default(&self) -> bool {
        self.0 == "*"
    }

    /// The pattern as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The characters before the first wildcard.
    #[must_use]
    pub fn literal_prefix(&self) -> &str {
        self.0.split(['*', '?']).next().unwrap_or_default()
    }

    /// Whether the pattern matches the whole of `path`, which begins with `/` and has no query.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        glob(self.0.as_bytes(), path.as_bytes())
    }

    /// Whether every path that `other` matches is matched by this pattern too. Sound: `true` is always right.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        covers(&normal(&self.0), &normal(&other.0))
    }
}

/// Greedy matching with one point of return: at most `pattern × text` steps.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while let Some(&byte) = text.get(t) {
        match pattern.get(p) {
            Some(b'*') => {
                retry = Some((p, t));
                p += 1;
            }
            Some(&want) if want == byte || want == b'?' => {
                p += 1;
                // `?` is one character, not one byte.
                t += if want == b'?' { char_len(byte) } else { 1 };
            }
            _ => match retry {
                Some((star, from)) => {
                    p = star + 1;
                    t = from + 1;
                    retry = Some((star, from + 1));
                }
                None => return false,
            },
        }
    }
    pattern
        .get(p..)
        .is_some_and(|rest| rest.iter().all(|b| *b == b'*'))
}

fn char_len(first: u8) -> usize {
    match first {
        0xC0..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xFF => 4,
        _ => 1,
    }
}

/// The pattern with each run of wildcards written as its `?` first and at most one `*` last, which changes no match.
fn normal(pattern: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(pattern.len());
    let mut star = false;
    for byte in pattern.bytes() {
        match byte {
            b'*' => star = true,
            b'?' => out.push(b'?'),
            literal => {
                if std::mem::take(&mut star) {
                    out.push(b'*');
                }
                out.push(literal);
            }
        }
    }
    if star {
        out.push(b'*');
    }
    out
}

/// Row by row over `outer`: `row[j]` says whether the rest of `outer` covers `inner[j..]`.
fn covers(outer: &[u8], inner: &[u8]) -> bool {
    let mut row = vec![false; inner.len() + 1];
    if let Some(last) = row.last_mut() {
        *last = true;
    }
    for &want in outer.iter().rev() {
        let next = row.clone();
        for j in (0..=inner.len()).rev() {
            let covered = match (want, inner.get(j)) {
                (b'*', None) => at(&next, j),
                (b'*', Some(_)) => at(&next, j) || at(&row, j + 1),
                (b'?', Some(&b)) => b != b'*' && at(&next, j + 1),
                (literal, Some(&b)) => literal == b && at(&next, j + 1),
                (_, None) => false,
            };
            if let Some(cell) = row.get_mut(j) {
                *cell = covered;
            }
        }
    }
    at(&row, 0)
}

fn at(row: &[bool], j: usize) -> bool {
    row.get(j).copied().unwrap_or(false)
}

impl TryFrom<String> for PathPattern {
    type Error = PatternError;
    fn try_from(text: String) -> Result<Self, PatternError> {
        Self::new(&text)
    }
}

impl From<PathPattern> for String {
    fn from(pattern: PathPattern) -> Self {
        pattern.0
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{PathPattern, PatternError};
    use proptest::prelude::*;

    #[track_caller]
    fn check(pattern: &str, path: &str, expected: bool) {
        assert_eq!(
            PathPattern::new(pattern).unwrap().matches(path),
            expected,
            "{pattern} on {path}"
        );
    }

    #[test]
    fn patterns_match_as_cloudfront_says() {
        check("images/*", "/images/a/b.jpg", true);
        check("*.jpg", "/a/b.jpg", true);
        check("*.jpg", "/a/b.JPG", false);
        check("/a??.jpg", "/ant.jpg", true);
        check("/a??.jpg", "/at.jpg", false);
        check("/test/*", "/test", false);
        check("*", "/", true);
        check("/a?b", "/aéb", true);
    }

    #[test]
    fn patterns_are_refused_with_the_reason() {
        assert_eq!(PathPattern::new(""), Err(PatternError::Empty));
        assert_eq!(
            PathPattern::new("/a%20b"),
            Err(PatternError::Character('%'))
        );
        assert_eq!(
            PathPattern::new(&"a".repeat(256)),
            Err(PatternError::TooLong(256))
        );
    }

    #[track_caller]
    fn check_covers(outer: &str, inner: &str, expected: bool) {
        let pattern = |text| PathPattern::new(text).unwrap();
        assert_eq!(
            pattern(outer).covers(&pattern(inner)),
            expected,
            "{outer} covers {inner}"
        );
    }

    #[test]
    fn a_pattern_covers_what_it_always_matches() {
        check_covers("*", "/anything/*", true);
        check_covers("/media/*", "/media/films/*.mp4", true);
        check_covers("/media/films/*", "/media/*", false);
        check_covers("/a*?", "/a?*", true);
        check_covers("*.jpg", "/images/*", false);
        check_covers("/x/*.jpg", "/x/?.jpg", true);
    }

    proptest! {
        #[test]
        fn covering_is_sound(outer in "/[ab*?]{0,6}", inner in "/[ab*?]{0,6}", path in "/[ab]{0,6}") {
            let (outer, inner) = (PathPattern::new(&outer).unwrap(), PathPattern::new(&inner).unwrap());
            if outer.covers(&inner) && inner.matches(&path) {
                prop_assert!(outer.matches(&path), "{outer} {inner} {path}");
            }
        }
    }
}
