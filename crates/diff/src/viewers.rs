//! The viewers that the policies of two sites can tell apart: one for each class of addresses, with the signatures that are
//! asked for. Countries are gone through one by one.

use portcullis_policy::{
    AddressFact, Facts, Membership, NetworkIndex, Networks, Policy, SignatureFact, Signatures,
};
use portcullis_signed_access::{Grant, KeyId, SignatureRefusal};
use portcullis_site::{Engine, Name, Network, NetworkAddresses, Site};
use portcullis_viewer::country::Country;
use portcullis_viewer::geo::{CountryFact, UnknownCountry};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Managed prefix lists whose members are gone through as being in or out; more are not told apart.
pub const LISTS_MAX: usize = 4;
/// An address of no network: a documentation address, unless somebody names it.
const NOWHERE: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(203, 0, 113, 5)),
    IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0xffff, 0, 0, 0, 0, 5)),
];

/// A site with its engine.
#[derive(Debug)]
pub struct Side<'a> {
    /// The site.
    pub site: &'a Site,
    /// Its engine.
    pub engine: Engine,
}

/// A class of viewers: no policy of either site tells two of them apart, their country aside.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Viewer {
    /// One of its addresses; `None` for an unknown one.
    pub address: Option<IpAddr>,
    /// Networks of either site that hold it, by name.
    pub networks: BTreeSet<Name>,
    /// Managed prefix lists that hold it, by id.
    pub lists: BTreeSet<String>,
    /// Key groups by which its request is signed.
    pub signed_by: BTreeSet<Name>,
}

/// All classes, and whether none is missing.
#[derive(Clone, Debug)]
pub struct Viewers {
    /// The classes.
    pub viewers: Vec<Viewer>,
    /// Whether no class is missing.
    pub exact: bool,
}

/// The classes that two policies tell apart.
#[must_use]
pub fn viewers(old: &Side<'_>, new: &Side<'_>, policies: (&Name, &Name)) -> Viewers {
    let asked_old = Asked::of(old, policies.0);
    let asked_new = Asked::of(new, policies.1);
    let mut lists: Vec<String> = asked_old.lists.union(&asked_new.lists).cloned().collect();
    let exact = lists.len() <= LISTS_MAX;
    lists.truncate(LISTS_MAX);
    let groups: Vec<Name> = asked_old.groups.union(&asked_new.groups).cloned().collect();
    let mut places = BTreeMap::new();
    let boundaries = asked_old.boundaries.iter().chain(&asked_new.boundaries);
    for address in NOWHERE.iter().chain(boundaries) {
        let inside = (
            inside(old, &asked_old, *address),
            inside(new, &asked_new, *address),
        );
        places.entry(inside).or_insert(*address);
    }
    let mut known: Vec<(Option<IpAddr>, BTreeSet<Name>)> = places
        .into_iter()
        .map(|((old, new), address)| (Some(address), old.into_iter().chain(new).collect()))
        .collect();
    let asks_address =
        !(asked_old.networks.is_empty() && asked_new.networks.is_empty() && lists.is_empty());
    if asks_address {
        known.push((None, BTreeSet::new()));
    } else {
        known.truncate(1);
    }
    let mut viewers = Vec::new();
    for (address, networks) in known {
        let in_lists = if address.is_some() {
            subsets(&lists)
        } else {
            vec![BTreeSet::new()]
        };
        for lists in in_lists {
            for signed_by in subsets(&groups) {
                viewers.push(Viewer {
                    address,
                    networks: networks.clone(),
                    lists: lists.clone(),
                    signed_by,
                });
            }
        }
    }
    Viewers { viewers, exact }
}

/// What a policy asks for.
struct Asked {
    networks: Vec<(Name, NetworkIndex)>,
    lists: BTreeSet<String>,
    groups: BTreeSet<Name>,
    boundaries: Vec<IpAddr>,
}

