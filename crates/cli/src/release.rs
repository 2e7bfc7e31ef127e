//! The commands of releases: publish, list, show, compare, roll back, promote, withdraw, collect.
//!
//! Always holds: what may happen is the protocol's to say; a command that fails leaves the live release as it was and may be
//! run again.

mod look;
mod plan;
mod publish;
mod store;

pub(crate) use look::look;
pub(crate) use publish::publish;
pub(crate) use store::ledger_of;

use crate::args::{Gc, Promote, ReleaseStore, Rollback, Withdraw};
use crate::exit::{Exit, Failure, Outcome};
use crate::out;
use portcullis_release::ledger::Ledger;
use portcullis_release::plan::Table;
use portcullis_release::protocol::{Collected, Failure as Refused, Operation};
use portcullis_release::run::RunError;
use portcullis_site::Name;
use serde_json::json;
use std::future::Future;
use std::sync::OnceLock;
use store::Store;
use tokio::runtime::Runtime;

/// Waits for something on this thread.
fn wait<T>(work: impl Future<Output = T>) -> Result<T, Failure> {
    // One for the whole command: connections that are kept belong to the runtime that made them.
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    if RUNTIME.get().is_none() {
        let made = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build();
        let _another_was_first = RUNTIME.set(made.map_err(Failure::failed)?);
    }
    let runtime = RUNTIME.get();
    let runtime = runtime.ok_or_else(|| Failure::failed("there is no runtime"))?;
    Ok(runtime.block_on(work))
}

/// A failure of a run, with what to do about it.
fn failed(error: &RunError) -> Failure {
    use portcullis_release::ledger::Refusal;
    let failure = Failure::failed(error);
    match error {
        RunError::Protocol(Refused::Refused(refusal)) => match refusal {
            Refusal::Busy { .. } => failure.help("wait for it to end, or for its lease to end"),
            Refusal::Fenced | Refusal::Overtaken => {
                failure.help("look at the plan again, and run this again")
            }
            Refusal::Unknown(_) | Refusal::Condemned(_) | Refusal::NoEarlier => {
                failure.help("`portcullis releases` lists what there is")
            }
            Refusal::Full => failure.help("`portcullis gc` collects"),
            Refusal::NoCanary | Refusal::NoPreview(_) | Refusal::Holder => failure,
        },
        RunError::Protocol(_)
        | RunError::Ledger(_)
        | RunError::Objects { .. }
        | RunError::Manifest { .. }
        | RunError::Source(_) => {
            failure.help("the live release is as it was; run this again when that is mended")
        }
    }
}

pub(crate) fn rollback(args: &Rollback) -> Outcome {
    let store = Store::open(&args.store)?;
    let release = match &args.id {
        Some(id) => Some(store::resolve(&store.load()?, id)?),
        None => None,
    };
    change(&args.store, &store, Operation::Rollback(release))
}

pub(crate) fn promote(args: &Promote) -> Outcome {
    let store = Store::open(&args.store)?;
    change(&args.store, &store, Operation::Promote)
}

pub(crate) fn withdraw(args: &Withdraw) -> Outcome {
    let store = Store::open(&args.store)?;
    let operation = match &args.preview {
        Some(name) => Operation::EndPreview(Name::new(name).map_err(Failure::usage)?),
        None => Operation::Withdraw,
    };
    change(&args.store, &store, operation)
}

fn change(args: &ReleaseStore, store: &Store, operation: Operation) -> Outcome {
    let changed = wait(store.site.change(operation))?;
    let ledger = changed.map_err(|error| failed(&error))?;
    told(args, &ledger)?;
    Ok(Exit::Done.into())
}

/// What is live now.
fn told(args: &ReleaseStore, ledger: &Ledger) -> Result<(), Failure> {
    let live = ledger.live.map(|live| live.release.to_string());
    if args.json {
        return out::json(&json!({ "event": "live", "release": live, "epoch": ledger.epoch }));
    }
    match live {
        Some(live) => out::line(format_args!(
            "live: {live} since epoch {}",
            ledger.live_since()
        )),
        None => out::line("live: nothing"),
    }
}

pub(crate) fn collect(args: &Gc) -> Outcome {
    let store = Store::open(&args.store)?;
    let retention = store.retention(args.grace);
    let (table, mut unheard) = (Table::default(), |_| {});
    let work = store
        .site
        .collect(&table, retention, args.plan, &mut unheard);
    let collected = wait(work)?.map_err(|error| failed(&error))?;
    if args.store.json {
        out::json(&collected_json(&collected))?;
    } else {
        out::line(collected_text(&collected))?;
    }
    let planned = matches!(collected, Collected::Planned { .. });
    Ok(if planned { Exit::Changes } else { Exit::Done }.into())
}

fn collected_json(collected: &Collected) -> serde_json::Value {
    let ids = |releases: &[portcullis_release::key::ReleaseId]| -> Vec<String> {
        releases.iter().map(ToString::to_string).collect()
    };
    match collected {
        Collected::Nothing => json!({ "event": "nothing" }),
        Collected::Planned { releases, keys } => {
            json!({ "event": "planned", "releases": ids(releases), "objects": keys.len() })
        }
        Collected::Condemned {
            releases,
            objects,
            sweep_at,
        } => json!({
            "event": "condemned", "releases": ids(releases), "objects": objects, "sweep_at": sweep_at
        }),
        Collected::Waiting { sweep_at } => json!({ "event": "waiting", "sweep_at": sweep_at }),
        Collected::Swept { objects } => json!({ "event": "swept", "objects": objects }),
    }
}

fn collected_text(collected: &Collected) -> String {
    match collected {
        Collected::Nothing => "nothing to collect".to_owned(),
        Collected::Planned { releases, keys } => format!(
            "would condemn {} releases and {} objects",
            releases.len(),
            keys.len()
        ),
        Collected::Condemned {
            releases,
            objects,
            sweep_at,
        } => format!(
            "condemned {} releases and {objects} objects; run this again after {} to delete them",
            releases.len(),
            store::date(*sweep_at)
        ),
        Collected::Waiting { sweep_at } => format!(
            "what is condemned may be deleted after {}",
            store::date(*sweep_at)
        ),
        Collected::Swept { objects } => format!("deleted {objects} objects"),
    }
}
