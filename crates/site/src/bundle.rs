//! The canonical bundle: one site as JSON whose bytes depend on nothing but its meaning, and its digest.

use crate::{Fault, Site};
use serde::{Deserialize, Serialize};
use sha2::Digest as _;
use std::fmt;

/// The bundle's format; a reader refuses any other.
pub const BUNDLE_FORMAT: u32 = 1;

/// The largest bundle that is read, in bytes.
pub const BUNDLE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The SHA-256 of a bundle's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(sha2::Sha256::digest(bytes).into())
    }

    /// The raw digest.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Digest {
    /// `sha256:` and 64 hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha256:")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A validated site with the bytes and the digest that name it.
#[derive(Debug, Clone)]
pub struct Bundle {
    site: Site,
    bytes: Vec<u8>,
    digest: Digest,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope {
    portcullis_bundle: u32,
    site: Site,
}

/// Why a bundle was refused.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// It is larger than [`BUNDLE_BYTES_MAX`].
    #[error("the bundle has {0} bytes, at most {BUNDLE_BYTES_MAX} are read")]
    TooLarge(usize),
    /// It is not a bundle's JSON.
    #[error("the bundle is not readable: {0}; make it with `portcullis compile`")]
    Unreadable(#[from] serde_json::Error),
    /// It was made for another reader.
    #[error(
        "the bundle has format {0}, this reader knows {BUNDLE_FORMAT}; compile it again with this version"
    )]
    Format(u32),
    /// It says something that cannot hold.
    #[error("the bundle is not valid: {}", .0.first().map(ToString::to_string).unwrap_or_default())]
    Invalid(Vec<Fault>),
}

impl Bundle {
    /// Makes the bundle of a site.
    ///
    /// # Errors
    /// Every fault of the site.
    pub fn new(site: Site) -> Result<Self, BundleError> {
        let faults = site.validate();
        if !faults.is_empty() {
            return Err(BundleError::Invalid(faults));
        }
        // A `Value` keeps its maps sorted by key, which makes the bytes canonical.
        let value = serde_json::to_value(Envelope {
            portcullis_bundle: BUNDLE_FORMAT,
            site: site.clone(),
        })?;
        let mut bytes = serde_json::to_vec(&value)?;
        bytes.push(b'\n');
        Ok(Self {
            digest: Digest::of(&bytes),
            site,
            bytes,
        })
    }

    /// Reads a bundle and checks all of it again.
    ///
    /// # Errors
    /// Too large, unreadable, of another format, or invalid.
    pub fn read(bytes: &[u8]) -> Result<Self, BundleError> {
        if bytes.len() > BUNDLE_BYTES_MAX {
            return Err(BundleError::TooLarge(bytes.len()));
        }
        let envelope: Envelope = serde_json::from_slice(bytes)?;
        if envelope.portcullis_bundle != BUNDLE_FORMAT {
            return Err(BundleError::Format(envelope.portcullis_bundle));
        }
        let faults = envelope.site.validate();
        if !faults.is_empty() {
            return Err(BundleError::Invalid(faults));
        }
        Ok(Self {
            site: envelope.site,
            digest: Digest::of(bytes),
            bytes: bytes.to_vec(),
        })
    }

    /// The site.
    #[must_use]
    pub fn site(&self) -> &Site {
        &self.site
    }

    /// The canonical bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The digest of the bytes.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }
}
