//! A CloudFront Function: compiled once, run for each event.

use crate::engine::{self, Failed, Job, STEPS_PER_ASK};
use crate::store::{Store, StoreFault};
use crate::syntax::{self, Doubt};
use crate::{event, origin, outcome};
use portcullis_edge::compute::{ComputeCall, ComputeFailure, Computed, OriginChoice};
use portcullis_edge::distribution::EventType;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The largest code, in bytes (DG:cloudfront-limits).
pub const CODE_BYTES_MAX: usize = 10_240;

/// A version of the runtime.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Version {
    /// `cloudfront-js-1.0`: no key value store, no choice of an origin, no `Buffer`. It takes the syntax of 2.0 here.
    V1,
    /// `cloudfront-js-2.0`.
    #[default]
    V2,
}

impl Version {
    /// The version by its name in a configuration.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "cloudfront-js-1.0" => Some(Self::V1),
            "cloudfront-js-2.0" => Some(Self::V2),
            _ => None,
        }
    }
}

/// What one run may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Memory beyond what the runtime itself has, in bytes. CloudFront gives 2 MB.
    pub memory: usize,
    /// Branches and calls, counted in tens of thousands. CloudFront gives a time that it does not tell; this is the same on
    /// every machine.
    pub steps: u64,
    /// Time on the wall, which ends what steps do not count.
    pub wall: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory: 2 << 20,
            steps: 1_000_000,
            wall: Duration::from_secs(1),
        }
    }
}

/// A function, ready to run.
#[derive(Clone, Debug)]
pub struct EdgeFunction {
    name: String,
    code: Arc<str>,
    version: Version,
    store: Option<Arc<Store>>,
    limits: Limits,
}

/// What a function is made from.
#[derive(Clone, Debug)]
pub struct Source<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its code.
    pub code: &'a str,
    /// The runtime it is for.
    pub version: Version,
    /// The key value store that is associated with it.
    pub store: Option<Store>,
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
    /// Its store is none.
    #[error("function `{0}`: {1}")]
    Store(String, StoreFault),
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
    /// Compute utilization: how much of the steps it may take it took, in percent, 100 at most.
    pub utilization: u8,
}

impl EdgeFunction {
    /// A function of runtime 2.0 within CloudFront's limits.
    ///
    /// # Errors
    /// [`NotAFunction`]
    pub fn new(name: &str, code: &str, store: Option<Store>) -> Result<Self, NotAFunction> {
        let source = Source {
            name,
            code,
            version: Version::V2,
            store,
        };
        Self::compile(source, Limits::default())
    }

    /// The function with this code. It is run once without an event, so that what does not compile is known now.
    ///
    /// # Errors
    /// [`NotAFunction`]
    pub fn compile(source: Source<'_>, limits: Limits) -> Result<Self, NotAFunction> {
        let name = source.name.to_owned();
        if source.code.len() > CODE_BYTES_MAX {
            return Err(NotAFunction::TooLarge(name, source.code.len()));
        }
        if let Some(Err(fault)) = source.store.as_ref().map(Store::check) {
            return Err(NotAFunction::Store(name, fault));
        }
        let function = Self {
            name,
            code: source.code.into(),
            version: source.version,
            store: source.store.map(Arc::new),
            limits,
        };
        let tried = engine::run(function.job(None, false, 0));
        match tried.answer {
            Ok(_) => Ok(function),
            Err(why) => Err(NotAFunction::Code(function.name, why.to_string())),
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What of its code CloudFront may not take.
    #[must_use]
    pub fn doubts(&self) -> Vec<Doubt> {
        syntax::doubts(&self.code, self.version)
    }

    fn job(&self, event: Option<String>, may_choose: bool, now_ms: u64) -> Job {
        Job {
            code: Arc::clone(&self.code),
            version: self.version,
            store: self.store.clone(),
            limits: self.limits,
            event,
            may_choose,
            now_ms,
        }
    }

    /// Runs it now.
    #[must_use]
    pub fn run(&self, call: ComputeCall, place: Place<'_>) -> Ran {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now_ms = now.map_or(0, |now| u64::try_from(now.as_millis()).unwrap_or(u64::MAX));
        self.run_at(call, place, now_ms)
    }

    /// Runs it at a time, in milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn run_at(&self, call: ComputeCall, place: Place<'_>, now_ms: u64) -> Ran {
        let may_choose = call.event == EventType::ViewerRequest;
        let event = event::of(&call, place).ok();
        let ended = engine::run(self.job(event, may_choose, now_ms));
        let asks_max = self.limits.steps.div_ceil(STEPS_PER_ASK).max(1);
        let utilization = (ended.asks.saturating_mul(100) / asks_max).min(100);
        let mut log = ended.log;
        let outcome = match ended.answer {
            Ok(answer) => judged(&answer, call, ended.chosen.as_deref(), &mut log),
            Err(failed) => {
                log.push(failed.to_string());
                Err(match failed {
                    Failed::Memory => ComputeFailure::Limit,
                    Failed::Code(_) | Failed::Threw(_) | Failed::Time | Failed::Engine(_) => {
                        ComputeFailure::Execution
                    }
                })
            }
        };
        Ran {
            outcome,
            log,
            utilization: u8::try_from(utilization).unwrap_or(100),
        }
    }
}

fn judged(
    answer: &str,
    call: ComputeCall,
    chosen: Option<&str>,
    log: &mut Vec<String>,
) -> Result<Computed, ComputeFailure> {
    let origin = chosen.map_or(Ok(OriginChoice::Unchanged), |chosen| {
        origin::of(chosen, &call)
    });
    origin
        .and_then(|origin| outcome::of(answer, call, origin))
        .map_err(|refused| {
            log.push(refused.to_string());
            ComputeFailure::Validation
        })
}
