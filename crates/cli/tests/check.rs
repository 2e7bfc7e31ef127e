//! `portcullis check`: findings with their lines, exit codes, JSON and SARIF.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must fail"
)]

mod support;

use serde_json::Value;
use support::{folder, root, run};

const MANIFEST: &str = "\
version: 1
site: docs
origins: { pages: { releases: { bucket: docs-releases } } }
geo: { source: cloudfront }
policies:
  everyone: [{ allow: any }]
  europe: [{ allow: { countries: [EU] } }]
behaviors:
  - { path: /eu/*, origin: pages, policy: europe, enforce: origin, cache_key: { country: true } }
  - { path: \"*\", origin: pages, policy: everyone }
";

/// The country is not in the key of `/eu/*`.
const TEMPLATE: &str = "\
Resources:
  Cdn:
    Type: AWS::CloudFront::Distribution
    Properties:
      DistributionConfig:
        Enabled: true
        Origins:
          - Id: gateway
            DomainName: abc.lambda-url.eu-central-1.on.aws
            CustomOriginConfig: { OriginProtocolPolicy: https-only }
        CacheBehaviors:
          - PathPattern: /eu/*
            TargetOriginId: gateway
            ViewerProtocolPolicy: redirect-to-https
            CachePolicyId: 83da9c7e-98b4-4e11-a168-04f0df8e2c65
        DefaultCacheBehavior:
          TargetOriginId: gateway
          ViewerProtocolPolicy: redirect-to-https
          CachePolicyId: 83da9c7e-98b4-4e11-a168-04f0df8e2c65
";

fn site() -> tempfile::TempDir {
    folder(&[("portcullis.yaml", MANIFEST), ("template.yaml", TEMPLATE)])
}

const BOTH: [&str; 3] = ["check", "portcullis.yaml", "template.yaml"];

#[test]
fn a_cache_that_undoes_the_policy_is_an_error_with_its_line() {
    let site = site();
    let ran = run(site.path(), &BOTH).exits(3);
    for text in [
        "error[PC001/country]: `/eu/*` is decided by country, but the country is not in the cache key: a viewer in AT fetches it, one in AD gets it",
        "--> template.yaml:15:28  Cdn/Properties/DistributionConfig/CacheBehaviors/0/CachePolicyId",
        "| CachePolicyId: 83da9c7e-98b4-4e11-a168-04f0df8e2c65",
        "help: `cache_key: { country: true }`",
    ] {
        assert!(ran.stdout.contains(text), "no `{text}` in {}", ran.stdout);
    }
}

#[test]
fn json_counts_and_sarif_names_every_finding() {
    let site = site();
    let json = run(site.path(), &[&BOTH[..], &["--format", "json"]].concat())
        .exits(3)
        .json();
    let findings = json["findings"].as_array().unwrap();
    let errors = findings
        .iter()
        .filter(|one| one["severity"] == "error")
        .count();
    assert_eq!(json["errors"], errors);
    let sarif = run(site.path(), &[&BOTH[..], &["--format", "sarif"]].concat())
        .exits(3)
        .json();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    assert_eq!(results.len(), findings.len());
    let rules = sarif["runs"][0]["tool"]["driver"]["rules"]
        .as_array()
        .unwrap();
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(result["ruleId"], rules[index]["id"]);
        let region = &result["locations"][0]["physicalLocation"]["region"];
        assert!(region["startLine"].as_u64().unwrap() > 0);
    }
}

#[test]
fn warnings_fail_when_they_are_denied() {
    let template = "examples/distribution/template.yaml";
    run(&root(), &["check", template]).exits(0);
    run(&root(), &["check", template, "--deny-warnings"]).exits(3);
    let quiet = run(&root(), &["check", template, "--quiet"])
        .exits(0)
        .stdout;
    assert!(!quiet.contains("note["));
}

#[test]
fn what_aws_prints_is_checked_too() {
    let ran = run(&root(), &["check", "examples/distribution/site.json"]).exits(3);
    assert!(
        ran.stdout.contains("error[PC025/no-access-control]"),
        "{}",
        ran.stdout
    );
}

#[test]
fn a_manifest_alone_is_looked_at_and_what_is_missing_is_said() {
    let site = site();
    run(site.path(), &["check", "portcullis.yaml"])
        .exits(0)
        .says("there is no template");
}

#[test]
fn what_is_no_input_is_named() {
    let site = folder(&[
        ("broken.yaml", "Resources: [\n"),
        ("other.json", "{\"a\": 1}"),
    ]);
    run(site.path(), &["check", "broken.yaml"])
        .exits(3)
        .says("broken.yaml");
    run(site.path(), &["check", "other.json"])
        .exits(2)
        .says("`other.json` is no template, no manifest and no configuration");
    run(site.path(), &["check", "none.yaml"])
        .exits(1)
        .says("`none.yaml` cannot be read");
}

#[test]
fn every_rule_is_explained() {
    for number in 0..=30 {
        let rule = format!("PC{number:03}");
        let text = run(&root(), &["help", &rule]).exits(0).stdout;
        assert!(
            text.starts_with(&format!("{rule}: ")) && text.contains("What to do"),
            "{text}"
        );
        let json: Value = run(&root(), &["help", &rule, "--json"]).exits(0).json();
        assert_eq!(json["rule"], rule);
    }
}

/// Thousands of lines, judged in a moment by a build that is not optimised.
#[test]
fn a_large_template_takes_no_time() {
    use std::fmt::Write as _;
    let (before, default) = TEMPLATE
        .split_once("        DefaultCacheBehavior:")
        .unwrap();
    let mut template = before.to_owned();
    for number in 0..70 {
        write!(
            template,
            "          - PathPattern: /section-{number}/*
            TargetOriginId: gateway
            ViewerProtocolPolicy: redirect-to-https
            CachePolicyId: 83da9c7e-98b4-4e11-a168-04f0df8e2c65\n"
        )
        .unwrap();
    }
    write!(template, "        DefaultCacheBehavior:{default}").unwrap();
    for number in 0..1_000 {
        write!(
            template,
            "  Other{number}:
    Type: AWS::Lambda::Function
    Properties:
      Handler: bootstrap
      Timeout: {number}\n"
        )
        .unwrap();
    }
    assert!(template.lines().count() > 5_000);
    let site = folder(&[("template.yaml", &template)]);
    let start = std::time::Instant::now();
    run(site.path(), &["check", "template.yaml"]);
    let took = start.elapsed();
    assert!(took.as_secs() < 5, "{took:?}");
}

/// A waiver in the manifest covers what it names until its day, and is a finding itself when it covers nothing.
#[test]
fn a_manifest_waives_with_a_reason_and_a_date() {
    const MANIFEST: &str = "\
version: 1
site: waived
origins: { pages: { bucket: { name: pages } } }
geo: { source: cloudfront }
policies:
  everyone: [{ allow: any }]
  europe: [{ allow: { countries: [EU] } }]
behaviors:
  - { path: /eu/*, origin: pages, policy: europe, enforce: edge }
  - { path: \"*\", origin: pages, policy: everyone }
";
    let waiver = |until: &str, path: &str| {
        let waiver =
            "waivers: [{ rule: PC004, case: missing, path: PATH, reason: a test, until: UNTIL }]\n";
        format!(
            "{MANIFEST}{}",
            waiver.replace("UNTIL", until).replace("PATH", path)
        )
    };
    let site = folder(&[("portcullis.yaml", MANIFEST)]);
    run(site.path(), &["template", "--output", "template.json"]).exits(0);
    let text = std::fs::read_to_string(site.path().join("template.json")).unwrap();
    let mut template: Value = serde_json::from_str(&text).unwrap();
    for resource in template["Resources"].as_object_mut().unwrap().values_mut() {
        if resource["Type"] == "AWS::CloudFront::Distribution" {
            let behavior = &mut resource["Properties"]["DistributionConfig"]["CacheBehaviors"][0];
            behavior
                .as_object_mut()
                .unwrap()
                .remove("FunctionAssociations");
        }
    }
    std::fs::write(site.path().join("template.json"), template.to_string()).unwrap();
    let check = |manifest: &str| {
        std::fs::write(site.path().join("portcullis.yaml"), manifest).unwrap();
        run(site.path(), &["compile"]).exits(0);
        let given = [
            "--parameter",
            "CodeBucket=c",
            "--parameter",
            "CodeKey=k",
            "--format",
            "json",
        ];
        run(
            site.path(),
            &[&["check", "portcullis.yaml", "template.json"], &given[..]].concat(),
        )
    };
    let cases = |ran: &support::Ran| -> Vec<String> {
        let report = ran.json();
        let findings = report["findings"].as_array().unwrap().iter();
        let told = findings.filter(|one| one["severity"] != "note" && one["waived"].is_null());
        told.map(|one| one["case"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(cases(&check(MANIFEST).exits(3)), ["PC004/missing"]);
    assert_eq!(
        cases(&check(&waiver("2999-01-01", "/eu/*")).exits(0)),
        Vec::<String>::new()
    );
    assert_eq!(
        cases(&check(&waiver("2020-01-01", "/eu/*")).exits(3)),
        ["PC004/missing", "PC000/waiver"]
    );
    assert_eq!(
        cases(&check(&waiver("2999-01-01", "/us/*")).exits(3)),
        ["PC004/missing", "PC000/waiver"]
    );
}
