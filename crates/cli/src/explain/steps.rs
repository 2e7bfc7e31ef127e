//! The steps of an explanation: what was decided, on which input, and where that came from.

use super::Sent;
use super::cache::AnswerView;
use crate::load::Manifest;
use portcullis_manifest::Place;
use portcullis_origin::judge::{Decided, Judge, Judgement, Rejection};
use portcullis_origin::proof::{Layer, Proven};
use portcullis_origin::record::CountryRecord;
use portcullis_policy::{
    AddressFact, Decision, Facts, Networks, Policy, SignatureFact, Truth, evaluate,
};
use portcullis_site::{Conditions, Effect, Name, Statement};
use serde::Serialize;

/// One explained request. Its JSON form is stable.
#[derive(Debug, Serialize)]
pub(crate) struct Explanation {
    /// The method.
    pub(crate) method: String,
    /// The path as it was sent.
    pub(crate) path: String,
    /// Whether it is admitted.
    pub(crate) admitted: bool,
    /// The reason's stable code.
    pub(crate) reason: String,
    /// The site's own word for the refusal.
    pub(crate) label: Option<String>,
    /// Whether the policy only reports what it would refuse.
    pub(crate) report_only: bool,
    /// The statement that decided, counted from 1.
    pub(crate) statement: Option<usize>,
    /// Where that statement stands in the manifest.
    pub(crate) decided_at: Option<Place>,
    /// The manifest.
    pub(crate) manifest: String,
    /// The digest of its bundle.
    pub(crate) bundle: String,
    /// The time it was judged at, in seconds since the epoch.
    pub(crate) at: u64,
    /// The steps in order.
    pub(crate) steps: Vec<Step>,
    /// The answer, where one could be made from the local store.
    pub(crate) answer: Option<AnswerView>,
}

/// One step.
#[derive(Debug, Serialize)]
pub(crate) struct Step {
    /// What was looked at.
    pub(crate) step: String,
    /// What it came to.
    pub(crate) result: String,
    /// The input and where it came from.
    pub(crate) input: String,
    /// Where the rule stands in the manifest.
    pub(crate) place: Option<Place>,
}

