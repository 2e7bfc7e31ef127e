//! What kind of bytes an object is: its metadata's word, else its name's, else "unknown bytes".
//!
//! Always holds: the result is a media type that a browser can read; nothing is guessed from the bytes. Active content,
//! what a browser would run in the site's origin, is told apart for buckets that hold uploads.

use crate::field::FieldValue;
use portcullis_http_semantics::field::is_token;

/// The media type of bytes nobody has named.
const UNKNOWN: FieldValue = FieldValue::literal("application/octet-stream");

/// What the uploader's tool writes when it was told nothing; it says less than the name does.
const UNSAID: [&str; 2] = ["binary/octet-stream", "application/octet-stream"];

/// Extensions whose registered type is newer than the table, differs from what browsers want, or needs a charset.
const OVERRIDES: [(&str, &str); 12] = [
    ("js", "text/javascript; charset=utf-8"),
    ("mjs", "text/javascript; charset=utf-8"),
    ("cjs", "text/javascript; charset=utf-8"),
    ("json", "application/json"),
    ("map", "application/json"),
    ("importmap", "application/importmap+json"),
    ("webmanifest", "application/manifest+json"),
    ("wasm", "application/wasm"),
    ("ico", "image/x-icon"),
    ("svg", "image/svg+xml"),
    ("xml", "application/xml"),
    ("md", "text/markdown; charset=utf-8"),
];

/// The media type of an object of that name, whose metadata says `stated`.
pub(super) fn of(stated: Option<&FieldValue>, name: &str) -> FieldValue {
    let stated = stated.filter(|value| {
        value
            .to_str()
            .is_some_and(|text| essence(text).is_some_and(|e| !UNSAID.contains(&e.as_str())))
    });
    stated.cloned().or_else(|| by_name(name)).unwrap_or(UNKNOWN)
}

/// The media type that a name's extension stands for.
pub(super) fn by_name(name: &str) -> Option<FieldValue> {
    let (_, extension) = name.rsplit_once('.')?;
    let extension = extension.to_ascii_lowercase();
    if let Some((_, media_type)) = OVERRIDES.iter().find(|(e, _)| *e == extension) {
        return FieldValue::new(media_type.as_bytes()).ok();
    }
    let guessed = new_mime_guess::from_ext(&extension).first_raw()?;
    if guessed.starts_with("text/") {
        FieldValue::new(format!("{guessed}; charset=utf-8").as_bytes()).ok()
    } else {
        FieldValue::new(guessed.as_bytes()).ok()
    }
}

/// Whether a browser would run it, or what it holds, in the site's origin.
pub(super) fn is_active(media_type: &FieldValue) -> bool {
    let Some(essence) = media_type.to_str().and_then(essence) else {
        return true;
    };
    let (kind, subtype) = essence.split_once('/').unwrap_or_default();
    matches!(subtype, "html" | "xml" | "xsl" | "pdf" | "x-pdf" | "rfc822")
        || subtype.ends_with("+xml")
        || kind == "multipart"
}

/// Whether a coding makes it smaller; pictures, films and archives carry their own.
pub(super) fn is_compressible(media_type: &FieldValue) -> bool {
    let Some(essence) = media_type.to_str().and_then(essence) else {
        return false;
    };
    essence.starts_with("text/")
        || essence.ends_with("+xml")
        || essence.ends_with("+json")
        || matches!(
            essence.as_str(),
            "application/json"
                | "application/javascript"
                | "application/xml"
                | "application/wasm"
                | "application/rtf"
                | "application/vnd.ms-fontobject"
                | "font/ttf"
                | "font/otf"
                | "font/sfnt"
                | "image/x-icon"
                | "image/bmp"
        )
}

/// `type/subtype` in lower case, without parameters; `None` if the text has none.
fn essence(media_type: &str) -> Option<String> {
    let essence = media_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim_ascii();
    let (kind, subtype) = essence.split_once('/')?;
    (is_token(kind.as_bytes()) && is_token(subtype.as_bytes()))
        .then(|| essence.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::{by_name, is_active, is_compressible, of};
    use crate::field::FieldValue;

    #[track_caller]
    fn named(name: &str, expected: &str) {
        assert_eq!(of(None, name).to_str(), Some(expected), "{name}");
    }

    #[test]
    fn the_name_tells_the_type() {
        for name in ["a.js", "a.mjs", "a.cjs", "a.min.JS"] {
            named(name, "text/javascript; charset=utf-8");
        }
        named("a.html", "text/html; charset=utf-8");
        named("a.css", "text/css; charset=utf-8");
        named("a.txt", "text/plain; charset=utf-8");
        named("a.webmanifest", "application/manifest+json");
        named("a.importmap", "application/importmap+json");
        named("a.wasm", "application/wasm");
        named("favicon.ico", "image/x-icon");
        named("a.woff2", "font/woff2");
        named("a.avif", "image/avif");
        named("a.png", "image/png");
        for unknown in ["a", "a.", ".", "", "a.qqq", "html"] {
            named(unknown, "application/octet-stream");
        }
    }

    #[test]
    fn metadata_says_it_unless_it_says_nothing() {
        let stated = |text: &str| of(Some(&FieldValue::new(text.as_bytes()).unwrap()), "a.css");
        assert_eq!(stated("text/x-own").to_str(), Some("text/x-own"));
        for nothing in [
            "binary/octet-stream",
            "Application/Octet-Stream",
            "",
            "css",
            "a b/c",
            "/",
        ] {
            assert_eq!(
                stated(nothing).to_str(),
                Some("text/css; charset=utf-8"),
                "{nothing}"
            );
        }
        let garbage = FieldValue::new(b"text/\xff").unwrap();
        assert_eq!(of(Some(&garbage), "a.css"), by_name("a.css").unwrap());
    }

    #[test]
    fn active_content_is_known_by_its_type() {
        let active = |text: &str| is_active(&FieldValue::new(text.as_bytes()).unwrap());
        for yes in [
            "text/html",
            "TEXT/HTML; charset=x",
            "image/svg+xml",
            "text/xml",
            "application/xhtml+xml",
            "application/pdf",
            "application/rss+xml",
            "message/rfc822",
            "multipart/related",
        ] {
            assert!(active(yes), "{yes}");
        }
        for no in [
            "image/png",
            "text/plain",
            "application/octet-stream",
            "application/json",
        ] {
            assert!(!active(no), "{no}");
        }
    }

    #[test]
    fn what_is_packed_already_is_not_compressed_again() {
        let compressible = |name: &str| by_name(name).is_some_and(|t| is_compressible(&t));
        assert!(
            ["a.html", "a.js", "a.svg", "a.json", "a.wasm", "a.ico"]
                .into_iter()
                .all(compressible)
        );
        assert!(
            !["a.png", "a.mp4", "a.zip", "a.woff2", "a", "a.qqq"]
                .into_iter()
                .any(compressible)
        );
    }
}
