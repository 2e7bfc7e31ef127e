//! Every way in which a server fails has its name, and no failure looks like an answer.

use super::{HEADER_BYTES_MAX, HttpClient};
use crate::object_path::ObjectPath;
use crate::request::Method;
use crate::upstream::{Upstream as _, UpstreamError, UpstreamRequest, UpstreamResponse};
use bytes::Bytes;
use http_body_util::BodyExt as _;
use portcullis_site::{HttpOrigin, OriginUrl, Seconds};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// What a server does next on a connection.
#[derive(Debug, Clone)]
enum Act {
    /// Reads one request.
    Read,
    /// Writes bytes.
    Say(Vec<u8>),
    /// Waits.
    Wait(Duration),
    /// Says nothing more and does not close.
    Hold,
}
use Act::{Hold, Read, Say, Wait};

fn say(text: &str) -> Act {
    Say(text.as_bytes().to_vec())
}

/// A server whose n-th connection follows the n-th script and is then closed.
struct Server {
    port: u16,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    async fn start(scripts: Vec<Vec<Act>>) -> Self {
        Self::start_with(scripts, None).await
    }

    async fn start_with(scripts: Vec<Vec<Act>>, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::<Mutex<Vec<String>>>::default();
        let log = Arc::clone(&requests);
        tokio::spawn(async move {
            for script in scripts {
                let (stream, _) = listener.accept().await.unwrap();
                let (log, tls) = (Arc::clone(&log), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => follow(stream, script, log).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                follow(stream, script, log).await;
                            }
                        }
                    }
                });
            }
        });
        Self { port, requests }
    }

    fn origin(&self) -> HttpOrigin {
        origin(&format!("http://127.0.0.1:{}", self.port))
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

async fn follow<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    script: Vec<Act>,
    log: Arc<Mutex<Vec<String>>>,
) {
    for act in script {
        match act {
            Read => {
                let mut request = Vec::new();
                while !request.ends_with(b"\r\n\r\n") {
                    match stream.read_u8().await {
                        Ok(byte) => request.push(byte),
                        Err(_) => return,
                    }
                }
                log.lock()
                    .unwrap()
                    .push(String::from_utf8_lossy(&request).into_owned());
            }
            Say(bytes) => {
                if stream.write_all(&bytes).await.is_err() {
                    return;
                }
                stream.flush().await.unwrap();
            }
            Wait(time) => tokio::time::sleep(time).await,
            Hold => std::future::pending().await,
        }
    }
    let _ = stream.shutdown().await;
}

fn origin(url: &str) -> HttpOrigin {
    HttpOrigin {
        url: OriginUrl::new(url).unwrap(),
        connect_timeout: Seconds::of(1),
        response_timeout: Seconds::of(1),
        attempts: 1,
        private_addresses: true,
    }
}

async fn ask(
    client: &HttpClient,
    origin: &HttpOrigin,
    method: Method,
) -> Result<UpstreamResponse, UpstreamError> {
    let path = ObjectPath::parse("/a%20b").unwrap();
    let headers = Vec::new();
    client
        .fetch(UpstreamRequest {
            origin,
            method,
            path: &path,
            query: "",
            headers,
        })
        .await
}

async fn get(client: &HttpClient, origin: &HttpOrigin) -> Result<(u16, Bytes), UpstreamError> {
    let answer = ask(client, origin, Method::Get).await?;
    Ok((answer.status, answer.body.collect().await?.to_bytes()))
}

/// What a client makes of a server with this script.
async fn outcome(script: Vec<Act>) -> Result<(u16, Bytes), UpstreamError> {
    let server = Server::start(vec![script]).await;
    get(&HttpClient::new(), &server.origin()).await
}

#[tokio::test]
async fn an_answer_comes_as_it_was_sent() {
    let text = "HTTP/1.1 201 Created\r\nContent-Length: 5\r\nX-A: 1\r\nx-a: 2\r\nX-Odd: caf\u{e9}\r\n\r\nhello";
    let server = Server::start(vec![vec![Read, say(text)]]).await;
    let answer = ask(&HttpClient::new(), &server.origin(), Method::Get)
        .await
        .unwrap();
    assert_eq!((answer.status, answer.content_length), (201, Some(5)));
    let header =
        |(name, value): &(String, Vec<u8>)| format!("{name}={}", String::from_utf8_lossy(value));
    let headers: Vec<_> = answer.headers.iter().map(header).collect();
    assert_eq!(
        headers,
        ["content-length=5", "x-a=1", "x-a=2", "x-odd=café"]
    );
    assert_eq!(answer.body.collect().await.unwrap().to_bytes(), "hello");
}

