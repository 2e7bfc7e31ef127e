//! What publishing a folder would change: the release it makes, compared with the one that is live.

use super::look::{compare, open};
use super::store::Store;
use crate::args::{BrokenLinks, Publish};
use crate::exit::{Exit, Failure};
use anstream::eprintln;
use bytes::Bytes;
use portcullis_release::changes::Changes;
use portcullis_release::key::ReleaseId;
use portcullis_release::ledger::Ledger;
use portcullis_release::plan::{
    BrokenLink, Cache, Lifetimes, PlanSettings, Planned, PlannedRelease, Table, broken_links, plan,
    rules,
};
use portcullis_release::port::Body;
use portcullis_release::run::Source as _;
use portcullis_release_manifest::{Coding, ReleaseManifest};
use serde_json::json;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// How many paths of each kind are printed.
const PATHS_SHOWN: usize = 20;
/// How many broken links are printed.
const LINKS_SHOWN: usize = 20;

/// A planned release, and what it changes.
pub(super) struct Plan {
    pub(super) release: PlannedRelease<Table>,
    pub(super) id: ReleaseId,
    /// The epoch of the live release that it was compared with.
    pub(super) over: u64,
    /// The live release, if there is one.
    live: Option<ReleaseId>,
    changes: Changes,
    /// Objects that no kept release has, and their bytes.
    uploads: (usize, u64),
    /// Files whose name changes with their content.
    immutable: usize,
}

impl Plan {
    /// The plan for `args.folder`.
    pub(super) fn of(args: &Publish, store: &Store) -> Result<Self, Failure> {
        let rules = rules(&args.folder, &store.releases).map_err(|faults| {
            faults.iter().for_each(|fault| eprintln!("{fault}"));
            Failure::new(Exit::Findings, "the rules of the site have mistakes")
        })?;
        let planned = read(args, store)?;
        links(args, store, &planned)?;
        let immutable = planned.files.iter().filter(|file| file.versioned).count();
        let release = PlannedRelease::new(planned, Table(rules));
        let ledger = store.load()?;
        Self::over(store, &ledger, release, immutable)
    }

    fn over(
        store: &Store,
        ledger: &Ledger,
        release: PlannedRelease<Table>,
        immutable: usize,
    ) -> Result<Self, Failure> {
        let live = ledger.live.map(|live| live.release);
        let record = live.and_then(|live| ledger.record(&live));
        let kept = record.map(|record| super::wait(store.site.manifest(record)));
        let kept: Vec<Bytes> = match kept {
            Some(read) => vec![read?.map_err(|error| super::failed(&error))?],
            None => Vec::new(),
        };
        let assigned = release.assign(ledger.era, &kept).map_err(Failure::failed)?;
        let Ok(Body::Bytes(bytes)) = release.body(&assigned.manifest) else {
            return Err(Failure::failed("the release has no manifest"));
        };
        let new = ReleaseManifest::open(bytes).map_err(Failure::failed)?;
        let old = live.map(|live| open(store, ledger, &live)).transpose()?;
        let sizes = assigned
            .fresh
            .iter()
            .filter_map(|key| release.description(key));
        let uploads = (assigned.fresh.len(), sizes.map(|one| one.size).sum());
        Ok(Self {
            changes: compare(old.as_ref(), &new)?,
            id: assigned.release,
            over: ledger.live_since(),
            live,
            uploads,
            immutable,
            release,
        })
    }

    /// Whether the release is live already.
    pub(super) fn is_live(&self) -> bool {
        self.live == Some(self.id)
    }

    pub(super) fn json(&self) -> serde_json::Value {
        json!({
            "event": "plan",
            "release": self.id.to_string(),
            "live": self.live.map(|live| live.to_string()),
            "added": self.changes.added,
            "changed": self.changes.changed,
            "gone": self.changes.gone,
            "unchanged": self.changes.unchanged,
            "uploads": self.uploads.0,
            "upload_bytes": self.uploads.1,
            "immutable": self.immutable,
        })
    }

