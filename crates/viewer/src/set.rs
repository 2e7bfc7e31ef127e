//! Is this address in the list? Networks become merged, sorted, disjoint ranges, one list per family.
//!
//! - The answer equals a scan over the networks; overlaps, duplicates and order change nothing.
//! - A look-up allocates nothing and reads a bounded number of places: an index over the first bits of an IPv4 address
//!   leads to the few ranges that may hold it, and a binary search over the first halves of IPv6 ranges finds the one.
//! - Addresses come folded from [`crate::address`]. A set holds what it was given: an IPv4-mapped address is in no set
//!   of IPv4 networks.
//!
//! Deliberately absent: which network matched. The list answers yes or no; its name is what a decision records.

use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The most networks one set is built from.
pub const NETWORKS_MAX: usize = 1_000_000;

/// There are more than [`NETWORKS_MAX`] networks in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("more than {NETWORKS_MAX} networks in one list")]
pub struct TooManyNetworks;

/// A set of addresses: the union of a list of networks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AddressSet {
    v4: RangesV4,
    v6: RangesV6,
}

impl AddressSet {
    /// The addresses of all `networks`. Their host bits, if any, are ignored.
    ///
    /// # Errors
    /// [`TooManyNetworks`] beyond [`NETWORKS_MAX`].
    pub fn from_networks(
        networks: impl IntoIterator<Item = IpNet>,
    ) -> Result<Self, TooManyNetworks> {
        let mut v4 = Vec::new();
        let mut v6 = Vec::new();
        for (count, network) in networks.into_iter().enumerate() {
            if count >= NETWORKS_MAX {
                return Err(TooManyNetworks);
            }
            match network {
                IpNet::V4(network) => {
                    v4.push((network.network().to_bits(), network.broadcast().to_bits()));
                }
                IpNet::V6(network) => {
                    v6.push((network.network().to_bits(), network.broadcast().to_bits()));
                }
            }
        }
        Ok(Self {
            v4: RangesV4::new(merged(v4, |end| end.checked_add(1))),
            v6: RangesV6::new(merged(v6, |end| end.checked_add(1))),
        })
    }

    /// Whether `address` is in one of the networks.
    #[must_use]
    #[inline]
    pub fn contains(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(address) => self.v4.contains(address.to_bits()),
            IpAddr::V6(address) => self.v6.contains(address.to_bits()),
        }
    }

    /// Whether no address is in the set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether every IPv4 and every IPv6 address is in the set.
    #[must_use]
    pub fn covers_everything(&self) -> bool {
        self.v4.ranges == [(0, u32::MAX)] && self.v6.ranges == [(0, u128::MAX)]
    }

    /// How many disjoint ranges the set has, at most the number of networks it was made of.
    #[must_use]
    pub fn len(&self) -> usize {
        self.v4.ranges.len() + self.v6.ranges.len()
    }

    /// The ranges as first and last address, ascending, IPv4 before IPv6.
    pub fn ranges(&self) -> impl Iterator<Item = (IpAddr, IpAddr)> {
        let v4 = self.v4.ranges.iter().map(|&(start, end)| {
            (
                IpAddr::V4(Ipv4Addr::from_bits(start)),
                IpAddr::V4(Ipv4Addr::from_bits(end)),
            )
        });
        let v6 = self.v6.ranges.iter().map(|&(start, end)| {
            (
                IpAddr::V6(Ipv6Addr::from_bits(start)),
                IpAddr::V6(Ipv6Addr::from_bits(end)),
            )
        });
        v4.chain(v6)
    }

    /// Whether every address of `network` is in the set.
    #[must_use]
    pub fn contains_network(&self, network: IpNet) -> bool {
        match network {
            IpNet::V4(network) => {
                let (first, last) = (network.network().to_bits(), network.broadcast().to_bits());
                within(&self.v4.ranges, first, last)
            }
            IpNet::V6(network) => {
                let (first, last) = (network.network().to_bits(), network.broadcast().to_bits());
                within(&self.v6.ranges, first, last)
            }
        }
    }

    /// How many IPv4 and how many IPv6 addresses are in the set; the latter saturates at `u128::MAX` for all of them.
    #[must_use]
    pub fn address_counts(&self) -> (u64, u128) {
        let v4 = self
            .v4
            .ranges
            .iter()
            .map(|&(start, end)| u64::from(end - start) + 1);
        let v6 = self
            .v6
            .ranges
            .iter()
            .map(|&(start, end)| (end - start).saturating_add(1));
        (v4.sum(), v6.fold(0, u128::saturating_add))
    }
}

