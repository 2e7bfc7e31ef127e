//! The viewer's country as a fact: known, unknown for a stated reason, or an error of the source that was asked.
//!
//! - Which addresses have a country at all is decided here, once, for the database and for the table compiled from it:
//!   a special address has none, and an address that embeds an IPv4 address of the viewer's choice has none.
//! - Two sources are combined by one total function, [`combine`]. Where it denies on disagreement, one source that does
//!   not know is enough to make the country unknown.
//! - A fact carries its reason and never a guess. No reason is a country.
//!
//! Deliberately absent: what follows. An unknown satisfies no `allow` and every `deny` that asks, but that is the
//! policy's rule.

use crate::address::{is_embedded_ipv4, overlaps_special};
use crate::country::{Country, NotACountry};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// What is known of the viewer's country.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CountryFact {
    /// The source names a country.
    Known(Country),
    /// The source works, and names no country for this viewer.
    Unknown(UnknownCountry),
    /// The source itself is missing, too old or broken.
    Error(CountryError),
}

/// Why a working source names no country.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UnknownCountry {
    /// The viewer's address is not known.
    NoAddress,
    /// The address is in a range that no viewer on the public Internet has.
    SpecialAddress,
    /// The address embeds an IPv4 address that its user chose (6to4, Teredo, NAT64).
    EmbeddedIpv4,
    /// The database has no record for the address.
    NotInDatabase,
    /// The database's record has no country on the configured paths.
    NoCountryInRecord,
    /// The source's code is not an ISO 3166-1 country, such as `AP`, `T1` or `ZZ`.
    NotIso,
    /// CloudFront sent no `CloudFront-Viewer-Country`.
    HeaderMissing,
    /// The two sources name different countries.
    Disagreement,
}

/// Why a source could not answer at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CountryError {
    /// No database is loaded.
    NoDatabase,
    /// The database is older than the operator allows.
    DatabaseTooOld,
    /// The database cannot be read at this address.
    DatabaseBroken,
    /// `CloudFront-Viewer-Country` is not two letters.
    HeaderMalformed,
}

impl UnknownCountry {
    /// A stable name for logs and explanations.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::NoAddress => "no-address",
            Self::SpecialAddress => "special-address",
            Self::EmbeddedIpv4 => "embedded-ipv4",
            Self::NotInDatabase => "not-in-database",
            Self::NoCountryInRecord => "no-country-in-record",
            Self::NotIso => "not-iso",
            Self::HeaderMissing => "header-missing",
            Self::Disagreement => "disagreement",
        }
    }
}

impl CountryError {
    /// A stable name for logs and explanations.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::NoDatabase => "no-database",
            Self::DatabaseTooOld => "database-too-old",
            Self::DatabaseBroken => "database-broken",
            Self::HeaderMalformed => "header-malformed",
        }
    }
}

impl CountryFact {
    /// The country, if it is known.
    #[must_use]
    pub fn known(self) -> Option<Country> {
        match self {
            Self::Known(country) => Some(country),
            Self::Unknown(_) | Self::Error(_) => None,
        }
    }

    /// Why the country is not known.
    #[must_use]
    pub fn reason(self) -> Option<&'static str> {
        match self {
            Self::Known(_) => None,
            Self::Unknown(reason) => Some(reason.code()),
            Self::Error(reason) => Some(reason.code()),
        }
    }

    /// The fact that a source's text for a country states.
    #[must_use]
    pub(crate) fn from_database_code(code: &[u8]) -> Self {
        Country::try_from(code).map_or(Self::Unknown(UnknownCountry::NotIso), Self::Known)
    }
}

/// Where the country comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GeoSource {
    /// The MMDB database that the operator provides.
    Database,
    /// The header `CloudFront-Viewer-Country`.
    CloudFront,
    /// Both, combined.
    Both,
}

/// What holds when both sources are asked and do not agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum OnDisagreement {
    /// The country is unknown unless both sources name the same one.
    #[serde(rename = "deny")]
    Deny,
    /// The database's country, or CloudFront's where the database names none.
    #[serde(rename = "database")]
    PreferDatabase,
    /// CloudFront's country, or the database's where CloudFront names none.
    #[serde(rename = "cloudfront")]
    PreferCloudFront,
}

/// Which source a combined fact was taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GivenBy {
    /// The database gave it, or failed to.
    Database,
    /// CloudFront's header gave it, or failed to.
    CloudFront,
    /// Both: they agree, or their disagreement is the fact.
    Both,
}

/// The fact in the value of `CloudFront-Viewer-Country`.
///
/// The header is believed only after the proof of origin, and only on a behavior that declares it; neither is known
/// here. CloudFront sends two capital letters. Two other letters are an unknown country, anything else is an error.
#[must_use]
pub fn from_cloudfront_header(value: Option<&[u8]>) -> CountryFact {
    let Some(value) = value else {
        return CountryFact::Unknown(UnknownCountry::HeaderMissing);
    };
    match Country::try_from(value) {
        Ok(country) => CountryFact::Known(country),
        Err(NotACountry::NotAssigned) => CountryFact::Unknown(UnknownCountry::NotIso),
        Err(NotACountry::NotTwoCapitals) => CountryFact::Error(CountryError::HeaderMalformed),
    }
}

