//! What a file must show before it becomes the database, and where in a record the country is.
//!
//! - The list of paths is short, ordered and never empty.
//! - The default rules ask for twelve well-known public addresses; a database of the public Internet knows them all, and
//!   one that knows fewer than eight is not one.

use super::DATABASE_BYTES_MAX;
use crate::country::Country;
use maxminddb::PathElement;
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Where a record holds a country code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum CountryPath {
    /// The country of the viewer in MaxMind's schema.
    #[serde(rename = "country.iso_code")]
    CountryIsoCode,
    /// The country in the flat schema of several free databases.
    #[serde(rename = "country_code")]
    CountryCode,
    /// The country where the block of addresses is registered, which is not where the viewer is. Read only where the
    /// operator asks for it.
    #[serde(rename = "registered_country.iso_code")]
    RegisteredCountryIsoCode,
}

impl CountryPath {
    /// The path as a manifest writes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::CountryIsoCode => "country.iso_code",
            Self::CountryCode => "country_code",
            Self::RegisteredCountryIsoCode => "registered_country.iso_code",
        }
    }

    #[inline]
    pub(crate) fn elements(self) -> &'static [PathElement<'static>] {
        const ISO_CODE: PathElement<'static> = PathElement::Key("iso_code");
        match self {
            Self::CountryIsoCode => const { &[PathElement::Key("country"), ISO_CODE] },
            Self::CountryCode => const { &[PathElement::Key("country_code")] },
            Self::RegisteredCountryIsoCode => {
                const { &[PathElement::Key("registered_country"), ISO_CODE] }
            }
        }
    }
}

/// The paths that are tried, in order; the first that leads to a text decides.
///
/// - At least one, none twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Vec<CountryPath>", into = "Vec<CountryPath>")]
pub struct CountryPaths([Option<CountryPath>; 3]);

/// A list of paths is empty or names a path twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a list of country paths names at least one path, and none twice")]
pub struct BadPaths;

impl CountryPaths {
    /// `country.iso_code`, then `country_code`.
    pub const DEFAULT: Self = Self([
        Some(CountryPath::CountryIsoCode),
        Some(CountryPath::CountryCode),
        None,
    ]);

    /// The paths of a list.
    ///
    /// # Errors
    /// [`BadPaths`] when the list is empty or names a path twice.
    pub fn new(paths: &[CountryPath]) -> Result<Self, BadPaths> {
        let mut out = [None; 3];
        if paths.is_empty() || paths.len() > out.len() {
            return Err(BadPaths);
        }
        for (slot, &path) in out.iter_mut().zip(paths) {
            *slot = Some(path);
        }
        let twice = |(at, path)| paths.iter().skip(at + 1).any(|other| other == path);
        if paths.iter().enumerate().any(twice) {
            return Err(BadPaths);
        }
        Ok(Self(out))
    }

    /// The paths in order.
    #[inline]
    pub fn iter(self) -> impl Iterator<Item = CountryPath> {
        self.0.into_iter().flatten()
    }
}

impl TryFrom<Vec<CountryPath>> for CountryPaths {
    type Error = BadPaths;

    fn try_from(paths: Vec<CountryPath>) -> Result<Self, BadPaths> {
        Self::new(&paths)
    }
}

impl From<CountryPaths> for Vec<CountryPath> {
    fn from(paths: CountryPaths) -> Self {
        paths.iter().collect()
    }
}

/// An address whose answer is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Canary {
    /// The address to look up.
    pub address: IpAddr,
    /// Its country; none if the database must not know one.
    pub country: Option<Country>,
}

/// What a file must show before it becomes the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseRules {
    /// The largest file, in bytes; never more than [`DATABASE_BYTES_MAX`].
    pub bytes_max: usize,
    /// The SHA-256 the file must have, where it was announced. To compare it, all of the file is read.
    pub sha256: Option<[u8; 32]>,
    /// Where the country is in a record.
    pub paths: CountryPaths,
    /// Addresses with a stated answer: all must give it.
    pub canaries: Vec<Canary>,
    /// Addresses that have some country in any database of the public Internet.
    pub well_known: Vec<IpAddr>,
    /// How many of the well-known addresses must have a country.
    pub well_known_min: usize,
}

impl Default for DatabaseRules {
    /// The rules for a database of the public Internet.
    fn default() -> Self {
        Self {
            bytes_max: DATABASE_BYTES_MAX,
            sha256: None,
            paths: CountryPaths::DEFAULT,
            canaries: Vec::new(),
            well_known: WELL_KNOWN.to_vec(),
            well_known_min: WELL_KNOWN_MIN,
        }
    }
}

const WELL_KNOWN_MIN: usize = 8;

/// Public resolvers, root name servers and the sites of the regional registries.
const WELL_KNOWN: [IpAddr; 12] = [
    IpAddr::V4(Ipv4Addr::new(1, 1, 1, 1)),
    IpAddr::V4(Ipv4Addr::new(8, 8, 8, 8)),
    IpAddr::V4(Ipv4Addr::new(9, 9, 9, 9)),
    IpAddr::V4(Ipv4Addr::new(198, 41, 0, 4)),
    IpAddr::V4(Ipv4Addr::new(193, 0, 6, 139)),
    IpAddr::V4(Ipv4Addr::new(199, 43, 0, 44)),
    IpAddr::V4(Ipv4Addr::new(202, 12, 27, 33)),
    IpAddr::V4(Ipv4Addr::new(200, 160, 2, 3)),
    IpAddr::V4(Ipv4Addr::new(196, 216, 2, 6)),
    IpAddr::V6(Ipv6Addr::new(0x2001, 0x4860, 0x4860, 0, 0, 0, 0, 0x8888)),
    IpAddr::V6(Ipv6Addr::new(0x2606, 0x4700, 0x4700, 0, 0, 0, 0, 0x1111)),
    IpAddr::V6(Ipv6Addr::new(
        0x2001, 0x67c, 0x2e8, 0x22, 0, 0, 0xc100, 0x68b,
    )),
];

#[cfg(test)]
mod tests {
    use super::{CountryPath, CountryPaths};

    #[test]
    fn a_list_of_paths_is_not_empty_and_names_none_twice() {
        let read = |text| serde_json::from_str::<CountryPaths>(text).ok();
        assert_eq!(
            read(r#"["country.iso_code","country_code"]"#),
            Some(CountryPaths::DEFAULT)
        );
        let registered = read(r#"["registered_country.iso_code"]"#).unwrap();
        assert!(
            registered
                .iter()
                .eq([CountryPath::RegisteredCountryIsoCode])
        );
        for text in [
            "[]",
            r#"["country"]"#,
            r#"["country_code","country_code"]"#,
            r#"["country_code","country.iso_code","registered_country.iso_code","country_code"]"#,
        ] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(
            serde_json::to_string(&CountryPaths::DEFAULT).unwrap(),
            r#"["country.iso_code","country_code"]"#
        );
    }
}
