//! `portcullis test`: scenarios hold in one process and over sockets, and one that does not is told with its place.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must fail"
)]

mod support;

use serde_json::{Value, json};
use support::{folder, root, run};

const MANIFEST: &str = "\
version: 1
site: tried
origins:
  pages: { bucket: { name: pages } }
geo: { source: cloudfront }
policies:
  everyone:
    - { allow: any }
  europe:
    - { allow: { countries: [EU] } }
behaviors:
  - { path: /eu/*, origin: pages, policy: europe, caching: disabled }
  - { path: \"*\", origin: pages, policy: everyone }
";

#[test]
fn the_scenarios_of_this_repository_hold_in_process_and_over_sockets() {
    for way in [&[][..], &["--sockets"]] {
        let all = ["test", "tests/scenarios", "examples/handbook/scenarios"];
        let ran = run(&root(), &[&all[..], way].concat()).exits(0);
        assert!(
            ran.stdout.ends_with(" as expected, 0 otherwise\n"),
            "{}",
            ran.stdout
        );
    }
}

#[test]
fn the_example_tries_every_statement_and_behavior() {
    let ran = run(
        &root(),
        &["test", "examples/handbook/scenarios", "--deny-uncovered"],
    );
    ran.exits(0);
}

#[test]
fn what_comes_out_otherwise_is_told_with_its_place() {
    let scenario = "\
scenario: Everybody sees everything.
objects:
  pages: { eu/a.txt: inside }
cases:
  - { get: /eu/a.txt, from: DE, expect: { status: 200, body: inside } }
  - get: /eu/a.txt
    from: US
    expect: { status: 200, verdict: admitted, headers: { age: \"0\" } }
";
    let site = folder(&[
        ("portcullis.yaml", MANIFEST),
        ("scenarios/a.yaml", scenario),
    ]);
    let ran = run(site.path(), &["test"]).exits(3);
    assert_eq!(
        ran.stdout,
        "\
FAILED  scenarios/a.yaml  Everybody sees everything.
        6:5 GET /eu/a.txt from US
            status: expected `200`, found `403`
            age: expected `0`, found ``
            verdict: expected `admitted`, found `refused`
1 scenarios, 2 requests: 0 as expected, 1 otherwise
"
    );
    ran.says("never decided: portcullis.yaml: behavior `*`");
    let ran = run(site.path(), &["test", "--json"]).exits(3);
    let events: Vec<Value> = ran
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(events[0]["failures"][0]["line"], 6);
    assert_eq!(events[1]["event"], "summary");
    assert_eq!(events[1]["failed"], 1);
    let uncovered = json!([
        "portcullis.yaml: behavior `*`",
        "portcullis.yaml: statement 1 of policy `everyone`"
    ]);
    assert_eq!(events[1]["uncovered"], uncovered);
    run(site.path(), &["test", "--junit", "junit.xml"]).exits(3);
    let report = std::fs::read_to_string(site.path().join("junit.xml")).unwrap();
    assert!(report.contains("<testsuite name=\"portcullis\" tests=\"1\" failures=\"1\">"));
    assert!(report.contains("expected `200`, found `403`"));
}

/// A scenario, and what is said of it with line and column.
const MISTAKES: [(&str, &[&str]); 9] = [
    (
        "scenario: a",
        &["1:1", "`steps`, which follow each other, or `cases`"],
    ),
    (
        "scenario: a\nsteps: [{ git: / }]",
        &[
            "2:9",
            "a step begins with one of `get`",
            "`git` is not known here",
        ],
    ),
    (
        "scenario: a\nsteps: [{ get: a }]",
        &["2:16", "`a` does not begin with `/`"],
    ),
    (
        "scenario: a\nsteps: [{ get: /, from: Mars }]",
        &["2:25", "`Mars` is not an address or a country code"],
    ),
    (
        "scenario: a\nsteps: [{ wait: soon }]",
        &["2:17", "`soon` is no length of time: expected 90s"],
    ),
    (
        "scenario: a\nsteps: [{ get: /, expect: { stats: 200 } }]",
        &["2:29", "`stats` is not known here"],
    ),
    (
        "scenario: a\nat: yesterday\nsteps: []",
        &["2:5", "`yesterday` is no time"],
    ),
    (
        "scenario: a\nsteps: [{ get: /, pop: FRA }]",
        &["`pops` names no point of presence `FRA`"],
    ),
    (
        "scenario: a\nsteps: [{ get: /, signed: members }]",
        &["the site has no key group `members`"],
    ),
];

#[test]
fn a_scenario_that_cannot_be_played_is_told_with_its_place() {
    for (text, says) in MISTAKES {
        let site = folder(&[("portcullis.yaml", MANIFEST), ("scenarios/a.yaml", text)]);
        let ran = run(site.path(), &["test"]).exits(3);
        for part in says {
            assert!(ran.stdout.contains(part), "{text}\n{part}\n{}", ran.stdout);
        }
    }
    let nothing = folder(&[("portcullis.yaml", MANIFEST)]);
    run(nothing.path(), &["test"])
        .exits(2)
        .says("there are no scenarios at `scenarios`")
        .says("portcullis init");
}

/// What `init` writes is played at once.
#[test]
fn a_new_site_has_a_scenario_that_holds() {
    let here = folder(&[]);
    run(here.path(), &["init", "--site", "docs"]).exits(0);
    run(here.path(), &["test", "--deny-uncovered"]).exits(0);
}

/// The examples of the page about scenarios.
#[test]
fn the_examples_of_the_documentation_hold() {
    let page = std::fs::read_to_string(root().join("docs/scenarios.md")).unwrap();
    let examples: Vec<&str> = page
        .split("```yaml\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        .collect();
    assert_eq!(examples.len(), 2);
    let manifest = MANIFEST.replace("caching: disabled", "enforce: edge");
    for example in examples {
        let site = folder(&[
            ("portcullis.yaml", &manifest),
            ("scenarios/a.yaml", example),
        ]);
        let ran = run(site.path(), &["test"]);
        assert_eq!(ran.code, 0, "{}", ran.stdout);
    }
}

/// What a scenario cannot play is refused by name.
#[test]
fn a_site_with_a_release_store_is_refused_by_name() {
    let manifest = MANIFEST.replace("bucket: { name: pages }", "releases: { bucket: pages }");
    let scenario = "scenario: a\nsteps: [{ get: / }]";
    let site = folder(&[
        ("portcullis.yaml", &manifest),
        ("scenarios/a.yaml", scenario),
    ]);
    run(site.path(), &["test"])
        .exits(3)
        .prints("origin `pages` is of the kind `releases`, which scenarios do not play");
}