impl Explanation {
    /// An explanation in which nothing has been looked at.
    pub(crate) fn new(manifest: &Manifest, method: &str, path: &str, now: u64) -> Self {
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            admitted: false,
            reason: String::new(),
            label: None,
            report_only: false,
            statement: None,
            decided_at: None,
            manifest: manifest.name.clone(),
            bundle: manifest.compiled.bundle.digest().to_string(),
            at: now,
            steps: Vec::new(),
            answer: None,
        }
    }

    /// Adds what the gateway's judge found.
    pub(super) fn judged(
        &mut self,
        manifest: &Manifest,
        judge: &Judge,
        sent: &Sent,
        judgement: &Judgement<'_>,
    ) {
        match judgement {
            Judgement::Unproven(failure) => {
                failure.code().clone_into(&mut self.reason);
                self.step(
                    "proof",
                    failure.code(),
                    "nothing of the request is believed or looked up",
                    None,
                );
            }
            Judgement::Rejected(proven, rejection) => {
                rejection.code().clone_into(&mut self.reason);
                self.proof(proven);
                self.step(
                    "path",
                    rejection.code(),
                    &rejected(*rejection, &sent.path),
                    None,
                );
            }
            Judgement::Decided(decided) => self.decided(manifest, judge, sent, decided),
        }
    }

    /// Adds a step.
    pub(crate) fn step(&mut self, step: &str, result: &str, input: &str, place: Option<Place>) {
        self.steps.push(Step {
            step: step.to_owned(),
            result: result.to_owned(),
            input: input.to_owned(),
            place,
        });
    }

    fn proof(&mut self, proven: &Proven) {
        let layers = [
            ("access control", proven.access_control()),
            ("secret header", proven.secret()),
            ("edge address", proven.edge()),
        ];
        for (name, layer) in layers {
            let result = match layer {
                Layer::Passed => "passed",
                Layer::Reported(failure) => failure.code(),
                Layer::Off => "off",
            };
            self.step(
                name,
                result,
                "assumed: the request comes through the site's distribution",
                None,
            );
        }
    }

    fn decided(&mut self, manifest: &Manifest, judge: &Judge, sent: &Sent, decided: &Decided<'_>) {
        let (map, now) = (&manifest.compiled.source_map, self.at);
        self.proof(&decided.proven);
        self.step(
            "path",
            decided.path.decoded(),
            "the one canonical spelling: behavior, policy and key are taken from it",
            None,
        );
        let behavior = decided.behavior;
        let input = format!(
            "the first pattern that matches; origin `{}`, policy `{}`",
            behavior.origin, behavior.policy
        );
        self.step(
            "behavior",
            behavior.path.as_str(),
            &input,
            map.behavior(decided.index),
        );
        self.facts(judge, sent, decided, now);
        let (policy, facts) = (decided.policy, &decided.gathered.facts);
        self.statements(manifest, &behavior.policy, policy, facts, now);
        self.candidate(decided);
        self.verdict(manifest, &behavior.policy, &decided.decision);
    }

    fn facts(&mut self, judge: &Judge, sent: &Sent, decided: &Decided<'_>, now: u64) {
        let (gathered, asked) = (&decided.gathered, decided.policy.inputs());
        let facts = &gathered.facts;
        let asks_address = !asked.networks.is_empty()
            || asked.country
            || asked.key_groups.iter().any(Option::is_some);
        if asks_address {
            let (address, input) = match facts.address {
                AddressFact::Known(address) => (
                    address.to_string(),
                    "CloudFront-Viewer-Address, which CloudFront writes (--viewer)",
                ),
                AddressFact::Unknown => ("unknown".to_owned(), "no --viewer is given"),
            };
            self.step("viewer address", &address, input, None);
        }
        if !asked.networks.is_empty() {
            let result = format!(
                "in {}; unknown for {}",
                names(judge, facts.networks.inside),
                names(judge, facts.networks.unknown)
            );
            self.step(
                "networks",
                &result,
                "the manifest's lists, and the state's for prefix lists",
                None,
            );
        }
        if asked.country {
            let result = CountryRecord::text(facts.country);
            self.step(
                "country",
                &result,
                &country_input(judge, sent, decided, now),
                None,
            );
        }
        for group in asked.key_groups.into_iter().flatten() {
            let name = judge
                .engine()
                .key_groups()
                .get(group.get())
                .map_or("", |(name, _)| name.as_str());
            let result = match facts.signatures.get(group) {
                Some(SignatureFact::Verified(grant)) => format!(
                    "verified with key {}, until {}",
                    grant.key_id().as_str(),
                    grant.expires()
                ),
                Some(SignatureFact::Refused(refusal)) => refusal.code().to_owned(),
                None => "not asked".to_owned(),
            };
            self.step(
                &format!("signature of {name}"),
                &result,
                "query parameters or cookies, for the site's own hosts",
                None,
            );
        }
    }

    /// Adds the statements of a policy, to the one that decides.
    pub(crate) fn statements(
        &mut self,
        manifest: &Manifest,
        name: &Name,
        policy: &Policy,
        facts: &Facts,
        now: u64,
    ) {
        let Some(written) = manifest.compiled.bundle.site().policies.get(name) else {
            return;
        };
        for (index, (statement, written)) in policy
            .statements()
            .iter()
            .zip(&written.statements)
            .enumerate()
        {
            let outcome = evaluate(statement, facts, now);
            let result = if outcome.matches {
                "matches"
            } else {
                "does not match"
            };
            let place = manifest.compiled.source_map.statement(name.as_str(), index);
            let input = format!("{}: {}", in_words(written), truth(outcome.holds));
            self.step(&format!("statement {}", index + 1), result, &input, place);
            if outcome.matches {
                break;
            }
        }
    }

    /// Adds what the policy's candidate would have said.
    fn candidate(&mut self, decided: &Decided<'_>) {
        let Some((name, decision)) = &decided.candidate else {
            return;
        };
        let (result, reason) = match decision {
            Decision::Admitted(_) => ("would admit", "admitted"),
            Decision::Refused(refusal) => ("would refuse", refusal.reason.code()),
        };
        let input = format!("policy `{name}`, which is tried and decides about nobody: {reason}");
        self.step("candidate", result, &input, None);
    }

    /// Adds what a policy came to.
    pub(crate) fn verdict(&mut self, manifest: &Manifest, name: &Name, decision: &Decision) {
        let (refusal, statement) = match decision {
            Decision::Admitted(admitted) => (
                admitted.reported(),
                admitted
                    .statement()
                    .or_else(|| admitted.reported()?.statement),
            ),
            Decision::Refused(refusal) => (Some(*refusal), refusal.statement),
        };
        self.admitted = matches!(decision, Decision::Admitted(_));
        self.report_only = self.admitted && refusal.is_some();
        self.reason = refusal.map_or("admitted", |r| r.reason.code()).to_owned();
        self.statement = statement.map(|index| index + 1);
        self.decided_at = statement
            .and_then(|index| manifest.compiled.source_map.statement(name.as_str(), index));
        let policy = manifest.compiled.bundle.site().policies.get(name);
        let reason = statement.and_then(|index| policy?.statements.get(index)?.reason.as_ref());
        self.label = refusal.and(reason).map(ToString::to_string);
    }
}

