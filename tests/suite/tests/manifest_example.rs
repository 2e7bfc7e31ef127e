//! The example manifest means what its comments say, and the same text gives the same bytes everywhere.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test whose input is not as it must be must fail"
)]

use portcullis_manifest::{Compiled, Folder, compile};
use portcullis_site::{
    Bundle, Caching, Effect, Enforcement, LargeObjects, Methods, Network, Origin, QueryKey,
    Requirement, Seconds, WhenStale,
};
use portcullis_viewer::country::{Country, Group};
use proptest::prelude::*;

const EXAMPLE: &str = include_str!("../../../example/portcullis.yaml");
/// Changes only with the bundle's format, the example or the meaning of a default. A change is a change for every user.
const DIGEST: &str = "sha256:9bf0b8d458ccfa71148a2f3172caa09cf38179707c754b868029745270cb3cf9";

fn compiled(source: &str) -> Compiled {
    let folder = Folder(concat!(env!("CARGO_MANIFEST_DIR"), "/../../example").into());
    compile(source, "portcullis.yaml", &folder).unwrap_or_else(|d| panic!("{d}"))
}

fn digest(source: &str) -> String {
    compiled(source).bundle.digest().to_string()
}

#[test]
fn the_example_compiles_to_a_known_digest_without_a_warning() {
    let compiled = compiled(EXAMPLE);
    assert_eq!(compiled.warnings, []);
    assert_eq!(compiled.bundle.digest().to_string(), DIGEST);
}

#[test]
fn the_bundle_reads_back_as_the_same_site() {
    let bundle = compiled(EXAMPLE).bundle;
    let read = Bundle::read(bundle.bytes()).unwrap();
    assert_eq!(read.site(), bundle.site());
    assert_eq!(read.digest(), bundle.digest());
}

#[test]
fn the_example_means_what_its_comments_say() {
    let compiled = compiled(EXAMPLE);
    let site = compiled.bundle.site();
    let named = |name: &str| portcullis_site::Name::new(name).unwrap();
    let days = |n: u64| Seconds::of(n * 86_400);

    // Where content comes from.
    assert!(
        matches!(&site.origins[&named("handbook")], Origin::Releases { bucket } if bucket.as_str() == "handbook-releases")
    );
    assert!(
        matches!(&site.origins[&named("files")], Origin::Bucket { prefix, uploads: false, .. } if prefix.as_str() == "public/")
    );
    assert!(matches!(
        &site.origins[&named("media")],
        Origin::DirectBucket { .. }
    ));
    let Origin::Http(standby) = &site.origins[&named("search-standby")] else {
        panic!("not http")
    };
    assert_eq!(
        (
            standby.connect_timeout,
            standby.response_timeout,
            standby.attempts
        ),
        (Seconds::of(10), Seconds::of(30), 3)
    );
    assert_eq!(
        site.origin_groups[&named("search-ha")].failover_on,
        [500, 502, 503, 504]
    );

    // Who may talk to the gateway at all.
    assert_eq!(site.guard.access_control.mode, Requirement::Required);
    assert_eq!(site.guard.secret_header.rotate_every, days(30));
    assert_eq!(site.guard.edges.when_stale, WhenStale::Deny);
    assert_eq!(
        site.geo.database.as_ref().unwrap().when_stale,
        WhenStale::Report
    );

    // Groups are versioned and expanded.
    let eu = &site.geo.groups[&named("EU")];
    assert!(eu.as_of.is_some() && eu.members.len() == 27);
    assert_eq!(site.geo.groups[&named("launch")].as_of, None);
    assert!(
        !site.geo.groups.contains_key(&named("EFTA")),
        "no policy names it"
    );
    let europe = site.policies[&named("europe-only")].statements[0]
        .when
        .as_ref()
        .unwrap();
    let expected: Vec<Country> = Country::all()
        .filter(|c| Group::Eu.members().contains(*c) || c.as_str() == "CH")
        .collect();
    assert_eq!(europe.countries.as_ref().unwrap(), &expected);
    assert!(
        matches!(&site.networks[&named("partners")], Network::PrefixList { id, .. } if id == "pl-0a1b2c3d4e5f67890")
    );
    let launch = &site.policies[&named("launch-countries")].statements;
    assert!(launch[3].effect == Effect::Deny && launch[3].when.as_ref().unwrap().unknown_country);

    // Where each policy is enforced, and what is kept.
    let behaviors = &site.behaviors;
    assert_eq!(behaviors.len(), 6);
    assert_eq!(behaviors[0].caching, Caching::Disabled);
    assert_eq!(behaviors[2].methods, Methods::GetHeadOptions);
    assert_eq!(
        behaviors[3].enforce,
        Enforcement::Origin,
        "`allow: any` needs no edge function"
    );
    assert_eq!(behaviors[5].large_objects, LargeObjects::Refuse);
    let Caching::Enabled { key, ttl } = &behaviors[2].caching else {
        panic!("not cached")
    };
    assert_eq!(
        key.query,
        QueryKey::Only(vec!["q".to_owned(), "page".to_owned()])
    );
    assert_eq!(
        (ttl.min, ttl.default, ttl.max),
        (Seconds::of(0), Seconds::of(30), Seconds::of(300))
    );
    let Caching::Enabled { key, ttl } = &behaviors[3].caching else {
        panic!("not cached")
    };
    assert_eq!(
        (&key.query, ttl.default, ttl.max),
        (&QueryKey::None, days(1), days(365))
    );
    assert!(site.releases.as_ref().unwrap().classes.len() == 3 && site.errors.len() == 2);
}

