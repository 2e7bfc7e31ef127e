//! What S3 has been seen to say, and what it must not be able to do to us, as raw answers.

use crate::canned::{Canned, Step};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http_body_util::BodyExt as _;
use portcullis_http_semantics::RangeSpec;
use portcullis_origin::field::StrongTag;
use portcullis_origin::object_path::ObjectPath;
use portcullis_origin::store::{
    Fetched, Metadata, Object, ObjectRef, ObjectStore as _, StoreError, Want,
};
use portcullis_site::{Bucket, KeyPrefix};
use std::time::Duration;

fn object() -> ObjectRef {
    let key = ObjectPath::of_decoded("/a b+c.txt").unwrap();
    let key = key.key(&KeyPrefix::new("").unwrap()).unwrap();
    ObjectRef {
        bucket: Bucket::new("bucket").unwrap(),
        key,
    }
}

fn want(range: Option<RangeSpec>, if_match: Option<&str>, if_none_match: Option<&str>) -> Want {
    let tag = |text: &str| StrongTag::parse(text.as_bytes()).unwrap();
    Want {
        range,
        if_match: if_match.map(tag),
        if_none_match: if_none_match.map(tag),
    }
}

/// The head of an answer. One that has an object has a tag, as all of S3's do, unless `headers` bring one.
fn head(status: &str, headers: &[u8]) -> Vec<u8> {
    let is_object = status.starts_with("20") && !headers.windows(5).any(|five| five == b"etag:");
    let tag: &[u8] = if is_object { b"etag: \"a\"\r\n" } else { b"" };
    [
        b"HTTP/1.1 ",
        status.as_bytes(),
        b"\r\n",
        tag,
        headers,
        b"connection: close\r\n\r\n",
    ]
    .concat()
}

fn answer(status: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = format!("content-length: {}\r\n{headers}", body.len());
    [head(status, length.as_bytes()), body.as_bytes().to_vec()].concat()
}

/// An answer, its body read to the end.
async fn read(
    fetched: Result<Fetched, StoreError>,
) -> Result<(String, Option<Metadata>), StoreError> {
    async fn text(object: Object) -> Result<String, StoreError> {
        Ok(String::from_utf8(object.body.collect().await?.to_bytes().to_vec()).unwrap())
    }
    Ok(match fetched? {
        Fetched::Full(object) => {
            let metadata = object.metadata.clone();
            (format!("full {}", text(object).await?), Some(metadata))
        }
        Fetched::Partial {
            object,
            first,
            last,
        } => {
            let size = object.metadata.size;
            (
                format!("part {first}-{last}/{size} {}", text(object).await?),
                None,
            )
        }
        Fetched::NotModified(metadata) => ("not modified".to_owned(), Some(metadata)),
        Fetched::Changed => ("changed".to_owned(), None),
        Fetched::Unsatisfiable { size } => (format!("unsatisfiable {size:?}"), None),
        Fetched::Missing => ("missing".to_owned(), None),
    })
}

/// What an answer to `want` comes to.
async fn outcome(want: &Want, raw: impl Into<Vec<u8>>) -> Result<String, StoreError> {
    let server = Canned::saying(raw).await;
    let objects = server.clients().objects();
    Ok(read(objects.get(&object(), want).await).await?.0)
}

