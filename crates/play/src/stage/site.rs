//! A site on its stage: the gateway behind the model, with a secret and edges that are only there.

use super::objects::Objects;
use super::written::{Upstreams, Written};
use super::{NOBODY, NoStage, Observed, Parts, Stage, Viewer};
use crate::functions::guards_of;
use crate::gateway::ask;
use crate::heard::{EDGE, Heard, chosen, distribution};
use crate::keys::Keys;
use crate::scenario::{Asked, AskedFrom, Scenario};
use portcullis_distribution::site::{BUCKET, GATEWAY};
use portcullis_edge::distribution::Distribution;
use portcullis_edge_functions::Runner;
use portcullis_edge_server::origins::{Fetching, OriginConnector, OriginFetch};
use portcullis_origin::clock::{Clock as _, Now, TestClock};
use portcullis_origin::countries::Countries;
use portcullis_origin::handle::Gateway;
use portcullis_origin::judge::{Decided, Judge, Judgement};
use portcullis_origin::serve::{Budget, Carriage, NoSigner, Ports};
use portcullis_origin::state::memory::MemoryState;
use portcullis_origin::state::poll::{Freshness, LiveState};
use portcullis_origin::state::{SecretDigest, Secrets, SiteState};
use portcullis_origin::store::memory::MemoryStore;
use portcullis_site::{Bundle, Caching, Host, Name, Origin, Requirement, Site};
use portcullis_viewer::country::Country;
use portcullis_viewer::prefixes::{Guards, PrefixSnapshot};
use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// The secret of a stage, which protects nothing.
const SECRET: &str = "the-secret-of-a-stage";
/// How long the gateway may take on a stage, on tokio's clock.
const ANSWER_TIME: Duration = Duration::from_secs(29);

/// A site and its countries.
pub struct Rules<'a> {
    /// The site.
    pub site: Site,
    /// Opens its country database, at a time in seconds since the epoch.
    pub countries: &'a dyn Fn(u64) -> Result<Countries, String>,
    /// The distribution in front of it, where that is not the one that it stands for, with its functions.
    pub deployed: Option<(Distribution, Runner)>,
}

/// What the gateway of a stage asks.
#[derive(Clone, Debug)]
pub struct ScenePorts {
    objects: Arc<MemoryStore>,
    upstream: Upstreams,
}

impl Ports for ScenePorts {
    type Objects = MemoryStore;
    type Upstream = Upstreams;
    type Signer = NoSigner;

    fn objects(&self) -> &Arc<MemoryStore> {
        &self.objects
    }

    fn upstream(&self) -> &Upstreams {
        &self.upstream
    }

    fn signer(&self) -> &NoSigner {
        &NoSigner
    }
}

/// The gateway of a stage.
pub type SceneGateway = Gateway<ScenePorts, MemoryState, Arc<TestClock>>;

/// How the model reaches a gateway.
pub type Front<'a> = &'a dyn Fn(SceneGateway) -> Arc<dyn OriginConnector>;

/// A stage with a site on it.
pub struct SiteStage {
    /// The stage.
    pub stage: Stage,
    judge: Judge,
    direct: Judge,
    state: SiteState,
    clock: Arc<TestClock>,
    distribution: Distribution,
    keys: Keys,
}

impl std::fmt::Debug for SiteStage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SiteStage").finish_non_exhaustive()
    }
}

/// What the policy says of a request, whoever answers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// `admitted`, `reported`, `refused`, `rejected` or `unproven`.
    pub verdict: &'static str,
    /// The reason's code.
    pub reason: String,
    /// The policy.
    pub policy: Option<String>,
    /// The statement, counted from 1.
    pub statement: Option<usize>,
    /// The position of the behavior.
    pub behavior: Option<usize>,
}

impl Decision {
    /// Whether the viewer is not to get what it asks for.
    #[must_use]
    pub fn refuses(&self) -> bool {
        !matches!(self.verdict, "admitted" | "reported")
    }
}

fn failed(why: impl std::fmt::Display) -> NoStage {
    NoStage::Site(why.to_string())
}

