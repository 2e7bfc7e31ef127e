//! Entity tags (RFC 9110 §8.8.3) and lists of them, as `If-Match` and `If-None-Match` carry them.
//!
//! Tags borrow their bytes and a list is validated once and walked again for each comparison, so nothing allocates.
//! An opaque tag knows no escapes: a backslash in it is a backslash.

use crate::field::{is_ows, trim_ows};

/// The most tags one list may name. A longer list is refused as a whole: [`EntityTagList::parse`] gives `None`.
pub const TAGS_MAX: usize = 64;

/// An entity tag: an opaque text, weak or strong.
///
/// The text holds no double quote, no white space and no control character (RFC 9110 §8.8.3, `etagc`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EntityTag<'a> {
    weak: bool,
    opaque: &'a [u8],
}

impl<'a> EntityTag<'a> {
    /// A strong tag with this text between its quotes; `None` when the text holds a byte that no tag may hold.
    #[must_use]
    pub fn strong(opaque: &'a [u8]) -> Option<Self> {
        let weak = false;
        opaque
            .iter()
            .all(|&b| is_etagc(b))
            .then_some(Self { weak, opaque })
    }

    /// Reads one whole tag, `"..."` or `W/"..."`, with optional white space around it. `W` is case-sensitive.
    #[must_use]
    pub fn parse(value: &'a [u8]) -> Option<Self> {
        let (tag, rest) = Self::parse_prefix(trim_ows(value))?;
        rest.is_empty().then_some(tag)
    }

    /// Reads the tag at the beginning of `value` and returns what follows it.
    fn parse_prefix(value: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (weak, quoted) = match value.strip_prefix(b"W/") {
            Some(quoted) => (true, quoted),
            None => (false, value),
        };
        let inner = quoted.strip_prefix(b"\"")?;
        let (opaque, rest) = inner.split_at_checked(inner.iter().position(|&b| !is_etagc(b))?)?;
        let rest = rest.strip_prefix(b"\"")?;
        Some((Self { weak, opaque }, rest))
    }

    /// Whether the tag is weak.
    #[must_use]
    pub fn is_weak(self) -> bool {
        self.weak
    }

    /// The text between the quotes.
    #[must_use]
    pub fn opaque(self) -> &'a [u8] {
        self.opaque
    }

    /// The same tag, weak: what a representation carries once its bytes were changed on the way.
    #[must_use]
    pub fn weakened(self) -> Self {
        Self { weak: true, ..self }
    }

    /// RFC 9110 §8.8.3.2, strong comparison: both strong and of equal text.
    #[must_use]
    pub fn strong_eq(self, other: EntityTag<'_>) -> bool {
        !self.weak && !other.weak && self.opaque == other.opaque
    }

    /// RFC 9110 §8.8.3.2, weak comparison: of equal text.
    #[must_use]
    pub fn weak_eq(self, other: EntityTag<'_>) -> bool {
        self.opaque == other.opaque
    }

    /// The tag as a field value.
    #[must_use]
    pub fn to_field_value(self) -> Vec<u8> {
        let prefix: &[u8] = if self.weak { b"W/\"" } else { b"\"" };
        [prefix, self.opaque, b"\""].concat()
    }
}

fn is_etagc(byte: u8) -> bool {
    matches!(byte, 0x21 | 0x23..=0x7e | 0x80..=0xff)
}

/// The value of `If-Match` or `If-None-Match`: `*`, or at most [`TAGS_MAX`] tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntityTagList<'a> {
    /// `*`: any current representation.
    Any,
    /// The tags named.
    Tags(Tags<'a>),
}

/// The tags of a list whose syntax has been checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tags<'a>(&'a [u8]);

impl<'a> EntityTagList<'a> {
    /// Reads the list; `None` when any part of it is malformed, when it names no tag, or more than [`TAGS_MAX`].
    #[must_use]
    pub fn parse(value: &'a [u8]) -> Option<Self> {
        let value = trim_ows(value);
        if value == b"*" {
            return Some(Self::Any);
        }
        let mut walk = Walk { rest: value };
        let mut count = 0;
        loop {
            match walk.step() {
                Step::Tag(_) if count < TAGS_MAX => count += 1,
                Step::Tag(_) | Step::Malformed => return None,
                Step::End => return (count > 0).then_some(Self::Tags(Tags(value))),
            }
        }
    }
}

impl<'a> Tags<'a> {
    /// The tags in order.
    pub fn iter(self) -> impl Iterator<Item = EntityTag<'a>> {
        let mut walk = Walk { rest: self.0 };
        std::iter::from_fn(move || match walk.step() {
            Step::Tag(tag) => Some(tag),
            Step::End | Step::Malformed => None,
        })
    }
}

/// A walk over a list of tags, one element at a time.
struct Walk<'a> {
    rest: &'a [u8],
}

enum Step<'a> {
    Tag(EntityTag<'a>),
    End,
    Malformed,
}

