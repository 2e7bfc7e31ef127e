//! The gateway's use case: a request in, an admitted and served answer or an explained refusal out, over ports.

pub mod behaviors;
pub mod countries;
pub mod facts;
pub mod field;
pub mod object_path;
pub mod proof;
pub mod record;
pub mod request;
pub mod response;
pub mod state;
pub mod store;
pub mod upstream;
