//! AWS behind the ports: objects in S3, the site state in DynamoDB, and the configuration of a deployed process.
//!
//! What always holds:
//! - nothing above this crate sees a type or an error of the SDK: an answer of the store is a
//!   [`Fetched`](portcullis_origin::store::Fetched), and everything else is one of the port's errors;
//! - only this crate names `aws-sdk-*`, and only [`environment`] reads the environment;
//! - every call has a time limit and a number of attempts ([`clients`]), and every answer a bound on its size or is a
//!   stream.
//!
//! Without the default feature `sdk` only [`config`] and [`environment`] are left: what the generated page of variables
//! needs, without minutes of compiling the SDK.
//!
//! Deliberately absent: the default chain of credential sources, unless the feature `chain` asks for it. A function has its
//! keys in its environment.

#[cfg(feature = "sdk")]
pub mod clients;
pub mod config;
#[cfg(feature = "sdk")]
pub mod dynamodb;
pub mod environment;
#[cfg(feature = "sdk")]
mod failure;
#[cfg(feature = "chain")]
pub mod listing;
#[cfg(feature = "releases")]
pub mod releases;
#[cfg(feature = "sdk")]
pub mod s3;
#[cfg(feature = "sdk")]
pub mod stores;
#[cfg(feature = "testing")]
pub mod testing;

#[cfg(test)]
#[cfg(feature = "sdk")]
mod canned;
