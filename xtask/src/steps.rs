//! Steps: a heading before, the time after, one table at the end.
//!
//! A failure is a message for people and, where there is one, the command that shows it again. The first failed step
//! ends the run, because later steps would only bury it.

use std::fmt::{Display, Formatter};
use std::io::Write;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Why a step failed.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    again: Option<String>,
}

impl Failure {
    /// A failure that explains itself.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            again: None,
        }
    }

    /// Adds the command that shows the failure again.
    #[must_use]
    pub(crate) fn again(mut self, command: impl Into<String>) -> Self {
        self.again.get_or_insert(command.into());
        self
    }

    /// An I/O error, with what was being done.
    pub(crate) fn io(doing: impl Display) -> impl FnOnce(std::io::Error) -> Self {
        let doing = doing.to_string();
        move |error| Self::new(format!("{doing}: {error}"))
    }
}

impl Display for Failure {
    fn fmt(&self, out: &mut Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.message)
    }
}

/// One finished step, as the table shows it.
struct Row {
    passed: bool,
    name: String,
    took: Duration,
    note: String,
}

/// The steps of one run, in order.
pub(crate) struct Steps {
    began: Instant,
    rows: Vec<Row>,
    total: Option<String>,
}

impl Steps {
    /// Starts the clock.
    pub(crate) fn begin() -> Self {
        Self {
            began: Instant::now(),
            rows: Vec::new(),
            total: None,
        }
    }

    /// Runs one step. What `work` returns is its note in the table: a count, a size, or nothing.
    pub(crate) fn step(
        &mut self,
        name: &str,
        work: impl FnOnce() -> Result<String, Failure>,
    ) -> Result<(), Failure> {
        say(&format!("\n== {name}"));
        let began = Instant::now();
        let result = work();
        self.rows.push(Row {
            passed: result.is_ok(),
            name: name.to_owned(),
            took: began.elapsed(),
            note: result.as_ref().map_or_else(|_| String::new(), Clone::clone),
        });
        result.map(drop)
    }

    /// Sets the last line of the run, printed on standard output whatever the outcome.
    pub(crate) fn set_total(&mut self, total: String) {
        self.total = Some(total);
    }

    /// Prints the table and the outcome, and makes the exit code of it.
    pub(crate) fn finish(self, result: &Result<(), Failure>) -> ExitCode {
        if let Err(failure) = result {
            say(&format!("\nfailed: {failure}"));
            if let Some(again) = &failure.again {
                say(&format!("to see it again: {again}"));
            }
        }
        if self.rows.len() > 1 {
            say(&format!("\n{}", self.table()));
        }
        if let Some(total) = self.total {
            // A reader that went away is no reason to fail a run that passed.
            let _closed = writeln!(std::io::stdout(), "{total}");
        }
        if result.is_ok() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }

    fn table(&self) -> String {
        let width = self
            .rows
            .iter()
            .map(|row| row.name.len())
            .max()
            .unwrap_or(0);
        let mut table = String::new();
        for row in &self.rows {
            let outcome = if row.passed { "ok    " } else { "FAILED" };
            let line = format!(
                "{outcome}  {:width$}  {:>7}  {}",
                row.name,
                seconds(row.took),
                row.note
            );
            table.push_str(line.trim_end());
            table.push('\n');
        }
        let total = seconds(self.began.elapsed());
        table + &format!("        {:width$}  {total:>7}", "in all")
    }
}

/// Says something to the developer, on standard error.
pub(crate) fn say(line: &str) {
    // Nobody can be told that standard error is gone.
    let _closed = writeln!(std::io::stderr(), "{line}");
}

fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}
