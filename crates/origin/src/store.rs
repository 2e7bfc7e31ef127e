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
use portcullis_http_semantics::{ByteRange, RangeSpec, Resolved};
use portcullis_site::Bucket;
use std::future::Future;

/// The longest metadata value that is passed on, in bytes. S3 takes at most 8 KB of metadata in one request.
pub const METADATA_VALUE_BYTES_MAX: usize = 8_192;

/// One object of one bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectRef {
    /// The bucket.
    pub bucket: Bucket,
    /// The whole key, prefix included.
    pub key: ObjectKey,
}

/// What of the object is wanted, and under which condition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Want {
    /// Only this range.
    pub range: Option<RangeSpec>,
    /// Only if the object still has this (strong) entity tag; else [`Fetched::Changed`].
    pub if_match: Option<StrongTag>,
    /// Only if it has another one; else [`Fetched::NotModified`].
    pub if_none_match: Option<StrongTag>,
}

/// What a [`Want`] comes to for an object whose metadata is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selection {
    /// All bytes.
    Whole,
    /// These bytes.
    Part(ByteRange),
    /// None: the caller has them.
    NotModified,
    /// None: the object is another one.
    Changed,
    /// None: the range begins after the end.
    Unsatisfiable,
}

/// The bytes of an object. An error means that the rest will not come; [`StoreError::Malformed`], at any place, that the
/// bytes which came are not the object's.
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
    /// How many metadata values were no valid header values, or longer than [`METADATA_VALUE_BYTES_MAX`].
    pub invalid_values: u32,
}

/// The header values kept with an object, as whoever wrote it gave them: unchecked bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RawMetadata {
    /// `Content-Type`.
    pub content_type: Option<Vec<u8>>,
    /// `Content-Encoding`.
    pub content_encoding: Option<Vec<u8>>,
    /// `Content-Language`.
    pub content_language: Option<Vec<u8>>,
    /// `Content-Disposition`.
    pub content_disposition: Option<Vec<u8>>,
    /// `Cache-Control`.
    pub cache_control: Option<Vec<u8>>,
    /// `Expires`.
    pub expires: Option<Vec<u8>>,
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
    fn get(
        &self,
        object: &ObjectRef,
        want: &Want,
    ) -> impl Future<Output = Result<Fetched, StoreError>> + Send;

    /// Reads an object's metadata; `None` if there is no such object.
    fn head(
        &self,
        object: &ObjectRef,
    ) -> impl Future<Output = Result<Option<Metadata>, StoreError>> + Send;
}

impl Want {
    /// What is wanted of an object with this metadata, in S3's order: `if_match`, `if_none_match`, then the range.
    #[must_use]
    pub fn select(&self, metadata: &Metadata) -> Selection {
        let has = |tag: &StrongTag| metadata.etag.as_ref() == Some(tag);
        if self.if_match.as_ref().is_some_and(|tag| !has(tag)) {
            return Selection::Changed;
        }
        if self.if_none_match.as_ref().is_some_and(has) {
            return Selection::NotModified;
        }
        match self.range.map(|range| range.resolve(metadata.size)) {
            None => Selection::Whole,
            Some(Resolved::Satisfiable(part)) => Selection::Part(part),
            Some(Resolved::Unsatisfiable) => Selection::Unsatisfiable,
        }
    }
}

impl Metadata {
    /// Takes the values that can stand in a header over from `raw`, and counts the others.
    pub fn describe(&mut self, raw: &RawMetadata) {
        let mut invalid = 0;
        let mut checked = |value: &Option<Vec<u8>>| {
            let value = value.as_deref()?;
            let checked = match value.len() {
                0..=METADATA_VALUE_BYTES_MAX => FieldValue::new(value).ok(),
                _ => None,
            };
            invalid += u32::from(checked.is_none());
            checked
        };
        self.content_type = checked(&raw.content_type);
        self.content_encoding = checked(&raw.content_encoding);
        self.content_language = checked(&raw.content_language);
        self.content_disposition = checked(&raw.content_disposition);
        self.cache_control = checked(&raw.cache_control);
        self.expires = checked(&raw.expires);
        self.invalid_values = invalid;
    }
}

impl Object {
    /// The answer that holds this object: in full, or `part` of it.
    #[must_use]
    pub fn fetched(self, part: Option<ByteRange>) -> Fetched {
        match part {
            None => Fetched::Full(self),
            Some(part) => Fetched::Partial {
                object: self,
                first: part.first(),
                last: part.last(),
            },
        }
    }
}

#[cfg(test)]
mod tests;
