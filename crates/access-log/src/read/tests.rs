//! What lines say, which are refused, and that what is written is read.

use super::{Entry, Lines, Unreadable};
use crate::write::{Line, w3c_head};
use proptest::prelude::*;
use std::borrow::Cow;

const W3C: &str = "#Version: 1.0
#Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) cs-uri-query cs(Cookie) x-edge-result-type
2026-03-01\t12:00:00\tFRA56-P1\t1045\t192.0.2.7\tGET\td111111abcdef8.cloudfront.net\t/a%2520b\t200\t-\tcurl/8\tx=1&y=2\t-\tHit";

fn read(text: &str) -> Result<Option<Entry<'_>>, Unreadable> {
    let mut lines = Lines::new();
    let mut last = Ok(None);
    for line in text.split('\n') {
        last = lines.read(line.as_bytes());
    }
    last
}

#[test]
fn a_line_of_a_w3c_log() {
    let entry = read(W3C).unwrap().unwrap();
    assert_eq!(
        entry,
        Entry {
            time: 1_772_366_400,
            location: "FRA56-P1",
            viewer: Cow::Borrowed("192.0.2.7"),
            method: Cow::Borrowed("GET"),
            path: Cow::Borrowed("/a%20b"),
            query: Cow::Borrowed("x=1&y=2"),
            status: 200,
            result: Cow::Borrowed("Hit"),
            bytes: 1_045,
            ..Entry::default()
        }
    );
}

#[test]
fn a_line_of_a_version_2_log_in_json() {
    let line = r#"{"timestamp(ms)":"1772366400123","c-ip":"2001:db8::7","c-country":"DE","cs-method":"GET","cs-uri-stem":"/a","cs-uri-query":"-","sc-status":"403","x-edge-result-type":"Error","x-edge-location":"IAD89-C1"}"#;
    let entry = read(line).unwrap().unwrap();
    assert_eq!((entry.time, entry.status), (1_772_366_400, 403));
    assert_eq!((&*entry.country, &*entry.query), ("DE", ""));
}

#[test]
fn a_decision_line_and_the_other_lines_of_the_gateway() {
    let line = r#"{"time":1772366400,"kind":"decision","id":"x","bundle":"sha256:aa","verdict":"refused","reason":"no-match","method":"GET","path":"/a","inputs":{"address":"192.0.2.7","country":{"code":"US","header":"US"}},"status":403,"bytes":0}"#;
    let entry = read(line).unwrap().unwrap();
    let decided = entry.decided.unwrap();
    assert_eq!(
        (&*decided.verdict, &*decided.reason),
        ("refused", "no-match")
    );
    assert_eq!((&*entry.viewer, &*entry.country), ("192.0.2.7", "US"));
    assert_eq!(read(r#"{"kind":"start"}"#), Ok(None));
}

#[test]
fn what_cannot_be_read_says_why() {
    let short = W3C.rsplit_once('\t').unwrap().0.to_owned();
    let bad_date = W3C.replace("2026-03-01", "2026-13-01");
    let bad_status = W3C.replace("\t200\t", "\tok\t");
    let rows = [
        ("a\tb", Unreadable::NoFields),
        ("#Fields: date time", Unreadable::FieldsMissing),
        (&short, Unreadable::FieldCount),
        (&bad_date, Unreadable::Time),
        (&bad_status, Unreadable::Status),
        ("{", Unreadable::Json),
        ("{}", Unreadable::FieldsMissing),
    ];
    for (text, why) in rows {
        assert_eq!(read(text), Err(why), "{text}");
    }
    let long = "a".repeat(super::LINE_BYTES_MAX + 1);
    assert_eq!(read(&long), Err(Unreadable::TooLong));
    assert_eq!(Lines::new().read(b"\xff"), Err(Unreadable::NotText));
    for nothing in ["", "# a comment", "#Version: 1.0"] {
        assert_eq!(read(nothing), Ok(None));
    }
}

fn line() -> Line<'static> {
    Line {
        time_ms: 1_772_366_400_123,
        location: "FRA56-P1",
        sent: 1_045,
        viewer: ("192.0.2.7".parse().unwrap(), 50_443),
        country: "DE",
        method: "GET",
        domain: "d111111abcdef8.cloudfront.net",
        path: "/a b\"c",
        query: "x=%20",
        status: 0,
        referer: b"",
        user_agent: b"it's",
        cookies: b"",
        host: "www.example.com",
        forwarded_for: b"",
        id: "id==",
        protocol: "https",
        protocol_version: "HTTP/2.0",
        tls: ("TLSv1.3", "TLS_AES_128_GCM_SHA256"),
        received: 300,
        took_ms: (5, 1_007),
        response_result: "Miss",
        result: "Error",
        detailed: "ClientCommError",
        content_type: b"text/html",
        content_length: Some(1_000),
        range: None,
        field_encryption: Some(("Processed", 2)),
        pattern: "/a*",
    }
}

#[test]
fn what_is_written_is_read() {
    let line = line();
    let text = format!("{}\n{}", w3c_head(), line.w3c());
    let (json, w3c) = (line.json(), read(&text).unwrap().unwrap());
    let from_json = read(&json).unwrap().unwrap();
    for entry in [&w3c, &from_json] {
        assert_eq!((&*entry.path, &*entry.query), ("/a b\"c", "x=%20"));
        assert_eq!(
            (entry.time, entry.status, entry.bytes),
            (1_772_366_400, 0, 1_045)
        );
    }
    assert_eq!((&*w3c.country, &*from_json.country), ("", "DE"));
    let fields: Vec<&str> = text.lines().last().unwrap().split('\t').collect();
    assert_eq!(fields.len(), 33);
    assert_eq!(
        (fields[8], fields[10], fields[18]),
        ("000", "it%27s", "1.007")
    );
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(before in proptest::option::of(Just(w3c_head())), bytes: Vec<u8>) {
        let mut lines = Lines::new();
        for line in before.iter().flat_map(|head| head.lines()) {
            prop_assert_eq!(lines.read(line.as_bytes()), Ok(None));
        }
        for line in bytes.split(|byte| *byte == b'\n') {
            let _no_panic = lines.read(line);
        }
    }
}
