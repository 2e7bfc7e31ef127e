//! The groups of rows, in the order of the table.

mod country;
mod decision;
mod event;
mod function;
mod growth;
mod package;
mod prefixes;
mod signed;

use portcullis_bench::callgrind::Callgrind;
use portcullis_bench::inputs::Inputs;
use portcullis_bench::measure::Effort;
use portcullis_bench::table::{Goal, Row};
use portcullis_bench::{Failure, measure};
use std::path::PathBuf;

/// What the rows are measured with.
pub(crate) struct Bench {
    /// How much.
    pub(crate) effort: Effort,
    /// On what.
    pub(crate) inputs: Inputs,
    /// The instruction counter, fully optimised and as shipped.
    pub(crate) ir: [PathBuf; 2],
    /// The gateway as shipped.
    pub(crate) gateway: PathBuf,
    /// The folder of the functions it is measured against.
    pub(crate) peers: PathBuf,
    /// What `cargo xtask package` left, if it did.
    pub(crate) package: PathBuf,
    /// A folder for files that nobody else writes.
    pub(crate) scratch: PathBuf,
}

impl Bench {
    fn ir(&self) -> Callgrind<'_> {
        self.callgrind(&self.ir[0])
    }

    fn ir_shipped(&self) -> Callgrind<'_> {
        self.callgrind(&self.ir[1])
    }

    fn callgrind<'a>(&'a self, program: &'a std::path::Path) -> Callgrind<'a> {
        Callgrind {
            program,
            inputs: self.inputs.folder(),
            scratch: &self.scratch,
        }
    }

    /// A count repeats, so a short run counts fewer.
    fn ir_operations(&self, full: u64) -> u64 {
        if self.effort.rounds == measure::Effort::FULL.rounds {
            full
        } else {
            full / 5
        }
    }

    fn rounds(&self, operations: usize) -> String {
        format!("{} rounds of {operations} in turn", self.effort.rounds)
    }
}

/// The names of the groups, in order.
pub(crate) const GROUPS: [&str; 8] = [
    "decision", "event", "country", "prefixes", "growth", "function", "signed", "package",
];

/// The rows of one group. What cannot be measured is a row that failed.
pub(crate) fn group(name: &'static str, bench: &Bench) -> Vec<Row> {
    let rows = match name {
        "decision" => decision::rows(bench),
        "event" => event::rows(bench),
        "country" => country::rows(bench),
        "prefixes" => prefixes::rows(bench),
        "growth" => growth::rows(bench),
        "function" => function::rows(bench),
        "signed" => signed::rows(bench),
        _ => package::rows(bench),
    };
    rows.unwrap_or_else(|why: Failure| {
        let goal = Goal::figure(0.0, None);
        vec![Row::failed(
            name,
            format!("the rows of `{name}`"),
            goal,
            "",
            why,
        )]
    })
}
