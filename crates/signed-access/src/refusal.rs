//! Why a request is not let in on its signature: one closed list, each with a stable code and CloudFront's answer.
//!
//! A refusal never carries anything the request sent, so it may be logged. CloudFront distinguishes only five errors;
//! where its documentation names none for a case, the nearest of the five is used and said so.

/// What is wrong with a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum PolicyFault {
    /// Neither an expiry time nor a policy was sent.
    #[error("neither an expiry time nor a policy was sent")]
    Absent,
    /// Both were sent, which is two policies (gateway only).
    #[error("an expiry time and a policy were both sent")]
    CannedAndCustom,
    /// Not CloudFront's base64.
    #[error("not CloudFront's base64")]
    Base64,
    /// Longer than [`POLICY_MAX_BYTES`](crate::POLICY_MAX_BYTES).
    #[error("longer than any policy may be")]
    TooLong,
    /// White space, an escape, a byte-order mark or a byte outside ASCII (gateway only).
    #[error("white space, an escape or a byte outside printable ASCII")]
    Text,
    /// Not JSON, or not the shape of a policy.
    #[error("not the JSON of a policy")]
    Syntax,
    /// A member CloudFront does not document.
    #[error("an unknown member")]
    UnknownMember,
    /// A member that appears twice.
    #[error("a member that appears twice")]
    DuplicateMember,
    /// Not exactly one statement.
    #[error("not exactly one statement")]
    StatementCount,
    /// No `Resource` (gateway only: CloudFront takes it to mean every file of the key).
    #[error("no Resource")]
    NoResource,
    /// No `DateLessThan`.
    #[error("no DateLessThan")]
    NoExpiry,
    /// A time that is not an unquoted integer of seconds within range; milliseconds are not.
    #[error("a time that is not in epoch seconds")]
    Epoch,
    /// A source address that is not one IPv4 address or CIDR.
    #[error("a source address that is not one IPv4 network")]
    SourceAddress,
}

impl PolicyFault {
    fn code(self) -> &'static str {
        match self {
            Self::Absent => "signature-policy-absent",
            Self::CannedAndCustom => "signature-policy-canned-and-custom",
            Self::Base64 => "signature-policy-base64",
            Self::TooLong => "signature-policy-too-long",
            Self::Text => "signature-policy-text",
            Self::Syntax => "signature-policy-syntax",
            Self::UnknownMember => "signature-policy-unknown-member",
            Self::DuplicateMember => "signature-policy-duplicate-member",
            Self::StatementCount => "signature-policy-statement-count",
            Self::NoResource => "signature-policy-no-resource",
            Self::NoExpiry => "signature-policy-no-expiry",
            Self::Epoch => "signature-policy-epoch",
            Self::SourceAddress => "signature-policy-source-address",
        }
    }
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum SignatureRefusal {
    /// Nothing in the request claims to be signed.
    #[error("the request is not signed")]
    Absent,
    /// The query or the cookies are longer than what is read.
    #[error("the query or the cookies are too long")]
    TooLong,
    /// A reserved parameter or cookie appears twice (gateway only).
    #[error("a signed-access parameter or cookie appears twice")]
    Duplicate,
    /// No `Key-Pair-Id`.
    #[error("no Key-Pair-Id")]
    MissingKeyPairId,
    /// `Key-Pair-Id` names no key of this behavior's group.
    #[error("the key is not in the key group")]
    UnknownKey,
    /// The policy cannot be read.
    #[error("malformed policy: {0}")]
    MalformedPolicy(PolicyFault),
    /// The signature is missing or not CloudFront's base64.
    #[error("malformed signature")]
    MalformedSignature,
    /// The named hash does not exist, or the group does not allow it with this key.
    #[error("the algorithm is not allowed")]
    WrongAlgorithm,
    /// The signature is not this key's over this policy.
    #[error("the signature does not verify")]
    BadSignature,
    /// The policy is for another URL.
    #[error("the policy is for another URL")]
    WrongResource,
    /// The time in `DateLessThan` has come.
    #[error("the signature has expired")]
    Expired,
    /// The time in `DateGreaterThan` has not passed.
    #[error("the signature is not valid yet")]
    NotYetValid,
    /// The viewer is unknown, or not in the IPv4 network of the policy.
    #[error("the policy is for another address")]
    WrongAddress,
}

