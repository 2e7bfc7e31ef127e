//! Where a request carries its signature, and what is left of its query without it.
//!
//! A reserved name anywhere in the query makes the request a signed URL, and its cookies are then not consulted.
//! Names are compared byte for byte: `expires` and `%45xpires` are ordinary parameters. No value is decoded.

use crate::refusal::SignatureRefusal;
use std::borrow::Cow;

/// Longest URL that is read, in bytes (CloudFront's limit).
pub const URL_MAX_BYTES: usize = 8192;
/// Longest raw query that is read, in bytes: it is part of the URL.
pub const QUERY_MAX_BYTES: usize = URL_MAX_BYTES;
/// Longest cookies that are read, in bytes of all of them: CloudFront's limit for the whole request.
pub const COOKIES_MAX_BYTES: usize = 32_768;

/// The protocol the viewer spoke to CloudFront.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// `http`
    Http,
    /// `https`
    Https,
}

impl Scheme {
    fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// The parts of a request a signature is about, as they arrived.
#[derive(Clone, Copy, Debug)]
pub struct SignedRequest<'a> {
    /// The viewer's protocol.
    pub scheme: Scheme,
    /// The host name signers use, from configuration: `Host` is another one at the origin, and `X-Forwarded-Host` is
    /// whatever the viewer wrote.
    pub host: &'a str,
    /// The path as sent, percent-encoded, with its leading slash.
    pub raw_path: &'a str,
    /// The query as sent, without its `?`; empty if there is none.
    pub raw_query: &'a str,
    /// Cookie header values, or single `name=value` pairs, as sent.
    pub cookies: &'a [&'a str],
}

/// The reserved values of a request: those of the query, or those of the cookies.
#[derive(Debug, Default)]
pub(crate) struct Credentials<'a> {
    pub(crate) expires: Option<&'a str>,
    pub(crate) policy: Option<&'a str>,
    pub(crate) signature: Option<&'a str>,
    pub(crate) key_pair_id: Option<&'a str>,
    pub(crate) hash_algorithm: Option<&'a str>,
    /// A reserved name appeared twice; the first value was kept.
    pub(crate) repeated: bool,
}

impl<'a> Credentials<'a> {
    fn slot(&mut self, name: &str) -> Option<&mut Option<&'a str>> {
        match name {
            "Expires" => Some(&mut self.expires),
            "Policy" => Some(&mut self.policy),
            "Signature" => Some(&mut self.signature),
            "Key-Pair-Id" => Some(&mut self.key_pair_id),
            "Hash-Algorithm" => Some(&mut self.hash_algorithm),
            _ => None,
        }
    }

    /// The reserved ones among these names and values, or nothing if there is none.
    fn among(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Option<Self> {
        let mut credentials = Self::default();
        let mut any = false;
        for (name, value) in pairs {
            let Some(slot) = credentials.slot(name) else {
                continue;
            };
            any = true;
            if slot.is_some() {
                credentials.repeated = true;
            } else {
                *slot = Some(value);
            }
        }
        any.then_some(credentials)
    }
}

impl<'a> SignedRequest<'a> {
    pub(crate) fn credentials(&self) -> Result<Credentials<'a>, SignatureRefusal> {
        let cookies_bytes = self
            .cookies
            .iter()
            .map(|cookie| cookie.len())
            .sum::<usize>();
        if self.raw_query.len() > QUERY_MAX_BYTES || cookies_bytes > COOKIES_MAX_BYTES {
            return Err(SignatureRefusal::TooLong);
        }
        Credentials::among(self.raw_query.split('&').map(name_and_value))
            .or_else(|| {
                Credentials::among(
                    self.cookies
                        .iter()
                        .flat_map(|cookie| signed_cookies(cookie)),
                )
            })
            .ok_or(SignatureRefusal::Absent)
    }

    /// The URL as it was signed: without the reserved parameters.
    pub(crate) fn url(&self) -> Result<String, SignatureRefusal> {
        let (scheme, query) = (self.scheme.as_str(), strip_reserved(self.raw_query));
        let mark = if query.is_empty() { "" } else { "?" };
        let url = [scheme, "://", self.host, self.raw_path, mark, &query].concat();
        if url.len() > URL_MAX_BYTES {
            Err(SignatureRefusal::TooLong)
        } else {
            Ok(url)
        }
    }
}

