//! Field values: what may stand in one, and how lists and parameters inside one are split.
//!
//! A [`FieldValue`] never holds CR, LF, NUL or another control character, so that writing it cannot end the line and
//! begin another field. Splitting respects quoted strings (RFC 9110 §5.6.4). Entity tags look like quoted strings but
//! know no escapes; [`crate::etag`] splits its lists itself.

/// A value that can be written into a header field as it stands (RFC 9110 §5.5).
///
/// - no CR, LF, NUL, DEL or other control character except TAB;
/// - no white space at either end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FieldValue<'a>(&'a [u8]);

/// Why bytes are no field value: the first byte that may not stand in one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForbiddenByte {
    /// The byte itself.
    pub byte: u8,
    /// Where it stands, counted in bytes from zero.
    pub offset: usize,
}

impl std::fmt::Display for ForbiddenByte {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "byte 0x{:02x} at offset {} may not stand in a field value",
            self.byte, self.offset
        )
    }
}

impl std::error::Error for ForbiddenByte {}

impl<'a> FieldValue<'a> {
    /// Accepts `bytes` as a field value, without the optional white space around them.
    ///
    /// # Errors
    /// [`ForbiddenByte`] for a control character other than TAB (RFC 9110 §5.5).
    pub fn new(bytes: &'a [u8]) -> Result<Self, ForbiddenByte> {
        match bytes.iter().position(|&byte| is_forbidden(byte)) {
            Some(offset) => Err(ForbiddenByte {
                byte: bytes.get(offset).copied().unwrap_or_default(),
                offset,
            }),
            None => Ok(Self(trim_ows(bytes))),
        }
    }

    /// The bytes, ready to be written.
    #[must_use]
    pub fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// The text, when it is UTF-8. Bytes from 0x80 are legal in a field value in any encoding.
    #[must_use]
    pub fn to_str(self) -> Option<&'a str> {
        std::str::from_utf8(self.0).ok()
    }
}

fn is_forbidden(byte: u8) -> bool {
    byte.is_ascii_control() && byte != b'\t'
}

/// Whether `bytes` is a token (RFC 9110 §5.6.2): a field name, a method, a directive.
#[must_use]
pub fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|&byte| is_tchar(byte))
}

