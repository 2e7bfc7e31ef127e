//! The addresses of one service in AWS's `ip-ranges.json`.
//!
//! - The text is borrowed: reading the file copies no entry.
//! - Unknown fields are passed over. The file is AWS's, and has grown fields before.

use super::{PrefixError, not_json};
use serde::Deserialize;

#[derive(Deserialize)]
struct IpRanges<'a> {
    #[serde(rename = "syncToken")]
    sync_token: &'a str,
    #[serde(borrow)]
    prefixes: Vec<Entry<'a>>,
    #[serde(borrow)]
    ipv6_prefixes: Vec<Entry<'a>>,
}

#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(alias = "ipv6_prefix")]
    ip_prefix: &'a str,
    service: &'a str,
}

/// The sync token and the networks of `service` in all regions, IPv4 first, in the order of the file.
pub(super) fn networks_of<'a>(
    bytes: &'a [u8],
    service: &'a str,
) -> Result<(u64, impl Iterator<Item = &'a str>), PrefixError> {
    let file: IpRanges<'a> = serde_json::from_slice(bytes).map_err(not_json)?;
    let version = file.sync_token.parse().map_err(|_| PrefixError::BadToken)?;
    let entries = file.prefixes.into_iter().chain(file.ipv6_prefixes);
    let networks = entries.filter(move |entry| entry.service == service);
    Ok((version, networks.map(|entry| entry.ip_prefix)))
}
