//! The country database the gateway holds: compiled table or database file, mapped, with the site's rule for its age.

use memmap2::Mmap;
use portcullis_site::{Database, WhenStale};
use portcullis_viewer::database::{
    BadPaths, CountryDatabase, CountryPath, CountryPaths, DatabaseError, DatabaseRules,
};
use portcullis_viewer::geo::{CountryError, CountryFact};
use portcullis_viewer::table::{CountryTable, TableError};
use std::net::IpAddr;

/// Where countries are looked up.
#[derive(Debug)]
enum Source {
    /// There is no database: every country is unknown.
    None,
    /// A compiled table.
    Table(Box<CountryTable<Mmap>>),
    /// A database file.
    Database(Box<CountryDatabase<Mmap>>),
}

/// The country database and the rule for its age.
#[derive(Debug)]
pub struct Countries {
    source: Source,
    age_max: u64,
    when_stale: WhenStale,
}

/// Why a country database does not serve a site.
#[derive(Debug, thiserror::Error)]
pub enum CountriesError {
    /// It is no database, or none that the rules admit.
    #[error("the country database is refused: {0}")]
    Database(#[from] DatabaseError),
    /// It is a damaged table.
    #[error("the country table is refused: {0}")]
    Table(#[from] TableError),
    /// The site names a path that no database has.
    #[error("the site's `geo.database.paths` are not usable: {0}")]
    Paths(#[from] BadPaths),
    /// The table was compiled for other paths than the site's.
    #[error("the country table was compiled for other `geo.database.paths` than the site's")]
    OtherPaths,
    /// It is the demonstration database.
    #[error(
        "this is a demonstration database, which decides about nobody unless the manifest says `allow_demonstration: true`"
    )]
    Demonstration,
}

impl Countries {
    /// The database or compiled table in `bytes`, if it passes the site's rules. `now` is in seconds since the epoch.
    ///
    /// # Errors
    /// [`CountriesError`]: it is damaged, foreign, or not to be used for this site.
    pub fn open(bytes: Mmap, rule: &Database, now: u64) -> Result<Self, CountriesError> {
        let countries = match CountryTable::open(&*bytes) {
            Err(TableError::NotATable) => Self::open_database(bytes, rule, now)?,
            _ => Self::open_table(bytes, rule)?,
        };
        if countries.is_demonstration() && !rule.allow_demonstration {
            return Err(CountriesError::Demonstration);
        }
        Ok(countries)
    }

    fn open_table(bytes: Mmap, rule: &Database) -> Result<Self, CountriesError> {
        let table = CountryTable::open(bytes)?;
        if table.paths() != paths(rule)? {
            return Err(CountriesError::OtherPaths);
        }
        Ok(Self::table(table, rule))
    }

    fn open_database(bytes: Mmap, rule: &Database, now: u64) -> Result<Self, CountriesError> {
        let rules = DatabaseRules {
            paths: paths(rule)?,
            ..DatabaseRules::default()
        };
        Ok(Self::database(
            CountryDatabase::open(bytes, &rules, now)?,
            rule,
        ))
    }

    /// No database.
    #[must_use]
    pub fn none() -> Self {
        Self {
            source: Source::None,
            age_max: 0,
            when_stale: WhenStale::Deny,
        }
    }

    /// A compiled table under the site's rule.
    #[must_use]
    pub fn table(table: CountryTable<Mmap>, rule: &Database) -> Self {
        Self {
            source: Source::Table(Box::new(table)),
            age_max: rule.max_age.get(),
            when_stale: rule.when_stale,
        }
    }

    /// A database file under the site's rule.
    #[must_use]
    pub fn database(database: CountryDatabase<Mmap>, rule: &Database) -> Self {
        Self {
            source: Source::Database(Box::new(database)),
            age_max: rule.max_age.get(),
            when_stale: rule.when_stale,
        }
    }

    /// The country at `address`; `now` is in seconds since the epoch.
    #[must_use]
    pub fn lookup(&self, address: IpAddr, now: u64) -> CountryFact {
        if self.when_stale == WhenStale::Deny && self.age(now).is_some_and(|age| age > self.age_max)
        {
            return CountryFact::Error(CountryError::DatabaseTooOld);
        }
        match &self.source {
            Source::None => CountryFact::Error(CountryError::NoDatabase),
            Source::Table(table) => table.lookup(address),
            Source::Database(database) => database.lookup(address),
        }
    }

    /// When the database was built, in seconds since the epoch.
    #[must_use]
    pub fn built_at(&self) -> Option<u64> {
        match &self.source {
            Source::None => None,
            Source::Table(table) => Some(table.built_at()),
            Source::Database(database) => Some(database.built_at()),
        }
    }

    /// Seconds since it was built.
    #[must_use]
    pub fn age(&self, now: u64) -> Option<u64> {
        self.built_at().map(|built| now.saturating_sub(built))
    }

    /// Whether it is the demonstration database, which is named wherever it is used.
    #[must_use]
    pub fn is_demonstration(&self) -> bool {
        match &self.source {
            Source::None => false,
            Source::Table(table) => table.is_demonstration(),
            Source::Database(database) => database.is_demonstration(),
        }
    }
}

fn paths(rule: &Database) -> Result<CountryPaths, BadPaths> {
    const KNOWN: [CountryPath; 3] = [
        CountryPath::CountryIsoCode,
        CountryPath::CountryCode,
        CountryPath::RegisteredCountryIsoCode,
    ];
    let known = |name: &String| KNOWN.into_iter().find(|path| path.name() == name);
    let named: Option<Vec<CountryPath>> = rule.paths.iter().map(known).collect();
    CountryPaths::new(&named.ok_or(BadPaths)?)
}
