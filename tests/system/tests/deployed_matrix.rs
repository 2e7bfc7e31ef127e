//! Every kind of method, range, condition, accepted coding and policy together, asked of the deployed program over real S3.
//!
//! What is right is written in tables beside what is asked: which bytes a range is, what a condition comes to, which of the
//! three stored forms a client is given, who a policy admits. The reference that combines them knows the bytes and nothing
//! of the gateway. Of the full product a fixed sample is asked, in which every two values of two tables meet;
//! `PORTCULLIS_CASES` asks for more of it, up to all.
#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must fail"
)]

mod deployed;
#[path = "deployed_matrix/tables.rs"]
mod tables;

use deployed::{Deployment, ask, from, now};
use portcullis_origin::object_path::ObjectPath;
use portcullis_origin::store::{ObjectRef, ObjectStore as _, RawMetadata};
use portcullis_runtime_api::{Lambda, UrlAnswer, UrlRequest};
use portcullis_site::{Bucket, KeyPrefix};
use portcullis_system::{Moto, SeaweedFs};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tables::{
    CODINGS, CONDITIONS, Coding, Condition, METHODS, Policy, RANGES, Range, Span, VIEWERS, Verdict,
};
use tokio::task::JoinSet;

/// How many cases are asked at least: enough for every pair to meet.
const CASES: usize = 30_000;
const PROCESSES: usize = 4;
/// What the objects say of their lifetime.
const LIFETIME: &str = "max-age=60";
/// The objects, one below each policy's folder, and the ways to ask for them.
const SPELLINGS: [&str; 2] = ["page.html", "page"];

/// One stored form of an object.
struct Stored {
    bytes: Vec<u8>,
    etag: String,
    modified: u64,
}

/// The three stored forms below one policy's folder, by [`Coding`].
struct Forms([Stored; 3]);

/// One case: an index into each table.
#[derive(Clone, Copy, Debug)]
struct Case {
    method: usize,
    range: usize,
    condition: usize,
    coding: usize,
    viewer: usize,
    spelling: usize,
}

/// The sizes of the tables, in the order of [`Case`].
const SIZES: [usize; 6] = [
    METHODS.len(),
    RANGES.len(),
    CONDITIONS.len(),
    CODINGS.len(),
    VIEWERS.len(),
    SPELLINGS.len(),
];

impl Case {
    fn of(mut number: usize) -> Self {
        let mut next = |size: usize| {
            let index = number % size;
            number /= size;
            index
        };
        Self {
            method: next(SIZES[0]),
            range: next(SIZES[1]),
            condition: next(SIZES[2]),
            coding: next(SIZES[3]),
            viewer: next(SIZES[4]),
            spelling: next(SIZES[5]),
        }
    }

    fn indices(self) -> [usize; 6] {
        let Self {
            method,
            range,
            condition,
            coding,
            viewer,
            spelling,
        } = self;
        [method, range, condition, coding, viewer, spelling]
    }

    fn form(self, forms: &[Forms]) -> &Stored {
        let folder = VIEWERS[self.viewer].folder;
        let place = tables::FOLDERS
            .iter()
            .position(|known| *known == folder)
            .unwrap();
        &forms[place].0[CODINGS[self.coding].1 as usize]
    }
}

/// A fixed sample without repetition: steps of about the golden ratio of the whole, which share no divisor with it.
fn sample(total: usize, wanted: usize) -> impl Iterator<Item = usize> {
    let divides = |a: usize, b: usize| a.is_multiple_of(b) && total.is_multiple_of(b);
    let step = (total * 618 / 1_000..)
        .find(|step| !(2..1_000).any(|divisor| divides(*step, divisor)))
        .unwrap();
    (0..wanted.min(total)).map(move |at| at * step % total)
}

#[tokio::test]
async fn every_answer_is_the_one_the_tables_say() {
    let (weed, moto) = (SeaweedFs::shared().unwrap(), Moto::shared().unwrap());
    let deployment = Deployment::new(weed, moto).await;
    let forms = Arc::new(store(&deployment).await);
    let lambda = Arc::new(deployment.start(PROCESSES).await);
    let signed = Arc::new(SPELLINGS.map(|spelling| {
        deployment
            .keys
            .query(&format!("/members/{spelling}"), now() + 3_600)
    }));

    let total = SIZES.iter().product();
    let wanted = std::env::var("PORTCULLIS_CASES")
        .ok()
        .map_or(CASES, |cases| cases.parse().unwrap())
        .max(CASES);
    let cases: Arc<Vec<Case>> = Arc::new(sample(total, wanted).map(Case::of).collect());
    assert_every_pair_meets(&cases);

    let started = Instant::now();
    let mut asked = JoinSet::new();
    for worker in 0..PROCESSES {
        let (forms, lambda) = (Arc::clone(&forms), Arc::clone(&lambda));
        let (signed, cases) = (Arc::clone(&signed), Arc::clone(&cases));
        asked.spawn(async move {
            for case in cases.iter().skip(worker).step_by(PROCESSES) {
                check(&lambda, *case, case.form(&forms), &signed[case.spelling]).await;
            }
        });
    }
    while let Some(done) = asked.join_next().await {
        done.unwrap();
    }
    let stats = lambda.stats();
    assert_eq!(stats.processes, PROCESSES as u64, "no process ended");
    println!(
        "matrix: {} of {total} requests in {:.1?}, {} connections to the Runtime API, 0 differences",
        cases.len(),
        started.elapsed(),
        stats.connections()
    );
}

