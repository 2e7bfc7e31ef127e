//! The conditions of RFC 9110 §13, one table per field, then the order between them against a second, literal reading.

use super::{Precondition, Preconditions, Validators};
use crate::{EntityTag, HttpDate, Method};
use Precondition::{Failed, NotModified, Proceed};
use proptest::prelude::*;

const BEFORE: &str = "Sun, 06 Nov 1994 08:49:36 GMT";
const MODIFIED: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
const AFTER: &str = "Sun, 06 Nov 1994 08:49:38 GMT";

fn validators(etag: Option<&str>, last_modified: Option<&str>) -> Validators<'static> {
    let etag = etag.map(|t| EntityTag::parse(t.to_owned().leak().as_bytes()).unwrap());
    let last_modified = last_modified.map(|d| HttpDate::parse(d.as_bytes()).unwrap());
    Validators {
        etag,
        last_modified,
    }
}

fn parse<'a>(fields: &'a [(&'a str, &'a str)]) -> Preconditions<'a> {
    let field = |name: &str| {
        fields
            .iter()
            .find(|(n, _)| *n == name)
            .map(|(_, v)| v.as_bytes())
    };
    Preconditions::parse(field)
}

#[track_caller]
fn check(method: Method, fields: &[(&str, &str)], expected: Precondition) {
    let current = validators(Some("\"a\""), Some(MODIFIED));
    assert_eq!(
        parse(fields).evaluate(method, &current),
        expected,
        "{method:?} {fields:?}"
    );
}

#[test]
fn rfc9110_13_1_1_if_match() {
    check(Method::Get, &[("if-match", "\"a\"")], Proceed);
    check(Method::Get, &[("if-match", "\"b\", \"a\"")], Proceed);
    check(Method::Get, &[("if-match", "*")], Proceed);
    check(Method::Get, &[("if-match", "\"b\"")], Failed);
    check(Method::Head, &[("if-match", "\"b\"")], Failed);
    // Strong comparison: a weak tag names nothing.
    check(Method::Get, &[("if-match", "W/\"a\"")], Failed);
    for malformed in ["", "a", "\"a", "\"a\" \"b\""] {
        check(Method::Get, &[("if-match", malformed)], Failed);
    }
}

#[test]
fn rfc9110_13_1_2_if_none_match() {
    check(Method::Get, &[("if-none-match", "\"a\"")], NotModified);
    check(Method::Head, &[("if-none-match", "\"a\"")], NotModified);
    check(
        Method::Get,
        &[("if-none-match", "\"b\", W/\"a\"")],
        NotModified,
    );
    check(Method::Get, &[("if-none-match", "*")], NotModified);
    check(Method::Other, &[("if-none-match", "*")], Failed);
    check(Method::Get, &[("if-none-match", "\"b\"")], Proceed);
    for malformed in ["", "a", "\"a", "\"a\" \"b\""] {
        check(Method::Get, &[("if-none-match", malformed)], Proceed);
    }
}

#[test]
fn rfc9110_13_1_3_if_modified_since() {
    check(Method::Get, &[("if-modified-since", BEFORE)], Proceed);
    check(Method::Get, &[("if-modified-since", MODIFIED)], NotModified);
    check(Method::Head, &[("if-modified-since", AFTER)], NotModified);
    check(Method::Other, &[("if-modified-since", AFTER)], Proceed);
    check(Method::Get, &[("if-modified-since", "yesterday")], Proceed);
    // Ignored when If-None-Match is present, even one that cannot be read.
    check(
        Method::Get,
        &[("if-modified-since", AFTER), ("if-none-match", "\"b\"")],
        Proceed,
    );
    check(
        Method::Get,
        &[("if-modified-since", AFTER), ("if-none-match", "b")],
        Proceed,
    );
}

#[test]
fn rfc9110_13_1_4_if_unmodified_since() {
    check(Method::Get, &[("if-unmodified-since", BEFORE)], Failed);
    check(Method::Get, &[("if-unmodified-since", MODIFIED)], Proceed);
    check(Method::Get, &[("if-unmodified-since", AFTER)], Proceed);
    check(
        Method::Get,
        &[("if-unmodified-since", "yesterday")],
        Proceed,
    );
    // Ignored when If-Match is present.
    check(
        Method::Get,
        &[("if-unmodified-since", BEFORE), ("if-match", "\"a\"")],
        Proceed,
    );
    check(
        Method::Get,
        &[("if-unmodified-since", AFTER), ("if-match", "a")],
        Failed,
    );
}

#[test]
fn rfc9110_13_2_2_failure_comes_before_not_modified() {
    check(
        Method::Get,
        &[("if-match", "\"b\""), ("if-none-match", "\"a\"")],
        Failed,
    );
    check(
        Method::Get,
        &[("if-match", "\"a\""), ("if-none-match", "\"a\"")],
        NotModified,
    );
    check(
        Method::Get,
        &[
            ("if-unmodified-since", BEFORE),
            ("if-modified-since", AFTER),
        ],
        Failed,
    );
}

#[test]
fn a_representation_without_validators() {
    let bare = validators(None, None);
    for (fields, expected) in [
        ([("if-match", "*")], Proceed),
        ([("if-match", "\"a\"")], Failed),
        ([("if-none-match", "*")], NotModified),
        ([("if-none-match", "\"a\"")], Proceed),
        ([("if-modified-since", AFTER)], Proceed),
        ([("if-unmodified-since", BEFORE)], Proceed),
    ] {
        assert_eq!(
            parse(&fields).evaluate(Method::Get, &bare),
            expected,
            "{fields:?}"
        );
    }
}

