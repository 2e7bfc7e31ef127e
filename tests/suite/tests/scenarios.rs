//! The scenarios of this repository, through the events and answers of Lambda. `portcullis test` plays them in one process
//! and over sockets; here the gateway sees what a function URL would send, and answers what one would take.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must fail"
)]

use bytes::Bytes;
use memmap2::MmapMut;
use portcullis_edge::distribution::CacheSettings;
use portcullis_edge_functions::Runner;
use portcullis_edge_server::body::Body;
use portcullis_edge_server::fields::Fields;
use portcullis_edge_server::origins::{
    Fetching, Framing, OriginAnswer, OriginConnector, OriginFetch,
};
use portcullis_gateway::answer::{Mode, Payload};
use portcullis_gateway::function::GatewayFunction;
use portcullis_gateway::log::Log;
use portcullis_gateway::runtime::{Function as _, Invocation};
use portcullis_manifest::{Folder, compile};
use portcullis_origin::countries::Countries;
use portcullis_play::heard::distribution;
use portcullis_play::play::{Played, Setting, play};
use portcullis_play::scenario::{Plays, Scenario, read};
use portcullis_play::stage::{Rules, SceneGateway, SiteStage};
use portcullis_runtime_api::{Iam, Outcome, UrlAnswer, UrlRequest, function_url_event};
use portcullis_site::{Database, Site, WhenStale};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Where scenarios are, and the manifest of those that name none.
const FOLDERS: [(&str, &str); 2] = [
    ("tests/scenarios", ""),
    ("examples/handbook/scenarios", "../portcullis.yaml"),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Nobody reads the lines.
struct Unread;

impl Log for Unread {
    fn line(&self, _line: String) {}
}

/// The gateway behind its function URL.
struct BehindUrl(GatewayFunction<Ports, State, Clock, Unread>);

type Ports = portcullis_play::stage::site::ScenePorts;
type State = portcullis_origin::state::memory::MemoryState;
type Clock = Arc<portcullis_origin::clock::TestClock>;

fn behind_url(gateway: SceneGateway) -> Arc<dyn OriginConnector> {
    Arc::new(BehindUrl(GatewayFunction::new(
        gateway,
        Mode::Buffered,
        Unread,
    )))
}

impl OriginConnector for BehindUrl {
    fn fetch(&self, fetch: OriginFetch) -> Fetching<'_> {
        Box::pin(async move {
            let is_head = fetch.method == http::Method::HEAD;
            let invocation = Invocation {
                request_id: "00000000-0000-4000-8000-000000000000".to_owned(),
                time_left: Duration::from_secs(60),
                event: event(&fetch).into(),
            };
            let Payload::Document(document) = self.0.invoke(invocation).await else {
                panic!("a buffered function answers with a document");
            };
            Ok(as_origin(
                UrlAnswer::of(&Outcome::Buffered(document)),
                is_head,
            ))
        })
    }
}

fn event(fetch: &OriginFetch) -> Vec<u8> {
    let (path, query) = fetch.target.split_once('?').unwrap_or((&fetch.target, ""));
    let user = "AROALOCAL:cloudfront".to_owned();
    let fields = fetch.fields.iter();
    function_url_event(&UrlRequest {
        method: fetch.method.to_string(),
        raw_path: path.to_owned(),
        raw_query: query.to_owned(),
        headers: fields
            .map(|(name, value)| (name.to_owned(), String::from_utf8(value.to_vec()).unwrap()))
            .collect(),
        body: Vec::new(),
        source_ip: portcullis_play::heard::EDGE.to_owned(),
        domain_name: portcullis_play::heard::FUNCTION_URL.to_owned(),
        iam: Some(Iam {
            access_key: "ASIALOCAL".to_owned(),
            account_id: "111122223333".to_owned(),
            caller_id: user.clone(),
            user_arn: "arn:aws:sts::111122223333:assumed-role/oac/cloudfront".to_owned(),
            user_id: user,
        }),
        time_epoch_ms: fetch.now_ms,
        request_id: "00000000-0000-4000-8000-000000000000".to_owned(),
    })
    .to_vec()
}

fn as_origin(answer: UrlAnswer, is_head: bool) -> OriginAnswer {
    let mut fields = Fields::default();
    for (name, value) in &answer.headers {
        fields.add(name, value).unwrap();
    }
    let body = if is_head { Bytes::new() } else { answer.body };
    OriginAnswer {
        status: answer.status,
        fields,
        framing: Framing::Length(body.len() as u64),
        body: Body::from(body),
    }
}

fn site(manifest: &Path) -> Site {
    let source = std::fs::read_to_string(manifest).unwrap();
    let folder = Folder(manifest.parent().unwrap().to_owned());
    let compiled = compile(&source, &manifest.display().to_string(), &folder);
    compiled.unwrap().bundle.site().clone()
}

