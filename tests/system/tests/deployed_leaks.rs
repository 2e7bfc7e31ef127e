//! Nothing secret leaves the deployed program: not in an answer, not in a line it writes, not in another spelling.
//!
//! Every secret is a canary that nothing else looks like. Answers are searched with their headers, lines on both streams,
//! for the canary as it is, in hexadecimal, in base64 at each of the three places it can begin, and percent-encoded.
#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test that cannot go on must fail"
)]

mod deployed;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use deployed::{Deployment, SECRET, from, now};
use portcullis_runtime_api::{Lambda, Outcome, UrlAnswer, UrlRequest, function_url_event};
use portcullis_system::{Moto, SeaweedFs};
use std::time::Duration;

const WRONG_SECRET: &str = "canary-wrong-secret-7Qx2";
const QUERY: &str = "canary-query-value-5Ew8";
const COOKIE: &str = "canary-cookie-value-1Rt6";
const AUTHORIZATION: &str = "canary-authorization-3Yu4";
const REFERER: &str = "canary-referer-9Io0";
const SIGNATURE: &str = "canary-signature-value-2Pa7";
const POLICY: &str = "canary-policy-value-4Sd3";
const AWS_KEY: &str = "canary-aws-secret-key-6Fg1";
const PEM: &str = "Y2FuYXJ5LXBlbS1ib2R5LTBIajU";
const CANARIES: [&str; 10] = [
    SECRET,
    WRONG_SECRET,
    QUERY,
    COOKIE,
    AUTHORIZATION,
    REFERER,
    SIGNATURE,
    POLICY,
    AWS_KEY,
    PEM,
];

/// The spellings of a canary. Digits of hexadecimal are searched in lower case.
fn spellings(canary: &str) -> Vec<String> {
    let each = |form: fn(&u8) -> String| canary.bytes().map(|b| form(&b)).collect::<String>();
    let mut spellings = vec![
        canary.to_owned(),
        each(|byte| format!("{byte:02x}")),
        each(|byte| format!("%{byte:02x}")),
        each(|byte| format!("{byte:02X}")),
        each(|byte| format!("%{byte:02X}")),
    ];
    for before in 0..3 {
        let bytes = [&vec![0; before][..], canary.as_bytes()].concat();
        // Only characters all of whose six bits are the canary's.
        let own = (before * 8).div_ceil(6)..bytes.len() * 8 / 6;
        for engine in [&STANDARD, &URL_SAFE] {
            spellings.push(engine.encode(&bytes)[own.clone()].to_owned());
        }
    }
    spellings
}

fn found(text: &str, canaries: &[String]) -> Vec<String> {
    let spelled = canaries.iter().flat_map(|canary| spellings(canary));
    spelled.filter(|spelled| text.contains(spelled)).collect()
}

#[test]
fn the_search_finds_each_spelling() {
    let canary = QUERY.to_owned();
    for before in ["", "x", "xy", "xyz"] {
        let text = format!("{before}{canary}");
        for sample in [
            text.clone(),
            STANDARD.encode(&text),
            URL_SAFE.encode(&text),
            text.bytes().map(|b| format!("{b:02x}")).collect(),
            text.bytes().map(|b| format!("%{b:02X}")).collect(),
        ] {
            assert!(
                !found(&sample, std::slice::from_ref(&canary)).is_empty(),
                "{sample}"
            );
        }
    }
    assert!(found("an ordinary line", &[canary]).is_empty());
}

