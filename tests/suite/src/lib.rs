//! What the suite's tests share: the loader of the CloudFront test vectors.
//!
//! A vector file is read from the folder named by `PORTCULLIS_VECTORS`, by default the copy in `tests/vectors`.
//! A file that is missing, empty or malformed fails the test that asked for it; nothing is passed over.
#![allow(
    clippy::panic,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test that cannot read its cases must fail, and one that can says how many there were"
)]

use serde_json::Value;
use std::path::PathBuf;

/// The folder that holds the vectors.
#[must_use]
pub fn vectors_dir() -> PathBuf {
    std::env::var_os("PORTCULLIS_VECTORS").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../vectors")),
        PathBuf::from,
    )
}

/// The folder that holds the project's other fixtures (`tests/data`).
#[must_use]
pub fn data_dir() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../data"))
}

/// The whole of one vector file, for the few that hold more than cases.
#[must_use]
pub fn vector_file(name: &str) -> Value {
    let path = vectors_dir().join(format!("{name}.json"));
    let text = std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_slice(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The cases of one vector file; at least one.
#[must_use]
pub fn vector_cases(name: &str) -> Vec<Value> {
    let file = vector_file(name);
    let cases = file["cases"].as_array().cloned().unwrap_or_default();
    assert!(!cases.is_empty(), "vector file `{name}` has no cases");
    cases
}

/// Runs `check` over every case and fails with the list of all that do not hold, so that one run shows everything.
pub fn hold_all(name: &str, check: impl Fn(&Value) -> Result<(), String>) {
    let cases = vector_cases(name);
    let failures: Vec<String> = cases
        .iter()
        .enumerate()
        .filter_map(|(i, case)| {
            check(case)
                .err()
                .map(|why| format!("  case {i}: {why}\n    {case}"))
        })
        .collect();
    assert!(
        failures.is_empty(),
        "{} of {} cases of `{name}` do not hold:\n{}",
        failures.len(),
        cases.len(),
        failures.join("\n")
    );
    println!("{name}: {} cases hold", cases.len());
}

/// The compiled form of a small site with three networks (`abuse`, `office`, `partners`, the last a prefix list), two key
/// groups (`members`, `press`), one bucket origin and a policy that admits everyone, as its JSON.
#[must_use]
pub fn small_site_json() -> Value {
    let pem = |file: &str| {
        let path =
            PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../example/keys")).join(file);
        std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    };
    let key =
        |id: &str, file: &str| serde_json::json!({ "id": id, "file": file, "pem": pem(file) });
    let behavior = |path: &str, policy: &str| {
        serde_json::json!({
            "path": path, "origin": "files", "policy": policy, "enforce": "origin", "caching": "disabled",
            "methods": "get-head", "viewer_protocol": "redirect-to-https", "compress": false,
            "response_headers": { "security": "none", "cors": null }, "large_objects": "refuse"
        })
    };
    serde_json::json!({
        "site": "small", "hosts": ["small.example.com"],
        "certificate": "arn:aws:acm:us-east-1:111122223333:certificate/0f3c1d9e", "hosted_zone": null,
        "viewer_tls": "TLSv1.2_2021", "origin_shield": null,
        "origins": { "files": { "bucket": {
            "name": "small-files", "prefix": "", "index": null, "clean_urls": false, "precompressed": false, "uploads": false
        } } },
        "origin_groups": {},
        "guard": {
            "fronts": [], "access_control": { "mode": "required", "principals": [] },
            "secret_header": { "mode": "required", "name": "x-origin-verify", "rotate_every": 2_592_000, "overlap": 3_600 },
            "edges": { "mode": "required", "prefix_lists": ["edges"], "max_age": 1_209_600, "when_stale": "deny" }
        },
        "geo": { "source": "cloudfront", "database": null, "on_disagreement": "deny", "groups": {} },
        "networks": {
            "abuse": { "addresses": ["192.0.2.0/24"] },
            "office": { "addresses": ["198.51.100.0/24", "2001:db8:51::/48"] },
            "partners": { "prefix_list": { "id": "pl-0a1b2c3d", "max_age": 86_400 } }
        },
        "key_groups": {
            "members": { "public_keys": [key("KRSA", "training-2026-rsa.pem")], "algorithms": ["RSA-SHA256"] },
            "press": { "public_keys": [key("KEC", "training-2026-ec.pem")], "algorithms": ["ECDSA-SHA256"] }
        },
        "policies": { "p": { "mode": "enforce", "statements": [{ "effect": "allow", "when": null, "reason": null }] } },
        "behaviors": [behavior("*", "p")],
        "releases": null, "errors": {}
    })
}
