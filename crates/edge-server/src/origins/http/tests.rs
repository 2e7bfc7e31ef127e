//! Origins that are whole and origins that are broken, over sockets.

use super::{HttpOrigin, HttpOriginSettings, OriginTls};
use crate::body::{Body, BodyError};
use crate::fields::Fields;
use crate::listen::{Certificate, Scheme};
use crate::origins::{Framing, OriginConnector as _, OriginFailure, OriginFetch};
use bytes::Bytes;
use futures_util::stream;
use http::Method;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// What an origin does next on a connection. After the last act it closes.
#[derive(Clone, Debug)]
enum Act {
    /// Reads to the end of a head.
    Hear,
    /// Reads until this came.
    HearTo(&'static str),
    Say(String),
    Wait(u64),
    /// Says nothing more and does not close.
    Hold,
    /// Says this until nobody takes it.
    SayForEver(&'static str),
}
use Act::{Hear, HearTo, Hold, SayForEver, Wait};

fn say(text: &str) -> Act {
    Act::Say(text.to_owned())
}

/// An origin whose n-th connection follows the n-th script; the last script is for all that follow.
struct Played {
    address: SocketAddr,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Played {
    async fn start(scripts: Vec<Vec<Act>>, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let heard = Arc::<Mutex<Vec<String>>>::default();
        let to = Arc::clone(&heard);
        tokio::spawn(async move {
            let mut number = 0;
            while let Ok((stream, _)) = listener.accept().await {
                let script = scripts[number.min(scripts.len() - 1)].clone();
                number += 1;
                let (tls, to) = (tls.clone(), Arc::clone(&to));
                tokio::spawn(async move {
                    match tls {
                        None => follow(stream, script, &to).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                follow(stream, script, &to).await;
                            }
                        }
                    }
                });
            }
        });
        Self { address, heard }
    }

    fn origin(&self) -> HttpOrigin {
        HttpOrigin::new(self.settings(), OriginTls::system())
    }

    fn settings(&self) -> HttpOriginSettings {
        HttpOriginSettings {
            address: Some(self.address),
            response_time: Duration::from_millis(300),
            connect_time: Duration::from_secs(2),
            ..HttpOriginSettings::new("origin.example")
        }
    }

    fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }
}

async fn follow<S>(mut stream: S, script: Vec<Act>, to: &Mutex<Vec<String>>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    for act in script {
        match act {
            Hear => hear(&mut stream, "\r\n\r\n", to).await,
            HearTo(end) => hear(&mut stream, end, to).await,
            Act::Say(text) => {
                let _gone = stream.write_all(text.as_bytes()).await;
                let _gone = stream.flush().await;
            }
            Wait(ms) => tokio::time::sleep(Duration::from_millis(ms)).await,
            Hold => std::future::pending().await,
            SayForEver(text) => while stream.write_all(text.as_bytes()).await.is_ok() {},
        }
    }
    let _gone = stream.shutdown().await;
}

async fn hear<S: AsyncRead + Unpin>(stream: &mut S, end: &str, to: &Mutex<Vec<String>>) {
    let mut text = Vec::new();
    while !text.ends_with(end.as_bytes()) {
        match stream.read_u8().await {
            Ok(byte) => text.push(byte),
            Err(_) => break,
        }
    }
    if !text.is_empty() {
        to.lock().unwrap().push(String::from_utf8(text).unwrap());
    }
}

fn get(target: &str) -> OriginFetch {
    OriginFetch {
        scheme: Scheme::Http,
        method: Method::GET,
        target: target.to_owned(),
        fields: Fields::default(),
        body: Body::empty(),
        now_ms: 0,
    }
}

/// Status, framing, the bytes that came, and what ended them.
type Outcome = Result<(u16, Framing, String, Option<BodyError>), OriginFailure>;

