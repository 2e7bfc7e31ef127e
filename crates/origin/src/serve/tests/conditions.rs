//! Conditional requests on one object and on every kind of page (RFC 9110 §13, group R5).

use super::objects::{WRITTEN, etag, world};
use super::{Ask, World, get};
use crate::request::Headers;
use crate::store::memory::MemoryObject;
use portcullis_http_semantics::HttpDate;

fn date(seconds: u64) -> String {
    HttpDate::from_epoch_seconds(seconds).unwrap().to_string()
}

/// A request with `headers` on the object, and the status and the store calls it takes.
#[track_caller]
fn check(headers: Headers<'_>, status: u16, calls: u32) {
    let world = world();
    let got = world.ask(Ask {
        headers,
        ..get("/files/a.txt")
    });
    assert_eq!(
        (got.status, got.store_calls),
        (status, calls),
        "{headers:?}"
    );
    match status {
        200 => assert_eq!(got.text(), "0123456789"),
        304 => {
            assert!(got.header("etag").is_some() && got.bytes == Some(Vec::new()));
            assert_eq!(got.header("content-length"), None);
            assert_eq!(got.header("content-type"), None);
        }
        412 => got.assert_not_cacheable(),
        other => panic!("{other}"),
    }
    let head = world.ask(Ask {
        method: "HEAD",
        headers,
        ..get("/files/a.txt")
    });
    assert_eq!(head.status, status, "HEAD {headers:?}");
}

#[test]
fn rfc9110_13_conditions_in_their_order_and_as_few_calls_as_can_be() {
    let tag = etag(&world());
    let (weak, stale) = (format!("W/{tag}"), "\"stale\"");
    let list = format!("\"a\", {tag}");
    let (at, before, after) = (date(WRITTEN), date(WRITTEN - 1), date(WRITTEN + 1));
    let none = Headers::default();
    let inm = |value| Headers {
        if_none_match: Some(value),
        ..none
    };
    // What caches send: one call.
    check(inm(&tag), 304, 1);
    check(inm(&weak), 304, 1);
    check(inm(stale), 200, 1);
    check(
        Headers {
            if_modified_since: Some(&after),
            ..inm(stale)
        },
        200,
        1,
    );
    check(
        Headers {
            if_modified_since: Some(&before),
            ..inm(&tag)
        },
        304,
        1,
    );
    // Everything else: the metadata, then exactly that object.
    check(inm(&list), 304, 1);
    check(inm("*"), 304, 1);
    check(inm("malformed"), 200, 2);
    check(
        Headers {
            if_modified_since: Some(&at),
            ..none
        },
        304,
        1,
    );
    check(
        Headers {
            if_modified_since: Some(&before),
            ..none
        },
        200,
        2,
    );
    check(
        Headers {
            if_modified_since: Some("nonsense"),
            ..none
        },
        200,
        1,
    );
    check(
        Headers {
            if_match: Some(&tag),
            ..none
        },
        200,
        2,
    );
    check(
        Headers {
            if_match: Some(&weak),
            ..none
        },
        412,
        1,
    );
    check(
        Headers {
            if_match: Some(stale),
            ..none
        },
        412,
        1,
    );
    check(
        Headers {
            if_match: Some("*"),
            ..none
        },
        200,
        2,
    );
    check(
        Headers {
            if_unmodified_since: Some(&at),
            ..none
        },
        200,
        2,
    );
    check(
        Headers {
            if_unmodified_since: Some(&before),
            ..none
        },
        412,
        1,
    );
    check(
        Headers {
            if_match: Some(&tag),
            if_unmodified_since: Some(&before),
            ..none
        },
        200,
        2,
    );
    check(
        Headers {
            if_match: Some(stale),
            ..inm(&tag)
        },
        412,
        1,
    );
    check(
        Headers {
            if_match: Some(&tag),
            ..inm(&tag)
        },
        304,
        1,
    );
}

#[test]
fn r05_revalidating_any_kind_of_page_is_a_304() {
    let world = World::new();
    for name in ["index.html", "dir/index.html", "guide.html", "plain.html"] {
        let object = MemoryObject {
            last_modified: Some(WRITTEN),
            ..MemoryObject::new(name.as_bytes().to_vec())
        };
        world.put("pages", name, object);
    }
    for path in ["/", "/dir/", "/guide", "/plain.html"] {
        let got = world.get(path);
        assert_eq!(got.status, 200, "{path}");
        let tag = got.header("etag").unwrap();
        let date = got.header("last-modified").unwrap();
        for headers in [
            Headers {
                if_none_match: Some(tag),
                ..Headers::default()
            },
            Headers {
                if_modified_since: Some(date),
                ..Headers::default()
            },
        ] {
            let again = world.ask(Ask {
                headers,
                ..get(path)
            });
            assert_eq!(
                (again.status, again.header("etag")),
                (304, Some(tag)),
                "{path} {headers:?}"
            );
        }
        let stale = Headers {
            if_none_match: Some("\"x\""),
            if_modified_since: Some("Thu, 01 Jan 1970 00:00:00 GMT"),
            ..Headers::default()
        };
        assert_eq!(
            world
                .ask(Ask {
                    headers: stale,
                    ..get(path)
                })
                .status,
            200,
            "{path}"
        );
    }
    for headers in [
        Headers {
            if_none_match: Some("*"),
            ..Headers::default()
        },
        Headers {
            if_match: Some("\"x\""),
            ..Headers::default()
        },
    ] {
        assert_eq!(
            world
                .ask(Ask {
                    headers,
                    ..get("/missing.html")
                })
                .status,
            404,
            "conditions do not tell what exists"
        );
    }
}

#[test]
fn a_304_repeats_the_lifetime_that_the_object_states() {
    let world = World::new();
    let mut object = MemoryObject::new("x");
    object.raw.cache_control = Some(b"max-age=60".to_vec());
    world.put("files", "files/a.txt", object);
    let tag = etag(&world);
    let headers = Headers {
        if_none_match: Some(&tag),
        ..Headers::default()
    };
    let got = world.ask(Ask {
        headers,
        ..get("/files/a.txt")
    });
    assert_eq!(
        (got.status, got.header("cache-control")),
        (304, Some("max-age=60"))
    );
}
