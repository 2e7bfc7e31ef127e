//! Custom origins: what they are asked, and what of their answers leaves.

use super::{Ask, Got, Received, Script, World, get};
use crate::request::Headers;
use crate::serve::{Carriage, OriginFault, Outcome, loop_token, loops};
use crate::upstream::UpstreamError;
use portcullis_site::{Caching, LargeObjects};

/// An answer with its length.
pub(super) fn says(
    status: u16,
    headers: &[(&'static str, &'static [u8])],
    body: &'static [u8],
) -> Script {
    Script {
        status,
        headers: headers.to_vec(),
        body: vec![Some(body)],
        content_length: Some(body.len() as u64),
    }
}

fn answered(script: Script, ask: Ask<'_>) -> Got {
    let world = World::new();
    world.will_answer(Ok(script));
    world.ask(ask)
}

fn asked(ask: Ask<'_>, change: impl FnOnce(&mut World)) -> Received {
    let mut world = World::new();
    change(&mut world);
    world.will_answer(Ok(says(200, &[], b"x")));
    world.ask(ask);
    world.received().remove(0)
}

const EVERYTHING: Headers<'static> = Headers {
    secret: Some("the-secret"),
    viewer_address: Some("203.0.113.7:443"),
    viewer_country: Some("DE"),
    range: Some("bytes=0-"),
    if_range: Some("\"x\""),
    if_match: Some("*"),
    if_none_match: Some("\"a\""),
    if_modified_since: Some("Thu, 01 Jan 1970 00:00:00 GMT"),
    if_unmodified_since: Some("Thu, 01 Jan 2026 00:00:00 GMT"),
    accept_encoding: Some("zstd, GZIP;q=0.2, br;q=0, x-evil"),
    origin: Some("https://evil.example"),
    request_method: None,
    request_headers: Some("x-evil"),
    accept: Some("text/evil"),
    fetch_dest: Some("document"),
    fetch_mode: Some("navigate"),
    host: Some("the-host"),
    preview: Some("the-preview"),
    sticky: Some("the-viewer"),
    cdn_loop: Some("cloudfront"),
    via: Some("2.0 abc.cloudfront.net (CloudFront)"),
    cloudfront_id: Some("id"),
};

#[test]
fn only_what_cannot_poison_a_cache_is_sent_on() {
    let received = asked(
        Ask {
            headers: EVERYTHING,
            query: "z=1&q=a%20b&Signature=s&page=2&q&Q=3",
            ..get("/api/%C3%A9")
        },
        |_| (),
    );
    assert_eq!(received.target, "GET /api/%C3%A9?q=a%20b&page=2&q");
    let names: Vec<&str> = received.headers.iter().map(|(name, _)| *name).collect();
    assert_eq!(
        names,
        [
            "if-match",
            "if-none-match",
            "if-modified-since",
            "if-unmodified-since",
            "range",
            "if-range",
            "accept-encoding",
            "cdn-loop",
            "via",
        ]
    );
    let value = |name: &str| {
        received
            .headers
            .iter()
            .find(|(n, _)| *n == name)
            .unwrap()
            .1
            .as_str()
    };
    assert_eq!(value("accept-encoding"), "gzip,zstd");
    assert_eq!(value("cdn-loop"), "cloudfront, portcullis-handbook");
    assert_eq!(
        value("via"),
        "2.0 abc.cloudfront.net (CloudFront), 1.1 portcullis-handbook"
    );
}

#[test]
fn what_the_cache_key_declares_is_sent_on() {
    let received = asked(
        Ask {
            headers: EVERYTHING,
            ..get("/api/x")
        },
        |world| {
            let Caching::Enabled { key, .. } = &mut world.behavior("/api/*").caching else {
                panic!()
            };
            key.headers = vec!["accept".to_owned()];
            key.country = true;
        },
    );
    let has = |name: &str| received.headers.iter().any(|(n, _)| *n == name);
    assert!(has("accept") && has("cloudfront-viewer-country") && !has("origin"));
}

#[test]
fn without_caching_the_query_goes_on_but_for_a_signature() {
    let received = asked(
        Ask {
            query: "a=1&Expires=5&b=\"<\u{e9}>#&Key-Pair-Id=K&Policy=p",
            ..get("/api/x")
        },
        |world| {
            world.behavior("/api/*").caching = Caching::Disabled;
        },
    );
    assert_eq!(received.target, "GET /api/x?a=1&b=%22%3C%C3%A9%3E%23");
    assert!(!format!("{received:?}").contains("secret"));
}

