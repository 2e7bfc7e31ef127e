//! HTTP/2 by ALPN and by prior knowledge, TLS, and the certificate made at start.

use super::{Running, SOON};
use crate::listen::{Certificate, Limits};
use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use std::convert::Infallible;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// How much a viewer takes that does not read, in bytes.
const WINDOW_BYTES: u32 = 64 * 1024;

/// What a test sends.
struct Sent(Option<Bytes>);

impl http_body::Body for Sent {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}

async fn speak<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(stream: S) -> SendRequest<Sent> {
    let (sender, connection) = Builder::new(TokioExecutor::new())
        .initial_stream_window_size(WINDOW_BYTES)
        .handshake(TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    sender
}

/// Status and body, or that the stream was reset.
async fn ask(
    sender: &mut SendRequest<Sent>,
    request: http::Request<Option<Bytes>>,
) -> (u16, Result<String, String>) {
    let answer = timeout(SOON, sender.send_request(request.map(Sent)))
        .await
        .unwrap();
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => return (0, Err(error.to_string())),
    };
    let status = answer.status().as_u16();
    (status, text(answer.into_body()).await)
}

async fn text(incoming: Incoming) -> Result<String, String> {
    let mut all = Vec::new();
    let mut incoming = pin!(incoming);
    loop {
        let frame = std::future::poll_fn(|context| incoming.as_mut().poll_frame(context));
        match timeout(SOON, frame).await.unwrap() {
            None => return Ok(String::from_utf8(all).unwrap()),
            Some(Ok(frame)) => all.extend_from_slice(&frame.into_data().unwrap_or_default()),
            Some(Err(error)) => return Err(error.to_string()),
        }
    }
}

fn get(target: &str) -> http::Request<Option<Bytes>> {
    let uri = format!("http://a.example{target}");
    http::Request::builder().uri(uri).body(None).unwrap()
}

#[tokio::test]
async fn prior_knowledge_gives_http_2_without_tls() {
    let running = Running::plain().await;
    let mut sender = speak(running.connect().await).await;
    let mut request = get("/a//b?c=%zz");
    for piece in ["a=1", "b=2"] {
        request
            .headers_mut()
            .append("cookie", piece.parse().unwrap());
    }
    request.headers_mut().append("x-last", "1".parse().unwrap());
    let told = "GET /a//b?c=%zz a.example Http2 Http host,cookie,x-last";
    assert_eq!(ask(&mut sender, request).await, (200, Ok(told.to_owned())));
    for (path, expected) in [
        ("/unread", "unread"),
        ("/parts", "one,two"),
        ("/measured", "one,two"),
        ("/close", "bye"),
    ] {
        assert_eq!(
            ask(&mut sender, get(path)).await,
            (200, Ok(expected.to_owned()))
        );
    }
    let mut post = get("/echo");
    *post.method_mut() = http::Method::POST;
    *post.body_mut() = Some(Bytes::from(vec![b'x'; 600_000]));
    let (status, echo) = ask(&mut sender, post).await;
    assert_eq!((status, echo.unwrap().len()), (200, 600_000));
}

#[tokio::test]
async fn a_stream_that_breaks_off_is_reset_and_the_others_go_on() {
    let running = Running::plain().await;
    let mut sender = speak(running.connect().await).await;
    for path in ["/cut", "/short", "/long"] {
        let (_, body) = ask(&mut sender, get(path)).await;
        assert!(body.is_err(), "{path}");
        assert_eq!(
            ask(&mut sender, get("/unread")).await.1.as_deref(),
            Ok("unread")
        );
    }
}

#[tokio::test]
async fn what_is_oversize_has_its_own_status() {
    let running = Running::plain().await;
    let mut sender = speak(running.connect().await).await;
    let target = format!("/{}", "x".repeat(8_192));
    assert_eq!(ask(&mut sender, get(&target)).await.0, 414);
    let mut request = get("/");
    let value = "x".repeat(32_768);
    request.headers_mut().insert("x", value.parse().unwrap());
    assert_eq!(ask(&mut sender, request).await.0, 494);
    let mut other_host = get("/");
    other_host
        .headers_mut()
        .insert("host", "b.example".parse().unwrap());
    assert_eq!(ask(&mut sender, other_host).await.0, 400);
}

