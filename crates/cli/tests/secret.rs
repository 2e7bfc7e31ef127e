//! `portcullis secret`: a rotation step by step, over the state file of a server; the value is read and never shown.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must fail"
)]

mod support;

use serde_json::Value;
use support::{Ran, folder, run, run_with_input, sha256};

const FIRST: &str = "the-first-secret-of-this-little-test";
const SECOND: &str = "the-second-secret-of-this-little-test";

/// The beginning of a digest, as it is shown.
fn shown(value: &str) -> Value {
    Value::from(
        sha256(value.as_bytes())
            .chars()
            .take(12)
            .collect::<String>(),
    )
}

#[test]
fn a_rotation_goes_step_by_step() {
    let site = folder(&[]);
    let at = site.path();
    let secret = |arguments: &[&str]| {
        run(
            at,
            &[&["secret"], arguments, &["--state", "state.json", "--json"]].concat(),
        )
    };
    let accept = |value: &str| -> Ran {
        run_with_input(
            at,
            &["secret", "accept", "--state", "state.json", "--json"],
            value,
        )
    };
    let slots = |ran: &Ran| {
        let told = ran.json();
        [
            told["pending"].clone(),
            told["current"].clone(),
            told["previous"].clone(),
        ]
    };
    let none = Value::Null;
    assert_eq!(
        slots(&secret(&["show"]).exits(0)),
        [none.clone(), none.clone(), none.clone()]
    );
    assert_eq!(
        slots(&accept(FIRST).exits(0)),
        [none.clone(), shown(FIRST), none.clone()]
    );
    assert_eq!(
        slots(&accept(&format!("{FIRST}\n")).exits(0)),
        [none.clone(), shown(FIRST), none.clone()]
    );
    secret(&["promote"])
        .exits(1)
        .says("no value is pending")
        .says("portcullis secret accept");
    assert_eq!(
        slots(&accept(SECOND).exits(0)),
        [shown(SECOND), shown(FIRST), none.clone()]
    );
    let planned = secret(&["promote", "--plan"]).exits(4);
    assert_eq!(slots(&planned), [none.clone(), shown(SECOND), shown(FIRST)]);
    assert_eq!(
        slots(&secret(&["show"]).exits(0)),
        [shown(SECOND), shown(FIRST), none.clone()]
    );
    secret(&["promote"]).exits(0);
    accept(FIRST)
        .exits(1)
        .says("one that was sent before is not used again");
    assert_eq!(
        slots(&secret(&["retire"]).exits(0)),
        [none.clone(), shown(SECOND), none.clone()]
    );
    assert_eq!(
        slots(&secret(&["retire"]).exits(0)),
        [none.clone(), shown(SECOND), none]
    );
    let kept = std::fs::read_to_string(at.join("state.json")).unwrap();
    assert!(!kept.contains(FIRST) && !kept.contains(SECOND));
}

/// A value, and what is said of it.
const VALUES: [(&str, &str); 3] = [
    ("short", "has 5 characters, and 32 to 1783 are taken"),
    (
        "a value with spaces in it, which is long enough",
        "characters that no header has",
    ),
    ("", "has 0 characters"),
];

#[test]
fn a_value_that_cannot_be_a_secret_is_refused() {
    let site = folder(&[]);
    for (value, says) in VALUES {
        let ran = run_with_input(
            site.path(),
            &["secret", "accept", "--state", "state.json"],
            value,
        );
        let ran = ran.exits(2).says(says);
        assert!(
            value.is_empty() || !ran.stderr.contains(value),
            "the value is not repeated"
        );
    }
    assert!(!site.path().join("state.json").exists());
    run(site.path(), &["secret", "show"])
        .exits(2)
        .says("`--state` is missing");
    run(
        site.path(),
        &["secret", "show", "--state", "dynamodb:table/site"],
    )
    .exits(2)
    .says("--features aws");
}
