//! The template of a site: nothing that the rules object to, and the distribution that the laptop plays.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must fail"
)]

use portcullis_check::catalogue::Severity;
use portcullis_check::{Input, Source, check};
use portcullis_distribution::site::{Deployment, of_site};
use portcullis_distribution::template::{Surroundings, Template, read};
use portcullis_distribution::value;
use portcullis_edge::distribution::{CacheSettings, Distribution};
use portcullis_manifest::{Folder, compile};
use portcullis_site::Site;
use portcullis_stack::{Architecture, Options, SECRET, template};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const MANIFEST: &str = include_str!("../../../example/portcullis.yaml");

fn site(manifest: &str) -> Site {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../example");
    let compiled = compile(manifest, "portcullis.yaml", &Folder(folder.into()));
    compiled.unwrap().bundle.site().clone()
}

/// The example, whose bucket that CloudFront reads itself asks for a signature.
fn with_signed_media() -> String {
    MANIFEST
        .replace(
            "  - path: /media/*\n    origin: media\n    policy: everyone\n",
            "  - path: /media/*\n    origin: media\n    policy: watchers\n",
        )
        .replace(
            "policies:  ",
            "policies:\n  watchers: [{ allow: { signed_by: training-2026 } }]\n  #",
        )
}

fn made(site: &Site) -> Value {
    template(site, &Options::default()).unwrap()
}

/// What the rules find besides notes.
fn objections(manifest: &str, template: &Value) -> Vec<String> {
    let source = |file: &str, text: &str| Source {
        file: file.to_owned(),
        value: value::read(text.as_bytes()).unwrap(),
    };
    let report = check(&Input {
        manifest: Some(source("portcullis.yaml", manifest)),
        templates: vec![source("template.json", &template.to_string())],
        today: "2026-11-25".to_owned(),
        ..Input::default()
    });
    let severe = report
        .findings
        .iter()
        .filter(|one| one.severity != Severity::Note);
    severe
        .map(|one| format!("{}: {}", one.case.name(), one.message))
        .collect()
}

#[test]
fn the_rules_have_notes_only() {
    for manifest in [MANIFEST.to_owned(), with_signed_media()] {
        let found = objections(&manifest, &made(&site(&manifest)));
        assert_eq!(found, Vec::<String>::new());
    }
}

/// The distribution without what a name in the account gives it.
fn comparable(mut one: Distribution) -> String {
    one.id.clear();
    one.domain.clear();
    for origin in &mut one.origins {
        origin.domain.clear();
        origin.custom_headers = portcullis_edge::headers::CustomHeaders::default();
    }
    let listed = one.behaviors.iter_mut().map(|(_, behavior)| behavior);
    for behavior in listed.chain([&mut one.default_behavior]) {
        if let CacheSettings::Policy(policy) = &mut behavior.caching {
            policy.name.clear();
        }
        if let Some(policy) = &mut behavior.origin_request {
            policy.name.clear();
        }
    }
    format!("{one:#?}")
}

fn read_back(template: &Value) -> Distribution {
    let bytes = template.to_string();
    let parameters = [("CodeBucket", "code"), ("CodeKey", "gateway.zip")];
    let parameters: BTreeMap<String, String> = parameters
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    let one = Template {
        name: "template.json",
        bytes: bytes.as_bytes(),
        parameters: &parameters,
    };
    let document =
        read(&[one], &Surroundings::default()).unwrap_or_else(|faults| panic!("{faults:#?}"));
    document
        .distributions
        .into_iter()
        .next()
        .unwrap()
        .distribution
}

/// What is deployed is what was tried: read back, the template is the distribution of the site, field by field.
#[test]
fn the_template_is_the_distribution_that_is_played() {
    for manifest in [MANIFEST.to_owned(), with_signed_media()] {
        let site = site(&manifest);
        let deployment = Deployment {
            secret: SECRET,
            function_url_domain: "gateway",
            region: "us-east-1",
        };
        let played = comparable(of_site(&site, &deployment).unwrap());
        let deployed = comparable(read_back(&made(&site)));
        for (number, (deployed, played)) in deployed.lines().zip(played.lines()).enumerate() {
            assert_eq!(deployed, played, "line {number}");
        }
        assert_eq!(deployed, played);
    }
}

#[test]
fn the_same_site_gives_the_same_bytes() {
    let one = made(&site(MANIFEST)).to_string();
    assert_eq!(one, made(&site(MANIFEST)).to_string());
    assert!(
        one.len() < 51_200,
        "{} bytes are more than CloudFormation takes inline",
        one.len()
    );
}

/// Every action that a role may do, on which resources: `*` nowhere but at the end of keys.
#[test]
fn the_role_may_do_what_the_gateway_does() {
    let template = made(&site(MANIFEST));
    let role = &template["Resources"]["GatewayRole"]["Properties"];
    let statements = role["Policies"][0]["PolicyDocument"]["Statement"]
        .as_array()
        .unwrap();
    let mut actions = BTreeSet::new();
    for statement in statements {
        match &statement["Action"] {
            Value::Array(all) => {
                actions.extend(all.iter().map(|one| one.as_str().unwrap().to_owned()));
            }
            one => {
                actions.insert(one.as_str().unwrap().to_owned());
            }
        }
        assert_ne!(statement["Resource"], "*");
    }
    let expected = [
        "dynamodb:GetItem",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "s3:GetObject",
    ];
    assert_eq!(actions, expected.map(str::to_owned).into());
    let objects = statements[2]["Resource"].to_string();
    assert!(
        objects.contains("BucketHandbookFiles.Arn}/public/*") && objects.contains("/releases/*"),
        "{objects}"
    );
    assert!(
        !objects.contains("Media"),
        "CloudFront reads that bucket itself"
    );
}

/// What options change, and nothing else.
#[test]
fn options_are_where_they_belong() {
    let site = site(MANIFEST);
    let options = Options {
        architecture: Architecture::X86,
        memory_mb: 1_024,
        reserved_concurrency: Some(50),
        log_days: 7,
        web_acl: Some("arn:aws:wafv2:us-east-1:111122223333:global/webacl/a/b".to_owned()),
    };
    let changed = template(&site, &options).unwrap();
    let function = &changed["Resources"]["Gateway"]["Properties"];
    assert_eq!(function["Architectures"][0], "x86_64");
    assert_eq!(
        (
            &function["MemorySize"],
            &function["ReservedConcurrentExecutions"]
        ),
        (&1_024.into(), &50.into())
    );
    let config = &changed["Resources"]["Distribution"]["Properties"]["DistributionConfig"];
    assert!(config["WebACLId"].as_str().unwrap().contains("webacl"));
    let plain = made(&site);
    assert_eq!(
        plain["Resources"]["Gateway"]["Properties"]["Architectures"][0],
        "arm64"
    );
    assert_eq!(
        changed["Resources"]["GatewayRole"],
        plain["Resources"]["GatewayRole"]
    );
}

/// Names for both families, and nothing without a zone.
#[test]
fn hosts_have_records() {
    let template = made(&site(MANIFEST));
    let resources = template["Resources"].as_object().unwrap();
    let records: Vec<&str> = resources
        .values()
        .filter(|one| one["Type"] == "AWS::Route53::RecordSet")
        .map(|one| one["Properties"]["Type"].as_str().unwrap())
        .collect();
    assert_eq!(records, ["A", "AAAA"]);
}