#[track_caller]
fn check_range(if_range: Option<&str>, etag: &str, applies: bool) {
    let current = validators(Some(etag), Some(MODIFIED));
    let fields: Vec<_> = if_range
        .map(|value| ("if-range", value))
        .into_iter()
        .collect();
    assert_eq!(
        parse(&fields).range_applies(Method::Get, &current),
        applies,
        "{if_range:?} {etag}"
    );
}

#[test]
fn rfc9110_13_1_5_if_range() {
    check_range(None, "\"a\"", true);
    check_range(Some("\"a\""), "\"a\"", true);
    check_range(Some("\"b\""), "\"a\"", false);
    // Strong comparison: neither a weak validator nor a weak condition is enough.
    check_range(Some("W/\"a\""), "\"a\"", false);
    check_range(Some("W/\"a\""), "W/\"a\"", false);
    check_range(Some("\"a\""), "W/\"a\"", false);
    // A date must be the very one.
    check_range(Some(MODIFIED), "\"a\"", true);
    check_range(Some("Sunday, 06-Nov-94 08:49:37 GMT"), "\"a\"", true);
    check_range(Some(BEFORE), "\"a\"", false);
    check_range(Some(AFTER), "\"a\"", false);
    for malformed in ["", "a", "*", "\"a\", \"b\"", "\"a"] {
        check_range(Some(malformed), "\"a\"", false);
    }
}

#[test]
fn rfc9110_14_2_only_get_has_ranges() {
    let current = validators(Some("\"a\""), Some(MODIFIED));
    assert!(parse(&[]).range_applies(Method::Get, &current));
    for method in [Method::Head, Method::Options, Method::Other] {
        assert!(!parse(&[]).range_applies(method, &current), "{method:?}");
    }
}

#[test]
fn if_range_alone_is_no_condition() {
    assert!(!parse(&[("if-range", "\"a\"")]).is_conditional());
    assert!(parse(&[("if-none-match", "b")]).is_conditional());
    assert!(!parse(&[("if-modified-since", "yesterday")]).is_conditional());
}

/// RFC 9110 §13.2.2 written down step by step, on values that need no parsing.
fn step_by_step(
    method: Method,
    fields: &[Option<&str>; 4],
    etag: Option<&str>,
    modified: Option<&str>,
) -> Precondition {
    let [if_match, if_unmodified, if_none_match, if_modified] = *fields;
    let seconds = |d: &str| HttpDate::parse(d.as_bytes()).map(HttpDate::epoch_seconds);
    let opaque = |t: &str| t.trim_start_matches("W/").to_owned();
    let get_or_head = method == Method::Get || method == Method::Head;
    if let Some(list) = if_match {
        let held = list == "*" || etag.is_some_and(|e| list == e && !e.starts_with("W/"));
        if !held {
            return Failed;
        }
    } else if let (Some(since), Some(modified)) =
        (if_unmodified.and_then(seconds), modified.and_then(seconds))
        && modified > since
    {
        return Failed;
    }
    if let Some(list) = if_none_match {
        let matched = list == "*" || etag.is_some_and(|e| opaque(list) == opaque(e));
        if matched {
            return if get_or_head { NotModified } else { Failed };
        }
    } else if let (true, Some(since), Some(modified)) = (
        get_or_head,
        if_modified.and_then(seconds),
        modified.and_then(seconds),
    ) && modified <= since
    {
        return NotModified;
    }
    Proceed
}

fn some_tag() -> impl Strategy<Value = Option<&'static str>> {
    prop::sample::select(vec![
        None,
        Some("\"a\""),
        Some("\"b\""),
        Some("W/\"a\""),
        Some("W/\"b\""),
    ])
}

fn some_condition() -> impl Strategy<Value = Option<&'static str>> {
    prop::sample::select(vec![
        None,
        Some("*"),
        Some("\"a\""),
        Some("\"b\""),
        Some("W/\"a\""),
    ])
}

fn some_date() -> impl Strategy<Value = Option<&'static str>> {
    prop::sample::select(vec![
        None,
        Some(BEFORE),
        Some(MODIFIED),
        Some(AFTER),
        Some("never"),
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]
    #[test]
    fn the_order_equals_the_literal_reading(
        method in prop::sample::select(vec![Method::Get, Method::Head, Method::Options, Method::Other]),
        if_match in some_condition(), if_none_match in some_condition(),
        if_unmodified in some_date(), if_modified in some_date(),
        etag in some_tag(), modified in prop::sample::select(vec![None, Some(MODIFIED)]),
    ) {
        let fields = [if_match, if_unmodified, if_none_match, if_modified];
        let names = ["if-match", "if-unmodified-since", "if-none-match", "if-modified-since"];
        let sent: Vec<_> = names.into_iter().zip(fields).filter_map(|(n, v)| Some((n, v?))).collect();
        let current = Validators {
            etag: etag.and_then(|t| EntityTag::parse(t.as_bytes())),
            last_modified: modified.and_then(|d| HttpDate::parse(d.as_bytes())),
        };
        prop_assert_eq!(parse(&sent).evaluate(method, &current), step_by_step(method, &fields, etag, modified));
    }
}
