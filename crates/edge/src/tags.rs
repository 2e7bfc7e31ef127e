//! The cache tags of a response: comma-separated in the header that the distribution names (`CacheTagConfig`).

use crate::headers::Headers;
use portcullis_http_semantics::field::list;

/// The most tags of one response that count.
pub const TAGS_MAX: usize = 100;
/// The longest tag that counts, in bytes.
pub const TAG_BYTES_MAX: usize = 256;

/// The tags of a response. What is too long, empty or not UTF-8 is no tag.
#[must_use]
pub fn of(headers: &Headers, name: &str) -> Vec<Box<str>> {
    let value = headers.joined(name, ",").unwrap_or_default();
    list(&value)
        .filter(|tag| !tag.is_empty() && tag.len() <= TAG_BYTES_MAX)
        .filter_map(|tag| std::str::from_utf8(tag).ok())
        .take(TAGS_MAX)
        .map(Box::from)
        .collect()
}
