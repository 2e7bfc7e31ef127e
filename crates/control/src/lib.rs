//! CloudFront's control API for what is played here: distributions and invalidations, as the AWS command line and SDKs
//! speak of them.
//!
//! | module | what it is |
//! |---|---|
//! | [`call`] | a request of the API, told apart by method and path |
//! | [`plane`] | what the API knows: configurations with their entity tags, and invalidations under way |
//! | [`answer`] | an answer of the API, errors among them |
//!
//! Always holds: no clock, no randomness and no sockets: both come as arguments. A change takes effect when it is due, at each point of
//! presence at its own time; whoever asks before is told `InProgress`. An operation that is not here is refused by its name.
//!
//! Source: Amazon CloudFront API Reference, version 2020-05-31.

pub mod answer;
pub mod call;
pub mod plane;

pub use answer::{Answer, ApiError};
pub use call::{Call, Operation};
pub use plane::{Effect, Plane};
