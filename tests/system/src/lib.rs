//! Real servers for the system tests: SeaweedFS for S3, moto for DynamoDB and the rest of AWS.
//!
//! Each runs on free loopback ports with a store and keys of its own, and ends with the test: when it is dropped, and also
//! when the test process ends in any other way. They come from the Python environment that `cargo xtask setup` creates; a
//! missing one is an error that says so, never a test passed over.
//!
//! Under nextest every test is a process of its own, so [`SeaweedFs::shared`] and [`Moto::shared`] start one server per test;
//! under `cargo test`, one per test binary. A table of many cases belongs into one test.
//!
//! What each server can and cannot prove: moto accepts a wrong `If-Match`, pages nothing, and checks a condition of a
//! DynamoDB write and writes in two steps, so that two at once may both succeed; SeaweedFS knows no `PutPublicAccessBlock`
//! and takes no `Expires` that is no date.

mod moto;
mod ports;
mod seaweedfs;
mod server;

pub use moto::Moto;
pub use seaweedfs::SeaweedFs;
pub use server::{StartError, tool};
