//! From hostile headers to facts: the viewer's address, its networks, its country, its signatures. All of it ends here.
//!
//! Always holds: only what the policy asks for is looked up; the viewer's address comes from `CloudFront-Viewer-Address`
//! alone; whatever cannot be read is unknown.

use crate::countries::Countries;
use crate::proof::Proven;
use crate::request::Request;
use crate::state::SiteState;
use portcullis_policy::{
    AddressFact, Facts, Membership, NetworkIndex, Networks, Policy, SignatureFact, Signatures,
};
use portcullis_signed_access::{
    Profile, Scheme, SignatureRefusal, SignedRequest, VerifiedCache, authenticate_cached,
};
use portcullis_site::{Engine, Geo, NetworkAddresses, Site};
use portcullis_viewer::address::viewer_address;
use portcullis_viewer::geo::{
    CountryError, CountryFact, GeoSource, GivenBy, UnknownCountry, combine, from_cloudfront_header,
};
use std::net::IpAddr;

/// Hosts of a site against which a signature is tried; each may cost one verification.
const SIGNED_HOSTS_MAX: usize = 8;

/// The facts of one request and where they came from.
#[derive(Debug)]
pub struct Gathered {
    /// What the decision takes.
    pub facts: Facts,
    /// Which source gave the country; `None` if the policy does not ask for it.
    pub country_given_by: Option<GivenBy>,
    /// What the database alone said, where it was asked.
    pub database_country: Option<CountryFact>,
    /// What CloudFront's header alone said, where it was asked.
    pub header_country: Option<CountryFact>,
}

/// What facts are gathered from.
#[derive(Clone, Copy)]
pub struct Sources<'a> {
    /// The site.
    pub site: &'a Site,
    /// Its numbered networks and key groups.
    pub engine: &'a Engine,
    /// Its state.
    pub state: &'a SiteState,
    /// The country database.
    pub countries: &'a Countries,
    /// Signatures verified before.
    pub verified: &'a VerifiedCache,
}

/// Gathers what `policy` asks for. The proof is demanded because viewer headers are worth nothing without it.
#[must_use]
pub fn gather(
    sources: Sources<'_>,
    policy: &Policy,
    request: &Request<'_>,
    _proven: &Proven,
    now: u64,
) -> Gathered {
    let inputs = policy.inputs();
    let asks_address = !inputs.networks.is_empty()
        || inputs.country
        || inputs.key_groups.iter().any(Option::is_some);
    let address = if asks_address {
        address(request)
    } else {
        AddressFact::Unknown
    };
    let country = inputs
        .country
        .then(|| country(&sources.site.geo, sources.countries, request, address, now));
    Gathered {
        facts: Facts {
            address,
            networks: membership(sources, inputs.networks, address, now),
            country: country.map_or(CountryFact::Unknown(UnknownCountry::NoAddress), |c| c.fact),
            signatures: signatures(sources, policy, request),
        },
        country_given_by: country.map(|c| c.given_by),
        database_country: country.and_then(|c| c.database),
        header_country: country.and_then(|c| c.header),
    }
}

fn address(request: &Request<'_>) -> AddressFact {
    let parsed = request
        .headers
        .viewer_address
        .map(|value| viewer_address(value.as_bytes()));
    match parsed {
        Some(Ok((address, _port))) => AddressFact::Known(address),
        Some(Err(_)) | None => AddressFact::Unknown,
    }
}

#[derive(Debug, Clone, Copy)]
struct CountryFound {
    fact: CountryFact,
    given_by: GivenBy,
    database: Option<CountryFact>,
    header: Option<CountryFact>,
}

fn country(
    geo: &Geo,
    countries: &Countries,
    request: &Request<'_>,
    address: AddressFact,
    now: u64,
) -> CountryFound {
    let asks_database = geo.source != GeoSource::CloudFront;
    let asks_header = geo.source != GeoSource::Database;
    let database = asks_database.then(|| match address {
        AddressFact::Known(address) => countries.lookup(address, now),
        AddressFact::Unknown => CountryFact::Unknown(UnknownCountry::NoAddress),
    });
    let header = asks_header
        .then(|| from_cloudfront_header(request.headers.viewer_country.map(str::as_bytes)));
    let absent = CountryFact::Error(CountryError::NoDatabase);
    let (fact, given_by) = combine(
        geo.source,
        database.unwrap_or(absent),
        header.unwrap_or(absent),
        geo.on_disagreement,
    );
    CountryFound {
        fact,
        given_by,
        database,
        header,
    }
}

fn membership(sources: Sources<'_>, asked: Networks, address: AddressFact, now: u64) -> Membership {
    let AddressFact::Known(address) = address else {
        return Membership {
            unknown: asked,
            ..Membership::default()
        };
    };
    let mut found = Membership::default();
    for index in asked.iter() {
        match holds(sources, index, address, now) {
            Some(true) => found.inside = found.inside.with(index),
            Some(false) => {}
            None => {
                found.unknown = found.unknown.with(index);
                found.stale = found.stale.with(index);
            }
        }
    }
    found
}

/// `None` if the list is missing or too old.
fn holds(sources: Sources<'_>, network: NetworkIndex, address: IpAddr, now: u64) -> Option<bool> {
    match &sources.engine.networks().get(network.get())?.1 {
        NetworkAddresses::Fixed(set) => Some(set.contains(address)),
        NetworkAddresses::PrefixList { id, age_max } => {
            let snapshot = sources.state.prefix_lists.get(id)?;
            (snapshot.age(now) <= *age_max).then(|| snapshot.contains(address))
        }
    }
}

fn signatures(sources: Sources<'_>, policy: &Policy, request: &Request<'_>) -> Signatures {
    let mut signatures = Signatures::default();
    for group in policy.inputs().key_groups.into_iter().flatten() {
        let Some((_, keys)) = sources.engine.key_groups().get(group.get()) else {
            continue;
        };
        let fact = match signed_for_a_host(sources, keys, request) {
            Ok(grant) => SignatureFact::Verified(grant),
            Err(refusal) => SignatureFact::Refused(refusal),
        };
        // A policy asks for no more groups than there is room for, which `Policy::new` has checked.
        let _full = signatures.set(group, fact);
    }
    signatures
}

/// A signature covers a URL with a host. At the origin no header names the host reliably, so the configured ones count.
fn signed_for_a_host(
    sources: Sources<'_>,
    keys: &portcullis_signed_access::KeyGroup,
    request: &Request<'_>,
) -> Result<portcullis_signed_access::Grant, SignatureRefusal> {
    let mut first = None;
    for host in sources
        .site
        .hosts
        .iter()
        .filter(|h| !h.as_str().starts_with('*'))
        .take(SIGNED_HOSTS_MAX)
    {
        let signed = SignedRequest {
            scheme: Scheme::Https,
            host: host.as_str(),
            raw_path: request.raw_path,
            raw_query: request.raw_query,
            cookies: request.cookies,
        };
        match authenticate_cached(keys, &signed, Profile::Gateway, sources.verified) {
            Ok(grant) => return Ok(grant),
            Err(SignatureRefusal::Absent) => return Err(SignatureRefusal::Absent),
            Err(refusal) => first = first.or(Some(refusal)),
        }
    }
    Err(first.unwrap_or(SignatureRefusal::Absent))
}
