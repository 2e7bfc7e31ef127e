//! The set against the obvious scan over its networks.

use super::{AddressSet, NETWORKS_MAX, TooManyNetworks};
use ipnet::IpNet;
use proptest::prelude::*;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

fn nets(texts: &[&str]) -> Vec<IpNet> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn set(texts: &[&str]) -> AddressSet {
    AddressSet::from_networks(nets(texts)).unwrap()
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[track_caller]
fn check(networks: &[&str], inside: &[&str], outside: &[&str]) {
    let set = set(networks);
    for address in inside {
        assert!(set.contains(ip(address)), "{address} in {networks:?}");
    }
    for address in outside {
        assert!(!set.contains(ip(address)), "{address} in {networks:?}");
    }
}

#[test]
fn an_empty_set_holds_nobody() {
    check(
        &[],
        &[],
        &["0.0.0.0", "255.255.255.255", "::", "2001:db8::1"],
    );
    assert!(set(&[]).is_empty());
    assert_eq!(set(&[]), AddressSet::default());
    assert_eq!(set(&[]).ranges().count(), 0);
}

#[test]
fn a_network_holds_its_first_and_last_address_and_no_neighbour() {
    check(
        &["198.51.100.0/24", "2001:db8:51::/48"],
        &[
            "198.51.100.0",
            "198.51.100.255",
            "2001:db8:51::",
            "2001:db8:51:ffff:ffff:ffff:ffff:ffff",
        ],
        &[
            "198.51.99.255",
            "198.51.101.0",
            "2001:db8:50:ffff:ffff:ffff:ffff:ffff",
            "2001:db8:52::",
        ],
    );
    check(
        &[
            "0.0.0.0/32",
            "255.255.255.255/32",
            "::/128",
            "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128",
        ],
        &[
            "0.0.0.0",
            "255.255.255.255",
            "::",
            "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        ],
        &["0.0.0.1", "255.255.255.254", "::1"],
    );
}

#[test]
fn a_mapped_address_is_in_no_ipv4_network() {
    check(
        &["198.51.100.0/24"],
        &["198.51.100.1"],
        &["::ffff:198.51.100.1"],
    );
}

#[test]
fn overlapping_and_adjoining_networks_merge() {
    let set = set(&[
        "10.0.1.0/24",
        "10.0.0.0/24",
        "10.0.0.128/25",
        "10.0.2.0/24",
        "10.0.4.0/24",
        "10.0.0.0/24",
    ]);
    let ranges: Vec<_> = set.ranges().collect();
    assert_eq!(
        ranges,
        [
            (ip("10.0.0.0"), ip("10.0.2.255")),
            (ip("10.0.4.0"), ip("10.0.4.255"))
        ]
    );
    assert_eq!(set.len(), 2);
    assert_eq!(set.address_counts(), (1024, 0));
}

#[test]
fn only_both_families_together_cover_everything() {
    assert!(set(&["0.0.0.0/0", "::/0"]).covers_everything());
    assert!(set(&["0.0.0.0/1", "128.0.0.0/1", "::/1", "8000::/1"]).covers_everything());
    assert!(!set(&["0.0.0.0/0"]).covers_everything());
    assert!(!set(&["::/0"]).covers_everything());
    assert!(!set(&[]).covers_everything());
    assert_eq!(
        set(&["0.0.0.0/0", "::/0"]).address_counts(),
        (1 << 32, u128::MAX)
    );
}

#[test]
fn a_network_is_held_whole_or_not_at_all() {
    let set = set(&["10.0.0.0/24", "10.0.1.0/24", "2001:db8::/32"]);
    for (network, held) in [
        ("10.0.0.0/23", true),
        ("10.0.0.7/32", true),
        ("10.0.0.0/22", false),
        ("10.0.2.0/24", false),
        ("2001:db8:1::/48", true),
        ("2001:db8::/31", false),
    ] {
        assert_eq!(
            set.contains_network(network.parse().unwrap()),
            held,
            "{network}"
        );
    }
}

#[test]
fn a_list_beyond_the_limit_is_refused() {
    let network: IpNet = "10.0.0.0/32".parse().unwrap();
    let list = |count| AddressSet::from_networks(std::iter::repeat_n(network, count));
    assert!(list(NETWORKS_MAX).is_ok());
    assert_eq!(list(NETWORKS_MAX + 1), Err(TooManyNetworks));
}

/// Networks crowded into a small space, so that they overlap, nest and adjoin often.
fn crowded_network() -> impl Strategy<Value = IpNet> {
    prop_oneof![
        (0u32..1 << 12, 16u8..=32).prop_map(|(bits, length)| {
            IpNet::new(
                IpAddr::V4(Ipv4Addr::from_bits(0xc633_0000 | bits << 4)),
                length,
            )
            .unwrap()
        }),
        (any::<u32>(), 0u8..=32).prop_map(|(bits, length)| IpNet::new(
            IpAddr::V4(Ipv4Addr::from_bits(bits)),
            length
        )
        .unwrap()),
        (0u128..1 << 12, 108u8..=128).prop_map(|(bits, length)| {
            IpNet::new(
                IpAddr::V6(Ipv6Addr::from_bits(0x2001_0db8 << 96 | bits << 8)),
                length,
            )
            .unwrap()
        }),
        (any::<u128>(), 0u8..=128).prop_map(|(bits, length)| IpNet::new(
            IpAddr::V6(Ipv6Addr::from_bits(bits)),
            length
        )
        .unwrap()),
    ]
}

/// The edges of every network and their neighbours: where a wrong range shows.
fn probes(networks: &[IpNet]) -> Vec<IpAddr> {
    let mut out = Vec::new();
    for network in networks {
        match network {
            IpNet::V4(network) => {
                for edge in [network.network().to_bits(), network.broadcast().to_bits()] {
                    for bits in [edge.wrapping_sub(1), edge, edge.wrapping_add(1)] {
                        out.push(IpAddr::V4(Ipv4Addr::from_bits(bits)));
                    }
                }
            }
            IpNet::V6(network) => {
                for edge in [network.network().to_bits(), network.broadcast().to_bits()] {
                    for bits in [edge.wrapping_sub(1), edge, edge.wrapping_add(1)] {
                        out.push(IpAddr::V6(Ipv6Addr::from_bits(bits)));
                    }
                }
            }
        }
    }
    out
}

proptest! {
    #[test]
    fn the_set_equals_a_scan(
        networks in proptest::collection::vec(crowded_network(), 0..40),
        others in proptest::collection::vec(any::<u32>(), 0..20),
    ) {
        let set = AddressSet::from_networks(networks.iter().copied()).unwrap();
        let others = others.into_iter().map(|bits| IpAddr::V4(Ipv4Addr::from_bits(bits)));
        for address in probes(&networks).into_iter().chain(others) {
            let expected = networks.iter().any(|network| network.contains(&address));
            prop_assert_eq!(set.contains(address), expected, "{}", address);
        }
    }

    #[test]
    fn ranges_are_sorted_disjoint_and_never_adjoin(
        networks in proptest::collection::vec(crowded_network(), 0..40),
    ) {
        let set = AddressSet::from_networks(networks).unwrap();
        let ranges: Vec<_> = set.ranges().collect();
        prop_assert_eq!(ranges.len(), set.len());
        for pair in ranges.windows(2) {
            let ((first, end), (next, _)) = (pair[0], pair[1]);
            prop_assert!(first <= end && end < next);
            let after = match end {
                IpAddr::V4(end) => IpAddr::V4(Ipv4Addr::from_bits(end.to_bits().wrapping_add(1))),
                IpAddr::V6(end) => IpAddr::V6(Ipv6Addr::from_bits(end.to_bits().wrapping_add(1))),
            };
            prop_assert_ne!(after, next);
        }
    }

    /// Many ranges, so that the index has its most bits.
    #[test]
    fn a_large_set_equals_a_scan_over_its_ranges(seed: u32, probes in proptest::collection::vec(any::<u32>(), 24)) {
        let networks: Vec<IpNet> = (0u32..4_500)
            .map(|n| {
                let bits = n.wrapping_mul(0x9e37_79b9).wrapping_add(seed);
                IpNet::new(IpAddr::V4(Ipv4Addr::from_bits(bits)), 20 + (n % 13) as u8).unwrap()
            })
            .collect();
        let set = AddressSet::from_networks(networks.iter().copied()).unwrap();
        let near = networks.iter().step_by(199).map(IpNet::addr);
        for address in probes.into_iter().map(|bits| IpAddr::V4(Ipv4Addr::from_bits(bits))).chain(near) {
            let expected = networks.iter().any(|network| network.contains(&address));
            prop_assert_eq!(set.contains(address), expected, "{}", address);
        }
    }
}
