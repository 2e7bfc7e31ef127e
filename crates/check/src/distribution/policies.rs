//! Cache and origin request policies of a behavior: of the template, managed by AWS, or legacy settings.

use super::{Caching, Missing, Sends};
use crate::template::Resources;
use crate::tree::{Node, Text};
use portcullis_distribution::config::{managed_cache_policy, managed_origin_request_policy};
use portcullis_edge::distribution::HeaderSelection;
use portcullis_edge::selection::Names;

/// The resource or managed policy that an id names.
enum Named<'a> {
    Resource(&'a Node),
    Id(&'a str),
}

fn named<'a>(node: &'a Node, resources: &'a Resources) -> Result<Named<'a>, Missing> {
    if let Some(resource) = node.resource().and_then(|id| resources.get(id)) {
        return Ok(Named::Resource(&resource.properties));
    }
    match node.literal() {
        Some(id) => Ok(Named::Id(id)),
        None => {
            let text = node.text();
            let why = text.and_then(Text::hole).or_else(|| text.map(Text::shown));
            Err(Missing::Unresolved(why.unwrap_or_default()))
        }
    }
}

fn names(node: &Node, behavior: &str, items: &str) -> Names {
    let list = || {
        let listed = node.get(items);
        let listed = if listed.get("Items").is_there() {
            listed.get("Items")
        } else {
            listed
        };
        listed.texts()
    };
    match node.get(behavior).literal() {
        Some("all") => Names::All,
        Some("whitelist") => Names::Only(list()),
        Some("allExcept") => Names::Except(list()),
        _ => Names::Nothing,
    }
}

pub(super) fn caching(node: &Node, resources: &Resources) -> Result<Caching, Missing> {
    let id = node.get("CachePolicyId");
    if !id.is_there() {
        return Ok(legacy(node));
    }
    match named(id, resources)? {
        Named::Id(id) => {
            let policy = managed_cache_policy(id).ok_or_else(|| Missing::Unknown(id.to_owned()))?;
            Ok(Caching {
                ttls: (policy.ttls.min, policy.ttls.default, policy.ttls.max),
                headers: Names::Only(policy.headers.clone()),
                cookies: policy.cookies.clone(),
                query: policy.query.clone(),
                codings: policy.codings.gzip || policy.codings.brotli,
            })
        }
        Named::Resource(properties) => {
            let config = properties.get("CachePolicyConfig");
            let key = config.get("ParametersInCacheKeyAndForwardedToOrigin");
            let ttl = |name: &str, default| config.get(name).number().unwrap_or(default);
            let min = ttl("MinTTL", 0);
            Ok(Caching {
                ttls: (
                    min,
                    ttl("DefaultTTL", 86_400.max(min)),
                    ttl("MaxTTL", 31_536_000),
                ),
                headers: names(key.get("HeadersConfig"), "HeaderBehavior", "Headers"),
                cookies: names(key.get("CookiesConfig"), "CookieBehavior", "Cookies"),
                query: names(
                    key.get("QueryStringsConfig"),
                    "QueryStringBehavior",
                    "QueryStrings",
                ),
                codings: key.get("EnableAcceptEncodingGzip").is_true()
                    || key.get("EnableAcceptEncodingBrotli").is_true(),
            })
        }
    }
}

fn legacy(node: &Node) -> Caching {
    let forwarded = node.get("ForwardedValues");
    let ttl = |name: &str, default| node.get(name).number().unwrap_or(default);
    let headers = forwarded.get("Headers").texts();
    let headers = match headers.iter().any(|name| name == "*") {
        true => Names::All,
        false => Names::Only(headers),
    };
    let cookies = forwarded.get("Cookies");
    Caching {
        ttls: (
            ttl("MinTTL", 0),
            ttl("DefaultTTL", 86_400),
            ttl("MaxTTL", 31_536_000),
        ),
        headers,
        cookies: match cookies.get("Forward").literal() {
            Some("all") => Names::All,
            Some("whitelist") => Names::Only(cookies.get("WhitelistedNames").texts()),
            _ => Names::Nothing,
        },
        query: match forwarded.get("QueryString").is_true() {
            true => Names::All,
            false => Names::Nothing,
        },
        codings: true,
    }
}

pub(super) fn sends(node: &Node, resources: &Resources) -> Result<Sends, Missing> {
    let id = node.get("OriginRequestPolicyId");
    if !id.is_there() {
        return Ok(Sends {
            headers: HeaderSelection::None,
            cookies: Names::Nothing,
            query: Names::Nothing,
        });
    }
    match named(id, resources)? {
        Named::Id(id) => {
            let policy =
                managed_origin_request_policy(id).ok_or_else(|| Missing::Unknown(id.to_owned()))?;
            Ok(Sends {
                headers: policy.headers.clone(),
                cookies: policy.cookies.clone(),
                query: policy.query.clone(),
            })
        }
        Named::Resource(properties) => {
            let config = properties.get("OriginRequestPolicyConfig");
            let headers = config.get("HeadersConfig");
            let listed = headers.get("Headers").texts();
            Ok(Sends {
                headers: match headers.get("HeaderBehavior").literal() {
                    Some("whitelist") => HeaderSelection::Listed(listed),
                    Some("allViewer") => HeaderSelection::AllViewer,
                    Some("allViewerAndWhitelistCloudFront") => {
                        HeaderSelection::AllViewerAnd(listed)
                    }
                    Some("allExcept") => HeaderSelection::AllExcept(listed),
                    _ => HeaderSelection::None,
                },
                cookies: names(config.get("CookiesConfig"), "CookieBehavior", "Cookies"),
                query: names(
                    config.get("QueryStringsConfig"),
                    "QueryStringBehavior",
                    "QueryStrings",
                ),
            })
        }
    }
}
