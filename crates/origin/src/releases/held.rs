//! The bytes of a manifest: in memory, or mapped from a file that has no name any more.
//!
//! Always holds: what is mapped cannot change, since nobody else can open the file.

use crate::serve::OriginFault;
use bytes::Bytes;
use http_body::Body;
use http_body_util::BodyExt as _;
use memmap2::Mmap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};

/// The largest manifest that is read, in bytes. What Lambda offers below `/tmp` is as much at least.
pub const MANIFEST_BYTES_MAX: u64 = 480 * 1024 * 1024;
/// The largest manifest that is kept in memory, in bytes.
pub const IN_MEMORY_MAX: u64 = 1024 * 1024;

/// The bytes of one manifest.
#[derive(Debug)]
pub(crate) enum Held {
    Memory(Vec<u8>),
    Mapped(Mmap),
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Memory(bytes) => bytes,
            Self::Mapped(bytes) => bytes,
        }
    }
}

impl Held {
    /// Reads `body` to its end; it has `length` bytes.
    pub(crate) async fn read<B>(body: B, length: u64) -> Result<Self, OriginFault>
    where
        B: Body<Data = Bytes, Error = OriginFault> + Unpin,
    {
        if length > MANIFEST_BYTES_MAX {
            return Err(OriginFault::Malformed);
        }
        if length > IN_MEMORY_MAX {
            return in_file(body).await;
        }
        in_memory(body, length).await
    }
}

async fn in_memory<B>(mut body: B, length: u64) -> Result<Held, OriginFault>
where
    B: Body<Data = Bytes, Error = OriginFault> + Unpin,
{
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
    while let Some(frame) = body.frame().await {
        bytes.extend_from_slice(&frame?.into_data().unwrap_or_default());
    }
    Ok(Held::Memory(bytes))
}

async fn in_file<B>(mut body: B) -> Result<Held, OriginFault>
where
    B: Body<Data = Bytes, Error = OriginFault> + Unpin,
{
    let mut file = on_disk(nameless).await?;
    while let Some(frame) = body.frame().await {
        let bytes = frame?.into_data().unwrap_or_default();
        file = on_disk(move || file.write_all(&bytes).map(|()| file)).await?;
    }
    on_disk(move || map(&file)).await.map(Held::Mapped)
}

/// Does what waits for a disk where waiting does no harm.
async fn on_disk<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, OriginFault> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| OriginFault::Unavailable)?
        .map_err(|_| OriginFault::Unavailable)
}

/// A new file for temporary data, which no path leads to any more.
fn nameless() -> io::Result<File> {
    let mut name = [0; 16];
    getrandom::fill(&mut name).map_err(io::Error::other)?;
    let name: String = name.iter().map(|byte| format!("{byte:02x}")).collect();
    let path = std::env::temp_dir().join(format!("portcullis-{name}"));
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .open(&path)?;
    fs::remove_file(&path)?;
    Ok(file)
}

#[expect(
    unsafe_code,
    reason = "a file can be mapped in no other way, and a copy would cost its size in memory"
)]
fn map(file: &File) -> io::Result<Mmap> {
    // SAFETY: the bytes must not change while they are mapped. The file was made by `nameless`, has no name, and its only
    // descriptor is closed after this.
    unsafe { Mmap::map(file) }
}

#[cfg(test)]
mod tests {
    use super::{Held, IN_MEMORY_MAX, MANIFEST_BYTES_MAX};
    use crate::serve::OriginFault;
    use bytes::Bytes;
    use http_body_util::{BodyExt as _, Full};

    #[tokio::test]
    async fn a_manifest_is_the_same_in_memory_and_in_a_file() {
        for length in [0, 1, IN_MEMORY_MAX, IN_MEMORY_MAX + 1] {
            let bytes = Bytes::from(vec![7; usize::try_from(length).unwrap()]);
            let body = Full::new(bytes.clone()).map_err(|never| match never {});
            let held = Held::read(body, length).await.unwrap();
            assert_eq!(held.as_ref(), &bytes[..]);
            assert_eq!(matches!(held, Held::Mapped(_)), length > IN_MEMORY_MAX);
        }
        let body = Full::new(Bytes::new()).map_err(|never| match never {});
        let too_long = Held::read(body, MANIFEST_BYTES_MAX + 1).await;
        assert_eq!(too_long.err(), Some(OriginFault::Malformed));
    }
}
