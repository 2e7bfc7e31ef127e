//! The verification algorithm, step by step in CloudFront's order.

use crate::algorithm::{Algorithm, Hash};
use crate::cache::VerifiedCache;
use crate::encoding;
use crate::grant::{Grant, GrantKind};
use crate::group::KeyGroup;
use crate::key::PublicKey;
use crate::policy::{self, Conditions, CustomPolicy, POLICY_MAX_BYTES};
use crate::refusal::{PolicyFault, SignatureRefusal};
use crate::request::{Credentials, SignedRequest};
use crate::resource::resource_matches;
use std::sync::Arc;

/// Whose rules apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// What CloudFront documents, for the model of it: `Resource` may be missing, the request names the hash, a policy
    /// wins over an expiry time. Where a parameter repeats, which is not documented, the first one counts.
    CloudFront,
    /// What the gateway admits: every request it accepts CloudFront would accept, but nothing that could be read in
    /// two ways, no algorithm the key group does not name, and no policy without a `Resource`.
    Gateway,
}

/// Whether the request is signed by a key of the group for its own URL. Time and viewer are left to
/// [`Grant::admits`].
///
/// # Errors
/// The first thing that is wrong, in CloudFront's order: the key, the policy, the signature, the URL.
pub fn authenticate(
    group: &KeyGroup,
    request: &SignedRequest<'_>,
    profile: Profile,
) -> Result<Grant, SignatureRefusal> {
    check(group, request, profile, None)
}

/// The same as [`authenticate`], but a signature in `cache` is not verified again.
///
/// # Errors
/// As [`authenticate`].
pub fn authenticate_cached(
    group: &KeyGroup,
    request: &SignedRequest<'_>,
    profile: Profile,
    cache: &VerifiedCache,
) -> Result<Grant, SignatureRefusal> {
    check(group, request, profile, Some(cache))
}

fn check(
    group: &KeyGroup,
    request: &SignedRequest<'_>,
    profile: Profile,
    cache: Option<&VerifiedCache>,
) -> Result<Grant, SignatureRefusal> {
    let credentials = request.credentials()?;
    if profile == Profile::Gateway && credentials.repeated {
        return Err(SignatureRefusal::Duplicate);
    }
    let key_pair_id = credentials
        .key_pair_id
        .ok_or(SignatureRefusal::MissingKeyPairId)?;
    let (key_id, key) = group.key(key_pair_id).ok_or(SignatureRefusal::UnknownKey)?;
    let url = request.url()?;
    let claim = Claim {
        key,
        algorithm: algorithm(group, key, &credentials, profile),
        terms: Terms::of(&credentials, &url, profile)?,
        signature: credentials.signature.unwrap_or_default(),
        profile,
    };
    let verified = match cache {
        None => claim.verify()?,
        Some(cache) => cache.verify(&claim)?,
    };
    if !verified
        .resource
        .as_ref()
        .is_none_or(|resource| resource_matches(resource, &url))
    {
        return Err(SignatureRefusal::WrongResource);
    }
    Ok(Grant::new(
        key_id.clone(),
        verified.kind,
        verified.conditions,
    ))
}

/// The algorithm the request names, if there is one and the group allows it.
fn algorithm(
    group: &KeyGroup,
    key: &PublicKey,
    credentials: &Credentials<'_>,
    profile: Profile,
) -> Option<Algorithm> {
    let algorithm = Algorithm::of(key.kind(), Hash::named(credentials.hash_algorithm)?);
    (profile == Profile::CloudFront || group.allows(algorithm)).then_some(algorithm)
}

/// What a request says about itself, all of it that [`Claim::verify`] depends on.
pub(crate) struct Claim<'a> {
    pub(crate) key: &'a PublicKey,
    /// Nothing if the request names none that is allowed.
    pub(crate) algorithm: Option<Algorithm>,
    pub(crate) terms: Terms<'a>,
    /// As base64; empty if there is none.
    pub(crate) signature: &'a str,
    pub(crate) profile: Profile,
}

/// Where the signed text comes from.
pub(crate) enum Terms<'a> {
    /// It is rebuilt from the request's URL, so it is for this URL by construction.
    Canned { url: &'a str, expires: &'a str },
    /// It was sent with the request, as base64.
    Custom(&'a str),
}

/// What a verified policy says.
pub(crate) struct Verified {
    kind: GrantKind,
    /// Nothing for the canned policy, and for a custom one that is for every URL.
    resource: Option<Box<str>>,
    conditions: Conditions,
}

impl<'a> Terms<'a> {
    fn of(
        credentials: &Credentials<'a>,
        url: &'a str,
        profile: Profile,
    ) -> Result<Self, PolicyFault> {
        match (credentials.policy, credentials.expires) {
            (Some(_), Some(_)) if profile == Profile::Gateway => Err(PolicyFault::CannedAndCustom),
            (Some(base64), _) => Ok(Self::Custom(base64)),
            (None, Some(expires)) => Ok(Self::Canned { url, expires }),
            (None, None) => Err(PolicyFault::Absent),
        }
    }
}

impl Claim<'_> {
    /// Reads the policy and verifies the signature over it.
    pub(crate) fn verify(&self) -> Result<Arc<Verified>, SignatureRefusal> {
        let verified = match self.terms {
            Terms::Canned { url, expires } => self.verify_canned(url, expires),
            Terms::Custom(base64) => self.verify_custom(base64),
        };
        verified.map(Arc::new)
    }

    fn verify_canned(&self, url: &str, expires: &str) -> Result<Verified, SignatureRefusal> {
        let expires = policy::epoch(expires).ok_or(PolicyFault::Epoch)?;
        if !policy::is_plain(url) {
            return Err(SignatureRefusal::WrongResource);
        }
        self.verify_over(policy::canned(url, expires).as_bytes())?;
        let conditions = Conditions {
            expires,
            not_before: None,
            source: None,
        };
        Ok(Verified {
            kind: GrantKind::Canned,
            resource: None,
            conditions,
        })
    }

    fn verify_custom(&self, base64: &str) -> Result<Verified, SignatureRefusal> {
        if base64.len() > POLICY_MAX_BYTES.div_ceil(3) * 4 {
            return Err(PolicyFault::TooLong.into());
        }
        let text = encoding::decode(base64).ok_or(PolicyFault::Base64)?;
        let policy = CustomPolicy::read(&text, self.profile)?;
        self.verify_over(&text)?;
        let resource = policy
            .resource
            .map(|resource| resource.into_owned().into_boxed_str());
        Ok(Verified {
            kind: GrantKind::Custom,
            resource,
            conditions: policy.conditions,
        })
    }

    fn verify_over(&self, text: &[u8]) -> Result<(), SignatureRefusal> {
        let algorithm = self.algorithm.ok_or(SignatureRefusal::WrongAlgorithm)?;
        let signature = encoding::decode(self.signature)
            .filter(|signature| !signature.is_empty())
            .ok_or(SignatureRefusal::MalformedSignature)?;
        self.key.verify(algorithm, text, &signature)
    }
}
