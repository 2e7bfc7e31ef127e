//! What the program says about itself, and what it does when nobody takes what it says.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    reason = "a test that cannot go on must fail"
)]

mod support;

use std::fs::File;
use std::process::Stdio;
use support::{command, root, run};

/// Commands that print, and their exit codes.
const PRINTING: [(&[&str], i32); 7] = [
    (&["help"], 0),
    (&["help", "codes"], 0),
    (&["help", "codes", "--json"], 0),
    (&["schema"], 0),
    (&["completions", "bash"], 0),
    (&["compile", "example"], 0),
    (&["explain", "/", "-m", "example"], 5),
];

#[test]
fn a_reader_that_has_gone_has_read_enough() {
    for (arguments, code) in PRINTING {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let child = command(&root())
            .args(arguments)
            .stdout(writer)
            .stderr(Stdio::piped())
            .spawn();
        let output = child.unwrap().wait_with_output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {stderr}");
        assert!(!stderr.contains("error: "), "{arguments:?}: {stderr}");
    }
}

/// A full disk is not taken for success.
#[test]
fn what_cannot_be_written_fails_the_command() {
    for (arguments, _) in PRINTING {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let child = command(&root())
            .args(arguments)
            .stdout(full)
            .stderr(Stdio::piped())
            .spawn();
        let output = child.unwrap().wait_with_output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {stderr}");
        let message = "error: standard output cannot be written: ";
        assert!(stderr.contains(message), "{arguments:?}: {stderr}");
    }
}

#[test]
fn every_code_is_explained() {
    let codes = run(&root(), &["help", "codes"]).exits(0).stdout;
    let json = run(&root(), &["help", "codes", "--json"]).exits(0).json();
    assert_eq!(json.as_array().unwrap().len(), codes.lines().count());
    assert!(codes.lines().count() > 40, "{codes}");
    for line in codes.lines() {
        let (code, title) = line.split_once("  ").unwrap();
        let explained = run(&root(), &["help", code]).exits(0).stdout;
        assert!(explained.starts_with(&format!("{code}: {title}\n\n")));
    }
    let one = run(&root(), &["help", "PC1203", "--json"]).exits(0).json();
    assert_eq!(one["code"], "PC1203");
    run(&root(), &["help", "PC9999"])
        .exits(2)
        .says("error: there is no code `PC9999`")
        .says("help: `portcullis help codes` lists them");
}

/// Every command has a page with examples, and every example names a command.
#[test]
fn every_command_helps() {
    let all = run(&root(), &["--help"]).exits(0).stdout;
    let (_, list) = all.split_once("Commands:\n").unwrap();
    let (list, _) = list.split_once("\n\n").unwrap();
    let names: Vec<&str> = list
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert_eq!(names.len(), 26, "{names:?}");
    for name in &names {
        let help = run(&root(), &[name, "--help"]).exits(0).stdout;
        let examples = help.lines().filter_map(|l| l.strip_prefix("  portcullis "));
        for example in examples {
            assert!(example.starts_with(name), "{example}");
        }
        let is_plain = matches!(*name, "schema" | "completions");
        assert_eq!(help.contains("Examples:\n"), !is_plain, "{help}");
    }
}

#[test]
fn colours_are_for_those_who_want_them() {
    let colour = |arguments: &[&str], variable: Option<&str>| {
        let mut command = command(&root());
        command.args(arguments).args(["help", "nope"]);
        variable.map(|name| command.env(name, "1"));
        let stderr = command.output().unwrap().stderr;
        String::from_utf8(stderr).unwrap().contains('\x1b')
    };
    assert!(!colour(&[], None), "a pipe is no terminal");
    assert!(!colour(&["--color", "never"], Some("CLICOLOR_FORCE")));
    assert!(colour(&["--color", "always"], Some("NO_COLOR")));
    assert!(colour(&["--color", "always"], None));
}

#[test]
fn what_cannot_be_asked_is_wrong_usage() {
    for arguments in [&["frobnicate"][..], &["compile", "--nope"], &["sign"], &[]] {
        run(&root(), arguments).exits(2).says("Usage: portcullis");
    }
}
