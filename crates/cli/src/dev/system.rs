//! One running site: the gateway with everything around it that a deployment would provide.

use super::keys::Keys;
use crate::args::Dev;
use crate::exit::Failure;
use crate::gateway::{LocalGateway, LocalPorts, countries};
use crate::load::quietly;
use portcullis_edge::gate::{AllowedMethods, ViewerProtocolPolicy};
use portcullis_edge::headers::CustomHeaders;
use portcullis_edge::pattern::{PathPattern, first_match};
use portcullis_origin::clock::{Clock as _, SystemClock};
use portcullis_origin::judge::Judge;
use portcullis_origin::state::memory::MemoryState;
use portcullis_origin::state::poll::{Freshness, LiveState};
use portcullis_origin::state::{SecretDigest, Secrets, SiteState};
use portcullis_site::{
    Behavior, Bundle, Caching, Methods, Origin, Requirement, Site, ViewerProtocol,
};
use portcullis_viewer::country::Country;
use portcullis_viewer::prefixes::{Guards, PrefixSnapshot};
use serde::Serialize;
use std::net::IpAddr;
use std::path::Path;

/// The address from which the edge front reaches the gateway: a documentation address, which no real peer has.
pub(super) const EDGE: &str = "203.0.113.1";
/// The domain name of the gateway's function URL.
pub(super) const FUNCTION_URL: &str = "portcullis-dev.lambda-url.local.on.aws";

/// A site at work.
pub(super) struct System {
    pub(super) gateway: LocalGateway<MemoryState>,
    /// What CloudFront serves itself: direct buckets, with the signatures it checks natively.
    pub(super) direct: LocalGateway<MemoryState>,
    pub(super) custom_headers: CustomHeaders,
    patterns: Vec<PathPattern>,
    keys: Keys,
    notes: Vec<String>,
}

/// A link to open and what will happen there.
#[derive(Debug, Serialize)]
pub(super) struct Link {
    pub(super) url: String,
    pub(super) verdict: &'static str,
    pub(super) why: String,
}

impl System {
    /// Starts the site of a manifest.
    pub(super) fn start(args: &Dev, manifest: &Path) -> Result<Self, Failure> {
        let loaded = quietly(manifest)?;
        let mut site = loaded.compiled.bundle.site().clone();
        let keys = Keys::add_to(&mut site)?;
        let clock = SystemClock::start();
        let now = clock.now().wall;
        let ports = LocalPorts::new(&args.local, &loaded.folder)?;
        let secret = crate::http::opaque_id();
        let state = state(args, &site, &secret, now)?;
        let local = countries(&args.local, &site, &loaded.folder, now)?;
        let direct = countries(&args.local, &site, &loaded.folder, now)?.countries;
        let notes = local
            .note
            .into_iter()
            .chain(missing_buckets(args, &site, &loaded.folder))
            .collect();
        let header = (site.guard.secret_header.name.clone(), secret);
        let patterns = site
            .behaviors
            .iter()
            .filter_map(|b| PathPattern::new(b.path.as_str()).ok())
            .collect();
        let start = |site: Site, countries, ports| {
            let bundle = Bundle::new(site).map_err(Failure::failed)?;
            let judge = Judge::new(bundle, countries).map_err(Failure::failed)?;
            let live = LiveState::new(
                MemoryState::new(Ok(state.clone())),
                clock,
                Freshness::default(),
                state.clone(),
            );
            Ok::<_, Failure>(LocalGateway::new(judge, live, clock, ports))
        };
        Ok(Self {
            direct: start(served_by_cloudfront(site.clone()), direct, ports.clone())?,
            gateway: start(site, local.countries, ports)?,
            custom_headers: CustomHeaders::new(vec![header]).map_err(Failure::failed)?,
            patterns,
            keys,
            notes,
        })
    }

    pub(super) fn site(&self) -> &Site {
        self.gateway.judge().site()
    }

    pub(super) fn digest(&self) -> &str {
        self.gateway.judge().digest()
    }

    pub(super) fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The behavior that CloudFront chooses for a target.
    pub(super) fn behavior(&self, target: &str) -> Option<&Behavior> {
        self.site()
            .behaviors
            .get(first_match(&self.patterns, target)?)
    }

