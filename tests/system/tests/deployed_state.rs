//! The state in DynamoDB while the deployed program runs: a secret that rotates, a table that is away, a state that is no
//! state. A genuine request is refused by none of them.
#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    reason = "a test that cannot go on must fail, and says what it counted"
)]

mod deployed;

use deployed::proxy::{Fault, Proxy};
use deployed::{Deployment, SECRET, ask, first_state, from, secrets};
use portcullis_origin::conformance::state::Fixture as _;
use portcullis_origin::state::SiteState;
use portcullis_runtime_api::{Lambda, UrlRequest};
use portcullis_system::{Moto, SeaweedFs};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const NEXT_SECRET: &str = "correct-horse-battery-staple-0002";
const FORGED: &str = "a-secret-that-nobody-gave-to-anyone";
const PAGE: &str = "/everyone/a.txt";
const PROCESSES: usize = 3;
/// Six fifths of the age at which a state is read again, and time for the read.
const STALE_AFTER_MAX: Duration = Duration::from_secs(15);
/// How long a request may wait for a state, and be answered after that.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(10);
const NO_ITEM: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.0\r\ncontent-length: 2\r\n\r\n{}";
const DENIED: &[u8] = b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/x-amz-json-1.0\r\ncontent-length: 35\r\n\r\n{\"__type\":\"AccessDeniedException\"}\r\n";

#[tokio::test]
async fn no_change_and_no_failure_of_the_state_refuses_a_genuine_request() {
    let (weed, moto) = (SeaweedFs::shared().unwrap(), Moto::shared().unwrap());
    let mut deployment = Deployment::new(weed, moto).await;
    deployment.put(&PAGE[1..], "hello").await;
    let proxy = Proxy::before(&moto.endpoint()).await;
    deployment.function = deployment
        .function
        .with_env("AWS_ENDPOINT_URL_DYNAMODB", proxy.endpoint());
    let lambda = Arc::new(deployment.start(PROCESSES).await);
    rotation(&deployment, &lambda).await;
    outage(&deployment, &lambda, &proxy).await;
    poison(&deployment, &proxy).await;
}

fn with(secret: &str) -> UrlRequest {
    from(PAGE, "203.0.113.7:46532", "DE", secret)
}

async fn status(lambda: &Lambda, secret: &str) -> u16 {
    let started = Instant::now();
    let answer = ask(lambda, &with(secret)).await;
    assert!(
        started.elapsed() < ANSWER_TIME_MAX,
        "{:?}",
        started.elapsed()
    );
    if answer.status != 200 {
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
    answer.status
}

/// What CloudFront sends: the old secret, while a change reaches its edges either, then the new one.
const OLD: u8 = 0;
const EITHER: u8 = 1;
const NEW: u8 = 2;
const NOTHING: u8 = 3;

/// The control plane's order: the new secret is pending before CloudFront sends it, and the old one holds after it does.
async fn rotation(deployment: &Deployment, lambda: &Arc<Lambda>) {
    let (sends, served) = (Arc::new(AtomicU8::new(OLD)), Arc::new(AtomicUsize::new(0)));
    let mut viewers = tokio::task::JoinSet::new();
    for viewer in 0..PROCESSES {
        let (lambda, sends) = (Arc::clone(lambda), Arc::clone(&sends));
        let served = Arc::clone(&served);
        viewers.spawn(async move {
            for turn in viewer.. {
                let secret = match sends.load(Ordering::Relaxed) {
                    OLD => SECRET,
                    EITHER => [SECRET, NEXT_SECRET][turn % 2],
                    NEW => NEXT_SECRET,
                    _ => return,
                };
                assert_eq!(status(&lambda, secret).await, 200, "{secret}");
                served.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
    }
    let writer = &deployment.writer;
    let phase = async |what: u8, millis| {
        sends.store(what, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(millis)).await;
    };
    phase(OLD, 1_000).await;
    let pending = secrets(2, Some(NEXT_SECRET), SECRET, None);
    writer.update_secrets(1, &pending).await.unwrap();
    phase(EITHER, 2_000).await;
    let promoted = secrets(3, None, NEXT_SECRET, Some(SECRET));
    writer.update_secrets(2, &promoted).await.unwrap();
    phase(EITHER, 2_000).await;
    phase(NEW, 500).await;
    let alone = secrets(4, None, NEXT_SECRET, None);
    writer.update_secrets(3, &alone).await.unwrap();
    // Whoever still knows the old one forgets it when the state is read again.
    let since = Instant::now();
    while status(lambda, SECRET).await != 403 {
        assert!(
            since.elapsed() < STALE_AFTER_MAX,
            "the old secret still holds"
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    phase(NOTHING, 0).await;
    while let Some(ended) = viewers.join_next().await {
        ended.unwrap();
    }
    println!(
        "state: {} genuine requests served during a rotation, 0 refused",
        served.load(Ordering::Relaxed)
    );
}

/// The table does not answer, refuses, is empty, is gone: who knows a state keeps it, who begins takes the packaged one.
async fn outage(deployment: &Deployment, lambda: &Lambda, proxy: &Proxy) {
    for fault in [
        Fault::Answer(NO_ITEM),
        Fault::Answer(DENIED),
        Fault::Refuse,
        Fault::Never,
    ] {
        proxy.every(fault);
        let (since, before) = (Instant::now(), proxy.seen());
        while proxy.seen() == before {
            assert_eq!(status(lambda, NEXT_SECRET).await, 200, "{fault:?}");
            assert_eq!(status(lambda, FORGED).await, 403, "{fault:?}");
            assert!(since.elapsed() < STALE_AFTER_MAX, "{fault:?} was not met");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(status(lambda, NEXT_SECRET).await, 200, "{fault:?}");
    }

    let cold = deployment.start(1).await;
    assert_eq!(status(&cold, NEXT_SECRET).await, 403, "nothing is known");
    let packaged = SiteState {
        secrets: secrets(4, None, NEXT_SECRET, None),
        ..first_state()
    };
    let packaged = serde_json::to_vec(&packaged).unwrap();
    std::fs::write(deployment.path("state.json"), packaged).unwrap();
    let packaged = deployment.start(1).await;
    assert_eq!(status(&packaged, NEXT_SECRET).await, 200);
    assert_eq!(status(&packaged, FORGED).await, 403);
    std::fs::remove_file(deployment.path("state.json")).unwrap();

    proxy.heal();
    let since = Instant::now();
    while status(&cold, NEXT_SECRET).await != 200 {
        assert!(since.elapsed() < STALE_AFTER_MAX, "it never recovers");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    println!(
        "state: cold without a state recovers after {:.1?}",
        since.elapsed()
    );
}

/// Items that are no state, or one that goes back, each read by a process that knows a good one.
async fn poison(deployment: &Deployment, proxy: &Proxy) {
    let good = SiteState {
        secrets: secrets(4, None, NEXT_SECRET, None),
        ..first_state()
    };
    let forged = serde_json::to_value(secrets(0, None, FORGED, None)).unwrap();
    let older = |version: u64| {
        let mut forged = forged.clone();
        forged["version"] = version.into();
        format!(r#"{{"secrets":{forged}}}"#)
    };
    let everyone = r#"{"list":"edges","version":9,"fetched_at":1,"networks":["0.0.0.0/0"]}"#;
    let items = [
        "{}".to_owned(),
        "[]".to_owned(),
        "no state at all".to_owned(),
        r#"{"secrets":7}"#.to_owned(),
        r#"{"secrets":{"version":9,"current":"short"}}"#.to_owned(),
        r#"{"surprise":true}"#.to_owned(),
        format!(r#"{{"edge_lists":{{"edges":{everyone}}}}}"#),
        r#"{"edge_lists":{"edges":{"list":"edges","version":9,"fetched_at":1,"networks":[]}}}"#
            .to_owned(),
        older(0),
        older(3),
        older(4),
    ];
    let good = serde_json::to_string(&good).unwrap();
    for item in &items {
        deployment.table.put(&good).await.unwrap();
        let lambda = deployment.start(1).await;
        assert_eq!(status(&lambda, NEXT_SECRET).await, 200);
        deployment.table.put(item).await.unwrap();
        let before = proxy.seen();
        // A secret that may be too new has the state read at once.
        assert_eq!(status(&lambda, FORGED).await, 403, "{item}");
        assert!(proxy.seen() > before, "{item} was not read");
        assert_eq!(status(&lambda, NEXT_SECRET).await, 200, "{item}");
        assert_eq!(status(&lambda, FORGED).await, 403, "{item}");
    }
    println!("state: {} poisoned items, each without effect", items.len());
}
