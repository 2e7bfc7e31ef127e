//! A configuration as the API gives it; changes to it and the faults they make.

use super::{Quotas, Resources, read};
use crate::fault::Rule;
use portcullis_edge::distribution::{
    CacheSettings, Compute, Distribution, OriginKind, Target, Trusted,
};
use portcullis_edge::gate::{AllowedMethods, GeoRestriction};
use serde_json::{Value, json};

/// `get-distribution-config` of a site with a bucket, an API and a group of both.
fn example() -> Value {
    serde_json::from_str(include_str!("tests/distribution-config.json")).unwrap()
}

fn resources() -> Resources {
    let mut resources = Resources::default();
    for text in [
        include_str!("tests/key-group.json"),
        include_str!("tests/public-key.json"),
        include_str!("tests/access-control.json"),
        include_str!("tests/cache-policy.json"),
    ] {
        resources.add(text.as_bytes()).unwrap();
    }
    resources
}

fn load(value: &Value) -> Result<Distribution, Vec<(String, Rule)>> {
    let text = serde_json::to_string_pretty(value).unwrap();
    read(text.as_bytes(), &resources())
        .map_err(|faults| faults.into_iter().map(|f| (f.path, f.rule)).collect())
}

#[test]
fn all_of_a_configuration_is_read() {
    let read = load(&example()).unwrap();
    assert_eq!(read.aliases, ["www.example.com", "*.example.org"]);
    assert!(matches!(read.origins[0].kind, OriginKind::S3 { .. }));
    assert!(read.origins[0].access_control.is_some());
    assert_eq!(read.groups[0].members, [0, 1]);
    assert_eq!(read.default_behavior.target, Target::Group(0));
    assert!(matches!(read.geo, GeoRestriction::Deny(_)));
    assert_eq!(read.error(404).unwrap().page.as_ref().unwrap().status, 200);
    let api = read.behavior(0);
    assert_eq!(api.methods, AllowedMethods::All);
    let function = Some(Compute::Function("rewrite".to_owned()));
    assert_eq!(api.functions.viewer_request, function);
    assert!(matches!(&api.trusted, Some(Trusted::KeyGroups(groups)) if groups.len() == 1));
    assert!(matches!(&api.caching, CacheSettings::Policy(policy) if policy.name == "by-page"));
    assert!(matches!(read.behavior(1).caching, CacheSettings::Legacy(_)));
    assert_eq!(read.logging.as_ref().unwrap().prefix, "cf/");
}

#[test]
fn the_answers_of_the_api_are_unwrapped() {
    let config = example()["DistributionConfig"].clone();
    let full = json!({"ETag": "E1", "Distribution": {"Id": "E2", "DomainName": "d2.cloudfront.net",
        "ARN": "arn", "Status": "Deployed", "DistributionConfig": config}});
    for (value, id) in [(config.clone(), None), (full, Some("E2"))] {
        let read = load(&value).unwrap();
        assert!(id.is_none_or(|id| read.id == id), "{}", read.id);
    }
}

#[test]
fn several_faults_are_told_in_one_run() {
    let mut value = example();
    let config = &mut value["DistributionConfig"];
    config["Enabled"] = json!("yes");
    config["Colour"] = json!("red");
    config["DefaultCacheBehavior"]["CachePolicyId"] = json!("none-such");
    config["CacheBehaviors"]["Items"][0]["TargetOriginId"] = json!("nowhere");
    config["CacheBehaviors"]["Quantity"] = json!(7);
    let mut found = load(&value).unwrap_err();
    found.sort();
    let expected = [
        ("CacheBehaviors.Quantity", Rule::InconsistentQuantities),
        ("CacheBehaviors.Items[0].TargetOriginId", Rule::NoSuchOrigin),
        ("Colour", Rule::UnknownMember),
        (
            "DefaultCacheBehavior.CachePolicyId",
            Rule::NoSuchCachePolicy,
        ),
        ("Enabled", Rule::WrongType),
    ];
    let mut expected = expected.map(|(path, rule)| (path.to_owned(), rule));
    expected.sort();
    assert_eq!(found, expected);
}

