//! What the head of an answer says: the object's metadata, and which of its bytes follow.

use super::body::S3Body;
use aws_smithy_runtime_api::http::Headers;
use aws_smithy_types::body::SdkBody;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http_body_util::BodyExt as _;
use portcullis_http_semantics::HttpDate;
use portcullis_origin::field::StrongTag;
use portcullis_origin::store::{
    Fetched, Metadata, Object, RawMetadata, Selection, StoreError, Want,
};

/// The head of an answer, as it came.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) status: u16,
    pub(super) headers: Headers,
}

/// The answer with this head and body to `want`.
pub(super) fn fetched(head: &Head, body: SdkBody, want: &Want) -> Result<Fetched, StoreError> {
    let length = content_length(&head.headers)?;
    let mut metadata = said_of_object(&head.headers)?;
    let sent = match head.status {
        200 => {
            metadata.size = length;
            None
        }
        206 => {
            let (first, last, size) = content_range(&head.headers)?;
            metadata.size = size;
            Some((first, last))
        }
        status => return Err(senseless(&format!("status {status}"))),
    };
    let part = match want.select(&metadata) {
        Selection::Changed => return Ok(Fetched::Changed),
        Selection::NotModified => return Ok(Fetched::NotModified(metadata)),
        Selection::Unsatisfiable if sent.is_some() => {
            return Err(senseless("a part of an object that has none such"));
        }
        Selection::Unsatisfiable => {
            let size = Some(metadata.size);
            return Ok(Fetched::Unsatisfiable { size });
        }
        Selection::Whole => None,
        Selection::Part(part) => Some(part),
    };
    let part = match (sent, part) {
        // RFC 9110 §14.2: a server may send the whole in answer to a range.
        (None, _) => None,
        (Some(sent), Some(part)) if sent == (part.first(), part.last()) && length == part.len() => {
            Some(part)
        }
        (Some(_), _) => return Err(senseless("another part than the wanted one")),
    };
    let body = S3Body::new(body, length).boxed_unsync();
    Ok(Object { metadata, body }.fetched(part))
}

/// The metadata of the whole object that an answer to a HEAD request has.
pub(super) fn described(head: &Head) -> Result<Metadata, StoreError> {
    let size = content_length(&head.headers)?;
    Ok(Metadata {
        size,
        ..said_of_object(&head.headers)?
    })
}

/// What is said of the object; its size excepted, which other headers say in other answers.
pub(super) fn said_of(headers: &Headers) -> Metadata {
    let value = |name: &str| headers.get_bytes(name).map(<[u8]>::to_vec);
    let mut metadata = Metadata {
        etag: headers.get_bytes("etag").and_then(StrongTag::parse),
        last_modified: last_modified(headers),
        sha256: sha256(headers),
        ..Metadata::default()
    };
    metadata.describe(&RawMetadata {
        content_type: value("content-type"),
        content_encoding: value("content-encoding"),
        content_language: value("content-language"),
        content_disposition: value("content-disposition"),
        cache_control: value("cache-control"),
        expires: value("expires"),
    });
    metadata
}

/// As [`said_of`], in an answer that claims to be the object. S3 tags every object: what has no tag comes from something
/// else that answers in its place, a login page or an error page for instance.
fn said_of_object(headers: &Headers) -> Result<Metadata, StoreError> {
    let metadata = said_of(headers);
    if metadata.etag.is_none() {
        return Err(senseless("no entity tag"));
    }
    Ok(metadata)
}

fn last_modified(headers: &Headers) -> Option<u64> {
    let date = headers
        .get_bytes("last-modified")
        .and_then(HttpDate::parse)?;
    Some(date.epoch_seconds())
}

/// The SHA-256 of the whole object. That of an object uploaded in parts is one of the parts' checksums and ends in `-N`.
fn sha256(headers: &Headers) -> Option<[u8; 32]> {
    let value = headers.get("x-amz-checksum-sha256")?;
    BASE64_STANDARD.decode(value).ok()?.try_into().ok()
}

fn content_length(headers: &Headers) -> Result<u64, StoreError> {
    let length = headers.get("content-length").and_then(number);
    length.ok_or_else(|| senseless("no length"))
}

/// `bytes FIRST-LAST/SIZE` (RFC 9110 §14.4).
fn content_range(headers: &Headers) -> Result<(u64, u64, u64), StoreError> {
    let parse = |value: &str| {
        let (part, size) = value.strip_prefix("bytes ")?.split_once('/')?;
        let (first, last) = part.split_once('-')?;
        Some((number(first)?, number(last)?, number(size)?))
    };
    let range = headers.get("content-range").and_then(parse);
    range.ok_or_else(|| senseless("a part without its place"))
}

/// The size in `bytes */SIZE` (RFC 9110 §14.4).
pub(super) fn unsatisfied_size(headers: &Headers) -> Option<u64> {
    headers
        .get("content-range")
        .and_then(|value| number(value.strip_prefix("bytes */")?))
}

fn number(digits: &str) -> Option<u64> {
    let is_number = digits.bytes().all(|b| b.is_ascii_digit());
    is_number.then(|| digits.parse().ok()).flatten()
}

fn senseless(what: &str) -> StoreError {
    StoreError::Malformed(format!("s3:GetObject: {what}"))
}
