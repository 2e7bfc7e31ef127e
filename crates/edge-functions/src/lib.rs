//! CloudFront Functions (runtime 2.0), run for real in a JavaScript engine.
//!
//! | module | what it is |
//! |---|---|
//! | [`event`] | what a function is shown, as CloudFront shows it (DG:functions-event-structure) |
//! | [`outcome`] | what it answered, held to CloudFront's rules on what may be changed |
//! | `engine` | the engine with its limits, and the modules of the runtime |
//!
//! Always holds: a function that loops, hoards, throws or answers nonsense is an error of CloudFront's kind, never a crash or a
//! hang; nothing is left of one run in the next; there is no network, file, timer or environment to reach.
//!
//! Deliberately absent: Lambda@Edge, the modules `buffer` and `querystring`, MD5, and helpers that choose another origin. A
//! function that asks for one of them fails, as an unknown name does.

mod engine;
pub mod event;
mod modules;
pub mod outcome;

use portcullis_edge::compute::{ComputeCall, ComputeFailure, Computed};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// The largest code, in bytes (DG:cloudfront-function-restrictions).
pub const CODE_BYTES_MAX: usize = 10_240;
/// The most memory of a run, in bytes. CloudFront gives 2 MB; the engine itself needs some.
pub const MEMORY_MAX: usize = 8 << 20;
/// How long a run may take. CloudFront counts a share of its own processors; this is for a laptop's.
pub const TIME_MAX: Duration = Duration::from_millis(50);

/// The pairs of a key value store.
pub type Store = BTreeMap<String, String>;

/// A function, ready to run.
#[derive(Clone, Debug)]
pub struct EdgeFunction {
    name: String,
    code: Arc<str>,
    store: Option<Arc<Store>>,
}

/// Why a function is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAFunction {
    /// It is too large.
    #[error("function `{0}` has {1} bytes; CloudFront takes {CODE_BYTES_MAX}")]
    TooLarge(String, usize),
    /// It does not compile, or has no `handler`.
    #[error("function `{0}`: {1}")]
    Code(String, String),
}

/// Names of a distribution that a function is told.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The distribution's domain name.
    pub domain: &'a str,
    /// Its id.
    pub id: &'a str,
}

/// What a run came to.
#[derive(Debug)]
pub struct Ran {
    /// Its answer.
    pub outcome: Result<Computed, ComputeFailure>,
    /// What it wrote with `console.log`, and what went wrong.
    pub log: Vec<String>,
}

impl EdgeFunction {
    /// The function with this code. It is run once without an event, so that what does not compile is known now.
    ///
    /// # Errors
    /// [`NotAFunction`]
    pub fn new(name: &str, code: &str, store: Option<Store>) -> Result<Self, NotAFunction> {
        if code.len() > CODE_BYTES_MAX {
            return Err(NotAFunction::TooLarge(name.to_owned(), code.len()));
        }
        let function = Self {
            name: name.to_owned(),
            code: code.into(),
            store: store.map(Arc::new),
        };
        engine::compiles(&function.code, function.store.clone())
            .map_err(|why| NotAFunction::Code(name.to_owned(), why))?;
        Ok(function)
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs it.
    #[must_use]
    pub fn run(&self, call: ComputeCall, place: Place<'_>) -> Ran {
        let shown = event::of(&call, place).to_string();
        let (answer, mut log) = engine::run(&self.code, self.store.clone(), &shown);
        let outcome = match answer {
            Ok(answer) => outcome::of(&answer, call).map_err(|refused| {
                log.push(refused.to_string());
                ComputeFailure::Validation
            }),
            Err(failed) => {
                log.push(failed);
                Err(ComputeFailure::Execution)
            }
        };
        Ran { outcome, log }
    }
}
