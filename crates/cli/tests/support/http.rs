//! An HTTP/1.1 client of a few lines: it sends the bytes it is given and shows what comes back.
//!
//! Deliberately absent: everything a client does on its own, such as normalizing a path or following a redirect.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// How long an answer may take before the test fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// An answer as it came.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// Names in lower case, in the order they came.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// What came after the end of the body on a connection that was to be closed.
    pub after: Vec<u8>,
}

impl Answer {
    /// The only value of a header; twice the same header is a fault.
    #[track_caller]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(n, _)| n == name);
        let value = values.next().map(|(_, value)| value.as_str());
        assert!(values.next().is_none(), "{name} stands twice: {self:?}");
        value
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Sends one request and reads its answer. Each header is a line `name: value`; `host` is the address where it is not given.
#[track_caller]
pub fn send(to: SocketAddr, method: &str, target: &str, headers: &[&str], body: &str) -> Answer {
    let mut head = format!("{method} {target} HTTP/1.1\r\nconnection: close\r\n");
    if !headers.iter().any(|header| header.starts_with("host:")) {
        head += &format!("host: {to}\r\n");
    }
    headers.iter().for_each(|h| head += &format!("{h}\r\n"));
    if !body.is_empty() {
        head += &format!("content-length: {}\r\n", body.len());
    }
    let mut stream = TcpStream::connect(to).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
        .write_all(format!("{head}\r\n{body}").as_bytes())
        .unwrap();
    read(stream, method == "HEAD")
}

#[track_caller]
pub fn get(to: SocketAddr, target: &str, headers: &[&str]) -> Answer {
    send(to, "GET", target, headers, "")
}

/// Reads an answer to its end, and what follows until the connection is closed.
pub fn read(stream: TcpStream, without_body: bool) -> Answer {
    let mut stream = BufReader::new(stream);
    let status_line = line(&mut stream);
    let status = status_line.split(' ').nth(1).unwrap_or("").parse();
    let mut headers = Vec::new();
    loop {
        let line = line(&mut stream);
        let Some((name, value)) = line.split_once(':') else {
            break;
        };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut answer = Answer {
        status: status.unwrap_or_else(|_| panic!("`{status_line}` is no status line")),
        headers,
        body: Vec::new(),
        after: Vec::new(),
    };
    let empty = without_body || matches!(answer.status, 100..=199 | 204 | 304);
    if !empty {
        answer.body = body(&mut stream, &answer);
    }
    stream.read_to_end(&mut answer.after).unwrap();
    answer
}

fn body(stream: &mut BufReader<TcpStream>, answer: &Answer) -> Vec<u8> {
    let mut body = Vec::new();
    if answer.header("transfer-encoding") == Some("chunked") {
        loop {
            let size = usize::from_str_radix(&line(stream), 16).unwrap();
            let mut chunk = vec![0; size];
            stream.read_exact(&mut chunk).unwrap();
            body.extend(chunk);
            assert_eq!(line(stream), "");
            if size == 0 {
                return body;
            }
        }
    }
    match answer.header("content-length") {
        Some(length) => {
            body.resize(length.parse().unwrap(), 0);
            stream.read_exact(&mut body).unwrap();
        }
        None => {
            stream.read_to_end(&mut body).unwrap();
        }
    }
    body
}

fn line(stream: &mut BufReader<TcpStream>) -> String {
    let mut line = String::new();
    stream.read_line(&mut line).unwrap();
    line.trim_end_matches(['\r', '\n']).to_owned()
}
