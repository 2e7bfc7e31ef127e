//! A line of a standard log from what an edge did.

use crate::encoding::{NOTHING, encode};
use crate::time;
use std::borrow::Cow;
use std::net::IpAddr;

/// The fields of a standard log in their order.
pub const FIELDS: [&str; 33] = [
    "date",
    "time",
    "x-edge-location",
    "sc-bytes",
    "c-ip",
    "cs-method",
    "cs(Host)",
    "cs-uri-stem",
    "sc-status",
    "cs(Referer)",
    "cs(User-Agent)",
    "cs-uri-query",
    "cs(Cookie)",
    "x-edge-result-type",
    "x-edge-request-id",
    "x-host-header",
    "cs-protocol",
    "cs-bytes",
    "time-taken",
    "x-forwarded-for",
    "ssl-protocol",
    "ssl-cipher",
    "x-edge-response-result-type",
    "cs-protocol-version",
    "fle-status",
    "fle-encrypted-fields",
    "c-port",
    "time-to-first-byte",
    "x-edge-detailed-result-type",
    "sc-content-type",
    "sc-content-len",
    "sc-range-start",
    "sc-range-end",
];

/// The fields that version 2 adds and this writes.
pub const FIELDS_V2: [&str; 3] = ["timestamp(ms)", "c-country", "cache-behavior-path-pattern"];

/// One request as it is logged. Texts are as they were sent; an empty one is nothing.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    /// When the answer ended, in milliseconds since 1970-01-01T00:00:00Z.
    pub time_ms: u64,
    /// The point of presence.
    pub location: &'a str,
    /// Bytes that went to the viewer, head and body.
    pub sent: u64,
    /// The viewer's address and port.
    pub viewer: (IpAddr, u16),
    /// The viewer's country.
    pub country: &'a str,
    /// The method.
    pub method: &'a str,
    /// The distribution's domain name.
    pub domain: &'a str,
    /// The path.
    pub path: &'a str,
    /// The query, without `?`.
    pub query: &'a str,
    /// The status; 0 where the viewer went away before there was one.
    pub status: u16,
    /// `Referer`
    pub referer: &'a [u8],
    /// `User-Agent`
    pub user_agent: &'a [u8],
    /// `Cookie`, where cookies are logged.
    pub cookies: &'a [u8],
    /// `Host`
    pub host: &'a str,
    /// `X-Forwarded-For`
    pub forwarded_for: &'a [u8],
    /// The request's id.
    pub id: &'a str,
    /// `http` or `https`.
    pub protocol: &'a str,
    /// `HTTP/1.1` or `HTTP/2.0`.
    pub protocol_version: &'a str,
    /// The version of TLS and the suite.
    pub tls: (&'a str, &'a str),
    /// Bytes that came from the viewer.
    pub received: u64,
    /// From the request to the first byte of the answer, and to its last, in milliseconds.
    pub took_ms: (u64, u64),
    /// The result as it was when the answer began.
    pub response_result: &'a str,
    /// The result as it came to be.
    pub result: &'a str,
    /// The result in more detail.
    pub detailed: &'a str,
    /// `Content-Type` of the answer.
    pub content_type: &'a [u8],
    /// `Content-Length` of the answer.
    pub content_length: Option<u64>,
    /// First and last byte of a part.
    pub range: Option<(u64, u64)>,
    /// What field-level encryption did, and how many fields it encrypted.
    pub field_encryption: Option<(&'a str, u64)>,
    /// The path pattern of the behavior.
    pub pattern: &'a str,
}

fn seconds(ms: u64) -> String {
    format!("{}.{:03}", ms / 1_000, ms % 1_000)
}

impl Line<'_> {
    fn values(&self) -> [Cow<'_, str>; FIELDS.len()] {
        let (date, time) = time::written(self.time_ms / 1_000);
        let text = |text: &str| Cow::Owned(encode(text.as_bytes()).into_owned());
        let number = |number: u64| Cow::Owned(number.to_string());
        let maybe = |number: Option<u64>| {
            number.map_or(Cow::Borrowed(NOTHING), |number| {
                Cow::Owned(number.to_string())
            })
        };
        let bytes = |bytes: &[u8]| Cow::Owned(encode(bytes).into_owned());
        [
            Cow::Owned(date),
            Cow::Owned(time),
            text(self.location),
            number(self.sent),
            Cow::Owned(self.viewer.0.to_string()),
            text(self.method),
            text(self.domain),
            text(self.path),
            Cow::Owned(format!("{:03}", self.status)),
            bytes(self.referer),
            bytes(self.user_agent),
            text(self.query),
            bytes(self.cookies),
            text(self.result),
            text(self.id),
            text(self.host),
            text(self.protocol),
            number(self.received),
            Cow::Owned(seconds(self.took_ms.1)),
            bytes(self.forwarded_for),
            text(self.tls.0),
            text(self.tls.1),
            text(self.response_result),
            text(self.protocol_version),
            text(self.field_encryption.map_or(NOTHING, |done| done.0)),
            maybe(self.field_encryption.map(|done| done.1)),
            number(self.viewer.1.into()),
            Cow::Owned(seconds(self.took_ms.0)),
            text(self.detailed),
            bytes(self.content_type),
            maybe(self.content_length),
            maybe(self.range.map(|range| range.0)),
            maybe(self.range.map(|range| range.1)),
        ]
    }

    fn values_v2(&self) -> [Cow<'_, str>; FIELDS_V2.len()] {
        [
            Cow::Owned(self.time_ms.to_string()),
            encode(self.country.as_bytes()),
            encode(self.pattern.as_bytes()),
        ]
    }

    /// The line of a W3C log, without its end.
    #[must_use]
    pub fn w3c(&self) -> String {
        let values = self.values();
        values.join("\t")
    }

    /// The line of a version 2 log in JSON, without its end: all fields of [`FIELDS`] and [`FIELDS_V2`], values as text.
    #[must_use]
    pub fn json(&self) -> String {
        let names = FIELDS.iter().chain(&FIELDS_V2);
        let values = self.values().into_iter().chain(self.values_v2());
        let members: serde_json::Map<_, _> = names
            .zip(values)
            .map(|(name, value)| ((*name).to_owned(), value.into_owned().into()))
            .collect();
        serde_json::Value::Object(members).to_string()
    }
}

/// The two lines with which a W3C log begins, without the end of the second.
#[must_use]
pub fn w3c_head() -> String {
    format!("#Version: 1.0\n#Fields: {}", FIELDS.join(" "))
}
