//! Address forms and their verdicts (security reference A3.2, A3.3, A4.3; regression group R8).

use super::{AddressError, Embedding, is_documentation, is_embedded_ipv4, is_special};
use super::{parse_v4, peer_address, viewer_address};
use proptest::prelude::*;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[track_caller]
fn check_viewer(header: &str, expected: Result<(&str, u16), AddressError>) {
    let expected = expected.map(|(address, port)| (ip(address), port));
    assert_eq!(viewer_address(header.as_bytes()), expected, "{header:?}");
}

#[test]
fn r08_the_last_colon_splits_address_and_port() {
    check_viewer("198.51.100.10:46532", Ok(("198.51.100.10", 46532)));
    check_viewer("2001:db8::1:443", Ok(("2001:db8::1", 443)));
    check_viewer("2001:db8:::443", Ok(("2001:db8::", 443)));
    check_viewer(
        "2001:db8:1:2:3:4:5:6:443",
        Ok(("2001:db8:1:2:3:4:5:6", 443)),
    );
    check_viewer("2001:0db8:0:0::1:443", Ok(("2001:db8::1", 443)));
    check_viewer("2001:DB8::A:443", Ok(("2001:db8::a", 443)));
    check_viewer(":::443", Ok(("::", 443)));
    check_viewer("::1:443", Ok(("::1", 443)));
}

#[test]
fn an_ipv4_mapped_viewer_is_the_ipv4_viewer() {
    check_viewer("::ffff:198.51.100.10:443", Ok(("198.51.100.10", 443)));
    check_viewer("::ffff:c633:640a:443", Ok(("198.51.100.10", 443)));
    check_viewer(
        "0:0:0:0:0:ffff:198.51.100.10:443",
        Ok(("198.51.100.10", 443)),
    );
}

#[test]
fn an_odd_viewer_address_is_refused_and_never_repaired() {
    use AddressError::{BadPort, Empty, NoPort, NotAnAddress, TooLong};
    for (header, why) in [
        ("", Empty),
        (":443", Empty),
        ("198.51.100.10", NoPort),
        ("localhost", NoPort),
        ("198.51.100.10:", BadPort),
        ("198.51.100.10:65536", BadPort),
        ("198.51.100.10:99999999999999999999", BadPort),
        ("198.51.100.10:+443", BadPort),
        ("198.51.100.10:-1", BadPort),
        ("198.51.100.10:0443", BadPort),
        ("198.51.100.10:00", BadPort),
        ("198.51.100.10: 443", BadPort),
        ("198.51.100.10:443 ", BadPort),
        ("198.51.100.10:4a3", BadPort),
        ("198.51.100.10:\u{0664}\u{0664}\u{0663}", BadPort),
        (" 198.51.100.10:443", NotAnAddress),
        ("198.51.100.10 :443", NotAnAddress),
        ("010.0.0.1:443", NotAnAddress),
        ("198.51.100.010:443", NotAnAddress),
        ("198.51.100.256:443", NotAnAddress),
        ("198.51.100:443", NotAnAddress),
        ("198.51.100.10.1:443", NotAnAddress),
        ("0x7f.0.0.1:443", NotAnAddress),
        ("2130706433:443", NotAnAddress),
        ("[2001:db8::1]:443", NotAnAddress),
        ("fe80::1%eth0:443", NotAnAddress),
        ("fe80::1%1:443", NotAnAddress),
        ("2001:db8::1", NotAnAddress),
        ("2001:db8::1::443", NotAnAddress),
        ("2001:00db8::1:443", NotAnAddress),
        ("example.org:443", NotAnAddress),
        ("198.51.100.10,203.0.113.7:443", NotAnAddress),
        ("198.51.100.10\0:443", NotAnAddress),
        (
            "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:65535",
            TooLong,
        ),
    ] {
        check_viewer(header, Err(why));
    }
    assert_eq!(viewer_address(b"198.51.100.10\xff:443"), Err(NotAnAddress));
    assert_eq!(viewer_address(&[b'1'; 1 << 20]), Err(TooLong));
}

