//! The protocol: three machines that say what to do next and are told what came of it.
//!
//! A machine knows neither time nor I/O; [`crate::run`] carries out its calls over the ports, and the model check does in
//! every order that there is.
//!
//! Always holds: whatever a machine was told and wherever it was stopped, another one can begin from the start; a write of
//! the ledger that was answered by silence is looked for before it is tried again.

mod change;
mod collect;
mod publish;

pub use change::{Change, Operation};
pub use collect::{Collect, Collected};
pub use publish::{Publish, PublishSettings, Published};

use crate::key::{ReleaseId, VersionedKey};
use crate::ledger::{Ledger, Refusal};
use std::sync::Arc;

/// How often the ledger is read again because somebody else wrote it first or a write was not answered.
pub const ATTEMPTS_MAX: u8 = 12;
/// The most objects uploaded or deleted between two looks at the clock.
pub const CHUNK: usize = crate::port::KEYS_MAX;

/// What a machine wants done.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Call {
    /// Read the ledger.
    Load,
    /// Write the ledger over the version before it.
    Store(Arc<Ledger>),
    /// Name the release: which key has each of its contents, given the releases that remain in this ledger.
    Assign(Arc<Ledger>),
    /// Which of these keys are not in the store?
    Absent(Keys),
    /// Upload what has these keys.
    Put(Keys),
    /// Which of these keys are not stored as they should be?
    Verify(Keys),
    /// Which keys up to an era does no remaining release of the ledger refer to?
    Unreferenced(Arc<Ledger>, u64),
    /// Delete these keys.
    Delete(Keys),
}

/// What came of a [`Call`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Answer {
    /// Nothing was asked yet.
    Begin,
    /// The ledger.
    Ledger(Arc<Ledger>),
    /// The ledger was written.
    Stored,
    /// Somebody else wrote it first.
    Conflict,
    /// No answer: it was written or not, or will be.
    Lost,
    /// The release.
    Assigned(Assigned),
    /// Keys.
    Keys(Keys),
    /// It is done.
    Done,
}

/// Some keys.
pub type Keys = Arc<[VersionedKey]>;

/// A release whose keys are known.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Assigned {
    /// Its id.
    pub release: ReleaseId,
    /// The key of its manifest.
    pub manifest: VersionedKey,
    /// The keys of its objects, each once.
    pub objects: Keys,
    /// Those of them that no release that remains refers to: nobody has looked at them yet.
    pub fresh: Keys,
}

/// What a machine says.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Step<T> {
    /// Do this and come back with the answer.
    Call(Call),
    /// It is over.
    End(Result<T, Failure>),
}

/// Why a machine gave up. The live release is what it was, or what somebody else made it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Failure {
    /// The ledger does not allow it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Objects are not stored as they should be.
    #[error("{} objects are missing or differ from what was uploaded, among them {}", .0.len(), first(.0))]
    Incomplete(Keys),
    /// The ledger was written by others again and again, or never answered.
    #[error("the ledger could not be written in {ATTEMPTS_MAX} attempts")]
    Contended,
    /// An answer was not one to the question: a fault of the driver.
    #[error("the protocol was driven out of order")]
    OutOfOrder,
}

fn first(keys: &Keys) -> &str {
    keys.first().map_or("none", VersionedKey::as_str)
}

/// A conditional write that may have to be tried again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
struct Writing {
    tried: Option<Arc<Ledger>>,
    attempts: u8,
}

impl Writing {
    /// Whether `ledger` is what was written without an answer.
    fn succeeded(&self, ledger: &Arc<Ledger>) -> bool {
        self.tried.as_ref() == Some(ledger)
    }

    fn store(&mut self, next: Ledger) -> Result<Call, Failure> {
        if self.attempts == ATTEMPTS_MAX {
            return Err(Failure::Contended);
        }
        self.attempts += 1;
        let next = Arc::new(next);
        self.tried = Some(Arc::clone(&next));
        Ok(Call::Store(next))
    }
}

#[cfg(test)]
mod model;
