//! What a plan says of each file, and which files it reads again.

use super::{PlanSettings, Planned, plan};
use crate::key::Digest;
use crate::plan::{Cache, Coding, Lifetimes};
use portcullis_site::{Class, Keep, Releases, Seconds};
use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

const CODINGS: [Coding; 2] = [Coding::Brotli, Coding::Gzip];

fn releases() -> Releases {
    Releases {
        entry: "index.html".to_owned(),
        clean_urls: true,
        fallback: None,
        not_found: None,
        classes: vec![Class {
            glob: "*.html".to_owned(),
            browser: Seconds::of(0),
            edge: Seconds::of(60),
            stale_while_revalidate: Some(Seconds::of(30)),
            stale_if_error: None,
        }],
        keep: Keep {
            releases: 3,
            min_age: Seconds::of(60),
        },
    }
}

/// The plan a minute after the files were changed.
fn planned(root: &Path, cache: &mut Cache) -> Planned {
    planned_at(root, cache, SystemTime::now() + Duration::from_secs(60))
}

fn planned_at(root: &Path, cache: &mut Cache, now: SystemTime) -> Planned {
    let releases = releases();
    let lifetimes = Lifetimes::new(&releases);
    plan(
        root,
        &PlanSettings {
            lifetimes,
            codings: &CODINGS,
            threads: 2,
            now,
        },
        cache,
    )
    .unwrap()
}

/// A site of three files.
fn site() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    let script = "let x = 1;\n".repeat(200);
    let digest = Digest::of(script.as_bytes()).to_string();
    let name = format!("app-{}.js", digest.get(..10).unwrap());
    for (path, text) in [
        ("index.html", "<p>Hello</p>"),
        ("plain.js", "1"),
        (name.as_str(), script.as_str()),
    ] {
        fs::write(root.path().join(path), text).unwrap();
    }
    root
}

#[test]
fn each_file_has_its_type_lifetime_and_the_variants_that_pay() {
    let root = site();
    let planned = planned(root.path(), &mut Cache::default());
    let seen: Vec<_> = planned
        .files
        .iter()
        .map(|file| {
            (
                file.content_type.as_str(),
                file.cache_control.as_str(),
                file.class,
                file.variants.len(),
            )
        })
        .collect();
    let script = "text/javascript; charset=utf-8";
    assert_eq!(
        seen,
        [
            (script, "public, max-age=31536000, immutable", None, 2),
            (
                "text/html; charset=utf-8",
                "public, max-age=0, s-maxage=60, stale-while-revalidate=30",
                Some(0),
                0
            ),
            (script, "public, max-age=0, must-revalidate", None, 0),
        ]
    );
    for variant in &planned.files[0].variants {
        let bytes = planned.packed(&planned.files[0], variant).unwrap();
        assert_eq!(Digest::of(&bytes), variant.sha256);
        let again = Planned::default();
        assert_eq!(
            again.packed(&planned.files[0], variant).unwrap(),
            bytes,
            "made again, it is the same"
        );
    }
}

#[test]
fn a_header_that_changes_is_another_object() {
    let root = site();
    let mut file = planned(root.path(), &mut Cache::default()).files.remove(0);
    let before = (file.identity(None), file.identity(Some(&file.variants[0])));
    assert_ne!(before.0, before.1);
    file.cache_control = "no-store".to_owned();
    assert_ne!(file.identity(None), before.0);
    assert_ne!(file.identity(Some(&file.variants[0])), before.1);
}

#[test]
fn what_has_not_changed_is_not_read_again() {
    let root = site();
    let mut cache = Cache::default();
    let first = planned(root.path(), &mut cache);
    assert_eq!(first.files_read, 3);
    let store = tempfile::tempdir().unwrap();
    let path = store.path().join("cache");
    cache.write(&path).unwrap();
    let mut cache = Cache::read(&path, &CODINGS);
    let second = planned(root.path(), &mut cache);
    assert_eq!((second.files_read, second.bytes_read), (0, 0));
    assert_eq!(second.files, first.files);

    fs::write(root.path().join("plain.js"), "2").unwrap();
    let third = planned(root.path(), &mut Cache::read(&path, &CODINGS));
    assert_eq!(third.files_read, 1);
    assert_ne!(third.files[2].sha256, first.files[2].sha256);
    assert_eq!(
        planned(root.path(), &mut Cache::read(&path, &[Coding::Gzip])).files_read,
        3
    );
}

#[test]
fn a_file_that_was_changed_as_it_was_read_is_read_again() {
    let root = site();
    let mut cache = Cache::default();
    planned_at(root.path(), &mut cache, SystemTime::now());
    assert_eq!(planned(root.path(), &mut cache).files_read, 3);
    assert_eq!(planned(root.path(), &mut cache).files_read, 0);
}

#[test]
fn what_is_no_cache_is_an_empty_one() {
    let store = tempfile::tempdir().unwrap();
    let path = store.path().join("cache");
    for text in ["", "something else\n", "portcullis-cache 1 br,gzip\nbroken"] {
        fs::write(&path, text).unwrap();
        let root = site();
        assert_eq!(
            planned(root.path(), &mut Cache::read(&path, &CODINGS)).files_read,
            3,
            "{text}"
        );
    }
}
