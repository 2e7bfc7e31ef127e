//! Objects in memory, with a plan of faults: a store that works, for tests of what stands on it.
//!
//! It answers as any store does, conditions and ranges included. What a [`Fault`] adds is what stores do on bad days, at
//! the call the test names. Every call is written down. Clones are the same store.
//!
//! Deliberately absent: expectations. A test looks at the result, and at [`MemoryStore::calls`] when the number of calls
//! is the result.

mod body;

use crate::field::StrongTag;
use crate::store::{
    Fetched, Metadata, Object, ObjectRef, ObjectStore, RawMetadata, Selection, StoreError, Want,
};
use body::{End, MemoryBody};
use bytes::Bytes;
use http_body_util::BodyExt as _;
use portcullis_site::Bucket;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How many calls are written down; later ones are only counted.
pub const CALLS_MAX: usize = 100_000;

/// How many bytes one part of a body has.
pub const PART_BYTES: usize = 64 * 1024;

/// An object as a test puts it.
#[derive(Debug, Clone, Default)]
pub struct MemoryObject {
    /// The bytes.
    pub bytes: Bytes,
    /// The header values, which need not be legal ones.
    pub raw: RawMetadata,
    /// When it was written, in seconds since the epoch.
    pub last_modified: Option<u64>,
    /// Whether the store says the SHA-256 of the bytes.
    pub keeps_sha256: bool,
}

/// What goes wrong in one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The answer is this error.
    Fail(StoreError),
    /// The answer comes this much later, on tokio's clock.
    Delay(Duration),
    /// The answer never comes.
    Hang,
    /// Before the answer the object gets these bytes, and with them another entity tag.
    Overwrite(Bytes),
    /// The body ends with an error after so many bytes.
    BreakBody(u64),
    /// The body ends as if complete after so many bytes.
    EndBody(u64),
    /// The body stops after so many bytes without ending.
    StallBody(u64),
    /// The byte at this offset of the object has its lowest bit flipped in the body.
    FlipBit(u64),
    /// The metadata says this size in bytes, whatever the object has.
    ClaimSize(u64),
    /// The metadata has no entity tag.
    OmitTag,
    /// The `Cache-Control` value has so many bytes.
    LongValue(usize),
}

/// Which calls a fault strikes; calls are counted from 1, reads of metadata included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// This one.
    Call(u64),
    /// This one and all that follow.
    From(u64),
}

/// What a call asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// The bytes.
    Get(Want),
    /// The metadata.
    Head,
}

/// One call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The object.
    pub object: ObjectRef,
    /// What of it.
    pub asked: Asked,
}

/// A store of objects in memory.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    objects: BTreeMap<(Bucket, String), MemoryObject>,
    faults: Vec<(At, Fault)>,
    calls: Vec<Call>,
    count: u64,
}

impl At {
    fn strikes(self, call: u64) -> bool {
        match self {
            Self::Call(number) => call == number,
            Self::From(first) => call >= first,
        }
    }
}

impl MemoryObject {
    /// An object of these bytes and no metadata but the SHA-256.
    #[must_use]
    pub fn new(bytes: impl Into<Bytes>) -> Self {
        Self {
            bytes: bytes.into(),
            keeps_sha256: true,
            ..Self::default()
        }
    }

    /// The same object with this media type.
    #[must_use]
    pub fn with_type(mut self, content_type: &str) -> Self {
        self.raw.content_type = Some(content_type.as_bytes().to_vec());
        self
    }

    fn metadata(&self) -> Metadata {
        let sha256: [u8; 32] = Sha256::digest(&self.bytes).into();
        let tag: String = sha256
            .iter()
            .take(16)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let mut metadata = Metadata {
            size: self.bytes.len() as u64,
            etag: StrongTag::parse(format!("\"{tag}\"").as_bytes()),
            last_modified: self.last_modified,
            sha256: self.keeps_sha256.then_some(sha256),
            ..Metadata::default()
        };
        metadata.describe(&self.raw);
        metadata
    }
}

impl MemoryStore {
    /// A store without objects.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts an object in place.
    pub fn put(&self, bucket: &Bucket, key: &str, object: MemoryObject) {
        self.state()
            .objects
            .insert((bucket.clone(), key.to_owned()), object);
    }

    /// Removes an object; whether there was one.
    pub fn remove(&self, bucket: &Bucket, key: &str) -> bool {
        let name = (bucket.clone(), key.to_owned());
        self.state().objects.remove(&name).is_some()
    }

    /// Plans a fault. Several may strike the same call.
    pub fn plan(&self, at: At, fault: Fault) {
        self.state().faults.push((at, fault));
    }

    /// Forgets the plan.
    pub fn heal(&self) {
        self.state().faults.clear();
    }

