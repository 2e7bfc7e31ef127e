//! The text of a network in CIDR form becomes a network, or an error that says what was meant.
//!
//! - A network is its own first address: `192.0.2.5/24` is refused, not masked, because half of those who write it mean
//!   the address and the other half the network.
//! - An IPv4-mapped IPv6 network is refused: addresses are folded before they are looked up, so it could match nobody.
//!
//! Deliberately absent: a bare address. Whoever means one address writes `/32` or `/128`.

use ipnet::{IpNet, Ipv4Net};
use std::net::{IpAddr, Ipv6Addr};

/// Why a text is not a network, with the nearest correct form where there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum NetworkError {
    /// There is an address and no prefix length.
    #[error("the prefix length is missing; for this address alone write {nearest}")]
    LengthMissing {
        /// The network of this one address.
        nearest: IpNet,
    },
    /// The prefix length is longer than the address.
    #[error("the prefix length is at most {max}; for this address alone write {nearest}")]
    LengthTooLong {
        /// 32 or 128 bits.
        max: u8,
        /// The network of this one address.
        nearest: IpNet,
    },
    /// What follows the slash is not a plain decimal number.
    #[error("the prefix length is not a number from 0 to {max}")]
    LengthNotANumber {
        /// 32 or 128 bits.
        max: u8,
    },
    /// The address has bits beyond the prefix length.
    #[error("host bits are set; the network is {nearest}")]
    HostBits {
        /// The network that contains the address.
        nearest: IpNet,
    },
    /// An IPv4 network written as IPv4-mapped IPv6.
    #[error("an IPv4-mapped network matches nobody; write {nearest}")]
    Ipv4Mapped {
        /// The same network in IPv4.
        nearest: IpNet,
    },
    /// What precedes the slash is not an address.
    #[error("not an IPv4 or IPv6 address in CIDR form, such as 198.51.100.0/24 or 2001:db8::/32")]
    NotAnAddress,
}

impl NetworkError {
    /// The network that was probably meant.
    #[must_use]
    pub fn nearest(&self) -> Option<IpNet> {
        match *self {
            Self::LengthMissing { nearest }
            | Self::LengthTooLong { nearest, .. }
            | Self::HostBits { nearest }
            | Self::Ipv4Mapped { nearest } => Some(nearest),
            Self::LengthNotANumber { .. } | Self::NotAnAddress => None,
        }
    }
}