impl<'a> Walk<'a> {
    fn step(&mut self) -> Step<'a> {
        // RFC 9110 §5.6.1.2: a recipient accepts empty elements.
        let Some(start) = self.rest.iter().position(|&b| b != b',' && !is_ows(b)) else {
            return Step::End;
        };
        let parsed = self.rest.get(start..).and_then(EntityTag::parse_prefix);
        let Some((tag, rest)) = parsed else {
            return Step::Malformed;
        };
        self.rest = rest;
        if matches!(trim_ows(rest).first(), None | Some(b',')) {
            Step::Tag(tag)
        } else {
            Step::Malformed
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{EntityTag, EntityTagList, TAGS_MAX};
    use proptest::prelude::*;

    fn tag(value: &str) -> EntityTag<'_> {
        EntityTag::parse(value.as_bytes()).unwrap()
    }

    #[test]
    fn rfc9110_8_8_3_2_the_comparison_table() {
        for (a, b, strong, weak) in [
            (r#"W/"1""#, r#"W/"1""#, false, true),
            (r#"W/"1""#, r#"W/"2""#, false, false),
            (r#"W/"1""#, r#""1""#, false, true),
            (r#""1""#, r#""1""#, true, true),
            (r#""1""#, r#""2""#, false, false),
        ] {
            assert_eq!(tag(a).strong_eq(tag(b)), strong, "strong {a} {b}");
            assert_eq!(tag(a).weak_eq(tag(b)), weak, "weak {a} {b}");
        }
    }

    #[test]
    fn rfc9110_8_8_3_what_is_a_tag() {
        for (value, weak, opaque) in [
            (r#""xyzzy""#, false, "xyzzy"),
            (r#"W/"xyzzy""#, true, "xyzzy"),
            (r#""""#, false, ""),
            (r#" "a" "#, false, "a"),
            (r#""back\slash""#, false, r"back\slash"),
            (r#""a,b""#, false, "a,b"),
        ] {
            assert_eq!(
                (tag(value).is_weak(), tag(value).opaque()),
                (weak, opaque.as_bytes()),
                "{value}"
            );
        }
        for not in [
            "",
            "a",
            "\"",
            "\"a",
            "a\"",
            r#"w/"a""#,
            r#"W/ "a""#,
            r#""a b""#,
            r#""a"b"#,
            r#""a""b""#,
            "W/",
            "*",
        ] {
            assert_eq!(EntityTag::parse(not.as_bytes()), None, "{not:?}");
        }
        assert_eq!(
            EntityTag::parse(b"\"a\xff\"").map(EntityTag::opaque),
            Some(&b"a\xff"[..])
        );
        assert_eq!(EntityTag::parse(b"\"a\x7f\""), None);
    }

    #[track_caller]
    fn list(value: &str, expected: Option<&[&str]>) {
        let parsed = EntityTagList::parse(value.as_bytes()).map(|list| match list {
            EntityTagList::Any => vec![b"*".to_vec()],
            EntityTagList::Tags(tags) => tags.iter().map(EntityTag::to_field_value).collect(),
        });
        let expected = expected.map(|tags| {
            tags.iter()
                .map(|t| t.as_bytes().to_vec())
                .collect::<Vec<_>>()
        });
        assert_eq!(parsed, expected, "{value:?}");
    }

    #[test]
    fn rfc9110_13_1_lists_of_tags() {
        list("*", Some(&["*"]));
        list(" * ", Some(&["*"]));
        list(r#""a""#, Some(&[r#""a""#]));
        list(
            r#""a", W/"b","c,d""#,
            Some(&[r#""a""#, r#"W/"b""#, r#""c,d""#]),
        );
        list(r#", "a",,"b" ,"#, Some(&[r#""a""#, r#""b""#]));
        for not in [
            "",
            ",",
            "a",
            r#""a" "b""#,
            r#""a", b"#,
            r#""a", *"#,
            r#"*, "a""#,
            r#""a"b"#,
            r#""a", "b"#,
        ] {
            list(not, None);
        }
    }

    #[test]
    fn a_list_beyond_the_limit_is_refused_whole() {
        let tags = |count: usize| vec!["\"a\""; count].join(",");
        assert!(EntityTagList::parse(tags(TAGS_MAX).as_bytes()).is_some());
        assert!(EntityTagList::parse(tags(TAGS_MAX + 1).as_bytes()).is_none());
    }

    proptest! {
        #[test]
        fn a_written_tag_reads_back(weak in any::<bool>(), opaque in "[!#-~]{0,40}") {
            let strong = EntityTag::strong(opaque.as_bytes()).unwrap();
            let tag = if weak { strong.weakened() } else { strong };
            let written = tag.to_field_value();
            prop_assert_eq!(EntityTag::parse(&written), Some(tag));
        }

        #[test]
        fn a_list_of_tags_comes_back(opaques in proptest::collection::vec("[!#-~]{0,8}", 1..=TAGS_MAX)) {
            let text = opaques.iter().map(|o| format!("\"{o}\"")).collect::<Vec<_>>().join(", ");
            let Some(EntityTagList::Tags(tags)) = EntityTagList::parse(text.as_bytes()) else {
                return Err(TestCaseError::fail("no list"));
            };
            let found: Vec<&[u8]> = tags.iter().map(EntityTag::opaque).collect();
            prop_assert_eq!(found, opaques.iter().map(String::as_bytes).collect::<Vec<_>>());
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = EntityTagList::parse(&bytes);
        }
    }
}
