//! The conformance suite can fail: a store with any one fault is refused, by the name of the promise it breaks.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a fixture that cannot be made must fail"
)]

use bytes::Bytes;
use portcullis_origin::conformance::store::{Fixture, run};
use portcullis_origin::object_path::ObjectKey;
use portcullis_origin::store::memory::{At, Fault, MemoryObject, MemoryStore};
use portcullis_origin::store::{RawMetadata, StoreError};
use portcullis_site::Bucket;

struct InMemory(MemoryStore);

impl Fixture for InMemory {
    fn bucket(&self) -> Bucket {
        Bucket::new("conformance").unwrap()
    }

    async fn put(&self, key: &ObjectKey, bytes: Bytes, raw: &RawMetadata) -> Result<(), String> {
        let object = MemoryObject {
            raw: raw.clone(),
            last_modified: Some(1),
            ..MemoryObject::new(bytes)
        };
        self.0.put(&self.bucket(), key.as_str(), object);
        Ok(())
    }
}

#[track_caller]
fn check(fault: Fault, broken: &str) {
    let described = format!("{fault:?}");
    let failed = std::thread::spawn(move || {
        let store = MemoryStore::new();
        store.plan(At::From(1), fault);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime.block_on(run(&store, &InMemory(store.clone())));
    })
    .join();
    let message = failed.expect_err("the suite must fail");
    let message = message.downcast_ref::<String>().unwrap();
    assert!(message.contains(broken), "{described}: {message}");
}

#[test]
fn each_fault_is_found() {
    check(Fault::Fail(StoreError::Throttled), "no object is missing");
    check(Fault::BreakBody(10), "is read in full");
    check(Fault::EndBody(10), "has its bytes");
    check(Fault::FlipBit(3), "has its bytes");
    check(Fault::ClaimSize(7), "has its size");
    check(Fault::OmitTag, "has a strong entity tag");
    check(Fault::LongValue(65_536), "cache-control comes back");
    check(
        Fault::Overwrite(Bytes::from_static(b"x")),
        "other bytes have another entity tag",
    );
}
