//! Objects of releases in S3.

use crate::failure::Failure;
use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{Delete, ObjectIdentifier};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use portcullis_release::key::{Digest, VersionedKey};
use portcullis_release::port::{
    Body, Description, KEYS_MAX, ObjectPort, Page, PortError, Put, Upload,
};
use portcullis_site::Bucket;
use sha2::{Digest as _, Sha256};
use std::path::Path;

/// The largest object that is sent, in bytes: what S3 takes in one request.
pub const OBJECT_BYTES_MAX: u64 = 5 * 1024 * 1024 * 1024;
/// The user metadata that holds the SHA-256, for stores that do not say it otherwise.
const SHA256: &str = "sha256";
/// How much of a file is hashed at once, in bytes.
const PART_BYTES: usize = 1 << 20;

/// The objects of one bucket.
#[derive(Debug, Clone)]
pub struct S3ReleaseObjects {
    client: Client,
    bucket: Bucket,
}

impl S3ReleaseObjects {
    pub(crate) fn new(client: Client, bucket: Bucket) -> Self {
        Self { client, bucket }
    }
}

fn status<E>(error: &SdkError<E, HttpResponse>) -> Option<u16> {
    error.raw_response().map(|answer| answer.status().as_u16())
}

/// The digest of what is to be sent, so that a file that changed is found before it is.
fn digest_of(body: &Body) -> Result<Digest, PortError> {
    match body {
        Body::Bytes(bytes) => Ok(Digest::of(bytes)),
        Body::File(path) => digest_of_file(path),
    }
}

fn digest_of_file(path: &Path) -> Result<Digest, PortError> {
    use std::io::Read as _;
    let changed = |why: std::io::Error| PortError::Changed(format!("{}: {why}", path.display()));
    let mut file = std::fs::File::open(path).map_err(changed)?;
    let mut hasher = Sha256::new();
    let mut part = vec![0; PART_BYTES];
    loop {
        let read = file.read(&mut part).map_err(changed)?;
        match part.get(..read) {
            Some([]) | None => return Ok(Digest::new(hasher.finalize().into())),
            Some(bytes) => hasher.update(bytes),
        }
    }
}

async fn stream(body: &Body) -> Result<ByteStream, PortError> {
    match body {
        Body::Bytes(bytes) => Ok(ByteStream::from(bytes.clone())),
        Body::File(path) => ByteStream::from_path(path)
            .await
            .map_err(|why| PortError::Changed(format!("{}: {why}", path.display()))),
    }
}

impl ObjectPort for S3ReleaseObjects {
    async fn put_if_absent(&self, key: &VersionedKey, upload: &Upload) -> Result<Put, PortError> {
        let described = &upload.description;
        if described.size > OBJECT_BYTES_MAX {
            return Err(PortError::Full(format!(
                "an object has {} bytes, and S3 takes {OBJECT_BYTES_MAX} in one request",
                described.size
            )));
        }
        if digest_of(&upload.body)? != described.sha256 {
            return Err(PortError::Changed("it has other bytes now".to_owned()));
        }
        let sent = self
            .client
            .put_object()
            .bucket(self.bucket.as_str())
            .key(key.as_str())
            .if_none_match("*")
            .content_type(&described.content_type)
            .cache_control(&described.cache_control)
            .set_content_encoding(described.content_encoding.clone())
            .checksum_sha256(STANDARD.encode(described.sha256.as_bytes()))
            .metadata(SHA256, described.sha256.to_string())
            .body(stream(&upload.body).await?)
            .send()
            .await;
        let Err(error) = sent else {
            return Ok(Put::Written);
        };
        match (status(&error), error.code()) {
            (Some(412), _) => Ok(Put::Present),
            (_, Some("BadDigest" | "XAmzContentChecksumMismatch" | "InvalidDigest")) => Err(
                PortError::Changed("it changed while it was sent".to_owned()),
            ),
            // Somebody else writes the same key: what is there in the end has the same bytes.
            (Some(409), _) => match self.head(key).await? {
                Some(_) => Ok(Put::Present),
                None => Err(PortError::Unavailable("another writer is at it".to_owned())),
            },
            _ => Err(Failure::of("s3:PutObject", &error).into()),
        }
    }

