//! A country database in MaxMind's format (MMDB): opened under rules, asked for one code, never trusted to be whole.
//!
//! - A database is used only after it answered for known addresses. A file with another schema answers "no value" for
//!   every address without an error, and would deny everyone or, read carelessly, admit them.
//! - A look-up never decodes a record, only the text at one path of it, and allocates nothing.
//! - A damaged file gives [`CountryError::DatabaseBroken`] or is refused; it is never a panic and never a country that
//!   is not in the file.
//! - Age is reported, not judged: what too old means is the operator's word.
//!
//! Deliberately absent: the reader's own `verify`, which passes damaged files and refuses sound ones. Identity is the
//! SHA-256 of the file.

use crate::country::Country;
use crate::geo::{CountryError, CountryFact, UnknownCountry, locatable};
use maxminddb::Reader;
use sha2::{Digest, Sha256};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, OnceLock};

mod record;
mod rules;

pub(crate) use record::{fact_in_record, is_whole};
pub use rules::{BadPaths, Canary, CountryPath, CountryPaths, DatabaseRules};

/// The smallest file that can be a database, in bytes: one node, the separator, one code and the metadata.
pub const DATABASE_BYTES_MIN: usize = 128;

/// The largest database read, in bytes. The largest country databases known have about 10 MB.
pub const DATABASE_BYTES_MAX: usize = 256 * 1024 * 1024;

/// How far the build time of a database may be ahead of the clock, in seconds.
pub const BUILT_AHEAD_SECONDS_MAX: u64 = 24 * 60 * 60;

/// How many of the sampled addresses may have another country than in the database in use, in percent.
pub const DRIFT_PERCENT_MAX: usize = 5;

/// How many IPv4 and how many IPv6 addresses are compared with the database in use.
const DRIFT_SAMPLES: u32 = 8_192;

/// The SHA-256 of the demonstration database that comes with the project.
pub const DEMONSTRATION_SHA256: [u8; 32] = [
    0x93, 0xcc, 0x31, 0x58, 0x03, 0x8b, 0x5d, 0xdd, 0x3c, 0xef, 0x52, 0x65, 0x2b, 0xa6, 0xd7, 0xa1,
    0x34, 0xec, 0xe0, 0x49, 0x61, 0x17, 0xfa, 0xe0, 0xa3, 0xab, 0x6e, 0x7b, 0x51, 0x01, 0x81, 0x5e,
];

/// The database type that the demonstration database carries, as do all databases of its publisher's npm line, whose
/// own warning is that they contain bugs.
const DEMONSTRATION_TYPE: &str = "country ipvAll";

/// Why a file does not become the database.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DatabaseError {
    /// The file is smaller than [`DATABASE_BYTES_MIN`] or larger than the rules allow.
    #[error("the database has {bytes} bytes; from {min} to {max} are allowed")]
    Size {
        /// The size of the file.
        bytes: usize,
        /// [`DATABASE_BYTES_MIN`].
        min: usize,
        /// What the rules allow.
        max: usize,
    },
    /// The file is not the one that was announced.
    #[error("the SHA-256 of the database is not the expected one")]
    OtherDigest,
    /// The file is not in MaxMind's format, or its metadata contradict the file.
    #[error("not a MaxMind database: {reason}")]
    NotADatabase {
        /// What the reader objects to.
        reason: String,
    },
    /// The metadata hold no type of database.
    #[error("the database does not say its type")]
    NoType,
    /// The metadata hold no build time.
    #[error("the database does not say when it was built")]
    NoBuildTime,
    /// The build time is more than [`BUILT_AHEAD_SECONDS_MAX`] ahead of the clock.
    #[error("the database says it was built at {built_at}, which is in the future")]
    BuiltInFuture {
        /// Epoch seconds.
        built_at: u64,
    },
    /// The build time is earlier than that of the database in use.
    #[error("the database was built at {built_at}, before the one in use ({previous})")]
    Older {
        /// Epoch seconds.
        built_at: u64,
        /// Epoch seconds.
        previous: u64,
    },
    /// The countries of too many addresses changed since the database in use.
    #[error(
        "{percent} % of sampled addresses changed their country; at most {DRIFT_PERCENT_MAX} % may"
    )]
    Drifted {
        /// How many of the sampled addresses with a country changed it, in percent.
        percent: usize,
    },
    /// A known address has another country than it should.
    #[error(
        "{address} should be {} in the database and is {}",
        expected.as_ref().map_or("unknown", Country::as_str),
        found.known().as_ref().map_or("unknown", Country::as_str)
    )]
    WrongCanary {
        /// The known address.
        address: IpAddr,
        /// Its country; none means that it has none.
        expected: Option<Country>,
        /// What the database says.
        found: CountryFact,
    },
    /// The record of a known address cannot be read to its end.
    #[error("the record of {address} is damaged")]
    DamagedRecord {
        /// The known address.
        address: IpAddr,
    },
    /// Too few of the well-known addresses have a country: another schema, or most of the file is missing.
    #[error("{found} of the well-known addresses have a country; at least {min} must")]
    TooFewKnown {
        /// How many have a country.
        found: usize,
        /// How many must.
        min: usize,
    },
}

