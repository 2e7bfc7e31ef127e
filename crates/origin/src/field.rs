//! Header values and entity tags that live as long as an answer does; the parsers lend theirs for the span of a call.
//!
//! Always holds: a [`FieldValue`] can be written into a header as it stands, whatever made it; a [`StrongTag`] compares
//! byte for byte. Deliberately absent: weak tags, which no store of ours gives out.

use portcullis_http_semantics as semantics;
use portcullis_http_semantics::{
    ByteRange, CacheControl, EntityTag, HttpDate, field::ForbiddenByte,
};
use std::borrow::Cow;

/// A header value without control characters and outer white space (RFC 9110 §5.5).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FieldValue(Cow<'static, [u8]>);

impl FieldValue {
    /// Accepts `bytes`, without the white space around them.
    ///
    /// # Errors
    /// The first byte that may not stand in a value.
    pub fn new(bytes: &[u8]) -> Result<Self, ForbiddenByte> {
        semantics::FieldValue::new(bytes).map(|value| Self(Cow::Owned(value.as_bytes().to_vec())))
    }

    /// A value written in the program; meant for `const` blocks, where a wrong one does not compile.
    ///
    /// ```compile_fail
    /// const BROKEN: portcullis_origin::field::FieldValue = portcullis_origin::field::FieldValue::literal("a\r\nb");
    /// ```
    #[must_use]
    pub const fn literal(text: &'static str) -> Self {
        let mut rest = text.as_bytes();
        while let [byte, tail @ ..] = rest {
            assert!(
                *byte >= 0x20 && *byte < 0x7F,
                "a literal header value is printable ASCII"
            );
            rest = tail;
        }
        Self(Cow::Borrowed(text.as_bytes()))
    }

    /// The bytes, ready to be written.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text, when it is UTF-8.
    #[must_use]
    pub fn to_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }
}

/// Text that its type has already made a legal value.
macro_rules! written_by {
    ($($type:ty => |$value:ident| $text:expr;)+) => {
        $(impl From<$type> for FieldValue {
            fn from($value: $type) -> Self {
                Self(Cow::Owned($text))
            }
        })+
    };
}

written_by! {
    u64 => |number| number.to_string().into_bytes();
    HttpDate => |date| date.to_string().into_bytes();
    ByteRange => |range| range.content_range().into_bytes();
    &CacheControl => |directives| directives.to_string().into_bytes();
    &StrongTag => |tag| tag.quoted();
}

/// A strong entity tag (RFC 9110 §8.8.3): equal tags promise equal bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StrongTag(Box<[u8]>);

impl StrongTag {
    /// Reads `"..."`; `None` for a weak or malformed tag.
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<Self> {
        EntityTag::parse(value).and_then(Self::of)
    }

    /// The owned copy of a strong tag; `None` for a weak one.
    #[must_use]
    pub fn of(tag: EntityTag<'_>) -> Option<Self> {
        (!tag.is_weak()).then(|| Self(tag.opaque().into()))
    }

    /// The tag as the parsers compare it. It is always there; the option is that of [`EntityTag::strong`].
    #[must_use]
    pub fn tag(&self) -> Option<EntityTag<'_>> {
        EntityTag::strong(&self.0)
    }

    /// The tag as a field value, quotes included.
    #[must_use]
    pub fn quoted(&self) -> Vec<u8> {
        [b"\"", &*self.0, b"\""].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::{FieldValue, StrongTag};

    #[test]
    fn a_value_never_breaks_a_header() {
        for bad in [&b"a\r\nset-cookie: x"[..], b"a\nb", b"a\0", b"\x7f"] {
            assert!(FieldValue::new(bad).is_err(), "{bad:?}");
        }
        assert_eq!(FieldValue::new(b" \xff ").unwrap().as_bytes(), b"\xff");
        assert_eq!(FieldValue::from(7_u64).to_str(), Some("7"));
    }

    #[test]
    fn only_strong_tags_are_kept() {
        assert_eq!(StrongTag::parse(b"\"a\"").unwrap().quoted(), b"\"a\"");
        assert_eq!(StrongTag::parse(b"W/\"a\""), None);
        assert_eq!(StrongTag::parse(b"a"), None);
    }
}
