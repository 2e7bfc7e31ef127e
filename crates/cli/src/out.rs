//! What leaves the program as data: on stdout, and in files that are named for it.
//!
//! Always holds: a reader that has gone away, as `head` does, has read enough and changes no exit code; any other failure
//! to write fails the command. Deliberately absent: stderr, which people read.

use crate::exit::Failure;
use std::fmt::Display;
use std::io::{ErrorKind, Write as _};
use std::path::Path;

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

/// Writes a file. A reader sees what was there or what is new, never half of either.
pub(crate) fn file(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let fail = |why: std::io::Error| {
        Failure::failed(format!("`{}` cannot be written: {why}", path.display()))
    };
    // A device or a pipe is written to; renaming a file over it would take it away from everyone.
    if std::fs::metadata(path).is_ok_and(|there| !there.is_file()) {
        return std::fs::write(path, bytes).map_err(fail);
    }
    let mut half = path.as_os_str().to_owned();
    half.push(".new");
    std::fs::write(&half, bytes).map_err(fail)?;
    std::fs::rename(&half, path).map_err(fail)
}
