//! One request and its answer on one connection.
//!
//! Always holds: the body of the answer ends cleanly only where its framing ends; the connection goes back to the pool
//! only then. A body that is sent in parts is sent while the answer comes, and an answer nobody reads any more ends it.

use super::connect::Stream;
use super::pool::Pool;
use crate::body::{Body, BodyError};
use crate::fields::Fields;
use crate::listen::Scheme;
use crate::origins::{Framing, OriginAnswer, OriginFailure, OriginFetch};
use crate::wire::framing::{BodyReader, Step};
use crate::wire::head::{AnswerHeadError, ResponseHead, parse_response};
use crate::wire::transport::{fill, send};
use crate::wire::watch::Watch;
use ::http::Method;
use bytes::{Buf as _, Bytes, BytesMut};
use futures_util::FutureExt as _;
use futures_util::stream;
use std::fmt;
use std::io::{self, IoSlice};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, ReadHalf, WriteHalf};
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// Fields that are written anew for each connection (RFC 9110 §7.6.1), and those that frame a body.
const NOT_PASSED_ON: [&str; 10] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Up to here a body is written before its answer is read, in bytes. More could wait for a reader that waits for us.
const WRITTEN_FIRST_BYTES_MAX: usize = 64 * 1024;

/// How many interim answers (1xx) are passed over.
const INTERIM_MAX: usize = 8;

/// How long an answer may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) response_time: Duration,
    pub(super) deadline: Option<Instant>,
}

impl Limits {
    /// How long the next part may take.
    fn next(&self) -> Duration {
        let until = |deadline: Instant| deadline.saturating_duration_since(Instant::now());
        let left = self.deadline.map_or(Duration::MAX, until);
        self.response_time.min(left)
    }
}

/// Why there is no answer, and whether the origin had begun one.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) why: OriginFailure,
    pub(super) answered: bool,
}

/// A request as it is sent, without its body.
pub(super) struct Request {
    head: Vec<u8>,
    method: Method,
    is_chunked: bool,
}

impl Request {
    /// `None` where HTTP/1.1 cannot express it.
    pub(super) fn new(fetch: &OriginFetch, default_host: &str, body: &Body) -> Option<Self> {
        let visible = |byte: u8| byte > b' ' && byte != 0x7f;
        if !fetch.target.starts_with('/') || !fetch.target.bytes().all(visible) {
            return None;
        }
        let mut fields = Fields::default();
        fields
            .add(
                "Host",
                fetch.fields.get("host").unwrap_or(default_host.as_bytes()),
            )
            .ok()?;
        fields.add("Connection", "Keep-Alive").ok()?;
        let is_chunked = body.length().is_none();
        let needs_length = !matches!(fetch.method, Method::GET | Method::HEAD | Method::OPTIONS);
        match body.length() {
            None => fields.add("Transfer-Encoding", "chunked").ok()?,
            Some(0) if !needs_length => {}
            Some(bytes) => fields.add("Content-Length", bytes.to_string()).ok()?,
        }
        let mut head = format!("{} {} HTTP/1.1\r\n", fetch.method, fetch.target).into_bytes();
        let passed_on = fetch.fields.lines().filter(|line| {
            !NOT_PASSED_ON
                .iter()
                .any(|name| line.name.eq_ignore_ascii_case(name.as_bytes()))
        });
        for line in fields.lines().chain(passed_on) {
            head.extend_from_slice(line.text);
        }
        head.extend_from_slice(b"\r\n");
        Some(Self {
            head,
            method: fetch.method.clone(),
            is_chunked,
        })
    }
}

/// A connection to an origin.
pub(super) struct Connection {
    scheme: Scheme,
    reader: ReadHalf<Box<dyn Stream>>,
    writer: WriteHalf<Box<dyn Stream>>,
    inbound: BytesMut,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Connection({:?})", self.scheme)
    }
}

impl Connection {
    pub(super) fn new(scheme: Scheme, stream: Box<dyn Stream>) -> Self {
        let (reader, writer) = tokio::io::split(stream);
        Self {
            scheme,
            reader,
            writer,
            inbound: BytesMut::new(),
        }
    }

