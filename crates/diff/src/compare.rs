//! The decisions that differ, by pair of behaviors and cause.

use crate::caching;
use crate::paths::{Pair, pairs};
use crate::viewers::{Side, Viewer, countries, facts, viewers};
use portcullis_policy::{Decision, Policy, decide};
use portcullis_site::{Behavior, Engine, EngineError, Site};
use portcullis_viewer::country::Country;
use serde::Serialize;
use std::collections::BTreeMap;

/// What is answered otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diff {
    /// The requests whose verdict differs, grouped by cause.
    pub decisions: Vec<Change>,
    /// What differs in caching, by pair of behaviors.
    pub caching: Vec<caching::Change>,
    /// Why this may not be all of it; empty where it is.
    pub inexact: Vec<String>,
}

/// What becomes of the requests of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// They were admitted and are refused.
    Refused,
    /// They were refused and are admitted.
    Admitted,
}

/// Requests whose verdict differs for one cause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// What becomes of them.
    pub kind: Kind,
    /// The pattern that governs them in the old site and in the new one.
    pub patterns: (String, String),
    /// What decided.
    pub before: Said,
    /// What decides.
    pub after: Said,
    /// Whether either policy asks where the address is.
    pub by_address: bool,
    /// Who asks.
    pub viewers: Vec<Asking>,
    /// One of the requests.
    pub example: Example,
}

/// What a site says of a request.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Said {
    /// The policy.
    pub policy: String,
    /// The code of the reason.
    pub reason: &'static str,
    /// The statement, counted from 1.
    pub statement: Option<usize>,
}

/// Viewers of whom the same is true: any of these countries, in these networks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Asking {
    /// Codes of countries, `unknown` among them; empty for any.
    pub countries: Vec<String>,
    /// Where the address is: networks and prefix lists by name, empty for none of those that are asked for; `None` where the
    /// address is unknown.
    pub networks: Option<Vec<String>>,
    /// Key groups by which the request is signed.
    pub signed_by: Vec<String>,
}

/// One request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Example {
    /// The path.
    pub path: String,
    /// The country.
    pub country: Option<String>,
    /// The address.
    pub address: Option<String>,
    /// Key groups by which it is signed.
    pub signed_by: Vec<String>,
}

/// What is answered otherwise by `new` than by `old`.
///
/// # Errors
/// A policy or key that cannot be used, which a validated site has none of.
pub fn diff(old: &Site, new: &Site) -> Result<Diff, EngineError> {
    let side = |site| Engine::new(site).map(|engine| Side { site, engine });
    let (old, new) = (side(old)?, side(new)?);
    let found = pairs(&patterns_of(old.site), &patterns_of(new.site));
    let mut diff = Diff {
        decisions: Vec::new(),
        caching: Vec::new(),
        inexact: Vec::new(),
    };
    if !found.exact {
        diff.inexact
            .push("the patterns of paths are too many to follow all".to_owned());
    }
    for pair in &found.pairs {
        let behavior = |side: &Side<'_>, at: usize| side.site.behaviors.get(at).cloned();
        if let (Some(one), Some(other)) = (behavior(&old, pair.old), behavior(&new, pair.new)) {
            decisions(&old, &new, pair, (&one, &other), &mut diff);
            diff.caching
                .extend(caching::change(&one, &other, &pair.path));
        }
    }
    let source = |side: &Side<'_>| {
        let geo = &side.site.geo;
        (geo.source, geo.on_disagreement, geo.database.clone())
    };
    if source(&old) != source(&new) {
        diff.inexact.push(
            "`geo` differs: what a viewer's country is may differ, and is taken to be the same here"
                .to_owned(),
        );
    }
    diff.decisions
        .sort_by(|a, b| (a.kind, &a.patterns, &a.before).cmp(&(b.kind, &b.patterns, &b.before)));
    Ok(diff)
}

/// The path patterns of a site, in the order of its behaviors.
fn patterns_of(site: &Site) -> Vec<&str> {
    let behaviors = site.behaviors.iter();
    behaviors.map(|behavior| behavior.path.as_str()).collect()
}

