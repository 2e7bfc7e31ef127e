//! `portcullis template`: the example's template is the one that is checked in, and no rule objects to it.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must fail"
)]

mod support;

use serde_json::Value;
use support::{folder, root, run};

const EXAMPLE: &str = "infra/example.template.json";

#[test]
fn the_example_gives_the_template_that_is_checked_in() {
    let printed = run(&root(), &["template", "example"]).exits(0).stdout;
    let kept = std::fs::read_to_string(root().join(EXAMPLE)).unwrap();
    assert_eq!(printed, kept);
}

#[test]
fn no_rule_objects_to_it() {
    let report = run(
        &root(),
        &[
            "check",
            "example/portcullis.yaml",
            EXAMPLE,
            "--format",
            "json",
        ],
    )
    .exits(0)
    .json();
    assert_eq!(
        (&report["errors"], &report["warnings"]),
        (&0.into(), &0.into()),
        "{report}"
    );
}

#[test]
fn options_change_what_they_say() {
    let site = folder(&[]);
    let out = site.path().join("site.json");
    let manifest = root().join("example");
    let arguments = [
        "template",
        manifest.to_str().unwrap(),
        "-o",
        out.to_str().unwrap(),
        "--arch",
        "x86_64",
        "--memory",
        "1024",
        "--reserved-concurrency",
        "20",
    ];
    run(site.path(), &arguments).exits(0);
    let template: Value = serde_json::from_slice(&std::fs::read(out).unwrap()).unwrap();
    let function = &template["Resources"]["Gateway"]["Properties"];
    assert_eq!(function["Architectures"], serde_json::json!(["x86_64"]));
    assert_eq!(function["MemorySize"], 1_024);
    assert_eq!(function["ReservedConcurrentExecutions"], 20);
}

/// A policy that no edge function can decide has no template, and the way out is said.
#[test]
fn what_cannot_be_decided_at_the_edge_has_no_template() {
    let manifest = "\
version: 1
site: house
origins: { pages: { bucket: { name: house-pages } } }
networks: { partners: { prefix_list: pl-0a1b2c3d4e5f67890 } }
policies: { partners-only: [{ allow: { networks: [partners] } }] }
behaviors:
  - { path: \"*\", origin: pages, policy: partners-only, enforce: edge }
";
    let site = folder(&[("portcullis.yaml", manifest)]);
    run(site.path(), &["template"])
        .exits(3)
        .says("policy `partners-only` names network `partners`, a managed prefix list")
        .says("use `caching: disabled`");
}

const TABLE: &str = "arn:aws:dynamodb:eu-central-1:111122223333:table/state";

/// What each use of a site with a release store and a bucket may do: the actions, and how often a resource ends with `*`.
#[test]
fn each_use_has_the_permissions_it_needs_and_no_others() {
    const MANIFEST: &str = "\
version: 1
site: permitted
origins:
  pages: { releases: { bucket: permitted-pages } }
  files: { bucket: { name: permitted-files, prefix: public/ } }
  media: { direct_bucket: { name: permitted-media } }
policies: { everyone: [{ allow: any }] }
behaviors:
  - { path: /files/*, origin: files, policy: everyone }
  - { path: /media/*, origin: media, policy: everyone }
  - { path: \"*\", origin: pages, policy: everyone }
";
    let rows: [(&str, &[&str], &[&str]); 3] = [
        (
            "gateway",
            &["dynamodb:GetItem", "s3:GetObject"],
            &[
                "arn:aws:s3:::permitted-files/public/*",
                "arn:aws:s3:::permitted-pages/*",
            ],
        ),
        (
            "publish",
            &[
                "dynamodb:GetItem",
                "dynamodb:PutItem",
                "dynamodb:UpdateItem",
                "s3:GetObject",
                "s3:PutObject",
                "s3:DeleteObject",
                "s3:ListBucket",
            ],
            &[
                "arn:aws:s3:::permitted-pages/*",
                "arn:aws:s3:::permitted-pages",
            ],
        ),
        (
            "secret",
            &[
                "dynamodb:GetItem",
                "dynamodb:PutItem",
                "dynamodb:UpdateItem",
            ],
            &[],
        ),
    ];
    let site = folder(&[("portcullis.yaml", MANIFEST)]);
    for (who, actions, resources) in rows {
        let policy = run(site.path(), &["iam", who, "--table", TABLE])
            .exits(0)
            .json();
        let statements = policy["Statement"].as_array().unwrap();
        let all = |name: &str| -> Vec<String> {
            let listed = statements.iter().map(|one| &one[name]);
            let texts = listed.flat_map(|value| value.as_array().into_iter().flatten());
            texts
                .map(|text| text.as_str().unwrap().to_owned())
                .collect()
        };
        assert_eq!(all("Action"), actions, "{who}");
        assert_eq!(all("Resource"), resources, "{who}");
        assert_eq!(statements[0]["Resource"], TABLE);
    }
    run(site.path(), &["iam", "gateway", "--table", "state"])
        .exits(2)
        .says("`state` is no ARN of a DynamoDB table");
}