impl SiteStage {
    /// A stage for a site.
    ///
    /// # Errors
    /// [`NoStage`]
    pub fn new(
        scenario: &Scenario,
        rules: Rules<'_>,
        folder: &[(String, String, Vec<u8>)],
        front: Front<'_>,
    ) -> Result<Self, NoStage> {
        let mut site = rules.site.clone();
        let keys = Keys::add_to(&mut site).map_err(failed)?;
        let now = scenario.begins;
        let clock = Arc::new(TestClock::at(Now {
            wall: now,
            monotonic: 0,
        }));
        let state = state(&site, now)?;
        let objects = Objects::of(scenario, folder)?;
        let written = Arc::new(Written::of(scenario));
        known(&site, scenario)?;
        let judge_of = |site: &Site| {
            let bundle = Bundle::new(site.clone()).map_err(failed)?;
            let countries = (rules.countries)(now).map_err(failed)?;
            Judge::new(bundle, countries).map_err(failed)
        };
        let upstream = Upstreams {
            written: Arc::clone(&written),
            names: Arc::new(urls(&site)),
        };
        let ports = ScenePorts {
            objects: Arc::new(objects.store()),
            upstream,
        };
        let live = LiveState::new(
            MemoryState::new(Ok(state.clone())),
            Arc::clone(&clock),
            Freshness::default(),
            state.clone(),
        );
        let gateway = Gateway::new(judge_of(&site)?, live, Arc::clone(&clock), ports);
        let distribution = distribution(&site, SECRET).map_err(failed)?;
        let (deployed, runner) = match rules.deployed {
            Some((deployed, runner)) => (reached(deployed, &distribution), runner),
            None => (distribution.clone(), guards_of(&site).map_err(failed)?),
        };
        let mut connectors: HashMap<String, Arc<dyn OriginConnector>> = HashMap::new();
        connectors.insert(GATEWAY.to_owned(), front(gateway));
        for (id, origin) in &site.origins {
            if let Origin::DirectBucket { name, .. } = origin {
                let bucket = objects.bucket(name.as_str())?;
                connectors.insert(format!("{BUCKET}{id}"), Arc::new(bucket));
            }
        }
        let stage = Stage::set(Parts {
            scenario,
            distributions: vec![deployed],
            runner,
            connectors,
            objects,
            written,
            clock: Some(Arc::clone(&clock)),
        })?;
        Ok(Self {
            stage,
            direct: judge_of(&served_by_cloudfront(site.clone()))?,
            judge: judge_of(&site)?,
            state,
            clock,
            distribution,
            keys,
        })
    }

    /// The site.
    #[must_use]
    pub fn site(&self) -> &Site {
        self.judge.site()
    }

    /// Asks, and says what the policy has to say of it.
    ///
    /// # Errors
    /// [`NoStage`]
    pub async fn ask(
        &self,
        asked: &Asked,
        socket: Option<SocketAddr>,
    ) -> Result<(Observed, Decision), NoStage> {
        let (from, target) = (self.viewer(asked.from)?, self.target(asked)?);
        let viewer = self.in_full(asked, from, &target);
        let decision = self.decide(asked, &viewer);
        Ok((self.stage.ask(asked, &viewer, socket).await?, decision))
    }

    /// What the policy has to say of a request that nobody makes.
    ///
    /// # Errors
    /// [`NoStage`]
    pub fn decision(&self, asked: &Asked) -> Result<Decision, NoStage> {
        let (from, target) = (self.viewer(asked.from)?, self.target(asked)?);
        Ok(self.decide(asked, &self.in_full(asked, from, &target)))
    }

