//! Exit codes and failures: what went wrong, where, and the next thing to type.

use anstream::eprintln;
use anstyle::{AnsiColor, Style};
use std::fmt::Display;
use std::process::ExitCode;

/// How a command ends. The numbers are stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It did what it was asked to.
    Done = 0,
    /// It could not.
    Failed = 1,
    /// It was asked for something that cannot be.
    Usage = 2,
    /// The manifest has mistakes, or `check` found errors.
    Findings = 3,
    /// A plan has changes.
    Changes = 4,
    /// `explain`: the request is refused.
    Refused = 5,
    /// AWS does not answer, or does not let us in.
    Aws = 10,
}

/// The table that `portcullis help exit-codes` prints.
pub(crate) const TABLE: &str = "\
0    done
1    failed
2    wrong usage
3    mistakes in the manifest or template
4    `--plan`: something would change
5    `explain`: the request is refused
10   AWS or its credentials
130  interrupted
";

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command failed.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    message: String,
    help: Option<String>,
}

impl Display for Failure {
    /// The message and what to do next, on one line.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)?;
        match &self.help {
            Some(help) => write!(f, " ({help})"),
            None => Ok(()),
        }
    }
}

/// What a command returns.
pub(crate) type Outcome = Result<ExitCode, Failure>;

impl Failure {
    /// A failure with its message: lower case, no full stop, input in backticks.
    pub(crate) fn new(exit: Exit, message: impl Display) -> Self {
        Self {
            exit,
            message: message.to_string(),
            help: None,
        }
    }

    /// Something that did not work.
    pub(crate) fn failed(message: impl Display) -> Self {
        Self::new(Exit::Failed, message)
    }

    /// Something that cannot be asked for.
    pub(crate) fn usage(message: impl Display) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// Adds what to do next.
    pub(crate) fn help(mut self, help: impl Display) -> Self {
        self.help = Some(help.to_string());
        self
    }

    /// Prints the failure and gives its exit code. An empty message has been printed before.
    pub(crate) fn report(self) -> ExitCode {
        let red = Style::new().bold().fg_color(Some(AnsiColor::Red.into()));
        if !self.message.is_empty() {
            eprintln!("{red}error{red:#}: {}", self.message);
        }
        if let Some(help) = self.help {
            eprintln!("  help: {help}");
        }
        self.exit.into()
    }
}
