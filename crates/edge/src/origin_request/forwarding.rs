//! What a behavior forwards, from its policies or its legacy settings.

use super::{Forwarding, GeneratedHeader};
use crate::distribution::CacheSettings;
use crate::distribution::{
    Behavior, CachePolicy, HeaderSelection, HeadersAll, LegacyCookies, LegacyForwarding,
    LegacyQuery, OriginRequestPolicy,
};
use crate::key::KeyRules;
use crate::selection::{Names, Selection};

/// Fields that legacy settings drop unless they are listed (DG:RequestAndResponseBehaviorCustomOrigin).
const LEGACY_DROPPED: [&str; 7] = [
    "Accept",
    "Accept-Charset",
    "Accept-Language",
    "Referer",
    "User-Agent",
    "Host",
    "X-HTTP-Method-Override",
];

impl Forwarding {
    /// What a behavior forwards.
    #[must_use]
    pub fn of(behavior: &Behavior) -> Self {
        let mut forwarding = match &behavior.caching {
            CacheSettings::Policy(policy) => of_policies(policy, behavior.origin_request.as_ref()),
            CacheSettings::Legacy(legacy) => of_legacy(legacy, behavior.caches_options),
        };
        forwarding.codings = KeyRules::codings_of(behavior);
        forwarding
    }
}

fn of_policies(cache: &CachePolicy, request: Option<&OriginRequestPolicy>) -> Forwarding {
    let (mut listed, requested) = match request.map(|policy| &policy.headers) {
        None | Some(HeaderSelection::None) => (Vec::new(), Names::Nothing),
        Some(HeaderSelection::Listed(names)) => (names.clone(), Names::Only(names.clone())),
        Some(HeaderSelection::AllViewer) => (Vec::new(), Names::All),
        Some(HeaderSelection::AllViewerAnd(names)) => (names.clone(), Names::All),
        Some(HeaderSelection::AllExcept(names)) => {
            // DG:using-managed-origin-request-policies: AllViewerExceptHostHeader adds CloudFront's headers too.
            (except_adds(names), Names::Except(names.clone()))
        }
    };
    listed.extend(cache.headers.iter().cloned());
    let select = |cached: &Names, requested: Option<&Names>| Selection {
        cache_policy: cached.clone(),
        origin_request_policy: requested.cloned().unwrap_or_default(),
    };
    Forwarding {
        headers: select(&Names::Only(cache.headers.clone()), Some(&requested)),
        cookies: select(&cache.cookies, request.map(|policy| &policy.cookies)),
        query: select(&cache.query, request.map(|policy| &policy.query)),
        generated: generated(&listed),
        ..Forwarding::default()
    }
}

fn except_adds(except: &[String]) -> Vec<String> {
    let excluded = |name: &str| except.iter().any(|e| e.eq_ignore_ascii_case(name));
    GeneratedHeader::ALL
        .iter()
        .map(|header| header.name())
        .filter(|name| !excluded(name))
        .map(str::to_owned)
        .collect()
}

fn of_legacy(legacy: &LegacyForwarding, caches_options: bool) -> Forwarding {
    let (listed, all) = match &legacy.headers {
        HeadersAll::All => (Vec::new(), true),
        HeadersAll::Listed(names) => (names.clone(), false),
    };
    let names_authorization = all
        || listed
            .iter()
            .any(|n| n.eq_ignore_ascii_case("authorization"));
    let passed = if all {
        Names::All
    } else {
        Names::Except(LEGACY_DROPPED.map(str::to_owned).to_vec())
    };
    Forwarding {
        generated: generated(&listed),
        headers: Selection {
            cache_policy: Names::Only(listed),
            origin_request_policy: passed,
        },
        cookies: Selection {
            cache_policy: match legacy.cookies {
                LegacyCookies::All => Names::All,
                LegacyCookies::None | LegacyCookies::Listed(_) => Names::Nothing,
            },
            ..Selection::default()
        },
        cookie_patterns: match &legacy.cookies {
            LegacyCookies::Listed(names) => Some(names.clone()),
            LegacyCookies::None | LegacyCookies::All => None,
        },
        query: Selection {
            cache_policy: match legacy.query {
                LegacyQuery::None => Names::Nothing,
                LegacyQuery::All | LegacyQuery::Keyed(_) => Names::All,
            },
            ..Selection::default()
        },
        without_authorization: match (names_authorization, caches_options) {
            (true, _) => &[],
            (false, true) => &["GET", "HEAD", "OPTIONS"],
            (false, false) => &["GET", "HEAD"],
        },
        ..Forwarding::default()
    }
}

fn generated(names: &[String]) -> Vec<GeneratedHeader> {
    let mut generated: Vec<GeneratedHeader> = names
        .iter()
        .filter_map(|name| GeneratedHeader::named(name))
        .collect();
    generated.dedup();
    generated
}
