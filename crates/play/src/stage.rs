//! What a scenario is played on: the model over a clock that stands still, objects in memory, origins with written answers.
//!
//! Always holds: nothing outside is asked, and two stages of the same scenario answer alike.

mod objects;
pub mod site;
mod wire;
mod written;

pub use site::{Rules, SceneGateway, SiteStage};

use crate::functions::Engine;
use crate::scenario::{Asked, Scenario};
use arc_swap::ArcSwap;
use bytes::Bytes;
use objects::Objects;
use portcullis_edge::distribution::{Distribution, Origin};
use portcullis_edge::exchange::{Exchange, Reply, ViewerRequest};
use portcullis_edge::gate::Scheme;
use portcullis_edge::identity::REQUEST_ID_RANDOM_BYTES;
use portcullis_edge::invalidation::InvalidationPath;
use portcullis_edge::network::{Network, NotInstalled, Pop, Settings};
use portcullis_edge::trace::Trace;
use portcullis_edge_functions::Runner;
use portcullis_edge_server::drive::{Edge, Times, World};
use portcullis_edge_server::listen::{Limits, serve};
use portcullis_edge_server::origins::OriginConnector;
use portcullis_origin::clock::TestClock;
use portcullis_viewer::country::{Country, CountrySet};
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use written::Written;

/// The port of every viewer.
const VIEWER_PORT: u16 = 50_443;
/// The address of a viewer without one: a documentation address.
pub const NOBODY: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 77));
/// How many turns what goes on in the background is given to end.
const TURNS: usize = 64;

/// A stage.
pub struct Stage {
    edge: Edge<Scene>,
    objects: Objects,
    written: Arc<Written>,
    domains: Vec<String>,
    clock: Option<Arc<TestClock>>,
}

impl std::fmt::Debug for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stage").finish_non_exhaustive()
    }
}

/// Why a stage cannot be set.
#[derive(Debug, thiserror::Error)]
pub enum NoStage {
    /// A distribution is not taken.
    #[error(transparent)]
    Network(#[from] NotInstalled),
    /// The site cannot be played.
    #[error("{0}")]
    Site(String),
    /// A name that nothing has.
    #[error("{0}")]
    Unknown(String),
}

/// What an answer was.
#[derive(Clone, Debug)]
pub struct Observed {
    /// The status.
    pub status: u16,
    /// The fields, names in lower case.
    pub fields: Vec<(String, String)>,
    /// The body.
    pub body: Bytes,
    /// `x-edge-detailed-result-type`.
    pub result: String,
    /// What the model did.
    pub trace: Trace,
}

/// The world of a stage: who asks is said before each request.
pub(crate) struct Scene {
    now_ms: AtomicU64,
    ids: AtomicU64,
    connectors: HashMap<String, Arc<dyn OriginConnector>>,
    asking: Mutex<Asking>,
    seen: Mutex<Option<(String, Trace)>>,
}

#[derive(Clone, Default)]
struct Asking {
    host: String,
    address: Option<IpAddr>,
    country: Option<Country>,
    plain: bool,
    pop: Option<String>,
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl World for Scene {
    fn now_ms(&self) -> u64 {
        self.now_ms.load(Ordering::SeqCst)
    }

    fn random(&self) -> [u8; REQUEST_ID_RANDOM_BYTES] {
        let number = self.ids.fetch_add(1, Ordering::SeqCst).to_be_bytes();
        let mut bytes = [0; REQUEST_ID_RANDOM_BYTES];
        bytes
            .iter_mut()
            .zip(number)
            .for_each(|(to, from)| *to = from);
        bytes
    }

    fn country(&self, _address: IpAddr) -> Option<Country> {
        None
    }

    fn connector(&self, _distribution: &str, origin: &Origin) -> Arc<dyn OriginConnector> {
        let known = self.connectors.get(&origin.id).cloned();
        known.unwrap_or_else(|| Arc::new(written::Nowhere))
    }

    fn pretend(&self, request: &mut ViewerRequest) -> Option<String> {
        let asking = lock(&self.asking).clone();
        request.peer = SocketAddr::new(asking.address.unwrap_or(NOBODY), VIEWER_PORT);
        request.country = asking.country;
        request.host = asking.host;
        request.scheme = if asking.plain {
            Scheme::Http
        } else {
            Scheme::Https
        };
        asking.pop
    }

    fn answered(&self, exchange: &Exchange, reply: &Reply, _times: Times) {
        *lock(&self.seen) = Some((reply.detailed.to_owned(), exchange.trace.clone()));
    }
}

/// What a stage is made of.
struct Parts<'a> {
    scenario: &'a Scenario,
    distributions: Vec<Distribution>,
    runner: Runner,
    connectors: HashMap<String, Arc<dyn OriginConnector>>,
    objects: Objects,
    written: Arc<Written>,
    clock: Option<Arc<TestClock>>,
}

impl Stage {
    /// A stage for distributions that are no site of ours.
    ///
    /// # Errors
    /// [`NoStage`]
    pub fn of_distributions(
        scenario: &Scenario,
        distributions: Vec<Distribution>,
        runner: Runner,
        folder: &[(String, String, Vec<u8>)],
    ) -> Result<Self, NoStage> {
        let objects = Objects::of(scenario, folder)?;
        let written = Arc::new(Written::of(scenario));
        let origins = distributions.iter().flat_map(|one| &one.origins);
        let connectors = origins
            .map(|origin| {
                let id = origin.id.clone();
                let connector: Arc<dyn OriginConnector> = if written.has(&id) {
                    Arc::new(written::By(Arc::clone(&written), id.clone()))
                } else {
                    Arc::new(objects.bucket(&id)?)
                };
                Ok((id, connector))
            })
            .collect::<Result<_, NoStage>>()?;
        Self::set(Parts {
            scenario,
            distributions,
            runner,
            connectors,
            objects,
            written,
            clock: None,
        })
    }

