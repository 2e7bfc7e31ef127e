//! The cross-origin part of a response headers policy (DG:understanding-response-headers-policies).

use super::Asked;
use crate::distribution::{Cors, CorsNames};
use crate::headers::Headers;
use crate::selection::wildcard_matches;
use std::str::FromStr;

/// An origin that a policy allows, as a pattern.
///
/// - `*` alone is every origin;
/// - else a scheme, which may be left out, a host whose first label may be `*`, and a port, which may hold `*`;
/// - without a port, an origin with a port does not match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AllowedOrigin {
    /// `*`.
    Any,
    /// A pattern.
    Pattern {
        /// The scheme, where one is asked for.
        scheme: Option<String>,
        /// The host, or what follows the `*` of its first label.
        host: String,
        /// Whether the first label is `*`.
        any_label: bool,
        /// The port, with wildcards.
        port: Option<String>,
    },
}

/// A text that is no pattern of origins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAnOriginPattern {
    /// A `*` stands elsewhere than for the whole first label, or in the port.
    #[error("`*` stands for the whole first label of the host, or in the port")]
    Wildcard,
    /// There is no host.
    #[error("an origin names a host")]
    Host,
}

impl FromStr for AllowedOrigin {
    type Err = NotAnOriginPattern;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "*" {
            return Ok(Self::Any);
        }
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) => (Some(scheme.to_ascii_lowercase()), rest),
            None => (None, text),
        };
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) => (host, Some(port.to_owned())),
            None => (rest, None),
        };
        let (host, any_label) = match host.strip_prefix('*') {
            Some(suffix) if suffix.starts_with('.') => (suffix, true),
            Some(_) => return Err(NotAnOriginPattern::Wildcard),
            None => (host, false),
        };
        if host.contains('*') {
            return Err(NotAnOriginPattern::Wildcard);
        }
        if host.trim_start_matches('.').is_empty() {
            return Err(NotAnOriginPattern::Host);
        }
        Ok(Self::Pattern {
            scheme,
            host: host.to_ascii_lowercase(),
            any_label,
            port,
        })
    }
}

impl AllowedOrigin {
    /// Whether an `Origin` matches.
    #[must_use]
    pub fn matches(&self, origin: &str) -> bool {
        let Self::Pattern {
            scheme,
            host,
            any_label,
            port,
        } = self
        else {
            return true;
        };
        let Some((its_scheme, rest)) = origin.split_once("://") else {
            return false;
        };
        let (its_host, its_port) = match rest.rsplit_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (rest, None),
        };
        let its_host = its_host.to_ascii_lowercase();
        let host_fits = if *any_label {
            its_host.len() > host.len() && its_host.ends_with(host)
        } else {
            its_host == *host
        };
        let port_fits = match (port, its_port) {
            (None, its) => its.is_none(),
            (Some(pattern), None) => pattern == "*",
            (Some(pattern), Some(its)) => wildcard_matches(pattern, its),
        };
        let scheme_fits = scheme
            .as_ref()
            .is_none_or(|s| s.eq_ignore_ascii_case(its_scheme));
        scheme_fits && host_fits && port_fits
    }
}

const FIELDS: [&str; 6] = [
    "access-control-allow-origin",
    "access-control-allow-methods",
    "access-control-allow-headers",
    "access-control-allow-credentials",
    "access-control-expose-headers",
    "access-control-max-age",
];

/// Adds the cross-origin fields to an answer to a cross-origin request.
pub(super) fn apply(
    cors: &Cors,
    origins: &[AllowedOrigin],
    asked: &Asked<'_>,
    headers: &mut Headers,
) {
    let Some(origin) = asked.headers.get("origin") else {
        return;
    };
    // One flag for all of them: an origin that speaks for itself is not added to.
    let origin_speaks = FIELDS.iter().any(|name| headers.get(name).is_some());
    if origin_speaks && !cors.overrides {
        return;
    }
    let Some(allowed) = allowed(origins, origin) else {
        return;
    };
    for name in FIELDS {
        headers.remove(name);
    }
    headers.set("Access-Control-Allow-Origin", allowed);
    if cors.credentials {
        headers.set("Access-Control-Allow-Credentials", "true");
    }
    let method = asked.headers.get("access-control-request-method");
    if asked.method == "OPTIONS" && method.is_some() {
        add_preflight(cors, asked, headers);
    } else if !cors.expose.0.is_empty() {
        headers.set("Access-Control-Expose-Headers", cors.expose.0.join(", "));
    }
}

fn add_preflight(cors: &Cors, asked: &Asked<'_>, headers: &mut Headers) {
    headers.set("Access-Control-Allow-Methods", cors.methods.join(", "));
    let wanted = asked.headers.joined("access-control-request-headers", ",");
    let wanted = wanted.map(|names| String::from_utf8_lossy(&names).into_owned());
    let allowed = cors.headers.allowed(wanted.as_deref().unwrap_or_default());
    if !allowed.is_empty() {
        headers.set("Access-Control-Allow-Headers", allowed);
    }
    if let Some(seconds) = cors.max_age_s {
        headers.set("Access-Control-Max-Age", seconds.to_string());
    }
}

impl CorsNames {
    /// What `Access-Control-Allow-Headers` says: the names as they are written, and of wildcards what they cover of the
    /// names asked for. A `*` never covers `Authorization`.
    fn allowed(&self, wanted: &str) -> String {
        let (wild, plain): (Vec<_>, Vec<_>) = self.0.iter().partition(|name| name.contains('*'));
        let covered = wanted.split(',').map(str::trim).filter(|name| {
            let by = |pattern: &&String| {
                wildcard_matches(&pattern.to_ascii_lowercase(), &name.to_ascii_lowercase())
                    && !(pattern.as_str() == "*" && name.eq_ignore_ascii_case("authorization"))
            };
            !name.is_empty() && wild.iter().any(by)
        });
        let named = plain.iter().map(|name| name.as_str());
        named.chain(covered).collect::<Vec<_>>().join(", ")
    }
}

fn allowed<'a>(origins: &[AllowedOrigin], origin: &'a [u8]) -> Option<&'a str> {
    if origins.contains(&AllowedOrigin::Any) {
        return Some("*");
    }
    let origin = std::str::from_utf8(origin).ok()?;
    let fits = origins.iter().any(|pattern| pattern.matches(origin));
    fits.then_some(origin)
}
