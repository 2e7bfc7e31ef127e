//! The gateway's use case: a request in, an admitted and served answer or an explained refusal out, over ports.

pub mod field;
pub mod object_path;
pub mod request;
pub mod response;
pub mod state;
pub mod store;
pub mod upstream;
