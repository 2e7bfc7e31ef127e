//! The gateway on this machine: a folder for the object store, a file or memory for the state, a country database.

use crate::args::{Buckets, Local};
use crate::exit::Failure;
use memmap2::{Mmap, MmapMut};
use portcullis_origin::clock::SystemClock;
use portcullis_origin::countries::Countries;
use portcullis_origin::handle::Gateway;
use portcullis_origin::serve::{NoSigner, Ports};
use portcullis_origin::store::ObjectStore;
use portcullis_origin::store::directory::DirectoryStore;
use portcullis_origin::upstream::client::HttpClient;
use portcullis_site::{Bucket, Database, Site, WhenStale};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The demonstration country database, for local use only.
const DEMONSTRATION: &[u8] = include_bytes!("../../../infra/geoip/demonstration-country.mmdb");

/// What the local gateway serves from.
#[derive(Debug, Clone)]
pub(crate) struct LocalPorts<O = DirectoryStore> {
    objects: Arc<O>,
    upstream: Arc<HttpClient>,
}

/// The local gateway over a state store.
pub(crate) type LocalGateway<S, O = DirectoryStore> = Gateway<LocalPorts<O>, S, SystemClock>;

/// The folders that stand for buckets.
#[derive(Debug, Clone)]
pub(crate) struct Folders {
    root: PathBuf,
    elsewhere: Vec<(Bucket, PathBuf)>,
}

impl Folders {
    /// The folders that are named; `folder` is the manifest's.
    pub(crate) fn new(buckets: &Buckets, folder: &Path) -> Result<Self, Failure> {
        Ok(Self {
            root: buckets
                .root
                .clone()
                .unwrap_or_else(|| folder.join("buckets")),
            elsewhere: buckets
                .bucket
                .iter()
                .map(|pair| bucket(pair))
                .collect::<Result<_, _>>()?,
        })
    }

    /// The folder of one bucket.
    pub(crate) fn of(&self, name: &Bucket) -> PathBuf {
        let named = self
            .elsewhere
            .iter()
            .rev()
            .find(|(bucket, _)| bucket == name);
        named.map_or_else(|| self.root.join(name.as_str()), |(_, path)| path.clone())
    }

    /// The store over them.
    pub(crate) fn store(&self) -> DirectoryStore {
        let store = DirectoryStore::new(&self.root);
        self.elsewhere.iter().fold(store, |store, (name, path)| {
            store.with_bucket(name.clone(), path)
        })
    }
}

impl<O> LocalPorts<O> {
    /// Ports over a store of objects.
    pub(crate) fn new(objects: O) -> Self {
        Self {
            objects: Arc::new(objects),
            upstream: Arc::new(HttpClient::new()),
        }
    }
}

fn bucket(pair: &str) -> Result<(Bucket, PathBuf), Failure> {
    let (name, path) = pair
        .split_once('=')
        .ok_or_else(|| Failure::usage(format!("`{pair}` is not NAME=DIR")))?;
    Ok((
        Bucket::new(name).map_err(Failure::usage)?,
        PathBuf::from(path),
    ))
}

impl<O: ObjectStore + 'static> Ports for LocalPorts<O> {
    type Objects = O;
    type Upstream = HttpClient;
    type Signer = NoSigner;

    fn objects(&self) -> &Arc<O> {
        &self.objects
    }

    fn upstream(&self) -> &HttpClient {
        &self.upstream
    }

    fn signer(&self) -> &NoSigner {
        &NoSigner
    }
}

/// The country database for a site on this machine, and what to say about it.
pub(crate) struct LocalCountries {
    pub(crate) countries: Countries,
    pub(crate) note: Option<String>,
}

/// Opens the database that is named, else the manifest's, else the demonstration. `now` is in seconds since the epoch.
pub(crate) fn countries(
    local: &Local,
    site: &Site,
    folder: &Path,
    now: u64,
) -> Result<LocalCountries, Failure> {
    let Some(rule) = &site.geo.database else {
        return Ok(LocalCountries {
            countries: Countries::none(),
            note: None,
        });
    };
    let named = local
        .geoip
        .clone()
        .or_else(|| Some(folder.join(&rule.file)).filter(|path| path.exists()));
    let (bytes, name) = match &named {
        Some(path) => (copy(&read(path)?)?, path.display().to_string()),
        None => (copy(DEMONSTRATION)?, "built in".to_owned()),
    };
    // The built-in database grows old with the program; here nobody is kept out for that.
    let when_stale = match named {
        Some(_) => rule.when_stale,
        None => WhenStale::Report,
    };
    let rule = Database {
        allow_demonstration: true,
        when_stale,
        ..rule.clone()
    };
    let countries = Countries::open(bytes, &rule, now)
        .map_err(|why| Failure::failed(format!("{name}: {why}")))?;
    let note = countries.is_demonstration().then(|| {
        format!("countries come from a demonstration database ({name}); it is not for production")
    });
    Ok(LocalCountries { countries, note })
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|why| {
        Failure::failed(format!(
            "the country database `{}` cannot be read: {why}",
            path.display()
        ))
    })
}

/// The bytes in memory of their own: a file on a laptop may change under a mapping.
fn copy(bytes: &[u8]) -> Result<Mmap, Failure> {
    let mut map = MmapMut::map_anon(bytes.len()).map_err(Failure::failed)?;
    map.copy_from_slice(bytes);
    map.make_read_only().map_err(Failure::failed)
}
