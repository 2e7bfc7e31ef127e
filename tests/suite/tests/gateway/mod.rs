//! A whole gateway in one process, over stores in memory and clocks that stand still, for the tests that drive it.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "a module of several tests, each of which uses its part and fails where it cannot be set up"
)]

use portcullis_origin::clock::{Now, TestClock};
use portcullis_origin::countries::Countries;
use portcullis_origin::handle::{Answer, Gateway};
use portcullis_origin::judge::Judge;
use portcullis_origin::request::{Front, Headers, Principal, Request};
use portcullis_origin::serve::{Budget, Carriage, NoSigner, Ports};
use portcullis_origin::state::memory::MemoryState;
use portcullis_origin::state::poll::{Freshness, LiveState};
use portcullis_origin::state::{SecretDigest, Secrets, SiteState};
use portcullis_origin::store::memory::{MemoryObject, MemoryStore};
use portcullis_origin::upstream::{Upstream, UpstreamError, UpstreamRequest, UpstreamResponse};
use portcullis_site::{Bucket, Bundle};
use portcullis_viewer::prefixes::{Guards, PrefixSnapshot};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// Where the clocks stand at first, in seconds since the epoch.
pub const NOW: u64 = 1_790_000_000;
/// The secret header's accepted value.
pub const SECRET: &str = "a-secret-made-for-this-test";

/// The ports of the gateway: a store in memory and no custom origin.
pub struct TestPorts(Arc<MemoryStore>);

pub struct NoUpstream;

impl Upstream for NoUpstream {
    async fn fetch(&self, _: UpstreamRequest<'_>) -> Result<UpstreamResponse, UpstreamError> {
        Err(UpstreamError::Connect)
    }
}

impl Ports for TestPorts {
    type Objects = MemoryStore;
    type Upstream = NoUpstream;
    type Signer = NoSigner;

    fn objects(&self) -> &Arc<MemoryStore> {
        &self.0
    }
    fn upstream(&self) -> &NoUpstream {
        &NoUpstream
    }
    fn signer(&self) -> &NoSigner {
        &NoSigner
    }
}

/// The gateway and what a test can turn.
pub struct TestGateway {
    pub gateway: Gateway<TestPorts, MemoryState, Arc<TestClock>>,
    pub store: MemoryStore,
    pub state: MemoryState,
    pub clock: Arc<TestClock>,
    pub budget: Budget,
}

impl TestGateway {
    /// A gateway of `site`, its state read from a store that says [`state`].
    pub fn of(site: Value) -> Self {
        let site = serde_json::from_value(site).unwrap();
        let judge = Judge::new(Bundle::new(site).unwrap(), Countries::none()).unwrap();
        let (store, state) = (MemoryStore::new(), MemoryState::new(Ok(state())));
        let clock = Arc::new(TestClock::at(Now {
            wall: NOW,
            monotonic: 0,
        }));
        let live = LiveState::new(
            state.clone(),
            Arc::clone(&clock),
            Freshness::default(),
            SiteState::default(),
        );
        let ports = TestPorts(Arc::new(store.clone()));
        let gateway = Gateway::new(judge, live, Arc::clone(&clock), ports);
        let budget = Budget {
            carriage: Carriage::Unlimited,
            time: Duration::from_secs(5),
            jitter: 0,
        };
        Self {
            gateway,
            store,
            state,
            clock,
            budget,
        }
    }

    /// Puts an object into the site's bucket.
    pub fn put(&self, key: &str, bytes: &str) {
        let bucket = Bucket::new("small-files").unwrap();
        self.store.put(
            &bucket,
            key,
            MemoryObject::new(bytes.to_owned()).with_type("text/plain"),
        );
    }

    /// The answer to `request`.
    pub async fn ask<'a>(&'a self, request: &Request<'a>) -> Answer<'a> {
        self.gateway.handle(request, &self.budget).await
    }
}

/// A state in which [`SECRET`] is current and `edges` is a fresh list of edges.
pub fn state() -> SiteState {
    let list = |name: &str, network: &str, guards| {
        let snapshot =
            PrefixSnapshot::new(name, 1, NOW - 60, vec![network.parse().unwrap()], guards).unwrap();
        (name.to_owned(), snapshot)
    };
    SiteState {
        secrets: secrets(1, SECRET, None),
        edge_lists: [list("edges", "130.176.0.0/17", Guards::Edges)].into(),
        prefix_lists: [list("pl-0a1b2c3d", "203.0.113.0/24", Guards::Viewers)].into(),
        release: None,
    }
}

/// Accepted secrets.
pub fn secrets(version: u64, current: &str, previous: Option<&str>) -> Secrets {
    let digest = |value: &str| SecretDigest::of(value.as_bytes());
    Secrets {
        version,
        pending: None,
        current: Some(digest(current)),
        previous: previous.map(digest),
    }
}

/// A genuine GET of `path`.
pub fn genuine(path: &str) -> Request<'_> {
    Request {
        front: Front::Domain("u.lambda-url.eu-west-1.on.aws"),
        principal: Some(Principal { arn: None }),
        peer: Some("130.176.1.1"),
        method: "GET",
        raw_path: path,
        raw_query: "",
        headers: Headers {
            secret: Some(SECRET),
            ..Headers::default()
        },
        cookies: &[],
        id: "0123456789abcdef",
    }
}

/// The same request with another secret.
pub fn with_secret<'a>(request: Request<'a>, secret: &'a str) -> Request<'a> {
    Request {
        headers: Headers {
            secret: Some(secret),
            ..request.headers
        },
        ..request
    }
}
