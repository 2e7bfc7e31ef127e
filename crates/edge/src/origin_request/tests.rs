//! Which fields reach the origin, policy by policy.

use super::{
    Forwarding, GeneratedHeader, Origin, OriginRequest, ViewerRequest, origin_request,
    viewer_address, x_forwarded_for,
};
use crate::accept_encoding::EdgeCodings;
use crate::gate::{HttpVersion, Scheme};
use crate::headers::{CustomHeaders, Headers};
use crate::identity::{EdgeHost, RequestId};
use crate::selection::{Names, Selection};
use crate::switches::Switches;

const VIA: &str = "2.0 07070707070707070707070707070707.cloudfront.net (CloudFront)";

fn all() -> Selection {
    Selection {
        origin_request_policy: Names::All,
        ..Selection::default()
    }
}

fn only(names: &[&str]) -> Selection {
    Selection {
        cache_policy: Names::Only(names.iter().map(|&n| n.to_owned()).collect()),
        ..Selection::default()
    }
}

/// A request with everything that has a rule of its own.
fn ask(target: &str, extra: &[(&str, &str)], forwarding: &Forwarding) -> OriginRequest {
    let usual = [
        ("Host", "www.example.com"),
        ("User-Agent", "curl/8"),
        ("Accept", "*/*"),
        ("Referer", "https://x"),
        ("Cookie", "b=2; a=1"),
        ("Authorization", "Basic Zg=="),
        ("X-Forwarded-Proto", "https"),
        ("X-Custom", "1"),
        ("CloudFront-Viewer-Country", "XX"),
        ("X-Edge-Thing", "1"),
        ("Connection", "close"),
        ("X-Amz-Cf-Id", "forged"),
        ("X-Origin-Secret", "guess"),
        ("Range", "bytes=0-1"),
    ];
    let headers = usual.iter().chain(extra).copied().collect::<Headers>();
    let viewer = ViewerRequest {
        method: "GET",
        target,
        version: HttpVersion::Http2,
        scheme: Scheme::Https,
        headers: &headers,
        peer: "192.0.2.2:50000".parse().unwrap(),
        country: "DE".parse().ok(),
    };
    let secret = vec![("X-Origin-Secret".to_owned(), "s3cret".to_owned())];
    let origin = Origin {
        domain: "origin.example.org".to_owned(),
        path: String::new(),
        custom_headers: CustomHeaders::new(secret).unwrap(),
    };
    let (edge, id) = (EdgeHost::new([7; 16]), RequestId::new([0; 40]));
    origin_request(
        &viewer,
        forwarding,
        None,
        &origin,
        &edge,
        &id,
        &Switches::default(),
    )
}

#[track_caller]
fn has(request: &OriginRequest, name: &str, value: Option<&str>) {
    let found = request
        .headers
        .joined(name, "|")
        .map(|v| String::from_utf8(v).unwrap());
    assert_eq!(found.as_deref(), value, "{name}");
}

#[test]
fn without_policies_the_origin_sees_cloudfront_and_not_the_viewer() {
    let request = ask("/a?b=1", &[], &Forwarding::default());
    let names: Vec<&str> = request.headers.iter().map(|(name, _)| name).collect();
    assert_eq!(
        names,
        [
            "Host",
            "User-Agent",
            "Range",
            "Via",
            "X-Forwarded-For",
            "X-Amz-Cf-Id",
            "X-Origin-Secret"
        ]
    );
    has(&request, "host", Some("origin.example.org"));
    has(&request, "user-agent", Some("Amazon CloudFront"));
    has(&request, "via", Some(VIA));
    has(&request, "x-forwarded-for", Some("192.0.2.2"));
    has(
        &request,
        "x-amz-cf-id",
        Some(RequestId::new([0; 40]).as_str()),
    );
    assert_eq!(request.target, "/a");
}

#[test]
fn a_custom_header_replaces_what_the_viewer_guessed() {
    for headers in [Selection::default(), all(), only(&["X-Origin-Secret"])] {
        let forwarding = Forwarding {
            headers,
            ..Forwarding::default()
        };
        has(
            &ask("/", &[("x-origin-secret", "second")], &forwarding),
            "x-origin-secret",
            Some("s3cret"),
        );
    }
}

