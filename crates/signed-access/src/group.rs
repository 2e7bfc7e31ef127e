//! A key group: the public keys that may sign for a behavior, and the algorithms they may use.
//!
//! A group has one to five keys (CloudFront's limit), no id twice, and an allowed algorithm for the kind of each key.

use crate::algorithm::Algorithm;
use crate::key::{KeyId, PublicKey};

/// Most public keys in a group (CloudFront's quota).
pub const KEYS_MAX: usize = 5;

/// Why a key group is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyGroupError {
    /// No key, or more than [`KEYS_MAX`].
    #[error("a key group has 1 to {KEYS_MAX} public keys, this one {0}")]
    KeyCount(usize),
    /// The same id twice.
    #[error("key id {0} appears twice")]
    DuplicateId(KeyId),
    /// No allowed algorithm fits the kind of this key, so nothing it signs could be accepted.
    #[error("no algorithm of the group fits key {0}")]
    NoAlgorithm(KeyId),
}

/// The keys trusted for a behavior.
#[derive(Clone, Debug)]
pub struct KeyGroup {
    keys: Vec<(KeyId, PublicKey)>,
    algorithms: Vec<Algorithm>,
}

impl KeyGroup {
    /// A group of `keys` that may use `algorithms`.
    ///
    /// # Errors
    /// See [`KeyGroupError`].
    pub fn new(
        keys: Vec<(KeyId, PublicKey)>,
        algorithms: &[Algorithm],
    ) -> Result<Self, KeyGroupError> {
        if !(1..=KEYS_MAX).contains(&keys.len()) {
            return Err(KeyGroupError::KeyCount(keys.len()));
        }
        for (position, (id, key)) in keys.iter().enumerate() {
            if keys.iter().skip(position + 1).any(|(other, _)| other == id) {
                return Err(KeyGroupError::DuplicateId(id.clone()));
            }
            if !algorithms
                .iter()
                .any(|algorithm| algorithm.kind() == key.kind())
            {
                return Err(KeyGroupError::NoAlgorithm(id.clone()));
            }
        }
        Ok(Self {
            keys,
            algorithms: algorithms.to_vec(),
        })
    }

    /// The keys and their ids, in the order they were given.
    #[must_use]
    pub fn keys(&self) -> &[(KeyId, PublicKey)] {
        &self.keys
    }

    /// Whether a request may use `algorithm` under [`Profile::Gateway`](crate::Profile::Gateway).
    #[must_use]
    pub fn allows(&self, algorithm: Algorithm) -> bool {
        self.algorithms.contains(&algorithm)
    }

    pub(crate) fn key(&self, id: &str) -> Option<&(KeyId, PublicKey)> {
        self.keys.iter().find(|(known, _)| known.as_str() == id)
    }
}
