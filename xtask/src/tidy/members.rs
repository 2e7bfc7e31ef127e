//! Rules about the workspace's members as folders: every one takes the workspace's lints, and a pure crate carries the
//! lints that keep clock, environment, files and sockets out.
//!
//! The nearest `clippy.toml` replaces the one above it, so each pure crate needs the whole list.

use super::Finding;
use crate::dependencies::{Metadata, PURE};
use crate::steps::Failure;
use crate::tree;

/// What every pure crate's `clippy.toml` must name.
const PURE_BANS: &[&str] = &[
    "std::env::args",
    "std::env::current_dir",
    "std::env::var",
    "std::env::var_os",
    "std::env::vars",
    "std::fs::File::create",
    "std::fs::File::open",
    "std::fs::OpenOptions::open",
    "std::fs::read",
    "std::fs::read_to_string",
    "std::fs::write",
    "std::net::TcpListener",
    "std::net::TcpStream",
    "std::net::UdpSocket",
    "std::process::Command::new",
    "std::thread::spawn",
    "std::time::Instant::elapsed",
    "std::time::Instant::now",
    "std::time::SystemTime::elapsed",
    "std::time::SystemTime::now",
];

/// Both rules over every member.
pub(super) fn check() -> Result<Vec<Finding>, Failure> {
    let metadata = Metadata::read()?;
    let mut findings = Vec::new();
    for package in metadata.members() {
        let manifest = format!("{}/Cargo.toml", package.folder());
        findings.extend(workspace_lints(&manifest, &tree::read_text(&manifest)?));
        if PURE.contains(&package.name.as_str()) {
            let lints = format!("{}/clippy.toml", package.folder());
            // A missing file bans nothing, which is what the rule reports.
            let text = tree::read_text(&lints).unwrap_or_default();
            findings.extend(pure_bans(&lints, &text));
        }
    }
    Ok(findings)
}

fn workspace_lints(path: &str, manifest: &str) -> Option<Finding> {
    let lints = manifest
        .lines()
        .map(str::trim)
        .skip_while(|line| *line != "[lints]")
        .nth(1);
    (lints != Some("workspace = true"))
        .then(|| Finding::new(path, "lacks `[lints]` with `workspace = true`"))
}

fn pure_bans(path: &str, clippy: &str) -> Vec<Finding> {
    PURE_BANS
        .iter()
        .filter(|ban| !clippy.contains(&format!("path = \"{ban}\"")))
        .map(|ban| Finding::new(path, format!("a pure crate must ban `{ban}`")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{PURE_BANS, pure_bans, workspace_lints};

    #[test]
    fn lints_must_be_the_workspaces() {
        assert!(workspace_lints("m", "[package]\n[lints]\nworkspace = true\n").is_none());
        assert!(workspace_lints("m", "[package]\n").is_some());
        assert!(workspace_lints("m", "[lints]\nclippy = {}\nworkspace = true\n").is_some());
    }

    #[test]
    fn each_missing_ban_is_found() {
        assert_eq!(pure_bans("c", "").len(), PURE_BANS.len());
        let one = r#"disallowed-methods = [{ path = "std::env::var", reason = "x" }]"#;
        assert_eq!(pure_bans("c", one).len(), PURE_BANS.len() - 1);
    }
}
