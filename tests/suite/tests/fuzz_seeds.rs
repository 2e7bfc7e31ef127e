//! Every committed seed of every fuzz target, run through the same function the fuzzer runs.
//!
//! A target without seeds, a folder of seeds without a target and a target's program that is not in the table all fail.
#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot read its seeds must fail"
)]

#[path = "../../../fuzz/src/lib.rs"]
#[expect(unreachable_pub, reason = "it is a library where the fuzzer builds it")]
mod targets;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn fuzz_dir() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz"))
}

fn paths_in(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    entries.map(|entry| entry.unwrap().path()).collect()
}

/// The names of the files or folders in `folder`, without their endings.
fn stems(folder: &str) -> BTreeSet<String> {
    let paths = paths_in(&fuzz_dir().join(folder));
    let stem = |path: &PathBuf| path.file_stem().unwrap().to_string_lossy().into_owned();
    paths.iter().map(stem).collect()
}

#[test]
fn every_seed_holds() {
    for (target, hold) in targets::TARGETS {
        let seeds = paths_in(&fuzz_dir().join("seeds").join(target));
        assert!(!seeds.is_empty(), "`{target}` has no seeds");
        for seed in &seeds {
            // Printed so that the seed that panics is the last one named.
            println!("{}", seed.display());
            hold(&std::fs::read(seed).unwrap());
        }
    }
}

#[test]
fn targets_programs_and_seeds_are_the_same() {
    let named: BTreeSet<String> = targets::TARGETS
        .iter()
        .map(|(name, _)| (*name).to_owned())
        .collect();
    assert_eq!(stems("fuzz_targets"), named);
    assert_eq!(stems("seeds"), named);
}
