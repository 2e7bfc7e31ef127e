//! The shipped program under the stand-in for Lambda's Runtime API, over a directory of objects and a state in a file.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot start its function, or reads an answer that is not there, must fail"
)]

mod events;
mod fixture;
mod lines;
mod matrix;
mod process;
mod size;
mod start;
mod stream;