    pub(super) fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Whether it is open and says nothing.
    pub(super) fn is_quiet(&mut self) -> bool {
        let said = self.reader.read_buf(&mut self.inbound).now_or_never();
        said.is_none() && self.inbound.is_empty()
    }

    /// Sends a request and reads the head of its answer.
    pub(super) async fn exchange(
        mut self,
        request: &Request,
        body: Body,
        limits: Limits,
        pool: &Arc<Pool>,
    ) -> Result<OriginAnswer, Failed> {
        let mut watch = Watch::new(limits.next());
        let written_first = body.whole().filter(|b| b.len() <= WRITTEN_FIRST_BYTES_MAX);
        let beginning = written_first.cloned().unwrap_or_default();
        let mut slices = [&request.head[..], &beginning].map(IoSlice::new);
        let sent = send(&mut self.writer, &mut slices, &mut watch, limits.next()).await;
        // An origin may answer and close without reading all of it.
        let failure = sent.err().map(|error| failure_of(&error));
        if failure == Some(OriginFailure::Timeout) {
            return Err(failed(OriginFailure::Timeout, false));
        }
        let writer = if written_first.is_some() {
            Writer::Idle(self.writer)
        } else {
            let is_chunked = request.is_chunked;
            let upload = upload(self.writer, body, is_chunked, limits.response_time);
            Writer::Uploading(Upload(tokio::spawn(upload)))
        };
        let mut exchange = Exchange {
            scheme: self.scheme,
            reader: self.reader,
            writer,
            inbound: self.inbound,
            watch,
            limits,
            pool: Arc::clone(pool),
        };
        let head = exchange.head(&request.method).await?;
        Ok(exchange.answer(head))
    }
}

fn failed(why: OriginFailure, answered: bool) -> Failed {
    Failed { why, answered }
}

fn failure_of(error: &io::Error) -> OriginFailure {
    match error.kind() {
        io::ErrorKind::TimedOut => OriginFailure::Timeout,
        _ => OriginFailure::Closed,
    }
}

/// The direction to the origin.
enum Writer {
    Idle(WriteHalf<Box<dyn Stream>>),
    Uploading(Upload),
}

/// A body on its way; dropped, it ends.
struct Upload(JoinHandle<Option<WriteHalf<Box<dyn Stream>>>>);

impl Drop for Upload {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Writes a body part by part. The direction comes back only if all of it was written.
async fn upload(
    mut writer: WriteHalf<Box<dyn Stream>>,
    mut body: Body,
    is_chunked: bool,
    limit: Duration,
) -> Option<WriteHalf<Box<dyn Stream>>> {
    let mut watch = Watch::new(limit);
    let mut left = body.length();
    while let Some(part) = body.next().await {
        let part = part.ok().and_then(|part| {
            left = match left {
                Some(left) => Some(left.checked_sub(part.len() as u64)?),
                None => None,
            };
            Some(part)
        });
        let sent = match &part {
            Some(part) if part.is_empty() => continue,
            Some(part) => send_part(&mut writer, part, is_chunked, &mut watch, limit).await,
            None => Err(io::ErrorKind::UnexpectedEof.into()),
        };
        if sent.is_err() {
            // Without the end that was declared, the origin knows that it does not have all.
            let _gone = writer.shutdown().await;
            return None;
        }
    }
    if left.is_some_and(|left| left > 0) {
        let _gone = writer.shutdown().await;
        return None;
    }
    if is_chunked {
        let mut slices = [IoSlice::new(b"0\r\n\r\n")];
        send(&mut writer, &mut slices, &mut watch, limit)
            .await
            .ok()?;
    }
    Some(writer)
}

async fn send_part(
    writer: &mut WriteHalf<Box<dyn Stream>>,
    part: &[u8],
    is_chunked: bool,
    watch: &mut Watch,
    limit: Duration,
) -> io::Result<()> {
    let size = format!("{:x}\r\n", part.len());
    let (before, behind) = if is_chunked {
        (size.as_str(), "\r\n")
    } else {
        ("", "")
    };
    let mut slices = [before.as_bytes(), part, behind.as_bytes()].map(IoSlice::new);
    send(writer, &mut slices, watch, limit).await
}

/// A request that was sent, and its answer as far as it came.
struct Exchange {
    scheme: Scheme,
    reader: ReadHalf<Box<dyn Stream>>,
    writer: Writer,
    inbound: BytesMut,
    watch: Watch,
    limits: Limits,
    pool: Arc<Pool>,
}

impl Exchange {
    /// The head of the final answer.
    async fn head(&mut self, method: &Method) -> Result<ResponseHead, Failed> {
        self.watch.restart(self.limits.next());
        let mut interim = 0;
        loop {
            let answered = !self.inbound.is_empty() || interim > 0;
            match parse_response(&self.inbound, method) {
                Ok(Some((head, bytes))) => {
                    self.inbound.advance(bytes);
                    if head.status >= 200 {
                        return Ok(head);
                    }
                    interim += 1;
                    if interim > INTERIM_MAX {
                        return Err(failed(OriginFailure::Invalid, true));
                    }
                    continue;
                }
                Ok(None) => {}
                Err(AnswerHeadError::Invalid) => return Err(failed(OriginFailure::Invalid, true)),
                Err(AnswerHeadError::TooLarge) => {
                    return Err(failed(OriginFailure::HeaderTooBig, true));
                }
            }
            match fill(&mut self.reader, &mut self.inbound, &mut self.watch).await {
                Ok(0) => return Err(failed(OriginFailure::Closed, answered)),
                Ok(_) => {}
                Err(error) => return Err(failed(failure_of(&error), answered)),
            }
        }
    }

