//! A deployment on this machine: the gateway's program under the stand-in for Lambda, its objects in SeaweedFS, its state in
//! moto, its bundle compiled from the manifest `deployed/site.yaml`.
//!
//! The program is the one cargo built for this package from the gateway's own source; `PORTCULLIS_GATEWAY_BINARY` names
//! another one, the packaged `bootstrap` for instance.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a module of several tests, each of which uses its part and fails where it cannot be set up"
)]

pub mod keys;
pub mod proxy;

use bytes::Bytes;
use keys::Keys;
use portcullis_aws::clients::Clients;
use portcullis_aws::config::{AwsAccess, TableName};
use portcullis_aws::dynamodb::DynamoStateWriter;
use portcullis_aws::environment::Environment;
use portcullis_aws::testing::{TestBucket, TestTable};
use portcullis_manifest::compile;
use portcullis_origin::state::{SecretDigest, Secrets, SiteState};
use portcullis_origin::store::RawMetadata;
use portcullis_runtime_api::{
    FunctionConfig, Iam, Lambda, Outcome, UrlAnswer, UrlRequest, function_url_event,
};
use portcullis_site::{Bucket, Name};
use portcullis_system::{Moto, SeaweedFs};
use portcullis_viewer::prefixes::{Guards, PrefixSnapshot};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tempfile::TempDir;

/// The value of the secret header that the first state accepts.
pub const SECRET: &str = "correct-horse-battery-staple-0001";
/// The host of the site, which signed URLs name.
pub const HOST: &str = "www.example.com";
const MANIFEST: &str = include_str!("site.yaml");
const BUCKET: &str = "deployed-files";
const TABLE: &str = "deployed-state";
const SITE: &str = "deployed";

/// A deployment. Its folder is gone with it.
pub struct Deployment {
    pub bucket: TestBucket,
    pub table: TestTable,
    pub writer: DynamoStateWriter,
    pub clients: Clients,
    pub keys: Keys,
    pub function: FunctionConfig,
    folder: TempDir,
}

impl Deployment {
    /// The site of `site.yaml`, with its state in `moto` and an empty bucket in `weed`.
    pub async fn new(weed: &SeaweedFs, moto: &Moto) -> Self {
        let keys = Keys::generate();
        let folder = TempDir::new().unwrap();
        let files = BTreeMap::from([("members.pem".to_owned(), keys.public_pem().into_bytes())]);
        let compiled = compile(MANIFEST, "site.yaml", &files)
            .unwrap_or_else(|errors| panic!("the test's manifest: {errors}"));
        let bundle = folder.path().join("bundle.json");
        std::fs::write(&bundle, compiled.bundle.bytes()).unwrap();
        std::fs::write(folder.path().join("handoff.pem"), keys.private_pem()).unwrap();

        let variables = variables(weed, moto);
        let environment = Environment::new(variables.clone(), "");
        let clients = Clients::new(&AwsAccess::read(&environment).unwrap());
        let (table_name, site) = (TableName::new(TABLE).unwrap(), Name::new(SITE).unwrap());
        let bucket = TestBucket::create(&clients, Bucket::new(BUCKET).unwrap())
            .await
            .unwrap();
        let table = TestTable::create(&clients, table_name.clone(), site.clone())
            .await
            .unwrap();
        let writer = clients.state_writer(table_name, site);
        writer.create(&first_state()).await.unwrap();

        let mut function = FunctionConfig::new(binary());
        function.timeout = Duration::from_secs(20);
        function.env = variables;
        let function = function
            .with_env("PORTCULLIS_BUNDLE", bundle.display().to_string())
            .with_env("PORTCULLIS_STATE", format!("dynamodb:{TABLE}/{SITE}"))
            .with_env(
                "PORTCULLIS_HANDOFF_KEY",
                format!("file:{}", folder.path().join("handoff.pem").display()),
            )
            .with_env("PORTCULLIS_HANDOFF_KEY_ID", keys.id());
        Self {
            bucket,
            table,
            writer,
            clients,
            keys,
            function,
            folder,
        }
    }

    /// A path beside the bundle.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Puts an object without metadata.
    pub async fn put(&self, key: &str, bytes: impl Into<Bytes>) {
        self.put_with(key, bytes, &RawMetadata::default()).await;
    }