    pub(super) fn text(&self) -> String {
        let changes = &self.changes;
        let mut text = String::new();
        let kinds = [
            ("new", "+", &changes.added),
            ("changed", "~", &changes.changed),
            ("gone", "-", &changes.gone),
        ];
        for (_, mark, paths) in kinds {
            for path in paths.iter().take(PATHS_SHOWN) {
                let _ = writeln!(text, "{mark} /{path}");
            }
            if paths.len() > PATHS_SHOWN {
                let _ = writeln!(text, "{mark} ... and {} more", paths.len() - PATHS_SHOWN);
            }
        }
        for (word, _, paths) in kinds {
            let _ = write!(text, "{} {word}, ", paths.len());
        }
        let (objects, bytes) = self.uploads;
        let _ = writeln!(text, "{} unchanged", changes.unchanged);
        let _ = writeln!(text, "{objects} objects to upload, {} bytes", bytes);
        let _ = writeln!(
            text,
            "{} of {} names change with their content: kept for a year",
            self.immutable,
            self.release.planned().files.len()
        );
        let _ = writeln!(text, "release {}", self.id);
        text
    }
}

/// Reads the folder; what was read of it before is not read again.
fn read(args: &Publish, store: &Store) -> Result<Planned, Failure> {
    let path = cache_path(&args.folder);
    let codings = Coding::ALL;
    let mut cache = match &path {
        Some(path) => Cache::read(path, &codings),
        None => Cache::default(),
    };
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let settings = PlanSettings {
        lifetimes: Lifetimes::new(&store.releases),
        codings: &codings,
        threads,
        now: SystemTime::now(),
    };
    let planned = plan(&args.folder, &settings, &mut cache).map_err(|error| {
        Failure::failed(error).help("nothing was published; mend it and run this again")
    })?;
    if planned.files.is_empty() {
        return Err(Failure::failed(format!(
            "`{}` holds no file",
            args.folder.display()
        ))
        .help("name the folder that your build writes to; to take a site down, publish a page that says so"));
    }
    if let Some(path) = path {
        // Without it the next plan reads more, and is the same.
        let _reads_again = std::fs::create_dir_all(path.parent().unwrap_or(Path::new("/")))
            .and_then(|()| cache.write(&path));
    }
    Ok(planned)
}

/// Where what was read of a folder is remembered.
fn cache_path(folder: &Path) -> Option<PathBuf> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let base = match variable("XDG_CACHE_HOME") {
        Some(base) => PathBuf::from(base),
        None => PathBuf::from(variable("HOME")?).join(".cache"),
    };
    let folder = std::fs::canonicalize(folder).ok()?;
    let name = portcullis_release::key::Digest::of(folder.as_os_str().as_encoded_bytes());
    Some(base.join("portcullis").join(format!("plan-{name}")))
}

fn links(args: &Publish, store: &Store, planned: &Planned) -> Result<(), Failure> {
    if args.broken_links == BrokenLinks::Ignore {
        return Ok(());
    }
    let broken = broken_links(&planned.files, &store.releases).map_err(Failure::failed)?;
    let shown = broken.iter().take(LINKS_SHOWN);
    shown.for_each(
        |BrokenLink {
             page,
             line,
             reference,
         }| {
            eprintln!("{page}:{line}: `{reference}` leads nowhere in the site");
        },
    );
    if broken.len() > LINKS_SHOWN {
        eprintln!("... and {} more", broken.len() - LINKS_SHOWN);
    }
    match args.broken_links {
        BrokenLinks::Refuse if !broken.is_empty() => Err(Failure::new(
            Exit::Findings,
            format!("{} links lead nowhere", broken.len()),
        )
        .help("mend them, or publish with `--broken-links warn`")),
        _ => Ok(()),
    }
}
