//! What is answered otherwise by one site than by another: the set of requests, as exactly as it can be told.
//!
//! | module | what it is |
//! |---|---|
//! | [`paths`] | which behavior of the one meets which of the other, each pair with a shortest path |
//! | [`viewers`] | the viewers that policies can tell apart |
//! | [`compare`] | the decisions that differ, by pair and cause |
//! | [`caching`] | what differs in caching |
//!
//! Always holds: decisions are made by the engine of the gateway; what is not exact says so. Deliberately absent: clocks,
//! files, and traffic, which `replay` has.

pub mod caching;
pub mod compare;
pub mod paths;
pub mod viewers;
