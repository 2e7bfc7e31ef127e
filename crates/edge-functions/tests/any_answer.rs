//! Whatever a function answers: nothing panics, and what is let through can be sent.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must fail"
)]

mod support;

use portcullis_edge::compute::{Computed, FunctionResponse, OriginChoice, ShownBody};
use portcullis_edge::distribution::EventType;
use portcullis_edge::headers::Headers;
use portcullis_edge_functions::rules::{Kind, STATUSES, TARGET_BYTES_END, is_hidden, read_only};
use portcullis_edge_functions::{lambda, outcome};
use proptest::prelude::{Just, Strategy, any, prop_oneof, proptest};
use proptest::test_runner::{Config as ProptestConfig, TestCaseError};
use proptest::{collection, prop_assert, prop_assert_eq};
use serde_json::{Value, json};
use support::{call, custom_origin, headers};

/// Words that mean something, and some that mean none.
fn word() -> impl Strategy<Value = String> {
    const KNOWN: &[&str] = &[
        "uri",
        "querystring",
        "headers",
        "cookies",
        "statusCode",
        "status",
        "body",
        "bodyEncoding",
        "encoding",
        "data",
        "action",
        "replace",
        "base64",
        "text",
        "value",
        "multiValue",
        "attributes",
        "key",
        "method",
        "GET",
        "host",
        "Host",
        "via",
        "x-a",
        "X-Amz-Cf-Id",
        "x-edge-a",
        "content-length",
        "origin",
        "custom",
        "s3",
        "domainName",
        "/a",
        "/a?b",
        "a\r\nb: c",
        "200",
        "204",
    ];
    prop_oneof![
        4 => proptest::sample::select(KNOWN).prop_map(str::to_owned),
        1 => ".{0,4}",
    ]
}

fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        prop_oneof![any::<i64>(), 190..610_i64].prop_map(Value::from),
        word().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            2 => collection::vec((word(), inner.clone()), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
            1 => collection::vec(inner, 0..4).prop_map(Value::from),
        ]
    })
}

/// A request or a response of the right shape, with parts of any.
fn answer() -> impl Strategy<Value = Value> {
    let fields = || {
        let one = collection::vec(
            (
                word(),
                prop_oneof![3 => word().prop_map(|value| json!({ "value": value })), 1 => anything()],
            ),
            0..4,
        );
        one.prop_map(|members| Value::Object(members.into_iter().collect()))
    };
    let right = (
        word(),
        word(),
        fields(),
        fields(),
        proptest::option::of(190..610_i64),
        proptest::option::of(anything()),
    )
        .prop_map(|(uri, query, headers, cookies, status, body)| {
            let mut answer =
                json!({ "uri": uri, "querystring": query, "headers": headers, "cookies": cookies });
            if let Some(status) = status {
                answer["statusCode"] = status.into();
                answer["status"] = status.into();
            }
            if let Some(body) = body {
                answer["body"] = body;
            }
            answer
        });
    prop_oneof![3 => right, 1 => anything()]
}

fn event() -> impl Strategy<Value = EventType> {
    prop_oneof![
        Just(EventType::ViewerRequest),
        Just(EventType::OriginRequest),
        Just(EventType::OriginResponse),
        Just(EventType::ViewerResponse),
    ]
}

fn sendable(after: &Headers, before: &Headers, read_only: &[&str]) -> Result<(), TestCaseError> {
    for (name, value) in after.iter() {
        prop_assert!(
            !name.is_empty()
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_graphic() && byte != b':'),
            "{name:?}"
        );
        prop_assert!(
            !value.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)),
            "{name}"
        );
        let lower = name.to_ascii_lowercase();
        if is_hidden(&lower) || read_only.contains(&lower.as_str()) {
            prop_assert_eq!(Some(value), before.get(name));
        }
    }
    Ok(())
}

/// Makes the fields those of the kind, with the read-only ones among them as they were.
fn completed(mut answer: Value, before: &Headers, is_lambda: bool) -> Value {
    let fields = answer.get_mut("headers").and_then(Value::as_object_mut);
    let Some(fields) = fields else { return answer };
    for (name, value) in before
        .iter()
        .filter(|(name, _)| !is_hidden(&name.to_ascii_lowercase()))
    {
        let item = json!({ "value": String::from_utf8_lossy(value) });
        fields.entry(name.to_ascii_lowercase()).or_insert(item);
    }
    if is_lambda {
        fields
            .values_mut()
            .for_each(|item| *item = json!([item.take()]));
    }
    answer
}

proptest! {
    // About one answer in ten is let through.
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn what_is_let_through_can_be_sent(answer in answer(), event in event(), is_lambda in any::<bool>()) {
        let kind = if is_lambda { Kind::Lambda } else { Kind::Function };
        let shown = headers(&[("Via", "1.1 x"), ("X-Edge-A", "1"), ("Content-Length", "2")]);
        let response = matches!(event, EventType::OriginResponse | EventType::ViewerResponse)
            .then(|| FunctionResponse { status: 200, headers: shown.clone(), body: None });
        let mut call = call(event, response.clone());
        call.origin = Some(custom_origin().into());
        call.body = Some(ShownBody { bytes: "abc".into(), truncated: false });
        let request = call.request.clone();
        let before = response.as_ref().map_or(&request.headers, |response| &response.headers);
        let text = completed(answer, before, is_lambda).to_string();
        let made = if is_lambda {
            lambda::outcome::of(&text, call)
        } else {
            outcome::of(&text, call, OriginChoice::Unchanged)
        };
        match made {
            Ok(Computed::Request(changed)) => {
                sendable(&changed.headers, &request.headers, read_only(kind, event))?;
                prop_assert!(changed.uri.starts_with('/') && changed.uri.len() + changed.query.len() < TARGET_BYTES_END);
                let bad = |c: char| c.is_whitespace() || c.is_control() || c == '#';
                prop_assert!(!changed.uri.contains(bad) && !changed.query.contains(bad));
            }
            Ok(Computed::Response(made)) => {
                let before = response.map(|response| response.headers).unwrap_or_default();
                sendable(&made.headers, &before, read_only(kind, event))?;
                prop_assert!(STATUSES.contains(&made.status));
            }
            Err(_) => {}
        }
    }
}
