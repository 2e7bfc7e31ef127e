//! Changes of the ledger that the collector makes.

use super::{Changed, Collection, Ledger};
use crate::guards::{Guard, Guards};
use crate::key::ReleaseId;

/// What a collection never takes, besides what is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Retention {
    /// That many of the releases that were live last.
    pub releases: usize,
    /// Releases unused for less than that many seconds: pages of theirs may be open.
    pub min_age: u64,
    /// The seconds between condemning and deleting: readers that have not yet heard may still ask.
    pub grace: u64,
    /// The most by which clocks differ and a write takes effect after the time that it says, in seconds. Both times above
    /// are longer by it. What is served or kept is safe without: only the promise in seconds rests on it.
    pub slack: u64,
}

impl Ledger {
    /// The releases that a collection would condemn now.
    pub fn expired(
        &self,
        retention: Retention,
        now: u64,
        guards: Guards,
    ) -> impl Iterator<Item = ReleaseId> {
        let min_age = retention.min_age.saturating_add(retention.slack);
        let newest = self.releases.len().saturating_sub(retention.releases);
        let candidates = self.releases.iter().enumerate();
        let candidates = candidates.filter(move |(index, record)| {
            let age = match record.unused_since {
                Some(since) => Some(now.saturating_sub(since)),
                None if guards.has(Guard::Reachability) => None,
                // The mistake of a lifecycle rule: age alone decides.
                None => Some(now.saturating_sub(record.published_at)),
            };
            let kept = *index >= newest && guards.has(Guard::Reachability);
            !record.condemned && !kept && age.is_some_and(|age| age >= min_age)
        });
        candidates.map(|(_, record)| record.release)
    }

    /// The first phase: condemns what has expired and ends the era.
    ///
    /// # Errors
    /// [`super::Refusal::Busy`] while somebody publishes.
    pub fn condemn(&self, retention: Retention, now: u64, guards: Guards) -> Changed {
        if self.collection.is_some() {
            return Ok(None);
        }
        let mut next = self.next();
        if guards.has(Guard::CollectorLease) {
            if let Some(lease) = self.lease.as_ref().filter(|lease| now < lease.expires_at) {
                return Err(lease.busy());
            }
            next.lease = None;
        }
        let condemned = next.condemn_expired(retention, now, guards);
        next.collection = Some(Collection {
            era: self.era,
            condemned_at: now,
        });
        if guards.has(Guard::Era) {
            next.era += 1;
        }
        // Readers stop answering for what is condemned.
        next.epoch += u64::from(condemned);
        Ok(Some(next))
    }

    /// Condemns what has expired, and says whether anything had.
    pub(crate) fn condemn_expired(
        &mut self,
        retention: Retention,
        now: u64,
        guards: Guards,
    ) -> bool {
        let expired: Vec<ReleaseId> = self.expired(retention, now, guards).collect();
        for record in &mut self.releases {
            record.condemned |= expired.contains(&record.release);
        }
        !expired.is_empty()
    }

    /// When the second phase may begin, if there is one to come.
    #[must_use]
    pub fn sweep_at(&self, retention: Retention, guards: Guards) -> Option<u64> {
        let grace = if guards.has(Guard::Grace) {
            retention.grace.saturating_add(retention.slack)
        } else {
            0
        };
        self.collection
            .map(|collection| collection.condemned_at.saturating_add(grace))
    }

    /// The end of the second phase: forgets what was condemned, after all of it was deleted.
    ///
    /// # Errors
    /// None; a collection that is not under way has ended.
    pub fn swept(&self, collection: Collection) -> Changed {
        if self.collection != Some(collection) {
            return Ok(None);
        }
        let mut next = self.next();
        next.collection = None;
        next.releases.retain(|record| !record.condemned);
        Ok(Some(next))
    }
}
