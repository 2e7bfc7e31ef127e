//! `_redirects`: one rule a line, `FROM TO [STATUS][!]`, the first that matches wins.
//!
//! The common part of what hosts understand: `#` comments; `:name` and `*` in FROM, `:name` and `:splat` in TO; 301 by
//! default; 302, 303, 307, 308; 200 for a rewrite within the site; 404 and 410 with a document; `!` for a rule that holds
//! even where there is a file. Conditions on queries, countries, languages, roles and hosts are refused by name.
//!
//! Always holds: a placeholder never stands where it could choose the host; what it stands for is percent-encoded.

use crate::pattern::{Captures, Pattern, PatternError, SPLAT, is_name};
use std::fmt::Write as _;

/// The most rules without placeholders.
pub const STATIC_MAX: usize = 2_000;
/// The most rules with placeholders; each request may look at all of them.
pub const DYNAMIC_MAX: usize = 100;
/// The longest target, in bytes.
pub const TARGET_BYTES_MAX: usize = 2_048;

/// What a rule does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Sends the viewer to the target, with 301, 302, 303, 307 or 308.
    Redirect(u16),
    /// Answers with the file at the target: 200.
    Rewrite,
    /// Answers 404 or 410 with the document at the target.
    Gone(u16),
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redirect {
    from: Pattern,
    to: Box<str>,
    action: Action,
    forced: bool,
}

/// Why a rule cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RedirectError {
    /// It has no target, or conditions.
    #[error(
        "a rule is `FROM TO [STATUS][!]`; conditions on the query, the country, the language or a role are not understood"
    )]
    Form,
    /// The path it is for.
    #[error(transparent)]
    From(#[from] PatternError),
    /// The target is no path or URL.
    #[error(
        "a target is a path that begins with one `/`, or an `https://` or `http://` URL, in printable ASCII"
    )]
    Target,
    /// A rewrite leaves the site.
    #[error("the target of a 200, 404 or 410 is a path of this site, without query and fragment")]
    Elsewhere,
    /// The target names a placeholder that the path does not have, or has one before its path.
    #[error(
        "the target names a placeholder that the pattern does not have, or has one in its host"
    )]
    Placeholder,
    /// The status is none of those known.
    #[error("the status is 200, 301, 302, 303, 307, 308, 404 or 410")]
    Status,
    /// There are too many.
    #[error("there are more than {STATIC_MAX} rules, or {DYNAMIC_MAX} with placeholders")]
    TooMany,
}

impl Redirect {
    /// A rule from `from` to `to`.
    ///
    /// # Errors
    /// [`RedirectError`].
    pub fn new(from: &str, to: &str, status: u16, forced: bool) -> Result<Self, RedirectError> {
        let from = Pattern::parse(from)?;
        let action = match status {
            301 | 302 | 303 | 307 | 308 => Action::Redirect(status),
            200 => Action::Rewrite,
            404 | 410 => Action::Gone(status),
            _ => return Err(RedirectError::Status),
        };
        let path = target_path(to)?;
        if !matches!(action, Action::Redirect(_))
            && (!to.starts_with('/') || to.contains(['?', '#']))
        {
            return Err(RedirectError::Elsewhere);
        }
        let before = to.len() - path.len();
        let is_known = pieces(to).all(|(at, piece)| match piece {
            Piece::Literal(_) => true,
            Piece::Placeholder(name) => at >= before && from.has(name),
        });
        if !is_known {
            return Err(RedirectError::Placeholder);
        }
        Ok(Self {
            from,
            to: to.into(),
            action,
            forced,
        })
    }

    /// What it matches.
    #[must_use]
    pub const fn from(&self) -> &Pattern {
        &self.from
    }

    /// Where it leads, with placeholders.
    #[must_use]
    pub fn to(&self) -> &str {
        &self.to
    }

    /// What it does.
    #[must_use]
    pub const fn action(&self) -> Action {
        self.action
    }

