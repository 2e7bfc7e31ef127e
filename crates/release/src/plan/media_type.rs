//! The media type of a file, from its name.

/// What a file is whose name says nothing.
const UNKNOWN: &str = "application/octet-stream";

/// Extensions whose registered type is newer than the table, or differs from what browsers want.
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

/// The media type that a path's extension stands for.
pub(super) fn of(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or(path);
    let Some((_, extension)) = name.rsplit_once('.') else {
        return UNKNOWN.to_owned();
    };
    let extension = extension.to_ascii_lowercase();
    if let Some((_, media_type)) = OVERRIDES.iter().find(|(known, _)| *known == extension) {
        return (*media_type).to_owned();
    }
    match new_mime_guess::from_ext(&extension).first_raw() {
        None => UNKNOWN.to_owned(),
        Some(text) if text.starts_with("text/") => format!("{text}; charset=utf-8"),
        Some(other) => other.to_owned(),
    }
}
