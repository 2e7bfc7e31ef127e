//! The rules hold for this workspace, and each finds its breach in a made-up one.

use super::{
    Metadata, check, directions, functions_without_yaml, one_tls, pure_list, who_may_name,
};
use crate::tidy::Finding;
use crate::tree;
use serde_json::{Value, json};
use std::collections::BTreeSet;

#[test]
fn the_directions_hold() {
    check().unwrap_or_else(|broken| panic!("{broken}"));
}

/// A package in `folder` whose manifest names `uses`, each as (name, kind, folder if it is of the workspace).
fn package(name: &str, folder: &str, uses: &[(&str, Option<&str>, Option<&str>)]) -> Value {
    let root = tree::root();
    let dependencies: Vec<Value> = uses
        .iter()
        .map(|(name, kind, folder)| {
            json!({ "name": name, "kind": kind, "path": folder.map(|folder| root.join(folder)) })
        })
        .collect();
    json!({
        "id": name,
        "name": name,
        "manifest_path": root.join(folder).join("Cargo.toml"),
        "dependencies": dependencies,
    })
}

/// A workspace of those packages; everything they name is resolved too, and `deeper` are edges beyond them.
fn workspace(packages: &[Value], deeper: &[(&str, &str, Option<&str>)]) -> Metadata {
    let members: Vec<&Value> = packages.iter().map(|package| &package["id"]).collect();
    let mut edges: Vec<(String, String, Value)> = deeper
        .iter()
        .map(|(from, to, kind)| ((*from).to_owned(), (*to).to_owned(), json!(kind)))
        .collect();
    for package in packages {
        for used in package["dependencies"].as_array().unwrap() {
            let word = |value: &Value| value.as_str().unwrap().to_owned();
            edges.push((
                word(&package["id"]),
                word(&used["name"]),
                used["kind"].clone(),
            ));
        }
    }
    let names: BTreeSet<&String> = edges.iter().flat_map(|(from, to, _)| [from, to]).collect();
    let nodes: Vec<Value> = names
        .iter()
        .map(|name| {
            let deps: Vec<Value> = edges
                .iter()
                .filter(|(from, ..)| from == *name)
                .map(|(_, to, kind)| json!({ "pkg": to, "dep_kinds": [{ "kind": kind }] }))
                .collect();
            json!({ "id": name, "deps": deps })
        })
        .collect();
    let foreign = names
        .iter()
        .filter(|name| !members.iter().any(|member| **member == ***name))
        .map(|name| package(name, "elsewhere", &[]));
    let all: Vec<Value> = packages.iter().cloned().chain(foreign).collect();
    let metadata = json!({
        "packages": all,
        "workspace_members": members,
        "resolve": { "nodes": nodes },
    });
    Metadata::parse(metadata.to_string().as_bytes()).unwrap()
}

#[track_caller]
fn finds(found: &[Finding], count: usize) {
    assert_eq!(found.len(), count, "{found:?}");
}

#[track_caller]
fn direction(from: (&str, &str), to: (&str, Option<&str>, &str), breaches: usize) {
    let package = package(from.0, from.1, &[(to.0, to.1, Some(to.2))]);
    let metadata = workspace(&[package], &[]);
    finds(
        &metadata.members().flat_map(directions).collect::<Vec<_>>(),
        breaches,
    );
}

#[test]
fn arrows_point_one_way() {
    let policy = ("portcullis-policy", "crates/policy");
    let edge = ("portcullis-edge", "crates/edge");
    let suite = ("portcullis-suite", "tests/suite");
    let gateway = ("portcullis-gateway", "functions/gateway");
    direction(policy, ("portcullis-viewer", None, "crates/viewer"), 0);
    direction(
        policy,
        ("portcullis-http-semantics", None, "crates/http-semantics"),
        1,
    );
    direction(
        policy,
        (
            "portcullis-http-semantics",
            Some("build"),
            "crates/http-semantics",
        ),
        1,
    );
    direction(edge, ("portcullis-policy", None, "crates/policy"), 1);
    direction(gateway, ("portcullis-manifest", None, "crates/manifest"), 1);
    direction(gateway, ("portcullis-aws", None, "crates/aws"), 0);
    direction(suite, ("portcullis-gateway", None, "functions/gateway"), 0);
    direction(policy, ("portcullis-suite", None, "tests/suite"), 1);
}

#[test]
fn tests_of_a_crate_may_use_libraries_and_not_programs() {
    let edge = ("portcullis-edge", "crates/edge");
    direction(edge, ("portcullis-policy", Some("dev"), "crates/policy"), 0);
    direction(edge, ("portcullis-suite", Some("dev"), "tests/suite"), 0);
    direction(
        edge,
        ("portcullis-gateway", Some("dev"), "functions/gateway"),
        1,
    );
    direction(edge, ("portcullis", Some("dev"), "crates/cli"), 1);
}

#[test]
fn a_new_crate_needs_a_row() {
    let stranger = package("portcullis-stranger", "crates/stranger", &[]);
    let metadata = workspace(&[stranger], &[("a", "b", None)]);
    finds(
        &metadata.members().flat_map(directions).collect::<Vec<_>>(),
        1,
    );
}

#[track_caller]
fn naming(from: (&str, &str), name: &str, breaches: usize) {
    let metadata = workspace(&[package(from.0, from.1, &[(name, None, None)])], &[]);
    finds(
        &metadata
            .members()
            .flat_map(who_may_name)
            .collect::<Vec<_>>(),
        breaches,
    );
}

#[test]
fn the_sdk_and_the_runtime_have_one_place_each() {
    naming(("portcullis-aws", "crates/aws"), "aws-sdk-s3", 0);
    naming(("portcullis-origin", "crates/origin"), "aws-sdk-s3", 1);
    naming(("portcullis-suite", "tests/suite"), "aws-config", 1);
    naming(
        ("portcullis-gateway", "functions/gateway"),
        "lambda_runtime",
        0,
    );
    naming(("portcullis-suite", "tests/suite"), "lambda_http", 0);
    naming(("portcullis-aws", "crates/aws"), "lambda_runtime", 1);
}

#[test]
fn a_function_reaches_yaml_only_outside_its_linked_code() {
    let function = |kind| {
        let gateway = package(
            "portcullis-gateway",
            "functions/gateway",
            &[("middle", kind, None)],
        );
        workspace(&[gateway], &[("middle", "serde-saphyr", None)])
    };
    finds(&functions_without_yaml(&function(None)), 1);
    finds(&functions_without_yaml(&function(Some("dev"))), 0);
    finds(&functions_without_yaml(&function(Some("build"))), 0);
}

#[test]
fn a_second_tls_is_found_at_any_depth() {
    let aws = package("portcullis-aws", "crates/aws", &[("rustls", None, None)]);
    finds(&one_tls(&workspace(std::slice::from_ref(&aws), &[])), 0);
    finds(
        &one_tls(&workspace(&[aws], &[("rustls", "aws-lc-rs", None)])),
        1,
    );
}

#[test]
fn the_pure_list_is_equal_both_ways() {
    let found = BTreeSet::from(["a x".to_owned(), "b y".to_owned()]);
    finds(&pure_list("# why\n\na x\nb y\n", &found), 0);
    finds(&pure_list("a x\nc z\n", &found), 2);
}
