//! What the front can carry, to the byte, and what happens to the rest (law L9, group R19).

use super::{Ask, Got, NOW, World, get};
use crate::request::Headers;
use crate::response::{Body, Response};
use crate::serve::{Carriage, OriginFault, Outcome, envelope_bytes};
use crate::store::memory::MemoryObject;
use portcullis_site::{LargeObjects, Name, Seconds};

/// A front that carries documents of `bytes`.
fn world(bytes: u64, streams: bool) -> World {
    let mut world = World::new();
    world.budget.carriage = Carriage::Envelope { bytes, streams };
    world
}

fn put(world: &World, size: usize, content_type: &str) {
    let object = MemoryObject::new(vec![b'"'; size]).with_type(content_type);
    world.put("files", "files/a", object);
}

/// The JSON document a function returns, made by another hand.
fn document(got: &Got) -> u64 {
    let headers: serde_json::Map<_, _> = got
        .headers
        .iter()
        .map(|(n, v)| {
            (
                (*n).to_owned(),
                String::from_utf8(v.clone()).unwrap().into(),
            )
        })
        .collect();
    // What base64 makes of the body, as far as its length goes.
    let body = "AAAA".repeat(got.bytes.as_ref().unwrap().len().div_ceil(3));
    let value = serde_json::json!({ "statusCode": got.status, "headers": headers, "isBase64Encoded": true, "body": body });
    serde_json::to_vec(&value).unwrap().len() as u64
}

#[test]
fn r19_the_limit_is_on_the_encoded_document_and_exact() {
    const LIMIT: u64 = 100_000;
    for content_type in [
        "text/plain",
        "application/pdf",
        &format!("text/x-{}", "y".repeat(4_000)),
    ] {
        let fits = |size: usize| {
            let world = world(LIMIT, false);
            put(&world, size, content_type);
            world.get("/files/a")
        };
        // The first size that does not fit.
        let (mut good, mut bad) = (1, LIMIT as usize);
        while bad - good > 1 {
            let middle = usize::midpoint(good, bad);
            if fits(middle).status == 200 {
                good = middle;
            } else {
                bad = middle;
            }
        }
        for size in [good - 1, good] {
            let got = fits(size);
            assert_eq!(
                (got.status, got.bytes.as_ref().map(Vec::len)),
                (200, Some(size))
            );
            assert!(document(&got) <= LIMIT);
        }
        let largest = document(&fits(good));
        assert!(
            LIMIT - largest < 1_100,
            "{} bytes are given away",
            LIMIT - largest
        );
        for size in [bad, bad + 1] {
            let got = fits(size);
            assert_eq!((got.outcome, got.status), (Outcome::TooLarge, 413));
            got.assert_not_cacheable();
            assert!(got.text().contains("too large"));
        }
    }
}

#[test]
fn lambda_s_own_limit_holds_four_and_a_half_megabytes() {
    let world = World::new();
    put(&world, 4_700_000, "application/pdf");
    let got = world.get("/files/a");
    assert!(got.status == 200 && document(&got) < 6_291_556);
    put(&world, 4_718_593, "application/pdf");
    assert_eq!(world.get("/files/a").status, 413);
}

#[test]
fn an_envelope_is_never_smaller_than_the_document() {
    let mut head = Response {
        status: 200,
        headers: Vec::new(),
        body: Body::Empty,
    };
    head.set(
        "content-disposition",
        crate::field::FieldValue::new("a\"b\\c\td\u{e9}".as_bytes()).unwrap(),
    );
    for length in [0_u64, 1, 2, 3, 4] {
        assert_eq!(
            envelope_bytes(&head, length) - envelope_bytes(&head, 0),
            length.div_ceil(3) * 4
        );
    }
    let plain = Response {
        status: 200,
        headers: Vec::new(),
        body: Body::Empty,
    };
    let json = serde_json::to_vec("a\"b\\c\td\u{e9}").unwrap().len() as u64;
    assert!(
        envelope_bytes(&head, 0) - envelope_bytes(&plain, 0)
            >= "content-disposition".len() as u64 + json + 5
    );
}

#[test]
fn a_range_of_a_large_object_is_measured_by_itself() {
    let world = world(10_000, false);
    put(&world, 1_000_000, "video/mp4");
    let ask = |range: &'static str| {
        world.ask(Ask {
            headers: Headers {
                range: Some(range),
                ..Headers::default()
            },
            ..get("/files/a")
        })
    };
    assert_eq!(
        (
            ask("bytes=500000-504999").status,
            ask("bytes=500000-504999").bytes.unwrap().len()
        ),
        (206, 5_000)
    );
    assert_eq!(ask("bytes=0-").status, 413);
}

