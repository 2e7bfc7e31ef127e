//! Behaviors: references, TTL order, shadowed patterns, and that a cached answer cannot undo the policy.

use super::{Faults, Rule};
use crate::{Behavior, Caching, Enforcement, LargeObjects, Name, Origin, Policy, Site, Ttl};

pub(super) fn validate(site: &Site, faults: &mut Faults) {
    if !site.behaviors.last().is_some_and(|b| b.path.is_default()) {
        faults.add(
            Rule::DefaultBehavior,
            &["behaviors"],
            "the last behavior must be the default one",
            "end the list with `- path: \"*\"`",
        );
    }
    for (i, behavior) in site.behaviors.iter().enumerate() {
        let index = i.to_string();
        references(site, behavior, &index, faults);
        shadow(site, i, &index, faults);
        if let Caching::Enabled { ttl, key } = &behavior.caching {
            ttl_order(*ttl, &index, faults);
            if key.headers.len() > 10 {
                faults.add(
                    Rule::Limit,
                    &["behaviors", &index, "cache_key", "headers"],
                    "a cache key holds at most 10 headers",
                    "name fewer",
                );
            }
        }
        if let Some(policy) = site.policies.get(&behavior.policy) {
            enforcement(site, behavior, policy, &index, faults);
            direct_bucket(site, behavior, policy, &index, faults);
        }
        large_objects(site, behavior, &index, faults);
        cors(behavior, &index, faults);
    }
}

fn references(site: &Site, behavior: &Behavior, index: &str, faults: &mut Faults) {
    let targets = || {
        site.origins
            .keys()
            .chain(site.origin_groups.keys())
            .map(Name::as_str)
    };
    if !targets().any(|t| t == behavior.origin.as_str()) {
        faults.unknown(
            Rule::UnknownOrigin,
            &["behaviors", index, "origin"],
            "origin",
            behavior.origin.as_str(),
            targets(),
        );
    }
    if !site.policies.contains_key(&behavior.policy) {
        let known = site.policies.keys().map(Name::as_str);
        faults.unknown(
            Rule::UnknownPolicy,
            &["behaviors", index, "policy"],
            "policy",
            behavior.policy.as_str(),
            known,
        );
    }
}

fn shadow(site: &Site, i: usize, index: &str, faults: &mut Faults) {
    let Some(behavior) = site.behaviors.get(i) else {
        return;
    };
    let earlier = site
        .behaviors
        .iter()
        .take(i)
        .position(|e| e.path.covers(&behavior.path));
    if let Some(first) = earlier {
        let by = site
            .behaviors
            .get(first)
            .map(|b| b.path.as_str())
            .unwrap_or_default();
        faults.add(
            Rule::Shadowed,
            &["behaviors", index, "path"],
            format!(
                "behavior `{}` is shadowed by `{by}` (behavior {}), which matches first",
                behavior.path,
                first + 1
            ),
            "put the more specific pattern first",
        );
    }
}

fn ttl_order(ttl: Ttl, index: &str, faults: &mut Faults) {
    if !(ttl.min <= ttl.default && ttl.default <= ttl.max) {
        faults.add(
            Rule::TtlOrder,
            &["behaviors", index, "ttl"],
            format!(
                "TTLs must be ordered min ≤ default ≤ max, these are {} ≤ {} ≤ {}",
                ttl.min, ttl.default, ttl.max
            ),
            "CloudFront refuses any other order",
        );
    }
}

/// What a policy depends on, as far as caching is concerned.
#[derive(Default)]
struct DependsOn {
    address: bool,
    country: bool,
    signature: bool,
}

impl DependsOn {
    fn of(policy: &Policy) -> Self {
        let mut depends = Self::default();
        for when in policy.statements.iter().filter_map(|s| s.when.as_ref()) {
            depends.address |= when.networks.is_some();
            depends.country |= when.countries.is_some() || when.unknown_country;
            depends.signature |= when.signed_by.is_some();
        }
        depends
    }
}

/// A decision at the origin runs on cache misses only, so whatever it depends on must be in the key or nothing is cached.
/// A direct bucket has no decision at the origin; [`direct_bucket`] looks after it.
fn enforcement(
    site: &Site,
    behavior: &Behavior,
    policy: &Policy,
    index: &str,
    faults: &mut Faults,
) {
    let Caching::Enabled { key, ttl } = &behavior.caching else {
        return;
    };
    if ttl.max.get() == 0 || is_direct(site, behavior) {
        return;
    }
    let place = ["behaviors", index, "enforce"];
    let name = &behavior.policy;
    let depends = DependsOn::of(policy);
    let unkeyed = |what: &str| {
        format!(
            "policy `{name}` depends on {what}, and a cached answer would reach viewers it refuses"
        )
    };
    if behavior.enforce == Enforcement::Edge {
        if depends.signature {
            let message =
                format!("policy `{name}` asks for a signature, which no edge function can verify");
            faults.add(
                Rule::Enforcement,
                &place,
                message,
                "use `caching: disabled`, so that the gateway decides on every request",
            );
        }
    } else if depends.address {
        let message = unkeyed("the viewer's address, which cannot be in a cache key");
        faults.add(
            Rule::Enforcement,
            &place,
            message,
            "use `enforce: edge` or `caching: disabled`",
        );
    } else if depends.signature {
        faults.add(
            Rule::Enforcement,
            &place,
            unkeyed("a signature"),
            "use `caching: disabled`",
        );
    } else if depends.country && !key.country {
        let message = unkeyed("the country, which is not in the cache key");
        faults.add(
            Rule::Enforcement,
            &place,
            message,
            "add `cache_key: { country: true }`, or use `enforce: edge`",
        );
    }
}

