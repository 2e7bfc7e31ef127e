//! What a diff says, held to the decisions themselves: a request is told exactly where its verdict differs.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must fail"
)]

use portcullis_diff::compare::{Change, Diff, Kind, diff};
use portcullis_diff::paths::pairs;
use portcullis_diff::viewers::{Side, Viewer, facts};
use portcullis_manifest::compile;
use portcullis_policy::{Decision, decide};
use portcullis_site::{Engine, PathPattern, Site};
use portcullis_viewer::country::Country;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

fn site(policies: &str, behaviors: &str) -> Site {
    let text = format!(
        "version: 1
site: tried
origins: {{ pages: {{ bucket: {{ name: pages }} }} }}
geo: {{ source: cloudfront }}
networks:
  office: [198.51.100.0/24]
  lab: [198.51.100.128/25, 192.0.2.0/24]
policies:
{policies}
behaviors:
{behaviors}
"
    );
    let compiled = compile(&text, "portcullis.yaml", &BTreeMap::new());
    compiled
        .unwrap_or_else(|why| panic!("{why}\n{text}"))
        .bundle
        .site()
        .clone()
}

const POLICIES: [&str; 5] = [
    "[{ allow: any }]",
    "[{ allow: { countries: [DE, FR] } }]",
    "[{ allow: { networks: [office] } }, { allow: { countries: [EU] } }]",
    "[{ deny: { networks: [lab] } }, { allow: { networks: [office], countries: [DE, US] } }]",
    "[{ deny: { countries: [US, unknown] } }, { allow: any }]",
];

const PATTERNS: [&str; 7] = [
    "/a/*",
    "/a/b/*",
    "/*.png",
    "/a?/*",
    "*/c",
    "/a/b/x.png",
    "/b*",
];

fn built(policies: &[usize], behaviors: &[(usize, usize)]) -> Site {
    let named: String = policies
        .iter()
        .enumerate()
        .map(|(at, policy)| format!("  p{at}: {}\n", POLICIES[*policy]))
        .collect();
    let mut before: Vec<PathPattern> = Vec::new();
    let listed: String = behaviors
        .iter()
        .filter(|(pattern, _)| {
            let pattern = PathPattern::new(PATTERNS[*pattern]).unwrap();
            let shadowed = before.iter().any(|earlier| earlier.covers(&pattern));
            before.push(pattern);
            !shadowed
        })
        .map(|(pattern, policy)| (PATTERNS[*pattern], policy % policies.len()))
        .chain([("*", 0)])
        .map(|(pattern, policy)| {
            format!("  - {{ path: \"{pattern}\", origin: pages, policy: p{policy}, caching: disabled }}\n")
        })
        .collect();
    site(&named, &listed)
}

fn admits(side: &Side<'_>, path: &str, viewer: &Viewer, country: Option<Country>) -> (usize, bool) {
    let mut behaviors = side.site.behaviors.iter();
    let at = behaviors
        .position(|behavior| behavior.path.matches(path))
        .unwrap();
    let policy = side.engine.policy(&side.site.behaviors[at].policy).unwrap();
    let facts = facts(side, policy, viewer, country);
    (
        at,
        matches!(decide(policy, &facts, 0), Decision::Admitted(_)),
    )
}

/// Whether a change tells of a request.
fn tells(
    change: &Change,
    patterns: (&str, &str),
    networks: &BTreeSet<&str>,
    country: &str,
) -> bool {
    (change.patterns.0.as_str(), change.patterns.1.as_str()) == patterns
        && change.viewers.iter().any(|asking| {
            let of = asking.countries.is_empty() || asking.countries.iter().any(|c| c == country);
            // A change names the networks that either policy asks for.
            let named = asking.networks.iter().flatten().map(String::as_str);
            of && named.collect::<BTreeSet<_>>().is_subset(networks)
        })
}

fn differs(diff: &Diff, old: &Side<'_>, new: &Side<'_>, path: &str, address: &str, country: &str) {
    let viewer = Viewer {
        address: Some(address.parse().unwrap()),
        networks: BTreeSet::new(),
        lists: BTreeSet::new(),
        signed_by: BTreeSet::new(),
    };
    let code: Option<Country> = country.parse().ok();
    let (was, is) = (
        admits(old, path, &viewer, code),
        admits(new, path, &viewer, code),
    );
    let patterns = (
        old.site.behaviors[was.0].path.as_str(),
        new.site.behaviors[is.0].path.as_str(),
    );
    let networks: BTreeSet<&str> = old
        .engine
        .networks()
        .iter()
        .filter(|(_, addresses)| match addresses {
            portcullis_site::NetworkAddresses::Fixed(set) => set.contains(viewer.address.unwrap()),
            portcullis_site::NetworkAddresses::PrefixList { .. } => false,
        })
        .map(|(name, _)| name.as_str())
        .collect();
    let told: Vec<Kind> = diff
        .decisions
        .iter()
        .filter(|change| tells(change, patterns, &networks, country))
        .map(|change| change.kind)
        .collect();
    let expected = match (was.1, is.1) {
        (true, false) => Some(Kind::Refused),
        (false, true) => Some(Kind::Admitted),
        _ => None,
    };
    if let Some(expected) = expected {
        assert!(
            told.contains(&expected),
            "{path} {address} {country}: {told:?}"
        );
    }
}