async fn outcome(origin: &HttpOrigin, fetch: OriginFetch) -> Outcome {
    let mut answer = origin.fetch(fetch).await?;
    let (mut body, mut error) = (Vec::new(), None);
    while let Some(part) = answer.body.next().await {
        match part {
            Ok(part) => body.extend_from_slice(&part),
            Err(broken) => error = Some(broken),
        }
    }
    let body = String::from_utf8(body).unwrap();
    Ok((answer.status, answer.framing, body, error))
}

async fn of(script: Vec<Act>) -> Outcome {
    let played = Played::start(vec![script], None).await;
    outcome(&played.origin(), get("/")).await
}

#[tokio::test]
async fn a_request_is_sent_byte_for_byte_with_fields_of_its_own_connection() {
    let answer = say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    let played = Played::start(vec![vec![Hear, answer]], None).await;
    let mut fetch = get("/a//../%2e\"<>`|?b=%zz&c");
    for (name, value) in [
        ("X-B", "1"),
        ("Connection", "X-B"),
        ("transfer-encoding", "chunked"),
        ("Content-Length", "7"),
        ("x-a", "2"),
    ] {
        fetch.fields.add(name, value).unwrap();
    }
    let whole = (200, Framing::Length(2), "ok".to_owned(), None);
    assert_eq!(outcome(&played.origin(), fetch).await, Ok(whole));
    let expected = "GET /a//../%2e\"<>`|?b=%zz&c HTTP/1.1\r\nHost: origin.example\r\n\
                    Connection: Keep-Alive\r\nX-B: 1\r\nx-a: 2\r\n\r\n";
    assert_eq!(played.heard(), [expected]);
    for target in ["/a b", "/a\r\nX: 1", "a", "", "/\x7f"] {
        let refused = outcome(&played.origin(), get(target)).await;
        assert_eq!(refused, Err(OriginFailure::Invalid), "{target:?}");
    }
}

#[tokio::test]
async fn every_end_of_a_body_is_told_for_what_it_is() {
    let length = |bytes| Framing::Length(bytes);
    let (truncated, malformed) = (Some(BodyError::Truncated), Some(BodyError::Malformed));
    for (text, framing, body, error) in [
        ("Content-Length: 5\r\n\r\nhello", length(5), "hello", None),
        ("Content-Length: 0\r\n\r\n", length(0), "", None),
        (
            "Content-Length: 6\r\n\r\nhello",
            length(6),
            "hello",
            truncated,
        ),
        ("Content-Length: 6\r\n\r\n", length(6), "", truncated),
        (
            "Content-Length: 5\r\n\r\nhello and more",
            length(5),
            "hello",
            None,
        ),
        ("X: 1\r\n\r\nhello", Framing::Close, "hello", None),
        (
            "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Trailer: 1\r\n\r\n",
            Framing::Chunked,
            "hello",
            None,
        ),
        (
            "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
            Framing::Chunked,
            "hello",
            truncated,
        ),
        (
            "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
            Framing::Chunked,
            "hello",
            truncated,
        ),
        (
            "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n",
            Framing::Chunked,
            "hello",
            malformed,
        ),
    ] {
        let script = vec![Hear, say(&format!("HTTP/1.1 203 Odd\r\n{text}"))];
        let expected = (203, framing, body.to_owned(), error);
        assert_eq!(of(script).await, Ok(expected), "{text:?}");
    }
}

#[tokio::test]
async fn answers_without_bodies_end_at_their_head() {
    let head = "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\nETag: \"a\"\r\n\r\n";
    let none = (304, Framing::Length(0), String::new(), None);
    assert_eq!(of(vec![Hear, say(head), Hold]).await, Ok(none));
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
    let played = Played::start(vec![vec![Hear, say(head), Hold]], None).await;
    let mut fetch = get("/");
    fetch.method = Method::HEAD;
    let answer = played.origin().fetch(fetch).await.unwrap();
    assert!(answer.body.is_empty());
    assert_eq!(answer.fields.get("content-length"), Some(&b"5"[..]));
    let redirect = "HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n";
    let not_followed = (302, Framing::Length(0), String::new(), None);
    assert_eq!(of(vec![Hear, say(redirect), Hold]).await, Ok(not_followed));
}

