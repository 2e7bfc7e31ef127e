//! S3's answers: which fields in which order, and the documents of its errors (Amazon S3 API Reference, "REST Error
//! Responses" and "Common Response Headers").

use super::object::Object;
use crate::body::Body;
use crate::fields::{FieldRefused, Fields};
use crate::origins::{Framing, OriginAnswer, OriginFailure};
use portcullis_http_semantics::{ByteRange, HttpDate};

/// The type of an object that was stored without one.
const TYPE_UNKNOWN: &str = "binary/octet-stream";

/// Why S3 refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Error {
    AccessDenied,
    NoSuchKey,
    InvalidRange,
    InvalidUri,
    KeyTooLong,
    MethodNotAllowed,
    PreconditionFailed,
}

impl Error {
    fn status(self) -> u16 {
        match self {
            Self::InvalidUri | Self::KeyTooLong => 400,
            Self::AccessDenied => 403,
            Self::NoSuchKey => 404,
            Self::MethodNotAllowed => 405,
            Self::PreconditionFailed => 412,
            Self::InvalidRange => 416,
        }
    }

    /// Its code, and what is wrong in words.
    fn told(self) -> (&'static str, &'static str) {
        match self {
            Self::AccessDenied => ("AccessDenied", "Access Denied"),
            Self::NoSuchKey => ("NoSuchKey", "There is no object with this key."),
            Self::InvalidRange => ("InvalidRange", "No byte of the object is in this range."),
            Self::InvalidUri => ("InvalidURI", "The URI cannot be parsed."),
            Self::KeyTooLong => ("KeyTooLongError", "The key is too long."),
            Self::MethodNotAllowed => (
                "MethodNotAllowed",
                "This method is not allowed against this resource.",
            ),
            Self::PreconditionFailed => (
                "PreconditionFailed",
                "A condition of the request does not hold.",
            ),
        }
    }
}

/// One request as the bucket numbers it.
pub(super) struct Played {
    pub(super) number: u64,
    pub(super) now_ms: u64,
    pub(super) is_head: bool,
}

type Answered = Result<OriginAnswer, OriginFailure>;

impl Played {
    /// S3 does not say how long the document of an error is.
    pub(super) fn error(&self, error: Error) -> Answered {
        let (code, message) = error.told();
        let document = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message>\
             <RequestId>{}</RequestId><HostId>{}</HostId></Error>",
            self.request_id(),
            self.host_id()
        );
        let fields = self.fields(|fields| {
            fields.add("Content-Type", "application/xml")?;
            self.date(fields)?;
            if error == Error::MethodNotAllowed {
                fields.add("Allow", "GET, HEAD")?;
            }
            fields.add("Server", "AmazonS3")
        })?;
        let (framing, body) = if self.is_head {
            (Framing::Length(0), Body::empty())
        } else {
            (Framing::Chunked, document.into_bytes().into())
        };
        Ok(OriginAnswer {
            status: error.status(),
            fields,
            framing,
            body,
        })
    }

    pub(super) fn not_modified(&self, object: &Object) -> Answered {
        let fields = self.fields(|fields| {
            self.date(fields)?;
            validators(fields, object)?;
            fields.add("Server", "AmazonS3")
        })?;
        Ok(OriginAnswer {
            status: 304,
            fields,
            framing: Framing::Length(0),
            body: Body::empty(),
        })
    }

    pub(super) async fn object(
        &self,
        key: &str,
        object: Object,
        metadata: &[(String, String)],
        range: Option<ByteRange>,
    ) -> Answered {
        let (first, length) = match &range {
            Some(range) => (range.first(), range.len()),
            None => (0, object.bytes()),
        };
        let fields = self.fields(|fields| {
            self.date(fields)?;
            validators(fields, &object)?;
            fields.add("x-amz-server-side-encryption", "AES256")?;
            fields.add("Accept-Ranges", "bytes")?;
            if let Some(range) = &range {
                fields.add("Content-Range", range.content_range())?;
            }
            content_type(fields, key, metadata)?;
            fields.add("Content-Length", length.to_string())?;
            fields.add("Server", "AmazonS3")
        })?;
        let body = if self.is_head {
            Body::empty()
        } else {
            let body = object.body(first, length).await;
            body.map_err(|_| OriginFailure::Closed)?
        };
        Ok(OriginAnswer {
            status: if range.is_some() { 206 } else { 200 },
            fields,
            framing: Framing::Length(if self.is_head { 0 } else { length }),
            body,
        })
    }

    /// The fields every answer begins with, and more. What cannot be a field is a mistake in the metadata.
    fn fields(
        &self,
        more: impl FnOnce(&mut Fields) -> Result<(), FieldRefused>,
    ) -> Result<Fields, OriginFailure> {
        let mut fields = Fields::default();
        fields
            .add("x-amz-id-2", self.host_id())
            .and_then(|()| fields.add("x-amz-request-id", self.request_id()))
            .and_then(|()| more(&mut fields))
            .map_err(|_| OriginFailure::Invalid)?;
        Ok(fields)
    }

    fn date(&self, fields: &mut Fields) -> Result<(), FieldRefused> {
        match HttpDate::from_epoch_seconds(self.now_ms / 1_000) {
            Some(now) => fields.add("Date", now.to_string()),
            None => Ok(()),
        }
    }

    /// Sixteen characters, as S3's; no two of one start are the same.
    fn request_id(&self) -> String {
        format!("{:016X}", self.number)
    }

    fn host_id(&self) -> String {
        format!("directory{:067}", self.number)
    }
}

fn validators(fields: &mut Fields, object: &Object) -> Result<(), FieldRefused> {
    if let Some(modified) = HttpDate::from_epoch_seconds(object.modified_s()) {
        fields.add("Last-Modified", modified.to_string())?;
    }
    fields.add("ETag", object.etag())
}

fn content_type(
    fields: &mut Fields,
    key: &str,
    metadata: &[(String, String)],
) -> Result<(), FieldRefused> {
    let is_type = |name: &str| name.eq_ignore_ascii_case("content-type");
    if !metadata.iter().any(|(name, _)| is_type(name)) {
        let guessed = new_mime_guess::from_path(key).first_raw();
        fields.add("Content-Type", guessed.unwrap_or(TYPE_UNKNOWN))?;
    }
    metadata
        .iter()
        .try_for_each(|(name, value)| fields.add(name, value))
}