#[tokio::test]
async fn a_request_is_what_was_configured_and_asked_for_and_nothing_else() {
    let server = Server::start(vec![vec![Read, say("HTTP/1.1 204 No Content\r\n\r\n")]]).await;
    let mut origin = origin(&format!("http://127.0.0.1:{}/base", server.port));
    origin.attempts = 3;
    let path = ObjectPath::parse("/%C3%A9/x").unwrap();
    let request = UpstreamRequest {
        origin: &origin,
        method: Method::Options,
        path: &path,
        query: "q=a b&x=%20\"\r\nHost: evil#f",
        headers: vec![
            ("accept", b"text/*".to_vec()),
            ("host", b"evil".to_vec()),
            ("transfer-encoding", b"chunked".to_vec()),
            ("x-split", b"a\r\nevil: 1".to_vec()),
            ("Not A Name", b"x".to_vec()),
        ],
    };
    HttpClient::new().fetch(request).await.unwrap();
    let expected = format!(
        "OPTIONS /base/%C3%A9/x?q=a%20b&x=%20%22%0D%0AHost:%20evil%23f HTTP/1.1\r\nhost: 127.0.0.1:{}\r\naccept: text/*\r\n\r\n",
        server.port
    );
    assert_eq!(server.requests(), [expected]);
}

#[tokio::test]
async fn bodies_are_whole_or_visibly_broken() {
    let whole = Ok((200, Bytes::from_static(b"hello")));
    let head = "HTTP/1.1 200 OK\r\n";
    for (text, expected) in [
        ("Content-Length: 5\r\n\r\nhello", whole.clone()),
        ("Content-Length: 5\r\n\r\nhello and more", whole.clone()),
        (
            "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
            whole.clone(),
        ),
        (
            "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Trailer: 1\r\n\r\n",
            whole.clone(),
        ),
        ("Connection: close\r\n\r\nhello", whole),
        (
            "Content-Length: 6\r\n\r\nhello",
            Err(UpstreamError::Broken { after: 5 }),
        ),
        (
            "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
            Err(UpstreamError::Broken { after: 5 }),
        ),
        (
            "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n",
            Err(UpstreamError::Broken { after: 5 }),
        ),
        (
            "Content-Length: 5\r\n\r\n",
            Err(UpstreamError::Broken { after: 0 }),
        ),
    ] {
        assert_eq!(
            outcome(vec![Read, say(&format!("{head}{text}"))]).await,
            expected,
            "{text:?}"
        );
    }
}

#[tokio::test]
async fn what_is_no_http_answer_is_malformed() {
    let long = format!(
        "HTTP/1.1 200 OK\r\nX-Long: {}\r\n\r\n",
        "x".repeat(HEADER_BYTES_MAX)
    );
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "X-Many: 1\r\n".repeat(200));
    for text in [
        "SSH-2.0-OpenSSH_9.6\r\n\r\n",
        "\0\0\0\0\0\0\0\0\r\n\r\n",
        "HTTP/1.1 99999 Huge\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nBad Name: 1\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
        &long,
        &many,
    ] {
        assert_eq!(
            outcome(vec![Read, say(text), Hold]).await,
            Err(UpstreamError::Malformed),
            "{text:.60}"
        );
    }
}

#[tokio::test]
async fn a_server_that_closes_without_an_answer_is_broken_after_nothing() {
    assert_eq!(
        outcome(vec![Read]).await,
        Err(UpstreamError::Broken { after: 0 })
    );
    assert_eq!(
        outcome(vec![Read, say("HTTP/1.1 200 O")]).await,
        Err(UpstreamError::Broken { after: 0 })
    );
}

#[tokio::test]
async fn each_part_has_the_response_timeout_and_no_more() {
    assert_eq!(
        outcome(vec![Read, Hold]).await,
        Err(UpstreamError::TimedOut)
    );
    assert_eq!(
        outcome(vec![Read, say("HTTP/1.1 200 OK\r\nX-A: "), Hold]).await,
        Err(UpstreamError::TimedOut)
    );
    let head = say("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhel");
    assert_eq!(
        outcome(vec![Read, head.clone(), Hold]).await,
        Err(UpstreamError::TimedOut)
    );
    let pause = Wait(Duration::from_millis(600));
    let slow = vec![
        Read,
        pause.clone(),
        head,
        pause.clone(),
        say("lo"),
        pause,
        say("!"),
    ];
    assert_eq!(
        outcome(slow).await,
        Ok((200, Bytes::from_static(b"hello!"))),
        "each part was in time"
    );
}

