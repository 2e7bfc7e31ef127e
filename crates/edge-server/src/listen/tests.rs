//! A server on a loopback socket, and what viewers of all kinds get from it.

mod hostile;
mod http1;
mod http2;
mod stop;

use super::{Answer, Arrived, Certificate, Handler, Limits, Refused, serve};
use crate::body::{Body, BodyError};
use crate::fields::Fields;
use bytes::Bytes;
use futures_util::stream;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Longer than anything takes here.
const SOON: Duration = Duration::from_secs(10);

/// Answers by path: what arrived, the body it got, parts, broken bodies, or late.
struct Mirror;

impl Handler for Mirror {
    async fn answer(&self, arrived: Arrived, body: Body) -> Answer {
        let part = |text: &'static str| Ok(Bytes::from_static(text.as_bytes()));
        match arrived.target.as_str() {
            "/echo" => answer(200, &[], body),
            "/unread" => answer(200, &[], "unread".into()),
            "/parts" => answer(200, &[], parts(vec![part("one,"), part(""), part("two")])),
            "/measured" => answer(
                200,
                &[("content-length", "7")],
                parts(vec![part("one,"), part("two")]),
            ),
            "/slow" => answer(200, &[], slow_parts()),
            "/large" => answer(200, &[], vec![b'x'; 300_000].into()),
            "/cut" => answer(
                200,
                &[],
                parts(vec![part("one,"), Err(BodyError::Truncated)]),
            ),
            "/short" => answer(200, &[("Content-Length", "9")], parts(vec![part("one,")])),
            "/long" => answer(200, &[("Content-Length", "3")], parts(vec![part("one,")])),
            "/late" => {
                tokio::time::sleep(Duration::from_millis(300)).await;
                answer(200, &[], "late".into())
            }
            "/never" => std::future::pending().await,
            "/304" => answer(304, &[("Content-Length", "7")], Body::empty()),
            "/204" => answer(204, &[("Content-Length", "7")], Body::empty()),
            "/close" => answer(200, &[("Connection", "close")], "bye".into()),
            "/collect" => match body.collect(1_000_000).await {
                Ok(bytes) => answer(200, &[], bytes.len().to_string().into_bytes().into()),
                Err(error) => answer(400, &[], format!("{error:?}").into_bytes().into()),
            },
            _ => answer(
                200,
                &[("X-Order", "1"), ("a-Spelling", "2")],
                told(&arrived),
            ),
        }
    }

    fn refuse(&self, refused: &Refused) -> Answer {
        let text = format!("{:?}", refused.refusal);
        answer(refused.refusal.status(), &[], text.into_bytes().into())
    }
}

fn told(arrived: &Arrived) -> Body {
    let names: Vec<_> = arrived.fields.iter().map(|(name, _)| name).collect();
    let text = format!(
        "{} {} {} {:?} {:?} {}",
        arrived.method,
        arrived.target,
        arrived.host,
        arrived.version,
        arrived.via.scheme,
        names.join(",")
    );
    text.into_bytes().into()
}

/// Three parts with pauses between them.
fn slow_parts() -> Body {
    let left = vec!["three", "two,", "one,"];
    let next = |mut left: Vec<&'static str>| async move {
        tokio::time::sleep(Duration::from_millis(250)).await;
        let text = left.pop()?;
        Some((Ok(Bytes::from_static(text.as_bytes())), left))
    };
    Body::parts(stream::unfold(left, next), None)
}

fn parts(parts: Vec<Result<Bytes, BodyError>>) -> Body {
    Body::parts(stream::iter(parts), None)
}

fn answer(status: u16, pairs: &[(&str, &str)], body: Body) -> Answer {
    let mut fields = Fields::default();
    for (name, value) in pairs {
        fields.add(name, value).unwrap();
    }
    Answer {
        status,
        fields,
        body,
    }
}

/// A server of its own for each test.
struct Running {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    serving: JoinHandle<()>,
}

impl Running {
    async fn start(limits: Limits, certificate: Option<&Certificate>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = watch::channel(false);
        let tls = certificate.map(Certificate::server_config);
        Self {
            address,
            stop,
            serving: tokio::spawn(serve(listener, tls, Arc::new(Mirror), limits, stopped)),
        }
    }

    async fn plain() -> Self {
        Self::start(Limits::default(), None).await
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Everything the server says to these bytes, until it closes. `None` where the connection was reset.
    async fn say(&self, bytes: impl AsRef<[u8]>) -> Option<String> {
        let mut stream = self.connect().await;
        stream.write_all(bytes.as_ref()).await.unwrap();
        rest(&mut stream).await
    }
}

async fn rest(stream: &mut TcpStream) -> Option<String> {
    let mut text = Vec::new();
    let read = timeout(SOON, stream.read_to_end(&mut text)).await;
    read.expect("the server closes").ok()?;
    Some(String::from_utf8(text).unwrap())
}

/// Reads until what came ends with `end`.
async fn until(stream: &mut TcpStream, end: &str) -> String {
    let mut text = Vec::new();
    while !text.ends_with(end.as_bytes()) {
        let byte = timeout(SOON, stream.read_u8()).await;
        text.push(byte.expect("in time").expect("before the end"));
    }
    String::from_utf8(text).unwrap()
}
