//! What leaves the program on stdout: data, and nothing else.
//!
//! Always holds: a reader that has gone away, as `head` does, has read enough and changes no exit code; any other failure
//! to write fails the command. Deliberately absent: stderr, which people read.

use crate::exit::Failure;
use std::fmt::Display;
use std::io::{ErrorKind, Write as _};

/// Prints `text` as it is.
pub(crate) fn text(text: impl Display) -> Result<(), Failure> {
    let mut stdout = anstream::stdout().lock();
    let written = write!(stdout, "{text}").and_then(|()| stdout.flush());
    match written {
        Err(why) if why.kind() != ErrorKind::BrokenPipe => Err(Failure::failed(format!(
            "standard output cannot be written: {why}"
        ))),
        _ => Ok(()),
    }
}

/// Prints `text` as a line.
pub(crate) fn line(text: impl Display) -> Result<(), Failure> {
    self::text(format_args!("{text}\n"))
}

/// Prints a value as a line of JSON.
pub(crate) fn json(value: &impl serde::Serialize) -> Result<(), Failure> {
    line(serde_json::to_string(value).map_err(Failure::failed)?)
}