/// The signed-access cookies of a `Cookie` header value, by their names without `CloudFront-`.
fn signed_cookies(header: &str) -> impl Iterator<Item = (&str, &str)> {
    header
        .split(';')
        .filter_map(|pair| pair.trim_matches([' ', '\t']).strip_prefix("CloudFront-"))
        .map(name_and_value)
}

fn name_and_value(pair: &str) -> (&str, &str) {
    pair.split_once('=').unwrap_or((pair, ""))
}

/// The query without the reserved parameters, everything else in its place and as it was: what a canned policy is made
/// over, and what goes to the origin.
#[must_use]
pub fn strip_reserved(raw_query: &str) -> Cow<'_, str> {
    let is_reserved = |pair: &&str| {
        Credentials::default()
            .slot(name_and_value(pair).0)
            .is_some()
    };
    if !raw_query.split('&').any(|pair| is_reserved(&pair)) {
        return Cow::Borrowed(raw_query);
    }
    let mut kept = String::with_capacity(raw_query.len());
    for (position, pair) in raw_query
        .split('&')
        .filter(|pair| !is_reserved(pair))
        .enumerate()
    {
        if position > 0 {
            kept.push('&');
        }
        kept.push_str(pair);
    }
    Cow::Owned(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stripping_leaves_the_rest_in_its_place() {
        #[track_caller]
        fn check(query: &str, expected: &str) {
            assert_eq!(strip_reserved(query), expected, "{query}");
        }
        check("", "");
        check("a=1&b=2", "a=1&b=2");
        check("a=1&Expires=5&b=2&Signature=x&Key-Pair-Id=K&c", "a=1&b=2&c");
        check("Expires=5&Policy=&Hash-Algorithm", "");
        check(
            "Expires2=5&expires=1&%45xpires=2",
            "Expires2=5&expires=1&%45xpires=2",
        );
        check("a&&b&Expires=1", "a&&b");
        check("v=1?Expires=5", "v=1?Expires=5");
    }

    #[test]
    fn a_reserved_name_in_the_query_hides_the_cookies() {
        let cookies = ["a=b; CloudFront-Key-Pair-Id=KCOOKIE", "CloudFront-Policy=p"];
        let request = |raw_query| SignedRequest {
            scheme: Scheme::Https,
            host: "e.com",
            raw_path: "/",
            raw_query,
            cookies: &cookies,
        };
        let key = |raw_query| {
            request(raw_query)
                .credentials()
                .map(|found| found.key_pair_id)
        };
        assert_eq!(key("a=1"), Ok(Some("KCOOKIE")));
        assert_eq!(key("a=1&Key-Pair-Id=KURL"), Ok(Some("KURL")));
        assert_eq!(key("Expires"), Ok(None));
    }

    #[test]
    fn inputs_above_the_limits_are_refused() {
        #[track_caller]
        fn check(raw_query: &str, cookie: &str, expected: SignatureRefusal) {
            let request = SignedRequest {
                scheme: Scheme::Https,
                host: "e.com",
                raw_path: "/",
                raw_query,
                cookies: &[cookie],
            };
            assert_eq!(request.credentials().unwrap_err(), expected);
            assert_eq!(request.url().is_err(), raw_query.len() >= QUERY_MAX_BYTES);
        }
        let long = |bytes| "a".repeat(bytes);
        check(&long(QUERY_MAX_BYTES), "", SignatureRefusal::Absent);
        check(&long(QUERY_MAX_BYTES + 1), "", SignatureRefusal::TooLong);
        check("", &long(COOKIES_MAX_BYTES), SignatureRefusal::Absent);
        check("", &long(COOKIES_MAX_BYTES + 1), SignatureRefusal::TooLong);
    }
}
