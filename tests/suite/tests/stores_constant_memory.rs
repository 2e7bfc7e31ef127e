//! An object of any size is hashed and streamed in a memory that does not grow with it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a fixture that cannot be made must fail"
)]

use http_body_util::BodyExt as _;
use portcullis_origin::object_path::ObjectPath;
use portcullis_origin::store::directory::DirectoryStore;
use portcullis_origin::store::{Fetched, ObjectRef, ObjectStore as _, Want};
use portcullis_site::{Bucket, KeyPrefix};
use std::fs::File;

/// The size of the object, in bytes.
const SIZE: u64 = 1024 * 1024 * 1024;

/// How much the peak may grow, in KiB: a few parts, and what the runtime's threads need.
const GROWTH_KIB_MAX: u64 = 16 * 1024;

/// The most memory this process ever had, in KiB.
#[cfg(target_os = "linux")]
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn one_gib_is_streamed_in_a_few_mib() {
    let folder = tempfile::tempdir().unwrap();
    let bucket = Bucket::new("large").unwrap();
    File::create(folder.path().join("zeros"))
        .unwrap()
        .set_len(SIZE)
        .unwrap();
    let store = DirectoryStore::without_root().with_bucket(bucket.clone(), folder.path());
    let key = ObjectPath::parse("/zeros")
        .unwrap()
        .key(&KeyPrefix::new("").unwrap())
        .unwrap();
    let before = peak_kib();
    let Fetched::Full(mut object) = store
        .get(&ObjectRef { bucket, key }, &Want::default())
        .await
        .unwrap()
    else {
        panic!("the whole object");
    };
    let mut received = 0;
    while let Some(frame) = object.body.frame().await {
        received += frame.unwrap().into_data().unwrap().len() as u64;
    }
    let grown = peak_kib() - before;
    assert_eq!(received, SIZE);
    assert!(grown < GROWTH_KIB_MAX, "the peak grew by {grown} KiB");
    println!("streamed {received} bytes, the peak grew by {grown} KiB");
}