    async fn head(&self, key: &VersionedKey) -> Result<Option<Description>, PortError> {
        let asked = self.client.head_object().bucket(self.bucket.as_str());
        let sent = asked.key(key.as_str()).send().await;
        let output = match sent {
            Ok(output) => output,
            Err(error) if status(&error) == Some(404) => return Ok(None),
            Err(error) => return Err(Failure::of("s3:GetObject (HEAD)", &error).into()),
        };
        let odd = |what: &str| PortError::Malformed(format!("{}: no {what}", key.as_str()));
        let sha256 = output.metadata().and_then(|all| all.get(SHA256));
        let sha256 = sha256.and_then(|text| Digest::parse(text).ok());
        let size = output
            .content_length()
            .and_then(|size| u64::try_from(size).ok());
        Ok(Some(Description {
            size: size.ok_or_else(|| odd("size"))?,
            sha256: sha256.ok_or_else(|| odd("SHA-256"))?,
            content_type: output.content_type().unwrap_or_default().to_owned(),
            cache_control: output.cache_control().unwrap_or_default().to_owned(),
            content_encoding: output.content_encoding().map(str::to_owned),
        }))
    }

    async fn get(&self, key: &VersionedKey, bytes_max: u64) -> Result<Option<Bytes>, PortError> {
        let asked = self.client.get_object().bucket(self.bucket.as_str());
        let output = match asked.key(key.as_str()).send().await {
            Ok(output) => output,
            Err(error) if status(&error) == Some(404) => return Ok(None),
            Err(error) => return Err(Failure::of("s3:GetObject", &error).into()),
        };
        let too_long =
            || PortError::Malformed(format!("{}: more than {bytes_max} bytes", key.as_str()));
        let said = output
            .content_length()
            .and_then(|size| u64::try_from(size).ok());
        if said.is_none_or(|size| size > bytes_max) {
            return Err(too_long());
        }
        let body = output.body.collect().await;
        let bytes = body
            .map_err(|why| PortError::Unavailable(why.to_string()))?
            .into_bytes();
        if bytes.len() as u64 > bytes_max {
            return Err(too_long());
        }
        Ok(Some(bytes))
    }

    async fn list(&self, prefix: &str, from: Option<&str>) -> Result<Page, PortError> {
        let asked = self
            .client
            .list_objects_v2()
            .bucket(self.bucket.as_str())
            .prefix(prefix);
        let asked = asked.set_start_after(from.map(str::to_owned));
        let output = asked
            .send()
            .await
            .map_err(|error| Failure::of("s3:ListBucket", &error))?;
        let names = output.contents().iter().filter_map(|one| one.key());
        let last = output
            .contents()
            .last()
            .and_then(|one| one.key())
            .map(str::to_owned);
        let mut keys: Vec<VersionedKey> = names
            .filter_map(|name| VersionedKey::parse(name).ok())
            .collect();
        keys.sort();
        Ok(Page {
            keys,
            next: last.filter(|_| output.is_truncated() == Some(true)),
        })
    }

    async fn delete(&self, keys: &[VersionedKey]) -> Result<(), PortError> {
        for keys in keys.chunks(KEYS_MAX) {
            let named = keys
                .iter()
                .map(|key| ObjectIdentifier::builder().key(key.as_str()).build());
            let named = named.collect::<Result<Vec<_>, _>>();
            let odd = |why: aws_smithy_types::error::operation::BuildError| {
                PortError::Malformed(why.to_string())
            };
            let delete = Delete::builder()
                .set_objects(Some(named.map_err(odd)?))
                .quiet(true);
            let asked = self.client.delete_objects().bucket(self.bucket.as_str());
            let sent = asked.delete(delete.build().map_err(odd)?).send().await;
            let output = sent.map_err(|error| Failure::of("s3:DeleteObject", &error))?;
            if let Some(error) = output.errors().first() {
                let code = error.code().unwrap_or("an error");
                return Err(PortError::Unavailable(format!("s3:DeleteObject: {code}")));
            }
        }
        Ok(())
    }
}
