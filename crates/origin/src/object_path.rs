//! The one canonical path: what the behavior match, the policy and the object key are all taken from.
//!
//! CloudFront matches behaviors and keys its cache on the path as it was sent, and an object store reads the decoded one.
//! If two spellings of one key were accepted, a request could be governed by one behavior and be given the objects of
//! another. So exactly one spelling of every path is accepted, and nothing is repaired.

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use portcullis_release_manifest::VersionedKey;
use std::borrow::Cow;
use std::fmt;
use unicode_normalization::is_nfc;

/// CloudFront's limit for a URL, in bytes.
pub const PATH_BYTES_MAX: usize = 8_192;

/// S3's limit for a key, in bytes.
pub const KEY_BYTES_MAX: usize = 1_024;

/// Everything but the unreserved characters, the sub-delimiters, `:`, `@` and `/` (RFC 3986 §3.3) is percent-encoded.
const ENCODED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// A parsed path.
///
/// - Begins with `/`; at most [`PATH_BYTES_MAX`] bytes as sent.
/// - As sent it is the canonical spelling: characters that need no percent-encoding have none, all others have it, in
///   upper-case hexadecimal.
/// - Decoded it is UTF-8 in NFC without control characters, `\`, `%` or an encoded `/`.
/// - No segment is `.` or `..`; none but the last is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectPath<'a> {
    sent: Cow<'a, str>,
    decoded: Cow<'a, str>,
}

/// Why a path was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// It does not begin with `/`.
    #[error("the path does not begin with `/`")]
    NotAbsolute,
    /// It is longer than [`PATH_BYTES_MAX`].
    #[error("the path is longer than {PATH_BYTES_MAX} bytes")]
    TooLong,
    /// It holds a byte that must be percent-encoded.
    #[error("the path holds a byte that must be percent-encoded")]
    RawByte,
    /// A `%` is not followed by two hexadecimal digits.
    #[error("a `%` is not followed by two hexadecimal digits")]
    MalformedEscape,
    /// A decoded byte may not be in a path: a control character, `\`, `/` or `%`.
    #[error("the path encodes a byte that may not be in a path")]
    ForbiddenByte,
    /// The decoded path is not UTF-8.
    #[error("the decoded path is not UTF-8")]
    NotUtf8,
    /// The decoded path is not in Unicode normalization form C.
    #[error("the decoded path is not in Unicode normalization form C")]
    NotNfc,
    /// A character is percent-encoded that needs no encoding, or in lower-case hexadecimal.
    #[error("the path is not in its canonical spelling")]
    NotCanonical,
    /// A segment is `.` or `..`.
    #[error("the path has a dot segment")]
    DotSegment,
    /// A segment other than the last is empty.
    #[error("the path has an empty segment")]
    EmptySegment,
}

impl<'a> ObjectPath<'a> {
    /// Parses a path as it was sent, without its query.
    ///
    /// # Errors
    /// Every departure from the canonical spelling is refused; nothing is repaired.
    pub fn parse(sent: &'a str) -> Result<Self, PathError> {
        if !sent.starts_with('/') {
            return Err(PathError::NotAbsolute);
        }
        if sent.len() > PATH_BYTES_MAX {
            return Err(PathError::TooLong);
        }
        let decoded = if sent.contains('%') {
            decode(sent)?
        } else {
            plain(sent)?
        };
        segments(&decoded)?;
        Ok(Self {
            sent: Cow::Borrowed(sent),
            decoded,
        })
    }

