//! What a large site costs: the same decision over more networks and more behaviors.

use super::Bench;
use portcullis_bench::Failure;
use portcullis_bench::inputs::Inputs;
use portcullis_bench::measure::{in_turn, ratio};
use portcullis_bench::networks::{address_in, apart};
use portcullis_bench::random::Random;
use portcullis_bench::subject::{Size, Subject, genuine};
use portcullis_bench::table::{Goal, Row};
use portcullis_origin::object_path::ObjectPath;
use std::hint::black_box;

const GROUP: &str = "growth";

pub(crate) fn rows(bench: &Bench) -> Result<Vec<Row>, Failure> {
    let size = |networks, behaviors| Size {
        networks,
        behaviors,
    };
    Ok(vec![
        row(
            bench,
            "a decision over 10,000 networks",
            "over 50",
            [size(10_000, 22), size(50, 22)],
            Goal::at_most(1.3, Some(1.1)),
        )?,
        row(
            bench,
            "a decision over 1,000 behaviors",
            "over 10",
            [size(225, 1_000), size(225, 10)],
            Goal::at_most(2.0, Some(1.3)),
        )?,
    ])
}

fn row(
    bench: &Bench,
    name: &str,
    small: &str,
    sizes: [Size; 2],
    goal: Goal,
) -> Result<Row, Failure> {
    let operations = bench.effort.operations / 16;
    let [mut large, mut few] = [
        Side::new(sizes[0], &bench.inputs, operations)?,
        Side::new(sizes[1], &bench.inputs, operations)?,
    ];
    let [ours, theirs] = in_turn(
        bench.effort.rounds,
        operations,
        [&mut || large.turn(), &mut || few.turn()],
    );
    let row = Row::compared(
        GROUP,
        name,
        ours.median(),
        "ns",
        (small, theirs.median()),
        goal,
    );
    Ok(row
        .with_spread(ratio(&ours, &theirs))
        .with_rounds(bench.rounds(operations))
        .with_note("with the hash of the secret and the parsing of the path on both sides"))
}

/// A site and the requests it is asked: viewers half in its networks, half anywhere, over all its behaviors.
struct Side {
    subject: Subject,
    viewers: Vec<String>,
    paths: Vec<String>,
}

impl Side {
    fn new(size: Size, inputs: &Inputs, requests: usize) -> Result<Self, Failure> {
        let mut random = Random::new(17);
        let networks = apart(size.networks - 1, 7);
        let mut viewer = |at: usize| {
            let network = networks.get(random.below(networks.len())).copied();
            let address = match network.filter(|_| at.is_multiple_of(2)) {
                Some(network) => address_in(network, &mut random),
                None => std::net::Ipv4Addr::from(random.bits() as u32 | 0x4000_0000).into(),
            };
            match address {
                std::net::IpAddr::V4(address) => format!("{address}:40123"),
                std::net::IpAddr::V6(address) => format!("{address}:40123"),
            }
        };
        let viewers = (0..requests).map(&mut viewer).collect();
        let sections = size.behaviors.saturating_sub(5).max(1);
        let path = |_| {
            format!(
                "/section-{}/reports/2026/annual.pdf",
                random.below(sections)
            )
        };
        let side = Self {
            subject: Subject::new(size, inputs)?,
            viewers,
            paths: (0..requests).map(path).collect(),
        };
        side.check()?;
        Ok(side)
    }

    /// Every request must be decided, or the two sides would not do the same.
    fn check(&self) -> Result<(), Failure> {
        for (path, viewer) in self.paths.iter().zip(&self.viewers) {
            let parsed = ObjectPath::parse(path).map_err(|_| "a path is refused")?;
            let outcome = self.subject.decide(&genuine(path, viewer), &parsed);
            if !matches!(
                outcome.code(),
                "admitted" | "denied" | "no-match" | "country-unknown"
            ) {
                return Err(format!("{viewer} {path}: {}", outcome.code()).into());
            }
        }
        Ok(())
    }

    fn turn(&mut self) {
        for (path, viewer) in self.paths.iter().zip(&self.viewers) {
            let Ok(parsed) = ObjectPath::parse(path) else {
                continue;
            };
            black_box(self.subject.decide(&genuine(path, viewer), &parsed));
        }
    }
}
