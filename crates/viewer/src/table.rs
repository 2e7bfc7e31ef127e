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
//! | 12 | 4 | number of IPv4 entries, n |
//! | 16 | 4 | number of IPv6 entries, m |
//! | 20 | 3 | paths of the country, in order: 1 `country.iso_code`, 2 `country_code`, 3 `registered_country.iso_code`, 0 none |
//! | 23 | 1 | 1 if the database is a demonstration database, else 0 |
//! | 24 | 8 | build time of the database, epoch seconds |
//! | 32 | 32 | SHA-256 of the database |
//! | 64 | 32 | SHA-256 of this file without these 32 bytes |
//! | 96 | 512 | 256 answers of two bytes, see below |
//! | 608 | 262,148 | IPv4 index: for each value of the first 16 bits the number of entries before it; then n |
//! | … | 3 n | IPv4 entries: the last 16 bits of a range's first address, and its answer |
//! | … | 262,148 | IPv6 index, on the 16 bits after the first three; then m |
//! | … | 9 m | IPv6 entries: the first 64 bits of a range's first address, and its answer |
//!
//! An entry's range ends where the next begins. IPv6 covers global unicast (2000::/3), the only part with countries. An
//! answer is the position of a code among the 256: a country, or two zero bytes. The last three positions are fixed:
//! 255 is an address that is not in the database, 254 a record without a country, 253 a code that is not ISO 3166-1.
//!
//! Deliberately absent: networks deeper than /64, which [`compile`] refuses by name, and Eytzinger order, which was
//! measured and is slower here.

use crate::address::high_half;
use crate::country::Country;
use crate::database::{CountryPath, CountryPaths};
use crate::geo::{CountryError, CountryFact, UnknownCountry, locatable};
use sha2::{Digest, Sha256};
use std::net::IpAddr;
use std::ops::Range;

mod compile;

pub use compile::{CompileError, NETWORKS_MAX, compile};

const MAGIC: [u8; 8] = *b"PCLSGEO\0";
const VERSION: u32 = 1;
const CHECKSUM: Range<usize> = 64..96;
const ANSWERS_AT: usize = 96;
const HEADER_BYTES: usize = ANSWERS_AT + 512;
const INDEX_BYTES: usize = 4 * (BUCKETS + 1);
const BUCKETS: usize = 1 << 16;
const ENTRY_V4_BYTES: usize = 3;
const ENTRY_V6_BYTES: usize = 9;

/// The largest table read, in bytes.
pub const TABLE_BYTES_MAX: usize = 256 * 1024 * 1024;

const NOT_IN_DATABASE: u8 = 255;
const NO_COUNTRY_IN_RECORD: u8 = 254;
const NOT_ISO: u8 = 253;

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
    parts: Parts,
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

/// Where the parts are in the file.
struct Parts {
    index_v4: Range<usize>,
    entries_v4: Range<usize>,
    index_v6: Range<usize>,
    entries_v6: Range<usize>,
}

impl Parts {
    /// The parts for these numbers of entries, if they end within the largest table.
    fn of(entries_v4: u32, entries_v6: u32) -> Result<Self, u64> {
        let bytes_v4 = u64::from(entries_v4) * ENTRY_V4_BYTES as u64;
        let bytes_v6 = u64::from(entries_v6) * ENTRY_V6_BYTES as u64;
        let total = (HEADER_BYTES + 2 * INDEX_BYTES) as u64 + bytes_v4 + bytes_v6;
        if total > TABLE_BYTES_MAX as u64 {
            return Err(total);
        }
        let part = |start: usize, bytes: usize| start..start + bytes;
        let index_v4 = part(HEADER_BYTES, INDEX_BYTES);
        let entries_v4 = part(index_v4.end, entries_v4 as usize * ENTRY_V4_BYTES);
        let index_v6 = part(entries_v4.end, INDEX_BYTES);
        let entries_v6 = part(index_v6.end, entries_v6 as usize * ENTRY_V6_BYTES);
        Ok(Self {
            index_v4,
            entries_v4,
            index_v6,
            entries_v6,
        })
    }
}

