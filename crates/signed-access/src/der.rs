//! The few lines of DER a public key needs: a reader that accepts one encoding and refuses every other.
//!
//! Lengths must be minimal and integers positive and minimal; indefinite lengths and multi-byte tags do not exist here.

/// What is left to read of a DER value.
#[derive(Clone, Copy)]
pub(crate) struct Der<'a>(&'a [u8]);

pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;

impl<'a> Der<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// The contents of the next value, which must have this tag.
    pub(crate) fn value(&mut self, tag: u8) -> Option<&'a [u8]> {
        let (found, rest) = self.0.split_first()?;
        let (length, rest) = length(rest)?;
        let (contents, rest) = rest.split_at_checked(length)?;
        (*found == tag).then_some(())?;
        self.0 = rest;
        Some(contents)
    }

    /// The magnitude of the next value, a positive INTEGER, without its sign byte.
    pub(crate) fn positive_integer(&mut self) -> Option<&'a [u8]> {
        match self.value(INTEGER)? {
            [0, magnitude @ ..] => magnitude
                .first()
                .filter(|top| **top >= 0x80)
                .map(|_| magnitude),
            magnitude => magnitude
                .first()
                .filter(|top| **top < 0x80)
                .map(|_| magnitude),
        }
    }

    /// The bytes of the next value, a BIT STRING without unused bits.
    pub(crate) fn bit_string(&mut self) -> Option<&'a [u8]> {
        self.value(BIT_STRING)?
            .split_first()
            .filter(|(unused, _)| **unused == 0)
            .map(|(_, bits)| bits)
    }
}

/// A length in its shortest form, and what follows it. Two length bytes reach 65,535, more than any key here needs.
fn length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (length, shortest, rest) = match bytes {
        [0x81, low, rest @ ..] => (usize::from(*low), 0x80, rest),
        [0x82, high, low, rest @ ..] => {
            (usize::from(u16::from_be_bytes([*high, *low])), 0x100, rest)
        }
        [short, rest @ ..] if *short < 0x80 => (usize::from(*short), 0, rest),
        _ => return None,
    };
    (length >= shortest).then_some((length, rest))
}
