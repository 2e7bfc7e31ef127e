//! A snapshot of a managed prefix list: networks, the version of the list, and when it was fetched.
//!
//! - A snapshot exists only if its networks passed the [`Guards`] of its use. An empty list, one that covers the
//!   Internet, or an error page never becomes a snapshot.
//! - A snapshot replaces another only if [`PrefixSnapshot::check_replaces`] agrees: the version does not go back, at
//!   least half of the old list stays, and the new one is at most four times as large. Otherwise the old one serves on.
//! - The age is counted from the fetch, and what too old means is the operator's word.
//!
//! As JSON a snapshot is one object; every field is required and no other is read:
//!
//! ```json
//! {
//!   "list": "com.amazonaws.global.cloudfront.origin-facing",
//!   "version": 42,
//!   "fetched_at": 1787433425,
//!   "networks": ["130.176.88.0/21", "2600:9000:5200::/40"]
//! }
//! ```
//!
//! `list` is the name or id of the list, `version` the version of a managed prefix list or the `syncToken` of
//! `ip-ranges.json`, `fetched_at` seconds since 1970-01-01.
//!
//! Deliberately absent: the fetch, the grace day of removed prefixes, and whether a family may be missing. Managed
//! prefix lists hold one family each; who combines them knows whether both are there.

use crate::network::{NetworkError, parse_network};
use crate::set::AddressSet;
use crate::{address, set};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

mod ip_ranges;

/// The most networks in a snapshot.
pub const PREFIXES_MAX: usize = 1_000;

/// The longest name or id of a list, in bytes. Managed prefix lists allow 255 characters.
pub const LIST_NAME_BYTES_MAX: usize = 255;

/// The longest snapshot read as JSON, in bytes: [`PREFIXES_MAX`] networks of at most 49 bytes with quotes, comma and
/// indentation, and the other fields.
pub const SNAPSHOT_BYTES_MAX: usize = 128 * 1024;

/// The longest `ip-ranges.json`, in bytes. The list of 2026-08-22 has 2.6 MB.
pub const IP_RANGES_BYTES_MAX: usize = 32 * 1024 * 1024;

/// The service in `ip-ranges.json` whose addresses CloudFront uses towards origins.
pub const ORIGIN_FACING: &str = "CLOUDFRONT_ORIGIN_FACING";

/// What the networks of a list may be, by what the list is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guards {
    /// A list of CloudFront edges: IPv4 /9 or longer, IPv6 /29 or longer, and no private or otherwise special range.
    /// Documentation ranges pass: nobody has such an address but a test or the system on a laptop.
    Edges,
    /// A list of the operator's own, naming viewers: IPv4 /8 or longer, IPv6 /16 or longer. Private networks are
    /// allowed; no viewer has such an address, so they match nobody.
    Viewers,
}

impl Guards {
    fn length_min(self, network: IpNet) -> u8 {
        match (self, network) {
            (Self::Edges, IpNet::V4(_)) => 9,
            (Self::Edges, IpNet::V6(_)) => 29,
            (Self::Viewers, IpNet::V4(_)) => 8,
            (Self::Viewers, IpNet::V6(_)) => 16,
        }
    }

    fn check(self, network: IpNet) -> Result<(), PrefixError> {
        let length_min = self.length_min(network);
        if network.prefix_len() < length_min {
            return Err(PrefixError::TooWide {
                network,
                length_min,
            });
        }
        let special = address::overlaps_special(network.network(), network.broadcast());
        if self == Self::Edges && special {
            return Err(PrefixError::NotGlobal { network });
        }
        Ok(())
    }
}

