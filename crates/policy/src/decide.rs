//! The decision itself: statements in order, the first match wins, no match is a refusal.

use crate::facts::{Facts, SignatureFact};
use crate::refusal::{Reason, Refusal, Unknown};
use crate::statement::{
    Conditions, CountryCondition, Effect, KeyGroupIndex, Mode, Networks, Policy, Statement,
};
use portcullis_signed_access::SignatureRefusal;
use portcullis_viewer::geo::CountryFact;

/// Proof that a request may be served. It cannot be copied, and only [`decide()`] makes one:
///
/// ```compile_fail
/// let forged = portcullis_policy::Admitted { statement: Some(0), reported: None };
/// ```
#[derive(Debug)]
pub struct Admitted {
    statement: Option<usize>,
    reported: Option<Refusal>,
}

impl Admitted {
    /// The index of the `allow` that matched; `None` if the policy only reports.
    #[must_use]
    pub fn statement(&self) -> Option<usize> {
        self.statement
    }

    /// The refusal that a policy in report mode did not enforce.
    #[must_use]
    pub fn reported(&self) -> Option<Refusal> {
        self.reported
    }
}

/// The outcome of a decision.
#[derive(Debug)]
pub enum Decision {
    /// The request may be served.
    Admitted(Admitted),
    /// It may not.
    Refused(Refusal),
}

/// Whether a condition holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truth {
    /// It does.
    True,
    /// It does not.
    False,
    /// Nobody can say.
    Unknown(Unknown),
    /// It does not, for want of a valid signature.
    Unsigned(SignatureRefusal),
}

/// What one statement says of the facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatementOutcome {
    /// Whether the statement matches, and so decides.
    pub matches: bool,
    /// The conditions together: false if one is false, else unknown if one is.
    pub holds: Truth,
}

/// Decides. `now` is in seconds since the epoch and matters to signatures only.
#[must_use]
pub fn decide(policy: &Policy, facts: &Facts, now: u64) -> Decision {
    let mut nearest = None;
    for (index, statement) in policy.statements().iter().enumerate() {
        let outcome = evaluate(statement, facts, now);
        match (outcome.matches, statement.effect) {
            (true, Effect::Allow) => {
                return Decision::Admitted(Admitted {
                    statement: Some(index),
                    reported: None,
                });
            }
            (true, Effect::Deny) => {
                return refuse(
                    policy,
                    Refusal {
                        reason: denied(outcome.holds),
                        statement: Some(index),
                    },
                );
            }
            (false, Effect::Allow) => nearest = nearest.or_else(|| near_miss(outcome.holds, index)),
            (false, Effect::Deny) => {}
        }
    }
    refuse(
        policy,
        nearest.unwrap_or(Refusal {
            reason: Reason::NoMatch,
            statement: None,
        }),
    )
}

/// What `statement` says of `facts` at `now`: an unknown satisfies no `allow` and every `deny` that asks for it.
#[must_use]
pub fn evaluate(statement: &Statement, facts: &Facts, now: u64) -> StatementOutcome {
    let holds = statement
        .when
        .map_or(Truth::True, |when| hold(&when, facts, now));
    let matches = match (statement.effect, holds) {
        (_, Truth::True) => true,
        (Effect::Deny, Truth::Unknown(_)) => true,
        // A signature that is present and not valid is an attempt; only its absence says "not signed".
        (Effect::Deny, Truth::Unsigned(refusal)) => refusal != SignatureRefusal::Absent,
        (Effect::Allow, _) | (Effect::Deny, Truth::False) => false,
    };
    StatementOutcome { matches, holds }
}

fn refuse(policy: &Policy, refusal: Refusal) -> Decision {
    match policy.mode() {
        Mode::Enforce => Decision::Refused(refusal),
        Mode::Report => Decision::Admitted(Admitted {
            statement: None,
            reported: Some(refusal),
        }),
    }
}

fn denied(holds: Truth) -> Reason {
    match holds {
        Truth::Unknown(what) => Reason::DeniedUnknown(what),
        Truth::True | Truth::False | Truth::Unsigned(_) => Reason::Denied,
    }
}

fn near_miss(holds: Truth, index: usize) -> Option<Refusal> {
    let reason = match holds {
        Truth::Unknown(what) => Reason::NoMatchUnknown(what),
        Truth::Unsigned(refusal) => Reason::Signature(refusal),
        Truth::True | Truth::False => return None,
    };
    Some(Refusal {
        reason,
        statement: Some(index),
    })
}

fn hold(when: &Conditions, facts: &Facts, now: u64) -> Truth {
    let parts = [
        when.networks().map(|networks| in_networks(networks, facts)),
        when.countries()
            .map(|countries| in_countries(countries, facts.country)),
        when.signed_by().map(|group| signed(group, facts, now)),
    ];
    let mut all = Truth::True;
    for part in parts.into_iter().flatten() {
        match part {
            Truth::False => return Truth::False,
            Truth::True => {}
            // An unknown fact explains more than a signature that would not have sufficed.
            Truth::Unknown(_) | Truth::Unsigned(_) => {
                all = if matches!(all, Truth::Unknown(_)) {
                    all
                } else {
                    part
                }
            }
        }
    }
    all
}

fn in_networks(networks: Networks, facts: &Facts) -> Truth {
    if facts.networks.inside.intersects(networks) {
        Truth::True
    } else if facts.networks.stale.intersects(networks) {
        Truth::Unknown(Unknown::List)
    } else if facts.networks.unknown.intersects(networks) || facts.address.known().is_none() {
        Truth::Unknown(Unknown::Address)
    } else {
        Truth::False
    }
}

fn in_countries(condition: CountryCondition, fact: CountryFact) -> Truth {
    match fact {
        CountryFact::Known(country) if condition.countries.contains(country) => Truth::True,
        CountryFact::Known(_) => Truth::False,
        CountryFact::Unknown(_) | CountryFact::Error(_) => Truth::Unknown(Unknown::Country),
    }
}

fn signed(group: KeyGroupIndex, facts: &Facts, now: u64) -> Truth {
    match facts.signatures.get(group) {
        None => Truth::Unsigned(SignatureRefusal::Absent),
        Some(SignatureFact::Verified(grant)) => match grant.admits(now, facts.address.known()) {
            Ok(()) => Truth::True,
            Err(refusal) => Truth::Unsigned(refusal),
        },
        Some(SignatureFact::Refused(refusal)) => Truth::Unsigned(*refusal),
    }
}
