//! Documents: what a front reads out of them is what was answered, and their size is what was promised.

use super::{ALB_ENVELOPE_BYTES, Mode, Payload, PayloadBody, document, document_bytes_max};
use crate::event::AnswerForm;
use bytes::Bytes;
use http_body::Body as _;
use http_body_util::{BodyExt as _, Full};
use portcullis_origin::field::FieldValue;
use portcullis_origin::response::{Body, BodyError, Response};
use portcullis_origin::serve::{LAMBDA_ENVELOPE_BYTES, envelope_bytes};
use proptest::prelude::{Strategy, any, prop, prop_assert, prop_assert_eq, prop_oneof, proptest};
use serde_json::{Value, json};

const FORMS: [AnswerForm; 3] = [AnswerForm::Url, AnswerForm::Alb, AnswerForm::AlbMultiValue];

fn head(headers: &[(&'static str, &[u8])]) -> Response {
    Response {
        status: 200,
        headers: headers
            .iter()
            .map(|(name, value)| ((*name).into(), FieldValue::new(value).unwrap()))
            .collect(),
        body: Body::Empty,
    }
}

fn parsed(head: &Response, body: &[u8], form: AnswerForm) -> Value {
    let text = document(head, body, form);
    assert_eq!(text.len(), text.capacity(), "one buffer of the right size");
    assert!(text.len() as u64 <= envelope_bytes(head, body.len() as u64));
    serde_json::from_str(&text).unwrap()
}

fn body_of(document: &Value) -> Vec<u8> {
    use base64::Engine as _;
    let text = document["body"].as_str().unwrap();
    match document["isBase64Encoded"].as_bool().unwrap() {
        true => base64::engine::general_purpose::STANDARD
            .decode(text)
            .unwrap(),
        false => text.as_bytes().to_vec(),
    }
}

#[test]
fn a_document_has_the_form_of_its_front() {
    let html = head(&[("content-type", b"text/html"), ("etag", b"\"a\"")]);
    assert_eq!(
        parsed(&html, b"<p>", AnswerForm::Url),
        json!({
            "statusCode": 200,
            "headers": { "content-type": "text/html", "etag": "\"a\"" },
            "isBase64Encoded": false,
            "body": "<p>",
        })
    );
    assert_eq!(
        parsed(&html, b"<p>", AnswerForm::Alb),
        json!({
            "statusCode": 200,
            "statusDescription": "200 OK",
            "headers": { "content-type": "text/html", "etag": "\"a\"" },
            "isBase64Encoded": false,
            "body": "<p>",
        })
    );
    assert_eq!(
        parsed(&html, b"<p>", AnswerForm::AlbMultiValue)["multiValueHeaders"],
        json!({ "content-type": ["text/html"], "etag": ["\"a\""] })
    );
    let odd = Response {
        status: 599,
        ..head(&[])
    };
    assert_eq!(
        parsed(&odd, b"", AnswerForm::Alb)["statusDescription"],
        "599 Unknown"
    );
}

#[track_caller]
fn check_form(headers: &[(&'static str, &[u8])], body: &[u8], is_text: bool) {
    for form in FORMS {
        let document = parsed(&head(headers), body, form);
        assert_eq!(document["isBase64Encoded"], !is_text, "{headers:?}");
        assert_eq!(body_of(&document), body);
    }
}

#[test]
fn only_what_is_surely_text_is_sent_as_text() {
    let html: &[u8] = "<p>caf\u{e9} \u{feff}\u{1f600}</p>\r\n".as_bytes();
    for textual in [
        &b"text/html; charset=utf-8"[..],
        b"TEXT/css",
        b"application/json",
        b"application/javascript",
        b"application/ld+json",
        b"image/svg+xml ; a=b",
    ] {
        check_form(&[("content-type", textual)], html, true);
    }
    for binary in [
        &b"image/png"[..],
        b"application/octet-stream",
        b"text",
        b"textile/x",
        b"json",
    ] {
        check_form(&[("content-type", binary)], html, false);
    }
    check_form(&[], html, false);
    let coded: [(&str, &[u8]); 2] = [("content-type", b"text/html"), ("content-encoding", b"br")];
    check_form(&coded, html, false);
    check_form(
        &[("content-type", b"text/html; charset=iso-8859-1")],
        b"caf\xe9",
        false,
    );
    check_form(&[("content-type", b"text/html")], b"\x01\x02\x03", false);
}

#[test]
fn header_values_arrive_as_they_are() {
    let odd = head(&[("a", b"\\ \" \xc3\xa9"), ("b", b"caf\xe9"), ("c", b"x\ty")]);
    let headers = &parsed(&odd, b"", AnswerForm::Url)["headers"];
    assert_eq!(
        *headers,
        json!({ "a": "\\ \" \u{e9}", "b": "caf\u{e9}", "c": "x\ty" })
    );
}

/// The largest body that serving would send whole, by its own measure.
fn largest(head: &Response, limit: u64) -> usize {
    usize::try_from(limit.saturating_sub(envelope_bytes(head, 0)) / 4 * 3).unwrap()
}

#[test]
fn the_largest_body_that_serving_lets_through_fits_and_one_byte_more_would_be_measured_too_large() {
    for form in FORMS {
        let limit = document_bytes_max(form);
        let head = head(&[("content-type", b"image/png"), ("etag", &[b'"'; 300])]);
        let most = largest(&head, limit);
        for length in [most - 1, most] {
            let document = document(&head, &vec![0xff; length], form);
            assert!(
                document.len() as u64 <= limit,
                "{form:?}: {} bytes",
                document.len()
            );
        }
        let too_many = most as u64 + 3;
        assert!(envelope_bytes(&head, too_many) > limit, "{form:?}");
    }
    assert_eq!(document_bytes_max(AnswerForm::Url), LAMBDA_ENVELOPE_BYTES);
    assert_eq!(document_bytes_max(AnswerForm::Alb), ALB_ENVELOPE_BYTES);
}

fn any_head() -> impl Strategy<Value = Response> {
    const NAMES: [&str; 6] = [
        "etag",
        "content-type",
        "vary",
        "location",
        "content-encoding",
        "x-a",
    ];
    let value = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..40),
        "\\PC{0,30}".prop_map(String::into_bytes),
        prop::sample::select(vec!["text/html", "application/json", "image/png"])
            .prop_map(|text| text.as_bytes().to_vec()),
    ];
    (100_u16..600, prop::collection::vec(value, NAMES.len())).prop_map(|(status, values)| {
        let headers = NAMES.into_iter().zip(values);
        Response {
            status,
            headers: headers
                .filter_map(|(n, v)| Some((n.into(), FieldValue::new(&v).ok()?)))
                .collect(),
            body: Body::Empty,
        }
    })
}

fn any_body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..300),
        "(\\PC|[\\x00-\\x20\"\\\\]){0,200}".prop_map(String::into_bytes),
    ]
}

