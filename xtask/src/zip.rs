//! A zip archive whose bytes depend on nothing but its contents: order, times and compression are fixed.
//!
//! The same input gives the same archive on any machine, so a deployment whose code did not change has the same digest.
//! Compression is `miniz_oxide`'s, which is plain Rust without machine-specific paths. No zip64, no encryption, no
//! streaming: an archive that does not fit the format's 32-bit fields is refused, and AWS Lambda's limit is far below.

use crate::steps::Failure;
use miniz_oxide::deflate::compress_to_vec;

/// The best compression `miniz_oxide` has.
const LEVEL: u8 = 10;
/// 1980-01-01, the first day the format can express.
const DATE: u16 = (1 << 5) | 1;
/// "Made by Unix", which makes the permission bits count, and version 2.0.
const MADE_BY: u16 = (3 << 8) | 20;
const VERSION_NEEDED: u16 = 20;
const DEFLATED: u16 = 8;
const REGULAR_FILE: u32 = 0o100_000;

/// One file of an archive.
pub(crate) struct Entry<'a> {
    /// Its path in the archive; ASCII, without a leading slash.
    pub(crate) name: &'a str,
    /// Unix permission bits.
    pub(crate) mode: u32,
    pub(crate) contents: &'a [u8],
}

/// The archive of `entries`, in their order.
pub(crate) fn archive(entries: &[Entry<'_>]) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let mut directory = Vec::new();
    for entry in entries {
        let offset = size(bytes.len())?;
        let compressed = compress_to_vec(entry.contents, LEVEL);
        let header = header(entry, compressed.len())?;
        bytes.extend(b"PK\x03\x04");
        bytes.extend(&header);
        bytes.extend(entry.name.as_bytes());
        bytes.extend(compressed);
        directory.extend(b"PK\x01\x02");
        directory.extend(MADE_BY.to_le_bytes());
        directory.extend(&header);
        // Comment length, disk number, internal attributes.
        directory.extend([0; 6]);
        directory.extend(((REGULAR_FILE | entry.mode) << 16).to_le_bytes());
        directory.extend(offset.to_le_bytes());
        directory.extend(entry.name.as_bytes());
    }
    let start = size(bytes.len())?;
    let length = size(directory.len())?;
    let count = short(entries.len())?.to_le_bytes();
    bytes.extend(directory);
    bytes.extend(b"PK\x05\x06");
    // This disk and the directory's disk.
    bytes.extend([0; 4]);
    bytes.extend(count);
    bytes.extend(count);
    bytes.extend(length.to_le_bytes());
    bytes.extend(start.to_le_bytes());
    // Comment length.
    bytes.extend([0; 2]);
    Ok(bytes)
}

/// The part that a file's own header and its directory entry have in common.
fn header(entry: &Entry<'_>, compressed: usize) -> Result<Vec<u8>, Failure> {
    let mut header = Vec::new();
    header.extend(VERSION_NEEDED.to_le_bytes());
    // Flags.
    header.extend([0; 2]);
    header.extend(DEFLATED.to_le_bytes());
    // Time of day, midnight.
    header.extend([0; 2]);
    header.extend(DATE.to_le_bytes());
    header.extend(crc32fast::hash(entry.contents).to_le_bytes());
    header.extend(size(compressed)?.to_le_bytes());
    header.extend(size(entry.contents.len())?.to_le_bytes());
    header.extend(short(entry.name.len())?.to_le_bytes());
    // Extra field length.
    header.extend([0; 2]);
    Ok(header)
}

fn size(bytes: usize) -> Result<u32, Failure> {
    u32::try_from(bytes).map_err(|_| Failure::new("over 4 GiB do not fit a zip archive"))
}

fn short(number: usize) -> Result<u16, Failure> {
    u16::try_from(number).map_err(|_| Failure::new("over 65,535 do not fit a zip archive"))
}

#[cfg(test)]
mod tests {
    use super::{Entry, archive};
    use crate::command::Program;
    use crate::tree;

    fn entries() -> Vec<u8> {
        archive(&[
            Entry {
                name: "bootstrap",
                mode: 0o755,
                contents: &[7; 10_000],
            },
            Entry {
                name: "bundle.json",
                mode: 0o644,
                contents: b"{}",
            },
        ])
        .unwrap()
    }

    #[test]
    fn the_same_input_gives_the_same_bytes() {
        assert_eq!(entries(), entries());
        assert!(entries().len() < 500, "the first file compresses well");
    }

    #[test]
    fn another_program_reads_names_permissions_and_contents() {
        let path = tree::target_dir().join(format!("xtask-zip-{}.zip", std::process::id()));
        tree::write(&path, &entries()).unwrap();
        let read = "import sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as z:
    assert z.testzip() is None
    for i in z.infolist():
        print(i.filename, oct(i.external_attr >> 16), i.date_time[:3], len(z.read(i)))";
        let shown = Program::new("python3")
            .args(["-c", read])
            .arg(&path)
            .output();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(
            String::from_utf8(shown.unwrap()).unwrap(),
            "bootstrap 0o100755 (1980, 1, 1) 10000\nbundle.json 0o100644 (1980, 1, 1) 2\n"
        );
    }
}
