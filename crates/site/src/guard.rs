//! Who may talk to the gateway: the layers of origin proof and how strictly each is taken.

use crate::Seconds;
use serde::{Deserialize, Serialize};

/// How one layer of the proof is taken. Left out it is `required`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Requirement {
    /// A request without it is refused.
    #[default]
    Required,
    /// A request without it is served, and the decision line says so.
    Report,
    /// It is not looked at.
    Off,
}

/// What a list or database that is too old does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WhenStale {
    /// It counts as unknown, so nothing is admitted on its word.
    #[default]
    Deny,
    /// It is used, and the decision line says how old it is.
    Report,
}

/// The proof demanded of every request, in the order it is checked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Guard {
    /// The fronts that may deliver events: domain names of function URLs, or target group ARNs of load balancers. Empty
    /// means: any function URL, no load balancer and no API Gateway.
    pub fronts: Vec<String>,
    /// Origin access control: which distribution.
    pub access_control: AccessControl,
    /// The rotating secret header: which configuration of it.
    pub secret_header: SecretHeader,
    /// The TCP peer: some CloudFront edge.
    pub edges: Edges,
}

/// Function URL with `AWS_IAM` and origin access control.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessControl {
    /// How strictly it is taken.
    pub mode: Requirement,
    /// ARNs of the principals that may have signed; empty means that Lambda's own resource policy decides.
    pub principals: Vec<String>,
}

/// The secret header that CloudFront adds to every origin request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretHeader {
    /// How strictly it is taken.
    pub mode: Requirement,
    /// The header's name in lower case.
    pub name: String,
    /// How often the rotation function makes a new value.
    pub rotate_every: Seconds,
    /// How long the previous value is still accepted after a rotation.
    pub overlap: Seconds,
}

/// The prefix lists that hold the addresses of CloudFront's edges.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edges {
    /// How strictly it is taken.
    pub mode: Requirement,
    /// Names or ids of managed prefix lists; at least one.
    pub prefix_lists: Vec<String>,
    /// How old the snapshot may be.
    pub max_age: Seconds,
    /// What happens when it is older.
    pub when_stale: WhenStale,
}

impl Guard {
    /// The lists that CloudFront's edges are in, IPv4 and IPv6.
    pub const EDGE_PREFIX_LISTS: [&str; 2] = [
        "com.amazonaws.global.cloudfront.origin-facing",
        "com.amazonaws.global.ipv6.cloudfront.origin-facing",
    ];
}

impl Default for Guard {
    /// Everything required: nothing left out ever means everyone.
    fn default() -> Self {
        Self {
            fronts: Vec::new(),
            access_control: AccessControl {
                mode: Requirement::Required,
                principals: Vec::new(),
            },
            secret_header: SecretHeader {
                mode: Requirement::Required,
                name: "x-origin-verify".to_owned(),
                rotate_every: Seconds::of(30 * 86_400),
                overlap: Seconds::of(3_600),
            },
            edges: Edges {
                mode: Requirement::Required,
                prefix_lists: Self::EDGE_PREFIX_LISTS.map(str::to_owned).to_vec(),
                max_age: Seconds::of(14 * 86_400),
                when_stale: WhenStale::Deny,
            },
        }
    }
}
