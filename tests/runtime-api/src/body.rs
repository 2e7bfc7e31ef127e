//! Reading a body within a limit: what arrived, when it began, and whether it ended well.

use bytes::BytesMut;
use http_body_util::BodyExt;
use hyper::HeaderMap;
use hyper::body::Incoming;
use std::time::Instant;

/// A body over the limit is read on and thrown away up to here, so that the process sees the refusal and not a reset.
const DISCARDED_BYTES_MAX: usize = 64 * 1024 * 1024;

/// What was read of a body.
pub(crate) struct Read {
    pub(crate) bytes: BytesMut,
    first_byte: Option<Instant>,
    pub(crate) end: ReadEnd,
}

/// How far a body was read.
pub(crate) enum ReadEnd {
    Whole { trailers: Option<HeaderMap> },
    Broken,
    TooLarge,
}

impl Read {
    pub(crate) fn new() -> Self {
        Self {
            bytes: BytesMut::new(),
            first_byte: None,
            end: ReadEnd::Broken,
        }
    }

    /// Reads `body`, keeping at most `limit` bytes. What has arrived is kept also where the future is dropped on the way.
    pub(crate) async fn all(&mut self, mut body: Incoming, limit: usize) {
        let mut trailers = None;
        let mut discarded = 0;
        while let Some(frame) = body.frame().await {
            let Ok(frame) = frame else { return };
            match frame.into_data() {
                Ok(data) => {
                    self.first_byte.get_or_insert_with(Instant::now);
                    let room = limit.saturating_sub(self.bytes.len());
                    self.bytes
                        .extend_from_slice(data.get(..room.min(data.len())).unwrap_or_default());
                    discarded += data.len().saturating_sub(room);
                }
                Err(frame) => trailers = frame.into_trailers().ok(),
            }
            if discarded > DISCARDED_BYTES_MAX {
                break;
            }
        }
        self.end = if discarded > 0 {
            ReadEnd::TooLarge
        } else {
            ReadEnd::Whole { trailers }
        };
    }

    /// When the first byte arrived; now, where there is none.
    pub(crate) fn first_byte(&self) -> Instant {
        self.first_byte.unwrap_or_else(Instant::now)
    }
}
