//! Every mistake is found in one run, where it stands, with the nearest right word.

mod manifest;

use manifest::{EXAMPLE, check, errors};

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
fn mistakes_in_one_behavior_are_all_reported() {
    let source = EXAMPLE
        .replacen("origin: search-ha", "origin: search-hq", 1)
        .replacen(
            "policy: launch-countries\n    methods",
            "policy: lunch-countries\n    methods",
            1,
        )
        .replacen("default: 30s, max: 5m", "default: 30, max: 5m", 1)
        .replacen(
            "methods: [GET, HEAD, OPTIONS]",
            "methods: [GET, HEAD, PUT]",
            1,
        );
    let found = errors(&source).expect("errors");
    let codes: Vec<String> = found
        .diagnostics
        .iter()
        .map(|d| d.code.to_string())
        .collect();
    assert_eq!(codes, ["PC1401", "PC1402", "PC1211", "PC1202"], "{found}");
}
