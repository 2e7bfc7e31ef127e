//! One HTTP/1.1 connection: head, answer, and again.
//!
//! Always holds: the next request is read only after the answer was written and the body was read to its end; otherwise
//! the connection closes. A small answer costs one read and one write, and no timer operation.

use super::answer::{Terms, write};
use super::upload::upload;
use super::{Arrived, Handler, Refusal, Refused, Shared, Version, Via};
use crate::body::Body;
use crate::wire::framing::Framing;
use crate::wire::head::{HeadError, RequestHead, parse_request};
use crate::wire::transport::{fill, send};
use crate::wire::watch::Watch;
use bytes::{Buf as _, BytesMut};
use std::future::{Future, poll_fn};
use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::server::TlsStream;

/// How an HTTP/2 connection begins (RFC 9113 §3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// How long a viewer may go on sending what is not read any more. Closing at once could destroy the answer on its way.
const LINGER_TIME: Duration = Duration::from_secs(1);

/// How much of it is read, in bytes.
const LINGER_BYTES_MAX: usize = 256 * 1024;

/// How many bytes without a line end come in before a head is looked at again.
const LOOK_AGAIN_BYTES: usize = 1_024;

/// What a viewer is connected by.
pub(super) trait Transport: AsyncRead + AsyncWrite + Unpin + Send {
    /// Makes the end of the connection one that nobody takes for the end of a body.
    fn break_off(&self);
}

impl Transport for TcpStream {
    fn break_off(&self) {
        // Without a reset the viewer still misses bytes it was promised, except in HTTP/1.0.
        let _plain_close = self.set_zero_linger();
    }
}

impl Transport for TlsStream<TcpStream> {
    fn break_off(&self) {
        self.get_ref().0.break_off();
    }
}

/// How a connection goes on after an answer.
pub(super) enum After {
    NextRequest,
    Close,
    /// The viewer may still be sending.
    Linger,
}

enum Heard {
    Request(Box<RequestHead>),
    Refused(HeadError),
    Http2,
    Nothing,
}

struct Connection<'a, T, H> {
    stream: T,
    inbound: BytesMut,
    out: Vec<u8>,
    watch: Watch,
    via: &'a Via,
    shared: &'a Shared<H>,
}

/// Serves a connection to its end. Where it speaks HTTP/2, it comes back with what was read.
pub(super) async fn serve<T: Transport, H: Handler>(
    stream: T,
    via: &Via,
    shared: &Shared<H>,
) -> Option<(T, BytesMut)> {
    let mut connection = Connection {
        stream,
        inbound: BytesMut::new(),
        out: Vec::new(),
        watch: Watch::new(shared.limits.idle_time),
        via,
        shared,
    };
    let mut stopped = pin!(shared.stopped());
    let after = loop {
        let after = match connection.hear(stopped.as_mut()).await {
            Heard::Request(head) => connection.exchange(*head).await,
            Heard::Refused(error) => connection.refuse(error).await,
            Heard::Http2 => return Some((connection.stream, connection.inbound)),
            Heard::Nothing => Ok(After::Close),
        };
        match after {
            Ok(After::NextRequest) => {}
            last => break last,
        }
    };
    match after {
        Ok(After::Linger) => connection.linger().await,
        Ok(After::Close | After::NextRequest) => {
            let _gone = connection.stream.shutdown().await;
        }
        Err(_) => connection.stream.break_off(),
    }
    None
}

