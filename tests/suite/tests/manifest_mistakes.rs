//! Every mistake is found in one run, where it stands, with the nearest right word.

use portcullis_manifest::{Diagnostics, Folder, compile};
use proptest::prelude::*;

const EXAMPLE: &str = include_str!("../../../example/portcullis.yaml");

fn errors(source: &str) -> Option<Diagnostics> {
    let folder = Folder(concat!(env!("CARGO_MANIFEST_DIR"), "/../../example").into());
    compile(source, "portcullis.yaml", &folder).err()
}

#[test]
fn ten_mistakes_are_reported_in_one_run() {
    let source = include_str!("../../fixtures/manifests/ten-mistakes.yaml");
    let found = errors(source).expect("errors");
    assert_eq!(found.diagnostics.len(), 10, "{found}");
    assert_eq!(
        found.render(false),
        include_str!("../../fixtures/manifests/ten-mistakes.txt")
    );
}

/// Replaces `right` in the example by `wrong` and expects exactly one error: its code, the text it underlines, and the
/// word it proposes (empty for none).
#[track_caller]
fn check(right: &str, wrong: &str, code: &str, underlined: &str, proposed: &str) {
    assert!(EXAMPLE.contains(right), "`{right}` is in the example");
    check_source(
        &EXAMPLE.replacen(right, wrong, 1),
        code,
        underlined,
        proposed,
    );
}

#[track_caller]
fn check_source(source: &str, code: &str, underlined: &str, proposed: &str) {
    let found = errors(source).expect("an error");
    let [only] = found.diagnostics.as_slice() else {
        panic!("not exactly one error:\n{found}")
    };
    let line = source
        .lines()
        .nth(only.place.line as usize - 1)
        .unwrap_or_default();
    let text: String = line
        .chars()
        .skip(only.place.column as usize - 1)
        .take(only.width as usize)
        .collect();
    let proposal = only.did_you_mean.clone().unwrap_or_default();
    assert_eq!(
        (
            only.code.to_string().as_str(),
            text.as_str(),
            proposal.as_str()
        ),
        (code, underlined, proposed),
        "\n{found}"
    );
    assert!(
        only.help.as_ref().is_some_and(|help| !help.is_empty()),
        "no help:\n{found}"
    );
}

#[test]
fn keys() {
    check(
        "origin_shield:",
        "origin_sheild:",
        "PC1101",
        "origin_sheild",
        "origin_shield",
    );
    check(
        "behaviors:  ",
        "behaviours:  ",
        "PC1101",
        "behaviours",
        "behaviors",
    );
    check(
        "    policy: everyone",
        "    polices: everyone",
        "PC1101",
        "polices",
        "policy",
    );
    check(
        "{ min: 0s, default: 30s",
        "{ minimum: 0s, default: 30s",
        "PC1101",
        "minimum",
        "min",
    );
    check(
        "site: handbook\n",
        "site: handbook\nxyzzy: 1\n",
        "PC1101",
        "xyzzy",
        "",
    );
    check(
        "site: handbook\n",
        "site: handbook\nsite: handbook\n",
        "PC1102",
        "site",
        "",
    );
    check(
        "  abuse: [192.0.2.0/24]",
        "  abuse: [192.0.2.0/24]\n  office: [192.0.2.0/24]",
        "PC1102",
        "office",
        "",
    );
    check("    policy: everyone\n", "", "PC1103", "p", "");
    check("version: 1\n", "", "PC1103", "#", "");
    check(
        "{ allow: any }",
        "{ allow: any, deny: any }",
        "PC1105",
        "deny",
        "",
    );
    check(
        "releases: { bucket: handbook-releases }",
        "bucket: { name: handbook-releases }",
        "PC1517",
        "releases",
        "",
    );
    check("compress: true", "compress:", "PC1107", "compress", "");
}

#[test]
fn types() {
    check(
        "hosts: [handbook.example.com] ",
        "hosts: handbook.example.com ",
        "PC1104",
        "handbook.example.com",
        "",
    );
    check("compress: true", "compress: yes", "PC1104", "yes", "true");
    check(
        "compress: true",
        "compress: \"true\"",
        "PC1104",
        "\"true\"",
        "true",
    );
    check("clean_urls: true", "clean_urls: [true]", "PC1104", "[", "");
    check(
        "site: handbook\n",
        "site: 2026\n",
        "PC1104",
        "2026",
        "\"2026\"",
    );
    check(
        "site: handbook\n",
        "site: true\n",
        "PC1104",
        "true",
        "\"true\"",
    );
    check("version: 1", "version: 2", "PC1210", "2", "");
    check(
        "failover_on: [500,",
        "failover_on: [0500,",
        "PC1210",
        "0500",
        "",
    );
}

