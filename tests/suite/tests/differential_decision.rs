//! The decision against a slow, obvious evaluator that works on names and lists, over random policies and facts.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    reason = "a test that cannot go on must fail, and JSON is passed as it is written"
)]

use portcullis_policy::{
    AddressFact, Decision, Facts, KeyGroupIndex, Membership, NetworkIndex, Networks, SignatureFact,
    Signatures, decide,
};
use portcullis_signed_access::SignatureRefusal;
use portcullis_site::{Conditions, Effect, Engine, Mode, Name, Policy, Site, Statement};
use portcullis_viewer::country::Country;
use portcullis_viewer::geo::{CountryError, CountryFact, UnknownCountry};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

const NETWORKS: [&str; 3] = ["abuse", "office", "partners"];
const COUNTRIES: [&str; 4] = ["DE", "FR", "NO", "US"];
const GROUPS: [&str; 2] = ["members", "press"];

/// What is known of a viewer, by name: `None` is unknown.
#[derive(Debug, Clone)]
struct Viewer {
    address_known: bool,
    inside: BTreeMap<String, Option<bool>>,
    country: Option<String>,
    country_is_error: bool,
    signature: BTreeMap<String, SignatureRefusal>,
}

/// Admitted by a statement, or refused by one or none, with the code.
#[derive(Debug, PartialEq)]
enum Verdict {
    Admitted(Option<usize>),
    Refused(Option<usize>, String),
}

