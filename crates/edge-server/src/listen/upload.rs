//! The body of an HTTP/1.1 request on its way from the connection to the handler.
//!
//! Always holds: at most two parts are in memory; the handler sees an end only where the viewer's framing ends; what the
//! handler does not want is read and dropped up to [`UNWANTED_BYTES_MAX`], so that the connection can go on.

use crate::body::{Body, BodyError};
use crate::wire::framing::{BodyReader, Framing, Step};
use crate::wire::transport::fill;
use crate::wire::watch::Watch;
use bytes::{Bytes, BytesMut};
use futures_util::Stream;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::AsyncRead;
use tokio::sync::{Notify, mpsc};

/// How much of a body nobody wants is read, in bytes.
const UNWANTED_BYTES_MAX: usize = 64 * 1024;

/// A part, or the end.
type Part = Result<Option<Bytes>, BodyError>;

/// The connection's side.
pub(super) struct Upload {
    reader: BodyReader,
    feed: mpsc::Sender<Part>,
}

/// The handler's side.
struct Parts {
    feed: mpsc::Receiver<Part>,
    wanted: Arc<Notify>,
    is_wanted: bool,
    is_over: bool,
}

/// Both sides, and what is notified when the handler first asks.
pub(super) fn upload(framing: Framing) -> (Upload, Body, Arc<Notify>) {
    let (sender, feed) = mpsc::channel(1);
    let wanted = Arc::new(Notify::new());
    let parts = Parts {
        feed,
        wanted: Arc::clone(&wanted),
        is_wanted: false,
        is_over: false,
    };
    let length = match framing {
        Framing::Length(bytes) => Some(bytes),
        Framing::Chunked | Framing::Close => None,
    };
    let upload = Upload {
        reader: BodyReader::new(framing),
        feed: sender,
    };
    (upload, Body::parts(parts, length), wanted)
}

impl Upload {
    /// Reads the body to its end. Whether it came there.
    pub(super) async fn pump<R: AsyncRead + Unpin>(
        mut self,
        stream: &mut R,
        inbound: &mut BytesMut,
        limit: Duration,
    ) -> bool {
        let mut watch = Watch::new(limit);
        let mut unwanted = 0;
        loop {
            let failure = match self.reader.step(inbound) {
                Ok(Step::Data(data)) => {
                    let bytes = data.len();
                    if self.feed.send(Ok(Some(data))).await.is_err() {
                        unwanted += bytes;
                    }
                    if unwanted > UNWANTED_BYTES_MAX {
                        return false;
                    }
                    continue;
                }
                Ok(Step::End) => {
                    let _unwanted = self.feed.send(Ok(None)).await;
                    return true;
                }
                Ok(Step::More) => {
                    watch.restart(limit);
                    match fill(stream, inbound, &mut watch).await {
                        Ok(0) => BodyError::Truncated,
                        Ok(_) => continue,
                        Err(error) if error.kind() == io::ErrorKind::TimedOut => BodyError::Timeout,
                        Err(_) => BodyError::Truncated,
                    }
                }
                Err(_) => BodyError::Malformed,
            };
            let _unwanted = self.feed.send(Err(failure)).await;
            return false;
        }
    }
}

impl Stream for Parts {
    type Item = Result<Bytes, BodyError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        if !self.is_wanted {
            self.is_wanted = true;
            self.wanted.notify_one();
        }
        let part = ready!(self.feed.poll_recv(context));
        // A connection that is gone said nothing of an end.
        let part = part.unwrap_or(Err(BodyError::Truncated)).transpose();
        self.is_over = !matches!(part, Some(Ok(_)));
        Poll::Ready(part)
    }
}
