//! The normalised `Accept-Encoding` of a cache policy with gzip or Brotli enabled (DG:cache-key-understand-cache-policy).
//!
//! The normalised value is part of the cache key and replaces the viewer's header on the way to the origin.

use crate::gate::HttpVersion;
use crate::switches::WildcardCoding;
use portcullis_http_semantics::negotiation::{Coding, Weight, weighted};

/// The two switches of a cache policy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EdgeCodings {
    /// `EnableAcceptEncodingGzip`.
    pub gzip: bool,
    /// `EnableAcceptEncodingBrotli`.
    pub brotli: bool,
}

/// What becomes of the viewer's `Accept-Encoding`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AcceptEncoding {
    /// Both switches are off: it is a header like any other, forwarded and keyed where a policy lists it.
    Ordinary,
    /// It does not reach the origin and is not in the key.
    Absent,
    /// It is replaced by this.
    Normalized(Normalized),
}

/// The normalised value: which of the enabled codings the viewer takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Normalized {
    /// Neither.
    Identity,
    /// gzip.
    Gzip,
    /// Brotli.
    Brotli,
    /// Both.
    BrotliGzip,
}

impl Normalized {
    /// The value sent to the origin.
    #[must_use]
    pub fn to_origin(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Gzip => "gzip",
            Self::Brotli => "br",
            Self::BrotliGzip => "br,gzip",
        }
    }

    /// The part of the cache key, if any.
    #[must_use]
    pub fn in_key(self) -> Option<&'static str> {
        (self != Self::Identity).then(|| self.to_origin())
    }
}

/// Normalises the viewer's `Accept-Encoding`.
#[must_use]
pub fn normalize(
    enabled: EdgeCodings,
    header: Option<&[u8]>,
    version: HttpVersion,
    wildcard: WildcardCoding,
) -> AcceptEncoding {
    if !enabled.gzip && !enabled.brotli {
        return AcceptEncoding::Ordinary;
    }
    let Some(value) = header.filter(|_| version != HttpVersion::Http10) else {
        return AcceptEncoding::Absent;
    };
    let gzip = enabled.gzip && takes(value, Coding::Gzip, wildcard);
    let brotli = enabled.brotli && takes(value, Coding::Br, wildcard);
    AcceptEncoding::Normalized(match (brotli, gzip) {
        (true, true) => Normalized::BrotliGzip,
        (true, false) => Normalized::Brotli,
        (false, true) => Normalized::Gzip,
        (false, false) => Normalized::Identity,
    })
}

/// Whether the viewer takes a coding. Weight zero means that it does not; other weights do not matter.
fn takes(value: &[u8], coding: Coding, wildcard: WildcardCoding) -> bool {
    let weight_of = |is: &dyn Fn(&[u8]) -> bool| {
        weighted(value)
            .find(|(name, _)| is(name))
            .map(|(_, weight)| weight)
    };
    let named = weight_of(&|name| name.eq_ignore_ascii_case(coding.name().as_bytes()));
    let any = || match wildcard {
        WildcardCoding::Ignored => None,
        WildcardCoding::Any => weight_of(&|name| name == b"*"),
    };
    named
        .or_else(any)
        .is_some_and(|weight| weight > Weight::NONE)
}

#[cfg(test)]
mod tests {
    use super::{AcceptEncoding, EdgeCodings, Normalized, normalize};
    use crate::gate::HttpVersion;
    use crate::switches::WildcardCoding;

    #[test]
    fn the_switch_decides_what_a_star_stands_for() {
        let both = EdgeCodings {
            gzip: true,
            brotli: true,
        };
        let with = |value: &'static str, wildcard| {
            normalize(both, Some(value.as_bytes()), HttpVersion::Http11, wildcard)
        };
        assert_eq!(
            with("*", WildcardCoding::Ignored),
            AcceptEncoding::Normalized(Normalized::Identity)
        );
        assert_eq!(
            with("*", WildcardCoding::Any),
            AcceptEncoding::Normalized(Normalized::BrotliGzip)
        );
        assert_eq!(
            with("br;q=0, *", WildcardCoding::Any),
            AcceptEncoding::Normalized(Normalized::Gzip)
        );
        assert_eq!(
            with("*;q=0", WildcardCoding::Any),
            AcceptEncoding::Normalized(Normalized::Identity)
        );
    }
}
