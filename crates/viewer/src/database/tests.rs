//! Real databases, foreign ones and damaged ones (security reference A3.3, A4, drill F05; regression group R15).

use super::{
    BUILT_AHEAD_SECONDS_MAX, Canary, CountryDatabase, CountryPath, CountryPaths,
    DATABASE_BYTES_MIN, DEMONSTRATION_SHA256, DatabaseError, DatabaseRules,
};
use crate::fixtures::{DEMONSTRATION, NOW, fixture, fixture_names, ip, replaced};
use crate::geo::{CountryError, CountryFact, UnknownCountry};

/// The build time of the demonstration database, in epoch seconds.
const DEMONSTRATION_BUILT_AT: u64 = 1_781_726_061;

/// Rules for the small fixtures, which know no well-known address but this one in London.
fn rules() -> DatabaseRules {
    let canary = Canary {
        address: ip("81.2.69.160"),
        country: "GB".parse().ok(),
    };
    DatabaseRules {
        canaries: vec![canary],
        well_known: Vec::new(),
        well_known_min: 0,
        ..DatabaseRules::default()
    }
}

fn demonstration() -> CountryDatabase<&'static [u8]> {
    CountryDatabase::open(DEMONSTRATION, &DatabaseRules::default(), NOW).unwrap()
}

fn known(code: &str) -> CountryFact {
    CountryFact::Known(code.parse().unwrap())
}

/// Every file of the fixtures: it becomes a database of countries, or is refused by this name.
#[test]
fn every_fixture_loads_or_is_refused_by_name() {
    let expected = |name: &str| match name {
        "GeoIP2-City-Shield-Test.mmdb"
        | "GeoIP2-City-Test.mmdb"
        | "GeoIP2-Country-Shield-Test.mmdb"
        | "GeoIP2-Country-Test.mmdb"
        | "GeoIP2-Enterprise-Shield-Test.mmdb"
        | "GeoIP2-Enterprise-Test.mmdb"
        | "GeoIP2-Precision-Enterprise-Shield-Test.mmdb"
        | "GeoIP2-Precision-Enterprise-Test.mmdb"
        | "GeoLite2-City-Test.mmdb"
        | "GeoLite2-Country-Test.mmdb" => "loads",
        "GeoIP2-City-Test-Broken-Double-Format.mmdb" => "damaged record",
        "GeoIP2-City-Test-Invalid-Node-Count.mmdb" => "not a database",
        "MaxMind-DB-no-ipv4-search-tree.mmdb" => "broken canary",
        _ => "unknown canary",
    };
    let names = fixture_names();
    assert_eq!(names.len(), 40);
    for name in names {
        let found = match CountryDatabase::open(fixture(&name), &rules(), NOW) {
            Ok(_) => "loads",
            Err(DatabaseError::DamagedRecord { .. }) => "damaged record",
            Err(DatabaseError::NotADatabase { .. }) => "not a database",
            Err(DatabaseError::WrongCanary { found, .. }) => match found {
                CountryFact::Error(_) => "broken canary",
                CountryFact::Unknown(_) => "unknown canary",
                CountryFact::Known(_) => "other country",
            },
            Err(error) => panic!("{name}: {error}"),
        };
        assert_eq!(found, expected(&name), "{name}");
    }
}

/// The table of look-ups that comes with the demonstration database.
#[test]
fn the_demonstration_database_answers_as_documented() {
    let database = demonstration();
    assert_eq!(database.sha256(), DEMONSTRATION_SHA256);
    assert!(database.is_demonstration());
    assert_eq!(database.built_at(), DEMONSTRATION_BUILT_AT);
    assert_eq!(database.database_type(), "country ipvAll");
    for (address, code) in [
        ("8.8.8.8", "US"),
        ("81.2.69.142", "GB"),
        ("193.0.6.139", "NL"),
        ("202.12.27.33", "JP"),
        ("200.160.2.3", "BR"),
        ("196.216.2.6", "MU"),
        ("2001:4860:4860::8888", "US"),
        ("2a00:1450::1", "US"),
        ("::ffff:8.8.8.8", "US"),
    ] {
        assert_eq!(database.lookup(ip(address)), known(code), "{address}");
    }
    for (address, reason) in [
        ("2002:808:808::1", UnknownCountry::EmbeddedIpv4),
        ("64:ff9b::808:808", UnknownCountry::EmbeddedIpv4),
        ("192.0.2.1", UnknownCountry::NotInDatabase),
        ("198.51.100.7", UnknownCountry::NotInDatabase),
        ("203.0.113.9", UnknownCountry::NotInDatabase),
        ("2001:db8::1", UnknownCountry::NotInDatabase),
        ("10.0.0.1", UnknownCountry::SpecialAddress),
        ("127.0.0.1", UnknownCountry::SpecialAddress),
        ("::1", UnknownCountry::SpecialAddress),
        ("100.64.0.1", UnknownCountry::SpecialAddress),
        ("240.0.0.1", UnknownCountry::SpecialAddress),
    ] {
        assert_eq!(
            database.lookup(ip(address)),
            CountryFact::Unknown(reason),
            "{address}"
        );
    }
}

