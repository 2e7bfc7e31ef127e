//! A store and a ledger in memory: for tests, and the reference for what the other adapters do.

use crate::key::{Digest, VersionedKey};
use crate::ledger::Ledger;
use crate::port::{
    Body, Description, KEYS_MAX, LedgerPort, ObjectPort, Page, PortError, Put, Upload, Written,
};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Objects in memory; a clone is the same store.
#[derive(Debug, Clone, Default)]
pub struct MemoryObjects(Arc<Mutex<BTreeMap<String, (Description, Bytes)>>>);

/// A ledger in memory; a clone is the same one.
#[derive(Debug, Clone, Default)]
pub struct MemoryLedger(Arc<Mutex<Ledger>>);

impl MemoryObjects {
    fn open(&self) -> MutexGuard<'_, BTreeMap<String, (Description, Bytes)>> {
        // No panic leaves a map half changed: each change is one call of it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ObjectPort for MemoryObjects {
    async fn put_if_absent(&self, key: &VersionedKey, upload: &Upload) -> Result<Put, PortError> {
        let bytes = match &upload.body {
            Body::Bytes(bytes) => bytes.clone(),
            Body::File(path) => std::fs::read(path)
                .map_err(|error| PortError::Changed(format!("{}: {error}", path.display())))?
                .into(),
        };
        check(&upload.description, &bytes)?;
        Ok(match self.open().entry(key.as_str().to_owned()) {
            Entry::Occupied(_) => Put::Present,
            Entry::Vacant(place) => {
                place.insert((upload.description.clone(), bytes));
                Put::Written
            }
        })
    }

    async fn head(&self, key: &VersionedKey) -> Result<Option<Description>, PortError> {
        let found = self.open().get(key.as_str()).cloned();
        Ok(found.map(|(description, _)| description))
    }

    async fn get(&self, key: &VersionedKey, bytes_max: u64) -> Result<Option<Bytes>, PortError> {
        let found = self.open().get(key.as_str()).cloned();
        match found {
            Some((description, _)) if description.size > bytes_max => Err(PortError::Malformed(
                format!("{} bytes are too many", description.size),
            )),
            found => Ok(found.map(|(_, bytes)| bytes)),
        }
    }

    async fn list(&self, prefix: &str, from: Option<&str>) -> Result<Page, PortError> {
        let objects = self.open();
        let from = from.unwrap_or(prefix).to_owned();
        let mut keys = objects
            .range(from..)
            .map(|(key, _)| key)
            .take_while(|key| key.starts_with(prefix));
        let page: Vec<&String> = keys.by_ref().take(KEYS_MAX).collect();
        let keys_of_ours = page
            .iter()
            .filter_map(|key| VersionedKey::parse(key).ok())
            .collect();
        Ok(Page {
            keys: keys_of_ours,
            next: keys.next().cloned(),
        })
    }

    async fn delete(&self, keys: &[VersionedKey]) -> Result<(), PortError> {
        let mut objects = self.open();
        for key in keys {
            objects.remove(key.as_str());
        }
        Ok(())
    }
}

/// Whether `bytes` are what the description says.
pub(crate) fn check(description: &Description, bytes: &[u8]) -> Result<(), PortError> {
    if bytes.len() as u64 == description.size && Digest::of(bytes) == description.sha256 {
        Ok(())
    } else {
        Err(PortError::Changed("the checksum differs".to_owned()))
    }
}

impl LedgerPort for MemoryLedger {
    async fn load(&self) -> Result<Ledger, PortError> {
        Ok(self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone())
    }

    async fn store(&self, expected: u64, ledger: &Ledger) -> Result<Written, PortError> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.version != expected {
            return Ok(Written::Conflict);
        }
        held.clone_from(ledger);
        Ok(Written::Yes)
    }
}

#[cfg(test)]
mod tests {
    use super::{MemoryLedger, MemoryObjects};
    use crate::conformance;

    #[tokio::test]
    async fn they_keep_the_promises_of_a_store_and_a_ledger() {
        conformance::objects(&MemoryObjects::default()).await;
        conformance::ledger(&MemoryLedger::default()).await;
    }
}