    /// Whether it holds where there is a file too.
    #[must_use]
    pub const fn is_forced(&self) -> bool {
        self.forced
    }

    pub(crate) const fn status(&self) -> u16 {
        match self.action {
            Action::Redirect(status) | Action::Gone(status) => status,
            Action::Rewrite => 200,
        }
    }

    /// The target for a path that matches; `None` if it does not, or if what it leads to could name another host.
    #[must_use]
    pub fn target(&self, path: &str) -> Option<String> {
        self.from
            .captures(path)
            .and_then(|captures| self.expand(&captures))
    }

    fn expand(&self, captures: &Captures<'_, '_>) -> Option<String> {
        let mut target = String::with_capacity(self.to.len());
        for (_, piece) in pieces(&self.to) {
            match piece {
                Piece::Literal(text) => target.push_str(text),
                Piece::Placeholder(name) => encode_into(&mut target, captures.get(name)?),
            }
        }
        let other_host = target.starts_with("//") || target.starts_with("/\\");
        (!other_host).then_some(target)
    }
}

/// The rules of a file, and the lines that are none.
///
/// # Errors
/// Every line that is no rule, with its number from 1.
pub fn parse(text: &str) -> Result<Vec<Redirect>, Vec<(usize, RedirectError)>> {
    let (mut rules, mut faults) = (Vec::new(), Vec::new());
    for (number, line) in text.lines().enumerate() {
        let line = line.split_once(" #").map_or(line, |(line, _)| line).trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match parse_line(line) {
            Ok(rule) => rules.push(rule),
            Err(why) => faults.push((number + 1, why)),
        }
        if let Err(why) = within_limits(&rules) {
            faults.push((number + 1, why));
            break;
        }
    }
    if faults.is_empty() {
        Ok(rules)
    } else {
        Err(faults)
    }
}

/// Whether there are no more rules than a reader takes.
pub(crate) fn within_limits(rules: &[Redirect]) -> Result<(), RedirectError> {
    if rules.len() > STATIC_MAX + DYNAMIC_MAX {
        return Err(RedirectError::TooMany);
    }
    let literal = rules.iter().filter(|rule| rule.from.is_literal()).count();
    if literal > STATIC_MAX || rules.len() - literal > DYNAMIC_MAX {
        return Err(RedirectError::TooMany);
    }
    Ok(())
}

fn parse_line(line: &str) -> Result<Redirect, RedirectError> {
    let mut words = line.split_ascii_whitespace();
    let (Some(from), Some(to)) = (words.next(), words.next()) else {
        return Err(RedirectError::Form);
    };
    let (status, forced) = match words.next() {
        None => (301, false),
        Some(word) => {
            let (digits, forced) = match word.strip_suffix('!') {
                Some(digits) => (digits, true),
                None => (word, false),
            };
            let status = digits.parse().map_err(|_| RedirectError::Form)?;
            (status, forced)
        }
    };
    match words.next() {
        None => Redirect::new(from, to, status, forced),
        Some(_) => Err(RedirectError::Form),
    }
}

/// The part of a target that begins with its path.
fn target_path(to: &str) -> Result<&str, RedirectError> {
    let is_printable =
        to.len() <= TARGET_BYTES_MAX && to.bytes().all(|b| (0x21..0x7F).contains(&b));
    if !is_printable || to.contains(['\\', '"', '<', '>']) {
        return Err(RedirectError::Target);
    }
    if to.starts_with('/') && !to.starts_with("//") {
        return Ok(to);
    }
    let rest = to
        .strip_prefix("https://")
        .or_else(|| to.strip_prefix("http://"))
        .ok_or(RedirectError::Target)?;
    let authority = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    if authority == 0 || rest.get(..authority).is_none_or(|host| host.contains('@')) {
        return Err(RedirectError::Target);
    }
    rest.get(authority..).ok_or(RedirectError::Target)
}