proptest! {
    #[test]
    fn any_answer_arrives_as_it_is_in_the_size_that_was_counted(head in any_head(), body in any_body()) {
        for form in FORMS {
            let text = document(&head, &body, form);
            prop_assert_eq!(text.len(), text.capacity());
            prop_assert!(text.len() as u64 <= envelope_bytes(&head, body.len() as u64));
            let read: Value = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(body_of(&read), &body[..]);
            prop_assert_eq!(&read["statusCode"], head.status);
            for (name, value) in &head.headers {
                let sent = match form {
                    AnswerForm::AlbMultiValue => &read["multiValueHeaders"][&**name][0],
                    _ => &read["headers"][&**name],
                };
                let expected = value.to_str().map_or_else(
                    || value.as_bytes().iter().copied().map(char::from).collect(),
                    str::to_owned,
                );
                prop_assert_eq!(sent.as_str(), Some(&*expected));
            }
        }
    }
}

async fn frames(payload: Payload) -> Vec<Result<Bytes, BodyError>> {
    let mut body = PayloadBody::from(payload);
    let mut frames = Vec::new();
    while let Some(frame) = body.frame().await {
        frames.push(frame.map(|frame| frame.into_data().unwrap()));
    }
    frames
}

fn streamed(body: Body) -> Response {
    Response {
        body,
        ..head(&[("content-type", b"video/mp4"), ("content-length", b"9")])
    }
}

const PRELUDE: &[u8] =
    b"{\"statusCode\":200,\"headers\":{\"content-type\":\"video/mp4\"}}\0\0\0\0\0\0\0\0";

#[tokio::test(flavor = "current_thread")]
async fn a_stream_has_a_prelude_without_a_length_and_then_the_bytes() {
    let bytes = Full::new(Bytes::from_static(b"123456789")).map_err(|never| match never {});
    let body = Body::Stream {
        length: Some(9),
        bytes: bytes.boxed_unsync(),
    };
    let payload = Payload::of(streamed(body), AnswerForm::Url, Mode::Streamed);
    let sent: Vec<Bytes> = frames(payload)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    assert_eq!(sent, [PRELUDE, b"123456789"]);
}

#[tokio::test(flavor = "current_thread")]
async fn what_is_whole_leaves_in_one_piece_with_the_prelude_and_still_in_chunks() {
    for (body, rest) in [
        (Body::Empty, &b""[..]),
        (Body::Whole(Bytes::from_static(b"123")), b"123"),
    ] {
        let payload = Payload::of(streamed(body), AnswerForm::Url, Mode::Streamed);
        let body = PayloadBody::from(payload);
        assert_eq!(
            body.size_hint().exact(),
            None,
            "a length would end the chunks"
        );
        let sent = body.collect().await.unwrap().to_bytes();
        assert_eq!(sent, [PRELUDE, rest].concat());
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_stream_that_breaks_does_not_end() {
    let broken = Cut(vec![
        Err(BodyError),
        Ok(http_body::Frame::data(Bytes::from_static(b"12"))),
    ]);
    let body = Body::Stream {
        length: Some(9),
        bytes: broken.boxed_unsync(),
    };
    let sent = frames(Payload::of(streamed(body), AnswerForm::Url, Mode::Streamed)).await;
    assert_eq!(sent.last(), Some(&Err(BodyError)));
}

/// What is left to be yielded, last first.
struct Cut(Vec<Result<http_body::Frame<Bytes>, BodyError>>);

impl http_body::Body for Cut {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, BodyError>>> {
        std::task::Poll::Ready(self.0.pop())
    }
}

#[test]
fn a_stream_is_never_a_document_and_a_load_balancer_gets_documents_only() {
    let stream = || Body::Stream {
        length: Some(1),
        bytes: Cut(Vec::new()).boxed_unsync(),
    };
    for (form, mode) in [
        (AnswerForm::Url, Mode::Buffered),
        (AnswerForm::Alb, Mode::Buffered),
        (AnswerForm::AlbMultiValue, Mode::Streamed),
    ] {
        let Payload::Document(bytes) = Payload::of(streamed(stream()), form, mode) else {
            panic!("a stream for {form:?} in {mode:?}");
        };
        let document: Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(document["statusCode"], 502);
    }
}
