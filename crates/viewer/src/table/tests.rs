//! The table against the database it was compiled from, and damaged tables.

use super::{CHECKSUM, CompileError, CountryTable, HEADER_BYTES, TableError, checksum, compile};
use crate::database::{CountryDatabase, CountryPath, CountryPaths, DatabaseRules};
use crate::fixtures::{DEMONSTRATION, NOW, Random, fixture, fixture_names, ip, replaced};
use crate::geo::{CountryError, CountryFact, UnknownCountry};
use maxminddb::{Reader, WithinOptions};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

fn open<B: AsRef<[u8]>>(bytes: B) -> CountryDatabase<B> {
    let rules = DatabaseRules {
        well_known: Vec::new(),
        well_known_min: 0,
        ..DatabaseRules::default()
    };
    CountryDatabase::open(bytes, &rules, NOW).unwrap()
}

/// First and last address of every network of the file, and their neighbours.
fn probes<S: AsRef<[u8]>>(reader: &Reader<S>) -> impl Iterator<Item = IpAddr> {
    let options = WithinOptions::default().include_networks_without_data();
    reader.networks(options).unwrap().flat_map(|record| {
        let network = record.unwrap().network().unwrap();
        let shift = |bits: u32| 128 - u32::from(network.prefix()) - bits;
        match network.ip() {
            IpAddr::V4(first) => {
                let last = u64::from(first.to_bits()) + (1 << shift(96)) - 1;
                let edges = [u64::from(first.to_bits()), last];
                edges
                    .into_iter()
                    .flat_map(|edge| [edge.wrapping_sub(1), edge, edge + 1])
                    .map(|bits| IpAddr::V4(Ipv4Addr::from_bits(bits as u32)))
                    .collect::<Vec<_>>()
            }
            IpAddr::V6(first) => {
                let hosts = 1u128
                    .checked_shl(shift(0))
                    .map_or(u128::MAX, |size| size - 1);
                [first.to_bits(), first.to_bits() | hosts]
                    .into_iter()
                    .flat_map(|edge| [edge.wrapping_sub(1), edge, edge.wrapping_add(1)])
                    .map(|bits| IpAddr::V6(Ipv6Addr::from_bits(bits)))
                    .collect()
            }
        }
    })
}

#[track_caller]
fn check_equal<B: AsRef<[u8]>>(bytes: B) -> usize {
    let database = open(bytes);
    let table = CountryTable::open(compile(&database).unwrap()).unwrap();
    assert_eq!(table.verify(), Ok(()));
    assert_eq!(table.built_at(), database.built_at());
    assert_eq!(table.source_sha256(), database.sha256());
    assert_eq!(table.paths(), database.paths());
    assert_eq!(table.is_demonstration(), database.is_demonstration());
    let mut compared = 0;
    for address in probes(database.reader()) {
        assert_eq!(table.lookup(address), database.lookup(address), "{address}");
        compared += 1;
    }
    compared
}

#[test]
fn the_table_equals_the_demonstration_database_at_every_edge() {
    let compared = check_equal(DEMONSTRATION);
    assert!(compared > 6 * 400_000, "{compared}");
}

#[test]
fn the_table_of_every_fixture_equals_it_or_is_refused_by_name() {
    let (mut equal, mut refused) = (0, 0);
    for name in fixture_names() {
        let rules = DatabaseRules {
            well_known: Vec::new(),
            well_known_min: 0,
            ..DatabaseRules::default()
        };
        let Ok(database) = CountryDatabase::open(fixture(&name), &rules, NOW) else {
            continue;
        };
        match compile(&database) {
            Ok(_) => {
                check_equal(fixture(&name));
                equal += 1;
            }
            Err(CompileError::TooDeep { network }) => {
                assert_eq!(network, "2001:220::/128", "{name}");
                refused += 1;
            }
            Err(CompileError::DamagedRecord { .. }) => {
                assert!(
                    name.contains("roken") || name.starts_with("MaxMind-DB-"),
                    "{name}"
                );
                refused += 1;
            }
            Err(CompileError::DamagedTree { .. }) => {
                assert_eq!(name, "MaxMind-DB-test-broken-search-tree-24.mmdb");
                refused += 1;
            }
            Err(CompileError::TooManyNetworks) => panic!("{name}"),
        }
    }
    assert_eq!((equal, refused), (26, 13));
}

