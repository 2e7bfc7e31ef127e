//! `ForwardedValues`: what legacy settings forward and key.
//!
//! Always holds: `*` stands alone. Deliberately absent: policies, which replace this.

use super::policy;
use crate::fault::Rule;
use crate::read::{Item, Object, texts};
use portcullis_edge::distribution::{HeadersAll, LegacyCookies, LegacyForwarding, LegacyQuery};
use portcullis_edge::freshness::Ttls;

/// The most headers of legacy settings.
const HEADERS_MAX: usize = 10;

/// `ForwardedValues` and the TTLs of a behavior; without the former nothing is forwarded.
pub(crate) fn legacy(behavior: &Object<'_>) -> LegacyForwarding {
    let ttls = policy::ttls(behavior);
    let mut forwarding = LegacyForwarding {
        ttls,
        query: LegacyQuery::None,
        cookies: LegacyCookies::None,
        headers: HeadersAll::Listed(Vec::new()),
    };
    if let Some(values) = behavior.object("ForwardedValues") {
        forwarding.query = query(&values);
        forwarding.cookies = cookies(&values);
        forwarding.headers = headers(&values, ttls);
        values.end(&[]);
    }
    forwarding
}

fn query(values: &Object<'_>) -> LegacyQuery {
    let all = values
        .required("QueryString")
        .and_then(|item| item.boolean());
    let keyed = values.texts("QueryStringCacheKeys");
    match (all.unwrap_or(false), keyed.is_empty()) {
        (false, true) => LegacyQuery::None,
        (true, true) => LegacyQuery::All,
        (true, false) if keyed.iter().any(|name| name == "*") => LegacyQuery::All,
        (true, false) => LegacyQuery::Keyed(keyed),
        (false, false) => {
            let message = "parameters are keyed, and the query string is not forwarded";
            values.fault_at(
                "QueryStringCacheKeys",
                Rule::InvalidQueryStringParameters,
                message,
            );
            LegacyQuery::None
        }
    }
}

#[derive(Clone, Copy)]
enum Forward {
    None,
    Whitelist,
    All,
}

fn cookies(values: &Object<'_>) -> LegacyCookies {
    let item = match values.is_template() {
        true => values.get("Cookies"),
        false => values.required("Cookies"),
    };
    let Some(object) = item.and_then(Item::object) else {
        return LegacyCookies::None;
    };
    let forward = object.required("Forward").and_then(|item| {
        item.one_of(&[
            ("none", Forward::None),
            ("whitelist", Forward::Whitelist),
            ("all", Forward::All),
        ])
    });
    let listed = object.texts("WhitelistedNames");
    object.end(&[]);
    match (forward, listed.is_empty()) {
        (Some(Forward::Whitelist), true) | (Some(Forward::None | Forward::All), false) => {
            let message = "`WhitelistedNames` goes with `Forward: whitelist`, and only with it";
            object.fault_at("WhitelistedNames", Rule::InvalidForwardCookies, message);
            LegacyCookies::None
        }
        (Some(Forward::Whitelist), false) => LegacyCookies::Listed(listed),
        (Some(Forward::All), true) => LegacyCookies::All,
        _ => LegacyCookies::None,
    }
}

fn headers(values: &Object<'_>, ttls: Ttls) -> HeadersAll {
    let listed = values.get("Headers").map(texts).unwrap_or_default();
    if listed.len() > HEADERS_MAX {
        let message = format!("{} headers; at most {HEADERS_MAX}", listed.len());
        values.fault_at("Headers", Rule::TooManyHeadersInForwardedValues, message);
    }
    if !listed.iter().any(|name| name == "*") {
        return HeadersAll::Listed(listed);
    }
    if listed.len() > 1 {
        let message = "`*` stands alone";
        values.fault_at("Headers", Rule::InvalidArgument, message);
    }
    if ttls.min > 0 {
        let message = "with all headers forwarded nothing is cached, so the minimum TTL must be 0";
        values.fault_at("Headers", Rule::InvalidTTLOrder, message);
    }
    HeadersAll::All
}