    /// Puts an object.
    pub async fn put_with(&self, key: &str, bytes: impl Into<Bytes>, metadata: &RawMetadata) {
        let put = self.bucket.put(key, bytes.into(), metadata).await;
        put.unwrap_or_else(|error| panic!("{key}: {error}"));
    }

    /// Starts `environments` processes and waits until they ask for events.
    pub async fn start(&self, environments: usize) -> Lambda {
        let mut function = self.function.clone();
        function.environments = environments;
        let lambda = Lambda::start(function).await.unwrap();
        let ready = lambda.ready().await;
        ready.unwrap_or_else(|failure| panic!("{failure:?}: {:#?}", lambda.logs()));
        lambda
    }
}

/// S3 in SeaweedFS, everything else in moto, which takes any key.
fn variables(weed: &SeaweedFs, moto: &Moto) -> Vec<(String, String)> {
    let mut variables = weed.env();
    variables.push(("AWS_ENDPOINT_URL_DYNAMODB".to_owned(), moto.endpoint()));
    variables
}

/// The gateway's program.
pub fn binary() -> PathBuf {
    let given = std::env::var_os("PORTCULLIS_GATEWAY_BINARY");
    given.map_or_else(
        || PathBuf::from(env!("CARGO_BIN_EXE_deployed-gateway")),
        PathBuf::from,
    )
}

/// [`SECRET`], one network of edges, one of partners.
pub fn first_state() -> SiteState {
    let list = |name: &str, network: &str, guards| {
        let networks = vec![network.parse().unwrap()];
        let list = PrefixSnapshot::new(name, 1, now(), networks, guards).unwrap();
        (name.to_owned(), list)
    };
    SiteState {
        secrets: secrets(1, None, SECRET, None),
        edge_lists: [list("edges", "192.0.2.0/24", Guards::Edges)].into(),
        prefix_lists: [list("pl-0a1b2c3d", "198.51.100.128/25", Guards::Viewers)].into(),
        release: None,
    }
}

/// Accepted secrets.
pub fn secrets(
    version: u64,
    pending: Option<&str>,
    current: &str,
    previous: Option<&str>,
) -> Secrets {
    let digest = |value: &str| SecretDigest::of(value.as_bytes());
    Secrets {
        version,
        pending: pending.map(digest),
        current: Some(digest(current)),
        previous: previous.map(digest),
    }
}

/// Seconds since the epoch.
pub fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    since.as_secs()
}

/// A request as CloudFront sends it for a viewer in Germany with an address of no network.
pub fn genuine(target: &str) -> UrlRequest {
    from(target, "203.0.113.7:46532", "DE", SECRET)
}

/// A request as CloudFront sends it.
pub fn from(target: &str, viewer: &str, country: &str, secret: &str) -> UrlRequest {
    let request = UrlRequest::get(target)
        .with_header("x-origin-verify", secret)
        .with_header("cloudfront-viewer-address", viewer)
        .with_header("cloudfront-viewer-country", country);
    let principal = |text: &str| text.to_owned();
    UrlRequest {
        iam: Some(Iam {
            access_key: principal("ASIA"),
            account_id: principal("111122223333"),
            caller_id: principal("AIDA"),
            user_arn: principal("arn:aws:sts::111122223333:assumed-role/cloudfront/edge"),
            user_id: principal("AIDA"),
        }),
        ..request
    }
}

/// What the viewer gets; an invocation that comes to anything but an answer fails the test.
pub async fn ask(lambda: &Lambda, request: &UrlRequest) -> UrlAnswer {
    let invocation = lambda.invoke(function_url_event(request)).await;
    let outcome = invocation.outcome;
    assert!(
        matches!(outcome, Outcome::Buffered(_)),
        "{request:?}: {outcome:?}"
    );
    UrlAnswer::of(&outcome)
}

/// The decision lines written so far.
pub fn decisions(lambda: &Lambda) -> Vec<Value> {
    let lines = lambda.logs();
    let read = |line: &portcullis_runtime_api::LogLine| serde_json::from_str(&line.text).ok();
    lines.iter().filter_map(read).collect()
}
