//! Requests that mean harm, over plain sockets: what is answered, and that nothing else is.

use super::{Running, SOON, rest};
use crate::listen::Limits;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

/// Behind what is refused stands a request that must not be answered.
const SMUGGLED: &str = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";

async fn refused(running: &Running, request: &str, status: u16) {
    let said = running.say(format!("{request}{SMUGGLED}")).await;
    let said = said.unwrap_or_else(|| panic!("an answer and no reset: {request:.100}"));
    let expected = format!("HTTP/1.1 {status} ");
    assert!(said.starts_with(&expected), "{request:.100}\n{said}");
    assert_eq!(
        said.matches("HTTP/1.1").count(),
        1,
        "{request:.100}\n{said}"
    );
    assert!(said.contains("\r\nConnection: close\r\n"), "{said}");
}

#[tokio::test]
async fn shapes_that_smuggle_are_refused_and_end_the_connection() {
    let running = Running::plain().await;
    for fields in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 0",
        "Content-Length: 0\r\nContent-Length: 0",
        "Content-Length: 5\r\nContent-Length: 60",
        "Content-Length: 0, 0",
        "Content-Length: +0",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
        "Transfer-Encoding: chunked, chunked",
        "Transfer-Encoding: identity",
        "Transfer-Encoding: \"chunked\"",
        "Transfer-Encoding : chunked",
        "Content-Length : 0",
        " Content-Length: 0",
        "X: 1\r\n Content-Length: 0",
        "X: 1\r\n\tTransfer-Encoding: chunked",
        "X: 1\nContent-Length: 0",
        "X: 1\rContent-Length: 0",
        "X: 1\0",
        "\0: 1",
        "X",
        "Host: b",
    ] {
        let request = format!("POST / HTTP/1.1\r\nHost: a\r\n{fields}\r\n\r\n");
        refused(&running, &request, 400).await;
    }
    for request in [
        "GET / HTTP/1.1\nHost: a\n\n",
        "GET / HTTP/1.1\r\nHost: a\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/3.0\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1 GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /\r\n\r\n",
        "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n",
        "\x16\x03\x01\x02\x00\x01\x00\r\n\r\n",
    ] {
        refused(&running, request, 400).await;
    }
}

#[tokio::test]
async fn what_is_oversize_has_its_own_status() {
    let running = Running::plain().await;
    let x = |bytes: usize| "x".repeat(bytes);
    for (request, status) in [
        (
            format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", x(8_192)),
            414,
        ),
        (format!("GET /{}", x(60_000)), 414),
        (x(60_000), 400),
        (
            format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", x(32_763)),
            494,
        ),
        (
            format!("GET / HTTP/1.1\r\nHost: a\r\n{}: 1\r\n\r\n", x(32_763)),
            494,
        ),
        (
            format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}", x(90_000)),
            494,
        ),
        (
            format!(
                "GET / HTTP/1.1\r\nHost: a\r\n{}\r\n",
                "X: 1\r\n".repeat(300)
            ),
            494,
        ),
        (format!("GET / HTTP/1.1\r\nHost: {}\r\n\r\n", x(2_000)), 400),
        (format!("{} / HTTP/1.1\r\nHost: a\r\n\r\n", x(100)), 400),
    ] {
        refused(&running, &request, status).await;
    }
}

