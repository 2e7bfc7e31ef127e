//! Instructions and allocations of a decision, and the secret's comparison in constant time.

use super::Bench;
use portcullis_bench::Failure;
use portcullis_bench::counting::allocations;
use portcullis_bench::inputs::NOW;
use portcullis_bench::subject::{STANDARD, Subject, genuine};
use portcullis_bench::table::{Goal, Row};
use portcullis_origin::object_path::ObjectPath;
use portcullis_origin::request::{Front, Request};
use portcullis_policy::{
    AddressFact, Conditions, Effect, Facts, KeyGroupIndex, Membership, Mode, Policy, SignatureFact,
    Signatures, Statement, decide,
};
use portcullis_signed_access::{PolicyFault, SignatureRefusal};
use portcullis_viewer::geo::{CountryFact, UnknownCountry};
use std::collections::BTreeSet;

const GROUP: &str = "decision";
const WHAT: &str = "one decision: 3 digests compared, 274 networks, country, method, 22 paths";
const OPERATIONS: u64 = 2_000;

pub(crate) fn rows(bench: &Bench) -> Result<Vec<Row>, Failure> {
    Ok(vec![
        instructions(bench, WHAT, bench.ir()),
        instructions(
            bench,
            "the same, as shipped (opt-level s)",
            bench.ir_shipped(),
        ),
        constant_time(bench),
        allocations_of_every_outcome(bench)?,
        allocations_of_signatures()?,
    ])
}

fn instructions(
    bench: &Bench,
    name: &str,
    callgrind: portcullis_bench::callgrind::Callgrind<'_>,
) -> Row {
    let goal = Goal::figure(3_500.0, Some(2_000.0));
    let count = |row| callgrind.per_operation(row, bench.ir_operations(OPERATIONS));
    match count("decision").and_then(|whole| Ok((whole, count("hash")?))) {
        Ok((whole, hash)) => Row::figure(GROUP, name, (whole - hash).round(), "Ir", goal)
            .with_rounds("callgrind, difference of N and 3N operations")
            .with_note(format!(
                "{} Ir with the hash of the secret, which is {} of them under callgrind, a processor without SHA instructions; the path is parsed before",
                whole.round(),
                hash.round()
            )),
        Err(why) => Row::failed(GROUP, name, goal, "Ir", why),
    }
}

fn constant_time(bench: &Bench) -> Row {
    let name = "secret: instructions between wrong in the first byte, in the last, and right";
    let goal = Goal::figure(0.0, None);
    let count = |which: &str| {
        let operations = bench.ir_operations(OPERATIONS);
        bench
            .ir_shipped()
            .per_operation(&format!("secret-{which}"), operations)
    };
    let counts: Result<Vec<f64>, Failure> =
        ["first", "last", "right"].into_iter().map(count).collect();
    match counts.as_deref() {
        Ok([first, last, right]) => {
            let most = first.max(*last).max(*right);
            let least = first.min(*last).min(*right);
            Row::figure(GROUP, name, (most - least).round(), "Ir", goal)
                .with_rounds("callgrind, as shipped")
                .with_note(format!(
                    "hashing and comparing take {first:.1}, {last:.1} and {right:.1} Ir"
                ))
        }
        Ok(_) => Row::failed(GROUP, name, goal, "Ir", "not three counts"),
        Err(why) => Row::failed(GROUP, name, goal, "Ir", why),
    }
}

