//! Every sketch of the rules: what is found, in JSON and in YAML.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must fail"
)]

mod support;

use portcullis_check::Report;
use portcullis_check::catalogue::Severity;
use support::World;

/// One line: the rules of its heading, its name, the case that it wants, its changes.
struct Sketch {
    rules: Vec<String>,
    name: String,
    case: Option<String>,
    changes: String,
}

fn sketches() -> Vec<Sketch> {
    let mut rules = Vec::new();
    let mut found = Vec::new();
    for line in include_str!("sketches/sketches.txt").lines().map(str::trim) {
        if let Some(heading) = line
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
        {
            rules = heading.split(' ').map(str::to_owned).collect();
        } else if line.starts_with(['F', 'N', 'P']) {
            let (name, rest) = line.split_once(' ').unwrap();
            let rest = rest.trim();
            let (case, changes) = match name.starts_with('P') {
                true => (None, rest),
                false => {
                    let (case, changes) = rest.split_once(' ').unwrap();
                    (Some(case.to_owned()), changes.trim())
                }
            };
            found.push(Sketch {
                rules: rules.clone(),
                name: name.to_owned(),
                case,
                changes: changes.to_owned(),
            });
        }
    }
    found
}

/// What is wrong with the report of a sketch.
fn mismatch(sketch: &Sketch, report: &Report) -> Option<String> {
    let names = |severe: bool| -> Vec<String> {
        let findings = report
            .findings
            .iter()
            .filter(|one| !severe || one.severity != Severity::Note);
        findings
            .map(|one| format!("{} {}: {}", one.case.name(), one.place.pointer, one.message))
            .collect()
    };
    match &sketch.case {
        Some(case) => {
            let found = report.findings.iter().any(|one| one.case.name() == *case);
            (!found).then(|| format!("{case} is missing; found {:#?}", names(false)))
        }
        None => {
            let of_heading = |name: &String| {
                sketch
                    .rules
                    .iter()
                    .any(|rule| name.starts_with(rule.as_str()))
            };
            let found: Vec<String> = names(true).into_iter().filter(of_heading).collect();
            (!found.is_empty()).then(|| format!("found {found:#?}"))
        }
    }
}

#[test]
fn every_sketch_leads_to_its_finding() {
    let sketches = sketches();
    assert_eq!(sketches.len(), 239);
    let mut mismatches = Vec::new();
    for sketch in &sketches {
        let world = World::sketched(&sketch.changes);
        for (form, report) in [("JSON", world.check_json()), ("YAML", world.check_yaml())] {
            if let Some(why) = mismatch(sketch, &report) {
                let rules = sketch.rules.join(" ");
                mismatches.push(format!(
                    "{rules} {} in {form}: {}\n  {why}",
                    sketch.name, sketch.changes
                ));
            }
        }
    }
    assert!(
        mismatches.is_empty(),
        "{} mismatches:\n{}",
        mismatches.len(),
        mismatches.join("\n")
    );
}

/// The base of all sketches: notes only, and exactly these.
#[test]
fn the_base_has_notes_only() {
    let report = World::base().check_yaml();
    let found: Vec<String> = report.findings.iter().map(|one| one.case.name()).collect();
    let expected = [
        "PC017/bare-directory",
        "PC017/bare-directory",
        "PC017/bare-directory",
        "PC017/bare-directory",
        "PC030/tags-off",
        "PC013/drift",
    ];
    assert_eq!(found.len(), expected.len(), "{:#?}", report.findings);
    for name in expected {
        assert!(found.iter().any(|one| one == name), "{name}");
    }
    assert!(
        report
            .findings
            .iter()
            .all(|one| one.severity == Severity::Note)
    );
}
