//! A body on its way to the viewer, counted for the log. However it ends, that is told once.

use super::{Ended, Inner, Sent, World};
use crate::body::{Body, BodyError};
use bytes::Bytes;
use futures_util::Stream;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

pub(super) struct Counted<W: World> {
    inner: Arc<Inner<W>>,
    body: Body,
    bytes: u64,
    /// How many bytes there are to be: a viewer that has them all may close before it hears of the end.
    expected: Option<u64>,
    ended: Option<Box<Ended>>,
}

impl<W: World> Counted<W> {
    /// The body of an answer, whose end `ended` is told.
    pub(super) fn body(inner: Arc<Inner<W>>, body: Body, ended: Box<Ended>) -> Body {
        let expected = body.length();
        let counted = Self {
            inner,
            body,
            bytes: 0,
            expected,
            ended: Some(ended),
        };
        Body::parts(counted, expected)
    }

    fn end(&mut self, complete: bool) {
        if let Some(ended) = self.ended.take() {
            ended(Sent {
                bytes: self.bytes,
                complete,
                ended_ms: self.inner.world.now_ms(),
            });
        }
    }
}

impl<W: World> Stream for Counted<W> {
    type Item = Result<Bytes, BodyError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let part = ready!(self.body.poll_part(context));
        match &part {
            Some(Ok(chunk)) => {
                self.bytes += chunk.len() as u64;
                if self.expected == Some(self.bytes) {
                    self.end(true);
                }
            }
            Some(Err(_)) => self.end(false),
            None => self.end(true),
        }
        Poll::Ready(part)
    }
}

impl<W: World> Drop for Counted<W> {
    fn drop(&mut self) {
        // An answer without a body is never read.
        let complete = self.expected == Some(self.bytes);
        self.end(complete);
    }
}
