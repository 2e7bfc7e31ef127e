//! Request targets: the path a behavior is chosen by, and the path the origin is asked for. They differ.
//!
//! Behaviors are matched against the normalised path; the origin receives the raw one (DG:downloaddistvaluescachebehavior).
//! So a request can be routed by a path the origin never sees, and an origin that trusts its own prefix must normalise
//! by the same rule or refuse such paths. Percent-encoded characters are left alone: whether CloudFront decodes them for
//! matching is not documented.

use std::borrow::Cow;

/// The longest default root object, in characters (DG:defaultrootobject).
pub const DEFAULT_ROOT_CHARS_MAX: usize = 255;

/// Splits a request target into its path and its query, which is without its question mark.
#[must_use]
pub fn split_target(target: &str) -> (&str, Option<&str>) {
    match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    }
}

/// The path behaviors are matched against: empty segments removed first, then dot segments (RFC 3986 §5.2.4).
///
/// The result begins with `/`. Normalising it again changes nothing.
#[must_use]
pub fn normalize_for_matching(raw_path: &str) -> Cow<'_, str> {
    let is_normal =
        raw_path.starts_with('/') && !raw_path.contains("//") && !raw_path.contains("/.");
    if is_normal {
        return Cow::Borrowed(raw_path);
    }
    let mut kept: Vec<&str> = Vec::new();
    for segment in raw_path.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(kept.pop()),
            name => kept.push(name),
        }
    }
    // What ends in a slash or a dot segment names a directory.
    let directory = matches!(raw_path.rsplit('/').next(), Some("" | "." | ".."));
    let tail = if directory && !kept.is_empty() {
        "/"
    } else {
        ""
    };
    Cow::Owned(format!("/{}{tail}", kept.join("/")))
}

/// The object served for exactly `/` (DG:defaultrootobject).
///
/// - 1 to [`DEFAULT_ROOT_CHARS_MAX`] characters;
/// - no slash at the beginning; there may be some inside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DefaultRootObject(String);

/// Why a name is no default root object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DefaultRootError {
    /// It is empty. A distribution without one leaves the setting out.
    #[error("a default root object has a name")]
    Empty,
    /// It begins with a slash, which CloudFront answers with 403.
    #[error("a default root object begins without a slash")]
    LeadingSlash,
    /// It is longer than [`DEFAULT_ROOT_CHARS_MAX`], which CloudFront answers with 400.
    #[error("a default root object has at most {DEFAULT_ROOT_CHARS_MAX} characters")]
    TooLong,
}

impl DefaultRootObject {
    /// Accepts a name.
    ///
    /// # Errors
    /// [`DefaultRootError`] says which rule it breaks.
    pub fn new(name: &str) -> Result<Self, DefaultRootError> {
        if name.is_empty() {
            Err(DefaultRootError::Empty)
        } else if name.starts_with('/') {
            Err(DefaultRootError::LeadingSlash)
        } else if name.chars().count() > DEFAULT_ROOT_CHARS_MAX {
            Err(DefaultRootError::TooLong)
        } else {
            Ok(Self(name.to_owned()))
        }
    }

    /// The name, without a slash at the beginning.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The path asked of the origin: the raw path, or the default root object when the path is exactly `/`, behind the
/// origin's own path prefix.
#[must_use]
pub fn origin_path(
    raw_path: &str,
    root: Option<&DefaultRootObject>,
    origin_prefix: &str,
) -> String {
    match root {
        Some(DefaultRootObject(name)) if raw_path == "/" => format!("{origin_prefix}/{name}"),
        _ => format!("{origin_prefix}{raw_path}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{
        DefaultRootError, DefaultRootObject, normalize_for_matching, origin_path, split_target,
    };
    use proptest::prelude::*;

    #[track_caller]
    fn check(raw: &str, normal: &str) {
        assert_eq!(normalize_for_matching(raw), normal, "{raw:?}");
    }

    #[test]
    fn empty_and_dot_segments_go() {
        check("/", "/");
        check("", "/");
        check("a", "/a");
        check("/a/", "/a/");
        check("///a////b//", "/a/b/");
        check("/a/b/..", "/a/");
        check("/a/b/../", "/a/");
        check("/a/..", "/");
        check("/..", "/");
        check("/../..//./x", "/x");
        // Empty segments go first, so the dots take away a segment that has a name.
        check("/a//../b", "/b");
    }

    #[test]
    fn dots_that_are_part_of_a_name_and_encoded_dots_stay() {
        check("/.well-known/x", "/.well-known/x");
        check("/a/...", "/a/...");
        check("/a/.hidden", "/a/.hidden");
        check("/a/%2e%2e/b", "/a/%2e%2e/b");
        check("/a%2F/b", "/a%2F/b");
    }

    #[test]
    fn the_query_is_no_part_of_the_path() {
        assert_eq!(split_target("/a?b?c"), ("/a", Some("b?c")));
        assert_eq!(split_target("/a?"), ("/a", Some("")));
        assert_eq!(split_target("/a"), ("/a", None));
    }

    #[test]
    fn the_default_root_object_is_for_the_root_alone() {
        let root = DefaultRootObject::new("install/index.html").unwrap();
        assert_eq!(origin_path("/", Some(&root), ""), "/install/index.html");
        assert_eq!(
            origin_path("/", Some(&root), "/production"),
            "/production/install/index.html"
        );
        for elsewhere in ["//", "/a/", "/index.html", "/."] {
            assert_eq!(origin_path(elsewhere, Some(&root), ""), elsewhere);
        }
        assert_eq!(origin_path("/", None, "/p"), "/p/");
    }

    #[test]
    fn what_is_no_default_root_object() {
        assert_eq!(DefaultRootObject::new(""), Err(DefaultRootError::Empty));
        assert_eq!(
            DefaultRootObject::new("/index.html"),
            Err(DefaultRootError::LeadingSlash)
        );
        assert_eq!(
            DefaultRootObject::new(&"a".repeat(256)),
            Err(DefaultRootError::TooLong)
        );
        assert!(DefaultRootObject::new(&"a".repeat(255)).is_ok());
    }

    proptest! {
        #[test]
        fn a_normal_path_has_no_empty_and_no_dot_segment(raw in "/?([ab./%]{0,3}/){0,6}[ab./]{0,3}") {
            let normal = normalize_for_matching(&raw).into_owned();
            let inner = normal.strip_prefix('/').unwrap();
            let segments: Vec<&str> = inner.split('/').collect();
            for (index, segment) in segments.iter().enumerate() {
                prop_assert!(*segment != "." && *segment != "..", "{normal}");
                prop_assert!(!segment.is_empty() || index + 1 == segments.len(), "{normal}");
            }
            prop_assert_eq!(normalize_for_matching(&normal), normal.as_str());
        }
    }
}
