//! Edge functions, run for real: CloudFront Functions in a JavaScript engine, Lambda@Edge in a process of its language.
//!
//! | module | what it is |
//! |---|---|
//! | [`lambda`] | Lambda@Edge: events, answers, the process |
//! | [`function`] | a function, compiled once and run for each event |
//! | [`event`] | what it is shown, as CloudFront shows it (DG:functions-event-structure) |
//! | [`outcome`], [`origin`] | what it answered and where it sends the request |
//! | [`rules`] | what any edge function may change (DG:edge-function-restrictions-all) |
//! | [`runner`] | all functions of a laptop, by name: what the model's calls are answered with |
//! | [`syntax`] | what of its code CloudFront may not take |
//! | [`store`] | key value stores |
//! | `engine`, `host`, `js/` | the engine with its limits, and the modules of the runtime |
//!
//! Always holds: a function that loops, hoards, throws or answers nonsense is an error of CloudFront's kind, never a crash or a
//! hang; nothing is left of one run in the next; there is no network, file, timer or environment to reach; what CloudFront's
//! list of features does not have by name is not there either.
//!
//! Deliberately absent: CloudFront's own parser. The engine takes more (classes, generators, destructuring); [`syntax`] says of
//! such a function that CloudFront may refuse it.

mod engine;
pub mod event;
pub mod function;
mod host;
pub mod lambda;
pub mod origin;
pub mod outcome;
pub mod rules;
pub mod runner;
pub mod store;
pub mod syntax;

pub use engine::{STEPS_PER_ASK, STUCK_MAX};
pub use function::{EdgeFunction, Limits, NotAFunction, Place, Ran, Source, Version};
pub use host::LOG_BYTES_MAX;
pub use lambda::{LambdaFunction, LambdaLimits};
pub use runner::Runner;
pub use store::{Store, StoreFault};
