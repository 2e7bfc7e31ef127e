//! `portcullis init`: a manifest that compiles at once, made from nothing or from AWS Copilot's, over nobody's work.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    reason = "a test that cannot go on must fail"
)]

mod support;

use support::{folder, names, run};

const COPILOT: &str = "\
name: prod
type: Environment
cdn:
  certificate: arn:aws:acm:us-east-1:111122223333:certificate/0f3c
  terminate_tls: true
  static_assets:
    location: prod-assets.s3.us-west-2.amazonaws.com
    alias: assets.example.com
    path: static/*
http:
  public:
    access_logs: true
    ingress:
      source_ips: [192.0.2.0/24]
";

#[test]
fn a_new_manifest_compiles_without_a_warning() {
    let here = folder(&[]);
    let ran = run(here.path(), &["init", "my-site"]).exits(0);
    let ran = ran.says("next: portcullis compile my-site\n");
    assert_eq!(ran.stdout, "my-site/portcullis.yaml\n");
    let site = here.path().join("my-site");
    let written = ["portcullis.schema.json", "portcullis.yaml", "scenarios"];
    assert_eq!(names(&site), written);
    let compiled = run(&site, &["compile", "--json"]).exits(0).json();
    assert_eq!(compiled["site"], "my-site");
    assert_eq!(compiled["diagnostics"], serde_json::json!([]));
}

/// An editor finds the schema by the first line, and it is the one that `schema` prints.
#[test]
fn the_schema_stands_beside_the_manifest() {
    let here = folder(&[]);
    run(here.path(), &["init", "--site", "docs"]).exits(0);
    let read = |name: &str| std::fs::read_to_string(here.path().join(name)).unwrap();
    let first = read("portcullis.yaml").lines().next().map(str::to_owned);
    assert_eq!(
        first.as_deref(),
        Some("# yaml-language-server: $schema=portcullis.schema.json")
    );
    let printed = run(here.path(), &["schema"]).exits(0).stdout;
    assert_eq!(
        printed.trim_end(),
        read("portcullis.schema.json").trim_end()
    );
}

/// Every command that the template tells its reader to type exists.
#[test]
fn the_template_names_commands_that_exist() {
    let here = folder(&[]);
    let text = run(here.path(), &["init", "--site", "docs", "--dry-run"])
        .exits(0)
        .stdout;
    let commands: Vec<&str> = text
        .split('`')
        .filter_map(|word| word.strip_prefix("portcullis ")?.split(' ').next())
        .collect();
    assert!(commands.len() >= 3, "{commands:?}");
    for command in commands {
        run(here.path(), &[command, "--help"]).exits(0);
    }
}

#[test]
fn what_is_there_stays_unless_it_is_told_otherwise() {
    let here = folder(&[("portcullis.yaml", "mine\n")]);
    let read = || std::fs::read_to_string(here.path().join("portcullis.yaml")).unwrap();
    run(here.path(), &["init", "--site", "docs"])
        .exits(1)
        .says("error: `./portcullis.yaml` is there already")
        .says("help: use --force to overwrite it, or name another folder");
    assert_eq!((read().as_str(), names(here.path()).len()), ("mine\n", 1));
    run(here.path(), &["init", "--site", "docs", "--force"]).exits(0);
    assert!(read().contains("site: docs"));
}

#[test]
fn a_dry_run_prints_and_writes_nothing() {
    let here = folder(&[]);
    let dry = run(here.path(), &["init", "new", "--dry-run"])
        .exits(0)
        .stdout;
    assert_eq!(names(here.path()), [""; 0]);
    run(here.path(), &["init", "new"]).exits(0);
    let written = std::fs::read_to_string(here.path().join("new/portcullis.yaml")).unwrap();
    assert_eq!(dry, written);
}

#[test]
fn a_name_that_cannot_be_a_site_is_wrong_usage() {
    let here = folder(&[]);
    for name in ["", "two words", "a/b"] {
        run(here.path(), &["init", "--site", name])
            .exits(2)
            .says("help: give the site a name with --site");
    }
    assert_eq!(names(here.path()), [""; 0]);
}

#[test]
fn copilot_carries_over_and_what_does_not_is_noted_where_it_stands() {
    let here = folder(&[("manifest.yml", COPILOT)]);
    run(
        here.path(),
        &["init", "new", "--from-copilot", "manifest.yml"],
    )
    .exits(0)
    .says("manifest.yml:9:11: `cdn.static_assets.path`: ")
    .says("manifest.yml:12:18: `http.public.access_logs`: ");
    let compiled = run(here.path(), &["compile", "new", "--json"])
        .exits(0)
        .json();
    assert_eq!(compiled["site"], "prod");
}

#[test]
fn a_name_beside_copilots_is_wrong_usage() {
    let here = folder(&[("manifest.yml", COPILOT)]);
    let arguments = ["init", "--from-copilot", "manifest.yml", "--site", "mine"];
    run(here.path(), &arguments)
        .exits(2)
        .says("cannot be used with");
    assert_eq!(names(here.path()), ["manifest.yml"]);
}

#[test]
fn what_copilot_refuses_is_refused_with_its_place() {
    let both = "name: prod\ncdn:\n  static_assets:\n    location: assets.s3.amazonaws.com\n";
    let here = folder(&[("manifest.yml", both)]);
    run(
        here.path(),
        &["init", "new", "--from-copilot", "manifest.yml"],
    )
    .exits(3)
    .says("manifest.yml:")
    .says("error[PC1601]");
    assert_eq!(names(here.path()), ["manifest.yml"]);
    run(
        here.path(),
        &["init", "new", "--from-copilot", "nothing.yml"],
    )
    .exits(1)
    .says("error: `nothing.yml` cannot be read: No such file or directory");
}