fn is_tchar(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Removes optional white space, SP and TAB, at both ends (RFC 9110 §5.6.3).
#[must_use]
pub fn trim_ows(bytes: &[u8]) -> &[u8] {
    let Some(first) = bytes.iter().position(|&b| !is_ows(b)) else {
        return &[];
    };
    let end = bytes
        .iter()
        .rposition(|&b| !is_ows(b))
        .map_or(0, |last| last + 1);
    bytes.get(first..end).unwrap_or_default()
}

pub(crate) fn is_ows(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

/// The elements of a comma-separated list (RFC 9110 §5.6.1), trimmed; empty elements are passed over.
pub fn list(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    split_outside_quotes(value, b',').filter(|element| !element.is_empty())
}

/// The parts of `value` between separators that stand outside quoted strings, trimmed, empty parts included.
///
/// A quoted string that is never closed reaches to the end.
pub fn split_outside_quotes(value: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let mut quoting = Quoting::Outside;
    value
        .split(move |&byte| {
            quoting = quoting.after(byte);
            quoting == Quoting::Outside && byte == separator
        })
        .map(trim_ows)
}

/// Where in a quoted string a scan stands (RFC 9110 §5.6.4).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Quoting {
    Outside,
    Inside,
    /// Directly behind a backslash, which makes the next byte literal.
    Escaping,
}

impl Quoting {
    fn after(self, byte: u8) -> Self {
        match (self, byte) {
            (Self::Outside, b'"') | (Self::Escaping, _) => Self::Inside,
            (Self::Inside, b'"') | (Self::Outside, _) => Self::Outside,
            (Self::Inside, b'\\') => Self::Escaping,
            (Self::Inside, _) => Self::Inside,
        }
    }
}

/// The content of a quoted string without its quotes, escapes left as written; a bare value as it is.
///
/// `None` when a quote opens and does not close, or closes before the end.
#[must_use]
pub(crate) fn unquote(value: &[u8]) -> Option<&[u8]> {
    let Some(rest) = value.strip_prefix(b"\"") else {
        return Some(value);
    };
    rest.strip_suffix(b"\"")
        .filter(|inner| !inner.contains(&b'"'))
}

#[cfg(test)]
mod tests {
    use super::{FieldValue, ForbiddenByte, is_token, list, trim_ows, unquote};
    use proptest::prelude::*;

    #[track_caller]
    fn elements(value: &str, expected: &[&str]) {
        let found: Vec<&[u8]> = list(value.as_bytes()).collect();
        let expected: Vec<&[u8]> = expected.iter().map(|e| e.as_bytes()).collect();
        assert_eq!(found, expected, "{value:?}");
    }

    #[test]
    fn a_list_is_split_at_commas_outside_quotes() {
        elements("a, b ,\tc", &["a", "b", "c"]);
        elements(
            r#"private="x, y", max-age=1"#,
            &[r#"private="x, y""#, "max-age=1"],
        );
        elements(r#"a="\",", b"#, &[r#"a="\",""#, "b"]);
        elements(r#"a="never closed, b"#, &[r#"a="never closed, b"#]);
        // RFC 9110 §5.6.1.2: a recipient accepts empty elements.
        elements(", ,a,, b,", &["a", "b"]);
        elements("", &[]);
    }

    #[test]
    fn a_value_that_could_end_its_line_is_refused() {
        for (bytes, byte, offset) in [
            (&b"a\r\nSet-Cookie: x"[..], b'\r', 1),
            (b"a\nb", b'\n', 1),
            (b"\0", 0, 0),
            (b"a\x7f", 0x7f, 1),
            (b"\x1b[31m", 0x1b, 0),
        ] {
            assert_eq!(FieldValue::new(bytes), Err(ForbiddenByte { byte, offset }));
        }
    }

    #[test]
    fn a_value_keeps_tabs_and_high_bytes_and_loses_outer_space() {
        assert_eq!(
            FieldValue::new(b" \ta\tb ").map(FieldValue::as_bytes),
            Ok(&b"a\tb"[..])
        );
        let latin1 = FieldValue::new(b"caf\xe9").unwrap();
        assert_eq!(latin1.as_bytes(), b"caf\xe9");
        assert_eq!(latin1.to_str(), None);
        assert_eq!(
            FieldValue::new(b"  ").map(FieldValue::as_bytes),
            Ok(&b""[..])
        );
    }

    #[test]
    fn tokens() {
        assert!(is_token(b"x-origin-verify"));
        assert!(is_token(b"!#$%&'*+-.^_`|~09azAZ"));
        for not in ["", "a b", "a:b", "a\"", "a,", "\u{e9}", "(", "a/b"] {
            assert!(!is_token(not.as_bytes()), "{not:?}");
        }
    }

    #[test]
    fn quotes_come_off_only_as_a_pair() {
        assert_eq!(unquote(b"\"600\""), Some(&b"600"[..]));
        assert_eq!(unquote(b"600"), Some(&b"600"[..]));
        assert_eq!(unquote(b"\""), None);
        assert_eq!(unquote(b"\"a"), None);
        assert_eq!(unquote(b"\"a\"b\""), None);
    }

    proptest! {
        #[test]
        fn an_accepted_value_has_no_control_and_no_outer_space(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            if let Ok(value) = FieldValue::new(&bytes) {
                let value = value.as_bytes();
                prop_assert!(value.iter().all(|&b| b == b'\t' || !b.is_ascii_control()));
                prop_assert_eq!(trim_ows(value), value);
            } else {
                prop_assert!(bytes.iter().any(|&b| b != b'\t' && b.is_ascii_control()));
            }
        }

        #[test]
        fn a_list_of_tokens_comes_back(items in proptest::collection::vec("[a-z*]{1,8}", 0..8)) {
            let joined = items.join(" , ");
            let found: Vec<&[u8]> = list(joined.as_bytes()).collect();
            prop_assert_eq!(found, items.iter().map(String::as_bytes).collect::<Vec<_>>());
        }
    }
}
