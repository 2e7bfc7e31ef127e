//! Writing an answer over HTTP/1.1.
//!
//! Always holds: the framing that is declared is the framing that is sent. A body that breaks off, or has another length
//! than declared, is an error, and the connection must be broken off. An answer that is all there leaves in one write.

use super::{Answer, Version};
use crate::body::Body;
use crate::fields::Fields;
use crate::wire::head::{content_length, lists};
use crate::wire::transport::send;
use crate::wire::watch::Watch;
use bytes::Bytes;
use std::future::poll_fn;
use std::io::{self, IoSlice, Write as _};
use std::task::Poll;
use std::time::Duration;
use tokio::io::AsyncWrite;

/// Up to here a body is copied behind its head, in bytes; above, both are written from where they are.
const COPIED_BYTES_MAX: usize = 8 * 1024;

/// What of the buffer for heads is kept between answers, in bytes.
const KEPT_BYTES_MAX: usize = 64 * 1024;

/// What of the request decides how its answer is sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    pub(super) version: Version,
    pub(super) is_head: bool,
    /// Whether the connection ends with this answer.
    pub(super) closes: bool,
    pub(super) write_time: Duration,
}

impl Terms {
    pub(super) fn closing(self, closes: bool) -> Self {
        Self {
            closes: self.closes || closes,
            ..self
        }
    }
}

/// How the end of a body is made known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outgoing {
    /// There is no body, whatever length the answer to GET would have.
    Nothing(Option<u64>),
    Length(u64),
    Chunked,
    Close,
}

/// Writes an answer. Whether the connection may go on.
pub(super) async fn write<W: AsyncWrite + Unpin>(
    writer: &mut W,
    out: &mut Vec<u8>,
    watch: &mut Watch,
    terms: Terms,
    answer: Answer,
) -> io::Result<bool> {
    let outgoing = outgoing(&answer, terms);
    let asks_to_close = |value| lists(value, "close");
    let closes = terms.closes
        || outgoing == Outgoing::Close
        || answer.fields.all("connection").any(asks_to_close);
    out.clear();
    out.shrink_to(KEPT_BYTES_MAX);
    head(out, answer.status, &answer.fields, outgoing, terms, closes);
    let mut sink = Sink {
        writer,
        out,
        watch,
        limit: terms.write_time,
    };
    match (outgoing, answer.body.whole()) {
        (Outgoing::Nothing(_), _) => sink.flush().await?,
        (_, Some(bytes)) => sink.whole(bytes).await?,
        (_, None) => sink.parts(answer.body, outgoing).await?,
    }
    Ok(!closes)
}

fn outgoing(answer: &Answer, terms: Terms) -> Outgoing {
    let declared = || answer.fields.get("content-length").and_then(content_length);
    match (answer.status, answer.body.whole()) {
        (100..=199 | 204, _) => Outgoing::Nothing(None),
        (304, _) => Outgoing::Nothing(declared()),
        _ if terms.is_head => {
            let own = answer.body.length().filter(|bytes| *bytes > 0);
            Outgoing::Nothing(declared().or(own))
        }
        (_, Some(bytes)) => Outgoing::Length(bytes.len() as u64),
        (_, None) => match answer.body.length().or_else(declared) {
            Some(bytes) => Outgoing::Length(bytes),
            None if terms.version == Version::Http10 => Outgoing::Close,
            None => Outgoing::Chunked,
        },
    }
}

