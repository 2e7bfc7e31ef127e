//! Reading a distribution: from the JSON of `get-distribution-config`, a CloudFormation template, or a site.
//!
//! Always holds: bytes in, a `portcullis_edge::distribution::Distribution` out; what cannot be read is named with its
//! place, several mistakes in one run. Deliberately absent: files, network, and playing what was read.

pub mod config;
mod fault;
mod identity;
pub mod read;
pub mod site;
pub mod template;
pub mod value;
pub mod xml;

pub use config::{Quotas, Resources};
pub use fault::{Fault, Faults, Place, Rule};