#[test]
fn words() {
    check(
        "caching: disabled",
        "caching: disable",
        "PC1201",
        "disable",
        "disabled",
    );
    check(
        "viewer_tls: TLSv1.2_2021",
        "viewer_tls: tlsv1.2_2021",
        "PC1201",
        "tlsv1.2_2021",
        "TLSv1.2_2021",
    );
    check(
        "access_control: required",
        "access_control: require",
        "PC1201",
        "require",
        "required",
    );
    check(
        "connect_timeout: 3s",
        "connect_timeout: 3 sec",
        "PC1202",
        "3 sec",
        "3s",
    );
    check("max_age: 14d", "max_age: 2w", "PC1202", "2w", "14d");
    check("max_age: 14d", "max_age: 40000d", "PC1202", "40000d", "");
    check(
        "site: handbook\n",
        "site: hand book\n",
        "PC1205",
        "hand book",
        "",
    );
    check(
        "hosts: [handbook.example.com]",
        "hosts: [Handbook.example.com]",
        "PC1206",
        "Handbook.example.com",
        "handbook.example.com",
    );
    check(
        "bucket: handbook-releases",
        "bucket: Handbook-Releases",
        "PC1207",
        "Handbook-Releases",
        "handbook-releases",
    );
    check(
        "prefix: public/",
        "prefix: /public",
        "PC1207",
        "/public",
        "public/",
    );
    check(
        "https://search.internal",
        "http://search.internal",
        "PC1208",
        "http://search.internal.example.com",
        "https://search.internal.example.com",
    );
    check(
        "path: /media/*",
        "path: /media/{a}",
        "PC1209",
        "/media/{a}",
        "",
    );
    check(
        "methods: [GET, HEAD, OPTIONS]",
        "methods: [GET, HEAD, get]",
        "PC1211",
        "get",
        "GET",
    );
    check(
        "methods: [GET, HEAD, OPTIONS]",
        "methods: [GET, HEAD, POST]",
        "PC1211",
        "POST",
        "",
    );
    check(
        "methods: [GET, HEAD, OPTIONS]",
        "methods: [GET]",
        "PC1211",
        "[",
        "",
    );
    check(
        "[\"https://www.example.com\"]",
        "[\"https://www.example.com/\"]",
        "PC1511",
        "\"https://www.example.com/\"",
        "https://www.example.com",
    );
}

#[test]
fn networks_and_countries() {
    check(
        "[192.0.2.0/24]",
        "[192.0.2.1/24]",
        "PC1203",
        "192.0.2.1/24",
        "192.0.2.0/24",
    );
    check(
        "[192.0.2.0/24]",
        "[192.0.2.0/33]",
        "PC1203",
        "192.0.2.0/33",
        "192.0.2.0/32",
    );
    check(
        "[192.0.2.0/24]",
        "[192.0.2.7]",
        "PC1203",
        "192.0.2.7",
        "192.0.2.7/32",
    );
    check(
        "2001:db8:51::/48",
        "2001:db8:51::1/48",
        "PC1203",
        "\"2001:db8:51::1/48\"",
        "2001:db8:51::/48",
    );
    check("[launch, LU]", "[launch, UK]", "PC1204", "UK", "GB");
    check("[launch, LU]", "[launch, lu]", "PC1204", "lu", "LU");
    check("[launch, LU]", "[lunch, LU]", "PC1204", "lunch", "launch");
    check(
        "[EU, CH] } }\n  partners",
        "[EUR, CH] } }\n  partners",
        "PC1204",
        "EUR",
        "EU",
    );
    check(
        "launch: [DE, FR, NL, CH]",
        "launch: [DE, FR, NL, EL]",
        "PC1204",
        "EL",
        "GR",
    );
    check(
        "groups: { launch:",
        "groups: { EU: [DE], launch:",
        "PC1204",
        "[",
        "",
    );
}

#[test]
fn names_that_refer_to_nothing() {
    check(
        "origin: media",
        "origin: medias",
        "PC1401",
        "medias",
        "media",
    );
    check(
        "secondary: search-standby",
        "secondary: standby",
        "PC1401",
        "standby",
        "",
    );
    check(
        "policy: members",
        "policy: member",
        "PC1402",
        "member",
        "members",
    );
    check(
        "networks: [partners, office]",
        "networks: [partners, ofice]",
        "PC1403",
        "ofice",
        "office",
    );
    check(
        "signed_by: training-2026",
        "signed_by: training-2025",
        "PC1404",
        "training-2025",
        "training-2026",
    );
    check(
        "keys/training-2026-rsa.pem",
        "keys/training-2025-rsa.pem",
        "PC1301",
        "keys/training-2025-rsa.pem",
        "",
    );
    check(
        "keys/training-2026-rsa.pem",
        "../secret.pem",
        "PC1212",
        "../secret.pem",
        "",
    );
    check(
        "keys/training-2026-rsa.pem",
        "portcullis.yaml",
        "PC1302",
        "portcullis.yaml",
        "",
    );
}

