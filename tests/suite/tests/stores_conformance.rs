//! Every local object store keeps every promise of the port. Stores on the network run the same suite in the system tests.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a fixture that cannot be made must fail"
)]

use bytes::Bytes;
use portcullis_origin::conformance::store::{Fixture, run};
use portcullis_origin::object_path::ObjectKey;
use portcullis_origin::store::RawMetadata;
use portcullis_origin::store::directory::{DirectoryStore, DirectoryWriter};
use portcullis_origin::store::memory::{MemoryObject, MemoryStore};
use portcullis_site::Bucket;

fn bucket() -> Bucket {
    Bucket::new("conformance").unwrap()
}

struct InDirectory(DirectoryWriter);

impl Fixture for InDirectory {
    fn bucket(&self) -> Bucket {
        bucket()
    }

    async fn put(
        &self,
        key: &ObjectKey,
        bytes: Bytes,
        metadata: &RawMetadata,
    ) -> Result<(), String> {
        let put = self.0.put(&bucket(), key, &bytes, metadata);
        put.map_err(|error| error.to_string())
    }
}

struct InMemory {
    store: MemoryStore,
    keeps_sha256: bool,
}

impl Fixture for InMemory {
    fn bucket(&self) -> Bucket {
        bucket()
    }

    async fn put(&self, key: &ObjectKey, bytes: Bytes, raw: &RawMetadata) -> Result<(), String> {
        let object = MemoryObject {
            bytes,
            raw: raw.clone(),
            last_modified: Some(1_787_433_425),
            keeps_sha256: self.keeps_sha256,
        };
        self.store.put(&bucket(), key.as_str(), object);
        Ok(())
    }
}

#[tokio::test]
async fn a_root_of_directories() {
    let folder = tempfile::tempdir().unwrap();
    let fixture = InDirectory(DirectoryWriter::new(folder.path()));
    run(&DirectoryStore::new(folder.path()), &fixture).await;
}

#[tokio::test]
async fn a_folder_as_one_bucket() {
    let folder = tempfile::tempdir().unwrap();
    let writer = DirectoryWriter::new("/nonexistent").with_bucket(bucket(), folder.path());
    let store = DirectoryStore::without_root().with_bucket(bucket(), folder.path());
    run(&store, &InDirectory(writer)).await;
}

#[tokio::test]
async fn memory() {
    for keeps_sha256 in [false, true] {
        let store = MemoryStore::new();
        let fixture = InMemory {
            store: store.clone(),
            keeps_sha256,
        };
        run(&store, &fixture).await;
    }
}
