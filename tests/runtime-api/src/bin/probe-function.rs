//! A function that misbehaves on request, to prove the stand-in: a raw Runtime API client on the standard library alone.
//!
//! The event's first word says what to do, its second how much (see [`obey`]); `PROBE_INIT` says how the init goes. It shares
//! no code with the server it tests.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the stand-in has to capture both"
)]

use std::env;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process;
use std::thread::sleep;
use std::time::Duration;

const RUNTIME: &str = "/2018-06-01/runtime";
const HTTP_INTEGRATION: &str = "application/vnd.awslambda.http-integration-response";
const PRELUDE: &[u8] = b"{\"statusCode\":201,\"headers\":{\"x-probe\":\"yes\"}}\0\0\0\0\0\0\0\0";
const CHUNK_BYTES: usize = 16 * 1024;

fn main() -> io::Result<()> {
    let address = env::var("AWS_LAMBDA_RUNTIME_API").map_err(io::Error::other)?;
    let mut api = Api::connect(&address)?;
    match env::var("PROBE_INIT").unwrap_or_default().as_str() {
        "error" => {
            api.post(
                &format!("{RUNTIME}/init/error"),
                "Probe.Init",
                b"{\"errorMessage\":\"init failed\"}",
            )?;
            process::exit(1);
        }
        "crash" => process::exit(3),
        "hang" => sleep(Duration::from_secs(600)),
        "slow" => sleep(Duration::from_millis(200)),
        _ => {}
    }
    loop {
        let event = api.next()?;
        obey(&mut api, &event)?;
    }
}

/// One event: the id it came with and what it says.
struct Event {
    id: String,
    deadline_ms: u64,
    payload: Vec<u8>,
}

fn obey(api: &mut Api, event: &Event) -> io::Result<()> {
    let text = String::from_utf8_lossy(&event.payload).into_owned();
    let (word, rest) = text.split_once(' ').unwrap_or((&text, ""));
    let amount: usize = rest.parse().unwrap_or(0);
    let response = format!("{RUNTIME}/invocation/{}/response", event.id);
    match word {
        "sleep" => {
            sleep(Duration::from_millis(amount as u64));
            api.post(&response, "", b"slept")?;
        }
        "deadline" => api.post(&response, "", event.deadline_ms.to_string().as_bytes())?,
        "variable" => api.post(&response, "", env::var(rest).unwrap_or_default().as_bytes())?,
        "big" => api.post(&response, "", &vec![b'x'; amount])?,
        "memory" => {
            let touched = vec![1u8; amount];
            api.post(&response, "", touched.len().to_string().as_bytes())?;
        }
        "error" => api.post(
            &format!("{RUNTIME}/invocation/{}/error", event.id),
            "Probe.Failed",
            b"{}",
        )?,
        "stray" => {
            api.post(
                &format!("{RUNTIME}/invocation/nobody/response"),
                "",
                b"stray",
            )?;
            let status = api.status;
            api.post(&response, "", status.to_string().as_bytes())?;
        }
        "half" => {
            api.head(&response, "Content-Length: 100\r\n")?;
            api.write(b"half of it")?;
            api.reconnect()?;
            // Refused until the server has seen the first connection break.
            while api.status != 202 {
                api.post(&response, "", b"whole")?;
            }
        }
        "log" => {
            println!("{rest} on stdout");
            eprintln!("{rest} on stderr");
            api.post(&response, "", b"logged")?;
        }
        "crash" => process::exit(7),
        "answer-and-exit" => {
            api.post(&response, "", b"goodbye")?;
            process::exit(0);
        }
        "linger" => {
            api.post(&response, "", b"answered")?;
            sleep(Duration::from_millis(amount as u64));
        }
        "reconnect" => {
            api.post(&response, "", b"reconnecting")?;
            api.reconnect()?;
        }
        "stream" | "stream-error" | "stream-break" | "stream-crash" | "stream-hang"
        | "stream-raw" | "stream-headless" => {
            stream(api, &response, word, amount)?;
        }
        _ => api.post(&response, "", &event.payload)?,
    }
    Ok(())
}