/// Requests of one cause, as they are collected: the countries of each class of viewers.
type Classes = BTreeMap<Viewer, Vec<Option<Country>>>;

fn decisions(
    old: &Side<'_>,
    new: &Side<'_>,
    pair: &Pair,
    (one, other): (&Behavior, &Behavior),
    diff: &mut Diff,
) {
    let policies = (
        old.engine.policy(&one.policy),
        new.engine.policy(&other.policy),
    );
    let (Some(before), Some(after)) = policies else {
        return;
    };
    let found = viewers(old, new, (&one.policy, &other.policy));
    if !found.exact {
        let lists = "more managed prefix lists are asked for than are told apart";
        diff.inexact
            .push(format!("`{}`: {lists}", other.path.as_str()));
    }
    let by_address = found.viewers.iter().any(|viewer| viewer.address.is_none());
    let mut causes: BTreeMap<(Kind, Said, Said), Classes> = BTreeMap::new();
    for viewer in found.viewers {
        for country in countries() {
            let was = said(old, &one.policy, before, &viewer, country);
            let is = said(new, &other.policy, after, &viewer, country);
            let kind = match (was.0, is.0) {
                (true, false) => Kind::Refused,
                (false, true) => Kind::Admitted,
                _ => continue,
            };
            let classes = causes.entry((kind, was.1, is.1)).or_default();
            classes.entry(viewer.clone()).or_default().push(country);
        }
    }
    for ((kind, before, after), classes) in causes {
        let change = change(kind, (before, after), &classes, pair, (one, other));
        let told = change.map(|change| Change {
            by_address,
            ..change
        });
        diff.decisions.extend(told);
    }
}

/// Whether a policy admits, and by what.
fn said(
    side: &Side<'_>,
    name: &portcullis_site::Name,
    policy: &Policy,
    viewer: &Viewer,
    country: Option<Country>,
) -> (bool, Said) {
    let facts = facts(side, policy, viewer, country);
    let (admits, reason, statement) = match decide(policy, &facts, 0) {
        Decision::Admitted(admitted) => (true, "admitted", admitted.statement()),
        Decision::Refused(refusal) => (false, refusal.reason.code(), refusal.statement),
    };
    let said = Said {
        policy: name.to_string(),
        reason,
        statement: statement.map(|index| index + 1),
    };
    (admits, said)
}

fn change(
    kind: Kind,
    (before, after): (Said, Said),
    classes: &Classes,
    pair: &Pair,
    (one, other): (&Behavior, &Behavior),
) -> Option<Change> {
    // One whose address is known, if there is one.
    let mut known = classes
        .iter()
        .filter(|(viewer, _)| viewer.address.is_some());
    let (viewer, of_country) = known.next().or_else(|| classes.first_key_value())?;
    let country = of_country.iter().flatten().next();
    let mut viewers: Vec<Asking> = classes
        .iter()
        .map(|(viewer, countries)| asking(viewer, countries))
        .collect();
    viewers.sort();
    viewers.dedup();
    Some(Change {
        kind,
        patterns: (one.path.as_str().to_owned(), other.path.as_str().to_owned()),
        before,
        after,
        by_address: false,
        viewers,
        example: Example {
            path: pair.path.clone(),
            country: country.map(ToString::to_string),
            address: viewer.address.map(|address| address.to_string()),
            signed_by: viewer.signed_by.iter().map(ToString::to_string).collect(),
        },
    })
}

fn asking(viewer: &Viewer, of: &[Option<Country>]) -> Asking {
    let any = of.len() == countries().count();
    let names = of
        .iter()
        .map(|country| country.map_or_else(|| "unknown".to_owned(), |country| country.to_string()));
    let networks = viewer.networks.iter().map(ToString::to_string);
    let networks = networks.chain(viewer.lists.iter().cloned());
    Asking {
        countries: if any { Vec::new() } else { names.collect() },
        networks: viewer.address.map(|_| networks.collect()),
        signed_by: viewer.signed_by.iter().map(ToString::to_string).collect(),
    }
}
