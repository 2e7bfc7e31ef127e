//! Feeds, good and poisoned (security reference A12.1, drill F06).

use super::{Guards, PREFIXES_MAX, PrefixError, PrefixSnapshot, SNAPSHOT_BYTES_MAX};
use crate::network::NetworkError;
use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr};

fn net(text: &str) -> IpNet {
    text.parse().unwrap()
}

fn nets(texts: &[&str]) -> Vec<IpNet> {
    texts.iter().map(|text| net(text)).collect()
}

const GOOD: &str = r#"{"list":"edges","version":7,"fetched_at":1000,"networks":["130.176.88.0/21","2600:9000:5200::/40"]}"#;

#[test]
fn a_snapshot_reads_and_writes_its_json() {
    let snapshot = PrefixSnapshot::from_json(GOOD.as_bytes(), Guards::Edges).unwrap();
    assert_eq!(snapshot.list(), "edges");
    assert_eq!(snapshot.version(), 7);
    assert_eq!(snapshot.fetched_at(), 1000);
    assert_eq!(
        snapshot.networks(),
        nets(&["130.176.88.0/21", "2600:9000:5200::/40"])
    );
    assert!(snapshot.contains("130.176.95.255".parse().unwrap()));
    assert!(snapshot.contains("2600:9000:5200::1".parse().unwrap()));
    assert!(!snapshot.contains("130.176.96.0".parse().unwrap()));
    assert_eq!(snapshot.to_json(), GOOD);
}

#[test]
fn the_order_and_duplicates_of_a_feed_do_not_matter() {
    let snapshot =
        |texts: &[&str]| PrefixSnapshot::new("edges", 7, 0, nets(texts), Guards::Edges).unwrap();
    assert_eq!(
        snapshot(&["3.29.57.0/26", "13.124.199.0/24", "3.29.57.0/26"]),
        snapshot(&["13.124.199.0/24", "3.29.57.0/26"])
    );
}

#[test]
fn the_age_is_counted_from_the_fetch_and_never_negative() {
    let snapshot = PrefixSnapshot::from_json(GOOD.as_bytes(), Guards::Edges).unwrap();
    assert_eq!(snapshot.age(1000), 0);
    assert_eq!(snapshot.age(1060), 60);
    assert_eq!(snapshot.age(0), 0);
    assert_eq!(snapshot.age(u64::MAX), u64::MAX - 1000);
}

#[track_caller]
fn check_refused(networks: &[&str], guards: Guards, expected: &PrefixError) {
    let json =
        serde_json::json!({ "list": "edges", "version": 7, "fetched_at": 0, "networks": networks });
    let result = PrefixSnapshot::from_json(json.to_string().as_bytes(), guards);
    assert_eq!(result.as_ref(), Err(expected), "{networks:?}");
}

#[test]
fn a_poisoned_list_of_edges_is_refused_by_name() {
    let refused = |networks: &[&str], expected: &PrefixError| {
        check_refused(networks, Guards::Edges, expected);
    };
    refused(&[], &PrefixError::Empty);
    for (text, length_min) in [
        ("0.0.0.0/0", 9),
        ("128.0.0.0/1", 9),
        ("52.0.0.0/8", 9),
        ("::/0", 29),
        ("8000::/1", 29),
        ("2600:9000::/28", 29),
    ] {
        let network = net(text);
        refused(
            &["3.29.57.0/26", text],
            &PrefixError::TooWide {
                network,
                length_min,
            },
        );
    }
    for text in [
        "10.0.0.0/9",
        "10.1.2.0/24",
        "127.0.0.1/32",
        "169.128.0.0/9",
        "172.0.0.0/9",
        "192.168.1.0/24",
        "100.64.0.0/10",
        "224.0.0.0/24",
        "255.255.255.255/32",
        "0.0.0.0/32",
        "::1/128",
        "fe80::/64",
        "fd00::/64",
        "ff02::/64",
        "2001:0:1::/48",
        "2002:7f00::/32",
        "64:ff9b::/96",
    ] {
        refused(
            &["3.29.57.0/26", text],
            &PrefixError::NotGlobal { network: net(text) },
        );
    }
    let host_bits = NetworkError::HostBits {
        nearest: net("3.29.57.0/26"),
    };
    refused(
        &["3.29.57.1/26"],
        &PrefixError::BadNetwork {
            position: 0,
            error: host_bits,
        },
    );
    let too_long = NetworkError::LengthTooLong {
        max: 32,
        nearest: net("3.29.57.0/32"),
    };
    refused(
        &["13.124.199.0/24", "3.29.57.0/33"],
        &PrefixError::BadNetwork {
            position: 1,
            error: too_long,
        },
    );
    let mapped = NetworkError::Ipv4Mapped {
        nearest: net("3.29.57.0/24"),
    };
    refused(
        &["::ffff:3.29.57.0/120"],
        &PrefixError::BadNetwork {
            position: 0,
            error: mapped,
        },
    );
}

