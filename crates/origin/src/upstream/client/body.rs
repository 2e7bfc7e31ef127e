//! The body of an answer, with a limit for each part.
//!
//! Always holds: it ends cleanly only where the server ended it; the limit counts while a part is awaited, not while
//! nobody asks for one; the connection is kept only after a clean end.

use super::Sender;
use super::pool::{Destination, Pool};
use crate::upstream::UpstreamError;
use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use std::future::Future as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::Sleep;

/// A connection in use.
pub(super) struct Lease {
    sender: Sender,
    destination: Destination,
    pool: Arc<Pool>,
}

impl Lease {
    pub(super) fn new(sender: Sender, destination: Destination, pool: Arc<Pool>) -> Self {
        Self {
            sender,
            destination,
            pool,
        }
    }

    fn give_back(self) {
        self.pool.keep(self.destination, self.sender);
    }
}

pub(super) struct AnswerBody {
    incoming: Incoming,
    /// Gone once the body has ended, cleanly or not.
    lease: Option<Lease>,
    received: u64,
    limit: Duration,
    /// Runs while a part is awaited.
    wait: Option<Pin<Box<Sleep>>>,
}

impl AnswerBody {
    pub(super) fn new(incoming: Incoming, lease: Lease, limit: Duration) -> Self {
        let mut body = Self {
            incoming,
            lease: Some(lease),
            received: 0,
            limit,
            wait: None,
        };
        if body.incoming.is_end_stream() {
            body.end();
        }
        body
    }

    fn end(&mut self) {
        if let Some(lease) = self.lease.take() {
            lease.give_back();
        }
    }

    fn fail(&mut self, error: UpstreamError) -> Poll<Option<Result<Frame<Bytes>, UpstreamError>>> {
        self.lease = None;
        Poll::Ready(Some(Err(error)))
    }

    fn wait(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UpstreamError>>> {
        let limit = self.limit;
        let wait = self
            .wait
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(limit)));
        match wait.as_mut().poll(context) {
            Poll::Ready(()) => self.fail(UpstreamError::TimedOut),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = UpstreamError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UpstreamError>>> {
        if self.lease.is_none() {
            return Poll::Ready(None);
        }
        loop {
            return match Pin::new(&mut self.incoming).poll_frame(context) {
                Poll::Pending => self.wait(context),
                Poll::Ready(None) => {
                    self.end();
                    Poll::Ready(None)
                }
                Poll::Ready(Some(Err(_))) => {
                    let after = self.received;
                    self.fail(UpstreamError::Broken { after })
                }
                Poll::Ready(Some(Ok(frame))) => {
                    self.wait = None;
                    // Trailers say nothing that an answer already sent could still take up.
                    let Ok(part) = frame.into_data() else {
                        continue;
                    };
                    self.received += part.len() as u64;
                    Poll::Ready(Some(Ok(Frame::data(part))))
                }
            };
        }
    }

    fn is_end_stream(&self) -> bool {
        self.lease.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
