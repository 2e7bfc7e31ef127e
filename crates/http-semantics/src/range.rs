//! Byte ranges (RFC 9110 §14): what a `Range` field asks for, and which bytes of a representation that is.
//!
//! One range is served; a request for several is answered in full, which §14.2 permits and which leaves nothing to
//! amplify. A field that is malformed, reversed or overlong is ignored like one that is absent. Numbers of any length
//! are read, saturating at `u64::MAX`, and no arithmetic can overflow.
//!
//! Deliberately absent: `multipart/byteranges`, and units other than bytes.

use crate::field::{list, trim_ows};

/// The longest `Range` field that is read, in bytes; a longer one is [`RangeRequest::Invalid`].
pub const RANGE_BYTES_MAX: usize = 256;

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RangeRequest {
    /// No `Range`, or one in a unit that is not bytes: send the whole.
    None,
    /// One range.
    Single(RangeSpec),
    /// Two or more well-formed ranges: send the whole.
    Multiple,
    /// Malformed, reversed or overlong: send the whole.
    Invalid,
}

/// One range as it was asked for, before the size is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RangeSpec {
    /// `first-last`, both included.
    FromTo {
        /// The first byte.
        first: u64,
        /// The last byte, not before the first.
        last: u64,
    },
    /// `first-`: from this byte to the end.
    From(u64),
    /// `-length`: this many bytes at the end.
    Suffix(u64),
}

/// What a range comes to in a representation of known size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolved {
    /// These bytes: answer `206 (Partial Content)`.
    Satisfiable(ByteRange),
    /// None of it exists: answer `416 (Range Not Satisfiable)` with [`unsatisfied_content_range`].
    Unsatisfiable,
}

/// Bytes that exist: `first <= last < size`, so its length is never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteRange {
    first: u64,
    last: u64,
    size: u64,
}

/// Reads the `Range` field of a `GET` request.
///
/// Whether it applies at all is for [`crate::Preconditions::range_applies`] to say.
#[must_use]
pub fn parse_range(field: Option<&[u8]>) -> RangeRequest {
    let Some(value) = field else {
        return RangeRequest::None;
    };
    if value.len() > RANGE_BYTES_MAX {
        return RangeRequest::Invalid;
    }
    let mut halves = trim_ows(value).splitn(2, |&b| b == b'=');
    match (halves.next(), halves.next()) {
        // RFC 9110 §14.1: unit names are case-insensitive.
        (Some(unit), Some(set)) if unit.eq_ignore_ascii_case(b"bytes") => parse_set(set),
        // RFC 9110 §14.2: a unit that is not understood is ignored.
        (Some(_), Some(_)) => RangeRequest::None,
        _ => RangeRequest::Invalid,
    }
}

fn parse_set(set: &[u8]) -> RangeRequest {
    let mut specs = list(set).map(RangeSpec::parse);
    let Some(Some(first)) = specs.next() else {
        return RangeRequest::Invalid;
    };
    let mut rest = specs.peekable();
    if rest.peek().is_none() {
        RangeRequest::Single(first)
    } else if rest.all(|spec| spec.is_some()) {
        RangeRequest::Multiple
    } else {
        RangeRequest::Invalid
    }
}

impl RangeSpec {
    fn parse(spec: &[u8]) -> Option<Self> {
        let mut halves = spec.splitn(2, |&b| b == b'-');
        match (halves.next()?, halves.next()?) {
            (b"", length) => Some(Self::Suffix(number(length)?)),
            (first, b"") => Some(Self::From(number(first)?)),
            (first, last) => {
                let (first, last) = (number(first)?, number(last)?);
                // RFC 9110 §14.1.1: an int-range whose last-pos is less than its first-pos is invalid.
                (first <= last).then_some(Self::FromTo { first, last })
            }
        }
    }

    /// Which bytes of a representation of `size` bytes this is.
    ///
    /// RFC 9110 §14.1.2: a range that reaches past the end is cut at the end, a suffix longer than the whole is the
    /// whole, a suffix of no bytes is unsatisfiable. Of an empty representation nothing is satisfiable, since
    /// `Content-Range` cannot say "no bytes".
    #[must_use]
    pub fn resolve(self, size: u64) -> Resolved {
        let Some(end) = size.checked_sub(1) else {
            return Resolved::Unsatisfiable;
        };
        let (first, last) = match self {
            Self::FromTo { first, last } => (first, last.min(end)),
            Self::From(first) => (first, end),
            Self::Suffix(0) => return Resolved::Unsatisfiable,
            Self::Suffix(length) => (size.saturating_sub(length), end),
        };
        if first <= last {
            Resolved::Satisfiable(ByteRange { first, last, size })
        } else {
            Resolved::Unsatisfiable
        }
    }
}

