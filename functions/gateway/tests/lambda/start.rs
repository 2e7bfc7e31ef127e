//! A start that cannot succeed: one line that says why, and a status that is not success.

use crate::fixture::{Deployment, repository, start};
use portcullis_runtime_api::{InitFailure, LogStream};
use std::path::Path;

fn demonstration_database() -> String {
    repository()
        .join("infra/geoip/demonstration-country.mmdb")
        .display()
        .to_string()
}

fn test_database(name: &str) -> String {
    let folder = repository().join("tests/data/maxmind-db/test-data");
    folder.join(name).display().to_string()
}

const WITH_DATABASE: (&str, &str) = (
    "geo: { source: cloudfront }",
    "geo: { source: database, database: { file: country.mmdb, max_age: 3650d, when_stale: report } }",
);

#[track_caller]
fn one_line(lines: &[String], expected: &str) {
    let [line] = lines else {
        panic!("not one line for `{expected}`: {lines:#?}");
    };
    assert!(line.starts_with("portcullis: "), "{line}");
    assert!(
        line.contains(expected),
        "`{line}` does not say `{expected}`"
    );
}

async fn check(deployment: &Deployment, setting: (&str, &str), expected: &str) {
    let (name, value) = setting;
    let function = deployment.function.clone().with_env(name, value);
    let lambda = start(function).await;
    let failure = lambda.ready().await.expect_err("it must not start");
    assert_eq!(
        failure,
        InitFailure::Exited {
            status: "exit status: 1".to_owned()
        },
        "{name}={value}"
    );
    let said = lambda.log_line(
        |line| line.text.contains("portcullis:"),
        std::time::Duration::from_secs(5),
    );
    assert!(said.await.is_some(), "{name}={value}");
    let lines: Vec<String> = lambda
        .logs()
        .into_iter()
        .inspect(|line| assert_eq!(line.stream, LogStream::Stderr, "{line:?}"))
        .map(|line| line.text)
        .collect();
    one_line(&lines, expected);
}

#[tokio::test]
async fn every_wrong_setting_is_named_in_one_line() {
    let deployment = Deployment::new();
    let at = |name: &str| deployment.path(name).display().to_string();
    std::fs::write(at("empty"), b"").expect("a file");
    std::fs::write(at("not-json"), b"{").expect("a file");
    std::fs::write(
        at("other-format.json"),
        br#"{"portcullis_bundle":9,"site":{}}"#,
    )
    .expect("a file");
    let table = [
        (
            "PORTCULLIS_BUNDLE",
            at("nowhere.json"),
            "nowhere.json` cannot be read",
        ),
        ("PORTCULLIS_BUNDLE", at(""), "cannot be read"),
        (
            "PORTCULLIS_BUNDLE",
            at("empty"),
            "the bundle is not readable",
        ),
        (
            "PORTCULLIS_BUNDLE",
            at("not-json"),
            "the bundle is not readable",
        ),
        ("PORTCULLIS_BUNDLE", at("other-format.json"), "the bundle"),
        (
            "PORTCULLIS_STATE",
            "memory".to_owned(),
            "PORTCULLIS_STATE is `memory`",
        ),
        ("PORTCULLIS_STATE", String::new(), "PORTCULLIS_STATE"),
        (
            "PORTCULLIS_OBJECTS",
            "ftp:x".to_owned(),
            "PORTCULLIS_OBJECTS is `ftp:x`",
        ),
        (
            "PORTCULLIS_INVOKE_MODE",
            "streaming".to_owned(),
            "PORTCULLIS_INVOKE_MODE is `streaming`",
        ),
        (
            "PORTCULLIS_HANDOFF_KEY",
            "file:/a.pem".to_owned(),
            "PORTCULLIS_HANDOFF_KEY_ID",
        ),
        (
            "PORTCULLIS_BUNDEL",
            "x".to_owned(),
            "did you mean PORTCULLIS_BUNDLE?",
        ),
    ];
    for (name, value, expected) in table {
        check(&deployment, (name, &value), expected).await;
    }
}

#[tokio::test]
async fn a_database_that_does_not_serve_stops_the_start() {
    let deployment = Deployment::with(WITH_DATABASE.0, WITH_DATABASE.1);
    let damaged = deployment.path("damaged.mmdb");
    let database = std::fs::read(demonstration_database()).expect("the demonstration database");
    std::fs::write(&damaged, &database[..database.len() / 2]).expect("a file");
    check(&deployment, ("TZ", ":UTC"), "PORTCULLIS_GEOIP is not set").await;
    let table = [
        ("/nowhere.mmdb".to_owned(), "nowhere.mmdb` cannot be read"),
        (demonstration_database(), "allow_demonstration"),
        (
            damaged.display().to_string(),
            "the country database is refused",
        ),
        (
            test_database("GeoLite2-ASN-Test.mmdb"),
            "the country database is refused",
        ),
        (
            test_database("MaxMind-DB-test-decoder.mmdb"),
            "the country database is refused",
        ),
        (
            deployment.path("bundle.json").display().to_string(),
            "the country database is refused",
        ),
    ];
    for (file, expected) in table {
        check(&deployment, ("PORTCULLIS_GEOIP", &file), expected).await;
    }
}

#[tokio::test]
async fn a_damaged_copy_of_the_state_stops_the_start() {
    let deployment = Deployment::new();
    std::fs::write(deployment.path("state.json"), b"[]").expect("a file");
    check(&deployment, ("TZ", ":UTC"), "the packaged state").await;
}

#[tokio::test]
async fn a_site_that_hands_off_needs_the_key_that_its_behavior_trusts() {
    let hand_off = "{ hand_off: { path: /large/, key_group: members, expires: 10m } }";
    let deployment = Deployment::with(
        "caching: disabled, large_objects: stream }\n  - { path: /cut/*",
        &format!(
            "caching: disabled, large_objects: {hand_off} }}\n  - {{ path: /large/*, origin: direct, policy: members, caching: disabled }}\n  - {{ path: /cut/*"
        ),
    );
    check(
        &deployment,
        ("TZ", ":UTC"),
        "PORTCULLIS_HANDOFF_KEY is not set",
    )
    .await;
}

#[tokio::test]
async fn a_demonstration_database_serves_where_the_site_allows_it_in_so_many_words() {
    let allowed = WITH_DATABASE
        .1
        .replace("max_age", "allow_demonstration: true, max_age");
    let deployment = Deployment::with(WITH_DATABASE.0, &allowed);
    assert!(Path::new(&demonstration_database()).exists());
    let function = deployment
        .function
        .clone()
        .with_env("PORTCULLIS_GEOIP", demonstration_database());
    let lambda = start(function).await;
    lambda.ready().await.expect("it starts");
}
