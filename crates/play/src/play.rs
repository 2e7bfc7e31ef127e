//! A scenario on its stage: each step is played, and what came out otherwise is told.
//!
//! Always holds: whatever a scenario expects, a viewer whom the policy refuses and who gets an object is a failure.

use crate::scenario::{Act, Asked, Expected, Place, Scenario, Step};
use crate::stage::{NoStage, Observed, SiteStage, Stage, Viewer, site::Decision};
use portcullis_edge::trace::Step as Trace;
use portcullis_site::Name;
use std::collections::BTreeSet;
use std::net::SocketAddr;

/// The longest text of a body that is shown, in characters.
const SHOWN_MAX: usize = 200;

/// Where a scenario came out otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The step.
    pub at: Place,
    /// What was asked, in short.
    pub step: String,
    /// What is wrong, one line each.
    pub wrong: Vec<String>,
}

/// What a scenario came to.
#[derive(Clone, Debug, Default)]
pub struct Played {
    /// Where it came out otherwise.
    pub failures: Vec<Failure>,
    /// How many requests were made.
    pub requests: usize,
    /// What of the site decided.
    pub covered: Covered,
}

/// What of a site was used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Covered {
    /// Positions of behaviors.
    pub behaviors: BTreeSet<usize>,
    /// Policies and the statements that decided, counted from 1; 0 where none matched.
    pub statements: BTreeSet<(Name, usize)>,
}

impl Covered {
    /// Adds what another scenario used.
    pub fn add(&mut self, other: Self) {
        self.behaviors.extend(other.behaviors);
        self.statements.extend(other.statements);
    }

    fn decided(&mut self, decision: &Decision) {
        self.behaviors.extend(decision.behavior);
        let policy = decision
            .policy
            .as_deref()
            .and_then(|name| Name::new(name).ok());
        if let Some(policy) = policy {
            self.statements
                .insert((policy, decision.statement.unwrap_or(0)));
        }
    }
}

/// What a scenario is played on.
#[derive(Debug)]
pub enum Setting {
    /// A site.
    Site(Box<SiteStage>),
    /// A distribution of no site of ours, and the host that is asked for unless a step says another.
    Distribution(Box<Stage>, String),
}

impl Setting {
    /// The stage.
    #[must_use]
    pub fn stage(&self) -> &Stage {
        match self {
            Self::Site(site) => &site.stage,
            Self::Distribution(stage, _) => stage,
        }
    }
}

/// Plays the steps of a scenario, over a socket if there is one. It ends with the first step that cannot be played.
pub async fn play(
    scenario: &Scenario,
    steps: &[Step],
    setting: &Setting,
    socket: Option<SocketAddr>,
) -> Played {
    let mut played = Played::default();
    for step in steps {
        let done = act(scenario, step, setting, socket, &mut played).await;
        if let Err(why) = done {
            played.failures.push(Failure {
                at: step.at,
                step: named(&step.act),
                wrong: vec![why.to_string()],
            });
            break;
        }
    }
    played
}

async fn act(
    scenario: &Scenario,
    step: &Step,
    setting: &Setting,
    socket: Option<SocketAddr>,
    played: &mut Played,
) -> Result<(), NoStage> {
    let stage = setting.stage();
    match &step.act {
        Act::Wait(seconds) => stage.wait(*seconds),
        Act::Put(bucket, key, object) => stage.put(bucket, key, Some(object))?,
        Act::Delete(bucket, key) => stage.put(bucket, key, None)?,
        Act::Invalidate(paths) => paths.iter().try_for_each(|path| stage.invalidate(path))?,
        Act::Down(origin, down) => stage.down(origin, *down)?,
        Act::Ask(asked, expected) => {
            played.requests += 1;
            if let Some(pop) = &asked.pop
                && !scenario.pops.contains(pop)
            {
                return Err(NoStage::Unknown(format!(
                    "`pops` names no point of presence `{pop}`"
                )));
            }
            let (observed, decision) = ask(setting, asked, socket).await?;
            if let Some(decision) = &decision {
                played.covered.decided(decision);
            }
            let wrong = compare(expected, &observed, decision.as_ref());
            if !wrong.is_empty() {
                played.failures.push(Failure {
                    at: step.at,
                    step: named(&step.act),
                    wrong,
                });
            }
        }
    }
    Ok(())
}

