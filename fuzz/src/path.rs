//! The canonical path: one spelling of each, and nothing in it that a store or a log could take for something else.
//!
//! An input is a path as a front delivers it.

use portcullis_origin::object_path::{KEY_BYTES_MAX, ObjectKey, ObjectPath, PATH_BYTES_MAX};
use portcullis_site::KeyPrefix;

/// Holds for any input.
pub fn hold(input: &[u8]) {
    let Ok(sent) = std::str::from_utf8(input) else {
        return;
    };
    if let Ok(path) = ObjectPath::parse(sent) {
        accepted(&path, sent);
    }
    // Any text is somebody's file name; what has a path has one that reads back.
    if let Ok(path) = ObjectPath::of_decoded(sent) {
        assert_eq!(path.decoded(), sent);
        assert_eq!(ObjectPath::parse(path.sent()).as_ref(), Ok(&path));
    }
}

fn accepted(path: &ObjectPath<'_>, sent: &str) {
    assert_eq!(path.sent(), sent, "a path is never repaired");
    assert!(sent.len() <= PATH_BYTES_MAX && sent.is_ascii());
    let decoded = path.decoded();
    assert!(decoded.starts_with('/'));
    assert!(
        !decoded
            .chars()
            .any(|c| c.is_control() || matches!(c, '\\' | '%'))
    );
    assert!(
        decoded
            .split('/')
            .all(|segment| segment != "." && segment != "..")
    );
    assert_eq!(decoded.matches('/').count(), sent.matches('/').count());
    assert!(!decoded.contains("//"));
    let again = ObjectPath::of_decoded(decoded);
    assert_eq!(
        again.as_ref().map(ObjectPath::sent),
        Ok(sent),
        "one spelling of each path"
    );
    for prefix in ["", "public/", "a/b/"] {
        match KeyPrefix::new(prefix) {
            Ok(prefix) => keyed(path, &prefix),
            Err(error) => panic!("`{prefix}` is a prefix: {error}"),
        }
    }
}

/// The key is the prefix and the path, whole, and no other path leads to it; there is none only where none could be.
fn keyed(path: &ObjectPath<'_>, prefix: &KeyPrefix) {
    let whole = format!(
        "{}{}",
        prefix.as_str(),
        path.decoded().trim_start_matches('/')
    );
    let possible = (1..=KEY_BYTES_MAX).contains(&whole.len());
    let key = path.key(prefix);
    assert_eq!(
        key.as_ref().map(ObjectKey::as_str),
        possible.then_some(whole.as_str())
    );
}
