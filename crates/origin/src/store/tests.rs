//! What a wish comes to, and which metadata values are passed on.

use super::{METADATA_VALUE_BYTES_MAX, Metadata, RawMetadata, Selection, Want};
use crate::field::StrongTag;
use portcullis_http_semantics::{RangeSpec, Resolved};

fn tag(text: &str) -> Option<StrongTag> {
    StrongTag::parse(format!("\"{text}\"").as_bytes())
}

#[track_caller]
fn check(
    if_match: Option<&str>,
    if_none_match: Option<&str>,
    range: Option<RangeSpec>,
    expected: Selection,
) {
    let metadata = Metadata {
        size: 10,
        etag: tag("a"),
        ..Metadata::default()
    };
    let (if_match, if_none_match) = (if_match.and_then(tag), if_none_match.and_then(tag));
    assert_eq!(
        Want {
            range,
            if_match,
            if_none_match
        }
        .select(&metadata),
        expected
    );
}

#[test]
fn conditions_come_before_the_range_and_if_match_comes_first() {
    let past = Some(RangeSpec::From(10));
    let range = RangeSpec::FromTo { first: 2, last: 3 };
    let Resolved::Satisfiable(part) = range.resolve(10) else {
        panic!("it lies within");
    };
    check(None, None, None, Selection::Whole);
    check(None, None, Some(range), Selection::Part(part));
    check(None, None, past, Selection::Unsatisfiable);
    check(Some("a"), None, Some(range), Selection::Part(part));
    check(Some("b"), None, past, Selection::Changed);
    check(Some("b"), Some("a"), None, Selection::Changed);
    check(Some("a"), Some("a"), past, Selection::NotModified);
    check(None, Some("b"), past, Selection::Unsatisfiable);
}

#[test]
fn an_object_without_a_tag_has_no_tag_one_could_ask_for() {
    let metadata = Metadata::default();
    let want = Want {
        if_match: tag("a"),
        ..Want::default()
    };
    assert_eq!(want.select(&metadata), Selection::Changed);
    let want = Want {
        if_none_match: tag("a"),
        ..Want::default()
    };
    assert_eq!(want.select(&metadata), Selection::Whole);
}

#[track_caller]
fn check_value(value: &[u8], passes: bool) {
    let raw = RawMetadata {
        content_type: Some(value.to_vec()),
        ..RawMetadata::default()
    };
    let mut metadata = Metadata::default();
    metadata.describe(&raw);
    assert_eq!(
        metadata.content_type.is_some(),
        passes,
        "{}",
        value.escape_ascii()
    );
    assert_eq!(metadata.invalid_values, u32::from(!passes));
}

#[test]
fn a_value_that_could_split_a_header_or_fill_it_is_left_out_and_counted() {
    check_value(b"text/plain", true);
    check_value(b"", true);
    check_value(b"caf\xe9", true);
    check_value(b"a\r\nset-cookie: b", false);
    check_value(b"a\0b", false);
    check_value(&[b'x'; METADATA_VALUE_BYTES_MAX], true);
    check_value(&[b'x'; METADATA_VALUE_BYTES_MAX + 1], false);
    check_value(&[b'x'; 65_536], false);
}
