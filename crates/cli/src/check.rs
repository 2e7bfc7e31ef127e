//! `check`: what CloudFront will make of a template, and whether its cache can undo the policy.

mod orders;
mod sarif;
mod text;

use crate::args::{Check, CheckFormat};
use crate::exit::{Exit, Failure, Outcome};
use crate::machine;
use crate::out;
use anstream::eprintln;
use portcullis_access_log::time::written;
use portcullis_check::api::as_template;
use portcullis_check::catalogue::Severity;
use portcullis_check::{Input, Report, Source, check};
use portcullis_distribution::value;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;

/// The texts that were read, by the name of their file.
type Texts = BTreeMap<String, String>;

pub(crate) fn run(args: &Check) -> Outcome {
    let mut texts = Texts::new();
    let mut input = Input {
        parameters: parameters(&args.parameter)?,
        today: today(),
        ..Input::default()
    };
    for path in &args.files {
        let (file, text) = read(path)?;
        let value = value::read(text.as_bytes()).map_err(|faults| {
            faults.iter().for_each(|fault| eprintln!("{file}: {fault}"));
            Failure::new(Exit::Findings, format!("`{file}` cannot be read"))
        })?;
        texts.insert(file.clone(), text);
        sort(&mut input, Source { file, value })?;
    }
    if input.templates.is_empty() {
        eprintln!(
            "note: there is no template, so only what the manifest shows by itself was looked at"
        );
    }
    let mut report = check(&input);
    if args.quiet {
        report
            .findings
            .retain(|finding| finding.severity != Severity::Note);
    }
    match args.format {
        CheckFormat::Text => out::text(text::render(&report, &texts))?,
        CheckFormat::Json => out::json(&as_json(&report))?,
        CheckFormat::Sarif => out::json(&sarif::document(&report))?,
    }
    let undone = match &args.orders {
        Some(folder) => orders::written(args, &input, folder)?,
        None => 0,
    };
    let failing = report.count(Severity::Error) > 0
        || undone > 0
        || (args.deny_warnings && report.count(Severity::Warning) > 0);
    Ok(if failing { Exit::Findings } else { Exit::Done }.into())
}

fn read(path: &Path) -> Result<(String, String), Failure> {
    let file = path.display().to_string();
    let failed =
        |why: &dyn std::fmt::Display| Failure::failed(format!("`{file}` cannot be read: {why}"));
    let length = std::fs::metadata(path).map_err(|why| failed(&why))?.len();
    if length > value::BYTES_MAX as u64 {
        return Err(failed(&format!(
            "{length} bytes; at most {} are read",
            value::BYTES_MAX
        )));
    }
    let text = std::fs::read_to_string(path).map_err(|why| failed(&why))?;
    Ok((file, text))
}

/// A template has resources, a manifest has behaviors, and CloudFront's answer a default behavior.
fn sort(input: &mut Input, source: Source) -> Result<(), Failure> {
    let has = |key: &str| source.value.get(key).is_some();
    if has("Resources") {
        input.templates.push(source);
    } else if has("behaviors") && has("version") {
        if let Some(before) = &input.manifest {
            return Err(Failure::usage(format!(
                "`{}` and `{}` are both manifests",
                before.file, source.file
            )));
        }
        input.manifest = Some(source);
    } else if let Some(value) = as_template(&source.value) {
        let file = source.file;
        input.templates.push(Source { file, value });
    } else {
        return Err(Failure::usage(format!(
            "`{}` is no template, no manifest and no configuration of a distribution",
            source.file
        ))
        .help("a template has `Resources`, a manifest `version` and `behaviors`"));
    }
    Ok(())
}

fn parameters(written: &[String]) -> Result<BTreeMap<String, String>, Failure> {
    let pairs = written.iter().map(|pair| {
        let (name, value) = pair
            .split_once('=')
            .ok_or_else(|| Failure::usage(format!("`{pair}` is not NAME=VALUE")))?;
        Ok((name.to_owned(), value.to_owned()))
    });
    pairs.collect()
}

/// Today, as `2026-11-25`.
fn today() -> String {
    written(machine::now_ms() / 1_000).0
}

fn as_json(report: &Report) -> serde_json::Value {
    json!({
        "findings": report.findings,
        "errors": report.count(Severity::Error),
        "warnings": report.count(Severity::Warning),
        "notes": report.count(Severity::Note),
    })
}
