//! The bytes of one object, checked as they pass.
//!
//! What always holds:
//! - exactly the promised number of bytes comes out, or an error does;
//! - the last bytes are held back until the object has ended and its digest, if the store keeps one, agrees, so that a
//!   wrong body can never end cleanly;
//! - a body that breaks is resumed where it broke, by range and `If-Match`, as often as the request's extra calls allow;
//!   without an entity tag it is not, since the rest might belong to other bytes.

use super::calls::Extra;
use super::outcome::OriginFault;
use super::reply::PendingBody;
use crate::field::StrongTag;
use crate::store::{Fetched, ObjectBody, ObjectRef, ObjectStore, StoreError, Want};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use portcullis_http_semantics::RangeSpec;
use sha2::{Digest as _, Sha256};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// How long a resumed read may take to answer.
const RESUME_TIME: Duration = Duration::from_secs(10);

/// What a body needs to go on where it broke.
pub(super) struct Resume<S> {
    pub(super) store: Arc<S>,
    pub(super) object: ObjectRef,
    pub(super) extra: Arc<Extra>,
}

/// What a body has to come to.
pub(super) struct Promise {
    /// Offset of its first byte in the object.
    pub(super) first: u64,
    /// Its bytes.
    pub(super) length: u64,
    /// The tag of the object it belongs to.
    pub(super) etag: Option<StrongTag>,
    /// The digest, for a whole object.
    pub(super) sha256: Option<[u8; 32]>,
}

/// The body of `source`, checked against `promise`.
pub(super) fn verified<S: ObjectStore + 'static>(
    source: ObjectBody,
    promise: Promise,
    resume: Resume<S>,
) -> PendingBody {
    let digest = promise.sha256.map(|expected| (Sha256::new(), expected));
    let body = VerifiedBody {
        source: Source::Body(source),
        promise,
        digest,
        received: 0,
        held: None,
        resume,
    };
    body.boxed_unsync()
}

struct VerifiedBody<S> {
    source: Source,
    promise: Promise,
    digest: Option<(Sha256, [u8; 32])>,
    received: u64,
    held: Option<Bytes>,
    resume: Resume<S>,
}

enum Source {
    Body(ObjectBody),
    Resuming(Pin<Box<dyn Future<Output = Result<Fetched, StoreError>> + Send>>),
    Ended,
}

impl<S: ObjectStore + 'static> Body for VerifiedBody<S> {
    type Data = Bytes;
    type Error = OriginFault;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, OriginFault>>> {
        loop {
            let step = match &mut self.source {
                Source::Body(body) => match ready!(Pin::new(body).poll_frame(cx)) {
                    Some(Ok(frame)) => self.accept(frame.into_data().unwrap_or_default()),
                    // The store itself says that the bytes are wrong: reading on would end them cleanly.
                    Some(Err(StoreError::Malformed(_))) => Err(OriginFault::Malformed),
                    Some(Err(_)) | None => self.ended(),
                },
                Source::Resuming(call) => {
                    let answer = ready!(call.as_mut().poll(cx));
                    self.resumed(answer)
                }
                Source::Ended => return Poll::Ready(None),
            };
            match step {
                Ok(Some(bytes)) => return Poll::Ready(Some(Ok(Frame::data(bytes)))),
                Ok(None) => {}
                Err(fault) => {
                    self.source = Source::Ended;
                    return Poll::Ready(Some(Err(fault)));
                }
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        let held = self.held.as_ref().map_or(0, Bytes::len) as u64;
        SizeHint::with_exact(self.missing() + held)
    }
}

/// What to hand out now, if anything.
type Step = Result<Option<Bytes>, OriginFault>;

impl<S: ObjectStore + 'static> VerifiedBody<S> {
    fn missing(&self) -> u64 {
        self.promise.length.saturating_sub(self.received)
    }

    fn accept(&mut self, bytes: Bytes) -> Step {
        if bytes.is_empty() {
            return Ok(None);
        }
        let length = bytes.len() as u64;
        if length > self.missing() {
            return Err(OriginFault::Malformed);
        }
        self.received += length;
        if let Some((digest, _)) = &mut self.digest {
            digest.update(&bytes);
        }
        if self.missing() == 0 {
            self.held = Some(bytes);
            return Ok(None);
        }
        Ok(Some(bytes))
    }

    /// The source has ended or broken; which of the two no longer matters once every byte is there.
    fn ended(&mut self) -> Step {
        if self.missing() > 0 {
            return self.go_on().map(|()| None);
        }
        self.source = Source::Ended;
        let agrees = self
            .digest
            .take()
            .is_none_or(|(digest, sha256)| *digest.finalize() == sha256);
        if agrees {
            Ok(self.held.take())
        } else {
            Err(OriginFault::Malformed)
        }
    }

    fn go_on(&mut self) -> Result<(), OriginFault> {
        let etag = self.promise.etag.clone().ok_or(OriginFault::Broken)?;
        let pause = self.resume.extra.take().ok_or(OriginFault::Broken)?;
        let want = Want {
            range: Some(RangeSpec::FromTo {
                first: self.offset(),
                last: self.last(),
            }),
            if_match: Some(etag),
            if_none_match: None,
        };
        let (store, object) = (Arc::clone(&self.resume.store), self.resume.object.clone());
        let extra = Arc::clone(&self.resume.extra);
        self.source = Source::Resuming(Box::pin(async move {
            sleep(pause).await;
            extra.count();
            timeout(RESUME_TIME, store.get(&object, &want))
                .await
                .unwrap_or(Err(StoreError::TimedOut))
        }));
        Ok(())
    }

    fn resumed(&mut self, answer: Result<Fetched, StoreError>) -> Step {
        match answer {
            Ok(Fetched::Partial {
                object,
                first,
                last,
            }) if first == self.offset()
                && last == self.last()
                && object.metadata.etag == self.promise.etag =>
            {
                self.source = Source::Body(object.body);
                Ok(None)
            }
            Ok(_) => Err(OriginFault::Broken),
            Err(error) => match OriginFault::from(error) {
                fault if fault.is_passing() => self.go_on().map(|()| None),
                _ => Err(OriginFault::Broken),
            },
        }
    }

    /// Offset in the object of the next byte to come.
    fn offset(&self) -> u64 {
        self.promise.first + self.received
    }

    /// Offset in the object of the last byte to come.
    fn last(&self) -> u64 {
        (self.promise.first + self.promise.length).saturating_sub(1)
    }
}
