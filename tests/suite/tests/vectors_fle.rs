//! `fle.json`: messages of field-level encryption as other implementations made them, and what is encrypted when.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on must fail"
)]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use getrandom::SysRng;
use portcullis_field_encryption::message::{Framing, MessageError, parse};
use portcullis_field_encryption::{
    Configuration, FieldPattern, Profile, Recipient, Selection, Status, config::FORM,
};
use portcullis_suite::vectors_dir;
use serde_json::Value;
use std::sync::Arc;

fn vectors() -> Value {
    let text = std::fs::read_to_string(vectors_dir().join("fle.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn recipient(vectors: &Value) -> Arc<Recipient> {
    let pem = vectors_dir().join(vectors["public_key"].as_str().unwrap());
    let pem = std::fs::read_to_string(pem).unwrap();
    let text = |name: &str| vectors[name].as_str().unwrap();
    Arc::new(Recipient::new(text("provider_name"), text("key_name"), &pem).unwrap())
}

#[test]
fn messages_say_what_they_say_and_signatures_hold() {
    let vectors = vectors();
    let cases = vectors["cases"].as_array().unwrap();
    assert!(!cases.is_empty());
    for case in cases {
        let id = case["id"].as_str().unwrap();
        let bytes = STANDARD
            .decode(case["ciphertext_b64"].as_str().unwrap())
            .unwrap();
        let message = parse(&bytes).unwrap_or_else(|error| panic!("{id}: {error}"));
        let (header, expected) = (&message.header, &case["header"]);
        let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
        assert_eq!(
            format!("0x{:04x}", header.suite.id()),
            expected["algorithm_id"],
            "{id}"
        );
        assert_eq!(
            hex(header.id),
            expected["message_id"].as_str().unwrap(),
            "{id}"
        );
        let context = serde_json::to_value(&header.context).unwrap();
        assert_eq!(context, expected["encryption_context"], "{id}");
        assert_eq!(header.framing, Framing::Framed(4096), "{id}");
        let edks = expected["edks"].as_array().unwrap();
        assert_eq!(header.keys.len(), edks.len(), "{id}");
        for (key, edk) in header.keys.iter().zip(edks) {
            assert_eq!(
                key.provider,
                edk["provider_id"].as_str().unwrap().as_bytes(),
                "{id}"
            );
            assert_eq!(
                key.key_name,
                edk["provider_info"].as_str().unwrap().as_bytes(),
                "{id}"
            );
            assert_eq!(
                key.wrapped.len() as u64,
                edk["encrypted_key_len"].as_u64().unwrap(),
                "{id}"
            );
        }
        assert_eq!(message.verify(), Ok(()), "{id}");
        // One bit of the content, and the signature no longer holds.
        if header.suite.id() == 0x0378 {
            let mut changed = bytes.clone();
            let at = expected["header_bytes"].as_u64().unwrap() as usize + 40;
            changed[at] ^= 1;
            let refused = parse(&changed).and_then(|message| message.verify());
            assert!(
                matches!(
                    refused,
                    Err(MessageError::NotAuthentic | MessageError::Malformed(_))
                ),
                "{id}"
            );
        }
    }
}

#[test]
fn selection_and_limits() {
    let vectors = vectors();
    let cases = vectors["selection"].as_array().unwrap();
    assert!(!cases.is_empty());
    for case in cases {
        let id = case["id"].as_str().unwrap();
        let says = |name: &str| case.get(name).and_then(Value::as_bool).unwrap_or(false);
        let patterns = case.get("patterns").and_then(Value::as_array).cloned();
        let patterns = patterns.unwrap_or_else(|| vec!["a".into()]).into_iter();
        let recipient = recipient(&vectors);
        let patterns = patterns.map(|pattern| {
            let pattern = FieldPattern::parse(pattern.as_str().unwrap()).unwrap();
            (pattern, Arc::clone(&recipient))
        });
        let configuration = Configuration {
            forms: Some(Some(Arc::new(Profile::new(patterns.collect()).unwrap()))),
            forward_other_content_types: says("forward_when_content_type_unknown"),
            by_query: Vec::new(),
            forward_unknown_queries: says("forward_when_query_arg_profile_unknown"),
        };
        let content_type = case
            .get("content_type")
            .map_or(FORM, |it| it.as_str().unwrap());
        let query = case.get("query").map(|it| it.as_str().unwrap());
        let (status, fle, encrypted) = played(&configuration, content_type, query, &body(case));
        if let Some(expected) = case.get("status") {
            assert_eq!(serde_json::to_value(status).unwrap(), *expected, "{id}");
            assert_eq!(fle.name(), case["fle_status"].as_str().unwrap(), "{id}");
        }
        if let Some(expected) = case.get("encrypted") {
            let expected: Vec<_> = expected
                .as_array()
                .unwrap()
                .iter()
                .map(|it| it.as_str().unwrap())
                .collect();
            assert_eq!(encrypted, expected, "{id}");
        }
    }
}

fn body(case: &Value) -> Vec<u8> {
    let names: Vec<String> = match (
        case.get("fields"),
        case.get("field_count"),
        case.get("body_len"),
    ) {
        (Some(fields), ..) => fields
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it.as_str().unwrap().to_owned())
            .collect(),
        (_, Some(count), _) => (0..count.as_u64().unwrap())
            .map(|at| format!("f{at}"))
            .collect(),
        (.., Some(length)) => return vec![b'x'; length.as_u64().unwrap() as usize],
        _ => vec!["a".to_owned()],
    };
    let pairs: Vec<String> = names.iter().map(|name| format!("{name}=1")).collect();
    pairs.join("&").into_bytes()
}

/// The status the viewer gets of the edge, if any, the status of the log, and the fields that are encrypted.
fn played(
    configuration: &Configuration,
    content_type: &str,
    query: Option<&str>,
    body: &[u8],
) -> (Option<u16>, Status, Vec<String>) {
    match configuration.select("POST", Some(content_type.as_bytes()), query) {
        Selection::Untouched => panic!("a POST is looked at"),
        Selection::Forward(status) => (None, status, Vec::new()),
        Selection::Refuse(status) => (Some(400), status, Vec::new()),
        Selection::Encrypt(profile) => match profile.encrypt(body, &mut SysRng) {
            Err(status) => (Some(400), status, Vec::new()),
            Ok(encrypted) => {
                let text = String::from_utf8(encrypted.body).unwrap();
                let changed = text.split('&').filter(|pair| !pair.ends_with("=1"));
                let names = changed.map(|pair| pair.split('=').next().unwrap().to_owned());
                (None, Status::Processed, names.collect())
            }
        },
    }
}
