//! A directory answers as a bucket, and shows nothing that is not in it.

use super::{Directory, MissingKey};
use crate::body::Body;
use crate::fields::Fields;
use crate::listen::Scheme;
use crate::origins::{Framing, OriginAnswer, OriginConnector as _, OriginFetch};
use http::Method;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use tempfile::TempDir;

/// A bucket, and a secret beside it.
struct Bucket {
    _all: TempDir,
    root: PathBuf,
}

impl Bucket {
    fn new() -> Self {
        let all = TempDir::new().unwrap();
        let root = all.path().join("bucket");
        fs::create_dir_all(root.join("a/b")).unwrap();
        for (name, content) in [
            ("index.html", "<p>hello"),
            ("a/b/ä ö.txt", "umlauts"),
            ("a/plain", "plain"),
            ("empty.css", ""),
            ("../secret.txt", "secret"),
        ] {
            fs::write(root.join(name), content).unwrap();
        }
        fs::write(root.join("large.bin"), vec![b'x'; 1_000_000]).unwrap();
        symlink(all.path().join("secret.txt"), root.join("link.txt")).unwrap();
        symlink(all.path(), root.join("above")).unwrap();
        Self { _all: all, root }
    }

    async fn ask(&self, method: Method, target: &str, fields: &[(&str, &str)]) -> OriginAnswer {
        let directory = Directory::new(&self.root, MissingKey::NoSuchKey);
        ask(&directory, method, target, fields).await
    }

    /// Status and body of a GET.
    async fn get(&self, target: &str, fields: &[(&str, &str)]) -> (u16, String) {
        let answer = self.ask(Method::GET, target, fields).await;
        let status = answer.status;
        let bytes = answer.body.collect(2_000_000).await.unwrap();
        (status, String::from_utf8(bytes.to_vec()).unwrap())
    }
}

async fn ask(
    directory: &Directory,
    method: Method,
    target: &str,
    pairs: &[(&str, &str)],
) -> OriginAnswer {
    let mut fields = Fields::default();
    for (name, value) in pairs {
        fields.add(name, value).unwrap();
    }
    let fetch = OriginFetch {
        scheme: Scheme::Https,
        method,
        target: target.to_owned(),
        fields,
        body: Body::empty(),
        now_ms: 784_111_777_000,
    };
    directory.fetch(fetch).await.unwrap()
}

fn text<'a>(answer: &'a OriginAnswer, name: &str) -> &'a str {
    std::str::from_utf8(answer.fields.get(name).unwrap_or_default()).unwrap()
}

#[tokio::test]
async fn an_object_has_the_fields_of_s3() {
    let bucket = Bucket::new();
    let answer = bucket.ask(Method::GET, "/index.html?x=y", &[]).await;
    let names: Vec<_> = answer.fields.iter().map(|(name, _)| name).collect();
    assert_eq!(
        names,
        [
            "x-amz-id-2",
            "x-amz-request-id",
            "Date",
            "Last-Modified",
            "ETag",
            "x-amz-server-side-encryption",
            "Accept-Ranges",
            "Content-Type",
            "Content-Length",
            "Server"
        ]
    );
    assert_eq!(text(&answer, "date"), "Sun, 06 Nov 1994 08:49:37 GMT");
    assert_eq!(text(&answer, "content-type"), "text/html");
    assert_eq!(answer.framing, Framing::Length(8));
    let head = bucket.ask(Method::HEAD, "/index.html", &[]).await;
    assert_eq!((head.status, text(&head, "content-length")), (200, "8"));
    assert!(head.body.is_empty());
    for (target, expected) in [
        ("/a/b/%C3%A4%20%C3%B6.txt", "umlauts"),
        ("/a/plain", "plain"),
        ("/empty.css", ""),
    ] {
        assert_eq!(bucket.get(target, &[]).await, (200, expected.to_owned()));
    }
    let unknown = bucket.ask(Method::GET, "/a/plain", &[]).await;
    assert_eq!(text(&unknown, "content-type"), "binary/octet-stream");
    assert_eq!(bucket.get("/large.bin", &[]).await.1.len(), 1_000_000);
}

#[tokio::test]
async fn metadata_follows_the_key() {
    let bucket = Bucket::new();
    let directory = Directory::new(&bucket.root, MissingKey::NoSuchKey).with_metadata(|key| {
        let type_of = if key == "a/plain" { "x/y" } else { "text/html" };
        vec![
            ("content-type".into(), type_of.into()),
            ("Cache-Control".into(), "max-age=60".into()),
        ]
    });
    let answer = ask(&directory, Method::GET, "/a/plain", &[]).await;
    assert_eq!(text(&answer, "content-type"), "x/y");
    assert_eq!(answer.fields.all("content-type").count(), 1);
    assert_eq!(text(&answer, "cache-control"), "max-age=60");
}

