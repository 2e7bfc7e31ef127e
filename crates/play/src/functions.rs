//! The edge functions of distributions, run for real where threads may block.

use arc_swap::ArcSwap;
use portcullis_edge::compute::{ComputeCall, ComputeFailure};
use portcullis_edge::distribution::Compute;
use portcullis_edge_functions::{EdgeFunction, NotAFunction, Place, Ran, Runner};
use portcullis_edge_guard::{GuardError, guards};
use portcullis_edge_server::drive::{Functions, Running};
use portcullis_site::Site;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// Who is told of every run: the function's name or ARN, the call it answered in short, and what it came to.
pub type Told = dyn Fn(&str, &Called, &Ran) + Send + Sync;

/// The request of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Called {
    /// Its method.
    pub method: String,
    /// Its path.
    pub uri: String,
}

/// Runs the functions of a laptop.
pub struct Engine {
    /// The functions, which may be replaced while it runs.
    pub runner: Arc<ArcSwap<Runner>>,
    /// Domain names of distributions, by id.
    pub domains: HashMap<String, String>,
    /// Who is told of every run.
    pub told: Box<Told>,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").finish_non_exhaustive()
    }
}

/// Why the guards of a site cannot run.
#[derive(Debug, thiserror::Error)]
pub enum NoGuards {
    /// A policy cannot be decided at the edge.
    #[error(transparent)]
    Policy(#[from] GuardError),
    /// A function is refused by the engine.
    #[error(transparent)]
    Function(#[from] NotAFunction),
    /// There are too many.
    #[error(transparent)]
    TooMany(#[from] portcullis_edge_functions::runner::TooMany),
}

/// The edge guards of a site, as they are deployed.
///
/// # Errors
/// [`NoGuards`]
pub fn guards_of(site: &Site) -> Result<Runner, NoGuards> {
    let mut runner = Runner::new();
    for guard in guards(site)? {
        runner.add(EdgeFunction::new(&guard.name, &guard.code, None)?)?;
    }
    Ok(runner)
}

impl Functions for Engine {
    fn run<'a>(&'a self, distribution: &'a str, call: ComputeCall) -> Running<'a> {
        Box::pin(async move {
            let name = match &call.compute {
                Compute::Function(name) => name.clone(),
                Compute::Lambda { arn, .. } => arn.clone(),
            };
            let called = Called {
                method: call.request.method.clone(),
                uri: call.request.uri.clone(),
            };
            let runner = self.runner.load_full();
            let domain = self.domains.get(distribution).cloned().unwrap_or_default();
            let id = distribution.to_owned();
            // It may take all the time it has; others go on meanwhile.
            let running = tokio::task::spawn_blocking(move || {
                let place = Place {
                    domain: &domain,
                    id: &id,
                };
                runner.run(call, place)
            });
            let Ok(ran) = running.await else {
                return Err(ComputeFailure::Execution);
            };
            (self.told)(&name, &called, &ran);
            ran.outcome
        })
    }
}
