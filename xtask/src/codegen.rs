//! `cargo xtask codegen`: files that are made from code and checked in, so that readers and other tools need no compiler.

mod errors;
mod rules;
mod semantics;
mod stack;

use crate::steps::{Failure, Steps};
use crate::tidy::{Finding, conclude};
use crate::tree;

/// A checked-in file and what makes it.
struct Generated {
    /// From the root.
    path: &'static str,
    make: fn() -> String,
}

/// Every generated file.
const GENERATED: &[Generated] = &[
    Generated {
        path: "schema/portcullis.schema.json",
        make: portcullis_manifest::schema::json_schema,
    },
    Generated {
        path: "docs/environment.md",
        make: portcullis_aws::config::environment_reference,
    },
    Generated {
        path: "docs/SEMANTICS.md",
        make: semantics::page,
    },
    Generated {
        path: "docs/errors.md",
        make: errors::page,
    },
    Generated {
        path: "infra/example.template.json",
        make: stack::page,
    },
    Generated {
        path: "docs/rules.md",
        make: rules::page,
    },
];

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Write nothing; fail if a file differs from what would be written
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(options: &Options, steps: &mut Steps) -> Result<(), Failure> {
    let work = if options.check { check } else { write };
    steps.step("generated files", work)
}

/// Whether every generated file is what its generator makes now.
pub(crate) fn check() -> Result<String, Failure> {
    let stale = GENERATED.iter().filter(|file| {
        // A missing file differs from any content.
        tree::read_text(file.path).ok() != Some((file.make)())
    });
    let findings: Vec<Finding> = stale
        .map(|file| Finding::new(file.path, "differs from what its generator makes"))
        .collect();
    conclude(&findings, format!("{} files", GENERATED.len()))
        .map_err(|failure| failure.again("cargo xtask codegen"))
}

fn write() -> Result<String, Failure> {
    for file in GENERATED {
        tree::write(&tree::root().join(file.path), (file.make)().as_bytes())?;
    }
    Ok(format!("{} files", GENERATED.len()))
}

#[cfg(test)]
mod tests {
    #[test]
    fn generated_files_are_fresh() {
        super::check().unwrap_or_else(|broken| panic!("{broken}"));
    }
}
