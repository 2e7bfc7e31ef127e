//! The proof of origin: which front, which distribution, which configuration of it, some CloudFront edge.
//!
//! Always holds: the layers are checked in that order; only a [`Proven`] request has its viewer headers believed; the
//! secret is compared as a digest against every accepted value, in a time that does not depend on which one matches, and
//! goes no further. Deliberately absent: anything about the viewer.

use crate::request::{Front, Principal, Request};
use crate::state::{SecretDigest, Secrets, SiteState};
use portcullis_site::{Edges, Guard, Requirement, WhenStale};
use portcullis_viewer::address::peer_address;
use std::hint::black_box;
use std::net::IpAddr;

/// The longest secret that CloudFront can send, in bytes (its limit for a custom header's value).
pub const SECRET_BYTES_MAX: usize = 1_783;

/// Why a layer of the proof fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProofFailure {
    /// The request came through a front that is not the site's.
    WrongFront,
    /// Nobody signed it.
    NoPrincipal,
    /// Somebody else signed it.
    WrongPrincipal,
    /// It has no secret header.
    SecretMissing,
    /// The header holds two values, or bytes no secret has.
    SecretMalformed,
    /// It is not an accepted value.
    SecretWrong,
    /// The gateway knows no accepted value.
    SecretUnknown,
    /// The peer's address is not named or not readable.
    EdgeUnknown,
    /// The peer is no CloudFront edge.
    EdgeOutside,
    /// A list of the edges is missing.
    EdgeListMissing,
    /// A list of the edges is too old.
    EdgeListStale,
}

impl ProofFailure {
    /// The stable code in logs.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::WrongFront => "wrong-front",
            Self::NoPrincipal => "no-principal",
            Self::WrongPrincipal => "wrong-principal",
            Self::SecretMissing => "secret-missing",
            Self::SecretMalformed => "secret-malformed",
            Self::SecretWrong => "secret-wrong",
            Self::SecretUnknown => "secret-unknown",
            Self::EdgeUnknown => "edge-unknown",
            Self::EdgeOutside => "edge-outside",
            Self::EdgeListMissing => "edge-list-missing",
            Self::EdgeListStale => "edge-list-stale",
        }
    }
}

/// Which accepted value the secret header had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SecretSlot {
    /// The one CloudFront is about to send.
    Pending,
    /// The one it sends.
    Current,
    /// The one it sent before.
    Previous,
}

impl SecretSlot {
    /// The slot's name in logs.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Current => "current",
            Self::Previous => "previous",
        }
    }
}

/// The outcome of one layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layer {
    /// It holds.
    Passed,
    /// It fails, and the site only reports that.
    Reported(ProofFailure),
    /// The site does not ask for it.
    Off,
}

/// A proven request. Only [`prove`] makes one.
#[derive(Debug)]
pub struct Proven {
    access_control: Layer,
    secret: Layer,
    secret_slot: Option<SecretSlot>,
    edge: Layer,
}

impl Proven {
    /// Access control.
    #[must_use]
    pub fn access_control(&self) -> Layer {
        self.access_control
    }

    /// The secret header.
    #[must_use]
    pub fn secret(&self) -> Layer {
        self.secret
    }

    /// The accepted value it had.
    #[must_use]
    pub fn secret_slot(&self) -> Option<SecretSlot> {
        self.secret_slot
    }

    /// The edge address.
    #[must_use]
    pub fn edge(&self) -> Layer {
        self.edge
    }
}

/// Checks the layers in order. `now` is in seconds since the epoch.
///
/// # Errors
/// The first required layer that fails.
pub fn prove(
    guard: &Guard,
    state: &SiteState,
    request: &Request<'_>,
    now: u64,
) -> Result<Proven, ProofFailure> {
    front(guard, request.front)?;
    let access_control = layer(guard.access_control.mode, || {
        principal(&guard.access_control.principals, request.principal)
    })?;
    let mut secret_slot = None;
    let secret = layer(guard.secret_header.mode, || {
        secret_slot = Some(secret(&state.secrets, request.headers.secret)?);
        Ok(())
    })?;
    let edge = layer(guard.edges.mode, || {
        edge(&guard.edges, state, request.peer, now)
    })?;
    Ok(Proven {
        access_control,
        secret,
        secret_slot,
        edge,
    })
}

fn layer(
    mode: Requirement,
    check: impl FnOnce() -> Result<(), ProofFailure>,
) -> Result<Layer, ProofFailure> {
    match mode {
        Requirement::Off => Ok(Layer::Off),
        Requirement::Report => Ok(check().map_or_else(Layer::Reported, |()| Layer::Passed)),
        Requirement::Required => check().map(|()| Layer::Passed),
    }
}

/// An API Gateway delivers the same event with a decoded path, so an event is taken only from a front that is known to
/// leave the path alone.
fn front(guard: &Guard, front: Front<'_>) -> Result<(), ProofFailure> {
    let known = match front {
        Front::Server => true,
        Front::Domain(domain) if guard.fronts.is_empty() => is_function_url(domain),
        Front::Domain(name) | Front::TargetGroup(name) => guard.fronts.iter().any(|f| f == name),
    };
    if known {
        Ok(())
    } else {
        Err(ProofFailure::WrongFront)
    }
}

