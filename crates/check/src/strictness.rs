//! Which policy lets in less: by meaning, not by text.
//!
//! A policy is a function of atoms: a country or none, a cell of the partition that the networks cut the addresses into, and
//! who signed. One policy is at least as strict as another when every atom that it lets in, the other lets in too.

use crate::tree::Node;
use ipnet::IpNet;
use portcullis_viewer::country::{Country, CountrySet, Group};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The most lists whose addresses nobody here knows; what is more counts as one.
const OPEN_LISTS_MAX: usize = 8;
/// The most atoms that are looked at.
const ATOMS_MAX: usize = 4_000_000;

/// What the decision of a policy depends on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Inputs {
    /// The country.
    pub country: bool,
    /// The address.
    pub address: bool,
    /// A signature.
    pub signature: bool,
}

impl Inputs {
    /// Whether it depends on anything.
    #[must_use]
    pub fn any(self) -> bool {
        self.country || self.address || self.signature
    }
}

#[derive(Clone, Debug)]
struct Statement {
    allows: bool,
    /// `None`: any country; else the countries, and whether the unknown one is among them.
    countries: Option<(CountrySet, bool)>,
    networks: Option<BTreeSet<String>>,
    signed_by: Option<String>,
}

/// A policy of the manifest.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    statements: Vec<Statement>,
}

/// Who asks, as far as policies can tell.
#[derive(Clone, Debug)]
struct Atom<'a> {
    country: Option<Country>,
    networks: &'a BTreeSet<String>,
    signed_by: Option<&'a str>,
}

impl Policy {
    /// The policy that lets everybody in.
    #[must_use]
    pub fn open() -> Self {
        Self {
            statements: vec![Statement {
                allows: true,
                countries: None,
                networks: None,
                signed_by: None,
            }],
        }
    }

    /// The policy that a manifest writes, with its groups of countries.
    #[must_use]
    pub fn read(node: &Node, groups: &BTreeMap<String, CountrySet>) -> Self {
        let statements = node.items().iter().map(|one| {
            let allows = one.get("allow").is_there();
            let when = if allows {
                one.get("allow")
            } else {
                one.get("deny")
            };
            let countries = when.get("countries");
            let networks = when.get("networks");
            Statement {
                allows,
                countries: countries
                    .is_there()
                    .then(|| countries_of(countries, groups)),
                networks: networks
                    .is_there()
                    .then(|| networks.texts().into_iter().collect()),
                signed_by: when.get("signed_by").literal().map(str::to_owned),
            }
        });
        Self {
            statements: statements.collect(),
        }
    }

    /// What it depends on.
    #[must_use]
    pub fn inputs(&self) -> Inputs {
        let any = |has: fn(&Statement) -> bool| self.statements.iter().any(has);
        Inputs {
            country: any(|one| one.countries.is_some()),
            address: any(|one| one.networks.is_some()),
            signature: any(|one| one.signed_by.is_some()),
        }
    }

    /// A country that it lets in, and one that it does not, wherever the address and without a signature.
    #[must_use]
    pub fn countries_apart(&self) -> Option<(Country, Country)> {
        let nowhere = BTreeSet::new();
        let admits = |country: &Country| {
            self.admits(&Atom {
                country: Some(*country),
                networks: &nowhere,
                signed_by: None,
            })
        };
        let admitted = Country::all().find(admits)?;
        let denied = Country::all().find(|country| !admits(country))?;
        Some((admitted, denied))
    }

    fn admits(&self, atom: &Atom<'_>) -> bool {
        let matching = self.statements.iter().find(|one| one.matches(atom));
        matching.is_some_and(|one| one.allows)
    }
}

impl Statement {
    /// An unknown country satisfies no `allow`, and every `deny` that asks for one.
    fn matches(&self, atom: &Atom<'_>) -> bool {
        let country = self
            .countries
            .as_ref()
            .is_none_or(|(set, unknown)| match atom.country {
                Some(country) => set.contains(country),
                None => *unknown || !self.allows,
            });
        let network = self
            .networks
            .as_ref()
            .is_none_or(|wanted| !wanted.is_disjoint(atom.networks));
        let signed = self
            .signed_by
            .as_ref()
            .is_none_or(|by| atom.signed_by == Some(by));
        country && network && signed
    }
}

