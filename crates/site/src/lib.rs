//! The compiled site: what one manifest means, as plain data, and the canonical bundle that carries it.
//!
//! `portcullis compile` writes it; the functions, the CDK app, the checker and the edge model read it. Always holds: a
//! value of [`Site`] read by [`Bundle::read`] has passed [`Site::validate`], so every name in it refers to something, every
//! list that must not be empty is not, and nothing left out means "everyone". Deliberately absent: YAML, source positions
//! and any default that is not written out; those belong to the manifest crate.

mod behavior;
mod bundle;
mod engine;
mod geo;
mod guard;
mod name;
mod origins;
mod pattern;
mod policies;
mod releases;
mod validate;

pub use behavior::{
    Behavior, CacheKey, Caching, Cors, Enforcement, LargeObjects, Methods, QueryKey,
    ResponseHeaders, SecurityHeaders, Ttl, ViewerProtocol,
};
pub use bundle::{BUNDLE_BYTES_MAX, BUNDLE_FORMAT, Bundle, BundleError, Digest};
pub use engine::{Engine, EngineError, KeyGroupError, NetworkAddresses};
pub use geo::{CountryGroup, Database, Geo};
pub use guard::{AccessControl, Edges, Guard, Requirement, SecretHeader, WhenStale};
pub use name::{Bucket, Host, KeyPrefix, Name, NameError, Seconds};
pub use origins::{ErrorResponse, HttpOrigin, Origin, OriginGroup, OriginUrl};
pub use pattern::{PathPattern, PatternError};
pub use policies::{Conditions, Effect, KeyGroup, Mode, Network, Policy, PublicKey, Statement};
pub use releases::{Class, Fallback, Keep, Releases};
pub use validate::{Fault, LIMITS, Limits, Rule};

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One site: its distribution, its policies and how its content is released. Source: the manifest, `portcullis.yaml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Site {
    /// The site's name; also its key in the state table.
    pub site: Name,
    /// Alternate domain names of the distribution, lower case.
    pub hosts: Vec<Host>,
    /// ARN of the ACM certificate in us-east-1 that covers `hosts`.
    pub certificate: Option<String>,
    /// The Route 53 hosted zone that gets alias records for `hosts`.
    pub hosted_zone: Option<Host>,
    /// The distribution's minimum viewer security policy, one of CloudFront's names.
    pub viewer_tls: String,
    /// The Origin Shield region, if the site uses one.
    pub origin_shield: Option<String>,
    /// Where representations come from, by name.
    pub origins: BTreeMap<Name, Origin>,
    /// Pairs of custom origins with failover, by name; the names do not collide with `origins`.
    pub origin_groups: BTreeMap<Name, OriginGroup>,
    /// Who may talk to the gateway at all.
    pub guard: Guard,
    /// Where a viewer's country comes from.
    pub geo: Geo,
    /// Named address lists.
    pub networks: BTreeMap<Name, Network>,
    /// Keys whose signatures admit viewers.
    pub key_groups: BTreeMap<Name, KeyGroup>,
    /// Who may see what, by name.
    pub policies: BTreeMap<Name, Policy>,
    /// CloudFront's cache behaviors in order; the first match wins and the last one matches everything.
    pub behaviors: Vec<Behavior>,
    /// How releases are served; present if an origin is a release store.
    pub releases: Option<Releases>,
    /// Custom error responses by status.
    pub errors: BTreeMap<u16, ErrorResponse>,
}
