//! The stop: what is under way finishes, what is idle ends, and what does neither is cut.

use super::{Running, SOON, rest, until};
use crate::listen::{Limits, serve_on_cores};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;

#[tokio::test]
async fn an_idle_connection_ends_and_a_request_under_way_is_answered() {
    let running = Running::plain().await;
    let mut idle = running.connect().await;
    idle.write_all(b"GET /unread HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    until(&mut idle, "unread").await;
    let mut busy = running.connect().await;
    busy.write_all(b"GET /late HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;

    running.stop.send(true).unwrap();
    assert_eq!(rest(&mut idle).await.as_deref(), Some(""));
    let said = rest(&mut busy).await.unwrap();
    assert!(
        said.contains("Connection: close\r\n") && said.ends_with("late"),
        "{said}"
    );
    timeout(SOON, running.serving).await.unwrap().unwrap();
    assert!(TcpStream::connect(running.address).await.is_err());
}

#[tokio::test]
async fn what_does_not_finish_is_cut_after_the_drain_time() {
    let limits = Limits {
        drain_time: Duration::from_millis(300),
        ..Limits::default()
    };
    let running = Running::start(limits, None).await;
    let mut stuck = running.connect().await;
    stuck
        .write_all(b"GET /never HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let begun = Instant::now();
    // The end of whoever could say stop is a stop as well.
    drop(running.stop);
    timeout(SOON, running.serving).await.unwrap().unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(300));
    assert!(rest(&mut stuck).await.unwrap_or_default().is_empty());
}

#[tokio::test]
async fn every_core_answers_and_stops() {
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let handler = Arc::new(super::Mirror);
    let address = "127.0.0.1:0".parse().unwrap();
    let limits = Limits::default();
    let cores = serve_on_cores(address, 2, None, &handler, limits, &stopped).unwrap();
    for _ in 0..16 {
        let mut stream = TcpStream::connect(cores.address()).await.unwrap();
        stream
            .write_all(b"GET /close HTTP/1.1\r\nHost: a\r\n\r\n")
            .await
            .unwrap();
        assert!(rest(&mut stream).await.unwrap().ends_with("bye"));
    }
    stop.send(true).unwrap();
    let waited = tokio::task::spawn_blocking(|| cores.wait());
    timeout(SOON, waited).await.unwrap().unwrap();
}
