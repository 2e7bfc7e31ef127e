//! One execution environment: at most one process at a time, at most one invocation at a time.
//!
//! A process that crashed, timed out or failed its init is replaced at the next invocation, which is then a cold start; one
//! that ended quietly between invocations is replaced without anybody noticing, as on Lambda.

use crate::config::FunctionConfig;
use crate::lambda::Ledger;
use crate::outcome::{
    InitFailure, Invocation, Outcome, REQUEST_BYTES_MAX, StreamEnd, Streamed, Timings,
};
use crate::process::Process;
use crate::station::{Event, Report};
use bytes::Bytes;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::oneshot;

/// After the end of a process its last bytes may still be on the way through loopback.
const LAST_BYTES_SETTLE: Duration = Duration::from_millis(5);
/// And they may take this long to be read.
const LAST_BYTES_WAIT_MAX: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(crate) struct Environment {
    config: Arc<FunctionConfig>,
    ledger: Arc<Ledger>,
    place: usize,
    process: Option<Process>,
    busy: bool,
}

/// How the wait for an answer ended.
enum Wait {
    Answered(Report),
    Ended { status: String },
    TimedOut,
}

impl Environment {
    pub(crate) fn new(config: Arc<FunctionConfig>, ledger: Arc<Ledger>, place: usize) -> Self {
        Self {
            config,
            ledger,
            place,
            process: None,
            busy: false,
        }
    }

    /// Starts the process ahead of the first invocation.
    pub(crate) async fn start(&mut self) -> std::io::Result<&mut Process> {
        let process = Process::spawn(&self.config, &self.ledger.logs).await?;
        self.ledger.started(self.place, &process.record);
        Ok(self.process.insert(process))
    }

    pub(crate) async fn invoke(&mut self, payload: Bytes) -> Invocation {
        let request_id = self.ledger.next_request_id();
        if payload.len() > REQUEST_BYTES_MAX {
            return Invocation {
                request_id,
                outcome: Outcome::RequestTooLarge,
                timings: Timings::default(),
            };
        }
        self.busy = true;
        let invocation = match self.ready().await {
            Ok(init) => self.hand_over(request_id, payload, init).await,
            Err(failure) => {
                self.end().await;
                Invocation {
                    request_id,
                    outcome: Outcome::InitFailed(failure),
                    timings: Timings::default(),
                }
            }
        };
        self.busy = false;
        invocation
    }

    /// An invocation nobody waits for any more ends its process: no later invocation may meet its remains.
    pub(crate) fn abandon(&mut self) {
        if std::mem::take(&mut self.busy) {
            self.process = None;
        }
    }

    /// Waits for the process to ask for an event, then stops it.
    pub(crate) async fn freeze(&mut self) -> bool {
        let limit = self.config.timeout.max(self.config.init_timeout);
        let Some(process) = &mut self.process else {
            return false;
        };
        let settled = tokio::time::timeout(limit, process.station.settled()).await;
        matches!(settled, Ok(Ok(()))) && process.freeze().await
    }

    pub(crate) fn thaw(&mut self) {
        if let Some(process) = &mut self.process {
            process.thaw();
        }
    }

