//! Rules about the files of the project that no other tool keeps.
//!
//! Run by `cargo xtask check` and, as ordinary tests, by `cargo nextest run`. A rule is a function from a file to
//! findings; every finding of every rule is reported in one run. Rules about crates and their dependencies are in
//! `dependencies`; formatting and code are rustfmt's and clippy's business.
//!
//! The forbidden words below are written in two halves, because this file is under its own rules.

mod members;

use crate::steps::Failure;
use crate::tree;
use std::path::Path;

/// Lines of the longest source file.
const SOURCE_LINES_MAX: usize = 600;
/// Bytes of the largest file; the demonstration GeoIP database sets it.
const FILE_BYTES_MAX: usize = 6_500_000;

/// Lines of a key within which its first characters stand; an encrypted one begins with headers.
const KEY_LINES: usize = 5;
/// Characters of the shortest line of a key: the whole body of an Ed25519 key has 64.
const KEY_CHARS_MIN: usize = 60;

/// What marks unfinished work or a forgotten aid.
const UNFINISHED: &[&str] = &[
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("dbg", "!("),
    concat!("todo", "!("),
    concat!("unimplemented", "!("),
    concat!("#[ign", "ore"),
];

/// Folder names that say nothing about what is inside.
const FOLDERS_BANNED: &[&str] = &["common", "domain", "helpers", "services", "types", "utils"];

/// Fixtures by other hands keep their own layout.
const FOREIGN: &[&str] = &["tests/data/"];

/// Parts of paths that exist on one machine only.
const MACHINE_PATHS: &[&str] = &[
    concat!("/.cargo/", "registry/src"),
    concat!("/.rustup/", "toolchains"),
    concat!("/home/", "runner/"),
    concat!("/Use", "rs/"),
];

/// One breach of one rule.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    place: String,
    what: String,
}

impl Finding {
    pub(crate) fn new(place: impl Into<String>, what: impl Into<String>) -> Self {
        Self {
            place: place.into(),
            what: what.into(),
        }
    }
}

/// Fails with the list of all findings, or returns `held` as the note of the step.
pub(crate) fn conclude(findings: &[Finding], held: String) -> Result<String, Failure> {
    if findings.is_empty() {
        return Ok(held);
    }
    let lines: Vec<String> = findings
        .iter()
        .map(|finding| format!("  {}: {}", finding.place, finding.what))
        .collect();
    Err(Failure::new(format!(
        "{} of the project's rules are broken:\n{}",
        findings.len(),
        lines.join("\n")
    )))
}

/// Every rule over every file.
pub(crate) fn check() -> Result<String, Failure> {
    let files = tree::files()?;
    let mut findings = Vec::new();
    for path in &files {
        findings.extend(file_rules(path, &tree::read(path)?));
    }
    findings.extend(members::check()?);
    conclude(&findings, format!("{} files", files.len()))
}

fn file_rules(path: &str, contents: &[u8]) -> Vec<Finding> {
    let mut findings = size(path, contents);
    findings.extend(folder_names(path));
    let Ok(text) = std::str::from_utf8(contents) else {
        return findings;
    };
    findings.extend(private_keys(path, text));
    findings.extend(machine_paths(path, text, &tree::root().to_string_lossy()));
    if path.ends_with(".rs") {
        findings.extend(source(path, text));
    }
    findings
}

fn size(path: &str, contents: &[u8]) -> Vec<Finding> {
    if contents.len() <= FILE_BYTES_MAX {
        return Vec::new();
    }
    let what = format!("{} bytes; at most {FILE_BYTES_MAX}", contents.len());
    vec![Finding::new(path, what)]
}

fn folder_names(path: &str) -> Vec<Finding> {
    if FOREIGN.iter().any(|folder| path.starts_with(folder)) {
        return Vec::new();
    }
    let folders = Path::new(path).parent().into_iter().flat_map(Path::iter);
    folders
        .filter(|folder| FOLDERS_BANNED.iter().any(|banned| folder == banned))
        .map(|folder| {
            let name = folder.to_string_lossy();
            Finding::new(
                path,
                format!("folder name `{name}` says nothing; name what it is about"),
            )
        })
        .collect()
}

/// Finds the key itself and not the mark alone: code that wraps a key made at run time has to write the mark.
fn private_keys(path: &str, text: &str) -> Vec<Finding> {
    let lines: Vec<&str> = text.lines().collect();
    let follows = |at: usize| {
        lines
            .iter()
            .skip(at)
            .take(KEY_LINES)
            .any(|line| holds_base64(line))
    };
    (0..lines.len())
        .filter(|at| lines.get(*at).is_some_and(|line| marks_key(line)) && follows(*at))
        .map(|at| {
            let what = "a private key; make it where it is needed";
            Finding::new(format!("{path}:{}", at + 1), what)
        })
        .collect()
}

