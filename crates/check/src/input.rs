//! What is checked: texts and the date in, findings out.

use crate::catalogue::{Case, Severity};
use crate::distribution::Distribution;
use crate::intent::Intent;
use crate::report::{Finding, Report, Where};
use crate::rules;
use crate::template::{Resources, conditions_of};
use crate::tree::{Node, Scope};
use portcullis_distribution::Place;
use portcullis_distribution::value::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The most conditions whose every combination is looked at.
const CONDITIONS_MAX: usize = 4;

/// A text that was read.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its file, for messages.
    pub file: String,
    /// Its values.
    pub value: Value,
}

/// What is checked.
#[derive(Clone, Debug, Default)]
pub struct Input {
    /// The manifest.
    pub manifest: Option<Source>,
    /// Templates.
    pub templates: Vec<Source>,
    /// Sizes in bytes of the files of a release, by path.
    pub files: BTreeMap<String, u64>,
    /// Values of the templates' parameters.
    pub parameters: BTreeMap<String, String>,
    /// The date, as `2026-11-25`, by which waivers end.
    pub today: String,
}

/// Everything that a rule may look at.
pub(crate) struct World<'a> {
    pub(crate) intent: Option<&'a Intent>,
    pub(crate) resources: &'a Resources,
    pub(crate) distributions: &'a [Distribution],
    pub(crate) files: &'a BTreeMap<String, u64>,
}

/// Judges the input by every rule.
#[must_use]
pub fn check(input: &Input) -> Report {
    let mut report = Report::default();
    let intent = input.manifest.as_ref().map(|source| {
        let node = plain(&source.value);
        Intent::read(&source.file, node)
    });
    let mut waivers = Vec::new();
    for conditions in combinations(input, &mut report) {
        let mut resources = Resources::default();
        for template in &input.templates {
            resources.add(
                &template.file,
                &template.value,
                &input.parameters,
                &conditions,
            );
        }
        let distributions = resources.of("AWS::CloudFront::Distribution");
        let distributions: Vec<Distribution> = distributions
            .map(|one| Distribution::of(one, &resources))
            .collect();
        let world = World {
            intent: intent.as_ref(),
            resources: &resources,
            distributions: &distributions,
            files: &input.files,
        };
        rules::all(&world, &mut report);
        waivers.extend(resources.iter().flat_map(waivers_of));
    }
    waivers.extend(input.manifest.iter().flat_map(waivers_in));
    waivers.sort();
    waivers.dedup();
    waive(&waivers, &input.today, &mut report);
    report.settle();
    report
}

/// A manifest has no expressions.
fn plain(value: &Value) -> Node {
    let none = BTreeMap::new();
    let scope = Scope {
        parameters: &none,
        open: &BTreeMap::new(),
        mappings: None,
        conditions: &BTreeMap::new(),
    };
    scope.evaluate(value)
}

/// Every combination of the conditions of the templates; of too many the two extremes, which is said.
fn combinations(input: &Input, report: &mut Report) -> Vec<BTreeMap<String, bool>> {
    let names: BTreeSet<String> = input
        .templates
        .iter()
        .flat_map(|one| conditions_of(&one.value))
        .collect();
    if names.len() > CONDITIONS_MAX {
        let first = input.templates.first();
        let file = first.map_or("", |one| one.file.as_str());
        let place = Where::new(file, "", "/Conditions".to_owned(), Place::START);
        let message = format!(
            "{} conditions have more combinations than are looked at: all true and all false are, the others are not",
            names.len()
        );
        report.push(Finding::new(Case::Unresolved, place, message));
        return [true, false]
            .map(|holds| names.iter().map(|name| (name.clone(), holds)).collect())
            .into();
    }
    let count = 1_u32 << names.len();
    (0..count)
        .map(|bits| {
            let names = names.iter().enumerate();
            names
                .map(|(at, name)| (name.clone(), bits >> at & 1 == 0))
                .collect()
        })
        .collect()
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Waiver {
    place: Where,
    rule: String,
    case: Option<String>,
    reason: String,
    until: String,
    /// The behavior it is about; only in a manifest.
    path: Option<String>,
    /// Whether it stands in the manifest, and covers findings wherever they are.
    everywhere: bool,
}

/// The rules that are waived case by case only.
const BY_CASE_ONLY: [&str; 6] = ["PC001", "PC004", "PC006", "PC010", "PC011", "PC026"];

fn waivers_of(resource: &crate::template::Resource) -> Vec<Waiver> {
    let waive = resource.metadata.path(&["portcullis", "waive"]);
    let waivers = waive.items().iter().map(|one| {
        let text = |key: &str| one.get(key).literal().unwrap_or_default().to_owned();
        let place = Where::new(
            &resource.file,
            &resource.id,
            "/Metadata/portcullis/waive".to_owned(),
            one.at,
        );
        Waiver {
            place,
            rule: text("rule"),
            case: one.get("case").literal().map(str::to_owned),
            reason: text("reason"),
            until: text("until"),
            path: None,
            everywhere: false,
        }
    });
    waivers.collect()
}

/// The waivers of a manifest.
fn waivers_in(manifest: &Source) -> Vec<Waiver> {
    let node = plain(&manifest.value);
    let list = node.get("waivers");
    let waivers = list.items().iter().map(|one| {
        let text = |key: &str| one.get(key).literal().unwrap_or_default().to_owned();
        Waiver {
            place: Where::new(&manifest.file, "", "/waivers".to_owned(), one.at),
            rule: text("rule"),
            case: one.get("case").literal().map(str::to_owned),
            reason: text("reason"),
            until: text("until"),
            path: one.get("path").literal().map(str::to_owned),
            everywhere: true,
        }
    });
    waivers.collect()
}

impl Waiver {
    /// Why it does not count, if it does not.
    fn fault(&self, today: &str) -> Option<&'static str> {
        if self.reason.is_empty() || self.until.is_empty() {
            Some("it has no reason or no date")
        } else if self.until.as_str() < today {
            Some("it is expired")
        } else if self.case.is_none() && BY_CASE_ONLY.contains(&self.rule.as_str()) {
            Some("this rule is waived case by case only")
        } else {
            None
        }
    }

    fn covers(&self, finding: &Finding) -> bool {
        let here = self.everywhere || finding.place.resource == self.place.resource;
        let about = self.path.is_none() || self.path == finding.behavior;
        here && about
            && finding.case.rule() == self.rule
            && self
                .case
                .as_deref()
                .is_none_or(|case| case == finding.case.slug())
    }
}

fn waive(waivers: &[Waiver], today: &str, report: &mut Report) {
    let mut faults = Vec::new();
    for waiver in waivers {
        let fault = waiver.fault(today).or_else(|| {
            let covered = report
                .findings
                .iter_mut()
                .filter(|finding| waiver.covers(finding));
            let mut used = false;
            for finding in covered {
                finding.waived = Some(waiver.reason.clone());
                used = true;
            }
            (!used).then_some("nothing is found that it covers")
        });
        if let Some(why) = fault {
            let message = format!("the waiver of {} does not count: {why}", waiver.rule);
            faults.push(
                Finding::new(Case::BadWaiver, waiver.place.clone(), message)
                    .rated(Severity::Warning),
            );
        }
    }
    report.findings.extend(faults);
}
