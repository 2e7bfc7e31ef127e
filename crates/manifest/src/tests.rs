//! The crate's own tests: that every declared key has an effect. Scenarios over whole files stand in the suite.

use crate::diagnostic::Sink;
use crate::node::{Kind, Node};
use crate::shape::{Record, Shape};
use crate::{Folder, keys, yaml};
use std::collections::BTreeSet;

pub(crate) const EXAMPLE: &str = include_str!("../../../example/portcullis.yaml");
/// A manifest with every key, none at its default.
pub(crate) const EVERY_KEY: &str = include_str!("../../../tests/fixtures/manifests/every-key.yaml");

fn compiled(source: &str) -> Result<String, crate::Diagnostics> {
    let folder = Folder(concat!(env!("CARGO_MANIFEST_DIR"), "/../../example").into());
    Ok(crate::compile(source, "portcullis.yaml", &folder)?
        .bundle
        .digest()
        .to_string())
}

/// The keys a file uses, in the form `section.key` with `*` for names and items.
fn used(node: &Node, shape: &Shape, at: &str, found: &mut BTreeSet<String>) {
    match shape {
        Shape::List(items) => node
            .items()
            .iter()
            .for_each(|item| used(item, items, &format!("{at}*."), found)),
        Shape::Named { values, .. } => node
            .entries()
            .iter()
            .for_each(|e| used(&e.value, values, &format!("{at}*."), found)),
        Shape::Either(shapes) => shapes.iter().for_each(|shape| used(node, shape, at, found)),
        Shape::Record(record) => {
            for entry in node.entries() {
                if let Some(key) = record.key(&entry.key) {
                    found.insert(format!("{at}{}", key.name));
                    used(
                        &entry.value,
                        &key.shape,
                        &format!("{at}{}.", key.name),
                        found,
                    );
                }
            }
        }
        Shape::Text(_) | Shape::Word(_) | Shape::Flag | Shape::Number { .. } => {}
    }
}

/// Every key the check knows, in the same form.
pub(crate) fn declared(shape: &Shape, at: &str, found: &mut BTreeSet<String>) {
    match shape {
        Shape::List(items) => declared(items, &format!("{at}*."), found),
        Shape::Named { values, .. } => declared(values, &format!("{at}*."), found),
        Shape::Either(shapes) => shapes.iter().for_each(|shape| declared(shape, at, found)),
        Shape::Record(Record { keys, .. }) => {
            for key in *keys {
                found.insert(format!("{at}{}", key.name));
                declared(&key.shape, &format!("{at}{}.", key.name), found);
            }
        }
        Shape::Text(_) | Shape::Word(_) | Shape::Flag | Shape::Number { .. } => {}
    }
}

/// Every file that is `node` with one entry of one map, or one item of one list, left out.
fn without_one(node: &Node, at: &str, out: &mut Vec<(String, Node)>) {
    match &node.kind {
        Kind::Map(entries) => {
            for (i, entry) in entries.iter().enumerate() {
                let place = format!("{at}/{}", entry.key);
                let mut rest = entries.clone();
                rest.remove(i);
                out.push((
                    place.clone(),
                    Node {
                        kind: Kind::Map(rest),
                        ..node.clone()
                    },
                ));
                let mut below = Vec::new();
                without_one(&entry.value, &place, &mut below);
                for (place, value) in below {
                    let mut changed = entries.clone();
                    changed[i].value = value;
                    out.push((
                        place,
                        Node {
                            kind: Kind::Map(changed),
                            ..node.clone()
                        },
                    ));
                }
            }
        }
        Kind::Seq(items) => {
            for (i, item) in items.iter().enumerate() {
                let place = format!("{at}/{i}");
                let mut rest = items.clone();
                rest.remove(i);
                out.push((
                    place.clone(),
                    Node {
                        kind: Kind::Seq(rest),
                        ..node.clone()
                    },
                ));
                let mut below = Vec::new();
                without_one(item, &place, &mut below);
                for (place, value) in below {
                    let mut changed = items.clone();
                    changed[i] = value;
                    out.push((
                        place,
                        Node {
                            kind: Kind::Seq(changed),
                            ..node.clone()
                        },
                    ));
                }
            }
        }
        Kind::Scalar { .. } | Kind::Refused => {}
    }
}

fn write(node: &Node, out: &mut String) {
    match &node.kind {
        Kind::Scalar { text, plain: true } => out.push_str(text),
        Kind::Scalar { text, plain: false } => out.push_str(&serde_json::to_string(text).unwrap()),
        Kind::Seq(items) => {
            out.push('[');
            for item in items {
                write(item, out);
                out.push_str(", ");
            }
            out.push(']');
        }
        Kind::Map(entries) => {
            out.push('{');
            for entry in entries {
                out.push_str(&serde_json::to_string(&entry.key).unwrap());
                out.push_str(": ");
                write(&entry.value, out);
                out.push_str(", ");
            }
            out.push('}');
        }
        Kind::Refused => panic!("the files of these tests have nothing that is refused"),
    }
}

fn flow(node: &Node) -> String {
    let mut out = String::new();
    write(node, &mut out);
    out
}

#[test]
fn the_fixture_has_every_key() {
    let root = yaml::parse(EVERY_KEY, &mut Sink::new(EVERY_KEY)).unwrap();
    let (mut here, mut all) = (BTreeSet::new(), BTreeSet::new());
    used(&root, &keys::MANIFEST, "", &mut here);
    declared(&keys::MANIFEST, "", &mut all);
    // A policy's statements stand in either of its forms.
    let short = |keys: BTreeSet<String>| -> BTreeSet<String> {
        keys.into_iter()
            .map(|key| key.replace("policies.*.statements.*.", "policies.*.*."))
            .collect()
    };
    assert_eq!(short(here), short(all));
}

#[test]
fn no_key_and_no_item_is_without_effect() {
    /// `only_for` has one word, and it is the default; `version` and each word it could have are the same file.
    const ONLY_ONE_VALUE: [&str; 1] = ["/releases/fallback/only_for"];
    /// Waivers are read by `check` and are no part of the compiled site.
    const READ_BY_CHECK: &str = "/waivers";
    let root = yaml::parse(EVERY_KEY, &mut Sink::new(EVERY_KEY)).unwrap();
    let whole = compiled(&flow(&root)).unwrap_or_else(|d| panic!("{d}"));
    assert_eq!(
        whole,
        compiled(EVERY_KEY).unwrap(),
        "the flow form means the same"
    );
    let mut variants = Vec::new();
    without_one(&root, "", &mut variants);
    assert!(variants.len() > 150, "{}", variants.len());
    for (place, variant) in variants
        .iter()
        .filter(|(place, _)| !ONLY_ONE_VALUE.contains(&place.as_str()))
        .filter(|(place, _)| !place.starts_with(READ_BY_CHECK))
    {
        // An error names what is missing; a bundle must be another one.
        if let Ok(digest) = compiled(&flow(variant)) {
            assert_ne!(digest, whole, "{place} has no effect");
        }
    }
}