#[tokio::test]
async fn interim_answers_are_passed_over_up_to_a_limit() {
    let interim = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
    let last = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    let whole = (200, Framing::Length(0), String::new(), None);
    let few = say(&format!("{interim}{interim}{last}"));
    assert_eq!(of(vec![Hear, few]).await, Ok(whole));
    let endless = vec![Hear, SayForEver("HTTP/1.1 103 Early Hints\r\n\r\n")];
    assert_eq!(of(endless).await, Err(OriginFailure::Invalid));
}

#[tokio::test]
async fn every_way_to_fail_has_its_name() {
    let endless_field = vec![
        Hear,
        say("HTTP/1.1 200 OK\r\nX: "),
        SayForEver("xxxxxxxxxxxxxxxx"),
    ];
    let endless_fields = vec![Hear, say("HTTP/1.1 200 OK\r\n"), SayForEver("X: 1\r\n")];
    let ambiguous = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello";
    for (script, failure) in [
        (vec![Hear], OriginFailure::Closed),
        (vec![], OriginFailure::Closed),
        (vec![Hear, say("HTTP/1.1 200 O")], OriginFailure::Closed),
        (vec![Hear, Hold], OriginFailure::Timeout),
        (
            vec![Hear, say("HTTP/1.1 200 OK\r\nX: "), Hold],
            OriginFailure::Timeout,
        ),
        (
            vec![Hear, say("SSH-2.0-OpenSSH\r\n\r\n"), Hold],
            OriginFailure::Invalid,
        ),
        (vec![Hear, say(ambiguous), Hold], OriginFailure::Invalid),
        (endless_field, OriginFailure::HeaderTooBig),
        (endless_fields, OriginFailure::HeaderTooBig),
    ] {
        let told = format!("{script:?}");
        assert_eq!(of(script).await, Err(failure), "{told}");
    }
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let settings = HttpOriginSettings {
        address: Some(nobody.local_addr().unwrap()),
        ..HttpOriginSettings::new("origin.example")
    };
    drop(nobody);
    let refusing = HttpOrigin::new(settings, OriginTls::system());
    assert_eq!(
        outcome(&refusing, get("/")).await,
        Err(OriginFailure::Connect)
    );
    // Too long for a label, so no resolver is asked.
    let nameless = HttpOriginSettings::new(format!("{}.invalid", "x".repeat(70)));
    let nameless = HttpOrigin::new(nameless, OriginTls::system());
    assert_eq!(outcome(&nameless, get("/")).await, Err(OriginFailure::Dns));
    assert_eq!(nameless.resolve().await, Err(OriginFailure::Dns));
    assert_eq!(refusing.resolve().await, Ok(()));
}

#[tokio::test]
async fn a_body_that_stalls_ends_and_one_that_never_ends_is_not_collected() {
    let head = say("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhel");
    let stalled = (
        200,
        Framing::Length(6),
        "hel".to_owned(),
        Some(BodyError::Timeout),
    );
    assert_eq!(of(vec![Hear, head.clone(), Hold]).await, Ok(stalled));
    // Slow is not stalled: the limit is for each part.
    let slow = vec![Hear, head, Wait(200), say("l"), Wait(200), say("o!")];
    let whole = (200, Framing::Length(6), "hello!".to_owned(), None);
    assert_eq!(of(slow).await, Ok(whole));

    let endless = vec![
        Hear,
        say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
        SayForEver("5\r\nhello\r\n"),
    ];
    let played = Played::start(vec![endless], None).await;
    let answer = played.origin().fetch(get("/")).await.unwrap();
    assert_eq!(answer.body.collect(100_000).await, Err(BodyError::TooLarge));
}

