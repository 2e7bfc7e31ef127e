//! `cargo xtask prove`: the runs too long for every change.
//!
//! - Differential tests, optimised, with as many cases as asked for (`PORTCULLIS_CASES`), and the properties of the pure
//!   crates with a thousandth of them (`PROPTEST_CASES`): some properties sign something in every case.
//! - The benchmarks, which no other task builds, still compile.
//! - Every fuzz target for a given time, from its committed seeds.
//!
//! Fuzzing needs instrumentation that the stable compiler has but guards; `RUSTC_BOOTSTRAP` opens it, so that no nightly
//! toolchain is needed. Address sanitising stays off: the standard library is not built for it, and unsafe code is
//! denied anyway. A crash is kept under `fuzz/artifacts`, to be added to the seeds with its fix.

use crate::bench;
use crate::command::{Program, find};
use crate::dependencies::PURE;
use crate::steps::{Failure, Steps};
use crate::tree;

const FUZZ_VERSION: &str = "0.13.2";
const CASES_PER_PROPERTY_CASE: u64 = 1_000;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Time for each fuzz target, in seconds; 0 leaves fuzzing out
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Cases for each differential test, and a thousandth of them for each property; 0 leaves both out
    #[arg(long, default_value_t = 10_000_000)]
    cases: u64,
    /// Only this fuzz target; repeatable
    #[arg(long = "target", value_name = "NAME")]
    targets: Vec<String>,
}

pub(crate) fn run(options: &Options, steps: &mut Steps) -> Result<(), Failure> {
    steps.step("the benchmarks compile", bench::compiles)?;
    if options.cases > 0 {
        steps.step("differential and property tests", || tests(options.cases))?;
    }
    if options.seconds > 0 {
        for target in targets(&options.targets)? {
            steps.step(&format!("fuzz {target}"), || fuzz(&target, options.seconds))?;
        }
    }
    Ok(())
}

fn tests(cases: u64) -> Result<String, Failure> {
    let packages = PURE.iter().chain(&["portcullis-suite"]);
    Program::cargo("nextest run --locked --release --profile prove")
        .args(packages.flat_map(|package| ["--package", package]))
        .env("PORTCULLIS_CASES", cases.to_string())
        .env(
            "PROPTEST_CASES",
            (cases / CASES_PER_PROPERTY_CASE).max(1).to_string(),
        )
        .run()?;
    Ok(format!("{cases} cases for each differential test"))
}

/// The targets asked for, or all there are.
fn targets(asked: &[String]) -> Result<Vec<String>, Failure> {
    let there = fuzz_targets()?;
    if let Some(unknown) = asked.iter().find(|name| !there.contains(name)) {
        let known = there.join(", ");
        return Err(Failure::new(format!(
            "no fuzz target `{unknown}`; there are {known}"
        )));
    }
    Ok(if asked.is_empty() {
        there
    } else {
        asked.to_vec()
    })
}

fn fuzz_targets() -> Result<Vec<String>, Failure> {
    let files = tree::files()?;
    let stem = |file: &String| {
        let name = file
            .strip_prefix("fuzz/fuzz_targets/")?
            .strip_suffix(".rs")?;
        Some(name.to_owned())
    };
    Ok(files.iter().filter_map(stem).collect())
}

fn fuzz(target: &str, seconds: u64) -> Result<String, Failure> {
    if find("cargo-fuzz").is_none() {
        let install = format!("cargo install cargo-fuzz --locked --version {FUZZ_VERSION}");
        return Err(
            Failure::new(format!("fuzzing needs cargo-fuzz; run `{install}`")).again(install),
        );
    }
    // What is found goes to the first folder, which git ignores; the seeds are only read.
    let corpus = format!("fuzz/corpus/{target}");
    let folder = tree::root().join(&corpus);
    std::fs::create_dir_all(folder).map_err(Failure::io(&corpus))?;
    // Without `--release` cargo-fuzz optimises all the same, and keeps overflow checks.
    let watched = Program::cargo("fuzz run --sanitizer none")
        .args([target, &corpus, &format!("fuzz/seeds/{target}"), "--"])
        .args(["-verbosity=0", "-print_final_stats=1", "-timeout=10"])
        .arg(format!("-max_total_time={seconds}"))
        .env("RUSTC_BOOTSTRAP", "1")
        .watched()?;
    if let Some(failure) = watched.failure {
        return Err(failure);
    }
    let tried = watched
        .lines
        .iter()
        .find_map(|line| line.strip_prefix("stat::number_of_executed_units:"));
    Ok(format!(
        "{} inputs, no crash",
        tried.unwrap_or("unknown").trim()
    ))
}