#[test]
fn r15_a_record_without_a_country_is_unknown() {
    let database =
        CountryDatabase::open(fixture("GeoIP2-Country-Test.mmdb"), &rules(), NOW).unwrap();
    let unknown = CountryFact::Unknown;
    for (address, expected) in [
        ("81.2.69.160", known("GB")),
        ("::ffff:81.2.69.160", known("GB")),
        ("2a02:d500::", unknown(UnknownCountry::NoCountryInRecord)),
        (
            "2a02:d507:ffff:ffff:ffff:ffff:ffff:ffff",
            unknown(UnknownCountry::NoCountryInRecord),
        ),
        ("214.1.1.1", unknown(UnknownCountry::NoCountryInRecord)),
        ("202.196.224.1", known("PH")),
        ("2002:5102:45a0::1", unknown(UnknownCountry::EmbeddedIpv4)),
        ("2001:0:5102:45a0::1", unknown(UnknownCountry::EmbeddedIpv4)),
        ("64:ff9b::5102:45a0", unknown(UnknownCountry::EmbeddedIpv4)),
        ("::5102:45a0", unknown(UnknownCountry::SpecialAddress)),
        ("9.9.9.9", unknown(UnknownCountry::NotInDatabase)),
    ] {
        assert_eq!(database.lookup(ip(address)), expected, "{address}");
    }
}

#[test]
fn the_first_path_that_names_a_country_decides() {
    use CountryPath::{CountryCode, CountryIsoCode, RegisteredCountryIsoCode};
    let lookup = |paths: &[CountryPath]| {
        let paths = CountryPaths::new(paths).unwrap();
        let rules = DatabaseRules {
            canaries: Vec::new(),
            paths,
            ..rules()
        };
        let bytes = fixture("GeoIP2-Country-Test.mmdb");
        let database = CountryDatabase::open(bytes, &rules, NOW).unwrap();
        database.lookup(ip("81.2.69.160"))
    };
    // The block is in one country and registered in another.
    assert_eq!(
        lookup(&[CountryIsoCode, RegisteredCountryIsoCode]),
        known("GB")
    );
    assert_eq!(
        lookup(&[RegisteredCountryIsoCode, CountryIsoCode]),
        known("US")
    );
    assert_eq!(lookup(&[CountryCode, CountryIsoCode]), known("GB"));
    let none = CountryFact::Unknown(UnknownCountry::NoCountryInRecord);
    assert_eq!(lookup(&[CountryCode]), none);
}

#[test]
fn a_code_that_is_no_country_is_unknown() {
    let bytes = replaced(
        fixture("GeoIP2-Country-Test.mmdb"),
        b"iso_codeBGB",
        b"iso_codeBAP",
    );
    let database = CountryDatabase::open(
        bytes,
        &DatabaseRules {
            canaries: Vec::new(),
            ..rules()
        },
        NOW,
    )
    .unwrap();
    assert_eq!(
        database.lookup(ip("81.2.69.160")),
        CountryFact::Unknown(UnknownCountry::NotIso)
    );
}

#[test]
fn an_ipv4_database_knows_no_ipv6_address() {
    let rules = DatabaseRules {
        canaries: Vec::new(),
        ..rules()
    };
    let database =
        CountryDatabase::open(fixture("MaxMind-DB-test-ipv4-24.mmdb"), &rules, NOW).unwrap();
    let unknown = CountryFact::Unknown;
    assert_eq!(
        database.lookup(ip("2a00:1450::1")),
        unknown(UnknownCountry::NotInDatabase)
    );
    assert_eq!(
        database.lookup(ip("1.1.1.1")),
        unknown(UnknownCountry::NoCountryInRecord)
    );
    assert_eq!(
        database.lookup(ip("::ffff:1.1.1.1")),
        unknown(UnknownCountry::NoCountryInRecord)
    );
}

