//! The gateway as a Lambda function: events in, answers out, one line for each request.
//!
//! Here is only what is Lambda's: the two forms of its events and answers, its Runtime API, its environment, its logs.
//! What a request is answered is `portcullis-origin`'s business.
//!
//! Reading order: `function`, then `event` and `answer`; `runtime` and `start` around them.

pub mod answer;
pub mod emf;
pub mod event;
pub mod function;
pub mod handoff;
pub mod log;
pub mod runtime;
pub mod start;
