//! Public keys and their ids.
//!
//! A [`PublicKey`] was parsed once, strictly, and is one of the two kinds CloudFront accepts at a size it accepts:
//! RSA of 2048 to 4096 bits or ECDSA P-256. A [`KeyId`] has the form of CloudFront's public key ids.
//!
//! Verification is ring's, except ECDSA over SHA-1, which ring does not have: there `p256` verifies the digest.

use crate::algorithm::{Algorithm, KeyKind};
use crate::der::{Der, SEQUENCE};
use crate::pem;
use crate::refusal::SignatureRefusal;
use p256::ecdsa::signature::hazmat::PrehashVerifier as _;
use ring::digest::{self, SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use ring::signature::{
    ECDSA_P256_SHA256_ASN1, RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
    RSA_PKCS1_2048_8192_SHA256, RsaParameters, UnparsedPublicKey,
};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// Longest key id, in characters. CloudFront's own have 14, those of legacy account key pairs 20.
pub const KEY_ID_MAX_CHARS: usize = 64;

/// Characters of the digest in a derived key id: 65 bits, in an id as long as CloudFront's.
const DERIVED_ID_CHARS: usize = 13;

const RSA_MODULUS_BITS: std::ops::RangeInclusive<usize> = 2048..=4096;

/// DER of the algorithm `rsaEncryption` with its NULL parameter (RFC 3279 section 2.3.1).
const RSA_ENCRYPTION: &[u8] = &[
    0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00,
];
/// DER of the algorithm `id-ecPublicKey` on `secp256r1` (RFC 5480 section 2.1.1).
const EC_P256: &[u8] = &[
    0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d,
    0x03, 0x01, 0x07,
];

/// Why a key or a key id is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not one PEM block with the expected label.
    #[error("expected one PEM block, `-----BEGIN PUBLIC KEY-----` for a public key")]
    Pem,
    /// The block's contents are not a key in its one strict encoding.
    #[error("the key is not a well-formed DER structure")]
    Encoding,
    /// Neither RSA nor ECDSA P-256.
    #[error("only RSA and ECDSA P-256 keys are accepted by CloudFront")]
    Kind,
    /// An RSA modulus outside 2048 to 4096 bits.
    #[error("an RSA key of {0} bits: expected 2048 to 4096")]
    RsaBits(usize),
    /// An RSA public exponent that is even, below 3 or above 33 bits.
    #[error("an RSA public exponent no verifier accepts")]
    RsaExponent,
    /// A point that is not on the curve, or not in the uncompressed form.
    #[error("not an uncompressed point of the curve P-256")]
    Point,
    /// A key id that is not 1 to 64 characters of `A-Z0-9`.
    #[error("a key id has 1 to 64 characters of A-Z and 0-9")]
    Id,
}

/// The id of a public key, the value of `Key-Pair-Id`: 1 to 64 characters of `A-Z0-9`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyId(Arc<str>);

