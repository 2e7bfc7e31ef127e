//! What CloudFront sends on to an origin: addresses, codings, parameters and cookies.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a malformed vector must fail"
)]

use portcullis_edge::accept_encoding::{AcceptEncoding, EdgeCodings, normalize};
use portcullis_edge::gate::HttpVersion;
use portcullis_edge::origin_request::x_forwarded_for;
use portcullis_edge::selection::{Names, Selection, forwarded_cookies, forwarded_query};
use portcullis_edge::switches::WildcardCoding;
use portcullis_suite::hold_all;
use serde_json::Value;

fn text<'v>(case: &'v Value, field: &str) -> &'v str {
    case[field]
        .as_str()
        .unwrap_or_else(|| panic!("`{field}` is text in {case}"))
}

fn texts(case: &Value, field: &str) -> Vec<String> {
    let list = case[field]
        .as_array()
        .unwrap_or_else(|| panic!("`{field}` is a list in {case}"));
    list.iter()
        .filter_map(|item| item.as_str().map(str::to_owned))
        .collect()
}

fn names(mode: &str, listed: Vec<String>) -> Result<Names, String> {
    match mode {
        "none" => Ok(Names::Nothing),
        "all" => Ok(Names::All),
        "whitelist" => Ok(Names::Only(listed)),
        "allExcept" => Ok(Names::Except(listed)),
        other => Err(format!("no mode {other}")),
    }
}

fn equal(found: &str, expected: &str) -> Result<(), String> {
    if found == expected {
        Ok(())
    } else {
        Err(format!("found {found:?}"))
    }
}

#[test]
fn vectors_x_forwarded_for() {
    hold_all("x_forwarded_for", |case| {
        let peer = text(case, "tcp_peer").parse().map_err(|_| "no address")?;
        let found = x_forwarded_for(case["viewer_header"].as_str().map(str::as_bytes), peer);
        equal(&String::from_utf8_lossy(&found), text(case, "to_origin"))
    });
}

#[test]
fn vectors_accept_encoding() {
    hold_all("accept_encoding", |case| {
        let is = |field: &str| {
            case[field]
                .as_bool()
                .unwrap_or_else(|| panic!("`{field}` in {case}"))
        };
        let enabled = EdgeCodings {
            gzip: is("gzip"),
            brotli: is("brotli"),
        };
        let version = if is("http10") {
            HttpVersion::Http10
        } else {
            HttpVersion::Http11
        };
        let sent = case["accept_encoding"].as_str().map(str::as_bytes);
        let (key, to_origin) = match normalize(enabled, sent, version, WildcardCoding::default()) {
            AcceptEncoding::Ordinary => (Some("ordinary-header"), Some("ordinary-header")),
            AcceptEncoding::Absent => (None, None),
            AcceptEncoding::Normalized(value) => (value.in_key(), Some(value.to_origin())),
        };
        if (key, to_origin) == (case["cache_key"].as_str(), case["to_origin"].as_str()) {
            Ok(())
        } else {
            Err(format!(
                "found {key:?} in the key, {to_origin:?} to the origin"
            ))
        }
    });
}

#[test]
fn vectors_filters() {
    hold_all("filters", |case| {
        let cache_policy = names(text(case, "mode"), texts(case, "names"))?;
        let selection = Selection {
            cache_policy,
            ..Selection::default()
        };
        let found = match text(case, "kind") {
            "qs" => forwarded_query(text(case, "input"), &selection),
            "cookie" => forwarded_cookies(text(case, "input"), &selection),
            other => return Err(format!("no kind {other}")),
        };
        equal(&found, text(case, "output"))
    });
}

#[test]
fn vectors_origin_request_merge() {
    hold_all("origin_request_merge", |case| {
        let selection = Selection {
            cache_policy: names(
                text(case, "cache_policy"),
                texts(case, "cache_policy_names"),
            )?,
            origin_request_policy: names(
                text(case, "origin_request_policy"),
                texts(case, "orp_names"),
            )?,
        };
        let expected = texts(case, "forwarded");
        let values = texts(case, "viewer_values");
        let found: Vec<String> = values
            .iter()
            .filter(|name| selection.forwards(name))
            .cloned()
            .collect();
        if found != expected {
            return Err(format!("found {found:?}"));
        }
        // The same rule seen through a whole query and a whole cookie header.
        let pairs = |names: &[String]| names.iter().map(|n| format!("{n}=1")).collect::<Vec<_>>();
        equal(
            &forwarded_query(&pairs(&values).join("&"), &selection),
            &pairs(&expected).join("&"),
        )?;
        equal(
            &forwarded_cookies(&pairs(&values).join("; "), &selection),
            &pairs(&expected).join("; "),
        )
    });
}
