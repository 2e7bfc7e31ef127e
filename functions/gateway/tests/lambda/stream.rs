//! A function whose URL streams: what is large streams, what is small leaves whole, what breaks is seen to break.

use crate::fixture::{Deployment, request};
use portcullis_runtime_api::{
    Lambda, Outcome, StreamEnd, Streamed, UrlRequest, function_url_event,
};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

const LARGE: usize = 9_000_000;

fn streaming(deployment: &Deployment) -> portcullis_runtime_api::FunctionConfig {
    deployment
        .function
        .clone()
        .with_env("PORTCULLIS_INVOKE_MODE", "stream")
}

async fn streamed(lambda: &Lambda, request: &UrlRequest) -> Streamed {
    match lambda.invoke(function_url_event(request)).await.outcome {
        Outcome::Streamed(streamed) => streamed,
        other => panic!("not streamed: {other:?}"),
    }
}

#[tokio::test]
async fn a_large_object_streams_and_everything_else_leaves_whole() {
    let deployment = Deployment::new();
    let contents: Vec<u8> = (0..LARGE).map(|at| at.to_le_bytes()[0]).collect();
    deployment.put("stream/large.bin", &contents);
    deployment.put("stream/a.txt", b"hello");
    let lambda = crate::fixture::start(streaming(&deployment)).await;

    let large = streamed(&lambda, &request("/stream/large.bin")).await;
    let prelude = large.prelude.expect("a prelude");
    assert_eq!(
        (prelude["statusCode"].as_u64(), large.end),
        (Some(200), StreamEnd::Complete)
    );
    assert_eq!(
        prelude["headers"]["content-length"],
        serde_json::Value::Null
    );
    assert!(large.body == contents, "the bytes differ");

    let small = streamed(&lambda, &request("/stream/a.txt")).await;
    assert_eq!(
        (&small.body[..], small.end),
        (&b"hello"[..], StreamEnd::Complete)
    );

    let mut head = request("/stream/large.bin");
    head.method = "HEAD".to_owned();
    let refused = request("/office/a.txt");
    let part = request("/stream/large.bin").with_header("range", "bytes=0-8000000");
    for (request, status) in [(head, 200), (refused, 403), (part, 413)] {
        let answer = streamed(&lambda, &request).await;
        let prelude = answer.prelude.expect("a prelude");
        assert_eq!(
            (prelude["statusCode"].as_u64(), answer.end),
            (Some(status), StreamEnd::Complete)
        );
        assert!(answer.body.len() < 100, "{} bytes", answer.body.len());
    }
}

/// A server that promises more than it sends.
async fn server_that_stops(promised: usize, sent: usize) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let mut asked = [0; 4_096];
            let _read = connection.read(&mut asked).await;
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: video/mp4\r\ncontent-length: {promised}\r\n\r\n"
            );
            let _sent = connection
                .write_all(&[head.into_bytes(), vec![7; sent]].concat())
                .await;
            let _closed = connection.shutdown().await;
        }
    });
    address
}

#[tokio::test]
async fn a_stream_that_cannot_be_finished_is_cut_and_the_function_serves_on() {
    let address = server_that_stops(LARGE, 2_000_000).await;
    let deployment = Deployment::with("http://127.0.0.1:1", &format!("http://{address}"));
    deployment.put("a.txt", b"hello");
    let lambda = crate::fixture::start(streaming(&deployment)).await;
    for _ in 0..2 {
        let cut = streamed(&lambda, &request("/cut/film.mp4")).await;
        assert_eq!(cut.end, StreamEnd::Broken, "never as if it were whole");
        assert!(cut.body.len() <= 2_000_000);
        let next = streamed(&lambda, &request("/a.txt")).await;
        assert_eq!(
            (&next.body[..], next.end),
            (&b"hello"[..], StreamEnd::Complete)
        );
    }
    assert_eq!(lambda.stats().processes, 1);
}

#[tokio::test]
async fn a_document_that_cannot_be_finished_is_an_error_and_no_document() {
    let address = server_that_stops(1_000, 10).await;
    let deployment = Deployment::with("http://127.0.0.1:1", &format!("http://{address}"));
    let lambda = deployment.start().await;
    let answer = crate::fixture::ask(&lambda, &request("/cut/film.mp4")).await;
    assert!(matches!(answer.status, 502 | 504), "{}", answer.status);
}
