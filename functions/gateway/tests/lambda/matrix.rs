//! Method x range x condition x encoding x policy, each against what RFC 9110 says, computed the obvious way.

use crate::fixture::{Deployment, ask, request};
use portcullis_runtime_api::{Lambda, UrlAnswer, UrlRequest};

/// What is stored for each coding, and what accepts it.
const REPRESENTATIONS: [(Option<&str>, &str, Option<&str>); 4] = [
    (None, "", None),
    (Some("identity"), "", None),
    (Some("gzip"), ".gz", Some("gzip")),
    (Some("br, gzip"), ".br", Some("br")),
];

const METHODS: [&str; 5] = ["GET", "HEAD", "OPTIONS", "POST", "get"];

/// A range, and what it selects of 200 bytes: nothing in particular, a part, or what is not there.
const RANGES: [(Option<&str>, Selects); 8] = [
    (None, Selects::All),
    (Some("bytes=0-9"), Selects::Part(0, 10)),
    (Some("bytes=190-"), Selects::Part(190, 200)),
    (Some("bytes=-5"), Selects::Part(195, 200)),
    (Some("bytes=-500"), Selects::Part(0, 200)),
    (Some("bytes=200-"), Selects::Nothing),
    (Some("bytes=0-1,3-4"), Selects::All),
    (Some("lines=0-1"), Selects::All),
];

#[derive(Clone, Copy, Debug, PartialEq)]
enum Selects {
    All,
    Part(usize, usize),
    Nothing,
}

/// What a condition does to a GET.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Effect {
    Passes,
    NotModified,
    Failed,
    IgnoresRange,
}

const LONG_AGO: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

/// The conditions on a representation with this tag and date.
fn conditions(tag: &str, date: &str) -> Vec<(Vec<(&'static str, String)>, Effect)> {
    let one = |name: &'static str, value: &str, effect| (vec![(name, value.to_owned())], effect);
    let two = |(a, b): (&'static str, &str), (c, d): (&'static str, &str), effect| {
        (vec![(a, b.to_owned()), (c, d.to_owned())], effect)
    };
    vec![
        (Vec::new(), Effect::Passes),
        one("if-none-match", tag, Effect::NotModified),
        one("if-none-match", "*", Effect::NotModified),
        one(
            "if-none-match",
            &format!("\"x\", W/{tag}"),
            Effect::NotModified,
        ),
        one("if-none-match", "\"x\"", Effect::Passes),
        one("if-modified-since", date, Effect::NotModified),
        one("if-modified-since", LONG_AGO, Effect::Passes),
        one("if-modified-since", "no date", Effect::Passes),
        one("if-match", tag, Effect::Passes),
        one("if-match", "\"x\"", Effect::Failed),
        one("if-match", &format!("W/{tag}"), Effect::Failed),
        one("if-unmodified-since", date, Effect::Passes),
        one("if-unmodified-since", LONG_AGO, Effect::Failed),
        one("if-range", tag, Effect::Passes),
        one("if-range", "\"x\"", Effect::IgnoresRange),
        one("if-range", &format!("W/{tag}"), Effect::IgnoresRange),
        two(
            ("if-none-match", "\"x\""),
            ("if-modified-since", date),
            Effect::Passes,
        ),
        two(
            ("if-match", tag),
            ("if-unmodified-since", LONG_AGO),
            Effect::Passes,
        ),
        two(
            ("if-match", "\"x\""),
            ("if-none-match", tag),
            Effect::Failed,
        ),
    ]
}

fn contents(suffix: &str) -> Vec<u8> {
    (0..200_u8)
        .map(|at| at.wrapping_add(suffix.bytes().map(|b| b % 16).sum()))
        .collect()
}

struct Case<'a> {
    is_admitted: bool,
    method: &'a str,
    selects: Selects,
    effect: Effect,
    contents: &'a [u8],
}

