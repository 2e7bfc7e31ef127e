//! `http-cache-tests` against `portcullis edge` with a plain pass-through distribution, `tests/http-cache`.
//!
//! `results/*.json` are what came out. A result that changes fails here, and so does a required test that fails without an
//! explanation in `explained.json`, or passes in spite of one. `PORTCULLIS_BLESS=1` writes the results anew.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must fail"
)]

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// What the suite's own results say of Varnish: its required tests that pass.
const VARNISH: usize = 123;

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _gone = self.0.wait();
    }
}

/// Starts a program and waits for its first line; its other lines are read, so that it never waits for a reader.
fn start(command: &mut Command) -> (Running, String) {
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let running = Running(child);
    let first = lines.next().unwrap().unwrap();
    std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
    (running, first)
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../http-cache")
}

/// One test of the suite: its kind, and whether it passes.
type Results = BTreeMap<String, (String, bool)>;

fn run(cache: &str, only: &[&String]) -> Results {
    let output = Command::new("node")
        .current_dir(folder())
        .args(["--no-warnings", "run.mjs", cache])
        .args(only)
        .output()
        .unwrap();
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{err}");
    let lines = output.stdout.lines().map(Result::unwrap);
    let parsed = lines.map(|line| serde_json::from_str::<Value>(&line).unwrap());
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    parsed
        .map(|one| {
            let passes = one["result"] == Value::Bool(true);
            (text(&one["id"]), (text(&one["kind"]), passes))
        })
        .collect()
}

fn played(switches: &[&str], expected: Option<&Results>) -> Results {
    assert!(
        folder().join("node_modules/http-cache-tests").is_dir(),
        "the suite is missing: run `cargo xtask setup`"
    );
    let scratch = tempfile::tempdir().unwrap();
    let (_origin, listening) = start(
        Command::new("node")
            .current_dir(folder())
            .arg("node_modules/http-cache-tests/server/server.mjs")
            .env("npm_config_protocol", "http")
            .env("npm_config_port", "0")
            .env("npm_config_pidfile", scratch.path().join("pid")),
    );
    let port = listening.trim_end_matches('/').rsplit_once(':').unwrap().1;
    let (_edge, ready) = start(
        Command::new(env!("CARGO_BIN_EXE_portcullis-with-aws"))
            .current_dir(folder())
            .args(["edge", "distribution.json", "cache-policy.json"])
            .args(["origin-request-policy.json", "--port", "0", "--json"])
            .arg(format!("--origin=tests=http://127.0.0.1:{port}"))
            .args(["--log", "none"])
            .args(switches),
    );
    let ready: Value = serde_json::from_str(&ready).unwrap();
    let cache = ready["url"].as_str().unwrap();
    let mut results = run(cache, &[]);
    // The suite sleeps for whole seconds; on a busy machine one of its requests can come too late. So what differs runs
    // again, alone.
    if let Some(expected) = expected {
        let differing: Vec<&String> = results
            .iter()
            .filter(|(id, result)| expected.get(*id) != Some(*result))
            .map(|(id, _)| id)
            .collect();
        if !differing.is_empty() {
            let again = run(cache, &differing);
            results.extend(again);
        }
    }
    results
}

fn passing(results: &Results, kind: &str) -> usize {
    let passes = |(of, passes): &&(String, bool)| of == kind && *passes;
    results.values().filter(passes).count()
}

fn explained() -> BTreeSet<String> {
    let text = std::fs::read_to_string(folder().join("explained.json")).unwrap();
    let reasons: Value = serde_json::from_str(&text).unwrap();
    let mut ids = BTreeSet::new();
    for reason in reasons.as_array().unwrap() {
        for id in reason["tests"].as_array().unwrap() {
            let id = id.as_str().unwrap().to_owned();
            assert!(ids.insert(id.clone()), "{id} is explained twice");
        }
    }
    ids
}

/// Runs the suite, holds it against its file, and gives what of the required tests fails.
fn holds(name: &str, switches: &[&str]) -> (Results, BTreeSet<String>) {
    let path = folder().join("results").join(name);
    let bless = std::env::var_os("PORTCULLIS_BLESS").is_some();
    let expected: Option<Results> = (!bless).then(|| {
        let text = std::fs::read_to_string(&path).unwrap();
        serde_json::from_str(&text).unwrap()
    });
    let results = played(switches, expected.as_ref());
    match expected {
        Some(expected) => assert_eq!(results, expected),
        None => {
            let mut text = serde_json::to_string_pretty(&results).unwrap();
            text.push('\n');
            std::fs::write(&path, text).unwrap();
        }
    }
    let fails = |(id, (kind, passes)): (&String, &(String, bool))| {
        (kind == "required" && !passes).then(|| id.clone())
    };
    let failing = results.iter().filter_map(fails).collect();
    (results, failing)
}

#[test]
fn by_default_every_failure_is_explained() {
    let (results, failing) = holds("default.json", &[]);
    assert_eq!(failing, explained());
    assert_eq!(passing(&results, "required"), 119);
}

#[test]
fn with_the_age_of_responses_counted_it_passes_at_least_what_varnish_does() {
    let switches = ["--switch", "ttl.origin-age=counted"];
    let (results, failing) = holds("age-counted.json", &switches);
    let unexplained: Vec<_> = failing.difference(&explained()).cloned().collect();
    assert_eq!(unexplained, Vec::<String>::new());
    assert!(passing(&results, "required") >= VARNISH);
}
