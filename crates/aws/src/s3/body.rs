//! The bytes of one answer, passed on without a copy and counted.

use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use portcullis_origin::store::StoreError;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// A body that has to come to `length` bytes.
pub(super) struct S3Body {
    /// `None` once it has ended, one way or the other.
    bytes: Option<SdkBody>,
    arrived: u64,
    length: u64,
}

impl S3Body {
    pub(super) fn new(bytes: SdkBody, length: u64) -> Self {
        Self {
            bytes: Some(bytes),
            arrived: 0,
            length,
        }
    }

    fn fail(&mut self) -> StoreError {
        self.bytes = None;
        if self.arrived == self.length {
            // Nothing can go wrong once all bytes are there but their checksum, which reading on cannot cure.
            return StoreError::Malformed(
                "s3:GetObject: the bytes do not have their checksum".to_owned(),
            );
        }
        StoreError::Broken {
            after: self.arrived,
        }
    }
}

impl Body for S3Body {
    type Data = Bytes;
    type Error = StoreError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, StoreError>>> {
        loop {
            let Some(bytes) = &mut self.bytes else {
                return Poll::Ready(None);
            };
            let frame = match ready!(Pin::new(bytes).poll_frame(context)) {
                Some(Ok(frame)) => frame,
                Some(Err(_)) => return Poll::Ready(Some(Err(self.fail()))),
                None if self.arrived < self.length => return Poll::Ready(Some(Err(self.fail()))),
                None => {
                    self.bytes = None;
                    return Poll::Ready(None);
                }
            };
            let Ok(data) = frame.into_data() else {
                continue;
            };
            self.arrived = self.arrived.saturating_add(data.len() as u64);
            if self.arrived > self.length {
                return Poll::Ready(Some(Err(self.fail())));
            }
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
    }

    fn size_hint(&self) -> SizeHint {
        let rest = self
            .bytes
            .as_ref()
            .map_or(0, |_| self.length.saturating_sub(self.arrived));
        SizeHint::with_exact(rest)
    }
}
