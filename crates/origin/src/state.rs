//! The site state: everything about a site that changes without a deployment, each part with its own version.
//!
//! Always holds: digests only, never the secret; a part never goes back to an older version ([`SiteState::advance`]).

mod advance;
pub mod file;
pub mod memory;
pub mod poll;
pub mod rotation;
mod snapshots;

pub use advance::{Advanced, Back, HeldBack, Part};
pub use portcullis_release_manifest::ReleaseId;
pub use portcullis_release_manifest::serving::{Serving, Stored};

use portcullis_viewer::prefixes::PrefixSnapshot;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;

/// The SHA-256 digest of a secret value, 64 hexadecimal digits in JSON. It does not print.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SecretDigest([u8; 32]);

/// The accepted values of the secret header, as digests.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Secrets {
    /// Grows with every change.
    pub version: u64,
    /// What CloudFront is about to send.
    pub pending: Option<SecretDigest>,
    /// What it sends.
    pub current: Option<SecretDigest>,
    /// What it sent before.
    pub previous: Option<SecretDigest>,
}

/// The state of one site.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SiteState {
    /// The accepted secrets.
    pub secrets: Secrets,
    /// Snapshots of the lists of CloudFront's edges, by the name under which the manifest refers to them.
    #[serde(with = "snapshots::edges")]
    pub edge_lists: BTreeMap<String, PrefixSnapshot>,
    /// Snapshots of the site's own prefix lists, by the id under which the manifest refers to them.
    #[serde(with = "snapshots::viewers")]
    pub prefix_lists: BTreeMap<String, PrefixSnapshot>,
    /// The releases, if one was ever published: which is live, which are kept.
    pub release: Option<Serving>,
}

/// Why the state cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// There is none for this site.
    #[error("there is no state for this site")]
    Missing,
    /// The store refuses us.
    #[error("the state store refuses access: {0}")]
    Denied(String),
    /// The store does not answer, or not in time.
    #[error("the state store is unavailable: {0}")]
    Unavailable(String),
    /// What it holds is not a state.
    #[error("the state is not readable: {0}")]
    Malformed(String),
}

/// Where a site's state is kept.
pub trait StateStore: Send + Sync {
    /// Reads the state: one call to the store.
    fn load(&self) -> impl Future<Output = Result<SiteState, StateError>> + Send;
}

/// The longest state that is read, in bytes.
pub const STATE_BYTES_MAX: usize = 16 * 1024 * 1024;

impl SiteState {
    /// Reads a state from its JSON form.
    ///
    /// # Errors
    /// [`StateError::Malformed`] says where it is not a state, or that it is longer than [`STATE_BYTES_MAX`].
    pub fn from_json(text: &[u8]) -> Result<Self, StateError> {
        if text.len() > STATE_BYTES_MAX {
            let why = format!("it is longer than {STATE_BYTES_MAX} bytes");
            return Err(StateError::Malformed(why));
        }
        // A derived reader takes an array for an object, and the empty one for the empty state.
        if !text.trim_ascii_start().starts_with(b"{") {
            return Err(StateError::Malformed("it is no JSON object".to_owned()));
        }
        serde_json::from_slice(text).map_err(|error| StateError::Malformed(error.to_string()))
    }
}

impl SecretDigest {
    /// The digest of a secret value.
    #[must_use]
    pub fn of(value: &[u8]) -> Self {
        use sha2::Digest as _;
        Self(sha2::Sha256::digest(value).into())
    }

    /// The raw digest.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl TryFrom<String> for SecretDigest {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        const EXPECTED: &str = "a secret digest has 64 hexadecimal digits";
        let mut digest = [0; 32];
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(EXPECTED);
        }
        for (byte, pair) in digest.iter_mut().zip(text.as_bytes().chunks(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| EXPECTED)?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| EXPECTED)?;
        }
        Ok(Self(digest))
    }
}

impl From<SecretDigest> for String {
    fn from(digest: SecretDigest) -> Self {
        digest.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl fmt::Debug for SecretDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretDigest(..)")
    }
}