#[tokio::test]
async fn no_secret_is_in_any_answer_or_any_line() {
    let (weed, moto) = (SeaweedFs::shared().unwrap(), Moto::shared().unwrap());
    let deployment = Deployment::new(weed, moto).await;
    for name in [
        "everyone/a.html",
        "members/a.html",
        "office/a.html",
        "everyone/dir/index.html",
    ] {
        deployment.put(name, "hello").await;
    }
    deployment.put("large/film.bin", vec![7; 4_800_000]).await;
    deployment
        .put("everyone/film.bin", vec![7; 4_800_000])
        .await;
    let mut canaries: Vec<String> = CANARIES.map(str::to_owned).to_vec();
    let signed = deployment.keys.query("/members/a.html", now() + 60);
    canaries.push(signature_in(&signed));

    let lambda = deployment.start(1).await;
    // What is refused for want of proof is sampled; a process that has not yet left out any line writes the first ones.
    // Signatures the gateway makes are for the viewer, and for no line.
    let mut handed_off = Vec::new();
    let mut asked = 0;
    let mut lines = 0;
    for request in requests(&signed) {
        let answer = answer(&lambda, function_url_event(&request)).await;
        clean_answer(&answer, &canaries);
        if let Some(location) = answer.header("location").filter(|l| l.contains('?')) {
            handed_off.push(signature_in(location));
        }
        asked += 1;
    }
    let event = function_url_event(&requests(&signed)[0]);
    for malformed in [
        event[..event.len() - 20].to_vec(),
        [b"[", &event[..], b"]"].concat(),
        String::from_utf8(event.clone())
            .unwrap()
            .replace("2.0", "1.0")
            .into_bytes(),
    ] {
        clean_answer(&answer(&lambda, malformed).await, &canaries);
        asked += 1;
    }
    assert!(!handed_off.is_empty());
    let in_no_line = [&canaries[..], &handed_off[..]].concat();
    lines += clean_lines(&lambda, &in_no_line, 10).await;

    // S3 and DynamoDB refuse keys they do not know, and say so at length.
    let stranger = deployment
        .function
        .clone()
        .with_env("AWS_SECRET_ACCESS_KEY", AWS_KEY)
        .with_env("AWS_ENDPOINT_URL_DYNAMODB", weed.endpoint());
    std::fs::write(
        deployment.path("state.json"),
        serde_json::to_vec(&deployed::first_state()).unwrap(),
    )
    .unwrap();
    let stranger = Lambda::start(stranger).await.unwrap();
    for request in requests(&signed) {
        clean_answer(
            &answer(&stranger, function_url_event(&request)).await,
            &canaries,
        );
        asked += 1;
    }
    lines += clean_lines(&stranger, &canaries, 10).await;

    // Starts that fail say why, without the value that is wrong.
    std::fs::write(
        deployment.path("bad.pem"),
        format!("-----BEGIN {}-----\n{PEM}\n", "PRIVATE KEY"),
    )
    .unwrap();
    for (name, value) in [
        ("AWS_SECRET_ACCESS_KEY", format!("{AWS_KEY} ")),
        ("AWS_SESSION_TOKEN", format!("{AWS_KEY}\u{e9}")),
        (
            "PORTCULLIS_HANDOFF_KEY",
            format!("file:{}", deployment.path("bad.pem").display()),
        ),
    ] {
        let function = deployment.function.clone().with_env(name, value);
        let failing = Lambda::start(function).await.unwrap();
        assert!(failing.ready().await.is_err(), "{name}");
        lines += clean_lines(&failing, &canaries, 1).await;
    }
    println!(
        "leaks: {} canaries in {} spellings each, {asked} answers, {lines} lines, 0 hits",
        canaries.len(),
        spellings(QUERY).len()
    );
}

fn signature_in(query: &str) -> String {
    let (_, rest) = query.split_once("Signature=").unwrap();
    rest.split('&').next().unwrap().to_owned()
}

/// Requests of every outcome, each with every canary somewhere.
fn requests(signed: &str) -> Vec<UrlRequest> {
    let targets = [
        "/everyone/a.html",
        "/everyone/a",
        "/everyone/dir",
        "/everyone/none.html",
        "/everyone/film.bin",
        "/large/film.bin",
        "/direct/a.html",
        "/office/a.html",
        "/members/a.html",
        "/everyone/../a.html",
        "/everyone/%zz",
    ];
    let forged = format!("Policy={POLICY}&Signature={SIGNATURE}&Key-Pair-Id=K2JCJMDEHXQW5F");
    let mut requests = Vec::new();
    for target in targets {
        for query in [
            format!("token={QUERY}"),
            format!("{signed}&token={QUERY}"),
            format!("{forged}&token={QUERY}"),
            signed.to_owned(),
        ] {
            for (method, secret) in [
                ("GET", SECRET),
                ("HEAD", SECRET),
                ("OPTIONS", SECRET),
                ("POST", SECRET),
                ("GET", WRONG_SECRET),
            ] {
                let mut request = from(&format!("{target}?{query}"), "203.0.113.7:1", "DE", secret)
                    .with_header(
                        "cookie",
                        &format!("session={COOKIE}; CloudFront-Policy={POLICY}"),
                    )
                    .with_header("cookie", &format!("CloudFront-Signature={SIGNATURE}"))
                    .with_header("authorization", &format!("Bearer {AUTHORIZATION}"))
                    .with_header("referer", &format!("https://{REFERER}.example/"))
                    .with_header("origin", &format!("https://{REFERER}.example"))
                    .with_header("range", "bytes=9-")
                    .with_header("if-range", &format!("\"{QUERY}\""));
                request.method = method.to_owned();
                requests.push(request);
            }
        }
    }
    requests
}

async fn answer(lambda: &Lambda, event: Vec<u8>) -> UrlAnswer {
    let outcome = lambda.invoke(event).await.outcome;
    assert!(matches!(outcome, Outcome::Buffered(_)), "{outcome:?}");
    UrlAnswer::of(&outcome)
}

#[track_caller]
fn clean_answer(answer: &UrlAnswer, canaries: &[String]) {
    // An object is its owner's business.
    let body = if answer.body.len() > 10_000 {
        ""
    } else {
        std::str::from_utf8(&answer.body).unwrap()
    };
    let text = format!(
        "{} {:?} {:?} {body}",
        answer.status, answer.headers, answer.cookies
    );
    let found = found(&text, canaries);
    assert!(found.is_empty(), "{found:?} in {text}");
}

/// How many lines there are, at least `expected`, with none of the canaries in any.
async fn clean_lines(lambda: &Lambda, canaries: &[String], expected: usize) -> usize {
    // The last lines are on their way through a pipe.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let lines = lambda.logs();
    for line in &lines {
        let found = found(&line.text, canaries);
        assert!(found.is_empty(), "{found:?} in {}", line.text);
    }
    assert!(lines.len() >= expected, "only {} lines", lines.len());
    lines.len()
}
