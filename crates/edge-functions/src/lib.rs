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
//! | [`store`] | key value stores |
//! | `engine`, `host`, `js/` | the engine with its limits, and the modules of the runtime |
//!
//! Always holds: a function that loops, hoards, throws or answers nonsense is an error of CloudFront's kind, never a crash or a
//! hang; nothing is left of one run in the next; there is no network, file, timer or environment to reach; what CloudFront's
//! list of features does not have by name is not there either.
//!
//! Deliberately absent: a check of the syntax. The engine takes more than CloudFront's (classes, generators, destructuring), so
//! a function that uses these runs here and is refused there.

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

pub use engine::{STEPS_PER_ASK, STUCK_MAX};
pub use function::{EdgeFunction, Limits, NotAFunction, Place, Ran, Source, Version};
pub use host::LOG_BYTES_MAX;
pub use lambda::{LambdaFunction, LambdaLimits};
pub use runner::Runner;
pub use store::{Store, StoreFault};
