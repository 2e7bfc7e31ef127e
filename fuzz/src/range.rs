//! `Range`: what is resolved exists, and is what was asked for.
//!
//! An input is the size of the representation in decimal digits, a line feed, and the value of the field.

use portcullis_http_semantics::{RangeRequest, RangeSpec, Resolved, parse_range};

/// Holds for any input.
pub fn hold(input: &[u8]) {
    let Some((size, field)) = split(input) else {
        return;
    };
    let RangeRequest::Single(spec) = parse_range(Some(field)) else {
        return;
    };
    assert!(field.contains(&b'-'), "a range without a dash was read");
    match spec.resolve(size) {
        Resolved::Satisfiable(range) => {
            assert!(range.first() <= range.last() && range.last() < size);
            assert_eq!(range.size(), size);
            assert_eq!((range.first(), range.last()), expected(spec, size));
            let written = format!("bytes {}-{}/{size}", range.first(), range.last());
            assert_eq!(range.content_range(), written);
        }
        Resolved::Unsatisfiable => match spec {
            RangeSpec::FromTo { first, .. } | RangeSpec::From(first) => assert!(first >= size),
            RangeSpec::Suffix(length) => assert!(length == 0 || size == 0),
        },
    }
}

/// The first and last byte, computed in a type that cannot overflow.
fn expected(spec: RangeSpec, size: u64) -> (u64, u64) {
    let end = i128::from(size) - 1;
    let (first, last) = match spec {
        RangeSpec::FromTo { first, last } => (i128::from(first), end.min(last.into())),
        RangeSpec::From(first) => (i128::from(first), end),
        RangeSpec::Suffix(length) => ((i128::from(size) - i128::from(length)).max(0), end),
    };
    let byte = |number: i128| u64::try_from(number).unwrap_or(u64::MAX);
    (byte(first), byte(last))
}

fn split(input: &[u8]) -> Option<(u64, &[u8])> {
    let mut lines = input.splitn(2, |byte| *byte == b'\n');
    let size = std::str::from_utf8(lines.next()?).ok()?.parse().ok()?;
    Some((size, lines.next()?))
}
