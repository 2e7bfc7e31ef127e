//! The two ports: a store of objects that are written once, and the ledger.
//!
//! Always holds: no call overwrites; each may be repeated. An error of a writing call leaves open whether it was carried
//! out. Adapters retry what is worth it; here a failure is final.

use crate::key::{Digest, VersionedKey};
use crate::ledger::Ledger;
use bytes::Bytes;
use std::future::Future;
use std::path::PathBuf;

/// The most keys of one deletion; the limit of S3, which also lists that many at a time.
pub const KEYS_MAX: usize = 1_000;

/// What is stored with an object and what it is checked by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// The size of the stored bytes.
    pub size: u64,
    /// The SHA-256 of the stored bytes.
    pub sha256: Digest,
    /// `Content-Type`.
    pub content_type: String,
    /// `Cache-Control`.
    pub cache_control: String,
    /// `Content-Encoding`, for a variant.
    pub content_encoding: Option<String>,
}

/// The bytes of an object to be written.
#[derive(Debug, Clone)]
pub enum Body {
    /// In memory.
    Bytes(Bytes),
    /// A file, read while it is sent. The adapter lets the store check [`Description::sha256`], so that a file that
    /// changed meanwhile is not stored.
    File(PathBuf),
}

/// An object to be written.
#[derive(Debug, Clone)]
pub struct Upload {
    /// What is stored with it.
    pub description: Description,
    /// Its bytes.
    pub body: Body,
}

/// What writing an object came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// It was written.
    Written,
    /// There was one under this key; nothing was written.
    Present,
}

/// One page of a listing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// Keys in ascending order of their bytes. What is in the bucket under other names is left out.
    pub keys: Vec<VersionedKey>,
    /// Where the next page begins, if there is one.
    pub next: Option<String>,
}

/// Whether the ledger was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// It was.
    Yes,
    /// It has another version than expected; nothing was written.
    Conflict,
}

/// Why a port has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PortError {
    /// It refuses us.
    #[error("access is refused: {0}")]
    Denied(String),
    /// It cannot be reached, is too busy or did not answer in time.
    #[error("it is unavailable: {0}")]
    Unavailable(String),
    /// There is no room left.
    #[error("it is full: {0}")]
    Full(String),
    /// What it says makes no sense.
    #[error("its answer makes no sense: {0}")]
    Malformed(String),
    /// The bytes to be written are not those that were described: the file changed.
    #[error("what was to be written has changed: {0}")]
    Changed(String),
}

/// Where the objects of one site are.
pub trait ObjectPort: Send + Sync {
    /// Writes an object if there is none under `key`.
    fn put_if_absent(
        &self,
        key: &VersionedKey,
        upload: &Upload,
    ) -> impl Future<Output = Result<Put, PortError>> + Send;

    /// What is stored under `key`. Strongly consistent: it sees every write that was answered.
    fn head(
        &self,
        key: &VersionedKey,
    ) -> impl Future<Output = Result<Option<Description>, PortError>> + Send;

    /// Reads an object of at most `bytes_max` bytes; a longer one is [`PortError::Malformed`].
    fn get(
        &self,
        key: &VersionedKey,
        bytes_max: u64,
    ) -> impl Future<Output = Result<Option<Bytes>, PortError>> + Send;

    /// A page of the keys that begin with `prefix`, which is empty or ends in `/`, from `from` on. Strongly consistent: it
    /// sees every write that was answered.
    fn list(
        &self,
        prefix: &str,
        from: Option<&str>,
    ) -> impl Future<Output = Result<Page, PortError>> + Send;

    /// Deletes at most [`KEYS_MAX`] objects; one that is not there was deleted.
    fn delete(&self, keys: &[VersionedKey]) -> impl Future<Output = Result<(), PortError>> + Send;
}

/// Where the ledger of one site is.
pub trait LedgerPort: Send + Sync {
    /// Reads it; the empty one if there is none.
    fn load(&self) -> impl Future<Output = Result<Ledger, PortError>> + Send;

    /// Replaces the ledger of version `expected` (0: none), and with it what readers poll, in one step.
    fn store(
        &self,
        expected: u64,
        ledger: &Ledger,
    ) -> impl Future<Output = Result<Written, PortError>> + Send;
}

/// The time.
pub trait Clock: Send + Sync {
    /// Seconds since the epoch.
    fn now(&self) -> u64;
}