#[test]
fn a_plain_answer_passes_with_the_headers_on_the_list() {
    let script = says(
        200,
        &[
            ("content-type", b"application/json"),
            ("cache-control", b"max-age=60, s-maxage=7200"),
            ("etag", b"W/\"e\""),
            ("age", b"5"),
            ("set-cookie", b"a=b"),
            ("connection", b"close"),
            ("transfer-encoding", b"chunked"),
            ("x-powered-by", b"php"),
            ("server", b"x"),
            ("access-control-allow-origin", b"https://evil.example"),
            ("vary", b"Accept-Encoding"),
            ("vary", b"Origin"),
            ("content-language", b"de\xff"),
        ],
        b"{}",
    );
    let got = answered(script, get("/api/x"));
    assert_eq!(
        (
            got.outcome,
            got.status,
            got.text(),
            got.upstream_calls,
            got.store_calls
        ),
        (Outcome::Full, 200, "{}", 1, 0)
    );
    let mut names: Vec<&str> = got.headers.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "age",
            "cache-control",
            "content-length",
            "content-type",
            "etag",
            "vary",
            "x-content-type-options"
        ]
    );
    assert_eq!(
        got.header("cache-control"),
        Some("max-age=60, s-maxage=7200")
    );
    assert_eq!(
        (got.header("vary"), got.dropped),
        (Some("Accept-Encoding, Origin"), 1)
    );
}

#[test]
fn errors_inherit_no_lifetime_and_no_validators() {
    let headers: &[(&'static str, &'static [u8])] = &[
        ("cache-control", b"public, max-age=600"),
        ("etag", b"\"e\""),
        ("expires", b"Thu, 01 Jan 2099 00:00:00 GMT"),
        ("last-modified", b"Thu, 01 Jan 1970 00:00:00 GMT"),
        ("age", b"1"),
        ("retry-after", b"9"),
    ];
    for (status, outcome) in [
        (404, Outcome::Missing),
        (403, Outcome::Relayed(403)),
        (410, Outcome::Relayed(410)),
        (500, Outcome::Relayed(500)),
        (503, Outcome::Relayed(503)),
        (412, Outcome::PreconditionFailed),
        (416, Outcome::Unsatisfiable),
        (201, Outcome::Full),
    ] {
        let got = answered(says(status, headers, b"why"), get("/api/x"));
        assert_eq!(
            (got.outcome, got.status, got.text()),
            (outcome, status, "why")
        );
        got.assert_not_cacheable();
        assert_eq!(got.header("retry-after"), Some("9"));
    }
}

#[test]
fn redirects_are_passed_on_without_body_and_never_followed() {
    let to = |location: &'static [u8]| {
        answered(
            says(
                302,
                &[("location", location), ("cache-control", b"max-age=9")],
                b"<a href=x>",
            ),
            get("/api/x"),
        )
    };
    let got = to(b"https://api.internal.example.com/api/y");
    assert_eq!(
        (
            got.outcome,
            got.status,
            got.header("location"),
            got.text(),
            got.upstream_calls
        ),
        (Outcome::Redirected, 302, Some("/api/y"), "", 1)
    );
    got.assert_not_cacheable();
    let got = to(b"//evil.example");
    assert_eq!(
        (got.outcome, got.status),
        (Outcome::OriginFailed(OriginFault::Malformed), 502)
    );
}

#[test]
fn an_answer_to_another_question_is_a_fault() {
    let malformed = Outcome::OriginFailed(OriginFault::Malformed);
    let range = Headers {
        range: Some("bytes=0-1"),
        ..Headers::default()
    };
    let part = |content_range: &'static [u8], body: &'static [u8]| {
        answered(
            says(206, &[("content-range", content_range)], body),
            Ask {
                headers: range,
                ..get("/api/x")
            },
        )
    };
    assert_eq!(
        answered(says(304, &[], b""), get("/api/x")).outcome,
        malformed
    );
    assert_eq!(
        answered(
            says(206, &[("content-range", b"bytes 0-0/9")], b"x"),
            get("/api/x")
        )
        .outcome,
        malformed
    );
    assert_eq!(
        answered(says(101, &[], b""), get("/api/x")).outcome,
        malformed
    );
    assert_eq!(
        answered(says(600, &[], b""), get("/api/x")).outcome,
        malformed
    );
    for bad in [
        &b"bytes 0-2/9"[..],
        b"bytes 1-0/9",
        b"bytes 8-9/9",
        b"bytes */9",
        b"0-1/9",
        b"bytes 0-18446744073709551615/*",
        b"",
    ] {
        assert_eq!(part(bad, b"xy").outcome, malformed, "{bad:?}");
    }
    let good = part(b"bytes 0-1/9", b"xy");
    assert_eq!(
        (
            good.outcome,
            good.status,
            good.text(),
            good.header("content-range")
        ),
        (Outcome::Partial, 206, "xy", Some("bytes 0-1/9"))
    );
    let conditional = Headers {
        if_none_match: Some("\"e\""),
        ..Headers::default()
    };
    let got = answered(
        says(304, &[("etag", b"\"e\"")], b""),
        Ask {
            headers: conditional,
            ..get("/api/x")
        },
    );
    assert_eq!(
        (got.outcome, got.status, got.header("cache-control")),
        (Outcome::NotModified, 304, None)
    );
}

