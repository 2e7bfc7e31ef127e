//! What scenarios came to: for people, as JSON lines, as JUnit.

use super::CoveredBy;
use super::files::{Found, Sites};
use crate::args::Test;
use crate::exit::Failure;
use crate::out;
use anstream::eprintln;
use portcullis_play::play::{Covered, Played};
use portcullis_play::scenario::{Fault, Scenario};
use portcullis_site::Site;
use serde::Serialize;
use serde_json::json;
use std::fmt::Write as _;

/// One scenario, played.
#[derive(Debug, Serialize)]
pub(super) struct Told {
    file: String,
    title: String,
    requests: usize,
    failures: Vec<Wrong>,
}

/// Where it came out otherwise.
#[derive(Debug, Serialize)]
struct Wrong {
    line: u32,
    column: u32,
    step: String,
    wrong: Vec<String>,
}

impl Told {
    pub(super) fn of(file: &Found, scenario: &Scenario, played: &Played) -> Self {
        let failures = played.failures.iter().map(|failure| Wrong {
            line: failure.at.line,
            column: failure.at.column,
            step: failure.step.clone(),
            wrong: failure.wrong.clone(),
        });
        Self {
            file: file.path.display().to_string(),
            title: scenario.title.clone(),
            requests: played.requests,
            failures: failures.collect(),
        }
    }

    pub(super) fn unreadable(file: &Found, faults: &[Fault]) -> Self {
        let failures = faults.iter().map(|fault| Wrong {
            line: fault.line,
            column: fault.column,
            step: fault.path.clone(),
            wrong: vec![fault.message.clone()],
        });
        Self {
            file: file.path.display().to_string(),
            title: "it cannot be read".to_owned(),
            requests: 0,
            failures: failures.collect(),
        }
    }

    pub(super) fn unplayable(file: &Found, scenario: &Scenario, why: &str) -> Self {
        Self {
            file: file.path.display().to_string(),
            title: scenario.title.clone(),
            requests: 0,
            failures: vec![Wrong {
                line: 1,
                column: 1,
                step: "it cannot be played".to_owned(),
                wrong: why.trim_end().lines().map(str::to_owned).collect(),
            }],
        }
    }
}

/// All scenarios of a run.
pub(super) struct Report<'a> {
    args: &'a Test,
    told: Vec<Told>,
}

impl<'a> Report<'a> {
    pub(super) fn new(args: &'a Test) -> Self {
        Self {
            args,
            told: Vec::new(),
        }
    }

    /// Tells of one scenario.
    pub(super) fn add(&mut self, told: Told) -> Result<(), Failure> {
        if self.args.json {
            let mut event = serde_json::to_value(&told).map_err(Failure::failed)?;
            if let Some(event) = event.as_object_mut() {
                event.insert("event".to_owned(), json!("scenario"));
            }
            out::json(&event)?;
        } else {
            out::text(text(&told))?;
        }
        self.told.push(told);
        Ok(())
    }

    /// Tells of all; whether the run failed.
    pub(super) fn end(self, sites: &Sites, covered: &CoveredBy) -> Result<bool, Failure> {
        let failed = self.told.iter().filter(|one| !one.failures.is_empty());
        let failed = failed.count();
        let requests: usize = self.told.iter().map(|one| one.requests).sum();
        let mut uncovered = Vec::new();
        let none = Covered::default();
        for (path, manifest) in sites.all() {
            let used = covered.get(path).unwrap_or(&none);
            let site = manifest.compiled.bundle.site();
            for what in unused(site, used) {
                uncovered.push(format!("{}: {what}", manifest.name));
            }
        }
        if let Some(path) = &self.args.junit {
            std::fs::write(path, junit(&self.told)).map_err(|why| {
                Failure::failed(format!("`{}` cannot be written: {why}", path.display()))
            })?;
        }
        if self.args.json {
            out::json(&json!({
                "event": "summary",
                "scenarios": self.told.len(),
                "failed": failed,
                "requests": requests,
                "uncovered": uncovered,
            }))?;
        } else {
            uncovered
                .iter()
                .for_each(|what| eprintln!("never decided: {what}"));
            let (scenarios, good) = (self.told.len(), self.told.len() - failed);
            out::text(format_args!(
                "{scenarios} scenarios, {requests} requests: {good} as expected, {failed} otherwise\n"
            ))?;
        }
        Ok(failed > 0 || (self.args.deny_uncovered && !uncovered.is_empty()))
    }
}

fn text(told: &Told) -> String {
    let mark = if told.failures.is_empty() {
        "ok      "
    } else {
        "FAILED  "
    };
    let mut text = format!("{mark}{}  {}\n", told.file, told.title);
    for failure in &told.failures {
        let (line, column, step) = (failure.line, failure.column, &failure.step);
        let _in_memory = writeln!(text, "        {line}:{column} {step}");
        for wrong in &failure.wrong {
            let _in_memory = writeln!(text, "            {wrong}");
        }
    }
    text
}

/// Statements and behaviors of a site by which nothing was decided.
fn unused(site: &Site, used: &Covered) -> Vec<String> {
    let behaviors = site.behaviors.iter().enumerate();
    let behaviors = behaviors
        .filter(|(at, _)| !used.behaviors.contains(at))
        .map(|(_, behavior)| format!("behavior `{}`", behavior.path.as_str()));
    let policies = site.policies.iter().filter(|(name, _)| {
        let mut behaviors = site.behaviors.iter();
        behaviors.any(|behavior| behavior.policy == **name)
    });
    let statements = policies.flat_map(|(name, policy)| {
        let numbers = 1..=policy.statements.len();
        numbers
            .filter(move |number| !used.statements.contains(&(name.clone(), *number)))
            .map(move |number| format!("statement {number} of policy `{name}`"))
    });
    behaviors.chain(statements).collect()
}

/// A JUnit report, as continuous integration reads it.
fn junit(told: &[Told]) -> String {
    let failed = told.iter().filter(|one| !one.failures.is_empty()).count();
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"portcullis\" tests=\"{}\" failures=\"{failed}\">\n",
        told.len()
    );
    for one in told {
        let (file, title) = (escaped(&one.file), escaped(&one.title));
        let _in_memory = write!(xml, "  <testcase classname=\"{file}\" name=\"{title}\"");
        if one.failures.is_empty() {
            xml.push_str("/>\n");
            continue;
        }
        let _in_memory = writeln!(
            xml,
            ">\n    <failure>{}</failure>\n  </testcase>",
            escaped(&text(one))
        );
    }
    xml.push_str("</testsuite>\n");
    xml
}

/// A text in XML; what XML cannot hold becomes U+FFFD.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(character),
            other if other.is_control() => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}
