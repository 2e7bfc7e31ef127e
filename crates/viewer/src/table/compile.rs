//! Walks every network of a database and writes the table.
//!
//! - A database that cannot be expressed exactly is refused, by the name of the first network that is in the way.
//! - Every distinct record is read to its end once; one damaged record refuses the database.
//! - The same database gives the same bytes.

use super::{
    ANSWERS_AT, CHECKSUM, HEADER_BYTES, MAGIC, NO_COUNTRY_IN_RECORD, NOT_IN_DATABASE, NOT_ISO,
    PATHS, SPLIT, TABLE_BYTES_MAX, VERSION, checksum, ipv4, ipv6,
};
use crate::address::{high_half, overlaps_special};
use crate::country::Country;
use crate::database::{CountryDatabase, fact_in_record, is_whole};
use crate::geo::{CountryError, CountryFact, UnknownCountry};
use maxminddb::{LookupResult, Reader, WithinOptions};
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};

/// The most networks of one family that are walked. A sound country database has less than a million.
pub const NETWORKS_MAX: usize = 16_000_000;

/// IPv6 keys are the first 64 bits of an address.
const DEPTH_MAX: u8 = 64;

pub(super) const GLOBAL_UNICAST_START: u64 = 0x2000_0000_0000_0000;

/// Why a database does not become a table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CompileError {
    /// The search tree of the database is damaged.
    #[error("the search tree of the database is damaged: {reason}")]
    DamagedTree {
        /// What the reader objects to.
        reason: String,
    },
    /// A record of the database cannot be read to its end.
    #[error("the record of {network} is damaged")]
    DamagedRecord {
        /// The network in CIDR form.
        network: String,
    },
    /// An IPv6 network is smaller than the table can tell apart.
    #[error("{network} is deeper than /{DEPTH_MAX}")]
    TooDeep {
        /// The network in CIDR form.
        network: String,
    },
    /// There are more networks of one family than [`NETWORKS_MAX`], or more ranges than fit the largest table.
    #[error("the database has more networks than a table holds")]
    TooManyNetworks,
}

/// The table of a database, in the form that [`super::CountryTable`] opens.
///
/// Takes a second or so for a large database: this is for accepting one, never for starting with one.
///
/// # Errors
/// [`CompileError`] when the database is damaged or cannot be expressed exactly.
pub fn compile<B: AsRef<[u8]>>(database: &CountryDatabase<B>) -> Result<Vec<u8>, CompileError> {
    let Walked { v4, v6, answers } = Walked::of(database)?;
    let v4 = ipv4::Sections::of(&v4);
    let mut file = Vec::new();
    write_header(&mut file, database, v4.counts(), v6.len())?;
    answers.write(&mut file);
    v4.write(&mut file);
    ipv6::write(&v6, &mut file);
    if file.len() > TABLE_BYTES_MAX {
        return Err(CompileError::TooManyNetworks);
    }
    let digest = checksum(&file);
    if let Some(place) = file.get_mut(CHECKSUM) {
        place.copy_from_slice(&digest);
    }
    Ok(file)
}

/// What a database says of every address: the first of each range, and the answer of all of it.
pub(super) struct Walked {
    pub(super) v4: Vec<(u32, u8)>,
    /// The first 64 bits of global unicast.
    pub(super) v6: Vec<(u64, u8)>,
    answers: Answers,
}

impl Walked {
    pub(super) fn of<B: AsRef<[u8]>>(database: &CountryDatabase<B>) -> Result<Self, CompileError> {
        let mut answers = Answers::new(database);
        let v4 = ranges_v4(database.reader(), &mut answers)?;
        let v6 = ranges_v6(database.reader(), &mut answers)?;
        Ok(Self { v4, v6, answers })
    }

    pub(super) fn fact(&self, answer: u8) -> CountryFact {
        match answer {
            NOT_IN_DATABASE => CountryFact::Unknown(UnknownCountry::NotInDatabase),
            NO_COUNTRY_IN_RECORD => CountryFact::Unknown(UnknownCountry::NoCountryInRecord),
            NOT_ISO => CountryFact::Unknown(UnknownCountry::NotIso),
            position => self.answers.countries.get(usize::from(position)).map_or(
                CountryFact::Error(CountryError::DatabaseBroken),
                |&country| CountryFact::Known(country),
            ),
        }
    }
}

fn write_header<B: AsRef<[u8]>>(
    file: &mut Vec<u8>,
    database: &CountryDatabase<B>,
    counts_v4: ipv4::Counts,
    entries_v6: usize,
) -> Result<(), CompileError> {
    let count_v6 = u32::try_from(entries_v6).map_err(|_| CompileError::TooManyNetworks)?;
    let number = |path| {
        PATHS
            .iter()
            .find(|&&(_, known)| known == path)
            .map_or(0, |&(number, _)| number)
    };
    let mut paths = [0; 3];
    for (place, path) in paths.iter_mut().zip(database.paths().iter()) {
        *place = number(path);
    }
    file.extend(MAGIC);
    file.extend(VERSION.to_le_bytes());
    file.extend(counts_v4.into_iter().flat_map(u32::to_le_bytes));
    file.extend(count_v6.to_le_bytes());
    file.extend(paths);
    file.push(u8::from(database.is_demonstration()));
    file.extend(database.built_at().to_le_bytes());
    file.extend(database.sha256());
    file.extend([0; 32]);
    debug_assert_eq!(file.len(), ANSWERS_AT);
    Ok(())
}

