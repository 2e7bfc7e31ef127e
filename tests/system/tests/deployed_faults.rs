//! S3 that fails in every way a network and a server can: an answer has the right bytes, or is an error nobody keeps; and
//! a second after S3 is well again so is the gateway (fault drills F01 and F02).
#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must fail"
)]

mod deployed;

use deployed::proxy::{Fault, Proxy};
use deployed::{Deployment, ask, genuine};
use portcullis_runtime_api::{Lambda, UrlAnswer, UrlRequest};
use portcullis_system::{Moto, SeaweedFs};
use std::ops::Range;
use std::time::{Duration, Instant};

/// How soon after a fault everything is as before.
const RECOVERY_MAX: Duration = Duration::from_secs(1);
/// How long an answer may take whatever happens: below CloudFront's 30 s.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(20);

const SMALL: usize = 3_000;
const LARGE: usize = 1_000_000;

const SLOW_DOWN: &[u8] = b"HTTP/1.1 503 Slow Down\r\ncontent-type: application/xml\r\ncontent-length: 60\r\n\r\n<Error><Code>SlowDown</Code><Message>Slow</Message></Error>\r\n";
const INTERNAL: &[u8] = b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n";
const FORBIDDEN: &[u8] = b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n";
const REDIRECT: &[u8] =
    b"HTTP/1.1 301 Moved\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n";
const PORTAL: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 31\r\n\r\n<html>Please log in here</html>";
const NOISE: &[u8] = b"\x16\x03\x01 this is no HTTP at all \xff\xfe\r\n\r\n";
const HALF_HEAD: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-le";
const WRONG_PART: &[u8] = b"HTTP/1.1 206 Partial Content\r\netag: \"x\"\r\ncontent-range: bytes 7-9/10\r\ncontent-length: 3\r\n\r\nabc";

/// What a fault that lasts may come to.
#[derive(Clone, Copy, Debug)]
enum Lasting {
    /// It does not keep the answer from being right.
    Right,
    /// One of these statuses.
    Fails(&'static [u16]),
}

use Lasting::{Fails, Right};

/// Each fault; whether one of it alone is passed over; what it comes to while it lasts.
const FAULTS: &[(Fault, bool, Lasting)] = &[
    (Fault::Refuse, true, Fails(&[503])),
    (Fault::Answer(SLOW_DOWN), true, Fails(&[503])),
    (Fault::Answer(INTERNAL), true, Fails(&[503])),
    (Fault::Answer(FORBIDDEN), false, Fails(&[502])),
    (Fault::Answer(REDIRECT), false, Fails(&[502, 503])),
    (Fault::Answer(PORTAL), false, Fails(&[502, 503])),
    (Fault::Answer(NOISE), false, Fails(&[502, 503])),
    (Fault::Answer(HALF_HEAD), false, Fails(&[502, 503])),
    (Fault::Answer(WRONG_PART), false, Fails(&[502, 503])),
    (Fault::Cut(0), true, Fails(&[502, 503])),
    (Fault::Cut(1), true, Fails(&[502, 503])),
    (Fault::Cut(1_499), true, Fails(&[200, 206, 502])),
    (Fault::Cut(2_999), true, Fails(&[200, 206, 502])),
    (Fault::Slow(Duration::from_millis(20)), true, Right),
];

/// Those that only the gateway's patience ends; one request of each takes long enough.
const SILENCES: &[(Fault, Lasting)] = &[
    (Fault::Never, Fails(&[503, 504])),
    (Fault::Stall(100), Fails(&[502, 503, 504])),
];

struct Drill {
    lambda: Lambda,
    proxy: Proxy,
    large: Vec<u8>,
    asked: usize,
}

#[tokio::test]
async fn bytes_are_right_or_visibly_broken_and_soon_right_again() {
    let (weed, moto) = (SeaweedFs::shared().unwrap(), Moto::shared().unwrap());
    let mut deployment = Deployment::new(weed, moto).await;
    let large: Vec<u8> = (0..LARGE).map(|at| (at % 251).to_le_bytes()[0]).collect();
    deployment.put("everyone/large.bin", large.clone()).await;
    deployment
        .put("everyone/small.bin", large[..SMALL].to_vec())
        .await;
    let proxy = Proxy::before(&weed.endpoint()).await;
    deployment.function = deployment
        .function
        .with_env("AWS_ENDPOINT_URL_S3", proxy.endpoint());
    let lambda = deployment.start(1).await;
    let mut drill = Drill {
        lambda,
        proxy,
        large,
        asked: 0,
    };
    for &(fault, alone_is_passed_over, lasting) in FAULTS {
        drill.alone(fault, alone_is_passed_over).await;
        drill.lasting(fault, lasting, 3).await;
    }
    drill.corrupted().await;
    for &(fault, lasting) in SILENCES {
        drill.lasting(fault, lasting, 1).await;
    }
    assert_eq!(drill.lambda.stats().processes, 1, "the process lives on");
    println!("faults: {} requests, 0 wrong answers", drill.asked);
}

impl Drill {
    async fn alone(&mut self, fault: Fault, is_passed_over: bool) {
        for (request, bytes) in requests() {
            let right = &self.large[bytes];
            self.proxy.next(fault, 1);
            let answer = self.ask(&request).await;
            if is_passed_over {
                assert!(answer.body == right, "{fault:?} alone: {}", answer.status);
            }
            assert_right_or_broken(&answer, right, fault);
            self.proxy.heal();
        }
        self.asked += 3;
        self.assert_well(fault).await;
    }