#[test]
fn a_damaged_record_is_an_error_and_not_a_country() {
    let rules = DatabaseRules {
        canaries: Vec::new(),
        ..rules()
    };
    let database = CountryDatabase::open(
        fixture("MaxMind-DB-test-broken-pointers-24.mmdb"),
        &rules,
        NOW,
    )
    .unwrap();
    let broken = CountryFact::Error(CountryError::DatabaseBroken);
    assert_eq!(database.lookup(ip("1.1.1.16")), broken);
}

#[track_caller]
fn check_refused(bytes: Vec<u8>, rules: &DatabaseRules, expected: &DatabaseError) {
    let result = CountryDatabase::open(bytes, rules, NOW);
    assert_eq!(result.err().as_ref(), Some(expected));
}

#[test]
fn a_file_is_refused_by_the_rule_it_breaks() {
    let sound = || fixture("GeoIP2-Country-Test.mmdb");
    let size = |bytes, max| DatabaseError::Size {
        bytes,
        min: DATABASE_BYTES_MIN,
        max,
    };
    let unlimited = rules().bytes_max;
    check_refused(Vec::new(), &rules(), &size(0, unlimited));
    check_refused(vec![0; 127], &rules(), &size(127, unlimited));
    let small = DatabaseRules {
        bytes_max: 1_000,
        ..rules()
    };
    check_refused(sound(), &small, &size(sound().len(), 1_000));

    let other = DatabaseRules {
        sha256: Some(DEMONSTRATION_SHA256),
        ..rules()
    };
    check_refused(sound(), &other, &DatabaseError::OtherDigest);

    // A wrong path gives no value for every address, without an error.
    let registry = DatabaseRules {
        paths: CountryPaths::new(&[CountryPath::CountryCode]).unwrap(),
        ..rules()
    };
    let canary = rules().canaries[0];
    let found = CountryFact::Unknown(UnknownCountry::NoCountryInRecord);
    let (address, expected) = (canary.address, canary.country);
    check_refused(
        sound(),
        &registry,
        &DatabaseError::WrongCanary {
            address,
            expected,
            found,
        },
    );

    let public = DatabaseRules {
        canaries: Vec::new(),
        ..DatabaseRules::default()
    };
    let result = CountryDatabase::open(sound(), &public, NOW);
    assert!(
        matches!(result, Err(DatabaseError::TooFewKnown { min: 8, .. })),
        "{result:?}"
    );

    for bytes in [
        vec![0; 4096],
        b"<html>503 Slow Down</html>".repeat(100),
        vec![0xff; 4096],
    ] {
        let result = CountryDatabase::open(bytes, &rules(), NOW);
        assert!(
            matches!(result, Err(DatabaseError::NotADatabase { .. })),
            "{result:?}"
        );
    }
}

#[test]
fn a_canary_may_ask_for_no_country() {
    let nobody = Canary {
        address: ip("214.1.1.1"),
        country: None,
    };
    let open = |canary| {
        let rules = DatabaseRules {
            canaries: vec![canary],
            ..rules()
        };
        CountryDatabase::open(fixture("GeoIP2-Country-Test.mmdb"), &rules, NOW).map(drop)
    };
    assert_eq!(open(nobody), Ok(()));
    let wrong = Canary {
        address: ip("81.2.69.160"),
        country: None,
    };
    assert!(matches!(
        open(wrong),
        Err(DatabaseError::WrongCanary { expected: None, .. })
    ));
}

#[test]
fn the_build_time_is_stated_and_not_in_the_future() {
    let open =
        |now| CountryDatabase::open(DEMONSTRATION, &DatabaseRules::default(), now).map(|_| ());
    let built_at = DEMONSTRATION_BUILT_AT;
    assert_eq!(open(built_at), Ok(()));
    assert_eq!(open(built_at - BUILT_AHEAD_SECONDS_MAX), Ok(()));
    let future = Err(DatabaseError::BuiltInFuture { built_at });
    assert_eq!(open(built_at - BUILT_AHEAD_SECONDS_MAX - 1), future);
    let unstated = with_build_time(0);
    let result = CountryDatabase::open(unstated, &DatabaseRules::default(), NOW);
    assert_eq!(result.err(), Some(DatabaseError::NoBuildTime));
}

