//! What the bench and its instruction counter share: the inputs, the things measured, and how they are measured.
//!
//! Rivals live in this crate alone, which is outside the workspace: nothing that ships, and nothing that tests what
//! ships, ever builds them.

pub mod callgrind;
pub mod counting;
pub mod events;
pub mod inputs;
pub mod measure;
pub mod networks;
pub mod random;
pub mod standin;
pub mod subject;
pub mod table;

/// What a measurement cannot go on without.
pub type Failure = Box<dyn std::error::Error>;
