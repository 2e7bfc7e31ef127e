//! `check` against the model: where the rules of cache safety find nothing, no order of requests undoes the policy, and where
//! they find a mistake there is such an order.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must fail"
)]

use portcullis_check::catalogue::Severity;
use portcullis_check::{Input, Source, check};
use portcullis_distribution::template::{Surroundings, Template, read};
use portcullis_distribution::value;
use portcullis_edge::distribution::Distribution;
use portcullis_edge_functions::{EdgeFunction, Runner};
use portcullis_manifest::compile;
use portcullis_origin::countries::Countries;
use portcullis_play::orders::{Order, Undone, search};
use portcullis_play::stage::{Rules, SiteStage, site::in_process};
use portcullis_site::Site;
use portcullis_stack::{Options, template};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

const MANIFEST: &str = "\
version: 1
site: tried
hosts: [www.example.com]
certificate: arn:aws:acm:us-east-1:111122223333:certificate/0f3c1d9e-6a57-4c9b-9a39-3f4f0c1b2a11
origins:
  pages: { bucket: { name: pages } }
  media: { direct_bucket: { name: media } }
guard:
  access_control: required
  secret_header: { name: x-origin-verify, rotate_every: 30d, overlap: 1h }
geo: { source: cloudfront }
networks: { office: [198.51.100.0/24] }
policies:
  everyone: [{ allow: any }]
  office: [{ allow: { networks: [office] } }]
  europe: [{ allow: { countries: [EU] } }]
  office-or-europe: [{ allow: { networks: [office] } }, { allow: { countries: [EU] } }]
