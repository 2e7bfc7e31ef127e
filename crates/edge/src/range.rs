//! Ranges of an object that is in the cache (DG:RangeGETs).
//!
//! CloudFront answers several ranges where they ascend and do not overlap, and the whole object to whatever else it cannot
//! read, which is laxer than RFC 9110 allows a client to expect.

use crate::headers::Headers;
use bytes::{BufMut as _, Bytes, BytesMut};
use portcullis_http_semantics::field::{list, trim_ows};
use portcullis_http_semantics::{ByteRange, RangeRequest, Resolved, parse_range};

/// The most ranges of one request that are answered; more are answered with the whole object.
pub const RANGES_MAX: usize = 16;

/// What a `Range` selects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selected {
    /// All of it: there is no range, or none that can be read.
    Full,
    /// These, ascending.
    Parts(Vec<ByteRange>),
    /// Nothing that exists.
    Unsatisfiable,
}

/// What the value of `Range` selects of an object of `size` bytes.
#[must_use]
pub fn select(field: Option<&[u8]>, size: u64) -> Selected {
    let specs = match parse_range(field) {
        RangeRequest::None | RangeRequest::Invalid => return Selected::Full,
        RangeRequest::Single(spec) => vec![Some(spec.resolve(size))],
        RangeRequest::Multiple => several(field.unwrap_or_default(), size),
    };
    if specs.len() > RANGES_MAX || specs.iter().any(Option::is_none) {
        return Selected::Full;
    }
    let parts: Vec<ByteRange> = specs
        .into_iter()
        .flatten()
        .filter_map(|resolved| match resolved {
            Resolved::Satisfiable(range) => Some(range),
            Resolved::Unsatisfiable => None,
        })
        .collect();
    let ascends = parts
        .iter()
        .zip(parts.iter().skip(1))
        .all(|(one, next)| one.last() < next.first());
    match (parts.is_empty(), ascends) {
        (true, _) => Selected::Unsatisfiable,
        (false, true) => Selected::Parts(parts),
        (false, false) => Selected::Full,
    }
}

/// Each range of a list by itself.
fn several(field: &[u8], size: u64) -> Vec<Option<Resolved>> {
    let set = field
        .iter()
        .position(|&byte| byte == b'=')
        .and_then(|at| field.get(at + 1..))
        .unwrap_or_default();
    let one = |spec: &[u8]| {
        let alone = [b"bytes=".as_slice(), trim_ows(spec)].concat();
        match parse_range(Some(&alone)) {
            RangeRequest::Single(spec) => Some(spec.resolve(size)),
            RangeRequest::None | RangeRequest::Invalid | RangeRequest::Multiple => None,
        }
    };
    list(set).take(RANGES_MAX + 1).map(one).collect()
}

/// The bytes of the ranges, and the fields that describe them: one range as it is, several as `multipart/byteranges`
/// (RFC 9110 §14.6).
#[must_use]
pub fn cut(body: &Bytes, ranges: &[ByteRange], headers: &mut Headers, boundary: &str) -> Bytes {
    if let [range] = ranges {
        headers.set("Content-Range", range.content_range());
        return slice(body, *range);
    }
    let media_type = headers.get("content-type").map(<[u8]>::to_vec);
    let mut parts = BytesMut::new();
    for range in ranges {
        parts.put_slice(format!("\r\n--{boundary}\r\n").as_bytes());
        if let Some(media_type) = &media_type {
            parts.put_slice(b"Content-Type: ");
            parts.put_slice(media_type);
            parts.put_slice(b"\r\n");
        }
        parts.put_slice(format!("Content-Range: {}\r\n\r\n", range.content_range()).as_bytes());
        parts.put_slice(&slice(body, *range));
    }
    parts.put_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    headers.set(
        "Content-Type",
        format!("multipart/byteranges; boundary={boundary}"),
    );
    parts.freeze()
}

fn slice(body: &Bytes, range: ByteRange) -> Bytes {
    let within = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(body.len());
    body.slice(within(range.first())..within(range.last().saturating_add(1)))
}

/// Reads `Content-Range: bytes first-last/size`; an unknown size is no range that can be kept.
#[must_use]
pub fn content_range(value: &[u8]) -> Option<ByteRange> {
    let text = std::str::from_utf8(value).ok()?.trim();
    let (bounds, size) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = bounds.split_once('-')?;
    ByteRange::new(first.parse().ok()?, last.parse().ok()?, size.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::{Selected, content_range, cut, select};
    use crate::headers::Headers;
    use bytes::Bytes;
    use portcullis_http_semantics::ByteRange;

    #[test]
    fn what_a_range_selects_of_ten_bytes() {
        let parts = |ranges: &[(u64, u64)]| {
            let ranges = ranges
                .iter()
                .map(|&(a, b)| ByteRange::new(a, b, 10).unwrap());
            Selected::Parts(ranges.collect())
        };
        for (field, expected) in [
            ("bytes=0-1, 5-", parts(&[(0, 1), (5, 9)])),
            ("bytes=0-1,99-", parts(&[(0, 1)])),
            ("bytes=99-,100-", Selected::Unsatisfiable),
            ("bytes=0-5,3-9", Selected::Full),
            ("bytes=5-9,0-1", Selected::Full),
            ("bytes=0-1,x", Selected::Full),
            ("lines=0-1", Selected::Full),
        ] {
            assert_eq!(select(Some(field.as_bytes()), 10), expected, "{field}");
        }
        let many = format!(
            "bytes={}",
            (0..40)
                .map(|n| format!("{n}-{n}"))
                .collect::<Vec<_>>()
                .join(",")
        );
        assert_eq!(select(Some(many.as_bytes()), 100), Selected::Full);
    }

    #[test]
    fn several_ranges_are_a_multipart_body() {
        let ranges = [
            ByteRange::new(0, 0, 3).unwrap(),
            ByteRange::new(2, 2, 3).unwrap(),
        ];
        let mut headers = Headers::from_iter([("Content-Type", "text/plain")]);
        let body = cut(&Bytes::from_static(b"abc"), &ranges, &mut headers, "B");
        let expected = "\r\n--B\r\nContent-Type: text/plain\r\nContent-Range: bytes 0-0/3\r\n\r\na\
                        \r\n--B\r\nContent-Type: text/plain\r\nContent-Range: bytes 2-2/3\r\n\r\nc\r\n--B--\r\n";
        assert_eq!(std::str::from_utf8(&body).unwrap(), expected);
        assert_eq!(
            headers.get("content-type"),
            Some(&b"multipart/byteranges; boundary=B"[..])
        );
    }

    #[test]
    fn a_content_range_with_an_unknown_size_is_none() {
        assert_eq!(content_range(b"bytes 0-1/5"), ByteRange::new(0, 1, 5));
        for odd in [
            "bytes 0-1/*",
            "bytes */5",
            "bytes 3-1/5",
            "bytes 0-5/5",
            "0-1/5",
        ] {
            assert_eq!(content_range(odd.as_bytes()), None, "{odd}");
        }
    }
}
