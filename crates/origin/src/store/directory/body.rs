//! The bytes of a file, a part at a time.
//!
//! Always holds: one part is in memory; exactly the announced number of bytes comes, or an error; the last part comes
//! only after the file was seen to be the same as when it was opened.

use super::PART_BYTES_MAX;
use super::content::Opened;
use crate::store::StoreError;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use std::future::Future as _;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::task::JoinHandle;

pub(super) struct FileBody {
    step: Step,
    sent: u64,
    remaining: u64,
}

enum Step {
    Seek(Opened, u64),
    Idle(Opened),
    Reading(JoinHandle<io::Result<(Opened, Bytes)>>),
    Done,
}

impl FileBody {
    /// `length` bytes of the file, at least one, from offset `first`.
    pub(super) fn new(opened: Opened, first: u64, length: u64) -> Self {
        Self {
            step: Step::Seek(opened, first),
            sent: 0,
            remaining: length,
        }
    }

    fn begin(&mut self, opened: Opened, seek: Option<u64>) {
        let size = self.remaining.min(PART_BYTES_MAX as u64);
        let last = size == self.remaining;
        self.step = Step::Reading(tokio::task::spawn_blocking(move || {
            read(opened, seek, size, last)
        }));
    }

    fn finish(&mut self, opened: Opened, part: Bytes) -> Frame<Bytes> {
        let length = part.len() as u64;
        self.sent += length;
        self.remaining = self.remaining.saturating_sub(length);
        self.step = match self.remaining {
            0 => Step::Done,
            _ => Step::Idle(opened),
        };
        Frame::data(part)
    }
}

impl Body for FileBody {
    type Data = Bytes;
    type Error = StoreError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, StoreError>>> {
        loop {
            match std::mem::replace(&mut self.step, Step::Done) {
                Step::Done => return Poll::Ready(None),
                Step::Seek(opened, first) => self.begin(opened, Some(first)),
                Step::Idle(opened) => self.begin(opened, None),
                Step::Reading(mut reading) => {
                    let polled = Pin::new(&mut reading).poll(context);
                    if polled.is_pending() {
                        self.step = Step::Reading(reading);
                    }
                    let after = self.sent;
                    return Poll::Ready(Some(match ready!(polled) {
                        Ok(Ok((opened, part))) => Ok(self.finish(opened, part)),
                        Ok(Err(_)) | Err(_) => Err(StoreError::Broken { after }),
                    }));
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.step, Step::Done)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.remaining)
    }
}

fn read(
    mut opened: Opened,
    seek: Option<u64>,
    size: u64,
    last: bool,
) -> io::Result<(Opened, Bytes)> {
    if let Some(first) = seek {
        opened.file.seek(SeekFrom::Start(first))?;
    }
    let mut part =
        Vec::with_capacity(PART_BYTES_MAX.min(usize::try_from(size).unwrap_or(PART_BYTES_MAX)));
    (&opened.file).take(size).read_to_end(&mut part)?;
    if part.len() as u64 != size || (last && !opened.is_unchanged()?) {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok((opened, part.into()))
}
