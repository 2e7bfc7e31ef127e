//! Policies: statements, conditions, and countries with their groups expanded.

use super::access::{OwnGroups, name};
use super::{Reading, stand_in};
use crate::codes;
use crate::nearest::nearest;
use crate::text::near_country;
use crate::view::View;
use portcullis_site::{Conditions, Effect, Name, Policy, Statement};
use portcullis_viewer::country::{Country, Group};
use std::collections::{BTreeMap, BTreeSet};

/// The word for a viewer whose country is not known.
const UNKNOWN: &str = "unknown";

impl Reading<'_, '_> {
    pub(super) fn policies(&mut self, view: View, groups: &OwnGroups) -> BTreeMap<Name, Policy> {
        let mut policies = BTreeMap::new();
        for (key, policy) in view.entries() {
            let Ok(name) = Name::new(key) else { continue };
            let list = statements(policy);
            let statements = list
                .items()
                .enumerate()
                .map(|(i, item)| self.statement(item, groups, &[key, &i.to_string()]))
                .collect();
            let mode = policy.get("mode").word().unwrap_or_default();
            let candidate = policy.get("candidate").parse(Name::new);
            policies.entry(name).or_insert(Policy {
                mode,
                statements,
                candidate,
            });
        }
        policies
    }

    fn statement(&mut self, view: View, groups: &OwnGroups, place: &[&str; 2]) -> Statement {
        let (effect, verb) = if view.get("allow").is_present() {
            (Effect::Allow, "allow")
        } else {
            (Effect::Deny, "deny")
        };
        let reason = view.get("reason");
        if effect == Effect::Allow && reason.is_present() {
            self.sink
                .error(
                    codes::NO_EFFECT,
                    reason.span(),
                    "`reason` has no effect beside `allow`",
                )
                .help(
                    "a reason is the word for a refusal; move it to a `deny`, or write a comment",
                );
        }
        let when = match view.get(verb) {
            any if any.text() == Some("any") => None,
            conditions if conditions.is_map() && conditions.entries().next().is_none() => {
                self.sink
                    .error(
                        codes::EMPTY_RULE,
                        conditions.span(),
                        "the statement has no condition",
                    )
                    .help("write `any` to mean every viewer");
                self.sink
                    .lose(&["policies", place[0], place[1], verb].map(str::to_owned));
                Some(refused_condition())
            }
            conditions if conditions.is_map() => {
                Some(self.conditions(conditions, groups, &[place[0], place[1], verb]))
            }
            _ => Some(refused_condition()),
        };
        Statement {
            effect,
            when,
            reason: reason.parse(Name::new),
        }
    }

    fn conditions(&mut self, view: View, groups: &OwnGroups, place: &[&str; 3]) -> Conditions {
        let networks = view.get("networks");
        let written = view.get("countries");
        let words: Vec<&str> = written.items().filter_map(View::text).collect();
        let members = self.countries(written, groups, place);
        let unknown_country = words.contains(&UNKNOWN);
        let only_unknown = unknown_country && words.iter().all(|word| *word == UNKNOWN);
        Conditions {
            networks: networks
                .is_present()
                .then(|| networks.list(|item| item.parse(Name::new))),
            countries: (written.is_present() && !only_unknown)
                .then(|| members.into_iter().collect()),
            unknown_country,
            countries_written: words.into_iter().map(str::to_owned).collect(),
            signed_by: name(view.get("signed_by")),
        }
    }

    fn countries(
        &mut self,
        list: View,
        groups: &OwnGroups,
        place: &[&str; 3],
    ) -> BTreeSet<Country> {
        let mut members = BTreeSet::new();
        for (i, item) in list.items().enumerate() {
            // What is no word at all was refused before.
            let Some(word) = item
                .text()
                .filter(|word| *word != UNKNOWN && Name::new(*word).is_ok())
            else {
                continue;
            };
            match expand(word, groups) {
                Some(countries) => members.extend(countries),
                None => {
                    self.unknown_country(item, word, groups);
                    let [policy, index, verb] = place;
                    self.sink.lose(
                        &["policies", policy, index, verb, "countries", &i.to_string()]
                            .map(str::to_owned),
                    );
                }
            }
        }
        members
    }

    fn unknown_country(&mut self, item: View, word: &str, groups: &OwnGroups) {
        let names: Vec<&str> = Group::ALL
            .iter()
            .map(|group| group.name())
            .chain([UNKNOWN])
            .chain(groups.keys().map(Name::as_str))
            .collect();
        let near =
            near_country(word).or_else(|| nearest(word, names.iter().copied()).map(str::to_owned));
        let help = format!(
            "expected a country code in capitals (ISO 3166-1 alpha-2) or one of: {}",
            names.join(", ")
        );
        self.sink
            .error(
                codes::COUNTRY,
                item.span(),
                format!("unknown country or group `{word}`"),
            )
            .nearest(near)
            .help(help);
    }
}

/// The statements of a policy in its short or long form.
pub(crate) fn statements(policy: View) -> View {
    if policy.is_list() {
        policy
    } else {
        policy.get("statements")
    }
}

fn expand(word: &str, groups: &OwnGroups) -> Option<BTreeSet<Country>> {
    let own = || {
        groups
            .iter()
            .find(|(name, _)| name.as_str() == word)
            .map(|(_, members)| members.clone())
    };
    let built_in = || Group::from_name(word).map(|group| group.members().iter().collect());
    let country = || {
        word.parse::<Country>()
            .ok()
            .map(|country| BTreeSet::from([country]))
    };
    built_in().or_else(country).or_else(own)
}

/// In place of a condition that was refused: one that neither hides another nor is hidden by one.
fn refused_condition() -> Conditions {
    Conditions {
        networks: Some(vec![stand_in()]),
        ..Conditions::default()
    }
}
