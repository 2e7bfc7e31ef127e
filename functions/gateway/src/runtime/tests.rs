//! Workers against a Runtime API of a few lines: several events at once, and panics.

use super::{Function, Invocation, run};
use crate::answer::Payload;
use bytes::Bytes;
use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Barrier, mpsc};

/// Gives one event to each connection, then sends on what comes back, head and body, and gives no other.
async fn serve(mut connection: TcpStream, id: usize, answers: mpsc::UnboundedSender<String>) {
    let mut bytes = [0; 4_096];
    let _next = connection.read(&mut bytes).await.unwrap();
    let event = format!(
        "HTTP/1.1 200 OK\r\nlambda-runtime-aws-request-id: {id}\r\nlambda-runtime-invocation-id: n{id}\r\ncontent-length: 2\r\n\r\n{{}}"
    );
    connection.write_all(event.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"}") {
        let length = connection.read(&mut bytes).await.unwrap();
        assert_ne!(length, 0, "the worker hung up");
        answer.extend_from_slice(&bytes[..length]);
    }
    answers.send(String::from_utf8(answer).unwrap()).unwrap();
    std::future::pending::<()>().await;
}

/// What two workers with `function` send.
async fn two_answers(function: impl Function) -> Vec<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (sender, mut answers) = mpsc::unbounded_channel();
    tokio::spawn(async move { run(&address, 2, function).await });
    for id in 0..2 {
        let (connection, _) = listener.accept().await.unwrap();
        tokio::spawn(serve(connection, id, sender.clone()));
    }
    let mut all = vec![answers.recv().await.unwrap(), answers.recv().await.unwrap()];
    all.sort();
    all
}

/// Answers when two events are with it.
struct InPairs(Arc<Barrier>);

impl Function for InPairs {
    async fn invoke(&self, invocation: Invocation) -> Payload {
        self.0.wait().await;
        assert_eq!(invocation.event, "{}");
        Payload::Document(Bytes::from(format!("{{\"id\":{}}}", invocation.request_id)))
    }
}

#[tokio::test(flavor = "current_thread")]
async fn two_events_are_answered_at_once_each_by_its_own_id() {
    let answers = two_answers(InPairs(Arc::new(Barrier::new(2)))).await;
    for (id, answer) in answers.iter().enumerate() {
        assert!(answer.starts_with(&format!(
            "POST /2018-06-01/runtime/invocation/{id}/response "
        )));
        assert!(
            answer.contains(&format!("lambda-runtime-invocation-id: n{id}\r\n")),
            "{answer}"
        );
        assert!(
            answer.ends_with(&format!("\r\n\r\n{{\"id\":{id}}}")),
            "{answer}"
        );
    }
}

struct Panics;

impl Function for Panics {
    async fn invoke(&self, _: Invocation) -> Payload {
        panic!("what only the log may say");
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_panic_is_reported_as_an_error_without_its_text() {
    for (id, answer) in two_answers(Panics).await.iter().enumerate() {
        assert!(answer.starts_with(&format!("POST /2018-06-01/runtime/invocation/{id}/error ")));
        assert!(
            answer.contains("Gateway.Panic") && !answer.contains("may say"),
            "{answer}"
        );
    }
}
