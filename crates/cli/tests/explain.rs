//! `portcullis explain`: what is decided, by which line of the manifest, and what CloudFront keeps of the answer.
//!
//! Countries come from the demonstration database that is built in: 193.0.6.139 is in NL, 81.2.69.142 in GB.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    reason = "a test that cannot go on must fail"
)]

mod support;

use serde_json::{Value, json};
use support::{Ran, folder, run};
use tempfile::TempDir;

const MANIFEST: &str = "\
version: 1
site: explained
hosts: [www.example.com]
certificate: arn:aws:acm:us-east-1:111122223333:certificate/0f3c1d9e-6a57-4c9b-9a39-3f4f0c1b2a11
origins:
  files: { bucket: { name: explained-files, index: index.html } }
geo: { source: both, database: { file: country.mmdb, paths: [country_code] }, on_disagreement: deny }
networks:
  office: [198.51.100.0/24]
  abuse: [192.0.2.0/24]
policies:
  readers:
    - { deny: { networks: [abuse] }, reason: abuse }
    - { allow: { networks: [office] } }
    - { allow: { countries: [NL, DE] } }
    - { deny: { countries: [unknown] }, reason: nowhere }
  watched:
    mode: report
    statements:
      - { allow: { networks: [office] } }
behaviors:
  - { path: /watched/*, origin: files, policy: watched, caching: disabled }
  - { path: \"*\", origin: files, policy: readers, enforce: edge, ttl: { min: 0s, default: 1h, max: 1d } }
";

const DUTCH: &str = "193.0.6.139";
const BRITISH: &str = "81.2.69.142";
const OFFICE: &str = "198.51.100.7";
const ABUSER: &str = "192.0.2.1";
/// An address of no country.
const NOWHERE: &str = "203.0.113.9";

fn site() -> TempDir {
    folder(&[
        ("portcullis.yaml", MANIFEST),
        ("buckets/explained-files/index.html", "<p>welcome</p>"),
        ("buckets/explained-files/a.txt", "hello\n"),
    ])
}

fn explain(arguments: &[&str]) -> Ran {
    run(site().path(), &[&["explain"], arguments].concat())
}

/// The line of the manifest that holds a text.
fn line_of(text: &str) -> u64 {
    1 + MANIFEST
        .lines()
        .position(|line| line.contains(text))
        .unwrap() as u64
}

/// A request, its exit code and reason, and the line of the statement that decided.
#[track_caller]
fn check(arguments: &[&str], code: i32, reason: &str, decided_by: Option<&str>) {
    let value = explain(&[arguments, &["--json"]].concat())
        .exits(code)
        .json();
    assert_eq!(value["reason"], reason, "{value:#}");
    assert_eq!(value["admitted"], code == 0);
    let line = value["decided_at"]["line"].as_u64();
    assert_eq!(line, decided_by.map(line_of), "{value:#}");
}

#[test]
fn each_decision_has_its_reason_and_its_line() {
    let europe = Some("countries: [NL, DE]");
    let nowhere = Some("reason: nowhere");
    let abuse = Some("reason: abuse");
    let office = Some("    - { allow: { networks: [office] } }");
    check(&["/a.txt", "--viewer", DUTCH], 0, "admitted", europe);
    check(&["/a.txt", "--viewer", OFFICE], 0, "admitted", office);
    check(&["/a.txt", "--viewer", BRITISH], 5, "no-match", None);
    check(&["/a.txt", "--viewer", ABUSER], 5, "denied", abuse);
    check(
        &["/a.txt", "--viewer", ABUSER, "--country", "NL"],
        5,
        "denied",
        abuse,
    );
    check(
        &["/a.txt", "--viewer", NOWHERE],
        5,
        "denied-country-unknown",
        nowhere,
    );
    check(&["/a.txt"], 5, "denied-address-unknown", abuse);
    check(
        &["/a.txt", "--viewer", DUTCH, "--country", "DE"],
        5,
        "denied-country-unknown",
        nowhere,
    );
    check(
        &["/a.txt", "--viewer", DUTCH, "--country", "ZZZ"],
        5,
        "denied-country-unknown",
        nowhere,
    );
}

#[test]
fn without_proof_or_a_path_nothing_is_decided() {
    check(
        &["/a.txt", "--viewer", DUTCH, "--no-proof"],
        5,
        "no-principal",
        None,
    );
    for path in ["/a%2f..%2fb", "/../a.txt", "/a%00", "/a/./b", "/a%zz"] {
        check(&[path, "--viewer", DUTCH], 5, "path-refused", None);
    }
    for arguments in [&["/a.txt", "--no-proof"], &["/../a.txt", "--json"]] {
        let printed = explain(arguments).exits(5).stdout;
        assert!(!printed.contains("answer  "), "{printed}");
    }
}

#[test]
fn a_policy_that_reports_admits_and_says_what_it_would_refuse() {
    let value = explain(&["/watched/x", "--viewer", BRITISH, "--json"])
        .exits(0)
        .json();
    assert_eq!(
        (&value["report_only"], &value["reason"]),
        (&json!(true), &json!("no-match"))
    );
    let text = explain(&["/watched/x", "--viewer", BRITISH])
        .exits(0)
        .stdout;
    assert!(
        text.contains("ADMITTED (report only: it would be refused)  reason no-match\n"),
        "{text}"
    );
    let value = explain(&["/watched/x", "--viewer", OFFICE, "--json"])
        .exits(0)
        .json();
    assert_eq!(value["report_only"], false);
}

#[test]
fn the_text_names_the_line_and_the_sites_own_word() {
    let text = explain(&["/a.txt", "--viewer", ABUSER]).exits(5).stdout;
    let line = line_of("reason: abuse");
    let verdict =
        format!("\nREFUSED  reason denied (abuse), statement 1 at portcullis.yaml:{line}:7\n");
    assert!(text.contains(&verdict), "{text}");
}

/// The steps of one explanation, as `step: result`.
fn steps(value: &Value) -> Vec<String> {
    let text = |step: &Value, key: &str| step[key].as_str().unwrap().to_owned();
    let steps = value["steps"].as_array().unwrap().iter();
    steps
        .map(|s| format!("{}: {}", text(s, "step"), text(s, "result")))
        .collect()
}

#[test]
fn the_steps_stand_in_the_order_of_the_decision() {
    let arguments = ["/a.txt", "--viewer", DUTCH, "--json", "--at", "1790000000"];
    let value = explain(&arguments).exits(0).json();
    assert_eq!(
        steps(&value),
        [
            "edge: passes",
            "access control: passed",
            "secret header: passed",
            "edge address: passed",
            "path: /a.txt",
            "behavior: *",
            "viewer address: 193.0.6.139",
            "networks: in none; unknown for none",
            "country: NL",
            "statement 1: does not match",
            "statement 2: does not match",
            "statement 3: matches",
        ]
    );
    assert_eq!(value["at"], 1_790_000_000);
    assert_eq!(value["statement"], 3);
    let keys: Vec<&String> = value.as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        [
            "admitted",
            "answer",
            "at",
            "bundle",
            "decided_at",
            "label",
            "manifest",
            "method",
            "path",
            "reason",
            "report_only",
            "statement",
            "steps"
        ]
    );
}

/// An answer's status, `Cache-Control`, and what the edge keeps: seconds and the rule.
#[track_caller]
fn check_answer(
    path: &str,
    status: u16,
    cache_control: Option<&str>,
    ttl: Option<u64>,
    rule: &str,
) {
    let value = explain(&[path, "--viewer", DUTCH, "--json"]).json();
    let answer = &value["answer"];
    assert_eq!(answer["status"], status, "{answer:#}");
    assert_eq!(
        answer["headers"]["cache-control"].as_str(),
        cache_control,
        "{answer:#}"
    );
    assert_eq!(answer["edge"]["ttl_s"].as_u64(), ttl, "{answer:#}");
    assert_eq!(answer["edge"]["rule"], rule, "{answer:#}");
}

#[test]
fn the_answer_has_its_headers_and_its_time_at_the_edge() {
    let hour = Some("max-age=0, s-maxage=3600");
    check_answer("/a.txt", 200, hour, Some(3_600), "s-maxage");
    check_answer("/", 200, hour, Some(3_600), "s-maxage");
    check_answer(
        "/missing.txt",
        404,
        Some("no-store"),
        None,
        "origin-directive",
    );
    check_answer(
        "/watched/x",
        404,
        Some("no-store"),
        None,
        "caching-disabled",
    );
    let text = explain(&["/a.txt", "--viewer", DUTCH]).exits(0).stdout;
    assert!(text.contains("\nanswer  200 "), "{text}");
    assert!(
        text.contains("under: the distribution + path /a.txt"),
        "{text}"
    );
}

#[test]
fn a_request_may_carry_headers_and_a_method() {
    let arguments = [
        "/a.txt",
        "--viewer",
        DUTCH,
        "--json",
        "--header",
        "Range: bytes=0-1",
    ];
    let value = explain(&arguments).exits(0).json();
    assert_eq!(value["answer"]["status"], 206);
    assert_eq!(value["answer"]["headers"]["content-range"], "bytes 0-1/6");
    let arguments = ["/a.txt", "--viewer", DUTCH, "--json", "--method", "HEAD"];
    let value = explain(&arguments).exits(0).json();
    assert_eq!(value["answer"]["headers"]["content-length"], "6");
    explain(&["/a.txt", "--header", "no colon"])
        .exits(2)
        .says("`no colon` is not NAME: VALUE");
}

/// What the edge itself refuses, the gateway never hears: one step, its status, no answer of ours.
#[track_caller]
fn check_refused_at_edge(arguments: &[&str], result: &str) {
    let value = explain(&[arguments, &["--json"]].concat()).exits(5).json();
    assert_eq!(value["reason"], "refused-at-edge", "{value:#}");
    assert_eq!(steps(&value), [format!("edge: {result}")]);
    assert_eq!(value["answer"], json!(null));
}

#[test]
fn the_edge_speaks_first() {
    let not_taken = "403 InvalidRequestMethod";
    check_refused_at_edge(
        &["/a.txt", "--viewer", DUTCH, "--method", "POST"],
        not_taken,
    );
    check_refused_at_edge(&["/a.txt", "--no-proof", "--method", "OPTIONS"], not_taken);
    let long = format!("/{}", "a".repeat(8_192));
    check_refused_at_edge(&[&long], "414 InvalidRequest");
    let header = format!("x: {}", "a".repeat(32_768));
    check_refused_at_edge(&["/a.txt", "--header", &header], "494 InvalidRequestHeader");
    let arguments = ["http://www.example.com/a.txt", "--viewer", DUTCH, "--json"];
    let redirected = explain(&arguments).exits(0).json();
    assert_eq!(steps(&redirected)[0], "edge: 301 to https");
}

/// What a viewer claims in CloudFront's name does not reach the gateway.
#[test]
fn a_viewer_cannot_speak_for_cloudfront() {
    for claim in [
        "CloudFront-Viewer-Address: 198.51.100.7:443",
        "CloudFront-Viewer-Country: NL",
        "X-Forwarded-For: 198.51.100.7",
    ] {
        check(
            &["/a.txt", "--viewer", BRITISH, "--header", claim],
            5,
            "no-match",
            None,
        );
        check(
            &["/a.txt", "--header", claim],
            5,
            "denied-address-unknown",
            Some("reason: abuse"),
        );
    }
}

#[test]
fn the_cache_key_names_everything_in_it() {
    let site = folder(&[
        (
            "portcullis.yaml",
            &MANIFEST
                .replace(
                    "readers, enforce: edge,",
                    "by-country, enforce: origin, cache_key: { country: true, query: [page] },",
                )
                .replace(
                    "policies:\n",
                    "policies:\n  by-country: [{ allow: { countries: [NL] } }]\n",
                ),
        ),
        ("buckets/explained-files/a.txt", "hello\n"),
    ]);
    let key = |more: &[&str]| {
        let arguments = [
            &["explain", "/a.txt?page=2", "--viewer", DUTCH, "--json"],
            more,
        ]
        .concat();
        run(site.path(), &arguments).exits(0).json()["answer"]["edge"]["key"].take()
    };
    let start = [
        "the distribution",
        "path /a.txt",
        "query parameters page",
        "country NL",
    ];
    assert_eq!(key(&[]), json!(start));
    let coded = key(&["--header", "Accept-Encoding: deflate, gzip;q=0.1, br"]);
    assert_eq!(
        coded,
        json!([&start[..], &["Accept-Encoding br,gzip"]].concat())
    );
    assert_eq!(key(&["--header", "Accept-Encoding: deflate"]), json!(start));
}

#[test]
fn an_error_is_answered_with_the_sites_page() {
    let manifest =
        format!("{MANIFEST}errors:\n  404: {{ document: /missing.html, min_ttl: 0s }}\n");
    let site = folder(&[("portcullis.yaml", &manifest)]);
    let arguments = ["explain", "/nothing", "--viewer", DUTCH];
    let text = run(site.path(), &arguments).exits(0).stdout;
    assert!(
        text.ends_with("and answers with /missing.html instead, status 404\n"),
        "{text}"
    );
    let value = run(site.path(), &[&arguments[..], &["--json"]].concat()).json();
    let page = json!({ "document": "/missing.html", "status": 404 });
    assert_eq!(value["answer"]["edge"]["error_page"], page);
}

#[test]
fn a_url_is_taken_apart_and_a_strange_host_noted() {
    let dutch = ["--viewer", DUTCH, "--json"];
    for (url, path) in [
        ("https://www.example.com/a.txt?x=1", "/a.txt"),
        ("https://www.example.com", "/"),
        ("https://www.example.com?x=1", "/"),
    ] {
        let ran = explain(&[&[url], &dutch[..]].concat()).exits(0);
        assert_eq!(
            (&ran.json()["path"], ran.stderr.as_str()),
            (&json!(path), "")
        );
    }
    explain(&["https://other.example/a.txt", "--viewer", DUTCH])
        .exits(0)
        .says("`other.example` is not one of");
    explain(&["a.txt"])
        .exits(2)
        .says("`a.txt` is neither a URL nor a path");
    explain(&["ftp://www.example.com/a.txt"])
        .exits(2)
        .says("is neither a URL nor a path");
}

#[test]
fn a_manifest_with_mistakes_explains_nothing() {
    let broken = folder(&[("portcullis.yaml", &MANIFEST.replace("[NL, DE]", "[NL, UK]"))]);
    for json in [&[][..], &["--json"]] {
        let ran = run(broken.path(), &[&["explain", "/a.txt"], json].concat()).exits(3);
        let place = format!("portcullis.yaml:{}:", line_of("countries: [NL, DE]"));
        assert_eq!(ran.says(&place).stdout, "");
    }
}