/// The network that `text` names.
///
/// # Errors
/// [`NetworkError`] when the text is not a network, or is one in a form that would mislead.
pub fn parse_network(text: &str) -> Result<IpNet, NetworkError> {
    let (address, length) = match text.split_once('/') {
        Some((address, length)) => (address, Some(length)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().map_err(|_| NetworkError::NotAnAddress)?;
    let max = IpNet::from(address).max_prefix_len();
    let nearest = IpNet::from(address.to_canonical());
    let length = length.ok_or(NetworkError::LengthMissing { nearest })?;
    let length = parse_length(length).ok_or(NetworkError::LengthNotANumber { max })?;
    let network =
        IpNet::new(address, length).map_err(|_| NetworkError::LengthTooLong { max, nearest })?;
    if let Some(nearest) = mapped_ipv4(network.trunc()) {
        return Err(NetworkError::Ipv4Mapped { nearest });
    }
    if network.trunc() != network {
        return Err(NetworkError::HostBits {
            nearest: network.trunc(),
        });
    }
    Ok(network)
}

/// A decimal number in its shortest form; numbers beyond `u8` are still numbers, and too long for any address.
fn parse_length(text: &str) -> Option<u8> {
    const DIGITS_MAX: usize = 10;
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let shortest = text == "0" || !text.starts_with('0');
    (digits && shortest && text.len() <= DIGITS_MAX).then(|| text.parse().unwrap_or(u8::MAX))
}

fn mapped_ipv4(network: IpNet) -> Option<IpNet> {
    const MAPPED_BITS: u8 = 96;
    let IpNet::V6(network) = network else {
        return None;
    };
    let length = network.prefix_len().checked_sub(MAPPED_BITS)?;
    let address: Ipv6Addr = network.network();
    let network = Ipv4Net::new(address.to_ipv4_mapped()?, length).ok()?;
    Some(IpNet::V4(network))
}

#[cfg(test)]
mod tests {
    use super::{NetworkError, parse_network};
    use ipnet::IpNet;
    use proptest::prelude::*;
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

    fn net(text: &str) -> IpNet {
        text.parse().unwrap()
    }

    #[track_caller]
    fn check(text: &str, expected: Result<&str, NetworkError>) {
        assert_eq!(parse_network(text), expected.map(net), "{text:?}");
    }

    #[test]
    fn networks_are_read() {
        for text in [
            "198.51.100.0/24",
            "198.51.100.7/32",
            "0.0.0.0/0",
            "2001:db8:51::/48",
            "::/0",
            "2001:db8::1/128",
        ] {
            check(text, Ok(text));
        }
    }

    #[test]
    fn each_mistake_has_its_own_error_and_the_nearest_right_form() {
        use NetworkError::{
            HostBits, Ipv4Mapped, LengthMissing, LengthNotANumber, LengthTooLong, NotAnAddress,
        };
        let one = net("198.51.100.7/32");
        let one_v6 = net("2001:db8::1/128");
        check("198.51.100.7", Err(LengthMissing { nearest: one }));
        check("2001:db8::1", Err(LengthMissing { nearest: one_v6 }));
        check(
            "198.51.100.7/33",
            Err(LengthTooLong {
                max: 32,
                nearest: one,
            }),
        );
        check(
            "198.51.100.7/999",
            Err(LengthTooLong {
                max: 32,
                nearest: one,
            }),
        );
        check(
            "2001:db8::1/129",
            Err(LengthTooLong {
                max: 128,
                nearest: one_v6,
            }),
        );
        check(
            "198.51.100.7/24",
            Err(HostBits {
                nearest: net("198.51.100.0/24"),
            }),
        );
        check(
            "2001:db8::1/64",
            Err(HostBits {
                nearest: net("2001:db8::/64"),
            }),
        );
        check(
            "::ffff:198.51.100.0/120",
            Err(Ipv4Mapped {
                nearest: net("198.51.100.0/24"),
            }),
        );
        check(
            "::ffff:0:0/96",
            Err(Ipv4Mapped {
                nearest: net("0.0.0.0/0"),
            }),
        );
        for text in [
            "/",
            "/-1",
            "/+8",
            "/08",
            "/ 8",
            "/8 ",
            "/8/8",
            "/255.255.255.0",
            "/99999999999",
        ] {
            check(
                &format!("198.51.100.7{text}"),
                Err(LengthNotANumber { max: 32 }),
            );
        }
        for text in [
            "",
            "/24",
            "198.51.100/24",
            "198.51.100.0 /24",
            "010.0.0.0/8",
            "[2001:db8::]/32",
            "example.org/24",
        ] {
            check(text, Err(NotAnAddress));
        }
    }

    #[test]
    fn a_message_names_the_nearest_form() {
        let error = parse_network("192.0.2.5/24").unwrap_err();
        assert_eq!(
            error.to_string(),
            "host bits are set; the network is 192.0.2.0/24"
        );
        assert_eq!(error.nearest(), Some(net("192.0.2.0/24")));
    }

    proptest! {
        #[test]
        fn every_network_reads_back(bits: u128, length in 0u8..=128, v4: u32, short in 0u8..=32) {
            let v4 = IpNet::new(IpAddr::V4(Ipv4Addr::from_bits(v4)), short).unwrap().trunc();
            prop_assert_eq!(parse_network(&v4.to_string()), Ok(v4));
            let v6 = IpNet::new(IpAddr::V6(Ipv6Addr::from_bits(bits)), length).unwrap().trunc();
            if v6.addr().to_canonical() == v6.addr() {
                prop_assert_eq!(parse_network(&v6.to_string()), Ok(v6));
            }
        }

        #[test]
        fn the_nearest_form_is_itself_read(text in "[0-9a-f:.]{1,20}(/[0-9]{0,4})?") {
            if let Some(nearest) = parse_network(&text).err().and_then(|error| error.nearest()) {
                prop_assert_eq!(parse_network(&nearest.to_string()), Ok(nearest));
            }
        }
    }
}
