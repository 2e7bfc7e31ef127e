//! Our reading of HTTP against that of the crate `headers`: the same answer over generated fields, except where listed.
//!
//! Each exception is a case by itself that must still differ, with the clause that decides for us, so that the list
//! cannot outlive its reasons.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a field the oracle cannot take must fail"
)]

use headers::{CacheControl as OracleCacheControl, LastModified};
use headers::{
    ETag, Header, HeaderValue, IfMatch, IfModifiedSince, IfNoneMatch, IfRange, IfUnmodifiedSince,
    Range,
};
use portcullis_http_semantics::{
    CacheControl, EntityTag, HttpDate, Method, Precondition, Preconditions, RangeRequest, Resolved,
    Validators, cache_control::Scope, parse_range,
};
use proptest::prelude::*;
use std::ops::Bound;
use std::time::{Duration, UNIX_EPOCH};

/// The oracle's reading of a field; `None` when it refuses it.
fn oracle<H: Header>(value: &str) -> Option<H> {
    let value = HeaderValue::from_str(value).expect("a field value");
    H::decode(&mut std::iter::once(&value)).ok()
}

fn ours<'a>(name: &'a str, value: &'a str) -> Preconditions<'a> {
    Preconditions::parse(|asked| (asked == name).then_some(value.as_bytes()))
}

fn tagged(etag: &str) -> Validators<'_> {
    Validators {
        etag: EntityTag::parse(etag.as_bytes()),
        last_modified: None,
    }
}

fn dated(seconds: u64) -> Validators<'static> {
    Validators {
        etag: None,
        last_modified: HttpDate::from_epoch_seconds(seconds),
    }
}

/// The bytes of the one range a field asks for in `size` bytes: ours, and the oracle's bounds cut to the size.
fn both_ranges(field: &str, size: u64) -> [Option<(u64, u64)>; 2] {
    let ours = match parse_range(Some(field.as_bytes())) {
        RangeRequest::Single(spec) => match spec.resolve(size) {
            Resolved::Satisfiable(range) => Some((range.first(), range.last())),
            Resolved::Unsatisfiable => None,
        },
        RangeRequest::None | RangeRequest::Multiple | RangeRequest::Invalid => None,
    };
    let theirs = oracle::<Range>(field).and_then(|range| {
        let (first, last) = range.satisfiable_ranges(size).next()?;
        let Bound::Included(first) = first else {
            return None;
        };
        let last = match last {
            Bound::Included(last) => last.min(size.checked_sub(1)?),
            Bound::Excluded(_) | Bound::Unbounded => size.checked_sub(1)?,
        };
        (first <= last).then_some((first, last))
    });
    [ours, theirs]
}

fn some_tag() -> impl Strategy<Value = String> {
    "(W/)?\"[ab]{0,2}\""
}