fn head(
    out: &mut Vec<u8>,
    status: u16,
    fields: &Fields,
    outgoing: Outgoing,
    terms: Terms,
    closes: bool,
) {
    status_line(out, status);
    let mut length = match outgoing {
        Outgoing::Nothing(length) => length,
        Outgoing::Length(length) => Some(length),
        Outgoing::Chunked | Outgoing::Close => None,
    };
    for line in fields.lines() {
        match line.name.len() {
            10 if line.name.eq_ignore_ascii_case(b"connection") => {}
            10 if line.name.eq_ignore_ascii_case(b"keep-alive") => {}
            17 if line.name.eq_ignore_ascii_case(b"transfer-encoding") => {}
            14 if line.name.eq_ignore_ascii_case(b"content-length") => {
                // Where it stood, and once.
                if let Some(bytes) = length.take() {
                    length_line(out, line.name, bytes);
                }
            }
            _ => out.extend_from_slice(line.text),
        }
    }
    if let Some(bytes) = length {
        length_line(out, b"Content-Length", bytes);
    }
    if outgoing == Outgoing::Chunked {
        out.extend_from_slice(b"Transfer-Encoding: chunked\r\n");
    }
    if closes {
        out.extend_from_slice(b"Connection: close\r\n");
    } else if terms.version == Version::Http10 {
        out.extend_from_slice(b"Connection: keep-alive\r\n");
    }
    out.extend_from_slice(b"\r\n");
}

fn status_line(out: &mut Vec<u8>, status: u16) {
    if status == 200 {
        return out.extend_from_slice(b"HTTP/1.1 200 OK\r\n");
    }
    let known = http::StatusCode::from_u16(status).ok();
    let reason = known.and_then(|status| status.canonical_reason());
    write_text(
        out,
        format_args!("HTTP/1.1 {status:03} {}\r\n", reason.unwrap_or_default()),
    );
}

fn length_line(out: &mut Vec<u8>, name: &[u8], bytes: u64) {
    out.extend_from_slice(name);
    write_text(out, format_args!(": {bytes}\r\n"));
}

fn write_text(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    // A vector takes everything.
    let _never_fails = out.write_fmt(text);
}

struct Sink<'a, W> {
    writer: &'a mut W,
    /// What is to be written before anything else.
    out: &'a mut Vec<u8>,
    watch: &'a mut Watch,
    limit: Duration,
}

impl<W: AsyncWrite + Unpin> Sink<'_, W> {
    async fn flush(&mut self) -> io::Result<()> {
        self.send(b"", b"").await
    }

    async fn send(&mut self, bytes: &[u8], behind: &[u8]) -> io::Result<()> {
        let mut slices = [self.out.as_slice(), bytes, behind].map(IoSlice::new);
        send(self.writer, &mut slices, self.watch, self.limit).await?;
        self.out.clear();
        Ok(())
    }

    async fn whole(&mut self, bytes: &Bytes) -> io::Result<()> {
        if bytes.len() <= COPIED_BYTES_MAX {
            self.out.extend_from_slice(bytes);
            self.flush().await
        } else {
            self.send(bytes, b"").await
        }
    }

    async fn parts(&mut self, mut body: Body, outgoing: Outgoing) -> io::Result<()> {
        let mut left = match outgoing {
            Outgoing::Length(bytes) => Some(bytes),
            Outgoing::Nothing(_) | Outgoing::Chunked | Outgoing::Close => None,
        };
        while let Some(part) = self.next(&mut body).await? {
            if part.is_empty() {
                continue;
            }
            let bytes = part.len() as u64;
            left = match left {
                Some(left) => Some(left.checked_sub(bytes).ok_or_else(broken)?),
                None => None,
            };
            if outgoing == Outgoing::Chunked {
                write_text(self.out, format_args!("{bytes:x}\r\n"));
                self.send(&part, b"\r\n").await?;
            } else {
                self.send(&part, b"").await?;
            }
        }
        if left.is_some_and(|left| left > 0) {
            return Err(broken());
        }
        if outgoing == Outgoing::Chunked {
            self.out.extend_from_slice(b"0\r\n\r\n");
        }
        self.flush().await
    }

    /// The next part. While it is awaited, nothing is held back.
    async fn next(&mut self, body: &mut Body) -> io::Result<Option<Bytes>> {
        let at_hand = poll_fn(|context| Poll::Ready(body.poll_part(context))).await;
        let part = match at_hand {
            Poll::Ready(part) => part,
            Poll::Pending => {
                if !self.out.is_empty() {
                    self.flush().await?;
                }
                body.next().await
            }
        };
        part.transpose().map_err(|_| broken())
    }
}

fn broken() -> io::Error {
    io::ErrorKind::UnexpectedEof.into()
}
