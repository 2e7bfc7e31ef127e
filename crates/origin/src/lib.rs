//! The gateway's use case: a request in, an admitted and served answer or an explained refusal out, over ports.

pub mod behaviors;
pub mod clock;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod countries;
mod durable;
pub mod facts;
pub mod field;
pub mod handle;
pub mod judge;
pub mod object_path;
pub mod proof;
pub mod record;
pub mod releases;
pub mod request;
pub mod response;
pub mod serve;
pub mod state;
pub mod store;
pub mod upstream;
