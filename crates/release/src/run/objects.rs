//! The calls that go to the object store: many at once where the order makes no difference.

use super::{Event, Progress, RunError, Site, Source};
use crate::key::{MANIFESTS, OBJECTS, VersionedKey};
use crate::port::{Clock, KEYS_MAX, LedgerPort, ObjectPort, PortError, Upload};
use crate::protocol::Keys;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use std::collections::HashSet;

/// How many uploads are under way at one time.
pub const UPLOADS_AT_ONCE: usize = 64;
/// The largest manifest that is read, in bytes.
pub const MANIFEST_BYTES_MAX: u64 = 1024 * 1024 * 1024;
/// Up to that many keys are looked at one by one; for more the store is listed.
const HEADS_MAX: usize = 64;

impl<O: ObjectPort, L: LedgerPort, C: Clock> Site<O, L, C> {
    /// The keys that are not in the store, in the order in which they were given.
    pub(super) async fn absent(&self, keys: &Keys) -> Result<Keys, RunError> {
        if keys.len() > HEADS_MAX {
            let mut absent: HashSet<&VersionedKey> = keys.iter().collect();
            self.each_key(|key| {
                absent.remove(&key);
            })
            .await?;
            let absent = keys.iter().filter(|key| absent.contains(key));
            return Ok(absent.cloned().collect());
        }
        let heads = owned(keys).map(|key| async move {
            let found = self.objects.head(&key).await;
            let found = found.map_err(|error| at(&key, error))?;
            Ok::<_, RunError>(found.is_none().then_some(key))
        });
        let absent: Vec<_> = heads.buffered(UPLOADS_AT_ONCE).try_collect().await?;
        Ok(absent.into_iter().flatten().collect())
    }

    /// Calls `see` with every key in the store.
    pub(super) async fn each_key(&self, mut see: impl FnMut(VersionedKey)) -> Result<(), RunError> {
        for prefix in [OBJECTS, MANIFESTS] {
            let mut from = None;
            loop {
                let page = self.objects.list(prefix, from.as_deref()).await;
                let page = page.map_err(|error| at(prefix, error))?;
                page.keys.into_iter().for_each(&mut see);
                if page.next <= from {
                    break;
                }
                from = page.next;
            }
        }
        Ok(())
    }

    pub(super) async fn put(
        &self,
        source: &impl Source,
        keys: &Keys,
        progress: Progress<'_>,
    ) -> Result<(), RunError> {
        let uploads = owned(keys).map(|key| async move {
            let description = source.description(&key);
            let description = description
                .ok_or_else(|| RunError::Source(format!("nothing has the key {key}")))?;
            let body = source.body(&key).map_err(RunError::Source)?;
            let upload = Upload { description, body };
            let put = self.objects.put_if_absent(&key, &upload).await;
            put.map_err(|error| at(&key, error))?;
            let bytes = upload.description.size;
            Ok::<_, RunError>(Event::Uploaded { key, bytes })
        });
        let mut uploads = uploads.buffer_unordered(UPLOADS_AT_ONCE);
        while let Some(uploaded) = uploads.next().await {
            progress(uploaded?);
        }
        Ok(())
    }

    /// The keys under which something else is stored than was to be, or nothing.
    pub(super) async fn verify(&self, source: &impl Source, keys: &Keys) -> Result<Keys, RunError> {
        let heads = owned(keys).map(|key| async move {
            let found = self
                .objects
                .head(&key)
                .await
                .map_err(|error| at(&key, error))?;
            let right = found.is_some() && found == source.description(&key);
            Ok::<_, RunError>((!right).then_some(key))
        });
        let wrong: Vec<_> = heads
            .buffer_unordered(UPLOADS_AT_ONCE)
            .try_collect()
            .await?;
        Ok(wrong.into_iter().flatten().collect())
    }

    pub(super) async fn delete(&self, keys: &Keys) -> Result<(), RunError> {
        for chunk in keys.chunks(KEYS_MAX) {
            let deleted = self.objects.delete(chunk).await;
            deleted.map_err(|error| at(chunk.first().map_or("", VersionedKey::as_str), error))?;
        }
        Ok(())
    }
}

fn owned(keys: &Keys) -> stream::Iter<std::vec::IntoIter<VersionedKey>> {
    stream::iter(keys.to_vec())
}

pub(super) fn at(place: &(impl ToString + ?Sized), error: PortError) -> RunError {
    let at = place.to_string();
    RunError::Objects { at, error }
}