    fn answer(mut self, head: ResponseHead) -> OriginAnswer {
        let body = match head.framing {
            Framing::Length(bytes) if bytes <= self.inbound.len() as u64 => {
                let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
                let whole = self.inbound.split_to(bytes).freeze();
                if head.keep_alive {
                    self.keep();
                }
                whole.into()
            }
            framing => {
                let length = match framing {
                    Framing::Length(bytes) => Some(bytes),
                    Framing::Chunked | Framing::Close => None,
                };
                let coming = Coming {
                    exchange: self,
                    reader: BodyReader::new(framing),
                    keep_alive: head.keep_alive,
                };
                Body::parts(stream::unfold(Some(coming), next_part), length)
            }
        };
        OriginAnswer {
            status: head.status,
            fields: head.fields,
            framing: head.framing,
            body,
        }
    }

    /// Gives the connection back, if both directions are done and the origin said nothing more.
    fn keep(self) {
        let writer = match self.writer {
            Writer::Idle(writer) => Some(writer),
            Writer::Uploading(mut upload) => match (&mut upload.0).now_or_never() {
                Some(Ok(writer)) => writer,
                Some(Err(_)) | None => None,
            },
        };
        if let (Some(writer), true) = (writer, self.inbound.is_empty()) {
            self.pool.keep(Connection {
                scheme: self.scheme,
                reader: self.reader,
                writer,
                inbound: self.inbound,
            });
        }
    }
}

/// A body that is still coming.
struct Coming {
    exchange: Exchange,
    reader: BodyReader,
    keep_alive: bool,
}

/// A part, and what follows it; nothing follows an error.
async fn next_part(coming: Option<Coming>) -> Option<(Result<Bytes, BodyError>, Option<Coming>)> {
    let mut coming = coming?;
    let error = loop {
        let exchange = &mut coming.exchange;
        match coming.reader.step(&mut exchange.inbound) {
            Ok(Step::Data(data)) => return Some((Ok(data), Some(coming))),
            Ok(Step::End) => {
                if coming.keep_alive {
                    coming.exchange.keep();
                }
                return None;
            }
            Ok(Step::More) => {}
            Err(_) => break BodyError::Malformed,
        }
        exchange.watch.restart(exchange.limits.next());
        let filled = fill(
            &mut exchange.reader,
            &mut exchange.inbound,
            &mut exchange.watch,
        );
        match filled.await {
            Ok(0) if coming.reader.may_close() => return None,
            Ok(0) => break BodyError::Truncated,
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::TimedOut => break BodyError::Timeout,
            Err(_) => break BodyError::Truncated,
        }
    };
    Some((Err(error), None))
}
