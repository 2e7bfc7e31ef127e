//! Other programs: how they are started, watched and reported.
//!
//! A child sees the environment of the developer's shell, not that of `cargo run`. Cargo adds variables of this very
//! package (`CARGO_PKG_NAME` and the like); build scripts that watch them, ring's for one, would be built again each
//! time a developer changes between `cargo xtask` and plain cargo.

use crate::steps::{Failure, say};
use crate::tree;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What `cargo run` sets for the program it starts, and only for it.
const SET_BY_CARGO_RUN: &[&str] = &[
    "CARGO",
    "CARGO_BIN_NAME",
    "CARGO_CRATE_NAME",
    "CARGO_MANIFEST_DIR",
    "CARGO_MANIFEST_PATH",
    "CARGO_PRIMARY_PACKAGE",
    "OUT_DIR",
];

/// A program about to be started from the workspace's root.
pub(crate) struct Program {
    command: Command,
    settings: Vec<String>,
}

impl Program {
    /// `name` is looked up in `PATH`, unless it is a path.
    pub(crate) fn new(name: impl AsRef<OsStr>) -> Self {
        let mut command = Command::new(name);
        command.current_dir(tree::root());
        for (variable, _) in std::env::vars_os() {
            if is_set_by_cargo_run(&variable) {
                command.env_remove(variable);
            }
        }
        Self {
            command,
            settings: Vec::new(),
        }
    }

    /// `cargo` with arguments that hold no space.
    pub(crate) fn cargo(arguments: &str) -> Self {
        Self::new("cargo").args(arguments.split_whitespace())
    }

    #[must_use]
    pub(crate) fn args(mut self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.command.args(arguments);
        self
    }

    /// Sets a variable; it is part of the command that is printed.
    #[must_use]
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        let value = value.as_ref();
        self.settings
            .push(format!("{name}={}", quoted(&value.to_string_lossy())));
        self.command.env(name, value);
        self
    }

    #[must_use]
    pub(crate) fn arg(self, argument: impl AsRef<OsStr>) -> Self {
        self.args([argument])
    }

    /// Puts folders before everything else in `PATH`.
    pub(crate) fn path_first(mut self, folders: &[PathBuf]) -> Result<Self, Failure> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = folders.iter().cloned();
        let joined = std::env::join_paths(folders.clone().chain(std::env::split_paths(&path)))
            .map_err(|error| Failure::new(format!("PATH: {error}")))?;
        self.command.env("PATH", joined);
        let shown: Vec<String> = folders
            .map(|folder| quoted(&relative(folder.as_ref())))
            .collect();
        self.settings
            .push(format!("PATH={}:\"$PATH\"", shown.join(":")));
        Ok(self)
    }

    /// Runs to the end, with its output on the terminal.
    pub(crate) fn run(mut self) -> Result<(), Failure> {
        let line = self.line();
        say(&format!("$ {line}"));
        let status = self.command.status().map_err(Failure::io(&line))?;
        if status.success() {
            return Ok(());
        }
        Err(Failure::new(format!("`{line}` ended with {status}")).again(line))
    }

    /// Runs to the end and returns its standard output; its standard error is shown only if it fails.
    pub(crate) fn output(mut self) -> Result<Vec<u8>, Failure> {
        let line = self.line();
        let output = self.command.output().map_err(Failure::io(&line))?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        say(String::from_utf8_lossy(&output.stderr).trim_end());
        Err(Failure::new(format!("`{line}` ended with {}", output.status)).again(line))
    }

    /// Runs to the end, showing both of its streams as they come, and returns them with whether it succeeded.
    pub(crate) fn watched(mut self) -> Result<Watched, Failure> {
        let line = self.line();
        say(&format!("$ {line}"));
        let mut child = self
            .command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(Failure::io(&line))?;
        let out = child.stdout.take().map(show_and_keep);
        let err = child.stderr.take().map(show_and_keep);
        let status = child.wait().map_err(Failure::io(&line))?;
        let lines = [out, err]
            .into_iter()
            .flatten()
            .flat_map(|reader| reader.join().unwrap_or_default())
            .collect();
        let failure = (!status.success())
            .then(|| Failure::new(format!("`{line}` ended with {status}")).again(line));
        Ok(Watched { lines, failure })
    }

    /// The command as a developer would type it.
    pub(crate) fn line(&self) -> String {
        let program = std::iter::once(self.command.get_program());
        let words = program
            .chain(self.command.get_args())
            .map(|word| quoted(&relative(word)));
        self.settings
            .iter()
            .cloned()
            .chain(words)
            .collect::<Vec<_>>()
            .join(" ")
    }
}

/// What a watched program said, and how it ended.
pub(crate) struct Watched {
    /// The lines of both streams, without colours; first all of one, then all of the other.
    pub(crate) lines: Vec<String>,
    /// `None` if it succeeded.
    pub(crate) failure: Option<Failure>,
}

/// Where `name` is in `PATH`.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|candidate| candidate.is_file())
}

fn is_set_by_cargo_run(variable: &OsStr) -> bool {
    variable
        .to_str()
        .is_some_and(|name| SET_BY_CARGO_RUN.contains(&name) || name.starts_with("CARGO_PKG_"))
}

fn show_and_keep(stream: impl Read + Send + 'static) -> std::thread::JoinHandle<Vec<String>> {
    std::thread::spawn(move || {
        let mut lines = Vec::new();
        for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
            let _closed = std::io::stderr().write_all(&[line.as_slice(), b"\n"].concat());
            lines.push(without_colours(&String::from_utf8_lossy(&line)));
        }
        lines
    })
}

/// The text without the escape sequences that colour it (`ESC [ … m`).
fn without_colours(line: &str) -> String {
    let mut parts = line.split("\u{1b}[");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        plain.push_str(part.split_once('m').map_or(part, |(_, rest)| rest));
    }
    plain
}

/// A path inside the workspace as seen from its root, anything else unchanged.
fn relative(word: &OsStr) -> String {
    let path = Path::new(word);
    path.strip_prefix(tree::root())
        .unwrap_or(path)
        .to_string_lossy()
        .into_owned()
}

fn quoted(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_=./:,+@%^".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::{Program, find};

    #[test]
    fn the_printed_command_can_be_pasted_into_a_shell() {
        let program = Program::new("printf")
            .args(["%s", "it's a test"])
            .env("KEY", "a b");
        let shown = program.line();
        assert_eq!(shown, r"KEY='a b' printf %s 'it'\''s a test'");
        let pasted = Program::new("sh").args(["-c", &shown]).output().unwrap();
        assert_eq!(pasted, b"it's a test");
    }

    #[test]
    fn both_streams_and_the_failure_are_kept() {
        let watched = Program::new("sh")
            .args([
                "-c",
                r"printf '\033[32;1mo\033[0mut\n'; echo err >&2; exit 3",
            ])
            .watched()
            .unwrap();
        assert_eq!(watched.lines, ["out", "err"]);
        assert!(watched.failure.is_some());
    }

    #[test]
    fn programs_are_found_in_the_path() {
        assert!(find("sh").is_some());
        assert!(find("no-such-program-here").is_none());
    }
}
