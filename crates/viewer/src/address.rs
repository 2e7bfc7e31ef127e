//! The text of an address becomes an address: strictly, once, with IPv4-mapped IPv6 folded to IPv4.
//!
//! - `CloudFront-Viewer-Address` is `address:port` with IPv6 unbracketed. `2001:db8::1:443` is itself a valid IPv6
//!   address, so a reader that tries to parse the whole gets another viewer, silently. The last colon splits, always.
//! - Nothing is repaired: a bracket, a zone, a space, an octet with a leading zero or a port of 65536 is an error, and
//!   an error is an unknown viewer.
//! - An address that carries an IPv4 address of the viewer's own choice (6to4, Teredo, NAT64) says nothing about where
//!   the viewer is; [`is_embedded_ipv4`] names it. Neither does one that no public network announces: [`is_special`].
//!
//! Deliberately absent: `X-Forwarded-For`. A function URL keeps its leftmost hop, which the viewer writes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The longest text read as an address with a port, in bytes. The longest one possible is an IPv6 address of 45 bytes
/// (`INET6_ADDRSTRLEN` less its terminator), two brackets, a colon and five digits.
pub const ADDRESS_BYTES_MAX: usize = 53;

/// Why a text is not an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum AddressError {
    /// There is nothing to read.
    #[error("the address is empty")]
    Empty,
    /// The text is longer than [`ADDRESS_BYTES_MAX`].
    #[error("the address is longer than {ADDRESS_BYTES_MAX} bytes")]
    TooLong,
    /// There is no colon, hence no port.
    #[error("the address has no port")]
    NoPort,
    /// The port is not a decimal number from 0 to 65535 in its shortest form.
    #[error("the port is not a number from 0 to 65535")]
    BadPort,
    /// What is left is not an address: not an IPv4 or IPv6 address, or one with brackets, a zone, a space or a leading
    /// zero in an octet.
    #[error("not an IPv4 or IPv6 address")]
    NotAnAddress,
}

/// How an IPv6 address carries an IPv4 address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Embedding {
    /// `2002::/16` (RFC 3056).
    SixToFour,
    /// `2001::/32` (RFC 4380).
    Teredo,
    /// `64:ff9b::/96` (RFC 6052).
    Nat64,
    /// `64:ff9b:1::/48` (RFC 8215).
    LocalNat64,
}

/// The viewer's address and port, from the value of `CloudFront-Viewer-Address`.
///
/// The value is `address:port`, IPv6 without brackets (CloudFront guide, "Add CloudFront request headers"). An
/// IPv4-mapped address is returned as the IPv4 address.
///
/// # Errors
/// [`AddressError`] for everything else. The viewer is then unknown.
pub fn viewer_address(header: &[u8]) -> Result<(IpAddr, u16), AddressError> {
    let text = bounded_text(header)?;
    let (address, port) = text.rsplit_once(':').ok_or(AddressError::NoPort)?;
    let port = parse_port(port)?;
    Ok((parse_address(address)?, port))
}

/// The address of the immediate TCP peer, from `requestContext.http.sourceIp` or a socket.
///
/// Read forms: `v4`, `v4:port`, `v6` and `[v6]:port`. Unbracketed IPv6 is an address without a port: unlike
/// [`viewer_address`], the port is optional here, and only brackets can tell it from a last hextet. An IPv4-mapped
/// address is returned as the IPv4 address.
///
/// # Errors
/// [`AddressError`] for everything else.
pub fn peer_address(text: &str) -> Result<IpAddr, AddressError> {
    bounded(text.as_bytes())?;
    if let Some(bracketed) = text.strip_prefix('[') {
        let (address, port) = bracketed
            .rsplit_once("]:")
            .ok_or(AddressError::NotAnAddress)?;
        parse_port(port)?;
        return parse_v6(address).ok_or(AddressError::NotAnAddress);
    }
    if let Ok(address) = parse_address(text) {
        return Ok(address);
    }
    let (address, port) = text.split_once(':').ok_or(AddressError::NotAnAddress)?;
    let address = parse_v4(address).ok_or(AddressError::NotAnAddress)?;
    parse_port(port)?;
    Ok(IpAddr::V4(address))
}

