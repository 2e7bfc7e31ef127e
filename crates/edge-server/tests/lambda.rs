//! A Lambda function as an origin. This test is also the function: run without Lambda's variables it is the caller, run by
//! the stand-in for Lambda it answers events. There is one test in this file, so that a process of it runs nothing else.
#![cfg(feature = "lambda")]
#![expect(
    clippy::unwrap_used,
    reason = "what fails here fails the test, in the caller or in the function"
)]

use portcullis_edge_server::body::Body;
use portcullis_edge_server::fields::Fields;
use portcullis_edge_server::listen::Scheme;
use portcullis_edge_server::origins::lambda::{FunctionUrl, LambdaOrigin};
use portcullis_edge_server::origins::{Framing, OriginConnector as _, OriginFetch};
use portcullis_runtime_api::{FunctionConfig, Lambda};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

#[test]
fn a_function_answers_through_its_url() {
    match std::env::var("AWS_LAMBDA_RUNTIME_API") {
        Ok(address) => be_the_function(&address),
        Err(_) => tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .unwrap()
            .block_on(ask_the_function()),
    }
}

/// Answers with the event's own path and body, a cookie, and bytes in base64; fails for one path.
fn be_the_function(address: &str) {
    loop {
        let next = "GET /2018-06-01/runtime/invocation/next";
        let (head, event) = exchange(address, next, "");
        let id = head
            .lines()
            .find_map(|line| {
                line.to_ascii_lowercase()
                    .strip_prefix("lambda-runtime-aws-request-id: ")
                    .map(str::to_owned)
            })
            .unwrap();
        let answer = if event.contains(r#""rawPath":"/broken""#) {
            "no JSON".to_owned()
        } else if event.contains(r#""rawPath":"/event""#) {
            event
        } else {
            r#"{"statusCode":201,"headers":{"X-One":"1","content-length":"99"},"cookies":["a=1","b=2"],"body":"aGVsbG8=","isBase64Encoded":true}"#.to_owned()
        };
        let respond = format!("POST /2018-06-01/runtime/invocation/{id}/response");
        exchange(address, &respond, &answer);
    }
}

fn exchange(address: &str, line: &str, body: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    let length = body.len();
    let request = format!(
        "{line} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

async fn ask_the_function() {
    let config = FunctionConfig::new(std::env::current_exe().unwrap());
    let url = FunctionUrl {
        domain_name: "abc.lambda-url.us-east-1.on.aws".to_owned(),
        source_ip: "192.0.2.7".parse().unwrap(),
        iam: None,
    };
    let origin = LambdaOrigin::new(Lambda::start(config).await.unwrap(), url);

    let answer = origin
        .fetch(fetch("GET", "/any", Body::empty()))
        .await
        .unwrap();
    let fields: Vec<_> = answer
        .fields
        .iter()
        .map(|(name, _)| name.to_owned())
        .collect();
    assert_eq!((answer.status, answer.framing), (201, Framing::Length(5)));
    assert_eq!(
        answer.fields.all("set-cookie").collect::<Vec<_>>(),
        [b"a=1", b"b=2"]
    );
    assert_eq!(
        answer.fields.all("content-length").collect::<Vec<_>>(),
        [b"5"]
    );
    assert!(fields.contains(&"x-one".to_owned()), "{fields:?}");
    assert_eq!(&answer.body.collect(100).await.unwrap()[..], b"hello");

    let answer = origin
        .fetch(fetch("HEAD", "/any", Body::empty()))
        .await
        .unwrap();
    assert_eq!(answer.fields.get("content-length"), Some(&b"5"[..]));
    assert!(answer.body.is_empty());

    let sent = Body::from(vec![0xff, 0, 1]);
    let answer = origin
        .fetch(fetch("POST", "/event?a=b%20c&a=d", sent))
        .await
        .unwrap();
    let event = answer.body.collect(100_000).await.unwrap();
    let event = String::from_utf8(event.to_vec()).unwrap();
    for part in [
        r#""version":"2.0""#,
        r#""rawQueryString":"a=b%20c&a=d""#,
        r#""a":"b c,d""#,
        r#""method":"POST""#,
        r#""sourceIp":"192.0.2.7""#,
        r#""cookies":["c=1"]"#,
        r#""body":"/wAB""#,
        r#""isBase64Encoded":true"#,
        r#""timeEpoch":784111777000"#,
    ] {
        assert!(event.contains(part), "{part}\n{event}");
    }

    // What the function does wrong is the URL's answer, and the origin is there as before.
    let answer = origin
        .fetch(fetch("GET", "/broken", Body::empty()))
        .await
        .unwrap();
    assert_eq!(answer.status, 502);
    let answer = origin
        .fetch(fetch("GET", "/any", Body::empty()))
        .await
        .unwrap();
    assert_eq!(answer.status, 201);
    assert_eq!(origin.lambda().stats().processes, 1);
}

fn fetch(method: &str, target: &str, body: Body) -> OriginFetch {
    let mut fields = Fields::default();
    fields.add("Cookie", "c=1").unwrap();
    OriginFetch {
        scheme: Scheme::Https,
        method: method.parse().unwrap(),
        target: target.to_owned(),
        fields,
        body,
        now_ms: 784_111_777_000,
    }
}
