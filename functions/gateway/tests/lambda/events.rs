//! Events that are no requests: every one is answered, none harms the process.

use crate::fixture::{Deployment, ask, decisions, repository, request};
use portcullis_runtime_api::{
    AlbHeaders, Outcome, UrlAnswer, UrlRequest, alb_event, decode_alb_answer,
};
use serde_json::json;

#[tokio::test]
async fn what_is_no_request_is_refused_and_the_process_lives_on() {
    let deployment = Deployment::new();
    deployment.put("a.txt", b"hello");
    let lambda = deployment.start().await;
    let malformed = [
        "",
        "null",
        "[]",
        "{",
        "\"\"",
        "{\"version\":\"2.0\"}",
        "{\"version\":2}",
        "{\"rawPath\":{}}",
        "{\"version\":\"2.0\",\"version\":\"2.0\"}",
        "{\"headers\":[]}",
        "\u{0}",
    ];
    let mut events: Vec<(Vec<u8>, u16)> = malformed.map(|event| (event.into(), 400)).into();
    events.push((b"{\"rawPath\":\"\xff\"}".to_vec(), 400));
    events.push((vec![b'['; 1 << 20], 400));
    for foreign in [
        json!({}),
        json!({ "Records": [] }),
        json!({ "version": "1.0", "httpMethod": "GET" }),
    ] {
        events.push((foreign.to_string().into_bytes(), 403));
    }
    let count = events.len();
    for (event, status) in events {
        let shown = String::from_utf8_lossy(&event[..event.len().min(80)]).into_owned();
        let outcome = lambda.invoke(event).await.outcome;
        assert_eq!(UrlAnswer::of(&outcome).status, status, "{shown}");
        assert!(matches!(outcome, Outcome::Buffered(_)), "{shown}");
    }
    assert_eq!(ask(&lambda, &request("/a.txt")).await.status, 200);
    assert_eq!(lambda.stats().processes, 1);
    let lines = decisions(&lambda, 1).await;
    let reason = |line: &serde_json::Value| line["reason"].as_str().map(str::to_owned);
    assert_eq!(
        lines.first().and_then(reason).as_deref(),
        Some("malformed-event")
    );
    assert!(lines.len() <= count + 1);
}

/// The samples that come with the project are of other fronts, or of ones that are not this site's.
#[tokio::test]
async fn every_event_of_another_front_is_refused() {
    let deployment = Deployment::new();
    let lambda = deployment.start().await;
    let folder = repository().join("tests/data/lambda-events/http-fronts");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).expect("the samples") {
        let path = entry.expect("a sample").path();
        let event = std::fs::read(&path).expect("a sample");
        let status = UrlAnswer::of(&lambda.invoke(event).await.outcome).status;
        assert_eq!(status, 403, "{}", path.display());
        seen += 1;
    }
    assert!(seen > 30, "only {seen} samples");
}

/// It is the event of a function URL in all but its domain, and its path is decoded.
#[tokio::test]
async fn an_http_api_is_another_front() {
    let deployment = Deployment::new();
    deployment.put("a.txt", b"hello");
    let lambda = deployment.start().await;
    let api = UrlRequest {
        domain_name: "abcdefghij.execute-api.us-east-1.amazonaws.com".to_owned(),
        ..request("/a.txt")
    };
    assert_eq!(ask(&lambda, &api).await.status, 403);
    let lines = decisions(&lambda, 1).await;
    assert_eq!(lines[0]["reason"], "wrong-front");
}

#[tokio::test]
async fn a_load_balancer_is_served_where_the_site_names_its_target_group() {
    let target_group = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/portcullis/0000000000000000";
    let deployment = Deployment::with(
        "  edges: { prefix_lists: [edges] }",
        &format!(
            "  edges: {{ prefix_lists: [edges] }}\n  access_control: {{ mode: off }}\n  fronts: [\"{target_group}\"]"
        ),
    );
    deployment.put("a.txt", b"hello");
    let lambda = deployment.start().await;
    for form in [AlbHeaders::Single, AlbHeaders::Multi] {
        let event = alb_event(&request("/a.txt?x=%20&y"), form);
        let Outcome::Buffered(payload) = lambda.invoke(event).await.outcome else {
            panic!("no answer for {form:?}");
        };
        let answer = decode_alb_answer(&payload, form);
        assert_eq!(
            (answer.status, &answer.body[..]),
            (200, &b"hello"[..]),
            "{form:?}"
        );
        assert_eq!(
            answer.header("content-type"),
            Some("text/plain; charset=utf-8")
        );
    }
    assert_eq!(
        ask(&lambda, &request("/a.txt")).await.status,
        403,
        "a function URL is none of its fronts"
    );
}
