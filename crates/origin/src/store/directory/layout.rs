//! Where an object and what is said of it are kept.
//!
//! Always holds: a [`Place`] is below its bucket as far as names go; symbolic links are for whoever opens it to refuse.

use super::SEGMENT_BYTES_MAX;
use crate::object_path::ObjectKey;
use portcullis_site::Bucket;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The directory of what is said of objects. No bucket's name begins with a dot.
const METADATA: &str = ".portcullis";

/// Which directories are buckets.
#[derive(Debug, Clone, Default)]
pub(super) struct Layout {
    root: Option<PathBuf>,
    named: BTreeMap<Bucket, PathBuf>,
}

/// Where one object is kept, and what is said of it.
#[derive(Debug)]
pub(super) struct Place {
    /// The bucket's directory.
    pub(super) objects: PathBuf,
    /// The object's file, relative to `objects`.
    pub(super) object: PathBuf,
    /// The directory of the bucket's metadata.
    pub(super) metadata: PathBuf,
    /// The object's metadata, relative to `metadata`.
    pub(super) sidecar: PathBuf,
}

impl Layout {
    pub(super) fn below(root: PathBuf) -> Self {
        let named = BTreeMap::new();
        let root = Some(root);
        Self { root, named }
    }

    pub(super) fn add(&mut self, name: Bucket, directory: PathBuf) {
        self.named.insert(name, directory);
    }

    /// Where the object of this name would be; `None` if no file can be it.
    pub(super) fn place(&self, bucket: &Bucket, key: &ObjectKey) -> Option<Place> {
        let (objects, metadata) = match (self.named.get(bucket), &self.root) {
            (Some(directory), _) => (directory.clone(), directory.join(METADATA).join("objects")),
            (None, Some(root)) => (
                root.join(bucket.as_str()),
                root.join(METADATA).join(bucket.as_str()),
            ),
            (None, None) => return None,
        };
        let object = file_path(key.as_str())?;
        let mut sidecar = object.clone().into_os_string();
        sidecar.push(".json");
        Some(Place {
            objects,
            object,
            metadata,
            sidecar: sidecar.into(),
        })
    }
}

impl Place {
    /// The lock of the bucket's writers. No bucket's name holds `_`, so it is nobody's directory.
    pub(super) fn lock(&self) -> PathBuf {
        beside(&self.metadata, "_lock")
    }

    /// The file that the holder of the lock writes before it takes its place.
    pub(super) fn temporary(&self) -> PathBuf {
        beside(&self.metadata, "_new")
    }
}

fn beside(directory: &Path, suffix: &str) -> PathBuf {
    let mut name = directory.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn file_path(key: &str) -> Option<PathBuf> {
    let names_a_file = |segment: &str| {
        !matches!(segment, "" | "." | "..")
            && segment.len() <= SEGMENT_BYTES_MAX
            && !segment.contains(['\0', '\\'])
    };
    let reserved = key.split('/').next() == Some(METADATA);
    (!reserved && key.split('/').all(names_a_file)).then(|| PathBuf::from(key))
}

#[cfg(test)]
mod tests {
    use super::file_path;
    use std::path::Path;

    #[test]
    fn a_key_is_its_file_name_byte_for_byte() {
        for key in [
            "a",
            "a b/c+d@e=f",
            "q'\"?*<>|:;",
            "été/日本",
            ".well-known/x",
            "a/.portcullis/b",
            "..a/b..",
        ] {
            assert_eq!(file_path(key).as_deref(), Some(Path::new(key)), "{key:?}");
        }
        assert!(file_path(&"a".repeat(255)).is_some());
    }

    #[test]
    fn what_no_file_can_be_called_has_no_place() {
        let long = "a".repeat(256);
        for key in [
            "",
            "/",
            "a/",
            "/a",
            "a//b",
            ".",
            "..",
            "../a",
            "a/../b",
            "a/.",
            "a\\b",
            "a\0",
            ".portcullis",
            ".portcullis/x",
            &long,
        ] {
            assert_eq!(file_path(key), None, "{key:?}");
        }
    }
}
