//! Every variable: what it is read as, and the one line that a mistake in it comes to.

use super::{
    GatewayConfig, InvokeMode, ObjectsLocation, StateLocation, VARIABLES, environment_reference,
};
use crate::environment::Environment;
use std::path::Path;

const LOCAL: [(&str, &str); 2] = [
    ("PORTCULLIS_STATE", "file:/state.json"),
    ("PORTCULLIS_OBJECTS", "directory:/buckets"),
];
const LAMBDA: [(&str, &str); 5] = [
    ("PORTCULLIS_STATE", "dynamodb:portcullis/handbook"),
    ("AWS_REGION", "eu-central-1"),
    ("AWS_ACCESS_KEY_ID", "ASIAIOSFODNN7EXAMPLE"),
    (
        "AWS_SECRET_ACCESS_KEY",
        "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    ),
    ("AWS_SESSION_TOKEN", "IQoJb3JpZ2luX2VjE=="),
];

/// The configuration with these variables; a later one replaces an earlier one of the same name.
fn read(variables: &[&[(&str, &str)]]) -> Result<GatewayConfig, String> {
    let variables = variables.iter().flat_map(|some| some.iter().copied());
    let environment = Environment::new(variables, "/program");
    GatewayConfig::read(&environment).map_err(|error| error.to_string())
}

#[track_caller]
fn refused(base: &[(&str, &str)], variable: (&str, &str), says: &str) {
    assert_eq!(read(&[base, &[variable]]).unwrap_err(), says);
}

#[test]
fn a_local_gateway_needs_no_account() {
    let config = read(&[&LOCAL]).unwrap();
    assert_eq!(config.state, StateLocation::File("/state.json".into()));
    assert_eq!(
        config.objects,
        ObjectsLocation::Directory("/buckets".into())
    );
    assert_eq!(config.bundle, Path::new("/program/bundle.json"));
    assert_eq!(config.invoke_mode, InvokeMode::Buffered);
    assert_eq!((config.geoip, config.handoff_key), (None, None));
}

#[test]
fn a_function_has_its_state_and_objects_in_aws() {
    let more = [
        ("LAMBDA_TASK_ROOT", "/var/task"),
        ("PORTCULLIS_GEOIP", "/opt/country.mmdb"),
        ("PORTCULLIS_INVOKE_MODE", "stream"),
        ("PORTCULLIS_HANDOFF_KEY", "file:/var/task/key.pem"),
        ("PORTCULLIS_HANDOFF_KEY_ID", "K2JCJMDEHXQW5F"),
    ];
    let config = read(&[&LAMBDA, &more]).unwrap();
    assert!(matches!(&config.objects, ObjectsLocation::S3(_)));
    let StateLocation::DynamoDb { table, site, .. } = &config.state else {
        panic!("{:?}", config.state)
    };
    assert_eq!((table.as_str(), site.as_str()), ("portcullis", "handbook"));
    assert_eq!(config.bundle, Path::new("/var/task/bundle.json"));
    assert_eq!(
        config.geoip.as_deref(),
        Some(Path::new("/opt/country.mmdb"))
    );
    assert_eq!(config.invoke_mode, InvokeMode::Stream);
    let key = config.handoff_key.unwrap();
    assert_eq!(
        (key.file.as_path(), key.id.as_str()),
        (Path::new("/var/task/key.pem"), "K2JCJMDEHXQW5F")
    );
}

#[test]
fn a_wrong_value_is_one_line_with_the_variable_the_value_and_what_was_expected() {
    let state = "expected `file:PATH` or `dynamodb:TABLE/SITE`";
    for value in [
        "",
        "state.json",
        "file:",
        "dynamodb:",
        "dynamodb:table",
        "dynamodb:ta/handbook",
        "dynamodb:table/",
        "dynamodb:table/a/b",
        "dynamodb:ta ble/site",
    ] {
        refused(
            &LAMBDA,
            ("PORTCULLIS_STATE", value),
            &format!("PORTCULLIS_STATE is `{value}`: {state}"),
        );
    }
    for (variable, value, expected) in [
        ("PORTCULLIS_BUNDLE", "", "the path of a file"),
        ("PORTCULLIS_GEOIP", "", "the path of a file"),
        ("PORTCULLIS_OBJECTS", "S3", "`s3` or `directory:PATH`"),
        (
            "PORTCULLIS_OBJECTS",
            "directory:",
            "`s3` or `directory:PATH`",
        ),
        (
            "PORTCULLIS_INVOKE_MODE",
            "RESPONSE_STREAM",
            "`buffered` or `stream`",
        ),
        (
            "PORTCULLIS_HANDOFF_KEY",
            "-----BEGIN",
            "`file:PATH` of a PEM file, together with PORTCULLIS_HANDOFF_KEY_ID",
        ),
        (
            "PORTCULLIS_HANDOFF_KEY_ID",
            "K-1",
            "1 to 64 letters and digits, together with PORTCULLIS_HANDOFF_KEY",
        ),
        ("AWS_REGION", "Frankfurt", "the name of an AWS region"),
        (
            "AWS_ENDPOINT_URL",
            "localhost:5000",
            "an `http://` or `https://` URL",
        ),
        (
            "AWS_ENDPOINT_URL_S3",
            "https://",
            "an `http://` or `https://` URL",
        ),
        (
            "AWS_ENDPOINT_URL_DYNAMODB",
            "http:///x",
            "an `http://` or `https://` URL",
        ),
    ] {
        refused(
            &LAMBDA,
            (variable, value),
            &format!("{variable} is `{value}`: expected {expected}"),
        );
    }
    let line = read(&[
        &LAMBDA,
        &[("PORTCULLIS_OBJECTS", &format!("a\r\nb{}", "c".repeat(500)))],
    ])
    .unwrap_err();
    assert!(
        line.starts_with("PORTCULLIS_OBJECTS is `a\\r\\nbccc") && line.len() < 200,
        "{line}"
    );
    assert!(!line.contains('\n'));
}

#[test]
fn a_secret_is_not_shown_even_if_it_is_wrong() {
    let line = read(&[&LAMBDA, &[("AWS_SECRET_ACCESS_KEY", "line\nline")]]).unwrap_err();
    assert_eq!(
        line,
        "AWS_SECRET_ACCESS_KEY has a wrong value (not shown): expected a secret access key in visible ASCII characters"
    );
    let config = format!("{:?}", read(&[&LAMBDA]).unwrap());
    assert!(
        !config.contains("EXAMPLEKEY") && !config.contains("IQoJ"),
        "{config}"
    );
}

#[test]
fn nothing_that_is_missing_is_off() {
    for (variable, says) in [
        (
            "PORTCULLIS_STATE",
            "PORTCULLIS_STATE is not set: expected `file:PATH` or `dynamodb:TABLE/SITE`",
        ),
        (
            "AWS_REGION",
            "AWS_REGION is not set: expected the name of an AWS region",
        ),
        (
            "AWS_ACCESS_KEY_ID",
            "AWS_ACCESS_KEY_ID is not set: expected an access key in visible ASCII characters",
        ),
    ] {
        let without: Vec<_> = LAMBDA
            .into_iter()
            .filter(|(name, _)| *name != variable)
            .collect();
        assert_eq!(read(&[&without]).unwrap_err(), says);
    }
    for (one, other) in [
        (
            ("PORTCULLIS_HANDOFF_KEY", "file:k.pem"),
            "PORTCULLIS_HANDOFF_KEY_ID",
        ),
        (
            ("PORTCULLIS_HANDOFF_KEY_ID", "K1"),
            "PORTCULLIS_HANDOFF_KEY",
        ),
    ] {
        let line = read(&[&LOCAL, &[one]]).unwrap_err();
        assert!(line.starts_with(&format!("{other} is not set: ")), "{line}");
    }
    let objects_in_aws = [("PORTCULLIS_STATE", "file:/state.json")];
    assert!(
        read(&[&objects_in_aws])
            .unwrap_err()
            .starts_with("AWS_ACCESS_KEY_ID is not set")
    );
}

#[test]
fn a_variable_that_is_ours_and_unknown_is_a_spelling_mistake() {
    refused(
        &LOCAL,
        ("PORTCULLIS_GEO_IP", "x"),
        "PORTCULLIS_GEO_IP is no variable of the gateway; did you mean PORTCULLIS_GEOIP?",
    );
    refused(
        &LOCAL,
        ("PORTCULLIS_INVOKEMODE", ""),
        "PORTCULLIS_INVOKEMODE is no variable of the gateway; did you mean PORTCULLIS_INVOKE_MODE?",
    );
    refused(
        &LOCAL,
        ("PORTCULLIS_", "x"),
        "PORTCULLIS_ is no variable of the gateway",
    );
    refused(
        &LOCAL,
        ("PORTCULLIS_QXZ", "x"),
        "PORTCULLIS_QXZ is no variable of the gateway",
    );
    assert!(read(&[&LOCAL, &[("PORTCULLI_STATE", "x"), ("PATH", "/bin")]]).is_ok());
}

#[test]
fn every_variable_is_declared_once_with_an_example_that_is_accepted() {
    let mut names: Vec<_> = VARIABLES.iter().map(|variable| variable.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), VARIABLES.len());
    let examples = VARIABLES.iter().filter(|variable| !variable.secret);
    let examples: Vec<_> = examples
        .map(|variable| (variable.name, variable.example))
        .collect();
    read(&[&LAMBDA, &examples]).unwrap();
}

#[test]
fn the_page_has_every_variable() {
    let page = environment_reference();
    for variable in VARIABLES {
        let heading = format!("\n### `{}`\n", variable.name);
        assert_eq!(page.matches(&heading).count(), 1, "{heading}");
        assert!(page.contains(variable.meaning) && page.contains(variable.expected));
    }
    assert!(page.ends_with('\n') && !page.contains("\n\n\n"));
}
