//! What a store keeps, and what it gives up first.

use super::{Body, Copy, Cut, Lifetime, OVERHEAD_BYTES, PARTS_MAX, Parts, Store, Tier};
use crate::freshness::TtlRule;
use crate::headers::Headers;
use crate::key::CacheKey;
use bytes::Bytes;
use portcullis_http_semantics::ByteRange;
use proptest::prelude::*;
use std::collections::HashMap;
use std::sync::Arc;

const EDGE: Tier = Tier(0);

fn key(name: &str) -> CacheKey {
    CacheKey::from_bytes(name.as_bytes().into())
}

fn copy(body_bytes: usize) -> Arc<Copy> {
    Arc::new(Copy {
        target: Arc::from(""),
        status: 200,
        headers: Arc::new(Headers::default()),
        body: Body::Whole(Bytes::from(vec![b'x'; body_bytes])),
        coded: None,
        since_ms: 0,
        age_at_start: 0,
        ttl: 60,
        lifetime: Lifetime::Ttl(TtlRule::MaxAge),
        max_ttl: 60,
        stale_while_revalidate: None,
        stale_if_error: None,
        always_asks: false,
        tags: Vec::new(),
        stands_in_until_ms: 0,
    })
}

/// A store with room for that many copies of a hundred bytes under keys of one byte.
fn room_for(copies: usize) -> Store {
    Store::new(copies * (OVERHEAD_BYTES + 1 + 100), 7)
}

fn names(store: &Store) -> Vec<String> {
    let name = |key: &CacheKey| String::from_utf8_lossy(key.as_bytes()).into_owned();
    store.iter().map(|(_, key, _)| name(key)).collect()
}

#[test]
fn what_was_not_used_goes_first_and_what_was_used_stays() {
    let mut store = room_for(3);
    for name in ["a", "b", "c"] {
        assert!(store.insert(EDGE, key(name), copy(100)));
    }
    assert!(store.get(EDGE, &key("a")).is_some());
    store.insert(EDGE, key("d"), copy(100));
    assert_eq!(names(&store), ["a", "c", "d"]);
    assert_eq!(store.fill().evictions, 1);
}

#[test]
fn a_copy_larger_than_the_store_is_not_kept_and_pushes_nothing_out() {
    let mut store = room_for(2);
    store.insert(EDGE, key("a"), copy(100));
    assert!(!store.insert(EDGE, key("b"), copy(10_000)));
    assert_eq!(names(&store), ["a"]);
}

#[test]
fn tiers_do_not_share_copies() {
    let mut store = room_for(4);
    store.insert(EDGE, key("a"), copy(100));
    assert!(store.get(Tier(1), &key("a")).is_none());
    store.insert(Tier(1), key("a"), copy(1));
    assert_eq!(store.remove_if(|tier, _, _| tier == EDGE), 1);
    assert!(store.get(Tier(1), &key("a")).is_some());
}

#[test]
fn a_part_answers_what_lies_in_it() {
    let mut parts = Parts::default();
    for at in 0..20_u64 {
        let range = ByteRange::new(at * 10, at * 10 + 9, 1000).unwrap();
        parts.add(Cut {
            range,
            bytes: Bytes::from_static(b"0123456789"),
        });
    }
    assert_eq!(
        parts.get(192, 194),
        Some((Bytes::from_static(b"234"), 1000))
    );
    assert_eq!(parts.get(195, 200), None);
    assert_eq!(
        parts.get(0, 1),
        None,
        "the oldest of more than {PARTS_MAX} are gone"
    );
}

#[derive(Clone, Debug)]
enum Act {
    Insert(u8, usize),
    Get(u8),
    Remove(u8),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        (any::<u8>(), 0..400_usize).prop_map(|(name, bytes)| Act::Insert(name % 40, bytes)),
        any::<u8>().prop_map(|name| Act::Get(name % 40)),
        any::<u8>().prop_map(|name| Act::Remove(name % 40)),
    ];
    prop::collection::vec(act, 0..300)
}

proptest! {
    /// Against a map: a store never has more than was put in, never a wrong copy, and never more bytes than its limit.
    #[test]
    fn a_store_is_a_map_that_forgets(acts in acts()) {
        let mut store = room_for(8);
        let mut all: HashMap<u8, usize> = HashMap::new();
        for act in acts {
            match act {
                Act::Insert(name, bytes) => {
                    store.insert(EDGE, key(&name.to_string()), copy(bytes));
                    all.insert(name, bytes);
                }
                Act::Get(name) => {
                    let found = store.get(EDGE, &key(&name.to_string())).map(|copy| copy.bytes());
                    prop_assert!(found.is_none() || found == all.get(&name).copied());
                }
                Act::Remove(name) => {
                    store.remove(EDGE, &key(&name.to_string()));
                    all.remove(&name);
                }
            }
            let fill = store.fill();
            prop_assert!(fill.bytes <= fill.bytes_max);
            prop_assert_eq!(fill.copies, store.iter().count());
            let sum: usize = store.iter().map(|(_, key, copy)| OVERHEAD_BYTES + key.len() + copy.bytes()).sum();
            prop_assert_eq!(fill.bytes, sum);
        }
    }
}
