//! Where decision lines go: each in one write, and nobody waits or fails because a reader has gone.

use crate::args::Log;
use crate::exit::Failure;
use std::fs::File;
use std::io::Write;

/// What takes decision lines.
pub(crate) enum Sink {
    Stderr,
    Stdout,
    /// Lines are appended, so that a file may be shared and rotated by copying.
    File(File),
    None,
}

impl Sink {
    /// Opens what was named.
    pub(crate) fn open(log: &Log) -> Result<Self, Failure> {
        Ok(match log {
            Log::Stderr => Self::Stderr,
            Log::Stdout => Self::Stdout,
            Log::None => Self::None,
            Log::File(path) => {
                let file = File::options().create(true).append(true).open(path);
                Self::File(file.map_err(|why| {
                    Failure::failed(format!(
                        "the log `{}` cannot be written: {why}",
                        path.display()
                    ))
                })?)
            }
        })
    }

    /// Whether anybody reads what is written here.
    pub(crate) fn is_read(&self) -> bool {
        !matches!(self, Self::None)
    }

    /// Takes one line, without its end.
    pub(crate) fn line(&self, line: &str) {
        let line = format!("{line}\n");
        // Nobody is left to tell if the log is gone, and a request is not to fail for it.
        let _lost = match self {
            Self::Stderr => anstream::stderr().write_all(line.as_bytes()),
            Self::Stdout => anstream::stdout().write_all(line.as_bytes()),
            Self::File(file) => (&*file).write_all(line.as_bytes()),
            Self::None => Ok(()),
        };
    }
}
