//! Whether a policy's `Resource` covers a URL.
//!
//! Both are four sections, protocol, domain, path and query, and `*` (any run) and `?` (any one byte) match inside a
//! section only, never across its border. Three ends imply more (CloudFront, "Use wildcard characters in the base
//! URL"): a resource that ends in `*` in its domain covers every path and query, one that ends in `*` in its path every
//! query, and one that starts with `*` instead of a protocol every protocol.
//!
//! The first `?` after the path is the query's border; the documentation has no way to write it as a wildcard.

use crate::policy::POLICY_MAX_BYTES;
use crate::request::URL_MAX_BYTES;

/// Whether `resource` covers `url`, from which the reserved parameters were already removed.
///
/// A URL without a query has the empty query. Time is at most the product of the two lengths, and longer inputs than
/// [`POLICY_MAX_BYTES`] and [`URL_MAX_BYTES`] match nothing.
#[must_use]
pub fn resource_matches(resource: &str, url: &str) -> bool {
    if resource.len() > POLICY_MAX_BYTES || url.len() > URL_MAX_BYTES {
        return false;
    }
    let Some((protocol, rest)) = url.split_once("://") else {
        return false;
    };
    let (domain, path, query) = url_sections(rest);
    let Some(pattern) = Pattern::of(resource) else {
        return false;
    };
    glob(pattern.protocol, protocol)
        && glob(pattern.domain, domain)
        && glob(pattern.path, path)
        && glob(pattern.query, query)
}

/// The four sections of a resource, what its ends imply filled in.
struct Pattern<'a> {
    protocol: &'a str,
    domain: &'a str,
    path: &'a str,
    query: &'a str,
}

impl<'a> Pattern<'a> {
    fn of(resource: &'a str) -> Option<Self> {
        let (protocol, rest) = match resource.split_once("://") {
            Some((protocol, rest)) if is_protocol(protocol) => (protocol, rest),
            _ if resource.starts_with('*') => ("*", resource),
            _ => return None,
        };
        let Some(slash) = rest.find('/') else {
            let implied = if rest.ends_with('*') { "*" } else { "" };
            return Some(Self {
                protocol,
                domain: rest,
                path: implied,
                query: implied,
            });
        };
        let (domain, rest) = rest.split_at_checked(slash)?;
        let (path, query) = match rest.split_once('?') {
            Some(split) => split,
            None => (rest, if rest.ends_with('*') { "*" } else { "" }),
        };
        Some(Self {
            protocol,
            domain,
            path,
            query,
        })
    }
}

/// What stands before `://` is a protocol and not the start of a URL inside the query.
fn is_protocol(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte == b'*' || byte == b'?')
}

/// Domain, path and query of what follows `://` in a URL.
fn url_sections(rest: &str) -> (&str, &str, &str) {
    let (target, query) = rest.split_once('?').unwrap_or((rest, ""));
    let slash = target.find('/').unwrap_or(target.len());
    let (domain, path) = target.split_at_checked(slash).unwrap_or((target, ""));
    (domain, path, query)
}

/// Matches a section. After a mismatch only the last `*` takes one byte more, which is enough: an earlier one can gain
/// nothing a later one could not.
fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    let mut last_star = None;
    while let Some(byte) = text.get(t) {
        match pattern.get(p) {
            Some(b'*') => {
                p += 1;
                last_star = Some((p, t));
            }
            Some(expected) if *expected == b'?' || expected == byte => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some((after_star, taken)) = last_star else {
                    return false;
                };
                p = after_star;
                t = taken + 1;
                last_star = Some((p, t));
            }
        }
    }
    pattern
        .get(p..)
        .is_some_and(|rest| rest.iter().all(|byte| *byte == b'*'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn wildcards_stay_inside_their_section() {
        #[track_caller]
        fn check(resource: &str, url: &str, expected: bool) {
            assert_eq!(
                resource_matches(resource, url),
                expected,
                "{resource} against {url}"
            );
        }
        let url = "https://e.com/a/b.txt?x=1";
        check("*", url, true);
        check("https://*", url, true);
        check("http*://e.com/*", url, true);
        check("http://*", url, false);
        check("*://e.com/a/b.txt?x=?", url, true);
        check("https://e.com/?/b.txt*", url, false); // the first `?` after the path is the border
        check("https://?.com/*", url, true);
        check("https://*.txt?x=1", url, false); // domain to path
        check("https*/a/b.txt?x=1", url, false); // protocol to domain
        check("https://e.com/a*x=1", url, false); // path to query
        check("https://e.com?a/b.txt?x=1", url, false); // `?` for the slash
        check("https://e.com/a/b.txt", url, false); // the query is part of the URL
        check("https://e.com", url, false);
        check("https://e.com/a/b.txt?*", url, true);
        check("https://e.com/a/b.txt?*", "https://e.com/a/b.txt", true);
        check("HTTPS://e.com/*", url, false);
        check("", url, false);
        check("*?u=http://e.com/a", "https://e.com/a", false);
        check("http://example.com*", "http://example.com.evil.test/", true); // harmless: the host is configured
        check("https://e.com/a", "e.com/a", false);
    }

    #[test]
    fn a_hostile_pattern_costs_at_most_the_product_of_the_lengths() {
        let resource = format!("https://e.com/{}b", "*a".repeat(2000));
        let url = format!("https://e.com/{}", "a".repeat(8000));
        assert!(!resource_matches(&resource, &url));
    }

    /// The rule as it is written: `*` tries every run.
    fn slow_glob(pattern: &[u8], text: &[u8]) -> bool {
        match (pattern.split_first(), text.split_first()) {
            (None, None) => true,
            (Some((b'*', rest)), _) => (0..=text.len()).any(|run| slow_glob(rest, &text[run..])),
            (Some((expected, rest)), Some((byte, after))) => {
                (*expected == b'?' || expected == byte) && slow_glob(rest, after)
            }
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn glob_equals_the_rule(pattern in "[ab*?]{0,8}", text in "[ab]{0,10}") {
            prop_assert_eq!(glob(&pattern, &text), slow_glob(pattern.as_bytes(), text.as_bytes()));
        }
    }
}
