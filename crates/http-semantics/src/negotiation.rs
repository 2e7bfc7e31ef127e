//! Content codings: which of the available ones a request prefers (RFC 9110 §12.5.3).
//!
//! A coding the client gave weight zero is never chosen. Among equal weights the order is the server's: br, zstd, gzip,
//! identity. An element that cannot be read counts as not sent; a field with more than [`CODINGS_MAX`] elements asks for
//! no coding at all, since the part that was not read might have refused one.

use crate::field::{is_token, list, split_outside_quotes};

/// The most elements of an `Accept-Encoding` field that are read.
pub const CODINGS_MAX: usize = 32;

/// A content coding a representation can be stored in. The order is the server's preference, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Coding {
    /// `br`: Brotli (RFC 7932).
    Br,
    /// `zstd`: Zstandard (RFC 8878).
    Zstd,
    /// `gzip` (RFC 1952), also called `x-gzip`.
    Gzip,
    /// `identity`: no coding.
    Identity,
}

impl Coding {
    /// The name in `Content-Encoding`. `identity` is never written there: the field is left out (RFC 9110 §8.4).
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Br => "br",
            Self::Zstd => "zstd",
            Self::Gzip => "gzip",
            Self::Identity => "identity",
        }
    }

    /// Whether `name` is this coding; names are case-insensitive (RFC 9110 §8.4.1).
    #[must_use]
    pub fn is_named(self, name: &[u8]) -> bool {
        name.eq_ignore_ascii_case(self.name().as_bytes())
            // RFC 9110 §8.4.1.3: x-gzip is gzip.
            || (self == Self::Gzip && name.eq_ignore_ascii_case(b"x-gzip"))
    }
}

/// A weight, `q`, in thousandths: 0 (not acceptable) to 1000 (RFC 9110 §12.4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Weight(u16);

impl Weight {
    /// "Not acceptable".
    pub const NONE: Self = Self(0);
    /// The weight of an element that names none.
    pub const FULL: Self = Self(1000);

    /// The weight in thousandths.
    #[must_use]
    pub fn thousandths(self) -> u16 {
        self.0
    }

    /// Reads `0`, `1`, or either with up to three decimals; nothing above one.
    fn parse(text: &[u8]) -> Option<Self> {
        let (whole, decimals) = match text {
            [whole] => (whole, &[][..]),
            [whole, b'.', decimals @ ..] if decimals.len() <= 3 => (whole, decimals),
            _ => return None,
        };
        let mut sum = match whole {
            b'0' => 0,
            b'1' => 1000,
            _ => return None,
        };
        for (decimal, unit) in decimals.iter().zip([100, 10, 1]) {
            if !decimal.is_ascii_digit() {
                return None;
            }
            sum += u16::from(decimal - b'0') * unit;
        }
        (sum <= 1000).then_some(Self(sum))
    }
}

/// The readable elements of a weighted list such as `Accept-Encoding`, in order: a token or `*`, and its weight.
pub fn weighted(value: &[u8]) -> impl Iterator<Item = (&[u8], Weight)> {
    list(value).filter_map(|element| {
        let mut parts = split_outside_quotes(element, b';');
        let name = parts.next().filter(|name| is_token(name))?;
        let weight = match parts.next() {
            None => Weight::FULL,
            Some([b'q' | b'Q', b'=', text @ ..]) => Weight::parse(text)?,
            Some(_) => return None,
        };
        parts.next().is_none().then_some((name, weight))
    })
}

/// The coding to answer with, out of the `available` ones; `None` when the request accepts none of them.
///
/// Without the field any coding is acceptable, and identity is taken if it can be had: what a client did not ask for it
/// may not be able to read. An empty field asks for no coding.
#[must_use]
pub fn preferred(accept_encoding: Option<&[u8]>, available: &[Coding]) -> Option<Coding> {
    let Some(value) = accept_encoding else {
        return available
            .iter()
            .copied()
            .find(|&c| c == Coding::Identity)
            .or_else(|| available.iter().copied().min());
    };
    let value = if list(value).nth(CODINGS_MAX).is_some() {
        &[]
    } else {
        value
    };
    available
        .iter()
        .filter_map(|&coding| Some((acceptance(coding, value)?, std::cmp::Reverse(coding))))
        .max()
        .map(|(_, std::cmp::Reverse(coding))| coding)
}