    fn in_full<'a>(&'a self, asked: &'a Asked, from: AskedFrom, target: &'a str) -> Viewer<'a> {
        let site_host = self.site().hosts.first().map(Host::as_str);
        let host = asked.host.as_deref().or(site_host);
        Viewer {
            host: host.unwrap_or(&self.distribution.domain),
            target,
            address: from.address,
            country: from.country,
        }
    }

    /// The viewer in full: an address where its country is, or the country of its address.
    fn viewer(&self, from: AskedFrom) -> Result<AskedFrom, NoStage> {
        let countries = self.judge.countries();
        let now = self.clock.now().wall;
        let country_of = |address| countries.lookup(address, now).known();
        let address = match (from.address, from.country) {
            (None, Some(country)) if self.site().geo.database.is_some() => {
                somewhere_in(country, country_of)?
            }
            (address, _) => address.unwrap_or(NOBODY),
        };
        Ok(AskedFrom {
            address: Some(address),
            country: from.country.or_else(|| country_of(address)),
        })
    }

    fn target(&self, asked: &Asked) -> Result<String, NoStage> {
        let Some((group, seconds)) = &asked.signed else {
            return Ok(asked.target.clone());
        };
        let no_group = || NoStage::Unknown(format!("the site has no key group `{group}`"));
        let name = Name::new(group).map_err(|_| no_group())?;
        let host = self.site().hosts.first().map(Host::as_str);
        let url = format!("https://{}{}", host.unwrap_or_default(), asked.target);
        let expires = self.clock.now().wall.saturating_add_signed(*seconds);
        let signed = self.keys.sign(&name, &url, expires).ok_or_else(no_group)?;
        let start = signed.len() - signed.strip_prefix("https://").map_or(0, str::len);
        let path = signed.get(start..).and_then(|rest| rest.find('/'));
        let target = path.and_then(|at| signed.get(start + at..));
        Ok(target.unwrap_or_default().to_owned())
    }

    /// What the policy says of a viewer when everything about it is known, whatever the distribution forwards.
    fn decide(&self, asked: &Asked, viewer: &Viewer<'_>) -> Decision {
        let secret = self.site().guard.secret_header.name.as_str();
        let text = |name: &str| match name {
            "cloudfront-viewer-address" => {
                let address = viewer.address?;
                Some(format!("{address}:{}", super::VIEWER_PORT))
            }
            "cloudfront-viewer-country" => viewer.country.map(|country| country.to_string()),
            name if name == secret => Some(SECRET.to_owned()),
            name => {
                let mut headers = asked.headers.iter();
                headers
                    .find(|(own, _)| own == name)
                    .map(|(_, value)| value.clone())
            }
        };
        let heard = Heard::of(self.site(), &asked.method, viewer.target, "stage", text);
        let cookies = heard.cookies();
        let request = heard.request(&cookies);
        let judge = self.judge_of(chosen(&self.distribution, viewer.target));
        let judgement = judge.judge(&request, &self.state, self.clock.now().wall);
        decision(&judgement)
    }

    /// Who decides for a behavior: the gateway, or CloudFront where it reads the bucket itself.
    fn judge_of(&self, behavior: usize) -> &Judge {
        let behavior = self.site().behaviors.get(behavior);
        let origin = behavior.and_then(|behavior| self.site().origins.get(&behavior.origin));
        match origin {
            Some(Origin::DirectBucket { .. }) => &self.direct,
            _ => &self.judge,
        }
    }
}

fn decision(judgement: &Judgement<'_>) -> Decision {
    let blank = |verdict, reason: &str| Decision {
        verdict,
        reason: reason.to_owned(),
        policy: None,
        statement: None,
        behavior: None,
    };
    match judgement {
        Judgement::Unproven(failure) => blank("unproven", failure.code()),
        Judgement::Rejected(_, rejection) => blank("rejected", rejection.code()),
        Judgement::Decided(decided) => of(decided),
    }
}

fn of(decided: &Decided<'_>) -> Decision {
    use portcullis_policy::Decision as Outcome;
    let (verdict, refusal, statement) = match &decided.decision {
        Outcome::Admitted(admitted) => match admitted.reported() {
            Some(refusal) => ("reported", Some(refusal), refusal.statement),
            None => ("admitted", None, admitted.statement()),
        },
        Outcome::Refused(refusal) => ("refused", Some(*refusal), refusal.statement),
    };
    Decision {
        verdict,
        reason: refusal
            .map_or("admitted", |one| one.reason.code())
            .to_owned(),
        policy: Some(decided.behavior.policy.to_string()),
        statement: statement.map(|index| index + 1),
        behavior: Some(decided.index),
    }
}

/// The gateway as an origin of the model, asked in this process.
#[must_use]
pub fn in_process(gateway: SceneGateway) -> Arc<dyn OriginConnector> {
    Arc::new(InProcess(gateway))
}

struct InProcess(SceneGateway);

impl OriginConnector for InProcess {
    fn fetch(&self, fetch: OriginFetch) -> Fetching<'_> {
        Box::pin(async move {
            let budget = Budget {
                carriage: Carriage::Unlimited,
                time: ANSWER_TIME,
                jitter: 0,
            };
            Ok(ask(&self.0, &fetch, "stage", &budget, |_| {}).await)
        })
    }
}