#[tokio::test]
async fn the_completion_time_holds_over_all_attempts_and_parts() {
    let mut scripts = vec![vec![Hear, Hold]];
    let played = Played::start(scripts.clone(), None).await;
    let limited = |played: &Played| {
        let settings = HttpOriginSettings {
            completion_time: Some(Duration::from_millis(450)),
            ..played.settings()
        };
        HttpOrigin::new(settings, OriginTls::system())
    };
    let begun = Instant::now();
    assert_eq!(
        outcome(&limited(&played), get("/")).await,
        Err(OriginFailure::Timeout)
    );
    assert!(
        begun.elapsed() < Duration::from_millis(850),
        "{:?}",
        begun.elapsed()
    );

    let mut drips = vec![Hear, say("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")];
    drips.extend((0..9).flat_map(|_| [Wait(100), say("x")]));
    scripts = vec![drips];
    let played = Played::start(scripts, None).await;
    let (.., error) = outcome(&limited(&played), get("/")).await.unwrap();
    assert_eq!(error, Some(BodyError::Timeout));
}

#[tokio::test]
async fn only_a_request_that_retrieves_is_tried_again_when_no_answer_comes() {
    let answer = say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    let scripts = vec![vec![Hear, Hold], vec![Hear, Hold], vec![Hear, answer]];
    for (method, attempts, heard, expected) in [
        (Method::GET, 3, 3, None),
        (Method::GET, 2, 2, Some(OriginFailure::Timeout)),
        (Method::GET, 9, 3, None),
        (Method::PUT, 3, 1, Some(OriginFailure::Timeout)),
        (Method::POST, 3, 1, Some(OriginFailure::Timeout)),
    ] {
        let played = Played::start(scripts.clone(), None).await;
        let settings = HttpOriginSettings {
            attempts,
            ..played.settings()
        };
        let origin = HttpOrigin::new(settings, OriginTls::system());
        let mut fetch = get("/");
        fetch.method = method.clone();
        let outcome = outcome(&origin, fetch).await;
        assert_eq!(outcome.err(), expected, "{method}");
        assert_eq!(played.heard().len(), heard, "{method}");
    }
}

#[tokio::test]
async fn a_connection_is_kept_and_one_that_closes_is_replaced() {
    let answer = say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    let chunked = say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n");
    // The first connection serves two requests and closes when it hears the third.
    let first = vec![Hear, answer.clone(), Hear, chunked, Hear];
    let second = vec![Hear, answer.clone(), Hold];
    let played = Played::start(vec![first, second, vec![Hold]], None).await;
    let origin = played.origin();
    for _ in 0..3 {
        assert_eq!(outcome(&origin, get("/")).await.unwrap().2, "ok");
    }
    assert_eq!(played.heard().len(), 4, "the third was sent twice");
}

#[tokio::test]
async fn a_connection_is_not_kept_that_could_answer_wrongly() {
    let next = vec![
        Hear,
        say("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ntrue"),
        Hold,
    ];
    for text in [
        // More than was declared, an answer nobody asked for.
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfalse",
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
    ] {
        let first = vec![Hear, say(text), Hold];
        let played = Played::start(vec![first, next.clone()], None).await;
        let origin = played.origin();
        assert_eq!(outcome(&origin, get("/")).await.unwrap().2, "ok");
        assert_eq!(
            outcome(&origin, get("/")).await.unwrap().2,
            "true",
            "{text}"
        );
    }
    // Said after the answer, while the connection was kept.
    let late = vec![
        Hear,
        say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
        Wait(50),
        say("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfalse"),
        Hold,
    ];
    let played = Played::start(vec![late, next], None).await;
    let origin = played.origin();
    assert_eq!(outcome(&origin, get("/")).await.unwrap().2, "ok");
    tokio::time::sleep(Duration::from_millis(150)).await;
    assert_eq!(outcome(&origin, get("/")).await.unwrap().2, "true");
}

