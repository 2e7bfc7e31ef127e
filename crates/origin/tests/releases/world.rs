//! A whole gateway over directories and a state file, and releases put into them by hand.

use bytes::Bytes;
use http_body_util::BodyExt as _;
use portcullis_origin::clock::{Now, TestClock};
use portcullis_origin::countries::Countries;
use portcullis_origin::handle::Gateway;
use portcullis_origin::judge::Judge;
use portcullis_origin::object_path::ObjectKey;
use portcullis_origin::request::{Front, Headers, Request};
use portcullis_origin::response::Body;
use portcullis_origin::serve::{Budget, Carriage, NoSigner, Ports};
use portcullis_origin::state::file::FileState;
use portcullis_origin::state::poll::{Freshness, LiveState};
use portcullis_origin::state::{Serving, SiteState, Stored};
use portcullis_origin::store::directory::{DirectoryStore, DirectoryWriter};
use portcullis_origin::store::{
    Fetched, Metadata, ObjectRef, ObjectStore, RawMetadata, StoreError, Want,
};
use portcullis_origin::upstream::{Upstream, UpstreamError, UpstreamRequest, UpstreamResponse};
use portcullis_release_manifest::{
    Coding, Digest, File, Object, Release, Rules, VersionedKey, encode, headers, redirects,
};
use portcullis_site::{Bucket, Bundle};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

const NOW: u64 = 1_790_000_000;

/// A directory store that counts.
pub(crate) struct Counting {
    store: DirectoryStore,
    pub(crate) calls: AtomicU32,
}

impl ObjectStore for Counting {
    async fn get(&self, object: &ObjectRef, want: &Want) -> Result<Fetched, StoreError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.store.get(object, want).await
    }
    async fn head(&self, object: &ObjectRef) -> Result<Option<Metadata>, StoreError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.store.head(object).await
    }
}

pub(crate) struct TestPorts(Arc<Counting>);

pub(crate) struct NoUpstream;

impl Upstream for NoUpstream {
    async fn fetch(&self, _: UpstreamRequest<'_>) -> Result<UpstreamResponse, UpstreamError> {
        Err(UpstreamError::Connect)
    }
}

impl Ports for TestPorts {
    type Objects = Counting;
    type Upstream = NoUpstream;
    type Signer = NoSigner;
    fn objects(&self) -> &Arc<Counting> {
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
pub(crate) struct World {
    gateway: Gateway<TestPorts, FileState, Arc<TestClock>>,
    store: Arc<Counting>,
    state: FileState,
    writer: DirectoryWriter,
    clock: Arc<TestClock>,
    directory: tempfile::TempDir,
}

/// What a request asks for besides its path.
#[derive(Clone, Copy, Default)]
pub(crate) struct Ask<'a> {
    pub(crate) method: Option<&'a str>,
    pub(crate) query: &'a str,
    pub(crate) headers: Headers<'a>,
    pub(crate) cookies: &'a [&'a str],
}

/// An answer, read to its end.
#[derive(Debug, PartialEq)]
pub(crate) struct Got {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) text: String,
    /// Calls to the store, a manifest's included.
    pub(crate) calls: u32,
}

impl Got {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(n, _)| n == name);
        found.map(|(_, value)| value.as_str())
    }
}

fn bucket() -> Bucket {
    Bucket::new("release-bucket").unwrap()
}

fn site() -> Value {
    let behavior = |path: &str, policy: &str, caching: Value| {
        json!({
            "path": path, "origin": "pages", "policy": policy, "enforce": "origin", "caching": caching,
            "methods": "get-head", "viewer_protocol": "https-only", "compress": false,
            "response_headers": { "security": "none", "cors": null }, "large_objects": "refuse",
        })
    };
    let cached = |headers: &[&str]| {
        json!({ "enabled": {
            "key": { "query": "none", "headers": headers, "country": false },
            "ttl": { "min": 0, "default": 86_400, "max": 31_536_000 },
        } })
    };
    let mut guard = serde_json::to_value(portcullis_site::Guard::default()).unwrap();
    for layer in ["access_control", "secret_header", "edges"] {
        *guard.pointer_mut(&format!("/{layer}/mode")).unwrap() = json!("off");
    }
    let everyone = json!({ "mode": "enforce", "statements": [{ "effect": "allow", "when": null, "reason": null }] });
    let nobody = json!({ "mode": "enforce", "statements": [{ "effect": "deny", "when": null, "reason": null }] });
    json!({
        "site": "handbook", "hosts": [], "certificate": null, "hosted_zone": null,
        "viewer_tls": "TLSv1.2_2021", "origin_shield": null,
        "origins": { "pages": { "releases": { "bucket": "release-bucket" } } },
        "origin_groups": {}, "guard": guard,
        "geo": { "source": "cloudfront", "database": null, "on_disagreement": "deny", "groups": {} },
        "networks": {}, "key_groups": {},
        "policies": { "everyone": everyone, "nobody": nobody },
        "behaviors": [
            behavior("/secret/*", "nobody", json!("disabled")),
            behavior("/live/*", "everyone", json!("disabled")),
            behavior("/keyed/*", "everyone", cached(&["x-portcullis-preview", "x-portcullis-sticky"])),
            behavior("*", "everyone", cached(&[])),
        ],
        "releases": null, "errors": {},
    })
}

