//! The stand-in keeps Lambda's contract: each test runs the probe function and makes it behave or misbehave.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot start its function must fail"
)]

use portcullis_runtime_api::{
    FunctionConfig, InitFailure, Invocation, Lambda, Outcome, REQUEST_BYTES_MAX,
    RESPONSE_BYTES_MAX, StartError, StreamEnd, Streamed,
};
use serde_json::json;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const SOON: Duration = Duration::from_secs(10);

fn probe() -> FunctionConfig {
    FunctionConfig::new(env!("CARGO_BIN_EXE_probe-function"))
}

async fn start(config: FunctionConfig) -> Lambda {
    Lambda::start(config).await.expect("the probe starts")
}

async fn invoke(lambda: &Lambda, command: &str) -> Invocation {
    lambda.invoke(command.to_owned()).await
}

fn buffered(text: &str) -> Outcome {
    Outcome::Buffered(text.to_owned().into())
}

fn streamed(outcome: Outcome) -> Streamed {
    match outcome {
        Outcome::Streamed(streamed) => streamed,
        other => panic!("not streamed: {other:?}"),
    }
}

/// The system's letter for what a process does; `None` once it has ended, also while its parent has not looked yet.
fn state(pid: u32) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?
        .1
        .chars()
        .next()
        .filter(|state| *state != 'Z')
}

fn is_alive(pid: u32) -> bool {
    state(pid).is_some()
}

fn pids(lambda: &Lambda) -> Vec<u32> {
    lambda
        .stats()
        .environments
        .iter()
        .map(|environment| environment.pid)
        .collect()
}

async fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + SOON;
    while !condition() {
        assert!(
            Instant::now() < deadline,
            "{what} did not happen within {SOON:?}"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn an_event_reaches_the_function_and_its_answer_comes_back_unchanged() {
    let lambda = start(probe()).await;
    let first = invoke(&lambda, "hello \u{e9}").await;
    assert_eq!(first.outcome, buffered("hello \u{e9}"));
    let second = invoke(&lambda, "again").await;
    assert_eq!(second.outcome, buffered("again"));
    assert_ne!(first.request_id, second.request_id);
    assert!(
        first.timings.init.is_some(),
        "the first invocation of a process is a cold start"
    );
    assert_eq!(second.timings.init, None, "the second is warm");
}

#[tokio::test]
async fn one_process_uses_one_connection_and_everything_is_counted() {
    let lambda = start(probe()).await;
    for _ in 0..100 {
        invoke(&lambda, "hello").await;
    }
    let stats = lambda.stats();
    assert_eq!(
        (stats.processes, stats.invocations, stats.connections()),
        (1, 100, 1)
    );
    invoke(&lambda, "reconnect").await;
    assert_eq!(invoke(&lambda, "hello").await.outcome, buffered("hello"));
    assert_eq!(lambda.stats().connections(), 2);
}

#[tokio::test]
async fn times_and_peak_memory_are_those_of_the_process() {
    let lambda = start(probe().with_env("PROBE_INIT", "slow")).await;
    let slept = invoke(&lambda, "sleep 100").await.timings;
    assert!(
        slept
            .init
            .is_some_and(|init| init >= Duration::from_millis(200)),
        "{slept:?}"
    );
    assert!(
        (Duration::from_millis(100)..SOON).contains(&slept.total),
        "{slept:?}"
    );
    let before = lambda
        .stats()
        .peak_memory_bytes()
        .expect("the process runs");
    invoke(&lambda, "memory 50000000").await;
    let after = lambda
        .stats()
        .peak_memory_bytes()
        .expect("the process runs");
    assert!(after >= before + 40_000_000, "{before} then {after}");
}

#[tokio::test]
async fn the_function_sees_lambdas_environment_and_its_own_and_nothing_else() {
    let lambda = start(FunctionConfig {
        memory_mb: 256,
        ..probe().with_env("MINE", "yes")
    })
    .await;
    for (name, value) in [
        ("MINE", "yes"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
        ("AWS_REGION", "us-east-1"),
        ("HOME", ""),
    ] {
        assert_eq!(
            invoke(&lambda, &format!("variable {name}")).await.outcome,
            buffered(value),
            "{name}"
        );
    }
}

#[tokio::test]
async fn the_deadline_is_now_and_the_time_limit_in_milliseconds_since_the_epoch() {
    let lambda = start(FunctionConfig {
        timeout: Duration::from_secs(60),
        ..probe()
    })
    .await;
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970")
        .as_millis();
    let Outcome::Buffered(text) = invoke(&lambda, "deadline").await.outcome else {
        panic!("no answer")
    };
    let deadline: u128 = String::from_utf8_lossy(&text).parse().expect("a number");
    assert!(
        (now + 60_000..now + 70_000).contains(&deadline),
        "{now} and {deadline}"
    );
}

#[tokio::test]
async fn a_process_over_its_time_limit_is_killed_and_replaced() {
    let lambda = start(FunctionConfig {
        timeout: Duration::from_millis(300),
        ..probe()
    })
    .await;
    let pid = lambda.stats().environments[0].pid;
    assert_eq!(
        invoke(&lambda, "sleep 60000").await.outcome,
        Outcome::TimedOut
    );
    assert!(!is_alive(pid));
    let next = invoke(&lambda, "hello").await;
    assert_eq!(next.outcome, buffered("hello"));
    assert!(next.timings.init.is_some(), "the replacement starts cold");
    assert_eq!(lambda.stats().processes, 2);
}

#[tokio::test]
async fn a_process_that_lingers_after_its_answer_delays_the_next_event_up_to_the_time_limit() {
    let lambda = start(FunctionConfig {
        timeout: Duration::from_millis(500),
        ..probe()
    })
    .await;
    assert_eq!(
        invoke(&lambda, "linger 100").await.outcome,
        buffered("answered")
    );
    assert_eq!(
        invoke(&lambda, "linger 60000").await.outcome,
        buffered("answered")
    );
    assert_eq!(lambda.stats().processes, 1);
    assert_eq!(invoke(&lambda, "hello").await.outcome, buffered("hello"));
    assert_eq!(lambda.stats().processes, 2);
}

#[tokio::test]
async fn a_crash_is_an_outcome_and_the_process_is_replaced() {
    let lambda = start(probe()).await;
    let crash = invoke(&lambda, "crash").await;
    let status = "exit status: 7".to_owned();
    assert_eq!(crash.outcome, Outcome::Crashed { status });
    assert!(
        crash.timings.total < Duration::from_secs(3),
        "the end of the process ends the invocation, not a time limit: {:?}",
        crash.timings
    );
    assert_eq!(
        invoke(&lambda, "answer-and-exit").await.outcome,
        buffered("goodbye")
    );
    assert_eq!(invoke(&lambda, "hello").await.outcome, buffered("hello"));
    assert_eq!(lambda.stats().processes, 3);
}

#[tokio::test]
async fn a_reported_error_is_an_outcome_and_the_process_lives_on() {
    let lambda = start(probe()).await;
    let failed = Outcome::FunctionError {
        error_type: "Probe.Failed".to_owned(),
        payload: "{}".into(),
    };
    assert_eq!(invoke(&lambda, "error").await.outcome, failed);
    assert_eq!(invoke(&lambda, "hello").await.outcome, buffered("hello"));
    assert_eq!(lambda.stats().processes, 1);
}

#[tokio::test]
async fn an_answer_to_an_event_that_is_not_in_flight_is_refused() {
    let lambda = start(probe()).await;
    assert_eq!(invoke(&lambda, "stray").await.outcome, buffered("400"));
}

#[tokio::test]
async fn a_buffered_answer_that_breaks_off_is_none_and_may_be_given_again() {
    let lambda = start(probe()).await;
    assert_eq!(invoke(&lambda, "half").await.outcome, buffered("whole"));
    assert_eq!(lambda.stats().connections(), 2);
}

#[tokio::test]
async fn an_init_that_fails_is_an_outcome() {
    let timeout = Duration::from_millis(300);
    let reported = InitFailure::Reported {
        error_type: "Probe.Init".to_owned(),
        payload: r#"{"errorMessage":"init failed"}"#.into(),
    };
    for (how, failure) in [
        ("error", reported),
        (
            "crash",
            InitFailure::Exited {
                status: "exit status: 3".to_owned(),
            },
        ),
        ("hang", InitFailure::TimedOut),
    ] {
        let lambda = start(FunctionConfig {
            init_timeout: timeout,
            ..probe().with_env("PROBE_INIT", how)
        })
        .await;
        let pid = lambda.stats().environments[0].pid;
        assert_eq!(
            invoke(&lambda, "hello").await.outcome,
            Outcome::InitFailed(failure.clone()),
            "{how}"
        );
        assert!(!is_alive(pid), "{how}");
        assert_eq!(lambda.ready().await, Err(failure), "{how}");
        assert_eq!(
            (lambda.stats().processes, lambda.stats().invocations),
            (2, 0),
            "{how}"
        );
    }
}

#[tokio::test]
async fn a_missing_binary_is_refused_by_name() {
    for core in [None, Some(0)] {
        let config = FunctionConfig {
            core,
            ..FunctionConfig::new("/nowhere/bootstrap")
        };
        let error = Lambda::start(config)
            .await
            .expect_err("there is no such file");
        assert!(matches!(error, StartError::Spawn { .. }));
        assert!(error.to_string().contains("/nowhere/bootstrap"), "{error}");
    }
}

#[tokio::test]
async fn sizes_end_exactly_at_lambdas_limits() {
    let lambda = start(FunctionConfig {
        timeout: SOON,
        ..probe()
    })
    .await;
    for (bytes, expected) in [
        (
            RESPONSE_BYTES_MAX,
            Outcome::Buffered(vec![b'x'; RESPONSE_BYTES_MAX].into()),
        ),
        (RESPONSE_BYTES_MAX + 1, Outcome::ResponseTooLarge),
    ] {
        assert!(
            invoke(&lambda, &format!("big {bytes}")).await.outcome == expected,
            "{bytes} bytes"
        );
    }
    assert_eq!(lambda.stats().processes, 1, "a refused answer ends nothing");
    let largest = vec![b'e'; REQUEST_BYTES_MAX];
    assert!(
        lambda.invoke(largest.clone()).await.outcome == Outcome::Buffered(largest.into()),
        "the largest event"
    );
    assert_eq!(
        lambda
            .invoke(vec![b'e'; REQUEST_BYTES_MAX + 1])
            .await
            .outcome,
        Outcome::RequestTooLarge
    );
}

#[tokio::test]
async fn a_stream_arrives_with_its_prelude_and_its_end_is_told() {
    let lambda = start(FunctionConfig {
        timeout: SOON,
        ..probe()
    })
    .await;
    let prelude = json!({ "statusCode": 201, "headers": { "x-probe": "yes" } });
    let failed = StreamEnd::Failed {
        error_type: "Probe.Stream".to_owned(),
        error_body: "{}".into(),
    };
    for (word, prelude, end) in [
        ("stream", Some(prelude.clone()), StreamEnd::Complete),
        ("stream-raw", None, StreamEnd::Complete),
        ("stream-headless", None, StreamEnd::BadPrelude),
        ("stream-error", Some(prelude.clone()), failed),
        ("stream-break", Some(prelude.clone()), StreamEnd::Broken),
        ("stream-crash", Some(prelude), StreamEnd::Broken),
    ] {
        let got = streamed(invoke(&lambda, &format!("{word} 100000")).await.outcome);
        assert_eq!(
            (got.prelude, got.body.len(), got.end),
            (prelude, 100_000, end),
            "{word}"
        );
        assert_eq!(
            invoke(&lambda, "hello").await.outcome,
            buffered("hello"),
            "after {word}"
        );
    }
    let large = streamed(invoke(&lambda, "stream 20000000").await.outcome);
    assert_eq!(
        (large.body.len(), large.end),
        (20_000_000, StreamEnd::Complete),
        "a stream may be larger than an answer"
    );
}

#[tokio::test]
async fn a_stream_cut_by_the_time_limit_keeps_what_had_arrived() {
    let lambda = start(FunctionConfig {
        timeout: Duration::from_millis(500),
        ..probe()
    })
    .await;
    let got = streamed(invoke(&lambda, "stream-hang 5000").await.outcome);
    assert_eq!((got.body.len(), got.end), (5000, StreamEnd::TimedOut));
    assert_eq!(invoke(&lambda, "hello").await.outcome, buffered("hello"));
}

#[tokio::test]
async fn a_process_has_one_event_at_a_time_and_several_processes_work_at_once() {
    let lambda = start(FunctionConfig {
        environments: 2,
        ..probe()
    })
    .await;
    lambda.ready().await.expect("both processes start");
    let begun = Instant::now();
    let (a, b, c) = tokio::join!(
        invoke(&lambda, "sleep 300"),
        invoke(&lambda, "sleep 300"),
        invoke(&lambda, "sleep 300")
    );
    for invocation in [a, b, c] {
        assert_eq!(invocation.outcome, buffered("slept"));
    }
    assert!(
        begun.elapsed() >= Duration::from_millis(600),
        "the third waits for one of the first two"
    );
    let stats = lambda.stats();
    let mut shares: Vec<u64> = stats
        .environments
        .iter()
        .map(|environment| environment.invocations)
        .collect();
    shares.sort_unstable();
    assert_eq!((stats.processes, shares), (2, vec![1, 2]));
}

#[tokio::test]
async fn a_frozen_process_does_nothing_until_it_is_thawed_or_invoked() {
    let lambda = start(FunctionConfig {
        environments: 2,
        ..probe()
    })
    .await;
    let stopped = || {
        pids(&lambda)
            .into_iter()
            .filter(|pid| state(*pid) == Some('T'))
            .count()
    };
    assert_eq!((lambda.freeze().await, stopped()), (2, 2));
    assert_eq!(invoke(&lambda, "hello").await.outcome, buffered("hello"));
    wait_until("the thaw of the one that is needed", || stopped() == 1).await;
    assert_eq!(
        lambda
            .stats()
            .environments
            .iter()
            .filter(|environment| environment.frozen)
            .count(),
        1
    );
    lambda.thaw().await;
    wait_until("the thaw of the other", || stopped() == 0).await;
    assert!(
        lambda
            .stats()
            .environments
            .iter()
            .all(|environment| !environment.frozen)
    );
    assert_eq!(lambda.stats().processes, 2);
}

#[tokio::test]
async fn a_pinned_function_stays_on_its_core() {
    let lambda = start(FunctionConfig {
        core: Some(0),
        ..probe()
    })
    .await;
    assert_eq!(invoke(&lambda, "hello").await.outcome, buffered("hello"));
    let [pid] = pids(&lambda)[..] else {
        panic!("one process")
    };
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("the process runs");
    assert!(status.contains("Cpus_allowed_list:\t0\n"), "{status}");
}

#[tokio::test]
async fn lines_are_kept_with_their_stream() {
    let lambda = start(probe()).await;
    invoke(&lambda, "log something").await;
    for text in ["something on stdout", "something on stderr"] {
        let line = lambda.log_line(|line| line.text == text, SOON).await;
        assert_eq!(
            line.map(|line| line.pid),
            Some(lambda.stats().environments[0].pid),
            "{text}"
        );
    }
    assert_eq!(lambda.logs().len(), 2);
    assert_eq!(
        lambda
            .log_line(|line| line.text == "never", Duration::from_millis(20))
            .await,
        None
    );
}

#[tokio::test]
async fn nothing_is_left_behind_when_it_is_dropped_even_frozen() {
    let lambda = start(FunctionConfig {
        environments: 2,
        ..probe()
    })
    .await;
    lambda.ready().await.expect("both processes start");
    assert_eq!(lambda.freeze().await, 2);
    let pids = pids(&lambda);
    drop(lambda);
    wait_until("the end of the processes", || {
        pids.iter().all(|pid| !is_alive(*pid))
    })
    .await;
}

#[tokio::test]
async fn an_invocation_given_up_ends_its_process_and_frees_its_place() {
    let lambda = start(FunctionConfig {
        timeout: Duration::from_secs(60),
        ..probe()
    })
    .await;
    let pid = lambda.stats().environments[0].pid;
    let given_up =
        tokio::time::timeout(Duration::from_millis(200), invoke(&lambda, "sleep 60000")).await;
    assert!(given_up.is_err());
    assert_eq!(invoke(&lambda, "hello").await.outcome, buffered("hello"));
    wait_until("the end of the process", || !is_alive(pid)).await;
}