/// How `address` carries an IPv4 address that its user chose, if it does.
///
/// Some databases answer for such an address with the country of the embedded one; no reader should believe it.
/// IPv4-mapped addresses are not listed: they are the IPv4 address, and the parsers here fold them.
#[must_use]
#[inline]
pub fn is_embedded_ipv4(address: IpAddr) -> Option<Embedding> {
    let IpAddr::V6(address) = address else {
        return None;
    };
    match address.segments() {
        [0x2002, ..] => Some(Embedding::SixToFour),
        [0x2001, 0, ..] => Some(Embedding::Teredo),
        [0x64, 0xff9b, 0, 0, 0, 0, ..] => Some(Embedding::Nat64),
        [0x64, 0xff9b, 1, ..] => Some(Embedding::LocalNat64),
        _ => None,
    }
}

/// Whether `address` is in a range that no viewer on the public Internet has: private, loopback, link-local, shared
/// (100.64.0.0/10), multicast, unspecified, documentation, benchmarking, protocol assignments, reserved, and all IPv6
/// outside global unicast (2000::/3).
///
/// Source: the IANA special-purpose address registries (RFC 6890), read coarsely: a range is special as a whole, also
/// where single addresses inside it are globally reachable.
#[must_use]
pub fn is_special(address: IpAddr) -> bool {
    overlaps_special(address, address) || is_documentation(address)
}

/// Whether `address` is in a documentation range (RFC 5737, RFC 3849, RFC 9637). These are special as well, and no
/// viewer has one; the databases made for tests are built from them.
#[must_use]
pub fn is_documentation(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => matches!(
            address.octets(),
            [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _]
        ),
        IpAddr::V6(address) => matches!(
            address.segments(),
            [0x2001, 0xdb8, ..] | [0x3fff, 0..=0x0fff, ..]
        ),
    }
}

/// The special ranges but documentation: ascending, disjoint, as first and last address.
const SPECIAL_V4: [(Ipv4Addr, Ipv4Addr); 11] = [
    (Ipv4Addr::new(0, 0, 0, 0), Ipv4Addr::new(0, 255, 255, 255)),
    (Ipv4Addr::new(10, 0, 0, 0), Ipv4Addr::new(10, 255, 255, 255)),
    (
        Ipv4Addr::new(100, 64, 0, 0),
        Ipv4Addr::new(100, 127, 255, 255),
    ),
    (
        Ipv4Addr::new(127, 0, 0, 0),
        Ipv4Addr::new(127, 255, 255, 255),
    ),
    (
        Ipv4Addr::new(169, 254, 0, 0),
        Ipv4Addr::new(169, 254, 255, 255),
    ),
    (
        Ipv4Addr::new(172, 16, 0, 0),
        Ipv4Addr::new(172, 31, 255, 255),
    ),
    (Ipv4Addr::new(192, 0, 0, 0), Ipv4Addr::new(192, 0, 0, 255)),
    (
        Ipv4Addr::new(192, 88, 99, 0),
        Ipv4Addr::new(192, 88, 99, 255),
    ),
    (
        Ipv4Addr::new(192, 168, 0, 0),
        Ipv4Addr::new(192, 168, 255, 255),
    ),
    (
        Ipv4Addr::new(198, 18, 0, 0),
        Ipv4Addr::new(198, 19, 255, 255),
    ),
    (
        Ipv4Addr::new(224, 0, 0, 0),
        Ipv4Addr::new(255, 255, 255, 255),
    ),
];

/// Which first octets have no special range at all: nearly every viewer's address is asked no further.
#[expect(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler alone, where a bad index is a compile error"
)]
const ORDINARY_OCTETS: [bool; 256] = {
    let mut ordinary = [true; 256];
    let mut at = 0;
    while at < SPECIAL_V4.len() {
        let (first, last) = SPECIAL_V4[at];
        let mut octet = first.octets()[0] as usize;
        while octet <= last.octets()[0] as usize {
            ordinary[octet] = false;
            octet += 1;
        }
        at += 1;
    }
    ordinary
};

