//! A change of the ledger alone: rollback, preview, trial, and their ends.

use super::{Answer, Call, Failure, Step, Writing};
use crate::guards::Guards;
use crate::key::ReleaseId;
use crate::ledger::{Changed, Ledger, Target};
use portcullis_site::Name;
use std::sync::Arc;

/// What an operator wants.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Make this release live, or the one before the live one.
    Rollback(Option<ReleaseId>),
    /// Serve a release that is here already somewhere else too.
    Serve(ReleaseId, Target),
    /// Make the release on trial live.
    Promote,
    /// End the trial.
    Withdraw,
    /// Stop the trial of this release until somebody decides.
    Hold(ReleaseId),
    /// End a preview.
    EndPreview(Name),
    /// Give a lease back.
    GiveBack(u64),
}

/// The machine of one [`Operation`]. It ends with the ledger as it left it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Change {
    operation: Operation,
    guards: Guards,
    writing: Writing,
}

impl Change {
    /// A machine that has done nothing yet.
    #[must_use]
    pub fn new(operation: Operation, guards: Guards) -> Self {
        let writing = Writing::default();
        Self {
            operation,
            guards,
            writing,
        }
    }

    /// Goes on with `answer` at `now`.
    pub fn step(&mut self, answer: Answer, now: u64) -> Step<Arc<Ledger>> {
        match self.go(answer, now) {
            Ok(step) => step,
            Err(failure) => Step::End(Err(failure)),
        }
    }

    fn go(&mut self, answer: Answer, now: u64) -> Result<Step<Arc<Ledger>>, Failure> {
        match answer {
            Answer::Begin | Answer::Conflict | Answer::Lost => Ok(Step::Call(Call::Load)),
            Answer::Stored => match self.writing.tried.take() {
                Some(ledger) => Ok(Step::End(Ok(ledger))),
                None => Err(Failure::OutOfOrder),
            },
            Answer::Ledger(ledger) if self.writing.succeeded(&ledger) => Ok(Step::End(Ok(ledger))),
            Answer::Ledger(ledger) => match self.apply(&ledger, now)? {
                None => Ok(Step::End(Ok(ledger))),
                Some(next) => self.writing.store(next).map(Step::Call),
            },
            Answer::Assigned(_) | Answer::Keys(_) | Answer::Done => Err(Failure::OutOfOrder),
        }
    }

    fn apply(&mut self, ledger: &Ledger, now: u64) -> Changed {
        match &self.operation {
            Operation::Rollback(None) => {
                // Decided once: tried again, it must not go back twice.
                let release = ledger.earlier()?;
                self.operation = Operation::Rollback(Some(release));
                ledger.move_to(release, &Target::Live, now, self.guards)
            }
            Operation::Rollback(Some(release)) => {
                ledger.move_to(*release, &Target::Live, now, self.guards)
            }
            Operation::Serve(release, target) => ledger.move_to(*release, target, now, self.guards),
            Operation::Promote => ledger.promote(now),
            Operation::Withdraw => ledger.withdraw(now),
            Operation::Hold(release) => ledger.hold(*release, now),
            Operation::EndPreview(name) => ledger.end_preview(name, now),
            Operation::GiveBack(fence) => ledger.give_back(*fence),
        }
    }
}
