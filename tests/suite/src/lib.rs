//! What the suite's tests share: the loader of the CloudFront test vectors.
//!
//! A vector file is read from the folder named by `PORTCULLIS_VECTORS`, by default the copy in `tests/vectors`.
//! A file that is missing, empty or malformed fails the test that asked for it; nothing is passed over.
#![allow(
    clippy::panic,
    clippy::expect_used,
    reason = "a test that cannot read its cases must fail"
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
        .filter_map(|(i, case)| check(case).err().map(|why| format!("  case {i}: {why}\n    {case}")))
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
