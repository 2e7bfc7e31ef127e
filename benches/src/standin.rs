//! The least that stands in for the Runtime API: one blocking socket, prepared bytes, a clock.
//!
//! The project's own stand-in (`tests/runtime-api`) holds a function to Lambda's rules, and takes about 30 µs of every
//! invocation for it, in which the differences between functions would drown. Where rules matter, rows use that one; where
//! only time does, this one. What functions write goes nowhere, on all sides alike.

use crate::Failure;
use portcullis_runtime_api::FunctionConfig;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// What a function may take for one event, and to ask for the first.
const WAIT_MAX: Duration = Duration::from_secs(10);

/// A running function, which waits for an event.
#[derive(Debug)]
pub struct Standin {
    process: Child,
    reader: BufReader<TcpStream>,
    writer: TcpStream,
    request: Request,
    served: u64,
}

/// A request of the function.
#[derive(Debug, Default)]
struct Request {
    line: String,
    body: Vec<u8>,
}

impl Standin {
    /// Starts the function and waits until it asks for an event.
    ///
    /// # Errors
    /// It cannot be started, or asks for something else.
    pub fn start(config: &FunctionConfig) -> Result<Self, Failure> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let process = command(config, &listener.local_addr()?.to_string()).spawn();
        let process = process.map_err(|error| format!("{}: {error}", config.binary.display()))?;
        let (stream, _) = listener.accept()?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(WAIT_MAX))?;
        let mut standin = Self {
            process,
            writer: stream.try_clone()?,
            reader: BufReader::new(stream),
            request: Request::default(),
            served: 0,
        };
        standin.expect("GET ", "/next")?;
        Ok(standin)
    }

    /// Hands over an event; the answer's document, and the time from the event's first byte sent to its last byte
    /// received. Returns when the function waits for the next event.
    ///
    /// # Errors
    /// The function does not answer.
    pub fn invoke(&mut self, event: &[u8]) -> Result<(Duration, Vec<u8>), Failure> {
        self.served += 1;
        let deadline = SystemTime::now().duration_since(UNIX_EPOCH)? + Duration::from_secs(3);
        let mut answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nLambda-Runtime-Aws-Request-Id: 00000000-0000-4000-8000-{:012x}\r\nLambda-Runtime-Deadline-Ms: {}\r\nLambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:us-east-1:123456789012:function:f\r\nLambda-Runtime-Trace-Id: Root=1-00000000-000000000000000000000001\r\nContent-Length: {}\r\n\r\n",
            self.served,
            deadline.as_millis(),
            event.len()
        )
        .into_bytes();
        answer.extend_from_slice(event);
        let sent = Instant::now();
        self.writer.write_all(&answer)?;
        self.expect("POST ", "/response")?;
        let took = sent.elapsed();
        let document = std::mem::take(&mut self.request.body);
        self.writer
            .write_all(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")?;
        self.expect("GET ", "/next")?;
        Ok((took, document))
    }

    /// The processor time the function has used, on all its threads.
    ///
    /// # Errors
    /// The system does not say.
    pub fn processor_time(&self) -> Result<Duration, Failure> {
        let mut nanoseconds = 0;
        for task in std::fs::read_dir(format!("/proc/{}/task", self.process.id()))? {
            let stat = std::fs::read_to_string(task?.path().join("schedstat"))?;
            let used = stat.split(' ').next().ok_or("no processor time")?;
            nanoseconds += used.parse::<u64>()?;
        }
        Ok(Duration::from_nanos(nanoseconds))
    }

    fn expect(&mut self, method: &str, end: &str) -> Result<(), Failure> {
        self.request.read(&mut self.reader)?;
        let path = self.request.line.trim_end().trim_end_matches(" HTTP/1.1");
        if path.starts_with(method) && path.ends_with(end) {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&self.request.body);
        Err(format!("expected {method}…{end}, not {path}: {said}").into())
    }
}

impl Drop for Standin {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ended = self.process.kill();
        let _ended = self.process.wait();
    }
}

impl Request {
    fn read(&mut self, reader: &mut impl BufRead) -> Result<(), Failure> {
        self.line.clear();
        if reader.read_line(&mut self.line)? == 0 {
            return Err("the function closed its connection".into());
        }
        let mut length = 0;
        let mut header = String::new();
        loop {
            header.clear();
            reader.read_line(&mut header)?;
            let Some((name, value)) = header.split_once(':') else {
                break;
            };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse()?;
            }
        }
        self.body.resize(length, 0);
        reader.read_exact(&mut self.body)?;
        Ok(())
    }
}

fn command(config: &FunctionConfig, address: &str) -> Command {
    let mut command = Command::new("taskset");
    let core = config.core.unwrap_or_default().to_string();
    command.args(["--cpu-list", &core]).arg(&config.binary);
    let root = config
        .binary
        .parent()
        .map(|root| root.display().to_string());
    command
        .env_clear()
        .envs([
            ("AWS_LAMBDA_RUNTIME_API", address),
            ("AWS_LAMBDA_FUNCTION_NAME", "f"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "group"),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "stream"),
            ("AWS_REGION", "us-east-1"),
            ("PATH", "/usr/bin:/bin"),
        ])
        .envs(root.map(|root| ("LAMBDA_TASK_ROOT", root)))
        .envs(config.env.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::inherit());
    command
}
