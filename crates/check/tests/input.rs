//! Any input ends in findings, and the order of what is unrelated changes none.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must fail"
)]

mod support;

use portcullis_check::api::as_template;
use portcullis_check::{Input, Source, check};
use portcullis_distribution::value;
use proptest::prelude::*;
use serde_json::{Value, json};
use support::World;

/// What is found, without the places in the file, which move.
fn names(world: &World) -> Vec<(String, String, String)> {
    let report = world.check_json();
    let findings = report.findings.iter();
    findings
        .map(|one| {
            (
                one.case.name(),
                one.place.pointer.clone(),
                one.message.clone(),
            )
        })
        .collect()
}

/// The places in a value, each as a JSON pointer.
fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                pointers(item, &format!("{at}/{index}"), found);
            }
        }
        Value::Object(members) => {
            for (key, member) in members {
                let key = key.replace('~', "~0").replace('/', "~1");
                pointers(member, &format!("{at}/{key}"), found);
            }
        }
        _ => {}
    }
}

/// What may stand where something else was expected.
fn strangers() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        Just(json!([])),
        Just(json!({})),
        Just(json!("")),
        Just(json!("*")),
        Just(json!({ "Ref": "Nobody" })),
        Just(json!({ "Fn::GetAtt": ["Cdn"] })),
        Just(json!({ "Fn::If": ["Sometimes", "a", "b"] })),
        Just(json!({ "Fn::Sub": "${" })),
        Just(json!({ "Fn::Select": [9, ["a"]] })),
        Just(json!({ "Fn::Join": [] })),
        Just(json!({ "Fn::Split": ["", "a"] })),
        Just(json!([[[[[{ "Fn::FindInMap": [] }]]]]])),
        Just(json!(18_446_744_073_709_551_615_u64)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn whatever_stands_anywhere_there_is_a_report(
        choices in proptest::collection::vec((any::<prop::sample::Index>(), strangers()), 1..4)
    ) {
        let mut world = World::base();
        for (index, stranger) in choices {
            let mut found = Vec::new();
            pointers(&world.template, "", &mut found);
            let at = index.get(&found).clone();
            if !at.is_empty() && world.template.is_object() {
                *world.template.pointer_mut(&at).unwrap() = stranger;
            }
        }
        prop_assert_eq!(names(&world), names(&world));
    }

    #[test]
    fn the_order_of_resources_changes_nothing(seed in any::<u64>()) {
        let world = World::sketched("M - & GatewayUrl.AuthType = NONE & ByCountry.MinTTL = 1");
        let before = names(&world);
        let mut turned = World::sketched("M - & GatewayUrl.AuthType = NONE & ByCountry.MinTTL = 1");
        let resources = turned.template["Resources"].as_object().unwrap().clone();
        let mut all: Vec<(String, Value)> = resources.into_iter().collect();
        let length = all.len();
        for at in 0..length {
            let other = usize::try_from(seed.rotate_left(u32::try_from(at).unwrap()) % length as u64).unwrap();
            all.swap(at, other);
        }
        turned.template["Resources"] = Value::Object(all.into_iter().collect());
        prop_assert_eq!(names(&turned), before);
    }
}

/// What CloudFront's API prints is judged as the template that would make it.
#[test]
fn a_configuration_is_judged_as_its_template() {
    let text = include_bytes!("../../../examples/distribution/site.json");
    let config = as_template(&value::read(text).unwrap()).unwrap();
    let template = value::read(include_bytes!(
        "../../../examples/distribution/template.yaml"
    ))
    .unwrap();
    let found = |value| {
        let report = check(&Input {
            templates: vec![Source {
                file: "x".to_owned(),
                value,
            }],
            ..Input::default()
        });
        let mut names: Vec<String> = report.findings.iter().map(|one| one.case.name()).collect();
        names.sort();
        names
    };
    let (from_config, mut from_template) = (found(config), found(template));
    // The configuration says nothing of the bucket, and has no access control for it.
    from_template.retain(|name| !name.starts_with("PC026"));
    from_template.push("PC025/no-access-control".to_owned());
    from_template.sort();
    assert_eq!(from_config, from_template);
}

/// Both arms of a condition are looked at.
#[test]
fn what_a_condition_may_bring_is_found() {
    let mut world = World::base();
    world.template["Conditions"] = json!({ "Open": { "Fn::Equals": ["a", "b"] } });
    world.template["Resources"]["GatewayUrl"]["Properties"]["AuthType"] =
        json!({ "Fn::If": ["Open", "NONE", "AWS_IAM"] });
    assert!(
        names(&world)
            .iter()
            .any(|(name, ..)| name == "PC010/auth-none")
    );
}

/// A waiver covers what it names until its date, and one that covers nothing is told.
#[test]
fn waivers_cover_what_they_name() {
    let waived = |waive: Value| {
        let mut world = World::sketched("b[*].ViewerProtocolPolicy = allow-all");
        world.template["Resources"]["Cdn"]["Metadata"] =
            json!({ "portcullis": { "waive": [waive] } });
        let report = world.check_json();
        let covered = report
            .findings
            .iter()
            .any(|one| one.case.name() == "PC023/allow-all" && one.waived.is_some());
        let told = report
            .findings
            .iter()
            .any(|one| one.case.name() == "PC000/waiver");
        (covered, told)
    };
    let waiver = |rule: &str, case: &str, until: &str| json!({ "rule": rule, "case": case, "reason": "old devices", "until": until });
    assert_eq!(
        waived(waiver("PC023", "allow-all", "2027-01-01")),
        (true, false)
    );
    assert_eq!(
        waived(waiver("PC023", "allow-all", "2026-01-01")),
        (false, true),
        "expired"
    );
    assert_eq!(
        waived(waiver("PC024", "old-tls", "2027-01-01")),
        (false, true),
        "unused"
    );
    assert_eq!(
        waived(json!({ "rule": "PC023", "reason": "", "until": "2027-01-01" })),
        (false, true),
        "no reason"
    );
    assert_eq!(
        waived(json!({ "rule": "PC010", "reason": "x", "until": "2027-01-01" })),
        (false, true),
        "no case"
    );
}
