//! A site, or any distribution, at work in one process: the model of CloudFront with what stands behind it.
//!
//! | module | what it is |
//! |---|---|
//! | [`heard`], [`texts`] | what the gateway hears from the model |
//! | [`gateway`] | the gateway as an origin of the model |
//! | [`functions`] | edge functions, our own guards among them, run for real |
//! | [`keys`] | throw-away keys, so that signed links can be tried |
//! | [`scenario`] | files that say what is asked and what must come back |
//! | [`stage`] | what a scenario is played on: a clock that stands still, objects in memory, origins with written answers |
//! | [`orders`] | orders of requests by which a distribution undoes a policy, searched for |
//! | [`play`] | a scenario on its stage, and where it came out otherwise |
//!
//! Always holds: nothing is decided here. A decision is the gateway's judge's, an answer the model's.
//!
//! Deliberately absent: files, clocks and the network, but for a socket that a stage may be played through.

pub mod functions;
pub mod gateway;
pub mod heard;
pub mod keys;
pub mod orders;
pub mod play;
pub mod scenario;
pub mod stage;
pub mod texts;