#[track_caller]
fn check_peer(text: &str, expected: Result<&str, AddressError>) {
    assert_eq!(peer_address(text), expected.map(ip), "{text:?}");
}

#[test]
fn a_peer_address_may_carry_a_port() {
    check_peer("130.176.88.1", Ok("130.176.88.1"));
    check_peer("130.176.88.1:443", Ok("130.176.88.1"));
    check_peer("2600:9000:5200::1", Ok("2600:9000:5200::1"));
    check_peer("[2600:9000:5200::1]:443", Ok("2600:9000:5200::1"));
    check_peer("::ffff:130.176.88.1", Ok("130.176.88.1"));
    check_peer("[::ffff:130.176.88.1]:443", Ok("130.176.88.1"));
    check_peer("2001:db8::1:443", Ok("2001:db8::1:443"));
}

#[test]
fn an_odd_peer_address_is_refused() {
    use AddressError::{BadPort, Empty, NotAnAddress, TooLong};
    check_peer("", Err(Empty));
    check_peer("130.176.88.1:", Err(BadPort));
    check_peer("130.176.88.1:65536", Err(BadPort));
    check_peer("130.176.88.1:1:2", Err(BadPort));
    check_peer("[2600:9000:5200::1]", Err(NotAnAddress));
    check_peer("[130.176.88.1]:443", Err(NotAnAddress));
    check_peer("[2600:9000:5200::1]:x", Err(BadPort));
    check_peer("[fe80::1%1]:443", Err(NotAnAddress));
    check_peer("010.0.0.1", Err(NotAnAddress));
    check_peer("130.176.88.1 ", Err(NotAnAddress));
    check_peer("localhost:443", Err(NotAnAddress));
    check_peer(&"1".repeat(54), Err(TooLong));
}

#[test]
fn every_port_of_an_address_reads_back() {
    for address in ["198.51.100.10", "2001:db8::1", "2001:db8:1:2:3:4:5:6", "::"] {
        for port in 0..=u16::MAX {
            let header = format!("{address}:{port}");
            assert_eq!(
                viewer_address(header.as_bytes()),
                Ok((ip(address), port)),
                "{header}"
            );
        }
    }
}

proptest! {
    #[test]
    fn ipv4_is_read_as_the_standard_library_reads_it(text in "[0-9]{0,4}(\\.[0-9]{0,4}){0,4}|[0-9a.: +-]{0,17}", bits: u32) {
        let written = Ipv4Addr::from_bits(bits).to_string();
        for text in [text, written] {
            prop_assert_eq!(parse_v4(&text), text.parse().ok(), "{:?}", text);
        }
    }

    #[test]
    fn any_address_with_any_port_reads_back(bits: u128, v4: u32, port: u16) {
        let v6 = IpAddr::V6(Ipv6Addr::from_bits(bits));
        let v4 = IpAddr::V4(Ipv4Addr::from_bits(v4));
        prop_assert_eq!(viewer_address(format!("{v4}:{port}").as_bytes()), Ok((v4, port)));
        prop_assert_eq!(viewer_address(format!("{v6}:{port}").as_bytes()), Ok((v6.to_canonical(), port)));
        prop_assert_eq!(peer_address(&v4.to_string()), Ok(v4));
        prop_assert_eq!(peer_address(&format!("{v4}:{port}")), Ok(v4));
        prop_assert_eq!(peer_address(&v6.to_string()), Ok(v6.to_canonical()));
        prop_assert_eq!(peer_address(&format!("[{v6}]:{port}")), Ok(v6.to_canonical()));
    }

    #[test]
    fn what_is_read_is_what_was_written(header in "[0-9a-f:.\\[\\]% ]{0,24}") {
        if let Ok((address, port)) = viewer_address(header.as_bytes()) {
            let (text, digits) = header.rsplit_once(':').unwrap();
            prop_assert_eq!(text.parse::<IpAddr>().unwrap().to_canonical(), address);
            prop_assert_eq!(digits, port.to_string());
        }
    }

    #[test]
    fn no_bytes_are_read_as_a_mapped_address(header in proptest::collection::vec(any::<u8>(), 0..60)) {
        if let Ok((address, _)) = viewer_address(&header) {
            prop_assert_eq!(address, address.to_canonical());
        }
    }
}

