//! Making signed URLs and cookies: the command line's half, behind the feature `sign`.
//!
//! Nothing is handed out that would not be accepted: a signed URL is run through [`authenticate`] under the gateway's
//! strict rules, and the signature in a cookie is verified, by code that shares nothing with the signing. That also
//! catches a faulty RSA computation, which would otherwise leak the key.
//!
//! RSA is computed by the crate `rsa`, blinded, for both hashes (ring cannot sign SHA-1); ECDSA by `p256` with RFC 6979
//! nonces, which need no randomness. A [`PrivateKey`] wipes itself when dropped and has no textual form.

use crate::algorithm::{Algorithm, Hash};
use crate::authenticate::{Profile, authenticate};
use crate::encoding;
use crate::group::{KeyGroup, KeyGroupError};
use crate::key::{KeyError, KeyId, PublicKey};
use crate::pem;
use crate::policy::{self, CustomPolicy};
use crate::refusal::{PolicyFault, SignatureRefusal};
use crate::request::{Scheme, SignedRequest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ipnet::Ipv4Net;
use p256::ecdsa::signature::hazmat::PrehashSigner as _;
use ring::digest::{self, SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use ring::rand::SecureRandom;
use rsa::pkcs1::DecodeRsaPrivateKey as _;
use rsa::pkcs8::{DecodePrivateKey as _, EncodePublicKey as _};
use rsa::rand_core::{TryCryptoRng, TryRng};
use zeroize::Zeroizing;

/// DER of a PKCS#1 v1.5 digest info up to the digest (RFC 8017 section 9.2, note 1).
const SHA1_INFO: &[u8] = &[
    0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0x00, 0x04, 0x14,
];
const SHA256_INFO: &[u8] = &[
    0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05,
    0x00, 0x04, 0x20,
];

/// Why nothing was signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// Not an absolute `http` or `https` URL with a path and without a fragment.
    #[error("expected an absolute http or https URL with a path and without a fragment")]
    Url,
    /// A URL or resource with a character that has to be percent-encoded first.
    #[error(
        "a URL or resource may hold printable ASCII only, without quotes and backslashes: percent-encode it first"
    )]
    NotPlain,
    /// A canned policy for a URL with `*`: sent as a custom policy, the same signature would cover other URLs.
    #[error(
        "a URL for a canned policy may not hold `*`: percent-encode it as %2A, or use a custom policy"
    )]
    Wildcard,
    /// The canned policy names another URL than the one to sign.
    #[error("the canned policy is for another URL")]
    OtherUrl,
    /// The policy would be refused.
    #[error("the policy would be refused: {0}")]
    Policy(#[from] PolicyFault),
    /// The result would be refused, for example because the URL has a parameter with a reserved name.
    #[error("the result would be refused: {0}")]
    Refused(#[from] SignatureRefusal),
    /// The key and its id make no key group.
    #[error(transparent)]
    Group(#[from] KeyGroupError),
    /// The private key's operation failed, or there was no randomness.
    #[error("the private key could not sign")]
    Operation,
}

/// A private key of a kind and size CloudFront accepts. It is wiped when dropped and never printed.
pub struct PrivateKey {
    material: Material,
    public: PublicKey,
}

enum Material {
    Rsa(Box<rsa::PrivateKey>),
    Ecdsa(p256::ecdsa::SigningKey),
}

impl PrivateKey {
    /// Reads one PEM block: `PRIVATE KEY` (PKCS#8), `RSA PRIVATE KEY` (PKCS#1) or `EC PRIVATE KEY` (SEC1).
    ///
    /// # Errors
    /// Not one such block, not a well-formed key, encrypted, or of a kind or size CloudFront does not accept.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        let (label, base64) = pem::block(pem).ok_or(KeyError::Pem)?;
        let base64 = Zeroizing::new(base64);
        let der = STANDARD
            .decode(base64.as_bytes())
            .map(Zeroizing::new)
            .map_err(|_| KeyError::Pem)?;
        let material = match label {
            "PRIVATE KEY" => pkcs8(&der),
            "RSA PRIVATE KEY" => rsa::PrivateKey::from_pkcs1_der(&der).ok().map(rsa_material),
            "EC PRIVATE KEY" => p256::SecretKey::from_sec1_der(&der)
                .ok()
                .map(ecdsa_material),
            _ => return Err(KeyError::Pem),
        };
        Self::of(material.ok_or(KeyError::Encoding)?)
    }

    fn of(material: Material) -> Result<Self, KeyError> {
        let spki = match &material {
            Material::Rsa(key) => key
                .to_public_key()
                .to_public_key_der()
                .map_err(|_| KeyError::Encoding)?,
            Material::Ecdsa(key) => key
                .verifying_key()
                .to_public_key_der()
                .map_err(|_| KeyError::Encoding)?,
        };
        Ok(Self {
            public: PublicKey::from_spki_der(spki.as_bytes())?,
            material,
        })
    }

    /// Its public half.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// Signs and verifies what was signed.
    fn sign(
        &self,
        hash: Hash,
        message: &[u8],
        random: &dyn SecureRandom,
    ) -> Result<Vec<u8>, SignError> {
        let (digest, info) = match hash {
            Hash::Sha1 => (
                digest::digest(&SHA1_FOR_LEGACY_USE_ONLY, message),
                SHA1_INFO,
            ),
            Hash::Sha256 => (digest::digest(&SHA256, message), SHA256_INFO),
        };
        let signature = match &self.material {
            Material::Rsa(key) => {
                let padding = rsa::Pkcs1v15Sign {
                    hash_len: Some(digest.as_ref().len()),
                    prefix: info.into(),
                };
                key.sign_with_rng(&mut Randomness(random), padding, digest.as_ref())
                    .map_err(|_| SignError::Operation)?
            }
            Material::Ecdsa(key) => {
                let signature: p256::ecdsa::Signature = key
                    .sign_prehash(digest.as_ref())
                    .map_err(|_| SignError::Operation)?;
                signature.to_der().as_bytes().to_vec()
            }
        };
        self.public
            .verify(Algorithm::of(self.public.kind(), hash), message, &signature)?;
        Ok(signature)
    }
}

fn pkcs8(der: &[u8]) -> Option<Material> {
    let ecdsa = p256::SecretKey::from_pkcs8_der(der)
        .ok()
        .map(ecdsa_material);
    ecdsa.or_else(|| rsa::PrivateKey::from_pkcs8_der(der).ok().map(rsa_material))
}

fn rsa_material(key: rsa::PrivateKey) -> Material {
    Material::Rsa(Box::new(key))
}

fn ecdsa_material(key: p256::SecretKey) -> Material {
    Material::Ecdsa(key.into())
}

/// What is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy<'a> {
    /// One URL until a time.
    Canned {
        /// The URL, percent-encoded as it will be requested.
        url: &'a str,
        /// `DateLessThan`, in epoch seconds.
        expires: u64,
    },
    /// A pattern of URLs with conditions.
    Custom {
        /// The `Resource`, with `*` and `?` as wildcards inside its sections.
        resource: &'a str,
        /// `DateLessThan`, in epoch seconds.
        expires: u64,
        /// `DateGreaterThan`, in epoch seconds.
        not_before: Option<u64>,
        /// The network of the viewer; host bits are dropped.
        source: Option<Ipv4Net>,
    },
}

