//! The vectors of standard access logs: how values stand in fields, and what a line says of answers that are none.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must fail"
)]

use portcullis_access_log::encoding::{decode, encode};
use portcullis_access_log::read::Lines;
use portcullis_access_log::write::{FIELDS, Line, w3c_head};
use portcullis_suite::vector_cases;

#[test]
fn values_are_encoded() {
    for case in vector_cases("log_encoding") {
        let (raw, logged) = (
            case["raw"].as_str().unwrap(),
            case["logged"].as_str().unwrap(),
        );
        assert_eq!(encode(raw.as_bytes()), logged);
        assert_eq!(decode(logged), raw);
    }
}

#[test]
fn lines_have_the_fields_of_the_vectors() {
    for case in vector_cases("log_line") {
        let fields = &case["line_field"];
        let text = |name: &str| fields[name].as_str().unwrap_or_default();
        let status: u16 = text("sc-status").parse().unwrap();
        let line = Line {
            time_ms: 1_772_366_400_000,
            location: "LOCAL1-C1",
            sent: 0,
            viewer: ("192.0.2.7".parse().unwrap(), 50_443),
            country: "",
            method: "GET",
            domain: "d111111abcdef8.cloudfront.net",
            path: "/",
            query: "",
            status,
            referer: b"",
            user_agent: b"",
            cookies: b"",
            host: "www.example.com",
            forwarded_for: b"",
            id: "id",
            protocol: "https",
            protocol_version: "HTTP/1.1",
            tls: ("", ""),
            received: 0,
            took_ms: (0, 0),
            response_result: text("x-edge-result-type"),
            result: text("x-edge-result-type"),
            detailed: text("x-edge-detailed-result-type"),
            content_type: b"",
            content_length: None,
            range: None,
            field_encryption: None,
            pattern: "",
        };
        let written = line.w3c();
        let values: Vec<&str> = written.split('\t').collect();
        assert_eq!(values.len(), 33);
        for (name, value) in FIELDS.iter().zip(&values) {
            if let Some(expected) = fields[*name].as_str() {
                assert_eq!(*value, expected, "{name}");
            }
        }
        let mut lines = Lines::new();
        for head in w3c_head().lines() {
            assert_eq!(lines.read(head.as_bytes()), Ok(None));
        }
        let read = lines.read(written.as_bytes()).unwrap().unwrap();
        assert_eq!(read.status, status);
    }
}