#[test]
fn a_table_tells_the_unknowns_apart() {
    let bytes = replaced(
        fixture("GeoLite2-Country-Test.mmdb"),
        b"iso_codeBGB",
        b"iso_codeBAP",
    );
    let table = CountryTable::open(compile(&open(bytes)).unwrap()).unwrap();
    for (address, reason) in [
        ("81.2.69.160", UnknownCountry::NotIso),
        ("2a02:d500::1", UnknownCountry::NoCountryInRecord),
        ("9.9.9.9", UnknownCountry::NotInDatabase),
        ("3fff:1000::1", UnknownCountry::NotInDatabase),
        ("10.0.0.1", UnknownCountry::SpecialAddress),
        ("fd00::1", UnknownCountry::SpecialAddress),
        ("2002:5102:45a0::1", UnknownCountry::EmbeddedIpv4),
    ] {
        assert_eq!(
            table.lookup(ip(address)),
            CountryFact::Unknown(reason),
            "{address}"
        );
    }
    assert_eq!(
        table.lookup(ip("2001:218::1")),
        CountryFact::Known("JP".parse().unwrap())
    );
}

#[test]
fn the_table_remembers_the_paths() {
    let paths = CountryPaths::new(&[
        CountryPath::RegisteredCountryIsoCode,
        CountryPath::CountryIsoCode,
    ])
    .unwrap();
    let rules = DatabaseRules {
        paths,
        well_known: Vec::new(),
        well_known_min: 0,
        ..DatabaseRules::default()
    };
    let database =
        CountryDatabase::open(fixture("GeoLite2-Country-Test.mmdb"), &rules, NOW).unwrap();
    let table = CountryTable::open(compile(&database).unwrap()).unwrap();
    assert_eq!(table.paths(), paths);
}

#[test]
fn the_same_database_gives_the_same_bytes() {
    let compiled = || compile(&open(fixture("GeoLite2-Country-Test.mmdb"))).unwrap();
    assert_eq!(compiled(), compiled());
}

#[test]
fn a_table_is_refused_by_what_is_wrong_with_it() {
    let sound = compile(&open(fixture("GeoLite2-Country-Test.mmdb"))).unwrap();
    let length = sound.len() as u64;
    let changed = |at: usize, bytes: &[u8]| {
        let mut table = sound.clone();
        table[at..at + bytes.len()].copy_from_slice(bytes);
        CountryTable::open(table).err()
    };
    assert_eq!(changed(0, b"PCLSGEO\0"), None);
    assert_eq!(changed(0, b"MaxMind."), Some(TableError::NotATable));
    assert_eq!(
        changed(8, &[2]),
        Some(TableError::OtherVersion { found: 2 })
    );
    assert_eq!(changed(28, &[0, 0, 0]), Some(TableError::BadPaths));
    assert_eq!(changed(28, &[1, 1, 0]), Some(TableError::BadPaths));
    assert_eq!(changed(28, &[4, 0, 0]), Some(TableError::BadPaths));
    assert_eq!(changed(104, b"EU"), Some(TableError::BadCountry));
    assert_eq!(changed(104, b"\0A"), Some(TableError::BadCountry));
    let runs = u32::from_le_bytes(sound[16..20].try_into().unwrap());
    assert_eq!(
        changed(16, &(runs + 1).to_le_bytes()),
        Some(TableError::WrongLength {
            expected: length + 1,
            found: length
        })
    );
    assert!(matches!(
        changed(12, &[0xff; 16]),
        Some(TableError::WrongLength { .. })
    ));
    for cut in [0, 7, 8, 23, HEADER_BYTES - 1, HEADER_BYTES, sound.len() - 1] {
        let result = CountryTable::open(&sound[..cut]).err();
        assert!(
            matches!(
                result,
                Some(TableError::NotATable | TableError::WrongLength { .. })
            ),
            "{cut}: {result:?}"
        );
    }
    let longer = [sound.as_slice(), &[0]].concat();
    assert_eq!(
        CountryTable::open(longer).err(),
        Some(TableError::WrongLength {
            expected: length,
            found: length + 1
        })
    );
}

