//! The edge guard: a policy as a CloudFront Function, which decides on every request, before the cache.
//!
//! Always holds: the function answers as `policy::decide` does, on everything that both can see, with the same reasons; a
//! policy that it cannot decide is refused with what to do instead; what does not fit CloudFront's limit is refused too.
//!
//! Deliberately absent: signatures (no function can verify them), the GeoIP database, and managed prefix lists, whose
//! addresses are not known when the function is made. The gateway decides again on every miss.

mod source;

use portcullis_site::{Behavior, Enforcement, Mode, Name, Network, Site};
use portcullis_viewer::geo::GeoSource;

/// The largest function that CloudFront takes, in bytes.
pub const BYTES_MAX: usize = 10_240;

/// The longest name of a function that CloudFront takes, in characters.
const NAME_MAX: usize = 64;

/// One function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guard {
    /// Its name.
    pub name: String,
    /// The policy that it decides by.
    pub policy: Name,
    /// Its code, for the runtime `cloudfront-js-2.0`.
    pub code: String,
}

/// Why a policy cannot be decided at the edge, and what to do instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GuardError {
    /// It asks for a signature.
    #[error(
        "policy `{0}` asks for a signature, which no edge function can verify; use `caching: disabled`, or trusted key groups on a direct bucket"
    )]
    Signature(Name),
    /// It asks for a country, which the database alone knows.
    #[error(
        "policy `{0}` asks for the country, which `geo.source: database` takes from a database that no edge function has; use `geo.source: both`, or `caching: disabled`"
    )]
    Database(Name),
    /// It names a prefix list.
    #[error(
        "policy `{0}` names network `{1}`, a managed prefix list whose addresses are not known here; write the addresses, or use `caching: disabled`"
    )]
    PrefixList(Name, Name),
    /// Its function is too large.
    #[error(
        "policy `{0}` makes a function of {1} bytes, and CloudFront takes {BYTES_MAX}; use fewer or larger networks, or `caching: disabled`"
    )]
    TooLarge(Name, usize),
}

/// The name of the function of a policy.
#[must_use]
pub fn name(site: &Site, policy: &Name) -> String {
    let name = format!("{}-{policy}-guard", site.site);
    name.chars().take(NAME_MAX).collect()
}

/// Whether a function decides for a behavior. A signature is for the gateway to verify, or for CloudFront itself.
#[must_use]
pub fn is_guarded(site: &Site, behavior: &Behavior) -> bool {
    let policy = site.policies.get(&behavior.policy);
    let statements = policy.into_iter().flat_map(|policy| &policy.statements);
    let mut conditions = statements.filter_map(|statement| statement.when.as_ref());
    behavior.enforce == Enforcement::Edge && !conditions.any(|when| when.signed_by.is_some())
}

/// The functions of a site, one for each policy that is enforced at the edge, in the order of their names.
///
/// # Errors
/// The first policy that cannot be decided there.
pub fn guards(site: &Site) -> Result<Vec<Guard>, GuardError> {
    let guarded = site.behaviors.iter().filter(|one| is_guarded(site, one));
    let mut policies: Vec<&Name> = guarded.map(|one| &one.policy).collect();
    policies.sort();
    policies.dedup();
    policies
        .into_iter()
        .map(|policy| guard(site, policy))
        .collect()
}

/// The function of one policy; one that is not the site's lets nobody in.
///
/// # Errors
/// [`GuardError`]
pub fn guard(site: &Site, policy: &Name) -> Result<Guard, GuardError> {
    let written = site.policies.get(policy);
    let statements = written.map_or(&[][..], |written| &written.statements);
    for when in statements
        .iter()
        .filter_map(|statement| statement.when.as_ref())
    {
        if when.signed_by.is_some() {
            return Err(GuardError::Signature(policy.clone()));
        }
        let asks_country = when.countries.is_some() || when.unknown_country;
        if asks_country && site.geo.source == GeoSource::Database {
            return Err(GuardError::Database(policy.clone()));
        }
        for network in when.networks.iter().flatten() {
            if let Some(Network::PrefixList { .. }) = site.networks.get(network) {
                return Err(GuardError::PrefixList(policy.clone(), network.clone()));
            }
        }
    }
    let enforces = written.is_none_or(|written| written.mode == Mode::Enforce);
    let code = source::of(site, policy, statements, enforces);
    if code.len() > BYTES_MAX {
        return Err(GuardError::TooLarge(policy.clone(), code.len()));
    }
    Ok(Guard {
        name: name(site, policy),
        policy: policy.clone(),
        code,
    })
}