    /// Whether CloudFront serves the behavior from the bucket itself.
    pub(super) fn is_direct(&self, behavior: &Behavior) -> bool {
        matches!(
            self.site().origins.get(&behavior.origin),
            Some(Origin::DirectBucket { .. })
        )
    }

    /// The country that CloudFront would see at `address`.
    pub(super) fn country(&self, address: IpAddr) -> Option<Country> {
        self.gateway
            .judge()
            .countries()
            .lookup(address, self.now())
            .known()
    }

    pub(super) fn now(&self) -> u64 {
        SystemClock::start().now().wall
    }

    /// One link for each behavior, and one more for each that asks for a signature.
    pub(super) fn links(&self, base: &str, viewer: IpAddr, country: Option<&str>) -> Vec<Link> {
        let mut links = Vec::new();
        for behavior in &self.site().behaviors {
            let path = sample_path(behavior);
            let (verdict, why) = super::front::foretell(self, viewer, country, &path, "");
            links.push(Link {
                url: format!("{base}{path}"),
                verdict,
                why,
            });
            links.extend(self.signed_link(behavior, base, viewer, country, &path));
        }
        links
    }

    fn signed_link(
        &self,
        behavior: &Behavior,
        base: &str,
        viewer: IpAddr,
        country: Option<&str>,
        path: &str,
    ) -> Option<Link> {
        let policy = self.site().policies.get(&behavior.policy)?;
        let group = policy
            .statements
            .iter()
            .find_map(|s| s.when.as_ref()?.signed_by.as_ref())?;
        let host = self.site().hosts.first()?;
        let signed =
            self.keys
                .sign(group, &format!("https://{host}{path}"), self.now() + 86_400)?;
        let query = signed.split_once('?')?.1.to_owned();
        let (verdict, why) = super::front::foretell(self, viewer, country, path, &query);
        Some(Link {
            url: format!("{base}{path}?{query}"),
            verdict,
            why: format!("signed for a day; {why}"),
        })
    }
}

/// A path that a behavior governs: its pattern up to the first wildcard.
fn sample_path(behavior: &Behavior) -> String {
    let prefix = behavior.path.literal_prefix();
    if prefix.is_empty() {
        "/".to_owned()
    } else {
        prefix.to_owned()
    }
}

/// Buckets of the site for which there is no folder.
fn missing_buckets(args: &Dev, site: &Site, folder: &Path) -> Vec<String> {
    let root = args
        .local
        .root
        .clone()
        .unwrap_or_else(|| folder.join("buckets"));
    let elsewhere = |name: &str| {
        args.local
            .bucket
            .iter()
            .any(|pair| pair.split_once('=').is_some_and(|(n, _)| n == name))
    };
    site.origins
        .values()
        .filter_map(|origin| match origin {
            Origin::Bucket { name, .. } | Origin::DirectBucket { name, .. } => Some(name.as_str()),
            Origin::Releases { .. } | Origin::Http(_) => None,
        })
        .filter(|name| !elsewhere(name) && !root.join(name).is_dir())
        .map(|name| {
            format!(
                "bucket `{name}` has no folder `{}`, so everything in it is missing",
                root.join(name).display()
            )
        })
        .collect()
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

/// The site as CloudFront serves its direct buckets: no gateway and no proof, and its own check of signatures.
fn served_by_cloudfront(mut site: Site) -> Site {
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

/// CloudFront's names for the settings of a behavior.
pub(super) fn gate_settings(behavior: &Behavior) -> (ViewerProtocolPolicy, AllowedMethods) {
    let protocol = match behavior.viewer_protocol {
        ViewerProtocol::AllowAll => ViewerProtocolPolicy::AllowAll,
        ViewerProtocol::HttpsOnly => ViewerProtocolPolicy::HttpsOnly,
        ViewerProtocol::RedirectToHttps => ViewerProtocolPolicy::RedirectToHttps,
    };
    let methods = match behavior.methods {
        Methods::GetHead => AllowedMethods::GetHead,
        Methods::GetHeadOptions => AllowedMethods::GetHeadOptions,
    };
    (protocol, methods)
}
