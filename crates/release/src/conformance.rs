//! What every adapter of the two ports promises, as suites that its tests run.
//!
//! The store and the ledger under test begin empty.

#![expect(clippy::expect_used, reason = "a suite fails by panicking")]

use crate::key::{Digest, MANIFESTS, OBJECTS, VersionedKey};
use crate::ledger::Ledger;
use crate::port::{Body, Description, LedgerPort, ObjectPort, PortError, Put, Upload, Written};
use bytes::Bytes;

/// Sizes at which stores have been wrong.
const SIZES: [usize; 5] = [0, 1, 65_536, 262_145, 5 * 1024 * 1024 + 1];

/// Runs the suite of an object store.
///
/// # Panics
/// Says which promise is not kept.
pub async fn objects<O: ObjectPort>(store: &O) {
    let absent = VersionedKey::of_object(0, &Digest::of(b"absent"), None);
    assert_eq!(
        store.head(&absent).await,
        Ok(None),
        "an absent object has no head"
    );
    assert_eq!(
        store.get(&absent, 1).await,
        Ok(None),
        "an absent object has no bytes"
    );
    assert_eq!(
        store.delete(&[absent]).await,
        Ok(()),
        "deleting what is absent is done"
    );
    assert_eq!(
        listed(store, OBJECTS).await,
        [],
        "an empty store lists nothing"
    );
    writes_once(store).await;
    refuses_what_changed(store).await;
    lists_and_deletes(store).await;
}

async fn writes_once<O: ObjectPort>(store: &O) {
    for size in SIZES {
        let upload = upload(&vec![b'x'; size]);
        let key = VersionedKey::of_object(0, &upload.description.sha256, Some("txt"));
        for expected in [Put::Written, Put::Present] {
            let put = store.put_if_absent(&key, &upload).await;
            assert_eq!(put, Ok(expected), "{size} bytes");
            let found = store.head(&key).await;
            assert_eq!(
                found.as_ref(),
                Ok(&Some(upload.description.clone())),
                "{size} bytes"
            );
        }
        let other = self::upload(b"other");
        assert_eq!(store.put_if_absent(&key, &other).await, Ok(Put::Present));
        let bytes = store.get(&key, size as u64).await;
        let digest = bytes.map(|bytes| bytes.map(|bytes| Digest::of(&bytes)));
        assert_eq!(
            digest,
            Ok(Some(upload.description.sha256)),
            "the first bytes stay"
        );
        if size > 0 {
            let bytes = store.get(&key, size as u64 - 1).await;
            assert!(
                matches!(bytes, Err(PortError::Malformed(_))),
                "a longer object is refused"
            );
        }
    }
}

async fn refuses_what_changed<O: ObjectPort>(store: &O) {
    let mut upload = upload(b"what it was");
    upload.body = Body::Bytes(Bytes::from_static(b"what it is!"));
    let key = VersionedKey::of_object(0, &upload.description.sha256, None);
    let put = store.put_if_absent(&key, &upload).await;
    assert!(
        matches!(put, Err(PortError::Changed(_))),
        "other bytes than described: {put:?}"
    );
    assert_eq!(store.head(&key).await, Ok(None), "and nothing was stored");
}

async fn lists_and_deletes<O: ObjectPort>(store: &O) {
    let upload = upload(b"listed");
    let mut keys = Vec::new();
    for era in [2, 10, 11] {
        for name in 0..3_u8 {
            keys.push(VersionedKey::of_object(era, &Digest::of(&[name]), None));
        }
    }
    let manifest = VersionedKey::of_manifest(2, &Digest::of(b"m"));
    for key in keys.iter().chain([&manifest]) {
        assert_eq!(store.put_if_absent(key, &upload).await, Ok(Put::Written));
    }
    keys.sort();
    let later: Vec<_> = listed(store, OBJECTS)
        .await
        .into_iter()
        .filter(|key| key.era() > 0)
        .collect();
    assert_eq!(later, keys, "every key is listed once, in order");
    assert_eq!(listed(store, MANIFESTS).await, [manifest], "by prefix");
    let (gone, left) = keys.split_at(4);
    assert_eq!(store.delete(gone).await, Ok(()));
    let later: Vec<_> = listed(store, OBJECTS)
        .await
        .into_iter()
        .filter(|key| key.era() > 0)
        .collect();
    assert_eq!(later, left, "what was deleted is gone, and nothing else");
}

async fn listed<O: ObjectPort>(store: &O, prefix: &str) -> Vec<VersionedKey> {
    let (mut keys, mut from) = (Vec::new(), None);
    loop {
        let page = store
            .list(prefix, from.as_deref())
            .await
            .expect("the store can be listed");
        keys.extend(page.keys);
        assert!(
            page.next.is_none() || page.next > from,
            "listing goes forward"
        );
        from = page.next;
        if from.is_none() {
            return keys;
        }
    }
}

fn upload(bytes: &[u8]) -> Upload {
    let description = Description {
        size: bytes.len() as u64,
        sha256: Digest::of(bytes),
        content_type: "text/plain; charset=utf-8".to_owned(),
        cache_control: "public, max-age=60".to_owned(),
        content_encoding: Some("gzip".to_owned()),
    };
    let body = Body::Bytes(Bytes::copy_from_slice(bytes));
    Upload { description, body }
}

/// Runs the suite of a ledger.
///
/// # Panics
/// Says which promise is not kept.
pub async fn ledger<L: LedgerPort>(ledger: &L) {
    assert_eq!(
        ledger.load().await,
        Ok(Ledger::default()),
        "a new ledger is the empty one"
    );
    let first = leased(&Ledger::default());
    assert_eq!(
        ledger.store(1, &leased(&first)).await,
        Ok(Written::Conflict),
        "there is no version 1"
    );
    assert_eq!(ledger.store(0, &first).await, Ok(Written::Yes));
    assert_eq!(
        ledger.load().await.as_ref(),
        Ok(&first),
        "what was written is read"
    );
    assert_eq!(
        ledger.store(0, &first).await,
        Ok(Written::Conflict),
        "a second delivery does nothing"
    );
    let second = leased(&first);
    assert_eq!(ledger.store(1, &second).await, Ok(Written::Yes));
    assert_eq!(
        ledger.store(1, &leased(&first)).await,
        Ok(Written::Conflict),
        "a later writer of one version loses"
    );
    assert_eq!(ledger.load().await, Ok(second));
}

fn leased(ledger: &Ledger) -> Ledger {
    let run = ledger.version + 1;
    let next = ledger.lease_to("conformance", run, run, 60);
    next.expect("nobody else has it")
        .expect("it is another run")
}
