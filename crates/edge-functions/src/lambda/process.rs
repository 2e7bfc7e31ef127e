//! One long-lived process for one function: events in and answers out as lines of JSON over its standard streams.
//!
//! Always holds: a process is killed with all it started, and waited for, when its time is over, when it says more than it
//! may, and when it is dropped; it has no environment but what it is given; one that has lost its parent ends with its input.
//!
//! Deliberately absent: several instances of one function. Events wait for each other, as they do at one instance.

use super::{LambdaLimits, Runtime, Settings};
use rustix::process::{Pid, Signal, kill_process_group};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::fmt;
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

/// How long a function may take to load (as Lambda's init phase).
pub const INIT_MAX: Duration = Duration::from_secs(10);
/// The longest line that is read, in bytes. Lambda's own limit for an answer is 6 MB.
const LINE_BYTES_MAX: u64 = 8 << 20;
/// The most lines that wait to be read; who writes more waits.
const LINES_MAX: usize = 256;
/// The most lines of a log that one run keeps.
const LOG_LINES_MAX: usize = 500;

/// How long a process that closed its streams has to end, to be told how.
const END_MAX: Duration = Duration::from_millis(200);

const NODE: &str = include_str!("bootstrap.cjs");
const PYTHON: &str = include_str!("bootstrap.py");

/// Why an event was not answered.
#[derive(Debug, thiserror::Error)]
pub enum ProcessFailure {
    /// The program did not start.
    #[error("`{0}` does not start: {1}")]
    Start(String, String),
    /// The handler threw.
    #[error("{0}")]
    Threw(String),
    /// It took longer than it may.
    #[error("the function took longer than {0:?}")]
    Time(Duration),
    /// It ended by itself.
    #[error("the process of the function ended ({0})")]
    Ended(String),
    /// It said something that cannot be read.
    #[error("the function's answer cannot be read")]
    Unreadable,
}

/// What an event is handed over with.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Invocation<'a> {
    pub(super) event: &'a RawValue,
    pub(super) request_id: &'a str,
    pub(super) timeout_ms: u64,
    pub(super) name: &'a str,
    pub(super) version: &'a str,
    pub(super) arn: &'a str,
    pub(super) memory_mb: u32,
}

#[derive(Serialize)]
struct Task<'a> {
    token: &'a str,
    handler: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Said {
    Ready(IgnoredAny),
    Value(Box<RawValue>),
    Error(Thrown),
    /// The process ends after it.
    Fatal(Thrown),
}

#[derive(Deserialize)]
struct Thrown {
    r#type: String,
    message: String,
    stack: String,
}

impl fmt::Display for Thrown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.r#type, self.message)?;
        let trace = self.stack.lines().skip(1).take(3);
        trace
            .into_iter()
            .try_for_each(|line| write!(f, " | {}", line.trim()))
    }
}

enum Line {
    Out(String),
    Err(String),
    TooLong,
}

/// A process with its handler loaded.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<Line>,
    token: String,
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a line")
    }
}

impl Process {
    /// Starts the process and waits until the handler is loaded.
    pub(super) fn start(
        settings: &Settings,
        limits: &LambdaLimits,
        log: &mut Vec<String>,
    ) -> Result<Self, ProcessFailure> {
        let mut command = command(settings, limits);
        let failed = |why: std::io::Error| {
            let program = settings.program.to_string_lossy().into_owned();
            ProcessFailure::Start(program, why.to_string())
        };
        let mut child = command.spawn().map_err(failed)?;
        let (sender, lines) = sync_channel(LINES_MAX);
        let (out, err) = (child.stdout.take(), child.stderr.take());
        let mut process = Self {
            // Told apart from what a function prints, not secret.
            token: format!("\u{1}{}:", child.id()),
            stdin: child.stdin.take(),
            child,
            lines,
        };
        if let Some(out) = out {
            read(out, sender.clone(), Line::Out).map_err(failed)?;
        }
        if let Some(err) = err {
            read(err, sender, Line::Err).map_err(failed)?;
        }
        let task = Task {
            token: &process.token.clone(),
            handler: &settings.handler,
        };
        match process.ask(&task, INIT_MAX, log)? {
            Said::Ready(_) => Ok(process),
            Said::Error(thrown) => Err(ProcessFailure::Threw(thrown.to_string())),
            Said::Fatal(thrown) => Err(ProcessFailure::Ended(thrown.to_string())),
            Said::Value(_) => Err(ProcessFailure::Unreadable),
        }
    }

    /// Hands an event over and waits for its answer. After any failure but a throw the process is of no more use.
    pub(super) fn invoke(
        &mut self,
        invocation: &Invocation<'_>,
        log: &mut Vec<String>,
    ) -> Result<Box<RawValue>, ProcessFailure> {
        let timeout = Duration::from_millis(invocation.timeout_ms);
        match self.ask(invocation, timeout, log)? {
            Said::Value(value) => Ok(value),
            Said::Error(thrown) => Err(ProcessFailure::Threw(thrown.to_string())),
            Said::Fatal(thrown) => Err(ProcessFailure::Ended(thrown.to_string())),
            Said::Ready(_) => Err(ProcessFailure::Unreadable),
        }
    }

