//! The verification algorithm, step by step in CloudFront's order.

use crate::algorithm::{Algorithm, Hash};
use crate::cache::{self, VerifiedCache};
use crate::encoding;
use crate::grant::{Grant, GrantKind};
use crate::group::KeyGroup;
use crate::key::PublicKey;
use crate::policy::{self, Conditions, CustomPolicy, POLICY_MAX_BYTES};
use crate::refusal::{PolicyFault, SignatureRefusal};
use crate::request::{Credentials, SignedRequest};
use crate::resource::resource_matches;

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

/// A signature and what it is said to be: this key's, over this policy.
struct Signed<'a> {
    key: &'a PublicKey,
    algorithm: Algorithm,
    policy: &'a [u8],
    signature: &'a str,
}

impl Signed<'_> {
    fn verify_once(&self, cache: &VerifiedCache) -> Result<(), SignatureRefusal> {
        let entry = cache::entry(self.key, self.algorithm, self.policy, self.signature);
        if !cache.knows(&entry) {
            self.verify()?;
            cache.remember(entry);
        }
        Ok(())
    }

    fn verify(&self) -> Result<(), SignatureRefusal> {
        let signature = encoding::decode(self.signature)
            .filter(|signature| !signature.is_empty())
            .ok_or(SignatureRefusal::MalformedSignature)?;
        self.key.verify(self.algorithm, self.policy, &signature)
    }
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
    let text = SignedText::of(&credentials, &url, profile)?;
    let policy = text.policy(profile)?;
    let signed = Signed {
        key,
        algorithm: algorithm(group, key, &credentials, profile)?,
        policy: text.bytes(),
        signature: credentials
            .signature
            .ok_or(SignatureRefusal::MalformedSignature)?,
    };
    match cache {
        None => signed.verify()?,
        Some(cache) => signed.verify_once(cache)?,
    }
    if !policy
        .resource
        .is_none_or(|resource| resource_matches(&resource, &url))
    {
        return Err(SignatureRefusal::WrongResource);
    }
    Ok(Grant::new(key_id.clone(), text.kind(), policy.conditions))
}

fn algorithm(
    group: &KeyGroup,
    key: &PublicKey,
    credentials: &Credentials<'_>,
    profile: Profile,
) -> Result<Algorithm, SignatureRefusal> {
    let hash = Hash::named(credentials.hash_algorithm).ok_or(SignatureRefusal::WrongAlgorithm)?;
    let algorithm = Algorithm::of(key.kind(), hash);
    if profile == Profile::Gateway && !group.allows(algorithm) {
        return Err(SignatureRefusal::WrongAlgorithm);
    }
    Ok(algorithm)
}

/// The bytes a signature is made over.
enum SignedText {
    /// Rebuilt from the URL, so it is for this URL by construction.
    Canned { text: String, expires: u64 },
    /// Sent with the request.
    Custom(Vec<u8>),
}

impl SignedText {
    fn of(
        credentials: &Credentials<'_>,
        url: &str,
        profile: Profile,
    ) -> Result<Self, SignatureRefusal> {
        match (credentials.policy, credentials.expires) {
            (Some(_), Some(_)) if profile == Profile::Gateway => {
                Err(PolicyFault::CannedAndCustom.into())
            }
            (Some(base64), _) => Self::custom(base64).map_err(Into::into),
            (None, Some(expires)) => Self::canned(url, expires),
            (None, None) => Err(PolicyFault::Absent.into()),
        }
    }

    fn custom(base64: &str) -> Result<Self, PolicyFault> {
        if base64.len() > POLICY_MAX_BYTES.div_ceil(3) * 4 {
            return Err(PolicyFault::TooLong);
        }
        encoding::decode(base64)
            .map(Self::Custom)
            .ok_or(PolicyFault::Base64)
    }

    fn canned(url: &str, expires: &str) -> Result<Self, SignatureRefusal> {
        let expires = policy::epoch(expires).ok_or(PolicyFault::Epoch)?;
        if !policy::is_plain(url) {
            return Err(SignatureRefusal::WrongResource);
        }
        Ok(Self::Canned {
            text: policy::canned(url, expires),
            expires,
        })
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Self::Canned { text, .. } => text.as_bytes(),
            Self::Custom(bytes) => bytes,
        }
    }

    fn kind(&self) -> GrantKind {
        match self {
            Self::Canned { .. } => GrantKind::Canned,
            Self::Custom(_) => GrantKind::Custom,
        }
    }

    fn policy(&self, profile: Profile) -> Result<CustomPolicy<'_>, PolicyFault> {
        match self {
            Self::Custom(bytes) => CustomPolicy::read(bytes, profile),
            Self::Canned { expires, .. } => Ok(CustomPolicy {
                resource: None,
                conditions: Conditions {
                    expires: *expires,
                    not_before: None,
                    source: None,
                },
            }),
        }
    }
}
