//! The cache key: which requests share a copy (DG:understanding-the-cache-key).
//!
//! Always in it: the distribution's domain name, the raw path, and whether the method is OPTIONS. A cache policy or legacy
//! settings add parameters of the query, headers, cookies and the normalised `Accept-Encoding`. Two keys are equal exactly
//! when all their parts are; each part carries its length, so that no value can pass for two.
//!
//! Parameters of a signature have been removed before. Order and spelling of the query are the viewer's; cookies are
//! sorted by name, as they are forwarded.

use crate::accept_encoding::{AcceptEncoding, EdgeCodings, normalize};
use crate::distribution::{Behavior, CacheSettings, HeadersAll, LegacyCookies, LegacyQuery};
use crate::gate::HttpVersion;
use crate::headers::Headers;
use crate::path::split_target;
use crate::selection::{Names, Selection, forwarded_cookies, forwarded_query, wildcard_matches};
use crate::switches::Switches;

/// A cache key, as one string of bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CacheKey(Box<[u8]>);

/// What a part of a key says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Part {
    /// The domain name of the distribution.
    Domain = 1,
    /// The method is OPTIONS.
    Options = 2,
    /// The raw path.
    Path = 3,
    /// The keyed part of the query.
    Query = 4,
    /// The name of a keyed header; its value follows.
    HeaderName = 5,
    /// The value of the header before.
    HeaderValue = 6,
    /// The keyed cookies.
    Cookie = 7,
    /// The codings the viewer takes, of those the key tells apart.
    Codings = 8,
}

impl Part {
    const ALL: [Self; 8] = [
        Self::Domain,
        Self::Options,
        Self::Path,
        Self::Query,
        Self::HeaderName,
        Self::HeaderValue,
        Self::Cookie,
        Self::Codings,
    ];

    /// Its name, for reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Domain => "domain",
            Self::Options => "method",
            Self::Path => "path",
            Self::Query => "query",
            Self::HeaderName => "header",
            Self::HeaderValue => "value",
            Self::Cookie => "cookies",
            Self::Codings => "accept-encoding",
        }
    }
}

impl CacheKey {
    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// A key that was kept as bytes, such as on disk.
    #[must_use]
    pub fn from_bytes(bytes: Box<[u8]>) -> Self {
        Self(bytes)
    }

    /// How long it is, in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it says nothing; no key of [`KeyRules`] does.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Its parts in order.
    pub fn parts(&self) -> impl Iterator<Item = (Part, String)> + '_ {
        let mut rest: &[u8] = &self.0;
        std::iter::from_fn(move || {
            let (&tag, after) = rest.split_first()?;
            let (length, after) = after.split_first_chunk::<4>()?;
            let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
            let (text, after) = after.split_at_checked(length)?;
            rest = after;
            let part = Part::ALL.into_iter().find(|part| *part as u8 == tag)?;
            Some((part, String::from_utf8_lossy(text).into_owned()))
        })
    }
}

/// What of a request a behavior puts into its keys.
#[derive(Clone, Debug)]
pub struct KeyRules {
    query: Names,
    cookies: Cookies,
    headers: Vec<String>,
    codings: EdgeCodings,
}

#[derive(Clone, Debug)]
enum Cookies {
    Policy(Selection),
    /// Names with wildcards.
    Legacy(Vec<String>),
    None,
}

/// A request, as far as a key can depend on it.
#[derive(Clone, Copy)]
pub struct KeyInput<'a> {
    /// The distribution's domain name.
    pub domain: &'a str,
    /// The method.
    pub method: &'a str,
    /// Path and query.
    pub target: &'a str,
    /// The fields.
    pub headers: &'a Headers,
    /// The viewer's HTTP version.
    pub version: HttpVersion,
    /// The headers that CloudFront generates, by name in any case. They stand in the place of a viewer's.
    pub generated: &'a dyn Fn(&str) -> Option<String>,
}

impl KeyRules {
    /// The rules of a behavior.
    #[must_use]
    pub fn of(behavior: &Behavior) -> Self {
        match &behavior.caching {
            CacheSettings::Policy(policy) => Self {
                query: policy.query.clone(),
                cookies: match &policy.cookies {
                    Names::Nothing => Cookies::None,
                    names => Cookies::Policy(Selection {
                        cache_policy: names.clone(),
                        origin_request_policy: Names::Nothing,
                    }),
                },
                headers: lower(&policy.headers),
                codings: policy.codings,
            },
            CacheSettings::Legacy(legacy) => Self {
                query: match &legacy.query {
                    LegacyQuery::None => Names::Nothing,
                    LegacyQuery::All => Names::All,
                    LegacyQuery::Keyed(names) => Names::Only(names.clone()),
                },
                cookies: match &legacy.cookies {
                    LegacyCookies::None => Cookies::None,
                    LegacyCookies::All => Cookies::Legacy(vec!["*".to_owned()]),
                    LegacyCookies::Listed(names) => Cookies::Legacy(names.clone()),
                },
                headers: match &legacy.headers {
                    HeadersAll::All => Vec::new(),
                    HeadersAll::Listed(names) => lower(names),
                },
                codings: Self::codings_of(behavior),
            },
        }
    }