#[test]
fn parts_that_cannot_stand_together() {
    check(
        "certificate: arn:aws:acm:us-east-1:111122223333:certificate/0f3c1d9e-6a57-4c9b-9a39-3f4f0c1b2a11\n",
        "",
        "PC1501",
        "hosts",
        "",
    );
    check(
        "acm:us-east-1:",
        "acm:eu-west-1:",
        "PC1501",
        "arn:aws:acm:eu-west-1:111122223333:certificate/0f3c1d9e-6a57-4c9b-9a39-3f4f0c1b2a11",
        "",
    );
    check(
        "ttl: { min: 0s, default: 30s, max: 5m }",
        "ttl: { min: 1m, default: 30s, max: 5m }",
        "PC1503",
        "ttl",
        "",
    );
    check("    - { allow: any }", "    []", "PC1106", "everyone", "");
    check(
        "office: [198.51.100.0/24, \"2001:db8:51::/48\"]",
        "office: []",
        "PC1106",
        "office",
        "",
    );
    check(
        "{ networks: [abuse] }",
        "{ networks: [] }",
        "PC1106",
        "networks",
        "",
    );
    check(
        "{ allow: { networks: [office] } }",
        "{ allow: {} }",
        "PC1504",
        "{",
        "",
    );
    check(
        "    - { allow: any }",
        "    - { allow: any }\n    - { deny: { networks: [abuse] } }",
        "PC1505",
        "{",
        "",
    );
    check(
        "path: /media/*",
        "path: /api/search/media/*",
        "PC1506",
        "/api/search/media/*",
        "",
    );
    check("path: \"*\"", "path: /rest/*", "PC1507", "behaviors", "");
    check(
        "primary: search,",
        "primary: handbook,",
        "PC1512",
        "handbook",
        "",
    );
    check("[500, 502, 503, 504]", "[500, 501]", "PC1512", "501", "");
    check(
        "connect_timeout: 3s",
        "connect_timeout: 30s",
        "PC1513",
        "30s",
        "",
    );
    check(
        "name: x-origin-verify",
        "name: cloudfront-proof",
        "PC1514",
        "cloudfront-proof",
        "",
    );
    check(
        "database: { file: geoip/country.mmdb, max_age: 60d, when_stale: report }",
        "",
        "PC1515",
        "both",
        "",
    );
    check(
        "403: { document: /errors/403.html",
        "403: { document: /errors/403.html, status: 200",
        "PC1516",
        "200",
        "",
    );
    check("503: {", "418: {", "PC1516", "418", "");
    check(
        "policy: europe-only\n",
        "policy: europe-only\n    large_objects: { hand_off: { path: /media/, key_group: training-2026 } }\n",
        "PC1510",
        "hand_off",
        "",
    );
}

#[test]
fn enforcement() {
    check(
        "    cache_key: { country: true }\n",
        "",
        "PC1508",
        "origin",
        "",
    );
    check(
        "    caching: disabled\n  - path: /training",
        "    enforce: origin\n  - path: /training",
        "PC1508",
        "origin",
        "",
    );
    check(
        "origin: media\n    policy: everyone",
        "origin: media\n    policy: europe-only\n    enforce: origin\n    cache_key: { country: true }",
        "PC1509",
        "europe-only",
        "",
    );
    check(
        "    caching: disabled\n  - path: /training",
        "    caching: disabled\n    ttl: { min: 0s }\n  - path: /training",
        "PC1108",
        "{",
        "",
    );
    check(
        "{ allow: { networks: [office] } }",
        "{ allow: { networks: [office] }, reason: staff }",
        "PC1108",
        "staff",
        "",
    );
}

#[test]
fn a_mistake_hides_no_other_and_makes_none() {
    // The whole section is of the wrong type: what it would have declared is not missed as well.
    let networks = EXAMPLE
        .split_once("networks:\n")
        .and_then(|(_, rest)| rest.split_once("\n\n"))
        .unwrap()
        .0;
    check(
        &format!("networks:\n{networks}"),
        "networks: none",
        "PC1104",
        "none",
        "",
    );
    check(
        "keys/training-2026-rsa.pem",
        "../training-2026-rsa.pem",
        "PC1212",
        "../training-2026-rsa.pem",
        "",
    );
    check(
        "releases: { bucket: handbook-releases }",
        "relases: { bucket: handbook-releases }",
        "PC1101",
        "relases",
        "releases",
    );
    check(
        "search:                                     #",
        "search it:                                  #",
        "PC1205",
        "search it",
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
        let folder = Folder(concat!(env!("CARGO_MANIFEST_DIR"), "/../../example").into());
        let compiled =
            compile(&source, "portcullis.yaml", &folder).unwrap_or_else(|d| panic!("{d}"));
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
