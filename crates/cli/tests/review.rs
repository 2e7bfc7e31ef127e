//! `portcullis replay` and `portcullis why`: what other rules would do to past requests, and why one was refused.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must fail"
)]

mod support;

use flate2::write::GzEncoder;
use parquet::basic::Compression;
use parquet::data_type::{ByteArray, ByteArrayType};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use serde_json::{Value, json};
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use support::{folder, root, run, write};
use tempfile::TempDir;

const OLD: &str = "\
version: 1
site: tried
origins:
  pages: { bucket: { name: pages } }
geo: { source: cloudfront }
networks: { office: [198.51.100.0/24] }
policies:
  everyone:
    - { allow: any }
  europe:
    - { allow: { networks: [office] } }
    - { allow: { countries: [EU] } }
behaviors:
  - { path: /eu/*, origin: pages, policy: europe, caching: disabled }
  - { path: \"*\", origin: pages, policy: everyone, ttl: { min: 0s, default: 1m, max: 1d } }
";

const FIELDS: &str = "#Version: 1.0
#Fields: date time x-edge-location sc-bytes c-ip cs-method cs-uri-stem sc-status cs-uri-query x-edge-result-type c-country
";

/// Seconds of a minute, address, path, status, result and country.
const REQUESTS: [(u8, &str, &str, u16, &str, &str); 7] = [
    (0, "192.0.2.7", "/eu/a", 200, "Miss", "DE"),
    (1, "192.0.2.7", "/eu/a", 200, "Miss", "FR"),
    (2, "192.0.2.8", "/eu/a", 403, "Error", "US"),
    (3, "198.51.100.9", "/eu/a", 200, "Miss", "US"),
    (4, "192.0.2.9", "/", 200, "Miss", "US"),
    (5, "192.0.2.9", "/", 200, "Hit", "US"),
    (6, "192.0.2.9", "/b", 200, "Miss", "-"),
];

fn w3c() -> String {
    let lines = REQUESTS.map(|(second, address, path, status, result, country)| {
        format!("2026-03-01\t12:00:0{second}\tFRA56-P1\t100\t{address}\tGET\t{path}\t{status}\t-\t{result}\t{country}\n")
    });
    format!("{FIELDS}{}", lines.concat())
}

/// The same in JSON, packed.
fn json_gz() -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    for (second, address, path, status, result, country) in REQUESTS {
        let line = json!({
            "date": "2026-03-01",
            "time": format!("12:00:0{second}"),
            "x-edge-location": "FRA56-P1",
            "sc-bytes": "100",
            "c-ip": address,
            "cs-method": "GET",
            "cs-uri-stem": path,
            "sc-status": status.to_string(),
            "x-edge-result-type": result,
            "c-country": country,
        });
        writeln!(packed, "{line}").unwrap();
    }
    packed.finish().unwrap()
}

/// The same in Parquet, with the names that columns have.
fn parquet_rows(path: &Path) {
    const COLUMNS: [&str; 9] = [
        "date",
        "time",
        "x_edge_location",
        "c_ip",
        "cs_method",
        "cs_uri_stem",
        "sc_status",
        "x_edge_result_type",
        "c_country",
    ];
    let fields = COLUMNS.map(|name| format!("optional binary {name} (utf8);"));
    let schema = format!("message log {{ {} }}", fields.concat());
    let schema = Arc::new(parse_message_type(&schema).unwrap());
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .build();
    let file = std::fs::File::create(path).unwrap();
    let mut writer = SerializedFileWriter::new(file, schema, Arc::new(properties)).unwrap();
    let mut group = writer.next_row_group().unwrap();
    for at in 0..COLUMNS.len() {
        let values: Vec<ByteArray> = REQUESTS
            .iter()
            .map(|(second, address, path, status, result, country)| {
                let row = [
                    "2026-03-01".to_owned(),
                    format!("12:00:0{second}"),
                    "FRA56-P1".to_owned(),
                    (*address).to_owned(),
                    "GET".to_owned(),
                    (*path).to_owned(),
                    status.to_string(),
                    (*result).to_owned(),
                    (*country).to_owned(),
                ];
                ByteArray::from(row[at].as_str())
            })
            .collect();
        let mut column = group.next_column().unwrap().unwrap();
        let levels = vec![1; values.len()];
        column
            .typed::<ByteArrayType>()
            .write_batch(&values, Some(&levels), None)
            .unwrap();
        column.close().unwrap();
    }
    group.close().unwrap();
    writer.close().unwrap();
}

fn site() -> TempDir {
    let new = OLD
        .replace("countries: [EU]", "countries: [DE, US]")
        .replace("networks: [office]", "networks: [office], countries: [DE]");
    let site = folder(&[
        ("portcullis.yaml", OLD),
        ("new.yaml", &new),
        ("logs/a.log", &w3c()),
    ]);
    write(site.path(), "packed/a.gz", &json_gz());
    write(site.path(), "columns/a.parquet", b"");
    parquet_rows(&site.path().join("columns/a.parquet"));
    site
}

#[test]
fn the_rules_that_were_in_force_change_nothing() {
    let site = site();
    for logs in ["logs", "packed", "columns", "logs/a.log"] {
        let report = run(site.path(), &["replay", logs, "--json"])
            .exits(0)
            .json();
        assert_eq!(report["counts"]["requests"], 7, "{logs}");
        assert_eq!(report["counts"]["admitted"], 6, "{logs}");
        assert_eq!(report["counts"]["unreadable"], 0, "{logs}");
        assert_eq!(report["caching_logged"]["hits"], 1, "{logs}");
        let predicted = json!({ "hits": 1, "misses": 2, "passed": 3, "left_out": 1 });
        assert_eq!(report["caching"], predicted, "{logs}");
    }
}

#[test]
fn other_rules_are_told_by_reason_country_and_path() {
    let site = site();
    for against in [&[][..], &["--against", "portcullis.yaml"]] {
        let arguments = ["replay", "logs", "--manifest", "new.yaml", "--json"];
        let report = run(site.path(), &[&arguments[..], against].concat())
            .exits(4)
            .json();
        let (refused, admitted) = (&report["newly_refused"], &report["newly_admitted"]);
        assert_eq!(
            (&refused["requests"], &admitted["requests"]),
            (&json!(1), &json!(1))
        );
        let one = |name: &str| json!([{ "name": name, "count": 1, "error": 0 }]);
        assert_eq!(refused["by_country"], one("FR"));
        assert_eq!(refused["by_reason"], one("no-match"));
        assert_eq!(admitted["by_country"], one("US"));
        assert_eq!(admitted["by_path"], one("/eu/a"));
        assert_eq!(
            admitted["example"],
            "GET /eu/a from 192.0.2.8 at 1772366402"
        );
    }
    run(site.path(), &["replay", "logs", "--manifest", "new.yaml"])
        .exits(4)
        .prints("newly refused   1\n  by reason      no-match 1\n  by country     FR 1\n");
}

#[test]
fn lines_that_cannot_be_read_are_counted_with_their_places() {
    let site = site();
    let text = format!("{}nonsense\n{{\n{}\n", w3c(), "x".repeat(300_000));
    write(site.path(), "bad.log", text.as_bytes());
    let report = run(site.path(), &["replay", "bad.log", "--json"])
        .exits(0)
        .json();
    assert_eq!(report["counts"]["requests"], 7);
    assert_eq!(report["counts"]["unreadable"], 3);
    let reasons: Vec<&str> = report["unreadable"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["why"].as_str().unwrap())
        .collect();
    assert_eq!(reasons.len(), 3, "{reasons:?}");
    let places = report["unreadable"].to_string();
    for line in [10, 11, 12] {
        assert!(places.contains(&format!("\"line\":{line}")), "{places}");
    }
    run(site.path(), &["replay", "no.log"])
        .exits(2)
        .says("there is no log `no.log`");
}

/// Decision lines of the real gateway. The page of a refusal has a line too.
fn decision_lines() -> Vec<String> {
    let server = support::server::Server::start(&root(), &["dev", "examples/handbook", "--json"]);
    let asked = [
        ("/members/", "x-portcullis-viewer: 81.2.69.142"),
        ("/office/", "x-portcullis-viewer: 198.51.100.7"),
        ("/downloads/opening-hours.pdf", "x-portcullis-country: DE"),
        ("/trial/", "x-portcullis-country: US"),
    ];
    for (path, header) in asked {
        support::http::get(server.address, path, &[header]);
    }
    server.wait_for("six decisions", |server| {
        let printed = server.stdout();
        let lines = printed
            .lines()
            .filter(|line| line.contains("\"kind\":\"decision\""));
        let lines: Vec<String> = lines.map(str::to_owned).collect();
        (lines.len() == asked.len() + 2).then_some(lines)
    })
}

#[test]
fn a_past_decision_is_reproduced_from_its_line() {
    let lines = decision_lines();
    let log = folder(&[("decisions.json", &lines.join("\n"))]);
    let log = log.path().join("decisions.json");
    for line in &lines {
        let told: Value = serde_json::from_str(line).unwrap();
        let code = if told["verdict"] == "refused" { 5 } else { 0 };
        // `dev` adds a key to each group, so that another bundle decides there.
        let by_line = [
            "why",
            line,
            "--manifest",
            "examples/handbook",
            "--other-bundle",
            "--json",
        ];
        let explained = run(&root(), &by_line).exits(code).json();
        let steps = explained["steps"].as_array().unwrap();
        assert_eq!(steps.last().unwrap()["result"], "reproduced", "{line}");
        assert_eq!(explained["reason"], told["reason"], "{line}");
        let (id, log) = (told["id"].as_str().unwrap(), log.to_str().unwrap());
        let by_id = [
            "why",
            id,
            "--log",
            log,
            "--manifest",
            "examples/handbook",
            "--other-bundle",
        ];
        run(&root(), &by_id).exits(code).prints("reproduced");
    }
}

#[test]
fn what_cannot_be_reproduced_says_what_is_missing() {
    let site = site();
    let compiled = run(site.path(), &["compile", "--json"]).exits(0).json();
    let digest = compiled["bundle"]
        .as_str()
        .or(compiled["digest"].as_str())
        .unwrap();
    let line = json!({
        "kind": "decision", "time": 1_772_366_400, "bundle": digest, "verdict": "refused",
        "reason": "no-match", "policy": "europe", "label": "line-too-long",
    });
    run(site.path(), &["why", &line.to_string()])
        .exits(1)
        .says("the line was too long and lost `inputs`, `path` and `method`")
        .says("it was refused by no statement of policy `europe`: no-match");
    let other = line.to_string().replace(digest, "sha256:00");
    run(site.path(), &["why", &other])
        .exits(1)
        .says("sha256:00 decided")
        .says("--other-bundle");
    run(site.path(), &["why", "{}"])
        .exits(2)
        .says("this is no decision line");
    run(site.path(), &["why", "5f0c"])
        .exits(2)
        .says("`--log FILE`");
    run(site.path(), &["why", "5f0c", "--log", "logs"])
        .exits(1)
        .says("no decision line has the id `5f0c`");
    let refused = json!({
        "kind": "decision", "time": 1_772_366_400, "bundle": digest, "verdict": "refused",
        "reason": "no-match", "policy": "europe", "method": "GET", "path": "/eu/a", "behavior": "/eu/*",
        "inputs": { "address": "192.0.2.8", "country": { "code": "US" } },
    });
    run(site.path(), &["why", &refused.to_string()])
        .exits(5)
        .prints("statement 2")
        .prints("REFUSED")
        .prints("reproduced");
}

#[test]
fn the_difference_of_two_manifests_is_told_as_requests() {
    let site = site();
    let ran = run(site.path(), &["diff", "portcullis.yaml", "new.yaml"]).exits(4);
    let told = "\
newly refused   /eu/*  europe 1 (admitted) -> europe (no-match)
                any country but DE US unknown; in office
";
    let ran = ran
        .prints(told)
        .prints("newly admitted  /eu/*  europe (no-match) -> europe 2 (admitted)\n");
    assert!(!ran.stdout.contains("caching"));
    let same = run(site.path(), &["diff", "portcullis.yaml", "portcullis.yaml"]).exits(0);
    assert_eq!(same.stdout, "every request is answered as before\n");
    let found = run(
        site.path(),
        &["diff", "portcullis.yaml", "new.yaml", "--json"],
    )
    .exits(4)
    .json();
    assert_eq!(found["inexact"], json!([]));
    let kinds: Vec<&str> = found["decisions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| change["kind"].as_str().unwrap())
        .collect();
    assert!(kinds.contains(&"refused") && kinds.contains(&"admitted"));
    let with_log = ["diff", "portcullis.yaml", "new.yaml", "--log", "logs"];
    run(site.path(), &with_log)
        .exits(4)
        .prints("predicted       20.0 % from the cache, 4 requests to the origin\nbefore          16.6 % from the cache");
    run(site.path(), &["diff", "portcullis.yaml", "none.yaml"])
        .exits(1)
        .says("`none.yaml` cannot be read");
}

const GUARDED: &str = "\
version: 1
site: tried
origins: { pages: { bucket: { name: pages } } }
geo: { source: cloudfront }
policies:
  everyone: [{ allow: any }]
  europe: [{ allow: { countries: [EU] } }]
behaviors:
  - { path: /eu/*, origin: pages, policy: europe, enforce: edge }
  - { path: \"*\", origin: pages, policy: everyone }
";

/// A mistake in the template comes with an order of requests, which `test` plays until it is mended.
#[test]
fn a_finding_has_an_order_of_requests_that_can_be_replayed() {
    let site = folder(&[("portcullis.yaml", GUARDED)]);
    let made = run(site.path(), &["template", "--output", "sound.json"]);
    made.exits(0);
    let text = std::fs::read_to_string(site.path().join("sound.json")).unwrap();
    let mut template: Value = serde_json::from_str(&text).unwrap();
    for parameter in template["Parameters"].as_object_mut().unwrap().values_mut() {
        parameter["Default"] = json!("given");
    }
    let sound = template.to_string();
    for resource in template["Resources"].as_object_mut().unwrap().values_mut() {
        if resource["Type"] == "AWS::CloudFront::Distribution" {
            let config = &mut resource["Properties"]["DistributionConfig"];
            config["CacheBehaviors"][0]
                .as_object_mut()
                .unwrap()
                .remove("FunctionAssociations");
        }
    }
    write(
        site.path(),
        "template.json",
        template.to_string().as_bytes(),
    );
    let check = [
        "check",
        "portcullis.yaml",
        "template.json",
        "--orders",
        "orders",
    ];
    run(site.path(), &check)
        .exits(3)
        .prints("PC004/missing")
        .says("order-1.yaml: a viewer from AD, after somebody else's request, is refused and gets /eu/x (200, Hit)");
    run(site.path(), &["test", "orders"])
        .exits(3)
        .prints("the policy refuses this viewer (no-match), who got 200 all the same (Hit)");
    write(site.path(), "template.json", sound.as_bytes());
    run(site.path(), &["test", "orders"]).exits(0);
    let check = [
        "check",
        "portcullis.yaml",
        "template.json",
        "--orders",
        "none",
    ];
    run(site.path(), &check)
        .exits(0)
        .says("no order of requests was found that undoes the policy");
}

const WITH_CANDIDATE: &str = "\
version: 1
site: tried
origins: { pages: { bucket: { name: pages } } }
geo: { source: cloudfront }
policies:
  everyone:
    statements: [{ allow: any }]
    candidate: europe
  europe: [{ allow: { countries: [EU] } }]
behaviors:
  - { path: \"*\", origin: pages, policy: everyone, caching: disabled }
";

/// A candidate refuses nobody, and its differences are in the decision line.
#[test]
fn a_candidate_is_tried_beside_the_policy_that_decides() {
    let site = folder(&[
        ("portcullis.yaml", WITH_CANDIDATE),
        ("buckets/pages/a.txt", "open"),
    ]);
    let explained = |country: &str| {
        run(
            site.path(),
            &[
                "explain",
                "/a.txt",
                "--viewer",
                "192.0.2.7",
                "--country",
                country,
            ],
        )
    };
    explained("US")
        .exits(0)
        .prints("would refuse")
        .prints("`europe`, which is tried and decides about nobody: no-match");
    explained("DE").exits(0).prints("would admit");
    let server = support::server::Server::start(site.path(), &["dev", "portcullis.yaml", "--json"]);
    for country in ["US", "DE"] {
        let header = format!("x-portcullis-country: {country}");
        let answer = support::http::get(server.address, "/a.txt", &[&header]);
        assert_eq!((answer.status, answer.text()), (200, "open".to_owned()));
    }
    let lines = server.wait_for("two decisions", |server| {
        let printed = server.stdout();
        let lines = printed
            .lines()
            .filter(|line| line.contains("\"kind\":\"decision\""));
        let lines: Vec<Value> = lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        (lines.len() == 2).then_some(lines)
    });
    let refused =
        json!({ "policy": "europe", "verdict": "refused", "reason": "no-match", "differs": true });
    assert_eq!(lines[0]["candidate"], refused);
    let admitted = json!({ "policy": "europe", "verdict": "admitted", "reason": "admitted", "statement": 1, "differs": false });
    assert_eq!(lines[1]["candidate"], admitted);
    assert_eq!(
        (&lines[0]["verdict"], &lines[0]["policy"]),
        (&json!("admitted"), &json!("everyone"))
    );
}

/// What a candidate may not be, and what is said of it.
#[test]
fn a_candidate_that_cannot_be_tried_is_refused() {
    let rows = [
        ("candidate: europ", "unknown policy `europ`"),
        (
            "candidate: everyone",
            "a candidate is another policy that has no candidate itself",
        ),
    ];
    for (candidate, says) in rows {
        let manifest = WITH_CANDIDATE.replace("candidate: europe", candidate);
        let site = folder(&[("portcullis.yaml", &manifest)]);
        run(site.path(), &["compile"]).exits(3).says(says);
    }
}

/// The review of a pull request, over a repository as the example lays one out: the summary tells what changes, and a scenario
/// that fails fails the review.
#[test]
fn a_pull_request_is_reviewed() {
    let example = root().join("examples/repository");
    let read = |name: &str| std::fs::read_to_string(example.join(name)).unwrap();
    let (manifest, scenario) = (read("portcullis.yaml"), read("scenarios/licensed.yaml"));
    let site = folder(&[
        ("portcullis.yaml", &manifest),
        ("scenarios/licensed.yaml", &scenario),
    ]);
    let git = |arguments: &[&str]| {
        let identity = ["-c", "user.name=a", "-c", "user.email=a@example.com"];
        let ran = Command::new("git")
            .current_dir(site.path())
            .args(identity)
            .args(arguments)
            .output();
        assert!(ran.unwrap().status.success(), "git {arguments:?}");
    };
    git(&["init", "--quiet"]);
    git(&["add", "."]);
    git(&["commit", "--quiet", "--message", "first"]);
    let review = |summary: &str| {
        let ran = Command::new(root().join("actions/review/review.sh"))
            .current_dir(site.path())
            .arg("portcullis.yaml")
            .env("PORTCULLIS", env!("CARGO_BIN_EXE_portcullis"))
            .env("BASE", "HEAD")
            .env("SARIF", "found.sarif")
            .env("GITHUB_STEP_SUMMARY", summary)
            .output()
            .unwrap();
        let text = std::fs::read_to_string(site.path().join(summary)).unwrap();
        (ran.status.code(), text)
    };
    let (code, told) = review("unchanged.md");
    assert_eq!(code, Some(0), "{told}");
    for part in [
        "### Manifest: fine",
        "### Rules: fine",
        "### Scenarios: fine",
        "### Requests: answered as before",
    ] {
        assert!(told.contains(part), "{told}");
    }
    let sarif = std::fs::read_to_string(site.path().join("found.sarif")).unwrap();
    assert!(sarif.contains("\"2.1.0\""));
    write(
        site.path(),
        "portcullis.yaml",
        manifest.replace("[EU, CH]", "[EU]").as_bytes(),
    );
    let (code, told) = review("changed.md");
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("### Scenarios: failed"), "{told}");
    assert!(told.contains("### Requests: answered otherwise"), "{told}");
    assert!(told.contains("newly refused   /licensed/*"), "{told}");
}
