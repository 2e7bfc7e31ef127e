//! Security headers and CORS on every kind of answer (attack A8.2).

use super::{Ask, Got, World, get};
use crate::request::Headers;
use crate::serve::{Outcome, decorate, plain};
use crate::store::memory::MemoryObject;
use portcullis_site::{Cors, Methods, Seconds, SecurityHeaders};

fn cors(origins: &[&str]) -> Cors {
    Cors {
        allow_origins: origins.iter().map(|o| (*o).to_owned()).collect(),
        allow_headers: vec!["x-own".to_owned(), "range".to_owned()],
        expose_headers: vec!["etag".to_owned()],
        max_age: Seconds::of(600),
    }
}

fn world(origins: &[&str]) -> World {
    let mut world = World::new();
    let behavior = world.behavior("/files/*");
    behavior.response_headers.cors = Some(cors(origins));
    behavior.methods = Methods::GetHeadOptions;
    world.put("files", "files/a", MemoryObject::new("x"));
    world
}

fn from(world: &World, origin: Option<&str>) -> Got {
    world.ask(Ask {
        headers: Headers {
            origin,
            ..Headers::default()
        },
        ..get("/files/a")
    })
}

const HOSTILE: [&str; 11] = [
    "null",
    "https://www.example.com.evil.com",
    "https://evilwww.example.com",
    "http://www.example.com",
    "https://WWW.example.com",
    "https://www.example.com:443",
    "https://www.example.com.",
    "https://www.example.com/",
    "*",
    "",
    "https://www.example.com, https://evil.com",
];

#[test]
fn one_entry_is_answered_the_same_to_everyone() {
    for only in ["https://www.example.com", "*"] {
        let world = world(&[only]);
        let plain = from(&world, None);
        assert_eq!(plain.header("access-control-allow-origin"), Some(only));
        for origin in HOSTILE.into_iter().chain(["https://www.example.com"]) {
            assert_eq!(from(&world, Some(origin)), plain, "{origin}");
        }
    }
    assert_eq!(
        from(&world(&["null"]), Some("null")).header("access-control-allow-origin"),
        None
    );
}

#[test]
fn of_several_entries_exactly_one_is_answered() {
    let world = world(&["https://www.example.com", "https://app.example.com"]);
    for origin in ["https://www.example.com", "https://app.example.com"] {
        let got = from(&world, Some(origin));
        assert_eq!(
            (
                got.header("access-control-allow-origin"),
                got.header("vary")
            ),
            (Some(origin), Some("Origin"))
        );
        assert_eq!(got.header("access-control-expose-headers"), Some("etag"));
        assert_eq!(got.header("access-control-allow-credentials"), None);
    }
    for origin in HOSTILE.map(Some).into_iter().chain([None]) {
        let got = from(&world, origin);
        assert_eq!(
            (
                got.header("access-control-allow-origin"),
                got.header("vary")
            ),
            (None, Some("Origin")),
            "{origin:?}"
        );
    }
}

#[test]
fn every_kind_of_answer_is_decorated() {
    let mut world = world(&["https://www.example.com"]);
    world.behavior("/files/*").response_headers.security = SecurityHeaders::Strict;
    let tag = from(&world, None).header("etag").unwrap().to_owned();
    let conditional = |headers| {
        world.ask(Ask {
            headers,
            ..get("/files/a")
        })
    };
    let none = Headers::default();
    let mut refused = plain(403, "no\n");
    decorate(&mut refused, &world.site.behaviors[0], None);
    let named = |got: &Got, name: &str| got.header(name).map(str::to_owned);
    for got in [
        from(&world, None),
        conditional(Headers {
            if_none_match: Some(&tag),
            ..none
        }),
        conditional(Headers {
            if_match: Some("\"x\""),
            ..none
        }),
        conditional(Headers {
            range: Some("bytes=9-"),
            ..none
        }),
        world.get("/files/missing"),
        world.ask(Ask {
            method: "POST",
            ..get("/files/a")
        }),
    ] {
        for (name, value) in [
            ("access-control-allow-origin", "https://www.example.com"),
            ("x-content-type-options", "nosniff"),
            (
                "strict-transport-security",
                "max-age=63072000; includeSubDomains",
            ),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "strict-origin-when-cross-origin"),
            ("cross-origin-opener-policy", "same-origin"),
        ] {
            assert_eq!(
                named(&got, name).as_deref(),
                Some(value),
                "{name} of {}",
                got.status
            );
            assert_eq!(refused.header(name).and_then(|v| v.to_str()), Some(value));
        }
    }
    world.behavior("/files/*").response_headers.security = SecurityHeaders::Basic;
    assert_eq!(
        from(&world, None).header("x-frame-options"),
        Some("SAMEORIGIN")
    );
    world.behavior("/files/*").response_headers.security = SecurityHeaders::None;
    assert_eq!(from(&world, None).header("x-frame-options"), None);
}

#[test]
fn a_preflight_says_what_is_allowed_whatever_is_asked() {
    let world = world(&["https://www.example.com"]);
    for (method, headers) in [
        ("GET", None),
        ("DELETE", Some("authorization, x-evil")),
        ("", Some("")),
    ] {
        let headers = Headers {
            origin: Some("https://www.example.com"),
            request_method: Some(method),
            request_headers: headers,
            ..Headers::default()
        };
        let got = world.ask(Ask {
            method: "OPTIONS",
            headers,
            ..get("/files/missing")
        });
        assert_eq!(
            (got.outcome, got.status, got.store_calls),
            (Outcome::Preflight, 204, 0)
        );
        assert_eq!(
            got.header("access-control-allow-methods"),
            Some("GET, HEAD, OPTIONS")
        );
        assert_eq!(
            got.header("access-control-allow-headers"),
            Some("x-own, range")
        );
        assert_eq!(got.header("access-control-max-age"), Some("600"));
        assert_eq!(
            got.header("access-control-allow-origin"),
            Some("https://www.example.com")
        );
        got.assert_not_cacheable();
    }
    let got = world.ask(Ask {
        method: "OPTIONS",
        ..get("/files/a")
    });
    assert_eq!(
        (
            got.status,
            got.header("allow"),
            got.header("access-control-max-age")
        ),
        (204, Some("GET, HEAD, OPTIONS"), None)
    );
}

#[test]
fn decorating_twice_is_decorating_once() {
    let world = world(&["https://www.example.com", "https://app.example.com"]);
    let mut once = plain(404, "no\n");
    decorate(
        &mut once,
        &world.site.behaviors[0],
        Some("https://app.example.com"),
    );
    let first = once.headers.clone();
    decorate(
        &mut once,
        &world.site.behaviors[0],
        Some("https://app.example.com"),
    );
    assert_eq!(once.headers, first);
}
