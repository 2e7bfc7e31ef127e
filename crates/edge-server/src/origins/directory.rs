//! A directory that answers as an S3 bucket does over its REST endpoint (GET and HEAD of objects).
//!
//! Always holds: nothing outside the directory is read, and nothing through a link; an object is served as it was when it
//! was opened, or its body breaks off; a key that does not exist and one that may not be read answer alike where the
//! bucket is not listed.
//!
//! Not as S3: the entity tag is made of size and time of change, not of the content; the key of a file is its path, so no
//! key has an empty, `.` or `..` segment. Deliberately absent: listing, versions, writing, signatures, multiple ranges.

mod answer;
mod object;

use super::{Fetching, OriginAnswer, OriginConnector, OriginFailure, OriginFetch};
use ::http::Method;
use answer::{Error, Played};
use object::Object;
use percent_encoding::percent_decode_str;
use portcullis_http_semantics::{EntityTag, HttpDate, Precondition, Preconditions, Validators};
use portcullis_http_semantics::{RangeRequest, Resolved, parse_range};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The longest key, in bytes (S3's limit).
const KEY_BYTES_MAX: usize = 1_024;

/// What the answer for a missing key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissingKey {
    /// 403: who asks may not list the bucket, as with a policy that allows `s3:GetObject` alone.
    AccessDenied,
    /// 404: who asks may list it.
    NoSuchKey,
}

/// System metadata of an object by its key: fields such as `Cache-Control`, in order.
pub type Metadata = dyn Fn(&str) -> Vec<(String, String)> + Send + Sync;

/// A directory in the part of a bucket.
#[derive(Clone)]
pub struct Directory {
    root: PathBuf,
    missing: MissingKey,
    metadata: Arc<Metadata>,
    requests: Arc<AtomicU64>,
}

impl fmt::Debug for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Directory({}, {:?})", self.root.display(), self.missing)
    }
}

impl Directory {
    /// The objects below `root`.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>, missing: MissingKey) -> Self {
        Self {
            root: root.into(),
            missing,
            metadata: Arc::new(|_| Vec::new()),
            requests: Arc::default(),
        }
    }

    /// The same, whose objects have these fields. A `Content-Type` among them replaces the one of the file's name.
    #[must_use]
    pub fn with_metadata(
        self,
        metadata: impl Fn(&str) -> Vec<(String, String)> + Send + Sync + 'static,
    ) -> Self {
        Self {
            metadata: Arc::new(metadata),
            ..self
        }
    }

    async fn answer(&self, fetch: OriginFetch) -> Result<OriginAnswer, OriginFailure> {
        let played = Played {
            number: self.requests.fetch_add(1, Ordering::Relaxed),
            now_ms: fetch.now_ms,
            is_head: fetch.method == Method::HEAD,
        };
        if !matches!(fetch.method, Method::GET | Method::HEAD) {
            return played.error(Error::MethodNotAllowed);
        }
        let missing = match self.missing {
            MissingKey::AccessDenied => Error::AccessDenied,
            MissingKey::NoSuchKey => Error::NoSuchKey,
        };
        let path = fetch.target.split('?').next().unwrap_or_default();
        let decoded = percent_decode_str(path).decode_utf8();
        let Some(key) = decoded
            .ok()
            .and_then(|path| Some(path.strip_prefix('/')?.to_owned()))
        else {
            return played.error(Error::InvalidUri);
        };
        if key.is_empty() {
            // Listing the bucket.
            return played.error(Error::AccessDenied);
        }
        if key.len() > KEY_BYTES_MAX {
            return played.error(Error::KeyTooLong);
        }
        match Object::open(&self.root, &key).await {
            Some(object) => self.object(&played, &fetch, &key, object).await,
            None => played.error(missing),
        }
    }

    async fn object(
        &self,
        played: &Played,
        fetch: &OriginFetch,
        key: &str,
        object: Object,
    ) -> Result<OriginAnswer, OriginFailure> {
        let etag = object.etag();
        let validators = Validators {
            etag: EntityTag::parse(etag.as_bytes()),
            last_modified: HttpDate::from_epoch_seconds(object.modified_s()),
        };
        let asked = Preconditions::parse(|name| fetch.fields.get(name));
        let method = portcullis_http_semantics::Method::Get;
        match asked.evaluate(method, &validators) {
            Precondition::Proceed => {}
            Precondition::NotModified => return played.not_modified(&object),
            Precondition::Failed => return played.error(Error::PreconditionFailed),
        }
        let metadata = (self.metadata)(key);
        let range = match parse_range(fetch.fields.get("range")) {
            RangeRequest::Single(range) if asked.range_applies(method, &validators) => {
                match range.resolve(object.bytes()) {
                    Resolved::Satisfiable(range) => Some(range),
                    Resolved::Unsatisfiable => return played.error(Error::InvalidRange),
                }
            }
            RangeRequest::Single(_)
            | RangeRequest::None
            | RangeRequest::Multiple
            | RangeRequest::Invalid => None,
        };
        played.object(key, object, &metadata, range).await
    }
}

impl OriginConnector for Directory {
    fn fetch(&self, request: OriginFetch) -> Fetching<'_> {
        Box::pin(self.answer(request))
    }
}

#[cfg(test)]
mod tests;