#[tokio::test]
async fn an_answer_is_what_the_port_calls_it() {
    let (from_2, suffix_0) = (Some(RangeSpec::From(2)), Some(RangeSpec::Suffix(0)));
    let error = |code: &str| format!("<Error><Code>{code}</Code></Error>");
    let part = "etag: \"a\"\r\ncontent-range: bytes 2-4/5\r\n";
    let same = want(None, None, Some("\"a\""));
    for (want, raw, expected) in [
        (Want::default(), answer("200 OK", "", "bytes"), "full bytes"),
        (
            Want::default(),
            answer("404 Not Found", "", &error("NoSuchKey")),
            "missing",
        ),
        (
            want(from_2, None, None),
            answer("206 Partial Content", part, "tes"),
            "part 2-4/5 tes",
        ),
        (
            same.clone(),
            answer("304 Not Modified", "etag: \"a\"\r\n", ""),
            "not modified",
        ),
        (
            want(None, Some("\"b\""), None),
            answer("412 Precondition Failed", "", &error("PreconditionFailed")),
            "changed",
        ),
        (
            want(from_2, None, None),
            answer(
                "416 Range Not Satisfiable",
                "content-range: bytes */1\r\n",
                &error("InvalidRange"),
            ),
            "unsatisfiable Some(1)",
        ),
        (
            want(from_2, None, None),
            answer("416 Range Not Satisfiable", "", &error("InvalidRange")),
            "unsatisfiable None",
        ),
        // Stores that take no notice of a condition or a range.
        (
            want(from_2, None, None),
            answer("200 OK", "", "bytes"),
            "full bytes",
        ),
        (
            want(suffix_0, None, None),
            answer("200 OK", "", "bytes"),
            "unsatisfiable Some(5)",
        ),
        (
            want(from_2, None, None),
            answer("200 OK", "", ""),
            "unsatisfiable Some(0)",
        ),
        (
            same,
            answer("200 OK", "etag: \"a\"\r\n", "bytes"),
            "not modified",
        ),
        (
            want(None, Some("\"b\""), None),
            answer("200 OK", "etag: \"a\"\r\n", "bytes"),
            "changed",
        ),
        (
            want(from_2, Some("\"b\""), None),
            answer("206 Partial Content", part, "tes"),
            "changed",
        ),
    ] {
        assert_eq!(
            outcome(&want, raw).await.as_deref(),
            Ok(expected),
            "{want:?}"
        );
    }
}

#[tokio::test]
async fn an_answer_that_makes_no_sense_is_malformed() {
    let from_2 = want(Some(RangeSpec::From(2)), None, None);
    let part = |range: &str| {
        answer(
            "206 Partial Content",
            &format!("content-range: {range}\r\n"),
            "tes",
        )
    };
    for (want, raw) in [
        // Nobody asked for these.
        (Want::default(), answer("304 Not Modified", "", "")),
        (Want::default(), answer("412 Precondition Failed", "", "")),
        (Want::default(), part("bytes 2-4/5")),
        // Another part than the wanted one, or one without its place.
        (from_2.clone(), part("bytes 1-3/5")),
        (from_2.clone(), part("bytes 2-4/9")),
        (from_2.clone(), part("bytes 0-2/1")),
        (from_2.clone(), part("bytes 2-4/*")),
        (from_2.clone(), part("bytes +2-4/5")),
        (from_2.clone(), part("2-4/5")),
        (from_2.clone(), answer("206 Partial Content", "", "tes")),
        (
            from_2,
            answer(
                "206 Partial Content",
                "content-range: bytes 2-4/5\r\n",
                "te",
            ),
        ),
        // Without a tag: a login page in place of the store.
        (Want::default(), answer("200 OK", "etag: a\r\n", "<html>")),
        // Without a length, and no store's at all.
        (
            Want::default(),
            [head("200 OK", b""), b"bytes".to_vec()].concat(),
        ),
        (
            Want::default(),
            answer("404 Not Found", "", "<html>not here</html>"),
        ),
        (Want::default(), answer("204 No Content", "", "")),
        (
            Want::default(),
            answer(
                "301 Moved Permanently",
                "",
                "<Error><Code>PermanentRedirect</Code></Error>",
            ),
        ),
        (
            Want::default(),
            answer("200 OK", "last-modified: yesterday\r\n", "bytes"),
        ),
    ] {
        let shown = String::from_utf8_lossy(&raw).into_owned();
        let outcome = outcome(&want, raw).await;
        assert!(
            matches!(outcome, Err(StoreError::Malformed(_))),
            "{shown}: {outcome:?}"
        );
    }
}

