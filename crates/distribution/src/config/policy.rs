//! Cache policies and origin request policies.
//!
//! Always holds: a policy that lists names says so, and one that does not lists none. Deliberately absent: comments.

use crate::fault::Rule;
use crate::read::{Item, Object};
use portcullis_edge::accept_encoding::EdgeCodings;
use portcullis_edge::distribution::{CachePolicy, HeaderSelection, OriginRequestPolicy};
use portcullis_edge::freshness::Ttls;
use portcullis_edge::origin_request::GeneratedHeader;
use portcullis_edge::selection::Names;

/// What CloudFront sets when a policy or a behavior leaves the default TTL out, in seconds.
const DEFAULT_TTL: u64 = 86_400;
/// What CloudFront sets when the maximum TTL is left out, in seconds.
const MAX_TTL: u64 = 31_536_000;
/// The most names of one kind in a policy.
const NAMES_MAX: usize = 10;
/// Generated headers that no cache policy may hold.
const NEVER_KEYED: [&str; 1] = ["CloudFront-Viewer-Address"];

/// `MinTTL`, `DefaultTTL` and `MaxTTL` of a policy or a behavior.
pub(crate) fn ttls(object: &Object<'_>) -> Ttls {
    let seconds = |name| object.integer(name, 0..=u64::from(i32::MAX.unsigned_abs()));
    let min = seconds("MinTTL").unwrap_or(0);
    // What is left out gives way to what is written.
    let (default, max) = (seconds("DefaultTTL"), seconds("MaxTTL"));
    let written = max.or(default).unwrap_or(0).max(min);
    let ttls = Ttls {
        min,
        default: default
            .unwrap_or_else(|| DEFAULT_TTL.clamp(min, max.unwrap_or(u64::MAX).max(min))),
        max: max.unwrap_or_else(|| MAX_TTL.max(written)),
    };
    if ttls.min > ttls.default || ttls.default > ttls.max {
        let message = format!(
            "minimum {}, default {} and maximum {} must not fall",
            ttls.min, ttls.default, ttls.max
        );
        object.fault_at("MinTTL", Rule::InvalidTTLOrder, message);
    }
    ttls
}

pub(crate) fn cache_policy(item: Item<'_>) -> Option<CachePolicy> {
    let object = item.object()?;
    let ttls = ttls(&object);
    let mut policy = CachePolicy {
        name: object.required_text("Name").unwrap_or_default().to_owned(),
        ttls,
        headers: Vec::new(),
        cookies: Names::Nothing,
        query: Names::Nothing,
        codings: EdgeCodings::default(),
    };
    if object.required("MinTTL").is_some()
        && let Some(key) = object.object("ParametersInCacheKeyAndForwardedToOrigin")
    {
        key_of(&key, &mut policy);
    }
    object.end(&["Comment"]);
    Some(policy)
}

fn key_of(key: &Object<'_>, policy: &mut CachePolicy) {
    policy.codings = EdgeCodings {
        gzip: key.boolean("EnableAcceptEncodingGzip"),
        brotli: key.boolean("EnableAcceptEncodingBrotli"),
    };
    policy.headers = keyed_headers(key);
    policy.cookies = names(key, "Cookies", "CookieBehavior");
    policy.query = names(key, "QueryStrings", "QueryStringBehavior");
    key.end(&[]);
    let keys = !policy.headers.is_empty()
        || policy.cookies != Names::Nothing
        || policy.query != Names::Nothing
        || policy.codings.gzip
        || policy.codings.brotli;
    if policy.ttls.disable_caching() && keys {
        let message = "a policy whose TTLs are all zero has nothing in its key; forward with an origin request policy";
        key.fault(Rule::InvalidArgument, message);
    }
}

fn keyed_headers(key: &Object<'_>) -> Vec<String> {
    let Some(config) = key.required("HeadersConfig").and_then(Item::object) else {
        return Vec::new();
    };
    let listed = config
        .required("HeaderBehavior")
        .and_then(|item| item.one_of(&[("none", false), ("whitelist", true)]));
    let headers = listed_names(&config, "Headers", listed.unwrap_or(true));
    config.end(&[]);
    for header in &headers {
        let never = |name: &&str| name.eq_ignore_ascii_case(header);
        if NEVER_KEYED.iter().any(never) {
            let message =
                format!("`{header}` can be in no cache key; use an origin request policy");
            config.fault_at("Headers", Rule::InvalidArgument, message);
        }
    }
    headers
}

