//! Header fields in order, kept as the text they have in an HTTP/1.1 message.
//!
//! Always holds: every name is a token and no value contains a line break or NUL, so the text of a list is always whole
//! lines and may be written to a connection as it is. Names keep their spelling and compare without regard to case.
//! One list costs two allocations, however many fields it has.

use std::fmt;

/// Fields in order.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Fields {
    text: Vec<u8>,
    spans: Vec<Span>,
}

/// Where one field lies in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    start: u32,
    name_bytes: u16,
    value_start: u32,
    value_bytes: u32,
    end: u32,
}

/// A field that cannot be sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is no header field", .name.escape_debug())]
pub struct FieldRefused {
    /// Its name. The value is not told: it may be a secret.
    pub name: String,
}

impl Fields {
    /// No fields, and room for `text_bytes` of names and values in `count` fields.
    #[must_use]
    pub fn with_capacity(count: usize, text_bytes: usize) -> Self {
        Self {
            text: Vec::with_capacity(text_bytes + count * 4),
            spans: Vec::with_capacity(count),
        }
    }

    /// Adds a field behind those of the same name.
    ///
    /// # Errors
    /// The name is no token, or the value contains CR, LF or NUL (RFC 9110 §5.1, §5.5).
    pub fn add(&mut self, name: &str, value: impl AsRef<[u8]>) -> Result<(), FieldRefused> {
        let value = value.as_ref();
        let sendable = is_token(name.as_bytes()) && !value.iter().any(|b| matches!(b, 0 | 10 | 13));
        if sendable && self.push(name.as_bytes(), value) {
            Ok(())
        } else {
            Err(FieldRefused {
                name: name.to_owned(),
            })
        }
    }

    /// Adds a field that a parser has already found to be one. Whether it has room.
    pub(crate) fn push(&mut self, name: &[u8], value: &[u8]) -> bool {
        let begin = self.text.len();
        let end = begin + name.len() + 2 + value.len() + 2;
        let (Ok(start), Ok(name_bytes), Ok(value_bytes), Ok(end)) = (
            u32::try_from(begin),
            u16::try_from(name.len()),
            u32::try_from(value.len()),
            u32::try_from(end),
        ) else {
            return false;
        };
        self.text.extend_from_slice(name);
        self.text.extend_from_slice(b": ");
        self.text.extend_from_slice(value);
        self.text.extend_from_slice(b"\r\n");
        self.spans.push(Span {
            start,
            name_bytes,
            value_start: start + u32::from(name_bytes) + 2,
            value_bytes,
            end,
        });
        true
    }

    /// The first value of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.all(name).next()
    }

    /// All values of a name.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        self.iter()
            .filter(move |(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// The fields in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.lines()
            .filter_map(|line| Some((std::str::from_utf8(line.name).ok()?, line.value)))
    }

    /// How many fields there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// Names and values together, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.text.len() - self.spans.len() * 4
    }

    /// The fields with their text.
    pub(crate) fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        self.spans.iter().filter_map(|span| {
            let start = span.start as usize;
            let name = self.text.get(start..start + usize::from(span.name_bytes))?;
            let value_start = span.value_start as usize;
            Some(Line {
                name,
                value: self
                    .text
                    .get(value_start..value_start + span.value_bytes as usize)?,
                text: self.text.get(start..span.end as usize)?,
            })
        })
    }
}

/// One field and the line it has in a message.
pub(crate) struct Line<'a> {
    pub(crate) name: &'a [u8],
    pub(crate) value: &'a [u8],
    pub(crate) text: &'a [u8],
}

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(
                self.iter()
                    .map(|(name, value)| (name, value.escape_ascii().to_string())),
            )
            .finish()
    }
}

/// RFC 9110 §5.6.2.
pub(crate) fn is_token(name: &[u8]) -> bool {
    !name.is_empty()
        && name
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte))
}

#[cfg(test)]
mod tests {
    use super::Fields;

    #[test]
    fn order_and_spelling_are_kept_and_names_compare_without_case() {
        let mut fields = Fields::default();
        for (name, value) in [("X-B", "1"), ("accept", ""), ("x-b", "2")] {
            fields.add(name, value).unwrap();
        }
        let listed: Vec<_> = fields.iter().map(|(name, _)| name).collect();
        assert_eq!(listed, ["X-B", "accept", "x-b"]);
        assert_eq!(fields.get("x-B"), Some(&b"1"[..]));
        assert_eq!(fields.all("X-b").count(), 2);
        assert_eq!(fields.get("accept"), Some(&b""[..]));
        assert_eq!(fields.bytes(), "X-B1acceptx-b2".len());
        let text: Vec<u8> = fields.lines().flat_map(|line| line.text.to_vec()).collect();
        assert_eq!(text, b"X-B: 1\r\naccept: \r\nx-b: 2\r\n");
    }

    #[test]
    fn nothing_that_ends_a_line_or_is_no_token_becomes_a_field() {
        let mut fields = Fields::default();
        for (name, value) in [
            ("", "v"),
            ("a b", "v"),
            ("a:", "v"),
            ("é", "v"),
            ("a\n", "v"),
            ("a", "v\r\nb: c"),
            ("a", "v\n"),
            ("a", "\r"),
            ("a", "\0"),
        ] {
            assert!(fields.add(name, value).is_err(), "{name:?} {value:?}");
        }
        assert!(fields.is_empty());
    }
}