async fn ask(
    setting: &Setting,
    asked: &Asked,
    socket: Option<SocketAddr>,
) -> Result<(Observed, Option<Decision>), NoStage> {
    match setting {
        Setting::Site(site) => {
            let (observed, decision) = site.ask(asked, socket).await?;
            Ok((observed, Some(decision)))
        }
        Setting::Distribution(stage, host) => {
            let viewer = Viewer {
                host: asked.host.as_deref().unwrap_or(host),
                target: &asked.target,
                address: asked.from.address,
                country: asked.from.country,
            };
            Ok((stage.ask(asked, &viewer, socket).await?, None))
        }
    }
}

fn named(act: &Act) -> String {
    match act {
        Act::Ask(asked, _) => {
            let country = asked.from.country.map(|country| format!(" from {country}"));
            let address = asked.from.address.map(|address| format!(" from {address}"));
            let from = country.or(address).unwrap_or_default();
            format!("{} {}{from}", asked.method, asked.target)
        }
        Act::Wait(seconds) => format!("wait {seconds} s"),
        Act::Put(bucket, key, _) => format!("store {key} in {bucket}"),
        Act::Delete(bucket, key) => format!("remove {key} from {bucket}"),
        Act::Invalidate(paths) => format!("invalidate {}", paths.join(", ")),
        Act::Down(origin, true) => format!("down {origin}"),
        Act::Down(origin, false) => format!("up {origin}"),
    }
}

/// What is wrong with an answer, one line each.
fn compare(expected: &Expected, observed: &Observed, decision: Option<&Decision>) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut differ = |name: &str, found: &str, wanted: &str| {
        if found != wanted {
            wrong.push(format!("{name}: expected `{wanted}`, found `{found}`"));
        }
    };
    if let Some(status) = expected.status {
        differ("status", &observed.status.to_string(), &status.to_string());
    }
    if let Some(result) = &expected.result {
        differ("result", &observed.result, result);
    }
    let text = String::from_utf8_lossy(&observed.body);
    if let Some(body) = &expected.body {
        differ("body", &shown(&text), &shown(body));
    }
    for (name, value) in &expected.headers {
        let found = header(observed, name);
        match (value, found) {
            (Some(wanted), found) => differ(name, &found.unwrap_or_default(), wanted),
            (None, Some(found)) => differ(name, &found, ""),
            (None, None) => {}
        }
    }
    if let Some(count) = expected.origin_requests {
        let found = observed.trace.origin_requests.to_string();
        differ("origin-requests", &found, &count.to_string());
    }
    decided(expected, decision, &mut differ);
    if let Some(part) = &expected.contains
        && !text.contains(part.as_str())
    {
        wrong.push(format!("body: `{part}` is not in `{}`", shown(&text)));
    }
    wrong.extend(leak(observed, decision));
    wrong
}

fn decided(
    expected: &Expected,
    decision: Option<&Decision>,
    differ: &mut impl FnMut(&str, &str, &str),
) {
    let none = Decision {
        verdict: "none",
        reason: "none".to_owned(),
        policy: None,
        statement: None,
        behavior: None,
    };
    let decision = decision.unwrap_or(&none);
    if let Some(verdict) = &expected.verdict {
        differ("verdict", decision.verdict, verdict);
    }
    if let Some(reason) = &expected.reason {
        differ("reason", &decision.reason, reason);
    }
    if let Some(policy) = &expected.policy {
        differ(
            "policy",
            decision.policy.as_deref().unwrap_or("none"),
            policy,
        );
    }
    if let Some(statement) = expected.statement {
        let found = decision.statement.map(|number| number.to_string());
        let found = found.unwrap_or_else(|| "none".to_owned());
        differ("statement", &found, &statement.to_string());
    }
}

/// A viewer whom the policy refuses and who gets what it asked for, error pages aside.
pub(crate) fn leak(observed: &Observed, decision: Option<&Decision>) -> Option<String> {
    let decision = decision.filter(|decision| decision.refuses())?;
    let steps = &observed.trace.steps;
    let is_page = steps
        .iter()
        .any(|step| matches!(step, Trace::ErrorPage { .. }));
    let is_own = steps.iter().any(|step| {
        matches!(
            step,
            Trace::Generated(_) | Trace::Answered(_) | Trace::RedirectedToHttps
        )
    });
    let given = matches!(observed.status, 200..=299 | 304);
    (given && !is_page && !is_own).then(|| {
        format!(
            "the policy refuses this viewer ({}), who got {} all the same ({})",
            decision.reason, observed.status, observed.result
        )
    })
}

fn header(observed: &Observed, name: &str) -> Option<String> {
    let all = observed.fields.iter().filter(|(own, _)| own == name);
    let values: Vec<&str> = all.map(|(_, value)| value.as_str()).collect();
    (!values.is_empty()).then(|| values.join(", "))
}

fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(SHOWN_MAX).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}
