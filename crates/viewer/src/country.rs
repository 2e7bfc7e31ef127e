//! A country is an ISO 3166-1 alpha-2 code that is assigned, or XK.
//!
//! - Nothing else is a country: not `EU`, `AP`, `A1`, `A2`, `T1`, `XX` or `ZZ`, which databases use for "somewhere", and
//!   not a code in small letters.
//! - A group is its members. It is expanded wherever it is used, because no database answers with a group.
//!
//! Deliberately absent: names of countries, in any language.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// The day on which the members of the built-in [`Group`]s were as listed here.
pub const GROUPS_AS_OF: &str = "2026-01-01";

/// The officially assigned ISO 3166-1 alpha-2 codes and `XK` (Kosovo, user-assigned, in use by the common databases), in
/// ascending order.
const CODES: [[u8; 2]; 250] = codes(
    b"ADAEAFAGAIALAMAOAQARASATAUAWAXAZBABBBDBEBFBGBHBIBJBLBMBNBOBQBRBSBTBVBWBYBZCACCCDCFCGCHCICKCLCMCNCOCRCUCVCWCXCYCZ\
      DEDJDKDMDODZECEEEGEHERESETFIFJFKFMFOFRGAGBGDGEGFGGGHGIGLGMGNGPGQGRGSGTGUGWGYHKHMHNHRHTHUIDIEILIMINIOIQIRISITJEJMJOJP\
      KEKGKHKIKMKNKPKRKWKYKZLALBLCLILKLRLSLTLULVLYMAMCMDMEMFMGMHMKMLMMMNMOMPMQMRMSMTMUMVMWMXMYMZNANCNENFNGNINLNONPNRNUNZ\
      OMPAPEPFPGPHPKPLPMPNPRPSPTPWPYQARERORSRURWSASBSCSDSESGSHSISJSKSLSMSNSOSRSSSTSVSXSYSZTCTDTFTGTHTJTKTLTMTNTOTRTTTVTWTZ\
      UAUGUMUSUYUZVAVCVEVGVIVNVUWFWSXKYEYTZAZMZW",
);

/// A country.
///
/// - The value is one of the codes this crate lists; there is no other constructor.
/// - Countries order as their codes do.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Country([u8; 2]);

/// Why a text is not a country.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum NotACountry {
    /// Not two capital letters from A to Z.
    #[error("a country is two capital letters (ISO 3166-1 alpha-2)")]
    NotTwoCapitals,
    /// Two capital letters that ISO 3166-1 has not assigned to a country.
    #[error("no country has this code (ISO 3166-1 alpha-2, and XK)")]
    NotAssigned,
}

impl Country {
    /// How many countries there are. [`Country::index`] is always less.
    pub const COUNT: usize = CODES.len();

    /// All countries in ascending order of code.
    pub fn all() -> impl ExactSizeIterator<Item = Self> + Clone {
        CODES.iter().map(|&code| Self(code))
    }

    /// The two capital letters.
    #[must_use]
    pub fn code(self) -> [u8; 2] {
        self.0
    }

    /// The two capital letters as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The position among [`Country::all`], less than [`Country::COUNT`]. It is not stable between versions: nothing
    /// that is stored may contain it.
    #[must_use]
    #[inline]
    pub fn index(self) -> u16 {
        cell(self.0)
            .and_then(|cell| POSITIONS.get(cell))
            .map_or(0, |&position| u16::from(position))
    }
}

impl TryFrom<&[u8]> for Country {
    type Error = NotACountry;

    #[inline]
    fn try_from(bytes: &[u8]) -> Result<Self, NotACountry> {
        let code: [u8; 2] = bytes.try_into().map_err(|_| NotACountry::NotTwoCapitals)?;
        let cell = cell(code).ok_or(NotACountry::NotTwoCapitals)?;
        match POSITIONS.get(cell) {
            Some(&position) if position != UNASSIGNED => Ok(Self(code)),
            _ => Err(NotACountry::NotAssigned),
        }
    }
}

impl FromStr for Country {
    type Err = NotACountry;

