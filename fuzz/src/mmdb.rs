//! A country database: any file opens or is refused, and a country that is told stands in the file.
//!
//! An input is the whole file. The rules ask for no known address, so that look-ups see more files than production's.

use portcullis_viewer::country::Country;
use portcullis_viewer::database::{
    CountryDatabase, CountryPath, CountryPaths, DATABASE_BYTES_MAX, DatabaseRules,
};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Addresses that lie in several of the seeds, and on both sides of every early bit of a search tree.
const ADDRESSES: [IpAddr; 10] = [
    v4([1, 1, 1, 1]),
    v4([2, 125, 160, 216]),
    v4([8, 8, 8, 8]),
    v4([81, 2, 69, 160]),
    v4([175, 16, 199, 1]),
    v4([202, 196, 224, 1]),
    v4([223, 255, 255, 254]),
    v6([0x2001, 0x0218, 0, 0, 0, 0, 0, 1]),
    v6([0x2a02, 0xffc0, 0, 0, 0, 0, 0, 1]),
    v6([0x2001, 0x4860, 0x4860, 0, 0, 0, 0, 0x8888]),
];

/// Later than any database was built, in epoch seconds.
const NOW: u64 = 4_000_000_000;

/// Holds for any input.
pub fn hold(input: &[u8]) {
    let Ok(database) = CountryDatabase::open(input, &rules(), NOW) else {
        return;
    };
    for address in ADDRESSES {
        let fact = database.lookup(address);
        if let Some(country) = fact.known() {
            assert!(
                stands_in(input, country),
                "{address}: {country:?} is not in the file"
            );
        }
        if let IpAddr::V4(v4) = address {
            assert_eq!(
                database.lookup(v4.to_ipv6_mapped().into()),
                fact,
                "mapped {address}"
            );
        }
    }
}

fn rules() -> DatabaseRules {
    let all = [
        CountryPath::CountryIsoCode,
        CountryPath::CountryCode,
        CountryPath::RegisteredCountryIsoCode,
    ];
    DatabaseRules {
        bytes_max: DATABASE_BYTES_MAX,
        sha256: None,
        paths: CountryPaths::new(&all).unwrap_or(CountryPaths::DEFAULT),
        canaries: Vec::new(),
        well_known: Vec::new(),
        well_known_min: 0,
    }
}

fn stands_in(file: &[u8], country: Country) -> bool {
    let code = country.to_string();
    file.windows(2)
        .any(|two| two.eq_ignore_ascii_case(code.as_bytes()))
}

const fn v4([a, b, c, d]: [u8; 4]) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(a, b, c, d))
}

const fn v6([a, b, c, d, e, f, g, h]: [u16; 8]) -> IpAddr {
    IpAddr::V6(Ipv6Addr::new(a, b, c, d, e, f, g, h))
}
