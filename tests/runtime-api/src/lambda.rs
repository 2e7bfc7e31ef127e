//! A deployed function: its environments, and which of them takes an invocation.
//!
//! The environment used last is used next, as on Lambda; an invocation that finds none idle waits. Every process started
//! here ends here: when the [`Lambda`] is dropped, when an invocation is given up, or in [`Lambda::stop`].

use crate::config::FunctionConfig;
use crate::environment::Environment;
use crate::logs::{LogLine, Logs};
use crate::outcome::{InitFailure, Invocation};
use crate::process::{EnvironmentStats, Record};
use bytes::Bytes;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};

/// The most environments of one function.
const ENVIRONMENTS_MAX: usize = 64;

/// Why a function could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The binary is missing, is not executable, or is no program for this machine.
    #[error("cannot start `{binary}`: {source}")]
    Spawn {
        /// The binary of the configuration.
        binary: String,
        /// The system's reason.
        source: std::io::Error,
    },
    /// More environments than one machine should run.
    #[error("`environments` is {0}, and at most {ENVIRONMENTS_MAX} are possible")]
    Environments(usize),
}

/// What was counted since the start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stats {
    /// Processes started, replacements included.
    pub processes: u64,
    /// Events handed to a process.
    pub invocations: u64,
    /// The newest process of every environment.
    pub environments: Vec<EnvironmentStats>,
}

impl Stats {
    /// Connections of the newest process of every environment.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.environments
            .iter()
            .map(|environment| environment.connections)
            .sum()
    }

    /// The largest peak memory among the running processes, in bytes.
    #[must_use]
    pub fn peak_memory_bytes(&self) -> Option<u64> {
        self.environments
            .iter()
            .filter_map(|environment| environment.peak_memory_bytes)
            .max()
    }
}

/// What all environments of a function share: counters and logs.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) logs: Arc<Logs>,
    processes: AtomicU64,
    invocations: AtomicU64,
    requests: AtomicU64,
    newest: Mutex<Vec<Option<Arc<Record>>>>,
}

impl Ledger {
    pub(crate) fn started(&self, place: usize, record: &Arc<Record>) {
        self.processes.fetch_add(1, Ordering::Relaxed);
        if let Some(newest) = locked(&self.newest).get_mut(place) {
            *newest = Some(Arc::clone(record));
        }
    }

    pub(crate) fn count_invocation(&self) {
        self.invocations.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn next_request_id(&self) -> String {
        let number = self.requests.fetch_add(1, Ordering::Relaxed) + 1;
        format!("00000000-0000-4000-8000-{number:012x}")
    }
}

/// A function, deployed on this machine.
#[derive(Debug)]
pub struct Lambda {
    ledger: Arc<Ledger>,
    environments: u32,
    permits: Semaphore,
    idle: Mutex<Vec<Environment>>,
}

impl Lambda {
    /// Starts every environment's process. Their init runs on; [`Lambda::ready`] waits for it, and so does an invocation.
    ///
    /// # Errors
    /// The system cannot start the binary, or there are too many environments.
    pub async fn start(config: FunctionConfig) -> Result<Self, StartError> {
        let count = config.environments.max(1);
        let environments = u32::try_from(count).unwrap_or(u32::MAX);
        if count > ENVIRONMENTS_MAX {
            return Err(StartError::Environments(count));
        }
        let config = Arc::new(config);
        let ledger = Arc::new(Ledger {
            newest: Mutex::new(vec![None; count]),
            ..Ledger::default()
        });
        let mut idle = Vec::with_capacity(count);
        for place in 0..count {
            let mut environment = Environment::new(Arc::clone(&config), Arc::clone(&ledger), place);
            let binary = config.binary.display().to_string();
            environment
                .start()
                .await
                .map_err(|source| StartError::Spawn { binary, source })?;
            idle.push(environment);
        }
        Ok(Self {
            ledger,
            environments,
            permits: Semaphore::new(count),
            idle: Mutex::new(idle),
        })
    }

    /// Waits until every environment asks for an event.
    ///
    /// # Errors
    /// The first init that failed; the next invocation starts a new process.
    pub async fn ready(&self) -> Result<(), InitFailure> {
        for mut environment in self.all().await {
            let ready = environment.get().ready().await;
            if let Err(failure) = ready {
                environment.get().end().await;
                return Err(failure);
            }
        }
        Ok(())
    }

    /// Runs one invocation in an idle environment, waiting for one where there is none. Dropping the future ends the process
    /// that worked on it.
    pub async fn invoke(&self, payload: impl Into<Bytes>) -> Invocation {
        let mut lease = self.lease().await;
        lease.get().invoke(payload.into()).await
    }

    /// Waits for the invocations in flight to end and every process to ask for its next event, then stops them all (SIGSTOP).
    /// An invocation lets its process run on by itself. Returns how many processes are stopped.
    pub async fn freeze(&self) -> usize {
        let mut frozen = 0;
        for mut environment in self.all().await {
            frozen += usize::from(environment.get().freeze().await);
        }
        frozen
    }

    /// Waits for the invocations in flight to end, then lets every stopped process run on (SIGCONT).
    pub async fn thaw(&self) {
        for mut environment in self.all().await {
            environment.get().thaw();
        }
    }

    /// What was counted since the start.
    #[must_use]
    pub fn stats(&self) -> Stats {
        Stats {
            processes: self.ledger.processes.load(Ordering::Relaxed),
            invocations: self.ledger.invocations.load(Ordering::Relaxed),
            environments: locked(&self.ledger.newest)
                .iter()
                .flatten()
                .map(|record| record.stats())
                .collect(),
        }
    }

    /// Every line written so far, oldest first, without those beyond the newest 100,000.
    #[must_use]
    pub fn logs(&self) -> Vec<LogLine> {
        self.ledger.logs.snapshot()
    }

    /// The first line that satisfies `wanted`, waiting for it to be written where necessary.
    pub async fn log_line(
        &self,
        wanted: impl Fn(&LogLine) -> bool,
        within: Duration,
    ) -> Option<LogLine> {
        self.ledger.logs.wait_for(wanted, within).await
    }

    /// Kills every process and waits for its end. Dropping does the same without waiting.
    pub async fn stop(self) {
        for mut environment in self.all().await {
            environment.get().end().await;
        }
    }

    async fn lease(&self) -> Lease<'_> {
        // The semaphore is never closed and counts exactly the idle environments.
        let permit = self.permits.acquire().await.ok();
        let environment = locked(&self.idle).pop();
        Lease {
            idle: &self.idle,
            environment,
            _permit: permit,
        }
    }

    async fn all(&self) -> Vec<Lease<'_>> {
        let mut permits = self.permits.acquire_many(self.environments).await.ok();
        let environments = std::mem::take(&mut *locked(&self.idle));
        let lease = |environment| Lease {
            idle: &self.idle,
            environment: Some(environment),
            _permit: permits.as_mut().and_then(|permits| permits.split(1)),
        };
        environments.into_iter().map(lease).collect()
    }
}

/// An environment in use; it returns to the idle ones when this is dropped.
struct Lease<'a> {
    idle: &'a Mutex<Vec<Environment>>,
    environment: Option<Environment>,
    _permit: Option<SemaphorePermit<'a>>,
}

impl Lease<'_> {
    #[expect(
        clippy::expect_used,
        reason = "the permits count the idle environments, and only drop takes one out of a lease"
    )]
    fn get(&mut self) -> &mut Environment {
        self.environment
            .as_mut()
            .expect("a lease holds an environment")
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        if let Some(mut environment) = self.environment.take() {
            environment.abandon();
            locked(self.idle).push(environment);
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
