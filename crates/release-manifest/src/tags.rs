//! The cache tags of an answer, as the gateway writes them and an invalidation names them.
//!
//! Always holds: a tag has no comma, no space and at most [`TAG_BYTES_MAX`] bytes; a header has at most [`TAGS_MAX`] of them.

use crate::key::{Digest, ReleaseId};

/// The header that holds them; the distribution names the same one (`CacheTagConfig`).
pub const HEADER: &str = "cache-tag";
/// The most tags of one answer; what CloudFront counts.
pub const TAGS_MAX: usize = 100;
/// The longest tag, in bytes; what CloudFront counts.
pub const TAG_BYTES_MAX: usize = 256;

/// The tag of all answers from a release: the first 16 digits of its id.
#[must_use]
pub fn of_release(release: &ReleaseId) -> String {
    format!("release:{:.16}", release.to_string())
}

/// The tag of all files of a class, by its number in the site's list.
#[must_use]
pub fn of_class(class: u8) -> String {
    format!("class:{class}")
}

/// The tag of a path as it is sent, percent-encoded, with its first slash. A path that no tag can hold is named by its digest.
#[must_use]
pub fn of_path(path: &str) -> String {
    let tag = format!("path:{path}");
    if tag.len() <= TAG_BYTES_MAX && tag.bytes().all(|b| (0x21..0x7F).contains(&b) && b != b',') {
        tag
    } else {
        format!("path-digest:{}", Digest::of(path.as_bytes()))
    }
}

/// The value of the header for these tags. What is too long or too much is left out, the first ones stay.
#[must_use]
pub fn value<'a>(tags: impl IntoIterator<Item = &'a str>) -> String {
    let fitting = tags
        .into_iter()
        .filter(|tag| (1..=TAG_BYTES_MAX).contains(&tag.len()));
    fitting.take(TAGS_MAX).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::{TAG_BYTES_MAX, TAGS_MAX, of_path, value};

    #[test]
    fn tags_stay_within_what_counts() {
        assert_eq!(of_path("/a/b.html"), "path:/a/b.html");
        for odd in ["/a,b", &format!("/{}", "a".repeat(TAG_BYTES_MAX))] {
            let tag = of_path(odd);
            assert!(
                tag.starts_with("path-digest:") && tag.len() <= TAG_BYTES_MAX,
                "{tag}"
            );
        }
        let many = vec!["t"; TAGS_MAX + 1];
        assert_eq!(value(many).split(',').count(), TAGS_MAX);
        let long = "l".repeat(TAG_BYTES_MAX + 1);
        assert_eq!(value(["a", "", &long, "b"]), "a,b");
    }
}
