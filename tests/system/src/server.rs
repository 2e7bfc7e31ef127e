//! One server process: found, started, waited for, and ended by its id.
//!
//! Two things end it. Dropping the [`Server`] kills it and waits. Should the test process end without dropping it (a static,
//! an abort, a kill by the runner), the pipe to a watchdog shell closes, and the watchdog kills the server by its id and removes
//! its files.

use std::ffi::OsString;
use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a server may take to answer, on a loaded machine.
const READY_WAIT_MAX: Duration = Duration::from_secs(60);
const READY_POLL: Duration = Duration::from_millis(50);
/// One probe of a server that is starting.
const PROBE_WAIT_MAX: Duration = Duration::from_secs(5);
/// The largest answer that is read.
const ANSWER_BYTES_MAX: u64 = 1024 * 1024;
/// How much of a failed server's log an error shows.
const LOG_TAIL_BYTES: usize = 4096;
const WATCHDOG: &str = r#"read -r _; kill -KILL "$1"; shift; rm -rf -- "$@""#;

/// Why a server could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The command is not installed.
    #[error(
        "`{command}` is missing in `{folder}`: run `cargo xtask setup`, or name a folder that has it in PORTCULLIS_TOOLS"
    )]
    Missing {
        /// The command's name.
        command: &'static str,
        /// Where it was looked for.
        folder: String,
    },
    /// The system refused something.
    #[error("cannot {what}: {source}")]
    Io {
        /// What was refused.
        what: &'static str,
        /// The system's reason.
        source: std::io::Error,
    },
    /// Every block of ports is in use.
    #[error("no free block of ports between 12000 and 14000")]
    NoPorts,
    /// The server ended, or did not answer in time.
    #[error("`{command}` {what}; the end of its log:\n{log}")]
    NotReady {
        /// The command's name.
        command: &'static str,
        /// What happened.
        what: String,
        /// The last lines it wrote.
        log: String,
    },
}

impl StartError {
    pub(crate) fn io(what: &'static str) -> impl Fn(std::io::Error) -> Self {
        move |source| Self::Io { what, source }
    }
}

/// A running server and its watchdog.
#[derive(Debug)]
pub(crate) struct Server {
    command: &'static str,
    child: Child,
    watchdog: Child,
    log: PathBuf,
    sockets: Vec<PathBuf>,
}

impl Server {
    /// Starts `command` with `arguments`. Its log and temporary files go into `folder`; the `sockets` it makes elsewhere are
    /// removed after it.
    pub(crate) fn start(
        command: &'static str,
        arguments: &[OsString],
        folder: &Path,
        sockets: Vec<PathBuf>,
    ) -> Result<Self, StartError> {
        let program = tool(command)?;
        let log = folder.join("log");
        let output = File::create(&log).map_err(StartError::io("create the server's log"))?;
        let errors = output
            .try_clone()
            .map_err(StartError::io("share the server's log"))?;
        let mut child = Command::new(program)
            .args(arguments)
            .current_dir(folder)
            .env("TMPDIR", folder)
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .spawn()
            .map_err(StartError::io("start the server"))?;
        match watch(child.id(), folder, &sockets) {
            Ok(watchdog) => Ok(Self {
                command,
                child,
                watchdog,
                log,
                sockets,
            }),
            Err(source) => {
                end(&mut child);
                Err(StartError::Io {
                    what: "start the watchdog",
                    source,
                })
            }
        }
    }

    /// Waits until `port` answers a GET for `path` as `is_ready` wants it.
    pub(crate) fn wait_until_ready(
        &mut self,
        port: u16,
        path: &str,
        is_ready: fn(&str) -> bool,
    ) -> Result<(), StartError> {
        let deadline = Instant::now() + READY_WAIT_MAX;
        loop {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(self.not_ready(format!("ended: {status}")));
            }
            if request(port, "GET", path).is_ok_and(|answer| is_ready(&answer)) {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(self.not_ready(format!("did not answer within {READY_WAIT_MAX:?}")));
            }
            std::thread::sleep(READY_POLL);
        }
    }

    #[cfg(test)]
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    fn not_ready(&self, what: String) -> StartError {
        let log = std::fs::read(&self.log).unwrap_or_default();
        let tail = log
            .get(log.len().saturating_sub(LOG_TAIL_BYTES)..)
            .unwrap_or_default();
        StartError::NotReady {
            command: self.command,
            what,
            log: String::from_utf8_lossy(tail).into_owned(),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The watchdog first: once the server is reaped, its id may belong to somebody else.
        end(&mut self.watchdog);
        end(&mut self.child);
        for socket in &self.sockets {
            // It is not there where the server did not come so far.
            drop(std::fs::remove_file(socket));
        }
    }
}

fn end(child: &mut Child) {
    // Both fail only for a process that has ended already.
    drop(child.kill());
    drop(child.wait());
}

fn watch(id: u32, folder: &Path, sockets: &[PathBuf]) -> std::io::Result<Child> {
    Command::new("sh")
        .args(["-c", WATCHDOG, "watchdog", &id.to_string()])
        .arg(folder)
        .args(sockets)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
}

/// Where a program of the Python environment is.
///
/// # Errors
/// It is not installed.
pub fn tool(command: &'static str) -> Result<PathBuf, StartError> {
    let folder = std::env::var_os("PORTCULLIS_TOOLS").map_or_else(
        || {
            PathBuf::from(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/../../.tools/venv/bin"
            ))
        },
        PathBuf::from,
    );
    let program = folder.join(command);
    if program.is_file() {
        return Ok(program);
    }
    Err(StartError::Missing {
        command,
        folder: folder.display().to_string(),
    })
}

/// One HTTP exchange without a client: the whole answer, head included, as text.
pub(crate) fn request(port: u16, method: &str, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(PROBE_WAIT_MAX))?;
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes())?;
    let mut answer = Vec::new();
    stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

#[cfg(test)]
mod tests;
