//! The port to an object store, shaped like the need: one conditional, possibly ranged read, or its metadata.
//!
//! Always holds: nothing here can write; an object is named by an [`ObjectRef`], which only a parsed path or a configured
//! document can make; not modified, changed and missing are answers, not errors. Deliberately absent: listing, SDK types,
//! anything only one store could say.

pub mod directory;
pub mod memory;

use crate::field::{FieldValue, StrongTag};
use crate::object_path::ObjectKey;
use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use portcullis_http_semantics::RangeSpec;
use portcullis_site::Bucket;
use std::future::Future;

/// One object of one bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectRef {
    /// The bucket.
    pub bucket: Bucket,
    /// The whole key, prefix included.
    pub key: ObjectKey,
}

/// What of the object is wanted, and under which condition.
#[derive(Debug, Clone, Default)]
pub struct Want {
    /// Only this range.
    pub range: Option<RangeSpec>,
    /// Only if the object still has this (strong) entity tag; else [`Fetched::Changed`].
    pub if_match: Option<StrongTag>,
    /// Only if it has another one; else [`Fetched::NotModified`].
    pub if_none_match: Option<StrongTag>,
}

/// The bytes of an object. An error means that the rest will not come.
pub type ObjectBody = UnsyncBoxBody<Bytes, StoreError>;

/// What the store says of an object besides its bytes. Values that are no valid header values are left out and counted.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Metadata {
    /// The whole object's size in bytes.
    pub size: u64,
    /// Its entity tag, strong.
    pub etag: Option<StrongTag>,
    /// When it was last written, in seconds since the epoch.
    pub last_modified: Option<u64>,
    /// Its media type.
    pub content_type: Option<FieldValue>,
    /// Its content coding.
    pub content_encoding: Option<FieldValue>,
    /// Its language.
    pub content_language: Option<FieldValue>,
    /// Its disposition.
    pub content_disposition: Option<FieldValue>,
    /// Its lifetime.
    pub cache_control: Option<FieldValue>,
    /// Its expiry.
    pub expires: Option<FieldValue>,
    /// The SHA-256 of the whole object, if the store keeps one.
    pub sha256: Option<[u8; 32]>,
    /// How many metadata values were no valid header values.
    pub invalid_values: u32,
}

/// An object, or the wanted part of it.
#[derive(Debug)]
pub struct Object {
    /// What is said of the whole object.
    pub metadata: Metadata,
    /// The wanted bytes.
    pub body: ObjectBody,
}

/// The answer of a store.
#[derive(Debug)]
pub enum Fetched {
    /// The whole object.
    Full(Object),
    /// The bytes from `first` to `last`, both included.
    Partial {
        /// The object; its body holds the part only.
        object: Object,
        /// Offset of the first byte.
        first: u64,
        /// Offset of the last byte.
        last: u64,
    },
    /// The object has the entity tag of `if_none_match`.
    NotModified(Metadata),
    /// The object does not have the entity tag of `if_match`.
    Changed,
    /// The range begins after the end.
    Unsatisfiable {
        /// The object's size in bytes, if the store says it.
        size: Option<u64>,
    },
    /// There is no such object.
    Missing,
}

/// Why a store has no answer. Any store could say each of these.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// It refuses us: credentials or permissions.
    #[error("the store refuses access: {0}")]
    Denied(String),
    /// It is too busy.
    #[error("the store is throttling")]
    Throttled,
    /// It did not answer in time.
    #[error("the store did not answer in time")]
    TimedOut,
    /// It cannot be reached or fails.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// It says something that makes no sense.
    #[error("the store's answer makes no sense: {0}")]
    Malformed(String),
    /// The body ended or broke before its end.
    #[error("the body broke after {after} bytes")]
    Broken {
        /// Bytes that had arrived.
        after: u64,
    },
}

/// A store of objects, read only.
pub trait ObjectStore: Send + Sync {
    /// Reads an object or what is wanted of it: one call to the store.
    fn get(&self, object: &ObjectRef, want: &Want) -> impl Future<Output = Result<Fetched, StoreError>> + Send;

    /// Reads an object's metadata; `None` if there is no such object.
    fn head(&self, object: &ObjectRef) -> impl Future<Output = Result<Option<Metadata>, StoreError>> + Send;
}
