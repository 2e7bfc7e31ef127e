//! Values in fields: bytes that would break a line, and some more, are percent-encoded; `-` is nothing.

use std::borrow::Cow;

/// What stands for nothing.
pub const NOTHING: &str = "-";

fn stands(byte: u8) -> bool {
    !matches!(byte, 0..=32 | 127..) && !b"<>\"#%{}|\\^~[]`'".contains(&byte)
}

/// A value as it stands in a field.
#[must_use]
pub fn encode(raw: &[u8]) -> Cow<'_, str> {
    if raw.is_empty() {
        return Cow::Borrowed(NOTHING);
    }
    if raw.iter().all(|byte| stands(*byte))
        && let Ok(text) = std::str::from_utf8(raw)
    {
        return Cow::Borrowed(text);
    }
    let mut text = String::with_capacity(raw.len() + 16);
    for byte in raw {
        if stands(*byte) {
            text.push(char::from(*byte));
        } else {
            for digit in [byte >> 4, byte & 15] {
                let digit = char::from_digit(u32::from(digit), 16).unwrap_or('0');
                text.push(digit.to_ascii_uppercase());
            }
            let at = text.len() - 2;
            text.insert(at, '%');
        }
    }
    Cow::Owned(text)
}

/// The value of a field; nothing for `-`. An escape that is none stands for itself, and bytes that are no UTF-8 become
/// U+FFFD.
#[must_use]
pub fn decode(field: &str) -> Cow<'_, str> {
    if field == NOTHING {
        return Cow::Borrowed("");
    }
    if memchr::memchr(b'%', field.as_bytes()).is_none() {
        return Cow::Borrowed(field);
    }
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        if let (b'%', [high, low, behind @ ..]) = (first, after)
            && let (Some(high), Some(low)) = (hex(*high), hex(*low))
        {
            bytes.push(high << 4 | low);
            rest = behind;
        } else {
            bytes.push(*first);
        }
    }
    match String::from_utf8_lossy(&bytes) {
        Cow::Borrowed(text) => Cow::Owned(text.to_owned()),
        Cow::Owned(text) => Cow::Owned(text),
    }
}

fn hex(digit: u8) -> Option<u8> {
    let value = char::from(digit).to_digit(16)?;
    u8::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use super::{decode, encode};
    use proptest::prelude::*;

    #[test]
    fn nothing_is_a_dash() {
        assert_eq!(encode(b""), "-");
        assert_eq!(decode("-"), "");
        assert_eq!(decode("%2"), "%2");
        assert_eq!(decode("%zz%41"), "%zzA");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(text in "\\PC{1,40}") {
            prop_assume!(text != "-");
            prop_assert_eq!(decode(&encode(text.as_bytes())).into_owned(), text);
        }
    }
}