#[test]
fn host_bits_are_refused_however_they_come() {
    let result = PrefixSnapshot::new("edges", 7, 0, nets(&["3.29.57.1/26"]), Guards::Edges);
    let error = NetworkError::HostBits {
        nearest: net("3.29.57.0/26"),
    };
    assert_eq!(result, Err(PrefixError::BadNetwork { position: 0, error }));
}

#[test]
fn a_list_of_the_operators_own_may_be_private_but_never_everyone() {
    let list = nets(&[
        "10.0.0.0/8",
        "192.168.0.0/16",
        "203.0.113.7/32",
        "fd00::/16",
    ]);
    assert!(PrefixSnapshot::new("pl-0a1b", 1, 0, list, Guards::Viewers).is_ok());
    let refused = |text: &str, length_min| {
        let network = net(text);
        check_refused(
            &[text],
            Guards::Viewers,
            &PrefixError::TooWide {
                network,
                length_min,
            },
        );
    };
    refused("0.0.0.0/0", 8);
    refused("128.0.0.0/7", 8);
    refused("2000::/3", 16);
    check_refused(&[], Guards::Viewers, &PrefixError::Empty);
}

#[test]
fn the_number_of_networks_is_limited() {
    let list = |count: u32| {
        let networks =
            (0..count).map(|n| IpNet::from(IpAddr::V4(Ipv4Addr::from_bits(0x0800_0000 + n * 2))));
        PrefixSnapshot::new("edges", 7, 0, networks.collect(), Guards::Edges)
    };
    let max = PREFIXES_MAX as u32;
    let longest = list(max).unwrap();
    assert_eq!(longest.networks().len(), PREFIXES_MAX);
    assert!(longest.to_json().len() < SNAPSHOT_BYTES_MAX);
    assert_eq!(list(max + 1), Err(PrefixError::TooMany));
}

#[test]
fn bytes_that_are_no_snapshot_are_refused_where_they_go_wrong() {
    let refused =
        |text: &str| PrefixSnapshot::from_json(text.as_bytes(), Guards::Edges).unwrap_err();
    for text in [
        "",
        "null",
        "[]",
        "<html>503 Slow Down</html>",
        r#"{"list":"edges","version":7,"fetched_at":0}"#,
        r#"{"list":"edges","version":7,"fetched_at":0,"networks":["3.29.57.0/26"],"extra":1}"#,
        r#"{"list":"edges","version":-7,"fetched_at":0,"networks":["3.29.57.0/26"]}"#,
        r#"{"list":"edges","version":"7","fetched_at":0,"networks":["3.29.57.0/26"]}"#,
        r#"{"list":"edges","list":"edges","version":7,"fetched_at":0,"networks":["3.29.57.0/26"]}"#,
        GOOD.trim_end_matches('}'),
        &format!("{GOOD}{GOOD}"),
    ] {
        assert!(
            matches!(refused(text), PrefixError::NotJson { .. }),
            "{text}"
        );
    }
    assert_eq!(
        refused(&" ".repeat(SNAPSHOT_BYTES_MAX + 1)),
        PrefixError::TooLong {
            max: SNAPSHOT_BYTES_MAX
        }
    );
    for name in [String::new(), "x".repeat(256)] {
        let result = PrefixSnapshot::new(&name, 7, 0, nets(&["3.29.57.0/26"]), Guards::Edges);
        assert_eq!(result, Err(PrefixError::BadName));
    }
}

/// `10_000` addresses of a list: `count` networks /24 from 13.0.0.0 on.
fn edges(version: u64, count: u32) -> PrefixSnapshot {
    slice(version, 0, count)
}

fn slice(version: u64, first: u32, count: u32) -> PrefixSnapshot {
    let networks = (first..first + count)
        .map(|n| IpNet::new(IpAddr::V4(Ipv4Addr::from_bits(0x0d00_0000 + n * 512)), 24).unwrap())
        .collect();
    PrefixSnapshot::new("edges", version, 0, networks, Guards::Edges).unwrap()
}