/// How much a request wants a coding; `None` when it must not be sent.
fn acceptance(coding: Coding, value: &[u8]) -> Option<Weight> {
    // A coding named twice has the lower weight: what was refused once is not sent.
    let named = weighted(value)
        .filter(|(name, _)| coding.is_named(name))
        .map(|(_, weight)| weight)
        .min();
    let any = || {
        weighted(value)
            .filter(|(name, _)| *name == b"*")
            .map(|(_, weight)| weight)
            .min()
    };
    match named.or_else(any) {
        Some(Weight::NONE) => None,
        Some(weight) => Some(weight),
        // RFC 9110 §12.5.3: no coding at all is acceptable unless excluded, and ranks below all that was asked for.
        None if coding == Coding::Identity => Some(Weight::NONE),
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::Coding::{self, Br, Gzip, Identity, Zstd};
    use super::{CODINGS_MAX, preferred, weighted};
    use proptest::prelude::*;

    const ALL: &[Coding] = &[Identity, Gzip, Zstd, Br];

    #[track_caller]
    fn check(accept: &str, available: &[Coding], expected: Option<Coding>) {
        assert_eq!(
            preferred(Some(accept.as_bytes()), available),
            expected,
            "{accept:?} of {available:?}"
        );
    }

    #[test]
    fn the_server_orders_equal_weights() {
        check("gzip, deflate, br, zstd", ALL, Some(Br));
        check("gzip, zstd", ALL, Some(Zstd));
        check("gzip", ALL, Some(Gzip));
        check("gzip, br", &[Identity, Gzip], Some(Gzip));
        check("*", ALL, Some(Br));
        check("identity, gzip", ALL, Some(Gzip));
    }

    #[test]
    fn rfc9110_12_4_2_weights_decide_first() {
        check("br;q=0.5, gzip;q=0.8", ALL, Some(Gzip));
        check("br;q=0.001, gzip;q=0", ALL, Some(Br));
        check("gzip;q=0.5, identity", ALL, Some(Identity));
        check("gzip;q=1.000, br;q=0.999", ALL, Some(Gzip));
        check("br ; Q=0.5 , gzip", ALL, Some(Gzip));
    }

    #[test]
    fn rfc9110_12_5_3_identity_is_acceptable_unless_excluded() {
        check("", ALL, Some(Identity));
        check("deflate", ALL, Some(Identity));
        check("gzip;q=0.1", &[Identity, Gzip], Some(Gzip));
        check("br", &[Gzip], None);
        check("identity;q=0", &[Identity], None);
        check("identity;q=0, gzip", ALL, Some(Gzip));
        check("*;q=0", ALL, None);
        check("*;q=0, identity", ALL, Some(Identity));
        check("*;q=0, gzip;q=0.1", ALL, Some(Gzip));
        check("br;q=0, *", ALL, Some(Zstd));
        check("gzip;q=0.2, *;q=0.3", &[Identity, Gzip], Some(Identity));
    }

    #[test]
    fn without_the_field_the_plain_form_is_sent() {
        assert_eq!(preferred(None, ALL), Some(Identity));
        assert_eq!(preferred(None, &[Gzip, Br]), Some(Br));
        assert_eq!(preferred(None, &[]), None);
    }

    #[test]
    fn names_have_one_spelling_in_any_case() {
        check("GZIP", ALL, Some(Gzip));
        check("x-gzip", ALL, Some(Gzip));
        check("brotli", ALL, Some(Identity));
    }

    #[test]
    fn an_element_that_cannot_be_read_counts_as_not_sent() {
        for bad in [
            "br;q=2",
            "br;q=0.1234",
            "br;q=",
            "br;q=-1",
            "br;q=1.5",
            "br;q=a",
            "br;level=9",
            "br;q=1;x",
            "b r",
            ";q=1",
            "br=1",
        ] {
            check(bad, ALL, Some(Identity));
        }
        check("br;q=junk, gzip", ALL, Some(Gzip));
    }

    #[test]
    fn a_coding_refused_once_is_refused() {
        check("gzip;q=0, gzip;q=1", ALL, Some(Identity));
    }

    #[test]
    fn a_field_beyond_the_limit_asks_for_nothing() {
        let many = |count: usize| vec!["br"; count].join(",");
        check(&many(CODINGS_MAX), ALL, Some(Br));
        check(&many(CODINGS_MAX + 1), ALL, Some(Identity));
    }

    proptest! {
        #[test]
        fn what_is_chosen_is_available_and_not_refused(
            field in proptest::option::of("(br|gzip|zstd|identity|\\*|x)(;q=(0|0\\.5|1|9))?(, (br|gzip|zstd|identity|\\*)(;q=(0|0\\.5|1))?){0,5}"),
            available in proptest::sample::subsequence(ALL, 0..=4),
        ) {
            let field = field.as_deref().map(str::as_bytes);
            if let Some(chosen) = preferred(field, &available) {
                prop_assert!(available.contains(&chosen));
                let refused = weighted(field.unwrap_or_default())
                    .any(|(name, weight)| chosen.is_named(name) && weight.thousandths() == 0);
                prop_assert!(!refused);
            }
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = preferred(Some(&bytes), ALL);
        }
    }
}
