//! The release store of a site: on this machine the folder of its bucket, with the ledger in it; in an account the bucket,
//! with the ledger beside the state in DynamoDB.
//!
//! ```text
//! BUCKET/KEY                        an object
//! BUCKET/.portcullis/ledger.json    which release is live, which are kept
//! BUCKET/.portcullis/metadata/      what is stored with each object
//! ```

mod adapters;

use crate::args::ReleaseStore;
use crate::exit::Failure;
use crate::gateway::Folders;
use crate::load::load;
use crate::machine;
use crate::serve::StatePlace;
use adapters::{Ledgers, Objects};
use portcullis_http_semantics::HttpDate;
use portcullis_origin::state::file::FileState;
use portcullis_release::directory::DirectoryObjects;
use portcullis_release::file::FileLedger;
use portcullis_release::key::ReleaseId;
use portcullis_release::ledger::{Ledger, Retention};
use portcullis_release::port::{Clock, LedgerPort as _};
use portcullis_release::run::Site;
use portcullis_site::{Bucket, Keep, Origin, Releases, Seconds};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// By how many seconds clocks on one machine may differ.
const SLACK: u64 = 2;
/// The same for machines that publish to one account.
const SLACK_IN_ACCOUNT: u64 = 120;
/// How much of an id is shown, and the least that names a release.
pub(super) const SHORT: usize = 12;
const SHORTEST: usize = 4;

/// The machine's clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wall;

impl Clock for Wall {
    fn now(&self) -> u64 {
        machine::now_ms() / 1_000
    }
}

/// The store of one site.
pub(super) struct Store {
    pub(super) site: Site<Objects, Ledgers, Wall>,
    pub(super) releases: Releases,
    /// By how many seconds the clocks of publishers may differ.
    slack: u64,
}

/// The ledger in the folder of a bucket.
pub(crate) fn path_of_ledger(bucket: &Path) -> PathBuf {
    bucket.join(".portcullis").join("ledger.json")
}

/// What the ledger in the folder of a bucket says; `None` if nothing was ever published there.
pub(crate) async fn ledger_of(bucket: &Path) -> Option<Ledger> {
    let path = path_of_ledger(bucket);
    if !path.is_file() {
        return None;
    }
    FileLedger::new(path).load().await.ok()
}

impl Store {
    /// The store that the manifest's one origin of kind `releases` stands for.
    pub(super) fn open(args: &ReleaseStore) -> Result<Self, Failure> {
        let manifest = load(&args.manifest)?;
        let site = manifest.compiled.bundle.site();
        let bucket = bucket(&site.origins)?;
        let (objects, ledger, slack) = match &args.state {
            Some(StatePlace::DynamoDb { table, site }) => {
                let profile = args.profile.as_deref();
                let (objects, ledger) = adapters::in_account(bucket, table, site, profile)?;
                (objects, ledger, SLACK_IN_ACCOUNT)
            }
            Some(StatePlace::File(state)) => {
                let (objects, ledger) = in_folder(args, bucket, &manifest.folder, Some(state))?;
                (objects, ledger, SLACK)
            }
            None => {
                let (objects, ledger) = in_folder(args, bucket, &manifest.folder, None)?;
                (objects, ledger, SLACK)
            }
        };
        Ok(Self {
            site: Site::new(objects, ledger, Wall),
            releases: site.releases.clone().unwrap_or_else(defaults),
            slack,
        })
    }

    /// The ledger as it is.
    pub(super) fn load(&self) -> Result<Ledger, Failure> {
        super::wait(self.site.ledger.load())?
            .map_err(|error| Failure::failed(format!("the ledger: {error}")))
    }

    /// What a collection keeps.
    pub(super) fn retention(&self, grace: u64) -> Retention {
        let keep = self.releases.keep;
        Retention {
            releases: usize::try_from(keep.releases).unwrap_or(usize::MAX),
            min_age: keep.min_age.get(),
            grace,
            slack: self.slack,
        }
    }
}

/// The folder that stands for the bucket; `state` is told of every change.
fn in_folder(
    args: &ReleaseStore,
    bucket: &Bucket,
    beside: &Path,
    state: Option<&Path>,
) -> Result<(Objects, Ledgers), Failure> {
    let folder = Folders::new(&args.buckets, beside)?.of(bucket);
    let path = path_of_ledger(&folder);
    let own = path.parent().unwrap_or(&folder).to_owned();
    std::fs::create_dir_all(&own).map_err(|why| {
        Failure::failed(format!(
            "the store `{}` cannot be written: {why}",
            own.display()
        ))
    })?;
    let mut ledger = FileLedger::new(path);
    if let Some(state) = state {
        let state = FileState::new(state);
        ledger = ledger.with_mirror(Arc::new(move |ledger: &Ledger| mirror(&state, ledger)));
    }
    let objects = DirectoryObjects::new(folder, own.join("metadata"));
    Ok((Objects::Directory(objects), Ledgers::File(ledger)))
}

/// The state of a server that polls a file says what the ledger says.
fn mirror(state: &FileState, ledger: &Ledger) -> io::Result<()> {
    let updated = state.update(|state| state.release = Some(ledger.serving()));
    updated.map(|_| ()).map_err(io::Error::other)
}

fn bucket<'a>(
    origins: impl IntoIterator<Item = (&'a portcullis_site::Name, &'a Origin)>,
) -> Result<&'a Bucket, Failure> {
    let stores = origins.into_iter().filter_map(|(_, origin)| match origin {
        Origin::Releases { bucket } => Some(bucket),
        _ => None,
    });
    let mut stores: Vec<&Bucket> = stores.collect();
    stores.dedup();
    match stores.as_slice() {
        [one] => Ok(one),
        [] => Err(Failure::usage("the site has no origin of kind `releases`")
            .help("add one: `origins: { pages: { releases: { bucket: NAME } } }`")),
        _ => Err(Failure::usage("the site has more than one release store")),
    }
}

/// How a site answers that says nothing of its releases.
fn defaults() -> Releases {
    Releases {
        entry: "index.html".to_owned(),
        clean_urls: false,
        fallback: None,
        not_found: None,
        classes: Vec::new(),
        keep: Keep {
            releases: 10,
            min_age: Seconds::new(30 * 86_400).unwrap_or(Seconds::MAX),
        },
    }
}

/// The release that an id, its beginning or `live` means.
pub(super) fn resolve(ledger: &Ledger, id: &str) -> Result<ReleaseId, Failure> {
    if id == "live" {
        let live = ledger.live.map(|live| live.release);
        return live.ok_or_else(|| Failure::failed("nothing is live"));
    }
    let named = |release: &ReleaseId| release.to_string().starts_with(id);
    let mut found = ledger
        .releases
        .iter()
        .map(|record| record.release)
        .filter(named);
    let help = "`portcullis releases` lists what there is";
    match (found.next(), found.next()) {
        (Some(release), None) if id.len() >= SHORTEST => Ok(release),
        (None, _) => Err(Failure::usage(format!("no release begins with `{id}`")).help(help)),
        _ => Err(Failure::usage(format!("`{id}` means more than one release")).help(help)),
    }
}

/// The beginning of an id.
pub(super) fn short(release: &ReleaseId) -> String {
    release.to_string().chars().take(SHORT).collect()
}

/// A time as people read it.
pub(super) fn date(seconds: u64) -> String {
    HttpDate::from_epoch_seconds(seconds)
        .map_or_else(|| seconds.to_string(), |date| date.to_string())
}
