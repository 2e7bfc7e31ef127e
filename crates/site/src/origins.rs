//! Where representations come from: release stores, plain buckets, buckets that CloudFront reads itself, HTTP servers.

use crate::{Bucket, KeyPrefix, Name, NameError, Seconds};
use serde::{Deserialize, Serialize};

/// One origin of the site.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Origin {
    /// Versioned objects behind a release pointer, served by the gateway.
    Releases {
        /// The bucket of the release store.
        bucket: Bucket,
    },
    /// A plain bucket served by the gateway: the key is the prefix and the path.
    Bucket {
        /// The bucket.
        name: Bucket,
        /// What comes before the path in every key.
        prefix: KeyPrefix,
        /// The document that answers for a directory, if any.
        index: Option<String>,
        /// Whether `/guide` answers `guide.html` or `guide/` + `index`.
        clean_urls: bool,
        /// Whether `KEY.br`, `KEY.zst` and `KEY.gz` beside an object are its precompressed variants.
        precompressed: bool,
        /// Whether objects come from uploads by others, so that active content leaves as an attachment.
        uploads: bool,
    },
    /// A bucket that CloudFront reads itself through origin access control; the gateway refuses it.
    DirectBucket {
        /// The bucket.
        name: Bucket,
        /// What comes before the path in every key (CloudFront's origin path).
        prefix: KeyPrefix,
    },
    /// A custom origin that the gateway reaches over HTTP.
    Http(HttpOrigin),
}

/// A custom origin. Timeouts and attempts have CloudFront's ranges and defaults.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpOrigin {
    /// Scheme and authority, optionally a base path.
    pub url: OriginUrl,
    /// 1 to 10 s for each attempt.
    pub connect_timeout: Seconds,
    /// 1 to 120 s from the request to each part of the response.
    pub response_timeout: Seconds,
    /// 1 to 3 attempts to connect.
    pub attempts: u8,
    /// Whether the host may resolve to a private, loopback or link-local address.
    pub private_addresses: bool,
}

/// The URL of a custom origin.
///
/// - `https://` or `http://`, a host, optionally a port and a base path without a trailing `/`.
/// - No user information, query or fragment.
/// - `http://` only for a loopback host, where no network can read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OriginUrl {
    text: String,
    secure: bool,
    host: String,
    port: u16,
    base_path: String,
}

impl OriginUrl {
    /// Parses a URL strictly; nothing is repaired.
    ///
    /// # Errors
    /// Says what was expected.
    pub fn new(text: &str) -> Result<Self, NameError> {
        const EXPECTED: &str = "an origin URL like `https://search.example.com` (http only on a loopback host; no user, query or fragment)";
        let fail = || NameError::new(text, EXPECTED);
        let (secure, rest) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
            (Some(rest), _) => (true, rest),
            (_, Some(rest)) => (false, rest),
            _ => return Err(fail()),
        };
        let printable = text.len() <= 2_048 && text.bytes().all(|b| (0x21..=0x7e).contains(&b));
        if !printable || text.contains(['@', '?', '#', '\\', '%']) {
            return Err(fail());
        }
        let (authority, base_path) = rest.split_once('/').map_or((rest, ""), |(a, p)| (a, p));
        let (host, port) = authority
            .rsplit_once(':')
            .map_or(Ok((authority, None)), |(h, p)| {
                p.parse::<u16>()
                    .map(|port| (h, Some(port)))
                    .map_err(|_| fail())
            })?;
        let loopback = matches!(host, "localhost" | "127.0.0.1");
        let segments_ok =
            base_path.is_empty() || base_path.split('/').all(|s| !matches!(s, "" | "." | ".."));
        let named = loopback || crate::Host::new(host).is_ok_and(|h| !h.as_str().starts_with('*'));
        if !named || !segments_ok || (!secure && !loopback) || port == Some(0) {
            return Err(fail());
        }
        Ok(Self {
            text: text.to_owned(),
            secure,
            host: host.to_owned(),
            port: port.unwrap_or(if secure { 443 } else { 80 }),
            base_path: if base_path.is_empty() {
                String::new()
            } else {
                format!("/{base_path}")
            },
        })
    }

    /// Whether the connection is TLS.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// The host, in lower case.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, from the URL or the scheme.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The base path: empty, or beginning with `/` and not ending in one.
    #[must_use]
    pub fn base_path(&self) -> &str {
        &self.base_path
    }

    /// The URL as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl TryFrom<String> for OriginUrl {
    type Error = NameError;
    fn try_from(text: String) -> Result<Self, NameError> {
        Self::new(&text)
    }
}

impl From<OriginUrl> for String {
    fn from(url: OriginUrl) -> Self {
        url.text
    }
}

/// Two custom origins, the second of which answers when the first fails. Source: CloudFront, origin failover.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OriginGroup {
    /// Always tried first.
    pub primary: Name,
    /// Tried when the first answers one of `failover_on`, cannot be reached (503) or does not answer in time (504).
    pub secondary: Name,
    /// Statuses from 400, 403, 404, 416, 429, 500, 502, 503, 504; at least one.
    pub failover_on: Vec<u16>,
}

/// What a viewer gets in place of an error. Source: CloudFront, custom error responses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErrorResponse {
    /// The path of the document, beginning with `/`; fetched through the behavior that matches it.
    pub document: Option<String>,
    /// The status sent with the document; absent keeps the original one.
    pub status: Option<u16>,
    /// How long at least CloudFront caches the error.
    pub min_ttl: Seconds,
}

#[cfg(test)]
mod tests {
    use super::OriginUrl;

    #[test]
    fn origin_urls_are_parsed_strictly() {
        for good in [
            "https://search.internal.example.com",
            "https://a.b:8443/base",
            "http://localhost:3000",
            "http://127.0.0.1:1",
        ] {
            assert!(OriginUrl::new(good).is_ok(), "{good}");
        }
        for bad in [
            "ftp://a.b",
            "http://search.example.com",
            "https://u@a.b",
            "https://a.b?x",
            "https://a.b#f",
            "https://a.b/../c",
            "https://a.b/",
            "https://",
            "https://a.b:0",
            "https://a.b:99999",
            "https://a b",
            "https://a.b\\c",
            "https://[::1]",
        ] {
            // A trailing `/` alone is an empty base path and allowed.
            assert_eq!(OriginUrl::new(bad).is_ok(), bad == "https://a.b/", "{bad}");
        }
    }
}
