//! CloudFront's path rules: patterns, normalisation, choice of a behavior, default root object.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a malformed vector must fail"
)]

use portcullis_edge::path::{DefaultRootObject, normalize_for_matching, origin_path, split_target};
use portcullis_edge::pattern::{PathPattern, first_match};
use portcullis_suite::hold_all;
use serde_json::Value;

fn text<'v>(case: &'v Value, field: &str) -> &'v str {
    case[field]
        .as_str()
        .unwrap_or_else(|| panic!("`{field}` is text in {case}"))
}

fn equal<T: Copy + PartialEq + std::fmt::Debug>(found: T, expected: T) -> Result<(), String> {
    if found == expected {
        Ok(())
    } else {
        Err(format!("found {found:?}, expected {expected:?}"))
    }
}

#[test]
fn vectors_path_pattern() {
    hold_all("path_pattern", |case| {
        let pattern = PathPattern::new(text(case, "pattern")).map_err(|e| e.to_string())?;
        equal(
            Some(pattern.matches(text(case, "path"))),
            case["match"].as_bool(),
        )
    });
}

#[test]
fn vectors_path_normalize() {
    hold_all("path_normalize", |case| {
        let raw = text(case, "raw");
        equal(&*normalize_for_matching(raw), text(case, "for_matching"))?;
        equal(
            origin_path(raw, None, "").as_str(),
            text(case, "sent_to_origin"),
        )
    });
}

#[test]
fn vectors_behavior_select() {
    hold_all("behavior_select", |case| {
        let patterns = case["patterns_in_order"].as_array().expect("patterns");
        let patterns: Vec<PathPattern> = patterns
            .iter()
            .map(|p| PathPattern::new(p.as_str().expect("text")).expect("a pattern"))
            .collect();
        let found = first_match(&patterns, text(case, "request_target"))
            .and_then(|index| patterns.get(index));
        equal(
            found.map_or("default(*)", PathPattern::as_str),
            text(case, "selected"),
        )
    });
}

#[test]
fn vectors_default_root() {
    hold_all("default_root", |case| {
        let root =
            DefaultRootObject::new(text(case, "default_root_object")).map_err(|e| e.to_string())?;
        let target = text(case, "request").rsplit(' ').next().unwrap_or_default();
        let prefix = case["origin_path_setting"].as_str().unwrap_or_default();
        equal(
            origin_path(split_target(target).0, Some(&root), prefix).as_str(),
            text(case, "origin_path"),
        )
    });
}