    /// The path of a decoded text, in its canonical spelling.
    ///
    /// # Errors
    /// The text is no path.
    pub fn of_decoded(decoded: &str) -> Result<ObjectPath<'static>, PathError> {
        let sent = utf8_percent_encode(decoded, ENCODED).to_string();
        let parsed = ObjectPath::parse(&sent)?;
        Ok(ObjectPath {
            decoded: Cow::Owned(parsed.decoded.into_owned()),
            sent: Cow::Owned(sent),
        })
    }

    /// The path as it was sent: what behaviors are matched on, as CloudFront does.
    #[must_use]
    pub fn sent(&self) -> &str {
        &self.sent
    }

    /// The decoded path: what the object key is made of.
    #[must_use]
    pub fn decoded(&self) -> &str {
        &self.decoded
    }

    /// Whether it names a directory: its last segment is empty.
    #[must_use]
    pub fn is_directory(&self) -> bool {
        self.sent.ends_with('/')
    }

    /// The last segment, decoded; empty for a directory.
    #[must_use]
    pub fn file_name(&self) -> &str {
        self.decoded.rsplit('/').next().unwrap_or_default()
    }

    /// The path with `suffix` appended (an index document, `.html`), parsed again like any other.
    ///
    /// # Errors
    /// The result is no path.
    pub fn with_suffix(&self, suffix: &str) -> Result<ObjectPath<'static>, PathError> {
        ObjectPath::of_decoded(&format!("{}{suffix}", self.decoded))
    }

    /// The key of the object: `prefix` and the path without its leading `/`. `None` if no store can hold it.
    #[must_use]
    pub fn key(&self, prefix: &portcullis_site::KeyPrefix) -> Option<ObjectKey> {
        let path = self.decoded.strip_prefix('/')?;
        ObjectKey::checked(format!("{}{path}", prefix.as_str()))
    }

    /// The same path, owned.
    #[must_use]
    pub fn into_owned(self) -> ObjectPath<'static> {
        ObjectPath {
            sent: Cow::Owned(self.sent.into_owned()),
            decoded: Cow::Owned(self.decoded.into_owned()),
        }
    }
}

/// The key of an object.
///
/// - 1 to [`KEY_BYTES_MAX`] bytes; made from a parsed path and a configured prefix, or by a release, only.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey(String);

impl ObjectKey {
    fn checked(key: String) -> Option<Self> {
        (1..=KEY_BYTES_MAX)
            .contains(&key.len())
            .then_some(Self(key))
    }

    /// The key of an object of a release, which its manifest names. It is far from too long.
    #[must_use]
    pub fn of_release(key: &VersionedKey) -> Self {
        Self(key.as_str().to_owned())
    }

    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The key of a precompressed variant beside this object: `.br`, `.zst` or `.gz` appended. `None` if it is too long.
    #[must_use]
    pub fn variant(&self, extension: &'static str) -> Option<Self> {
        Self::checked(format!("{}.{extension}", self.0))
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn plain(sent: &str) -> Result<Cow<'_, str>, PathError> {
    if let Some(byte) = sent.bytes().find(|b| !may_stand_raw(*b)) {
        // A backslash is refused in every spelling; say so rather than ask for an encoding that is refused as well.
        return Err(if byte == b'\\' {
            PathError::ForbiddenByte
        } else {
            PathError::RawByte
        });
    }
    Ok(Cow::Borrowed(sent))
}

fn decode(sent: &str) -> Result<Cow<'_, str>, PathError> {
    let mut rest = sent.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            plain_byte(byte)?;
            continue;
        }
        let (Some(high), Some(low)) = (rest.next().and_then(hex), rest.next().and_then(hex)) else {
            return Err(PathError::MalformedEscape);
        };
        let value = high.0 * 16 + low.0;
        if value < 0x20 || matches!(value, 0x7F | b'\\' | b'/' | b'%') {
            return Err(PathError::ForbiddenByte);
        }
        if high.1 || low.1 || may_stand_raw(value) {
            return Err(PathError::NotCanonical);
        }
    }
    let decoded = percent_decode_str(sent)
        .decode_utf8()
        .map_err(|_| PathError::NotUtf8)?;
    if decoded.chars().any(char::is_control) {
        return Err(PathError::ForbiddenByte);
    }
    if is_nfc(&decoded) {
        Ok(decoded)
    } else {
        Err(PathError::NotNfc)
    }
}

fn plain_byte(byte: u8) -> Result<(), PathError> {
    match byte {
        b'\\' => Err(PathError::ForbiddenByte),
        other if may_stand_raw(other) => Ok(()),
        _ => Err(PathError::RawByte),
    }
}

/// RFC 3986 §3.3: `pchar` without the percent sign, and `/`.
fn may_stand_raw(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/".contains(&byte)
}