impl Policy<'_> {
    /// The exact bytes that are signed, in the order AWS's own signers write them.
    ///
    /// # Errors
    /// The URL, the resource or a time is one the gateway would refuse.
    pub fn text(&self) -> Result<String, SignError> {
        let (target, text) = match *self {
            Self::Canned { url, .. } if url.contains('*') => return Err(SignError::Wildcard),
            Self::Canned { url, expires } => (url, policy::canned(url, expires)),
            Self::Custom {
                resource,
                expires,
                not_before,
                source,
            } => (resource, custom(resource, expires, not_before, source)),
        };
        if !policy::is_plain(target) {
            return Err(SignError::NotPlain);
        }
        CustomPolicy::read(text.as_bytes(), Profile::Gateway)?;
        Ok(text)
    }
}

fn custom(
    resource: &str,
    expires: u64,
    not_before: Option<u64>,
    source: Option<Ipv4Net>,
) -> String {
    let source = source
        .map(|network| format!(r#","IpAddress":{{"AWS:SourceIp":"{}"}}"#, network.trunc()))
        .unwrap_or_default();
    let not_before = not_before
        .map(|time| format!(r#","DateGreaterThan":{{"AWS:EpochTime":{time}}}"#))
        .unwrap_or_default();
    format!(
        r#"{{"Statement":[{{"Resource":"{resource}","Condition":{{"DateLessThan":{{"AWS:EpochTime":{expires}}}{source}{not_before}}}}}]}}"#
    )
}

/// A private key, the id CloudFront knows its public half by, and the hash to sign with.
#[derive(Clone, Copy)]
pub struct Signer<'a> {
    /// The key.
    pub key: &'a PrivateKey,
    /// The value of `Key-Pair-Id`.
    pub key_id: &'a KeyId,
    /// The hash; SHA-1 is CloudFront's default and then not named in the result.
    pub hash: Hash,
}

impl Signer<'_> {
    /// The URL with the parameters that sign it appended: `Expires` or `Policy`, `Signature`, `Key-Pair-Id` and, for
    /// SHA-256, `Hash-Algorithm`. `random` blinds RSA.
    ///
    /// # Errors
    /// See [`SignError`]; among others, a custom policy whose resource does not cover the URL.
    pub fn sign_url(
        &self,
        url: &str,
        policy: &Policy<'_>,
        random: &dyn SecureRandom,
    ) -> Result<String, SignError> {
        if matches!(policy, Policy::Canned { url: signed, .. } if *signed != url) {
            return Err(SignError::OtherUrl);
        }
        let mut signed = url.to_owned();
        for (name, value) in self.values(policy, random)? {
            signed.push(if signed.contains('?') { '&' } else { '?' });
            signed.push_str(&[name, "=", &value].concat());
        }
        self.accept(&signed)?;
        Ok(signed)
    }

    /// The cookies that sign every request the policy covers, as names and values. They belong in `Set-Cookie` with
    /// `Secure` and `HttpOnly`, the narrowest `Domain` and no lifetime of their own.
    ///
    /// # Errors
    /// See [`SignError`].
    pub fn sign_cookies(
        &self,
        policy: &Policy<'_>,
        random: &dyn SecureRandom,
    ) -> Result<Vec<(String, String)>, SignError> {
        let values = self.values(policy, random)?;
        Ok(values
            .into_iter()
            .map(|(name, value)| (format!("CloudFront-{name}"), value))
            .collect())
    }

    fn algorithm(&self) -> Algorithm {
        Algorithm::of(self.key.public.kind(), self.hash)
    }

    fn values(
        &self,
        policy: &Policy<'_>,
        random: &dyn SecureRandom,
    ) -> Result<Vec<(&'static str, String)>, SignError> {
        let text = policy.text()?;
        let terms = match policy {
            Policy::Canned { expires, .. } => ("Expires", expires.to_string()),
            Policy::Custom { .. } => ("Policy", encoding::encode(text.as_bytes())),
        };
        let signature = self.key.sign(self.hash, text.as_bytes(), random)?;
        let mut values = vec![
            terms,
            ("Signature", encoding::encode(&signature)),
            ("Key-Pair-Id", self.key_id.to_string()),
        ];
        if self.hash == Hash::Sha256 {
            values.push(("Hash-Algorithm", "SHA256".to_owned()));
        }
        Ok(values)
    }

    /// The gateway's own check of the finished URL.
    fn accept(&self, signed: &str) -> Result<(), SignError> {
        let group = KeyGroup::new(
            vec![(self.key_id.clone(), self.key.public.clone())],
            &[self.algorithm()],
        )?;
        let request = request(signed).ok_or(SignError::Url)?;
        authenticate(&group, &request, Profile::Gateway)
            .map(|_grant| ())
            .map_err(SignError::Refused)
    }
}

/// The request a signed URL leads to.
fn request(url: &str) -> Option<SignedRequest<'_>> {
    let (scheme, rest) = match url.split_once("://")? {
        ("http", rest) => (Scheme::Http, rest),
        ("https", rest) => (Scheme::Https, rest),
        _ => return None,
    };
    let (target, raw_query) = rest.split_once('?')?;
    let (host, raw_path) = target.split_at_checked(target.find('/')?)?;
    let whole = !host.is_empty() && !url.contains('#') && policy::is_plain(url);
    whole.then_some(SignedRequest {
        scheme,
        host,
        raw_path,
        raw_query,
        cookies: &[],
    })
}

/// ring's source of randomness as the trait `rsa` wants.
struct Randomness<'a>(&'a dyn SecureRandom);

#[derive(Debug, thiserror::Error)]
#[error("no randomness")]
struct NoRandomness;

impl TryRng for Randomness<'_> {
    type Error = NoRandomness;

    fn try_next_u32(&mut self) -> Result<u32, NoRandomness> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, NoRandomness> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
        self.0.fill(bytes).map_err(|_| NoRandomness)
    }
}

impl TryCryptoRng for Randomness<'_> {}
