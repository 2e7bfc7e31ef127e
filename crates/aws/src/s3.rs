//! Objects in S3.
//!
//! Always holds:
//! - What is said of an object is read from the answer's own header, byte for byte. The SDK's reading of it is not used:
//!   it loses what is no UTF-8, fails a whole answer over one odd byte, and rewrites `Expires`.
//! - What an answer means is decided by the port's own [`Want::select`], also where a store answers a condition or a range
//!   it was sent as if it had not been there. An answer nobody asked for is an error.
//! - A body ends cleanly only with exactly its bytes, and, read whole, with their checksum if the store keeps one.
//!
//! A bucket needs the permissions `s3:GetObject` on its objects and `s3:ListBucket` on itself: without the second a
//! missing object is a refusal ([`StoreError::Denied`]), not missing. A bucket that does not exist is
//! [`StoreError::Unavailable`] for a read; its metadata cannot be told from a missing object's.
//!
//! Deliberately absent: versions, S3 Express, requester pays.

mod answer;
mod body;

use crate::failure::Failure;
use answer::{Head, said_of};
use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::types::ChecksumMode;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeDeserializationInterceptorContextMut, BeforeDeserializationInterceptorContextRef,
    BeforeSerializationInterceptorContextRef,
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::NonUtf8HeaderHandling;
use aws_smithy_types::config_bag::ConfigBag;
use portcullis_http_semantics::RangeSpec;
use portcullis_origin::field::StrongTag;
use portcullis_origin::store::{Fetched, Metadata, ObjectRef, ObjectStore, StoreError, Want};
use std::sync::{Arc, Mutex, PoisonError};

/// Objects in S3, of every bucket that the credentials may read.
#[derive(Debug, Clone)]
pub struct S3Objects {
    client: aws_sdk_s3::Client,
}

impl S3Objects {
    pub(crate) fn new(client: aws_sdk_s3::Client) -> Self {
        Self { client }
    }
}

impl ObjectStore for S3Objects {
    async fn get(&self, object: &ObjectRef, want: &Want) -> Result<Fetched, StoreError> {
        let heard = Heard::default();
        // No part has the checksum of the whole; asking for it would break the right bytes of a part.
        let checksum = want.range.is_none().then_some(ChecksumMode::Enabled);
        let sent = self
            .client
            .get_object()
            .bucket(object.bucket.as_str())
            .key(object.key.as_str())
            .set_range(want.range.map(range_field))
            .set_if_match(want.if_match.as_ref().and_then(tag_field))
            .set_if_none_match(want.if_none_match.as_ref().and_then(tag_field))
            .set_checksum_mode(checksum)
            .customize()
            .interceptor(heard.clone())
            .send()
            .await;
        match sent {
            Ok(output) => answer::fetched(&heard.head()?, output.body.into_inner(), want),
            Err(error) => without_object(&error, want),
        }
    }

    async fn head(&self, object: &ObjectRef) -> Result<Option<Metadata>, StoreError> {
        let heard = Heard::default();
        let sent = self
            .client
            .head_object()
            .bucket(object.bucket.as_str())
            .key(object.key.as_str())
            .checksum_mode(ChecksumMode::Enabled)
            .customize()
            .interceptor(heard.clone())
            .send()
            .await;
        match sent {
            Ok(_) => answer::described(&heard.head()?).map(Some),
            // Without a body there is no code: the status is all there is.
            Err(error) if status(&error) == Some(404) => Ok(None),
            Err(error) => Err(Failure::of("s3:GetObject (HEAD)", &error).into()),
        }
    }
}

/// The answers that the SDK counts as errors, and errors.
fn without_object<E: ProvideErrorMetadata>(
    error: &SdkError<E, HttpResponse>,
    want: &Want,
) -> Result<Fetched, StoreError> {
    let SdkError::ServiceError(service) = error else {
        return Err(Failure::of("s3:GetObject", error).into());
    };
    let headers = service.raw().headers();
    match (service.raw().status().as_u16(), service.err().code()) {
        (404, Some("NoSuchKey")) => Ok(Fetched::Missing),
        (304, _) if want.if_none_match.is_some() => {
            let mut metadata = said_of(headers);
            metadata.etag = metadata.etag.or_else(|| want.if_none_match.clone());
            Ok(Fetched::NotModified(metadata))
        }
        (412, _) if want.if_match.is_some() => Ok(Fetched::Changed),
        (416, _) if want.range.is_some() => {
            let size = answer::unsatisfied_size(headers);
            Ok(Fetched::Unsatisfiable { size })
        }
        _ => Err(Failure::of("s3:GetObject", error).into()),
    }
}

fn status<E>(error: &SdkError<E, HttpResponse>) -> Option<u16> {
    error.raw_response().map(|answer| answer.status().as_u16())
}

fn range_field(range: RangeSpec) -> String {
    match range {
        RangeSpec::FromTo { first, last } => format!("bytes={first}-{last}"),
        RangeSpec::From(first) => format!("bytes={first}-"),
        RangeSpec::Suffix(length) => format!("bytes=-{length}"),
    }
}

/// The tag as it is sent. One with other characters than visible ASCII is none of S3's; `select` compares it.
fn tag_field(tag: &StrongTag) -> Option<String> {
    let text = String::from_utf8(tag.quoted()).ok()?;
    text.bytes().all(|b| b.is_ascii_graphic()).then_some(text)
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Denied(text) => Self::Denied(text),
            Failure::Throttled(_) => Self::Throttled,
            Failure::TimedOut => Self::TimedOut,
            Failure::Unavailable(text) => Self::Unavailable(text),
            Failure::Malformed(text) => Self::Malformed(text),
        }
    }
}

/// Keeps the head of the last answer to one call as it came, before any part of the SDK changes it.
#[derive(Debug, Clone, Default)]
struct Heard(Arc<Mutex<Option<Head>>>);

impl Heard {
    fn head(&self) -> Result<Head, StoreError> {
        let head = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        head.ok_or_else(|| StoreError::Malformed("an answer without a head".to_owned()))
    }
}

impl Intercept for Heard {
    fn name(&self) -> &'static str {
        "Heard"
    }

    fn read_after_transmit(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let answer = context.response();
        let head = Head {
            status: answer.status().as_u16(),
            headers: answer.headers().clone(),
        };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(head);
        Ok(())
    }
}

/// Keeps the SDK from failing, or panicking, over a header it need not understand.
#[derive(Debug)]
pub(crate) struct KeepUnreadHeaders;

impl Intercept for KeepUnreadHeaders {
    fn name(&self) -> &'static str {
        "KeepUnreadHeaders"
    }

    fn read_before_execution(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        config
            .interceptor_state()
            .store_put(NonUtf8HeaderHandling::Skip);
        Ok(())
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        // The SDK unwraps it as text (aws-sdk-s3 1.157, s3_expires_interceptor): one odd byte in it would be a panic.
        context.response_mut().headers_mut().remove("expires");
        Ok(())
    }
}

#[cfg(test)]
mod tests;