/// The `<Code>` and `<Message>` of CloudFront's 403 for signed access (observed, not documented).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CloudFrontError {
    /// The XML `<Code>`.
    pub code: &'static str,
    /// The XML `<Message>`.
    pub message: &'static str,
}

/// Every fault of a policy.
const FAULTS: [PolicyFault; 13] = [
    PolicyFault::Absent,
    PolicyFault::CannedAndCustom,
    PolicyFault::Base64,
    PolicyFault::TooLong,
    PolicyFault::Text,
    PolicyFault::Syntax,
    PolicyFault::UnknownMember,
    PolicyFault::DuplicateMember,
    PolicyFault::StatementCount,
    PolicyFault::NoResource,
    PolicyFault::NoExpiry,
    PolicyFault::Epoch,
    PolicyFault::SourceAddress,
];

/// Every refusal but those for a fault of the policy.
const REFUSALS: [SignatureRefusal; 12] = [
    SignatureRefusal::Absent,
    SignatureRefusal::TooLong,
    SignatureRefusal::Duplicate,
    SignatureRefusal::MissingKeyPairId,
    SignatureRefusal::UnknownKey,
    SignatureRefusal::MalformedSignature,
    SignatureRefusal::WrongAlgorithm,
    SignatureRefusal::BadSignature,
    SignatureRefusal::WrongResource,
    SignatureRefusal::Expired,
    SignatureRefusal::NotYetValid,
    SignatureRefusal::WrongAddress,
];

impl SignatureRefusal {
    /// The refusal with a code.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        let faults = FAULTS.into_iter().map(Self::MalformedPolicy);
        let mut all = REFUSALS.into_iter().chain(faults);
        all.find(|refusal| refusal.code() == code)
    }

    /// A stable word for logs, metrics and `explain`.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Absent => "signature-absent",
            Self::TooLong => "signature-too-long",
            Self::Duplicate => "signature-duplicate",
            Self::MissingKeyPairId => "signature-key-missing",
            Self::UnknownKey => "signature-key-unknown",
            Self::MalformedPolicy(fault) => fault.code(),
            Self::MalformedSignature => "signature-malformed",
            Self::WrongAlgorithm => "signature-algorithm",
            Self::BadSignature => "signature-bad",
            Self::WrongResource => "signature-resource",
            Self::Expired => "signature-expired",
            Self::NotYetValid => "signature-not-yet-valid",
            Self::WrongAddress => "signature-address",
        }
    }

    /// What CloudFront answers, with status 403. A missing policy or signature is answered as a malformed one, a
    /// request that is too long or repeats a parameter as denied: the documentation names no code for them.
    #[must_use]
    pub fn cloudfront(self) -> CloudFrontError {
        let (code, message) = match self {
            Self::Absent | Self::MissingKeyPairId => (
                "MissingKey",
                "Missing Key-Pair-Id query parameter or cookie value",
            ),
            Self::UnknownKey => ("InvalidKey", "Unknown Key"),
            Self::MalformedPolicy(_) => ("MalformedPolicy", "Malformed Policy"),
            Self::MalformedSignature => ("MalformedSignature", "Could not unencode Signature"),
            Self::TooLong
            | Self::Duplicate
            | Self::WrongAlgorithm
            | Self::BadSignature
            | Self::WrongResource
            | Self::Expired
            | Self::NotYetValid
            | Self::WrongAddress => ("AccessDenied", "Access denied"),
        };
        CloudFrontError { code, message }
    }
}

impl From<PolicyFault> for SignatureRefusal {
    fn from(fault: PolicyFault) -> Self {
        Self::MalformedPolicy(fault)
    }
}

#[cfg(test)]
mod tests {
    use super::{FAULTS, REFUSALS, SignatureRefusal};
    use std::collections::BTreeSet;

    #[test]
    fn every_code_is_one_refusals() {
        let faults = FAULTS.map(SignatureRefusal::MalformedPolicy);
        let all: Vec<SignatureRefusal> = REFUSALS.into_iter().chain(faults).collect();
        let codes: BTreeSet<&str> = all.iter().map(|refusal| refusal.code()).collect();
        assert_eq!(codes.len(), all.len());
        for refusal in all {
            assert_eq!(SignatureRefusal::from_code(refusal.code()), Some(refusal));
        }
        assert_eq!(SignatureRefusal::from_code("signature"), None);
    }
}