#[test]
fn age_is_reported_and_not_judged() {
    let database = demonstration();
    let built_at = DEMONSTRATION_BUILT_AT;
    assert_eq!(database.age(built_at + 60), 60);
    assert_eq!(database.age(0), 0);
    assert!(!database.is_stale(built_at + 60, 60));
    assert!(database.is_stale(built_at + 61, 60));
    let years_later = CountryDatabase::open(
        DEMONSTRATION,
        &DatabaseRules::default(),
        built_at + (1 << 30),
    );
    assert_eq!(years_later.unwrap().lookup(ip("8.8.8.8")), known("US"));
}

/// The demonstration database with another build time; the field has four bytes in it.
fn with_build_time(built_at: u32) -> Vec<u8> {
    let field = [
        b"build_epoch\x04\x02".as_slice(),
        &(DEMONSTRATION_BUILT_AT as u32).to_be_bytes(),
    ]
    .concat();
    let other = [b"build_epoch\x04\x02".as_slice(), &built_at.to_be_bytes()].concat();
    replaced(DEMONSTRATION.to_vec(), &field, &other)
}

#[test]
fn an_older_or_swapped_database_replaces_nothing() {
    let open = |bytes| CountryDatabase::open(bytes, &DatabaseRules::default(), NOW).unwrap();
    let in_use = demonstration();
    assert_eq!(in_use.check_replaces(&in_use), Ok(()));
    let built_at = DEMONSTRATION_BUILT_AT;
    let newer = open(with_build_time(built_at as u32 + 1));
    assert_eq!(newer.check_replaces(&in_use), Ok(()));
    let older = DatabaseError::Older {
        built_at,
        previous: built_at + 1,
    };
    assert_eq!(in_use.check_replaces(&newer), Err(older));

    let swapped = |from: &[u8; 2], to: &[u8; 2]| {
        let field = |code: &[u8; 2]| [b"B", code.as_slice()].concat();
        open(replaced(DEMONSTRATION.to_vec(), &field(from), &field(to)))
    };
    let result = swapped(b"US", b"CA").check_replaces(&in_use);
    assert!(
        matches!(result, Err(DatabaseError::Drifted { percent: 6.. })),
        "{result:?}"
    );
    assert_eq!(swapped(b"MU", b"RE").check_replaces(&in_use), Ok(()));
}

/// Flips bits, overwrites bytes and cuts ends of sound databases; whatever comes of it, it is not a panic.
#[test]
fn damaged_databases_never_panic() {
    const MUTANTS_PER_FILE: usize = 500;
    let rules = DatabaseRules {
        canaries: Vec::new(),
        ..rules()
    };
    let addresses = [
        "81.2.69.160",
        "1.1.1.1",
        "216.160.83.56",
        "255.255.255.254",
        "2001:218::1",
        "2a02:d500::",
    ]
    .map(ip);
    let mut random = crate::fixtures::Random::new(7);
    let (mut opened, mut answered) = (0, 0);
    for name in [
        "GeoIP2-Country-Test.mmdb",
        "GeoIP2-City-Test.mmdb",
        "GeoLite2-Country-Test.mmdb",
        "MaxMind-DB-test-ipv4-24.mmdb",
        "MaxMind-DB-test-mixed-28.mmdb",
        "MaxMind-DB-test-mixed-32.mmdb",
        "MaxMind-DB-test-nested.mmdb",
        "MaxMind-DB-no-ipv4-search-tree.mmdb",
        "MaxMind-DB-test-metadata-pointers.mmdb",
    ] {
        let sound = fixture(name);
        for _ in 0..MUTANTS_PER_FILE {
            let Ok(database) = CountryDatabase::open(random.mutant(&sound), &rules, NOW) else {
                continue;
            };
            opened += 1;
            answered += addresses
                .iter()
                .filter(|&&address| database.lookup(address).known().is_some())
                .count();
        }
    }
    assert!(
        opened > 1_000 && answered > 1_000,
        "{opened} opened, {answered} answered"
    );
}
