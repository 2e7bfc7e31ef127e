//! Reading a manifest from the store, in the calls of the request that needs it first.

use crate::field::FieldValue;
use crate::object_path::ObjectKey;
use crate::releases::{Document, Held, MANIFEST_BYTES_MAX, Opened, Reader};
use crate::serve::body::{Promise, verified};
use crate::serve::calls::Calls;
use crate::serve::outcome::OriginFault;
use crate::serve::reply::PendingBody;
use crate::serve::{Ports, media_type};
use crate::store::{Fetched, Object, ObjectRef, Want};
use http_body_util::BodyExt as _;
use portcullis_release_manifest::serving::Stored;
use portcullis_release_manifest::{FileRef, ReleaseManifest, VersionedKey};
use portcullis_site::Bucket;

/// The largest document that is kept for 404s, in bytes. A larger one is not sent.
const DOCUMENT_BYTES_MAX: u64 = 256 * 1024;

/// Reads manifests with the calls of one request.
pub(super) struct ManifestReader<'a, P> {
    pub(super) calls: &'a Calls<'a, P>,
    pub(super) bucket: &'a Bucket,
}

impl<P: Ports> Reader for ManifestReader<'_, P> {
    async fn open(&self, stored: Stored) -> Result<Opened, OriginFault> {
        let sha256 = *stored.release.as_bytes();
        let (body, length) = self
            .whole(&stored.manifest_key(), sha256, MANIFEST_BYTES_MAX)
            .await?;
        // The bytes have the digest that the publisher checked every table under.
        let bytes = Held::read(body, length).await?;
        let manifest = ReleaseManifest::open(bytes).map_err(|_| OriginFault::Malformed)?;
        let not_found = match manifest.rules().not_found.as_deref() {
            Some(path) => self.document(manifest.find(path)?).await?,
            None => None,
        };
        Ok(Opened {
            stored,
            manifest,
            not_found,
        })
    }
}

impl<P: Ports> ManifestReader<'_, P> {
    async fn document(&self, file: Option<FileRef<'_>>) -> Result<Option<Document>, OriginFault> {
        let Some(file) = file.filter(|file| file.object.size <= DOCUMENT_BYTES_MAX) else {
            return Ok(None);
        };
        let sha256 = *file.object.sha256;
        let (body, _) = self
            .whole(&file.object.key(), sha256, DOCUMENT_BYTES_MAX)
            .await?;
        let bytes = body.collect().await?.to_bytes();
        let stated = FieldValue::new(file.content_type.as_bytes()).ok();
        Ok(Some(Document {
            bytes,
            content_type: media_type::of(stated.as_ref(), file.path),
        }))
    }

    /// An object, whose bytes have this digest, and its length.
    async fn whole(
        &self,
        key: &VersionedKey,
        sha256: [u8; 32],
        bytes_max: u64,
    ) -> Result<(PendingBody, u64), OriginFault> {
        let object = ObjectRef {
            bucket: self.bucket.clone(),
            key: ObjectKey::of_release(key),
        };
        match self.calls.get(&object, &Want::default()).await? {
            Fetched::Full(Object { metadata, body }) if metadata.size <= bytes_max => {
                let promise = Promise {
                    first: 0,
                    length: metadata.size,
                    etag: metadata.etag,
                    sha256: Some(sha256),
                };
                let resume = self.calls.resume(&object);
                Ok((verified(body, promise, resume), metadata.size))
            }
            Fetched::Missing => Err(OriginFault::Incomplete),
            _ => Err(OriginFault::Malformed),
        }
    }
}
