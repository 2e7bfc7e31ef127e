//! What DynamoDB says when it does not give the item, and what an item may not be.

use super::item::{attribute, state};
use super::{ANSWER_BYTES_MAX, WriteError};
use crate::canned::{Canned, Step};
use crate::config::TableName;
use aws_sdk_dynamodb::types::AttributeValue;
use portcullis_origin::state::{Secrets, SiteState, StateError, StateStore as _};
use portcullis_site::Name;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::time::Duration;

fn place() -> (TableName, Name) {
    (
        TableName::new("table").unwrap(),
        Name::new("handbook").unwrap(),
    )
}

fn answer(status: &str, body: &str) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/x-amz-json-1.0\r\nx-amzn-requestid: ABC\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body.as_bytes()].concat()
}

fn error(status: &str, code: &str) -> Vec<u8> {
    let body = json!({ "__type": format!("com.amazonaws.dynamodb.v20120810#{code}"), "message": "secret" });
    answer(status, &body.to_string())
}

async fn load(raw: Vec<u8>) -> Result<SiteState, StateError> {
    let server = Canned::saying(raw).await;
    let (table, site) = place();
    server.clients().state(table, site).load().await
}

#[tokio::test]
async fn an_item_is_a_state_and_no_item_is_missing() {
    let item = json!({ "Item": {
        "site": { "S": "handbook" },
        "secrets": { "M": {
            "version": { "N": "7" }, "pending": { "NULL": true }, "current": { "NULL": true }, "previous": { "NULL": true },
        } },
    } });
    let expected = SiteState {
        secrets: Secrets {
            version: 7,
            ..Secrets::default()
        },
        ..SiteState::default()
    };
    assert_eq!(
        load(answer("200 OK", &item.to_string())).await,
        Ok(expected)
    );
    assert_eq!(load(answer("200 OK", "{}")).await, Err(StateError::Missing));
}

#[tokio::test]
async fn an_error_says_what_can_be_done_about_it() {
    let text = |what: &str| format!("dynamodb:GetItem: {what}, request ABC");
    let unavailable = |what: &str| StateError::Unavailable(text(what));
    let denied = |what: &str| StateError::Denied(text(what));
    for (raw, expected) in [
        (
            error("400 Bad", "AccessDeniedException"),
            denied("400 AccessDeniedException"),
        ),
        (
            error("400 Bad", "ExpiredTokenException"),
            denied("400 ExpiredTokenException"),
        ),
        (
            error("400 Bad", "UnrecognizedClientException"),
            denied("400 UnrecognizedClientException"),
        ),
        (
            error("400 Bad", "ProvisionedThroughputExceededException"),
            unavailable("400 ProvisionedThroughputExceededException"),
        ),
        (
            error("400 Bad", "ResourceNotFoundException"),
            unavailable("400 ResourceNotFoundException"),
        ),
        (
            error("500 Oh", "InternalServerError"),
            unavailable("500 InternalServerError"),
        ),
        (
            answer("503 Busy", "<html>busy</html>"),
            unavailable("503 no code"),
        ),
    ] {
        assert_eq!(load(raw).await, Err(expected));
    }
}

#[tokio::test]
async fn garbage_is_malformed_and_too_much_of_it_is_broken_off() {
    for body in [
        "<html>hello</html>",
        "{\"Item\":",
        "[]",
        "{\"Item\":{\"secrets\":{\"B\":\"AAAA\"}}}",
    ] {
        let loaded = load(answer("200 OK", body)).await;
        assert!(
            matches!(loaded, Err(StateError::Malformed(_))),
            "{body}: {loaded:?}"
        );
    }
    let long = format!(
        "{{\"Item\":{{\"x\":{{\"S\":\"{}\"}}}}}}",
        "x".repeat(ANSWER_BYTES_MAX)
    );
    let loaded = load(answer("200 OK", &long)).await;
    let broken_off = "dynamodb:GetItem: 200 an answer that cannot be read, request ABC";
    assert_eq!(loaded, Err(StateError::Malformed(broken_off.to_owned())));
}

