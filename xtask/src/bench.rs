//! `cargo xtask bench`: makes sure that the rivals and instruments are there, then starts the benchmarks' own package.

use crate::command::Program;
use crate::dependencies::Metadata;
use crate::setup;
use crate::steps::{Failure, Steps};

/// The workspace member that holds the benchmarks; it depends on much, so it is built only when asked for.
const PACKAGE: &str = "portcullis-bench";

#[derive(clap::Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// Instructions, allocations, start, memory and size of the gateway, against their bars
    Gateway {
        /// Arguments for the benchmark
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
}

pub(crate) fn run(options: &Options, steps: &mut Steps) -> Result<(), Failure> {
    let What::Gateway { arguments } = &options.what;
    if !Metadata::read()?
        .members()
        .any(|package| package.name == PACKAGE)
    {
        return Err(Failure::new(format!(
            "this workspace has no package `{PACKAGE}` to run"
        )));
    }
    setup::for_bench(steps)?;
    steps.step("gateway", || {
        Program::cargo("run --locked --release --package")
            .args([PACKAGE, "--", "gateway"])
            .args(arguments)
            .run()?;
        Ok(String::new())
    })
}
