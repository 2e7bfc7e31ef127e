//! What one invocation came to, in the words Lambda would use, and how long it took.

use bytes::Bytes;
use serde_json::Value;
use std::time::Duration;

/// The largest event of a synchronous invocation, in bytes.
pub const REQUEST_BYTES_MAX: usize = 6 * 1024 * 1024;
/// The largest buffered answer as sent (JSON, base64 included), in bytes: the figure Lambda names in its error.
pub const RESPONSE_BYTES_MAX: usize = 6_291_556;
/// The largest streamed answer, in bytes.
pub const STREAM_BYTES_MAX: usize = 200 * 1024 * 1024;

/// One finished invocation.
#[derive(Debug)]
pub struct Invocation {
    /// What Lambda calls the AWS request id.
    pub request_id: String,
    /// What came of it.
    pub outcome: Outcome,
    /// How long it took.
    pub timings: Timings,
}

/// How long the parts of one invocation took. Everything is zero or `None` where the part did not happen.
#[derive(Clone, Copy, Debug, Default)]
pub struct Timings {
    /// From spawning the process to its first request for an event, where this invocation was the process's first.
    pub init: Option<Duration>,
    /// From sending the event to the first byte of the answer.
    pub first_byte: Option<Duration>,
    /// From sending the event to the last byte of the answer, or to the end of the process.
    pub total: Duration,
}

/// What came of an invocation.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// A complete buffered answer, as sent.
    Buffered(Bytes),
    /// A streamed answer, complete or not: see [`Streamed::end`].
    Streamed(Streamed),
    /// The function reported an error for this event.
    FunctionError {
        /// The header `Lambda-Runtime-Function-Error-Type`.
        error_type: String,
        /// The error object, as sent.
        payload: Bytes,
    },
    /// The time limit passed; the process was killed.
    TimedOut,
    /// The event is larger than [`REQUEST_BYTES_MAX`] and was never sent.
    RequestTooLarge,
    /// The buffered answer is larger than [`RESPONSE_BYTES_MAX`] and was refused; the process lives on.
    ResponseTooLarge,
    /// The process ended before it answered.
    Crashed {
        /// How it ended, for people: `exit status: 1`, `signal: 9 (SIGKILL)`.
        status: String,
    },
    /// The process never asked for an event.
    InitFailed(InitFailure),
}

/// Why a process never asked for an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InitFailure {
    /// It posted to `/runtime/init/error`.
    Reported {
        /// The header `Lambda-Runtime-Function-Error-Type`.
        error_type: String,
        /// The error object, as sent.
        payload: Bytes,
    },
    /// It ended by itself.
    Exited {
        /// How it ended, for people.
        status: String,
    },
    /// The init limit passed; the process was killed.
    TimedOut,
    /// The operating system could not start it.
    NotStarted {
        /// The system's message.
        reason: String,
    },
}

/// A streamed answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Streamed {
    /// The JSON before the eight NUL bytes; `None` where the content type announces none, or it never arrived whole.
    pub prelude: Option<Value>,
    /// What followed the prelude and arrived, in order.
    pub body: Bytes,
    /// How the stream ended.
    pub end: StreamEnd,
}

/// How a stream ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamEnd {
    /// With its last chunk.
    Complete,
    /// The connection broke: the viewer sees a cut body.
    Broken,
    /// With error trailers: the viewer sees a cut body.
    Failed {
        /// The trailer `Lambda-Runtime-Function-Error-Type`.
        error_type: String,
        /// The trailer `Lambda-Runtime-Function-Error-Body`, base64 removed.
        error_body: Bytes,
    },
    /// The time limit passed and the process was killed.
    TimedOut,
    /// More than [`STREAM_BYTES_MAX`]: cut there.
    TooLarge,
    /// A prelude was announced and is missing or no JSON.
    BadPrelude,
}
