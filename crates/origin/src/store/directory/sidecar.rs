//! What is said of an object, as JSON beside the tree of objects: a list of descriptions, each of one content.
//!
//! ```json
//! [{"sha256": "ab34…", "content_type": "text/html; charset=utf-8", "cache_control": "max-age=60"}]
//! ```
//!
//! Each description names the content it is of by its SHA-256, so that a reader who meets a half-done write still pairs
//! every content with its own description. One without `sha256`, written by hand, is of any content. Unknown members are
//! refused: a typing error must not pass as an absent value.

use super::content::Opened;
use super::layout::Place;
use super::{hex, unreadable};
use crate::store::{RawMetadata, StoreError};
use serde::{Deserialize, Serialize};
use std::io::{self, Read as _};

/// The longest sidecar that is read, in bytes.
pub(super) const SIDECAR_BYTES_MAX: u64 = 1024 * 1024;

/// What is said of one content.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Description {
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_encoding: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_language: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_disposition: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_control: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
}

impl Description {
    /// The description `raw` of the content with this digest.
    ///
    /// # Errors
    /// A value is not UTF-8, which JSON cannot hold.
    pub(super) fn of(sha256: &[u8; 32], raw: &RawMetadata) -> io::Result<Self> {
        let text = |value: &Option<Vec<u8>>| {
            let value = value.clone().map(String::from_utf8).transpose();
            value.map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))
        };
        Ok(Self {
            sha256: Some(hex(sha256)),
            content_type: text(&raw.content_type)?,
            content_encoding: text(&raw.content_encoding)?,
            content_language: text(&raw.content_language)?,
            content_disposition: text(&raw.content_disposition)?,
            cache_control: text(&raw.cache_control)?,
            expires: text(&raw.expires)?,
        })
    }

    fn raw(&self) -> RawMetadata {
        let bytes = |value: &Option<String>| value.clone().map(String::into_bytes);
        RawMetadata {
            content_type: bytes(&self.content_type),
            content_encoding: bytes(&self.content_encoding),
            content_language: bytes(&self.content_language),
            content_disposition: bytes(&self.content_disposition),
            cache_control: bytes(&self.cache_control),
            expires: bytes(&self.expires),
        }
    }
}

/// The descriptions of the object; none if there is no sidecar.
pub(super) fn read(place: &Place) -> Result<Vec<Description>, StoreError> {
    let Some(opened) = Opened::open(&place.metadata, &place.sidecar)? else {
        return Ok(Vec::new());
    };
    if opened.stamp.size > SIDECAR_BYTES_MAX {
        return Err(StoreError::Malformed(format!(
            "the sidecar is longer than {SIDECAR_BYTES_MAX} bytes"
        )));
    }
    let mut text = Vec::new();
    opened
        .file
        .take(SIDECAR_BYTES_MAX)
        .read_to_end(&mut text)
        .map_err(unreadable)?;
    serde_json::from_slice(&text)
        .map_err(|error| StoreError::Malformed(format!("the sidecar: {error}")))
}

/// What is said of the content with this digest.
pub(super) fn describing(descriptions: &[Description], sha256: &[u8; 32]) -> Option<RawMetadata> {
    let sha256 = hex(sha256);
    let named = |description: &&Description| description.sha256.as_ref() == Some(&sha256);
    let unnamed = |description: &&Description| description.sha256.is_none();
    let found = descriptions.iter().find(named);
    found
        .or_else(|| descriptions.iter().find(unnamed))
        .map(Description::raw)
}
