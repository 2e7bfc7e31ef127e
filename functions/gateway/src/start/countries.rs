//! The country database of the site: the table compiled from one, or the database itself, under the site's rules.

use super::files::{self, FileError};
use memmap2::Mmap;
use portcullis_aws::config::GatewayConfig;
use portcullis_aws::environment::Environment;
use portcullis_origin::countries::Countries;
use portcullis_site::{Database, Site};
use portcullis_viewer::database::{
    BadPaths, CountryDatabase, CountryPath, CountryPaths, DATABASE_BYTES_MAX, DatabaseError,
    DatabaseRules,
};
use portcullis_viewer::table::{CountryTable, TableError};

/// Why a country database does not serve.
#[derive(Debug, thiserror::Error)]
pub enum GeoError {
    /// The site asks for one and none is configured.
    #[error("the site decides by a country database, and PORTCULLIS_GEOIP is not set")]
    Missing,
    /// It cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
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

/// The database for `site`; none if the site does not ask for one. `now` is in seconds since the epoch.
pub(super) fn open(
    config: &GatewayConfig,
    site: &Site,
    environment: &Environment,
    now: u64,
) -> Result<Countries, GeoError> {
    let Some(rule) = &site.geo.database else {
        return Ok(Countries::none());
    };
    let path = config.geoip.as_ref().ok_or(GeoError::Missing)?;
    let bytes = files::map(path, DATABASE_BYTES_MAX, environment)?;
    let countries = match CountryTable::open(&*bytes) {
        Err(TableError::NotATable) => database(bytes, rule, now)?,
        _ => table(bytes, rule)?,
    };
    if countries.is_demonstration() && !rule.allow_demonstration {
        return Err(GeoError::Demonstration);
    }
    Ok(countries)
}

fn table(bytes: Mmap, rule: &Database) -> Result<Countries, GeoError> {
    let table = CountryTable::open(bytes)?;
    if table.paths() != paths(rule)? {
        return Err(GeoError::OtherPaths);
    }
    Ok(Countries::table(table, rule))
}

fn database(bytes: Mmap, rule: &Database, now: u64) -> Result<Countries, GeoError> {
    let rules = DatabaseRules {
        paths: paths(rule)?,
        ..DatabaseRules::default()
    };
    Ok(Countries::database(
        CountryDatabase::open(bytes, &rules, now)?,
        rule,
    ))
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
