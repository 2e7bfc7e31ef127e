//! A directory as the object store: what `portcullis dev` publishes to and serves from.
//!
//! ```text
//! OBJECTS/KEY            an object
//! METADATA/KEY.json      what is stored with it: `[{"sha256", "content_type", "content_encoding", "cache_control"}]`
//! ```
//!
//! Always holds: an object is there whole or not at all, after what is stored with it; the disk has both before the write is
//! answered. Files that are left over from a writer that was stopped begin with `.new-` and are nobody's.

use crate::durable;
use crate::file::failed;
use crate::key::{Digest, VersionedKey};
use crate::port::{Body, Description, ObjectPort, Page, PortError, Put, Upload};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// A store in two directories, one for objects and one for what is stored with them.
#[derive(Debug, Clone)]
pub struct DirectoryObjects {
    objects: PathBuf,
    metadata: PathBuf,
}

/// What is stored with an object.
#[derive(Debug, Serialize, Deserialize)]
struct Sidecar {
    sha256: Digest,
    content_type: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    content_encoding: Option<String>,
    cache_control: String,
}

/// Tells the temporary files of one process apart.
static WRITES: AtomicU64 = AtomicU64::new(0);
/// The longest description that is read, in bytes.
const SIDECAR_BYTES_MAX: u64 = 64 * 1024;
/// How much of a file is copied at once, in bytes.
const PART_BYTES: usize = 256 * 1024;

impl DirectoryObjects {
    /// The store in these directories; they are made when they are needed.
    #[must_use]
    pub fn new(objects: impl Into<PathBuf>, metadata: impl Into<PathBuf>) -> Self {
        let (objects, metadata) = (objects.into(), metadata.into());
        Self { objects, metadata }
    }

    fn object(&self, key: &VersionedKey) -> PathBuf {
        self.objects.join(key.as_str())
    }

    fn sidecar(&self, key: &VersionedKey) -> PathBuf {
        self.metadata.join(format!("{key}.json"))
    }

    fn write(&self, key: &VersionedKey, upload: &Upload) -> Result<Put, PortError> {
        let object = self.object(key);
        if object.try_exists().map_err(|error| failed(&error))? {
            return Ok(Put::Present);
        }
        let description = &upload.description;
        let sidecar = Sidecar {
            sha256: description.sha256,
            content_type: description.content_type.clone(),
            content_encoding: description.content_encoding.clone(),
            cache_control: description.cache_control.clone(),
        };
        let text = serde_json::to_vec(&[sidecar])
            .map_err(|error| PortError::Malformed(error.to_string()))?;
        let place = self.sidecar(key);
        let temporary = temporary(&place).map_err(|error| failed(&error))?;
        durable::replace(&place, &temporary, &text).map_err(|error| failed(&error))?;
        write_object(&object, upload)
    }

    fn read(&self, key: &VersionedKey) -> Result<Option<Description>, PortError> {
        let Some(size) = found(fs::metadata(self.object(key)))?.map(|metadata| metadata.len())
        else {
            return Ok(None);
        };
        let mut text = Vec::new();
        let file = File::open(self.sidecar(key)).map_err(|error| failed(&error))?;
        file.take(SIDECAR_BYTES_MAX)
            .read_to_end(&mut text)
            .map_err(|error| failed(&error))?;
        let [sidecar]: [Sidecar; 1] = serde_json::from_slice(&text)
            .map_err(|error| PortError::Malformed(error.to_string()))?;
        Ok(Some(Description {
            size,
            sha256: sidecar.sha256,
            content_type: sidecar.content_type,
            cache_control: sidecar.cache_control,
            content_encoding: sidecar.content_encoding,
        }))
    }
}

impl ObjectPort for DirectoryObjects {
    async fn put_if_absent(&self, key: &VersionedKey, upload: &Upload) -> Result<Put, PortError> {
        let (store, key, upload) = (self.clone(), key.clone(), upload.clone());
        blocking(move || store.write(&key, &upload)).await
    }

    async fn head(&self, key: &VersionedKey) -> Result<Option<Description>, PortError> {
        let (store, key) = (self.clone(), key.clone());
        blocking(move || store.read(&key)).await
    }

    async fn get(&self, key: &VersionedKey, bytes_max: u64) -> Result<Option<Bytes>, PortError> {
        let path = self.object(key);
        blocking(move || {
            let Some(file) = found(File::open(path))? else {
                return Ok(None);
            };
            let mut bytes = Vec::new();
            let read = file
                .take(bytes_max.saturating_add(1))
                .read_to_end(&mut bytes);
            let size = read.map_err(|error| failed(&error))?;
            if size as u64 > bytes_max {
                return Err(PortError::Malformed(format!("more than {bytes_max} bytes")));
            }
            Ok(Some(bytes.into()))
        })
        .await
    }