/// A database of countries by address.
///
/// - It was opened under [`DatabaseRules`] and answered for known addresses.
/// - `B` is what holds the bytes: a mapped file where nothing can change it, a `Vec<u8>` elsewhere.
pub struct CountryDatabase<B: AsRef<[u8]>> {
    reader: Reader<Shared<B>>,
    bytes: Shared<B>,
    paths: CountryPaths,
    sha256: OnceLock<[u8; 32]>,
}

/// The reader takes its bytes away; the digest needs them too.
struct Shared<B>(Arc<B>);

impl<B: AsRef<[u8]>> AsRef<[u8]> for Shared<B> {
    #[inline]
    fn as_ref(&self) -> &[u8] {
        self.0.as_ref().as_ref()
    }
}

impl<B: AsRef<[u8]>> std::fmt::Debug for CountryDatabase<B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CountryDatabase")
            .field("database_type", &self.database_type())
            .field("built_at", &self.built_at())
            .field("paths", &self.paths)
            .finish_non_exhaustive()
    }
}

impl<B: AsRef<[u8]>> CountryDatabase<B> {
    /// Opens a database, if it passes the rules. `now` is the time in epoch seconds.
    ///
    /// Reads little of a mapped file, unless the rules ask for its digest.
    ///
    /// # Errors
    /// [`DatabaseError`] when the bytes are not a database, or one that the rules refuse.
    pub fn open(bytes: B, rules: &DatabaseRules, now: u64) -> Result<Self, DatabaseError> {
        let bytes = Shared(Arc::new(bytes));
        let size = bytes.as_ref().len();
        let max = rules.bytes_max.min(DATABASE_BYTES_MAX);
        if !(DATABASE_BYTES_MIN..=max).contains(&size) {
            return Err(DatabaseError::Size {
                bytes: size,
                min: DATABASE_BYTES_MIN,
                max,
            });
        }
        let reader = Reader::from_source(Shared(Arc::clone(&bytes.0))).map_err(|error| {
            DatabaseError::NotADatabase {
                reason: error.to_string(),
            }
        })?;
        let database = Self {
            reader,
            bytes,
            paths: rules.paths,
            sha256: OnceLock::new(),
        };
        database.check_identity(rules)?;
        database.check_metadata(now)?;
        database.check_known_addresses(rules)?;
        Ok(database)
    }

    /// What the database says of the country at `address`.
    ///
    /// Special addresses and those that embed an IPv4 address are unknown, whatever the file says; an IPv4-mapped
    /// address is looked up as IPv4.
    #[must_use]
    pub fn lookup(&self, address: IpAddr) -> CountryFact {
        match locatable(address) {
            Ok(address) => self.record(address),
            Err(reason) => CountryFact::Unknown(reason),
        }
    }

    /// When the database was built, in epoch seconds.
    #[must_use]
    pub fn built_at(&self) -> u64 {
        self.reader.metadata().build_epoch
    }

    /// How old the database is at `now` (epoch seconds), in seconds; 0 if it is from the future.
    #[must_use]
    pub fn age(&self, now: u64) -> u64 {
        now.saturating_sub(self.built_at())
    }

    /// Whether the database is older than `max_age` seconds at `now` (epoch seconds).
    #[must_use]
    pub fn is_stale(&self, now: u64, max_age: u64) -> bool {
        self.age(now) > max_age
    }

    /// The SHA-256 of the file. The first call reads all of it.
    pub fn sha256(&self) -> [u8; 32] {
        *self
            .sha256
            .get_or_init(|| Sha256::digest(self.bytes.as_ref()).into())
    }

    /// The type of database that the file says it is, such as `GeoLite2-Country`.
    #[must_use]
    pub fn database_type(&self) -> &str {
        &self.reader.metadata().database_type
    }

    /// Where the country is looked for in a record.
    #[must_use]
    pub fn paths(&self) -> CountryPaths {
        self.paths
    }

