//! The Runtime API's side of one process: what the process may do next.
//!
//! Starting -> Polling -> Running -> Answering -> Answered -> Polling ... Every request of the process is a transition here; one that does
//! not fit is refused as Lambda refuses it. No I/O and no protocol in this file.

use crate::outcome::{InitFailure, Outcome};
use bytes::Bytes;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;
use tokio::sync::{Notify, oneshot};

/// One event on its way to the process.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) request_id: String,
    pub(crate) deadline_ms: u64,
    pub(crate) trace_id: String,
    pub(crate) payload: Bytes,
}

/// The process's answer to one event.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) outcome: Outcome,
    pub(crate) sent: Instant,
    pub(crate) first_byte: Instant,
    pub(crate) received: Instant,
}

/// The event the process works on.
#[derive(Debug)]
pub(crate) struct Running {
    request_id: String,
    sent: Instant,
    report: oneshot::Sender<Report>,
}

/// Why a request of the process is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The request id names no event in flight.
    UnknownRequestId,
    /// The process is not in a state that allows the request.
    StateTransition,
}

#[derive(Debug)]
enum State {
    Starting,
    Polling(oneshot::Sender<Event>),
    Running(Running),
    Answering,
    Answered,
    Failed(InitFailure),
}

#[derive(Debug)]
pub(crate) struct Station {
    state: Mutex<State>,
    changed: Notify,
    first_poll: OnceLock<Instant>,
}

impl Station {
    pub(crate) fn new() -> Self {
        Self {
            state: Mutex::new(State::Starting),
            changed: Notify::new(),
            first_poll: OnceLock::new(),
        }
    }

    /// When the process first asked for an event.
    pub(crate) fn first_poll(&self) -> Option<Instant> {
        self.first_poll.get().copied()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The process asks for an event.
    pub(crate) fn poll(&self) -> Result<oneshot::Receiver<Event>, Refused> {
        let mut state = self.state();
        match &*state {
            State::Starting | State::Answered => {}
            // The process dropped its connection and asks again over a new one.
            State::Polling(sender) if sender.is_closed() => {}
            State::Polling(_) | State::Running(_) | State::Answering | State::Failed(_) => {
                return Err(Refused::StateTransition);
            }
        }
        self.first_poll.get_or_init(Instant::now);
        let (sender, receiver) = oneshot::channel();
        *state = State::Polling(sender);
        drop(state);
        self.changed.notify_one();
        Ok(receiver)
    }

    /// The event is about to be written to the process: the clock of the invocation starts.
    pub(crate) fn sending(&self) {
        if let State::Running(running) = &mut *self.state() {
            running.sent = Instant::now();
        }
    }

    /// The process begins to answer `request_id`.
    pub(crate) fn begin_answer(&self, request_id: &str) -> Result<Running, Refused> {
        let mut state = self.state();
        match std::mem::replace(&mut *state, State::Answering) {
            State::Running(running) if running.request_id == request_id => Ok(running),
            other => {
                let refused = match other {
                    State::Running(_) => Refused::UnknownRequestId,
                    State::Starting
                    | State::Polling(_)
                    | State::Answering
                    | State::Answered
                    | State::Failed(_) => Refused::StateTransition,
                };
                *state = other;
                Err(refused)
            }
        }
    }

    /// The answer ended. Nobody listens any more where the caller gave up: then it is dropped.
    pub(crate) fn finish(&self, running: Running, outcome: Outcome, first_byte: Instant) {
        *self.state() = State::Answered;
        let report = Report {
            outcome,
            sent: running.sent,
            first_byte,
            received: Instant::now(),
        };
        drop(running.report.send(report));
    }

    /// A buffered answer broke off: it was no answer, and the event is still in flight.
    pub(crate) fn resume(&self, running: Running) {
        *self.state() = State::Running(running);
    }

    /// The process says that its init failed.
    pub(crate) fn fail_init(&self, failure: InitFailure) -> Result<(), Refused> {
        let mut state = self.state();
        if !matches!(*state, State::Starting) {
            return Err(Refused::StateTransition);
        }
        *state = State::Failed(failure);
        drop(state);
        self.changed.notify_one();
        Ok(())
    }

    /// Waits until the process asks for an event or reports that it never will. One waiter at a time.
    pub(crate) async fn settled(&self) -> Result<(), InitFailure> {
        loop {
            match &*self.state() {
                State::Polling(sender) if !sender.is_closed() => return Ok(()),
                State::Failed(failure) => return Err(failure.clone()),
                State::Starting
                | State::Polling(_)
                | State::Running(_)
                | State::Answering
                | State::Answered => {}
            }
            self.changed.notified().await;
        }
    }

    /// Hands `event` to the waiting process; the event comes back where none waits any more.
    pub(crate) fn deliver(&self, event: Event) -> Result<oneshot::Receiver<Report>, Event> {
        let mut state = self.state();
        let State::Polling(_) = &*state else {
            return Err(event);
        };
        let (report, receiver) = oneshot::channel();
        let running = Running {
            request_id: event.request_id.clone(),
            sent: Instant::now(),
            report,
        };
        let State::Polling(process) = std::mem::replace(&mut *state, State::Running(running))
        else {
            return Err(event);
        };
        process
            .send(event)
            .inspect_err(|_| *state = State::Answered)?;
        Ok(receiver)
    }
}
