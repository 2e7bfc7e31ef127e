//! The conditions on which the protocol's safety rests, by name, so that a test can take each out and see what breaks.
//!
//! Always holds: outside of this crate's own tests every guard is in place.

/// One condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Guard {
    /// A commit needs the lease it was planned under.
    Fence,
    /// A flip replaces the release it was planned against and no other.
    Over,
    /// What is condemned cannot be served again.
    Tombstones,
    /// What is live, previewed or on trial is not condemned, however old.
    Reachability,
    /// Condemning waits for a publisher whose lease runs, and shuts one out whose lease has ended.
    CollectorLease,
    /// A collection ends an era: what is published later has other keys.
    Era,
    /// Nothing is deleted before its grace has passed.
    Grace,
    /// Objects are there before the pointer names them.
    UploadFirst,
    /// What was uploaded is looked at before the flip.
    Verify,
    /// Versioned names of every kept release go on answering.
    KeptAnswer,
    /// An invalidation names the keys that the cache has.
    RewrittenKeys,
}

/// Which guards are in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Guards(u16);

impl Guards {
    /// All of them.
    pub const ALL: Self = Self(u16::MAX);

    pub(crate) const fn has(self, guard: Guard) -> bool {
        self.0 & (1 << guard as u16) != 0
    }

    /// All but one.
    #[cfg(test)]
    pub(crate) const fn without(guard: Guard) -> Self {
        Self(!(1 << guard as u16))
    }
}
