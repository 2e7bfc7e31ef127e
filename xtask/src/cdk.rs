//! The CDK construct and the templates: built and tested with Node, read by cfn-lint. None of it asks for an account.

use crate::command::{Program, find};
use crate::setup;
use crate::steps::{Failure, Steps};
use crate::tree;

/// Where the construct is.
const FOLDER: &str = "cdk";
/// The templates that are checked in.
const TEMPLATES: [&str; 1] = ["infra/example.template.json"];

pub(crate) fn check(steps: &mut Steps) -> Result<(), Failure> {
    steps.step("templates, by cfn-lint", || {
        Program::new(setup::tool("cfn-lint"))
            .args(TEMPLATES)
            .run()?;
        Ok(format!("{} templates", TEMPLATES.len()))
    })?;
    steps.step("CDK construct", construct)
}

fn construct() -> Result<String, Failure> {
    if find("npm").is_none() {
        return Err(Failure::new(
            "the CDK construct is built with Node 20 or newer, and npm is missing",
        ));
    }
    let npm = |arguments: &str| {
        let words = arguments.split_whitespace();
        Program::new("npm")
            .args(["--prefix", FOLDER])
            .args(words)
            .run()
    };
    let installed = tree::root()
        .join(FOLDER)
        .join("node_modules/.package-lock.json");
    if !installed.is_file() {
        npm("ci --no-audit --no-fund")?;
    }
    npm("test")?;
    Ok(String::new())
}