    /// One page holds the keys of one era.
    async fn list(&self, prefix: &str, from: Option<&str>) -> Result<Page, PortError> {
        let (root, prefix, from) = (
            self.objects.clone(),
            prefix.to_owned(),
            from.map(str::to_owned),
        );
        blocking(move || {
            // With the slash, so that the order is that of whole keys.
            let mut eras: Vec<String> = names(&root.join(&prefix))?
                .into_iter()
                .map(|era| format!("{prefix}{era}/"))
                .filter(|era| from.as_ref().is_none_or(|from| era >= from))
                .collect();
            eras.sort_unstable();
            let Some(era) = eras.first() else {
                return Ok(Page::default());
            };
            let keys = names(&root.join(era))?.into_iter();
            let keys = keys.filter_map(|name| VersionedKey::parse(&format!("{era}{name}")).ok());
            let mut keys: Vec<VersionedKey> = keys.collect();
            keys.sort_unstable();
            Ok(Page {
                keys,
                next: eras.get(1).cloned(),
            })
        })
        .await
    }

    async fn delete(&self, keys: &[VersionedKey]) -> Result<(), PortError> {
        let (store, keys) = (self.clone(), keys.to_vec());
        blocking(move || {
            for key in &keys {
                // The object first: one without a description would be no object.
                for path in [store.object(key), store.sidecar(key)] {
                    found(fs::remove_file(path))?;
                }
            }
            Ok(())
        })
        .await
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, PortError> + Send + 'static,
) -> Result<T, PortError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| PortError::Unavailable("the work was cancelled".to_owned()))?
}

fn found<T>(result: io::Result<T>) -> Result<Option<T>, PortError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(&error)),
    }
}

fn names(directory: &Path) -> Result<Vec<String>, PortError> {
    let Some(entries) = found(fs::read_dir(directory))? else {
        return Ok(Vec::new());
    };
    let names = entries.filter_map(|entry| match entry {
        Ok(entry) => entry.file_name().into_string().ok().map(Ok),
        Err(error) => Some(Err(failed(&error))),
    });
    names.collect()
}

/// A name for a file in the directory of `path`, which is made.
fn temporary(path: &Path) -> io::Result<PathBuf> {
    let directory = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(directory)?;
    let number = WRITES.fetch_add(1, Ordering::Relaxed);
    Ok(directory.join(format!(".new-{}-{number}", std::process::id())))
}

/// Writes the object beside its place, and links it there unless another writer was first.
fn write_object(object: &Path, upload: &Upload) -> Result<Put, PortError> {
    let temporary = temporary(object).map_err(|error| failed(&error))?;
    let written = copy(&temporary, upload).and_then(|()| match fs::hard_link(&temporary, object) {
        Ok(()) => Ok(Put::Written),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(Put::Present),
        Err(error) => Err(failed(&error)),
    });
    found(fs::remove_file(&temporary))?;
    let directory = object.parent().unwrap_or(Path::new("."));
    durable::sync_directory(directory).map_err(|error| failed(&error))?;
    written
}

fn copy(temporary: &Path, upload: &Upload) -> Result<(), PortError> {
    use sha2::Digest as _;
    let mut source: Box<dyn io::Read> = match &upload.body {
        Body::Bytes(bytes) => Box::new(io::Cursor::new(bytes.clone())),
        Body::File(path) => {
            let changed =
                |error: io::Error| PortError::Changed(format!("{}: {error}", path.display()));
            Box::new(File::open(path).map_err(changed)?)
        }
    };
    let mut file = File::create(temporary).map_err(|error| failed(&error))?;
    let (mut hash, mut size, mut part) = (sha2::Sha256::new(), 0, vec![0; PART_BYTES]);
    loop {
        let count = source
            .read(&mut part)
            .map_err(|error| PortError::Changed(error.to_string()))?;
        let Some(read @ [_, ..]) = part.get(..count) else {
            break;
        };
        hash.update(read);
        size += read.len() as u64;
        file.write_all(read).map_err(|error| failed(&error))?;
    }
    file.sync_all().map_err(|error| failed(&error))?;
    let sha256 = Digest::new(hash.finalize().into());
    if (size, sha256) == (upload.description.size, upload.description.sha256) {
        Ok(())
    } else {
        Err(PortError::Changed("the checksum differs".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::DirectoryObjects;
    use crate::conformance;

    #[tokio::test]
    async fn it_keeps_the_promises_of_an_object_store() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name| directory.path().join(name);
        let store = DirectoryObjects::new(at("objects"), at("metadata"));
        conformance::objects(&store).await;
        let left = std::fs::read_dir(at("objects/objects/0")).unwrap();
        let left = left.filter(|entry| {
            entry
                .as_ref()
                .unwrap()
                .file_name()
                .to_string_lossy()
                .starts_with('.')
        });
        assert_eq!(left.count(), 0);
    }
}