impl<T: Transport, H: Handler> Connection<'_, T, H> {
    /// Waits for the next head.
    async fn hear(&mut self, mut stopped: Pin<&mut (impl Future<Output = ()> + Send)>) -> Heard {
        let mut looked_at = 0;
        let mut is_waiting = false;
        loop {
            self.skip_empty_line();
            if PREFACE.starts_with(&self.inbound) {
                // Nothing yet, or the beginning of HTTP/2.
            } else if self.inbound.starts_with(PREFACE) {
                return Heard::Http2;
            } else if self.is_worth_a_look(looked_at) {
                looked_at = self.inbound.len();
                match parse_request(&self.inbound) {
                    Ok(Some((head, bytes))) => {
                        self.inbound.advance(bytes);
                        return Heard::Request(Box::new(head));
                    }
                    Ok(None) => {}
                    Err(error) => return Heard::Refused(error),
                }
            }
            let is_idle = self.inbound.is_empty();
            if is_idle {
                self.watch.restart(self.shared.limits.idle_time);
            } else if !is_waiting {
                is_waiting = true;
                self.watch.restart(self.shared.limits.head_time);
            }
            let mut filled = pin!(fill(&mut self.stream, &mut self.inbound, &mut self.watch));
            let filled = poll_fn(|context| match filled.as_mut().poll(context) {
                Poll::Ready(filled) => Poll::Ready(filled),
                Poll::Pending if is_idle => stopped.as_mut().poll(context).map(|()| Ok(0)),
                Poll::Pending => Poll::Pending,
            });
            if matches!(filled.await, Ok(0) | Err(_)) {
                return Heard::Nothing;
            }
        }
    }

    /// RFC 9112 §2.2: an empty line before a request is passed over.
    fn skip_empty_line(&mut self) {
        if self.inbound.starts_with(b"\r\n") {
            self.inbound.advance(2);
        }
    }

    /// So that a head that comes byte by byte is not read from its beginning for each of them.
    fn is_worth_a_look(&self, looked_at: usize) -> bool {
        let new = self.inbound.get(looked_at..).unwrap_or_default();
        looked_at == 0 || new.contains(&b'\n') || new.len() >= LOOK_AGAIN_BYTES
    }

    async fn refuse(&mut self, error: HeadError) -> io::Result<After> {
        let answer = self.shared.handler.refuse(&Refused {
            via: self.via.clone(),
            version: Version::Http11,
            refusal: match error {
                HeadError::Malformed => Refusal::Malformed,
                HeadError::TargetTooLong => Refusal::TargetTooLong,
                HeadError::HeadersTooLarge => Refusal::HeadersTooLarge,
            },
        });
        let terms = Terms {
            version: Version::Http11,
            is_head: false,
            closes: true,
            write_time: self.shared.limits.write_time,
        };
        write(
            &mut self.stream,
            &mut self.out,
            &mut self.watch,
            terms,
            answer,
        )
        .await?;
        Ok(After::Linger)
    }

    async fn exchange(&mut self, head: RequestHead) -> io::Result<After> {
        let terms = Terms {
            version: head.version,
            is_head: head.method == http::Method::HEAD,
            closes: !head.keep_alive,
            write_time: self.shared.limits.write_time,
        };
        let (framing, expects_continue) = (head.framing, head.expects_continue);
        let arrived = Arrived {
            via: self.via.clone(),
            version: head.version,
            method: head.method,
            target: head.target,
            host: head.host,
            fields: head.fields,
        };
        if framing != Framing::Length(0) {
            let with_body = self.exchange_body(arrived, framing, expects_continue, terms);
            // Its state is large, and only requests with a body pay for it.
            return Box::pin(with_body).await;
        }
        let answer = self.shared.handler.answer(arrived, Body::empty()).await;
        let terms = terms.closing(self.shared.is_stopping());
        let goes_on = write(
            &mut self.stream,
            &mut self.out,
            &mut self.watch,
            terms,
            answer,
        )
        .await?;
        Ok(match goes_on {
            true => After::NextRequest,
            false if self.inbound.is_empty() => After::Close,
            false => After::Linger,
        })
    }

    /// Reads the body and writes the answer at the same time.
    async fn exchange_body(
        &mut self,
        arrived: Arrived,
        framing: Framing,
        expects_continue: bool,
        terms: Terms,
    ) -> io::Result<After> {
        let (upload, body, wanted) = upload(framing);
        let (mut reader, mut writer) = tokio::io::split(&mut self.stream);
        let (out, watch, shared) = (&mut self.out, &mut self.watch, self.shared);
        let mut answering = pin!(shared.handler.answer(arrived, body));
        if expects_continue {
            tokio::select! {
                biased;
                answer = &mut answering => {
                    // Whether the viewer will send the body now, nobody knows.
                    write(&mut writer, out, watch, terms.closing(true), answer).await?;
                    return Ok(After::Linger);
                }
                () = wanted.notified() => {
                    let mut slices = [IoSlice::new(CONTINUE)];
                    send(&mut writer, &mut slices, watch, terms.write_time).await?;
                }
            }
        }
        let mut respond = pin!(async {
            let answer = answering.await;
            let terms = terms.closing(shared.is_stopping());
            write(&mut writer, out, watch, terms, answer).await
        });
        let body_time = shared.limits.body_time;
        let mut pump = pin!(upload.pump(&mut reader, &mut self.inbound, body_time));
        let mut is_whole = None;
        let goes_on = loop {
            tokio::select! {
                biased;
                whole = &mut pump, if is_whole.is_none() => is_whole = Some(whole),
                written = &mut respond => break written?,
            }
        };
        let is_whole = match is_whole {
            Some(whole) => whole,
            None => timeout(LINGER_TIME, pump).await.unwrap_or(false),
        };
        Ok(match (is_whole, goes_on) {
            (true, true) => After::NextRequest,
            (true, false) => After::Close,
            (false, _) => After::Linger,
        })
    }

    /// Says that nothing more comes, and reads on for a while.
    async fn linger(mut self) {
        if self.stream.shutdown().await.is_err() {
            return;
        }
        let rest = async {
            let mut read = self.inbound.len();
            while read < LINGER_BYTES_MAX {
                self.inbound.clear();
                self.watch.restart(LINGER_TIME);
                match fill(&mut self.stream, &mut self.inbound, &mut self.watch).await {
                    Ok(0) | Err(_) => break,
                    Ok(bytes) => read += bytes,
                }
            }
        };
        let _cut = timeout(LINGER_TIME, rest).await;
    }
}
