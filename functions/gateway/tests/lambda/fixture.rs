//! A deployment in a folder: a site's bundle, its objects, its state, and the function that serves them.

use portcullis_manifest::{Folder, compile};
use portcullis_origin::state::file::FileState;
use portcullis_origin::state::{SecretDigest, SiteState};
use portcullis_runtime_api::{
    FunctionConfig, Iam, Invocation, Lambda, Outcome, UrlAnswer, UrlRequest, function_url_event,
};
use portcullis_viewer::prefixes::{Guards, PrefixSnapshot};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tempfile::TempDir;

/// The accepted value of the secret header.
pub(crate) const SECRET: &str = "correct-horse-battery-staple-0001";

const MANIFEST: &str = include_str!("site.yaml");

/// A deployment. Its folder is gone with it.
pub(crate) struct Deployment {
    folder: TempDir,
    pub(crate) function: FunctionConfig,
}

impl Deployment {
    /// The site of `site.yaml`.
    pub(crate) fn new() -> Self {
        Self::of(MANIFEST)
    }

    /// The same site, with `from` replaced by `to` in its manifest.
    pub(crate) fn with(from: &str, to: &str) -> Self {
        assert!(MANIFEST.contains(from), "`{from}` is in the manifest");
        Self::of(&MANIFEST.replace(from, to))
    }

    fn of(manifest: &str) -> Self {
        let folder = TempDir::new().expect("a folder");
        let example = Folder(repository().join("example"));
        let compiled = compile(manifest, "site.yaml", &example)
            .unwrap_or_else(|errors| panic!("the test's manifest: {errors}"));
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir_all(at("objects/system-files")).expect("a bucket");
        std::fs::write(at("bundle.json"), compiled.bundle.bytes()).expect("a bundle");
        let function = FunctionConfig {
            timeout: Duration::from_secs(20),
            ..FunctionConfig::new(env!("CARGO_BIN_EXE_portcullis-gateway"))
        };
        let text = |path: PathBuf| path.display().to_string();
        let function = function
            .with_env("PORTCULLIS_BUNDLE", text(at("bundle.json")))
            .with_env(
                "PORTCULLIS_STATE",
                format!("file:{}", text(at("live.json"))),
            )
            .with_env(
                "PORTCULLIS_OBJECTS",
                format!("directory:{}", text(at("objects"))),
            );
        let deployment = Self { folder, function };
        deployment.change_state(|state| {
            state.secrets.version = 1;
            state.secrets.current = Some(SecretDigest::of(SECRET.as_bytes()));
            let networks = vec!["192.0.2.0/24".parse().expect("a network")];
            let edges = PrefixSnapshot::new("edges", 1, now(), networks, Guards::Edges);
            state
                .edge_lists
                .insert("edges".to_owned(), edges.expect("a list"));
        });
        deployment
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn change_state(&self, change: impl FnOnce(&mut SiteState)) {
        FileState::new(self.path("live.json"))
            .update(change)
            .expect("the state changes");
    }

    /// Puts an object into the bucket.
    pub(crate) fn put(&self, key: &str, contents: &[u8]) {
        let path = self.path("objects/system-files").join(key);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, contents).expect("an object");
    }

    pub(crate) async fn start(&self) -> Lambda {
        start(self.function.clone()).await
    }
}

pub(crate) async fn start(function: FunctionConfig) -> Lambda {
    Lambda::start(function).await.expect("the program starts")
}

pub(crate) fn repository() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

pub(crate) fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a clock")
        .as_secs()
}

/// A request as CloudFront would send it: signed, with the secret and the viewer's address.
pub(crate) fn request(target: &str) -> UrlRequest {
    let request = UrlRequest::get(target)
        .with_header("x-origin-verify", SECRET)
        .with_header("cloudfront-viewer-address", "203.0.113.7:46532")
        .with_header(
            "x-amz-cf-id",
            "pn0M2LyvNL0mSGYkVzIpDqTmWUF1c0C8gAAAAAAAAAAAAAAAAAAAAA==",
        );
    UrlRequest {
        iam: Some(Iam {
            access_key: "ASIA".to_owned(),
            account_id: "111122223333".to_owned(),
            caller_id: "AIDA".to_owned(),
            user_arn: "arn:aws:sts::111122223333:assumed-role/cloudfront/edge".to_owned(),
            user_id: "AIDA".to_owned(),
        }),
        ..request
    }
}

/// What the viewer of the function URL gets.
pub(crate) async fn ask(lambda: &Lambda, request: &UrlRequest) -> UrlAnswer {
    let Invocation { outcome, .. } = lambda.invoke(function_url_event(request)).await;
    assert!(matches!(outcome, Outcome::Buffered(_)), "{outcome:?}");
    UrlAnswer::of(&outcome)
}

/// Every decision line written so far. The last one is waited for, since it may still be on its way.
pub(crate) async fn decisions(lambda: &Lambda, count: usize) -> Vec<Value> {
    let seen = || -> Vec<Value> {
        let lines = lambda.logs();
        lines
            .iter()
            .filter_map(|line| serde_json::from_str(&line.text).ok())
            .collect()
    };
    for _ in 0..500 {
        if seen().len() >= count {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    seen()
}
