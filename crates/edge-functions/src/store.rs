//! A key value store as a function reads it (DG:cloudfront-limits).

use std::collections::BTreeMap;

/// The longest key, in bytes.
pub const KEY_BYTES_MAX: usize = 512;
/// The longest value, in bytes.
pub const VALUE_BYTES_MAX: usize = 1_024;
/// The most bytes of all keys and values.
pub const STORE_BYTES_MAX: usize = 5 << 20;

/// The pairs of a key value store, and when they were written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Store {
    pairs: BTreeMap<String, String>,
    /// When it was made, in milliseconds since 1970-01-01T00:00:00Z.
    pub created_ms: u64,
    /// When its pairs were last written, likewise.
    pub updated_ms: u64,
}

/// Why a store is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreFault {
    /// A key is empty or too long.
    #[error("a key has {0} bytes; CloudFront takes 1 to {KEY_BYTES_MAX}")]
    Key(usize),
    /// A value is too long.
    #[error("the value of `{0}` has {1} bytes; CloudFront takes {VALUE_BYTES_MAX}")]
    Value(String, usize),
    /// It is too large.
    #[error("the key value store has {0} bytes; CloudFront takes {STORE_BYTES_MAX}")]
    Size(usize),
}

impl FromIterator<(String, String)> for Store {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(pairs: I) -> Self {
        Self {
            pairs: pairs.into_iter().collect(),
            ..Self::default()
        }
    }
}

impl Store {
    /// Holds the store to CloudFront's limits.
    ///
    /// # Errors
    /// [`StoreFault`]
    pub fn check(&self) -> Result<(), StoreFault> {
        let mut bytes = 0;
        for (key, value) in &self.pairs {
            if key.is_empty() || key.len() > KEY_BYTES_MAX {
                return Err(StoreFault::Key(key.len()));
            }
            if value.len() > VALUE_BYTES_MAX {
                return Err(StoreFault::Value(key.clone(), value.len()));
            }
            bytes += key.len() + value.len();
        }
        if bytes > STORE_BYTES_MAX {
            return Err(StoreFault::Size(bytes));
        }
        Ok(())
    }

    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.pairs.get(key).map(String::as_str)
    }

    /// How many pairs there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }
}
