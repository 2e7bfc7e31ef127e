//! Releases: publish, verify, flip, rollback, preview, canary and collection, as a state machine over two ports.
//!
//! Always holds: the protocol reads no clock, makes no random number and does no I/O; the adapters of its ports do.

pub mod changes;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
pub mod directory;
mod durable;
pub mod file;
mod guards;
pub mod key;
pub mod ledger;
pub mod manifest;
pub mod memory;
#[cfg(feature = "plan")]
pub mod plan;
pub mod port;
pub mod protocol;
pub mod run;

pub use guards::Guards;