/// Ranges in ascending order as they are found; neighbours with the same answer are one.
struct Ranges<K>(Vec<(K, u8)>);

impl<K> Ranges<K> {
    fn push(&mut self, start: K, answer: u8) {
        if self.0.last().is_none_or(|&(_, last)| last != answer) {
            self.0.push((start, answer));
        }
    }
}

fn ranges_v4<S: AsRef<[u8]>>(
    reader: &Reader<S>,
    answers: &mut Answers,
) -> Result<Vec<(u32, u8)>, CompileError> {
    let mut ranges = Ranges(Vec::new());
    walk(reader, "0.0.0.0/0", |network, _, record| {
        let start = match network {
            IpAddr::V4(start) => start.to_bits(),
            // A tree without an IPv4 part has one record for all of IPv4.
            IpAddr::V6(_) => 0,
        };
        ranges.push(start, answers.of(record)?);
        Ok(())
    })?;
    Ok(ranges.0)
}

fn ranges_v6<S: AsRef<[u8]>>(
    reader: &Reader<S>,
    answers: &mut Answers,
) -> Result<Vec<(u64, u8)>, CompileError> {
    let mut ranges = Ranges(Vec::new());
    if reader.metadata().ip_version == 4 {
        ranges.push(GLOBAL_UNICAST_START, NOT_IN_DATABASE);
        return Ok(ranges.0);
    }
    walk(reader, "2000::/3", |network, length, record| {
        let start = match network {
            IpAddr::V6(start) => start,
            IpAddr::V4(_) => Ipv6Addr::UNSPECIFIED,
        };
        if length > DEPTH_MAX {
            // What is never looked up, such as an alias of the IPv4 tree, may be as deep as it likes.
            if overlaps_special(network, network) {
                return Ok(());
            }
            let network = format!("{start}/{length}");
            return Err(CompileError::TooDeep { network });
        }
        // One record may hold more than global unicast.
        let start = high_half(start).max(GLOBAL_UNICAST_START);
        ranges.push(start, answers.of(record)?);
        Ok(())
    })?;
    Ok(ranges.0)
}

/// Calls `visit` with the first address, the prefix length and the record of every network within `within`, in order.
fn walk<'r, S: AsRef<[u8]>>(
    reader: &'r Reader<S>,
    within: &str,
    mut visit: impl FnMut(IpAddr, u8, &LookupResult<'r, S>) -> Result<(), CompileError>,
) -> Result<(), CompileError> {
    let damaged = |error: maxminddb::MaxMindDbError| CompileError::DamagedTree {
        reason: error.to_string(),
    };
    let options = WithinOptions::default()
        .include_aliased_networks()
        .include_networks_without_data();
    let within = within
        .parse()
        .map_err(|error| damaged(maxminddb::MaxMindDbError::from(error)))?;
    for (count, record) in reader.within(within, options).map_err(damaged)?.enumerate() {
        if count >= NETWORKS_MAX {
            return Err(CompileError::TooManyNetworks);
        }
        let record = record.map_err(damaged)?;
        let network = record.network().map_err(damaged)?;
        visit(network.ip(), network.prefix(), &record)?;
    }
    Ok(())
}

/// The answers that occur, each record decoded once.
struct Answers {
    paths: crate::database::CountryPaths,
    by_record: HashMap<usize, u8>,
    countries: Vec<Country>,
}

impl Answers {
    fn new<B: AsRef<[u8]>>(database: &CountryDatabase<B>) -> Self {
        Self {
            paths: database.paths(),
            by_record: HashMap::new(),
            countries: Vec::new(),
        }
    }

    fn of<S: AsRef<[u8]>>(&mut self, record: &LookupResult<'_, S>) -> Result<u8, CompileError> {
        let Some(offset) = record.offset() else {
            return Ok(NOT_IN_DATABASE);
        };
        if let Some(&answer) = self.by_record.get(&offset) {
            return Ok(answer);
        }
        let answer = match fact_in_record(record, self.paths) {
            _ if !is_whole(record) => None,
            CountryFact::Known(country) => self.position(country),
            CountryFact::Unknown(UnknownCountry::NoCountryInRecord) => Some(NO_COUNTRY_IN_RECORD),
            CountryFact::Unknown(UnknownCountry::NotIso) => Some(NOT_ISO),
            CountryFact::Unknown(_) | CountryFact::Error(_) => None,
        };
        let Some(answer) = answer else {
            let network = record
                .network()
                .map_or_else(|_| String::new(), |network| network.to_string());
            return Err(CompileError::DamagedRecord { network });
        };
        self.by_record.insert(offset, answer);
        Ok(answer)
    }

    /// There are fewer countries than positions before the fixed ones.
    fn position(&mut self, country: Country) -> Option<u8> {
        const { assert!(Country::COUNT <= SPLIT as usize) };
        let known = self.countries.iter().position(|&known| known == country);
        let position = known.unwrap_or_else(|| {
            self.countries.push(country);
            self.countries.len() - 1
        });
        u8::try_from(position).ok()
    }

    fn write(&self, file: &mut Vec<u8>) {
        for country in &self.countries {
            file.extend(country.code());
        }
        file.resize(HEADER_BYTES, 0);
    }
}