impl KeyId {
    /// The id the gateway gives a key that a manifest names only by its PEM file: `K` and the first 65 bits of the
    /// SHA-256 of the key's SPKI, in base32. The same key has the same id everywhere; CloudFront does not know it.
    #[must_use]
    pub fn of_key(key: &PublicKey) -> Self {
        const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let bits = key
            .fingerprint
            .iter()
            .take(16)
            .fold(0u128, |bits, byte| (bits << 8) | u128::from(*byte));
        let letters = (0..DERIVED_ID_CHARS).filter_map(|position| {
            let value = (bits >> (128 - 5 * (position + 1))) & 0x1f;
            BASE32
                .get(usize::try_from(value).ok()?)
                .map(|letter| char::from(*letter))
        });
        Self(
            std::iter::once('K')
                .chain(letters)
                .collect::<String>()
                .into(),
        )
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for KeyId {
    type Error = KeyError;
    fn try_from(text: String) -> Result<Self, KeyError> {
        text.parse()
    }
}

impl From<KeyId> for String {
    fn from(id: KeyId) -> Self {
        id.as_str().to_owned()
    }
}

impl FromStr for KeyId {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let long = text.is_empty() || text.len() > KEY_ID_MAX_CHARS;
        let odd = !text
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        if long || odd {
            Err(KeyError::Id)
        } else {
            Ok(Self(text.into()))
        }
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A public key CloudFront would accept.
#[derive(Clone)]
pub struct PublicKey {
    spki: Box<[u8]>,
    fingerprint: [u8; 32],
    material: Material,
}

/// What the verifiers want of a key.
#[derive(Clone)]
enum Material {
    /// The PKCS#1 `RSAPublicKey`, which ring takes in place of an SPKI.
    Rsa { pkcs1: Box<[u8]> },
    /// The uncompressed point for ring, and the same point checked and parsed for `p256`.
    Ecdsa {
        point: Box<[u8]>,
        parsed: Box<p256::ecdsa::VerifyingKey>,
    },
}

impl PublicKey {
    /// Reads one `PUBLIC KEY` PEM block.
    ///
    /// # Errors
    /// The text is not such a block, or [`PublicKey::from_spki_der`] refuses its contents.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        let der = pem::der(pem, "PUBLIC KEY").ok_or(KeyError::Pem)?;
        Self::from_spki_der(&der)
    }

    /// Reads a `SubjectPublicKeyInfo` (RFC 5280 section 4.1.2.7), which must be its one DER encoding.
    ///
    /// # Errors
    /// The encoding is not that, or the key is not RSA of 2048 to 4096 bits or a point of P-256.
    pub fn from_spki_der(spki: &[u8]) -> Result<Self, KeyError> {
        let (algorithm, key) = unwrap_spki(spki).ok_or(KeyError::Encoding)?;
        let material = match algorithm {
            RSA_ENCRYPTION => rsa(key)?,
            EC_P256 => ecdsa(key)?,
            _ => return Err(KeyError::Kind),
        };
        let mut fingerprint = [0; 32];
        fingerprint.copy_from_slice(digest::digest(&SHA256, spki).as_ref());
        Ok(Self {
            spki: spki.into(),
            fingerprint,
            material,
        })
    }

    /// The key as `SubjectPublicKeyInfo`.
    #[must_use]
    pub fn spki_der(&self) -> &[u8] {
        &self.spki
    }

    /// RSA or ECDSA.
    #[must_use]
    pub fn kind(&self) -> KeyKind {
        match self.material {
            Material::Rsa { .. } => KeyKind::Rsa,
            Material::Ecdsa { .. } => KeyKind::Ecdsa,
        }
    }

    /// SHA-256 of the SPKI: names the key itself, where an id is only what someone called it.
    pub(crate) fn fingerprint(&self) -> &[u8; 32] {
        &self.fingerprint
    }

    /// Verifies a signature over `message`. RSA is PKCS#1 v1.5 with a digest info that has its NULL parameter; ECDSA
    /// is an ASN.1 DER sequence.
    ///
    /// # Errors
    /// [`SignatureRefusal::WrongAlgorithm`] if the algorithm is not of this key's kind, else
    /// [`SignatureRefusal::BadSignature`].
    pub fn verify(
        &self,
        algorithm: Algorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureRefusal> {
        let verified = match (&self.material, algorithm) {
            (Material::Rsa { pkcs1 }, Algorithm::RsaSha1) => verify_rsa(
                &RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
                pkcs1,
                message,
                signature,
            ),
            (Material::Rsa { pkcs1 }, Algorithm::RsaSha256) => {
                verify_rsa(&RSA_PKCS1_2048_8192_SHA256, pkcs1, message, signature)
            }
            (Material::Ecdsa { point, .. }, Algorithm::EcdsaSha256) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point)
                    .verify(message, signature)
                    .is_ok()
            }
            (Material::Ecdsa { parsed, .. }, Algorithm::EcdsaSha1) => {
                verify_ecdsa_sha1(parsed, message, signature)
            }
            _ => return Err(SignatureRefusal::WrongAlgorithm),
        };
        if verified {
            Ok(())
        } else {
            Err(SignatureRefusal::BadSignature)
        }
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({:?}, {})", self.kind(), KeyId::of_key(self))
    }
}

/// The algorithm identifier and the key bits of an SPKI.
fn unwrap_spki(spki: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut outer = Der::new(spki);
    let mut info = Der::new(outer.value(SEQUENCE)?);
    let algorithm = info.value(SEQUENCE)?;
    let key = info.bit_string()?;
    (outer.is_empty() && info.is_empty()).then_some((algorithm, key))
}

fn rsa(pkcs1: &[u8]) -> Result<Material, KeyError> {
    let (modulus, exponent) = unwrap_pkcs1(pkcs1).ok_or(KeyError::Encoding)?;
    let bits = bit_length(modulus);
    if !RSA_MODULUS_BITS.contains(&bits) {
        return Err(KeyError::RsaBits(bits));
    }
    let odd = |number: &[u8]| number.last().is_some_and(|byte| byte & 1 == 1);
    if !odd(modulus) || !odd(exponent) || !(2..=33).contains(&bit_length(exponent)) {
        return Err(KeyError::RsaExponent);
    }
    Ok(Material::Rsa {
        pkcs1: pkcs1.into(),
    })
}

/// Modulus and public exponent of a PKCS#1 `RSAPublicKey` (RFC 8017 appendix A.1.1).
fn unwrap_pkcs1(pkcs1: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut outer = Der::new(pkcs1);
    let mut key = Der::new(outer.value(SEQUENCE)?);
    let (modulus, exponent) = (key.positive_integer()?, key.positive_integer()?);
    (outer.is_empty() && key.is_empty()).then_some((modulus, exponent))
}

fn bit_length(magnitude: &[u8]) -> usize {
    let unused = magnitude.first().map_or(0, |top| top.leading_zeros());
    (magnitude.len() * 8).saturating_sub(usize::try_from(unused).unwrap_or(0))
}

fn ecdsa(point: &[u8]) -> Result<Material, KeyError> {
    // The two other SEC1 forms have their own tag byte; CloudFront's keys and ring use this one.
    let uncompressed = point.first() == Some(&4);
    let parsed = p256::ecdsa::VerifyingKey::from_sec1_bytes(point)
        .ok()
        .filter(|_| uncompressed)
        .ok_or(KeyError::Point)?;
    Ok(Material::Ecdsa {
        point: point.into(),
        parsed: Box::new(parsed),
    })
}

fn verify_rsa(
    parameters: &'static RsaParameters,
    pkcs1: &[u8],
    message: &[u8],
    signature: &[u8],
) -> bool {
    UnparsedPublicKey::new(parameters, pkcs1)
        .verify(message, signature)
        .is_ok()
}

fn verify_ecdsa_sha1(key: &p256::ecdsa::VerifyingKey, message: &[u8], signature: &[u8]) -> bool {
    let prehash = digest::digest(&SHA1_FOR_LEGACY_USE_ONLY, message);
    p256::ecdsa::Signature::from_der(signature)
        .is_ok_and(|signature| key.verify_prehash(prehash.as_ref(), &signature).is_ok())
}