    /// The codings that the keys of a behavior tell apart. Legacy settings know gzip alone (DG:ServingCompressedFiles).
    #[must_use]
    pub fn codings_of(behavior: &Behavior) -> EdgeCodings {
        match &behavior.caching {
            CacheSettings::Policy(policy) => policy.codings,
            CacheSettings::Legacy(_) => EdgeCodings {
                gzip: behavior.compress,
                brotli: false,
            },
        }
    }

    /// The key of a request.
    #[must_use]
    pub fn key(&self, input: &KeyInput<'_>, switches: &Switches) -> CacheKey {
        let mut bytes = Vec::with_capacity(64 + input.target.len());
        push(&mut bytes, Part::Domain, input.domain.as_bytes());
        if input.method == "OPTIONS" {
            push(&mut bytes, Part::Options, b"OPTIONS");
        }
        let (path, query) = split_target(input.target);
        push(&mut bytes, Part::Path, path.as_bytes());
        self.push_query(&mut bytes, query.unwrap_or_default());
        self.push_cookies(&mut bytes, input.headers);
        self.push_codings(&mut bytes, input, switches);
        self.push_headers(&mut bytes, input);
        CacheKey(bytes.into_boxed_slice())
    }

    fn push_query(&self, bytes: &mut Vec<u8>, query: &str) {
        match &self.query {
            Names::Nothing => {}
            Names::All if query.is_empty() => {}
            Names::All => push(bytes, Part::Query, query.as_bytes()),
            Names::Only(_) | Names::Except(_) => {
                let selection = Selection {
                    cache_policy: self.query.clone(),
                    origin_request_policy: Names::Nothing,
                };
                let kept = forwarded_query(query, &selection);
                if !kept.is_empty() {
                    push(bytes, Part::Query, kept.as_bytes());
                }
            }
        }
    }

    fn push_cookies(&self, bytes: &mut Vec<u8>, headers: &Headers) {
        if matches!(self.cookies, Cookies::None) {
            return;
        }
        let Some(sent) = headers.joined("cookie", "; ") else {
            return;
        };
        let sent = String::from_utf8_lossy(&sent);
        let kept = match &self.cookies {
            Cookies::None => String::new(),
            Cookies::Policy(selection) => forwarded_cookies(&sent, selection),
            Cookies::Legacy(patterns) => listed_cookies(&sent, patterns),
        };
        if !kept.is_empty() {
            push(bytes, Part::Cookie, kept.as_bytes());
        }
    }

    fn push_codings(&self, bytes: &mut Vec<u8>, input: &KeyInput<'_>, switches: &Switches) {
        let sent = input.headers.get("accept-encoding");
        let normal = normalize(self.codings, sent, input.version, switches.wildcard_coding);
        if let AcceptEncoding::Normalized(normal) = normal
            && let Some(codings) = normal.in_key()
        {
            push(bytes, Part::Codings, codings.as_bytes());
        }
    }

    fn push_headers(&self, bytes: &mut Vec<u8>, input: &KeyInput<'_>) {
        let codings_apart = self.codings != EdgeCodings::default();
        for name in &self.headers {
            if codings_apart && name == "accept-encoding" {
                continue;
            }
            let generated = name
                .starts_with("cloudfront-")
                .then(|| (input.generated)(name))
                .flatten()
                .map(String::into_bytes);
            if let Some(value) = generated.or_else(|| input.headers.joined(name, ",")) {
                push(bytes, Part::HeaderName, name.as_bytes());
                push(bytes, Part::HeaderValue, &value);
            }
        }
    }
}

/// The cookies whose names match one of the patterns, as legacy settings forward them.
#[must_use]
pub(crate) fn listed_cookies(cookie: &str, patterns: &[String]) -> String {
    let listed = |pair: &&str| {
        pair.split_once('=').is_some_and(|(name, _)| {
            !name.starts_with('$') && patterns.iter().any(|p| wildcard_matches(p, name))
        })
    };
    let mut pairs: Vec<&str> = cookie.split(';').map(str::trim).filter(listed).collect();
    pairs.sort_by_key(|pair| pair.split_once('=').map(|(name, _)| name));
    pairs.join("; ")
}

/// In lower case and sorted: the order of a list of headers makes no difference.
fn lower(names: &[String]) -> Vec<String> {
    let mut lower: Vec<String> = names.iter().map(|n| n.to_ascii_lowercase()).collect();
    lower.sort();
    lower.dedup();
    lower
}

fn push(bytes: &mut Vec<u8>, part: Part, text: &[u8]) {
    bytes.push(part as u8);
    let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(text);
}