fn stream(api: &mut Api, path: &str, word: &str, amount: usize) -> io::Result<()> {
    let content_type = if word == "stream-raw" {
        "application/octet-stream"
    } else {
        HTTP_INTEGRATION
    };
    api.head(path, &format!(
        "Content-Type: {content_type}\r\nLambda-Runtime-Function-Response-Mode: streaming\r\nTransfer-Encoding: chunked\r\n\
         Trailer: Lambda-Runtime-Function-Error-Type\r\nTrailer: Lambda-Runtime-Function-Error-Body\r\n"
    ))?;
    if !matches!(word, "stream-raw" | "stream-headless") {
        api.chunk(PRELUDE)?;
    }
    let mut left = amount;
    while left > 0 {
        let size = left.min(CHUNK_BYTES);
        api.chunk(&vec![b's'; size])?;
        left -= size;
    }
    match word {
        "stream-break" => return api.reconnect(),
        "stream-crash" => process::abort(),
        "stream-hang" => sleep(Duration::from_secs(600)),
        "stream-error" => api.write(
            b"0\r\nLambda-Runtime-Function-Error-Type: Probe.Stream\r\nLambda-Runtime-Function-Error-Body: e30=\r\n\r\n",
        )?,
        _ => api.write(b"0\r\n\r\n")?,
    }
    api.answer().map(drop)
}

/// One connection to the Runtime API.
struct Api {
    address: String,
    stream: BufReader<TcpStream>,
    status: u16,
}

impl Api {
    fn connect(address: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Self {
            address: address.to_owned(),
            stream: BufReader::new(stream),
            status: 0,
        })
    }

    fn reconnect(&mut self) -> io::Result<()> {
        *self = Self::connect(&self.address)?;
        Ok(())
    }

    fn next(&mut self) -> io::Result<Event> {
        self.write(
            format!(
                "GET {RUNTIME}/invocation/next HTTP/1.1\r\nHost: {}\r\n\r\n",
                self.address
            )
            .as_bytes(),
        )?;
        let (head, payload) = self.answer()?;
        let field = |name: &str| {
            let line = head
                .iter()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
            line.map(str::to_owned)
                .ok_or_else(|| io::Error::other(format!("no {name} in {head:?}")))
        };
        for name in [
            "Lambda-Runtime-Invoked-Function-Arn",
            "Lambda-Runtime-Trace-Id",
        ] {
            field(name)?;
        }
        let deadline_ms = field("Lambda-Runtime-Deadline-Ms")?
            .parse()
            .map_err(io::Error::other)?;
        Ok(Event {
            id: field("Lambda-Runtime-Aws-Request-Id")?,
            deadline_ms,
            payload,
        })
    }

    fn post(&mut self, path: &str, error_type: &str, body: &[u8]) -> io::Result<()> {
        let error_type = match error_type {
            "" => String::new(),
            name => format!("Lambda-Runtime-Function-Error-Type: {name}\r\n"),
        };
        self.head(
            path,
            &format!("{error_type}Content-Length: {}\r\n", body.len()),
        )?;
        self.write(body)?;
        self.answer().map(drop)
    }

    fn head(&mut self, path: &str, fields: &str) -> io::Result<()> {
        self.write(
            format!(
                "POST {path} HTTP/1.1\r\nHost: {}\r\n{fields}\r\n",
                self.address
            )
            .as_bytes(),
        )
    }

    fn chunk(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write(format!("{:x}\r\n", bytes.len()).as_bytes())?;
        self.write(bytes)?;
        self.write(b"\r\n")
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.get_mut().write_all(bytes)
    }

    /// Reads one answer: the lines of its head, and its body.
    fn answer(&mut self) -> io::Result<(Vec<String>, Vec<u8>)> {
        let mut head = Vec::new();
        loop {
            let mut line = String::new();
            if self.stream.read_line(&mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            match line.trim_end() {
                "" => break,
                line => head.push(line.to_owned()),
            }
        }
        let status = head
            .first()
            .and_then(|line| line.split(' ').nth(1)?.parse().ok());
        self.status = status.ok_or_else(|| io::Error::other("no status line"))?;
        let length = head.iter().find_map(|line| {
            line.to_ascii_lowercase()
                .strip_prefix("content-length: ")?
                .parse()
                .ok()
        });
        let mut body = vec![0; length.unwrap_or(0)];
        self.stream.read_exact(&mut body)?;
        Ok((head, body))
    }
}