fn marks_key(line: &str) -> bool {
    line.contains("-----BEGIN ") && line.contains("PRIVATE KEY-----")
}

/// Whether a line holds as much base64 as a line of a key does; no name in code is that long.
fn holds_base64(line: &str) -> bool {
    line.split(|c: char| !c.is_ascii_alphanumeric() && c != '+' && c != '/')
        .any(|run| run.len() >= KEY_CHARS_MIN)
}

fn machine_paths(path: &str, text: &str, checkout: &str) -> Vec<Finding> {
    // A checkout right under the root, say `/app`, may stand in a file as the path of a URL.
    let checkout = Some(checkout).filter(|folder| folder.matches('/').count() > 1);
    let names_machine = |line: &str| {
        checkout.is_some_and(|folder| line.contains(folder))
            || MACHINE_PATHS.iter().any(|folder| line.contains(folder))
    };
    on_lines(path, text, names_machine, "a path of one machine")
}

fn source(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !text.starts_with("//!") {
        findings.push(Finding::new(
            path,
            "begins without `//!`: say what the file decides, what always holds, what is deliberately absent",
        ));
    }
    let lines = text.lines().count();
    if lines > SOURCE_LINES_MAX {
        let what = format!("{lines} lines; at most {SOURCE_LINES_MAX}");
        findings.push(Finding::new(path, what));
    }
    for word in UNFINISHED {
        let what = format!("`{word}`: finish it, or refuse it by name");
        findings.extend(on_lines(path, text, |line| line.contains(word), &what));
    }
    findings
}

fn on_lines(path: &str, text: &str, breaks: impl Fn(&str) -> bool, what: &str) -> Vec<Finding> {
    let numbered = text.lines().zip(1..);
    numbered
        .filter(|(line, _)| breaks(line))
        .map(|(_, number)| Finding::new(format!("{path}:{number}"), what))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{FILE_BYTES_MAX, SOURCE_LINES_MAX, UNFINISHED, check, file_rules, machine_paths};

    #[test]
    fn the_tree_is_tidy() {
        check().unwrap_or_else(|broken| panic!("{broken}"));
    }

    #[track_caller]
    fn finds(path: &str, contents: &str, places: &[&str]) {
        let found = file_rules(path, contents.as_bytes());
        let found: Vec<&str> = found.iter().map(|finding| finding.place.as_str()).collect();
        assert_eq!(found, places);
    }

    #[test]
    fn each_rule_finds_its_breach() {
        let mark = concat!("-----BEGIN EC PRIVATE ", "KEY-----");
        let key = format!("a\n{mark}\n{}\n", "Ab+/".repeat(16));
        let wrapped = format!("a\n\"{mark}\\n{{}}\\n\",\nSTANDARD.encode(key)\n");
        let certificate = "-----BEGIN PUBLIC KEY-----\n";
        let registry = concat!("in /opt/.cargo/", "registry/src/x\n");
        finds("a.rs", "//! Says.\n", &[]);
        finds("a.rs", "fn main() {}\n", &["a.rs"]);
        finds("a.rs", &"//! Long.\n".repeat(SOURCE_LINES_MAX), &[]);
        finds(
            "a.rs",
            &"//! Long.\n".repeat(SOURCE_LINES_MAX + 1),
            &["a.rs"],
        );
        finds("a.pem", &key, &["a.pem:2"]);
        finds("a.txt", &wrapped, &[]);
        finds("a.pem", certificate, &[]);
        finds("a.txt", registry, &["a.txt:1"]);
        finds("crates/utils/a.txt", "", &["crates/utils/a.txt"]);
        finds("tests/data/x/common/a.txt", "", &[]);
        finds("a.bin", &"0".repeat(FILE_BYTES_MAX), &[]);
        finds("a.bin", &"0".repeat(FILE_BYTES_MAX + 1), &["a.bin"]);
        for word in UNFINISHED {
            finds("a.rs", &format!("//! Says.\n// {word}\n"), &["a.rs:2"]);
        }
    }

    #[test]
    fn the_checkout_is_a_machine_path_unless_it_could_be_a_url() {
        assert_eq!(
            machine_paths("a", "see /srv/checkout/x", "/srv/checkout").len(),
            1
        );
        assert_eq!(machine_paths("a", "GET /app/x", "/app").len(), 0);
    }
}