/// The special ranges but documentation: ascending, disjoint, as the first 64 bits of the first and last address.
const SPECIAL_V6: [(u64, u64); 4] = [
    (0, 0x1fff_ffff_ffff_ffff),
    // 2001::/23, protocol assignments: Teredo, benchmarking, ORCHID and anycast services.
    (0x2001_0000_0000_0000, 0x2001_01ff_ffff_ffff),
    (0x2002_0000_0000_0000, 0x2002_ffff_ffff_ffff),
    (0x4000_0000_0000_0000, u64::MAX),
];

/// Whether any address from `first` to `last`, both of one family, is special and not for documentation.
#[inline]
pub(crate) fn overlaps_special(first: IpAddr, last: IpAddr) -> bool {
    match (first, last) {
        (IpAddr::V4(first), IpAddr::V4(last)) => {
            let (octet, last_octet) = (first.octets()[0], last.octets()[0]);
            let ordinary =
                octet == last_octet && ORDINARY_OCTETS.get(usize::from(octet)) == Some(&true);
            !ordinary && overlaps(&SPECIAL_V4, first, last)
        }
        (IpAddr::V6(first), IpAddr::V6(last)) => {
            overlaps(&SPECIAL_V6, high_half(first), high_half(last))
        }
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => true,
    }
}

/// The first 64 bits: the network half of a global unicast address.
#[inline]
pub(crate) fn high_half(address: Ipv6Addr) -> u64 {
    (address.to_bits() >> 64) as u64
}

#[inline]
fn overlaps<T: Ord + Copy>(ranges: &[(T, T)], first: T, last: T) -> bool {
    let at = ranges.partition_point(|&(_, end)| end < first);
    ranges.get(at).is_some_and(|&(start, _)| start <= last)
}

fn bounded_text(bytes: &[u8]) -> Result<&str, AddressError> {
    bounded(bytes)?;
    std::str::from_utf8(bytes).map_err(|_| AddressError::NotAnAddress)
}

fn bounded(bytes: &[u8]) -> Result<(), AddressError> {
    match bytes.len() {
        0 => Err(AddressError::Empty),
        1..=ADDRESS_BYTES_MAX => Ok(()),
        _ => Err(AddressError::TooLong),
    }
}

fn parse_port(text: &str) -> Result<u16, AddressError> {
    let shortest = text == "0" || !text.starts_with('0');
    // `u16::from_str` also reads a plus sign.
    if !shortest || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(AddressError::BadPort);
    }
    text.parse().map_err(|_| AddressError::BadPort)
}

fn parse_address(text: &str) -> Result<IpAddr, AddressError> {
    if text.is_empty() {
        return Err(AddressError::Empty);
    }
    let address = parse_v4(text).map(IpAddr::V4);
    address
        .or_else(|| parse_v6(text))
        .ok_or(AddressError::NotAnAddress)
}

/// Four numbers from 0 to 255 in their shortest form: what the standard library reads too, in a third of the time. Every
/// decision reads two addresses.
fn parse_v4(text: &str) -> Option<Ipv4Addr> {
    let (mut bits, mut octet, mut digits, mut dots) = (0_u32, 0_u32, 0, 0);
    for byte in text.bytes() {
        match byte {
            b'0'..=b'9' if digits == 0 || octet != 0 => {
                octet = octet * 10 + u32::from(byte - b'0');
                digits += 1;
                if octet > 255 {
                    return None;
                }
            }
            b'.' if digits > 0 && dots < 3 => {
                bits = bits << 8 | octet;
                (octet, digits) = (0, 0);
                dots += 1;
            }
            _ => return None,
        }
    }
    (dots == 3 && digits > 0).then(|| Ipv4Addr::from_bits(bits << 8 | octet))
}

fn parse_v6(text: &str) -> Option<IpAddr> {
    let address: Ipv6Addr = text.parse().ok()?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests;
