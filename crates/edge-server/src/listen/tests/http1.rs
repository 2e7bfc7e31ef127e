//! What a viewer gets over HTTP/1.1.

use super::{Running, SOON, rest, until};
use tokio::io::AsyncWriteExt as _;
use tokio::time::timeout;

/// The answer to a request with `Connection: close`.
#[track_caller]
fn check(running: &Running, line: &str, fields: &str, expected: &str) -> impl Future<Output = ()> {
    let request = format!("{line}\r\nHost: a\r\n{fields}Connection: close\r\n\r\n");
    let (expected, line) = (expected.replace('\n', "\r\n"), line.to_owned());
    let address = running.address;
    async move {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        assert_eq!(
            rest(&mut stream).await.unwrap_or_default(),
            expected,
            "{line}"
        );
    }
}

#[tokio::test]
async fn what_was_sent_arrives_as_it_was_sent() {
    let running = Running::plain().await;
    let said = running
        .say("GET /a//../%2e?b=%zz HTTP/1.1\r\nX-B: 1\r\nhOsT: ab:81\r\nx-b: 2\r\nConnection: close\r\n\r\n")
        .await
        .unwrap();
    let body = "GET /a//../%2e?b=%zz ab:81 Http11 Http X-B,hOsT,x-b,Connection";
    assert!(said.ends_with(&format!("\r\n\r\n{body}")), "{said}");
    assert!(said.starts_with("HTTP/1.1 200 OK\r\nX-Order: 1\r\na-Spelling: 2\r\n"));
}

#[tokio::test]
async fn each_body_is_framed_as_its_answer_allows() {
    let running = Running::plain().await;
    let close = "Connection: close\n\n";
    let ok = "HTTP/1.1 200 OK\n";
    for (line, expected) in [
        (
            "GET /unread HTTP/1.1",
            format!("{ok}Content-Length: 6\n{close}unread"),
        ),
        (
            "HEAD /unread HTTP/1.1",
            format!("{ok}Content-Length: 6\n{close}"),
        ),
        (
            "GET /parts HTTP/1.1",
            format!("{ok}Transfer-Encoding: chunked\n{close}4\none,\n3\ntwo\n0\n\n"),
        ),
        ("HEAD /parts HTTP/1.1", format!("{ok}{close}")),
        ("GET /parts HTTP/1.0", format!("{ok}{close}one,two")),
        (
            "GET /measured HTTP/1.1",
            format!("{ok}content-length: 7\n{close}one,two"),
        ),
        (
            "HEAD /measured HTTP/1.1",
            format!("{ok}content-length: 7\n{close}"),
        ),
        (
            "GET /304 HTTP/1.1",
            format!("HTTP/1.1 304 Not Modified\nContent-Length: 7\n{close}"),
        ),
        (
            "GET /204 HTTP/1.1",
            format!("HTTP/1.1 204 No Content\n{close}"),
        ),
    ] {
        check(&running, line, "", &expected).await;
    }
    let large = running.say("GET /large HTTP/1.0\r\n\r\n").await.unwrap();
    assert_eq!(large.split("\r\n\r\n").nth(1).unwrap().len(), 300_000);
}

#[tokio::test]
async fn a_connection_serves_requests_one_after_another() {
    let running = Running::plain().await;
    let mut stream = running.connect().await;
    let request = b"GET /unread HTTP/1.1\r\nHost: a\r\n\r\n";
    for _ in 0..3 {
        stream.write_all(request).await.unwrap();
        until(&mut stream, "\r\n\r\nunread").await;
    }
    // Two at once, and one that ends it; an empty line between is passed over.
    let last = b"\r\nGET /close HTTP/1.1\r\nHost: a\r\n\r\n";
    stream
        .write_all(&[&request[..], request, last].concat())
        .await
        .unwrap();
    let said = rest(&mut stream).await.unwrap();
    assert_eq!(said.matches("unread").count(), 2);
    assert!(said.ends_with("Connection: close\r\n\r\nbye"), "{said}");
}

