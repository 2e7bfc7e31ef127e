//! What there is: the list of releases, the files of one, the differences of two.

use super::failed;
use super::store::{Store, date, resolve, short};
use crate::args::{Look, Releases};
use crate::exit::{Exit, Failure, Outcome};
use crate::out;
use bytes::Bytes;
use portcullis_release::changes::Changes;
use portcullis_release::key::{ReleaseId, VersionedKey};
use portcullis_release::ledger::{Ledger, Record};
use portcullis_release_manifest::ReleaseManifest;
use serde_json::json;

pub(crate) fn look(args: &Releases) -> Outcome {
    let store = Store::open(&args.store)?;
    let ledger = store.load()?;
    match &args.what {
        None => list(&ledger, args.store.json)?,
        Some(Look::Show { id }) => {
            let release = resolve(&ledger, id)?;
            show(&store, &ledger, &release, args.store.json)?;
        }
        Some(Look::Diff { old, new }) => {
            let pair = (resolve(&ledger, old)?, resolve(&ledger, new)?);
            diff(&store, &ledger, pair, args.store.json)?;
        }
    }
    Ok(Exit::Done.into())
}

/// What a release is now, in words.
fn standing(ledger: &Ledger, record: &Record) -> String {
    let release = record.release;
    let mut words = Vec::new();
    if ledger.live.is_some_and(|live| live.release == release) {
        words.push("live".to_owned());
    }
    if let Some(canary) = ledger.canary.filter(|canary| canary.release == release) {
        let held = if canary.held { ", held" } else { "" };
        words.push(format!("on trial for {} %{held}", u8::from(canary.share)));
    }
    let previews = ledger
        .previews
        .iter()
        .filter(|(_, preview)| **preview == release);
    words.extend(previews.map(|(name, _)| format!("preview {name}")));
    if record.condemned {
        words.push("being collected".to_owned());
    }
    if words.is_empty() {
        words.push("kept".to_owned());
    }
    words.join(", ")
}

fn list(ledger: &Ledger, as_json: bool) -> Result<(), Failure> {
    let newest_first = ledger.releases.iter().rev();
    if as_json {
        return newest_first.into_iter().try_for_each(|record| {
            out::json(&json!({
                "release": record.release.to_string(),
                "standing": standing(ledger, record),
                "published_at": record.published_at,
                "live_at": record.live_at,
            }))
        });
    }
    if ledger.releases.is_empty() {
        return out::line("nothing was published yet");
    }
    let lines = newest_first.map(|record| {
        format!(
            "{}  {}  {}\n",
            short(&record.release),
            date(record.published_at),
            standing(ledger, record)
        )
    });
    out::text(lines.collect::<String>())
}

/// The manifest of a release, opened.
pub(super) fn open(
    store: &Store,
    ledger: &Ledger,
    release: &ReleaseId,
) -> Result<ReleaseManifest<Bytes>, Failure> {
    let record = ledger.record(release);
    let record = record.ok_or_else(|| Failure::failed(format!("there is no release {release}")))?;
    let bytes = super::wait(store.site.manifest(record))?.map_err(|error| failed(&error))?;
    ReleaseManifest::verified(bytes, release)
        .map_err(|error| Failure::failed(format!("release {release}: {error}")))
}

/// The files of a manifest with the keys of their objects, in the order of their paths.
pub(super) fn keyed(
    manifest: &ReleaseManifest<Bytes>,
) -> Result<Vec<(&str, VersionedKey)>, Failure> {
    let files = manifest.files().map(|file| {
        let file = file.map_err(Failure::failed)?;
        Ok((file.path, file.object.key()))
    });
    files.collect()
}

/// What the newer of two manifests changes.
pub(super) fn compare(
    old: Option<&ReleaseManifest<Bytes>>,
    new: &ReleaseManifest<Bytes>,
) -> Result<Changes, Failure> {
    let before = old.map(keyed).transpose()?.unwrap_or_default();
    let after = keyed(new)?;
    fn borrowed<'a>(
        files: &'a [(&'a str, VersionedKey)],
    ) -> impl Iterator<Item = (&'a str, &'a VersionedKey)> {
        files.iter().map(|(path, key)| (*path, key))
    }
    Ok(Changes::between(borrowed(&before), borrowed(&after)))
}

fn show(store: &Store, ledger: &Ledger, release: &ReleaseId, as_json: bool) -> Result<(), Failure> {
    let manifest = open(store, ledger, release)?;
    for file in manifest.files() {
        let file = file.map_err(Failure::failed)?;
        if as_json {
            out::json(&json!({
                "path": file.path,
                "bytes": file.object.size,
                "content_type": file.content_type,
                "cache_control": file.cache_control,
                "versioned": file.versioned,
            }))?;
        } else {
            out::line(format_args!(
                "{:>12}  {}  {}  {}",
                file.object.size, file.path, file.content_type, file.cache_control
            ))?;
        }
    }
    Ok(())
}

fn diff(
    store: &Store,
    ledger: &Ledger,
    (old, new): (ReleaseId, ReleaseId),
    as_json: bool,
) -> Result<(), Failure> {
    let (old, new) = (open(store, ledger, &old)?, open(store, ledger, &new)?);
    let changes = compare(Some(&old), &new)?;
    if as_json {
        return out::json(&json!({
            "added": changes.added,
            "changed": changes.changed,
            "gone": changes.gone,
            "unchanged": changes.unchanged,
        }));
    }
    let lines = [
        ("+", &changes.added),
        ("~", &changes.changed),
        ("-", &changes.gone),
    ];
    for (mark, paths) in lines {
        for path in paths {
            out::line(format_args!("{mark} {path}"))?;
        }
    }
    out::line(format_args!("{} unchanged", changes.unchanged))
}