    /// Whether it still runs.
    pub(super) fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Its id.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    fn ask(
        &mut self,
        message: &impl Serialize,
        timeout: Duration,
        log: &mut Vec<String>,
    ) -> Result<Said, ProcessFailure> {
        let mut line = serde_json::to_vec(message).map_err(|_| ProcessFailure::Unreadable)?;
        line.push(b'\n');
        // A process that does not read fills its pipe; the writer then waits on a thread and ends when the process does.
        let Some(mut stdin) = self.stdin.take() else {
            return Err(self.ended());
        };
        let (back, written) = sync_channel(1);
        let writing = thread::Builder::new().name("lambda-input".to_owned());
        let writing = writing.spawn(move || {
            let done = stdin.write_all(&line).and_then(|()| stdin.flush());
            // Whoever waited may have gone.
            let _gone = back.send(done.map(|()| stdin));
        });
        if writing.is_err() {
            return Err(self.ended());
        }
        let until = Instant::now() + timeout;
        let said = self.hear(until, timeout, log)?;
        if let Ok(Ok(stdin)) = written.recv_timeout(until.saturating_duration_since(Instant::now()))
        {
            self.stdin = Some(stdin);
        }
        Ok(said)
    }

    fn hear(
        &mut self,
        until: Instant,
        timeout: Duration,
        log: &mut Vec<String>,
    ) -> Result<Said, ProcessFailure> {
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(Line::Out(line)) => match line.strip_prefix(&self.token) {
                    Some(said) => {
                        self.rest_of_log(log);
                        return serde_json::from_str(said).map_err(|_| ProcessFailure::Unreadable);
                    }
                    None => keep(log, line),
                },
                Ok(Line::Err(line)) => keep(log, line),
                Ok(Line::TooLong) => return Err(ProcessFailure::Unreadable),
                Err(RecvTimeoutError::Timeout) => return Err(ProcessFailure::Time(timeout)),
                Err(RecvTimeoutError::Disconnected) => return Err(self.ended()),
            }
        }
    }

    /// What was logged on the other stream before the answer and is here by now.
    fn rest_of_log(&self, log: &mut Vec<String>) {
        while let Ok(line) = self.lines.try_recv() {
            if let Line::Out(line) | Line::Err(line) = line {
                keep(log, line);
            }
        }
    }

    fn ended(&mut self) -> ProcessFailure {
        // Its streams close a moment before it ends.
        let until = Instant::now() + END_MAX;
        let status = loop {
            match self.child.try_wait() {
                Ok(None) if Instant::now() < until => thread::sleep(END_MAX / 100),
                Ok(status) => break status,
                Err(_) => break None,
            }
        };
        let said = status.map_or_else(|| "closed".to_owned(), |status| status.to_string());
        ProcessFailure::Ended(said)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Its group has its own number, and holds what it started.
        if let Ok(id) = i32::try_from(self.child.id())
            && let Some(group) = Pid::from_raw(id)
        {
            // It may have ended by itself.
            let _ended = kill_process_group(group, Signal::KILL);
        }
        let _reaped = self.child.kill().and_then(|()| self.child.wait());
    }
}

fn keep(log: &mut Vec<String>, line: String) {
    if log.len() < LOG_LINES_MAX {
        log.push(line);
    }
}

fn command(settings: &Settings, limits: &LambdaLimits) -> Command {
    let mut command = Command::new(&settings.program);
    match settings.runtime {
        Runtime::Node => {
            let memory = format!("--max-old-space-size={}", limits.memory_mb);
            command.args([memory.as_str(), "-e", NODE]);
        }
        Runtime::Python => {
            command.args(["-u", "-c", PYTHON]);
        }
    }
    command
        .current_dir(&settings.folder)
        .env_clear()
        .envs(
            settings
                .environment
                .iter()
                .map(|(name, value)| (name, value)),
        )
        .env("LAMBDA_TASK_ROOT", &settings.folder)
        .env("AWS_LAMBDA_FUNCTION_NAME", settings.name())
        .env("AWS_LAMBDA_FUNCTION_VERSION", settings.version())
        .env(
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
            limits.memory_mb.to_string(),
        )
        .env("AWS_REGION", "us-east-1")
        .env("_HANDLER", &settings.handler)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    command
}

/// Reads a stream line by line on a thread that ends with the stream.
fn read(
    stream: impl Read + Send + 'static,
    lines: SyncSender<Line>,
    made: fn(String) -> Line,
) -> std::io::Result<()> {
    let reading = move || {
        let mut stream = BufReader::new(stream);
        loop {
            let mut line = Vec::new();
            let read = stream
                .by_ref()
                .take(LINE_BYTES_MAX)
                .read_until(b'\n', &mut line);
            let line = match read {
                Ok(0) | Err(_) => return,
                Ok(_) if line.last() == Some(&b'\n') => {
                    line.pop();
                    made(String::from_utf8_lossy(&line).into_owned())
                }
                Ok(bytes) if bytes as u64 == LINE_BYTES_MAX => Line::TooLong,
                Ok(_) => made(String::from_utf8_lossy(&line).into_owned()),
            };
            let ends = matches!(line, Line::TooLong);
            if lines.send(line).is_err() || ends {
                return;
            }
        }
    };
    let named = thread::Builder::new().name("lambda-output".to_owned());
    named.spawn(reading).map(drop)
}
