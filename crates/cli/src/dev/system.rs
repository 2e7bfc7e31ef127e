//! One running site: the gateway with everything around it that a deployment would provide.

use crate::args::Dev;
use crate::exit::Failure;
use crate::gateway::{Folders, LocalGateway, LocalPorts, countries};
use crate::load::quietly;
use crate::release::ledger_of;
use portcullis_distribution::site::BUCKET;
use portcullis_edge::distribution::Distribution;
use portcullis_edge::headers::CustomHeaders;
use portcullis_edge::identity::{EdgeHost, RequestId};
use portcullis_edge_functions::Runner;
use portcullis_origin::clock::{Clock as _, SystemClock};
use portcullis_origin::judge::Judge;
use portcullis_origin::state::poll::{Freshness, LiveState};
use portcullis_origin::state::{SecretDigest, Secrets, SiteState, StateError, StateStore};
use portcullis_play::functions::guards_of;
use portcullis_play::heard::{EDGE, Sender, Viewer, chosen};
use portcullis_play::keys::Keys;
use portcullis_play::stage::site::served_by_cloudfront;
use portcullis_site::{Behavior, Bucket, Bundle, Name, Origin, Site};
use portcullis_viewer::prefixes::{Guards, PrefixSnapshot};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// The port of every viewer.
pub(super) const VIEWER_PORT: u16 = 50_443;

/// How old what is known of the releases may be: a flip is seen at once.
const RELEASES_AGE_MAX: Duration = Duration::from_secs(1);

/// The state of a site on this machine: made at the start, but for its releases, which the ledger tells.
#[derive(Debug, Clone)]
pub(super) struct LocalState {
    made: SiteState,
    /// The folder of the release store.
    releases: Option<PathBuf>,
}

impl StateStore for LocalState {
    async fn load(&self) -> Result<SiteState, StateError> {
        let mut state = self.made.clone();
        if let Some(folder) = &self.releases {
            state.release = ledger_of(folder).await.map(|ledger| ledger.serving());
        }
        Ok(state)
    }
}

/// A site at work.
pub(super) struct System {
    gateway: LocalGateway<LocalState>,
    /// What CloudFront serves itself: direct buckets, with the signatures it checks natively.
    direct: LocalGateway<LocalState>,
    custom_headers: CustomHeaders,
    distribution: Distribution,
    folders: Folders,
    keys: Keys,
    guards: Arc<Runner>,
    notes: Vec<String>,
}

impl System {
    /// Starts the site of a manifest.
    pub(super) fn start(args: &Dev, manifest: &Path) -> Result<Self, Failure> {
        let loaded = quietly(manifest)?;
        let mut site = loaded.compiled.bundle.site().clone();
        let keys = Keys::add_to(&mut site).map_err(Failure::failed)?;
        let clock = SystemClock::start();
        let now = clock.now().wall;
        let folders = Folders::new(&args.local.buckets, &loaded.folder)?;
        let ports = LocalPorts::new(folders.store());
        let secret = crate::http::opaque_id();
        let state = state(args, &site, &secret, now)?;
        let local = countries(&args.local, &site, &loaded.folder, now)?;
        let direct = countries(&args.local, &site, &loaded.folder, now)?.countries;
        let notes = local
            .note
            .into_iter()
            .chain(missing_buckets(&site, &folders))
            .collect();
        let distribution =
            portcullis_play::heard::distribution(&site, &secret).map_err(Failure::failed)?;
        let header = (site.guard.secret_header.name.clone(), secret);
        let kept = LocalState {
            made: state.clone(),
            releases: release_store(&site).map(|bucket| folders.of(bucket)),
        };
        let freshness = Freshness {
            stale_after: RELEASES_AGE_MAX,
            ..Freshness::default()
        };
        let guards = guards_of(&site).map_err(Failure::failed)?;
        let start = |site: Site, countries, ports| {
            let bundle = Bundle::new(site).map_err(Failure::failed)?;
            let judge = Judge::new(bundle, countries).map_err(Failure::failed)?;
            let live = LiveState::new(kept.clone(), clock, freshness, state.clone());
            Ok::<_, Failure>(LocalGateway::new(judge, live, clock, ports))
        };
        Ok(Self {
            direct: start(served_by_cloudfront(site.clone()), direct, ports.clone())?,
            gateway: start(site, local.countries, ports)?,
            custom_headers: CustomHeaders::new(vec![header]).map_err(Failure::failed)?,
            distribution,
            folders,
            keys,
            guards: Arc::new(guards),
            notes,
        })
    }

    /// The same behind the distribution of another one: CloudFront knows a distribution by its id, whatever it serves.
    pub(super) fn in_place_of(mut self, other: &Self) -> Self {
        other.distribution.id.clone_into(&mut self.distribution.id);
        other
            .distribution
            .domain
            .clone_into(&mut self.distribution.domain);
        self
    }

    pub(super) fn site(&self) -> &Site {
        self.gateway.judge().site()
    }

    pub(super) fn digest(&self) -> &str {
        self.gateway.judge().digest()
    }

