//! Releases: publish, verify, flip, rollback, preview, canary and collection, as a state machine over two ports.
//!
//! Always holds: nothing here reads a clock, makes a random number or knows a network; the ports' adapters do.

mod guards;
pub mod key;
pub mod ledger;
pub mod manifest;
pub mod memory;
pub mod port;
pub mod protocol;
pub mod run;

pub use guards::Guards;
