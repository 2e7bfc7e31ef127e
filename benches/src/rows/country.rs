//! The country of an address, against `decode_path` of the maxminddb crate on the same database.

use super::Bench;
use ipnet::IpNet;
use maxminddb::{PathElement, Reader, WithinOptions};
use portcullis_bench::Failure;
use portcullis_bench::inputs::database_file;
use portcullis_bench::measure::{in_turn, ratio};
use portcullis_bench::networks::address_in;
use portcullis_bench::random::Random;
use portcullis_bench::table::{Goal, Row};
use portcullis_viewer::address::{is_documentation, is_embedded_ipv4, is_special};
use portcullis_viewer::country::Country;
use portcullis_viewer::geo::CountryFact;
use portcullis_viewer::table::CountryTable;
use std::hint::black_box;
use std::net::IpAddr;

const GROUP: &str = "country";
const THEIRS: &str = "maxminddb decode_path";

pub(crate) fn rows(bench: &Bench) -> Result<Vec<Row>, Failure> {
    let bytes = std::fs::read(database_file())?;
    let reader = Reader::from_source(bytes.as_slice())?;
    let table = CountryTable::open(std::fs::read(bench.inputs.country_table())?)?;
    let networks = networks(&reader)?;
    let path = path(&reader, &networks)?;
    let compared = differences(&reader, path, &table, &networks)?;
    let mut rows = vec![compared];
    for (name, v4, bar, stretch) in [("IPv4", true, 5.0, 10.0), ("IPv6", false, 4.0, 7.0)] {
        let addresses = addresses(&networks, v4, bench.effort.operations);
        let operations = addresses.len();
        let [ours, theirs] = in_turn(
            bench.effort.rounds,
            operations,
            [
                &mut || {
                    addresses
                        .iter()
                        .for_each(|address| _ = black_box(table.lookup(*address)))
                },
                &mut || {
                    addresses
                        .iter()
                        .for_each(|address| _ = black_box(theirs(&reader, path, *address)))
                },
            ],
        );
        let goal = Goal::times_faster(bar, Some(stretch));
        let name = format!("country of an {name} address, drawn network by network");
        let row = Row::compared(
            GROUP,
            name,
            ours.median(),
            "ns",
            (THEIRS, theirs.median()),
            goal,
        );
        rows.push(
            row.with_spread(ratio(&ours, &theirs))
                .with_rounds(bench.rounds(operations)),
        );
    }
    Ok(rows)
}

/// All networks of the database that hold viewers.
fn networks(reader: &Reader<&[u8]>) -> Result<Vec<IpNet>, Failure> {
    let mut networks = Vec::new();
    for found in reader.networks(WithinOptions::default())? {
        let network = found?.network()?;
        networks.push(IpNet::new(network.ip(), network.prefix())?);
    }
    Ok(networks)
}

/// Addresses we look up as they are; others are unknown to us by rule, whatever a database says.
fn is_looked_up(address: IpAddr) -> bool {
    (!is_special(address) || is_documentation(address)) && is_embedded_ipv4(address).is_none()
}

/// The path under which this database keeps its countries, so that the rival reads nothing in vain.
fn path(
    reader: &Reader<&[u8]>,
    networks: &[IpNet],
) -> Result<&'static [PathElement<'static>], Failure> {
    const NESTED: &[PathElement<'static>] =
        &[PathElement::Key("country"), PathElement::Key("iso_code")];
    const FLAT: &[PathElement<'static>] = &[PathElement::Key("country_code")];
    let leads = |path: &&[PathElement<'static>]| {
        let mut some = networks.iter().take(1_000).map(IpNet::addr);
        some.any(|address| theirs(reader, path, address).is_some())
    };
    [NESTED, FLAT]
        .into_iter()
        .find(leads)
        .ok_or_else(|| "the database has no countries".into())
}

#[inline(never)]
fn theirs<'a>(
    reader: &'a Reader<&'a [u8]>,
    path: &[PathElement<'_>],
    address: IpAddr,
) -> Option<&'a str> {
    reader.lookup(address).ok()?.decode_path(path).ok()?
}

fn addresses(networks: &[IpNet], v4: bool, count: usize) -> Vec<IpAddr> {
    let mut random = Random::new(5);
    let family: Vec<IpNet> = networks
        .iter()
        .copied()
        .filter(|network| network.addr().is_ipv4() == v4)
        .collect();
    let mut addresses = Vec::with_capacity(count);
    while addresses.len() < count {
        let Some(network) = family.get(random.below(family.len())) else {
            break;
        };
        let address = address_in(*network, &mut random);
        if is_looked_up(address) {
            addresses.push(address);
        }
    }
    addresses
}

/// First, last and one random address of every network.
fn differences(
    reader: &Reader<&[u8]>,
    path: &[PathElement<'_>],
    table: &CountryTable<Vec<u8>>,
    networks: &[IpNet],
) -> Result<Row, Failure> {
    let mut random = Random::new(11);
    let (mut compared, mut different) = (0_u64, 0_u64);
    for network in networks {
        for address in [
            network.network(),
            network.broadcast(),
            address_in(*network, &mut random),
        ] {
            if !is_looked_up(address) {
                continue;
            }
            let code = theirs(reader, path, address);
            let expected = code.and_then(|code| Country::try_from(code.as_bytes()).ok());
            let ours = table.lookup(address);
            let equal = match expected {
                Some(country) => ours == CountryFact::Known(country),
                None => matches!(ours, CountryFact::Unknown(_)),
            };
            compared += 1;
            different += u64::from(!equal);
        }
    }
    if compared == 0 {
        return Err("no address was compared".into());
    }
    let name = "addresses whose country differs, over all networks of the database";
    let row = Row::figure(
        GROUP,
        name,
        different as f64,
        "addresses",
        Goal::figure(0.0, None),
    );
    Ok(row.with_rounds(format!(
        "{compared} addresses of {} networks",
        networks.len()
    )))
}
