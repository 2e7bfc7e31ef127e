//! A body of bytes in memory, in parts, with the end a fault gives it.

use super::PART_BYTES;
use crate::store::StoreError;
use bytes::Bytes;
use http_body::{Body, Frame};
use std::pin::Pin;
use std::task::{Context, Poll};

/// How a body ends.
pub(super) enum End {
    Complete,
    Broken,
    Stalled,
}

pub(super) struct MemoryBody {
    rest: Bytes,
    sent: u64,
    end: End,
}

impl MemoryBody {
    pub(super) fn new(rest: Bytes, end: End) -> Self {
        Self { rest, sent: 0, end }
    }
}

impl Body for MemoryBody {
    type Data = Bytes;
    type Error = StoreError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, StoreError>>> {
        if !self.rest.is_empty() {
            let length = self.rest.len().min(PART_BYTES);
            let part = self.rest.split_to(length);
            self.sent += length as u64;
            return Poll::Ready(Some(Ok(Frame::data(part))));
        }
        let after = self.sent;
        match std::mem::replace(&mut self.end, End::Complete) {
            End::Complete => Poll::Ready(None),
            End::Broken => Poll::Ready(Some(Err(StoreError::Broken { after }))),
            End::Stalled => {
                self.end = End::Stalled;
                Poll::Pending
            }
        }
    }
}
