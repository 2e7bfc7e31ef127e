//! Lists of networks: AWS's published ones, and synthetic ones of any size.

use crate::Failure;
use crate::inputs::root;
use crate::random::Random;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde_json::Value;
use std::collections::BTreeSet;

/// The networks of `service` in the project's copy of AWS's `ip-ranges.json`; of all services without one. None twice.
///
/// # Errors
/// The file cannot be read.
pub fn of_service(service: Option<&str>) -> Result<Vec<IpNet>, Failure> {
    let file: Value =
        serde_json::from_slice(&std::fs::read(root().join("tests/data/ip-ranges.json"))?)?;
    let mut networks = BTreeSet::new();
    for (list, field) in [("prefixes", "ip_prefix"), ("ipv6_prefixes", "ipv6_prefix")] {
        for entry in file[list].as_array().into_iter().flatten() {
            if service.is_none_or(|service| entry["service"] == service) {
                networks.insert(
                    entry[field]
                        .as_str()
                        .ok_or("a prefix is no text")?
                        .parse()?,
                );
            }
        }
    }
    Ok(networks.into_iter().collect())
}

/// The IPv4 networks of a list.
#[must_use]
pub fn v4(networks: &[IpNet]) -> Vec<Ipv4Net> {
    let v4 = |network: &IpNet| match network {
        IpNet::V4(network) => Some(*network),
        IpNet::V6(_) => None,
    };
    networks.iter().filter_map(v4).collect()
}

/// The IPv6 networks of a list.
#[must_use]
pub fn v6(networks: &[IpNet]) -> Vec<Ipv6Net> {
    let v6 = |network: &IpNet| match network {
        IpNet::V6(network) => Some(*network),
        IpNet::V4(_) => None,
    };
    networks.iter().filter_map(v6).collect()
}

/// `count` networks of /24 to /28 that touch none of the others, so that none can be merged away: four of five in IPv4.
#[must_use]
pub fn apart(count: usize, seed: u64) -> Vec<IpNet> {
    let mut random = Random::new(seed);
    let mut networks = Vec::with_capacity(count);
    // Every second /20 of 16.0.0.0/4 and every second /48 of 2600::/16 may hold one.
    let mut places: Vec<u32> = (0..1 << 15).collect();
    for at in (1..places.len()).rev() {
        places.swap(at, random.below(at + 1));
    }
    for place in places.into_iter().take(count) {
        let length = 24 + (random.below(5) as u8);
        if place % 5 == 0 {
            let bits = 0x2600_u128 << 112 | u128::from(place) << 81;
            networks.extend(Ipv6Net::new(bits.into(), 48).map(|n| IpNet::V6(n.trunc())));
        } else {
            let bits = 0x1000_0000 | place << 13 | random.below(1 << 12) as u32;
            networks.extend(Ipv4Net::new(bits.into(), length).map(|n| IpNet::V4(n.trunc())));
        }
    }
    networks
}

/// A random address of a network.
pub fn address_in(network: IpNet, random: &mut Random) -> std::net::IpAddr {
    match network {
        IpNet::V4(network) => {
            let host = random.bits() as u32 & u32::from(network.hostmask());
            (u32::from(network.network()) | host).to_be_bytes().into()
        }
        IpNet::V6(network) => {
            let host = random.wide() & u128::from(network.hostmask());
            (u128::from(network.network()) | host).to_be_bytes().into()
        }
    }
}
