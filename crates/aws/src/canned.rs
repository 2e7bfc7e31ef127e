//! A server that answers what a test tells it to, byte for byte: what no stand-in and no mock of the SDK would say.

use crate::clients::Clients;
use crate::config::AwsAccess;
use crate::environment::Environment;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What happens on one connection, step by step, before it is closed.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Send(Vec<u8>),
    Wait(Duration),
}

/// A running server and the heads of the requests it was sent.
pub(crate) struct Canned {
    port: u16,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Canned {
    /// Answers each connection with the next of `answers`, and closes it. The last one is repeated.
    pub(crate) async fn start(answers: impl IntoIterator<Item = Vec<Step>>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::default();
        let answers = answers.into_iter().collect();
        tokio::spawn(serve(listener, answers, Arc::clone(&requests)));
        Self { port, requests }
    }

    /// Answers every connection with these bytes.
    pub(crate) async fn saying(answer: impl Into<Vec<u8>>) -> Self {
        Self::start([vec![Step::Send(answer.into())]]).await
    }

    /// Clients that take this server for AWS.
    pub(crate) fn clients(&self) -> Clients {
        Clients::new(&AwsAccess::read(&environment(self.port, &[])).unwrap())
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

/// The environment of a process for which the server at `port` is AWS, with `more` variables.
pub(crate) fn environment(port: u16, more: &[(&str, &str)]) -> Environment {
    let endpoint = format!("http://127.0.0.1:{port}");
    let aws = [
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "id"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_ENDPOINT_URL", &endpoint),
    ];
    Environment::new(aws.iter().chain(more).copied(), "/program")
}

async fn serve(
    listener: TcpListener,
    mut answers: VecDeque<Vec<Step>>,
    requests: Arc<Mutex<Vec<String>>>,
) {
    while let Ok((connection, _)) = listener.accept().await {
        let steps = match answers.len() {
            1 => answers.front().cloned(),
            _ => answers.pop_front(),
        };
        tokio::spawn(answer(
            connection,
            steps.unwrap_or_default(),
            Arc::clone(&requests),
        ));
    }
}

async fn answer(mut connection: TcpStream, steps: Vec<Step>, requests: Arc<Mutex<Vec<String>>>) {
    let mut request = Vec::new();
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        if connection.read_buf(&mut request).await.unwrap_or(0) == 0 {
            return;
        }
    }
    requests
        .lock()
        .unwrap()
        .push(String::from_utf8_lossy(&request).into_owned());
    for step in steps {
        match step {
            // The client may have left; then there is nobody to answer.
            Step::Send(bytes) => drop(connection.write_all(&bytes).await),
            Step::Wait(time) => tokio::time::sleep(time).await,
        }
    }
    drop(connection.shutdown().await);
}
