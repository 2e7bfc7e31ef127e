//! From a path to an object: index documents, clean URLs, variants, and the borders between behaviors (rule A5.3).

use super::{Ask, World, get};
use crate::request::Headers;
use crate::serve::Outcome;
use crate::store::memory::MemoryObject;
use portcullis_site::Seconds;

fn world() -> World {
    let world = World::new();
    for name in [
        "index.html",
        "guide.html",
        "dir/index.html",
        "app.js",
        "partners/index.html",
        "partners/deep/index.html",
        "caf\u{e9}/index.html",
    ] {
        world.put("pages", name, MemoryObject::new(name.as_bytes().to_vec()));
    }
    world
}

#[track_caller]
fn check(path: &str, status: u16, expected: &str, calls: u32) {
    let got = world().get(path);
    assert_eq!((got.status, got.store_calls), (status, calls), "{path}");
    match status {
        200 => assert_eq!(got.text(), expected, "{path}"),
        308 => {
            assert_eq!(
                (got.header("location"), got.text()),
                (Some(expected), ""),
                "{path}"
            );
            assert_eq!(got.outcome, Outcome::Redirected);
            got.assert_not_cacheable();
        }
        404 => got.assert_not_cacheable(),
        other => panic!("{other}"),
    }
}

#[test]
fn r02_every_way_to_an_index_agrees() {
    check("/", 200, "index.html", 1);
    check("/index.html", 200, "index.html", 1);
    check("/index", 200, "index.html", 2);
    check("/dir/", 200, "dir/index.html", 1);
    check("/dir/index.html", 200, "dir/index.html", 1);
    check("/dir/index", 200, "dir/index.html", 2);
    check("/dir", 308, "/dir/", 3);
    check("/none", 404, "", 3);
    check("/none/", 404, "", 1);
    check("/none/index.html", 404, "", 1);
    check("/none/index", 404, "", 3);
}

#[test]
fn clean_urls_name_pages_and_never_assets() {
    check("/guide", 200, "guide.html", 2);
    check("/guide.html", 200, "guide.html", 1);
    check("/app.js", 200, "app.js", 1);
    check("/app", 404, "", 3);
    check("/caf%C3%A9", 308, "/caf%C3%A9/", 3);
}

#[test]
fn r11_a_missing_asset_is_never_a_page() {
    let world = world();
    // A page that a careless rule would find.
    world.put(
        "pages",
        "assets/app.1f2e3d4c.js.html",
        MemoryObject::new("<html>"),
    );
    world.put(
        "pages",
        "assets/app.1f2e3d4c.js/index.html",
        MemoryObject::new("<html>"),
    );
    for name in [
        "app.1f2e3d4c.js",
        "x.css",
        "x.png",
        "x.woff2",
        "x.json",
        "x.map",
        "x.wasm",
        "x.svg",
        "x.mp4",
    ] {
        for fetch_dest in [None, Some("script"), Some("document")] {
            let headers = Headers {
                fetch_dest,
                accept: Some("text/html"),
                ..Headers::default()
            };
            let path = format!("/assets/{name}");
            let got = world.ask(Ask {
                headers,
                ..get(&path)
            });
            assert_eq!(
                (got.outcome, got.store_calls),
                (Outcome::Missing, 1),
                "{path}"
            );
            got.assert_not_cacheable();
        }
    }
}

#[test]
fn r12_a_404_does_not_outlive_the_deployment() {
    let world = world();
    let early = world.get("/app.4b1d5c2f.js");
    assert_eq!(early.status, 404);
    early.assert_not_cacheable();
    world.put("pages", "app.4b1d5c2f.js", MemoryObject::new("new"));
    assert_eq!(world.get("/app.4b1d5c2f.js").text(), "new");
}

#[test]
fn a_bare_directory_of_another_behavior_is_redirected_to_unseen() {
    let world = world();
    let got = world.get("/partners");
    assert_eq!(
        (got.status, got.header("location")),
        (308, Some("/partners/"))
    );
    let asked: Vec<String> = world
        .store
        .calls()
        .iter()
        .map(|call| call.object.key.to_string())
        .collect();
    assert_eq!(
        asked,
        ["public/partners", "public/partners.html"],
        "the stricter behavior's keys are not looked at"
    );
    assert_eq!(world.get("/partners/").text(), "partners/index.html");
    assert_eq!(
        world.get("/partners/deep").header("location"),
        Some("/partners/deep/")
    );
}