    /// The edge guards.
    pub(super) fn guards(&self) -> Arc<Runner> {
        Arc::clone(&self.guards)
    }

    pub(super) fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The distribution that CloudFront would play.
    pub(super) fn distribution(&self) -> &Distribution {
        &self.distribution
    }

    /// The gateway.
    pub(super) fn gateway(&self) -> &LocalGateway<LocalState> {
        &self.gateway
    }

    /// The behavior that CloudFront chooses for a target, and its position.
    pub(super) fn behavior(&self, target: &str) -> Option<(usize, &Behavior)> {
        let at = chosen(&self.distribution, target);
        Some((at, self.site().behaviors.get(at)?))
    }

    /// What decides about a behavior's requests: the gateway, or CloudFront where it reads the bucket itself.
    pub(super) fn decider(&self, behavior: &Behavior) -> &LocalGateway<LocalState> {
        let origin = self.site().origins.get(&behavior.origin);
        if matches!(origin, Some(Origin::DirectBucket { .. })) {
            &self.direct
        } else {
            &self.gateway
        }
    }

    /// The folder of the direct bucket that is an origin of the distribution; `None` for the gateway.
    pub(super) fn direct_bucket(&self, origin: &str) -> Option<PathBuf> {
        let name = origin.strip_prefix(BUCKET)?;
        let mut origins = self.site().origins.iter();
        origins.find_map(|(id, origin)| match origin {
            Origin::DirectBucket { name: bucket, .. } if id.as_str() == name => {
                Some(self.folders.of(bucket))
            }
            _ => None,
        })
    }

    /// The folder that stands for a bucket.
    pub(super) fn bucket(&self, name: &Bucket) -> PathBuf {
        self.folders.of(name)
    }

    /// `url` signed by the throw-away key of a key group until `expires`, in seconds since the epoch.
    pub(super) fn sign(&self, group: &Name, url: &str, expires: u64) -> Option<String> {
        self.keys.sign(group, url, expires)
    }

    /// The viewer at `address`; CloudFront sees the country that is named, else the one the database knows there.
    pub(super) fn viewer(&self, address: IpAddr, country: Option<&str>) -> Viewer {
        let countries = self.gateway.judge().countries();
        let found = || countries.lookup(address, self.now()).known();
        Viewer {
            address: Some(SocketAddr::new(address, VIEWER_PORT)),
            country: country.map_or_else(found, |code| code.parse().ok()),
        }
    }

    /// The edge `edge` as it sends the request `id` on.
    pub(super) fn sender<'a>(&'a self, edge: &'a EdgeHost, id: &'a RequestId) -> Sender<'a> {
        Sender {
            site: self.site(),
            distribution: &self.distribution,
            custom_headers: &self.custom_headers,
            edge,
            id,
        }
    }

    pub(super) fn now(&self) -> u64 {
        SystemClock::start().now().wall
    }
}

fn release_store(site: &Site) -> Option<&Bucket> {
    site.origins.values().find_map(|origin| match origin {
        Origin::Releases { bucket } => Some(bucket),
        _ => None,
    })
}

/// Buckets of the site for which there is no folder.
fn missing_buckets<'a>(
    site: &'a Site,
    folders: &'a Folders,
) -> impl Iterator<Item = String> + use<'a> {
    let names = site.origins.values().filter_map(|origin| match origin {
        Origin::Bucket { name, .. } | Origin::DirectBucket { name, .. } => Some(name),
        Origin::Releases { .. } | Origin::Http(_) => None,
    });
    let missing = names.map(|name| (name, folders.of(name)));
    missing
        .filter(|(_, folder)| !folder.is_dir())
        .map(|(name, folder)| {
            format!(
                "bucket `{name}` has no folder `{}`, so everything in it is missing",
                folder.display()
            )
        })
}

fn state(args: &Dev, site: &Site, secret: &str, now: u64) -> Result<SiteState, Failure> {
    let mut state = SiteState {
        secrets: Secrets {
            version: 1,
            current: Some(SecretDigest::of(secret.as_bytes())),
            ..Secrets::default()
        },
        ..SiteState::default()
    };
    let snapshot = |name: &str, cidrs: &str, guards| {
        let networks = cidrs
            .split(',')
            .map(|c| portcullis_viewer::network::parse_network(c.trim()))
            .collect::<Result<Vec<_>, _>>();
        PrefixSnapshot::new(name, 1, now, networks.map_err(Failure::usage)?, guards)
            .map_err(Failure::usage)
    };
    for list in &site.guard.edges.prefix_lists {
        state.edge_lists.insert(
            list.clone(),
            snapshot(list, &format!("{EDGE}/32"), Guards::Edges)?,
        );
    }
    for pair in &args.prefix_list {
        let (id, cidrs) = pair
            .split_once('=')
            .ok_or_else(|| Failure::usage(format!("`{pair}` is not ID=CIDR[,CIDR]")))?;
        state
            .prefix_lists
            .insert(id.to_owned(), snapshot(id, cidrs, Guards::Viewers)?);
    }
    Ok(state)
}