enum Piece<'a> {
    Literal(&'a str),
    Placeholder(&'a str),
}

/// The pieces of a target and where each begins. A `:` that no name follows is text.
fn pieces(to: &str) -> impl Iterator<Item = (usize, Piece<'_>)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = to.get(at..).filter(|rest| !rest.is_empty())?;
        let start = at;
        if let Some(name) = placeholder(rest) {
            at += 1 + name.len();
            return Some((start, Piece::Placeholder(name)));
        }
        let next = rest.match_indices(':').map(|(colon, _)| colon);
        let end = next
            .filter(|colon| *colon > 0)
            .find(|colon| rest.get(*colon..).and_then(placeholder).is_some());
        let end = end.unwrap_or(rest.len());
        at += end;
        Some((start, Piece::Literal(rest.get(..end)?)))
    })
}

/// The name of the placeholder that `text` begins with. A port is none: names do not begin with a digit.
fn placeholder(text: &str) -> Option<&str> {
    let rest = text.strip_prefix(':')?;
    let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    let name = rest.get(..end.unwrap_or(rest.len()))?;
    let named = is_name(name) && !name.starts_with(|c: char| c.is_ascii_digit());
    (named || name == SPLAT).then_some(name)
}

/// Percent-encodes what may not stand in a path (RFC 3986, section 3.3).
fn encode_into(target: &mut String, value: &str) {
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/".contains(&byte) {
            target.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(target, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Action, RedirectError, parse};

    #[track_caller]
    fn check(line: &str, path: &str, expected: Option<(&str, Action, bool)>) {
        let rules = parse(line).unwrap();
        let [rule] = rules.as_slice() else {
            panic!("{line}: one rule");
        };
        let target = rule.target(path);
        let found = target
            .as_deref()
            .map(|to| (to, rule.action(), rule.is_forced()));
        assert_eq!(found, expected, "{line} {path}");
    }

    #[test]
    fn rules_lead_where_they_say() {
        use Action::{Gone, Redirect, Rewrite};
        check("/a /b", "/a", Some(("/b", Redirect(301), false)));
        check("/a /b 302 # why", "/a", Some(("/b", Redirect(302), false)));
        check("/a /b 302!", "/a", Some(("/b", Redirect(302), true)));
        check("/a /b", "/a/", None);
        check(
            "/n/* /m/:splat",
            "/n/x/y",
            Some(("/m/x/y", Redirect(301), false)),
        );
        check(
            "/b/:y/:m /c?y=:y&m=:m 308",
            "/b/1/2",
            Some(("/c?y=1&m=2", Redirect(308), false)),
        );
        check(
            "/n/* https://x.example:8443/:splat",
            "/n/é?",
            Some(("https://x.example:8443/%C3%A9%3F", Redirect(301), false)),
        );
        check(
            "/app/* /app.html 200",
            "/app/x",
            Some(("/app.html", Rewrite, false)),
        );
        check(
            "/old/* /gone.html 410",
            "/old/x",
            Some(("/gone.html", Gone(410), false)),
        );
    }

    #[test]
    fn a_placeholder_never_chooses_the_host() {
        check("/n/* /:splat", "/n//evil.example", None);
        for line in [
            "/* https://:splat/",
            "/:a https://x.:a/",
            "/* https://x:splat@y/",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }

    #[test]
    fn what_is_not_understood_is_named_with_its_line() {
        use RedirectError as E;
        for (line, why) in [
            ("/a", E::Form),
            ("/a id=:id /b", E::Form),
            ("/a /b 301 Country=de", E::Form),
            ("/a /b moved", E::Form),
            ("/a /b 204", E::Status),
            ("/a //b", E::Target),
            ("/a javascript:x", E::Target),
            ("/a https://u@h/", E::Target),
            ("/a https://h/ 200", E::Elsewhere),
            ("/a /b?c 200", E::Elsewhere),
            ("/a /:x", E::Placeholder),
            ("/a /:splat", E::Placeholder),
        ] {
            assert_eq!(
                parse(&format!("# c\n\n{line}\n/ok /ok2")),
                Err(vec![(3, why)]),
                "{line}"
            );
        }
    }
}
