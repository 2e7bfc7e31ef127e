//! One record of the database: the country in it, and whether all of it can be read.
//!
//! - The first configured path that leads to a text decides; a record that cannot be read is broken, not unknown.
//! - Reading all of a record is for accepting a database. No look-up does it.

use super::CountryPaths;
use crate::geo::{CountryError, CountryFact, UnknownCountry};
use maxminddb::LookupResult;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// What a record says of the country.
#[inline]
pub(crate) fn fact_in_record<S: AsRef<[u8]>>(
    record: &LookupResult<'_, S>,
    paths: CountryPaths,
) -> CountryFact {
    if !record.has_data() {
        return CountryFact::Unknown(UnknownCountry::NotInDatabase);
    }
    for path in paths.iter() {
        match record.decode_path::<&str>(path.elements()) {
            Ok(Some(code)) => return CountryFact::from_database_code(code.as_bytes()),
            Ok(None) => {}
            Err(_) => return CountryFact::Error(CountryError::DatabaseBroken),
        }
    }
    CountryFact::Unknown(UnknownCountry::NoCountryInRecord)
}

/// Whether every value of a record can be read.
pub(crate) fn is_whole<S: AsRef<[u8]>>(record: &LookupResult<'_, S>) -> bool {
    record.decode::<Whole>().is_ok()
}

/// A value that was read to its last leaf and then forgotten. Serde's own `IgnoredAny` passes over values unread.
struct Whole;

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

/// Takes each kind of leaf the format has.
macro_rules! leaves {
    ($($visit:ident: $leaf:ty),+) => {
        $(fn $visit<E>(self, _: $leaf) -> Result<Self, E> {
            Ok(self)
        })+
    };
}

impl<'de> Visitor<'de> for Whole {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of a MaxMind database")
    }

    leaves!(
        visit_bool: bool,
        visit_i32: i32,
        visit_u16: u16,
        visit_u32: u32,
        visit_u64: u64,
        visit_u128: u128,
        visit_f32: f32,
        visit_f64: f64,
        visit_str: &str,
        visit_bytes: &[u8]
    );

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self, A::Error> {
        while items.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self, A::Error> {
        while entries.next_entry::<Self, Self>()?.is_some() {}
        Ok(self)
    }
}