#[tokio::test]
async fn an_error_says_what_can_be_done_about_it() {
    let error = |status: &str, code: &str| {
        let body = format!("<Error><Code>{code}</Code><Message>secret</Message></Error>");
        answer(status, "x-amz-request-id: 4442587FB7D0A2F9\r\n", &body)
    };
    let text = |what: &str| format!("s3:GetObject: {what}, request 4442587FB7D0A2F9");
    for (raw, expected) in [
        (
            error("403 Forbidden", "AccessDenied"),
            StoreError::Denied(text("403 AccessDenied")),
        ),
        (
            error("400 Bad Request", "ExpiredToken"),
            StoreError::Denied(text("400 ExpiredToken")),
        ),
        (
            error("403 Forbidden", "InvalidObjectState"),
            StoreError::Unavailable(text("403 InvalidObjectState")),
        ),
        (
            error("404 Not Found", "NoSuchBucket"),
            StoreError::Unavailable(text("404 NoSuchBucket")),
        ),
        (error("503 Slow Down", "SlowDown"), StoreError::Throttled),
        (
            error("429 Too Many", "TooManyRequests"),
            StoreError::Throttled,
        ),
        (
            error("500 Oh", "InternalError"),
            StoreError::Unavailable(text("500 InternalError")),
        ),
        (
            error("500 Oh", &"x".repeat(500)),
            StoreError::Unavailable(text(&format!("500 {}", "x".repeat(80)))),
        ),
        (
            error("500 Oh", "a&#10;b\u{9b}c"),
            StoreError::Unavailable(text("500 a?b?c")),
        ),
    ] {
        assert_eq!(outcome(&Want::default(), raw).await, Err(expected));
    }
}

/// Who calls counts the calls and paces them (fault drill F01); nothing is repeated behind its back.
#[tokio::test]
async fn a_read_is_one_request_whatever_comes_of_it() {
    let busy = answer("503 Slow Down", "", "<Error><Code>SlowDown</Code></Error>");
    for raw in [busy, answer("500 Oh", "", ""), Vec::new()] {
        let server = Canned::saying(raw).await;
        let objects = server.clients().objects();
        assert!(objects.get(&object(), &Want::default()).await.is_err());
        assert!(objects.head(&object()).await.is_err());
        assert_eq!(server.requests().len(), 2);
    }
}

#[tokio::test]
async fn what_is_no_http_is_unavailable() {
    for raw in [
        &b""[..],
        b"\0\x01\x02",
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nbytes",
        b"HTTP/1.1 200 OK\r\nbad header: x\r\ncontent-length: 5\r\n\r\nbytes",
        b"HTTP/1.1 200 OK\r\ncache-control: a\rb\r\ncontent-length: 5\r\n\r\nbytes",
        b"HTTP/1.1 200 OK\r\ncache-control: a\0b\r\ncontent-length: 5\r\n\r\nbytes",
        b"HTTP/1.1 200 OK\r\ncache-control: a\x7fb\r\ncontent-length: 5\r\n\r\nbytes",
    ] {
        let outcome = outcome(&Want::default(), raw).await;
        assert!(
            matches!(outcome, Err(StoreError::Unavailable(_))),
            "{raw:?}: {outcome:?}"
        );
    }
}

#[tokio::test]
async fn a_body_that_is_cut_or_stalls_breaks_where_it_stopped() {
    let cut = [head("200 OK", b"content-length: 9\r\n"), b"bytes".to_vec()].concat();
    assert_eq!(
        outcome(&Want::default(), cut).await,
        Err(StoreError::Broken { after: 5 })
    );

    let began = [head("200 OK", b"content-length: 9\r\n"), b"bytes".to_vec()].concat();
    let server =
        Canned::start([vec![Step::Send(began), Step::Wait(Duration::from_secs(60))]]).await;
    let got = server
        .clients()
        .objects()
        .get(&object(), &Want::default())
        .await;
    let started = std::time::Instant::now();
    assert_eq!(
        read(got).await.unwrap_err(),
        StoreError::Broken { after: 5 }
    );
    assert!(
        (4..20).contains(&started.elapsed().as_secs()),
        "{:?}",
        started.elapsed()
    );
}

