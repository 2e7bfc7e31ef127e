//! What is known of one request when it is decided. Hostile headers end before this.

use crate::statement::{KEY_GROUPS_PER_POLICY_MAX, KeyGroupIndex, Networks};
use portcullis_signed_access::{Grant, SignatureRefusal};
use portcullis_viewer::geo::CountryFact;
use std::net::IpAddr;

/// The viewer's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressFact {
    /// As CloudFront names it, IPv4-mapped addresses folded.
    Known(IpAddr),
    /// Not named, or not in a form that can be trusted.
    Unknown,
}

impl AddressFact {
    /// The address, if it is known.
    #[must_use]
    pub fn known(self) -> Option<IpAddr> {
        match self {
            Self::Known(address) => Some(address),
            Self::Unknown => None,
        }
    }
}

/// Which of the networks asked for hold the viewer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Membership {
    /// The viewer is in these.
    pub inside: Networks,
    /// Nobody can say for these: the address is unknown, or the list is missing or too old.
    pub unknown: Networks,
    /// Those of `unknown` whose list, not the address, is the trouble.
    pub stale: Networks,
}

/// What one key group says of the request's signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignatureFact {
    /// A key of the group signed it; time and address are still to be checked.
    Verified(Grant),
    /// No key of the group did.
    Refused(SignatureRefusal),
}

/// The signatures of the key groups a policy asks for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Signatures([Option<(KeyGroupIndex, SignatureFact)>; KEY_GROUPS_PER_POLICY_MAX]);

/// More key groups than one policy can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignaturesFull;

impl Signatures {
    /// Records what `group` says; a second word about the same group replaces the first.
    ///
    /// # Errors
    /// More groups than a policy can ask for.
    pub fn set(&mut self, group: KeyGroupIndex, fact: SignatureFact) -> Result<(), SignaturesFull> {
        let mine = |slot: &Option<(KeyGroupIndex, SignatureFact)>| {
            slot.as_ref().is_none_or(|(g, _)| *g == group)
        };
        let slot = self
            .0
            .iter_mut()
            .find(|slot| mine(slot))
            .ok_or(SignaturesFull)?;
        *slot = Some((group, fact));
        Ok(())
    }

    /// What `group` says; `None` if it was never asked, which is no signature.
    #[must_use]
    pub fn get(&self, group: KeyGroupIndex) -> Option<&SignatureFact> {
        self.0
            .iter()
            .flatten()
            .find(|(g, _)| *g == group)
            .map(|(_, fact)| fact)
    }
}

/// Everything a decision may depend on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The viewer's address.
    pub address: AddressFact,
    /// The networks it is in.
    pub networks: Membership,
    /// The viewer's country.
    pub country: CountryFact,
    /// The request's signatures.
    pub signatures: Signatures,
}
