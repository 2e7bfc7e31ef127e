//! AWS's managed policies, by id, from the table in `managed-policies.json` (DG:using-managed-cache-policies and the two
//! pages beside it).
//!
//! Always holds: the table is read once. Deliberately absent: policies that AWS adds later; they come as resources.

use portcullis_edge::accept_encoding::EdgeCodings;
use portcullis_edge::distribution::{
    CachePolicy, Cors, CorsNames, FrameOption, HeaderSelection, OriginRequestPolicy, Overridable,
    ResponseHeadersPolicy, StrictTransport, XssProtection,
};
use portcullis_edge::freshness::Ttls;
use portcullis_edge::selection::Names;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

/// The managed policies.
#[derive(Debug, Default)]
pub(crate) struct Managed {
    pub(crate) cache: BTreeMap<String, CachePolicy>,
    pub(crate) origin_request: BTreeMap<String, OriginRequestPolicy>,
    pub(crate) response_headers: BTreeMap<String, Arc<ResponseHeadersPolicy>>,
}

/// The table, read.
pub(crate) static MANAGED: LazyLock<Managed> = LazyLock::new(|| {
    let table = serde_json::from_str::<Table>(include_str!("../managed-policies.json"));
    table.map(Managed::from).unwrap_or_default()
});

/// The cache policy that AWS manages under an id.
#[must_use]
pub fn managed_cache_policy(id: &str) -> Option<&'static CachePolicy> {
    MANAGED.cache.get(id)
}

/// The origin request policy that AWS manages under an id.
#[must_use]
pub fn managed_origin_request_policy(id: &str) -> Option<&'static OriginRequestPolicy> {
    MANAGED.origin_request.get(id)
}

#[derive(Deserialize)]
struct Table {
    cache: Vec<CacheRow>,
    origin_request: Vec<RequestRow>,
    response_headers: Vec<ResponseRow>,
}

#[derive(Deserialize)]
struct CacheRow {
    name: String,
    id: String,
    min_ttl: u64,
    default_ttl: u64,
    max_ttl: u64,
    headers: Vec<String>,
    cookies: Selected,
    query_strings: Selected,
    gzip: bool,
    brotli: bool,
}

#[derive(Deserialize)]
struct RequestRow {
    name: String,
    id: String,
    headers: HeaderWord,
    #[serde(default)]
    header_names: Vec<String>,
    cookies: Selected,
    query_strings: Selected,
}

#[derive(Deserialize)]
struct ResponseRow {
    name: String,
    id: String,
    cors: Option<CorsRow>,
    #[serde(default)]
    security: Vec<SecurityRow>,
}

#[derive(Deserialize)]
struct CorsRow {
    allow_origin: Vec<String>,
    allow_methods: Option<Vec<String>>,
    #[serde(default)]
    expose_headers: Vec<String>,
    r#override: bool,
}

