//! One process of the function: started, stopped for a while, continued, killed; always by its own id.
//!
//! A process never outlives its [`Process`]: dropping it kills it. It stays in the test's process group, so a test runner
//! that kills a hung test kills the function too.

use crate::config::FunctionConfig;
use crate::logs::{LogStream, Logs};
use crate::server::Server;
use crate::station::Station;
use rustix::process::{Pid, Signal, kill_process};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::process::Child;
use tokio::task::JoinHandle;

/// How long a stopped process may take to show as stopped.
const STOP_WAIT_MAX: Duration = Duration::from_secs(2);
/// How long the last lines of an ended process may take to arrive.
const LAST_LINES_WAIT_MAX: Duration = Duration::from_secs(2);
const STOP_POLL: Duration = Duration::from_millis(1);

/// What is known of one running process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvironmentStats {
    /// Its process id.
    pub pid: u32,
    /// TCP connections it opened to the Runtime API.
    pub connections: u64,
    /// Events it was handed.
    pub invocations: u64,
    /// From spawning it to its first request for an event.
    pub init: Option<Duration>,
    /// Whether it is stopped.
    pub frozen: bool,
    /// The most memory it ever had resident (`VmHWM`), in bytes; `None` once it has ended.
    pub peak_memory_bytes: Option<u64>,
}

/// The part of a process that statistics may read while an invocation owns the process itself.
#[derive(Debug)]
pub(crate) struct Record {
    pid: u32,
    spawned: Instant,
    station: Arc<Station>,
    connections: Arc<AtomicU64>,
    invocations: AtomicU64,
    frozen: AtomicBool,
}

impl Record {
    pub(crate) fn stats(&self) -> EnvironmentStats {
        EnvironmentStats {
            pid: self.pid,
            connections: self.connections.load(Ordering::Relaxed),
            invocations: self.invocations.load(Ordering::Relaxed),
            init: self.init(),
            frozen: self.frozen.load(Ordering::Relaxed),
            peak_memory_bytes: peak_memory_bytes(self.pid),
        }
    }

    pub(crate) fn init(&self) -> Option<Duration> {
        self.station
            .first_poll()
            .map(|first| first.duration_since(self.spawned))
    }

    pub(crate) fn is_new(&self) -> bool {
        self.invocations.load(Ordering::Relaxed) == 0
    }

    pub(crate) fn count_invocation(&self) {
        self.invocations.fetch_add(1, Ordering::Relaxed);
    }
}

/// A running process with its own Runtime API.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) station: Arc<Station>,
    pub(crate) server: Server,
    pub(crate) record: Arc<Record>,
    pub(crate) spawned: Instant,
    child: Child,
    pid: Pid,
    readers: Vec<JoinHandle<()>>,
}

impl Process {
    pub(crate) async fn spawn(config: &FunctionConfig, logs: &Arc<Logs>) -> std::io::Result<Self> {
        // A pinned function is started through another program, which would be found in its place.
        std::fs::metadata(&config.binary)?;
        let station = Arc::new(Station::new());
        let connections = Arc::new(AtomicU64::new(0));
        let server = Server::start(Arc::clone(&station), Arc::clone(&connections)).await?;
        let mut command = config.command(&server.address);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let spawned = Instant::now();
        let mut child = command.spawn()?;
        let id = child.id().unwrap_or_default();
        let pid = i32::try_from(id)
            .ok()
            .and_then(Pid::from_raw)
            .ok_or_else(|| std::io::Error::other("no process id"))?;
        let mut readers = Vec::new();
        readers.extend(
            child
                .stdout
                .take()
                .map(|pipe| logs.follow(LogStream::Stdout, id, pipe)),
        );
        readers.extend(
            child
                .stderr
                .take()
                .map(|pipe| logs.follow(LogStream::Stderr, id, pipe)),
        );
        let record = Arc::new(Record {
            pid: id,
            spawned,
            station: Arc::clone(&station),
            connections,
            invocations: AtomicU64::new(0),
            frozen: AtomicBool::new(false),
        });
        Ok(Self {
            station,
            server,
            record,
            spawned,
            child,
            pid,
            readers,
        })
    }

    /// Waits for the end of the process, and for the last lines it wrote. May be dropped and called again.
    pub(crate) async fn ended(&mut self) -> String {
        let status = self.child.wait().await;
        for reader in &mut self.readers {
            if !reader.is_finished() {
                drop(tokio::time::timeout(LAST_LINES_WAIT_MAX, reader).await);
            }
        }
        describe(status)
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Kills the process by its id and waits for its end.
    pub(crate) async fn kill(&mut self) -> String {
        // The only error says that it has ended already.
        drop(self.child.start_kill());
        self.ended().await
    }

    /// Stops the process; true once the system shows it as stopped.
    pub(crate) async fn freeze(&mut self) -> bool {
        if self.has_ended() || kill_process(self.pid, Signal::STOP).is_err() {
            return false;
        }
        self.record.frozen.store(true, Ordering::Relaxed);
        let deadline = Instant::now() + STOP_WAIT_MAX;
        while !is_stopped(self.record.pid) {
            if Instant::now() > deadline {
                return false;
            }
            tokio::time::sleep(STOP_POLL).await;
        }
        true
    }

    /// Lets a stopped process run on; nothing happens to one that runs.
    pub(crate) fn thaw(&mut self) {
        if self.record.frozen.swap(false, Ordering::Relaxed) && !self.has_ended() {
            // The only error says that it has ended, which the invocation finds out by itself.
            let _ = kill_process(self.pid, Signal::CONT);
        }
    }
}

fn describe(status: std::io::Result<ExitStatus>) -> String {
    status.map_or_else(|error| error.to_string(), |status| status.to_string())
}

fn is_stopped(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name before the last parenthesis may itself hold anything.
    stat.rsplit_once(") ")
        .is_some_and(|(_, rest)| rest.starts_with('T'))
}

fn peak_memory_bytes(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes * 1024)
}
