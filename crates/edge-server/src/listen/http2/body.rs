//! Bodies of HTTP/2 streams in both directions.
//!
//! Always holds: an answer whose body breaks off, or has another length than declared, resets its stream; no more of an
//! answer is handed over at once than [`PART_BYTES_MAX`], so that what a viewer does not take stays here.

use super::traffic::{UnderWay, Working};
use crate::body::{Body, BodyError};
use crate::wire::watch::Watch;
use bytes::Bytes;
use futures_util::Stream;
use http_body::{Body as _, Frame, SizeHint};
use hyper::body::Incoming;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// How much of an answer is handed over at once, in bytes.
const PART_BYTES_MAX: usize = 32 * 1024;

/// The body of a request, with a limit for each wait.
struct Parted {
    incoming: Incoming,
    watch: Watch,
    limit: Duration,
    is_over: bool,
}

pub(super) fn inbound(incoming: Incoming, limit: Duration) -> Body {
    if incoming.is_end_stream() {
        return Body::empty();
    }
    let length = incoming.size_hint().exact();
    let parts = Parted {
        incoming,
        watch: Watch::new(limit),
        limit,
        is_over: false,
    };
    Body::parts(parts, length)
}

impl Stream for Parted {
    type Item = Result<Bytes, BodyError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        loop {
            let Poll::Ready(frame) = Pin::new(&mut self.incoming).poll_frame(context) else {
                ready!(self.watch.poll_elapsed(context));
                self.is_over = true;
                return Poll::Ready(Some(Err(BodyError::Timeout)));
            };
            let limit = self.limit;
            self.watch.restart(limit);
            match frame {
                None => {
                    self.is_over = true;
                    return Poll::Ready(None);
                }
                Some(Err(_)) => {
                    self.is_over = true;
                    return Poll::Ready(Some(Err(BodyError::Truncated)));
                }
                Some(Ok(frame)) => {
                    if let Ok(part) = frame.into_data() {
                        return Poll::Ready(Some(Ok(part)));
                    }
                }
            }
        }
    }
}

/// The body of an answer.
pub(super) struct Outbound {
    body: Body,
    /// How many bytes are still to come, where that was declared.
    left: Option<u64>,
    /// What came from the body and was not handed over.
    part: Bytes,
    under_way: UnderWay,
    /// While the next part is awaited, it is not the viewer who is slow.
    waits_for_body: Option<Working>,
}

impl Outbound {
    pub(super) fn new(body: Body, length: Option<u64>, under_way: UnderWay) -> Self {
        Self {
            body,
            left: length,
            part: Bytes::new(),
            under_way,
            waits_for_body: None,
        }
    }

    /// Takes the next part from the body. Whether there was one.
    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Result<bool, BodyError>> {
        let Poll::Ready(part) = self.body.poll_part(context) else {
            self.waits_for_body
                .get_or_insert_with(|| self.under_way.working());
            return Poll::Pending;
        };
        self.waits_for_body = None;
        let Some(part) = part.transpose()? else {
            let is_short = self.left.is_some_and(|left| left > 0);
            return Poll::Ready(if is_short {
                Err(BodyError::Truncated)
            } else {
                Ok(false)
            });
        };
        self.left = match self.left {
            Some(left) => Some(
                left.checked_sub(part.len() as u64)
                    .ok_or(BodyError::Malformed)?,
            ),
            None => None,
        };
        self.part = part;
        Poll::Ready(Ok(true))
    }
}

impl http_body::Body for Outbound {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        while self.part.is_empty() {
            if !ready!(self.poll_next(context))? {
                return Poll::Ready(None);
            }
        }
        self.under_way.went_on();
        let bytes = self.part.len().min(PART_BYTES_MAX);
        Poll::Ready(Some(Ok(Frame::data(self.part.split_to(bytes)))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == Some(0) && self.part.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        let at_hand = self.part.len() as u64;
        self.left.map_or_else(SizeHint::default, |left| {
            SizeHint::with_exact(left + at_hand)
        })
    }
}
