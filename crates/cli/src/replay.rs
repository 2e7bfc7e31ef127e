//! `replay`: logs under other rules.

use crate::args::{Buckets, Local, Replay as Arguments};
use crate::exit::{Exit, Failure, Outcome};
use crate::gateway::countries;
use crate::load::quietly;
use crate::{logs, machine, out};
use anstream::{eprint, eprintln};
use portcullis_access_log::read::Lines;
use portcullis_origin::state::SiteState;
use portcullis_replay::caching::Ratio;
use portcullis_replay::replay::{ChangedReport, Replay, Report};
use portcullis_replay::rules::Rules;
use portcullis_replay::tally::Counted;
use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::path::Path;

/// How many lines pass between two looks at the clock.
const LINES_BETWEEN: u64 = 65_536;
/// How long a line of progress stands, in milliseconds.
const PROGRESS_MS: u64 = 500;

pub(crate) fn run(args: &Arguments) -> Outcome {
    let report = report(args)?;
    if args.json {
        out::json(&report)?;
    } else {
        out::text(text(&report))?;
    }
    let changed = report.newly_refused.requests + report.newly_admitted.requests > 0;
    Ok(if changed {
        Exit::Changes.into()
    } else {
        Exit::Done.into()
    })
}

/// Runs the logs through the rules.
pub(crate) fn report(args: &Arguments) -> Result<Report, Failure> {
    let files = logs::files(&args.logs)?;
    let rules = rules(args, &args.manifest)?;
    let against = args.against.as_deref().map(|path| self::rules(args, path));
    let mut replay = Replay::new(rules, against.transpose()?);
    let mut progress = Progress::start();
    for file in &files {
        let name = file.display().to_string();
        let mut lines = Lines::new();
        logs::lines(file, |line, number| {
            replay.line(&mut lines, line, &name, number);
            progress.line();
            true
        })?;
    }
    progress.end();
    Ok(replay.report(args.top))
}

fn rules(args: &Arguments, manifest: &Path) -> Result<Rules, Failure> {
    let manifest = quietly(manifest)?;
    let site = manifest.compiled.bundle.site();
    let local = Local {
        buckets: Buckets::default(),
        geoip: args.geoip.clone(),
    };
    let now = machine::now_ms() / 1_000;
    let found = countries(&local, site, &manifest.folder, now)?;
    found.note.iter().for_each(|note| eprintln!("note: {note}"));
    let state = match &args.state {
        None => SiteState::default(),
        Some(path) => {
            let bytes = std::fs::read(path).map_err(|why| {
                Failure::failed(format!(
                    "the state `{}` cannot be read: {why}",
                    path.display()
                ))
            })?;
            SiteState::from_json(&bytes).map_err(Failure::failed)?
        }
    };
    Rules::new(site.clone(), found.countries, state, now).map_err(Failure::failed)
}

/// How far it is, for somebody who watches.
struct Progress {
    lines: u64,
    started_ms: u64,
    shown_ms: u64,
    watched: bool,
}

impl Progress {
    fn start() -> Self {
        let now = machine::now_ms();
        Self {
            lines: 0,
            started_ms: now,
            shown_ms: now,
            watched: std::io::stderr().is_terminal(),
        }
    }

    fn line(&mut self) {
        self.lines += 1;
        if !self.watched || !self.lines.is_multiple_of(LINES_BETWEEN) {
            return;
        }
        let now = machine::now_ms();
        if now.saturating_sub(self.shown_ms) >= PROGRESS_MS {
            self.shown_ms = now;
            let took = now.saturating_sub(self.started_ms).max(1);
            eprint!(
                "\r{} lines, {} in a second ",
                self.lines,
                self.lines * 1_000 / took
            );
        }
    }

    fn end(&self) {
        if self.watched && self.lines >= LINES_BETWEEN {
            eprint!("\r{:60}\r", "");
        }
    }
}

fn text(report: &Report) -> String {
    let mut text = String::new();
    let counts = &report.counts;
    let _in_memory = writeln!(
        text,
        "{} requests, {} admitted, {} lines unreadable",
        counts.requests, counts.admitted, counts.unreadable
    );
    if counts.country_assumed > 0 {
        let _in_memory = writeln!(
            text,
            "{} requests have no country in the log: the database's was taken",
            counts.country_assumed
        );
    }
    for reason in &report.unreadable {
        let places = reason.first.iter();
        let places: Vec<String> = places
            .map(|place| format!("{}:{}", place.file, place.line))
            .collect();
        let (lines, why) = (reason.lines, &reason.why);
        let _in_memory = writeln!(
            text,
            "  unreadable {lines}: {why}; first at {}",
            places.join(", ")
        );
    }
    changed(&mut text, "newly refused", &report.newly_refused);
    changed(&mut text, "newly admitted", &report.newly_admitted);
    text.push_str(&cached("predicted", &report.caching));
    if let Some(ratio) = &report.caching_against {
        text.push_str(&cached("compared with", ratio));
    }
    text.push_str(&cached("in the log", &report.caching_logged));
    text
}

/// How much of the requests a cache would answer.
pub(crate) fn cached(name: &str, ratio: &Ratio) -> String {
    let per_mille = ratio.per_mille();
    let (whole, tenth) = (per_mille / 10, per_mille % 10);
    let asked = ratio.origin_requests();
    format!("{name:<16}{whole}.{tenth} % from the cache, {asked} requests to the origin\n")
}

fn changed(text: &mut String, what: &str, report: &ChangedReport) {
    let _in_memory = writeln!(text, "{what:<16}{}", report.requests);
    for (by, names) in [
        ("reason", &report.by_reason),
        ("country", &report.by_country),
        ("path", &report.by_path),
    ] {
        if !names.is_empty() {
            let names: Vec<String> = names.iter().map(counted).collect();
            let _in_memory = writeln!(text, "  by {by:<11} {}", names.join(", "));
        }
    }
    if let Some(example) = &report.example {
        let _in_memory = writeln!(text, "  first          {example}");
    }
}

fn counted(one: &Counted) -> String {
    let about = if one.error > 0 { "about " } else { "" };
    format!("{} {about}{}", one.name, one.count)
}