#[tokio::test]
async fn http_1_0_goes_on_only_where_it_asks_to() {
    let running = Running::plain().await;
    let said = running.say("GET /unread HTTP/1.0\r\n\r\n").await.unwrap();
    assert!(said.contains("Connection: close\r\n"), "{said}");
    let mut stream = running.connect().await;
    for _ in 0..2 {
        let request = b"GET /unread HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
        stream.write_all(request).await.unwrap();
        let said = until(&mut stream, "\r\n\r\nunread").await;
        assert!(said.contains("Connection: keep-alive\r\n"), "{said}");
    }
}

#[tokio::test]
async fn a_body_streams_in_and_out_at_the_same_time() {
    let running = Running::plain().await;
    let mut stream = running.connect().await;
    let head = b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    stream.write_all(head).await.unwrap();
    // The echo of the first part comes before the second part was sent.
    for (part, echo) in [
        ("3\r\nabc\r\n", "3\r\nabc\r\n"),
        ("2\r\nde\r\n", "2\r\nde\r\n"),
    ] {
        stream.write_all(part.as_bytes()).await.unwrap();
        until(&mut stream, echo).await;
    }
    stream.write_all(b"0\r\n\r\n").await.unwrap();
    until(&mut stream, "0\r\n\r\n").await;
    // And the connection goes on.
    let next = b"POST /collect HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";
    stream.write_all(next).await.unwrap();
    until(&mut stream, "\r\n\r\n5").await;
}

#[tokio::test]
async fn a_body_nobody_wants_does_not_become_the_next_request() {
    let running = Running::plain().await;
    let smuggled = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
    let mut stream = running.connect().await;
    let request = format!(
        "POST /unread HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{smuggled}",
        smuggled.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
        .write_all(b"GET /close HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    let said = rest(&mut stream).await.unwrap();
    assert!(
        !said.contains("/smuggled") && said.ends_with("bye"),
        "{said}"
    );

    // A large one ends the connection, after the answer.
    let mut stream = running.connect().await;
    let head = b"POST /unread HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n";
    stream.write_all(head).await.unwrap();
    until(&mut stream, "\r\n\r\nunread").await;
    let flood = async { while stream.write_all(&[b'x'; 65_536]).await.is_ok() {} };
    timeout(SOON, flood)
        .await
        .expect("the flood is not taken for ever");
}

#[tokio::test]
async fn a_body_is_asked_for_where_the_viewer_waits_for_that() {
    let running = Running::plain().await;
    let mut stream = running.connect().await;
    let head = |path| {
        format!(
            "POST {path} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
        )
    };
    stream.write_all(head("/collect").as_bytes()).await.unwrap();
    assert_eq!(
        until(&mut stream, "\r\n\r\n").await,
        "HTTP/1.1 100 Continue\r\n\r\n"
    );
    stream.write_all(b"hello").await.unwrap();
    until(&mut stream, "\r\n\r\n5").await;
    // Not asked for, so whatever follows is no request.
    stream.write_all(head("/unread").as_bytes()).await.unwrap();
    let said = rest(&mut stream).await.unwrap();
    assert!(
        said.contains("Connection: close\r\n") && !said.contains("100 Continue"),
        "{said}"
    );
}

#[tokio::test]
async fn an_answer_that_breaks_off_never_looks_whole() {
    let running = Running::plain().await;
    for path in ["/cut", "/short", "/long"] {
        for version in ["1.1", "1.0"] {
            let said = running
                .say(format!("GET {path} HTTP/{version}\r\nHost: a\r\n\r\n"))
                .await;
            // A reset is seen, or at least the end is missing.
            let is_whole = said.is_some_and(|said| said.ends_with("0\r\n\r\n") || version == "1.0");
            assert!(!is_whole, "{path} {version}");
        }
    }
}