#[test]
fn the_checksum_covers_every_byte() {
    let sound = compile(&open(fixture("GeoLite2-Country-Test.mmdb"))).unwrap();
    assert_eq!(sound[CHECKSUM], checksum(&sound));
    let mut random = Random::new(3);
    let places = (31..HEADER_BYTES).step_by(7).chain(
        (0..50)
            .map(|_| random.below(sound.len()))
            .collect::<Vec<_>>(),
    );
    for at in places {
        let mut table = sound.clone();
        table[at] ^= 0x10;
        if let Ok(table) = CountryTable::open(table) {
            assert_eq!(table.verify(), Err(TableError::BadChecksum), "byte {at}");
        }
    }
}

#[test]
fn a_damaged_index_is_an_error_and_not_a_country() {
    let mut table = compile(&open(DEMONSTRATION)).unwrap();
    let sound = CountryTable::open(table.clone()).unwrap();
    for section in [&sound.sections.ipv4[0], &sound.sections.ipv6[0]] {
        table[section.clone()].fill(0xff);
    }
    let table = CountryTable::open(table).unwrap();
    let broken = CountryFact::Error(CountryError::DatabaseBroken);
    assert_eq!(table.lookup(ip("8.8.8.8")), broken);
    assert_eq!(table.lookup(ip("2001:4860:4860::8888")), broken);
}

/// Ranges that begin and end anywhere, read back from the sections they are written to.
#[test]
fn any_ranges_of_ipv4_are_found_again() {
    let mut random = Random::new(13);
    for spread in [4, 12, 20, 32] {
        let mut starts: Vec<u32> = (0..2_000)
            .map(|_| (random.next() as u32) >> (32 - spread))
            .collect();
        starts.push(0);
        starts.sort_unstable();
        starts.dedup();
        let ranges: Vec<(u32, u8)> = starts
            .iter()
            .map(|&start| (start, (random.next() % 252) as u8))
            .collect();
        let written = super::ipv4::Sections::of(&ranges);
        let sections = super::Sections::of(written.counts(), 0).unwrap().ipv4;
        let mut file = vec![0; HEADER_BYTES];
        written.write(&mut file);
        assert_eq!(file.len(), sections[3].end);
        let edges = starts
            .iter()
            .flat_map(|&start| [start.wrapping_sub(1), start, start + 1, start | 0xff]);
        for address in edges.chain(
            (0..10_000)
                .map(|_| random.next() as u32)
                .collect::<Vec<_>>(),
        ) {
            let place = starts.partition_point(|&start| start <= address) - 1;
            let answer = super::ipv4::answer(&file, &sections, address);
            assert_eq!(answer, Some(ranges[place].1), "{address:#x} of {spread}");
        }
    }
}

#[test]
fn damaged_tables_never_panic() {
    let sound = compile(&open(fixture("GeoLite2-Country-Test.mmdb"))).unwrap();
    let mut random = Random::new(11);
    let mut opened = 0;
    for _ in 0..500 {
        let Ok(table) = CountryTable::open(random.mutant(&sound)) else {
            continue;
        };
        opened += 1;
        for _ in 0..50 {
            let bits = random.next();
            let _ = table.lookup(IpAddr::V4(Ipv4Addr::from_bits(bits as u32)));
            let _ = table.lookup(IpAddr::V6(Ipv6Addr::from_bits(
                u128::from(bits) << 64 | u128::from(bits),
            )));
        }
    }
    assert!(opened > 100, "{opened}");
}

#[test]
fn damaged_databases_compile_or_are_refused_and_never_panic() {
    let rules = DatabaseRules {
        well_known: Vec::new(),
        well_known_min: 0,
        ..DatabaseRules::default()
    };
    let mut random = Random::new(5);
    let (mut compiled, mut refused) = (0, 0);
    for name in [
        "GeoLite2-Country-Test.mmdb",
        "MaxMind-DB-test-mixed-28.mmdb",
        "MaxMind-DB-test-ipv4-32.mmdb",
    ] {
        let sound = fixture(name);
        for _ in 0..300 {
            let Ok(database) = CountryDatabase::open(random.mutant(&sound), &rules, NOW) else {
                continue;
            };
            match compile(&database) {
                Ok(_) => compiled += 1,
                Err(_) => refused += 1,
            }
        }
    }
    assert!(
        compiled > 50 && refused > 50,
        "{compiled} compiled, {refused} refused"
    );
}
