//! `portcullis secret` over DynamoDB, while the deployed gateway runs: the first value, a second one, and the end of the first.
//! No genuine request is refused on the way.
//!
//! Witness: moto.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must fail"
)]

mod deployed;

use deployed::{ask, from};
use portcullis_aws::clients::Clients;
use portcullis_aws::config::{AwsAccess, TableName};
use portcullis_aws::environment::Environment;
use portcullis_aws::testing::{TestBucket, TestTable};
use portcullis_manifest::compile;
use portcullis_origin::store::RawMetadata;
use portcullis_runtime_api::{FunctionConfig, Lambda};
use portcullis_site::{Bucket, Name};
use portcullis_system::{Moto, SeaweedFs};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const MANIFEST: &str = "\
version: 1
site: rotated
origins: { files: { bucket: { name: rotated-files } } }
guard: { edges: { mode: off } }
policies: { everyone: [{ allow: any }] }
behaviors: [{ path: \"*\", origin: files, policy: everyone }]
";
const STATE: &str = "dynamodb:rotated/rotated";
const FIRST: &str = "the-first-secret-of-this-little-test";
const SECOND: &str = "the-second-secret-of-this-little-test";
/// How long a gateway may take to learn of a step.
const PATIENCE: Duration = Duration::from_secs(20);

fn variables() -> Vec<(String, String)> {
    let mut variables = SeaweedFs::shared().unwrap().env();
    let dynamodb = Moto::shared().unwrap().endpoint();
    variables.push(("AWS_ENDPOINT_URL_DYNAMODB".to_owned(), dynamodb));
    variables
}

fn secret(step: &str, value: &str) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_portcullis-with-aws"))
        .args(["secret", step, "--state", STATE])
        .envs(variables())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(value.as_bytes())
        .unwrap();
    assert!(child.wait().unwrap().success(), "{step}");
}

async fn status(lambda: &Lambda, secret: &str) -> u16 {
    ask(lambda, &from("/a.txt", "203.0.113.7:46532", "DE", secret))
        .await
        .status
}

/// Waits for a status of requests with one value, while those with another one are never refused.
async fn waits_for(lambda: &Lambda, value: &str, expected: u16, genuine: &str) {
    let started = Instant::now();
    while status(lambda, value).await != expected {
        assert_eq!(
            status(lambda, genuine).await,
            200,
            "a genuine request is refused"
        );
        assert!(started.elapsed() < PATIENCE, "{expected}");
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}

#[tokio::test]
async fn a_secret_is_rotated_by_hand_and_no_genuine_request_is_refused() {
    let environment = Environment::new(variables(), "");
    let clients = Clients::new(&AwsAccess::read(&environment).unwrap());
    let bucket = TestBucket::create(&clients, Bucket::new("rotated-files").unwrap())
        .await
        .unwrap();
    bucket
        .put("a.txt", "page".into(), &RawMetadata::default())
        .await
        .unwrap();
    let (table, site) = (
        TableName::new("rotated").unwrap(),
        Name::new("rotated").unwrap(),
    );
    TestTable::create(&clients, table, site).await.unwrap();
    secret("accept", FIRST);
    let folder = tempfile::tempdir().unwrap();
    let bundle = folder.path().join("bundle.json");
    let compiled = compile(MANIFEST, "portcullis.yaml", &BTreeMap::new()).unwrap();
    std::fs::write(&bundle, compiled.bundle.bytes()).unwrap();
    let mut function = FunctionConfig::new(deployed::binary());
    function.timeout = Duration::from_secs(20);
    function.env = variables();
    let function = function
        .with_env("PORTCULLIS_BUNDLE", bundle.display().to_string())
        .with_env("PORTCULLIS_STATE", STATE);
    let lambda = Lambda::start(function).await.unwrap();
    lambda
        .ready()
        .await
        .unwrap_or_else(|why| panic!("{why:?}: {:#?}", lambda.logs()));
    assert_eq!(
        (status(&lambda, FIRST).await, status(&lambda, SECOND).await),
        (200, 403)
    );
    secret("accept", SECOND);
    waits_for(&lambda, SECOND, 200, FIRST).await;
    secret("promote", "");
    secret("retire", "");
    waits_for(&lambda, FIRST, 403, SECOND).await;
    assert_eq!(status(&lambda, SECOND).await, 200);
}
