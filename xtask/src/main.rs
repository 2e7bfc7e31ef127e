//! `cargo xtask`: the developers' one command, which continuous integration calls too.
//!
//! Every subcommand is a list of steps (`steps`); the first step that fails ends the run and names the command that
//! shows the failure again. What the checks demand is written in `tidy` and `dependencies`, each also an ordinary test,
//! so that a plain `cargo nextest run` holds them. Nothing here is shipped, and no other crate depends on it.
//!
//! Deliberately absent: benchmarks. They need half of the workspace and its rivals as dependencies; `bench` starts the
//! package that has them, so that this program builds in seconds.

mod bench;
mod cdk;
mod check;
mod codegen;
mod command;
mod debian;
mod dependencies;
mod package;
mod prove;
mod setup;
mod steps;
mod test;
mod tidy;
mod toolchain_shim;
mod tree;
mod zip;

use clap::{Parser, Subcommand};
use std::process::ExitCode;
use steps::{Failure, Steps};

const EXAMPLES: &str = "Examples:
  cargo xtask check --fast              before every commit: format, lints, documentation, rules
  cargo xtask check                     what continuous integration runs: the same, and every test
  cargo xtask test -- -E 'test(range)'  only some tests, after installing what they need
  cargo xtask package                   the gateway as a zip for AWS Lambda
  cargo xtask prove --seconds 300       fuzzing and large differential runs";

/// The developers' one command.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", after_help = EXAMPLES)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Install what the tests need; what is there already is left alone
    Setup(setup::Options),
    /// Format, documentation, lints, rules of the tree, generated files, tests
    Check(check::Options),
    /// Install what the tests need, then run every test
    Test(test::Options),
    /// Write the generated files that are checked in
    Codegen(codegen::Options),
    /// Build the gateway for AWS Lambda and zip it with a site's bundle
    Package(package::Options),
    /// Measure; each benchmark prints figures and ratios of one run
    Bench(bench::Options),
    /// The long runs: fuzzing, and differential tests with many cases, optimised
    Prove(prove::Options),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut steps = Steps::begin();
    let result = run(arguments.task, &mut steps);
    steps.finish(&result)
}

fn run(task: Task, steps: &mut Steps) -> Result<(), Failure> {
    match task {
        Task::Setup(options) => setup::run(&options, steps),
        Task::Check(options) => check::run(&options, steps),
        Task::Test(options) => test::run(&options, steps),
        Task::Codegen(options) => codegen::run(&options, steps),
        Task::Package(options) => package::run(&options, steps),
        Task::Bench(options) => bench::run(&options, steps),
        Task::Prove(options) => prove::run(&options, steps),
    }
}

#[cfg(test)]
mod tests {
    use super::Arguments;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }
}