#[tokio::test]
async fn a_store_that_stops_in_the_middle_is_too_late_and_a_read_asks_once_for_the_newest() {
    let item = answer("200 OK", "{\"Item\":{}}");
    let half = item[..item.len() - 3].to_vec();
    let server = Canned::start([vec![Step::Send(half), Step::Wait(Duration::from_secs(60))]]).await;
    let (table, site) = place();
    let started = std::time::Instant::now();
    let loaded = server.clients().state(table, site).load().await;
    let late = StateError::Unavailable("dynamodb: no answer in time".to_owned());
    assert_eq!(loaded, Err(late));
    assert!(
        started.elapsed() < Duration::from_secs(15),
        "{:?}",
        started.elapsed()
    );
    let requests = server.requests();
    assert!(
        requests[0].contains("x-amz-target: DynamoDB_20120810.GetItem"),
        "{}",
        requests[0]
    );
}

#[tokio::test]
async fn a_call_is_tried_twice_and_no_more() {
    let busy = vec![Step::Send(error("400 Bad", "ThrottlingException"))];
    let good = vec![Step::Send(answer("200 OK", "{}"))];
    for (answers, expected) in [
        (
            vec![busy.clone(), good.clone()],
            "there is no state for this site",
        ),
        (
            vec![busy.clone(), busy, good],
            "the state store is unavailable: dynamodb:GetItem: 400 ThrottlingException, request ABC",
        ),
    ] {
        let server = Canned::start(answers).await;
        let (table, site) = place();
        let loaded = server.clients().state(table, site).load().await;
        assert_eq!(loaded.unwrap_err().to_string(), expected);
        assert_eq!(server.requests().len(), 2);
    }
}

#[tokio::test]
async fn a_write_whose_answer_is_lost_has_not_failed() {
    let secrets = Secrets {
        version: 2,
        ..Secrets::default()
    };
    let found = |version: &str| {
        let secrets = json!({ "M": {
            "version": { "N": version }, "pending": { "NULL": true }, "current": { "NULL": true }, "previous": { "NULL": true },
        } });
        let body = json!({
            "__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException",
            "Item": { "site": { "S": "handbook" }, "secrets": secrets },
        });
        vec![Step::Send(answer("400 Bad", &body.to_string()))]
    };
    let lost = vec![Step::Send(Vec::new())];
    let write = async |answers: Vec<Vec<Step>>| {
        let server = Canned::start(answers).await;
        let (table, site) = place();
        server
            .clients()
            .state_writer(table, site)
            .update_secrets(1, &secrets)
            .await
    };
    assert_eq!(write(vec![lost.clone(), found("2")]).await, Ok(()));
    assert_eq!(
        write(vec![found("3")]).await,
        Err(WriteError::Conflict { found: Some(3) })
    );
    assert!(matches!(
        write(vec![lost]).await,
        Err(WriteError::Unavailable(_))
    ));
}

#[test]
fn what_no_state_has_is_refused() {
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let mut deep = text("x");
    for _ in 0..40 {
        deep = AttributeValue::L(vec![deep]);
    }
    for attribute in [
        deep,
        AttributeValue::B(Vec::new().into()),
        AttributeValue::Ss(vec!["x".to_owned()]),
        AttributeValue::N("seven".to_owned()),
        text("not an object"),
    ] {
        let read = state([("secrets".to_owned(), attribute.clone())].into());
        assert!(
            matches!(read, Err(StateError::Malformed(_))),
            "{attribute:?}: {read:?}"
        );
    }
}

fn json_values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(".{0,4}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn an_attribute_gives_back_the_json_it_was_made_of(value in json_values()) {
        let made = attribute(value.clone()).unwrap();
        prop_assert_eq!(super::item::of_attribute(made, super::item::DEPTH_MAX), Ok(value));
    }
}
