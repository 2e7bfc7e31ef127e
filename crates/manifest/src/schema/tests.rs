//! The schema against the files it must accept and refuse, and against the check it is made beside.

use super::json_schema;
use crate::diagnostic::Sink;
use crate::node::{Kind, Node};
use crate::shape::Text;
use crate::tests::{EVERY_KEY, EXAMPLE, declared};
use crate::{keys, text, yaml};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// A tree as an editor's YAML 1.2 reader sees it.
fn as_json(node: &Node) -> Value {
    match &node.kind {
        Kind::Scalar { text, plain: true } if matches!(text.as_str(), "true" | "false") => {
            json!(text == "true")
        }
        Kind::Scalar { text, plain: true } if text.parse::<u64>().is_ok() => {
            json!(text.parse::<u64>().unwrap())
        }
        Kind::Scalar { text, .. } => json!(text),
        Kind::Seq(items) => items.iter().map(as_json).collect(),
        Kind::Map(entries) => Value::Object(
            entries
                .iter()
                .map(|e| (e.key.clone(), as_json(&e.value)))
                .collect(),
        ),
        Kind::Refused => Value::Null,
    }
}

fn tree(source: &str) -> Node {
    yaml::parse(source, &mut Sink::new(source)).expect("YAML")
}

fn accepts(source: &str) -> bool {
    let schema = serde_json::from_str(&json_schema()).expect("JSON");
    jsonschema::draft202012::new(&schema)
        .expect("a schema")
        .is_valid(&as_json(&tree(source)))
}

#[test]
fn the_checked_in_schema_is_fresh() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../schema/portcullis.schema.json"
    );
    let file = std::fs::read_to_string(path).unwrap_or_default();
    let again =
        "cargo run -p portcullis-manifest --example json_schema > schema/portcullis.schema.json";
    assert!(
        file == json_schema(),
        "the schema is stale; make it again with `{again}`"
    );
}

#[test]
fn the_schema_is_a_valid_one() {
    let schema = serde_json::from_str(&json_schema()).expect("JSON");
    assert!(jsonschema::draft202012::meta::is_valid(&schema));
}

#[test]
fn right_manifests_validate() {
    assert!(accepts(EXAMPLE));
    assert!(accepts(EVERY_KEY));
    assert!(accepts(&crate::init_template(
        &portcullis_site::Name::new("x").unwrap()
    )));
}

#[test]
fn wrong_manifests_do_not() {
    let wrong = [
        ("viewer_tls: TLSv1.2_2021", "viewer_tls: TLSv1.2"),
        ("caching: disabled", "caching: never"),
        (
            "hosts: [handbook.example.com]",
            "host: [handbook.example.com]",
        ),
        ("connect_timeout: 3s", "connect_timeout: 3"),
        ("[198.51.100.0/24,", "[198.51.100.0,"),
        (
            "methods: [GET, HEAD, OPTIONS]",
            "methods: [GET, HEAD, POST]",
        ),
        ("releases: { bucket: handbook-releases }", "releases: { }"),
        ("{ allow: any }", "{ allow: any, deny: any }"),
        ("launch: [DE, FR, NL, CH]", "launch: [DE, UK]"),
        ("version: 1", "version: 2"),
    ];
    for (right, mistake) in wrong {
        let source = EXAMPLE.replacen(right, mistake, 1);
        assert_ne!(source, EXAMPLE, "`{right}` is in the example");
        assert!(!accepts(&source), "`{mistake}` should not validate");
    }
}

/// Every property of a schema, in the same form; each must say what it means.
fn described(root: &Value, schema: &Value, at: &str, found: &mut BTreeSet<String>) {
    if let Some(name) = schema["$ref"]
        .as_str()
        .and_then(|r| r.strip_prefix("#/$defs/"))
    {
        return described(root, &root["$defs"][name], at, found);
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        assert!(
            property["description"]
                .as_str()
                .is_some_and(|d| d.ends_with('.')),
            "{at}{name} has no description"
        );
        found.insert(format!("{at}{name}"));
        described(root, property, &format!("{at}{name}."), found);
    }
    described_below(root, &schema["items"], at, found);
    described_below(root, &schema["additionalProperties"], at, found);
    for alternative in schema["anyOf"].as_array().into_iter().flatten() {
        described(root, alternative, at, found);
    }
}