fn state(site: &Site, now: u64) -> Result<SiteState, NoStage> {
    let mut state = SiteState {
        secrets: Secrets {
            version: 1,
            current: Some(SecretDigest::of(SECRET.as_bytes())),
            ..Secrets::default()
        },
        ..SiteState::default()
    };
    for list in &site.guard.edges.prefix_lists {
        let edge = format!("{EDGE}/32").parse().map_err(failed)?;
        let snapshot = PrefixSnapshot::new(list, 1, now, vec![edge], Guards::Edges);
        state
            .edge_lists
            .insert(list.clone(), snapshot.map_err(failed)?);
    }
    Ok(state)
}

/// A deployed distribution with what only a stage knows: its secret, and its throw-away keys where the site's own are trusted.
fn reached(mut deployed: Distribution, own: &Distribution) -> Distribution {
    for origin in &mut deployed.origins {
        let known = own.origins.iter().find(|known| known.id == origin.id);
        if let Some(known) = known
            && origin.custom_headers.iter().next().is_some()
        {
            origin.custom_headers = known.custom_headers.clone();
        }
    }
    let patterns: Vec<String> = (0..=deployed.behaviors.len())
        .map(|at| deployed.pattern(at).to_owned())
        .collect();
    let listed = deployed.behaviors.iter_mut().map(|(_, behavior)| behavior);
    let all = listed.chain([&mut deployed.default_behavior]);
    for (behavior, pattern) in all.zip(patterns) {
        let mut others = 0..=own.behaviors.len();
        let other = others.find(|at| own.pattern(*at) == pattern);
        let trusted = other.and_then(|at| own.behavior(at).trusted.clone());
        if behavior.trusted.is_some() && trusted.is_some() {
            behavior.trusted = trusted;
        }
    }
    deployed
}

/// Refuses what a stage cannot play.
fn known(site: &Site, scenario: &Scenario) -> Result<(), NoStage> {
    let mut origins = site.origins.iter();
    if let Some((name, _)) = origins.find(|(_, one)| matches!(one, Origin::Releases { .. })) {
        return Err(NoStage::Site(format!(
            "origin `{name}` is of the kind `releases`, which scenarios do not play: publish to a folder and use `portcullis dev`"
        )));
    }
    for name in scenario.origins.keys() {
        let origin = site.origins.iter().find(|(id, _)| id.as_str() == name);
        if !matches!(origin, Some((_, Origin::Http(_)))) {
            return Err(NoStage::Unknown(format!(
                "the site has no origin `{name}` at a URL; objects of buckets are in `objects`"
            )));
        }
    }
    Ok(())
}

fn urls(site: &Site) -> BTreeMap<String, String> {
    let origins = site.origins.iter();
    let urls = origins.filter_map(|(id, origin)| match origin {
        Origin::Http(http) => Some((String::from(http.url.clone()), id.to_string())),
        _ => None,
    });
    urls.collect()
}

/// An address in a country, by what a database says.
fn somewhere_in(
    country: Country,
    country_of: impl Fn(IpAddr) -> Option<Country>,
) -> Result<IpAddr, NoStage> {
    // First one address of each /16, then of each /20.
    let coarse = (1_u32..224 << 8).map(|high| high << 16 | 1);
    let fine = (1_u32..224 << 12).map(|high| high << 12 | 1);
    let mut addresses = coarse
        .chain(fine)
        .map(|bits| IpAddr::V4(Ipv4Addr::from_bits(bits)));
    let found = addresses.find(|address| country_of(*address) == Some(country));
    found.ok_or_else(|| {
        NoStage::Unknown(format!(
            "the database was searched for an address in {country} without finding one: name it, as `from: {{ address: …, country: {country} }}`"
        ))
    })
}

/// The site as CloudFront serves its direct buckets: no gateway and no proof, and its own check of signatures.
#[must_use]
pub fn served_by_cloudfront(mut site: Site) -> Site {
    site.guard.access_control.mode = Requirement::Off;
    site.guard.secret_header.mode = Requirement::Off;
    site.guard.edges.mode = Requirement::Off;
    for origin in site.origins.values_mut() {
        if let Origin::DirectBucket { name, prefix } = origin {
            *origin = Origin::Bucket {
                name: name.clone(),
                prefix: prefix.clone(),
                index: None,
                clean_urls: false,
                precompressed: false,
                uploads: false,
            };
        }
    }
    for behavior in &mut site.behaviors {
        behavior.caching = Caching::Disabled;
    }
    site
}
