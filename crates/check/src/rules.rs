//! The rules, one file for each concern. Each looks at a [`Site`] and adds findings.

mod buckets;
mod cache;
mod delivery;
mod errors;
mod failover;
mod function_url;
mod matching;
mod paths;
mod proof;
mod releases;
mod settings;
mod viewers;

use crate::catalogue::Case;
use crate::distribution::{Behavior, Distribution};
use crate::input::World;
use crate::intent::{Intent, Planned};
use crate::report::{Finding, Report, Where};
use crate::strictness::{Inputs, Policy};

/// A distribution beside what the manifest wants of it.
pub(crate) struct Site<'a> {
    pub(crate) world: &'a World<'a>,
    pub(crate) cdn: &'a Distribution,
    /// The manifest, if there is one and it is about this distribution.
    pub(crate) intent: Option<&'a Intent>,
    pub(crate) behaviors: Vec<Judged<'a>>,
}

/// A behavior of the template with its counterpart in the manifest.
pub(crate) struct Judged<'a> {
    pub(crate) behavior: &'a Behavior,
    pub(crate) planned: Option<&'a Planned>,
    /// Its policy, if the manifest has one for it.
    pub(crate) policy: Option<Policy>,
}

impl Judged<'_> {
    pub(crate) fn inputs(&self) -> Inputs {
        self.policy.as_ref().map(Policy::inputs).unwrap_or_default()
    }

    /// Whether not everybody is let in.
    pub(crate) fn is_restricted(&self) -> bool {
        self.inputs().any() || self.behavior.is_signed()
    }

    pub(crate) fn path(&self) -> &str {
        self.behavior.pattern.as_str()
    }
}

impl<'a> Site<'a> {
    fn of(world: &'a World<'a>, cdn: &'a Distribution) -> Self {
        let intent = world
            .intent
            .filter(|intent| is_about(intent, cdn, world.distributions));
        let judged = cdn.behaviors.iter().map(|behavior| {
            let planned = intent.and_then(|intent| intent.planned(&behavior.pattern));
            let policy = match (intent, planned) {
                (Some(intent), Some(planned)) => Some(intent.policy(&planned.policy)),
                (Some(intent), None) if is_error_page(intent, cdn, behavior) => {
                    Some(Policy::open())
                }
                _ => None,
            };
            Judged {
                behavior,
                planned,
                policy,
            }
        });
        Self {
            world,
            cdn,
            intent,
            behaviors: judged.collect(),
        }
    }

    /// A finding about a property of a behavior.
    pub(crate) fn finding(
        &self,
        case: Case,
        one: &Judged<'_>,
        property: &str,
        message: impl Into<String>,
    ) -> Finding {
        let place = self.cdn.place_of(one.behavior, property);
        Finding::new(case, place, message).about(one.path())
    }

    /// Whether the place a behavior reads is the gateway, at least in part.
    pub(crate) fn reaches_gateway(&self, one: &Judged<'_>) -> bool {
        self.cdn.reaches_gateway(one.behavior)
    }

    pub(crate) fn reaches_bucket(&self, one: &Judged<'_>) -> bool {
        self.cdn
            .origins_of(one.behavior)
            .any(super::distribution::Origin::is_bucket)
    }
}

/// A manifest is about the one distribution there is, or about those with its hosts.
fn is_about(intent: &Intent, cdn: &Distribution, all: &[Distribution]) -> bool {
    let hosts = intent.node.get("hosts").texts();
    let aliases = cdn.config().get("Aliases").texts();
    all.len() == 1 || aliases.iter().any(|alias| hosts.contains(alias))
}

/// Error documents may be routed in front of everything else: to a direct bucket, by one path or one folder.
pub(crate) fn is_error_page(intent: &Intent, cdn: &Distribution, behavior: &Behavior) -> bool {
    let text = behavior.pattern.as_str();
    let stem = text.strip_suffix("/*").unwrap_or(text);
    let narrow = !stem.is_empty() && !stem.contains(['*', '?']);
    let document = intent
        .documents
        .iter()
        .any(|path| behavior.pattern.matches(path));
    let direct = cdn
        .origins_of(behavior)
        .all(super::distribution::Origin::is_bucket);
    narrow && document && direct && !behavior.origins.is_empty()
}

/// Every rule.
pub(crate) fn all(world: &World<'_>, report: &mut Report) {
    for cdn in world.distributions {
        let site = Site::of(world, cdn);
        matching::check(&site, report);
        cache::check(&site, report);
        errors::check(&site, report);
        failover::check(&site, report);
        function_url::check(&site, report);
        proof::check(&site, report);
        paths::check(&site, report);
        delivery::check(&site, report);
        viewers::check(&site, report);
        buckets::check(&site, report);
        settings::check(&site, report);
        releases::check(&site, report);
    }
    viewers::firewalls(world, report);
    proof::security_groups(world, report);
    if let Some(intent) = world.intent {
        manifest_alone(intent, report);
    }
}

/// What a manifest shows by itself.
fn manifest_alone(intent: &Intent, report: &mut Report) {
    failover::of_manifest(intent, report);
    proof::of_manifest(intent, report);
    settings::of_manifest(intent, report);
}

/// A place in a resource other than the distribution.
pub(crate) fn at(world: &World<'_>, id: &str, pointer: &[&str]) -> Where {
    world
        .resources
        .get(id)
        .map_or_else(Where::default, |one| one.place(pointer))
}
