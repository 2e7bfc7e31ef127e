//! Whether an address is in a list, against the best crates for it.

use super::Bench;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use iptrie::set::{LCTrieSet, RTrieSet};
use iptrie::{Ipv4Prefix, Ipv6Prefix};
use portcullis_bench::Failure;
use portcullis_bench::measure::{in_turn, ratio};
use portcullis_bench::networks::{address_in, of_service, v4, v6};
use portcullis_bench::random::Random;
use portcullis_bench::table::{Goal, Row};
use portcullis_viewer::set::AddressSet;
use prefix_trie::PrefixSet;
use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const GROUP: &str = "prefixes";

/// One list in every form.
struct List {
    networks: Vec<IpNet>,
    ours: AddressSet,
    iptrie_v4: LCTrieSet<Ipv4Prefix>,
    iptrie_v6: LCTrieSet<Ipv6Prefix>,
    prefix_trie_v4: PrefixSet<Ipv4Net>,
    prefix_trie_v6: PrefixSet<Ipv6Net>,
}

impl List {
    fn new(networks: Vec<IpNet>) -> Result<Self, Failure> {
        let (v4, v6) = (v4(&networks), v6(&networks));
        Ok(Self {
            ours: AddressSet::from_networks(networks.iter().copied())?,
            iptrie_v4: v4
                .iter()
                .copied()
                .map(Ipv4Prefix::from)
                .collect::<RTrieSet<_>>()
                .compress(),
            iptrie_v6: v6
                .iter()
                .copied()
                .map(Ipv6Prefix::from)
                .collect::<RTrieSet<_>>()
                .compress(),
            prefix_trie_v4: v4.into_iter().collect(),
            prefix_trie_v6: v6.into_iter().collect(),
            networks,
        })
    }

    fn iptrie(&self, address: IpAddr) -> bool {
        // A look-up that finds nothing answers with the root.
        match address {
            IpAddr::V4(address) => iptrie::IpPrefix::len(self.iptrie_v4.lookup(&address)) != 0,
            IpAddr::V6(address) => iptrie::IpPrefix::len(self.iptrie_v6.lookup(&address)) != 0,
        }
    }

    fn prefix_trie(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(address) => self
                .prefix_trie_v4
                .get_lpm(&Ipv4Net::from(address))
                .is_some(),
            IpAddr::V6(address) => self
                .prefix_trie_v6
                .get_lpm(&Ipv6Net::from(address))
                .is_some(),
        }
    }

    /// Addresses of the family that are in the list, or are not; none if the list has no such network.
    fn addresses(&self, is_v4: bool, inside: bool, count: usize) -> Vec<IpAddr> {
        let mut random = Random::new(3);
        let family = self
            .networks
            .iter()
            .copied()
            .filter(|net| net.addr().is_ipv4() == is_v4);
        let family: Vec<IpNet> = family.collect();
        let mut addresses = Vec::with_capacity(count);
        while addresses.len() < count {
            let address = if inside {
                let Some(network) = family.get(random.below(family.len())) else {
                    break;
                };
                address_in(*network, &mut random)
            } else if is_v4 {
                Ipv4Addr::from(random.bits() as u32).into()
            } else {
                // Global unicast, where all lists are.
                Ipv6Addr::from(0b001 << 125 | random.wide() >> 3).into()
            };
            if self.ours.contains(address) == inside {
                addresses.push(address);
            }
        }
        addresses
    }
}

pub(crate) fn rows(bench: &Bench) -> Result<Vec<Row>, Failure> {
    let lists = [Some("CLOUDFRONT_ORIGIN_FACING"), Some("CLOUDFRONT"), None];
    let mut rows = Vec::new();
    for service in lists {
        let list = List::new(of_service(service)?)?;
        for is_v4 in [true, false] {
            for inside in [true, false] {
                rows.push(row(bench, &list, is_v4, inside)?);
            }
        }
    }
    Ok(rows)
}

fn row(bench: &Bench, list: &List, is_v4: bool, inside: bool) -> Result<Row, Failure> {
    let addresses = list.addresses(is_v4, inside, bench.effort.operations);
    let agree = addresses.iter().filter(|address| {
        let ours = list.ours.contains(**address);
        ours == list.iptrie(**address) && ours == list.prefix_trie(**address)
    });
    let agree = agree.count();
    if agree != addresses.len() {
        return Err(format!(
            "{} of {} answers differ",
            addresses.len() - agree,
            addresses.len()
        )
        .into());
    }
    let operations = addresses.len();
    let [ours, iptrie, prefix_trie] = in_turn(
        bench.effort.rounds,
        operations,
        [
            &mut || {
                addresses
                    .iter()
                    .for_each(|a| _ = black_box(list.ours.contains(*a)))
            },
            &mut || {
                addresses
                    .iter()
                    .for_each(|a| _ = black_box(list.iptrie(*a)))
            },
            &mut || {
                addresses
                    .iter()
                    .for_each(|a| _ = black_box(list.prefix_trie(*a)))
            },
        ],
    );
    let rivals = [("iptrie", iptrie), ("prefix-trie", prefix_trie)];
    let [best, other] = {
        let [a, b] = rivals;
        if a.1.median() <= b.1.median() {
            [a, b]
        } else {
            [b, a]
        }
    };
    let goal = match inside {
        true => Goal::times_faster(1.5, Some(2.0)),
        false => Goal::times_faster(1.0, Some(3.0)),
    };
    let name = format!(
        "IPv{} address {} a list of {} networks",
        if is_v4 { 4 } else { 6 },
        if inside { "in" } else { "not in" },
        list.networks.len()
    );
    let row = Row::compared(
        GROUP,
        name,
        ours.median(),
        "ns",
        (best.0, best.1.median()),
        goal,
    );
    Ok(row
        .with_spread(ratio(&ours, &best.1))
        .with_rounds(bench.rounds(operations))
        .with_note(format!("{} {:.1} ns", other.0, other.1.median())))
}