fn patterns(site: &Site) -> Vec<&str> {
    site.behaviors.iter().map(|one| one.path.as_str()).collect()
}

const PATHS: [&str; 12] = [
    "/",
    "/a/x",
    "/a/b/x",
    "/a/b/x.png",
    "/ab/c",
    "/a/c",
    "/q/c",
    "/b",
    "/bc/x.png",
    "/x.png",
    "/z/y",
    "/a/b/c",
];
const ADDRESSES: [&str; 4] = ["203.0.113.9", "198.51.100.7", "198.51.100.200", "192.0.2.1"];
const COUNTRIES: [&str; 5] = ["DE", "US", "FR", "JP", "unknown"];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_request_is_told_where_its_verdict_differs(
        policies in prop::collection::vec(0..POLICIES.len(), 2..4),
        others in prop::collection::vec(0..POLICIES.len(), 2..4),
        behaviors in prop::collection::vec((0..PATTERNS.len(), 0..3_usize), 0..5),
        changed in prop::collection::vec((0..PATTERNS.len(), 0..3_usize), 0..5),
    ) {
        let (old, new) = (built(&policies, &behaviors), built(&others, &changed));
        let found = diff(&old, &new).unwrap();
        prop_assert!(found.inexact.is_empty());
        let side = |site| Side { site, engine: Engine::new(site).unwrap() };
        let (old, new) = (side(&old), side(&new));
        for path in PATHS {
            for address in ADDRESSES {
                for country in COUNTRIES {
                    differs(&found, &old, &new, path, address, country);
                }
            }
        }
        // Every example is a request whose verdict differs as it is told.
        for change in &found.decisions {
            let example = &change.example;
            let viewer = Viewer {
                address: example.address.as_ref().map(|a| a.parse().unwrap()),
                networks: BTreeSet::new(),
                lists: BTreeSet::new(),
                signed_by: BTreeSet::new(),
            };
            let country = example.country.as_ref().map(|c| c.parse().unwrap());
            let (was, is) = (
                admits(&old, &example.path, &viewer, country),
                admits(&new, &example.path, &viewer, country),
            );
            prop_assert_eq!(was.1, change.kind == Kind::Refused, "{:?}", change);
            prop_assert_eq!(is.1, change.kind == Kind::Admitted, "{:?}", change);
        }
        prop_assert!(diff(old.site, old.site).unwrap().decisions.is_empty());
    }

    /// No path is governed by a pair that was not found.
    #[test]
    fn every_path_has_its_pair(
        behaviors in prop::collection::vec((0..PATTERNS.len(), 0..1_usize), 0..6),
        changed in prop::collection::vec((0..PATTERNS.len(), 0..1_usize), 0..6),
        path in "(/[abcx]{1,2}){0,3}(/|/x\\.png|/c)",
    ) {
        let (old, new) = (built(&[0], &behaviors), built(&[0], &changed));
        let found = pairs(&patterns(&old), &patterns(&new));
        prop_assert!(found.exact);
        let first = |site: &Site| site.behaviors.iter().position(|b| b.path.matches(&path)).unwrap();
        let pair = (first(&old), first(&new));
        prop_assert!(found.pairs.iter().any(|p| (p.old, p.new) == pair), "{} {:?}", path, pair);
        for pair in &found.pairs {
            let first = |site: &Site| site.behaviors.iter().position(|b| b.path.matches(&pair.path));
            prop_assert_eq!((first(&old), first(&new)), (Some(pair.old), Some(pair.new)));
        }
    }
}

#[test]
fn what_differs_in_caching_is_told_by_setting() {
    let policies = "  p: [{ allow: any }]";
    let old = site(
        policies,
        "  - { path: \"*\", origin: pages, policy: p, ttl: { min: 0s, default: 5m, max: 1d } }",
    );
    let new = site(
        policies,
        "  - { path: /a/*, origin: pages, policy: p, caching: disabled }
  - { path: \"*\", origin: pages, policy: p, cache_key: { query: [v] }, ttl: { min: 0s, default: 1h, max: 1d } }",
    );
    let found = diff(&old, &new).unwrap();
    assert_eq!(found.decisions, []);
    let told: Vec<_> = found
        .caching
        .iter()
        .map(|change| {
            let names: Vec<&str> = change.settings.iter().map(|(name, ..)| *name).collect();
            (change.patterns.1.as_str(), names)
        })
        .collect();
    let all = [
        "query in the key",
        "headers in the key",
        "country in the key",
        "lifetime",
        "compression",
    ];
    assert_eq!(told[0], ("/a/*", all.to_vec()));
    assert_eq!(told[1], ("*", vec!["query in the key", "lifetime"]));
}