/// The status and the body.
fn expected(case: &Case<'_>) -> (u16, Option<Vec<u8>>) {
    if !case.is_admitted {
        return (403, None);
    }
    if case.method != "GET" && case.method != "HEAD" {
        return (405, None);
    }
    let is_get = case.method == "GET";
    let body = |part: &[u8]| Some(if is_get { part.to_vec() } else { Vec::new() });
    let selects = match case.effect {
        Effect::NotModified => return (304, Some(Vec::new())),
        Effect::Failed => return (412, None),
        Effect::IgnoresRange => Selects::All,
        Effect::Passes => case.selects,
    };
    match selects {
        Selects::Part(from, to) if is_get => (206, body(&case.contents[from..to])),
        Selects::Nothing if is_get => (416, None),
        _ => (200, body(case.contents)),
    }
}

fn asked(path: &str, accepts: Option<&str>) -> UrlRequest {
    let request = request(path);
    accepts.into_iter().fold(request, |request, value| {
        request.with_header("accept-encoding", value)
    })
}

async fn validators(lambda: &Lambda, accepts: Option<&str>) -> (String, String) {
    let answer = ask(lambda, &asked("/m.txt", accepts)).await;
    let header = |name| answer.header(name).expect("a validator").to_owned();
    (header("etag"), header("last-modified"))
}

#[track_caller]
fn check(case: &Case<'_>, coding: Option<&str>, answer: &UrlAnswer, asked: &UrlRequest) {
    let (status, body) = expected(case);
    let shown = || {
        format!(
            "{} {} {:?}\n{answer:?}",
            asked.method, asked.raw_path, asked.headers
        )
    };
    assert_eq!(answer.status, status, "{}", shown());
    if let Some(body) = body {
        assert_eq!(answer.body, body, "{}", shown());
    }
    if matches!(status, 200 | 206) {
        assert_eq!(answer.header("content-encoding"), coding, "{}", shown());
        assert_eq!(
            answer.header("vary"),
            Some("Accept-Encoding"),
            "{}",
            shown()
        );
        assert!(answer.header("etag").is_some(), "{}", shown());
    }
    if case.method == "HEAD" {
        assert!(answer.body.is_empty(), "{}", shown());
    }
    if status >= 400 {
        assert_eq!(
            answer.header("cache-control"),
            Some("no-store"),
            "{}",
            shown()
        );
        assert_eq!(answer.header("etag"), None, "{}", shown());
    }
}

#[tokio::test]
async fn every_combination_is_answered_as_the_standard_says() {
    let deployment = Deployment::new();
    for folder in ["", "office/"] {
        for suffix in ["", ".gz", ".br"] {
            deployment.put(&format!("{folder}m.txt{suffix}"), &contents(suffix));
        }
    }
    let lambda = deployment.start().await;
    let mut cases = 0;
    for (accepts, suffix, coding) in REPRESENTATIONS {
        let contents = contents(suffix);
        let (tag, date) = validators(&lambda, accepts).await;
        for (condition, effect) in conditions(&tag, &date) {
            for (range, selects) in RANGES {
                for method in METHODS {
                    for (path, is_admitted) in [("/m.txt", true), ("/office/m.txt", false)] {
                        let mut asked = asked(path, accepts);
                        asked.method = method.to_owned();
                        asked
                            .headers
                            .extend(range.map(|range| ("range".to_owned(), range.to_owned())));
                        let condition = condition.iter().cloned();
                        asked
                            .headers
                            .extend(condition.map(|(name, value)| (name.to_owned(), value)));
                        let answer = ask(&lambda, &asked).await;
                        let case = Case {
                            is_admitted,
                            method,
                            selects,
                            effect,
                            contents: &contents,
                        };
                        check(&case, coding, &answer, &asked);
                        cases += 1;
                    }
                }
            }
        }
    }
    assert_eq!(cases, 4 * 19 * 8 * 5 * 2);
    assert_eq!(lambda.stats().processes, 1);
}