#[tokio::test]
async fn a_body_is_sent_with_its_length_or_in_chunks_while_the_answer_comes() {
    let answer = say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    let send = |body: Body, end| {
        let script = vec![Hear, HearTo(end), answer.clone(), Hold];
        async move {
            let played = Played::start(vec![script], None).await;
            let mut fetch = get("/");
            fetch.method = Method::POST;
            fetch.body = body;
            let outcome = outcome(&played.origin(), fetch).await;
            (outcome.map(|(_, _, body, _)| body), played.heard())
        }
    };
    let (outcome, heard) = send("hello".into(), "hello").await;
    assert_eq!(outcome.as_deref(), Ok("ok"));
    assert!(heard[0].contains("\r\nContent-Length: 5\r\n"), "{heard:?}");

    let parts = [
        Ok(Bytes::from_static(b"hel")),
        Ok(Bytes::from_static(b"lo")),
    ];
    let (outcome, heard) = send(Body::parts(stream::iter(parts), None), "0\r\n\r\n").await;
    assert_eq!(outcome.as_deref(), Ok("ok"));
    assert!(heard[0].contains("\r\nTransfer-Encoding: chunked\r\n"));
    assert_eq!(heard[1], "3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n");

    // A viewer that breaks off is no end: the origin sees the connection close before it.
    for length in [None, Some(9)] {
        let parts = [Ok(Bytes::from_static(b"hel")), Err(BodyError::Truncated)];
        let (_, heard) = send(Body::parts(stream::iter(parts), length), "0\r\n\r\n").await;
        assert!(!heard[1].contains("0\r\n\r\n"), "{heard:?}");
    }
}

#[tokio::test]
async fn an_answer_may_come_before_the_body_was_sent() {
    let refusal = "HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno";
    let played = Played::start(vec![vec![Hear, say(refusal), Hold]], None).await;
    let mut fetch = get("/");
    fetch.method = Method::POST;
    fetch.body = Body::parts(stream::pending(), Some(1_000_000_000));
    let (status, _, body, error) = outcome(&played.origin(), fetch).await.unwrap();
    assert_eq!((status, body.as_str(), error), (413, "no", None));
}

#[tokio::test]
async fn a_certificate_must_hold_for_the_domain_or_the_forwarded_host() {
    let answer = say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    for (certified, host, trusted, holds) in [
        ("origin.example", None, true, true),
        ("origin.example", Some("www.example"), true, true),
        ("www.example", Some("www.example:8443"), true, true),
        ("www.example", None, true, false),
        ("other.example", Some("www.example"), true, false),
        ("origin.example", None, false, false),
    ] {
        let certificate = Certificate::make(&[certified.to_owned()]).unwrap();
        let acceptor = TlsAcceptor::from(certificate.server_config());
        let script = vec![Hear, answer.clone(), Hold];
        let played = Played::start(vec![script], Some(acceptor)).await;
        let mut tls = OriginTls::system();
        if trusted {
            tls = tls.with_roots([certificate.authority().clone()]);
        }
        let origin = HttpOrigin::new(played.settings(), tls);
        let mut fetch = get("/");
        fetch.scheme = Scheme::Https;
        if let Some(host) = host {
            fetch.fields.add("Host", host).unwrap();
        }
        let expected = if holds {
            None
        } else {
            Some(OriginFailure::Tls)
        };
        let told = format!("{certified} {host:?} {trusted}");
        assert_eq!(outcome(&origin, fetch).await.err(), expected, "{told}");
    }
    // No TLS behind the port at all.
    let played = Played::start(vec![vec![say("HTTP/1.1 400 Bad\r\n\r\n")]], None).await;
    let mut fetch = get("/");
    fetch.scheme = Scheme::Https;
    assert_eq!(
        outcome(&played.origin(), fetch).await,
        Err(OriginFailure::Tls)
    );
}
