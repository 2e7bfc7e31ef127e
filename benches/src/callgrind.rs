//! Instructions of one operation, counted by valgrind.
//!
//! A program does N operations and then 3N; the difference divided by 2N leaves out everything it does once. Hardware
//! counters would be nearer the truth and are missing on most virtual machines; a count of instructions repeats.

use crate::Failure;
use std::path::Path;
use std::process::Command;

/// Counts instructions of the program `ir` under valgrind.
#[derive(Debug, Clone, Copy)]
pub struct Callgrind<'a> {
    /// The program.
    pub program: &'a Path,
    /// The inputs it reads, written before.
    pub inputs: &'a Path,
    /// A folder for what valgrind writes.
    pub scratch: &'a Path,
}

impl Callgrind<'_> {
    /// Instructions of one operation of `row`, over N and 3N of them.
    ///
    /// # Errors
    /// Valgrind is missing, or the program ended badly under it.
    pub fn per_operation(&self, row: &str, operations: u64) -> Result<f64, Failure> {
        let few = self.total(row, operations)?;
        let many = self.total(row, 3 * operations)?;
        Ok(many.saturating_sub(few) as f64 / (2 * operations) as f64)
    }

    fn total(&self, row: &str, operations: u64) -> Result<u64, Failure> {
        let written = self.scratch.join(format!("callgrind.{row}.{operations}"));
        let output = Command::new("valgrind")
            .args(["--tool=callgrind", "--quiet"])
            .arg(format!("--callgrind-out-file={}", written.display()))
            .arg(self.program)
            .args([row, &operations.to_string()])
            .arg(self.inputs)
            .output()
            .map_err(|error| {
                format!(
                    "valgrind cannot be started ({error}); `cargo xtask setup --bench` installs it"
                )
            })?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(format!("`ir {row}` ended with {}: {said}", output.status).into());
        }
        let text = std::fs::read_to_string(&written)?;
        let totals = text.lines().find_map(|line| line.strip_prefix("totals: "));
        let totals = totals.ok_or("valgrind wrote no totals")?;
        Ok(totals.trim().parse()?)
    }
}
