//! What is written is read back; what is damaged is refused or answers without harm.

use super::{OpenError, ReleaseManifest};
use crate::encode::{EncodeError, encode, id_of};
use crate::headers;
use crate::key::{Digest, VersionedKey};
use crate::redirects;
use crate::release::{Coding, File, Object, Release, Rules};
use proptest::prelude::*;

fn object(text: &str, extension: &str) -> Object {
    let digest = Digest::of(text.as_bytes());
    Object {
        key: VersionedKey::of_object(3, &digest, Some(extension)),
        size: text.len() as u64,
        sha256: digest,
    }
}

fn file(path: &str) -> File {
    File {
        object: object(path, "html"),
        content_type: "text/html; charset=utf-8".to_owned(),
        cache_control: "public, max-age=0".to_owned(),
        class: Some(0),
        versioned: path.contains('-'),
        tags: vec!["docs".to_owned()],
        variants: vec![
            (Coding::Zstd, object(&format!("{path} zstd"), "html")),
            (Coding::Brotli, object(&format!("{path} br"), "html")),
        ],
    }
}

fn release(files: usize) -> Release {
    let path = |number: usize| format!("guide/{:03}/page-{number}.html", number % 97);
    let mut files: std::collections::BTreeMap<_, _> = (0..files)
        .map(|number| (path(number), file(&path(number))))
        .collect();
    files.insert("404.html".to_owned(), file("404.html"));
    Release {
        files,
        rules: Rules {
            entry: "index.html".to_owned(),
            clean_urls: true,
            not_found: Some("404.html".to_owned()),
            classes: vec!["*.html".to_owned()],
            redirects: redirects::parse("/a /b\n/a /c 302!\n/n/* /m/:splat 302\n/n/x /y").unwrap(),
            headers: headers::parse("/*\n  X-A: 1\n").unwrap(),
            ..Rules::default()
        },
    }
}

#[test]
fn a_release_is_read_back_as_it_was_written() {
    for count in [0, 1, 2, 50, 1_000] {
        let mut release = release(count);
        let bytes = encode(&release).unwrap();
        let manifest = ReleaseManifest::verified(bytes.as_slice(), &id_of(&bytes)).unwrap();
        for file in release.files.values_mut() {
            file.variants.sort_by_key(|(coding, _)| *coding);
        }
        assert_eq!(
            manifest.to_release().as_ref(),
            Ok(&release),
            "{count} files"
        );
        assert_eq!(
            encode(&release).as_ref(),
            Ok(&bytes),
            "the order of variants is not content"
        );
        for (path, file) in &release.files {
            let found = manifest.find(path).unwrap().unwrap();
            assert_eq!(
                (found.path, found.object.key()),
                (path.as_str(), file.object.key.clone())
            );
        }
        assert!(manifest.find("nowhere").unwrap().is_none());
        assert_eq!(manifest.keys().count(), release.files.len() * 3);
    }
}

#[test]
fn whatever_is_said_of_a_file_is_part_of_the_id() {
    let before = id_of(&encode(&release(3)).unwrap());
    let changes: [fn(&mut Release); 6] = [
        |r| r.files.get_mut("404.html").unwrap().content_type.push('x'),
        |r| r.files.get_mut("404.html").unwrap().cache_control.push('x'),
        |r| r.files.get_mut("404.html").unwrap().tags.clear(),
        |r| r.files.get_mut("404.html").unwrap().versioned = true,
        |r| r.rules.headers.clear(),
        |r| r.rules.clean_urls = false,
    ];
    for (number, change) in changes.iter().enumerate() {
        let mut changed = release(3);
        change(&mut changed);
        assert_ne!(id_of(&encode(&changed).unwrap()), before, "change {number}");
    }
}

