//! `cargo xtask check`: everything a change must hold, in the order of what it costs.
//!
//! The rules of the tree need no compiler and come first. Lints before documentation: both read the same checked
//! dependencies, which clippy's run leaves behind. Tests come last and build code of their own.

use crate::command::{Program, find};
use crate::steps::{Failure, Steps};
use crate::{cdk, codegen, dependencies, test, tidy};

/// Private items are part of the documentation built here, so it may link to them.
const RUSTDOC_FLAGS: &str = "--deny warnings --allow rustdoc::private-intra-doc-links";

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Leave the tests out
    #[arg(long)]
    fast: bool,
}

pub(crate) fn run(options: &Options, steps: &mut Steps) -> Result<(), Failure> {
    steps.step("format", format)?;
    steps.step("rules of the tree", tidy::check)?;
    steps.step("directions of dependencies", dependencies::check)?;
    steps.step("generated files", codegen::check)?;
    steps.step("licences and sources", licences)?;
    steps.step("lints", || {
        done(Program::cargo(
            "clippy --locked --workspace --all-targets --keep-going -- --deny warnings",
        ))
    })?;
    steps.step("documentation", || {
        let build = "doc --locked --workspace --no-deps --document-private-items";
        done(Program::cargo(build).env("RUSTDOCFLAGS", RUSTDOC_FLAGS))
    })?;
    if options.fast {
        return Ok(());
    }
    test::run(&test::Options::default(), steps)?;
    cdk::check(steps)
}

fn done(program: Program) -> Result<String, Failure> {
    program.run()?;
    Ok(String::new())
}

fn format() -> Result<String, Failure> {
    done(Program::cargo("fmt --all --check -- -l")).map_err(|_| {
        Failure::new("the files above are not formatted; `cargo fmt --all` formats them")
            .again("cargo fmt --all --check")
    })
}

/// `deny.toml` in full needs cargo-deny, which takes minutes to build; `dependencies` keeps its bans without it.
fn licences() -> Result<String, Failure> {
    if find("cargo-deny").is_none() {
        return Ok("left out: cargo-deny is not installed".to_owned());
    }
    done(Program::cargo("deny --locked check bans licenses sources"))
}
