//! Reads and writes with a limit for each step.

use super::watch::Watch;
use bytes::{Bytes, BytesMut};
use std::future::{Future, poll_fn};
use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};

/// How much is read at once, in bytes.
pub(crate) const READ_BYTES: usize = 16 * 1024;

/// How small the rest of a buffer may get before it is made larger, in bytes.
const READ_BYTES_MIN: usize = 4 * 1024;

/// Reads what is there behind `inbound`; 0 at the end. Time runs from when the watch was last restarted.
pub(crate) async fn fill<R: AsyncRead + Unpin>(
    reader: &mut R,
    inbound: &mut BytesMut,
    watch: &mut Watch,
) -> io::Result<usize> {
    if inbound.capacity() - inbound.len() < READ_BYTES_MIN {
        inbound.reserve(READ_BYTES);
    }
    let mut read = pin!(reader.read_buf(inbound));
    poll_fn(|context| {
        let outcome = read.as_mut().poll(context);
        or_late(outcome, watch, context)
    })
    .await
}

/// Writes all of `slices`; each step may take `limit`.
pub(crate) async fn send<W: AsyncWrite + Unpin>(
    writer: &mut W,
    slices: &mut [IoSlice<'_>],
    watch: &mut Watch,
    limit: Duration,
) -> io::Result<()> {
    let full = slices.iter().rposition(|slice| !slice.is_empty());
    let (mut slices, _empty) = slices.split_at_mut(full.map_or(0, |last| last + 1));
    // Passes over those that are empty in front.
    IoSlice::advance_slices(&mut slices, 0);
    while !slices.is_empty() {
        watch.restart(limit);
        let written = poll_fn(|context| {
            let writer = Pin::new(&mut *writer);
            let outcome = match &*slices {
                // Cheaper for the system than a list of one.
                [only] => writer.poll_write(context, only),
                slices => writer.poll_write_vectored(context, slices),
            };
            or_late(outcome, watch, context)
        });
        match written.await? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            bytes => IoSlice::advance_slices(&mut slices, bytes),
        }
    }
    poll_fn(|context| {
        let outcome = Pin::new(&mut *writer).poll_flush(context);
        or_late(outcome, watch, context)
    })
    .await
}

/// The outcome of a step, or that its time is over.
fn or_late<T>(
    outcome: Poll<io::Result<T>>,
    watch: &mut Watch,
    context: &mut Context<'_>,
) -> Poll<io::Result<T>> {
    match outcome {
        Poll::Pending => watch.poll_elapsed(context).map(|()| Err(late())),
        ready @ Poll::Ready(_) => ready,
    }
}

fn late() -> io::Error {
    io::ErrorKind::TimedOut.into()
}

/// A stream of which some bytes were read before.
pub(crate) struct Rewound<S> {
    pub(crate) before: Bytes,
    pub(crate) stream: S,
}

impl<S: AsyncRead + Unpin> AsyncRead for Rewound<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.before.is_empty() {
            return Pin::new(&mut self.stream).poll_read(context, into);
        }
        let part = self.before.len().min(into.remaining());
        into.put_slice(&self.before.split_to(part));
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Rewound<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
