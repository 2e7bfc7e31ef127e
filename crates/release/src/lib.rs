//! Releases: publish, verify, flip, rollback, preview, canary and collection, as a state machine over two ports.
//!
//! | module | what it is |
//! |---|---|
//! | `plan` | a directory: its files, their metadata and variants (feature `plan`) |
//! | [`manifest`] | the form in which a release is stored |
//! | [`key`], [`ledger`] | names in the store; the one record that says what is live and kept, and its changes |
//! | [`protocol`] | what to do next, as machines without I/O |
//! | [`port`], [`run`] | the two ports, and what carries the machines' calls out over them |
//! | [`memory`], [`directory`], [`mod@file`] | adapters |
//! | [`changes`] | what a release changes for readers and caches |
//!
//! Always holds: the protocol reads no clock, makes no random number and does no I/O; the adapters of its ports do.

pub mod changes;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
pub mod directory;
mod durable;
pub mod file;
mod guards;
pub mod ledger;
pub mod memory;
#[cfg(feature = "plan")]
pub mod plan;
pub mod port;
pub mod protocol;
pub mod run;

pub use guards::Guards;
pub use portcullis_release_manifest as manifest;
pub use portcullis_release_manifest::key;