/// A request and the code of its outcome, on a subject that may be changed for it.
struct Case {
    code: &'static str,
    path: &'static str,
    viewer: Option<&'static str>,
    request: fn(&mut Request<'static>),
    subject: fn(&mut Subject),
}

const ORDINARY: &str = "/section-9/reports/2026/annual.html";
const AMERICAN: Option<&str> = Some("8.8.8.8:40123");
const NOWHERE: Option<&str> = Some("10.0.0.1:40123");

fn same<T>(_: &mut T) {}

fn cases() -> Vec<Case> {
    let plain = |code, path, viewer| Case {
        code,
        path,
        viewer,
        request: same,
        subject: same,
    };
    let asked = |code, request| Case {
        request,
        ..plain(code, ORDINARY, AMERICAN)
    };
    let set = |code, subject| Case {
        subject,
        ..plain(code, ORDINARY, AMERICAN)
    };
    vec![
        plain("admitted", ORDINARY, AMERICAN),
        asked("wrong-front", |r| r.front = Front::Domain("evil.example")),
        asked("no-principal", |r| r.principal = None),
        set("wrong-principal", |s| {
            s.site.guard.access_control.principals = vec!["arn:aws:iam::1:role/other".to_owned()];
        }),
        asked("secret-missing", |r| r.headers.secret = None),
        asked("secret-malformed", |r| {
            r.headers.secret = Some("two,values")
        }),
        asked("secret-wrong", |r| r.headers.secret = Some("a-wrong-one")),
        set("secret-unknown", |s| s.state.secrets = Default::default()),
        asked("edge-unknown", |r| r.peer = Some("localhost")),
        asked("edge-outside", |r| r.peer = Some("8.8.8.8")),
        set("edge-list-missing", |s| s.state.edge_lists.clear()),
        set("edge-list-stale", |s| {
            s.site.guard.edges.max_age = portcullis_site::Seconds::of(60);
        }),
        asked("method", |r| r.method = "POST"),
        Case {
            request: |r| r.headers.viewer_address = None,
            ..plain("denied-address-unknown", ORDINARY, None)
        },
        plain("denied-country-unknown", "/strangers/a", NOWHERE),
        Case {
            subject: |s| s.state.prefix_lists.clear(),
            ..plain("denied-list-unavailable", "/shut/a", AMERICAN)
        },
        plain("no-match", "/far/a", AMERICAN),
        Case {
            request: |r| r.headers.viewer_address = None,
            ..plain("address-unknown", "/partners/a", None)
        },
        plain("country-unknown", "/far/a", NOWHERE),
        Case {
            subject: |s| s.state.prefix_lists.clear(),
            ..plain("list-unavailable", "/partners/a", AMERICAN)
        },
    ]
}

fn allocations_of_every_outcome(bench: &Bench) -> Result<Row, Failure> {
    let mut worst = (0, "none");
    let mut codes = BTreeSet::new();
    for case in cases() {
        let mut subject = Subject::new(STANDARD, &bench.inputs)?;
        (case.subject)(&mut subject);
        let mut request = genuine(case.path, case.viewer.unwrap_or_default());
        (case.request)(&mut request);
        one(&subject, &request, case.code, &mut worst)?;
        codes.insert(case.code);
    }
    let subject = Subject::new(STANDARD, &bench.inputs)?;
    let (denied, allowed) = subject.viewers();
    one(&subject, &genuine(ORDINARY, &denied), "denied", &mut worst)?;
    one(
        &subject,
        &genuine(ORDINARY, &allowed),
        "admitted",
        &mut worst,
    )?;
    codes.insert("denied");
    let name = "allocations of a decision, the most of any outcome";
    let row = Row::figure(
        GROUP,
        name,
        worst.0 as f64,
        "allocations",
        Goal::figure(0.0, None),
    );
    let tried = format!(
        "{} outcomes: {}",
        codes.len(),
        Vec::from_iter(codes).join(", ")
    );
    Ok(row.with_rounds(tried))
}

fn one(
    subject: &Subject,
    request: &Request<'_>,
    code: &'static str,
    worst: &mut (u64, &'static str),
) -> Result<(), Failure> {
    let path = ObjectPath::parse(request.raw_path).map_err(|_| "a path is refused")?;
    let (count, outcome) = allocations(|| subject.decide(request, &path));
    if outcome.code() != code {
        return Err(format!("a request is {}, not {code}", outcome.code()).into());
    }
    if count > worst.0 {
        *worst = (count, code);
    }
    Ok(())
}

/// The signature's own check is a row of its own; this is the decision over what it found.
fn allocations_of_signatures() -> Result<Row, Failure> {
    use SignatureRefusal as S;
    let refusals = [
        S::Absent,
        S::Duplicate,
        S::MissingKeyPairId,
        S::UnknownKey,
        S::WrongAlgorithm,
        S::MalformedSignature,
        S::BadSignature,
        S::WrongResource,
        S::Expired,
        S::NotYetValid,
        S::WrongAddress,
        S::MalformedPolicy(PolicyFault::Absent),
    ];
    let group = KeyGroupIndex::new(0).ok_or("no key group")?;
    let when = Conditions::new(None, None, Some(group)).map_err(|_| "no condition")?;
    let allow = Statement {
        effect: Effect::Allow,
        when: Some(when),
    };
    let policy = Policy::new(vec![allow], Mode::Enforce).map_err(|_| "no policy")?;
    let mut most = 0;
    for refusal in refusals {
        let mut signatures = Signatures::default();
        let set = signatures.set(group, SignatureFact::Refused(refusal));
        set.map_err(|_| "no room for a signature")?;
        let facts = Facts {
            address: AddressFact::Unknown,
            networks: Membership::default(),
            country: CountryFact::Unknown(UnknownCountry::NoAddress),
            signatures,
        };
        let (count, _) = allocations(|| decide(&policy, &facts, NOW));
        most = most.max(count);
    }
    let name = "allocations of a policy that refuses a signature, the most of any reason";
    let row = Row::figure(
        GROUP,
        name,
        most as f64,
        "allocations",
        Goal::figure(0.0, None),
    );
    Ok(row.with_rounds(format!("{} reasons", refusals.len())))
}