/// Stores the three forms below every folder; their tags and dates are what S3 itself says.
async fn store(deployment: &Deployment) -> Vec<Forms> {
    let metadata = RawMetadata {
        content_type: Some(b"text/html; charset=utf-8".to_vec()),
        cache_control: Some(LIFETIME.into()),
        ..RawMetadata::default()
    };
    let mut all = Vec::new();
    for folder in tables::FOLDERS {
        let mut forms = Vec::new();
        for coding in Coding::ALL {
            let name = format!("{folder}/page.html{}", coding.suffix());
            let bytes = coding.bytes(folder);
            deployment.put_with(&name, bytes.clone(), &metadata).await;
            let key = ObjectPath::of_decoded(&format!("/{name}"))
                .unwrap()
                .key(&KeyPrefix::new("").unwrap());
            let object = ObjectRef {
                bucket: Bucket::new("deployed-files").unwrap(),
                key: key.unwrap(),
            };
            let known = deployment.clients.objects().head(&object).await;
            let known = known.unwrap().unwrap();
            forms.push(Stored {
                bytes,
                etag: String::from_utf8(known.etag.unwrap().quoted()).unwrap(),
                modified: known.last_modified.unwrap(),
            });
        }
        all.push(Forms(forms.try_into().unwrap_or_else(|_| panic!("three"))));
    }
    all
}

fn assert_every_pair_meets(cases: &[Case]) {
    let mut met = BTreeSet::new();
    for case in cases {
        let indices = case.indices();
        for (first, one) in indices.iter().enumerate() {
            for (second, other) in indices.iter().enumerate().skip(first + 1) {
                met.insert((first, *one, second, *other));
            }
        }
    }
    let pairs: usize = (0..SIZES.len())
        .flat_map(|first| (first + 1..SIZES.len()).map(move |second| SIZES[first] * SIZES[second]))
        .sum();
    assert_eq!(met.len(), pairs, "pairs of values that meet in the sample");
}

fn request(case: Case, stored: &Stored, signed: &str) -> UrlRequest {
    let viewer = &VIEWERS[case.viewer];
    let query = if viewer.signed { signed } else { "" };
    let path = format!("/{}/{}", viewer.folder, SPELLINGS[case.spelling]);
    let mut request = from(
        &format!("{path}?{query}"),
        viewer.address,
        viewer.country,
        deployed::SECRET,
    );
    request.method = METHODS[case.method].to_owned();
    let Range { field, .. } = RANGES[case.range];
    if let Some(field) = field {
        request = request.with_header("range", &field.replace("LAST", &last(stored).to_string()));
    }
    for (name, value) in CONDITIONS[case.condition].fields {
        request = request.with_header(name, &filled(value, stored));
    }
    match CODINGS[case.coding].0 {
        Some(accepted) => request.with_header("accept-encoding", accepted),
        None => request,
    }
}

fn last(stored: &Stored) -> usize {
    stored.bytes.len() - 1
}

/// `TAG`, `DATE`, `EARLIER` and `LATER` in a condition, for the stored form.
fn filled(value: &str, stored: &Stored) -> String {
    let date =
        |seconds| httpdate::fmt_http_date(std::time::UNIX_EPOCH + Duration::from_secs(seconds));
    value
        .replace("TAG", &stored.etag)
        .replace("DATE", &date(stored.modified))
        .replace("EARLIER", &date(stored.modified - 1))
        .replace("LATER", &date(stored.modified + 1))
}

/// What a failure shows; it is written out for no other case.
#[derive(Debug)]
#[expect(dead_code, reason = "it is there to be shown")]
struct Told<'a> {
    request: &'a UrlRequest,
    answer: &'a UrlAnswer,
}