#[test]
fn what_another_behavior_governs_is_not_served_under_this_url() {
    let mut world = world();
    let mut index = world.behavior("/partners/*").clone();
    index.path = portcullis_site::PathPattern::new("/*index.html").unwrap();
    world.site.behaviors.insert(0, index);
    for path in ["/", "/dir/", "/dir"] {
        let got = world.get(path);
        assert_eq!(
            (got.outcome, got.store_calls > 2),
            (Outcome::Missing, false),
            "{path}"
        );
        assert!(
            world.store.calls().iter().all(|call| !call
                .object
                .key
                .as_str()
                .ends_with("index.html"))
        );
    }
}

#[test]
fn a_directory_without_index_is_no_object() {
    let world = World::new();
    world.put("files", "files/dir/", MemoryObject::new(""));
    let got = world.get("/files/dir/");
    assert_eq!((got.outcome, got.store_calls), (Outcome::Missing, 0));
}

/// A bucket of variants, and which of them a request gets.
fn packed() -> World {
    let world = World::new();
    for (name, codings) in [
        ("a.js", &["", ".br", ".zst", ".gz"][..]),
        ("gz.js", &["", ".gz"]),
        ("none.js", &[""]),
        ("only.js", &[".br"]),
        ("index.html", &["", ".br"]),
        ("guide.html", &["", ".gz"]),
        ("a.png", &["", ".br"]),
    ] {
        for coding in codings {
            let kind = if coding.is_empty() {
                "text/x-own"
            } else {
                "application/x-gzip"
            };
            world.put(
                "packed",
                &format!("packed/{name}{coding}"),
                MemoryObject::new(format!("{name}{coding}")).with_type(kind),
            );
        }
    }
    world
}

#[track_caller]
fn coded(path: &str, accept_encoding: Option<&str>, expected: &str, coding: Option<&str>) {
    let headers = Headers {
        accept_encoding,
        ..Headers::default()
    };
    let got = packed().ask(Ask {
        headers,
        ..get(path)
    });
    assert_eq!(
        (got.text(), got.header("content-encoding")),
        (expected, coding),
        "{path} {accept_encoding:?}"
    );
    assert_eq!(got.header("vary"), Some("Accept-Encoding"));
}

#[test]
fn the_best_variant_the_client_accepts_is_served() {
    coded(
        "/packed/a.js",
        Some("gzip, br, zstd"),
        "a.js.br",
        Some("br"),
    );
    coded(
        "/packed/a.js",
        Some("gzip;q=1, br;q=0.5"),
        "a.js.gz",
        Some("gzip"),
    );
    coded(
        "/packed/a.js",
        Some("br;q=0, gzip"),
        "a.js.gz",
        Some("gzip"),
    );
    coded("/packed/a.js", Some("zstd"), "a.js.zst", Some("zstd"));
    coded("/packed/a.js", Some("*"), "a.js.br", Some("br"));
    coded("/packed/a.js", Some(""), "a.js", None);
    coded("/packed/a.js", None, "a.js", None);
    coded(
        "/packed/a.js",
        Some("identity;q=0.9, br;q=0.1"),
        "a.js",
        None,
    );
    coded(
        "/packed/gz.js",
        Some("br, zstd, gzip"),
        "gz.js.gz",
        Some("gzip"),
    );
    coded("/packed/gz.js", Some("br"), "gz.js", None);
    coded("/packed/none.js", Some("br, gzip"), "none.js", None);
    coded("/packed/", Some("br"), "index.html.br", Some("br"));
    coded("/packed/guide", Some("gzip"), "guide.html.gz", Some("gzip"));
    coded("/packed/a.png", Some("br"), "a.png", None);
    coded("/packed/none.js", Some("identity;q=0"), "none.js", None);
}

