//! Lambda@Edge: the four triggers, run as a real Node or Python process.
//!
//! | module | what it is |
//! |---|---|
//! | [`event`] | what a function is shown (DG:lambda-event-structure) |
//! | [`outcome`], `origin` | what it answered and where it sends the request, held to what it may change |
//! | `process` | the process: one for a function, kept from event to event, killed when its time is over |
//!
//! Always holds: no process outlives its [`LambdaFunction`]; an event is answered within its time and the time to load the
//! function.

pub mod event;
mod origin;
pub mod outcome;
mod process;

pub use process::{INIT_MAX, ProcessFailure};

use crate::function::{Place, Ran};
use portcullis_edge::compute::{ComputeCall, ComputeFailure, Computed};
use portcullis_edge::distribution::EventType;
use process::{Invocation, Process};
use serde_json::value::RawValue;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The languages of Lambda@Edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runtime {
    /// `nodejs…`
    Node,
    /// `python…`
    Python,
}

impl Runtime {
    /// The runtime by its name in a configuration (`nodejs22.x`, `python3.13`).
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        if name.starts_with("nodejs") {
            Some(Self::Node)
        } else if name.starts_with("python") {
            Some(Self::Python)
        } else {
            None
        }
    }

    /// The program that runs it, to be found on the path.
    #[must_use]
    pub fn program(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Python => "python3",
        }
    }
}

/// What a function is made from.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Its ARN with its version.
    pub arn: String,
    /// The language.
    pub runtime: Runtime,
    /// The program that runs the language.
    pub program: PathBuf,
    /// Where its code is.
    pub folder: PathBuf,
    /// `FILE.FUNCTION`.
    pub handler: String,
    /// All of its environment but what Lambda sets; a program is found by its `PATH`.
    pub environment: Vec<(String, String)>,
}

impl Settings {
    /// The name in the ARN.
    fn name(&self) -> &str {
        self.arn.split(':').nth(6).unwrap_or(&self.arn)
    }

    /// The version in the ARN.
    fn version(&self) -> &str {
        self.arn.split(':').nth(7).unwrap_or("1")
    }
}

/// What a function may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LambdaLimits {
    /// How long an event at the viewer's side may take. The current table of quotas has 30 seconds, that of 2023 five; the
    /// shorter one is kept so that what holds here holds there.
    pub viewer_timeout: Duration,
    /// How long an event at the origin's side may take.
    pub origin_timeout: Duration,
    /// Memory for Node's objects, in MB.
    pub memory_mb: u32,
}

impl Default for LambdaLimits {
    fn default() -> Self {
        Self {
            viewer_timeout: Duration::from_secs(5),
            origin_timeout: Duration::from_secs(30),
            memory_mb: 128,
        }
    }
}

impl LambdaLimits {
    /// How long an event may take.
    #[must_use]
    pub fn timeout(&self, event: EventType) -> Duration {
        match event {
            EventType::ViewerRequest | EventType::ViewerResponse => self.viewer_timeout,
            EventType::OriginRequest | EventType::OriginResponse => self.origin_timeout,
        }
    }
}

/// A function with its process, which starts with its first event.
#[derive(Debug)]
pub struct LambdaFunction {
    settings: Settings,
    limits: LambdaLimits,
    process: Mutex<Option<Process>>,
}

impl LambdaFunction {
    /// A function; nothing is started yet.
    #[must_use]
    pub fn new(settings: Settings, limits: LambdaLimits) -> Self {
        Self {
            settings,
            limits,
            process: Mutex::new(None),
        }
    }

    /// Its ARN with its version.
    #[must_use]
    pub fn arn(&self) -> &str {
        &self.settings.arn
    }

    /// The id of its process, while there is one.
    #[must_use]
    pub fn process_id(&self) -> Option<u32> {
        self.lock().as_ref().map(Process::id)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Process>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs it.
    #[must_use]
    pub fn run(&self, call: ComputeCall, place: Place<'_>) -> Ran {
        let mut log = Vec::new();
        let outcome = self.answered(call, place, &mut log);
        Ran {
            outcome,
            log,
            utilization: 0,
        }
    }

    fn answered(
        &self,
        call: ComputeCall,
        place: Place<'_>,
        log: &mut Vec<String>,
    ) -> Result<Computed, ComputeFailure> {
        let shown = event::of(&call, place).map_err(|_| ComputeFailure::Execution)?;
        match self.invoke(&shown, &call, log) {
            Ok(answer) => outcome::of(answer.get(), call).map_err(|refused| {
                log.push(refused.to_string());
                ComputeFailure::Validation
            }),
            Err(failure) => {
                log.push(failure.to_string());
                Err(match failure {
                    ProcessFailure::Unreadable => ComputeFailure::Validation,
                    ProcessFailure::Start(..)
                    | ProcessFailure::Threw(_)
                    | ProcessFailure::Time(_)
                    | ProcessFailure::Ended(_) => ComputeFailure::Execution,
                })
            }
        }
    }

    fn invoke(
        &self,
        shown: &RawValue,
        call: &ComputeCall,
        log: &mut Vec<String>,
    ) -> Result<Box<RawValue>, ProcessFailure> {
        let timeout = self.limits.timeout(call.event);
        let invocation = Invocation {
            event: shown,
            request_id: call.id.as_str(),
            timeout_ms: u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX),
            name: self.settings.name(),
            version: self.settings.version(),
            arn: &self.settings.arn,
            memory_mb: self.limits.memory_mb,
        };
        let mut kept = self.lock();
        // It is put back only when it can answer again; everything else drops it, which kills it.
        let mut process = match living(kept.take()) {
            Some(process) => process,
            None => Process::start(&self.settings, &self.limits, log)?,
        };
        let answer = process.invoke(&invocation, log);
        if matches!(answer, Ok(_) | Err(ProcessFailure::Threw(_))) {
            *kept = Some(process);
        }
        answer
    }
}

fn living(kept: Option<Process>) -> Option<Process> {
    let mut process = kept?;
    process.is_alive().then_some(process)
}
