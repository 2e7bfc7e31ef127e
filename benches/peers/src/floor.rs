//! The floor under every invocation: HTTP/1.1 over one blocking socket, three lines of protocol, the same answer to
//! every event, which it does not read. Nothing that a function must do is done here.

use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;

const ANSWER: &str = r#"{"statusCode":403,"headers":{"cache-control":"no-store"},"body":"Access denied.\n","isBase64Encoded":false}"#;

fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::var("AWS_LAMBDA_RUNTIME_API")?;
    let stream = TcpStream::connect(&address)?;
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut writer = stream;
    let next =
        format!("GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: {address}\r\n\r\n");
    let mut body = Vec::new();
    loop {
        writer.write_all(next.as_bytes())?;
        let id = response(&mut reader, &mut body)?.ok_or("an event without an id")?;
        let answer = format!(
            "POST /2018-06-01/runtime/invocation/{id}/response HTTP/1.1\r\nHost: {address}\r\nContent-Length: {}\r\n\r\n{ANSWER}",
            ANSWER.len()
        );
        writer.write_all(answer.as_bytes())?;
        response(&mut reader, &mut body)?;
    }
}

/// Reads one answer of the Runtime API; the request id, if it names one.
fn response(
    reader: &mut impl BufRead,
    body: &mut Vec<u8>,
) -> Result<Option<String>, Box<dyn Error>> {
    let mut length = 0;
    let mut id = None;
    let mut line = String::new();
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 {
            return Err("the Runtime API is gone".into());
        }
        let trimmed = line.trim_end();
        if trimmed.is_empty() {
            break;
        }
        let Some((name, value)) = trimmed.split_once(':') else {
            continue;
        };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse()?;
        } else if name.eq_ignore_ascii_case("lambda-runtime-aws-request-id") {
            id = Some(value.trim().to_owned());
        }
    }
    body.resize(length, 0);
    reader.read_exact(body)?;
    Ok(id)
}
