//! The suites that every adapter of a port runs: one for object stores, one for state stores.
//!
//! A suite is given the adapter and a way to write what the adapter shall read, checks everything the port promises, and
//! fails once, naming every promise that is not kept. Both take the `Fixture` of their module.

pub mod state;
pub mod store;

/// Promises that were not kept.
#[derive(Debug, Default)]
struct Problems(Vec<String>);

impl Problems {
    /// Notes `promise` and what was found in its place, unless it holds.
    fn check(&mut self, holds: bool, promise: &str, found: impl std::fmt::Debug) {
        if !holds {
            let found: String = format!("{found:?}")
                .chars()
                .take(FOUND_CHARACTERS_MAX)
                .collect();
            self.0.push(format!("{promise}: found {found}"));
        }
    }
}

/// How much of a wrong value is printed, in characters.
const FOUND_CHARACTERS_MAX: usize = 300;

#[expect(
    clippy::panic,
    reason = "a suite that fails must fail the test that runs it"
)]
fn fail_on(problems: Problems, adapter: &str) {
    let Problems(list) = problems;
    if !list.is_empty() {
        panic!(
            "{adapter} breaks {} promises:\n  {}",
            list.len(),
            list.join("\n  ")
        );
    }
}
