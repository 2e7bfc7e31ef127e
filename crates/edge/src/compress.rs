//! Compression at the edge (DG:ServingCompressedFiles): when, and what it does to the answer.
//!
//! CloudFront may skip it under load; the model never does. An answer that is already coded is left alone.

use crate::accept_encoding::{AcceptEncoding, Normalized, normalize};
use crate::distribution::{Behavior, CacheSettings};
use crate::gate::HttpVersion;
use crate::headers::Headers;
use crate::key::KeyRules;
use crate::switches::{Switches, VaryOfCompression};
use bytes::Bytes;
use portcullis_http_semantics::negotiation::Coding;
use portcullis_http_semantics::{EntityTag, field};
use std::io::Write as _;

/// The smallest answer that is compressed, in bytes.
pub const BYTES_MIN: u64 = 1_000;
/// The largest answer that is compressed, in bytes.
pub const BYTES_MAX: u64 = 10_000_000;

/// Brotli's quality, of 0 to 11: fast rather than small, for an object is compressed once for each copy.
const BROTLI_QUALITY: u32 = 5;
/// The base-two logarithm of Brotli's window.
const BROTLI_WINDOW: u32 = 22;
/// How much is read at a time, in bytes.
const BUFFER_BYTES: usize = 32 << 10;

/// The media types that are compressed, sorted.
const TYPES: [&str; 48] = [
    "application/dash+xml",
    "application/eot",
    "application/font",
    "application/font-sfnt",
    "application/javascript",
    "application/json",
    "application/opentype",
    "application/otf",
    "application/pdf",
    "application/pkcs7-mime",
    "application/protobuf",
    "application/rss+xml",
    "application/truetype",
    "application/ttf",
    "application/vnd.apple.mpegurl",
    "application/vnd.mapbox-vector-tile",
    "application/vnd.ms-fontobject",
    "application/wasm",
    "application/x-font-opentype",
    "application/x-font-truetype",
    "application/x-font-ttf",
    "application/x-httpd-cgi",
    "application/x-javascript",
    "application/x-mpegurl",
    "application/x-opentype",
    "application/x-otf",
    "application/x-perl",
    "application/x-ttf",
    "application/xhtml+xml",
    "application/xml",
    "font/eot",
    "font/opentype",
    "font/otf",
    "font/ttf",
    "image/svg+xml",
    "text/css",
    "text/csv",
    "text/html",
    "text/javascript",
    "text/js",
    "text/plain",
    "text/richtext",
    "text/tab-separated-values",
    "text/x-component",
    "text/x-java-source",
    "text/x-script",
    "text/xml",
    "vnd.apple.mpegurl",
];

/// An answer of an origin, as far as compression depends on it.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    /// The status.
    pub status: u16,
    /// The fields.
    pub headers: &'a Headers,
    /// `Content-Length`, if it says one.
    pub length: Option<u64>,
}

/// The coding the edge gives an answer, if any.
#[must_use]
pub fn coding(
    behavior: &Behavior,
    accept_encoding: Option<&[u8]>,
    version: HttpVersion,
    answer: &Answer<'_>,
    switches: &Switches,
) -> Option<Coding> {
    let sized = answer
        .length
        .is_some_and(|length| (BYTES_MIN..=BYTES_MAX).contains(&length));
    let plain = answer.headers.get("content-encoding").is_none();
    let eligible = matches!(answer.status, 200 | 403 | 404) && sized && plain;
    if !behavior.compress || !eligible || !is_compressible(answer.headers) {
        return None;
    }
    let codings = KeyRules::codings_of(behavior);
    match normalize(codings, accept_encoding, version, switches.wildcard_coding) {
        // Brotli wins where both are accepted.
        AcceptEncoding::Normalized(Normalized::Brotli | Normalized::BrotliGzip) => Some(Coding::Br),
        AcceptEncoding::Normalized(Normalized::Gzip) => Some(Coding::Gzip),
        AcceptEncoding::Normalized(Normalized::Identity)
        | AcceptEncoding::Ordinary
        | AcceptEncoding::Absent => None,
    }
}