impl World {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let bundle = Bundle::new(serde_json::from_value(site()).unwrap()).unwrap();
        let judge = Judge::new(bundle, Countries::none()).unwrap();
        let state = FileState::new(directory.path().join("state.json"));
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
        let buckets = directory.path().join("buckets");
        let store = Arc::new(Counting {
            store: DirectoryStore::new(&buckets),
            calls: AtomicU32::new(0),
        });
        Self {
            gateway: Gateway::new(
                judge,
                live,
                Arc::clone(&clock),
                TestPorts(Arc::clone(&store)),
            ),
            store,
            state,
            writer: DirectoryWriter::new(buckets),
            clock,
            directory,
        }
    }

    /// Stores a release: files by path, and with what rules.
    pub(crate) fn store(&self, files: &[(&str, &str)], rules: Rules) -> Stored {
        let mut release = Release {
            rules: Rules {
                classes: vec!["**".to_owned()],
                ..rules
            },
            ..Release::default()
        };
        for (path, text) in files {
            release
                .files
                .insert((*path).to_owned(), self.file(path, text));
        }
        let bytes = encode(&release).unwrap();
        let stored = Stored {
            release: Digest::of(&bytes),
            era: 1,
        };
        self.write(&stored.manifest_key(), &bytes);
        stored
    }

    fn file(&self, path: &str, text: &str) -> File {
        let (content_type, extension) = match path.rsplit_once('.') {
            Some((_, "html")) => ("text/html; charset=utf-8", "html"),
            Some((_, "js")) => ("text/javascript; charset=utf-8", "js"),
            _ => ("application/octet-stream", ""),
        };
        let versioned = path.contains("-h");
        let cache_control = if versioned {
            "public, max-age=31536000, immutable"
        } else {
            "public, max-age=60, s-maxage=300"
        };
        let object = |text: &str| {
            let key = VersionedKey::of_object(1, &Digest::of(text.as_bytes()), Some(extension));
            self.write(&key, text.as_bytes());
            Object {
                key,
                size: text.len() as u64,
                sha256: Digest::of(text.as_bytes()),
            }
        };
        File {
            object: object(text),
            content_type: content_type.to_owned(),
            cache_control: cache_control.to_owned(),
            class: Some(0),
            versioned,
            tags: vec!["docs".to_owned()],
            variants: if path.contains("packed") {
                vec![(Coding::Brotli, object(&format!("br of {text}")))]
            } else {
                Vec::new()
            },
        }
    }

    pub(crate) fn write(&self, key: &VersionedKey, bytes: &[u8]) {
        let key = ObjectKey::of_release(key);
        self.writer
            .put(&bucket(), &key, bytes, &RawMetadata::default())
            .unwrap();
    }

    pub(crate) fn remove(&self, key: &VersionedKey) {
        let key = ObjectKey::of_release(key);
        self.writer.remove(&bucket(), &key).unwrap();
    }

    /// Changes what readers poll, and lets the time pass in which they see it.
    pub(crate) fn publish(&self, serving: Serving) {
        self.state
            .update(|state| state.release = Some(serving))
            .unwrap();
        self.pass(Duration::from_secs(11));
    }

    /// Puts a state in place that no writer would write: what a lagging replica says.
    pub(crate) fn overwrite(&self, serving: Serving) {
        let state = SiteState {
            release: Some(serving),
            ..SiteState::default()
        };
        let path = self.directory.path().join("state.json");
        std::fs::write(path, serde_json::to_vec(&state).unwrap()).unwrap();
    }

    pub(crate) fn pass(&self, time: Duration) {
        self.clock.advance(time);
    }

    pub(crate) async fn ask(&self, path: &str, ask: Ask<'_>) -> Got {
        let request = Request {
            front: Front::Server,
            principal: None,
            peer: None,
            method: ask.method.unwrap_or("GET"),
            raw_path: path,
            raw_query: ask.query,
            headers: ask.headers,
            cookies: ask.cookies,
            id: "t",
        };
        let budget = Budget {
            carriage: Carriage::Unlimited,
            time: Duration::from_secs(5),
            jitter: 0,
        };
        let before = self.store.calls.load(Ordering::Relaxed);
        let response = self.gateway.handle(&request, &budget).await.response;
        let bytes = match response.body {
            Body::Empty => Bytes::new(),
            Body::Whole(bytes) => bytes,
            Body::Stream { bytes, .. } => bytes.collect().await.unwrap().to_bytes(),
        };
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let headers = response.headers.iter();
        Got {
            status: response.status,
            headers: headers
                .map(|(n, v)| (n.to_string(), text(v.as_bytes())))
                .collect(),
            text: text(&bytes),
            calls: self.store.calls.load(Ordering::Relaxed) - before,
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Got {
        self.ask(path, Ask::default()).await
    }
}

/// Rules with everything in them.
pub(crate) fn rules() -> Rules {
    Rules {
        entry: "index.html".to_owned(),
        clean_urls: true,
        fallback: Some("app.html".to_owned()),
        not_found: Some("404.html".to_owned()),
        redirects: redirects::parse(
            "/old/* /guide/:splat 302\n/guide /moved\n/forced.html /guide 301!\n/app/* /app.html 200\n\
             /gone/* /404.html 410\n/steal /secret/plan.html 200\n/away https://example.com/x",
        )
        .unwrap(),
        headers: headers::parse(
            "/*\n  X-Robots-Tag: noindex\n/short.html\n  Cache-Control: public, max-age=7, s-maxage=8\n",
        )
        .unwrap(),
        ..Rules::default()
    }
}

/// One release alone, live.
pub(crate) fn only(epoch: u64, live: Stored) -> Serving {
    Serving {
        epoch,
        live: Some(live),
        kept: vec![live],
        ..Serving::default()
    }
}
