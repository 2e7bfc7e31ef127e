//! A server of this program that runs while its guard lives.

use std::io::{BufRead as _, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// How long a server may take to do what a test waits for.
const PATIENCE: Duration = Duration::from_secs(20);
const STEP: Duration = Duration::from_millis(20);

type Printed = Arc<Mutex<String>>;

/// A running `dev` or `serve`; dropping it ends the process.
pub struct Server {
    child: Child,
    pub address: SocketAddr,
    stdout: Printed,
    stderr: Printed,
}

impl Server {
    /// Starts the program in `folder` and waits for the address it prints.
    #[track_caller]
    pub fn start(folder: &Path, arguments: &[&str]) -> Self {
        let mut child = super::command(folder)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = collect(child.stdout.take().unwrap());
        let stderr = collect(child.stderr.take().unwrap());
        let mut server = Self {
            child,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            stdout,
            stderr,
        };
        server.address = server.wait_for("an address", |server| {
            let printed = server.stdout();
            let (_, after) = printed.split_once("http://")?;
            let end = after.find(|c: char| !c.is_ascii_digit() && c != '.' && c != ':')?;
            after.get(..end)?.parse().ok()
        });
        server
    }

    pub fn stdout(&self) -> String {
        self.stdout.lock().unwrap().clone()
    }

    pub fn stderr(&self) -> String {
        self.stderr.lock().unwrap().clone()
    }

    /// Asks until there is an answer; patience is limited.
    #[track_caller]
    pub fn wait_for<T>(&self, what: &str, ask: impl Fn(&Self) -> Option<T>) -> T {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            if let Some(found) = ask(self) {
                return found;
            }
            std::thread::sleep(STEP);
        }
        panic!(
            "no {what}; stdout: {}\nstderr: {}",
            self.stdout(),
            self.stderr()
        );
    }

    /// Waits until standard error holds `text`.
    #[track_caller]
    pub fn wait_for_error(&self, text: &str) {
        self.wait_for(text, |server| server.stderr().contains(text).then_some(()));
    }

    /// Asks the process to stop, as an init system does, without waiting for it.
    pub fn terminate(&self) {
        let id = self.child.id().to_string();
        let sent = std::process::Command::new("kill").arg(id).status();
        assert!(sent.unwrap().success());
    }

    /// Waits for the end of a process that was asked to stop, and gives its exit code.
    #[track_caller]
    pub fn ended(&mut self) -> Option<i32> {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            std::thread::sleep(STEP);
        }
        panic!("it does not stop; stderr: {}", self.stderr());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// What a stream says, line by line, as it comes.
fn collect(stream: impl Read + Send + 'static) -> Printed {
    let printed = Printed::default();
    let shared = Arc::clone(&printed);
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            *shared.lock().unwrap() += &format!("{line}\n");
        }
    });
    printed
}
