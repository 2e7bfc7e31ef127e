//! The names of what a release store holds.
//!
//! ```text
//! objects/ERA/SHA256-OF-IDENTITY[.ext]     a file or one of its variants
//! releases/ERA/RELEASE                     the manifest of a release
//! ```
//!
//! Always holds: a key names one content with one set of metadata, for ever; it also names the *era* in which it was first
//! written. Collection ends an era, and no release of a later era refers to a key of an ended one unless a release that was
//! kept did. So a deletion that was decided once stays right however late it is carried out (see the ledger of the release engine).

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::fmt;

/// The longest key in bytes; S3's limit.
pub const KEY_BYTES_MAX: usize = 1_024;
/// Where files are.
pub const OBJECTS: &str = "objects/";
/// Where manifests are.
pub const MANIFESTS: &str = "releases/";

/// A SHA-256 digest, 64 hexadecimal digits as text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest([u8; 32]);

/// A release's id: the digest of its manifest's bytes.
pub type ReleaseId = Digest;

/// The key of one object of a release, relative to the site's prefix.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct VersionedKey(Box<str>);

/// Why a text is no digest or key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// A digest is written otherwise.
    #[error("a digest has 64 hexadecimal digits in lower case")]
    Digest,
    /// A key is written otherwise.
    #[error(
        "a versioned key is `objects/ERA/DIGEST`, with an extension or none, or `releases/ERA/DIGEST`"
    )]
    Key,
}

impl Digest {
    /// The digest of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The digest with these bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Reads 64 hexadecimal digits in lower case.
    ///
    /// # Errors
    /// [`KeyError::Digest`].
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let nibble = |digit: u8| match digit {
            b'0'..=b'9' => Ok(digit - b'0'),
            b'a'..=b'f' => Ok(digit - b'a' + 10),
            _ => Err(KeyError::Digest),
        };
        let (pairs, []) = text.as_bytes().as_chunks::<2>() else {
            return Err(KeyError::Digest);
        };
        if pairs.len() != 32 {
            return Err(KeyError::Digest);
        }
        let mut bytes = [0; 32];
        for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
            *byte = nibble(*high)? << 4 | nibble(*low)?;
        }
        Ok(Self(bytes))
    }
}

impl VersionedKey {
    /// The key of the content `identity` in `era`. The extension is for people who look at a bucket; one that is not 1 to
    /// 8 letters and digits is left out.
    #[must_use]
    pub fn of_object(era: u64, identity: &Digest, extension: Option<&str>) -> Self {
        let extension = extension.filter(|extension| is_extension(extension));
        let (dot, extension) = extension.map_or(("", ""), |extension| (".", extension));
        Self(format!("{OBJECTS}{era}/{identity}{dot}{extension}").into())
    }

    /// The key of the manifest of `release` in `era`.
    #[must_use]
    pub fn of_manifest(era: u64, release: &ReleaseId) -> Self {
        Self(format!("{MANIFESTS}{era}/{release}").into())
    }

    /// Reads a key.
    ///
    /// # Errors
    /// [`KeyError::Key`].
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let (rest, is_object) = match text.strip_prefix(OBJECTS) {
            Some(rest) => (rest, true),
            None => (text.strip_prefix(MANIFESTS).ok_or(KeyError::Key)?, false),
        };
        let (era, name) = rest.split_once('/').ok_or(KeyError::Key)?;
        let number: u64 = era.parse().map_err(|_| KeyError::Key)?;
        let (digest, extension) = match name.split_once('.') {
            Some((digest, extension)) => (digest, Some(extension)),
            None => (name, None),
        };
        let spelled = number.to_string() == era && Digest::parse(digest).is_ok();
        let extended = extension.is_none_or(|extension| is_object && is_extension(extension));
        if spelled && extended {
            Ok(Self(text.into()))
        } else {
            Err(KeyError::Key)
        }
    }

    /// The era in which it was first written.
    #[must_use]
    pub fn era(&self) -> u64 {
        let era = self.0.split('/').nth(1).and_then(|era| era.parse().ok());
        // A key is only made with one; were it not, no collection would take it.
        era.unwrap_or(u64::MAX)
    }

    /// The digest in it: of an object's identity, or of a manifest's bytes.
    #[must_use]
    pub fn digest(&self) -> Option<Digest> {
        let name = self.0.rsplit('/').next()?;
        Digest::parse(name.split('.').next()?).ok()
    }

    /// Whether it is the key of a file or a variant, not of a manifest.
    #[must_use]
    pub fn is_object(&self) -> bool {
        self.0.starts_with(OBJECTS)
    }

    /// The extension; empty if there is none.
    #[must_use]
    pub fn extension(&self) -> &str {
        let name = self.0.rsplit('/').next().unwrap_or_default();
        name.split_once('.').map_or("", |(_, extension)| extension)
    }

    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_extension(text: &str) -> bool {
    (1..=8).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl TryFrom<String> for Digest {
    type Error = KeyError;
    fn try_from(text: String) -> Result<Self, KeyError> {
        Self::parse(&text)
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.to_string()
    }
}

impl fmt::Display for VersionedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for VersionedKey {
    type Error = KeyError;
    fn try_from(text: String) -> Result<Self, KeyError> {
        Self::parse(&text)
    }
}

impl From<VersionedKey> for String {
    fn from(key: VersionedKey) -> Self {
        key.0.into()
    }
}

#[cfg(test)]
mod tests {
    use super::{Digest, VersionedKey};

    #[test]
    fn keys_are_read_back_as_they_were_made_and_nothing_else_is_one() {
        let digest = Digest::of(b"x");
        let object = VersionedKey::of_object(7, &digest, Some("html"));
        for key in [object, VersionedKey::of_manifest(7, &digest)] {
            assert_eq!(VersionedKey::parse(key.as_str()), Ok(key.clone()));
            assert_eq!(key.era(), 7);
        }
        for bad in [
            String::new(),
            format!("objects/07/{digest}"),
            format!("objects/7/{digest}.a/b"),
            format!("objects/7/{}", digest.to_string().to_uppercase()),
            format!("releases/7/{digest}.js"),
            format!("other/7/{digest}"),
            format!("objects/{digest}"),
        ] {
            assert!(VersionedKey::parse(&bad).is_err(), "{bad}");
        }
        let odd = VersionedKey::of_object(0, &digest, Some("../x"));
        assert_eq!(odd.as_str(), format!("objects/0/{digest}"));
    }
}