/// `ID.lambda-url.REGION.on.aws`
fn is_function_url(domain: &str) -> bool {
    let labels = domain
        .strip_suffix(".on.aws")
        .and_then(|rest| rest.rsplit_once('.'))
        .and_then(|(rest, region)| Some((rest.strip_suffix(".lambda-url")?, region)));
    labels.is_some_and(|(id, region)| !region.is_empty() && !id.is_empty() && !id.contains('.'))
}

fn principal(allowed: &[String], principal: Option<Principal<'_>>) -> Result<(), ProofFailure> {
    let principal = principal.ok_or(ProofFailure::NoPrincipal)?;
    let named = |arn: &str| allowed.iter().any(|a| a == arn);
    if allowed.is_empty() || principal.arn.is_some_and(named) {
        Ok(())
    } else {
        Err(ProofFailure::WrongPrincipal)
    }
}

fn secret(accepted: &Secrets, header: Option<&str>) -> Result<SecretSlot, ProofFailure> {
    let value = header.ok_or(ProofFailure::SecretMissing)?;
    if value.is_empty() || value.len() > SECRET_BYTES_MAX || !is_one_value(value.as_bytes()) {
        return Err(ProofFailure::SecretMalformed);
    }
    let slots = [accepted.pending, accepted.current, accepted.previous];
    if slots.iter().all(Option::is_none) {
        return Err(ProofFailure::SecretUnknown);
    }
    accepted_as(accepted, &SecretDigest::of(value.as_bytes())).ok_or(ProofFailure::SecretWrong)
}

/// Whether all bytes are visible ASCII and none is a comma: a function URL joins repeated headers with one, so it may be
/// the start of a second value. Eight bytes are looked at in one step, also where the compiler builds for size.
fn is_one_value(value: &[u8]) -> bool {
    const EACH: u64 = u64::MAX / 255;
    const TOP_BITS: u64 = EACH << 7;
    // Each term has a top bit set if, and only if, some byte of the word is what it looks for.
    let spoiled = |word: u64| {
        let below_0x21 = word.wrapping_sub(EACH * 0x21) & !word;
        let above_0x7e = word.wrapping_add(EACH) | word;
        let from_comma = word ^ (EACH * b',' as u64);
        let commas = from_comma.wrapping_sub(EACH) & !from_comma;
        (below_0x21 | above_0x7e | commas) & TOP_BITS
    };
    let (words, rest) = value.as_chunks::<8>();
    let mut last = [b'x'; 8];
    for (byte, rest) in last.iter_mut().zip(rest) {
        *byte = *rest;
    }
    let words = words.iter().chain([&last]);
    words.fold(0, |all, word| all | spoiled(u64::from_ne_bytes(*word))) == 0
}

/// Which accepted value has this digest, the current one before the others. The same instructions whichever does, and
/// where none does.
#[must_use]
pub fn accepted_as(accepted: &Secrets, given: &SecretDigest) -> Option<SecretSlot> {
    use SecretSlot::{Current, Pending, Previous};
    // By three bits: pending, current, previous.
    const BY_MATCHES: [Option<SecretSlot>; 8] = [
        None,
        Some(Previous),
        Some(Current),
        Some(Current),
        Some(Pending),
        Some(Pending),
        Some(Current),
        Some(Current),
    ];
    let pending = equal(given, accepted.pending);
    let current = equal(given, accepted.current);
    let previous = equal(given, accepted.previous);
    let matches = black_box((pending << 2) | (current << 1) | previous);
    BY_MATCHES.get(usize::from(matches)).copied().flatten()
}

/// 1 if the digests are equal, else 0; the same instructions either way.
fn equal(given: &SecretDigest, accepted: Option<SecretDigest>) -> u8 {
    let present = u8::from(accepted.is_some());
    let other = accepted.map_or([0; 32], |digest| *digest.as_bytes());
    let difference = words(given.as_bytes())
        .zip(words(&other))
        .fold(0_u64, |difference, (a, b)| black_box(difference | (a ^ b)));
    // `difference | -difference` has its top bit set exactly when it is not zero.
    let unequal = (difference | difference.wrapping_neg()) >> 63;
    present & (u8::try_from(unequal).unwrap_or(1) ^ 1)
}

fn words(digest: &[u8; 32]) -> impl Iterator<Item = u64> {
    digest
        .as_chunks::<8>()
        .0
        .iter()
        .map(|chunk| u64::from_le_bytes(*chunk))
}

fn edge(
    edges: &Edges,
    state: &SiteState,
    peer: Option<&str>,
    now: u64,
) -> Result<(), ProofFailure> {
    let address = peer
        .and_then(|p| peer_address(p).ok())
        .ok_or(ProofFailure::EdgeUnknown)?;
    let mut trouble = None;
    for list in &edges.prefix_lists {
        match edge_list(edges, state, list, address, now) {
            Ok(true) => return Ok(()),
            Ok(false) => {}
            Err(failure) => trouble = Some(failure),
        }
    }
    Err(trouble.unwrap_or(ProofFailure::EdgeOutside))
}

fn edge_list(
    edges: &Edges,
    state: &SiteState,
    list: &str,
    address: IpAddr,
    now: u64,
) -> Result<bool, ProofFailure> {
    let snapshot = state
        .edge_lists
        .get(list)
        .ok_or(ProofFailure::EdgeListMissing)?;
    if edges.when_stale == WhenStale::Deny && snapshot.age(now) > edges.max_age.get() {
        return Err(ProofFailure::EdgeListStale);
    }
    Ok(snapshot.contains(address))
}

#[cfg(test)]
mod tests;