/// Why bytes are not a snapshot, or a snapshot does not replace another.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PrefixError {
    /// The bytes are longer than the form allows.
    #[error("the list is longer than {max} bytes")]
    TooLong {
        /// [`SNAPSHOT_BYTES_MAX`] or [`IP_RANGES_BYTES_MAX`].
        max: usize,
    },
    /// The bytes are not the expected JSON.
    #[error("the list is not the expected JSON, at line {line}, column {column}")]
    NotJson {
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
    },
    /// The list has no name, or one longer than [`LIST_NAME_BYTES_MAX`].
    #[error("the name of the list is empty or longer than {LIST_NAME_BYTES_MAX} bytes")]
    BadName,
    /// The `syncToken` of `ip-ranges.json` is not a number.
    #[error("the sync token is not a number")]
    BadToken,
    /// There is no network in the list.
    #[error("the list is empty")]
    Empty,
    /// There are more networks than [`PREFIXES_MAX`].
    #[error("the list has more than {PREFIXES_MAX} networks")]
    TooMany,
    /// An entry is not a network.
    #[error("entry {position}: {error}")]
    BadNetwork {
        /// Position in the list, counted from 0.
        position: usize,
        /// What is wrong with it.
        error: NetworkError,
    },
    /// A network is wider than any such list has.
    #[error("{network} is wider than /{length_min}")]
    TooWide {
        /// The network.
        network: IpNet,
        /// The shortest permitted prefix length, in bits.
        length_min: u8,
    },
    /// A network is not global unicast.
    #[error("{network} is not a network of the public Internet")]
    NotGlobal {
        /// The network.
        network: IpNet,
    },
    /// It is a snapshot of another list than the one it should replace.
    #[error("this is another list than the one in use")]
    OtherList,
    /// The version is lower than the one in use.
    #[error("version {version} is older than {previous}, which is in use")]
    Older {
        /// The version offered.
        version: u64,
        /// The version in use.
        previous: u64,
    },
    /// The version is the one in use, and the networks are not.
    #[error("version {version} is in use with other networks")]
    SameVersionChanged {
        /// The version of both.
        version: u64,
    },
    /// More than half of the list in use would be gone.
    #[error("more than half of the list in use would be gone")]
    Shrunk,
    /// The list would be more than four times as large as the one in use.
    #[error("the list would be more than four times as large as the one in use")]
    Grown,
}

/// A prefix list as it was at one time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrefixSnapshot {
    list: String,
    version: u64,
    fetched_at: u64,
    /// Sorted, without duplicates.
    networks: Vec<IpNet>,
    set: AddressSet,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct SnapshotJson<'a> {
    #[serde(borrow)]
    list: std::borrow::Cow<'a, str>,
    version: u64,
    fetched_at: u64,
    #[serde(borrow)]
    networks: Vec<std::borrow::Cow<'a, str>>,
}

impl PrefixSnapshot {
    /// A snapshot from the networks of a list, in any order; duplicates are joined.
    ///
    /// # Errors
    /// [`PrefixError`] when the list does not pass `guards`.
    pub fn new(
        list: &str,
        version: u64,
        fetched_at: u64,
        mut networks: Vec<IpNet>,
        guards: Guards,
    ) -> Result<Self, PrefixError> {
        if list.is_empty() || list.len() > LIST_NAME_BYTES_MAX {
            return Err(PrefixError::BadName);
        }
        if networks.is_empty() {
            return Err(PrefixError::Empty);
        }
        if networks.len() > PREFIXES_MAX {
            return Err(PrefixError::TooMany);
        }
        for (position, &network) in networks.iter().enumerate() {
            if network.trunc() != network {
                let nearest = network.trunc();
                let error = NetworkError::HostBits { nearest };
                return Err(PrefixError::BadNetwork { position, error });
            }
            guards.check(network)?;
        }
        networks.sort_unstable();
        networks.dedup();
        let set = AddressSet::from_networks(networks.iter().copied())
            .map_err(|set::TooManyNetworks| PrefixError::TooMany)?;
        Ok(Self {
            list: list.to_owned(),
            version,
            fetched_at,
            networks,
            set,
        })
    }

    /// A snapshot from its JSON form, which the module describes.
    ///
    /// # Errors
    /// [`PrefixError`] when the bytes are not a snapshot, or one that does not pass `guards`.
    pub fn from_json(bytes: &[u8], guards: Guards) -> Result<Self, PrefixError> {
        if bytes.len() > SNAPSHOT_BYTES_MAX {
            return Err(PrefixError::TooLong {
                max: SNAPSHOT_BYTES_MAX,
            });
        }
        let json: SnapshotJson<'_> = serde_json::from_slice(bytes).map_err(not_json)?;
        if json.networks.len() > PREFIXES_MAX {
            return Err(PrefixError::TooMany);
        }
        let networks = read_networks(json.networks.iter().map(AsRef::as_ref))?;
        Self::new(&json.list, json.version, json.fetched_at, networks, guards)
    }

