//! The look-up table compiled from a country database: used as it lies in the file, built when a database is accepted.
//!
//! - For every address the table says what the database it was compiled from says.
//! - Nothing is built at start and nothing is allocated by a look-up. Opening reads the header and the list of
//!   countries, checks that the parts fill the file exactly, and touches no other page.
//! - Every read is within the bytes, also in a damaged file: what cannot be read is [`CountryError::DatabaseBroken`].
//!   Whether the bytes are those that were compiled, [`CountryTable::verify`] says; it reads all of them, so it belongs
//!   to packaging and publishing.
//!
//! The file, version 1. Numbers are unsigned and little-endian.
//!
//! | offset | bytes | |
//! |---|---|---|
//! | 0 | 8 | `PCLSGEO\0` |
//! | 8 | 4 | version of this layout: 1 |
//! | 12 | 12 | IPv4: numbers of nodes n, of runs r, of ranges in splits s |
//! | 24 | 4 | IPv6: number of entries m |
//! | 28 | 3 | paths of the country, in order: 1 `country.iso_code`, 2 `country_code`, 3 `registered_country.iso_code`, 0 none |
//! | 31 | 1 | 1 if the database is a demonstration database, else 0 |
//! | 32 | 8 | build time of the database, epoch seconds |
//! | 40 | 32 | SHA-256 of the database |
//! | 72 | 32 | SHA-256 of this file without these 32 bytes |
//! | 104 | 512 | 256 answers of two bytes, see below |
//! | 616 | 262,144 | IPv4 buckets, one for each value of the first 16 bits: an answer, or 256 and the number of a node |
//! | … | 40 n | nodes: place of the first run (4 bytes), runs begun before each 64 of the 256 /24s (4 × 1), bit by /24 whether a run begins (4 × 8) |
//! | … | r | runs: an answer each |
//! | … | 5 s | splits: first address (4 bytes) and answer of each range in a /24 with several |
//! | … | 262,148 | IPv6 index: for each value of the 16 bits after the first three the number of entries before it; then m |
//! | … | 9 m | IPv6 entries: the first 64 bits of a range's first address, and its answer |
//!
//! An entry's range ends where the next begins. An answer is the position of a code among the 256: a country, or two
//! zero bytes. The last four positions are fixed: 255 is an address that is not in the database, 254 a record without a
//! country, 253 a code that is not ISO 3166-1, 252 a /24 with several answers.
//!
//! Deliberately absent: IPv6 networks deeper than /64, which [`compile()`] refuses by name.

use crate::address::high_half;
use crate::country::Country;
use crate::database::{CountryPath, CountryPaths};
use crate::geo::{CountryError, CountryFact, UnknownCountry, locatable};
use sha2::{Digest, Sha256};
use std::net::IpAddr;
use std::ops::Range;

mod changes;
mod compile;
mod ipv4;
mod ipv6;

pub use changes::{Change, changes};
pub use compile::{CompileError, NETWORKS_MAX, compile};

const MAGIC: [u8; 8] = *b"PCLSGEO\0";
const VERSION: u32 = 1;
const COUNTS_AT: usize = 12;
const PATHS_AT: usize = 28;
const BUILT_AT: usize = 32;
const SOURCE_AT: usize = 40;
const CHECKSUM: Range<usize> = 72..104;
const ANSWERS_AT: usize = 104;
const HEADER_BYTES: usize = ANSWERS_AT + 512;

/// The largest table read, in bytes.
pub const TABLE_BYTES_MAX: usize = 256 * 1024 * 1024;

const NOT_IN_DATABASE: u8 = 255;
const NO_COUNTRY_IN_RECORD: u8 = 254;
const NOT_ISO: u8 = 253;
const SPLIT: u8 = 252;

/// Why bytes are not a table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// The file is not a table of countries.
    #[error("not a country table")]
    NotATable,
    /// The table was written by another version of the program.
    #[error(
        "country table of version {found}; this program reads version {VERSION}: compile the database again"
    )]
    OtherVersion {
        /// The version of the file.
        found: u32,
    },
    /// The parts of the table do not fill the file: it was cut, or its header is damaged.
    #[error("the country table has {found} bytes and should have {expected}")]
    WrongLength {
        /// What the header says, in bytes.
        expected: u64,
        /// The size of the file, in bytes.
        found: u64,
    },
    /// The list of paths in the header is not one.
    #[error("the country table does not say where its countries come from")]
    BadPaths,
    /// An answer is neither a country nor empty.
    #[error("the country table names a country that does not exist")]
    BadCountry,
    /// The bytes are not those that were compiled.
    #[error("the checksum of the country table is wrong")]
    BadChecksum,
}