fn described_below(root: &Value, schema: &Value, at: &str, found: &mut BTreeSet<String>) {
    if schema.is_object() {
        described(root, schema, &format!("{at}*."), found);
    }
}

#[test]
fn schema_and_check_know_the_same_keys() {
    let (mut checked, mut schema) = (BTreeSet::new(), BTreeSet::new());
    declared(&keys::MANIFEST, "", &mut checked);
    let root: Value = serde_json::from_str(&json_schema()).unwrap();
    described(&root, &root, "", &mut schema);
    assert_eq!(checked, schema);
    assert!(checked.len() > 90, "{}", checked.len());
}

/// Whether the schema of a kind takes a text.
fn schema_takes(kind: &Text, sample: &str) -> bool {
    jsonschema::draft202012::new(&super::text(kind))
        .unwrap()
        .is_valid(&json!(sample))
}

/// Texts of every kind, right and wrong.
const SAMPLES: &[&str] = &[
    "handbook",
    "training-2026",
    "EU.1",
    "www.example.com",
    "*.example.com",
    "example.com",
    "handbook-files",
    "public/",
    "a/b/",
    "",
    "https://search.example.com",
    "https://a.b:8443/base",
    "http://localhost:3000",
    "http://127.0.0.1:1",
    "/media/*",
    "*",
    "*.jpg",
    "/a?b$c~d\"e'f@g:h+i&j",
    "0s",
    "90s",
    "30d",
    "0d",
    "12h",
    "198.51.100.0/24",
    "2001:db8::/32",
    "::/0",
    "0.0.0.0/0",
    "DE",
    "NO",
    "XK",
    "EU",
    "unknown",
    "launch",
    "pl-0a1b2c3d4e5f67890",
    "com.amazonaws.global.cloudfront.origin-facing",
    "x-origin-verify",
    "Accept",
    "q",
    "page[]",
    "filter~x",
    "keys/a.pem",
    "key with space.pem",
    "index.html",
    "a b.html",
    "/errors/503.html",
    "/",
    "/large/",
    "**",
    "*.html",
    "/feeds/**",
    "arn:aws:acm:us-east-1:111122223333:certificate/a",
    "arn:aws:iam::111122223333:role/x",
    "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/a/b",
    "abc.lambda-url.eu-central-1.on.aws",
    "K2JCJMDEHXQW5F",
    "country.iso_code",
    "https://www.example.com",
    "http://localhost",
    "503",
    "404",
    "arn:aws-cn:acm:us-east-1:111122223333:certificate/a",
    "PC023",
    "2027-03-31",
];

#[test]
fn what_a_kind_of_text_accepts_its_schema_accepts() {
    for kind in text::ALL {
        let accepted: Vec<&&str> = SAMPLES
            .iter()
            .filter(|sample| (kind.check)(sample).is_ok())
            .collect();
        assert!(!accepted.is_empty(), "no sample of {kind:?}");
        for sample in accepted {
            assert!(schema_takes(kind, sample), "`{sample}` as {kind:?}");
        }
        for word in (kind.words)() {
            assert!(
                (kind.check)(&word).is_ok() && schema_takes(kind, &word),
                "`{word}` as {kind:?}"
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn no_schema_of_a_text_is_stricter_than_its_check(sample in prop::sample::select(SAMPLES), at in 0..64usize, c in any::<char>(), cut in 0..3usize) {
        let mut letters: Vec<char> = sample.chars().collect();
        let at = at.min(letters.len());
        letters.splice(at..(at + cut).min(letters.len()), [c]);
        let mutant: String = letters.into_iter().collect();
        for kind in text::ALL {
            if (kind.check)(&mutant).is_ok() {
                prop_assert!(schema_takes(kind, &mutant), "`{mutant}` as {kind:?}");
            }
        }
    }
}