    /// Whether this is the demonstration database that comes with the project, or another of its publisher's line. It
    /// must not decide about real viewers.
    #[must_use]
    pub fn is_demonstration(&self) -> bool {
        // The file with the digest of the demonstration database carries this type, so the type alone is the wider test.
        self.database_type() == DEMONSTRATION_TYPE
    }

    /// Whether this database may take the place of `previous` without a human's word: it was not built earlier, and at
    /// most [`DRIFT_PERCENT_MAX`] of the sampled addresses that had a country have another, or none.
    ///
    /// The sample is the same in every run.
    ///
    /// # Errors
    /// [`DatabaseError::Older`] or [`DatabaseError::Drifted`].
    pub fn check_replaces<C: AsRef<[u8]>>(
        &self,
        previous: &CountryDatabase<C>,
    ) -> Result<(), DatabaseError> {
        let (built_at, in_use) = (self.built_at(), previous.built_at());
        if built_at < in_use {
            return Err(DatabaseError::Older {
                built_at,
                previous: in_use,
            });
        }
        let (mut known, mut changed) = (0, 0);
        for address in drift_sample() {
            let before = previous.lookup(address);
            if before.known().is_some() {
                known += 1;
                changed += usize::from(self.lookup(address) != before);
            }
        }
        if changed * 100 > known * DRIFT_PERCENT_MAX {
            let percent = changed * 100 / known;
            return Err(DatabaseError::Drifted { percent });
        }
        Ok(())
    }

    pub(crate) fn reader(&self) -> &Reader<impl AsRef<[u8]> + use<B>> {
        &self.reader
    }

    fn check_identity(&self, rules: &DatabaseRules) -> Result<(), DatabaseError> {
        match rules.sha256 {
            Some(expected) if expected != self.sha256() => Err(DatabaseError::OtherDigest),
            _ => Ok(()),
        }
    }

    fn check_metadata(&self, now: u64) -> Result<(), DatabaseError> {
        if self.database_type().is_empty() {
            return Err(DatabaseError::NoType);
        }
        let built_at = self.built_at();
        if built_at == 0 {
            return Err(DatabaseError::NoBuildTime);
        }
        if built_at.saturating_sub(now) > BUILT_AHEAD_SECONDS_MAX {
            return Err(DatabaseError::BuiltInFuture { built_at });
        }
        Ok(())
    }

    fn check_known_addresses(&self, rules: &DatabaseRules) -> Result<(), DatabaseError> {
        let canaries = rules.canaries.iter().map(|canary| canary.address);
        for address in canaries.chain(rules.well_known.iter().copied()) {
            if self.is_damaged(address) {
                return Err(DatabaseError::DamagedRecord { address });
            }
        }
        for canary in &rules.canaries {
            let found = self.lookup(canary.address);
            if found.known() != canary.country {
                return Err(DatabaseError::WrongCanary {
                    address: canary.address,
                    expected: canary.country,
                    found,
                });
            }
        }
        let known = |address: &&IpAddr| self.lookup(**address).known().is_some();
        let found = rules.well_known.iter().filter(known).count();
        if found < rules.well_known_min {
            return Err(DatabaseError::TooFewKnown {
                found,
                min: rules.well_known_min,
            });
        }
        Ok(())
    }

    fn is_damaged(&self, address: IpAddr) -> bool {
        if self.has_no_ipv6(address) {
            return false;
        }
        !self
            .reader
            .lookup(address)
            .is_ok_and(|record| is_whole(&record))
    }

    fn has_no_ipv6(&self, address: IpAddr) -> bool {
        address.is_ipv6() && self.reader.metadata().ip_version == 4
    }

    fn record(&self, address: IpAddr) -> CountryFact {
        if self.has_no_ipv6(address) {
            return CountryFact::Unknown(UnknownCountry::NotInDatabase);
        }
        match self.reader.lookup(address) {
            Ok(record) => fact_in_record(&record, self.paths),
            Err(_) => CountryFact::Error(CountryError::DatabaseBroken),
        }
    }
}

/// Addresses spread over all of IPv4, and over the first 32 bits of global unicast IPv6.
fn drift_sample() -> impl Iterator<Item = IpAddr> {
    // Multiples of 2^32 divided by the golden ratio fill the range evenly.
    let spread = (1..=DRIFT_SAMPLES).map(|n| n.wrapping_mul(0x9e37_79b9));
    spread.flat_map(|bits| {
        let v6 = (u128::from(0x2000_0000 | bits >> 3)) << 96;
        [
            IpAddr::V4(Ipv4Addr::from_bits(bits)),
            IpAddr::V6(Ipv6Addr::from_bits(v6)),
        ]
    })
}

#[cfg(test)]
mod tests;