#[test]
fn a_variant_is_a_representation_of_its_own_with_the_type_of_its_object() {
    let world = packed();
    let headers = Headers {
        accept_encoding: Some("br"),
        ..Headers::default()
    };
    let coded = world.ask(Ask {
        headers,
        ..get("/packed/a.js")
    });
    let plain = world.get("/packed/a.js");
    assert_eq!(
        coded.header("content-type"),
        Some("text/javascript; charset=utf-8")
    );
    assert_eq!(plain.header("content-type"), Some("text/x-own"));
    assert_ne!(coded.header("etag"), plain.header("etag"));
    let headers = Headers {
        if_none_match: coded.header("etag"),
        ..headers
    };
    let again = world.ask(Ask {
        headers,
        ..get("/packed/a.js")
    });
    assert_eq!(
        (again.status, again.header("vary")),
        (304, Some("Accept-Encoding"))
    );
    let refused = Headers {
        if_none_match: coded.header("etag"),
        ..Headers::default()
    };
    assert_eq!(
        world
            .ask(Ask {
                headers: refused,
                ..get("/packed/a.js")
            })
            .status,
        200,
        "another representation"
    );
}

#[test]
fn a_variant_that_another_behavior_governs_is_not_looked_for() {
    let world = World::new();
    // `*.css` governs the name and not the name with `.br`.
    world.put("packed", "site.css", MemoryObject::new("identity"));
    world.put("packed", "site.css.br", MemoryObject::new("br"));
    let headers = Headers {
        accept_encoding: Some("br"),
        ..Headers::default()
    };
    let got = world.ask(Ask {
        headers,
        ..get("/site.css")
    });
    assert_eq!((got.text(), got.store_calls), ("identity", 1));
}

#[test]
fn look_ups_are_bounded() {
    let headers = Headers {
        accept_encoding: Some("br, zstd, gzip"),
        ..Headers::default()
    };
    let world = World::new();
    assert_eq!(
        world
            .ask(Ask {
                headers,
                ..get("/packed/none")
            })
            .store_calls,
        6
    );
    assert_eq!(
        world
            .ask(Ask {
                headers,
                ..get("/packed/none.js")
            })
            .store_calls,
        4
    );
    assert_eq!(
        world
            .ask(Ask {
                headers,
                ..get("/packed/none/")
            })
            .store_calls,
        4
    );
}

#[test]
fn a_name_that_proves_its_bytes_is_immutable_in_every_coding() {
    let mut world = packed();
    let digest: String = sha256(b"bytes")
        .iter()
        .take(6)
        .map(|b| format!("{b:02x}"))
        .collect();
    let name = format!("packed/app.{digest}.js");
    world.put("packed", &name, MemoryObject::new("bytes"));
    let got = world.get(&format!("/{name}"));
    assert_eq!(
        got.header("cache-control"),
        Some("public, max-age=31536000, immutable")
    );
    let packed = format!("{name}.br");
    world.put("packed", &packed, MemoryObject::new("packed bytes"));
    let path = format!("/{name}");
    let headers = Headers {
        accept_encoding: Some("br"),
        ..Headers::default()
    };
    let got = world.ask(Ask {
        headers,
        ..get(&path)
    });
    assert_eq!(got.header("content-encoding"), Some("br"));
    assert_eq!(
        got.header("cache-control"),
        Some("public, max-age=31536000, immutable"),
        "it is the object beside the variant that the name proves"
    );
    world.put("packed", &name, MemoryObject::new("other bytes"));
    let got = world.ask(Ask {
        headers,
        ..get(&path)
    });
    assert_eq!(
        got.header("cache-control"),
        Some("max-age=0, s-maxage=86400"),
        "a name that no longer proves the object proves no variant either"
    );
    let got = world.get(&path);
    assert_eq!(
        got.header("cache-control"),
        Some("max-age=0, s-maxage=86400")
    );
    let behavior = world.behavior("/packed/*");
    behavior.caching = super::caching(portcullis_site::Ttl {
        min: Seconds::of(0),
        default: Seconds::of(5),
        max: Seconds::of(9),
    });
    assert_eq!(
        world.get("/packed/a.js").header("cache-control"),
        Some("max-age=0, s-maxage=5")
    );
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    use sha2::Digest as _;
    sha2::Sha256::digest(bytes).into()
}
