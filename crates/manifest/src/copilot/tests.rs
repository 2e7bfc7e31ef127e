//! Environment manifests as people have them.

use super::{Import, from_environment_manifest};
use crate::{Diagnostics, compile};
use std::collections::BTreeMap;

fn import(source: &str) -> Result<Import, Diagnostics> {
    let import = from_environment_manifest(source, "manifest.yml")?;
    compile(&import.manifest, "portcullis.yaml", &BTreeMap::new())
        .unwrap_or_else(|d| panic!("{}\n{d}", import.manifest));
    Ok(import)
}

const CERTIFICATE: &str = "arn:aws:acm:us-east-1:111122223333:certificate/0f3c";

#[test]
fn a_whole_environment_carries_over() {
    let source = format!(
        "name: prod\ntype: Environment\ncdn:\n  certificate: {CERTIFICATE}\n  terminate_tls: true\n  static_assets:\n    \
         location: prod-assets.s3.us-west-2.amazonaws.com\n    alias: assets.example.com\n    path: static/*\nhttp:\n  public:\n    \
         ssl_policy: ELBSecurityPolicy-2016-08\n    access_logs: true\n    ingress:\n      cdn: true\n      \
         source_ips: [192.0.2.1/24, \"2001:db8::/32\"]\n  private:\n    subnets: [subnet-1]\nobservability:\n  container_insights: true\n"
    );
    let import = import(&source).unwrap();
    for line in [
        "site: prod",
        "hosts: [assets.example.com]",
        "direct_bucket: { name: \"prod-assets\" }",
        "source-ips: [\"192.0.2.0/24\", \"2001:db8::/32\"]",
        "viewer_protocol: redirect-to-https",
        "policy: source-ips-only",
        "path: \"/static/*\"",
        "caching: disabled",
    ] {
        assert!(
            import.manifest.contains(line),
            "`{line}` in\n{}",
            import.manifest
        );
    }
    let keys: Vec<&str> = import.notes.iter().map(|note| note.key.as_str()).collect();
    assert_eq!(
        keys,
        [
            "cdn.static_assets.path",
            "http.public.ssl_policy",
            "http.public.access_logs",
            "http.public.ingress.cdn",
            "http.public.ingress.source_ips",
            "http.private",
            "observability",
        ]
    );
}

#[track_caller]
fn check_note(source: &str, key: &str, text: &str) {
    let import = import(source).unwrap_or_else(|d| panic!("{d}"));
    let found = import
        .notes
        .iter()
        .any(|note| note.key == key && note.text.contains(text));
    assert!(found, "{key}: {text} in {:?}", import.notes);
}

#[test]
fn what_has_another_meaning_is_noted() {
    check_note(
        &format!("cdn:\n  certificate: {CERTIFICATE}\n  tls_termination: true"),
        "cdn.tls_termination",
        "mistake in Copilot",
    );
    check_note(
        "cdn: true\nhttp:\n  public:\n    security_groups:\n      ingress:\n        restrict_to:\n          cdn: true",
        "http.public.security_groups.ingress.restrict_to.cdn",
        "old name",
    );
    check_note("cdn: false", "cdn", "ours always does");
    check_note("name: test", "cdn", "ours always does");
    check_note(
        "cdn: true\nhttp:\n  publik: {}",
        "http.publik",
        "did you mean `public`?",
    );
}

#[track_caller]
fn check_refused(source: &str, message: &str) {
    let refused = import(source).expect_err("refused").to_string();
    assert!(
        refused.contains(message) && refused.contains("PC1601"),
        "{message} in\n{refused}"
    );
}

#[test]
fn what_copilot_refuses_is_refused_with_the_reason() {
    check_refused("cdn: maybe", "`true`, `false` or a map");
    check_refused("cdn: {}", "none of Copilot's keys");
    check_refused(
        "cdn:\n  tls_termination: true",
        "the key is `terminate_tls`",
    );
    check_refused(
        &format!("cdn:\n  certificate: {CERTIFICATE}"),
        "needs `cdn.terminate_tls: true`",
    );
    check_refused("cdn:\n  terminate_tls: yes", "expected `true` or `false`");
    check_refused(
        "http:\n  public:\n    ingress: { cdn: true }",
        "`ingress.cdn` needs `cdn`",
    );
    check_refused(
        "http:\n  public:\n    ingress: { source_ips: [192.0.2.0] }",
        "not an address range",
    );
    check_refused(
        "cdn:\n  static_assets: { path: a/* }",
        "lacks `location` and `alias`",
    );
    check_refused(
        "cdn:\n  static_assets: { path: \"*\", location: abc.s3.amazonaws.com, alias: a.example.com }",
        "no path pattern",
    );
    check_refused(
        "type: Load Balanced Web Service\nname: api",
        "not the manifest of an environment",
    );
    check_refused("- cdn", "is a map");
}
