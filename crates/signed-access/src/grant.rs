//! What a verified signature grants, and the conditions that are left to check.
//!
//! A [`Grant`] is made only by [`authenticate`](crate::authenticate()): having one means that the policy is for this
//! URL and signed by a key of the group. Whether it holds now, for this viewer, is [`Grant::admits`].

use crate::key::KeyId;
use crate::policy::Conditions;
use crate::refusal::SignatureRefusal;
use ipnet::Ipv4Net;
use std::net::IpAddr;

/// The kind of policy that was signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantKind {
    /// The canned policy: this URL, until a time.
    Canned,
    /// A policy of the signer's own.
    Custom,
}

/// A verified signature for the request's URL.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a grant admits nobody before its conditions are checked"]
pub struct Grant {
    key_id: KeyId,
    kind: GrantKind,
    conditions: Conditions,
}

impl Grant {
    pub(crate) fn new(key_id: KeyId, kind: GrantKind, conditions: Conditions) -> Self {
        Self {
            key_id,
            kind,
            conditions,
        }
    }

    /// The grant that a decision line tells of: valid from the beginning, for every address. It explains the past; whoever
    /// lets a request in needs one of [`authenticate`](crate::authenticate()).
    #[cfg(feature = "record")]
    pub fn recorded(key_id: KeyId, expires: u64) -> Self {
        let conditions = Conditions {
            expires,
            not_before: None,
            source: None,
        };
        Self::new(key_id, GrantKind::Custom, conditions)
    }

    /// The key that signed.
    #[must_use]
    pub fn key_id(&self) -> &KeyId {
        &self.key_id
    }

    /// Canned or custom.
    #[must_use]
    pub fn kind(&self) -> GrantKind {
        self.kind
    }

    /// `DateLessThan` in epoch seconds: the first second at which it no longer holds.
    #[must_use]
    pub fn expires(&self) -> u64 {
        self.conditions.expires
    }

    /// `DateGreaterThan` in epoch seconds: the last second at which it does not hold yet.
    #[must_use]
    pub fn not_before(&self) -> Option<u64> {
        self.conditions.not_before
    }

    /// The IPv4 network the viewer must be in.
    #[must_use]
    pub fn source(&self) -> Option<Ipv4Net> {
        self.conditions.source
    }

    /// Whether it holds at `now` (epoch seconds, when the request started) for `viewer`. Exact to the second; an
    /// unknown viewer, and an IPv6 one that is not a mapped IPv4 address, is in no network, `0.0.0.0/0` included.
    ///
    /// # Errors
    /// [`Expired`](SignatureRefusal::Expired), [`NotYetValid`](SignatureRefusal::NotYetValid) or
    /// [`WrongAddress`](SignatureRefusal::WrongAddress).
    pub fn admits(&self, now: u64, viewer: Option<IpAddr>) -> Result<(), SignatureRefusal> {
        if now >= self.conditions.expires {
            return Err(SignatureRefusal::Expired);
        }
        if self
            .conditions
            .not_before
            .is_some_and(|not_before| now <= not_before)
        {
            return Err(SignatureRefusal::NotYetValid);
        }
        match (
            self.conditions.source,
            viewer.map(|address| address.to_canonical()),
        ) {
            (None, _) => Ok(()),
            (Some(network), Some(IpAddr::V4(address))) if network.contains(&address) => Ok(()),
            _ => Err(SignatureRefusal::WrongAddress),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(source: Option<&str>) -> Grant {
        let source = source.map(|network| network.parse().unwrap());
        let conditions = Conditions {
            expires: 200,
            not_before: Some(100),
            source,
        };
        Grant::new("K1".parse().unwrap(), GrantKind::Custom, conditions)
    }

    #[test]
    fn times_are_exact_to_the_second() {
        #[track_caller]
        fn check(now: u64, expected: Result<(), SignatureRefusal>) {
            assert_eq!(grant(None).admits(now, None), expected, "at {now}");
        }
        check(99, Err(SignatureRefusal::NotYetValid));
        check(100, Err(SignatureRefusal::NotYetValid));
        check(101, Ok(()));
        check(199, Ok(()));
        check(200, Err(SignatureRefusal::Expired));
        check(201, Err(SignatureRefusal::Expired));
    }

    #[test]
    fn an_ipv4_condition_needs_a_known_ipv4_viewer() {
        #[track_caller]
        fn check(network: &str, viewer: Option<&str>, admitted: bool) {
            let viewer = viewer.map(|address| address.parse().unwrap());
            let expected = if admitted {
                Ok(())
            } else {
                Err(SignatureRefusal::WrongAddress)
            };
            assert_eq!(
                grant(Some(network)).admits(150, viewer),
                expected,
                "{viewer:?} in {network}"
            );
        }
        check("192.0.2.0/24", Some("192.0.2.255"), true);
        check("192.0.2.0/24", Some("192.0.3.0"), false);
        check("192.0.2.0/24", Some("::ffff:192.0.2.1"), true);
        check("192.0.2.0/24", Some("2001:db8::1"), false);
        check("192.0.2.0/24", None, false);
        check("0.0.0.0/0", Some("203.0.113.9"), true);
        check("0.0.0.0/0", Some("2001:db8::1"), false);
        check("0.0.0.0/0", None, false);
    }
}