#[tokio::test]
async fn a_store_that_says_nothing_is_too_late() {
    let server = Canned::start([vec![Step::Wait(Duration::from_secs(60))]]).await;
    let started = std::time::Instant::now();
    let got = server
        .clients()
        .objects()
        .get(&object(), &Want::default())
        .await;
    assert_eq!(got.unwrap_err(), StoreError::TimedOut);
    assert_eq!(server.requests().len(), 1);
    assert!(
        (1..20).contains(&started.elapsed().as_secs()),
        "{:?}",
        started.elapsed()
    );
}

#[tokio::test]
async fn the_whole_is_checked_against_its_checksum_and_a_part_is_not() {
    let sha256 =
        |bytes: &[u8]| BASE64_STANDARD.encode(<sha2::Sha256 as sha2::Digest>::digest(bytes));
    let right = format!("x-amz-checksum-sha256: {}\r\n", sha256(b"bytes"));
    let wrong = format!("x-amz-checksum-sha256: {}\r\n", sha256(b"other"));
    let crc32 = "x-amz-checksum-crc32: AAAAAA==\r\n";
    let parts = "x-amz-checksum-sha256: 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=-3\r\n";
    let whole = Want::default();
    assert_eq!(
        outcome(&whole, answer("200 OK", &right, "bytes"))
            .await
            .as_deref(),
        Ok("full bytes")
    );
    assert_eq!(
        outcome(&whole, answer("200 OK", parts, "bytes"))
            .await
            .as_deref(),
        Ok("full bytes")
    );
    for wrong in [&wrong, crc32] {
        let outcome = outcome(&whole, answer("200 OK", wrong, "bytes")).await;
        assert!(
            matches!(outcome, Err(StoreError::Malformed(_))),
            "{outcome:?}"
        );
    }
    let part = format!("content-range: bytes 2-4/5\r\n{right}");
    let from_2 = want(Some(RangeSpec::From(2)), None, None);
    let raw = answer("206 Partial Content", &part, "tes");
    assert_eq!(outcome(&from_2, raw).await.as_deref(), Ok("part 2-4/5 tes"));
}

/// Attack A7.3: metadata that tries to be more than a value.
#[tokio::test]
async fn odd_metadata_never_fails_the_object() {
    let long = format!("content-language: {}\r\n", "x".repeat(64 * 1024));
    let headers = [
        b"content-length: 5\r\nset-cookie: a=b\r\nx-amz-meta-odd: \xff\r\n".as_slice(),
        b"expires: \xff\r\ncache-control: max-age=\xfe\r\ncontent-type: text/\xc3\xa9\r\n",
        b"x-amz-checksum-sha256: short\r\n",
        long.as_bytes(),
    ];
    for method in ["GET", "HEAD"] {
        let raw = [head("200 OK", &headers.concat()), b"bytes".to_vec()].concat();
        let server = Canned::saying(raw).await;
        let objects = server.clients().objects();
        let metadata = match method {
            "GET" => {
                read(objects.get(&object(), &Want::default()).await)
                    .await
                    .unwrap()
                    .1
            }
            _ => objects.head(&object()).await.unwrap(),
        };
        let metadata = metadata.unwrap();
        let bytes = |value: Option<portcullis_origin::field::FieldValue>| {
            value.map(|value| value.as_bytes().to_vec())
        };
        assert_eq!(metadata.size, 5);
        assert_eq!(metadata.sha256, None);
        assert_eq!(
            bytes(metadata.expires),
            Some(b"\xff".to_vec()),
            "legal, if no text (RFC 9110 §5.5)"
        );
        assert_eq!(
            bytes(metadata.cache_control),
            Some(b"max-age=\xfe".to_vec())
        );
        assert_eq!(
            bytes(metadata.content_type),
            Some("text/é".as_bytes().to_vec())
        );
        assert_eq!(metadata.content_language, None, "longer than is passed on");
        assert_eq!(metadata.invalid_values, 1);
    }
}

