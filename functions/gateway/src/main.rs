//! The Lambda function `portcullis-gateway`.
//!
//! One thread: an environment has one event at a time, and with more threads the connection to the Runtime API would move
//! between them. What stops the start is one line on standard error, and a status by which Lambda sees that it failed.

use portcullis_aws::environment::Environment;
use portcullis_gateway::{log, start};
use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let Err(error) = start::run(&Environment::of_process()).await;
    log::trouble(&error.to_string());
    ExitCode::FAILURE
}
