//! What the tests of this crate share: real databases, and a source of damage that repeats itself.

#![expect(
    clippy::disallowed_methods,
    reason = "tests read their databases from files; the crate itself may not"
)]

use std::net::IpAddr;
use std::path::PathBuf;

/// The demonstration database that comes with the project.
pub(crate) const DEMONSTRATION: &[u8] =
    include_bytes!("../../../infra/geoip/demonstration-country.mmdb");

/// 2026-08-22, after every fixture was built, in epoch seconds.
pub(crate) const NOW: u64 = 1_787_433_425;

pub(crate) fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn fixtures_dir() -> PathBuf {
    PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/data/maxmind-db/test-data"
    ))
}

/// One of MaxMind's test databases.
pub(crate) fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(fixtures_dir().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The names of all of MaxMind's test databases.
pub(crate) fn fixture_names() -> Vec<String> {
    let entries = std::fs::read_dir(fixtures_dir()).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

/// `bytes` with every `from` replaced by `to`, which is as long; there must be one.
pub(crate) fn replaced(mut bytes: Vec<u8>, from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let places: Vec<usize> = (0..=bytes.len() - from.len())
        .filter(|&at| &bytes[at..at + from.len()] == from)
        .collect();
    assert!(!places.is_empty(), "nothing to replace");
    for at in places {
        bytes[at..at + to.len()].copy_from_slice(to);
    }
    bytes
}

/// Numbers that are the same in every run (xorshift64).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    /// A copy with one to eight bytes changed, a stretch overwritten, or the end cut off.
    pub(crate) fn mutant(&mut self, sound: &[u8]) -> Vec<u8> {
        let mut bytes = sound.to_vec();
        match self.below(8) {
            0 => bytes.truncate(self.below(sound.len())),
            1 => {
                let (at, fill) = (self.below(bytes.len()), self.next() as u8);
                let end = (at + 1 + self.below(32)).min(bytes.len());
                bytes[at..end].fill(fill);
            }
            _ => {
                for _ in 0..=self.below(8) {
                    let at = self.below(bytes.len());
                    bytes[at] ^= 1 << self.below(8);
                }
            }
        }
        bytes
    }
}