behaviors:
  - { path: /office/*, origin: pages, policy: office, caching: disabled }
  - path: /country/*
    origin: pages
    policy: europe
    enforce: origin
    cache_key: { country: true }
  - { path: /edge/*, origin: pages, policy: office-or-europe, enforce: edge }
  - { path: /media/*, origin: media, policy: everyone }
  - { path: \"*\", origin: pages, policy: everyone }
errors:
  403: { document: /errors.html, min_ttl: 0s }
";

/// A mistake: its name, what it does to the distribution's properties, and the rules that find it.
type Mistake = (&'static str, fn(&mut Value), &'static [&'static str]);

fn behavior<'a>(config: &'a mut Value, pattern: &str) -> &'a mut Value {
    let behaviors = config["CacheBehaviors"].as_array_mut().unwrap();
    let mut found = behaviors
        .iter_mut()
        .filter(|one| one["PathPattern"] == pattern);
    found.next().unwrap()
}

fn cached(config: &mut Value, pattern: &str) {
    let policy = config["DefaultCacheBehavior"]["CachePolicyId"].clone();
    behavior(config, pattern)["CachePolicyId"] = policy;
}

/// Kept for a second, whatever the origin says: the policy `CachingOptimized` has a minimum TTL of 1.
fn kept_for_a_second(config: &mut Value, pattern: &str) {
    behavior(config, pattern)["CachePolicyId"] = json!("658327ea-f89d-4fab-a63d-7e88639e58f6");
}

fn refusals_kept(config: &mut Value) {
    let errors = config["CustomErrorResponses"].as_array_mut().unwrap();
    let mut refusals = errors.iter_mut().filter(|one| one["ErrorCode"] == 403);
    refusals.next().unwrap()["ErrorCachingMinTTL"] = json!(60);
}

const MISTAKES: [Mistake; 10] = [
    (
        "the address decides, and it is cached",
        |config| kept_for_a_second(config, "/office/*"),
        &["PC001", "PC002"],
    ),
    (
        "the country was left out of the key",
        |config| cached(config, "/country/*"),
        &["PC001"],
    ),
    (
        "the guard was detached",
        |config| {
            drop(
                behavior(config, "/edge/*")
                    .as_object_mut()
                    .unwrap()
                    .remove("FunctionAssociations"),
            );
        },
        &["PC004"],
    ),
    (
        "the bucket is read past the gateway",
        |config| behavior(config, "/office/*")["TargetOriginId"] = json!("bucket-media"),
        &["PC004"],
    ),
    (
        "the country's part is read past the gateway",
        |config| behavior(config, "/country/*")["TargetOriginId"] = json!("bucket-media"),
        &["PC004"],
    ),
    (
        "a refusal is kept",
        |config| {
            kept_for_a_second(config, "/office/*");
            refusals_kept(config);
        },
        &["PC003"],
    ),
    (
        "a weaker behavior comes first",
        |config| {
            let mut weaker = config["DefaultCacheBehavior"].clone();
            weaker["PathPattern"] = json!("/co*");
            config["CacheBehaviors"]
                .as_array_mut()
                .unwrap()
                .insert(0, weaker);
        },
        &["PC000", "PC016"],
    ),
    (
        "a behavior was taken out",
        |config| {
            config["CacheBehaviors"]
                .as_array_mut()
                .unwrap()
                .retain(|one| one["PathPattern"] != "/country/*");
        },
        &["PC000"],
    ),
    (
        "the guarded behavior was taken out",
        |config| {
            config["CacheBehaviors"]
                .as_array_mut()
                .unwrap()
                .retain(|one| one["PathPattern"] != "/edge/*");
        },
        &["PC000"],
    ),
    (
        "a refusal goes to the bucket",
        |config| {
            config["OriginGroups"] = json!({ "Quantity": 1, "Items": [{
                "Id": "both",
                "FailoverCriteria": { "StatusCodes": { "Quantity": 1, "Items": [403] } },
                "Members": { "Quantity": 2, "Items": [{ "OriginId": "gateway" }, { "OriginId": "bucket-media" }] },
            }] });
            behavior(config, "/office/*")["TargetOriginId"] = json!("both");
        },
        &["PC006"],
    ),
];

fn site(manifest: &str) -> Site {
    let compiled = compile(manifest, "portcullis.yaml", &BTreeMap::new());
    compiled
        .unwrap_or_else(|why| panic!("{why}"))
        .bundle
        .site()
        .clone()
}

fn config(template: &mut Value) -> &mut Value {
    let resources = template["Resources"].as_object_mut().unwrap();
    let mut found = resources
        .values_mut()
        .filter(|one| one["Type"] == "AWS::CloudFront::Distribution");
    &mut found.next().unwrap()["Properties"]["DistributionConfig"]
}

/// The ids of the rules that find errors.
fn errors(manifest: &str, template: &Value) -> Vec<String> {
    let source = |file: &str, text: &str| Source {
        file: file.to_owned(),
        value: value::read(text.as_bytes()).unwrap(),
    };
    let report = check(&Input {
        manifest: Some(source("portcullis.yaml", manifest)),
        templates: vec![source("template.json", &template.to_string())],
        parameters: parameters(),
        today: "2026-11-25".to_owned(),
        ..Input::default()
    });
    let errors = report
        .findings
        .iter()
        .filter(|one| one.severity == Severity::Error);
    let mut ids: Vec<String> = errors.map(|one| one.case.rule()).collect();
    ids.sort();
    ids.dedup();
    ids
}

fn parameters() -> BTreeMap<String, String> {
    [("CodeBucket", "code"), ("CodeKey", "gateway.zip")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
}

fn deployed(template: &Value) -> (Distribution, Runner) {
    let text = template.to_string();
    let templates = [Template {
        name: "template.json",
        bytes: text.as_bytes(),
        parameters: &parameters(),
    }];
    let read = read(&templates, &Surroundings::default()).unwrap();
    let one = read.distributions.into_iter().next().unwrap();
    let mut runner = Runner::new();
    for source in &one.functions {
        let function = EdgeFunction::new(&source.name, &source.code, None).unwrap();
        runner.add(function).unwrap();
    }
    (one.distribution, runner)
}

fn orders(site: &Site, template: &Value) -> Vec<Order> {
    let (distribution, runner) = deployed(template);
    let rules = Rules {
        site: site.clone(),
        countries: &|_| Ok(Countries::none()),
        deployed: Some((distribution.clone(), runner)),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let searching = search(site, &distribution, |scenario| {
        SiteStage::new(scenario, rules, &[], &in_process)
    });
    runtime.block_on(searching).unwrap()
}

#[test]
fn ten_mistakes_are_found_and_each_has_an_order_of_requests() {
    let site = site(MANIFEST);
    let sound = template(&site, &Options::default()).unwrap();
    assert_eq!(
        (errors(MANIFEST, &sound), orders(&site, &sound)),
        (vec![], vec![])
    );
    for (name, make, rules) in MISTAKES {
        let mut template = sound.clone();
        make(config(&mut template));
        let found = errors(MANIFEST, &template);
        let by_rule = found.iter().any(|id| rules.contains(&id.as_str()));
        assert!(by_rule, "{name}: {found:?}");
        let orders = orders(&site, &template);
        assert!(!orders.is_empty(), "{name}: no order undoes the policy");
        let locked_out = name == "a refusal is kept";
        let kind = if locked_out {
            Undone::LockedOut
        } else {
            Undone::Leaked
        };
        assert!(
            orders.iter().any(|order| order.undone == kind),
            "{name}: {orders:?}"
        );
    }
}

/// How many sites are tried.
fn cases() -> u32 {
    let asked = std::env::var("PORTCULLIS_CASES");
    asked.ok().and_then(|text| text.parse().ok()).unwrap_or(60)
}

/// Policies that are drawn from.
const POLICIES: [&str; 6] = [
    "[{ allow: any }]",
    "[{ allow: { countries: [EU] } }]",
    "[{ allow: { networks: [office] } }]",
    "[{ allow: { networks: [office] } }, { allow: { countries: [DE, US] } }]",
    "[{ deny: { countries: [US, unknown] } }, { allow: any }]",
    "[{ deny: { networks: [office] } }, { allow: any }]",
];

/// Ways to serve a path that are drawn from; those that are not sound for a policy do not compile.
const WAYS: [&str; 5] = [
    "origin: pages, caching: disabled",
    "origin: pages, enforce: edge",
    "origin: pages, enforce: origin, cache_key: { country: true }",
    "origin: pages, enforce: edge, cache_key: { query: all }",
    "origin: media",
];

const PATTERNS: [&str; 5] = ["/a/b/*", "/b/*", "/c*", "/d/*", "/e/*"];

/// The manifest with a policy and a way for each pattern.
fn manifest(draws: &[(usize, usize)]) -> String {
    let behaviors: String = PATTERNS
        .iter()
        .zip(draws)
        .map(|(pattern, (policy, way))| {
            let way = WAYS[*way];
            format!("  - {{ path: \"{pattern}\", policy: p{policy}, {way} }}\n")
        })
        .collect();
    let used: BTreeSet<usize> = draws.iter().map(|(policy, _)| *policy).chain([0]).collect();
    let policies: String = used
        .iter()
        .map(|at| format!("  p{at}: {}\n", POLICIES[*at]))
        .collect();
    let (head, _) = MANIFEST.split_once("policies:").unwrap();
    let (_, errors) = MANIFEST.split_once("errors:").unwrap();
    format!(
        "{head}policies:\n{policies}behaviors:\n{behaviors}  - {{ path: \"*\", policy: p0, origin: pages }}\nerrors:{errors}"
    )
}

/// The ways that are sound for each policy, by what compiles.
fn sound_draws() -> Vec<(usize, usize)> {
    let all = (0..POLICIES.len()).flat_map(|policy| (0..WAYS.len()).map(move |way| (policy, way)));
    let compiles = |draw: &(usize, usize)| {
        compile(&manifest(&[*draw]), "portcullis.yaml", &BTreeMap::new()).is_ok()
    };
    all.filter(compiles).collect()
}

/// What somebody does to a behavior of the template, or to all.
const DRIFTS: [fn(&mut Value); 6] = [
    |behavior| behavior["TargetOriginId"] = json!("bucket-media"),
    |behavior| behavior["TargetOriginId"] = json!("gateway"),
    |behavior| behavior["CachePolicyId"] = json!("658327ea-f89d-4fab-a63d-7e88639e58f6"),
    |behavior| behavior["CachePolicyId"] = json!("4135ea2d-6df8-44a3-9df3-4b5a84be39ad"),
    |behavior| {
        let members = behavior.as_object_mut().unwrap();
        members.remove("FunctionAssociations");
    },
    |behavior| behavior["PathPattern"] = json!("/a*"),
];

/// Random sites, and random changes to their templates: where an order of requests undoes the policy, `check` has an error;
/// and no template as it was made has either. The reverse need not be: a mistake that the gateway's own `no-store` makes up
/// for is a mistake.
#[test]
fn the_rules_and_the_model_agree() {
    let (tried, both) = (Cell::new(0_u32), Cell::new(0_u32));
    let sound = proptest::sample::select(sound_draws());
    let draws = proptest::collection::vec(sound, PATTERNS.len());
    let drift = proptest::option::of((0..PATTERNS.len(), 0..DRIFTS.len()));
    let mut runner = TestRunner::new(Config::with_cases(cases()));
    runner
        .run(&(draws, drift), |(draws, drift)| {
            let manifest = manifest(&draws);
            let site = site(&manifest);
            let mut template = template(&site, &Options::default()).unwrap();
            if let Some((at, drift)) = drift {
                let behaviors = config(&mut template)["CacheBehaviors"]
                    .as_array_mut()
                    .unwrap();
                DRIFTS[drift](&mut behaviors[at]);
            }
            let (found, orders) = (errors(&manifest, &template), orders(&site, &template));
            tried.set(tried.get() + 1);
            both.set(both.get() + u32::from(!orders.is_empty()));
            prop_assert!(
                orders.is_empty() || !found.is_empty(),
                "{drift:?} of\n{manifest}\n{orders:?}"
            );
            prop_assert!(
                drift.is_some() || found.is_empty(),
                "{found:?} of\n{manifest}"
            );
            Ok(())
        })
        .unwrap_or_else(|why| panic!("{why}"));
    let (tried, both) = (tried.get(), both.get());
    println!(
        "{tried} distributions tried, {both} unsafe by the model and by check, 0 by the model alone"
    );
    assert!(both > 0);
}
