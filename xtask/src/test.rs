//! `cargo xtask test`: every test, counted.
//!
//! Documentation examples are outside nextest's reach and run by cargo itself, on the libraries built before. The last
//! line on standard output is the total, and it is printed when tests fail, too.

use crate::command::Program;
use crate::setup;
use crate::steps::{Failure, Steps};
use std::ops::AddAssign;

#[derive(clap::Args, Default)]
pub(crate) struct Options {
    /// Arguments for `cargo nextest run`, after `--`; with any, documentation examples are left out
    #[arg(last = true)]
    nextest: Vec<String>,
}

/// How many tests did what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Count {
    passed: u64,
    failed: u64,
    skipped: u64,
}

impl AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl std::fmt::Display for Count {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            out,
            "{} passed, {} failed, {} skipped",
            self.passed, self.failed, self.skipped
        )
    }
}

pub(crate) fn run(options: &Options, steps: &mut Steps) -> Result<(), Failure> {
    setup::for_tests(steps)?;
    let mut total = Count::default();
    if !options.nextest.is_empty() {
        let some = Program::cargo("nextest run --locked").args(&options.nextest);
        return counted(steps, "tests", some, nextest_count, &mut total);
    }
    let all = Program::cargo("nextest run --locked --workspace");
    counted(steps, "tests", all, nextest_count, &mut total)?;
    let examples = Program::cargo("test --locked --no-fail-fast --doc --workspace");
    counted(
        steps,
        "documentation examples",
        examples,
        doctest_count,
        &mut total,
    )
}

/// Runs tests as one step and adds to the total. Tests that were not even built leave no count, and no total line.
fn counted(
    steps: &mut Steps,
    name: &str,
    program: Program,
    count: fn(&str) -> Option<Count>,
    total: &mut Count,
) -> Result<(), Failure> {
    let mut counts = Vec::new();
    let result = steps.step(name, || {
        let watched = program.watched()?;
        counts = watched
            .lines
            .iter()
            .filter_map(|line| count(line))
            .collect();
        let mut sum = Count::default();
        counts.iter().for_each(|one| sum += *one);
        watched.failure.map_or_else(|| Ok(sum.to_string()), Err)
    });
    counts.iter().for_each(|one| *total += *one);
    if !counts.is_empty() {
        steps.set_total(format!("total: {total}"));
    }
    result
}

/// From `Summary [   0.3s] 12 tests run: 11 passed (1 slow), 1 failed, 2 skipped`.
fn nextest_count(line: &str) -> Option<Count> {
    let (_, counts) = line
        .trim_start()
        .strip_prefix("Summary [")?
        .split_once(':')?;
    Some(Count {
        passed: number_before(counts, "passed"),
        failed: number_before(counts, "failed") + number_before(counts, "timed out"),
        skipped: number_before(counts, "skipped"),
    })
}

/// From `test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.1s`.
fn doctest_count(line: &str) -> Option<Count> {
    let (_, counts) = line.strip_prefix("test result: ")?.split_once('.')?;
    Some(Count {
        passed: number_before(counts, "passed"),
        failed: number_before(counts, "failed"),
        skipped: number_before(counts, "ignored"),
    })
}

/// The number written before `word`, zero if the word does not occur.
fn number_before(counts: &str, word: &str) -> u64 {
    let before = counts.split_once(word).map_or("", |(before, _)| before);
    let digits = before
        .trim_end()
        .rsplit(|c: char| !c.is_ascii_digit())
        .next();
    digits.and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{Count, doctest_count, nextest_count};

    #[track_caller]
    fn check(count: Option<Count>, passed: u64, failed: u64, skipped: u64) {
        let expected = Count {
            passed,
            failed,
            skipped,
        };
        assert_eq!(count, Some(expected));
    }

    #[test]
    fn summaries_are_read() {
        let nextest = "     Summary [   0.013s] 16 tests run: 16 passed, 0 skipped";
        let slow = "     Summary [  70.1s] 16/20 tests run: 13 passed (1 slow), 2 failed, 1 timed out, 4 skipped";
        let doctest = "test result: FAILED. 3 passed; 1 failed; 2 ignored; 0 measured; 0 filtered out; finished in 0.13s";
        check(nextest_count(nextest), 16, 0, 0);
        check(nextest_count(slow), 13, 3, 4);
        check(doctest_count(doctest), 3, 1, 2);
    }

    #[test]
    fn other_lines_count_nothing() {
        assert_eq!(nextest_count("        PASS [   0.003s] xtask tidy"), None);
        assert_eq!(doctest_count("running 3 tests"), None);
    }
}
