//! Objects whose metadata or content comes from somebody who means harm (attacks A7.3, A8.1).

use super::World;
use crate::store::RawMetadata;
use crate::store::memory::MemoryObject;

/// Where a header's value is kept.
type Field = fn(&mut RawMetadata) -> &mut Option<Vec<u8>>;

fn with(set: impl FnOnce(&mut RawMetadata)) -> super::Got {
    let world = World::new();
    let mut object = MemoryObject::new("body");
    set(&mut object.raw);
    world.put("files", "files/a.css", object);
    world.get("/files/a.css")
}

#[test]
fn no_metadata_adds_a_header_or_breaks_an_answer() {
    let fields: [(&str, Field); 6] = [
        ("content-type", |raw| &mut raw.content_type),
        ("content-encoding", |raw| &mut raw.content_encoding),
        ("content-language", |raw| &mut raw.content_language),
        ("content-disposition", |raw| &mut raw.content_disposition),
        ("cache-control", |raw| &mut raw.cache_control),
        ("expires", |raw| &mut raw.expires),
    ];
    let plain = with(|_| ());
    let expected: Vec<&str> = plain
        .headers
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    for (name, field) in fields {
        for value in [
            &b"a\r\nset-cookie: marker=1"[..],
            b"\r\n\r\n<marker>",
            b"\xffmarker",
            b"marker\0",
            &[b'a'; 65_536],
            b"\x7f",
        ] {
            let got = with(|raw| *field(raw) = Some(value.to_vec()));
            assert_eq!((got.status, got.text()), (200, "body"), "{name}");
            let names: Vec<&str> = got.headers.iter().map(|(name, _)| name.as_str()).collect();
            assert!(
                names.iter().all(|n| expected.contains(n)),
                "{name}: {names:?}"
            );
            for (_, sent) in &got.headers {
                assert!(
                    sent.len() <= 8_192 && sent.iter().all(|b| (0x20..0x7F).contains(b)),
                    "{name}"
                );
                assert!(!sent.windows(6).any(|w| w == b"marker"), "{name}");
            }
            // A lifetime is read from text that can be sent, and never sent itself.
            let is_read_only = matches!(name, "cache-control" | "expires" | "content-type")
                && value == b"\xffmarker";
            assert_eq!(
                got.dropped,
                u32::from(!is_read_only || name == "content-type"),
                "{name} {value:?}"
            );
        }
    }
}

#[test]
fn a_coding_that_no_browser_undoes_is_not_passed_on() {
    let coding = |value: &str| {
        let got = with(|raw| raw.content_encoding = Some(value.as_bytes().to_vec()));
        (
            got.header("content-encoding").map(str::to_owned),
            got.dropped,
        )
    };
    assert_eq!(coding("gzip"), (Some("gzip".to_owned()), 0));
    assert_eq!(coding("aws-chunked"), (None, 1));
    assert_eq!(coding("aws-chunked, gzip"), (Some("gzip".to_owned()), 1));
    assert_eq!(coding("identity"), (None, 0));
    assert_eq!(coding("lies"), (None, 1));
}

#[test]
fn uploads_do_not_run_in_the_site_s_origin() {
    let world = World::new();
    let upload = |name: &str, content_type: Option<&str>| {
        let object = MemoryObject::new("<svg onload='alert(1)'>");
        let object = content_type.map_or(object.clone(), |kind| object.with_type(kind));
        world.put("uploads", &format!("uploads/{name}"), object.clone());
        world.put("files", &format!("files/{name}"), object);
        world.get(&format!("/uploads/{name}"))
    };
    for (name, content_type) in [
        ("a.svg", None),
        ("a.html", None),
        ("a.xml", None),
        ("a.xhtml", None),
        ("a.pdf", None),
        ("a.png", Some("text/html")),
        ("a", Some("IMAGE/SVG+XML; charset=x")),
        ("a.txt", Some("application/rss+xml")),
        ("b.html", Some("binary/octet-stream")),
    ] {
        let got = upload(name, content_type);
        assert_eq!(
            got.header("content-disposition"),
            Some("attachment"),
            "{name}"
        );
        assert_eq!(
            got.header("content-security-policy"),
            Some("sandbox; default-src 'none'"),
            "{name}"
        );
        assert_eq!(
            world
                .get(&format!("/files/{name}"))
                .header("content-disposition"),
            None,
            "our own files are not uploads"
        );
    }
    for (name, content_type) in [
        ("a.png", None),
        ("a.txt", None),
        ("unknown", None),
        ("a.svg", Some("image/png")),
    ] {
        let got = upload(name, content_type);
        assert_eq!(got.header("content-disposition"), None, "{name}");
        assert_eq!(
            got.header("x-content-type-options"),
            Some("nosniff"),
            "{name}"
        );
    }
    assert_eq!(
        upload("unknown", None).header("content-type"),
        Some("application/octet-stream")
    );
}
