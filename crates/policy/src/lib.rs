//! The decision: facts about a viewer and a policy in, an admission or an explained refusal out.
//!
//! Always holds: the function is total, allocates nothing and reads no clock; no statement matching is a refusal; an
//! unknown satisfies no `allow` and every `deny` that asks for it; an [`Admitted`] can be made by [`decide()`] alone.
//! Deliberately absent: names, parsing and look-ups. Networks and key groups are numbers here; `site` numbers them.

mod decide;
mod facts;
mod refusal;
mod statement;

pub use decide::{Admitted, Decision, StatementOutcome, Truth, decide, evaluate};
pub use facts::{AddressFact, Facts, Membership, SignatureFact, Signatures, SignaturesFull};
pub use refusal::{Reason, Refusal, Unknown};
pub use statement::{
    Conditions, ConditionsError, CountryCondition, Effect, Inputs, KEY_GROUPS_MAX,
    KEY_GROUPS_PER_POLICY_MAX, KeyGroupIndex, Mode, NETWORKS_MAX, NetworkIndex, Networks, Policy,
    PolicyError, STATEMENTS_MAX, Statement,
};