fn countries(site: &Site, now: u64) -> Countries {
    let Some(rule) = &site.geo.database else {
        return Countries::none();
    };
    let bytes = std::fs::read(root().join("infra/geoip/demonstration-country.mmdb")).unwrap();
    let mut map = MmapMut::map_anon(bytes.len()).unwrap();
    map.copy_from_slice(&bytes);
    let rule = Database {
        allow_demonstration: true,
        when_stale: WhenStale::Report,
        ..rule.clone()
    };
    // The database may be younger than the clock of a scenario.
    let now = now.max(u64::from(u32::MAX));
    Countries::open(map.make_read_only().unwrap(), &rule, now).unwrap()
}

fn objects(folder: &Path) -> Vec<(String, String, Vec<u8>)> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(folder).unwrap().to_str().unwrap();
            let (bucket, key) = name.split_once('/').unwrap();
            let bytes = std::fs::read(&path).unwrap();
            found.push((bucket.to_owned(), key.to_owned(), bytes));
        }
    }
    found
}

fn setting(scenario: &Scenario, at: &Path, manifest: &Path) -> Setting {
    let site = site(manifest);
    let rules = Rules {
        site: site.clone(),
        countries: &|now| Ok(countries(&site, now)),
        deployed: None,
    };
    let objects = scenario
        .folder
        .as_ref()
        .map(|folder| objects(&at.join(folder)));
    let objects = objects.unwrap_or_default();
    let stage = SiteStage::new(scenario, rules, &objects, &behind_url).unwrap();
    Setting::Site(Box::new(stage))
}

async fn played(scenario: &Scenario, at: &Path, manifest: &Path) -> Vec<Played> {
    if !scenario.alone {
        let setting = setting(scenario, at, manifest);
        return vec![play(scenario, &scenario.steps, &setting, None).await];
    }
    let mut all = Vec::new();
    for step in &scenario.steps {
        let setting = setting(scenario, at, manifest);
        all.push(play(scenario, std::slice::from_ref(step), &setting, None).await);
    }
    all
}

#[tokio::test]
async fn every_scenario_of_a_site_holds_through_lambda_events() {
    let mut sites = 0;
    for (folder, own) in FOLDERS {
        let at = root().join(folder);
        for entry in std::fs::read_dir(&at).unwrap() {
            let path = entry.unwrap().path();
            let scenario = read(&std::fs::read(&path).unwrap()).unwrap();
            let Plays::Site {
                manifest: named, ..
            } = &scenario.plays
            else {
                continue;
            };
            let manifest = if own.is_empty() {
                named
            } else {
                Path::new(own)
            };
            sites += 1;
            for played in played(&scenario, &at, &at.join(manifest)).await {
                assert_eq!(played.failures, [], "{}", path.display());
                assert!(played.requests > 0);
            }
        }
    }
    assert!(sites >= 10, "{sites} scenarios were found");
}

/// The guard of every scenario: a key that forgets what the policy asks for gives an object to whom it refuses, whatever
/// the scenario expects.
#[tokio::test]
async fn a_cache_that_undoes_the_policy_fails_every_scenario() {
    let manifest = root().join("tests/fixtures/scenarios/portcullis.yaml");
    let text = "\
scenario: The country was left out of the key.
objects: { files: { reports/q3.pdf: figures } }
steps:
  - { get: /reports/q3.pdf, from: DE }
  - { get: /reports/q3.pdf, from: US }
";
    let scenario = read(text.as_bytes()).unwrap();
    let site = site(&manifest);
    let mut deployed = distribution(&site, "another-secret").unwrap();
    let (pattern, behavior) = &mut deployed.behaviors[1];
    assert_eq!(pattern.as_str(), "/reports/*");
    let CacheSettings::Policy(policy) = &mut behavior.caching else {
        panic!("it has a cache policy");
    };
    policy.headers.clear();
    let rules = Rules {
        site,
        countries: &|_| Ok(Countries::none()),
        deployed: Some((deployed, Runner::new())),
    };
    let stage = SiteStage::new(&scenario, rules, &[], &behind_url).unwrap();
    let setting = Setting::Site(Box::new(stage));
    let played = play(&scenario, &scenario.steps, &setting, None).await;
    let [failure] = &played.failures[..] else {
        panic!("{:?}", played.failures);
    };
    assert_eq!(
        (failure.at.line, failure.step.as_str()),
        (5, "GET /reports/q3.pdf from US")
    );
    let why = "the policy refuses this viewer (no-match), who got 200 all the same (Hit)";
    assert_eq!(failure.wrong, [why]);
}
