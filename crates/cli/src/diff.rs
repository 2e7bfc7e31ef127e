//! `diff`: which requests are answered otherwise by another manifest.

use crate::args::{Diff as Arguments, Replay};
use crate::exit::{Exit, Failure, Outcome};
use crate::load::quietly;
use crate::out;
use crate::replay::{self, cached};
use portcullis_diff::compare::{Asking, Change, Diff, Kind, Said, diff};
use portcullis_replay::replay::Report;
use portcullis_viewer::country::Country;
use serde::Serialize;
use std::fmt::Write as _;

pub(crate) fn run(args: &Arguments) -> Outcome {
    let (old, new) = (quietly(&args.old)?, quietly(&args.new)?);
    let site = |manifest: &crate::load::Manifest| manifest.compiled.bundle.site().clone();
    let found = diff(&site(&old), &site(&new)).map_err(Failure::failed)?;
    let replayed = match &args.log[..] {
        [] => None,
        logs => Some(replay::report(&Replay {
            logs: logs.to_vec(),
            manifest: args.new.clone(),
            against: Some(args.old.clone()),
            ..Replay::default()
        })?),
    };
    if args.json {
        out::json(&Found {
            diff: &found,
            replay: replayed.as_ref(),
        })?;
    } else {
        out::text(text(&found))?;
    }
    if let (Some(report), false) = (&replayed, args.json) {
        let before = report.caching_against.unwrap_or_default();
        out::text(cached("predicted", &report.caching) + &cached("before", &before))?;
    }
    let same = found.decisions.is_empty() && found.caching.is_empty();
    Ok(if same {
        Exit::Done.into()
    } else {
        Exit::Changes.into()
    })
}

/// The difference as JSON, with what logs came to.
#[derive(Serialize)]
struct Found<'a> {
    #[serde(flatten)]
    diff: &'a Diff,
    #[serde(skip_serializing_if = "Option::is_none")]
    replay: Option<&'a Report>,
}

fn text(diff: &Diff) -> String {
    let mut text = String::new();
    for change in &diff.decisions {
        decision(&mut text, change);
    }
    for change in &diff.caching {
        let _in_memory = writeln!(text, "caching         {}", patterns(&change.patterns));
        for (name, old, new) in &change.settings {
            let _in_memory = writeln!(text, "                {name}: {old} -> {new}");
        }
    }
    if text.is_empty() {
        text.push_str("every request is answered as before\n");
    }
    for why in &diff.inexact {
        let _in_memory = writeln!(text, "not exact: {why}");
    }
    text
}

fn decision(text: &mut String, change: &Change) {
    let kind = match change.kind {
        Kind::Refused => "newly refused",
        Kind::Admitted => "newly admitted",
    };
    let (before, after) = (said(&change.before), said(&change.after));
    let of = patterns(&change.patterns);
    let _in_memory = writeln!(text, "{kind:<16}{of}  {before} -> {after}");
    for viewer in &change.viewers {
        let _in_memory = writeln!(
            text,
            "                {}",
            asking(viewer, change.by_address)
        );
    }
    let example = &change.example;
    let country = example
        .country
        .as_ref()
        .map(|country| format!(" from {country}"));
    let address = example
        .address
        .as_ref()
        .map(|address| format!(" at {address}"));
    let signed = (!example.signed_by.is_empty())
        .then(|| format!(", signed by {}", example.signed_by.join(" and ")));
    let parts = [country, address, signed].into_iter().flatten();
    let viewer: String = parts.collect();
    let _in_memory = writeln!(text, "                as GET {}{viewer}", example.path);
}

fn patterns((old, new): &(String, String)) -> String {
    if old == new {
        old.clone()
    } else {
        format!("{old} (now {new})")
    }
}

fn said(said: &Said) -> String {
    match said.statement {
        Some(number) => format!("{} {number} ({})", said.policy, said.reason),
        None => format!("{} ({})", said.policy, said.reason),
    }
}

fn asking(viewer: &Asking, by_address: bool) -> String {
    let signed = match &viewer.signed_by[..] {
        [] => String::new(),
        groups => format!(", signed by {}", groups.join(" and ")),
    };
    let countries = countries(&viewer.countries);
    if by_address {
        format!("{countries}; {}{signed}", networks(viewer))
    } else {
        format!("{countries}{signed}")
    }
}

fn countries(codes: &[String]) -> String {
    let all = Country::all().len() + 1;
    if codes.is_empty() {
        return "any country".to_owned();
    }
    if codes.len() <= all / 2 {
        return codes.join(" ");
    }
    let every = Country::all().map(|country| country.to_string());
    let others = every
        .chain(["unknown".to_owned()])
        .filter(|code| !codes.contains(code));
    format!("any country but {}", others.collect::<Vec<_>>().join(" "))
}

fn networks(viewer: &Asking) -> String {
    match viewer.networks.as_deref() {
        None => "address unknown".to_owned(),
        Some([]) => "in no network that is asked for".to_owned(),
        Some(names) => format!("in {}", names.join(" and ")),
    }
}
