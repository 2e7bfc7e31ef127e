//! The headers of a representation: an allow-list, each value checked, each one left out counted.
//!
//! Always holds: nothing an object's metadata says can add a header that is not written here (attacks A7.3, A8.1).

use super::lifetime::Lifetime;
use super::media_type;
use crate::field::FieldValue;
use crate::response::{Body, Response};
use crate::store::{METADATA_VALUE_BYTES_MAX, Metadata};
use portcullis_http_semantics::field::list;
use portcullis_http_semantics::{Coding, HttpDate};

/// Codings an object's `Content-Encoding` may name. Others cannot be undone by a browser, or, like `aws-chunked`, are
/// left over from an upload and not true.
const CODINGS: [&[u8]; 6] = [b"br", b"zstd", b"gzip", b"x-gzip", b"deflate", b"compress"];

/// How a representation is to be presented.
pub(super) struct Presentation<'a> {
    /// The name it is asked for by, without the suffix of a variant.
    pub(super) file_name: &'a str,
    /// The coding of the variant that was chosen.
    pub(super) coding: Coding,
    /// Whether other codings might have been chosen.
    pub(super) negotiated: bool,
    /// Whether the bucket holds uploads by others.
    pub(super) uploads: bool,
}

/// The head of a 200 or 206 answer without length and lifetime, and how many values were left out.
pub(super) fn representation(
    status: u16,
    metadata: &Metadata,
    as_asked: &Presentation<'_>,
) -> (Response, u32) {
    let mut response = validators(status, metadata, as_asked.negotiated);
    let mut dropped = metadata.invalid_values;
    let stated_type = match as_asked.coding {
        Coding::Identity => kept(metadata.content_type.as_ref(), &mut dropped),
        // A variant's own type is often that of its coding, `application/gzip`.
        _ => None,
    };
    let media_type = media_type::of(stated_type.as_ref(), as_asked.file_name);
    if let Some(coding) = content_encoding(metadata, as_asked.coding, &mut dropped) {
        response.set("content-encoding", coding);
    }
    if let Some(language) = kept(metadata.content_language.as_ref(), &mut dropped) {
        response.set("content-language", language);
    }
    if as_asked.uploads && media_type::is_active(&media_type) {
        response.set(
            "content-disposition",
            const { FieldValue::literal("attachment") },
        );
        let policy = const { FieldValue::literal("sandbox; default-src 'none'") };
        response.set("content-security-policy", policy);
    } else if let Some(value) = kept(metadata.content_disposition.as_ref(), &mut dropped) {
        response.set("content-disposition", value);
    }
    response.set("content-type", media_type);
    response.set("accept-ranges", const { FieldValue::literal("bytes") });
    (response, dropped)
}

/// The head of any answer about a representation: what identifies its state, and what it was chosen by.
pub(super) fn validators(status: u16, metadata: &Metadata, negotiated: bool) -> Response {
    let mut response = Response {
        status,
        headers: Vec::with_capacity(16),
        body: Body::Empty,
    };
    if let Some(etag) = &metadata.etag {
        response.set("etag", FieldValue::from(etag));
    }
    if let Some(date) = metadata
        .last_modified
        .and_then(HttpDate::from_epoch_seconds)
    {
        response.set("last-modified", FieldValue::from(date));
    }
    if negotiated {
        response.set("vary", const { FieldValue::literal("Accept-Encoding") });
    }
    response
}

/// Writes the lifetime into an answer.
pub(super) fn set_lifetime(response: &mut Response, lifetime: &Lifetime) {
    let value = lifetime.to_field_value();
    if !value.as_bytes().is_empty() {
        response.set("cache-control", value);
    }
}

/// A value as it can be sent: text of a bounded length. Another one is counted.
pub(super) fn kept(value: Option<&FieldValue>, dropped: &mut u32) -> Option<FieldValue> {
    let value = value?;
    let fits = value.as_bytes().len() <= METADATA_VALUE_BYTES_MAX && value.to_str().is_some();
    *dropped += u32::from(!fits);
    fits.then(|| value.clone())
}

fn content_encoding(metadata: &Metadata, variant: Coding, dropped: &mut u32) -> Option<FieldValue> {
    if variant != Coding::Identity {
        return FieldValue::new(variant.name().as_bytes()).ok();
    }
    let stated = kept(metadata.content_encoding.as_ref(), dropped)?;
    let (known, other): (Vec<&[u8]>, Vec<&[u8]>) = list(stated.as_bytes())
        .filter(|coding| !coding.eq_ignore_ascii_case(b"identity"))
        .partition(|coding| {
            CODINGS
                .iter()
                .any(|known| coding.eq_ignore_ascii_case(known))
        });
    *dropped += u32::try_from(other.len()).unwrap_or(u32::MAX);
    if known.is_empty() {
        return None;
    }
    FieldValue::new(&known.join(&b", "[..])).ok()
}
