//! Path patterns of `_redirects` and `_headers`: literal text, `:name` for one whole segment, at most one `*` for anything.
//!
//! Always holds: matching takes one pass and no backtracking. Paths are decoded and begin with `/`; a pattern is compared
//! with them as it is written, a final `/` included.

use std::fmt;

/// The longest pattern, in bytes.
pub const PATTERN_BYTES_MAX: usize = 1_024;
/// The most placeholders of a pattern.
pub const PLACEHOLDERS_MAX: usize = 16;

/// The name under which a redirect's target has what `*` matched.
pub const SPLAT: &str = "splat";

/// A parsed pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    text: Box<str>,
    /// What stands before the `*`, or all.
    parts: Vec<Part>,
    /// What stands after the `*`, if there is one.
    suffix: Option<Box<str>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(Box<str>),
    Placeholder(Box<str>),
}

/// What the placeholders of a pattern stand for in a path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Captures<'p, 's> {
    values: Vec<(&'p str, &'s str)>,
}

/// Why a text is no pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// It does not begin with `/`.
    #[error("a pattern begins with `/`")]
    NotAbsolute,
    /// It is too long.
    #[error("a pattern has at most {PATTERN_BYTES_MAX} bytes")]
    TooLong,
    /// It has more than one `*`, or a placeholder after it.
    #[error("a pattern has one `*` at most, and no placeholder after it")]
    Stars,
    /// A placeholder is not a whole segment, or its name is not letters, digits and `_`, or is used twice.
    #[error(
        "a placeholder is a whole segment, `:name` of letters, digits and `_`, each name once, at most {PLACEHOLDERS_MAX}"
    )]
    Placeholder,
    /// It has a control character, `?` or `#`.
    #[error("a pattern has no query, fragment or control character")]
    Forbidden,
}

impl Pattern {
    /// Parses a pattern.
    ///
    /// # Errors
    /// [`PatternError`].
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        if !text.starts_with('/') {
            return Err(PatternError::NotAbsolute);
        }
        if text.len() > PATTERN_BYTES_MAX {
            return Err(PatternError::TooLong);
        }
        if text
            .chars()
            .any(|c| c.is_control() || matches!(c, '?' | '#'))
        {
            return Err(PatternError::Forbidden);
        }
        let (before, suffix) = match text.split_once('*') {
            Some((before, suffix)) => (before, Some(suffix)),
            None => (text, None),
        };
        if suffix.is_some_and(|suffix| suffix.contains('*') || suffix.contains("/:")) {
            return Err(PatternError::Stars);
        }
        Ok(Self {
            parts: parts(before, suffix.is_some())?,
            suffix: suffix.map(Box::from),
            text: text.into(),
        })
    }

    /// The pattern as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it matches one path only, itself.
    #[must_use]
    pub fn is_literal(&self) -> bool {
        self.suffix.is_none()
            && self
                .parts
                .iter()
                .all(|part| matches!(part, Part::Literal(_)))
    }

    /// Whether a target may name this placeholder.
    pub(crate) fn has(&self, name: &str) -> bool {
        let named = |part: &Part| matches!(part, Part::Placeholder(known) if **known == *name);
        (name == SPLAT && self.suffix.is_some()) || self.parts.iter().any(named)
    }

    /// What the placeholders stand for, if the pattern matches `path`.
    #[must_use]
    pub fn captures<'p, 's>(&'p self, path: &'s str) -> Option<Captures<'p, 's>> {
        let mut captures = Captures::default();
        let mut rest = path;
        for part in &self.parts {
            rest = match part {
                Part::Literal(text) => rest.strip_prefix(&**text)?,
                Part::Placeholder(name) => {
                    let (value, after) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
                    if value.is_empty() {
                        return None;
                    }
                    captures.values.push((name, value));
                    after
                }
            };
        }
        match &self.suffix {
            None => rest.is_empty().then_some(captures),
            Some(suffix) => {
                captures.values.push((SPLAT, rest.strip_suffix(&**suffix)?));
                Some(captures)
            }
        }
    }
}

impl<'s> Captures<'_, 's> {
    /// What `name` stands for.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'s str> {
        let mut values = self.values.iter();
        values
            .find(|(known, _)| *known == name)
            .map(|(_, value)| *value)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn parts(text: &str, before_star: bool) -> Result<Vec<Part>, PatternError> {
    let mut parts = Vec::new();
    let mut literal = String::new();
    let mut names: Vec<&str> = Vec::new();
    let mut segments = text.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        literal.push('/');
        let Some(name) = segment.strip_prefix(':') else {
            literal.push_str(segment);
            continue;
        };
        let cut_by_star = before_star && segments.peek().is_none();
        if !is_name(name) || name == SPLAT || names.contains(&name) || cut_by_star {
            return Err(PatternError::Placeholder);
        }
        if names.len() == PLACEHOLDERS_MAX {
            return Err(PatternError::Placeholder);
        }
        names.push(name);
        parts.push(Part::Literal(std::mem::take(&mut literal).into()));
        parts.push(Part::Placeholder(name.into()));
    }
    if !literal.is_empty() {
        parts.push(Part::Literal(literal.into()));
    }
    Ok(parts)
}

/// Whether a placeholder may be called so.
pub(crate) fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::{Pattern, PatternError};

    #[track_caller]
    fn check(pattern: &str, path: &str, expected: Option<&[(&str, &str)]>) {
        let parsed = Pattern::parse(pattern).unwrap();
        let captures = parsed.captures(path).map(|captures| captures.values);
        assert_eq!(captures.as_deref(), expected, "{pattern} {path}");
    }

    #[test]
    fn patterns_match_paths_and_name_their_parts() {
        check("/a", "/a", Some(&[]));
        check("/a", "/a/", None);
        check("/a/", "/a", None);
        check("/", "/", Some(&[]));
        check("/a*", "/abc", Some(&[("splat", "bc")]));
        check("/a/*", "/a/", Some(&[("splat", "")]));
        check("/a/*", "/a/b/c", Some(&[("splat", "b/c")]));
        check("/a/*", "/a", None);
        check("/*.js", "/x/y.js", Some(&[("splat", "x/y")]));
        check("/*.js", "/x/y.css", None);
        check(
            "/b/:y/:m",
            "/b/2026/01",
            Some(&[("y", "2026"), ("m", "01")]),
        );
        check("/b/:y/:m", "/b/2026/", None);
        check("/b/:y/:m", "/b/2026/01/02", None);
        check("/b/:y/*", "/b/x/y/z", Some(&[("y", "x"), ("splat", "y/z")]));
        check("/été", "/été", Some(&[]));
        check("/a:b", "/a:b", Some(&[]));
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_no_pattern() {
        for (text, why) in [
            ("a", PatternError::NotAbsolute),
            ("/**", PatternError::Stars),
            ("/*/:a", PatternError::Stars),
            ("/:", PatternError::Placeholder),
            ("/:a-b", PatternError::Placeholder),
            ("/:a/:a", PatternError::Placeholder),
            ("/:splat", PatternError::Placeholder),
            ("/:a*", PatternError::Placeholder),
            ("/a?b", PatternError::Forbidden),
            ("/a#b", PatternError::Forbidden),
        ] {
            assert_eq!(Pattern::parse(text), Err(why), "{text}");
        }
    }
}
