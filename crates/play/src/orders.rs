//! Orders of requests by which the distribution in front of a site undoes its policy: a viewer gets what it is refused, or
//! not what it is admitted to.
//!
//! Always holds: an order that is told was played, and came out so. What is searched is bounded: for each pair of a behavior
//! of the site and one of the distribution one path, and viewers whom the policy's own statements tell apart.

use crate::play::leak;
use crate::scenario::{Answering, Asked, AskedFrom, Object, Plays, Scenario};
use crate::stage::{NoStage, SiteStage, site::Decision};
use portcullis_diff::paths::pairs;
use portcullis_edge::distribution::Distribution;
use portcullis_site::{Behavior, Network, Origin, Policy, Site};
use portcullis_viewer::country::Country;
use serde_json::json;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::IpAddr;
use std::path::PathBuf;

/// The most viewers of each verdict that are tried for one path.
const VIEWERS_MAX: usize = 6;
/// The body of every object.
const BODY: &str = "what the policy guards";

/// How a policy is undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undone {
    /// A viewer gets what the policy refuses.
    Leaked,
    /// A viewer is refused what the policy admits it to, because of somebody else's request.
    LockedOut,
}

/// An order of requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// How it undoes the policy.
    pub undone: Undone,
    /// The path pattern of the site's behavior, and of the distribution's.
    pub patterns: (String, String),
    /// The requests, the last of which comes out wrong.
    pub requests: Vec<Asked>,
    /// The answer to the last: status and result.
    pub answer: (u16, String),
    objects: Vec<(String, String)>,
}

impl Order {
    /// The order as a scenario of a manifest and what is deployed before it. It fails until the order comes out right.
    #[must_use]
    pub fn scenario(&self, manifest: &str, deployed: &str) -> String {
        let path = self
            .requests
            .last()
            .map_or("/", |asked| asked.target.as_str());
        let what = match self.undone {
            Undone::Leaked => "Nobody whom the policy refuses gets",
            Undone::LockedOut => "Whoever is admitted gets",
        };
        let mut text = format!(
            "scenario: {}\nmanifest: {}\ndeployed: {}\n",
            json!(format!("{what} {path}.")),
            json!(manifest),
            json!(deployed)
        );
        let objects = self.objects.iter();
        let objects: BTreeMap<_, _> = objects
            .map(|(bucket, key)| (bucket, json!({ key: BODY })))
            .collect();
        let _in_memory = writeln!(text, "objects: {}", json!(objects));
        text.push_str("steps:\n");
        for (at, asked) in self.requests.iter().enumerate() {
            let last = at + 1 == self.requests.len();
            let _in_memory = writeln!(text, "  - {}", self.step(asked, last));
        }
        text
    }

    fn step(&self, asked: &Asked, last: bool) -> serde_json::Value {
        let mut step = json!({ "get": asked.target });
        let mut put = |name: &str, value: serde_json::Value| {
            if let Some(step) = step.as_object_mut() {
                step.insert(name.to_owned(), value);
            }
        };
        let from = json!({
            "address": asked.from.address.map(|address| address.to_string()),
            "country": asked.from.country.map(|country| country.to_string()),
        });
        put("from", from);
        if let Some((group, _)) = &asked.signed {
            put("signed", json!(group));
        }
        if last {
            put(
                "expect",
                match self.undone {
                    Undone::Leaked => json!({ "verdict": "refused", "status": 403 }),
                    Undone::LockedOut => json!({ "verdict": "admitted", "status": 200 }),
                },
            );
        }
        step
    }
}

