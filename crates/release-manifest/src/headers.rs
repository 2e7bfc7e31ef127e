//! `_headers`: a path, and below it, indented, the headers of the answers to it.
//!
//! ```text
//! /assets/*
//!   X-Robots-Tag: noindex
//!   ! X-Frame-Options
//! ```
//!
//! All rules that match apply, in their order: values of one name are joined with a comma, `!` takes a name away.
//!
//! Always holds: a rule cannot touch what frames the answer, identifies it, or is the gateway's own to say.

use crate::pattern::{Pattern, PatternError};

/// The most rules.
pub const RULES_MAX: usize = 200;
/// The most headers of one rule.
pub const HEADERS_MAX: usize = 50;
/// The longest name, in bytes.
pub const NAME_BYTES_MAX: usize = 64;
/// The longest value, in bytes.
pub const VALUE_BYTES_MAX: usize = 2_000;

/// Names that are the gateway's: framing, validators, negotiation, redirects, what varies or is varied by, the cache's
/// tags, and cookies, which a cache would hand to everyone.
const RESERVED: [&str; 24] = [
    "accept-ranges",
    "age",
    "cache-tag",
    "connection",
    "content-encoding",
    "content-length",
    "content-range",
    "date",
    "etag",
    "expect",
    "expires",
    "keep-alive",
    "last-modified",
    "location",
    "server",
    "set-cookie",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "vary",
    "via",
    "warning",
    "www-authenticate",
];
/// Beginnings of names that are the gateway's or CloudFront's.
const RESERVED_PREFIXES: [&str; 7] = [
    "access-control-",
    "cloudfront-",
    "proxy-",
    "x-accel-",
    "x-amz-",
    "x-edge-",
    "x-portcullis-",
];

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderRule {
    path: Pattern,
    changes: Vec<Change>,
}

/// What a rule does to one name, which is in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Adds a value.
    Add(Box<str>, Box<str>),
    /// Takes away what rules before it added.
    Remove(Box<str>),
}

/// Why a line cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// The path.
    #[error(transparent)]
    Path(#[from] PatternError),
    /// A header stands before any path.
    #[error("a header stands below the path it is for")]
    NoPath,
    /// It is not `Name: value` or `! Name`.
    #[error("a header is `Name: value`, or `! Name` to take one away")]
    Form,
    /// The name is reserved.
    #[error(
        "this header is not the site's to set; access-control headers belong to the behavior's `cors`"
    )]
    Reserved,
    /// Too many of something.
    #[error("there are more than {RULES_MAX} rules, or {HEADERS_MAX} headers in one")]
    TooMany,
}

impl Change {
    /// A value that is added.
    ///
    /// # Errors
    /// [`HeaderError::Form`] and [`HeaderError::Reserved`].
    pub fn add(name: &str, value: &str) -> Result<Self, HeaderError> {
        let value = value.trim_matches([' ', '\t']);
        let is_text = value
            .bytes()
            .all(|b| b == b'\t' || (0x20..0x7F).contains(&b));
        if value.is_empty() || value.len() > VALUE_BYTES_MAX || !is_text {
            return Err(HeaderError::Form);
        }
        Ok(Self::Add(checked_name(name)?, value.into()))
    }

    /// A name that is taken away.
    ///
    /// # Errors
    /// [`HeaderError::Form`] and [`HeaderError::Reserved`].
    pub fn remove(name: &str) -> Result<Self, HeaderError> {
        checked_name(name).map(Self::Remove)
    }
}

impl HeaderRule {
    /// A rule for `path`.
    ///
    /// # Errors
    /// [`HeaderError`].
    pub fn new(path: &str, changes: Vec<Change>) -> Result<Self, HeaderError> {
        if changes.len() > HEADERS_MAX {
            return Err(HeaderError::TooMany);
        }
        let path = Pattern::parse(path)?;
        Ok(Self { path, changes })
    }

    /// What it matches.
    #[must_use]
    pub const fn path(&self) -> &Pattern {
        &self.path
    }

    /// What it does.
    #[must_use]
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }
}