#[test]
fn a_hand_off_is_a_short_signed_url_on_the_direct_behavior() {
    let mut world = world(10_000, true);
    let key_group = |name: &str| LargeObjects::HandOff {
        path: "/download/".to_owned(),
        key_group: Name::new(name).unwrap(),
        expires: Seconds::of(300),
    };
    world.behavior("/files/*").large_objects = key_group("members");
    let object = || MemoryObject::new(vec![0; 20_000]);
    world.put("files", "files/a b*.bin", object());
    let path = "/files/a%20b*.bin";
    for method in ["GET", "HEAD"] {
        let headers = Headers {
            origin: Some("https://evil.example"),
            range: Some("bytes=0-"),
            ..Headers::default()
        };
        let got = world.ask(Ask {
            method,
            headers,
            query: "a=b",
            ..get(path)
        });
        let url = format!(
            "https://www.example.com/download/files/a%20b%2A.bin?until={}&by=members",
            NOW + 300
        );
        assert_eq!(
            (got.outcome, got.status, got.header("location")),
            (Outcome::HandedOff, 307, Some(url.as_str())),
            "{method}"
        );
        assert_eq!(
            (got.header("cache-control"), got.header("etag"), got.text()),
            (Some("private, no-store"), None, "")
        );
    }
    let tag = {
        world.budget.carriage = Carriage::Unlimited;
        world.get(path).header("etag").unwrap().to_owned()
    };
    world.budget.carriage = Carriage::Envelope {
        bytes: 10_000,
        streams: true,
    };
    let headers = Headers {
        if_none_match: Some(&tag),
        ..Headers::default()
    };
    assert_eq!(
        world
            .ask(Ask {
                headers,
                ..get(path)
            })
            .status,
        304,
        "a 304 is small"
    );

    world.behavior("/files/*").large_objects = key_group("lost");
    let got = world.get(path);
    assert_eq!(
        (got.outcome, got.status),
        (Outcome::OriginFailed(OriginFault::Unsigned), 503)
    );
    got.assert_not_cacheable();
}

#[test]
fn only_a_plain_200_streams_through_a_front_without_lengths() {
    let mut world = world(10_000, true);
    world.behavior("/files/*").large_objects = LargeObjects::Stream;
    world.behavior("/packed/*").large_objects = LargeObjects::Stream;
    put(&world, 200_000, "video/mp4");
    world.put("packed", "packed/a.js", MemoryObject::new(vec![0; 200_000]));
    world.put(
        "packed",
        "packed/a.js.br",
        MemoryObject::new(vec![0; 100_000]),
    );
    let got = world.get("/files/a");
    assert_eq!(
        (got.status, got.streamed, got.bytes.map(|b| b.len())),
        (200, true, Some(200_000))
    );
    let headers = Headers {
        range: Some("bytes=0-"),
        ..Headers::default()
    };
    assert_eq!(
        world
            .ask(Ask {
                headers,
                ..get("/files/a")
            })
            .status,
        413,
        "never a 206"
    );
    let headers = Headers {
        accept_encoding: Some("br"),
        ..Headers::default()
    };
    assert_eq!(
        world
            .ask(Ask {
                headers,
                ..get("/packed/a.js")
            })
            .status,
        413,
        "never a variant"
    );
    let head = world.ask(Ask {
        method: "HEAD",
        ..get("/files/a")
    });
    assert_eq!(
        (head.status, head.streamed, head.header("content-length")),
        (200, false, Some("200000"))
    );
    world.budget.carriage = Carriage::Envelope {
        bytes: 10_000,
        streams: false,
    };
    assert_eq!(world.get("/files/a").status, 413, "a front that cannot");
}

#[test]
fn a_server_of_our_own_carries_everything() {
    let mut world = world(0, false);
    world.budget.carriage = Carriage::Unlimited;
    put(&world, 3_000_000, "video/mp4");
    let got = world.get("/files/a");
    assert_eq!(
        (got.status, got.streamed, got.bytes.map(|b| b.len())),
        (200, true, Some(3_000_000))
    );
    let headers = Headers {
        range: Some("bytes=-2000000"),
        ..Headers::default()
    };
    let part = world.ask(Ask {
        headers,
        ..get("/files/a")
    });
    assert_eq!(
        (part.status, part.streamed, part.bytes.map(|b| b.len())),
        (206, true, Some(2_000_000))
    );
    put(&world, 1_000, "video/mp4");
    assert!(
        !world.get("/files/a").streamed,
        "what is small is checked whole"
    );
}