#[tokio::test]
async fn conditions_and_ranges_are_s3s() {
    let bucket = Bucket::new();
    let whole = bucket.ask(Method::GET, "/index.html", &[]).await;
    let (etag, modified) = (text(&whole, "etag"), text(&whole, "last-modified"));
    let old = "Sun, 06 Nov 1994 08:49:37 GMT";
    for (fields, status, body) in [
        (vec![("If-None-Match", etag)], 304, Some("")),
        (vec![("If-Modified-Since", modified)], 304, Some("")),
        (vec![("If-None-Match", "\"other\"")], 200, Some("<p>hello")),
        (vec![("If-Modified-Since", old)], 200, Some("<p>hello")),
        (vec![("If-Match", "\"other\"")], 412, None),
        (vec![("If-Unmodified-Since", old)], 412, None),
        (vec![("Range", "bytes=3-")], 206, Some("hello")),
        (vec![("Range", "bytes=0-2")], 206, Some("<p>")),
        (vec![("Range", "bytes=-2")], 206, Some("lo")),
        (vec![("Range", "bytes=8-")], 416, None),
        (vec![("Range", "bytes=0-1,3-4")], 200, Some("<p>hello")),
        (vec![("Range", "lines=0-1")], 200, Some("<p>hello")),
        (
            vec![("Range", "bytes=0-2"), ("If-Range", etag)],
            206,
            Some("<p>"),
        ),
        (
            vec![("Range", "bytes=0-2"), ("If-Range", "\"x\"")],
            200,
            Some("<p>hello"),
        ),
    ] {
        let (got, text) = bucket.get("/index.html", &fields).await;
        assert_eq!(got, status, "{fields:?}");
        match body {
            Some(body) => assert_eq!(text, body, "{fields:?}"),
            None => assert!(text.contains("<Error><Code>"), "{fields:?} {text}"),
        }
    }
    let part = bucket
        .ask(Method::GET, "/index.html", &[("Range", "bytes=3-")])
        .await;
    assert_eq!(text(&part, "content-range"), "bytes 3-7/8");
    let range = [("Range", "bytes=200000-799999")];
    assert_eq!(bucket.get("/large.bin", &range).await.1.len(), 600_000);
}

#[tokio::test]
async fn a_changed_object_has_another_tag() {
    let bucket = Bucket::new();
    let before = bucket.ask(Method::HEAD, "/a/plain", &[]).await;
    fs::write(bucket.root.join("a/plain"), "other").unwrap();
    let changed = std::time::SystemTime::now() + std::time::Duration::from_secs(2);
    let file = fs::File::options()
        .write(true)
        .open(bucket.root.join("a/plain"))
        .unwrap();
    file.set_modified(changed).unwrap();
    let after = bucket.ask(Method::HEAD, "/a/plain", &[]).await;
    assert_ne!(text(&before, "etag"), text(&after, "etag"));
}

#[tokio::test]
async fn nothing_outside_and_nothing_through_a_link_is_shown() {
    let bucket = Bucket::new();
    for target in [
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/a/../../secret.txt",
        "/a/../index.html",
        "/a/./plain",
        "/./index.html",
        "//index.html",
        "/a//plain",
        "/index.html/",
        "/..%2fsecret.txt",
        "/a%00",
        "/link.txt",
        "/above/secret.txt",
        "/above/bucket/index.html",
        "/a",
        "/a/",
        "/nothing",
        "/index.html/x",
        "//etc/passwd",
        "/%2fetc/passwd",
    ] {
        let (status, body) = bucket.get(target, &[]).await;
        assert_eq!(status, 404, "{target}");
        assert!(body.contains("<Code>NoSuchKey</Code>"), "{target} {body}");
    }
    let long = format!("/{}", "x".repeat(2_000));
    for (target, status) in [
        ("/%ff", 400),
        (&*long, 400),
        ("/", 403),
        ("/?list-type=2", 403),
    ] {
        assert_eq!(bucket.get(target, &[]).await.0, status, "{target}");
    }
}

#[tokio::test]
async fn errors_are_documents_of_unknown_length_and_missing_is_denied_on_request() {
    let bucket = Bucket::new();
    let missing = bucket.ask(Method::GET, "/nothing", &[]).await;
    assert_eq!(missing.framing, Framing::Chunked);
    assert_eq!(text(&missing, "content-type"), "application/xml");
    let head = bucket.ask(Method::HEAD, "/nothing", &[]).await;
    assert_eq!((head.status, head.framing), (404, Framing::Length(0)));
    assert_eq!(
        bucket.ask(Method::PUT, "/index.html", &[]).await.status,
        405
    );
    let denied = Directory::new(&bucket.root, MissingKey::AccessDenied);
    let answer = ask(&denied, Method::GET, "/nothing", &[]).await;
    let body = answer.body.collect(10_000).await.unwrap();
    assert_eq!(answer.status, 403);
    assert!(String::from_utf8_lossy(&body).contains("<Code>AccessDenied</Code>"));
    assert_eq!(
        ask(&denied, Method::GET, "/index.html", &[]).await.status,
        200
    );
}
