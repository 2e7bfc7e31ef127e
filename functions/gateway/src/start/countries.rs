//! The country database of the site: the table compiled from one, or the database itself, under the site's rules.

use super::files::{self, FileError};
use portcullis_aws::config::GatewayConfig;
use portcullis_aws::environment::Environment;
use portcullis_origin::countries::{Countries, CountriesError};
use portcullis_site::Site;
use portcullis_viewer::database::DATABASE_BYTES_MAX;

/// Why a country database does not serve.
#[derive(Debug, thiserror::Error)]
pub enum GeoError {
    /// The site asks for one and none is configured.
    #[error("the site decides by a country database, and PORTCULLIS_GEOIP is not set")]
    Missing,
    /// It cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// It is damaged, foreign, or not to be used for this site.
    #[error(transparent)]
    Refused(#[from] CountriesError),
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
    Ok(Countries::open(bytes, rule, now)?)
}