    fn from_str(text: &str) -> Result<Self, NotACountry> {
        Self::try_from(text.as_bytes())
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Country {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Country {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A group of countries that is built in. Membership is as of [`GROUPS_AS_OF`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Group {
    /// The 27 member states of the European Union.
    Eu,
    /// The European Economic Area: the European Union with Iceland, Liechtenstein and Norway.
    Eea,
    /// The European Free Trade Association: Iceland, Liechtenstein, Norway and Switzerland.
    Efta,
}

const EU: CountrySet = CountrySet::of(b"ATBEBGCYCZDEDKEEESFIFRGRHRHUIEITLTLULVMTNLPLPTROSESISK");
const EFTA: CountrySet = CountrySet::of(b"CHISLINO");
const EEA_BEYOND_EU: CountrySet = CountrySet::of(b"ISLINO");

impl Group {
    /// All built-in groups.
    pub const ALL: [Self; 3] = [Self::Eu, Self::Eea, Self::Efta];

    /// The name a manifest uses: `EU`, `EEA` or `EFTA`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Eu => "EU",
            Self::Eea => "EEA",
            Self::Efta => "EFTA",
        }
    }

    /// The group of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|group| group.name() == name)
    }

    /// The countries of the group.
    #[must_use]
    pub const fn members(self) -> CountrySet {
        match self {
            Self::Eu => EU,
            Self::Eea => EU.union(EEA_BEYOND_EU),
            Self::Efta => EFTA,
        }
    }
}

/// A set of countries, as one bit for each. It is written as the ascending list of its codes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct CountrySet([u64; 4]);

impl CountrySet {
    /// No country.
    pub const EMPTY: Self = Self([0; 4]);

    /// Whether `country` is in the set.
    #[must_use]
    #[inline]
    pub fn contains(&self, country: Country) -> bool {
        let index = country.index();
        self.0
            .get(usize::from(index / 64))
            .is_some_and(|word| word >> (index % 64) & 1 == 1)
    }

    /// Adds `country`; whether it was not yet there.
    pub fn insert(&mut self, country: Country) -> bool {
        let added = !self.contains(country);
        let index = country.index();
        if let Some(word) = self.0.get_mut(usize::from(index / 64)) {
            *word |= 1 << (index % 64);
        }
        added
    }

    /// The countries in either set.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        let ([a, b, c, d], [e, f, g, h]) = (self.0, other.0);
        Self([a | e, b | f, c | g, d | h])
    }

    /// How many countries are in the set.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Whether no country is in the set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::EMPTY
    }

    /// The countries in ascending order of code.
    pub fn iter(&self) -> impl Iterator<Item = Country> + '_ {
        Country::all().filter(|&country| self.contains(country))
    }

    /// The set of the codes written one after another; what is not a country is left out, and a test counts them.
    #[expect(
        clippy::indexing_slicing,
        reason = "evaluated by the compiler alone, where a bad index is a compile error"
    )]
    const fn of(codes: &[u8]) -> Self {
        let mut words = [0; 4];
        let mut position = 0;
        while position < CODES.len() {
            let mut at = 0;
            while at + 1 < codes.len() {
                if codes[at] == CODES[position][0] && codes[at + 1] == CODES[position][1] {
                    words[position / 64] |= 1 << (position % 64);
                }
                at += 2;
            }
            position += 1;
        }
        Self(words)
    }
}

impl FromIterator<Country> for CountrySet {
    fn from_iter<I: IntoIterator<Item = Country>>(countries: I) -> Self {
        let mut set = Self::EMPTY;
        for country in countries {
            set.insert(country);
        }
        set
    }
}

impl Extend<Country> for CountrySet {
    fn extend<I: IntoIterator<Item = Country>>(&mut self, countries: I) {
        for country in countries {
            self.insert(country);
        }
    }
}

impl fmt::Debug for CountrySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl Serialize for CountrySet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for CountrySet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let countries = Vec::<Country>::deserialize(deserializer)?;
        Ok(countries.into_iter().collect())
    }
}

/// Marks a pair of letters that is no country in [`POSITIONS`].
const UNASSIGNED: u8 = u8::MAX;

/// The position in [`CODES`] of every pair of letters.
const POSITIONS: [u8; 26 * 26] = positions();

/// Where a pair of capital letters is in [`POSITIONS`].
#[inline]
const fn cell(code: [u8; 2]) -> Option<usize> {
    let [first, second] = code;
    if first.is_ascii_uppercase() && second.is_ascii_uppercase() {
        Some((first - b'A') as usize * 26 + (second - b'A') as usize)
    } else {
        None
    }
}

#[expect(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler alone, where a bad index is a compile error"
)]
const fn positions() -> [u8; 26 * 26] {
    let mut out = [UNASSIGNED; 26 * 26];
    let mut at = 0;
    while at < CODES.len() {
        if let Some(cell) = cell(CODES[at]) {
            out[cell] = at as u8;
        }
        at += 1;
    }
    out
}

#[expect(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler alone, where a bad index is a compile error"
)]
const fn codes(text: &[u8; 500]) -> [[u8; 2]; 250] {
    let mut out = [[0; 2]; 250];
    let mut at = 0;
    while at < out.len() {
        out[at] = [text[2 * at], text[2 * at + 1]];
        at += 1;
    }
    out
}

#[cfg(test)]
mod tests;
