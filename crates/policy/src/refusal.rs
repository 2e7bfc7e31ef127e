//! Why a request is refused: a closed list, each with a stable code.

use portcullis_signed_access::SignatureRefusal;

/// A fact that was asked for and is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unknown {
    /// The viewer's address.
    Address,
    /// The viewer's country.
    Country,
    /// Whether a list that is missing or too old holds the address.
    List,
}

/// Why the policy refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// A `deny` matched on what is known.
    Denied,
    /// A `deny` matched because it asks for something unknown.
    DeniedUnknown(Unknown),
    /// No statement matched.
    NoMatch,
    /// No statement matched; an `allow` would have, were this known.
    NoMatchUnknown(Unknown),
    /// No statement matched; an `allow` would have, with a valid signature.
    Signature(SignatureRefusal),
}

impl Reason {
    /// The stable code in logs and explanations.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Denied => "denied",
            Self::DeniedUnknown(Unknown::Address) => "denied-address-unknown",
            Self::DeniedUnknown(Unknown::Country) => "denied-country-unknown",
            Self::DeniedUnknown(Unknown::List) => "denied-list-unavailable",
            Self::NoMatch => "no-match",
            Self::NoMatchUnknown(Unknown::Address) => "address-unknown",
            Self::NoMatchUnknown(Unknown::Country) => "country-unknown",
            Self::NoMatchUnknown(Unknown::List) => "list-unavailable",
            Self::Signature(refusal) => refusal.code(),
        }
    }
}

/// A refusal: why, and by which statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub reason: Reason,
    /// The index of the `deny` that matched, or of the `allow` that nearly did.
    pub statement: Option<usize>,
}