#[test]
fn all_viewer_headers_and_still_not_those_of_the_connection() {
    let forwarding = Forwarding {
        headers: all(),
        cookies: all(),
        ..Forwarding::default()
    };
    let request = ask("/", &[("Via", "1.1 proxy")], &forwarding);
    for (name, value) in [
        ("host", "www.example.com"),
        ("user-agent", "curl/8"),
        ("accept", "*/*"),
        ("cookie", "a=1; b=2"),
        ("authorization", "Basic Zg=="),
        ("x-custom", "1"),
    ] {
        has(&request, name, Some(value));
    }
    // A viewer's copy of a generated header passes when no policy asks CloudFront for the real one.
    has(&request, "cloudfront-viewer-country", Some("XX"));
    has(&request, "via", Some(&format!("1.1 proxy, {VIA}")));
    for name in ["x-forwarded-proto", "connection", "x-edge-thing"] {
        has(&request, name, None);
    }
    has(
        &request,
        "x-amz-cf-id",
        Some(RequestId::new([0; 40]).as_str()),
    );
}

#[test]
fn all_but_the_host() {
    let headers = Selection {
        origin_request_policy: Names::Except(vec!["Host".to_owned()]),
        ..Selection::default()
    };
    let generated = vec![GeneratedHeader::ViewerCountry];
    let request = ask(
        "/",
        &[],
        &Forwarding {
            headers,
            generated,
            ..Forwarding::default()
        },
    );
    has(&request, "host", Some("origin.example.org"));
    has(&request, "cloudfront-viewer-country", Some("DE"));
}

#[test]
fn generated_headers_are_never_the_viewers() {
    let generated = GeneratedHeader::ALL.to_vec();
    let forged: Vec<(&str, &str)> = GeneratedHeader::ALL
        .iter()
        .map(|h| (h.name(), "forged"))
        .collect();
    let request = ask(
        "/",
        &forged,
        &Forwarding {
            headers: all(),
            generated,
            ..Forwarding::default()
        },
    );
    has(
        &request,
        "cloudfront-viewer-address",
        Some("192.0.2.2:50000"),
    );
    has(&request, "cloudfront-viewer-country", Some("DE"));
    has(&request, "cloudfront-forwarded-proto", Some("https"));
    has(&request, "cloudfront-viewer-http-version", Some("2.0"));
}

#[test]
fn listed_headers_cookies_and_parameters() {
    let forwarding = Forwarding {
        headers: only(&["authorization", "USER-AGENT"]),
        cookies: only(&["a"]),
        query: only(&["q"]),
        ..Forwarding::default()
    };
    let request = ask("/a//../b?q=1&Q=2&p=3", &[], &forwarding);
    has(&request, "authorization", Some("Basic Zg=="));
    has(&request, "user-agent", Some("curl/8"));
    has(&request, "cookie", Some("a=1"));
    has(&request, "referer", None);
    assert_eq!(request.target, "/a//../b?q=1");
}

#[test]
fn accept_encoding_is_normalised_or_ordinary() {
    let sent = [
        ("Accept-Encoding", "gzip, deflate"),
        ("accept-encoding", "br, zstd"),
    ];
    let both = EdgeCodings {
        gzip: true,
        brotli: true,
    };
    let ask = |headers, codings| {
        ask(
            "/",
            &sent,
            &Forwarding {
                headers,
                codings,
                ..Forwarding::default()
            },
        )
    };
    has(
        &ask(Selection::default(), both),
        "accept-encoding",
        Some("br,gzip"),
    );
    has(&ask(all(), both), "accept-encoding", Some("br,gzip"));
    has(
        &ask(Selection::default(), EdgeCodings::default()),
        "accept-encoding",
        None,
    );
    has(
        &ask(all(), EdgeCodings::default()),
        "accept-encoding",
        Some("gzip, deflate, br, zstd"),
    );
}

#[test]
fn x_forwarded_for_ends_with_the_peer() {
    let v4 = "192.0.2.2".parse().unwrap();
    assert_eq!(x_forwarded_for(None, v4), b"192.0.2.2");
    assert_eq!(
        x_forwarded_for(Some(b"192.0.2.4,192.0.2.3"), v4),
        b"192.0.2.4,192.0.2.3,192.0.2.2"
    );
    assert_eq!(
        x_forwarded_for(Some(b"junk \xff"), v4),
        b"junk \xff,192.0.2.2"
    );
    assert_eq!(
        x_forwarded_for(None, "::ffff:192.0.2.2".parse().unwrap()),
        b"192.0.2.2"
    );
}

#[test]
fn a_viewer_address_has_no_brackets() {
    for (peer, address) in [
        ("192.0.2.2:1", "192.0.2.2:1"),
        ("[2001:db8::1]:443", "2001:db8::1:443"),
        ("[::ffff:192.0.2.2]:65535", "192.0.2.2:65535"),
    ] {
        assert_eq!(viewer_address(peer.parse().unwrap()), address);
    }
}
