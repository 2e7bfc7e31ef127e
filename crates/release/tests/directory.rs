//! A directory on disk is published to a directory, changed, published again, rolled back and collected.

use bytes::Bytes;
use portcullis_release::directory::DirectoryObjects;
use portcullis_release::file::FileLedger;
use portcullis_release::key::VersionedKey;
use portcullis_release::ledger::{Retention, Target};
use portcullis_release::plan::{
    Cache, Coding, KeyedFile, Lifetimes, ManifestForm, PlanSettings, PlannedRelease, WalkError,
    plan,
};
use portcullis_release::port::{Clock, LedgerPort as _};
use portcullis_release::protocol::{Collected, Operation, PublishSettings, Published};
use portcullis_release::run::{Event, ManifestKeys, Site};
use portcullis_site::{Keep, Releases, Seconds};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A manifest for this test: a line for each object, `PATH KEY`.
struct Lines;

impl ManifestKeys for Lines {
    fn keys(&self, manifest: &Bytes) -> Result<Vec<VersionedKey>, String> {
        let text = std::str::from_utf8(manifest).map_err(|error| error.to_string())?;
        let keys = text
            .lines()
            .map(|line| line.rsplit(' ').next().unwrap_or(line));
        keys.map(|key| VersionedKey::parse(key).map_err(|error| error.to_string()))
            .collect()
    }
}

impl ManifestForm for Lines {
    fn encode(&self, files: &[KeyedFile<'_>]) -> Result<Bytes, String> {
        let mut text = String::new();
        for file in files {
            let variants = file.variants.iter().map(|(_, key, _)| key);
            for key in [&file.key].into_iter().chain(variants) {
                text += &format!("{} {key}\n", file.file.path);
            }
        }
        Ok(text.into())
    }
}

#[derive(Clone, Default)]
struct Hand(Arc<AtomicU64>);

impl Clock for Hand {
    fn now(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

fn release(root: &Path) -> Result<PlannedRelease<Lines>, WalkError> {
    let releases = Releases {
        entry: "index.html".to_owned(),
        clean_urls: false,
        fallback: None,
        not_found: None,
        classes: Vec::new(),
        keep: Keep {
            releases: 1,
            min_age: Seconds::of(0),
        },
    };
    let settings = PlanSettings {
        lifetimes: Lifetimes::new(&releases),
        codings: &[Coding::Brotli, Coding::Gzip],
        threads: 2,
        now: std::time::SystemTime::UNIX_EPOCH,
    };
    let planned = plan(root, &settings, &mut Cache::default())?;
    Ok(PlannedRelease::new(planned, Lines))
}

fn settings(run: u64) -> PublishSettings {
    PublishSettings {
        holder: "test".to_owned(),
        run,
        target: Target::Live,
        approved_over: None,
        lease_seconds: 60,
    }
}

#[tokio::test]
async fn a_directory_becomes_releases() {
    let (root, store) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let write = |path: &str, text: &str| fs::write(root.path().join(path), text).unwrap();
    write("index.html", &"<p>Hello</p>\n".repeat(100));
    write("logo.png", "no picture");
    let at = |name| store.path().join(name);
    let clock = Hand::default();
    let objects = DirectoryObjects::new(at("objects"), at("metadata"));
    let site = Site::new(objects, FileLedger::new(at("ledger.json")), clock.clone());

    let mut uploaded = 0;
    let mut count = |event| uploaded += u64::from(matches!(event, Event::Uploaded { .. }));
    let first = site
        .publish(&release(root.path()).unwrap(), settings(1), &mut count)
        .await
        .unwrap();
    let Published::Flipped {
        release: first,
        epoch: 1,
    } = first
    else {
        panic!("{first:?}");
    };
    // Two files, two variants of the page, and the manifest.
    assert_eq!(uploaded, 5);

    let mut events = Vec::new();
    let again = site
        .publish(&release(root.path()).unwrap(), settings(2), &mut |event| {
            events.push(event);
        })
        .await;
    assert_eq!(again, Ok(Published::Unchanged(first)));
    assert!(
        matches!(&events[..], [Event::Named { objects: 4, .. }]),
        "{events:?}"
    );

    write("logo.png", "another picture");
    let mut uploaded = 0;
    let mut count = |event| uploaded += u64::from(matches!(event, Event::Uploaded { .. }));
    site.publish(&release(root.path()).unwrap(), settings(3), &mut count)
        .await
        .unwrap();
    assert_eq!(uploaded, 2);

    let ledger = site.change(Operation::Rollback(None)).await.unwrap();
    assert_eq!(
        (ledger.live.map(|live| live.release), ledger.epoch),
        (Some(first), 3)
    );

    let retention = Retention {
        releases: 1,
        min_age: 10,
        grace: 10,
        slack: 0,
    };
    clock.0.store(10, Ordering::Relaxed);
    let condemned = site
        .collect(&Lines, retention, false, &mut |_| ())
        .await
        .unwrap();
    assert!(
        matches!(
            condemned,
            Collected::Condemned {
                objects: 2,
                sweep_at: 20,
                ..
            }
        ),
        "{condemned:?}"
    );
    let waiting = site.collect(&Lines, retention, false, &mut |_| ()).await;
    assert_eq!(waiting, Ok(Collected::Waiting { sweep_at: 20 }));
    clock.0.store(20, Ordering::Relaxed);
    let swept = site.collect(&Lines, retention, false, &mut |_| ()).await;
    assert_eq!(swept, Ok(Collected::Swept { objects: 2 }));
    assert_eq!(
        site.collect(&Lines, retention, false, &mut |_| ()).await,
        Ok(Collected::Nothing)
    );

    let again = site
        .publish(&release(root.path()).unwrap(), settings(4), &mut |_| ())
        .await
        .unwrap();
    assert!(
        matches!(again, Published::Flipped { epoch: 5, .. }),
        "{again:?}"
    );
    assert_eq!(site.ledger.load().await.unwrap().releases.len(), 2);
}
