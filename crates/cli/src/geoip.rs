//! `geoip`: a country database looked into, compared with the one in use, and compiled.
//!
//! Always holds: a table is written only of a database that passed the rules, and only after it was read back. Deliberately
//! absent: where databases come from.

use crate::args::{Digest, Geoip, GeoipStep};
use crate::exit::{Exit, Failure, Outcome};
use crate::{machine, out};
use anstream::eprintln;
use portcullis_viewer::country::Country;
use portcullis_viewer::database::{Canary, CountryDatabase, DATABASE_BYTES_MAX, DatabaseRules};
use portcullis_viewer::geo::CountryFact;
use portcullis_viewer::table::{self, Change, CountryTable, TABLE_BYTES_MAX, TableError};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Read as _;
use std::net::IpAddr;
use std::path::Path;

/// The most kinds of change that are shown to a person.
const KINDS_SHOWN_MAX: usize = 40;

pub(crate) fn run(args: &Geoip) -> Outcome {
    match &args.step {
        GeoipStep::Lookup { file, address } => look_up(file, address, args.json),
        GeoipStep::Diff { old, new } => diff(old, new, args.json),
        GeoipStep::Compile {
            file,
            output,
            previous,
            canary,
            sha256,
            plan,
        } => {
            let rules = rules(canary, *sha256);
            let database = open(file, &rules)?;
            if let Some(previous) = previous {
                let previous = open(previous, &lenient())?;
                let replaces = database.check_replaces(&previous);
                replaces.map_err(|why| refused(file, &why))?;
            }
            compiled(file, &database, output, *plan, args.json)
        }
    }
}

fn rules(canaries: &[(IpAddr, Country)], sha256: Option<Digest>) -> DatabaseRules {
    let canary = |&(address, country): &(IpAddr, Country)| Canary {
        address,
        country: Some(country),
    };
    DatabaseRules {
        canaries: canaries.iter().map(canary).collect(),
        sha256: sha256.map(|digest| digest.0),
        ..DatabaseRules::default()
    }
}