fn is_direct(site: &Site, behavior: &Behavior) -> bool {
    matches!(
        site.origins.get(&behavior.origin),
        Some(Origin::DirectBucket { .. })
    )
}

/// CloudFront serves a direct bucket itself, cache hits included: it can check a signature on each request, and an edge
/// function what else there is, but not both in one policy.
fn direct_bucket(
    site: &Site,
    behavior: &Behavior,
    policy: &Policy,
    index: &str,
    faults: &mut Faults,
) {
    if !is_direct(site, behavior) {
        return;
    }
    let depends = DependsOn::of(policy);
    let place = ["behaviors", index, "policy"];
    let (name, origin) = (&behavior.policy, &behavior.origin);
    let unguarded = format!(
        "policy `{name}` would not be enforced: CloudFront serves origin `{origin}` without the gateway"
    );
    if (depends.address || depends.country)
        && (depends.signature || behavior.enforce != Enforcement::Edge)
    {
        let help = "use `enforce: edge` without signatures, a policy of `allow: any` or `signed_by` only, or a `bucket` origin";
        faults.add(Rule::DirectBucket, &place, unguarded, help);
    }
}

fn large_objects(site: &Site, behavior: &Behavior, index: &str, faults: &mut Faults) {
    let LargeObjects::HandOff {
        path,
        key_group,
        expires,
    } = &behavior.large_objects
    else {
        return;
    };
    let place = ["behaviors", index, "large_objects", "hand_off"];
    if !site.key_groups.contains_key(key_group) {
        faults.unknown(
            Rule::UnknownKeyGroup,
            &[place[0], place[1], place[2], place[3], "key_group"],
            "key group",
            key_group.as_str(),
            site.key_groups.keys().map(Name::as_str),
        );
    }
    if !(1..=3_600).contains(&expires.get()) {
        faults.add(
            Rule::HandOff,
            &place,
            format!("expires is {expires}, it must be 1s to 1h"),
            "a hand-off URL is for one download",
        );
    }
    if !matches!(
        site.origins.get(&behavior.origin),
        Some(Origin::Bucket { .. })
    ) {
        faults.add(
            Rule::HandOff,
            &place,
            "only an origin of kind `bucket` can hand off",
            "use `large_objects: refuse` or `stream`",
        );
        return;
    }
    let target = site
        .behaviors
        .iter()
        .find(|b| b.path.matches(&format!("{path}x")));
    let served_directly = target.is_some_and(|b| {
        same_bucket(site, &behavior.origin, &b.origin) && requires_signature(site, b, key_group)
    });
    if !path.starts_with('/') || !path.ends_with('/') || !served_directly {
        faults.add(Rule::HandOff,
            &place,
            format!("no behavior serves `{path}*` straight from the same bucket and prefix under a policy of `signed_by: {key_group}`"),
            "add a behavior for it whose origin is a `direct_bucket` of the same bucket and prefix",
        );
    }
}

fn same_bucket(site: &Site, plain: &Name, direct: &Name) -> bool {
    match (site.origins.get(plain), site.origins.get(direct)) {
        (
            Some(Origin::Bucket { name, prefix, .. }),
            Some(Origin::DirectBucket {
                name: other,
                prefix: other_prefix,
            }),
        ) => name == other && prefix == other_prefix,
        _ => false,
    }
}

fn requires_signature(site: &Site, behavior: &Behavior, key_group: &Name) -> bool {
    site.policies.get(&behavior.policy).is_some_and(|p| {
        p.statements
            .iter()
            .filter(|s| s.effect == crate::Effect::Allow)
            .all(|s| {
                s.when
                    .as_ref()
                    .is_some_and(|w| w.signed_by.as_ref() == Some(key_group))
            })
    })
}

fn cors(behavior: &Behavior, index: &str, faults: &mut Faults) {
    let Some(cors) = &behavior.response_headers.cors else {
        return;
    };
    let place = [
        "behaviors",
        index,
        "response_headers",
        "cors",
        "allow_origins",
    ];
    if cors.allow_origins.is_empty() {
        faults.add(
            Rule::Cors,
            &place,
            "the list is empty",
            "name at least one origin, or remove `cors`",
        );
    }
    for origin in cors.allow_origins.iter().filter(|o| !is_web_origin(o)) {
        faults.add(Rule::Cors,
            &place,
            format!("`{origin}` is not an origin"),
            "write it as a browser sends it: scheme, host in lower case and a port that is not the default, such as `https://www.example.com`",
        );
    }
    if cors.allow_origins.len() > 1 && cors.allow_origins.iter().any(|o| o == "*") {
        faults.add(
            Rule::Cors,
            &place,
            "`*` stands beside other origins",
            "write `*` alone, or only exact origins",
        );
    }
    let keyed = match &behavior.caching {
        Caching::Disabled => true,
        Caching::Enabled { key, .. } => key.headers.iter().any(|name| name == "origin"),
    };
    if cors.allow_origins.len() > 1 && !keyed {
        faults.add(
            Rule::Cors,
            &place,
            "the answer depends on `Origin`, which is not in the cache key",
            "add `cache_key: { headers: [origin] }`, or allow one origin or `*`",
        );
    }
}

fn is_web_origin(origin: &str) -> bool {
    if origin == "*" {
        return true;
    }
    let Some((scheme, rest)) = origin.split_once("://") else {
        return false;
    };
    let (host, port) = rest
        .split_once(':')
        .map_or((rest, None), |(h, p)| (h, Some(p)));
    let default_port = if scheme == "https" { "443" } else { "80" };
    matches!(scheme, "https" | "http")
        && !host.is_empty()
        && host
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-'))
        && port.is_none_or(|p| p != default_port && p.parse::<u16>().is_ok_and(|n| n > 0))
}