    /// A snapshot of one service's addresses, all regions, from the bytes of AWS's `ip-ranges.json`
    /// (<https://docs.aws.amazon.com/vpc/latest/userguide/aws-ip-ranges.html>). The list is named as the service is.
    ///
    /// # Errors
    /// [`PrefixError`] when the bytes are not that file, or the service's networks do not pass `guards`.
    pub fn from_ip_ranges(
        bytes: &[u8],
        service: &str,
        fetched_at: u64,
        guards: Guards,
    ) -> Result<Self, PrefixError> {
        if bytes.len() > IP_RANGES_BYTES_MAX {
            return Err(PrefixError::TooLong {
                max: IP_RANGES_BYTES_MAX,
            });
        }
        let (version, texts) = ip_ranges::networks_of(bytes, service)?;
        let networks = read_networks(texts)?;
        Self::new(service, version, fetched_at, networks, guards)
    }

    /// The JSON form, which [`PrefixSnapshot::from_json`] reads back. The same snapshot gives the same text.
    #[must_use]
    pub fn to_json(&self) -> String {
        let json = SnapshotJson {
            list: self.list.as_str().into(),
            version: self.version,
            fetched_at: self.fetched_at,
            networks: self
                .networks
                .iter()
                .map(|network| network.to_string().into())
                .collect(),
        };
        // Strings and integers always serialize.
        serde_json::to_string(&json).unwrap_or_default()
    }

    /// The name or id of the list.
    #[must_use]
    pub fn list(&self) -> &str {
        &self.list
    }

    /// The version of the list, or the sync token of `ip-ranges.json`.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// When the list was fetched, in epoch seconds.
    #[must_use]
    pub fn fetched_at(&self) -> u64 {
        self.fetched_at
    }

    /// How old the snapshot is at `now` (epoch seconds), in seconds; 0 if it is from the future.
    #[must_use]
    pub fn age(&self, now: u64) -> u64 {
        now.saturating_sub(self.fetched_at)
    }

    /// The networks, ascending and without duplicates.
    #[must_use]
    pub fn networks(&self) -> &[IpNet] {
        &self.networks
    }

    /// The addresses of all networks.
    #[must_use]
    pub fn set(&self) -> &AddressSet {
        &self.set
    }

    /// Whether `address` is in the list.
    #[must_use]
    #[inline]
    pub fn contains(&self, address: IpAddr) -> bool {
        self.set.contains(address)
    }

    /// Whether this snapshot may take the place of `previous` without a human's word.
    ///
    /// Sizes are compared twice, as entries and as addresses of each family, because a list can lose most of either and
    /// little of the other. A family that `previous` did not have may appear.
    ///
    /// # Errors
    /// [`PrefixError::OtherList`], [`PrefixError::Older`], [`PrefixError::SameVersionChanged`],
    /// [`PrefixError::Shrunk`] or [`PrefixError::Grown`].
    pub fn check_replaces(&self, previous: &Self) -> Result<(), PrefixError> {
        if self.list != previous.list {
            return Err(PrefixError::OtherList);
        }
        if self.version < previous.version {
            return Err(PrefixError::Older {
                version: self.version,
                previous: previous.version,
            });
        }
        if self.version == previous.version && self.networks != previous.networks {
            return Err(PrefixError::SameVersionChanged {
                version: self.version,
            });
        }
        let kept = previous
            .networks
            .iter()
            .filter(|&&network| self.set.contains_network(network))
            .count();
        let (v4, v6) = self.set.address_counts();
        let (previous_v4, previous_v6) = previous.set.address_counts();
        let sizes = [(u128::from(v4), u128::from(previous_v4)), (v6, previous_v6)];
        if kept * 2 < previous.networks.len()
            || sizes.iter().any(|&(new, old)| new.saturating_mul(2) < old)
        {
            return Err(PrefixError::Shrunk);
        }
        let entries_grown = self.networks.len() > previous.networks.len().saturating_mul(4);
        let grown = |(new, old): (u128, u128)| old > 0 && new > old.saturating_mul(4);
        if entries_grown || sizes.into_iter().any(grown) {
            return Err(PrefixError::Grown);
        }
        Ok(())
    }
}

fn read_networks<'a>(texts: impl Iterator<Item = &'a str>) -> Result<Vec<IpNet>, PrefixError> {
    texts
        .enumerate()
        .map(|(position, text)| {
            parse_network(text).map_err(|error| PrefixError::BadNetwork { position, error })
        })
        .collect()
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the shape that map_err calls"
)]
fn not_json(error: serde_json::Error) -> PrefixError {
    PrefixError::NotJson {
        line: error.line(),
        column: error.column(),
    }
}

#[cfg(test)]
mod tests;