/// Whether a behavior may compress anything, so that most answers are not looked at.
#[must_use]
pub fn may_compress(behavior: &Behavior) -> bool {
    let codings = match &behavior.caching {
        CacheSettings::Policy(policy) => policy.codings.gzip || policy.codings.brotli,
        CacheSettings::Legacy(_) => true,
    };
    behavior.compress && codings && !behavior.caching.ttls().disable_caching()
}

fn is_compressible(headers: &Headers) -> bool {
    let Some(value) = headers.get("content-type") else {
        return false;
    };
    let media_type = value.split(|&byte| byte == b';').next().unwrap_or_default();
    let media_type = field::trim_ows(media_type).to_ascii_lowercase();
    std::str::from_utf8(&media_type).is_ok_and(|name| TYPES.binary_search(&name).is_ok())
}

/// A compressed answer.
#[derive(Clone, Debug)]
pub struct Compressed {
    /// The body.
    pub bytes: Bytes,
    /// The fields.
    pub headers: Headers,
}

/// Compresses a body and changes the fields accordingly. `None` when the coding is none of the edge's.
#[must_use]
pub fn compressed(
    coding: Coding,
    body: &[u8],
    headers: &Headers,
    vary: VaryOfCompression,
) -> Option<Compressed> {
    let (bytes, name) = match coding {
        Coding::Gzip => (gzip(body)?, "gzip"),
        Coding::Br => (brotli(body)?, "br"),
        _ => return None,
    };
    let mut headers = headers.clone();
    headers.set("Content-Encoding", name);
    headers.set("Content-Length", bytes.len().to_string());
    weaken(&mut headers);
    if vary == VaryOfCompression::Added && !varies_by_coding(&headers) {
        headers.add("Vary", "Accept-Encoding");
    }
    Some(Compressed {
        bytes: Bytes::from(bytes),
        headers,
    })
}

fn gzip(body: &[u8]) -> Option<Vec<u8>> {
    let level = flate2::Compression::default();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), level);
    encoder.write_all(body).ok()?;
    encoder.finish().ok()
}

fn brotli(body: &[u8]) -> Option<Vec<u8>> {
    let mut coded = Vec::new();
    let mut encoder =
        brotli::CompressorWriter::new(&mut coded, BUFFER_BYTES, BROTLI_QUALITY, BROTLI_WINDOW);
    encoder.write_all(body).ok()?;
    encoder.flush().ok()?;
    drop(encoder);
    Some(coded)
}

/// What the viewer gets of an `ETag`: weak, or none where it is no entity tag.
pub fn weaken(headers: &mut Headers) {
    let weak = headers
        .get("etag")
        .and_then(EntityTag::parse)
        .map(|tag| tag.weakened().to_field_value());
    match weak {
        Some(weak) => headers.set("ETag", weak),
        None => headers.remove("etag"),
    }
}

fn varies_by_coding(headers: &Headers) -> bool {
    headers.joined("vary", ",").is_some_and(|vary| {
        field::list(&vary).any(|name| name.eq_ignore_ascii_case(b"accept-encoding"))
    })
}

#[cfg(test)]
mod tests {
    use super::{TYPES, compressed};
    use crate::headers::Headers;
    use crate::switches::VaryOfCompression;
    use portcullis_http_semantics::negotiation::Coding;
    use std::io::Read as _;

    #[test]
    fn the_types_are_sorted() {
        assert!(TYPES.is_sorted());
    }

    #[test]
    fn what_is_compressed_unpacks_to_the_same() {
        let body = b"portcullis ".repeat(1000);
        let headers = Headers::from_iter([("ETag", "\"a\"")]);
        let vary = VaryOfCompression::Added;
        let gzip = compressed(Coding::Gzip, &body, &headers, vary).unwrap();
        let mut unpacked = Vec::new();
        flate2::read::GzDecoder::new(&gzip.bytes[..])
            .read_to_end(&mut unpacked)
            .unwrap();
        assert_eq!(unpacked, body);
        let coded = compressed(Coding::Br, &body, &headers, vary).unwrap();
        let mut unpacked = Vec::new();
        brotli::Decompressor::new(&coded.bytes[..], 4096)
            .read_to_end(&mut unpacked)
            .unwrap();
        assert_eq!(unpacked, body);
        assert_eq!(coded.headers.get("etag"), Some(&b"W/\"a\""[..]));
        assert_eq!(coded.headers.get("vary"), Some(&b"Accept-Encoding"[..]));
    }
}
