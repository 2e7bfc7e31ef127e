//! Where a viewer's country comes from, and the groups of countries a policy may name.

use crate::{Name, Seconds, WhenStale};
use portcullis_viewer::country::Country;
use portcullis_viewer::geo::{GeoSource, OnDisagreement};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The geography of a site.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Geo {
    /// Database, CloudFront's header, or both.
    pub source: GeoSource,
    /// The country database; present unless `source` is `cloudfront`.
    pub database: Option<Database>,
    /// What holds when both sources know a country and they differ.
    pub on_disagreement: OnDisagreement,
    /// Every group a policy of this site names, expanded.
    pub groups: BTreeMap<Name, CountryGroup>,
}

/// A country database and the conditions under which it is believed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// The file, relative to the manifest; opened by the gateway and by packaging, never by `compile`.
    pub file: String,
    /// How old its build may be.
    pub max_age: Seconds,
    /// What happens when it is older.
    pub when_stale: WhenStale,
    /// Where the country stands in a record, tried in order: `country.iso_code`, `country_code`,
    /// `registered_country.iso_code`.
    pub paths: Vec<String>,
    /// Whether the built-in demonstration database may be used; production says no.
    pub allow_demonstration: bool,
}

/// A named set of countries.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CountryGroup {
    /// The date of a built-in group's membership; absent for the site's own groups.
    pub as_of: Option<String>,
    /// The members in order of their codes; at least one.
    pub members: Vec<Country>,
}