/// A compiled table of countries by address.
///
/// - Its parts fill the bytes exactly, and its answers are countries or reasons.
/// - `B` is what holds the bytes: a mapped file where nothing can change it, a `Vec<u8>` elsewhere.
pub struct CountryTable<B: AsRef<[u8]>> {
    bytes: B,
    sections: Sections,
    paths: CountryPaths,
    built_at: u64,
    source_sha256: [u8; 32],
    demonstration: bool,
    answers: [CountryFact; 256],
}

impl<B: AsRef<[u8]>> std::fmt::Debug for CountryTable<B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CountryTable")
            .field("built_at", &self.built_at)
            .field("paths", &self.paths)
            .field("demonstration", &self.demonstration)
            .finish_non_exhaustive()
    }
}

/// Where the sections are in the file.
struct Sections {
    ipv4: [Range<usize>; 4],
    ipv6: [Range<usize>; 2],
}

impl Sections {
    /// The sections for these counts; or the size of the file, if no table is so large.
    fn of(ipv4: ipv4::Counts, ipv6: u32) -> Result<Self, u64> {
        let (ipv4, ipv6) = (ipv4::section_bytes(ipv4), ipv6::section_bytes(ipv6));
        let total = HEADER_BYTES as u64 + ipv4.iter().sum::<u64>() + ipv6.iter().sum::<u64>();
        if total > TABLE_BYTES_MAX as u64 {
            return Err(total);
        }
        let mut end = HEADER_BYTES;
        let mut next = |bytes: u64| {
            let start = end;
            end += bytes as usize;
            start..end
        };
        Ok(Self {
            ipv4: ipv4.map(&mut next),
            ipv6: ipv6.map(&mut next),
        })
    }

    /// The size of the file.
    fn end(&self) -> u64 {
        let [_, Range { end, .. }] = self.ipv6;
        end as u64
    }
}

impl<B: AsRef<[u8]>> CountryTable<B> {
    /// Opens a table. Reads the first 616 bytes only.
    ///
    /// # Errors
    /// [`TableError`] when the bytes are not a table of this version, or are cut.
    pub fn open(bytes: B) -> Result<Self, TableError> {
        let file = bytes.as_ref();
        if array_at(file, 0) != Some(MAGIC) {
            return Err(TableError::NotATable);
        }
        let found = u32_at(file, 8)?;
        if found != VERSION {
            return Err(TableError::OtherVersion { found });
        }
        let found = file.len() as u64;
        let [nodes, runs, splits, entries_v6] = counts(file)?;
        let sections = Sections::of([nodes, runs, splits], entries_v6)
            .map_err(|expected| TableError::WrongLength { expected, found })?;
        let expected = sections.end();
        if found != expected {
            return Err(TableError::WrongLength { expected, found });
        }
        let [paths @ .., demonstration] =
            array_at::<4>(file, PATHS_AT).ok_or(TableError::NotATable)?;
        let built_at = array_at(file, BUILT_AT).ok_or(TableError::NotATable)?;
        Ok(Self {
            paths: read_paths(paths)?,
            built_at: u64::from_le_bytes(built_at),
            source_sha256: array_at(file, SOURCE_AT).ok_or(TableError::NotATable)?,
            demonstration: demonstration != 0,
            answers: read_answers(file)?,
            sections,
            bytes,
        })
    }

    /// Whether the bytes are those that were compiled. Reads all of them.
    ///
    /// # Errors
    /// [`TableError::BadChecksum`].
    pub fn verify(&self) -> Result<(), TableError> {
        let file = self.bytes.as_ref();
        if file.get(CHECKSUM) == Some(checksum(file).as_slice()) {
            Ok(())
        } else {
            Err(TableError::BadChecksum)
        }
    }