fn countries_of(node: &Node, groups: &BTreeMap<String, CountrySet>) -> (CountrySet, bool) {
    let mut set = CountrySet::EMPTY;
    let mut unknown = false;
    for word in node.texts() {
        if word == "unknown" {
            unknown = true;
        } else if let Some(group) = groups.get(&word) {
            set = set.union(*group);
        } else if let Some(group) = Group::from_name(&word) {
            set = set.union(group.members());
        } else if let Ok(country) = word.parse() {
            set.insert(country);
        }
    }
    (set, unknown)
}

/// The groups of countries of a manifest.
#[must_use]
pub fn groups(node: &Node) -> BTreeMap<String, CountrySet> {
    let none = BTreeMap::new();
    let groups = node.members().iter();
    groups
        .map(|(name, codes)| (name.clone(), countries_of(codes, &none).0))
        .collect()
}

/// The sets of networks that some address is in together.
#[derive(Clone, Debug, Default)]
pub struct Cells(Vec<BTreeSet<String>>);

impl Cells {
    /// The partition of the networks of a manifest.
    #[must_use]
    pub fn of(networks: &Node) -> Self {
        let (mut fixed, mut open) = (Vec::new(), Vec::new());
        for (name, network) in networks.members() {
            if network.get("prefix_list").is_there() {
                open.push(name.clone());
                continue;
            }
            let ranges = network.texts();
            let ranges = ranges
                .iter()
                .filter_map(|range| range.parse::<IpNet>().ok());
            fixed.extend(ranges.map(|range| (name.clone(), range)));
        }
        let mut cells: BTreeSet<BTreeSet<String>> = samples(&fixed)
            .into_iter()
            .map(|address| {
                let holding = fixed.iter().filter(|(_, range)| range.contains(&address));
                holding.map(|(name, _)| name.clone()).collect()
            })
            .collect();
        cells.insert(BTreeSet::new());
        // Whether an address is in a list that is not here, nobody knows: both are looked at.
        for name in open.into_iter().take(OPEN_LISTS_MAX) {
            let with: Vec<BTreeSet<String>> = cells
                .iter()
                .map(|cell| cell.iter().cloned().chain([name.clone()]).collect())
                .collect();
            cells.extend(with);
        }
        Self(cells.into_iter().collect())
    }
}

/// An address of each cell: the first of each range, and the first behind it.
fn samples(ranges: &[(String, IpNet)]) -> Vec<IpAddr> {
    let mut found = Vec::new();
    for (_, range) in ranges {
        found.push(range.network());
        match range.broadcast() {
            IpAddr::V4(last) => {
                found.extend(
                    u32::from(last)
                        .checked_add(1)
                        .map(|next| IpAddr::from(Ipv4Addr::from(next))),
                );
            }
            IpAddr::V6(last) => {
                found.extend(
                    u128::from(last)
                        .checked_add(1)
                        .map(|next| IpAddr::from(Ipv6Addr::from(next))),
                );
            }
        }
    }
    found
}

/// Whether `a` lets in nobody whom `b` does not. Where there are too many atoms to tell, it does not.
#[must_use]
pub fn is_at_least_as_strict(a: &Policy, b: &Policy, cells: &Cells) -> bool {
    let signers = a.statements.iter().chain(&b.statements);
    let signers: BTreeSet<&str> = signers.filter_map(|one| one.signed_by.as_deref()).collect();
    let signers: Vec<Option<&str>> = std::iter::once(None)
        .chain(signers.into_iter().map(Some))
        .collect();
    let countries: Vec<Option<Country>> = std::iter::once(None)
        .chain(Country::all().map(Some))
        .collect();
    if signers.len() * countries.len() * cells.0.len() > ATOMS_MAX {
        return false;
    }
    let mut atoms = countries.iter().flat_map(|country| {
        let signers = &signers;
        cells.0.iter().flat_map(move |networks| {
            signers.iter().map(move |signed_by| Atom {
                country: *country,
                networks,
                signed_by: *signed_by,
            })
        })
    });
    atoms.all(|atom| !a.admits(&atom) || b.admits(&atom))
}