#[derive(Clone, Copy)]
enum Behavior {
    None,
    Whitelist,
    AllExcept,
    All,
}

fn names(object: &Object<'_>, member: &str, behavior_member: &str) -> Names {
    let config = object
        .required(&format!("{member}Config"))
        .and_then(Item::object);
    let Some(config) = config else {
        return Names::Nothing;
    };
    let behavior = config.required(behavior_member).and_then(|item| {
        item.one_of(&[
            ("none", Behavior::None),
            ("whitelist", Behavior::Whitelist),
            ("allExcept", Behavior::AllExcept),
            ("all", Behavior::All),
        ])
    });
    let lists = matches!(
        behavior,
        None | Some(Behavior::Whitelist | Behavior::AllExcept)
    );
    let listed = listed_names(&config, member, lists);
    config.end(&[]);
    match behavior {
        None | Some(Behavior::None) => Names::Nothing,
        Some(Behavior::Whitelist) => Names::Only(listed),
        Some(Behavior::AllExcept) => Names::Except(listed),
        Some(Behavior::All) => Names::All,
    }
}

/// The names of a list that is there exactly when its behavior says so.
fn listed_names(config: &Object<'_>, member: &str, lists: bool) -> Vec<String> {
    let listed = config.texts(member);
    let message = match (lists, listed.len()) {
        (true, 0) => format!("`{member}` lists nothing"),
        (false, 1..) => format!("`{member}` lists names, and the behavior is not a list"),
        (true, count) if count > NAMES_MAX => format!("{count} names; at most {NAMES_MAX}"),
        _ => return listed,
    };
    config.fault_at(member, Rule::InvalidArgument, message);
    listed
}

#[derive(Clone, Copy)]
enum HeaderBehavior {
    None,
    Whitelist,
    AllViewer,
    AllViewerAnd,
    AllExcept,
}

pub(crate) fn origin_request_policy(item: Item<'_>) -> Option<OriginRequestPolicy> {
    let object = item.object()?;
    let policy = OriginRequestPolicy {
        name: object.required_text("Name").unwrap_or_default().to_owned(),
        headers: header_selection(&object),
        cookies: names(&object, "Cookies", "CookieBehavior"),
        query: names(&object, "QueryStrings", "QueryStringBehavior"),
    };
    object.end(&["Comment"]);
    Some(policy)
}

fn header_selection(object: &Object<'_>) -> HeaderSelection {
    let Some(config) = object.required("HeadersConfig").and_then(Item::object) else {
        return HeaderSelection::None;
    };
    let behavior = config.required("HeaderBehavior").and_then(|item| {
        item.one_of(&[
            ("none", HeaderBehavior::None),
            ("whitelist", HeaderBehavior::Whitelist),
            ("allViewer", HeaderBehavior::AllViewer),
            (
                "allViewerAndWhitelistCloudFront",
                HeaderBehavior::AllViewerAnd,
            ),
            ("allExcept", HeaderBehavior::AllExcept),
        ])
    });
    let lists = !matches!(
        behavior,
        Some(HeaderBehavior::None | HeaderBehavior::AllViewer)
    );
    let listed = listed_names(&config, "Headers", lists);
    config.end(&[]);
    match behavior {
        None | Some(HeaderBehavior::None) => HeaderSelection::None,
        Some(HeaderBehavior::Whitelist) => {
            no_authorization(&config, &listed);
            HeaderSelection::Listed(listed)
        }
        Some(HeaderBehavior::AllViewer) => HeaderSelection::AllViewer,
        Some(HeaderBehavior::AllExcept) => HeaderSelection::AllExcept(listed),
        Some(HeaderBehavior::AllViewerAnd) => {
            generated_only(&config, &listed);
            HeaderSelection::AllViewerAnd(listed)
        }
    }
}

/// DG:add-origin-custom-headers: it is forwarded where the cache policy lists it, or with all headers of the viewer.
fn no_authorization(config: &Object<'_>, listed: &[String]) {
    if listed
        .iter()
        .any(|name| name.eq_ignore_ascii_case("authorization"))
    {
        let message = "`Authorization` cannot be listed in an origin request policy: list it in the cache policy, or forward all viewer headers";
        config.fault_at("Headers", Rule::InvalidArgument, message);
    }
}

fn generated_only(config: &Object<'_>, listed: &[String]) {
    for name in listed {
        if GeneratedHeader::named(name).is_none() {
            let message = format!("`{name}` is no header that CloudFront adds");
            config.fault_at("Headers", Rule::InvalidArgument, message);
        }
    }
}