#[tokio::test]
async fn an_idle_connection_ends_and_a_busy_one_does_not() {
    let limits = Limits {
        idle_time: Duration::from_millis(150),
        ..Limits::default()
    };
    let running = Running::start(limits, None).await;
    let mut sender = speak(running.connect().await).await;
    assert_eq!(
        ask(&mut sender, get("/late")).await.1.as_deref(),
        Ok("late")
    );
    let closed = async {
        while !sender.is_closed() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(SOON, closed).await.expect("the server ends it");
}

#[tokio::test]
async fn a_slow_answer_is_not_idleness_and_a_deaf_viewer_is_cut() {
    let limits = Limits {
        idle_time: Duration::from_millis(100),
        write_time: Duration::from_millis(400),
        drain_time: Duration::from_millis(100),
        ..Limits::default()
    };
    let running = Running::start(limits, None).await;
    let mut sender = speak(running.connect().await).await;
    let (status, body) = ask(&mut sender, get("/slow")).await;
    assert_eq!((status, body.as_deref()), (200, Ok("one,two,three")));

    // It reads nothing of 300,000 bytes, which is more than fits its window.
    let mut deaf = speak(running.connect().await).await;
    let request = get("/large").map(Sent);
    let answer = timeout(SOON, deaf.send_request(request))
        .await
        .unwrap()
        .unwrap();
    let closed = async {
        while !deaf.is_closed() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(SOON, closed).await.expect("the server cuts it");
    assert!(text(answer.into_body()).await.is_err());
}

#[tokio::test]
async fn the_stop_lets_streams_finish() {
    let running = Running::plain().await;
    let mut sender = speak(running.connect().await).await;
    let late = tokio::spawn(async move { ask(&mut sender, get("/late")).await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    running.stop.send(true).unwrap();
    assert_eq!(late.await.unwrap(), (200, Ok("late".to_owned())));
    timeout(SOON, running.serving).await.unwrap().unwrap();
}

async fn encrypted(
    running: &Running,
    certificate: &Certificate,
    name: &str,
    protocols: &[&str],
) -> Result<TlsStream<tokio::net::TcpStream>, std::io::Error> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.authority().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|p| p.as_bytes().to_vec()).collect();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    TlsConnector::from(Arc::new(config))
        .connect(name, running.connect().await)
        .await
}

#[tokio::test]
async fn the_certificate_holds_for_the_aliases_and_this_machine() {
    let certificate = Certificate::make(&["www.a.example".into(), "*.b.example".into()]).unwrap();
    assert!(
        certificate
            .authority_pem()
            .starts_with("-----BEGIN CERTIFICATE-----")
    );
    let running = Running::start(Limits::default(), Some(&certificate)).await;
    for (name, holds) in [
        ("www.a.example", true),
        ("x.b.example", true),
        ("localhost", true),
        ("127.0.0.1", true),
        ("a.example", false),
        ("x.y.b.example", false),
    ] {
        let stream = encrypted(&running, &certificate, name, &[]).await;
        assert_eq!(stream.is_ok(), holds, "{name}");
    }
    let other = Certificate::make(&[]).unwrap();
    assert!(encrypted(&running, &other, "localhost", &[]).await.is_err());
}

#[tokio::test]
async fn the_protocol_is_agreed_on_in_the_handshake() {
    let certificate = Certificate::make(&[]).unwrap();
    let running = Running::start(Limits::default(), Some(&certificate)).await;
    let stream = encrypted(&running, &certificate, "localhost", &["h2", "http/1.1"])
        .await
        .unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let mut sender = speak(stream).await;
    let told = ask(&mut sender, get("/x")).await.1.unwrap();
    assert!(told.starts_with("GET /x a.example Http2 Https"), "{told}");

    for protocols in [&["http/1.1"][..], &[]] {
        let mut stream = encrypted(&running, &certificate, "localhost", protocols)
            .await
            .unwrap();
        let request = b"GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        stream.write_all(request).await.unwrap();
        let mut said = String::new();
        timeout(SOON, stream.read_to_string(&mut said))
            .await
            .unwrap()
            .unwrap();
        assert!(said.contains("GET /x a Http11 Https"), "{said}");
    }
}

#[tokio::test]
async fn plain_text_on_the_tls_port_and_a_stalled_handshake_are_cut() {
    let certificate = Certificate::make(&[]).unwrap();
    let limits = Limits {
        head_time: Duration::from_millis(200),
        ..Limits::default()
    };
    let running = Running::start(limits, Some(&certificate)).await;
    for bytes in ["GET / HTTP/1.1\r\nHost: a\r\n\r\n", "\x16\x03\x01"] {
        let mut stream = running.connect().await;
        stream.write_all(bytes.as_bytes()).await.unwrap();
        let said = timeout(SOON, async {
            let mut said = Vec::new();
            let _reset = stream.read_to_end(&mut said).await;
            said
        });
        assert!(!said.await.unwrap().starts_with(b"HTTP"));
    }
}
