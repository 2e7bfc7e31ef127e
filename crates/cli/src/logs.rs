//! Lines of logs: files, folders and standard input, gzip or not.
//!
//! Always holds: a line longer than any log has is cut and goes on as one that is too long; memory does not grow with a file.

use crate::exit::Failure;
use flate2::bufread::MultiGzDecoder;
use portcullis_access_log::read::LINE_BYTES_MAX;
use std::fs::File;
use std::io::{BufRead, BufReader, Read as _};
use std::path::{Path, PathBuf};

/// How much of a file is read at once, in bytes.
const BUFFER_BYTES: usize = 1 << 20;
/// The deepest folder of logs.
const DEPTH_MAX: usize = 16;
/// The most files of one run.
const FILES_MAX: usize = 1_000_000;
/// What gzip begins with.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// The files of logs, in the order of their names; `-` for standard input.
pub(crate) fn files(named: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut found = Vec::new();
    for path in named {
        if path.is_dir() {
            walk(path, DEPTH_MAX, &mut found)?;
        } else if path == Path::new("-") || path.exists() {
            found.push(path.clone());
        } else {
            return Err(Failure::usage(format!(
                "there is no log `{}`",
                path.display()
            )));
        }
    }
    if found.is_empty() {
        return Err(Failure::usage(
            "there are no logs in the folders that were named",
        ));
    }
    Ok(found)
}

fn walk(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let unreadable = |why| unreadable(folder, &why);
    let entries = std::fs::read_dir(folder).map_err(unreadable)?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path()));
    let mut paths: Vec<PathBuf> = paths.collect::<Result<_, _>>().map_err(unreadable)?;
    paths.sort();
    for path in paths {
        if path.is_dir() {
            let left = depth.checked_sub(1);
            let left =
                left.ok_or_else(|| Failure::failed(format!("`{}` is too deep", path.display())))?;
            walk(&path, left, found)?;
        } else {
            found.push(path);
        }
        if found.len() > FILES_MAX {
            return Err(Failure::failed(format!(
                "there are more than {FILES_MAX} logs"
            )));
        }
    }
    Ok(())
}

fn unreadable(path: &Path, why: &std::io::Error) -> Failure {
    Failure::failed(format!("`{}` cannot be read: {why}", path.display()))
}

/// Gives each line of a file, without its end and with its number, until `take` says no.
pub(crate) fn lines(path: &Path, mut take: impl FnMut(&[u8], u64) -> bool) -> Result<(), Failure> {
    let failed = |why| unreadable(path, &why);
    let mut reader = open(path).map_err(failed)?;
    let (mut line, mut number) = (Vec::new(), 0);
    loop {
        line.clear();
        let limit = LINE_BYTES_MAX as u64 + 2;
        let read = reader.by_ref().take(limit).read_until(b'\n', &mut line);
        if read.map_err(failed)? == 0 {
            return Ok(());
        }
        number += 1;
        let ended = line.last() == Some(&b'\n');
        if ended {
            line.pop();
        } else if line.len() > LINE_BYTES_MAX {
            skip_line(&mut reader).map_err(failed)?;
        }
        if !take(&line, number) {
            return Ok(());
        }
    }
}

/// Leaves out the rest of a line.
fn skip_line(reader: &mut impl BufRead) -> std::io::Result<()> {
    loop {
        let buffer = reader.fill_buf()?;
        if buffer.is_empty() {
            return Ok(());
        }
        let end = memchr::memchr(b'\n', buffer);
        let used = end.map_or(buffer.len(), |end| end + 1);
        reader.consume(used);
        if end.is_some() {
            return Ok(());
        }
    }
}

fn open(path: &Path) -> std::io::Result<Box<dyn BufRead>> {
    let mut plain: Box<dyn BufRead> = if path == Path::new("-") {
        Box::new(BufReader::with_capacity(
            BUFFER_BYTES,
            std::io::stdin().lock(),
        ))
    } else {
        Box::new(BufReader::with_capacity(BUFFER_BYTES, File::open(path)?))
    };
    if plain.fill_buf()?.starts_with(&GZIP) {
        let unpacked = MultiGzDecoder::new(plain);
        return Ok(Box::new(BufReader::with_capacity(BUFFER_BYTES, unpacked)));
    }
    Ok(plain)
}
