//! A custom origin's body, checked against the length it promised.
//!
//! Always holds: a body that ends early or runs over ends with an error, never cleanly.

use super::outcome::OriginFault;
use super::reply::PendingBody;
use crate::upstream::UpstreamBody;
use bytes::Bytes;
use http_body::{Body, Frame};
use http_body_util::BodyExt as _;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// `body`, which has `length` bytes if that is known.
pub(super) fn exact(body: UpstreamBody, length: Option<u64>) -> PendingBody {
    let missing = length;
    ExactBody { body, missing }.boxed_unsync()
}

struct ExactBody {
    body: UpstreamBody,
    missing: Option<u64>,
}

impl Body for ExactBody {
    type Data = Bytes;
    type Error = OriginFault;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, OriginFault>>> {
        let frame = match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
            None if self.missing.is_some_and(|missing| missing > 0) => {
                self.missing = None;
                return Poll::Ready(Some(Err(OriginFault::Broken)));
            }
            None => return Poll::Ready(None),
            Some(frame) => frame.map_err(OriginFault::from),
        };
        Poll::Ready(Some(frame.and_then(|frame| self.counted(frame))))
    }
}

impl ExactBody {
    /// The bytes of a frame, if no more than promised. Trailers are not passed on.
    fn counted(&mut self, frame: Frame<Bytes>) -> Result<Frame<Bytes>, OriginFault> {
        let bytes = frame.into_data().unwrap_or_default();
        if let Some(missing) = self.missing {
            let left = missing.checked_sub(bytes.len() as u64);
            self.missing = Some(left.ok_or(OriginFault::Malformed)?);
        }
        Ok(Frame::data(bytes))
    }
}
