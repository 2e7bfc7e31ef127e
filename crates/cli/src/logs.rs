//! Lines of logs: files, folders, standard input and, in a program built with the feature `aws`, objects of S3; gzip or not,
//! and Parquet.
//!
//! Always holds: a line longer than any log has is cut and goes on as one that is too long; memory does not grow with a file.

mod parquet;
#[cfg(feature = "aws")]
mod s3;

use crate::exit::Failure;
use flate2::bufread::MultiGzDecoder;
use portcullis_access_log::read::LINE_BYTES_MAX;
use std::fs::File;
use std::io::{BufRead, BufReader, Read as _, Seek as _};
use std::path::{Path, PathBuf};

/// How much of a file is read at once, in bytes.
const BUFFER_BYTES: usize = 1 << 20;
/// The deepest folder of logs.
const DEPTH_MAX: usize = 16;
/// The most files of one run.
const FILES_MAX: usize = 1_000_000;
/// What gzip begins with.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Where logs in S3 are.
const S3: &str = "s3://";

/// The files of logs, in the order of their names; `-` for standard input, `s3://BUCKET/KEY` for objects.
pub(crate) fn files(named: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut found = Vec::new();
    for path in named {
        if let Some(place) = path.to_str().and_then(|text| text.strip_prefix(S3)) {
            found.extend(objects(place)?);
        } else if path.is_dir() {
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

#[cfg(feature = "aws")]
fn objects(place: &str) -> Result<Vec<PathBuf>, Failure> {
    s3::objects(place)
}

#[cfg(not(feature = "aws"))]
fn objects(place: &str) -> Result<Vec<PathBuf>, Failure> {
    Err(Failure::usage(format!("`{S3}{place}` is in S3, which this program cannot read"))
        .help("build it with `--features aws`, or pass the log on standard input: aws s3 cp ... - | portcullis replay -"))
}

/// A log in a file of this machine; one in S3 is fetched into a file that is gone when it is closed.
fn file(path: &Path) -> Result<File, Failure> {
    #[cfg(feature = "aws")]
    if let Some(place) = path.to_str().and_then(|text| text.strip_prefix(S3)) {
        return s3::fetched(place);
    }
    File::open(path).map_err(|why| unreadable(path, &why))
}

/// Gives each line of a file, without its end and with its number, until `take` says no.
pub(crate) fn lines(path: &Path, mut take: impl FnMut(&[u8], u64) -> bool) -> Result<(), Failure> {
    let failed = |why| unreadable(path, &why);
    let mut reader: Box<dyn BufRead> = if path == Path::new("-") {
        Box::new(BufReader::with_capacity(
            BUFFER_BYTES,
            std::io::stdin().lock(),
        ))
    } else {
        let mut file = file(path)?;
        let mut begins = [0; 4];
        let read = file.read(&mut begins).map_err(failed)?;
        file.rewind().map_err(failed)?;
        if read == begins.len() && begins == parquet::MAGIC {
            return parquet::rows(path, file, take);
        }
        Box::new(BufReader::with_capacity(BUFFER_BYTES, file))
    };
    if reader.fill_buf().map_err(failed)?.starts_with(&GZIP) {
        let unpacked = MultiGzDecoder::new(reader);
        reader = Box::new(BufReader::with_capacity(BUFFER_BYTES, unpacked));
    }
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
