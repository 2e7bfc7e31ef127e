//! One object: methods, keys, what HEAD says, which call to the store it takes.

use super::{Ask, NOW, World, get};
use crate::request::Headers;
use crate::serve::{OriginFault, Outcome};
use crate::store::memory::{Asked, MemoryObject};
use proptest::prelude::*;

/// When it was written.
pub(super) const WRITTEN: u64 = NOW - 86_400;

/// A world with one object, `/files/a.txt`.
pub(super) fn world() -> World {
    let world = World::new();
    let object = MemoryObject {
        last_modified: Some(WRITTEN),
        ..MemoryObject::new("0123456789").with_type("text/plain")
    };
    world.put("files", "files/a.txt", object);
    world
}

pub(super) fn etag(world: &World) -> String {
    world.get("/files/a.txt").header("etag").unwrap().to_owned()
}

#[test]
fn a_whole_object_takes_one_call_and_says_what_it_is() {
    let got = world().get("/files/a.txt");
    assert_eq!(
        (got.outcome, got.status, got.text(), got.store_calls),
        (Outcome::Full, 200, "0123456789", 1)
    );
    for (name, value) in [
        ("content-type", "text/plain"),
        ("content-length", "10"),
        ("accept-ranges", "bytes"),
        ("cache-control", "max-age=0, s-maxage=86400"),
        ("x-content-type-options", "nosniff"),
        ("last-modified", "Wed, 31 Dec 2025 00:00:00 GMT"),
    ] {
        assert_eq!(got.header(name), Some(value), "{name}");
    }
    assert_eq!(got.header("vary"), None);
}

#[test]
fn a_missing_object_is_a_404_that_nobody_keeps() {
    let got = world().get("/files/b.txt");
    assert_eq!(
        (got.outcome, got.status, got.store_calls),
        (Outcome::Missing, 404, 1)
    );
    got.assert_not_cacheable();
}

#[test]
fn r01_every_other_method_is_refused_without_a_call() {
    let world = world();
    let paths = [
        "/files/a.txt",
        "/files/",
        "/",
        "/guide",
        "/packed/a.js",
        "/uploads/a",
        "/api/x",
        "/pair/x",
        "/releases/x",
        "/direct/x",
    ];
    for path in paths {
        for method in [
            "POST", "PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "get", "Head", "OPTION", "",
            "GET ", "PROPFIND",
        ] {
            let got = world.ask(Ask {
                method,
                ..get(path)
            });
            assert_eq!(
                (got.outcome, got.status),
                (Outcome::MethodNotAllowed, 405),
                "{method} {path}"
            );
            let allow = if path == "/api/x" {
                "GET, HEAD, OPTIONS"
            } else {
                "GET, HEAD"
            };
            assert_eq!(got.header("allow"), Some(allow));
            got.assert_not_cacheable();
        }
    }
    assert_eq!(
        world
            .ask(Ask {
                method: "OPTIONS",
                ..get("/files/a.txt")
            })
            .status,
        405
    );
    assert_eq!((world.store.count(), world.received().len()), (0, 0));
}

#[test]
fn what_the_gateway_does_not_serve_says_so_without_a_call() {
    let world = world();
    let releases = world.get("/releases/x");
    assert_eq!(
        (releases.outcome, releases.status),
        (Outcome::OriginFailed(OriginFault::NoRelease), 503)
    );
    let direct = world.get("/direct/a.txt");
    assert_eq!(
        (direct.outcome, direct.status),
        (Outcome::NotServedHere, 403)
    );
    for got in [releases, direct] {
        got.assert_not_cacheable();
    }
    assert_eq!(world.store.count(), 0);
}