    fn set(parts: Parts<'_>) -> Result<Self, NoStage> {
        let scenario = parts.scenario;
        let mut settings = Settings::local([7; 16], 7);
        if !scenario.pops.is_empty() {
            let pops = scenario.pops.iter().map(|name| Pop {
                name: name.clone(),
                region: "us-east-1".to_owned(),
                countries: CountrySet::default(),
            });
            settings.pops = pops.collect();
        }
        let mut network = Network::new(settings);
        let mut domains = HashMap::new();
        for distribution in parts.distributions {
            domains.insert(distribution.id.clone(), distribution.domain.clone());
            network.install(distribution)?;
        }
        let scene = Scene {
            now_ms: AtomicU64::new(scenario.begins.saturating_mul(1_000)),
            ids: AtomicU64::new(0),
            connectors: parts.connectors,
            asking: Mutex::default(),
            seen: Mutex::default(),
        };
        let all = domains.values().cloned().collect();
        let engine = Engine {
            runner: Arc::new(ArcSwap::from_pointee(parts.runner)),
            domains,
            told: Box::new(|_, _, _| {}),
        };
        Ok(Self {
            edge: Edge::new(network, scene, Some(Box::new(engine)), false),
            objects: parts.objects,
            written: parts.written,
            domains: all,
            clock: parts.clock,
        })
    }

    /// Now, in milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        self.edge.world().now_ms()
    }

    /// Lets time pass, in seconds.
    pub fn wait(&self, seconds: u64) {
        let ms = seconds.saturating_mul(1_000);
        self.edge.world().now_ms.fetch_add(ms, Ordering::SeqCst);
        if let Some(clock) = &self.clock {
            clock.advance(Duration::from_secs(seconds));
        }
    }

    /// Puts an object into a bucket, or removes it with `None`.
    ///
    /// # Errors
    /// The name is no bucket's.
    pub fn put(
        &self,
        bucket: &str,
        key: &str,
        object: Option<&crate::scenario::Object>,
    ) -> Result<(), NoStage> {
        let now = self.now_ms() / 1_000;
        match object {
            Some(object) => self.objects.put(bucket, key, object, now),
            None => self.objects.remove(bucket, key),
        }
    }

    /// Removes what a path names from all caches.
    ///
    /// # Errors
    /// It is no path.
    pub fn invalidate(&self, path: &str) -> Result<(), NoStage> {
        let path = InvalidationPath::new(path)
            .map_err(|why| NoStage::Unknown(format!("`{path}`: {why}")))?;
        self.edge.with_network(|network| {
            for domain in &self.domains {
                network.invalidate(domain, std::slice::from_ref(&path));
            }
        });
        Ok(())
    }

    /// Makes an origin fail, or heals it.
    ///
    /// # Errors
    /// There is no such origin.
    pub fn down(&self, origin: &str, down: bool) -> Result<(), NoStage> {
        if self.written.has(origin) {
            self.written.down(origin, down);
            return Ok(());
        }
        self.objects.down(origin, down)
    }
}

impl Stage {
    /// Asks, in a call within this process or over a connection to the address where [`Stage::listen`] serves.
    ///
    /// # Errors
    /// The request is none, or the connection broke.
    pub async fn ask(
        &self,
        asked: &Asked,
        viewer: &Viewer<'_>,
        socket: Option<SocketAddr>,
    ) -> Result<Observed, NoStage> {
        *lock(&self.edge.world().asking) = Asking {
            host: viewer.host.to_owned(),
            address: viewer.address,
            country: viewer.country,
            plain: asked.plain,
            pop: asked.pop.clone(),
        };
        *lock(&self.edge.world().seen) = None;
        let answer = match socket {
            None => wire::call(&self.edge, asked, viewer).await,
            Some(address) => wire::connect(address, asked, viewer).await,
        };
        let (status, fields, body) = answer.map_err(NoStage::Unknown)?;
        // What goes on in the background ends before the next step.
        for _ in 0..TURNS {
            tokio::task::yield_now().await;
        }
        let (result, trace) = lock(&self.edge.world().seen).take().unwrap_or_default();
        Ok(Observed {
            status,
            fields,
            body,
            result,
            trace,
        })
    }

    /// Serves the stage on a socket until `stop` says so.
    pub async fn listen(&self, listener: TcpListener, stop: watch::Receiver<bool>) {
        let edge = Arc::new(self.edge.clone());
        serve(listener, None, edge, Limits::default(), stop).await;
    }
}

/// Who asks, in full.
#[derive(Clone, Copy, Debug)]
pub struct Viewer<'a> {
    /// The host that is asked for.
    pub host: &'a str,
    /// The target with its signature.
    pub target: &'a str,
    /// The address.
    pub address: Option<IpAddr>,
    /// The country that CloudFront sees.
    pub country: Option<Country>,
}