    async fn lasting(&mut self, fault: Fault, lasting: Lasting, count: usize) {
        for (request, bytes) in requests().into_iter().take(count) {
            let right = &self.large[bytes];
            self.proxy.every(fault);
            let answer = self.ask(&request).await;
            self.proxy.heal();
            assert_right_or_broken(&answer, right, fault);
            match lasting {
                Right => assert!(answer.body == right, "{fault:?}: {}", answer.status),
                Fails(statuses) => {
                    assert!(statuses.contains(&answer.status), "{fault:?}: {answer:?}");
                }
            }
            self.asked += 1;
            self.assert_well(fault).await;
        }
    }

    /// S3's own checksum shows it for a whole object. A part has none, so only what is whole is asked for.
    async fn corrupted(&mut self) {
        for (name, size) in [("small", SMALL), ("large", LARGE)] {
            for at in [0, size / 2, size - 1] {
                let fault = Fault::Corrupt(at);
                self.proxy.every(fault);
                let answer = self.ask(&genuine(&format!("/everyone/{name}.bin"))).await;
                self.proxy.heal();
                assert_right_or_broken(&answer, &self.large[..size], fault);
                assert_eq!(answer.status, 502, "{fault:?}");
                self.asked += 1;
                self.assert_well(fault).await;
            }
        }
    }

    async fn ask(&self, request: &UrlRequest) -> UrlAnswer {
        let started = Instant::now();
        let answer = ask(&self.lambda, request).await;
        assert!(
            started.elapsed() < ANSWER_TIME_MAX,
            "{:?}",
            started.elapsed()
        );
        answer
    }

    async fn assert_well(&self, after: Fault) {
        let healed = Instant::now();
        let answer = ask(&self.lambda, &genuine("/everyone/small.bin")).await;
        assert_eq!(answer.status, 200, "after {after:?}: {answer:?}");
        assert!(answer.body == self.large[..SMALL], "after {after:?}");
        assert!(
            healed.elapsed() < RECOVERY_MAX,
            "after {after:?}: {:?}",
            healed.elapsed()
        );
    }
}

/// Requests, and which of the large object's bytes are right for them.
fn requests() -> [(UrlRequest, Range<usize>); 3] {
    let part = genuine("/everyone/small.bin").with_header("range", "bytes=10-2990");
    [
        (genuine("/everyone/small.bin"), 0..SMALL),
        (part, 10..2_991),
        (genuine("/everyone/large.bin"), 0..LARGE),
    ]
}

#[track_caller]
fn assert_right_or_broken(answer: &UrlAnswer, right: &[u8], fault: Fault) {
    if matches!(answer.status, 200 | 206) {
        assert!(answer.body == right, "{fault:?}: other bytes");
        return;
    }
    assert!(matches!(answer.status, 502..=504), "{fault:?}: {answer:?}");
    let kept = answer.header("cache-control");
    assert_eq!(kept, Some("no-store"), "{fault:?}: {answer:?}");
    assert!(answer.header("etag").is_none(), "{fault:?}: {answer:?}");
}
