//! The four signature algorithms CloudFront accepts: two kinds of key, two hashes.
//!
//! An [`Algorithm`] is always one of the four documented pairs. RSA is PKCS#1 v1.5, ECDSA is P-256 with an ASN.1 DER
//! signature; PSS and the raw `r || s` form are not CloudFront's and have no name here.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The kind of a public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// RSA, 2048 to 4096 bits.
    Rsa,
    /// ECDSA on the curve P-256.
    Ecdsa,
}

/// The hash a signature is made over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Hash {
    /// SHA-1, CloudFront's default when a request does not name one.
    Sha1,
    /// SHA-256, named by `Hash-Algorithm=SHA256`.
    Sha256,
}

impl Hash {
    /// The value of `Hash-Algorithm` (a query parameter or cookie); the default of a request without one is SHA-1.
    pub(crate) fn named(value: Option<&str>) -> Option<Self> {
        match value {
            None | Some("SHA1") => Some(Self::Sha1),
            Some("SHA256") => Some(Self::Sha256),
            Some(_) => None,
        }
    }
}

/// What a key group allows: a kind of key together with a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Algorithm {
    /// RSA PKCS#1 v1.5 over SHA-1.
    #[serde(rename = "RSA-SHA1")]
    RsaSha1,
    /// RSA PKCS#1 v1.5 over SHA-256.
    #[serde(rename = "RSA-SHA256")]
    RsaSha256,
    /// ECDSA P-256 over SHA-1.
    #[serde(rename = "ECDSA-SHA1")]
    EcdsaSha1,
    /// ECDSA P-256 over SHA-256.
    #[serde(rename = "ECDSA-SHA256")]
    EcdsaSha256,
}

impl Algorithm {
    /// All four, in the order of their names' appearance in CloudFront's documentation.
    pub const ALL: [Self; 4] = [
        Self::RsaSha1,
        Self::RsaSha256,
        Self::EcdsaSha1,
        Self::EcdsaSha256,
    ];

    /// The algorithm of a key of `kind` with `hash`.
    #[must_use]
    pub fn of(kind: KeyKind, hash: Hash) -> Self {
        match (kind, hash) {
            (KeyKind::Rsa, Hash::Sha1) => Self::RsaSha1,
            (KeyKind::Rsa, Hash::Sha256) => Self::RsaSha256,
            (KeyKind::Ecdsa, Hash::Sha1) => Self::EcdsaSha1,
            (KeyKind::Ecdsa, Hash::Sha256) => Self::EcdsaSha256,
        }
    }

    /// The kind of key it needs.
    #[must_use]
    pub fn kind(self) -> KeyKind {
        match self {
            Self::RsaSha1 | Self::RsaSha256 => KeyKind::Rsa,
            Self::EcdsaSha1 | Self::EcdsaSha256 => KeyKind::Ecdsa,
        }
    }

    /// The hash it signs.
    #[must_use]
    pub fn hash(self) -> Hash {
        match self {
            Self::RsaSha1 | Self::EcdsaSha1 => Hash::Sha1,
            Self::RsaSha256 | Self::EcdsaSha256 => Hash::Sha256,
        }
    }

    /// The word a manifest uses.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RsaSha1 => "RSA-SHA1",
            Self::RsaSha256 => "RSA-SHA256",
            Self::EcdsaSha1 => "ECDSA-SHA1",
            Self::EcdsaSha256 => "ECDSA-SHA256",
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that names none of the four algorithms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a signature algorithm: expected RSA-SHA1, RSA-SHA256, ECDSA-SHA1 or ECDSA-SHA256")]
pub struct UnknownAlgorithm;

impl FromStr for Algorithm {
    type Err = UnknownAlgorithm;

    fn from_str(word: &str) -> Result<Self, UnknownAlgorithm> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.as_str() == word)
            .ok_or(UnknownAlgorithm)
    }
}
