//! The stored form of a release: which public path is which object, and how the site answers around its files.
//!
//! | module | what it is |
//! |---|---|
//! | [`key`] | digests and the names of what a release store holds |
//! | [`release`] | a release before it is written |
//! | [`encode`](mod@encode), [`open`] | to bytes, and a view of bytes that are not parsed |
//! | [`redirects`], [`headers`], [`pattern`] | `_redirects` and `_headers` |
//! | [`tags`] | the cache tags of an answer |
//! | [`serving`] | what readers poll: which release answers, and which are kept |
//!
//! Always holds: equal releases have equal bytes, and the SHA-256 of the bytes is the release's id; no bytes make a reader
//! panic, loop without a limit, or read outside them. Pure: bytes in, bytes out; no clock, no files, no randomness.

pub mod encode;
pub mod headers;
pub mod key;
mod layout;
pub mod open;
pub mod pattern;
pub mod redirects;
pub mod release;
pub mod serving;
pub mod tags;
mod wire;

pub use encode::{EncodeError, encode};
pub use key::{Digest, KeyError, ReleaseId, VersionedKey};
pub use open::{Damaged, FileRef, ObjectRef, OpenError, ReleaseManifest};
pub use release::{Coding, File, Object, Release, Rules};