    /// How many calls there were.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.state().count
    }

    /// The calls in order, at most the first [`CALLS_MAX`].
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.state().calls.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes the call down, lets its faults strike and finds the object as it then is.
    async fn meet(&self, object: &ObjectRef, asked: Asked) -> Result<Option<Met>, StoreError> {
        let faults = self.state().begin(object, asked);
        for fault in &faults {
            match fault {
                Fault::Fail(error) => return Err(error.clone()),
                Fault::Delay(time) => tokio::time::sleep(*time).await,
                Fault::Hang => std::future::pending().await,
                _ => {}
            }
        }
        Ok(self.state().find(object, faults))
    }
}

impl State {
    fn begin(&mut self, object: &ObjectRef, asked: Asked) -> Vec<Fault> {
        self.count += 1;
        if self.calls.len() < CALLS_MAX {
            let object = object.clone();
            self.calls.push(Call { object, asked });
        }
        let strikes = |(at, fault): &(At, Fault)| at.strikes(self.count).then(|| fault.clone());
        self.faults.iter().filter_map(strikes).collect()
    }

    fn find(&mut self, object: &ObjectRef, faults: Vec<Fault>) -> Option<Met> {
        let name = (object.bucket.clone(), object.key.as_str().to_owned());
        let object = self.objects.get_mut(&name)?;
        for fault in &faults {
            if let Fault::Overwrite(bytes) = fault {
                object.bytes = bytes.clone();
            }
        }
        let object = object.clone();
        Some(Met { object, faults })
    }
}

/// An object, and the faults of the call that found it.
struct Met {
    object: MemoryObject,
    faults: Vec<Fault>,
}

impl Met {
    fn metadata(&self) -> Metadata {
        let mut object = self.object.clone();
        for fault in &self.faults {
            if let Fault::LongValue(length) = fault {
                object.raw.cache_control = Some(vec![b'x'; *length]);
            }
        }
        let mut metadata = object.metadata();
        for fault in &self.faults {
            match fault {
                Fault::ClaimSize(size) => metadata.size = *size,
                Fault::OmitTag => metadata.etag = None,
                _ => {}
            }
        }
        metadata
    }

    /// The bytes from `first` to before `end`, as the faults leave them.
    fn body(&self, first: u64, end: u64) -> MemoryBody {
        let at = |offset: u64| {
            usize::try_from(offset)
                .unwrap_or(usize::MAX)
                .min(self.object.bytes.len())
        };
        let mut bytes = self.object.bytes.slice(at(first)..at(end));
        let mut stop = End::Complete;
        for fault in &self.faults {
            let (length, how) = match fault {
                Fault::FlipBit(offset) => {
                    bytes = with_bit_flipped(&bytes, offset.wrapping_sub(first));
                    continue;
                }
                Fault::BreakBody(length) => (*length, End::Broken),
                Fault::EndBody(length) => (*length, End::Complete),
                Fault::StallBody(length) => (*length, End::Stalled),
                _ => continue,
            };
            bytes.truncate(usize::try_from(length).unwrap_or(usize::MAX));
            stop = how;
        }
        MemoryBody::new(bytes, stop)
    }
}

fn with_bit_flipped(bytes: &Bytes, offset: u64) -> Bytes {
    let mut copy = bytes.to_vec();
    if let Some(byte) = usize::try_from(offset)
        .ok()
        .and_then(|offset| copy.get_mut(offset))
    {
        *byte ^= 1;
    }
    copy.into()
}

impl ObjectStore for MemoryStore {
    async fn get(&self, object: &ObjectRef, want: &Want) -> Result<Fetched, StoreError> {
        let Some(met) = self.meet(object, Asked::Get(want.clone())).await? else {
            return Ok(Fetched::Missing);
        };
        let metadata = met.metadata();
        let part = match want.select(&metadata) {
            Selection::Changed => return Ok(Fetched::Changed),
            Selection::NotModified => return Ok(Fetched::NotModified(metadata)),
            Selection::Unsatisfiable => {
                let size = Some(metadata.size);
                return Ok(Fetched::Unsatisfiable { size });
            }
            Selection::Whole => None,
            Selection::Part(part) => Some(part),
        };
        let (first, end) = part.map_or((0, u64::MAX), |part| {
            (part.first(), part.last().saturating_add(1))
        });
        let body = met.body(first, end).boxed_unsync();
        Ok(Object { metadata, body }.fetched(part))
    }

    async fn head(&self, object: &ObjectRef) -> Result<Option<Metadata>, StoreError> {
        let met = self.meet(object, Asked::Head).await?;
        Ok(met.map(|met| met.metadata()))
    }
}

#[cfg(test)]
mod tests;