/// Rules for a file that is only looked into: it need not know the public Internet.
fn lenient() -> DatabaseRules {
    DatabaseRules {
        well_known: Vec::new(),
        well_known_min: 0,
        ..DatabaseRules::default()
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let fail = |why: std::io::Error| {
        Failure::failed(format!("`{}` cannot be read: {why}", path.display()))
    };
    let max = DATABASE_BYTES_MAX.max(TABLE_BYTES_MAX) as u64;
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(fail)?;
    file.take(max + 1).read_to_end(&mut bytes).map_err(fail)?;
    if bytes.len() as u64 > max {
        let why = format!("`{}` has more than {max} bytes", path.display());
        return Err(Failure::failed(why));
    }
    Ok(bytes)
}

fn refused(path: &Path, why: &dyn std::fmt::Display) -> Failure {
    Failure::failed(format!("`{}` is refused: {why}", path.display()))
}

fn open(path: &Path, rules: &DatabaseRules) -> Result<CountryDatabase<Vec<u8>>, Failure> {
    let now = machine::now_ms() / 1000;
    CountryDatabase::open(read(path)?, rules, now).map_err(|why| refused(path, &why))
}

fn said(fact: CountryFact) -> String {
    let country = fact.known().map(|country| country.as_str().to_owned());
    country.unwrap_or_else(|| fact.reason().unwrap_or("unknown").to_owned())
}

fn look_up(file: &Path, addresses: &[IpAddr], as_json: bool) -> Outcome {
    let bytes = read(file)?;
    let facts: Vec<CountryFact> = match CountryTable::open(bytes.as_slice()) {
        Ok(table) => {
            table.verify().map_err(|why| refused(file, &why))?;
            addresses.iter().map(|&one| table.lookup(one)).collect()
        }
        Err(TableError::NotATable) => {
            let now = machine::now_ms() / 1000;
            let database = CountryDatabase::open(bytes, &lenient(), now);
            let database = database.map_err(|why| refused(file, &why))?;
            addresses.iter().map(|&one| database.lookup(one)).collect()
        }
        Err(why) => return Err(refused(file, &why)),
    };
    for (address, fact) in addresses.iter().zip(facts) {
        if as_json {
            let country = fact.known().map(|country| country.as_str().to_owned());
            let reason = fact.reason();
            out::json(&json!({ "address": address, "country": country, "reason": reason }))?;
        } else {
            out::line(format_args!("{address}  {}", said(fact)))?;
        }
    }
    Ok(Exit::Done.into())
}

/// How much changes from one answer to another.
#[derive(Default)]
struct Kind {
    ipv4_addresses: u64,
    ipv6_networks: u64,
    example: Option<Change>,
}

fn diff(old: &Path, new: &Path, as_json: bool) -> Outcome {
    let (before, after) = (open(old, &lenient())?, open(new, &lenient())?);
    let refusal = after.check_replaces(&before).err();
    let changes = table::changes(&before, &after).map_err(|why| {
        let (old, new) = (old.display(), new.display());
        Failure::failed(format!("`{old}` and `{new}` cannot be compared: {why}"))
    })?;
    let mut kinds: BTreeMap<(String, String), Kind> = BTreeMap::new();
    for change in changes {
        let kind = kinds
            .entry((said(change.before), said(change.after)))
            .or_default();
        match change.first {
            IpAddr::V4(_) => kind.ipv4_addresses += change.size,
            IpAddr::V6(_) => kind.ipv6_networks += change.size,
        }
        kind.example.get_or_insert(change);
    }
    let mut kinds: Vec<_> = kinds.into_iter().collect();
    kinds.sort_by_key(|(_, kind)| std::cmp::Reverse((kind.ipv4_addresses, kind.ipv6_networks)));
    if as_json {
        let kinds: Vec<Value> = kinds.iter().map(kind_as_json).collect();
        let refused = refusal.as_ref().map(ToString::to_string);
        out::json(&json!({ "changes": kinds, "refused": refused }))?;
    } else {
        show(&kinds)?;
        match &refusal {
            None => eprintln!("it may take the place of `{}`", old.display()),
            Some(why) => eprintln!("it may not take the place of `{}`: {why}", old.display()),
        }
    }
    let exit = match refusal {
        None => Exit::Done,
        Some(_) => Exit::Findings,
    };
    Ok(exit.into())
}

fn kind_as_json(((before, after), kind): &((String, String), Kind)) -> Value {
    let example = kind
        .example
        .map(|change| json!({ "first": change.first, "last": change.last }));
    json!({
        "before": before,
        "after": after,
        "ipv4_addresses": kind.ipv4_addresses,
        "ipv6_64_networks": kind.ipv6_networks,
        "example": example
    })
}

fn show(kinds: &[((String, String), Kind)]) -> Result<(), Failure> {
    if kinds.is_empty() {
        return out::line("no address changes");
    }
    for ((before, after), kind) in kinds.iter().take(KINDS_SHOWN_MAX) {
        let example = kind.example.map_or(String::new(), |change| {
            format!("  such as {} to {}", change.first, change.last)
        });
        out::line(format_args!(
            "{before} -> {after}  {} addresses of IPv4, {} networks /64 of IPv6{example}",
            kind.ipv4_addresses, kind.ipv6_networks
        ))?;
    }
    match kinds.len().checked_sub(KINDS_SHOWN_MAX) {
        None | Some(0) => Ok(()),
        Some(more) => out::line(format_args!("and {more} more; --json has all")),
    }
}

fn compiled(
    file: &Path,
    database: &CountryDatabase<Vec<u8>>,
    output: &Path,
    plan: bool,
    as_json: bool,
) -> Outcome {
    let table = table::compile(database).map_err(|why| refused(file, &why))?;
    let read_back = CountryTable::open(table.as_slice()).and_then(|table| table.verify());
    read_back.map_err(Failure::failed)?;
    let changes = !std::fs::read(output).is_ok_and(|there| there == table);
    if changes && !plan {
        out::file(output, &table)?;
    }
    let digest: String = database.sha256().map(|byte| format!("{byte:02x}")).concat();
    if as_json {
        out::json(&json!({
            "database_type": database.database_type(),
            "built_at": database.built_at(),
            "sha256": digest,
            "table_bytes": table.len(),
            "changes": changes,
            "written": changes && !plan
        }))?;
    } else {
        out::line(format_args!(
            "{} of epoch second {}, {} bytes as a table\nsha256 {digest}",
            database.database_type(),
            database.built_at(),
            table.len()
        ))?;
    }
    if database.is_demonstration() {
        eprintln!("this is a demonstration database: it must not decide about real viewers");
    }
    let exit = if changes && plan {
        Exit::Changes
    } else {
        Exit::Done
    };
    Ok(exit.into())
}
