//! The function's answer is the policy's, with the same reason: random policies and viewers through a JavaScript engine.
//!
//! `PORTCULLIS_GUARD_POLICIES` sets how many policies are tried, each with [`VIEWERS`] viewers.
#![allow(
    clippy::disallowed_methods,
    reason = "the crate is pure; its test starts a JavaScript engine"
)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must fail"
)]

use portcullis_edge_guard::{GuardError, guard, guards};
use portcullis_manifest::{Folder, compile};
use portcullis_policy::{AddressFact, Decision, Facts, Membership, Signatures, decide};
use portcullis_site::{Engine, Name, NetworkAddresses, Site};
use portcullis_viewer::geo::from_cloudfront_header;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::IpAddr;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

const VIEWERS: usize = 400;
const POLICIES: usize = 300;

/// A generator that gives the same numbers for the same seed.
struct Random(u64);

impl Random {
    fn below(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }

    fn of<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len())]
    }
}

const RANGES: [&str; 12] = [
    "198.51.100.0/24",
    "198.51.100.7/32",
    "192.0.2.0/25",
    "10.0.0.0/9",
    "203.0.113.64/27",
    "2001:db8::/32",
    "2001:db8:51::/49",
    "2001:db8:ffff::1/128",
    "fd00::/9",
    "172.16.0.0/12",
    "2400:cb00::/33",
    "100.64.0.0/11",
];
const COUNTRIES: [&str; 10] = ["DE", "FR", "EU", "CH", "US", "GB", "EFTA", "NO", "CN", "BR"];
const ADDRESSES: [&str; 26] = [
    "198.51.100.7",
    "198.51.100.8",
    "198.51.101.0",
    "192.0.2.127",
    "192.0.2.128",
    "10.127.255.255",
    "10.128.0.0",
    "203.0.113.95",
    "203.0.113.96",
    "2001:db8::1",
    "2001:db9::1",
    "2001:db8:51:7fff::",
    "2001:db8:51:8000::",
    "2001:db8:ffff::1",
    "2001:DB8:FFFF:0:0:0:0:1",
    "fd7f::1",
    "fd80::",
    "172.31.0.1",
    "172.32.0.1",
    "::",
    "::1",
    "2400:cb00:7fff::",
    "2400:cb00:8000::",
    "::ffff:198.51.100.7",
    "::ffff:c633:6407",
    "100.95.255.255",
];
const HEADERS: [&str; 14] = [
    "DE", "FR", "CH", "US", "GB", "NO", "IS", "CN", "BR", "ZZ", "AP", "de", "", "DEU",
];

/// A manifest whose one policy is enforced at the edge.
fn manifest(random: &mut Random) -> String {
    let mut text = "version: 1\nsite: house\norigins: { pages: { bucket: { name: house-pages } } }\ngeo: { source: cloudfront }\nnetworks:\n".to_owned();
    for name in ["one", "two", "three"] {
        let ranges: Vec<String> = (0..1 + random.below(3))
            .map(|_| format!("\"{}\"", random.of(&RANGES)))
            .collect();
        text += &format!("  {name}: [{}]\n", ranges.join(", "));
    }
    text += "policies:\n  tried:\n";
    for _ in 0..1 + random.below(5) {
        let allows = random.below(2) == 0;
        let mut conditions = Vec::new();
        if random.below(3) > 0 {
            let names: Vec<&str> = (0..1 + random.below(2))
                .map(|_| random.of(&["one", "two", "three"]))
                .collect();
            conditions.push(format!("networks: [{}]", names.join(", ")));
        }
        if random.below(3) > 0 {
            let mut codes: Vec<&str> = (0..1 + random.below(3))
                .map(|_| random.of(&COUNTRIES))
                .collect();
            if !allows && random.below(2) == 0 {
                codes.push("unknown");
            }
            conditions.push(format!("countries: [{}]", codes.join(", ")));
        }
        let effect = if allows { "allow" } else { "deny" };
        let when = if conditions.is_empty() {
            "any".to_owned()
        } else {
            format!("{{ {} }}", conditions.join(", "))
        };
        text += &format!("    - {{ {effect}: {when} }}\n");
    }
    text + "behaviors:\n  - { path: \"*\", origin: pages, policy: tried, enforce: edge }\n"
}

fn site(text: &str) -> Option<Site> {
    let compiled = compile(text, "portcullis.yaml", &Folder(".".into())).ok()?;
    Some(compiled.bundle.site().clone())
}

/// What the policy says, from the facts that the edge can see.
fn decided(engine: &Engine, policy: &Name, address: &str, country: Option<&str>) -> String {
    let address: IpAddr = address.parse().unwrap();
    let address = address.to_canonical();
    let policy = engine.policy(policy).unwrap();
    let mut networks = Membership::default();
    for (at, (_, network)) in engine.networks().iter().enumerate() {
        let NetworkAddresses::Fixed(set) = network else {
            panic!("a prefix list")
        };
        if set.contains(address) {
            let index = portcullis_policy::NetworkIndex::new(at).unwrap();
            networks.inside = networks.inside.with(index);
        }
    }
    let facts = Facts {
        address: AddressFact::Known(address),
        networks,
        country: from_cloudfront_header(country.map(str::as_bytes)),
        signatures: Signatures::default(),
    };
    match decide(policy, &facts, 0) {
        Decision::Admitted(_) => "admitted".to_owned(),
        Decision::Refused(refusal) => refusal.reason.code().to_owned(),
    }
}

