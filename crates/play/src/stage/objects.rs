//! Objects in memory: as the gateway's store, and as a bucket that CloudFront reads itself.

use super::{NoStage, lock};
use crate::scenario::{Object, Scenario};
use bytes::Bytes;
use portcullis_edge_server::body::Body;
use portcullis_edge_server::fields::Fields;
use portcullis_edge_server::origins::{
    Fetching, Framing, OriginAnswer, OriginConnector, OriginFailure, OriginFetch,
};
use portcullis_http_semantics::HttpDate;
use portcullis_origin::store::StoreError;
use portcullis_origin::store::memory::{At, Fault, MemoryObject, MemoryStore};
use portcullis_site::Bucket;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

/// All buckets of a stage.
#[derive(Clone)]
pub(super) struct Objects {
    store: MemoryStore,
    held: Arc<Mutex<Held>>,
}

#[derive(Default)]
struct Held {
    objects: BTreeMap<(String, String), Stored>,
    buckets: BTreeSet<String>,
    down: BTreeSet<String>,
}

#[derive(Clone)]
struct Stored {
    bytes: Bytes,
    content_type: String,
    cache_control: Option<String>,
    last_modified: u64,
}

impl Objects {
    /// The objects of a scenario over those of its folder: bucket, key and bytes.
    pub(super) fn of(
        scenario: &Scenario,
        folder: &[(String, String, Vec<u8>)],
    ) -> Result<Self, NoStage> {
        let objects = Self {
            store: MemoryStore::new(),
            held: Arc::default(),
        };
        for (bucket, key, bytes) in folder {
            objects.insert(
                bucket,
                key,
                Stored::plain(key, bytes.clone(), scenario.begins),
            )?;
        }
        for (bucket, key, object) in &scenario.objects {
            objects.put(bucket, key, object, scenario.begins)?;
        }
        Ok(objects)
    }

    pub(super) fn store(&self) -> MemoryStore {
        self.store.clone()
    }

    pub(super) fn put(
        &self,
        bucket: &str,
        key: &str,
        object: &Object,
        now: u64,
    ) -> Result<(), NoStage> {
        let mut stored = Stored::plain(key, object.body.clone().into_bytes(), now);
        stored.cache_control.clone_from(&object.cache_control);
        if let Some(content_type) = &object.content_type {
            stored.content_type.clone_from(content_type);
        }
        self.insert(bucket, key, stored)
    }

    fn insert(&self, bucket: &str, key: &str, stored: Stored) -> Result<(), NoStage> {
        let mut object = MemoryObject::new(stored.bytes.clone()).with_type(&stored.content_type);
        object.last_modified = Some(stored.last_modified);
        object.raw.cache_control = stored.cache_control.clone().map(String::into_bytes);
        self.store.put(&name(bucket)?, key, object);
        let mut held = lock(&self.held);
        held.buckets.insert(bucket.to_owned());
        held.objects
            .insert((bucket.to_owned(), key.to_owned()), stored);
        Ok(())
    }

    pub(super) fn remove(&self, bucket: &str, key: &str) -> Result<(), NoStage> {
        let known = self.store.remove(&name(bucket)?, key);
        lock(&self.held)
            .objects
            .remove(&(bucket.to_owned(), key.to_owned()));
        if known {
            return Ok(());
        }
        Err(NoStage::Unknown(format!(
            "bucket `{bucket}` has no object `{key}`"
        )))
    }

    /// Makes a bucket fail, or heals it. To the gateway all buckets are one store.
    pub(super) fn down(&self, bucket: &str, down: bool) -> Result<(), NoStage> {
        let mut held = lock(&self.held);
        if !held.buckets.contains(bucket) {
            return Err(NoStage::Unknown(format!(
                "no origin and no bucket has the name `{bucket}`"
            )));
        }
        if down {
            held.down.insert(bucket.to_owned());
            let failed = StoreError::Unavailable("it is down".to_owned());
            let next = self.store.count() + 1;
            self.store.plan(At::From(next), Fault::Fail(failed));
        } else {
            held.down.remove(bucket);
            self.store.heal();
        }
        Ok(())
    }