/// One fact from the sources that the operator chose, and which of them gave it.
///
/// With [`GeoSource::Both`]:
/// - Two equal countries are that country.
/// - Two different countries follow `on_disagreement`: unknown, or the preferred source's.
/// - One country against no country: under [`OnDisagreement::Deny`] the country is not known, for the reason of the
///   source that does not know, because an attacker who can silence one source must gain nothing. Otherwise the source
///   that knows is taken.
/// - No country on either side: the reason of the preferred source, which under `Deny` is the database.
#[must_use]
pub fn combine(
    source: GeoSource,
    database: CountryFact,
    cloudfront: CountryFact,
    on_disagreement: OnDisagreement,
) -> (CountryFact, GivenBy) {
    match source {
        GeoSource::Database => (database, GivenBy::Database),
        GeoSource::CloudFront => (cloudfront, GivenBy::CloudFront),
        GeoSource::Both => combine_both(database, cloudfront, on_disagreement),
    }
}

fn combine_both(
    database: CountryFact,
    cloudfront: CountryFact,
    on_disagreement: OnDisagreement,
) -> (CountryFact, GivenBy) {
    if let (Some(one), Some(other)) = (database.known(), cloudfront.known()) {
        if one == other {
            return (database, GivenBy::Both);
        }
        return match on_disagreement {
            OnDisagreement::Deny => (
                CountryFact::Unknown(UnknownCountry::Disagreement),
                GivenBy::Both,
            ),
            OnDisagreement::PreferDatabase => (database, GivenBy::Database),
            OnDisagreement::PreferCloudFront => (cloudfront, GivenBy::CloudFront),
        };
    }
    let database = (database, GivenBy::Database);
    let cloudfront = (cloudfront, GivenBy::CloudFront);
    let knows = |(fact, _): (CountryFact, GivenBy)| fact.known().is_some();
    match on_disagreement {
        OnDisagreement::Deny if knows(database) => cloudfront,
        OnDisagreement::PreferDatabase if knows(cloudfront) => cloudfront,
        OnDisagreement::PreferCloudFront if !knows(database) => cloudfront,
        OnDisagreement::Deny
        | OnDisagreement::PreferDatabase
        | OnDisagreement::PreferCloudFront => database,
    }
}

/// The address to look up, folded; or why no database may be asked.
///
/// Documentation addresses are special too, but they are looked up: no database of the public Internet has a record for
/// them, and the databases made for tests and for the laptop have nothing else.
#[inline]
pub(crate) fn locatable(address: IpAddr) -> Result<IpAddr, UnknownCountry> {
    let address = address.to_canonical();
    if is_embedded_ipv4(address).is_some() {
        return Err(UnknownCountry::EmbeddedIpv4);
    }
    if overlaps_special(address, address) {
        return Err(UnknownCountry::SpecialAddress);
    }
    Ok(address)
}

#[cfg(test)]
mod tests {
    use super::{
        CountryError, CountryFact, GeoSource, GivenBy, OnDisagreement, UnknownCountry, combine,
        from_cloudfront_header, locatable,
    };
    use std::net::IpAddr;

    fn known(code: &str) -> CountryFact {
        CountryFact::Known(code.parse().unwrap())
    }

    const UNKNOWN: CountryFact = CountryFact::Unknown(UnknownCountry::NotInDatabase);
    const MISSING: CountryFact = CountryFact::Unknown(UnknownCountry::HeaderMissing);
    const BROKEN: CountryFact = CountryFact::Error(CountryError::DatabaseBroken);
    const DISAGREE: CountryFact = CountryFact::Unknown(UnknownCountry::Disagreement);

    #[test]
    fn the_header_is_two_capitals_or_no_country() {
        let unknown = |reason| CountryFact::Unknown(reason);
        let malformed = CountryFact::Error(CountryError::HeaderMalformed);
        for (value, expected) in [
            (None, unknown(UnknownCountry::HeaderMissing)),
            (Some("DE"), known("DE")),
            (Some("XK"), known("XK")),
            (Some("NO"), known("NO")),
            (Some("ZZ"), unknown(UnknownCountry::NotIso)),
            (Some("EU"), unknown(UnknownCountry::NotIso)),
            (Some(""), malformed),
            (Some("de"), malformed),
            (Some("T1"), malformed),
            (Some("DEU"), malformed),
            (Some("DE,US"), malformed),
            (Some(" DE"), malformed),
        ] {
            assert_eq!(
                from_cloudfront_header(value.map(str::as_bytes)),
                expected,
                "{value:?}"
            );
        }
        assert_eq!(from_cloudfront_header(Some(b"\xff\xff")), malformed);
    }