impl<B: AsRef<[u8]>> CountryTable<B> {
    /// Opens a table. Reads the first 608 bytes only.
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
        let parts = Parts::of(u32_at(file, 12)?, u32_at(file, 16)?)
            .map_err(|expected| TableError::WrongLength { expected, found })?;
        let expected = parts.entries_v6.end as u64;
        if found != expected {
            return Err(TableError::WrongLength { expected, found });
        }
        let [paths @ .., demonstration] = array_at::<4>(file, 20).ok_or(TableError::NotATable)?;
        let built_at = array_at(file, 24).ok_or(TableError::NotATable)?;
        Ok(Self {
            paths: read_paths(paths)?,
            built_at: u64::from_le_bytes(built_at),
            source_sha256: array_at(file, 32).ok_or(TableError::NotATable)?,
            demonstration: demonstration != 0,
            answers: read_answers(file)?,
            parts,
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
        let answer = match locatable(address) {
            Ok(IpAddr::V4(address)) => self.answer_v4(address.to_bits()),
            Ok(IpAddr::V6(address)) => self.answer_v6(high_half(address)),
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

    #[inline]
    fn answer_v4(&self, address: u32) -> Option<u8> {
        let file = self.bytes.as_ref();
        let entries = file
            .get(self.parts.entries_v4.clone())?
            .as_chunks::<ENTRY_V4_BYTES>()
            .0;
        let bucket = (address >> 16) as usize;
        let key = (address & 0xffff) as u16;
        let (from, to) = bucket_bounds(file.get(self.parts.index_v4.clone())?, bucket)?;
        let here = entries.get(from..to)?;
        let begun = here.partition_point(|&[low, high, _]| u16::from_le_bytes([low, high]) <= key);
        // An address before the first range that begins in its bucket is in the last one that began before it.
        let &[_, _, answer] = entries.get((from + begun).checked_sub(1)?)?;
        Some(answer)
    }

    #[inline]
    fn answer_v6(&self, key: u64) -> Option<u8> {
        let file = self.bytes.as_ref();
        let entries = file
            .get(self.parts.entries_v6.clone())?
            .as_chunks::<ENTRY_V6_BYTES>()
            .0;
        let (from, to) = bucket_bounds(file.get(self.parts.index_v6.clone())?, bucket_v6(key))?;
        let here = entries.get(from..to)?;
        let begun = here.partition_point(|entry| start_v6(entry) <= key);
        let &[.., answer] = entries.get((from + begun).checked_sub(1)?)?;
        Some(answer)
    }
}

#[inline]
fn start_v6(&[a, b, c, d, e, f, g, h, _]: &[u8; ENTRY_V6_BYTES]) -> u64 {
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}

/// The 16 bits after the first three, which are the same in all of global unicast.
#[inline]
fn bucket_v6(high_half: u64) -> usize {
    (high_half >> 45) as usize & (BUCKETS - 1)
}

/// The entries that begin in a bucket.
#[inline]
fn bucket_bounds(index: &[u8], bucket: usize) -> Option<(usize, usize)> {
    let counts = index.as_chunks::<4>().0;
    let from = u32::from_le_bytes(*counts.get(bucket)?);
    let to = u32::from_le_bytes(*counts.get(bucket + 1)?);
    Some((from as usize, to as usize))
}

fn array_at<const N: usize>(file: &[u8], at: usize) -> Option<[u8; N]> {
    file.get(at..)?.first_chunk().copied()
}

fn u32_at(file: &[u8], at: usize) -> Result<u32, TableError> {
    array_at(file, at)
        .map(u32::from_le_bytes)
        .ok_or(TableError::NotATable)
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
    let [.., not_iso, no_country, not_in_database] = &mut answers;
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
