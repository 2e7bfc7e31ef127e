//! The program as a process: its connection, its neighbours, its sleep.

use crate::fixture::{Deployment, SECRET, ask, request};
use portcullis_origin::state::SecretDigest;
use std::sync::Arc;
use std::time::Duration;

#[tokio::test]
async fn a_thousand_events_take_one_connection_and_little_memory() {
    let deployment = Deployment::new();
    deployment.put("a.txt", b"hello");
    let lambda = deployment.start().await;
    for _ in 0..1_000 {
        assert_eq!(ask(&lambda, &request("/a.txt")).await.status, 200);
    }
    let stats = lambda.stats();
    assert_eq!(
        (stats.processes, stats.connections(), stats.invocations),
        (1, 1, 1_000)
    );
}

#[tokio::test]
async fn processes_beside_each_other_answer_alike() {
    let deployment = Deployment::new();
    deployment.put("a.txt", b"hello");
    let mut function = deployment.function.clone();
    function.environments = 4;
    let lambda = Arc::new(crate::fixture::start(function).await);
    let mut asked = tokio::task::JoinSet::new();
    for _ in 0..40 {
        let lambda = Arc::clone(&lambda);
        asked.spawn(async move { ask(&lambda, &request("/a.txt")).await });
    }
    for answer in asked.join_all().await {
        assert_eq!((answer.status, &answer.body[..]), (200, &b"hello"[..]));
    }
}

/// The old secret still matches what the sleeper knows, so nothing but its age makes it look again.
#[tokio::test]
async fn who_slept_reads_the_state_again_before_it_decides() {
    let deployment = Deployment::new();
    deployment.put("a.txt", b"hello");
    let lambda = deployment.start().await;
    assert_eq!(ask(&lambda, &request("/a.txt")).await.status, 200);
    assert_eq!(lambda.freeze().await, 1);
    deployment.change_state(|state| {
        state.secrets.version = 2;
        state.secrets.current = Some(SecretDigest::of(b"another-secret-for-another-day"));
    });
    tokio::time::sleep(Duration::from_secs(11)).await;
    lambda.thaw().await;
    assert_eq!(ask(&lambda, &request("/a.txt")).await.status, 403);
    assert_eq!(lambda.stats().processes, 1);
}

#[tokio::test]
async fn a_secret_that_is_newer_than_the_state_is_looked_for_at_once() {
    let deployment = Deployment::new();
    deployment.put("a.txt", b"hello");
    let lambda = deployment.start().await;
    assert_eq!(ask(&lambda, &request("/a.txt")).await.status, 200);
    let newer = "the-secret-of-tomorrow-which-is-here";
    deployment.change_state(|state| {
        state.secrets.version = 2;
        state.secrets.previous = Some(SecretDigest::of(SECRET.as_bytes()));
        state.secrets.current = Some(SecretDigest::of(newer.as_bytes()));
    });
    let mut rotated = request("/a.txt");
    rotated.headers[0].1 = newer.to_owned();
    assert_eq!(ask(&lambda, &rotated).await.status, 200);
    assert_eq!(
        ask(&lambda, &request("/a.txt")).await.status,
        200,
        "the previous one still holds"
    );
}

#[tokio::test]
async fn a_store_that_is_gone_leaves_the_packaged_state_to_decide() {
    let deployment = Deployment::new();
    deployment.put("a.txt", b"hello");
    let packaged = deployment.path("state.json");
    std::fs::rename(deployment.path("live.json"), packaged).expect("the state moves");
    let lambda = deployment.start().await;
    assert_eq!(ask(&lambda, &request("/a.txt")).await.status, 200);
    let said = lambda
        .logs()
        .into_iter()
        .filter(|line| line.text.contains("packaged state"))
        .count();
    assert_eq!(said, 1);
}

#[tokio::test]
async fn without_any_state_nothing_is_admitted() {
    let deployment = Deployment::new();
    deployment.put("a.txt", b"hello");
    std::fs::remove_file(deployment.path("live.json")).expect("the state goes");
    let lambda = deployment.start().await;
    assert_eq!(ask(&lambda, &request("/a.txt")).await.status, 403);
}