#[tokio::test]
async fn a_bad_body_is_an_error_to_the_handler_and_ends_the_connection() {
    let running = Running::plain().await;
    for (fields, body, error) in [
        (
            "Transfer-Encoding: chunked",
            "5\nhello\r\n0\r\n\r\n",
            "Malformed",
        ),
        ("Transfer-Encoding: chunked", "zz\r\n", "Malformed"),
        (
            "Transfer-Encoding: chunked",
            "5\r\nhello!\r\n0\r\n\r\n",
            "Malformed",
        ),
        (
            "Transfer-Encoding: chunked",
            "ffffffffffffffffff\r\n",
            "Malformed",
        ),
        (
            "Transfer-Encoding: chunked",
            "0\r\nno trailer\r\n\r\n",
            "Malformed",
        ),
        ("Content-Length: 2000000", "", "TooLarge"),
    ] {
        let flood = if error == "TooLarge" {
            "x".repeat(1_100_000)
        } else {
            String::new()
        };
        let request =
            format!("POST /collect HTTP/1.1\r\nHost: a\r\n{fields}\r\n\r\n{body}{flood}{SMUGGLED}");
        let mut stream = running.connect().await;
        let _reset = stream.write_all(request.as_bytes()).await;
        let mut said = vec![0; 1_000];
        let read = timeout(SOON, stream.read(&mut said))
            .await
            .unwrap()
            .unwrap();
        let said = String::from_utf8_lossy(&said[..read]).into_owned();
        assert!(said.ends_with(error), "{body}\n{said}");
        let more = timeout(SOON, stream.read(&mut [0; 100])).await.unwrap();
        assert!(matches!(more, Ok(0) | Err(_)), "{body}");
    }
}

#[tokio::test]
async fn a_body_that_is_cut_off_or_stalls_is_an_error_to_the_handler() {
    let limits = Limits {
        body_time: Duration::from_millis(200),
        ..Limits::default()
    };
    let running = Running::start(limits, None).await;
    for (ends, error) in [(true, "Truncated"), (false, "Timeout")] {
        let mut stream = running.connect().await;
        let request = b"POST /collect HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhello";
        stream.write_all(request).await.unwrap();
        if ends {
            stream.shutdown().await.unwrap();
        }
        assert!(rest(&mut stream).await.unwrap().ends_with(error));
    }
}

#[tokio::test]
async fn slow_viewers_are_cut() {
    let limits = Limits {
        head_time: Duration::from_millis(300),
        idle_time: Duration::from_millis(600),
        ..Limits::default()
    };
    let running = Running::start(limits, None).await;
    for (beginning, at_least) in [("", 600), ("GET / HT", 300), ("PRI * HT", 300)] {
        let mut stream = running.connect().await;
        let begun = Instant::now();
        stream.write_all(beginning.as_bytes()).await.unwrap();
        if beginning == "GET / HT" {
            // A byte now and then does not help.
            let drip = async {
                while stream.write_all(b"x").await.is_ok() {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            };
            let _ended_by_reset = timeout(Duration::from_secs(2), drip).await;
        }
        let _closed = timeout(SOON, stream.read(&mut [0; 500]))
            .await
            .expect("cut");
        let took = begun.elapsed();
        assert!(
            took >= Duration::from_millis(at_least),
            "{beginning} {took:?}"
        );
        assert!(took < Duration::from_secs(5), "{beginning} {took:?}");
    }
}

#[tokio::test]
async fn a_viewer_that_takes_no_answer_is_cut() {
    let limits = Limits {
        write_time: Duration::from_millis(200),
        connections_max: 1,
        ..Limits::default()
    };
    let running = Running::start(limits, None).await;
    let mut deaf = running.connect().await;
    let many = "GET /large HTTP/1.1\r\nHost: a\r\n\r\n".repeat(200);
    let _reset = timeout(SOON, deaf.write_all(many.as_bytes())).await;
    // There is one place, so this is answered only once the deaf one is gone.
    let said = running.say("GET /close HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert!(said.unwrap().ends_with("bye"));
}

#[tokio::test]
async fn no_more_connections_are_served_than_the_limit_says() {
    let limits = Limits {
        connections_max: 2,
        ..Limits::default()
    };
    let running = Running::start(limits, None).await;
    let mut held = vec![running.connect().await, running.connect().await];
    for stream in &mut held {
        let request = b"GET /unread HTTP/1.1\r\nHost: a\r\n\r\n";
        stream.write_all(request).await.unwrap();
        super::until(stream, "unread").await;
    }
    let mut third = running.connect().await;
    third
        .write_all(b"GET /close HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    let early = timeout(Duration::from_millis(200), third.read_u8()).await;
    assert!(early.is_err(), "not accepted yet");
    held.pop();
    assert!(rest(&mut third).await.unwrap().ends_with("bye"));
}