/// The headers that `rules` give the answers to `path`, which is decoded and begins with `/`.
#[must_use]
pub fn applied<'a>(rules: &'a [HeaderRule], path: &str) -> Vec<(&'a str, String)> {
    let matching = rules
        .iter()
        .filter(|rule| rule.path.captures(path).is_some());
    let mut headers: Vec<(&str, String)> = Vec::new();
    for change in matching.flat_map(|rule| &rule.changes) {
        match change {
            Change::Remove(gone) => headers.retain(|(name, _)| *name != &**gone),
            Change::Add(name, value) => {
                match headers.iter_mut().find(|(known, _)| *known == &**name) {
                    Some((_, known)) => {
                        known.push_str(", ");
                        known.push_str(value);
                    }
                    None => headers.push((name, value.to_string())),
                }
            }
        }
    }
    headers
}

/// The rules of a file, and the lines that cannot be used.
///
/// # Errors
/// Every line that cannot be used, with its number from 1.
pub fn parse(text: &str) -> Result<Vec<HeaderRule>, Vec<(usize, HeaderError)>> {
    let (mut rules, mut faults) = (Vec::<HeaderRule>::new(), Vec::new());
    for (number, line) in text.lines().enumerate() {
        let is_indented = line.starts_with([' ', '\t']);
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let read = if is_indented {
            header(line, rules.last_mut())
        } else {
            HeaderRule::new(line, Vec::new()).map(|rule| rules.push(rule))
        };
        let read = read.and(match rules.len() {
            0..=RULES_MAX => Ok(()),
            _ => Err(HeaderError::TooMany),
        });
        if let Err(why) = read {
            faults.push((number + 1, why));
            if why == HeaderError::TooMany {
                break;
            }
        }
    }
    if faults.is_empty() {
        Ok(rules)
    } else {
        Err(faults)
    }
}

fn header(line: &str, rule: Option<&mut HeaderRule>) -> Result<(), HeaderError> {
    let rule = rule.ok_or(HeaderError::NoPath)?;
    let change = match line.strip_prefix('!') {
        Some(name) => Change::remove(name.trim())?,
        None => {
            let (name, value) = line.split_once(':').ok_or(HeaderError::Form)?;
            Change::add(name.trim_end(), value)?
        }
    };
    if rule.changes.len() == HEADERS_MAX {
        return Err(HeaderError::TooMany);
    }
    rule.changes.push(change);
    Ok(())
}

fn checked_name(name: &str) -> Result<Box<str>, HeaderError> {
    let is_token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.bytes().all(is_token) {
        return Err(HeaderError::Form);
    }
    let name = name.to_ascii_lowercase();
    let reserved = RESERVED.contains(&name.as_str())
        || RESERVED_PREFIXES
            .iter()
            .any(|prefix| name.starts_with(prefix));
    if reserved {
        return Err(HeaderError::Reserved);
    }
    Ok(name.into())
}

#[cfg(test)]
mod tests {
    use super::{HeaderError, applied, parse};

    #[test]
    fn all_rules_that_match_apply_in_their_order() {
        let rules =
            parse("# c\n/*\n  X-A: 1\n  X-B: 2\n/a/*\n\tx-a: 3\n  ! X-B\n/a/b\n  X-C: x: y\n")
                .unwrap();
        for (path, expected) in [
            ("/z", vec![("x-a", "1"), ("x-b", "2")]),
            ("/a/z", vec![("x-a", "1, 3")]),
            ("/a/b", vec![("x-a", "1, 3"), ("x-c", "x: y")]),
        ] {
            let headers = applied(&rules, path);
            let headers: Vec<_> = headers.iter().map(|(n, v)| (*n, v.as_str())).collect();
            assert_eq!(headers, expected, "{path}");
        }
    }

    #[test]
    fn what_a_site_may_not_say_is_named_with_its_line() {
        use HeaderError as E;
        for (line, why) in [
            ("  Content-Length: 1", E::Reserved),
            ("  Set-Cookie: a=b", E::Reserved),
            ("  Access-Control-Allow-Origin: *", E::Reserved),
            ("  X-Portcullis-Id: 1", E::Reserved),
            ("  no header", E::Form),
            ("  X-A:", E::Form),
            ("  X A: 1", E::Form),
            ("  X-A: \u{e9}", E::Form),
        ] {
            assert_eq!(
                parse(&format!("/a\n{line}\n")),
                Err(vec![(2, why)]),
                "{line}"
            );
        }
        assert_eq!(parse("  X-A: 1"), Err(vec![(1, E::NoPath)]));
    }
}
