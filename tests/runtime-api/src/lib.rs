//! A stand-in for the AWS Lambda Runtime API that runs a *shipped* function binary the way Lambda does.
//!
//! What it keeps of Lambda: one request in flight per process and as many processes as configured, the init and
//! function time limits (a process that exceeds one is killed by its id), freezing between invocations, the size limits of
//! request and answer, buffered and streamed answers with prelude and error trailers, and the rules by which a function URL
//! turns an answer into HTTP. What it observes: connections, invocations, times, peak memory and every line written.
//!
//! Deliberately absent: the memory limit (observed, not enforced), the bandwidth cap of streams, extensions, SnapStart, layers,
//! throttling, retries of asynchronous invocations, several events at once in one process (managed instances), and anything that only the AWS network could show. A time measured here is
//! the function's own; it is never a Lambda figure. A small stream of `lambda_runtime` stalls here for about 44 ms, because its
//! client leaves Nagle's algorithm on and the loopback peer delays its acknowledgement.
//!
//! ```no_run
//! use portcullis_runtime_api::{FunctionConfig, Lambda, Outcome, UrlAnswer, UrlRequest, function_url_event};
//!
//! # async fn example() -> Result<(), portcullis_runtime_api::StartError> {
//! let lambda = Lambda::start(FunctionConfig::new("target/lambda/gateway/bootstrap")).await?;
//! let event = function_url_event(&UrlRequest::get("/index.html"));
//! let invocation = lambda.invoke(event).await;
//! assert!(matches!(invocation.outcome, Outcome::Buffered(_)));
//! assert_eq!(UrlAnswer::of(&invocation.outcome).status, 200);
//! # Ok(())
//! # }
//! ```

mod answers;
mod body;
mod config;
mod environment;
mod front;
mod lambda;
mod logs;
mod outcome;
mod process;
mod server;
mod station;

pub use config::FunctionConfig;
pub use front::{
    AlbHeaders, Iam, UrlAnswer, UrlRequest, alb_event, decode_alb_answer, decode_url_answer,
    function_url_event,
};
pub use lambda::{Lambda, StartError, Stats};
pub use logs::{LogLine, LogStream};
pub use outcome::{
    InitFailure, Invocation, Outcome, REQUEST_BYTES_MAX, RESPONSE_BYTES_MAX, STREAM_BYTES_MAX,
    StreamEnd, Streamed, Timings,
};
pub use process::EnvironmentStats;
