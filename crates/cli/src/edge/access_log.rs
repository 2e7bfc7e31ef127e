//! The access log of `edge`: a line for each answer once it has ended, as CloudFront's standard logs have it.

use crate::exit::Failure;
use crate::log::Sink;
use portcullis_access_log::write::{Line, w3c_head};
use portcullis_edge::exchange::{Exchange, Reply};
use portcullis_edge::gate::{HttpVersion, Scheme};
use portcullis_edge::headers::Headers;
use portcullis_edge::path::split_target;
use portcullis_edge::trace::FieldEncryption;
use portcullis_edge_server::drive::{Sent, Times};
use std::net::SocketAddr;
use std::path::Path;

/// Where the lines go, and in which form.
pub(super) struct AccessLog {
    sink: Sink,
    json: bool,
}

impl AccessLog {
    /// Opens a file, to which lines are added. A new one in W3C begins with the names of the fields.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        let json = path
            .extension()
            .is_some_and(|extension| extension == "json");
        let is_new = std::fs::metadata(path).map_or(true, |data| data.len() == 0);
        let sink = Sink::open(&crate::args::Log::File(path.to_owned()))?;
        if is_new && !json {
            sink.line(&w3c_head());
        }
        Ok(Self { sink, json })
    }

    /// Writes the line of an answer that has ended.
    pub(super) fn write(&self, logged: &Logged, sent: Sent) {
        let line = logged.line(sent);
        self.sink
            .line(&if self.json { line.json() } else { line.w3c() });
    }
}

/// What the line of an answer says, kept until it has ended.
pub(super) struct Logged {
    viewer: SocketAddr,
    country: String,
    method: String,
    domain: String,
    target: String,
    host: String,
    status: u16,
    request: Headers,
    answer: Headers,
    id: String,
    scheme: Scheme,
    version: HttpVersion,
    result: &'static str,
    detailed: &'static str,
    pattern: String,
    field_encryption: Option<FieldEncryption>,
    /// Bytes of both heads, as HTTP/1.1 writes them.
    heads: (u64, u64),
    times: Times,
    cookies: bool,
}

impl Logged {
    pub(super) fn of(exchange: &Exchange, reply: &Reply, times: Times) -> Self {
        let request = &exchange.request;
        let distribution = exchange.played.as_ref().map(|played| &played.distribution);
        let behavior = exchange.trace.behavior;
        let pattern = distribution
            .zip(behavior)
            .map(|(one, at)| one.pattern(at).to_owned());
        let logging = distribution.and_then(|one| one.logging.as_ref());
        let length = |headers: &Headers| -> u64 {
            let lines = headers
                .iter()
                .map(|(name, value)| name.len() + value.len() + 4);
            lines.sum::<usize>() as u64
        };
        Self {
            viewer: request.peer,
            country: request
                .country
                .map(|country| country.to_string())
                .unwrap_or_default(),
            method: request.method.clone(),
            domain: distribution
                .map(|one| one.domain.clone())
                .unwrap_or_default(),
            target: exchange.asked.to_string(),
            host: request.host.clone(),
            status: reply.status,
            heads: (length(&request.headers), length(&reply.headers)),
            request: request.headers.clone(),
            answer: reply.headers.clone(),
            id: request.id.as_str().to_owned(),
            scheme: request.scheme,
            version: request.version,
            result: reply.result.name(),
            detailed: reply.detailed,
            pattern: pattern.unwrap_or_default(),
            field_encryption: exchange.trace.field_encryption,
            times,
            cookies: logging.is_some_and(|logging| logging.cookies),
        }
    }

    /// A header of the answer that is text.
    fn answered(&self, name: &str) -> &str {
        let value = self.answer.get(name).unwrap_or_default();
        std::str::from_utf8(value).unwrap_or_default()
    }

    fn line(&self, sent: Sent) -> Line<'_> {
        let (path, query) = split_target(&self.target);
        let of_request = |name: &str| self.request.get(name).unwrap_or_default();
        let since = |ms: u64| ms.saturating_sub(self.times.arrived_ms);
        Line {
            time_ms: sent.ended_ms,
            location: self.answered("x-amz-cf-pop"),
            sent: self.heads.1 + sent.bytes,
            viewer: (self.viewer.ip(), self.viewer.port()),
            country: &self.country,
            method: &self.method,
            domain: &self.domain,
            path,
            query: query.unwrap_or_default(),
            status: self.status,
            referer: of_request("referer"),
            user_agent: of_request("user-agent"),
            cookies: if self.cookies {
                of_request("cookie")
            } else {
                b""
            },
            host: &self.host,
            forwarded_for: of_request("x-forwarded-for"),
            id: &self.id,
            protocol: match self.scheme {
                Scheme::Http => "http",
                Scheme::Https => "https",
            },
            protocol_version: match self.version {
                HttpVersion::Http10 => "HTTP/1.0",
                HttpVersion::Http11 => "HTTP/1.1",
                HttpVersion::Http2 => "HTTP/2.0",
                HttpVersion::Http3 => "HTTP/3.0",
            },
            tls: ("", ""),
            received: self.heads.0,
            took_ms: (since(self.times.answered_ms), since(sent.ended_ms)),
            response_result: self.result,
            result: if sent.complete { self.result } else { "Error" },
            detailed: if sent.complete {
                self.detailed
            } else {
                "ClientCommError"
            },
            content_type: self.answer.get("content-type").unwrap_or_default(),
            content_length: self.answered("content-length").parse().ok(),
            range: range(self.answered("content-range")),
            field_encryption: self
                .field_encryption
                .map(|done| (done.status, done.fields as u64)),
            pattern: &self.pattern,
        }
    }
}

/// The first and last byte that a `Content-Range` names.
fn range(value: &str) -> Option<(u64, u64)> {
    let (range, _) = value.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    Some((first.parse().ok()?, last.parse().ok()?))
}