/// One condition of a statement: yes, no, or unknown with its word.
#[derive(Clone, Debug, PartialEq)]
enum Word {
    Yes,
    No,
    Unknown(&'static str),
    Unsigned(SignatureRefusal),
}

fn reference(policy: &Policy, viewer: &Viewer) -> Verdict {
    let mut near = None;
    for (i, statement) in policy.statements.iter().enumerate() {
        let words = words(statement, viewer);
        let no = words.contains(&Word::No);
        let all = words.iter().all(|w| *w == Word::Yes);
        let unknown = words.iter().find_map(|w| {
            if let Word::Unknown(u) = w {
                Some(*u)
            } else {
                None
            }
        });
        let unsigned = words.iter().find_map(|w| {
            if let Word::Unsigned(r) = w {
                Some(*r)
            } else {
                None
            }
        });
        match statement.effect {
            Effect::Allow if all => return Verdict::Admitted(Some(i)),
            Effect::Allow if !no && near.is_none() => {
                let code =
                    unknown.map_or_else(|| unsigned.unwrap().code().to_owned(), str::to_owned);
                near = Some((i, code));
            }
            Effect::Allow => {}
            Effect::Deny if all => return refused(policy, Some(i), "denied".to_owned()),
            Effect::Deny if no => {}
            Effect::Deny => match (unknown, unsigned) {
                (Some(u), _) => return refused(policy, Some(i), format!("denied-{u}")),
                (None, Some(SignatureRefusal::Absent)) => {}
                (None, _) => return refused(policy, Some(i), "denied".to_owned()),
            },
        }
    }
    let (statement, code) = near.map_or((None, "no-match".to_owned()), |(i, code)| (Some(i), code));
    refused(policy, statement, code)
}

fn refused(policy: &Policy, statement: Option<usize>, code: String) -> Verdict {
    if policy.mode == Mode::Report {
        Verdict::Admitted(None)
    } else {
        Verdict::Refused(statement, code)
    }
}

fn words(statement: &Statement, viewer: &Viewer) -> Vec<Word> {
    let Some(when) = &statement.when else {
        return vec![];
    };
    let mut words = Vec::new();
    if let Some(networks) = &when.networks {
        let answers: Vec<Option<bool>> = networks
            .iter()
            .map(|n| {
                if viewer.address_known {
                    viewer.inside[n.as_str()]
                } else {
                    None
                }
            })
            .collect();
        words.push(if answers.contains(&Some(true)) {
            Word::Yes
        } else if !viewer.address_known {
            Word::Unknown("address-unknown")
        } else if answers.contains(&None) {
            Word::Unknown("list-unavailable")
        } else {
            Word::No
        });
    }
    if when.countries.is_some() || when.unknown_country {
        words.push(match &viewer.country {
            None => Word::Unknown("country-unknown"),
            Some(c) if when.countries.iter().flatten().any(|x| x.to_string() == *c) => Word::Yes,
            Some(_) => Word::No,
        });
    }
    if let Some(group) = &when.signed_by {
        words.push(Word::Unsigned(viewer.signature[group.as_str()]));
    }
    words
}

fn site(policy: Policy) -> Site {
    let mut site: Site = serde_json::from_value(portcullis_suite::small_site_json()).unwrap();
    site.policies.insert(Name::new("p").unwrap(), policy);
    site
}

fn facts(viewer: &Viewer) -> Facts {
    let address = if viewer.address_known {
        AddressFact::Known(IpAddr::V4(Ipv4Addr::LOCALHOST))
    } else {
        AddressFact::Unknown
    };
    let mut networks = Membership::default();
    for (i, name) in NETWORKS.iter().enumerate() {
        let one = Networks::NONE.with(NetworkIndex::new(i).unwrap());
        match viewer.inside[*name] {
            _ if !viewer.address_known => networks.unknown = networks.unknown.union(one),
            Some(true) => networks.inside = networks.inside.union(one),
            Some(false) => {}
            None => {
                networks.unknown = networks.unknown.union(one);
                networks.stale = networks.stale.union(one);
            }
        }
    }
    let country = match &viewer.country {
        Some(code) => CountryFact::Known(code.parse::<Country>().unwrap()),
        None if viewer.country_is_error => CountryFact::Error(CountryError::HeaderMalformed),
        None => CountryFact::Unknown(UnknownCountry::NotInDatabase),
    };
    let mut signatures = Signatures::default();
    for (i, name) in GROUPS.iter().enumerate() {
        let group = KeyGroupIndex::new(i).unwrap();
        signatures
            .set(group, SignatureFact::Refused(viewer.signature[*name]))
            .unwrap();
    }
    Facts {
        address,
        networks,
        country,
        signatures,
    }
}

fn viewers() -> impl Strategy<Value = Viewer> {
    let refusal = prop_oneof![
        Just(SignatureRefusal::Absent),
        Just(SignatureRefusal::BadSignature),
        Just(SignatureRefusal::Expired),
        Just(SignatureRefusal::UnknownKey)
    ];
    let country = option::of(prop::sample::select(&COUNTRIES[..]));
    (
        any::<bool>(),
        vec(option::of(any::<bool>()), 3),
        country,
        any::<bool>(),
        vec(refusal, 2),
    )
        .prop_map(
            |(address_known, inside, country, country_is_error, refusals)| Viewer {
                address_known,
                inside: NETWORKS
                    .iter()
                    .map(ToString::to_string)
                    .zip(inside)
                    .collect(),
                country: country.map(str::to_owned),
                country_is_error,
                signature: GROUPS
                    .iter()
                    .map(ToString::to_string)
                    .zip(refusals)
                    .collect(),
            },
        )
}

fn statements() -> impl Strategy<Value = Statement> {
    let some_of = |names: &'static [&'static str]| {
        option::of(prop::sample::subsequence(names, 1..=names.len()))
    };
    let parts = (
        any::<bool>(),
        some_of(&NETWORKS),
        some_of(&COUNTRIES),
        any::<bool>(),
        some_of(&GROUPS),
    );
    parts.prop_map(|(allow, networks, countries, unknown, groups)| {
        let when = Conditions {
            networks: networks
                .map(|list| list.into_iter().map(|n| Name::new(n).unwrap()).collect()),
            countries: countries.map(|list| list.into_iter().map(|c| c.parse().unwrap()).collect()),
            unknown_country: unknown && !allow,
            countries_written: vec![],
            signed_by: groups.and_then(|g| g.first().map(|n| Name::new(*n).unwrap())),
        };
        let any = when.networks.is_none()
            && when.countries.is_none()
            && !when.unknown_country
            && when.signed_by.is_none();
        Statement {
            effect: if allow { Effect::Allow } else { Effect::Deny },
            when: (!any).then_some(when),
            reason: None,
        }
    })
}

fn verdict(site: &Site, viewer: &Viewer) -> Verdict {
    let engine = Engine::new(site).unwrap();
    let policy = engine.policy(&Name::new("p").unwrap()).unwrap();
    match decide(policy, &facts(viewer), 0) {
        Decision::Admitted(admitted) => Verdict::Admitted(admitted.statement()),
        Decision::Refused(refusal) => {
            Verdict::Refused(refusal.statement, refusal.reason.code().to_owned())
        }
    }
}

#[test]
fn the_decision_equals_its_reference() {
    let cases: u32 = std::env::var("PORTCULLIS_CASES")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(20_000);
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases,
        ..ProptestConfig::default()
    });
    let policies = (vec(statements(), 1..6), any::<bool>());
    runner
        .run(
            &(policies, vec(viewers(), 1..8)),
            |((statements, report), viewers)| {
                let mode = if report { Mode::Report } else { Mode::Enforce };
                let site = site(Policy {
                    mode,
                    statements,
                    candidate: None,
                });
                for viewer in &viewers {
                    prop_assert_eq!(
                        verdict(&site, viewer),
                        reference(&site.policies[&Name::new("p").unwrap()], viewer)
                    );
                }
                Ok(())
            },
        )
        .unwrap();
    println!("decision: {cases} random policies, each for up to 7 viewers, 0 differences");
}