#[test]
fn a_legal_change_replaces_and_an_illegal_one_does_not() {
    let previous = edges(5, 100);
    for (next, expected) in [
        (edges(5, 100), Ok(())),
        (edges(6, 100), Ok(())),
        (edges(6, 101), Ok(())),
        (edges(6, 50), Ok(())),
        (edges(6, 49), Err(PrefixError::Shrunk)),
        (slice(6, 50, 100), Ok(())),
        (slice(6, 51, 100), Err(PrefixError::Shrunk)),
        (slice(6, 200, 100), Err(PrefixError::Shrunk)),
        (edges(6, 400), Ok(())),
        (edges(6, 401), Err(PrefixError::Grown)),
        (
            edges(4, 100),
            Err(PrefixError::Older {
                version: 4,
                previous: 5,
            }),
        ),
        (
            edges(5, 101),
            Err(PrefixError::SameVersionChanged { version: 5 }),
        ),
    ] {
        assert_eq!(
            next.check_replaces(&previous),
            expected,
            "{} {}",
            next.version(),
            next.networks().len()
        );
    }
    let other =
        PrefixSnapshot::new("others", 6, 0, previous.networks().to_vec(), Guards::Edges).unwrap();
    assert_eq!(other.check_replaces(&previous), Err(PrefixError::OtherList));
}

#[track_caller]
fn check_change(previous: &[&str], next: &[&str], expected: &Result<(), PrefixError>) {
    let snapshot = |version, texts| {
        PrefixSnapshot::new("edges", version, 0, nets(texts), Guards::Edges).unwrap()
    };
    assert_eq!(
        &snapshot(2, next).check_replaces(&snapshot(1, previous)),
        expected,
        "{previous:?} {next:?}"
    );
}

#[test]
fn a_change_is_judged_by_entries_and_by_addresses() {
    // Most entries stay, most addresses go.
    check_change(
        &["52.0.0.0/9", "13.0.0.0/24", "13.0.2.0/24"],
        &["13.0.0.0/24", "13.0.2.0/24"],
        &Err(PrefixError::Shrunk),
    );
    // Most addresses stay, most entries go.
    check_change(
        &["52.0.0.0/9", "13.0.0.0/24", "13.0.2.0/24"],
        &["52.0.0.0/9"],
        &Err(PrefixError::Shrunk),
    );
    // One entry swallows the neighbourhood.
    check_change(&["13.0.0.0/24"], &["13.0.0.0/16"], &Err(PrefixError::Grown));
    // AWS joins two networks into one.
    check_change(&["13.0.0.0/24", "13.0.1.0/24"], &["13.0.0.0/23"], &Ok(()));
    // A family appears, and a family goes.
    check_change(
        &["13.0.0.0/24"],
        &["13.0.0.0/24", "2600:9000:5200::/40"],
        &Ok(()),
    );
    check_change(
        &["13.0.0.0/24", "2600:9000:5200::/40"],
        &["13.0.0.0/24"],
        &Err(PrefixError::Shrunk),
    );
}

const IP_RANGES: &str = r#"{"syncToken":"1787433425","createDate":"2026-08-22-21-17-05","prefixes":[
    {"ip_prefix":"3.4.12.4/32","region":"eu-west-1","service":"AMAZON","network_border_group":"eu-west-1"},
    {"ip_prefix":"13.124.199.0/24","region":"ap-northeast-2","service":"CLOUDFRONT_ORIGIN_FACING","network_border_group":"x","new":[1]},
    {"ip_prefix":"130.176.88.0/21","region":"GLOBAL","service":"CLOUDFRONT_ORIGIN_FACING","network_border_group":"GLOBAL"}],
    "ipv6_prefixes":[
    {"ipv6_prefix":"2600:9000:5200::/40","region":"GLOBAL","service":"CLOUDFRONT_ORIGIN_FACING","network_border_group":"GLOBAL"}],"more":{}}"#;

#[test]
fn one_service_of_ip_ranges_becomes_a_snapshot() {
    let read = |text: &str, service| {
        PrefixSnapshot::from_ip_ranges(text.as_bytes(), service, 9, Guards::Edges)
    };
    let snapshot = read(IP_RANGES, super::ORIGIN_FACING).unwrap();
    assert_eq!(snapshot.list(), "CLOUDFRONT_ORIGIN_FACING");
    assert_eq!(snapshot.version(), 1_787_433_425);
    assert_eq!(snapshot.fetched_at(), 9);
    assert_eq!(
        snapshot.networks(),
        nets(&["13.124.199.0/24", "130.176.88.0/21", "2600:9000:5200::/40"])
    );
    assert_eq!(read(IP_RANGES, "NO_SUCH_SERVICE"), Err(PrefixError::Empty));
    let token = IP_RANGES.replace("1787433425", "yesterday");
    assert_eq!(
        read(&token, super::ORIGIN_FACING),
        Err(PrefixError::BadToken)
    );
    for text in ["", "<html></html>", "{}", IP_RANGES.trim_end_matches('}')] {
        assert!(
            matches!(
                read(text, super::ORIGIN_FACING),
                Err(PrefixError::NotJson { .. })
            ),
            "{text}"
        );
    }
}
