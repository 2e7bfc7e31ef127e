//! `ip_membership.json` over AWS's own address list: which addresses CloudFront uses towards origins.
//!
//! The list is read by the code that reads it in production, and counted a second time here from its plain JSON.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a malformed vector or list must fail"
)]

use ipnet::IpNet;
use portcullis_suite::{data_dir, hold_all, vector_file};
use portcullis_viewer::address::peer_address;
use portcullis_viewer::prefixes::{Guards, ORIGIN_FACING, PrefixSnapshot};
use portcullis_viewer::set::AddressSet;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::net::IpAddr;

fn list() -> Vec<u8> {
    std::fs::read(data_dir().join("ip-ranges.json")).unwrap()
}

fn snapshot(list: &[u8], service: &str) -> PrefixSnapshot {
    PrefixSnapshot::from_ip_ranges(list, service, 0, Guards::Edges).unwrap()
}

/// Ranges of one family, and the addresses in them.
fn of_family(set: &AddressSet, v4: bool) -> Vec<(IpAddr, IpAddr)> {
    set.ranges()
        .filter(|(first, _)| first.is_ipv4() == v4)
        .collect()
}

#[test]
fn vectors_ip_membership_cases_hold() {
    let list = list();
    let origin_facing = snapshot(&list, ORIGIN_FACING);
    let cloudfront = snapshot(&list, "CLOUDFRONT");
    hold_all("ip_membership", |case| {
        let text = case["ip"].as_str().ok_or("no ip")?;
        // The vectors ask about the address as it is written; only then is it folded.
        let address: IpAddr = text.parse().map_err(|error| format!("{error}"))?;
        for (name, snapshot) in [
            ("origin_facing", &origin_facing),
            ("cloudfront", &cloudfront),
        ] {
            let expected = case[name].as_bool().ok_or("no expectation")?;
            if snapshot.contains(address) != expected {
                return Err(format!("{name} is not {expected}"));
            }
        }
        Ok(())
    });
}

#[test]
fn vectors_ip_membership_a_mapped_edge_is_folded_where_it_is_read() {
    let origin_facing = snapshot(&list(), ORIGIN_FACING);
    let folded = peer_address("::ffff:130.176.88.1").unwrap();
    assert!(origin_facing.contains(folded));
}

#[test]
fn vectors_ip_membership_the_list_is_the_one_described() {
    let file = vector_file("ip_membership");
    let list = list();
    let hex = |bytes: &[u8]| {
        bytes
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    assert_eq!(hex(&Sha256::digest(&list)), file["sha256"]);
    assert_eq!(hex(&md5::Md5::digest(&list)), file["md5"]);
    let json: Value = serde_json::from_slice(&list).unwrap();
    assert_eq!(json["createDate"], file["createDate"]);
    assert_eq!(json["syncToken"], file["syncToken"]);
    let version = snapshot(&list, ORIGIN_FACING).version();
    assert_eq!(file["syncToken"], version.to_string());
}

#[test]
fn vectors_ip_membership_counts_hold() {
    let file = vector_file("ip_membership");
    let list = list();
    let json: Value = serde_json::from_slice(&list).unwrap();
    let listed = |family: &str, keep: &dyn Fn(&Value) -> bool| {
        json[family]
            .as_array()
            .unwrap()
            .iter()
            .filter(|entry| keep(entry))
            .count()
    };
    let origin_facing = |entry: &Value| entry["service"] == ORIGIN_FACING;
    let global = |entry: &Value| origin_facing(entry) && entry["region"] == "GLOBAL";
    let counted = [
        ("origin_facing_v4", listed("prefixes", &origin_facing)),
        ("origin_facing_v4_global", listed("prefixes", &global)),
        ("origin_facing_v6", listed("ipv6_prefixes", &origin_facing)),
    ];

    let edges = snapshot(&list, ORIGIN_FACING);
    let cloudfront = snapshot(&list, "CLOUDFRONT");
    let networks = |snapshot: &PrefixSnapshot, v4: bool| {
        snapshot
            .networks()
            .iter()
            .filter(|network| network.addr().is_ipv4() == v4)
            .count()
    };
    let collapsed = |v4: bool| {
        let networks = edges.networks().iter().copied();
        IpNet::aggregate(
            &networks
                .filter(|network| network.addr().is_ipv4() == v4)
                .collect(),
        )
        .len()
    };
    let (addresses_v4, _) = edges.set().address_counts();
    let read = [
        ("origin_facing_v4", networks(&edges, true)),
        ("origin_facing_v4_collapsed", collapsed(true)),
        ("origin_facing_v6", networks(&edges, false)),
        ("origin_facing_v6_collapsed", collapsed(false)),
        ("cloudfront_v4", networks(&cloudfront, true)),
        ("cloudfront_v6", networks(&cloudfront, false)),
        ("addresses_v4", usize::try_from(addresses_v4).unwrap()),
    ];
    let expected = file["counts"].as_object().unwrap();
    let mut checked = std::collections::BTreeSet::new();
    for (name, count) in counted.into_iter().chain(read) {
        assert_eq!(expected[name], count, "{name}");
        checked.insert(name);
    }
    assert!(
        expected.keys().all(|name| checked.contains(name.as_str())),
        "{checked:?}"
    );
    // Merged ranges are fewer than collapsed networks, because a range need not be a network.
    assert_eq!(of_family(edges.set(), true).len(), 25);
    assert_eq!(of_family(edges.set(), false).len(), 3);
}

#[test]
fn vectors_ip_membership_named_networks_are_in_the_list() {
    let file = vector_file("ip_membership");
    let edges = snapshot(&list(), ORIGIN_FACING);
    let net = |text: &Value| text.as_str().unwrap().parse::<IpNet>().unwrap();
    let v6: Vec<IpNet> = file["origin_facing_v6"]
        .as_array()
        .unwrap()
        .iter()
        .map(net)
        .collect();
    let read = edges
        .networks()
        .iter()
        .copied()
        .filter(|network| network.addr().is_ipv6());
    assert_eq!(read.collect::<Vec<_>>(), v6);

    // A reader that keeps only the region GLOBAL loses these.
    let json: Value = serde_json::from_slice(&list()).unwrap();
    let regional = file["regional_origin_facing"].as_array().unwrap();
    assert!(!regional.is_empty());
    for pair in regional {
        assert!(edges.networks().contains(&net(&pair[0])), "{pair}");
        let entry = json["prefixes"]
            .as_array()
            .unwrap()
            .iter()
            .find(|entry| entry["ip_prefix"] == pair[0] && entry["service"] == ORIGIN_FACING);
        assert_eq!(entry.unwrap()["region"], pair[1]);
    }
}
