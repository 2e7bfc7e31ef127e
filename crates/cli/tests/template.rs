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
