//! A planned directory as what is published: its keys, its manifest, and the bytes under each key.
//!
//! Always holds: equal content with equal metadata has one key, whatever its paths; a content that a kept release has
//! keeps the key that it has there, so that a directory that has not changed is the release that it was.

use super::compress::{Coding, Variant};
use super::content::{Planned, PlannedFile};
use crate::key::{Digest, VersionedKey};
use crate::port::{Body, Description};
use crate::protocol::{Assigned, Keys};
use crate::run::{ManifestKeys, Source};
use bytes::Bytes;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What a manifest's object is served as, by a plain bucket.
const MANIFEST_TYPE: &str = "application/octet-stream";
/// It never changes under its name.
const MANIFEST_LIFETIME: &str = "public, max-age=31536000, immutable";

/// The form of a manifest, both ways.
pub trait ManifestForm: ManifestKeys {
    /// Writes the manifest of these files, which are in the order of their paths. Equal files give equal bytes.
    ///
    /// # Errors
    /// Says what no manifest can hold.
    fn encode(&self, files: &[KeyedFile<'_>]) -> Result<Bytes, String>;
}

/// A file and the keys under which it is stored.
#[derive(Debug, Clone)]
pub struct KeyedFile<'a> {
    /// The file.
    pub file: &'a PlannedFile,
    /// Its key.
    pub key: VersionedKey,
    /// The keys and sizes of its variants.
    pub variants: Vec<(Coding, VersionedKey, u64)>,
}

/// A planned directory, to be published.
#[derive(Debug)]
pub struct PlannedRelease<F> {
    planned: Planned,
    form: F,
    named: Mutex<Named>,
}

/// What the last naming gave.
#[derive(Debug, Default)]
struct Named {
    /// For each key the number of a file, and of its variant.
    places: HashMap<VersionedKey, (usize, Option<usize>)>,
    manifest: Option<(VersionedKey, Bytes)>,
}

impl<F: ManifestForm> PlannedRelease<F> {
    /// The release that `planned` makes, with a manifest in this form.
    #[must_use]
    pub fn new(planned: Planned, form: F) -> Self {
        let named = Mutex::default();
        Self {
            planned,
            form,
            named,
        }
    }

    /// What was planned.
    #[must_use]
    pub const fn planned(&self) -> &Planned {
        &self.planned
    }

    /// The keys of contents that kept releases have and this one needs too. The first manifest wins.
    fn kept(&self, kept: &[Bytes]) -> Result<HashMap<Digest, VersionedKey>, String> {
        let files = self.planned.files.iter();
        let needed: HashSet<Digest> = files.flat_map(identities).collect();
        let mut keys = HashMap::new();
        for manifest in kept {
            for key in self.form.keys(manifest)? {
                if let Some(identity) = key.digest().filter(|identity| needed.contains(identity)) {
                    keys.entry(identity).or_insert(key);
                }
            }
        }
        Ok(keys)
    }

    /// The file of a key, and which of its variants.
    fn place(&self, key: &VersionedKey) -> Option<(&PlannedFile, Option<&Variant>)> {
        let (index, variant) = self.named().places.get(key).copied()?;
        let file = self.planned.files.get(index)?;
        Some((file, variant.and_then(|variant| file.variants.get(variant))))
    }

    fn manifest(&self, key: &VersionedKey) -> Option<Bytes> {
        let named = self.named();
        let manifest = named
            .manifest
            .as_ref()
            .filter(|(manifest, _)| manifest == key);
        manifest.map(|(_, bytes)| bytes.clone())
    }

    fn named(&self) -> MutexGuard<'_, Named> {
        // It is replaced whole, so that a panic leaves the one before.
        self.named.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn identities(file: &PlannedFile) -> impl Iterator<Item = Digest> {
    let variants = file.variants.iter().map(Some);
    std::iter::once(None)
        .chain(variants)
        .map(|variant: Option<&Variant>| file.identity(variant))
}

impl<F: ManifestForm> Source for PlannedRelease<F> {
    fn assign(&self, era: u64, kept: &[Bytes]) -> Result<Assigned, String> {
        let kept = self.kept(kept)?;
        let mut places = HashMap::new();
        let mut fresh = BTreeMap::new();
        let mut keyed = Vec::with_capacity(self.planned.files.len());
        for (index, file) in self.planned.files.iter().enumerate() {
            let mut key_of = |number: Option<usize>, variant: Option<&Variant>| {
                let identity = file.identity(variant);
                let extension = file.path.rsplit_once('.').map(|(_, extension)| extension);
                // Equal content under names with different extensions is one object: the first names it.
                let new = || VersionedKey::of_object(era, &identity, extension);
                let key = match kept.get(&identity) {
                    Some(key) => key.clone(),
                    None => fresh.entry(identity).or_insert_with(new).clone(),
                };
                places.entry(key.clone()).or_insert((index, number));
                key
            };
            let key = key_of(None, None);
            let variants = file.variants.iter().enumerate();
            let variants = variants.map(|(number, variant)| {
                (
                    variant.coding,
                    key_of(Some(number), Some(variant)),
                    variant.size,
                )
            });
            let variants = variants.collect();
            keyed.push(KeyedFile {
                file,
                key,
                variants,
            });
        }
        let bytes = self.form.encode(&keyed)?;
        let release = Digest::of(&bytes);
        let manifest = VersionedKey::of_manifest(era, &release);
        let mut objects: Vec<VersionedKey> = places.keys().cloned().collect();
        objects.sort_unstable();
        let fresh: Keys = fresh.into_values().collect();
        *self.named() = Named {
            places,
            manifest: Some((manifest.clone(), bytes)),
        };
        Ok(Assigned {
            release,
            manifest,
            objects: objects.into(),
            fresh,
        })
    }

    fn description(&self, key: &VersionedKey) -> Option<Description> {
        if let Some(bytes) = self.manifest(key) {
            return Some(Description {
                size: bytes.len() as u64,
                sha256: Digest::of(&bytes),
                content_type: MANIFEST_TYPE.to_owned(),
                cache_control: MANIFEST_LIFETIME.to_owned(),
                content_encoding: None,
            });
        }
        let (file, variant) = self.place(key)?;
        Some(Description {
            size: variant.map_or(file.size, |variant| variant.size),
            sha256: variant.map_or(file.sha256, |variant| variant.sha256),
            content_type: file.content_type.clone(),
            cache_control: file.cache_control.clone(),
            content_encoding: variant.map(|variant| variant.coding.name().to_owned()),
        })
    }

    fn body(&self, key: &VersionedKey) -> Result<Body, String> {
        if let Some(bytes) = self.manifest(key) {
            return Ok(Body::Bytes(bytes));
        }
        let (file, variant) = self
            .place(key)
            .ok_or_else(|| format!("nothing has the key {key}"))?;
        let Some(variant) = variant else {
            return Ok(Body::File(file.file.clone()));
        };
        let packed = self.planned.packed(file, variant);
        packed
            .map(Body::Bytes)
            .map_err(|error| format!("{}: {error}", file.file.display()))
    }
}