/// Searches for orders by which a distribution undoes the policy of a site, at most one of each kind for each pair of
/// behaviors. `stage` sets the stage of a scenario.
///
/// # Errors
/// [`NoStage`]
pub async fn search(
    site: &Site,
    deployed: &Distribution,
    stage: impl FnOnce(&Scenario) -> Result<SiteStage, NoStage>,
) -> Result<Vec<Order>, NoStage> {
    let behaviors = site.behaviors.iter();
    let own: Vec<&str> = behaviors.map(|behavior| behavior.path.as_str()).collect();
    let others: Vec<&str> = (0..=deployed.behaviors.len())
        .map(|at| deployed.pattern(at))
        .collect();
    let mut orders = Vec::new();
    let stage = stage(&empty(site))?;
    for pair in pairs(&own, &others).pairs {
        let Some(behavior) = site.behaviors.get(pair.old) else {
            continue;
        };
        let patterns = (
            behavior.path.as_str().to_owned(),
            deployed.pattern(pair.new).to_owned(),
        );
        let found = of_path(site, &stage, behavior, &pair.path).await?;
        orders.extend(found.into_iter().map(|order| Order {
            patterns: patterns.clone(),
            ..order
        }));
    }
    Ok(orders)
}

/// A scenario in which every server answers, and nothing happens.
fn empty(site: &Site) -> Scenario {
    let servers = site
        .origins
        .iter()
        .filter(|(_, origin)| matches!(origin, Origin::Http(_)));
    let answer = Answering {
        path: "/*".to_owned(),
        when: BTreeMap::new(),
        status: 200,
        headers: vec![("cache-control".to_owned(), "max-age=60".to_owned())],
        body: BODY.to_owned(),
    };
    Scenario {
        title: String::new(),
        plays: Plays::Site {
            manifest: PathBuf::new(),
            deployed: Vec::new(),
            parameters: BTreeMap::new(),
        },
        begins: crate::scenario::BEGINS,
        pops: Vec::new(),
        folder: None,
        objects: Vec::new(),
        origins: servers
            .map(|(name, _)| (name.to_string(), vec![answer.clone()]))
            .collect(),
        alone: false,
        steps: Vec::new(),
    }
}

async fn of_path(
    site: &Site,
    stage: &SiteStage,
    behavior: &Behavior,
    path: &str,
) -> Result<Vec<Order>, NoStage> {
    let path = of_object(site, behavior, path);
    let pages = site
        .errors
        .values()
        .filter_map(|page| page.document.as_deref());
    let paths = [path.as_str()].into_iter().chain(pages);
    let objects: Vec<_> = paths.flat_map(|path| objects(site, path)).collect();
    for (bucket, key) in &objects {
        let object = Object {
            body: BODY.to_owned(),
            cache_control: Some("max-age=60".to_owned()),
            ..Object::default()
        };
        stage.stage.put(bucket, key, Some(&object))?;
    }
    let (mut admitted, mut refused) = (Vec::new(), Vec::new());
    for asked in site
        .policies
        .get(&behavior.policy)
        .into_iter()
        .flat_map(|policy| viewers(site, policy, &path))
    {
        // A country without an address in the database is none to try.
        if let Ok(decision) = stage.decision(&asked) {
            let list = if decision.refuses() {
                &mut refused
            } else {
                &mut admitted
            };
            keep(list, asked, decision);
        }
    }
    let mut found = Vec::new();
    let alone = refused.iter().map(|(last, _)| vec![last]);
    let behind = refused
        .iter()
        .flat_map(|(last, _)| admitted.iter().map(move |(first, _)| vec![first, last]));
    for requests in alone.chain(behind) {
        if let Some(order) = played(stage, &requests, Undone::Leaked).await? {
            found.push(order);
            break;
        }
    }
    let locked = admitted
        .iter()
        .flat_map(|(last, _)| refused.iter().map(move |(first, _)| (first, last)));
    for (first, last) in locked {
        if played(stage, &[last], Undone::LockedOut).await?.is_none()
            && let Some(order) = played(stage, &[first, last], Undone::LockedOut).await?
        {
            found.push(order);
            break;
        }
    }
    let tell = |order| Order {
        objects: objects.clone(),
        ..order
    };
    Ok(found.into_iter().map(tell).collect())
}