fn some_tags() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("*".to_owned()),
        proptest::collection::vec(some_tag(), 1..4).prop_map(|tags| tags.join(", "))
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    #[test]
    fn entity_tags_compare_alike(list in some_tags(), etag in some_tag()) {
        let current: ETag = oracle(&etag).expect("a tag");
        let matched: IfMatch = oracle(&list).expect("a list");
        let ours_fails = ours("if-match", &list).evaluate(Method::Get, &tagged(&etag)) == Precondition::Failed;
        prop_assert_eq!(!ours_fails, matched.precondition_passes(&current), "If-Match: {} of {}", list, etag);
        let unmatched: IfNoneMatch = oracle(&list).expect("a list");
        let ours_proceeds = ours("if-none-match", &list).evaluate(Method::Get, &tagged(&etag)) == Precondition::Proceed;
        prop_assert_eq!(ours_proceeds, unmatched.precondition_passes(&current), "If-None-Match: {} of {}", list, etag);
    }

    #[test]
    fn if_range_tags_compare_alike(sent in some_tag(), etag in some_tag()) {
        let condition: IfRange = oracle(&sent).expect("a condition");
        let theirs = !condition.is_modified(oracle::<ETag>(&etag).as_ref(), None);
        prop_assert_eq!(ours("if-range", &sent).range_applies(Method::Get, &tagged(&etag)), theirs);
    }

    #[test]
    fn dates_compare_alike(since in 0_u64..4_000_000_000, off in -2_i64..=2) {
        let modified = since.saturating_add_signed(off);
        let sent = HttpDate::from_epoch_seconds(since).unwrap().to_string();
        let at = UNIX_EPOCH + Duration::from_secs(modified);
        let newer: IfModifiedSince = oracle(&sent).expect("a date");
        let proceeds = ours("if-modified-since", &sent).evaluate(Method::Get, &dated(modified)) == Precondition::Proceed;
        prop_assert_eq!(proceeds, newer.is_modified(at));
        let older: IfUnmodifiedSince = oracle(&sent).expect("a date");
        let proceeds = ours("if-unmodified-since", &sent).evaluate(Method::Get, &dated(modified)) == Precondition::Proceed;
        prop_assert_eq!(proceeds, older.precondition_passes(at));
    }

    #[test]
    fn ranges_resolve_alike(first in 0_u64..12, last in 0_u64..12, shape in 0_u8..3, size in 0_u64..10) {
        let field = match shape {
            0 => format!("bytes={first}-{last}"),
            1 => format!("bytes={first}-"),
            // Exception "suffix-longer-than-the-body".
            _ => format!("bytes=-{}", last.min(size)),
        };
        let [ours, theirs] = both_ranges(&field, size);
        prop_assert_eq!(ours, theirs, "{} of {}", field, size);
    }

    #[test]
    fn cache_control_reads_alike(
        directives in proptest::collection::vec(prop_oneof![
            Just("no-store".to_owned()), Just("no-cache".to_owned()), Just("private".to_owned()),
            Just("public".to_owned()), Just("must-revalidate".to_owned()), Just("proxy-revalidate".to_owned()),
            Just("no-transform".to_owned()), Just("must-understand".to_owned()), Just("immutable".to_owned()),
            Just("x=\"a, no-store\"".to_owned()),
        ], 0..6),
        max_age in proptest::option::of(any::<u32>()), s_maxage in proptest::option::of(any::<u32>()), quoted in any::<bool>(),
    ) {
        let quote = if quoted { "\"" } else { "" };
        let lifetimes = [("max-age", max_age), ("s-maxage", s_maxage)];
        let lifetimes = lifetimes.iter().filter_map(|(n, s)| s.map(|s| format!("{n}={quote}{s}{quote}")));
        let field = directives.into_iter().chain(lifetimes).collect::<Vec<_>>().join(", ");
        let ours = CacheControl::parse(field.as_bytes());
        let theirs: OracleCacheControl = oracle(&field).expect("a field");
        prop_assert_eq!(ours.no_store, theirs.no_store());
        prop_assert_eq!(ours.no_cache == Scope::Response, theirs.no_cache());
        prop_assert_eq!(ours.private == Scope::Response, theirs.private());
        prop_assert_eq!(ours.public, theirs.public());
        prop_assert_eq!(ours.must_revalidate, theirs.must_revalidate());
        prop_assert_eq!(ours.no_transform, theirs.no_transform());
        prop_assert_eq!(ours.must_understand, theirs.must_understand());
        prop_assert_eq!(ours.immutable, theirs.immutable());
        prop_assert_eq!(ours.max_age.map(Duration::from_secs), theirs.max_age());
        prop_assert_eq!(ours.s_maxage.map(Duration::from_secs), theirs.s_max_age());
    }
}

#[test]
fn exception_suffix_longer_than_the_body() {
    // RFC 9110 §14.1.2: the whole representation is used; the oracle drops the range.
    assert_eq!(both_ranges("bytes=-11", 10), [Some((0, 9)), None]);
}

#[test]
fn exception_unit_in_capitals() {
    // RFC 9110 §14.1: unit names are case-insensitive.
    assert_eq!(both_ranges("Bytes=0-1", 10), [Some((0, 1)), None]);
}

#[test]
fn exception_numbers_that_are_none() {
    // RFC 9110 §14.1.1: a position is digits; Rust's parser, which the oracle uses, takes a sign.
    assert_eq!(both_ranges("bytes=+1-2", 10), [None, Some((1, 2))]);
    // And a position of any length is valid; the oracle refuses one above u64.
    assert_eq!(
        both_ranges("bytes=1-99999999999999999999", 10),
        [Some((1, 9)), None]
    );
}

#[test]
fn exception_if_range_date_after_the_last_change() {
    // RFC 9110 §13.1.5: the date must be the very Last-Modified; the oracle takes any later one.
    let (sent, modified) = ("Sun, 06 Nov 1994 08:49:38 GMT", 784_111_777);
    let condition: IfRange = oracle(sent).unwrap();
    let last_modified = LastModified::from(UNIX_EPOCH + Duration::from_secs(modified));
    assert!(!condition.is_modified(None, Some(&last_modified)));
    assert!(!ours("if-range", sent).range_applies(Method::Get, &dated(modified)));
}

#[test]
fn exception_directives_in_capitals_and_with_fields() {
    // RFC 9111 §5.2: names are case-insensitive.
    assert!(CacheControl::parse(b"No-Store").no_store);
    assert!(!oracle::<OracleCacheControl>("No-Store").unwrap().no_store());
    // RFC 9111 §5.2.2.7: `private` may name fields; the oracle does not know the form.
    let scope = CacheControl::parse(b"private=\"x\"").private;
    assert!(matches!(scope, Scope::Fields(_)), "{scope:?}");
    assert!(
        !oracle::<OracleCacheControl>("private=\"x\"")
            .unwrap()
            .private()
    );
    // A repeated lifetime: the first counts (RFC 9111 §4.2.1); the oracle takes the last.
    assert_eq!(
        CacheControl::parse(b"max-age=1, max-age=2").max_age,
        Some(1)
    );
    let theirs = oracle::<OracleCacheControl>("max-age=1, max-age=2")
        .unwrap()
        .max_age();
    assert_eq!(theirs, Some(Duration::from_secs(2)));
}
