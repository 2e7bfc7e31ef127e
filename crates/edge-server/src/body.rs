//! The body of a message: none, bytes that are there, or parts that come one by one.
//!
//! Always holds: a stream ends with `None` only where its sender said that it ends there; everything else is a
//! [`BodyError`]. A body whose length was declared yields exactly that many bytes or an error.

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt as _};
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};

/// A body that comes in parts.
pub type Parts = Pin<Box<dyn Stream<Item = Result<Bytes, BodyError>> + Send>>;

/// Why a body does not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// Its sender closed the connection before its end.
    #[error("the body was cut off")]
    Truncated,
    /// Its sender sent nothing for too long.
    #[error("the body did not go on in time")]
    Timeout,
    /// Its framing is wrong.
    #[error("the body is malformed")]
    Malformed,
    /// It is longer than whoever collects it allows.
    #[error("the body is too large")]
    TooLarge,
}

/// The body of a message.
pub struct Body(Kind);

enum Kind {
    Whole(Bytes),
    /// The mutex is never locked; it lets a body be borrowed where its parts could not.
    Parts {
        parts: Mutex<Parts>,
        length: Option<u64>,
    },
}

impl Body {
    /// No bytes.
    #[must_use]
    pub fn empty() -> Self {
        Self(Kind::Whole(Bytes::new()))
    }

    /// Parts, and how many bytes they are together, where that is declared.
    #[must_use]
    pub fn parts(
        parts: impl Stream<Item = Result<Bytes, BodyError>> + Send + 'static,
        length: Option<u64>,
    ) -> Self {
        Self(Kind::Parts {
            parts: Mutex::new(Box::pin(parts)),
            length,
        })
    }

    /// How many bytes it has, where that is known before they come. Means nothing once a part was taken.
    #[must_use]
    pub fn length(&self) -> Option<u64> {
        match &self.0 {
            Kind::Whole(bytes) => Some(bytes.len() as u64),
            Kind::Parts { length, .. } => *length,
        }
    }

    /// Whether it is known to have no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.length() == Some(0)
    }

    /// The bytes, where they are all there.
    #[must_use]
    pub fn whole(&self) -> Option<&Bytes> {
        match &self.0 {
            Kind::Whole(bytes) => Some(bytes),
            Kind::Parts { .. } => None,
        }
    }

    /// The next part; `None` at the end.
    pub async fn next(&mut self) -> Option<Result<Bytes, BodyError>> {
        poll_fn(|context| self.poll_part(context)).await
    }

    /// All bytes, at most `bytes_max`.
    ///
    /// # Errors
    /// The body breaks off, or is longer.
    pub async fn collect(mut self, bytes_max: usize) -> Result<Bytes, BodyError> {
        let too_large = |bytes: usize| bytes > bytes_max;
        if let Kind::Whole(bytes) = self.0 {
            return if too_large(bytes.len()) {
                Err(BodyError::TooLarge)
            } else {
                Ok(bytes)
            };
        }
        let mut all = BytesMut::new();
        while let Some(part) = self.next().await {
            let part = part?;
            if too_large(all.len() + part.len()) {
                return Err(BodyError::TooLarge);
            }
            all.extend_from_slice(&part);
        }
        Ok(all.freeze())
    }

    /// The first bytes, at most `bytes_max`, whether there are more, and the whole body again. Where it breaks off, the first
    /// bytes are what came before, and the body breaks off there too.
    pub(crate) async fn peek(mut self, bytes_max: usize) -> (Bytes, bool, Self) {
        if let Kind::Whole(bytes) = &self.0 {
            let shown = bytes.slice(..bytes.len().min(bytes_max));
            let more = bytes.len() > bytes_max;
            return (shown, more, self);
        }
        let length = self.length();
        let (mut came, mut shown, mut broken) = (Vec::new(), BytesMut::new(), false);
        while shown.len() <= bytes_max && !broken {
            let Some(part) = self.next().await else {
                break;
            };
            broken = part.is_err();
            if let Ok(part) = &part {
                shown.extend_from_slice(part);
            }
            came.push(part);
        }
        let more = shown.len() > bytes_max || broken;
        shown.truncate(bytes_max);
        let again = futures_util::stream::iter(came).chain(self);
        (shown.freeze(), more, Self::parts(again, length))
    }

    pub(crate) fn poll_part(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, BodyError>>> {
        match &mut self.0 {
            Kind::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Kind::Whole(bytes) => Poll::Ready(Some(Ok(std::mem::take(bytes)))),
            Kind::Parts { parts, .. } => {
                let parts = parts.get_mut().unwrap_or_else(PoisonError::into_inner);
                parts.as_mut().poll_next(context)
            }
        }
    }
}

impl Stream for Body {
    type Item = Result<Bytes, BodyError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_part(context)
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self(Kind::Whole(bytes))
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::from(bytes).into()
    }
}

impl From<&'static str> for Body {
    fn from(text: &'static str) -> Self {
        Bytes::from_static(text.as_bytes()).into()
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Whole(bytes) => write!(f, "Body({} bytes)", bytes.len()),
            Kind::Parts { length, .. } => write!(f, "Body(parts, {length:?} bytes)"),
        }
    }
}