#[test]
fn what_compiles_and_is_probably_not_meant_is_a_warning() {
    #[track_caller]
    fn check(right: &str, wrong: &str, code: &str, message: &str) {
        let source = EXAMPLE.replacen(right, wrong, 1);
        let warnings = compiled(&source).warnings;
        let [only] = warnings.as_slice() else {
            panic!("not exactly one warning: {warnings:#?}")
        };
        assert_eq!(
            (only.code.to_string().as_str(), only.message.as_str()),
            (code, message)
        );
    }
    let spare = "  abuse: [192.0.2.0/24]\n  spare: [203.0.113.0/24]\n";
    check(
        "  abuse: [192.0.2.0/24]\n",
        spare,
        "PC1701",
        "network `spare` is not used",
    );
    let spare = "  everyone:\n    - { allow: any }\n  spare:\n    - { deny: any }\n";
    check(
        "  everyone:\n    - { allow: any }\n",
        spare,
        "PC1701",
        "policy `spare` is not used",
    );
    let off = "`access_control` does not refuse requests without its proof";
    check(
        "access_control: required",
        "access_control: off",
        "PC1702",
        off,
    );
    let old = "`TLSv1.2_2019` still allows protocols or ciphers below TLSv1.2_2021";
    check("TLSv1.2_2021", "TLSv1.2_2019", "PC1702", old);
    let headers = "cors: { allow_headers: [x-a], allow_origins";
    check(
        "cors: { allow_origins",
        headers,
        "PC1703",
        "no preflight that asks for these headers is ever answered",
    );
}

#[test]
fn every_statement_and_behavior_has_its_place() {
    let map = compiled(EXAMPLE).source_map;
    let line = |needle: &str| {
        u32::try_from(EXAMPLE.lines().position(|l| l.contains(needle)).unwrap()).unwrap() + 1
    };
    assert_eq!(
        map.statement("launch-countries", 3).unwrap().line,
        line("reason: country-unknown")
    );
    assert_eq!(map.statement("launch-countries", 4), None);
    assert_eq!(map.behavior(5).unwrap().line, line("path: \"*\""));
    let ttl = map.pointer(&["behaviors", "2", "ttl", "max"]);
    let column = EXAMPLE
        .lines()
        .nth(ttl.line as usize - 1)
        .unwrap()
        .find("5m")
        .unwrap()
        + 1;
    assert_eq!((ttl.line, ttl.column as usize), (line("max: 5m"), column));
    // What is not written has the place of what it would stand in.
    assert_eq!(map.pointer(&["guard", "fronts"]).line, line("guard:"));
}

#[test]
fn line_endings_comments_and_the_order_of_keys_do_not_change_the_digest() {
    let expected = digest(EXAMPLE);
    assert_eq!(digest(&EXAMPLE.replace('\n', "\r\n")), expected, "CR LF");
    assert_eq!(
        digest(&format!("\u{feff}{EXAMPLE}")),
        expected,
        "byte order mark"
    );
    let bare: Vec<&str> = EXAMPLE
        .lines()
        .map(|l| l.split("  #").next().unwrap())
        .filter(|l| !l.starts_with('#'))
        .collect();
    assert_eq!(digest(&bare.join("\n")), expected, "no comments");
    assert_ne!(digest(&EXAMPLE.replacen("max: 5m", "max: 6m", 1)), expected);
}

/// The top-level sections of the example.
fn sections() -> Vec<String> {
    let mut sections: Vec<String> = Vec::new();
    for line in EXAMPLE.lines().filter(|l| !l.starts_with('#')) {
        if line.starts_with(|c: char| c.is_ascii_lowercase()) {
            sections.push(String::new());
        }
        if let Some(section) = sections.last_mut() {
            section.push_str(line);
            section.push('\n');
        }
    }
    sections
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn any_order_of_the_sections_means_the_same(order in Just(sections()).prop_shuffle()) {
        prop_assert_eq!(digest(&order.concat()), digest(EXAMPLE));
    }
}