fn rejected(rejection: Rejection, path: &str) -> String {
    match rejection {
        Rejection::Path(why) => format!("`{path}`: {why}"),
        Rejection::Loop => "`CDN-Loop` or `Via` names this site's gateway".to_owned(),
        Rejection::Ungoverned => "no behavior governs it".to_owned(),
    }
}

fn names(judge: &Judge, networks: Networks) -> String {
    let list: Vec<&str> = networks
        .iter()
        .filter_map(|index| judge.engine().networks().get(index.get()))
        .map(|(name, _)| name.as_str())
        .collect();
    if list.is_empty() {
        "none".to_owned()
    } else {
        list.join(", ")
    }
}

fn country_input(judge: &Judge, sent: &Sent, decided: &Decided<'_>, now: u64) -> String {
    let gathered = &decided.gathered;
    let mut parts = Vec::new();
    if let Some(fact) = gathered.database_country {
        let age = judge
            .countries()
            .age(now)
            .map(|age| format!(", built {} days ago", age / 86_400))
            .unwrap_or_default();
        let kind = if judge.countries().is_demonstration() {
            "demonstration database"
        } else {
            "database"
        };
        parts.push(format!("{kind} says {}{age}", CountryRecord::text(fact)));
    }
    if let Some(fact) = gathered.header_country {
        parts.push(format!(
            "CloudFront-Viewer-Country says {} ({})",
            CountryRecord::text(fact),
            sent.country_origin
        ));
    }
    parts.join("; ")
}

fn truth(truth: Truth) -> String {
    match truth {
        Truth::True => "true".to_owned(),
        Truth::False => "false".to_owned(),
        Truth::Unknown(what) => format!("unknown ({})", format!("{what:?}").to_ascii_lowercase()),
        Truth::Unsigned(refusal) => format!("false ({})", refusal.code()),
    }
}

/// A statement as the manifest has it.
fn in_words(statement: &Statement) -> String {
    let effect = match statement.effect {
        Effect::Allow => "allow",
        Effect::Deny => "deny",
    };
    let conditions = statement
        .when
        .as_ref()
        .map_or_else(|| "any".to_owned(), conditions);
    format!("{effect} {conditions}")
}

fn conditions(when: &Conditions) -> String {
    let networks = when
        .networks
        .as_ref()
        .map(|list| format!("networks {}", joined(list)));
    let countries = (!when.countries_written.is_empty())
        .then(|| format!("countries {}", when.countries_written.join(", ")));
    let signed = when
        .signed_by
        .as_ref()
        .map(|group| format!("signed by {group}"));
    let parts: Vec<String> = [networks, countries, signed]
        .into_iter()
        .flatten()
        .collect();
    parts.join(" and ")
}

fn joined(names: &[Name]) -> String {
    names
        .iter()
        .map(Name::as_str)
        .collect::<Vec<_>>()
        .join(", ")
}