#[tokio::test]
async fn a_reader_that_pauses_does_not_time_the_server_out() {
    let text = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    let server = Server::start(vec![vec![Read, say(text), Hold]]).await;
    let answer = ask(&HttpClient::new(), &server.origin(), Method::Get)
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    assert_eq!(answer.body.collect().await.unwrap().to_bytes(), "hello");
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let text = |port: u16| {
        format!(
            "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:{port}/a\r\nContent-Length: 0\r\n\r\n"
        )
    };
    let target = Server::start(vec![vec![Read, Hold]]).await;
    let server = Server::start(vec![vec![Read, say(&text(target.port))], vec![Read, Hold]]).await;
    let answer = ask(&HttpClient::new(), &server.origin(), Method::Get)
        .await
        .unwrap();
    assert_eq!(answer.status, 302);
    assert_eq!((server.requests().len(), target.requests().len()), (1, 0));
}

#[tokio::test]
async fn a_head_answer_has_a_length_and_no_body() {
    let server = Server::start(vec![vec![
        Read,
        say("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"),
        Hold,
    ]])
    .await;
    let answer = ask(&HttpClient::new(), &server.origin(), Method::Head)
        .await
        .unwrap();
    assert_eq!(answer.content_length, Some(500));
    assert!(answer.body.collect().await.unwrap().to_bytes().is_empty());
}

const HELLO: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

#[tokio::test]
async fn a_connection_is_used_again_and_one_the_server_closed_is_made_anew() {
    let twice = vec![Read, say(HELLO), Read, say(HELLO)];
    let server = Server::start(vec![twice, vec![Read, say(HELLO)]]).await;
    let (client, origin) = (HttpClient::new(), server.origin());
    for round in 0..3 {
        assert_eq!(
            get(&client, &origin).await,
            Ok((200, Bytes::from_static(b"hello"))),
            "round {round}"
        );
    }
}

