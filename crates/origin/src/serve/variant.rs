//! Precompressed variants: the objects beside an object that hold the same content in a coding.
//!
//! Always holds: a coding the client refuses is never chosen; a variant that another behavior governs is not looked for.

use super::Target;
use super::media_type;
use crate::object_path::{ObjectKey, ObjectPath};
use portcullis_http_semantics::{Coding, preferred};
use portcullis_site::KeyPrefix;

/// What a variant appends to the name of its object.
fn suffix(coding: Coding) -> &'static str {
    match coding {
        Coding::Br => ".br",
        Coding::Zstd => ".zst",
        Coding::Gzip => ".gz",
        Coding::Identity => "",
    }
}

/// The codings to look for, best first; the object itself is always the last of them.
///
/// It is the last even for a client that refuses `identity`: RFC 9110 §12.5.3 lets the field be disregarded when nothing
/// acceptable is there.
pub(super) fn order(accept_encoding: Option<&str>, path: &ObjectPath<'_>) -> Vec<Coding> {
    let compressible =
        media_type::by_name(path.file_name()).is_some_and(|t| media_type::is_compressible(&t));
    let mut left = vec![Coding::Br, Coding::Zstd, Coding::Gzip, Coding::Identity];
    let mut order = Vec::with_capacity(left.len());
    while compressible && let Some(next) = preferred(accept_encoding.map(str::as_bytes), &left) {
        if next == Coding::Identity {
            break;
        }
        left.retain(|coding| *coding != next);
        order.push(next);
    }
    order.push(Coding::Identity);
    order
}

/// The key of `path` in `coding`; `None` if no store can hold it or another behavior governs it.
pub(super) fn key(
    target: &Target<'_>,
    prefix: &KeyPrefix,
    path: &ObjectPath<'_>,
    coding: Coding,
) -> Option<ObjectKey> {
    if coding == Coding::Identity {
        return path.key(prefix);
    }
    let variant = path.with_suffix(suffix(coding)).ok()?;
    target
        .governs(&variant)
        .then(|| variant.key(prefix))
        .flatten()
}