#[test]
fn what_no_reader_takes_is_not_written() {
    #[track_caller]
    fn check(change: impl FnOnce(&mut Release), why: &EncodeError) {
        let mut bad = release(1);
        change(&mut bad);
        assert_eq!(encode(&bad).as_ref(), Err(why));
    }
    let page = || "404.html".to_owned();
    check(
        |r| drop(r.files.insert("/a".into(), file("a"))),
        &EncodeError::Path("/a".into()),
    );
    check(
        |r| drop(r.files.insert(String::new(), file("a"))),
        &EncodeError::Path(String::new()),
    );
    check(
        |r| drop(r.files.remove("404.html")),
        &EncodeError::Document(page()),
    );
    check(
        |r| r.files.get_mut("404.html").unwrap().content_type.push('\n'),
        &EncodeError::Text(page()),
    );
    check(
        |r| r.files.get_mut("404.html").unwrap().tags.push("a,b".into()),
        &EncodeError::Text(page()),
    );
    check(
        |r| r.files.get_mut("404.html").unwrap().class = Some(1),
        &EncodeError::Object(page()),
    );
    check(
        |r| {
            let file = r.files.get_mut("404.html").unwrap();
            file.variants.push((Coding::Zstd, object("x", "y")));
        },
        &EncodeError::Object(page()),
    );
    check(
        |r| {
            let id = Digest::of(b"m");
            r.files.get_mut("404.html").unwrap().object.key = VersionedKey::of_manifest(0, &id);
        },
        &EncodeError::Object(page()),
    );
}

#[test]
fn the_first_redirect_that_holds_wins() {
    let bytes = encode(&release(1)).unwrap();
    let manifest = ReleaseManifest::open(bytes).unwrap();
    for (path, exists, expected) in [
        ("/a", false, Some("/b")),
        ("/a", true, Some("/c")),
        ("/n/x", false, Some("/m/x")),
        ("/n/x", true, None),
        ("/z", false, None),
    ] {
        let target = manifest.redirect(path, exists).map(|(_, target)| target);
        assert_eq!(target.as_deref(), expected, "{path} {exists}");
    }
}

#[test]
fn every_prefix_and_every_other_form_is_refused() {
    let bytes = encode(&release(3)).unwrap();
    for length in 0..bytes.len() {
        let cut = bytes.get(..length).unwrap();
        assert!(ReleaseManifest::open(cut).is_err(), "{length} bytes");
    }
    let mut longer = bytes.clone();
    longer.push(0);
    assert_eq!(ReleaseManifest::open(longer).err(), Some(OpenError::Length));
    let mut newer = bytes.clone();
    newer[8] = 2;
    assert_eq!(
        ReleaseManifest::open(newer).err(),
        Some(OpenError::Version(2))
    );
    let other = ReleaseManifest::verified(bytes, &Digest::of(b"other"));
    assert_eq!(other.err(), Some(OpenError::OtherRelease));
}

#[test]
fn a_look_up_in_a_large_release_probes_no_more_than_in_a_small_one() {
    for count in [1_000, 100_000] {
        let manifest = ReleaseManifest::open(encode(&release(count)).unwrap()).unwrap();
        assert!(
            manifest.layout.probes < 64,
            "{count}: {} probes",
            manifest.layout.probes
        );
    }
}

/// Calls everything that reads a table.
fn read_all(bytes: &[u8]) {
    let Ok(manifest) = ReleaseManifest::open(bytes) else {
        return;
    };
    let _ = manifest.verify();
    let _ = manifest.to_release();
    let _ = manifest.keys().count();
    for path in ["404.html", "guide/001/page-1.html", "", "x"] {
        if let Ok(Some(file)) = manifest.find(path) {
            assert_eq!(
                file.path, path,
                "what is found has the path that was asked for"
            );
        }
    }
}

/// A header that fits whatever the bytes after it are, so that damage reaches the tables.
fn resealed(mut bytes: Vec<u8>) -> Vec<u8> {
    use sha2::Digest as _;
    let rules = {
        let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
        let texts = bytes.len().saturating_sub(word(28));
        texts.saturating_sub(word(24))..texts
    };
    let sum = sha2::Sha256::new()
        .chain_update(&bytes[..32])
        .chain_update(&bytes[rules])
        .finalize();
    bytes[32..64].copy_from_slice(&sum);
    bytes
}

proptest! {
    #[test]
    fn damaged_bytes_do_no_harm(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        in_header in any::<bool>(),
    ) {
        let mut bytes = encode(&release(20)).unwrap();
        let length = if in_header { 32 } else { bytes.len() };
        for (at, byte) in &changes {
            bytes[at.index(length)] = *byte;
        }
        read_all(&bytes);
        read_all(&resealed(bytes));
    }

    #[test]
    fn any_change_is_seen_by_the_full_check(at in any::<prop::sample::Index>(), bit in 0_u32..8) {
        let mut bytes = encode(&release(5)).unwrap();
        let id = id_of(&bytes);
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        prop_assert!(ReleaseManifest::verified(bytes, &id).is_err());
    }

    #[test]
    fn noise_is_no_manifest(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        read_all(&bytes);
    }
}