#[derive(Deserialize)]
struct SecurityRow {
    name: SecurityName,
    value: String,
    r#override: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum SecurityName {
    #[serde(rename = "Referrer-Policy")]
    Referrer,
    #[serde(rename = "Strict-Transport-Security")]
    StrictTransport,
    #[serde(rename = "X-Content-Type-Options")]
    ContentType,
    #[serde(rename = "X-Frame-Options")]
    Frame,
    #[serde(rename = "X-XSS-Protection")]
    Xss,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum HeaderWord {
    Whitelist,
    AllViewer,
    AllViewerAndWhitelistCloudFront,
    AllExcept,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Selected {
    Word(Word),
    Listed(Vec<String>),
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Word {
    None,
    All,
}

impl From<Selected> for Names {
    fn from(selected: Selected) -> Self {
        match selected {
            Selected::Word(Word::None) => Self::Nothing,
            Selected::Word(Word::All) => Self::All,
            Selected::Listed(names) => Self::Only(names),
        }
    }
}

impl From<Table> for Managed {
    fn from(table: Table) -> Self {
        let cache = table.cache.into_iter();
        let request = table.origin_request.into_iter();
        let response = table.response_headers.into_iter();
        Self {
            cache: cache.map(|row| (row.id.clone(), row.into())).collect(),
            origin_request: request.map(|row| (row.id.clone(), row.into())).collect(),
            response_headers: response
                .map(|row| (row.id.clone(), Arc::new(row.into())))
                .collect(),
        }
    }
}

impl From<CacheRow> for CachePolicy {
    fn from(row: CacheRow) -> Self {
        Self {
            name: row.name,
            ttls: Ttls {
                min: row.min_ttl,
                default: row.default_ttl,
                max: row.max_ttl,
            },
            headers: row.headers,
            cookies: row.cookies.into(),
            query: row.query_strings.into(),
            codings: EdgeCodings {
                gzip: row.gzip,
                brotli: row.brotli,
            },
        }
    }
}

impl From<RequestRow> for OriginRequestPolicy {
    fn from(row: RequestRow) -> Self {
        Self {
            name: row.name,
            headers: match row.headers {
                HeaderWord::Whitelist => HeaderSelection::Listed(row.header_names),
                HeaderWord::AllViewer => HeaderSelection::AllViewer,
                HeaderWord::AllViewerAndWhitelistCloudFront => {
                    HeaderSelection::AllViewerAnd(row.header_names)
                }
                HeaderWord::AllExcept => HeaderSelection::AllExcept(row.header_names),
            },
            cookies: row.cookies.into(),
            query: row.query_strings.into(),
        }
    }
}

impl From<ResponseRow> for ResponseHeadersPolicy {
    fn from(row: ResponseRow) -> Self {
        let mut policy = Self {
            name: row.name,
            cors: row.cors.map(Cors::from),
            ..Self::default()
        };
        for security in row.security {
            security.add_to(&mut policy);
        }
        policy
    }
}

impl From<CorsRow> for Cors {
    fn from(row: CorsRow) -> Self {
        // The pages leave out what a simple request is not answered with; the policies themselves hold these.
        let simple = || ["GET", "HEAD"].map(str::to_owned).to_vec();
        Self {
            overrides: row.r#override,
            origins: row.allow_origin,
            headers: CorsNames(vec!["*".to_owned()]),
            methods: row.allow_methods.unwrap_or_else(simple),
            credentials: false,
            expose: CorsNames(row.expose_headers),
            max_age_s: None,
        }
    }
}

impl SecurityRow {
    fn add_to(self, policy: &mut ResponseHeadersPolicy) {
        let overrides = self.r#override;
        match self.name {
            SecurityName::Referrer => policy.referrer_policy = Some(over(self.value, overrides)),
            SecurityName::ContentType => policy.content_type_options = Some(over((), overrides)),
            SecurityName::Xss => {
                policy.xss_protection = Some(over(XssProtection::Block, overrides));
            }
            SecurityName::Frame => {
                policy.frame_options = Some(over(FrameOption::SameOrigin, overrides));
            }
            SecurityName::StrictTransport => {
                let seconds = self.value.strip_prefix("max-age=");
                let value = StrictTransport {
                    max_age_s: seconds.and_then(|s| s.parse().ok()).unwrap_or(0),
                    include_subdomains: false,
                    preload: false,
                };
                policy.strict_transport = Some(over(value, overrides));
            }
        }
    }
}

fn over<T>(value: T, overrides: bool) -> Overridable<T> {
    Overridable { value, overrides }
}

#[cfg(test)]
mod tests {
    use super::{MANAGED, Table};
    use portcullis_edge::distribution::{FrameOption, XssProtection};

    #[test]
    fn every_row_of_the_table_is_read() {
        let table: Table = serde_json::from_str(include_str!("../managed-policies.json")).unwrap();
        let counts = [
            (table.cache.len(), MANAGED.cache.len()),
            (table.origin_request.len(), MANAGED.origin_request.len()),
            (table.response_headers.len(), MANAGED.response_headers.len()),
        ];
        for (rows, read) in counts {
            assert!(rows > 0 && rows == read, "{rows} {read}");
        }
    }

    #[test]
    fn security_values_are_those_of_the_table() {
        let policy = &MANAGED.response_headers["67f7725c-6f97-4210-82d7-5512b31e9d03"];
        assert_eq!(
            policy.strict_transport.as_ref().unwrap().value.max_age_s,
            31_536_000
        );
        assert_eq!(
            policy.frame_options.as_ref().unwrap().value,
            FrameOption::SameOrigin
        );
        assert_eq!(
            policy.xss_protection.as_ref().unwrap().value,
            XssProtection::Block
        );
        assert!(policy.content_type_options.as_ref().unwrap().overrides);
    }
}
