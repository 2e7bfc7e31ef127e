//! Which names change with their content: those that a bundler's manifest lists, and those that hold the content's digest.
//!
//! Always holds: a name without a part that could be a digest is never taken for versioned, whatever lists it.

use crate::key::Digest;
use serde_json::Value;
use std::collections::HashSet;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// Where bundlers leave their manifests: Vite, webpack's manifest plugins, esbuild's metafile.
const MANIFESTS: [&str; 6] = [
    ".vite/manifest.json",
    "manifest.json",
    "asset-manifest.json",
    "webpack-manifest.json",
    "meta.json",
    "metafile.json",
];
/// The longest manifest that is read, in bytes.
const MANIFEST_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Characters of a digest that prove it: 32 bits in hexadecimal, 40 in base32, 48 in base64url.
const PROOF_CHARS_MIN: usize = 8;

/// The file names that the bundlers' manifests in `root` list and that may hold a digest.
pub(super) fn listed(root: &Path) -> HashSet<String> {
    let mut names = HashSet::new();
    for path in MANIFESTS {
        let mut text = Vec::new();
        let file = File::open(root.join(path));
        let read = file.and_then(|file| file.take(MANIFEST_BYTES_MAX).read_to_end(&mut text));
        // What is no manifest lists nothing: `manifest.json` may be a web application's.
        if let (Ok(_), Ok(value)) = (read, serde_json::from_slice(&text)) {
            collect(&value, &mut names);
        }
    }
    names
}

/// Takes every text and every member's name of a manifest that looks like a versioned file. In Vite's and webpack's the
/// files are values, in esbuild's they are names of members.
fn collect(value: &Value, names: &mut HashSet<String>) {
    let mut take = |text: &str| {
        let name = text.rsplit('/').next().unwrap_or(text);
        if is_plausible(name) {
            names.insert(name.to_owned());
        }
    };
    match value {
        Value::String(text) => take(text),
        Value::Array(values) => values.iter().for_each(|value| collect(value, names)),
        Value::Object(members) => {
            members.keys().for_each(|name| take(name));
            members.values().for_each(|value| collect(value, names));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Whether a part of the name may be a digest: long, with a digit or with letters of both cases, and not the last.
fn is_plausible(name: &str) -> bool {
    let Some((stem, _)) = name.rsplit_once('.') else {
        return false;
    };
    stem.split(['.', '-', '_']).any(|part| {
        let has = |test: fn(&u8) -> bool| part.as_bytes().iter().any(test);
        let is_mixed = has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase);
        part.len() >= PROOF_CHARS_MIN && (has(u8::is_ascii_digit) || is_mixed)
    })
}

/// Whether a file name holds the beginning of its content's SHA-256 between separators, in hexadecimal, base32 or
/// base64url.
pub(super) fn proves(path: &str, sha256: &Digest) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    if !is_plausible(name) {
        return false;
    }
    let alphabets: [(usize, &[u8]); 3] = [
        (4, b"0123456789abcdef"),
        (5, b"abcdefghijklmnopqrstuvwxyz234567"),
        (
            6,
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
        ),
    ];
    let caseless = name.to_ascii_lowercase();
    alphabets.into_iter().any(|(width, alphabet)| {
        let name = if width == 6 { name } else { &caseless };
        holds(name.as_bytes(), &spelled(sha256, width, alphabet))
    })
}

fn holds(name: &[u8], digest: &[u8]) -> bool {
    let is_border = |byte: Option<&u8>| byte.is_none_or(|byte| matches!(byte, b'.' | b'-' | b'_'));
    (0..name.len()).any(|start| {
        let (before, run) = name.split_at(start);
        let proof = run.iter().zip(digest).take_while(|(a, b)| a == b).count();
        proof >= PROOF_CHARS_MIN && is_border(before.last()) && is_border(run.get(proof))
    })
}

/// The digest in an alphabet of 2^`width` characters.
fn spelled(digest: &Digest, width: usize, alphabet: &[u8]) -> Vec<u8> {
    let bytes = digest.as_bytes();
    let bit = |at: usize| {
        bytes
            .get(at / 8)
            .map_or(0, |byte| usize::from(byte >> (7 - at % 8) & 1))
    };
    let starts = (0..bytes.len() * 8).step_by(width);
    let values =
        starts.map(|start| (start..start + width).fold(0, |value, at| value << 1 | bit(at)));
    values
        .filter_map(|value| alphabet.get(value).copied())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{listed, proves};
    use crate::key::Digest;

    #[test]
    fn a_name_proves_its_content_or_nothing() {
        let digest = Digest::of(b"content");
        let hex = digest.to_string();
        let part = |from: usize, to: usize| hex.get(from..to).unwrap();
        for (name, expected) in [
            (format!("js/app-{}.js", part(0, 8)), true),
            (format!("app.{}.js", part(0, 20).to_uppercase()), true),
            (format!("app-{}.js", part(0, 7)), false),
            (format!("app{}.js", part(0, 8)), false),
            (format!("app-{}.js", part(1, 12)), false),
            ("app.js".to_owned(), false),
        ] {
            assert_eq!(proves(&name, &digest), expected, "{name}");
        }
    }

    #[test]
    fn manifests_of_three_bundlers_list_their_files_and_not_their_sources() {
        for (path, text) in [
            (
                ".vite/manifest.json",
                r#"{"src/main.ts":{"file":"assets/main-BRBmoGS9.js","src":"src/main.ts","css":["assets/main-5UjPuW-k.css"]}}"#,
            ),
            (
                "asset-manifest.json",
                r#"{"files":{"main.js":"/static/js/main-BRBmoGS9.js"},"entrypoints":["static/js/main.js"]}"#,
            ),
            (
                "meta.json",
                r#"{"outputs":{"dist/main-BRBmoGS9.js":{"bytes":12}}}"#,
            ),
        ] {
            let root = tempfile::tempdir().unwrap();
            std::fs::create_dir_all(root.path().join(".vite")).unwrap();
            std::fs::write(root.path().join(path), text).unwrap();
            let names = listed(root.path());
            assert!(names.contains("main-BRBmoGS9.js"), "{path}: {names:?}");
            assert!(
                !names.contains("main.ts") && !names.contains("main.js"),
                "{path}: {names:?}"
            );
        }
    }
}