/// A JavaScript engine that runs functions.
struct Js {
    child: Child,
    asks: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Js {
    fn start() -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/decide.js");
        let mut child = Command::new("node")
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|why| panic!("Node 20 or newer runs the functions: {why}"));
        Self {
            asks: child.stdin.take().unwrap(),
            answers: BufReader::new(child.stdout.take().unwrap()),
            child,
        }
    }

    fn run(&mut self, code: &str, events: &[(String, Option<String>)]) -> Vec<String> {
        let line = serde_json::json!({ "code": code, "events": events });
        writeln!(self.asks, "{line}").unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        serde_json::from_str(&answer).unwrap()
    }
}

impl Drop for Js {
    fn drop(&mut self) {
        // It is idle; whether it has ended already does not matter.
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

fn viewers(random: &mut Random) -> Vec<(String, Option<String>)> {
    let viewer = |random: &mut Random| {
        let address = match random.below(4) {
            0 => IpAddr::from(u32::try_from(random.0 >> 32).unwrap().to_be_bytes()).to_string(),
            1 => IpAddr::from(
                (u128::from(random.0) << 64 | u128::from(random.0.rotate_left(17))).to_be_bytes(),
            )
            .to_string(),
            _ => random.of(&ADDRESSES).to_owned(),
        };
        let country = (random.below(8) > 0).then(|| random.of(&HEADERS).to_owned());
        (address, country)
    };
    (0..VIEWERS).map(|_| viewer(random)).collect()
}

#[test]
fn the_function_decides_as_the_policy_does() {
    let policies =
        std::env::var("PORTCULLIS_GUARD_POLICIES").map_or(POLICIES, |n| n.parse().unwrap());
    let (mut random, mut js) = (Random(2_026), Js::start());
    let (mut tried, mut admitted) = (0, 0);
    let name = Name::new("tried").unwrap();
    while tried < policies {
        let text = manifest(&mut random);
        // Some are refused, such as one whose first statement decides everything.
        let Some(site) = site(&text) else { continue };
        tried += 1;
        let engine = Engine::new(&site).unwrap();
        let guard = guard(&site, &name).unwrap();
        let viewers = viewers(&mut random);
        let answers = js.run(&guard.code, &viewers);
        for ((address, country), answer) in viewers.iter().zip(answers) {
            let expected = decided(&engine, &name, address, country.as_deref());
            assert_eq!(
                answer, expected,
                "{address} {country:?}\n{text}\n{}",
                guard.code
            );
            admitted += usize::from(expected == "admitted");
        }
    }
    let all = tried * VIEWERS;
    assert!(
        admitted > all / 10 && admitted < all * 9 / 10,
        "{admitted} of {all}"
    );
    println!("{tried} policies, {all} viewers, {admitted} admitted, 0 differences");
}

/// The example's own policies, and those that cannot be decided at the edge.
#[test]
fn what_cannot_be_decided_at_the_edge_is_refused_with_what_to_do() {
    let base = "version: 1\nsite: house\norigins: { pages: { bucket: { name: house-pages } } }\nnetworks: { office: [198.51.100.0/24], partners: { prefix_list: pl-0a1b2c3d4e5f67890 } }\n";
    let with = |geo: &str, policy: &str| {
        let text = format!(
            "{base}geo: {{ source: {geo} }}\npolicies: {{ tried: [{policy}] }}\nbehaviors:\n  - {{ path: \"*\", origin: pages, policy: tried, enforce: edge }}\n"
        );
        guards(&site(&text).unwrap_or_else(|| panic!("{text}")))
    };
    let name = |text: &str| Name::new(text).unwrap();
    let fine = with("cloudfront", "{ allow: { networks: [office] } }").unwrap();
    assert_eq!(
        (fine.len(), fine[0].name.as_str()),
        (1, "house-tried-guard")
    );
    assert_eq!(
        with("cloudfront", "{ allow: { networks: [partners] } }"),
        Err(GuardError::PrefixList(name("tried"), name("partners")))
    );
    assert_eq!(with("cloudfront", "{ allow: any }").unwrap().len(), 1);
    let many: Vec<String> = (0..900)
        .map(|n| format!("10.{}.{}.0/24", n / 256, n % 256))
        .collect();
    let text = format!(
        "version: 1\nsite: house\norigins: {{ pages: {{ bucket: {{ name: house-pages }} }} }}\nnetworks: {{ many: [{}] }}\npolicies: {{ tried: [{{ allow: {{ networks: [many] }} }}] }}\nbehaviors:\n  - {{ path: \"*\", origin: pages, policy: tried, enforce: edge }}\n",
        many.join(", ")
    );
    assert!(
        matches!(guards(&site(&text).unwrap()), Err(GuardError::TooLarge(_, bytes)) if bytes > 10_240)
    );
}
