//! Who may see what: networks, key groups and the statements of each policy, still by name.

use crate::{Name, Seconds};
use ipnet::IpNet;
use portcullis_signed_access::{Algorithm, KeyId};
use portcullis_viewer::country::Country;
use serde::{Deserialize, Serialize};

/// A named address list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Network {
    /// Written in the manifest.
    Addresses(Vec<IpNet>),
    /// A managed prefix list, whose snapshot comes with the site state.
    PrefixList {
        /// `pl-…` or the list's name.
        id: String,
        /// How old the snapshot may be; an older one makes membership unknown.
        max_age: Seconds,
    },
}

/// Public keys that are trusted together and the algorithms each may sign with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyGroup {
    /// 1 to 5 keys (CloudFront's limit).
    pub public_keys: Vec<PublicKey>,
    /// The algorithms accepted; a signed URL cannot choose another.
    pub algorithms: Vec<Algorithm>,
}

/// One public key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublicKey {
    /// The `Key-Pair-Id` that names it: CloudFront's id if the manifest gives one, else derived from the key.
    pub id: KeyId,
    /// The file it was read from, relative to the manifest.
    pub file: String,
    /// The key itself, PEM-encoded SubjectPublicKeyInfo.
    pub pem: String,
}

/// What one policy says, statement by statement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Whether a refusal bites.
    pub mode: Mode,
    /// The first matching statement wins; none matching is a refusal. At least one.
    pub statements: Vec<Statement>,
    /// Another policy that is tried beside this one: what it would decide is in the decision line, and nobody notices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub candidate: Option<Name>,
}

/// Whether a policy's refusals bite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// A refused request gets 403.
    #[default]
    Enforce,
    /// A refused request is served, and the decision line says that it would have been refused.
    Report,
}

/// What a matching statement does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// The request is admitted.
    Allow,
    /// The request is refused.
    Deny,
}

/// One statement of a policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// What it does when it matches.
    pub effect: Effect,
    /// When it matches: every condition in it holds. `None` is the manifest's `any`.
    pub when: Option<Conditions>,
    /// The site's own word for a refusal by this statement, for logs and explanations.
    pub reason: Option<Name>,
}

/// The conditions of a statement; at least one is present, and a list holds by any of its items.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conditions {
    /// The viewer's address is in one of these networks.
    pub networks: Option<Vec<Name>>,
    /// The viewer's country is one of these, groups expanded, in order of their codes.
    pub countries: Option<Vec<Country>>,
    /// An unknown country holds too (`unknown` in the manifest's list; only in a `deny`).
    pub unknown_country: bool,
    /// The list as the manifest has it, for explanations.
    pub countries_written: Vec<String>,
    /// The request carries a valid signature by a key of this group.
    pub signed_by: Option<Name>,
}
