//! No vector file lies unread: each is named by a test, or here with the reason why nothing plays it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use portcullis_suite::vectors_dir;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Files of parts that do not exist.
const UNPLAYED: [(&str, &str); 1] = [(
    "sns_ip_space_changed",
    "nothing listens to the notification",
)];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && path.file_name().is_none_or(|name| name != "target") {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn every_vector_file_is_named_by_a_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut files = Vec::new();
    for folder in ["crates", "functions", "tests"] {
        sources(&root.join(folder), &mut files);
    }
    let own = Path::new(file!()).file_name().unwrap();
    files.retain(|file| file.file_name() != Some(own));
    let texts: Vec<String> = files
        .iter()
        .map(|file| std::fs::read_to_string(file).unwrap())
        .collect();
    let named = |name: &str| {
        let quoted = [format!("\"{name}\""), format!("{name}.json")];
        texts
            .iter()
            .any(|text| quoted.iter().any(|quoted| text.contains(quoted)))
    };
    let unread: BTreeSet<String> = std::fs::read_dir(vectors_dir())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        })
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .filter(|name| !named(name))
        .collect();
    let listed: BTreeSet<String> = UNPLAYED
        .iter()
        .map(|(name, _)| (*name).to_owned())
        .collect();
    assert_eq!(unread, listed, "left: unread; right: listed as unplayed");
}