/// A run of digits; beyond `u64::MAX` it stays there, which is past the end of anything.
fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |sum, &byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        Some(sum.saturating_mul(10).saturating_add(digit))
    })
}

#[expect(clippy::len_without_is_empty, reason = "a byte range is never empty")]
impl ByteRange {
    /// The bytes `first` to `last` of `size`; `None` unless `first <= last < size`.
    #[must_use]
    pub fn new(first: u64, last: u64, size: u64) -> Option<Self> {
        (first <= last && last < size).then_some(Self { first, last, size })
    }

    /// The first byte, counted from zero.
    #[must_use]
    pub fn first(self) -> u64 {
        self.first
    }

    /// The last byte, included.
    #[must_use]
    pub fn last(self) -> u64 {
        self.last
    }

    /// The size of the whole representation in bytes.
    #[must_use]
    pub fn size(self) -> u64 {
        self.size
    }

    /// How many bytes it holds; at least one.
    #[must_use]
    pub fn len(self) -> u64 {
        self.last - self.first + 1
    }

    /// The value of `Content-Range` for a `206` answer (RFC 9110 §14.4).
    #[must_use]
    pub fn content_range(self) -> String {
        format!("bytes {}-{}/{}", self.first, self.last, self.size)
    }
}

/// The value of `Content-Range` for a `416` answer (RFC 9110 §15.5.17).
#[must_use]
pub fn unsatisfied_content_range(size: u64) -> String {
    format!("bytes */{size}")
}

#[cfg(test)]
mod tests {
    use super::RangeRequest::{Invalid, Multiple, None, Single};
    use super::RangeSpec::{From, FromTo, Suffix};
    use super::{
        RANGE_BYTES_MAX, RangeRequest, RangeSpec, Resolved, parse_range, unsatisfied_content_range,
    };
    use proptest::prelude::*;

    #[track_caller]
    fn reads(field: &str, expected: RangeRequest) {
        assert_eq!(parse_range(Some(field.as_bytes())), expected, "{field:?}");
    }

    #[test]
    fn rfc9110_14_1_1_one_range() {
        reads(
            "bytes=0-499",
            Single(FromTo {
                first: 0,
                last: 499,
            }),
        );
        reads("bytes=0-0", Single(FromTo { first: 0, last: 0 }));
        reads("bytes=9500-", Single(From(9500)));
        reads("bytes=-500", Single(Suffix(500)));
        reads("bytes=-0", Single(Suffix(0)));
        reads("BYTES=1-2", Single(FromTo { first: 1, last: 2 }));
        reads(" bytes= 1-2 , ", Single(FromTo { first: 1, last: 2 }));
        reads("bytes=007-08", Single(FromTo { first: 7, last: 8 }));
    }

    #[test]
    fn numbers_beyond_u64_are_past_the_end_of_anything() {
        let max = u64::MAX;
        reads("bytes=18446744073709551615-", Single(From(max)));
        reads("bytes=99999999999999999999999999-", Single(From(max)));
        reads(
            "bytes=0-99999999999999999999999999",
            Single(FromTo {
                first: 0,
                last: max,
            }),
        );
        reads("bytes=-99999999999999999999999999", Single(Suffix(max)));
    }

    #[test]
    fn rfc9110_14_2_what_is_ignored() {
        assert_eq!(parse_range(Option::None), None);
        reads("items=0-5", None);
        reads("lines=", None);
        for invalid in [
            "",
            "bytes",
            "bytes=",
            "bytes=,",
            "bytes=-",
            "bytes=5-4",
            "bytes=abc",
            "bytes=1-2-3",
            "bytes=--1",
            "bytes=-5--1",
            "bytes=0x1-2",
            "bytes=+1-2",
            "bytes=1 -2",
            "bytes=1- 2",
            "bytes=1-2;3-4",
            "bytes=0-1,x",
            "bytes=0-1,5-4",
            "0-1",
        ] {
            reads(invalid, Invalid);
        }
        reads("bytes=0-1,2-3", Multiple);
        reads("bytes=0-1,-1", Multiple);
    }

    #[test]
    fn cve_2011_3192_a_thousand_overlapping_ranges_are_the_whole() {
        let many = format!("bytes=0-{}", ",5-0".repeat(1300));
        reads(&many, Invalid);
        let at_limit = format!("bytes={}", "0-1,".repeat((RANGE_BYTES_MAX - 6) / 4));
        reads(&at_limit, Multiple);
        reads(&"bytes=0-1".repeat(RANGE_BYTES_MAX), Invalid);
    }