#[tokio::test]
async fn metadata_is_read_as_it_was_written() {
    let headers = "etag: \"d41d8cd98f00b204e9800998ecf8427e-2\"\r\nlast-modified: Wed, 21 Oct 2026 07:28:00 GMT\r\n\
                   expires: 0\r\ncache-control: public, max-age=60\r\n";
    let not_modified = answer("304 Not Modified", "cache-control: max-age=1\r\n", "");
    let server = Canned::saying(answer("200 OK", headers, "bytes")).await;
    let metadata = server
        .clients()
        .objects()
        .head(&object())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        metadata.etag,
        StrongTag::parse(b"\"d41d8cd98f00b204e9800998ecf8427e-2\"")
    );
    assert_eq!(metadata.last_modified, Some(1_792_567_680));
    assert_eq!(metadata.expires.unwrap().to_str(), Some("0"));

    // S3's 304 says little; the tag is then the one that was asked about.
    let server = Canned::saying(not_modified).await;
    let got = server
        .clients()
        .objects()
        .get(&object(), &want(None, None, Some("\"a\"")))
        .await;
    let metadata = read(got).await.unwrap().1.unwrap();
    assert_eq!(metadata.etag, StrongTag::parse(b"\"a\""));
    assert_eq!(metadata.cache_control.unwrap().to_str(), Some("max-age=1"));
}

#[tokio::test]
async fn a_missing_object_has_no_metadata_and_a_refused_one_is_no_missing_one() {
    let of = async |raw: Vec<u8>| {
        Canned::saying(raw)
            .await
            .clients()
            .objects()
            .head(&object())
            .await
    };
    assert_eq!(of(answer("404 Not Found", "", "")).await, Ok(None));
    let denied = of(answer("403 Forbidden", "", "")).await;
    assert!(matches!(denied, Err(StoreError::Denied(_))), "{denied:?}");
    assert_eq!(
        of(answer("503 Slow Down", "", "")).await,
        Err(StoreError::Throttled)
    );
}

#[tokio::test]
async fn a_request_says_what_is_wanted_and_nothing_of_the_viewer() {
    let server = Canned::saying(answer("200 OK", "", "bytes")).await;
    let objects = server.clients().objects();
    let wanted = want(
        Some(RangeSpec::FromTo {
            first: 1,
            last: u64::MAX,
        }),
        Some("\"a\""),
        Some("\"b\""),
    );
    drop(objects.get(&object(), &wanted).await);
    drop(
        objects
            .get(&object(), &want(None, Some("\"\u{fc}\""), None))
            .await,
    );
    let requests = server.requests();
    let [part, whole] = &requests[..] else {
        panic!("{requests:?}")
    };
    assert!(
        part.starts_with("GET /bucket/a%20b%2Bc.txt?x-id=GetObject HTTP/1.1\r\n"),
        "{part}"
    );
    for line in [
        "range: bytes=1-18446744073709551615",
        "if-match: \"a\"",
        "if-none-match: \"b\"",
    ] {
        assert!(part.contains(&format!("\r\n{line}\r\n")), "{line}: {part}");
    }
    assert!(!part.contains("x-amz-checksum-mode"), "{part}");
    assert!(
        whole.contains("\r\nx-amz-checksum-mode: ENABLED\r\n"),
        "{whole}"
    );
    assert!(!whole.contains("if-match"), "no tag of S3's: {whole}");
}