    pub(crate) async fn end(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().await;
        }
    }

    /// Waits until a process asks for an event; the time its init took, where this is its first one.
    pub(crate) async fn ready(&mut self) -> Result<Option<Duration>, InitFailure> {
        if let Some(process) = &mut self.process
            && !process.record.is_new()
        {
            process.thaw();
            // What a process does between its answer and its next request counts against the time limit.
            let limit = self.config.timeout;
            let station = Arc::clone(&process.station);
            let waits = tokio::select! {
                settled = tokio::time::timeout(limit, station.settled()) => matches!(settled, Ok(Ok(()))),
                _ = process.ended() => false,
            };
            if waits && !process.has_ended() {
                return Ok(None);
            }
            self.end().await;
        }
        self.initialize().await.map(Some)
    }

    async fn initialize(&mut self) -> Result<Duration, InitFailure> {
        if self.process.is_none() {
            self.start()
                .await
                .map_err(|error| InitFailure::NotStarted {
                    reason: error.to_string(),
                })?;
        }
        let Some(process) = &mut self.process else {
            return Err(InitFailure::TimedOut);
        };
        process.thaw();
        let deadline = process.spawned + self.config.init_timeout;
        let station = Arc::clone(&process.station);
        tokio::select! {
            biased;
            settled = station.settled() => settled?,
            status = process.ended() => return Err(InitFailure::Exited { status }),
            () = tokio::time::sleep_until(deadline.into()) => return Err(InitFailure::TimedOut),
        }
        match process.record.init() {
            Some(init) if init <= self.config.init_timeout => Ok(init),
            _ => Err(InitFailure::TimedOut),
        }
    }

    async fn hand_over(
        &mut self,
        request_id: String,
        payload: Bytes,
        init: Option<Duration>,
    ) -> Invocation {
        let Some(process) = &mut self.process else {
            let outcome = Outcome::InitFailed(InitFailure::TimedOut);
            return Invocation {
                request_id,
                outcome,
                timings: Timings::default(),
            };
        };
        process.record.count_invocation();
        self.ledger.count_invocation();
        let handed_over = Instant::now();
        let deadline = handed_over + self.config.timeout;
        let event = event(&request_id, payload, self.config.timeout);
        let wait = match deliver(process, event, deadline).await {
            Ok(mut report) => wait(process, &mut report, deadline).await,
            Err(wait) => wait,
        };
        let mut timings = Timings {
            init,
            first_byte: None,
            total: handed_over.elapsed(),
        };
        let outcome = match wait {
            Wait::Answered(report) => {
                timings.first_byte = Some(report.first_byte.duration_since(report.sent));
                timings.total = report.received.duration_since(report.sent);
                report.outcome
            }
            Wait::Ended { status } => Outcome::Crashed { status },
            Wait::TimedOut => Outcome::TimedOut,
        };
        if process.has_ended() {
            self.process = None;
        }
        Invocation {
            request_id,
            outcome,
            timings,
        }
    }
}

fn event(request_id: &str, payload: Bytes, timeout: Duration) -> Event {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let deadline_ms = u64::try_from((now + timeout).as_millis()).unwrap_or(u64::MAX);
    let trace_id = format!(
        "Root=1-{:08x}-000000000000000000000001;Parent=0000000000000001;Sampled=0",
        now.as_secs()
    );
    Event {
        request_id: request_id.to_owned(),
        deadline_ms,
        trace_id,
        payload,
    }
}

/// Hands the event to the process; one whose connection just broke is waited for until it asks again.
async fn deliver(
    process: &mut Process,
    event: Event,
    deadline: Instant,
) -> Result<oneshot::Receiver<Report>, Wait> {
    let mut waiting = event;
    loop {
        match process.station.deliver(waiting) {
            Ok(report) => return Ok(report),
            Err(event) => waiting = event,
        }
        let station = Arc::clone(&process.station);
        tokio::select! {
            _ = station.settled() => {}
            status = process.ended() => return Err(Wait::Ended { status }),
            () = tokio::time::sleep_until(deadline.into()) => {
                process.kill().await;
                return Err(Wait::TimedOut);
            }
        }
    }
}

async fn wait(
    process: &mut Process,
    report: &mut oneshot::Receiver<Report>,
    deadline: Instant,
) -> Wait {
    tokio::select! {
        biased;
        answered = &mut *report => match answered {
            Ok(report) => Wait::Answered(report),
            Err(_) => Wait::Ended { status: process.kill().await },
        },
        status = process.ended() => match last_words(process, report).await {
            Some(report) => Wait::Answered(report),
            None => Wait::Ended { status },
        },
        () = tokio::time::sleep_until(deadline.into()) => {
            process.kill().await;
            last_words(process, report).await.and_then(cut_stream).map_or(Wait::TimedOut, Wait::Answered)
        }
    }
}

/// What a process had sent before it ended and was not read yet.
async fn last_words(process: &Process, report: &mut oneshot::Receiver<Report>) -> Option<Report> {
    tokio::time::sleep(LAST_BYTES_SETTLE).await;
    tokio::select! {
        biased;
        answered = &mut *report => answered.ok(),
        () = process.server.closed() => report.try_recv().ok(),
        () = tokio::time::sleep(LAST_BYTES_WAIT_MAX) => None,
    }
}

/// A stream that was on its way when the time limit passed ends because of it.
fn cut_stream(report: Report) -> Option<Report> {
    match report.outcome {
        Outcome::Streamed(Streamed {
            prelude,
            body,
            end: StreamEnd::Broken,
        }) => Some(Report {
            outcome: Outcome::Streamed(Streamed {
                prelude,
                body,
                end: StreamEnd::TimedOut,
            }),
            ..report
        }),
        _ => None,
    }
}