    /// What the database says of the country at `address`.
    ///
    /// Special addresses and those that embed an IPv4 address are unknown; an IPv4-mapped address is looked up as IPv4.
    #[must_use]
    #[inline]
    pub fn lookup(&self, address: IpAddr) -> CountryFact {
        let file = self.bytes.as_ref();
        let answer = match locatable(address) {
            Ok(IpAddr::V4(address)) => ipv4::answer(file, &self.sections.ipv4, address.to_bits()),
            Ok(IpAddr::V6(address)) => ipv6::answer(file, &self.sections.ipv6, high_half(address)),
            Err(reason) => return CountryFact::Unknown(reason),
        };
        answer
            .and_then(|answer| self.answers.get(usize::from(answer)).copied())
            .unwrap_or(CountryFact::Error(CountryError::DatabaseBroken))
    }

    /// When the database was built, in epoch seconds.
    #[must_use]
    pub fn built_at(&self) -> u64 {
        self.built_at
    }

    /// How old the database is at `now` (epoch seconds), in seconds; 0 if it is from the future.
    #[must_use]
    pub fn age(&self, now: u64) -> u64 {
        now.saturating_sub(self.built_at)
    }

    /// Whether the database is older than `max_age` seconds at `now` (epoch seconds).
    #[must_use]
    pub fn is_stale(&self, now: u64, max_age: u64) -> bool {
        self.age(now) > max_age
    }

    /// The SHA-256 of the database that the table was compiled from.
    #[must_use]
    pub fn source_sha256(&self) -> [u8; 32] {
        self.source_sha256
    }

    /// Where the country was looked for in the records of the database.
    #[must_use]
    pub fn paths(&self) -> CountryPaths {
        self.paths
    }

    /// Whether the table was compiled from a demonstration database, which must not decide about real viewers.
    #[must_use]
    pub fn is_demonstration(&self) -> bool {
        self.demonstration
    }
}

#[inline]
fn array_at<const N: usize>(file: &[u8], at: usize) -> Option<[u8; N]> {
    file.get(at..)?.first_chunk().copied()
}

fn u32_at(file: &[u8], at: usize) -> Result<u32, TableError> {
    array_at(file, at)
        .map(u32::from_le_bytes)
        .ok_or(TableError::NotATable)
}

fn counts(file: &[u8]) -> Result<[u32; 4], TableError> {
    let mut counts = [0; 4];
    for (count, at) in counts.iter_mut().zip((COUNTS_AT..).step_by(4)) {
        *count = u32_at(file, at)?;
    }
    Ok(counts)
}

/// How each path is written in the header.
const PATHS: [(u8, CountryPath); 3] = [
    (1, CountryPath::CountryIsoCode),
    (2, CountryPath::CountryCode),
    (3, CountryPath::RegisteredCountryIsoCode),
];

fn read_paths(written: [u8; 3]) -> Result<CountryPaths, TableError> {
    let mut paths = Vec::with_capacity(written.len());
    for byte in written.into_iter().filter(|&byte| byte != 0) {
        let known = PATHS.iter().find(|&&(number, _)| number == byte);
        let &(_, path) = known.ok_or(TableError::BadPaths)?;
        paths.push(path);
    }
    CountryPaths::new(&paths).map_err(|_| TableError::BadPaths)
}

fn read_answers(file: &[u8]) -> Result<[CountryFact; 256], TableError> {
    let codes = file
        .get(ANSWERS_AT..HEADER_BYTES)
        .ok_or(TableError::NotATable)?;
    let mut answers = [CountryFact::Error(CountryError::DatabaseBroken); 256];
    for (answer, code) in answers.iter_mut().zip(codes.as_chunks::<2>().0) {
        if *code != [0, 0] {
            let country = Country::try_from(code.as_slice()).map_err(|_| TableError::BadCountry)?;
            *answer = CountryFact::Known(country);
        }
    }
    let [.., split, not_iso, no_country, not_in_database] = &mut answers;
    *split = CountryFact::Error(CountryError::DatabaseBroken);
    *not_iso = CountryFact::Unknown(UnknownCountry::NotIso);
    *no_country = CountryFact::Unknown(UnknownCountry::NoCountryInRecord);
    *not_in_database = CountryFact::Unknown(UnknownCountry::NotInDatabase);
    Ok(answers)
}

/// The digest of everything but the place where it is written.
fn checksum(file: &[u8]) -> [u8; 32] {
    let mut digest = Sha256::new();
    digest.update(file.get(..CHECKSUM.start).unwrap_or_default());
    digest.update(file.get(CHECKSUM.end..).unwrap_or_default());
    digest.finalize().into()
}

#[cfg(test)]
mod tests;