#[tokio::test]
async fn a_request_that_meets_a_closing_connection_is_sent_again_once() {
    let closing = vec![Read, say(HELLO), Read];
    let server = Server::start(vec![closing, vec![Read, say(HELLO)]]).await;
    let (client, origin) = (HttpClient::new(), server.origin());
    assert!(get(&client, &origin).await.is_ok());
    assert!(get(&client, &origin).await.is_ok());
    assert_eq!(server.requests().len(), 3);
    let server = Server::start(vec![vec![Read, say(HELLO), Read], vec![Read]]).await;
    let origin = server.origin();
    assert!(get(&client, &origin).await.is_ok());
    assert_eq!(
        get(&client, &origin).await,
        Err(UpstreamError::Broken { after: 0 })
    );
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn a_connection_with_an_unread_or_broken_body_is_not_used_again() {
    let server = Server::start(vec![vec![Read, say(HELLO), Hold], vec![Read, say(HELLO)]]).await;
    let (client, origin) = (HttpClient::new(), server.origin());
    drop(ask(&client, &origin, Method::Get).await.unwrap());
    assert!(get(&client, &origin).await.is_ok());
}

#[tokio::test]
async fn connections_are_not_shared_between_origins_with_different_rules() {
    let server = Server::start(vec![vec![Read, say(HELLO), Hold]]).await;
    let client = HttpClient::new();
    let open = server.origin();
    assert!(get(&client, &open).await.is_ok());
    let closed = HttpOrigin {
        private_addresses: false,
        ..open
    };
    assert_eq!(
        get(&client, &closed).await,
        Err(UpstreamError::PrivateAddress)
    );
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_a_failure_of_dns() {
    let unknown = origin("https://does-not-exist.invalid");
    assert_eq!(
        get(&HttpClient::new(), &unknown).await,
        Err(UpstreamError::Dns)
    );
    let nothing = HttpClient::new().with_addresses("does-not-exist.invalid", Vec::new());
    assert_eq!(get(&nothing, &unknown).await, Err(UpstreamError::Dns));
}

#[tokio::test]
async fn addresses_that_are_not_public_are_refused_in_every_form() {
    let mut origin = origin("https://inside.example");
    origin.private_addresses = false;
    for address in [
        "127.0.0.1",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "::1",
        "::",
        "fe80::1",
        "fd00::1",
        "fd00:ec2::254",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2001:0:7f00:1::",
    ] {
        let client =
            HttpClient::new().with_addresses("inside.example", vec![address.parse().unwrap()]);
        assert_eq!(
            get(&client, &origin).await,
            Err(UpstreamError::PrivateAddress),
            "{address}"
        );
    }
}

#[tokio::test]
async fn nobody_who_listens_is_no_connection_after_all_attempts() {
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let mut origin = origin(&format!("http://127.0.0.1:{port}"));
    origin.attempts = 3;
    assert_eq!(
        get(&HttpClient::new(), &origin).await,
        Err(UpstreamError::Connect)
    );
}

#[tokio::test]
async fn an_address_that_does_not_answer_gives_way_to_the_next() {
    let server = Server::start(vec![vec![Read, say(HELLO)]]).await;
    let origin = origin(&format!("http://localhost:{}", server.port));
    let addresses = vec![
        IpAddr::V6(Ipv6Addr::LOCALHOST),
        IpAddr::V4(Ipv4Addr::LOCALHOST),
    ];
    let client = HttpClient::new().with_addresses("localhost", addresses);
    assert!(get(&client, &origin).await.is_ok());
}

/// A certificate for `origin.example`, and a server's use of it.
fn certificate() -> (CertificateDer<'static>, TlsAcceptor) {
    let made = rcgen::generate_simple_self_signed(["origin.example".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let certificate = made.cert.der().clone();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    (certificate, TlsAcceptor::from(Arc::new(config)))
}

fn local(client: HttpClient, host: &str) -> HttpClient {
    client.with_addresses(host, vec![IpAddr::V4(Ipv4Addr::LOCALHOST)])
}

#[tokio::test]
async fn a_trusted_certificate_of_the_right_name_is_accepted_and_no_other() {
    let (certificate, tls) = certificate();
    let scripts = vec![vec![Read, say(HELLO)]; 3];
    let server = Server::start_with(scripts, Some(tls)).await;
    let right = origin(&format!("https://origin.example:{}", server.port));
    let wrong = origin(&format!("https://other.example:{}", server.port));
    let trusting = HttpClient::new().with_roots([certificate]);
    let answer = get(&local(trusting.clone(), "origin.example"), &right).await;
    assert_eq!(answer, Ok((200, Bytes::from_static(b"hello"))));
    let untrusting = local(HttpClient::new(), "origin.example");
    assert_eq!(get(&untrusting, &right).await, Err(UpstreamError::Tls));
    assert_eq!(
        get(&local(trusting, "other.example"), &wrong).await,
        Err(UpstreamError::Tls)
    );
    assert_eq!(
        server.requests().len(),
        1,
        "nothing is sent to a server that is not trusted"
    );
}

#[tokio::test]
async fn a_body_that_tls_does_not_end_is_broken() {
    let (certificate, tls) = certificate();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = tls.accept(stream).await.unwrap();
        while stream.read_u8().await.unwrap() != b'\n' {}
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello")
            .await
            .unwrap();
        stream.flush().await.unwrap();
        // The TCP connection ends without the alert that says so: anybody could have cut it.
        stream.get_mut().0.shutdown().await.unwrap();
    });
    let client = local(
        HttpClient::new().with_roots([certificate]),
        "origin.example",
    );
    let cut = get(&client, &origin(&format!("https://origin.example:{port}"))).await;
    assert_eq!(cut, Err(UpstreamError::Broken { after: 5 }));
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_is_refused_and_a_silent_one_times_out() {
    let server = Server::start(vec![
        vec![say("HTTP/1.1 400 Bad Request\r\n\r\n"), Hold],
        vec![],
        vec![Hold],
    ])
    .await;
    let client = local(HttpClient::new(), "origin.example");
    let origin = origin(&format!("https://origin.example:{}", server.port));
    assert_eq!(
        get(&client, &origin).await,
        Err(UpstreamError::Tls),
        "plain text"
    );
    assert_eq!(
        get(&client, &origin).await,
        Err(UpstreamError::Tls),
        "closed"
    );
    let begun = Instant::now();
    assert_eq!(
        get(&client, &origin).await,
        Err(UpstreamError::Connect),
        "silent"
    );
    assert!(begun.elapsed() >= Duration::from_secs(1));
}