#[test]
fn r18_a_key_is_the_decoded_path_byte_for_byte() {
    let world = World::new();
    for (name, path) in [
        ("a+b", "/files/a+b"),
        ("a b", "/files/a%20b"),
        ("a@b=c", "/files/a@b=c"),
        ("it's", "/files/it's"),
        ("a\"b", "/files/a%22b"),
        ("été", "/files/%C3%A9t%C3%A9"),
        ("a?b#c", "/files/a%3Fb%23c"),
        ("a&b;c,d:e$f!g*h(i)~j", "/files/a&b;c,d:e$f!g*h(i)~j"),
        (
            "[a]{b}|c^d`e<f>",
            "/files/%5Ba%5D%7Bb%7D%7Cc%5Ed%60e%3Cf%3E",
        ),
    ] {
        world.put(
            "files",
            &format!("files/{name}"),
            MemoryObject::new(name.as_bytes().to_vec()),
        );
        assert_eq!(
            world.get(path).bytes.as_deref(),
            Some(name.as_bytes()),
            "{path}"
        );
        let last = world.store.calls().pop().unwrap();
        assert_eq!(last.object.key.as_str(), format!("public/files/{name}"));
    }
}

proptest! {
    #[test]
    fn the_query_reaches_no_bucket(query in "[ -~]{0,60}", known in prop_oneof![
        Just("versionId=1"), Just("response-content-type=text/html"), Just("list-type=2"), Just("acl"), Just("uploads"), Just(""),
    ]) {
        let (world, plain) = (world(), world());
        let query = format!("{known}&{query}");
        let with = world.ask(Ask { query: &query, ..get("/files/a.txt") });
        prop_assert_eq!(with, plain.get("/files/a.txt"));
        prop_assert_eq!(world.store.calls(), plain.store.calls());
    }

    #[test]
    fn head_is_get_without_its_body(
        path in prop_oneof![Just("/files/a.txt"), Just("/files/none"), Just("/"), Just("/guide"), Just("/dir"), Just("/packed/a.js"), Just("/partners/"), Just("/uploads/a.svg"), Just("/files/large.bin")],
        condition in 0_usize..5, encoding in prop_oneof![Just(None), Just(Some("br")), Just(Some("gzip, br;q=0"))],
    ) {
        let world = world();
        world.put("pages", "index.html", MemoryObject::new("<h1>"));
        world.put("pages", "guide.html", MemoryObject::new("<h2>"));
        world.put("pages", "dir/index.html", MemoryObject::new("<h3>"));
        world.put("packed", "packed/a.js", MemoryObject::new("js"));
        world.put("packed", "packed/a.js.br", MemoryObject::new("br"));
        world.put("uploads", "uploads/a.svg", MemoryObject::new("<svg>"));
        world.put("files", "files/large.bin", MemoryObject::new(vec![0; 5_000_000]));
        let tag = etag(&world);
        let mut headers = Headers { accept_encoding: encoding, ..Headers::default() };
        match condition {
            0 => headers.if_none_match = Some(&tag),
            1 => headers.if_match = Some(&tag),
            2 => headers.if_none_match = Some("*"),
            3 => headers.if_modified_since = Some("Wed, 31 Dec 2025 00:00:00 GMT"),
            _ => {}
        }
        let full = world.ask(Ask { headers, ..get(path) });
        let head = world.ask(Ask { method: "HEAD", headers, ..get(path) });
        prop_assert_eq!(head.bytes.as_deref(), Some(&b""[..]));
        prop_assert_eq!((head.outcome, head.status), (full.outcome, full.status));
        prop_assert_eq!(sorted(head.headers), sorted(full.headers.clone()));
        if let (200, Some((_, length))) = (full.status, length(&full.headers)) {
            prop_assert_eq!(length.clone(), full.bytes.unwrap().len().to_string().into_bytes());
        }
    }
}

#[test]
fn head_reads_no_bytes() {
    let world = world();
    world.ask(Ask {
        method: "HEAD",
        ..get("/files/a.txt")
    });
    assert!(
        world
            .store
            .calls()
            .iter()
            .all(|call| call.asked == Asked::Head)
    );
}

fn length(headers: &[(String, Vec<u8>)]) -> Option<&(String, Vec<u8>)> {
    headers.iter().find(|(name, _)| name == "content-length")
}

fn sorted(mut headers: Vec<(String, Vec<u8>)>) -> Vec<(String, Vec<u8>)> {
    headers.sort();
    headers
}