    /// A bucket that CloudFront reads itself.
    pub(super) fn bucket(&self, bucket: &str) -> Result<DirectBucket, NoStage> {
        name(bucket)?;
        lock(&self.held).buckets.insert(bucket.to_owned());
        Ok(DirectBucket {
            objects: self.clone(),
            bucket: bucket.to_owned(),
        })
    }
}

fn name(bucket: &str) -> Result<Bucket, NoStage> {
    Bucket::new(bucket).map_err(|why| NoStage::Unknown(why.to_string()))
}

impl Stored {
    fn plain(key: &str, bytes: Vec<u8>, last_modified: u64) -> Self {
        let guess = new_mime_guess::from_path(key).first_raw();
        Self {
            bytes: bytes.into(),
            content_type: guess.unwrap_or("binary/octet-stream").to_owned(),
            cache_control: None,
            last_modified,
        }
    }

    fn etag(&self) -> String {
        // Any text that differs where the bytes differ will do; a stage has few objects.
        let sum = self
            .bytes
            .iter()
            .fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| {
                (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
            });
        format!("\"{sum:016x}\"")
    }
}

/// A bucket as it answers CloudFront: GET and HEAD of objects, `If-None-Match`; a missing key is a 403.
pub(super) struct DirectBucket {
    objects: Objects,
    bucket: String,
}

impl DirectBucket {
    fn answer(&self, fetch: &OriginFetch) -> Result<OriginAnswer, OriginFailure> {
        let path = fetch.target.split('?').next().unwrap_or_default();
        let key = path.trim_start_matches('/').to_owned();
        let found = {
            let held = lock(&self.objects.held);
            if held.down.contains(&self.bucket) {
                return Err(OriginFailure::Connect);
            }
            held.objects.get(&(self.bucket.clone(), key)).cloned()
        };
        let is_head = fetch.method == http::Method::HEAD;
        let Some(stored) = found else {
            let document = "<Error><Code>AccessDenied</Code></Error>";
            return answer(
                403,
                &[("content-type", "application/xml")],
                document.into(),
                is_head,
            );
        };
        let etag = stored.etag();
        let date = HttpDate::from_epoch_seconds(stored.last_modified).unwrap_or(HttpDate::EPOCH);
        let date = date.to_string();
        let mut fields = vec![
            ("content-type", stored.content_type.as_str()),
            ("etag", etag.as_str()),
            ("last-modified", date.as_str()),
        ];
        fields.extend(
            stored
                .cache_control
                .as_deref()
                .map(|v| ("cache-control", v)),
        );
        let same = fetch.fields.get("if-none-match") == Some(etag.as_bytes());
        if same {
            return answer(304, &fields, Bytes::new(), true);
        }
        answer(200, &fields, stored.bytes.clone(), is_head)
    }
}

fn answer(
    status: u16,
    headers: &[(&str, &str)],
    bytes: Bytes,
    is_head: bool,
) -> Result<OriginAnswer, OriginFailure> {
    let mut fields = Fields::default();
    let length = bytes.len().to_string();
    let length = (status != 304).then_some(("content-length", length.as_str()));
    for (name, value) in headers.iter().copied().chain(length) {
        let added = fields.add(name, value);
        added.map_err(|_| OriginFailure::Invalid)?;
    }
    let bytes = if is_head { Bytes::new() } else { bytes };
    Ok(OriginAnswer {
        status,
        fields,
        framing: Framing::Length(bytes.len() as u64),
        body: Body::from(bytes),
    })
}

impl OriginConnector for DirectBucket {
    fn fetch(&self, fetch: OriginFetch) -> Fetching<'_> {
        Box::pin(async move { self.answer(&fetch) })
    }
}