#[test]
fn embedded_ipv4_addresses_are_named() {
    for (text, expected) in [
        ("2002:5102:45a0::1", Some(Embedding::SixToFour)),
        (
            "2001:0:4136:e378:8000:63bf:3fff:fdd2",
            Some(Embedding::Teredo),
        ),
        ("64:ff9b::808:808", Some(Embedding::Nat64)),
        ("64:ff9b:0:0:0:1::", None),
        ("64:ff9b:1:2::1", Some(Embedding::LocalNat64)),
        ("64:ff9b:2::1", None),
        ("2001:1::1", None),
        ("2001:4860:4860::8888", None),
        ("198.51.100.10", None),
    ] {
        assert_eq!(is_embedded_ipv4(ip(text)), expected, "{text}");
    }
}

/// First and last address of each special range, with their neighbours outside it.
#[test]
fn special_ranges_are_special_to_their_edges() {
    for (first, last) in [
        ("0.0.0.0", "0.255.255.255"),
        ("10.0.0.0", "10.255.255.255"),
        ("100.64.0.0", "100.127.255.255"),
        ("127.0.0.0", "127.255.255.255"),
        ("169.254.0.0", "169.254.255.255"),
        ("172.16.0.0", "172.31.255.255"),
        ("192.0.0.0", "192.0.0.255"),
        ("192.0.2.0", "192.0.2.255"),
        ("192.88.99.0", "192.88.99.255"),
        ("192.168.0.0", "192.168.255.255"),
        ("198.18.0.0", "198.19.255.255"),
        ("198.51.100.0", "198.51.100.255"),
        ("203.0.113.0", "203.0.113.255"),
        ("224.0.0.0", "255.255.255.255"),
        ("::", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("4000::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ] {
        assert!(is_special(ip(first)), "{first}");
        assert!(is_special(ip(last)), "{last}");
        for outside in neighbours(ip(first), ip(last)) {
            assert!(!is_special(outside), "{outside}");
        }
    }
}

fn neighbours(first: IpAddr, last: IpAddr) -> Vec<IpAddr> {
    match (first, last) {
        (IpAddr::V4(first), IpAddr::V4(last)) => [
            first.to_bits().checked_sub(1),
            last.to_bits().checked_add(1),
        ]
        .into_iter()
        .flatten()
        .map(|bits| IpAddr::V4(Ipv4Addr::from_bits(bits)))
        .collect(),
        (IpAddr::V6(first), IpAddr::V6(last)) => [
            first.to_bits().checked_sub(1),
            last.to_bits().checked_add(1),
        ]
        .into_iter()
        .flatten()
        .map(|bits| IpAddr::V6(Ipv6Addr::from_bits(bits)))
        .collect(),
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => Vec::new(),
    }
}

#[test]
fn documentation_ranges_are_told_apart() {
    for text in [
        "192.0.2.1",
        "198.51.100.1",
        "203.0.113.1",
        "2001:db8::1",
        "3fff:fff::1",
    ] {
        assert!(is_documentation(ip(text)) && is_special(ip(text)), "{text}");
    }
    for text in [
        "192.0.3.1",
        "198.51.101.1",
        "203.0.112.1",
        "2001:db9::1",
        "3fff:1000::1",
        "10.0.0.1",
    ] {
        assert!(!is_documentation(ip(text)), "{text}");
    }
}