/// The value of a hexadecimal digit, and whether it is a lower-case letter.
fn hex(digit: u8) -> Option<(u8, bool)> {
    match digit {
        b'0'..=b'9' => Some((digit - b'0', false)),
        b'A'..=b'F' => Some((digit - b'A' + 10, false)),
        b'a'..=b'f' => Some((digit - b'a' + 10, true)),
        _ => None,
    }
}

fn segments(decoded: &str) -> Result<(), PathError> {
    let mut segments = decoded.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        match segment {
            "." | ".." => return Err(PathError::DotSegment),
            "" if segments.peek().is_some() => return Err(PathError::EmptySegment),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{KEY_BYTES_MAX, ObjectPath, PathError};
    use portcullis_site::KeyPrefix;

    #[track_caller]
    fn check(sent: &str, expected: Result<&str, PathError>) {
        let path = ObjectPath::parse(sent);
        assert_eq!(
            path.as_ref().map(ObjectPath::decoded),
            expected.as_ref().map(|s| *s),
            "{sent:?}"
        );
        if let Ok(path) = path {
            assert_eq!(
                ObjectPath::of_decoded(path.decoded()).unwrap().sent(),
                sent,
                "there is one spelling"
            );
        }
    }

    #[test]
    fn the_canonical_spelling_is_accepted() {
        for plain in ["/", "/a", "/a/", "/a/b.c", "/~user/a+b@c=d;e,f:(g)!*'$&"] {
            check(plain, Ok(plain));
        }
        check("/%C3%A9t%C3%A9", Ok("/été"));
        check("/a%20b", Ok("/a b"));
        check("/a%3Fb%23c", Ok("/a?b#c"));
    }

    #[test]
    fn every_other_spelling_is_refused() {
        use PathError::{
            DotSegment, EmptySegment, ForbiddenByte, MalformedEscape, NotAbsolute, NotCanonical,
            NotNfc, NotUtf8, RawByte,
        };
        for (sent, why) in [
            ("", NotAbsolute),
            ("a", NotAbsolute),
            ("http://h/a", NotAbsolute),
            ("/%70artners/x", NotCanonical),
            ("/%c3%a9", NotCanonical),
            ("/a%2Bb", NotCanonical),
            ("/..", DotSegment),
            ("/a/../b", DotSegment),
            ("/a/.", DotSegment),
            ("/%2e%2e/a", NotCanonical),
            ("/%2E%2E/a", NotCanonical),
            ("/..%2fa", ForbiddenByte),
            ("/..%5Ca", ForbiddenByte),
            ("/..\\a", ForbiddenByte),
            ("//a", EmptySegment),
            ("/a//b", EmptySegment),
            ("/a//", EmptySegment),
            ("/%", MalformedEscape),
            ("/%4", MalformedEscape),
            ("/%zz", MalformedEscape),
            ("/%252e", ForbiddenByte),
            ("/%00", ForbiddenByte),
            ("/%0d%0a", ForbiddenByte),
            ("/%7F", ForbiddenByte),
            ("/%C2%85", ForbiddenByte),
            ("/%C0%AF", NotUtf8),
            ("/%ED%A0%80", NotUtf8),
            ("/e%CC%81", NotNfc),
            ("/a b", RawByte),
            ("/a\tb", RawByte),
            ("/é", RawByte),
            ("/a\"b", RawByte),
        ] {
            check(sent, Err(why));
        }
        check(&format!("/{}", "a".repeat(8_192)), Err(PathError::TooLong));
    }

    #[test]
    fn a_key_has_at_most_1024_bytes_with_its_prefix() {
        let prefix = KeyPrefix::new("public/").unwrap();
        let key = |name: &str| {
            ObjectPath::of_decoded(&format!("/{name}"))
                .unwrap()
                .key(&prefix)
        };
        let room = KEY_BYTES_MAX - "public/".len();
        assert_eq!(
            key(&"a".repeat(room)).unwrap().as_str().len(),
            KEY_BYTES_MAX
        );
        assert!(key(&"a".repeat(room + 1)).is_none());
        assert!(key(&"é".repeat(room / 2)).is_some());
        assert!(key(&"é".repeat(room / 2 + 1)).is_none());
        assert!(
            ObjectPath::parse("/")
                .unwrap()
                .key(&KeyPrefix::new("").unwrap())
                .is_none()
        );
    }
}