#[test]
fn a_body_is_as_long_as_promised_or_a_502() {
    let with = |body: Vec<Option<&'static [u8]>>, content_length| {
        let got = answered(
            Script {
                status: 200,
                headers: vec![],
                body,
                content_length,
            },
            get("/api/x"),
        );
        (got.status, got.bytes.unwrap())
    };
    assert_eq!(
        with(vec![Some(b"ab"), Some(b"c")], Some(3)),
        (200, b"abc".to_vec())
    );
    assert_eq!(
        with(vec![Some(b"ab"), Some(b"c")], None),
        (200, b"abc".to_vec())
    );
    assert_eq!(with(vec![Some(b"ab")], Some(3)).0, 502);
    assert_eq!(with(vec![Some(b"abcd")], Some(3)).0, 502);
    assert_eq!(with(vec![Some(b"ab"), None], None).0, 502);
    assert_eq!(with(vec![Some(b"abc"), None], Some(3)).0, 502);
}

#[test]
fn an_answer_of_unknown_length_is_read_as_far_as_it_fits() {
    let script = || Script {
        status: 200,
        headers: vec![],
        body: vec![Some(&[b'a'; 4_000]), Some(&[b'b'; 4_000])],
        content_length: None,
    };
    let ask = |bytes, streams| {
        let mut world = World::new();
        world.behavior("/api/*").large_objects = LargeObjects::Stream;
        world.budget.carriage = Carriage::Envelope { bytes, streams };
        world.will_answer(Ok(script()));
        let got = world.get("/api/x");
        (got.status, got.streamed, got.bytes.map(|b| b.len()))
    };
    assert_eq!(ask(20_000, false), (200, false, Some(8_000)));
    assert_eq!(ask(8_000, true), (200, true, Some(8_000)));
    assert_eq!(ask(8_000, false).0, 413);
}

#[test]
fn a_missing_origin_is_a_502_or_a_504() {
    for (error, status) in [
        (UpstreamError::Dns, 502),
        (UpstreamError::Connect, 502),
        (UpstreamError::Tls, 502),
        (UpstreamError::PrivateAddress, 502),
        (UpstreamError::Malformed, 502),
        (UpstreamError::TimedOut, 504),
        (UpstreamError::Broken { after: 1 }, 502),
    ] {
        let world = World::new();
        world.will_answer(Err(error.clone()));
        let got = world.get("/api/x");
        assert_eq!((got.status, got.upstream_calls), (status, 1), "{error}");
        got.assert_not_cacheable();
    }
}

#[test]
fn a_gateway_knows_its_own_requests() {
    let site = super::site();
    assert_eq!(loop_token(&site), "portcullis-handbook");
    let check = |cdn_loop, via, expected: bool| {
        let headers = Headers {
            cdn_loop,
            via,
            ..Headers::default()
        };
        let request = super::request(Ask {
            headers,
            ..get("/")
        });
        assert_eq!(loops(&site, &request), expected, "{cdn_loop:?} {via:?}");
    };
    let long = "x,".repeat(2_000);
    check(None, None, false);
    check(
        Some("cloudfront, other"),
        Some("2.0 portcullis.cloudfront.net (CloudFront)"),
        false,
    );
    check(
        Some("portcullis-handbook2, xportcullis-handbook"),
        None,
        false,
    );
    check(Some("cloudfront, Portcullis-Handbook ; v=1"), None, true);
    check(None, Some("2.0 a (b), 1.1 portcullis-handbook"), true);
    check(Some(&long), None, true);
}