    #[test]
    fn one_source_is_taken_as_it_is() {
        for fact in [known("DE"), UNKNOWN, BROKEN] {
            for rule in [
                OnDisagreement::Deny,
                OnDisagreement::PreferDatabase,
                OnDisagreement::PreferCloudFront,
            ] {
                let other = known("US");
                assert_eq!(
                    combine(GeoSource::Database, fact, other, rule),
                    (fact, GivenBy::Database)
                );
                assert_eq!(
                    combine(GeoSource::CloudFront, other, fact, rule),
                    (fact, GivenBy::CloudFront)
                );
            }
        }
    }

    #[test]
    fn two_sources_combine_by_the_rule() {
        use GivenBy::{Both, CloudFront, Database};
        use OnDisagreement::{Deny, PreferCloudFront, PreferDatabase};
        let (de, us) = (known("DE"), known("US"));
        for (database, cloudfront, rule, expected) in [
            (de, de, Deny, (de, Both)),
            (de, de, PreferDatabase, (de, Both)),
            (de, de, PreferCloudFront, (de, Both)),
            (de, us, Deny, (DISAGREE, Both)),
            (de, us, PreferDatabase, (de, Database)),
            (de, us, PreferCloudFront, (us, CloudFront)),
            (de, MISSING, Deny, (MISSING, CloudFront)),
            (de, MISSING, PreferDatabase, (de, Database)),
            (de, MISSING, PreferCloudFront, (de, Database)),
            (UNKNOWN, us, Deny, (UNKNOWN, Database)),
            (UNKNOWN, us, PreferDatabase, (us, CloudFront)),
            (UNKNOWN, us, PreferCloudFront, (us, CloudFront)),
            (BROKEN, us, Deny, (BROKEN, Database)),
            (BROKEN, us, PreferDatabase, (us, CloudFront)),
            (UNKNOWN, MISSING, Deny, (UNKNOWN, Database)),
            (UNKNOWN, MISSING, PreferDatabase, (UNKNOWN, Database)),
            (UNKNOWN, MISSING, PreferCloudFront, (MISSING, CloudFront)),
        ] {
            assert_eq!(
                combine(GeoSource::Both, database, cloudfront, rule),
                expected,
                "{database:?} {cloudfront:?} {rule:?}"
            );
        }
    }

    #[test]
    fn under_deny_a_country_is_known_only_when_both_name_it() {
        let facts = [known("DE"), known("US"), UNKNOWN, MISSING, BROKEN];
        for database in facts {
            for cloudfront in facts {
                let (fact, _) =
                    combine(GeoSource::Both, database, cloudfront, OnDisagreement::Deny);
                let agreed = database.known().filter(|_| database == cloudfront);
                assert_eq!(fact.known(), agreed, "{database:?} {cloudfront:?}");
            }
        }
    }

    #[test]
    fn names_in_a_manifest() {
        let read = |text| serde_json::from_str::<GeoSource>(text).ok();
        assert_eq!(read(r#""database""#), Some(GeoSource::Database));
        assert_eq!(read(r#""cloudfront""#), Some(GeoSource::CloudFront));
        assert_eq!(read(r#""both""#), Some(GeoSource::Both));
        assert_eq!(read(r#""Both""#), None);
        let read = |text| serde_json::from_str::<OnDisagreement>(text).ok();
        assert_eq!(read(r#""deny""#), Some(OnDisagreement::Deny));
        assert_eq!(read(r#""database""#), Some(OnDisagreement::PreferDatabase));
        assert_eq!(
            read(r#""cloudfront""#),
            Some(OnDisagreement::PreferCloudFront)
        );
    }

    #[test]
    fn which_addresses_are_looked_up() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        for (text, expected) in [
            ("8.8.8.8", Ok("8.8.8.8")),
            ("::ffff:8.8.8.8", Ok("8.8.8.8")),
            ("2a00:1450::1", Ok("2a00:1450::1")),
            ("203.0.113.7", Ok("203.0.113.7")),
            ("2001:db8::1", Ok("2001:db8::1")),
            ("2002:808:808::1", Err(UnknownCountry::EmbeddedIpv4)),
            ("2001::1", Err(UnknownCountry::EmbeddedIpv4)),
            ("64:ff9b::808:808", Err(UnknownCountry::EmbeddedIpv4)),
            ("::8.8.8.8", Err(UnknownCountry::SpecialAddress)),
            ("10.0.0.1", Err(UnknownCountry::SpecialAddress)),
            ("::ffff:10.0.0.1", Err(UnknownCountry::SpecialAddress)),
            ("fd00::1", Err(UnknownCountry::SpecialAddress)),
        ] {
            assert_eq!(locatable(ip(text)), expected.map(ip), "{text}");
        }
    }
}
