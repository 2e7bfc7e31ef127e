//! What the README and the pages in `docs` show is what happens.
//!
//! A `console` block is run: each line `$ portcullis …` starts the built program in the root of the repository, and the
//! lines below it are its standard output, where `...` stands for any text, and alone on a line for any lines. What no
//! test can start (a build, a server, a request to one) stands in an `sh` block; its words are held to what exists.
//! Deliberately absent: standard error, which says more than an example should show.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test that cannot go on must fail"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Stands for any text, or alone on a line for any number of lines.
const ANY: &str = "...";

/// What an `sh` block may start.
const PROGRAMS: [&str; 3] = ["cargo", "curl", "portcullis"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A fenced block: where it begins, its language, its lines without the indentation of the fence.
struct Block {
    place: String,
    language: String,
    lines: Vec<String>,
}

/// The README and every page of `docs`, by the name a failure shows.
fn pages() -> Vec<(String, String)> {
    let read = |name: String| {
        let text = std::fs::read_to_string(root().join(&name)).unwrap();
        (name, text)
    };
    let mut names: Vec<String> = std::fs::read_dir(root().join("docs"))
        .unwrap()
        .map(|entry| format!("docs/{}", entry.unwrap().file_name().display()))
        .filter(|name| name.ends_with(".md"))
        .collect();
    names.push("README.md".to_owned());
    names.sort();
    names.into_iter().map(read).collect()
}

fn blocks_of(page: &str, text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut lines = text.lines().zip(1..);
    while let Some((line, number)) = lines.next() {
        let Some(language) = line.trim_start().strip_prefix("```") else {
            continue;
        };
        let indent = line.len() - line.trim_start().len();
        let inside = lines
            .by_ref()
            .map(|(line, _)| line.get(indent..).unwrap_or("").to_owned())
            .take_while(|line| line != "```");
        blocks.push(Block {
            place: format!("{page}:{number}"),
            language: language.to_owned(),
            lines: inside.collect(),
        });
    }
    blocks
}

/// Every block in `language`; there is at least one, or the caller's test would hold nothing.
fn blocks(language: &str) -> Vec<Block> {
    let found: Vec<Block> = pages()
        .iter()
        .flat_map(|(page, text)| blocks_of(page, text))
        .filter(|block| block.language == language)
        .collect();
    assert!(!found.is_empty(), "no `{language}` block was found");
    found
}

/// The words of a command line; quotes keep spaces together, and nothing else is special.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quote = None;
    for c in line.chars() {
        match c {
            _ if quote == Some(c) => quote = None,
            '\'' | '"' if quote.is_none() => quote = Some(c),
            ' ' if quote.is_none() => words.push(String::new()),
            _ => words.last_mut().unwrap().push(c),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

fn portcullis(arguments: &[String]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_portcullis"))
        .args(arguments)
        .current_dir(root())
        .env_remove("PORTCULLIS_GEOIP")
        .output()
        .unwrap()
}

fn line_matches(expected: &str, actual: &str) -> bool {
    let Some((first, pieces)) = expected.split_once(ANY) else {
        return expected == actual;
    };
    let Some(mut left) = actual.strip_prefix(first) else {
        return false;
    };
    let (pieces, last) = pieces.rsplit_once(ANY).unwrap_or(("", pieces));
    for piece in pieces.split(ANY) {
        let Some((_, after)) = left.split_once(piece) else {
            return false;
        };
        left = after;
    }
    left.ends_with(last)
}

fn lines_match(expected: &[String], actual: &[&str]) -> bool {
    match expected.split_first() {
        None => actual.is_empty(),
        Some((line, rest)) if line == ANY => {
            (0..=actual.len()).any(|skipped| lines_match(rest, &actual[skipped..]))
        }
        Some((line, rest)) => actual
            .split_first()
            .is_some_and(|(now, left)| line_matches(line, now) && lines_match(rest, left)),
    }
}

/// Runs the commands of one block and compares what they print.
fn check_console(block: &Block) {
    let place = &block.place;
    let mut lines = block.lines.as_slice();
    assert!(!lines.is_empty(), "{place}: an empty block");
    while let Some((command, rest)) = lines.split_first() {
        let command = command
            .strip_prefix("$ portcullis ")
            .unwrap_or_else(|| panic!("{place}: `{command}` is not `$ portcullis …`"));
        let end = rest.iter().position(|line| line.starts_with("$ "));
        let (expected, next) = rest.split_at(end.unwrap_or(rest.len()));
        let output = portcullis(&words(command));
        let stdout = String::from_utf8(output.stdout).unwrap();
        let actual: Vec<&str> = stdout.lines().map(str::trim_end).collect();
        assert!(
            lines_match(expected, &actual),
            "{place}: `portcullis {command}` prints\n{stdout}\nand on standard error\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let refused = actual.iter().any(|line| line.starts_with("REFUSED"));
        let code = if refused { 5 } else { 0 };
        assert_eq!(output.status.code(), Some(code), "{place}: {command}");
        lines = next;
    }
}

/// Holds the words of one line of an `sh` block to what exists: programs, subcommands, options, files.
fn check_shell(place: &str, line: &str) {
    let line = words(line.split(" # ").next().unwrap_or(line));
    let line: Vec<&str> = line.iter().map(String::as_str).collect();
    assert!(PROGRAMS.contains(&line[0]), "{place}: starts `{}`", line[0]);
    let is_option = |word: &&&str| word.starts_with("--") && word.len() > 2;
    match line.as_slice() {
        ["cargo", "xtask", task, rest @ ..] => {
            let source = root().join(format!("xtask/src/{task}.rs"));
            let source = std::fs::read_to_string(source)
                .unwrap_or_else(|_| panic!("{place}: there is no `cargo xtask {task}`"));
            for option in rest.iter().filter(is_option) {
                let field = format!("{}:", option[2..].replace('-', "_"));
                assert!(source.contains(&field), "{place}: {task} has no {option}");
            }
        }
        ["cargo", "run", rest @ ..] => {
            let at = rest.iter().position(|word| *word == "--").unwrap();
            let (cargo, own) = rest.split_at(at);
            assert!(cargo.ends_with(&["-p", "portcullis"]), "{place}: {cargo:?}");
            check_options(place, &own[1..]);
        }
        ["portcullis", own @ ..] => check_options(place, own),
        ["curl", ..] => {}
        _ => panic!("{place}: {line:?} is not understood"),
    }
    let is_path = |word: &&&str| word.contains('/') && !word.contains(':') && !is_network(word);
    for path in line.iter().filter(is_path) {
        // `NAME=DIR` names a folder too.
        let path = path.rsplit('=').next().unwrap_or(path);
        assert!(root().join(path).exists(), "{place}: there is no {path}");
    }
}

/// Whether a word is an address range, which has a slash and is no path.
fn is_network(word: &str) -> bool {
    word.split_once('/')
        .is_some_and(|(address, _)| address.parse::<std::net::IpAddr>().is_ok())
}

/// Holds a command of the program and its options to what `--help` says.
fn check_options(place: &str, line: &[&str]) {
    let help = portcullis(&[line[0].to_owned(), "--help".to_owned()]);
    assert!(help.status.success(), "{place}: no command `{}`", line[0]);
    let help = String::from_utf8(help.stdout).unwrap();
    for option in line.iter().filter(|word| word.starts_with("--")) {
        assert!(help.contains(option), "{place}: no {option} in {line:?}");
    }
}

#[test]
fn console_blocks_print_what_they_show() {
    blocks("console").iter().for_each(check_console);
}

#[test]
fn shell_blocks_name_what_exists() {
    for block in blocks("sh") {
        assert!(!block.lines.is_empty(), "{}: an empty block", block.place);
        for line in &block.lines {
            check_shell(&block.place, line);
        }
    }
}

/// A `json` block is a site state, which the gateway would read.
#[test]
fn json_blocks_are_states() {
    for block in blocks("json") {
        let state =
            portcullis_origin::state::SiteState::from_json(block.lines.join("\n").as_bytes());
        let state = state.unwrap_or_else(|why| panic!("{}: {why}", block.place));
        assert!(state.secrets.current.is_some(), "{}", block.place);
    }
}

/// The page of the command line names every member of what it says is JSON.
#[test]
fn the_page_names_every_member() {
    let page = std::fs::read_to_string(root().join("docs/cli.md")).unwrap();
    let check = |arguments: &str| {
        let output = portcullis(&words(arguments)).stdout;
        let value: serde_json::Value = serde_json::from_slice(&output).unwrap();
        let nested = [
            &value,
            &value["steps"][0],
            &value["answer"],
            &value["answer"]["edge"],
        ];
        let objects = nested.iter().filter_map(|value| value.as_object());
        for name in objects.flat_map(|object| object.keys()) {
            assert!(page.contains(&format!("`{name}`")), "{arguments}: {name}");
        }
    };
    check("compile example --json");
    check("explain /office/ --viewer 193.0.6.139 -m examples/handbook --json");
}

/// Links within the repository, from each page's own folder.
#[test]
fn links_lead_to_files() {
    let mut links = 0;
    for (page, text) in pages() {
        let folder = root().join(&page).parent().unwrap().to_owned();
        for (_, after) in text
            .match_indices("](")
            .map(|(at, _)| text.split_at(at + 2))
        {
            let target = after.split([')', '#']).next().unwrap_or("");
            if target.is_empty() || target.contains("://") {
                continue;
            }
            links += 1;
            assert!(folder.join(target).exists(), "{page}: no file {target}");
        }
    }
    assert!(links > 0, "no link was found");
}

#[test]
fn three_dots_stand_for_any_text_and_alone_for_any_lines() {
    let check = |expected: &str, actual: &str, holds: bool| {
        let expected: Vec<String> = expected.lines().map(str::to_owned).collect();
        let actual: Vec<&str> = actual.lines().collect();
        assert_eq!(
            lines_match(&expected, &actual),
            holds,
            "{expected:?} {actual:?}"
        );
    };
    check("a", "a", true);
    check("a", "b", false);
    check("a", "ab", false);
    check("a", "a\nb", false);
    check("a\nb", "a", false);
    check("a...c", "abc", true);
    check("a...c", "ac", true);
    check("a...c", "abd", false);
    check("ab...bc", "abc", false);
    check("a...b...c", "a-b-c", true);
    check("a...b...c", "a-c-b", false);
    check("...", "", true);
    check("a\n...\nc", "a\nb\nb\nc", true);
    check("a\n...\nc", "a\nb", false);
    check("...\nb", "b\na\nb", true);
}

#[test]
fn quotes_keep_words_together() {
    assert_eq!(words("a 'b c'  \"d's\" e"), ["a", "b c", "d's", "e"]);
}
