//! `publish`: plan, ask, upload, verify, flip.

use super::plan::Plan;
use super::store::Store;
use super::{failed, wait};
use crate::args::Publish;
use crate::exit::{Exit, Failure, Outcome};
use crate::{machine, out};
use anstream::{eprint, eprintln};
use portcullis_release::ledger::{Percent, Target};
use portcullis_release::protocol::{PublishSettings, Published};
use portcullis_release::run::Event;
use portcullis_site::Name;
use serde_json::{Value, json};
use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

/// How long others wait for a publisher that has stopped, in seconds.
const LEASE_SECONDS: u64 = 120;
/// How often progress is shown.
const SHOW_EVERY: Duration = Duration::from_millis(100);

pub(crate) fn publish(args: &Publish) -> Outcome {
    let target = target(args)?;
    if !args.folder.is_dir() {
        return Err(
            Failure::usage(format!("there is no folder `{}`", args.folder.display()))
                .help("name the folder that your build writes to"),
        );
    }
    let store = Store::open(&args.store)?;
    let plan = Plan::of(args, &store)?;
    let unchanged = target == Target::Live && plan.is_live();
    if args.store.json {
        out::json(&plan.json())?;
    } else {
        out::text(plan.text())?;
    }
    if unchanged {
        return finished(args, &Published::Unchanged(plan.id));
    }
    if args.plan {
        return Ok(Exit::Changes.into());
    }
    confirm(args)?;
    let settings = PublishSettings {
        holder: args.holder.clone().unwrap_or_else(holder),
        run: u64::from_le_bytes(machine::random()),
        approved_over: (target == Target::Live).then_some(plan.over),
        target,
        lease_seconds: LEASE_SECONDS,
    };
    let mut progress = Progress::new(args.store.json);
    let published = wait(store.site.publish(&plan.release, settings, &mut |event| {
        progress.tell(&event);
    }))?;
    progress.end();
    finished(args, &published.map_err(|error| failed(&error))?)
}

fn target(args: &Publish) -> Result<Target, Failure> {
    match (&args.preview, args.canary) {
        (Some(name), _) => Ok(Target::Preview(Name::new(name).map_err(Failure::usage)?)),
        (None, Some(share)) => Ok(Target::Canary(Percent::new(share).map_err(Failure::usage)?)),
        (None, None) => Ok(Target::Live),
    }
}

/// The name of whoever runs this, the same every time.
fn holder() -> String {
    let user = std::env::var("USER").unwrap_or_else(|_| "somebody".to_owned());
    let host = std::fs::read_to_string("/etc/hostname").unwrap_or_default();
    format!("{user}@{}", host.trim())
}

fn confirm(args: &Publish) -> Result<(), Failure> {
    if args.yes {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        return Err(Failure::usage("nobody can be asked here").help("publish with `--yes`"));
    }
    eprint!("Publish? [y/N] ");
    let _unseen = std::io::stderr().flush();
    let mut answer = String::new();
    let read = std::io::stdin().read_line(&mut answer);
    match read.map(|_| answer.trim().to_ascii_lowercase()).as_deref() {
        Ok("y" | "yes") => Ok(()),
        _ => Err(Failure::failed("nothing was published")),
    }
}

fn finished(args: &Publish, published: &Published) -> Outcome {
    let (event, release, epoch) = match published {
        Published::Unchanged(release) => ("unchanged", release, None),
        Published::Flipped { release, epoch } => ("flipped", release, Some(*epoch)),
    };
    if args.store.json {
        out::json(&json!({ "event": event, "release": release.to_string(), "epoch": epoch }))?;
    } else {
        match epoch {
            None => out::line("nothing to publish: this release is served already")?,
            Some(epoch) => out::line(format_args!("published {release} in epoch {epoch}"))?,
        }
    }
    Ok(Exit::Done.into())
}

/// Shows how far it is: on a terminal one line that changes, with `--json` a line for each event.
struct Progress {
    json: bool,
    terminal: bool,
    absent: usize,
    uploaded: usize,
    bytes: u64,
    shown: Option<Instant>,
}

impl Progress {
    fn new(json: bool) -> Self {
        Self {
            json,
            terminal: std::io::stderr().is_terminal(),
            absent: 0,
            uploaded: 0,
            bytes: 0,
            shown: None,
        }
    }

    fn tell(&mut self, event: &Event) {
        match event {
            Event::Compared { absent } => self.absent = *absent,
            Event::Uploaded { bytes, .. } => {
                self.uploaded += 1;
                self.bytes += bytes;
            }
            _ => {}
        }
        if self.json {
            // A reader that has gone away does not stop a publication.
            let _not_read = out::json(&as_json(event));
        } else if self.terminal && self.is_due() {
            eprint!(
                "\r{} of {} objects, {} bytes",
                self.uploaded, self.absent, self.bytes
            );
            self.shown = Some(Instant::now());
        }
    }

    fn is_due(&self) -> bool {
        self.uploaded > 0 && self.shown.is_none_or(|shown| shown.elapsed() >= SHOW_EVERY)
    }

    fn end(&self) {
        if self.shown.is_some() {
            eprintln!("\r{} objects, {} bytes uploaded", self.uploaded, self.bytes);
        }
    }
}

fn as_json(event: &Event) -> Value {
    match event {
        Event::Named { release, objects } => {
            json!({ "event": "named", "release": release.to_string(), "objects": objects })
        }
        Event::Leased { until } => json!({ "event": "leased", "until": until }),
        Event::Compared { absent } => json!({ "event": "compared", "absent": absent }),
        Event::Uploaded { key, bytes } => {
            json!({ "event": "uploaded", "key": key.as_str(), "bytes": bytes })
        }
        Event::Verified { objects } => json!({ "event": "verified", "objects": objects }),
        Event::Deleted { objects } => json!({ "event": "deleted", "objects": objects }),
    }
}
