//! Which addresses two databases answer otherwise: exact, by ranges, for whoever reviews a new database.
//!
//! It is told what the files say, also of special addresses, which a look-up never asks for.

use super::compile::{CompileError, GLOBAL_UNICAST_START, Walked};
use crate::database::CountryDatabase;
use crate::geo::CountryFact;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The last first half of a global unicast address.
const GLOBAL_UNICAST_LAST: u64 = 0x3fff_ffff_ffff_ffff;

/// A range of addresses whose answer changes; all of them have the same answers before and after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// The first address.
    pub first: IpAddr,
    /// The last one, of the same family.
    pub last: IpAddr,
    /// How large the range is: addresses of IPv4, /64 networks of IPv6.
    pub size: u64,
    /// What the old database says.
    pub before: CountryFact,
    /// What the new database says.
    pub after: CountryFact,
}

/// The changes between two databases: all of IPv4, then IPv6 global unicast, each in ascending order. There are at most as
/// many as both have ranges.
///
/// # Errors
/// [`CompileError`] when a database is damaged or tells apart IPv6 networks smaller than a /64.
pub fn changes<A: AsRef<[u8]>, B: AsRef<[u8]>>(
    old: &CountryDatabase<A>,
    new: &CountryDatabase<B>,
) -> Result<Vec<Change>, CompileError> {
    let (old, new) = (Walked::of(old)?, Walked::of(new)?);
    let wide = |ranges: &[(u32, u8)]| -> Vec<(u64, u8)> {
        ranges
            .iter()
            .map(|&(at, answer)| (at.into(), answer))
            .collect()
    };
    let mut found = Vec::new();
    let v4 = facts(&old, &wide(&old.v4), 0);
    merge(
        &v4,
        &facts(&new, &wide(&new.v4), 0),
        u32::MAX.into(),
        |first, last, before, after| {
            found.push(change(
                v4_address(first),
                v4_address(last),
                last - first + 1,
                before,
                after,
            ));
        },
    );
    let v6 = facts(&old, &old.v6, GLOBAL_UNICAST_START);
    merge(
        &v6,
        &facts(&new, &new.v6, GLOBAL_UNICAST_START),
        GLOBAL_UNICAST_LAST,
        |first, last, before, after| {
            let (from, until) = (v6_address(first, 0), v6_address(last, u64::MAX));
            found.push(change(from, until, last - first + 1, before, after));
        },
    );
    Ok(found)
}

fn change(
    first: IpAddr,
    last: IpAddr,
    size: u64,
    before: CountryFact,
    after: CountryFact,
) -> Change {
    Change {
        first,
        last,
        size,
        before,
        after,
    }
}

fn v4_address(bits: u64) -> IpAddr {
    Ipv4Addr::from_bits(u32::try_from(bits).unwrap_or(u32::MAX)).into()
}

fn v6_address(high: u64, low: u64) -> IpAddr {
    Ipv6Addr::from_bits(u128::from(high) << 64 | u128::from(low)).into()
}

/// Ranges with their facts. The walk names the first range by its own start, which may lie before `start`.
fn facts(walked: &Walked, ranges: &[(u64, u8)], start: u64) -> Vec<(u64, CountryFact)> {
    let of = |&(at, answer): &(u64, u8)| (at.max(start), walked.fact(answer));
    ranges.iter().map(of).collect()
}

/// Calls `differs` with each longest range, up to `last`, on which both sides stay as they are and are not the same.
fn merge(
    old: &[(u64, CountryFact)],
    new: &[(u64, CountryFact)],
    last: u64,
    mut differs: impl FnMut(u64, u64, CountryFact, CountryFact),
) {
    let (mut before, mut after) = (old.iter().peekable(), new.iter().peekable());
    let (mut at_old, mut at_new) = (before.next(), after.next());
    while let (Some(&(from_old, was)), Some(&(from_new, is))) = (at_old, at_new) {
        let (end_old, end_new) = (end(before.peek(), last), end(after.peek(), last));
        let until = end_old.min(end_new);
        let from = from_old.max(from_new);
        if was != is && from <= until {
            differs(from, until, was, is);
        }
        if end_old == until {
            at_old = before.next();
        }
        if end_new == until {
            at_new = after.next();
        }
    }
}

fn end(next: Option<&&(u64, CountryFact)>, last: u64) -> u64 {
    next.map_or(last, |(at, _)| at.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::{changes, merge};
    use crate::country::Country;
    use crate::database::{CountryDatabase, DatabaseRules};
    use crate::fixtures::{DEMONSTRATION, NOW, fixture};
    use crate::geo::{CountryFact, UnknownCountry};
    use proptest::prelude::*;
    use std::net::IpAddr;

    fn fact(number: u8) -> CountryFact {
        match number {
            0 => CountryFact::Unknown(UnknownCountry::NotInDatabase),
            _ => CountryFact::Known(Country::all().nth(usize::from(number)).unwrap()),
        }
    }

    /// Ranges over 0..=99, from an answer for each.
    fn ranges(answers: &[u8]) -> Vec<(u64, CountryFact)> {
        let mut found: Vec<(u64, CountryFact)> = Vec::new();
        for (at, &answer) in (0..).zip(answers) {
            if found.last().is_none_or(|(_, last)| *last != fact(answer)) {
                found.push((at, fact(answer)));
            }
        }
        found
    }

    #[test]
    fn both_ends_of_a_change_are_what_the_databases_say() {
        let open = |bytes: Vec<u8>| {
            let rules = DatabaseRules {
                well_known: Vec::new(),
                well_known_min: 0,
                ..DatabaseRules::default()
            };
            CountryDatabase::open(bytes, &rules, NOW).unwrap()
        };
        let old = open(fixture("GeoLite2-Country-Test.mmdb"));
        let new = open(DEMONSTRATION.to_vec());
        assert_eq!(changes(&new, &new), Ok(Vec::new()));
        let found = changes(&old, &new).unwrap();
        for family in [IpAddr::is_ipv4, IpAddr::is_ipv6] {
            assert!(found.iter().filter(|change| family(&change.first)).count() > 10_000);
        }
        for change in found {
            for end in [change.first, change.last] {
                let before = old.lookup(end);
                // Of special addresses a look-up says nothing.
                if !matches!(before.reason(), Some("special-address" | "embedded-ipv4")) {
                    assert_eq!(
                        (before, new.lookup(end)),
                        (change.before, change.after),
                        "{end}"
                    );
                }
            }
        }
    }

    proptest! {
        #[test]
        fn each_address_that_changes_is_in_one_range_and_no_other(
            old in prop::collection::vec(0_u8..3, 100),
            new in prop::collection::vec(0_u8..3, 100),
        ) {
            let mut told = vec![None; 100];
            merge(&ranges(&old), &ranges(&new), 99, |first, last, before, after| {
                for place in &mut told[usize::try_from(first).unwrap()..=usize::try_from(last).unwrap()] {
                    assert_eq!(*place, None);
                    *place = Some((before, after));
                }
            });
            for ((told, &old), &new) in told.iter().zip(&old).zip(&new) {
                let expected = (old != new).then(|| (fact(old), fact(new)));
                prop_assert_eq!(*told, expected);
            }
        }
    }
}