#[test]
fn faults_know_their_places() {
    let text = "{\n  \"DistributionConfig\": {\n    \"Enabled\": 1\n  }\n}";
    let faults = read(text.as_bytes(), &Resources::default()).unwrap_err();
    let enabled = faults.iter().find(|f| f.path == "Enabled").unwrap();
    assert_eq!((enabled.line, enabled.column), (3, 16));
}

#[test]
fn one_change_makes_one_fault() {
    let cases: [(&str, Value, Rule); 14] = [
        ("/Aliases/Items/0", json!("*"), Rule::InvalidArgument),
        (
            "/Aliases/Items/0",
            json!("*.example.org"),
            Rule::InvalidArgument,
        ),
        (
            "/CacheBehaviors/Items/1/PathPattern",
            json!("api/*"),
            Rule::InvalidArgument,
        ),
        (
            "/CustomErrorResponses/Items/0/ResponseCode",
            json!(""),
            Rule::InvalidResponseCode,
        ),
        (
            "/CustomErrorResponses/Items/0/ErrorCode",
            json!(418),
            Rule::InvalidErrorCode,
        ),
        (
            "/OriginGroups/Items/0/Members/Items/1/OriginId",
            json!("bucket"),
            Rule::InvalidArgument,
        ),
        (
            "/Origins/Items/0/OriginAccessControlId",
            json!("E0"),
            Rule::MissingReference,
        ),
        (
            "/Origins/Items/1/CustomOriginConfig/HTTPPort",
            json!(81),
            Rule::InvalidArgument,
        ),
        (
            "/Origins/Items/1/ConnectionAttempts",
            json!("3"),
            Rule::WrongType,
        ),
        (
            "/DefaultRootObject",
            json!("/index.html"),
            Rule::InvalidDefaultRootObject,
        ),
        (
            "/DefaultCacheBehavior/MinTTL",
            json!(1),
            Rule::InvalidArgument,
        ),
        (
            "/DefaultCacheBehavior/AllowedMethods/CachedMethods/Items/1",
            json!("OPTIONS"),
            Rule::InvalidArgument,
        ),
        (
            "/CacheBehaviors/Items/0/TrustedKeyGroups/Items/0",
            json!("other"),
            Rule::TrustedKeyGroupDoesNotExist,
        ),
        (
            "/CacheBehaviors/Items/0/FunctionAssociations/Items/0/EventType",
            json!("origin-request"),
            Rule::InvalidFunctionAssociation,
        ),
    ];
    for (pointer, changed, rule) in cases {
        let mut value = example();
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        let parent = value["DistributionConfig"].pointer_mut(parent).unwrap();
        match name.parse::<usize>() {
            Ok(at) => parent[at] = changed,
            Err(_) => parent[name] = changed,
        }
        let found = load(&value).unwrap_err();
        let rules: Vec<Rule> = found.iter().map(|(_, rule)| *rule).collect();
        assert_eq!(rules, [rule], "{pointer} {found:?}");
    }
}

#[test]
fn growth_beyond_the_quota_can_be_tried() {
    let mut value = example();
    let behaviors = &mut value["DistributionConfig"]["CacheBehaviors"];
    let template = behaviors["Items"][1].clone();
    let items = (0..100).map(|n| {
        let mut item = template.clone();
        item["PathPattern"] = json!(format!("/{n}/*"));
        item
    });
    behaviors["Items"] = items.collect();
    behaviors["Quantity"] = json!(100);
    let text = value.to_string();
    let mut resources = resources();
    assert!(read(text.as_bytes(), &resources).is_err());
    resources.quotas = Quotas::Raised;
    let read = read(text.as_bytes(), &resources).unwrap();
    assert_eq!(read.behaviors.len(), 100);
}
