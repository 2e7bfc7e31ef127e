//! The store in memory is a store, and its faults are the ones planned.

use super::{Asked, At, Fault, MemoryObject, MemoryStore};
use crate::object_path::ObjectPath;
use crate::store::{Fetched, ObjectRef, ObjectStore as _, StoreError, Want};
use bytes::Bytes;
use http_body_util::BodyExt as _;
use portcullis_http_semantics::RangeSpec;
use portcullis_site::{Bucket, KeyPrefix};
use std::time::Duration;

fn object(key: &str) -> ObjectRef {
    let path = ObjectPath::of_decoded(&format!("/{key}")).unwrap();
    let key = path.key(&KeyPrefix::new("").unwrap()).unwrap();
    ObjectRef {
        bucket: Bucket::new("files").unwrap(),
        key,
    }
}

fn store() -> MemoryStore {
    let store = MemoryStore::new();
    let bytes: Vec<u8> = (0..200_000_u32).map(|i| i as u8).collect();
    store.put(
        &object("a").bucket,
        "a",
        MemoryObject::new(bytes).with_type("text/plain"),
    );
    store
}

async fn read(store: &MemoryStore, want: Want) -> Result<Bytes, StoreError> {
    match store.get(&object("a"), &want).await? {
        Fetched::Full(object) | Fetched::Partial { object, .. } => {
            Ok(object.body.collect().await?.to_bytes())
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_fault_strikes_the_call_it_is_planned_for() {
    let store = store();
    store.plan(At::Call(2), Fault::Fail(StoreError::Throttled));
    store.plan(At::From(4), Fault::Fail(StoreError::TimedOut));
    let mut answers = Vec::new();
    for _ in 0..5 {
        answers.push(store.head(&object("a")).await.map(|found| found.is_some()));
    }
    let (throttled, late) = (Err(StoreError::Throttled), Err(StoreError::TimedOut));
    assert_eq!(answers, [Ok(true), throttled, Ok(true), late.clone(), late]);
    store.heal();
    assert!(store.head(&object("a")).await.unwrap().is_some());
}

#[tokio::test]
async fn bodies_break_end_flip_and_stall_where_planned() {
    let store = store();
    let whole = read(&store, Want::default()).await.unwrap();
    assert_eq!(whole.len(), 200_000);
    store.plan(At::Call(2), Fault::BreakBody(70_000));
    assert_eq!(
        read(&store, Want::default()).await,
        Err(StoreError::Broken { after: 70_000 })
    );
    store.plan(At::Call(3), Fault::EndBody(70_000));
    assert_eq!(
        read(&store, Want::default()).await.unwrap(),
        whole.slice(..70_000)
    );
    store.plan(At::Call(4), Fault::FlipBit(105));
    let range = Some(RangeSpec::FromTo {
        first: 100,
        last: 109,
    });
    let part = read(
        &store,
        Want {
            range,
            ..Want::default()
        },
    )
    .await
    .unwrap();
    assert_eq!(
        &part[..],
        [100, 101, 102, 103, 104, 104, 106, 107, 108, 109]
    );
    store.plan(At::Call(5), Fault::StallBody(10));
    let reading = read(&store, Want::default());
    assert!(
        tokio::time::timeout(Duration::from_millis(5), reading)
            .await
            .is_err()
    );
}

#[tokio::test(start_paused = true)]
async fn delays_run_on_virtual_time() {
    let store = store();
    store.plan(At::Call(1), Fault::Delay(Duration::from_secs(30)));
    let begun = tokio::time::Instant::now();
    store.head(&object("a")).await.unwrap();
    assert_eq!(begun.elapsed(), Duration::from_secs(30));
    store.plan(At::Call(2), Fault::Hang);
    let day = Duration::from_secs(86_400);
    assert!(
        tokio::time::timeout(day, store.head(&object("a")))
            .await
            .is_err()
    );
}

#[tokio::test]
async fn an_object_overwritten_between_two_reads_has_another_tag() {
    let store = store();
    let if_match = store.head(&object("a")).await.unwrap().unwrap().etag;
    store.plan(At::Call(2), Fault::Overwrite(Bytes::from_static(b"new")));
    let want = Want {
        if_match,
        ..Want::default()
    };
    assert!(matches!(
        store.get(&object("a"), &want).await,
        Ok(Fetched::Changed)
    ));
}

#[tokio::test]
async fn metadata_lies_as_planned() {
    let store = store();
    store.plan(At::Call(1), Fault::ClaimSize(7));
    store.plan(At::Call(1), Fault::OmitTag);
    store.plan(At::Call(1), Fault::LongValue(65_536));
    let metadata = store.head(&object("a")).await.unwrap().unwrap();
    assert_eq!(
        (metadata.size, metadata.etag, metadata.invalid_values),
        (7, None, 1)
    );
}

#[tokio::test]
async fn every_call_is_written_down() {
    let store = store();
    let want = Want {
        range: Some(RangeSpec::Suffix(1)),
        ..Want::default()
    };
    store.get(&object("a"), &want).await.unwrap();
    store.head(&object("missing")).await.unwrap();
    let calls: Vec<_> = store
        .calls()
        .into_iter()
        .map(|call| (call.object.key.to_string(), call.asked))
        .collect();
    assert_eq!(
        calls,
        [
            ("a".to_owned(), Asked::Get(want)),
            ("missing".to_owned(), Asked::Head)
        ]
    );
    assert_eq!(store.count(), 2);
}
