//! Ranges: the bytes asked for and nothing else, and an answer whose parts agree (groups R6, R7, attack A9.1).

use super::{Ask, Got, NOW, World, get};
use crate::request::Headers;
use crate::serve::Outcome;
use crate::store::memory::MemoryObject;
use portcullis_http_semantics::HttpDate;
use proptest::prelude::*;

const BYTES: &[u8] = b"0123456789";

fn world() -> World {
    let world = World::new();
    let object = || MemoryObject {
        last_modified: Some(NOW - 60),
        ..MemoryObject::new(BYTES)
    };
    world.put("files", "files/a.bin", object());
    world.put("files", "files/empty", MemoryObject::new(""));
    world.put("packed", "packed/a.js", MemoryObject::new("identity"));
    world.put("packed", "packed/a.js.br", object());
    world
}

fn range<'a>(path: &'a str, range: &'a str) -> Ask<'a> {
    let headers = Headers {
        range: Some(range),
        accept_encoding: Some("br"),
        ..Headers::default()
    };
    Ask {
        headers,
        ..get(path)
    }
}

/// That status, `Content-Range`, length and bytes tell one story about `whole`.
#[track_caller]
fn consistent(got: &Got, whole: &[u8]) {
    let bytes = got.bytes.as_deref().unwrap();
    let content_range = got.header("content-range");
    match got.status {
        200 => assert!(bytes == whole && content_range.is_none(), "{got:?}"),
        206 => {
            let (part, size) = content_range
                .unwrap()
                .strip_prefix("bytes ")
                .unwrap()
                .split_once('/')
                .unwrap();
            let (first, last) = part.split_once('-').unwrap();
            let (first, last): (usize, usize) = (first.parse().unwrap(), last.parse().unwrap());
            assert_eq!(size, whole.len().to_string());
            assert_eq!(bytes, &whole[first..=last], "{got:?}");
        }
        416 => {
            assert_eq!(
                content_range,
                Some(format!("bytes */{}", whole.len()).as_str())
            );
            got.assert_not_cacheable();
        }
        other => panic!("{other}"),
    }
    assert_eq!(
        got.header("content-length"),
        Some(bytes.len().to_string().as_str())
    );
}

#[track_caller]
fn check(asked: &str, status: u16, bytes: &[u8]) {
    let world = world();
    for path in ["/files/a.bin", "/packed/a.js"] {
        let got = world.ask(range(path, asked));
        consistent(&got, BYTES);
        assert_eq!((got.status, got.store_calls), (status, 1), "{path} {asked}");
        if status != 416 {
            assert_eq!(got.bytes.as_deref(), Some(bytes), "{path} {asked}");
        }
        let head = world.ask(Ask {
            method: "HEAD",
            ..range(path, asked)
        });
        assert_eq!(
            (head.status, head.header("content-range")),
            (200, None),
            "only GET has ranges"
        );
    }
}

#[test]
fn r06_a_satisfiable_range_is_206_even_if_it_is_everything() {
    check("bytes=0-", 206, BYTES);
    check("bytes=0-0", 206, b"0");
    check("bytes=-1", 206, b"9");
    check("bytes=9-9", 206, b"9");
    check("bytes=9-", 206, b"9");
    check("bytes=0-9", 206, BYTES);
    check("bytes=0-99999999999999999999999", 206, BYTES);
    check("bytes=-99999999999999999999999", 206, BYTES);
    check("bytes=3-5", 206, b"345");
    check("bytes=10-", 416, b"");
    check("bytes=18446744073709551615-", 416, b"");
    check("bytes=-0", 416, b"");
}

#[test]
fn what_is_no_single_range_is_the_whole() {
    for asked in [
        "bytes=0-1,3-4",
        "bytes=5-4",
        "bytes=",
        "bytes",
        "items=0-1",
        "bytes=0x1-2",
        "bytes=-",
        "bytes=--1",
        "",
    ] {
        check(asked, 200, BYTES);
    }
    check(&format!("bytes=0-{}", ",5-0".repeat(1_300)), 200, BYTES);
    check(&format!("bytes={}", "0-,".repeat(80)), 200, BYTES);
}

#[test]
fn nothing_of_an_empty_object_can_be_had() {
    let world = world();
    for asked in ["bytes=0-", "bytes=-1", "bytes=0-0"] {
        let got = world.ask(range("/files/empty", asked));
        consistent(&got, b"");
        assert_eq!((got.outcome, got.status), (Outcome::Unsatisfiable, 416));
    }
    assert_eq!(world.get("/files/empty").status, 200);
}

#[test]
fn a_range_of_a_variant_counts_its_own_bytes() {
    let got = world().ask(range("/packed/a.js", "bytes=2-3"));
    assert_eq!(
        (got.status, got.text(), got.header("content-encoding")),
        (206, "23", Some("br"))
    );
}

#[test]
fn rfc9110_13_1_5_if_range_names_the_current_state_or_the_whole_is_sent() {
    let world = world();
    let tag = world.get("/files/a.bin").header("etag").unwrap().to_owned();
    let date = HttpDate::from_epoch_seconds(NOW - 60).unwrap().to_string();
    let later = HttpDate::from_epoch_seconds(NOW).unwrap().to_string();
    let weak = format!("W/{tag}");
    let ask = |if_range: &str, if_none_match: Option<&str>| {
        let headers = Headers {
            range: Some("bytes=0-1"),
            if_range: Some(if_range),
            if_none_match,
            ..Headers::default()
        };
        let got = world.ask(Ask {
            headers,
            ..get("/files/a.bin")
        });
        if got.status != 304 {
            consistent(&got, BYTES);
        }
        (got.status, got.store_calls)
    };
    assert_eq!(ask(&tag, None), (206, 1));
    assert_eq!(ask("\"stale\"", None), (200, 2));
    assert_eq!(ask(&weak, None), (200, 1));
    assert_eq!(ask("nonsense", None), (200, 1));
    assert_eq!(ask(&date, None), (206, 2));
    assert_eq!(ask(&later, None), (200, 2));
    assert_eq!(ask(&tag, Some("\"other\"")), (206, 2));
    assert_eq!(ask("\"stale\"", Some("\"other\"")), (200, 2));
    assert_eq!(ask(&tag, Some(&tag)), (304, 1));
}

proptest! {
    #[test]
    fn r07_status_range_length_and_bytes_tell_one_story(
        asked in prop_oneof!["bytes=[0-9]{0,2}-[0-9]{0,2}(,[0-9]-[0-9])?", "[ -~]{0,20}"],
        size in 0_usize..12,
        if_range in proptest::option::of(prop_oneof![Just("\"x\""), Just("W/\"x\""), Just("Thu, 01 Jan 1970 00:00:00 GMT")]),
    ) {
        let world = World::new();
        world.put("files", "files/a.bin", MemoryObject::new(&BYTES[..size.min(10)]));
        let headers = Headers { range: Some(&asked), if_range, ..Headers::default() };
        let got = world.ask(Ask { headers, ..get("/files/a.bin") });
        consistent(&got, &BYTES[..size.min(10)]);
        prop_assert!(got.store_calls <= 2);
    }
}