/// A path of an object that the behavior governs.
fn of_object(site: &Site, behavior: &Behavior, path: &str) -> String {
    let longer = format!("{path}x");
    let mut behaviors = site.behaviors.iter();
    let governs = behaviors.find(|one| one.path.matches(&longer));
    let same = governs.is_some_and(|one| one.path == behavior.path);
    if path.ends_with('/') && same {
        longer
    } else {
        path.to_owned()
    }
}

/// The object of a path in every bucket: which one is asked is for the distribution and the gateway to say.
fn objects(site: &Site, path: &str) -> Vec<(String, String)> {
    let origins = site.origins.values();
    let buckets = origins.filter_map(|origin| match origin {
        Origin::Bucket { name, prefix, .. } | Origin::DirectBucket { name, prefix } => {
            let key = format!("{}{}", prefix.as_str(), path.trim_start_matches('/'));
            Some((name.to_string(), key))
        }
        Origin::Releases { .. } | Origin::Http(_) => None,
    });
    buckets.collect()
}

/// Keeps a viewer unless enough were kept, or one like it.
fn keep(list: &mut Vec<(Asked, Decision)>, asked: Asked, decision: Decision) {
    let alike = |(other, known): &&(Asked, Decision)| {
        known == &decision && other.signed.is_some() == asked.signed.is_some()
    };
    let same = list.iter().filter(alike).count();
    if list.len() < VIEWERS_MAX && same < 2 {
        list.push((asked, decision));
    }
}

/// Viewers whom the statements of a policy tell apart.
fn viewers(site: &Site, policy: &Policy, path: &str) -> Vec<Asked> {
    let mut countries: Vec<Option<Country>> = Vec::new();
    let (mut addresses, mut signatures) = (vec![None], vec![None]);
    let conditions = policy
        .statements
        .iter()
        .filter_map(|statement| statement.when.as_ref());
    for when in conditions {
        let named = when.countries.iter().flatten().take(2).copied();
        countries.extend(named.map(Some));
        for name in when.networks.iter().flatten() {
            if let Some(Network::Addresses(networks)) = site.networks.get(name) {
                addresses.extend(networks.first().map(|network| Some(network.network())));
            }
        }
        signatures.extend(
            when.signed_by
                .iter()
                .map(|group| Some((group.to_string(), 3_600))),
        );
    }
    let stranger = Country::all().find(|country| {
        let mut conditions = policy.statements.iter().filter_map(|one| one.when.as_ref());
        !conditions.any(|when| {
            when.countries
                .iter()
                .flatten()
                .any(|named| named == country)
        })
    });
    countries.extend([stranger, None]);
    let mut all = Vec::new();
    for address in &addresses {
        for country in &countries {
            for signed in &signatures {
                all.push(asked(path, *address, *country, signed.clone()));
            }
        }
    }
    all
}

fn asked(
    path: &str,
    address: Option<IpAddr>,
    country: Option<Country>,
    signed: Option<(String, i64)>,
) -> Asked {
    Asked {
        method: "GET".to_owned(),
        target: path.to_owned(),
        plain: false,
        host: None,
        from: AskedFrom { address, country },
        pop: None,
        headers: Vec::new(),
        signed,
    }
}

/// Plays requests on empty caches; an order if the last comes out wrong.
async fn played(
    stage: &SiteStage,
    requests: &[&Asked],
    undone: Undone,
) -> Result<Option<Order>, NoStage> {
    stage.stage.invalidate("/*")?;
    let mut last = None;
    for asked in requests {
        last = Some(stage.ask(asked, None).await?);
    }
    let Some((observed, decision)) = last else {
        return Ok(None);
    };
    let wrong = match undone {
        Undone::Leaked => leak(&observed, Some(&decision)).is_some(),
        Undone::LockedOut => observed.status >= 400,
    };
    Ok(wrong.then(|| Order {
        undone,
        patterns: (String::new(), String::new()),
        requests: requests.iter().map(|asked| (*asked).clone()).collect(),
        answer: (observed.status, observed.result.clone()),
        objects: Vec::new(),
    }))
}
