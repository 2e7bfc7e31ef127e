//! The country database the gateway holds: compiled table or database file, mapped, with the site's rule for its age.

use memmap2::Mmap;
use portcullis_site::{Database, WhenStale};
use portcullis_viewer::database::CountryDatabase;
use portcullis_viewer::geo::{CountryError, CountryFact};
use portcullis_viewer::table::CountryTable;
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

impl Countries {
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
