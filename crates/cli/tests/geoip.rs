//! `portcullis geoip`: what a database says, what another changes, and that a table is only made of one that holds.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must fail"
)]

mod support;

use support::{folder, root, run};

fn demonstration() -> String {
    let path = root().join("infra/geoip/demonstration-country.mmdb");
    path.to_str().unwrap().to_owned()
}

fn of_tests(name: &str) -> String {
    let path = root().join("tests/data/maxmind-db/test-data").join(name);
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_table_says_what_its_database_says() {
    let (place, database) = (folder(&[]), demonstration());
    let addresses = ["193.0.6.139", "2001:67c:2e8::1", "10.0.0.1"];
    let look = |file: &str| {
        let arguments = [&["geoip", "lookup", file], &addresses[..]].concat();
        run(place.path(), &arguments).exits(0).stdout
    };
    run(
        place.path(),
        &[
            "geoip",
            "compile",
            &database,
            "-o",
            "a.table",
            "--canary",
            "193.0.6.139=NL",
        ],
    )
    .exits(0)
    .says("demonstration");
    assert_eq!(
        look(&database),
        "193.0.6.139  NL\n2001:67c:2e8::1  NL\n10.0.0.1  special-address\n"
    );
    assert_eq!(look("a.table"), look(&database));
    let damaged = {
        let mut bytes = std::fs::read(place.path().join("a.table")).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        bytes
    };
    std::fs::write(place.path().join("damaged.table"), damaged).unwrap();
    run(
        place.path(),
        &["geoip", "lookup", "damaged.table", "193.0.6.139"],
    )
    .exits(1)
    .says("checksum");
}

#[test]
fn what_does_not_hold_is_not_compiled() {
    let (place, database) = (folder(&[]), demonstration());
    let small = of_tests("GeoLite2-Country-Test.mmdb");
    let zeros = "0".repeat(64);
    let refused: [(&[&str], &str); 4] = [
        (
            &[&database, "--canary", "193.0.6.139=DE"],
            "should be DE in the database and is NL",
        ),
        (&[&database, "--sha256", &zeros], "SHA-256"),
        (&[&small], "well-known addresses"),
        (&["portcullis.yaml"], "cannot be read"),
    ];
    for (arguments, why) in refused {
        let arguments = [&["geoip", "compile", "-o", "a.table"], arguments].concat();
        run(place.path(), &arguments).exits(1).says(why);
        assert!(!place.path().join("a.table").exists());
    }
    let compile = ["geoip", "compile", &database, "-o", "a.table"];
    let plan = [&compile[..], &["--plan"]].concat();
    run(place.path(), &plan).exits(4);
    assert!(!place.path().join("a.table").exists());
    run(place.path(), &compile).exits(0);
    run(place.path(), &plan).exits(0);
}

#[test]
fn a_diff_counts_what_changes_and_says_whether_it_may() {
    let (place, database) = (folder(&[]), demonstration());
    let small = of_tests("GeoLite2-Country-Test.mmdb");
    run(place.path(), &["geoip", "diff", &database, &database])
        .exits(0)
        .prints("no address changes");
    let told = run(
        place.path(),
        &["geoip", "diff", &database, &small, "--json"],
    );
    let told = told.exits(3).json();
    assert!(
        told["refused"]
            .as_str()
            .unwrap()
            .contains("before the one in use")
    );
    let gone = told["changes"].as_array().unwrap().iter();
    let largest = gone
        .map(|kind| kind["ipv4_addresses"].as_u64().unwrap())
        .max();
    assert!(largest.unwrap() > 1_000_000_000);
}
