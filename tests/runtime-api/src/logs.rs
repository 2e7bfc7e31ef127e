//! What the function's processes wrote, line by line, in the order it was read.
//!
//! Lines come through pipes: one written before an answer may be read just after it, so a test waits for a line
//! ([`Logs::wait_for`]) instead of assuming it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// The newest lines kept.
const LINES_MAX: usize = 100_000;
/// The longest line, in bytes; a longer one is split, as CloudWatch splits events of this size.
const LINE_BYTES_MAX: u64 = 256 * 1024;

/// Where a line was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogStream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// One line, without its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// Where it was written.
    pub stream: LogStream,
    /// The process that wrote it.
    pub pid: u32,
    /// The text; bytes that are no UTF-8 are replaced.
    pub text: String,
}

#[derive(Debug, Default)]
pub(crate) struct Logs {
    lines: Mutex<VecDeque<LogLine>>,
    arrived: Notify,
}

impl Logs {
    pub(crate) fn snapshot(&self) -> Vec<LogLine> {
        self.lines
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .cloned()
            .collect()
    }

    pub(crate) async fn wait_for(
        &self,
        wanted: impl Fn(&LogLine) -> bool,
        within: Duration,
    ) -> Option<LogLine> {
        let search = async {
            loop {
                let arrived = self.arrived.notified();
                if let Some(line) = self.find(&wanted) {
                    return line;
                }
                arrived.await;
            }
        };
        tokio::time::timeout(within, search).await.ok()
    }

    fn find(&self, wanted: impl Fn(&LogLine) -> bool) -> Option<LogLine> {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().find(|line| wanted(line)).cloned()
    }

    fn push(&self, line: LogLine) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == LINES_MAX {
            lines.pop_front();
        }
        lines.push_back(line);
        drop(lines);
        self.arrived.notify_waiters();
    }

    /// Reads `pipe` to its end in a task of its own.
    pub(crate) fn follow(
        self: &Arc<Self>,
        stream: LogStream,
        pid: u32,
        pipe: impl AsyncRead + Unpin + Send + 'static,
    ) -> JoinHandle<()> {
        let logs = Arc::clone(self);
        tokio::spawn(async move {
            let mut reader = BufReader::new(pipe);
            let mut line = Vec::new();
            while let Ok(1..) = (&mut reader)
                .take(LINE_BYTES_MAX)
                .read_until(b'\n', &mut line)
                .await
            {
                let text =
                    String::from_utf8_lossy(line.strip_suffix(b"\n").unwrap_or(&line)).into_owned();
                logs.push(LogLine { stream, pid, text });
                line.clear();
            }
        })
    }
}
