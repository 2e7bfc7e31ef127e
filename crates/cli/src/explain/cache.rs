//! What the gateway answers, and what CloudFront would keep of it, for how long and under which key.

use portcullis_distribution::site::codings;
use portcullis_edge::freshness::{
    ERROR_CACHING_MIN_TTL_DEFAULT, EdgeTtl, ErrorToCache, ErrorTtl, OriginLifetime, Ttls, edge_ttl,
    error_ttl,
};
use portcullis_edge::switches::Switches;
use portcullis_http_semantics::CacheControl;
use portcullis_origin::handle::Answer;
use portcullis_origin::judge::Judge;
use portcullis_origin::object_path::ObjectPath;
use portcullis_origin::request::Request;
use portcullis_site::{Behavior, Caching, QueryKey, Site};
use serde::Serialize;
use std::collections::BTreeMap;

/// An answer and CloudFront's view of it.
#[derive(Debug, Serialize)]
pub(crate) struct AnswerView {
    /// The status.
    pub(crate) status: u16,
    /// What was served, or why not.
    pub(crate) outcome: Option<String>,
    /// The headers.
    pub(crate) headers: BTreeMap<String, String>,
    /// What CloudFront would do with it.
    pub(crate) edge: EdgeView,
}

/// What CloudFront would do with an answer.
#[derive(Debug, Serialize)]
pub(crate) struct EdgeView {
    /// Seconds it is kept; absent if it is not.
    pub(crate) ttl_s: Option<u64>,
    /// The rule that says so.
    pub(crate) rule: String,
    /// What the cache key holds.
    pub(crate) key: Vec<String>,
    /// The page that CloudFront answers with instead.
    pub(crate) error_page: Option<ErrorPage>,
}

/// The site's own page for an error.
#[derive(Debug, Serialize)]
pub(crate) struct ErrorPage {
    /// Its path.
    pub(crate) document: String,
    /// The status it is sent with.
    pub(crate) status: u16,
}

impl AnswerView {
    pub(super) fn of(
        site: &Site,
        judge: &Judge,
        request: &Request<'_>,
        answered: &Answer<'_>,
    ) -> Self {
        let response = &answered.response;
        let headers: BTreeMap<String, String> = response
            .headers
            .iter()
            .map(|(name, value)| {
                (
                    name.to_string(),
                    String::from_utf8_lossy(value.as_bytes()).into_owned(),
                )
            })
            .collect();
        let path = ObjectPath::parse(request.raw_path).ok();
        let behavior =
            path.and_then(|path| judge.behaviors().of(&path).map(|(_, behavior)| behavior));
        let edge = behavior.map_or_else(
            || EdgeView {
                ttl_s: None,
                rule: "ungoverned".to_owned(),
                key: Vec::new(),
                error_page: None,
            },
            |behavior| {
                EdgeView::of(
                    site,
                    behavior,
                    request,
                    response.status,
                    headers.get("cache-control"),
                )
            },
        );
        Self {
            status: response.status,
            outcome: answered
                .record
                .as_ref()
                .and_then(|r| r.outcome)
                .map(str::to_owned),
            headers,
            edge,
        }
    }
}

impl EdgeView {
    fn of(
        site: &Site,
        behavior: &Behavior,
        request: &Request<'_>,
        status: u16,
        cache_control: Option<&String>,
    ) -> Self {
        let parsed = cache_control.map(|text| CacheControl::parse(text.as_bytes()));
        let origin = OriginLifetime {
            cache_control: parsed.as_ref(),
            expires_in: None,
            age: 0,
        };
        let ttls = ttls(&behavior.caching);
        let (ttl_s, rule) = if status < 400 {
            kept(ttls, &origin)
        } else {
            kept_error(site, ttls, status, origin)
        };
        Self {
            ttl_s,
            rule,
            key: if ttls.disable_caching() {
                Vec::new()
            } else {
                key(behavior, request)
            },
            error_page: error_page(site, status),
        }
    }
}

fn ttls(caching: &Caching) -> Ttls {
    match caching {
        Caching::Disabled => Ttls {
            min: 0,
            default: 0,
            max: 0,
        },
        Caching::Enabled { ttl, .. } => Ttls {
            min: ttl.min.get(),
            default: ttl.default.get(),
            max: ttl.max.get(),
        },
    }
}

fn kept(ttls: Ttls, origin: &OriginLifetime<'_>) -> (Option<u64>, String) {
    match edge_ttl(ttls, origin, &Switches::default()) {
        EdgeTtl::NotStored(why) => (None, why.code().to_owned()),
        EdgeTtl::Stored { seconds, rule } => (Some(seconds), rule.code().to_owned()),
    }
}

fn kept_error(
    site: &Site,
    ttls: Ttls,
    status: u16,
    origin: OriginLifetime<'_>,
) -> (Option<u64>, String) {
    let configured = site
        .errors
        .get(&status)
        .map(|response| response.min_ttl.get());
    let error = ErrorToCache {
        status,
        origin,
        from_s3: false,
        min_ttl: configured.unwrap_or(ERROR_CACHING_MIN_TTL_DEFAULT),
        max_ttl: ttls.max,
        caching: !ttls.disable_caching(),
    };
    match error_ttl(&error, Switches::default().error_list_b) {
        ErrorTtl::NotStored(why) => (None, why.code().to_owned()),
        ErrorTtl::Stored { seconds, rule } => (Some(seconds), rule.code().to_owned()),
    }
}

fn error_page(site: &Site, status: u16) -> Option<ErrorPage> {
    let configured = site.errors.get(&status)?;
    Some(ErrorPage {
        document: configured.document.clone()?,
        status: configured.status.unwrap_or(status),
    })
}

fn key(behavior: &Behavior, request: &Request<'_>) -> Vec<String> {
    let mut parts = vec![
        "the distribution".to_owned(),
        format!("path {}", request.raw_path),
    ];
    let Caching::Enabled { key, .. } = &behavior.caching else {
        return parts;
    };
    match &key.query {
        QueryKey::None => {}
        QueryKey::All => parts.push("every query parameter".to_owned()),
        QueryKey::Only(names) => parts.push(format!("query parameters {}", names.join(", "))),
    }
    if key.country {
        parts.push(format!(
            "country {}",
            request.headers.viewer_country.unwrap_or("(none)")
        ));
    }
    parts.extend(key.headers.iter().map(|name| format!("header {name}")));
    // What the gateway hears is the normalised value; `identity` is left out of the key.
    let coding = request.headers.accept_encoding.filter(|v| *v != "identity");
    parts.extend(
        coding
            .filter(|_| codings(behavior).gzip)
            .map(|value| format!("Accept-Encoding {value}")),
    );
    parts
}
