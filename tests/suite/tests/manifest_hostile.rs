//! Foreign, hostile and oversized text: a clear error, bounded work, and never a panic. And Norway.

mod manifest;

use manifest::{EXAMPLE, check, check_source, errors, folder};
use portcullis_manifest::compile;
use portcullis_policy::NETWORKS_MAX;
use proptest::prelude::*;

#[test]
fn more_than_is_supported() {
    let hosts: Vec<String> = (0..101).map(|i| format!("h{i}.example.com")).collect();
    check(
        "hosts: [handbook.example.com]",
        &format!("hosts: [{}]", hosts.join(", ")),
        "PC1502",
        "hosts",
        "",
    );
    let networks: String = (0..NETWORKS_MAX)
        .map(|i| format!("  n{i}: [10.{}.{}.0/24]\n", i / 256, i % 256))
        .collect();
    check(
        "  abuse: [192.0.2.0/24]\n",
        &format!("  abuse: [192.0.2.0/24]\n{networks}"),
        "PC1502",
        "networks",
        "",
    );
}

#[test]
fn yaml_itself() {
    check("path: \"*\"", "path: *", "PC1001", "*", "");
    check("path: /media/*", "path: *.jpg", "PC1004", "*.jpg", "");
    check(
        "hosts: [handbook.example.com]",
        "hosts: &h [handbook.example.com]",
        "PC1004",
        "[",
        "",
    );
    check(
        "bucket: handbook-releases",
        "bucket: !Ref Releases",
        "PC1005",
        "!",
        "",
    );
    check(
        "hosts: [handbook.example.com]",
        "hosts: [handbook.example.com",
        "PC1001",
        ":",
        "",
    );
    check_source(&format!("{EXAMPLE}---\nversion: 1\n"), "PC1006", "---", "");
    check_source("", "PC1007", "", "");
    check_source("# only a comment\n", "PC1007", "#", "");
    check_source("- a\n- b\n", "PC1104", "-", "");
}

#[test]
fn bombs_are_refused_by_name() {
    let laughs: String = (0..9)
        .map(|i| {
            format!(
                "a{}: &a{} [{}]\n",
                i + 1,
                i + 1,
                vec![format!("*a{i}"); 9].join(", ")
            )
        })
        .collect();
    let found = errors(&format!("a0: &a0 lol\n{laughs}"))
        .expect("errors")
        .to_string();
    assert!(found.contains("error[PC1004]: YAML anchors"), "{found}");
    check_source(
        &format!("version: {}1{}", "[".repeat(5_000), "]".repeat(5_000)),
        "PC1003",
        "[",
        "",
    );
    check_source(
        &format!("version: {}", "{a: ".repeat(5_000)),
        "PC1003",
        "a",
        "",
    );
    check_source(&format!("#{}", "x".repeat(1024 * 1024)), "PC1002", "#", "");
    let many = format!("hosts: [{}]", "a,".repeat(250_000));
    assert!(
        errors(&many)
            .expect("errors")
            .to_string()
            .contains("PC1003"),
        "too many values"
    );
}

#[test]
fn a_report_is_bounded_and_moves_no_cursor() {
    let many: String = (0..1_000).map(|i| format!("key{i}x: 1\n")).collect();
    let found = errors(&format!("{EXAMPLE}{many}")).expect("errors");
    assert_eq!((found.diagnostics.len(), found.left_out), (200, 800));
    assert!(
        found
            .render(false)
            .ends_with("portcullis.yaml: 1000 errors\n")
    );

    let hostile = EXAMPLE.replacen("site: handbook", "site: \"\\e[31m\\u202e\\r\"", 1);
    let report = errors(&hostile).expect("an error").render(false);
    assert!(
        !report.contains(|c: char| (c.is_control() && c != '\n') || c == '\u{202e}'),
        "{report}"
    );

    let long = format!("site: [{}]", "a, ".repeat(1_000));
    let report = errors(&format!("{}{{ sites: {long} }}", " ".repeat(500)))
        .expect("an error")
        .render(false);
    assert!(
        report.lines().all(|line| line.chars().count() < 400),
        "{report}"
    );
}

#[test]
fn norway_stays_norway() {
    for country in ["NO", "\"NO\"", "'NO'"] {
        let source = EXAMPLE.replacen("[DE, FR, NL, CH]", &format!("[{country}, SE]"), 1);
        assert_ne!(source, EXAMPLE);
        let compiled =
            compile(&source, "portcullis.yaml", &folder()).unwrap_or_else(|d| panic!("{d}"));
        let groups = &compiled.bundle.site().geo.groups;
        let launch = groups
            .iter()
            .find(|(name, _)| name.as_str() == "launch")
            .map(|(_, group)| group.members.clone());
        assert_eq!(
            launch
                .unwrap()
                .iter()
                .map(|c| c.as_str().to_owned())
                .collect::<Vec<_>>(),
            ["NO", "SE"]
        );
    }
    check("[launch, LU]", "[launch, No]", "PC1204", "No", "NO");
    check(
        "[launch, LU]",
        "[launch, false]",
        "PC1104",
        "false",
        "\"false\"",
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
        let _ = errors(&String::from_utf8_lossy(&bytes)).map(|found| found.render(true));
    }

    #[test]
    fn a_broken_example_never_panics(at in 0..EXAMPLE.len(), cut in 0..40usize, junk in "[\\PC\\n\\t\\r:{}\\[\\]&*!|>'\"%@#,-]{0,12}") {
        let mut text: Vec<u8> = EXAMPLE.into();
        let end = (at + cut).min(text.len());
        text.splice(at..end, junk.bytes());
        if let Some(found) = errors(&String::from_utf8_lossy(&text)) {
            prop_assert!(!found.diagnostics.is_empty());
            prop_assert!(found.diagnostics.is_sorted_by_key(|d| d.place));
            let _ = found.render(true);
        }
    }
}
