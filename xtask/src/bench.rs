//! `cargo xtask bench`: makes sure that the instruments are there, builds what is measured and what it is measured
//! against, then starts the benchmarks' own program.
//!
//! That program is a workspace of its own in `benches`, with the rivals as its dependencies, so that no other build waits
//! for them.

mod check;

use crate::command::Program;
use crate::debian;
use crate::steps::{Failure, Steps, say};
use crate::tree;
use std::path::{Path, PathBuf};

const MANIFEST: &str = "benches/Cargo.toml";

#[derive(clap::Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// Instructions, allocations, start, memory and size of the gateway, against their bars
    Gateway {
        /// --quick, --only GROUP,..., --json, --markdown
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// A large template through `check`, and millions of lines of a log through `replay`
    Check(check::Options),
}

pub(crate) fn run(options: &Options, steps: &mut Steps) -> Result<(), Failure> {
    match &options.what {
        What::Gateway { arguments } => gateway(arguments, steps),
        What::Check(options) => check::run(options, steps),
    }
}

fn gateway(arguments: &[String], steps: &mut Steps) -> Result<(), Failure> {
    steps.step("valgrind", valgrind)?;
    let folders = Folders::of(&tree::target_dir());
    steps.step("build the gateway as shipped", || {
        Program::cargo("build --locked --profile lambda --package portcullis-gateway").run()?;
        Ok(String::new())
    })?;
    steps.step("build the benchmarks", || {
        build("--release", "portcullis-bench", &folders)
    })?;
    steps.step("build the rivals as shipped", || {
        build("--profile=lambda", "portcullis-bench", &folders)?;
        build("--profile=lambda", "portcullis-bench-peers", &folders)
    })?;
    steps.step("gateway", || {
        Program::new(folders.optimised.join("portcullis-bench"))
            .arg("gateway")
            .args(arguments)
            .args(folders.arguments())
            .run()?;
        Ok(String::new())
    })
}

/// Brings the counter of instructions. Where it cannot be had, the other rows are worth having, and those that need it
/// say why they failed.
fn valgrind() -> Result<String, Failure> {
    let there = debian::require(&[("valgrind", &["valgrind"])]);
    Ok(there.unwrap_or_else(|failure| {
        say(&failure.to_string());
        "missing: rows that count instructions will fail".to_owned()
    }))
}

/// Compiles the benchmarks without building them, so that they do not rot.
pub(crate) fn compiles() -> Result<String, Failure> {
    Program::cargo("check --locked --workspace --all-targets --manifest-path")
        .args([MANIFEST, "--target-dir"])
        .arg(Folders::of(&tree::target_dir()).target)
        .run()?;
    Ok(String::new())
}

fn build(profile: &str, package: &str, folders: &Folders) -> Result<String, Failure> {
    Program::cargo("build --locked --bins --manifest-path")
        .args([MANIFEST, profile, "--package", package, "--target-dir"])
        .arg(&folders.target)
        .run()?;
    Ok(String::new())
}

/// Where everything is built.
struct Folders {
    target: PathBuf,
    optimised: PathBuf,
    shipped: PathBuf,
    gateway: PathBuf,
    package: PathBuf,
}

impl Folders {
    fn of(target: &Path) -> Self {
        let benches = target.join("bench");
        Self {
            optimised: benches.join("release"),
            shipped: benches.join("lambda"),
            target: benches,
            gateway: target.join("lambda/portcullis-gateway"),
            package: target.join("package"),
        }
    }

    /// The arguments by which the benchmarks find it.
    fn arguments(&self) -> Vec<PathBuf> {
        let scratch = self.target.join("scratch");
        let named = [
            ("--gateway", &self.gateway),
            ("--optimised", &self.optimised),
            ("--shipped", &self.shipped),
            ("--package", &self.package),
            ("--scratch", &scratch),
        ];
        named
            .into_iter()
            .flat_map(|(name, folder)| [PathBuf::from(name), folder.clone()])
            .collect()
    }
}
