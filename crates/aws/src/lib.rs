//! AWS behind the ports: objects in S3, the site state in DynamoDB, and the configuration of a deployed process.
//!
//! What always holds:
//! - nothing above this crate sees a type or an error of the SDK: an answer of the store is a
//!   [`Fetched`](portcullis_origin::store::Fetched), and everything else is one of the port's errors;
//! - only this crate names `aws-sdk-*`, and only [`environment`] reads the environment;
//! - every call has a time limit and a number of attempts ([`clients`]), and every answer a bound on its size or is a
//!   stream.
//!
//! Deliberately absent: the default chain of credential sources, unless the feature `chain` asks for it. A function has its
//! credentials in its environment.

pub mod clients;
pub mod config;
pub mod dynamodb;
pub mod environment;
mod failure;
pub mod s3;
pub mod stores;
#[cfg(feature = "testing")]
pub mod testing;
