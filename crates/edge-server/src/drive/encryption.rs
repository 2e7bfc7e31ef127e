//! Field-level encryption on the way to an origin: the one place where a viewer's body is held back and changed.
//!
//! Always holds: where a behavior has field-level encryption, no body that it covers leaves before it was encrypted, and none at
//! all if the configuration is not known.

use crate::body::{Body, BodyError};
use bytes::Bytes;
use getrandom::SysRng;
use portcullis_edge::exchange::Fetch;
use portcullis_edge::path::split_target;
use portcullis_edge::trace::FieldEncryption;
use portcullis_field_encryption::{Configuration, Selection, Status, form};

/// The request whose body it is, as its viewer sent it.
pub(super) struct Sender<'a> {
    pub(super) target: &'a str,
    pub(super) content_type: Option<&'a [u8]>,
}

/// What a log says, and whether the request goes on: its body is the one that was given, or the one put into `fetch`.
pub(super) async fn encrypt(
    configuration: Option<&Configuration>,
    sender: &Sender<'_>,
    fetch: &mut Fetch,
    viewer_body: &mut Option<Body>,
) -> (Option<FieldEncryption>, bool) {
    let Some(configuration) = configuration else {
        return said(Status::ServerError, 0, false);
    };
    let (_, query) = split_target(sender.target);
    match configuration.select(&fetch.method, sender.content_type, query) {
        Selection::Untouched => (None, true),
        Selection::Forward(status) => said(status, 0, true),
        Selection::Refuse(status) => said(status, 0, false),
        Selection::Encrypt(profile) => {
            let encrypted = match whole(fetch, viewer_body).await {
                Ok(body) => profile.encrypt(&body, &mut SysRng),
                Err(status) => Err(status),
            };
            match encrypted {
                Err(status) => said(status, 0, false),
                Ok(encrypted) => {
                    fetch.body = Some(Bytes::from(encrypted.body));
                    said(Status::Processed, encrypted.fields, true)
                }
            }
        }
    }
}

fn said(status: Status, fields: usize, goes_on: bool) -> (Option<FieldEncryption>, bool) {
    let status = status.name();
    (Some(FieldEncryption { status, fields }), goes_on)
}

async fn whole(fetch: &mut Fetch, viewer_body: &mut Option<Body>) -> Result<Bytes, Status> {
    if let Some(body) = fetch.body.take() {
        return Ok(body);
    }
    let body = viewer_body.take_if(|_| fetch.sends_viewer_body);
    let body = body.unwrap_or_else(Body::empty);
    let collected = body.collect(form::BODY_BYTES_MAX).await;
    collected.map_err(|error| match error {
        BodyError::TooLarge => Status::RequestLengthLimitClientError,
        BodyError::Truncated | BodyError::Timeout | BodyError::Malformed => {
            Status::MalformedInputClientError
        }
    })
}