impl Asked {
    fn of(side: &Side<'_>, policy: &Name) -> Self {
        let mut asked = Self {
            networks: Vec::new(),
            lists: BTreeSet::new(),
            groups: BTreeSet::new(),
            boundaries: Vec::new(),
        };
        let Some(inputs) = side.engine.policy(policy).map(Policy::inputs) else {
            return asked;
        };
        for index in inputs.networks.iter() {
            let Some((name, _)) = side.engine.networks().get(index.get()) else {
                continue;
            };
            match side.site.networks.get(name) {
                Some(Network::Addresses(networks)) => {
                    asked.networks.push((name.clone(), index));
                    asked
                        .boundaries
                        .extend(networks.iter().flat_map(boundaries));
                }
                Some(Network::PrefixList { id, .. }) => drop(asked.lists.insert(id.clone())),
                None => {}
            }
        }
        for group in inputs.key_groups.into_iter().flatten() {
            let name = side.engine.key_groups().get(group.get());
            asked.groups.extend(name.map(|(name, _)| name.clone()));
        }
        asked
    }
}

/// Where membership may change: the first address of a network and the one behind its last.
fn boundaries(network: &ipnet::IpNet) -> impl Iterator<Item = IpAddr> + use<> {
    let behind = match network.broadcast() {
        IpAddr::V4(last) => last
            .to_bits()
            .checked_add(1)
            .map(|bits| IpAddr::V4(bits.into())),
        IpAddr::V6(last) => last
            .to_bits()
            .checked_add(1)
            .map(|bits| IpAddr::V6(bits.into())),
    };
    [Some(network.network()), behind].into_iter().flatten()
}

fn inside(side: &Side<'_>, asked: &Asked, address: IpAddr) -> BTreeSet<Name> {
    let networks =
        asked
            .networks
            .iter()
            .filter(|(_, index)| match side.engine.networks().get(index.get()) {
                Some((_, NetworkAddresses::Fixed(set))) => set.contains(address),
                _ => false,
            });
    networks.map(|(name, _)| name.clone()).collect()
}

/// All subsets of a short list.
fn subsets<T: Clone + Ord>(list: &[T]) -> Vec<BTreeSet<T>> {
    let mut all = vec![BTreeSet::new()];
    for one in list {
        let with: Vec<_> = all
            .iter()
            .map(|set: &BTreeSet<T>| {
                let mut set = set.clone();
                set.insert(one.clone());
                set
            })
            .collect();
        all.extend(with);
    }
    all
}

/// All countries, and none.
pub fn countries() -> impl Iterator<Item = Option<Country>> {
    Country::all().map(Some).chain([None])
}

/// What a policy of a site is told of a viewer.
#[must_use]
pub fn facts(side: &Side<'_>, policy: &Policy, viewer: &Viewer, country: Option<Country>) -> Facts {
    let mut inside = Networks::NONE;
    let mut all = Networks::NONE;
    for (at, (name, addresses)) in side.engine.networks().iter().enumerate() {
        let Some(index) = NetworkIndex::new(at) else {
            continue;
        };
        all = all.with(index);
        let holds = match (addresses, viewer.address) {
            (_, None) => false,
            (NetworkAddresses::Fixed(set), Some(address)) => set.contains(address),
            (NetworkAddresses::PrefixList { id, .. }, Some(_)) => {
                viewer.lists.contains(id) || viewer.networks.contains(name)
            }
        };
        if holds {
            inside = inside.with(index);
        }
    }
    let mut signatures = Signatures::default();
    for group in policy.inputs().key_groups.into_iter().flatten() {
        if let Some((name, _)) = side.engine.key_groups().get(group.get()) {
            // There is room for as many as a policy asks for.
            let _set = signatures.set(group, signature(viewer.signed_by.contains(name)));
        }
    }
    Facts {
        address: viewer
            .address
            .map_or(AddressFact::Unknown, AddressFact::Known),
        networks: Membership {
            inside,
            unknown: if viewer.address.is_some() {
                Networks::NONE
            } else {
                all
            },
            stale: Networks::NONE,
        },
        country: country.map_or(
            CountryFact::Unknown(UnknownCountry::NotInDatabase),
            CountryFact::Known,
        ),
        signatures,
    }
}

fn signature(signed: bool) -> SignatureFact {
    let key = signed
        .then(|| "K000000000000".parse::<KeyId>().ok())
        .flatten();
    match key {
        Some(key) => SignatureFact::Verified(Grant::recorded(key, u64::MAX)),
        None => SignatureFact::Refused(SignatureRefusal::Absent),
    }
}
