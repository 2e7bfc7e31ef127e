//! CloudFront's base64: the standard alphabet and padding with `+`, `=`, `/` written as `-`, `_`, `~`.
//!
//! It is not base64url: `_` is the padding and `~` the 63rd value. Decoding is canonical: one text per byte string, so
//! no second spelling of a signature or a policy is accepted. `+`, `/` and `=` themselves are refused.

use base64::Engine as _;
use base64::alphabet::{Alphabet, Symbol};
use base64::engine::general_purpose::{GeneralPurpose, PAD};

static CLOUDFRONT: GeneralPurpose = GeneralPurpose::new(
    &{
        let Some(padding) = Symbol::new(b'_') else {
            panic!("`_` is printable");
        };
        let symbols = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-~";
        let Ok(alphabet) = Alphabet::new_with_padding(symbols, padding) else {
            panic!("64 distinct symbols without the padding");
        };
        alphabet
    },
    PAD,
);

/// Decodes CloudFront's base64, or nothing if the text is not exactly what an encoder writes.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    CLOUDFRONT.decode(text).ok()
}

/// Encodes bytes as CloudFront's base64.
#[cfg(feature = "sign")]
pub(crate) fn encode(bytes: &[u8]) -> String {
    CLOUDFRONT.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_one_spelling_an_encoder_writes_is_decoded() {
        #[track_caller]
        fn check(text: &str, expected: Option<&[u8]>) {
            assert_eq!(decode(text).as_deref(), expected, "{text:?}");
        }
        check("", Some(b""));
        check("-~~-", Some(&[0xfb, 0xff, 0xfe]));
        check("YQ__", Some(b"a"));
        check("YWI_", Some(b"ab"));
        check("YQ", None); // padding left out
        check("YQ==", None); // standard padding
        check("+//+", None); // standard alphabet
        check("YR__", None); // spare bits set
        check("YQ__YQ__", None); // padding inside
        check("YQ__\n", None);
        check(" YQ__", None);
        check("Y%5F", None);
    }
}