/// IPv4 ranges and, for each value of an address's first bits, where to begin looking.
#[derive(Debug, Clone, PartialEq, Eq)]
struct RangesV4 {
    /// Disjoint and ascending; no two adjoin.
    ranges: Vec<(u32, u32)>,
    /// Entry `b` counts the ranges that end before the addresses beginning with `b`; there is one entry more than there
    /// are values, so that entry `b + 1` always exists.
    index: Vec<u32>,
    /// How far an address is shifted to get its first bits.
    shift: u32,
}

impl Default for RangesV4 {
    fn default() -> Self {
        Self::new(Vec::new())
    }
}

impl RangesV4 {
    fn new(ranges: Vec<(u32, u32)>) -> Self {
        let bits = index_bits(ranges.len());
        let shift = u32::BITS - bits;
        let mut index = Vec::with_capacity((1 << bits) + 1);
        let mut ended: u32 = 0;
        let mut rest = ranges.iter().peekable();
        for first in 0..1u32 << bits {
            while rest.next_if(|&&(_, end)| end >> shift < first).is_some() {
                ended += 1;
            }
            index.push(ended);
        }
        index.push(ended + u32::try_from(rest.count()).unwrap_or(0));
        Self {
            ranges,
            index,
            shift,
        }
    }

    /// The candidates are the ranges that end among the addresses with the same first bits, and the one after them,
    /// which may begin there or before.
    #[inline]
    fn contains(&self, address: u32) -> bool {
        let bucket = (address >> self.shift) as usize;
        let Some(&[low, high]) = self
            .index
            .get(bucket..bucket + 2)
            .and_then(|pair| pair.first_chunk())
        else {
            return false;
        };
        let (low, high) = (low as usize, high as usize);
        let candidates = self.ranges.get(low..high).unwrap_or_default();
        let at = low + candidates.partition_point(|&(_, end)| end < address);
        self.ranges
            .get(at)
            .is_some_and(|&(start, _)| start <= address)
    }
}

/// IPv6 ranges, and the halves that nearly always tell them apart.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct RangesV6 {
    /// Disjoint and ascending; no two adjoin.
    ranges: Vec<(u128, u128)>,
    /// The first 64 bits of each range's last address: half the width to compare, a quarter of the memory to read.
    ends: Vec<u64>,
}

impl RangesV6 {
    fn new(ranges: Vec<(u128, u128)>) -> Self {
        let ends = ranges.iter().map(|&(_, end)| high_half(end)).collect();
        Self { ranges, ends }
    }

    #[inline]
    fn contains(&self, address: u128) -> bool {
        let high = high_half(address);
        // Most of the address space lies beyond the last range.
        if self.ends.last().is_none_or(|&last| last < high) {
            return false;
        }
        let at = self.ends.partition_point(|&end| end < high);
        match self.ranges.get(at) {
            Some(&(start, end)) if address <= end => start <= address,
            // Several ranges end in the same /64, and this one before the address.
            Some(_) => within(self.ranges.get(at..).unwrap_or_default(), address, address),
            None => false,
        }
    }
}

#[inline]
fn high_half(address: u128) -> u64 {
    (address >> 64) as u64
}

/// Whether one of the disjoint, ascending `ranges` holds all from `first` to `last`.
fn within<T: Ord + Copy>(ranges: &[(T, T)], first: T, last: T) -> bool {
    let at = ranges.partition_point(|&(_, end)| end < last);
    ranges.get(at).is_some_and(|&(start, _)| start <= first)
}

/// How many first bits of an IPv4 address the index distinguishes.
fn index_bits(ranges: usize) -> u32 {
    const BITS_MIN: u32 = 8;
    const BITS_MAX: u32 = 16;
    (ranges * 16).max(1).ilog2().clamp(BITS_MIN, BITS_MAX)
}

/// Sorts ranges and joins those that overlap or adjoin.
fn merged<T: Ord + Copy>(mut ranges: Vec<(T, T)>, next: impl Fn(T) -> Option<T>) -> Vec<(T, T)> {
    ranges.sort_unstable();
    let mut out: Vec<(T, T)> = Vec::with_capacity(ranges.len());
    for (start, end) in ranges {
        match out.last_mut() {
            Some(last) if next(last.1).is_none_or(|after| start <= after) => {
                last.1 = last.1.max(end);
            }
            _ => out.push((start, end)),
        }
    }
    out.shrink_to_fit();
    out
}

#[cfg(test)]
mod tests;