    #[track_caller]
    fn gives(spec: RangeSpec, size: u64, expected: Option<(u64, u64)>) {
        let found = match spec.resolve(size) {
            Resolved::Satisfiable(range) => Some((range.first(), range.last())),
            Resolved::Unsatisfiable => Option::None,
        };
        assert_eq!(found, expected, "{spec:?} of {size}");
    }

    #[test]
    fn rfc9110_14_1_2_which_bytes() {
        gives(FromTo { first: 0, last: 99 }, 1000, Some((0, 99)));
        gives(
            FromTo {
                first: 900,
                last: 5000,
            },
            1000,
            Some((900, 999)),
        );
        gives(
            FromTo {
                first: 1000,
                last: 5000,
            },
            1000,
            Option::None,
        );
        gives(From(0), 1000, Some((0, 999)));
        gives(From(999), 1000, Some((999, 999)));
        gives(From(1000), 1000, Option::None);
        gives(Suffix(100), 1000, Some((900, 999)));
        gives(Suffix(1), 1000, Some((999, 999)));
        gives(Suffix(0), 1000, Option::None);
        // A suffix longer than the representation is all of it.
        gives(Suffix(1001), 1000, Some((0, 999)));
        gives(Suffix(u64::MAX), 1000, Some((0, 999)));
    }

    #[test]
    fn nothing_of_an_empty_representation_is_satisfiable() {
        for spec in [FromTo { first: 0, last: 0 }, From(0), Suffix(0), Suffix(5)] {
            gives(spec, 0, Option::None);
        }
    }

    #[test]
    fn the_ends_of_u64() {
        gives(From(u64::MAX), u64::MAX, Option::None);
        gives(
            From(u64::MAX - 1),
            u64::MAX,
            Some((u64::MAX - 1, u64::MAX - 1)),
        );
        gives(
            FromTo {
                first: 0,
                last: u64::MAX,
            },
            u64::MAX,
            Some((0, u64::MAX - 1)),
        );
        // A reversed range cannot be parsed, but can be written down.
        gives(FromTo { first: 9, last: 1 }, 1000, Option::None);
    }

    #[test]
    fn rfc9110_14_4_content_range() {
        let Resolved::Satisfiable(range) = From(0).resolve(1000) else {
            panic!("the open range from zero is satisfiable");
        };
        assert_eq!(range.content_range(), "bytes 0-999/1000");
        assert_eq!(range.len(), 1000);
        assert_eq!(unsatisfied_content_range(1000), "bytes */1000");
    }

    fn any_spec() -> impl Strategy<Value = RangeSpec> {
        let number = prop_oneof![0_u64..20, any::<u64>(), Just(u64::MAX)];
        prop_oneof![
            (number.clone(), number.clone()).prop_map(|(a, b)| FromTo {
                first: a.min(b),
                last: a.max(b)
            }),
            number.clone().prop_map(From),
            number.prop_map(Suffix),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2048))]
        #[test]
        fn a_range_names_exactly_the_bytes_asked_for(spec in any_spec(), size in 0_u64..20) {
            let wanted: Vec<u64> = (0..size).filter(|&at| match spec {
                FromTo { first, last } => first <= at && at <= last,
                From(first) => first <= at,
                Suffix(length) => size - at <= length,
            }).collect();
            match spec.resolve(size) {
                Resolved::Satisfiable(range) => {
                    prop_assert_eq!((range.first()..=range.last()).collect::<Vec<_>>(), wanted);
                    prop_assert_eq!(range.content_range(), format!("bytes {}-{}/{size}", range.first(), range.last()));
                }
                Resolved::Unsatisfiable => prop_assert!(wanted.is_empty()),
            }
        }

        #[test]
        fn a_satisfiable_range_lies_inside(spec in any_spec(), size in any::<u64>()) {
            if let Resolved::Satisfiable(range) = spec.resolve(size) {
                prop_assert!(range.first() <= range.last() && range.last() < size);
                prop_assert!(range.len() >= 1 && range.len() <= size);
            }
        }

        #[test]
        fn a_written_range_reads_back(spec in any_spec()) {
            let text = match spec {
                FromTo { first, last } => format!("bytes={first}-{last}"),
                From(first) => format!("bytes={first}-"),
                Suffix(length) => format!("bytes=-{length}"),
            };
            prop_assert_eq!(parse_range(Some(text.as_bytes())), Single(spec));
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = parse_range(Some(&bytes));
        }
    }
}