/// Asks and compares with what the tables say, RFC 9110 §13.2.2 from top to bottom.
async fn check(lambda: &Lambda, case: Case, stored: &Stored, signed: &str) {
    let request = request(case, stored, signed);
    let answer = ask(lambda, &request).await;
    let told = &Told {
        request: &request,
        answer: &answer,
    };
    let viewer = &VIEWERS[case.viewer];
    let Condition {
        verdict, if_range, ..
    } = CONDITIONS[case.condition];
    assert_eq!(
        answer.header("x-content-type-options"),
        Some("nosniff"),
        "{told:?}"
    );
    match (viewer.admitted, METHODS[case.method]) {
        (false, _) => refused(&answer, 403, told),
        (true, "GET" | "HEAD") => match verdict {
            Verdict::Failed => refused(&answer, 412, told),
            Verdict::NotModified => not_modified(&answer, stored, viewer, told),
            Verdict::Proceed => {
                let is_head = METHODS[case.method] == "HEAD";
                let span = match (is_head, if_range) {
                    (false, true) => RANGES[case.range].span,
                    _ => Span::Whole,
                };
                let form = CODINGS[case.coding].1;
                bytes_of(&answer, stored, (form, span, is_head), viewer, told);
            }
        },
        (true, "OPTIONS") if viewer.folder == "everyone" => {
            assert_eq!(answer.status, 204, "{told:?}");
            assert_eq!(
                answer.header("allow"),
                Some("GET, HEAD, OPTIONS"),
                "{told:?}"
            );
            assert!(answer.body.is_empty(), "{told:?}");
        }
        (true, _) => {
            refused(&answer, 405, told);
            assert!(answer.header("allow").is_some(), "{told:?}");
        }
    }
    // A HEAD never has a body, whatever it comes to.
    if METHODS[case.method] == "HEAD" {
        assert!(answer.body.is_empty(), "{told:?}");
    }
}

/// What is no success says nothing of the object and is kept by nobody.
fn refused(answer: &UrlAnswer, status: u16, told: &Told<'_>) {
    assert_eq!(answer.status, status, "{told:?}");
    assert_eq!(answer.header("cache-control"), Some("no-store"), "{told:?}");
    for name in [
        "etag",
        "last-modified",
        "content-encoding",
        "expires",
        "age",
        "accept-ranges",
    ] {
        assert_eq!(answer.header(name), None, "{name}: {told:?}");
    }
    assert!(answer.body.len() < 200, "{told:?}");
}

fn not_modified(answer: &UrlAnswer, stored: &Stored, policy: &Policy, told: &Told<'_>) {
    assert_eq!(answer.status, 304, "{told:?}");
    assert!(answer.body.is_empty(), "{told:?}");
    assert_eq!(
        answer.header("etag"),
        Some(stored.etag.as_str()),
        "{told:?}"
    );
    assert_eq!(answer.header("vary"), Some("Accept-Encoding"), "{told:?}");
    assert_eq!(answer.header("content-range"), None, "{told:?}");
    // A store may say less of an object in a 304; then a cache keeps the lifetime it has.
    match answer.header("cache-control") {
        None => assert!(policy.cached, "{told:?}"),
        kept => assert_eq!(kept, Some(policy.lifetime(LIFETIME)), "{told:?}"),
    }
}

fn bytes_of(
    answer: &UrlAnswer,
    stored: &Stored,
    (form, span, is_head): (Coding, Span, bool),
    policy: &Policy,
    told: &Told<'_>,
) {
    let size = stored.bytes.len();
    let (status, bytes, content_range) = match span {
        Span::Whole => (200, &stored.bytes[..], None),
        Span::Outside => {
            refused(answer, 416, told);
            let size = format!("bytes */{size}");
            assert_eq!(
                answer.header("content-range"),
                Some(size.as_str()),
                "{told:?}"
            );
            return;
        }
        Span::First(length) => part(stored, 0, length),
        Span::Last(length) => part(stored, size - length, length),
        Span::From(first) => part(stored, first, size - first),
    };
    assert_eq!(answer.status, status, "{told:?}");
    assert_eq!(
        answer.header("content-range"),
        content_range.as_deref(),
        "{told:?}"
    );
    assert_eq!(
        answer.header("etag"),
        Some(stored.etag.as_str()),
        "{told:?}"
    );
    assert_eq!(answer.header("vary"), Some("Accept-Encoding"), "{told:?}");
    assert_eq!(answer.header("accept-ranges"), Some("bytes"), "{told:?}");
    assert_eq!(answer.header("content-encoding"), form.name(), "{told:?}");
    let media_type = Some("text/html; charset=utf-8");
    assert_eq!(answer.header("content-type"), media_type, "{told:?}");
    let lifetime = Some(policy.lifetime(LIFETIME));
    assert_eq!(answer.header("cache-control"), lifetime, "{told:?}");
    assert_eq!(
        answer.header("last-modified"),
        Some(filled("DATE", stored).as_str()),
        "{told:?}"
    );
    if is_head {
        assert!(answer.body.is_empty(), "{told:?}");
        let length = bytes.len().to_string();
        assert_eq!(
            answer.header("content-length"),
            Some(length.as_str()),
            "{told:?}"
        );
    } else {
        assert!(answer.body == bytes, "other bytes: {told:?}");
    }
}

fn part(stored: &Stored, first: usize, length: usize) -> (u16, &[u8], Option<String>) {
    let (end, size) = (first + length, stored.bytes.len());
    let field = format!("bytes {first}-{}/{size}", end - 1);
    (206, &stored.bytes[first..end], Some(field))
}
