//! Variants of a file in other content codings, where they pay.
//!
//! Always holds: the same bytes and settings give the same variant; one is kept only if it is smaller by
//! [`GAIN_PERCENT_MIN`] and unpacks to the same bytes.

use crate::key::Digest;
pub use portcullis_release_manifest::Coding;
use std::io::{self, Read as _, Write as _};

/// The smallest file that is compressed, in bytes. Below it an answer's headers weigh more than what is saved.
const SIZE_MIN: u64 = 512;
/// The largest file that is compressed, in bytes: its bytes and its variants are in memory meanwhile.
const SIZE_MAX: u64 = 32 * 1024 * 1024;
/// Above this size Brotli's best quality takes longer than it is worth, in bytes.
const BEST_MAX: u64 = 2 * 1024 * 1024;
/// What a variant must save, in percent.
const GAIN_PERCENT_MIN: u64 = 5;

/// What is known of a variant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variant {
    /// Its coding.
    pub coding: Coding,
    /// Its size in bytes.
    pub size: u64,
    /// The SHA-256 of its bytes.
    pub sha256: Digest,
}

/// Whether files of this type and size can gain.
pub(super) fn is_compressible(content_type: &str, size: u64) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default();
    let by_type = essence.starts_with("text/")
        || essence.ends_with("+json")
        || essence.ends_with("+xml")
        || matches!(
            essence,
            "application/javascript"
                | "application/json"
                | "application/xml"
                | "application/wasm"
                | "application/vnd.ms-fontobject"
                | "application/x-font-ttf"
                | "font/ttf"
                | "font/otf"
                | "image/x-icon"
                | "image/bmp"
        );
    by_type && (SIZE_MIN..=SIZE_MAX).contains(&size)
}

/// The variant of `bytes` in `coding`, if it pays. `is_kept_long`: it will be asked for more often than it is made.
pub(super) fn variant(
    bytes: &[u8],
    coding: Coding,
    is_kept_long: bool,
) -> io::Result<Option<Vec<u8>>> {
    let packed = pack(bytes, coding, is_kept_long)?;
    let most = bytes.len() as u64 * (100 - GAIN_PERCENT_MIN) / 100;
    if packed.len() as u64 > most {
        return Ok(None);
    }
    if unpack(&packed, coding, bytes.len() as u64)? != bytes {
        return Err(io::Error::other("a compressor lost bytes"));
    }
    Ok(Some(packed))
}

fn pack(bytes: &[u8], coding: Coding, is_kept_long: bool) -> io::Result<Vec<u8>> {
    match coding {
        Coding::Brotli => {
            let is_best = is_kept_long && bytes.len() as u64 <= BEST_MAX;
            let settings = brotli::enc::BrotliEncoderParams {
                quality: if is_best { 11 } else { 5 },
                lgwin: 22,
                size_hint: bytes.len(),
                ..Default::default()
            };
            let mut packed = Vec::new();
            brotli::BrotliCompress(&mut io::Cursor::new(bytes), &mut packed, &settings)?;
            Ok(packed)
        }
        Coding::Gzip => {
            // The default header has no time and no name, so that equal bytes stay equal.
            let level = flate2::Compression::new(if is_kept_long { 9 } else { 6 });
            let mut packer = flate2::write::GzEncoder::new(Vec::new(), level);
            packer.write_all(bytes)?;
            packer.finish()
        }
        Coding::Zstd => zstd::bulk::compress(bytes, if is_kept_long { 19 } else { 6 }),
    }
}

fn unpack(packed: &[u8], coding: Coding, size: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // One byte more than there should be, so that a longer result is seen to be longer.
    let most = size + 1;
    match coding {
        Coding::Brotli => brotli::Decompressor::new(packed, 4_096)
            .take(most)
            .read_to_end(&mut bytes)?,
        Coding::Gzip => flate2::read::GzDecoder::new(packed)
            .take(most)
            .read_to_end(&mut bytes)?,
        Coding::Zstd => zstd::stream::Decoder::new(packed)?
            .take(most)
            .read_to_end(&mut bytes)?,
    };
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::{Coding, is_compressible, variant};

    #[test]
    fn text_gains_and_noise_does_not() {
        let text = "a page of text, and the same again; ".repeat(100);
        let noise: Vec<u8> = (0..100_u8)
            .flat_map(|n| crate::key::Digest::of(&[n]).as_bytes().to_owned())
            .collect();
        for coding in [Coding::Brotli, Coding::Gzip, Coding::Zstd] {
            assert_eq!(Coding::parse(coding.name()), Some(coding));
            for long in [false, true] {
                let first = variant(text.as_bytes(), coding, long).unwrap().unwrap();
                assert!(first.len() < text.len() / 10, "{coding:?}");
                assert_eq!(variant(text.as_bytes(), coding, long).unwrap(), Some(first));
                assert_eq!(variant(&noise, coding, long).unwrap(), None, "{coding:?}");
            }
        }
    }

    #[test]
    fn what_is_compressed_already_is_left_alone() {
        for (content_type, size, expected) in [
            ("text/html; charset=utf-8", 600, true),
            ("image/svg+xml", 600, true),
            ("application/wasm", 600, true),
            ("text/html", 511, false),
            ("text/html", 33 * 1024 * 1024, false),
            ("image/png", 600, false),
            ("font/woff2", 600, false),
            ("application/zip", 600, false),
            ("video/mp4", 600, false),
        ] {
            assert_eq!(
                is_compressible(content_type, size),
                expected,
                "{content_type}"
            );
        }
    }
}
