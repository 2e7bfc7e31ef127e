//! `cargo xtask setup`: what the tests need beyond Rust, installed once.
//!
//! Running it again does nothing and says so. Everything goes into `.tools` of the checkout, except `cargo-nextest`,
//! which is a cargo subcommand, and Debian packages, which only root can install: the browser, and what benchmarks need.

use crate::command::{Program, find};
use crate::debian;
use crate::steps::{Failure, Steps, say};
use crate::tree;
use std::path::PathBuf;

const NEXTEST_VERSION: &str = "0.9.143";
/// The tests that run in a browser.
const BROWSER_TESTS: &str = "tests/browser";
/// The public suite for caches, and what runs it.
const CACHE_TESTS: &str = "tests/http-cache";
const REQUIREMENTS: &str = "tests/requirements.txt";

/// Programs benchmarks compare with or measure by, and the Debian packages that bring them.
const BENCH_PROGRAMS: &[(&str, &[&str])] = &[
    ("nginx", &["nginx", "libnginx-mod-http-geoip2"]),
    ("wrk", &["wrk"]),
    ("valgrind", &["valgrind"]),
    ("chromium", &["chromium"]),
];

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Install what only benchmarks need as well: Debian packages
    #[arg(long)]
    bench: bool,
}

pub(crate) fn run(options: &Options, steps: &mut Steps) -> Result<(), Failure> {
    for_tests(steps)?;
    if options.bench {
        for_bench(steps)?;
    }
    Ok(())
}

/// What `cargo xtask test` needs.
pub(crate) fn for_tests(steps: &mut Steps) -> Result<(), Failure> {
    steps.step("cargo-nextest", nextest)?;
    steps.step("Python tools", python_tools)?;
    steps.step("browser", browser)?;
    steps.step("http-cache-tests", || npm_packages(CACHE_TESTS))
}

/// The browser that the inspector is tested in, and what drives it.
fn browser() -> Result<String, Failure> {
    let chromium = debian::require(&[("chromium", &["chromium"])])?;
    npm_packages(BROWSER_TESTS)?;
    Ok(chromium)
}

/// What the lock file in a folder names.
fn npm_packages(folder: &str) -> Result<String, Failure> {
    let installed = tree::root()
        .join(folder)
        .join("node_modules/.package-lock.json");
    if installed.is_file() {
        return Ok("there already".to_owned());
    }
    if find("npm").is_none() {
        return Err(Failure::new(format!(
            "`{folder}` is run by Node 20 or newer, and npm is missing"
        )));
    }
    Program::new("npm")
        .args(["--prefix", folder, "ci", "--no-audit", "--no-fund"])
        .run()?;
    Ok("installed".to_owned())
}

/// What `cargo xtask bench` needs.
pub(crate) fn for_bench(steps: &mut Steps) -> Result<(), Failure> {
    steps.step("Debian packages", || debian::require(BENCH_PROGRAMS))
}

/// A program that `setup` put into the checkout.
pub(crate) fn tool(name: &str) -> PathBuf {
    tools().join(name)
}

/// The folder of those programs.
pub(crate) fn tools() -> PathBuf {
    venv().join("bin")
}

fn venv() -> PathBuf {
    tree::root().join(".tools/venv")
}

fn nextest() -> Result<String, Failure> {
    if find("cargo-nextest").is_some() {
        return Ok("there already".to_owned());
    }
    say("cargo-nextest runs the tests; building it takes some minutes, once");
    Program::cargo("install cargo-nextest --locked --version")
        .args([NEXTEST_VERSION])
        .run()?;
    Ok(format!("installed {NEXTEST_VERSION}"))
}

fn python_tools() -> Result<String, Failure> {
    let wanted = tree::read_text(REQUIREMENTS)?;
    // A copy of the list, written last, tells a finished environment from an interrupted one.
    let stamp = venv().join("installed-requirements.txt");
    if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok("there already".to_owned());
    }
    if !tool("python").exists() {
        Program::new("python3")
            .args(["-m", "venv", ".tools/venv"])
            .run()
            .map_err(|failure| failure.again("apt-get install python3-venv"))?;
    }
    Program::new(tool("python"))
        .args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ])
        .args(["--requirement", REQUIREMENTS])
        .run()?;
    tree::write(&stamp, wanted.as_bytes())?;
    Ok("installed into .tools/venv".to_owned())
}
