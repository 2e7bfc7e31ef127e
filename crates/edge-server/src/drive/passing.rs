//! An origin's body on its way to the viewer, copied for the cache as it passes.
//!
//! However it ends, the network is told once: whole, cut, or given up because the viewer went away.

use super::{Inner, World};
use crate::body::{Body, BodyError};
use bytes::Bytes;
use futures_util::Stream;
use portcullis_edge::exchange::{Ending, Keep};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

pub(super) struct Passing<W: World> {
    inner: Arc<Inner<W>>,
    body: Body,
    keep: Option<Keep>,
}

impl<W: World> Passing<W> {
    pub(super) fn new(inner: Arc<Inner<W>>, body: Body, keep: Keep) -> Self {
        Self {
            inner,
            body,
            keep: Some(keep),
        }
    }

    fn end(&mut self, ending: Ending) {
        if let Some(keep) = self.keep.take() {
            self.inner.finish(keep, ending);
        }
    }
}

impl<W: World> Stream for Passing<W> {
    type Item = Result<Bytes, BodyError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let part = ready!(self.body.poll_part(context));
        match &part {
            Some(Ok(chunk)) => {
                if let Some(keep) = &mut self.keep {
                    keep.push(chunk);
                    // A viewer that has all it was promised may close before it hears of the end.
                    if keep.is_complete() {
                        self.end(Ending::Complete);
                    }
                }
            }
            Some(Err(_)) => self.end(Ending::Truncated),
            None => self.end(Ending::Complete),
        }
        Poll::Ready(part)
    }
}

impl<W: World> Drop for Passing<W> {
    fn drop(&mut self) {
        self.end(Ending::ViewerGone);
    }
}
