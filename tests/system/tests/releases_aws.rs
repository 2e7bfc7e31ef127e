//! Releases in an account: the bucket in S3 and the ledger in DynamoDB keep every promise of the ports, and what the command
//! line publishes there is what the deployed gateway serves, flips and rolls back.
//!
//! Witnesses: SeaweedFS for S3, moto for DynamoDB. Moto's conditional writes are not atomic between writers at the same moment;
//! that two publishers do no harm is shown on a model of the protocol.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must fail"
)]

mod deployed;

use deployed::{SECRET, ask, from, secrets};
use portcullis_aws::clients::Clients;
use portcullis_aws::config::{AwsAccess, TableName};
use portcullis_aws::environment::Environment;
use portcullis_aws::testing::{TestBucket, TestTable};
use portcullis_manifest::compile;
use portcullis_origin::state::SiteState;
use portcullis_release::conformance;
use portcullis_runtime_api::{FunctionConfig, Lambda};
use portcullis_site::{Bucket, Name};
use portcullis_system::{Moto, SeaweedFs};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

const MANIFEST: &str = "\
version: 1
site: released
origins: { pages: { releases: { bucket: released-pages } } }
guard: { edges: { mode: off } }
policies: { everyone: [{ allow: any }] }
behaviors: [{ path: \"*\", origin: pages, policy: everyone }]
";
const STATE: &str = "dynamodb:released/released";
/// How long a gateway may take to learn of a flip: a fifth more than the age at which a state is read again.
const PATIENCE: Duration = Duration::from_secs(20);

fn variables() -> Vec<(String, String)> {
    let mut variables = SeaweedFs::shared().unwrap().env();
    let dynamodb = Moto::shared().unwrap().endpoint();
    variables.push(("AWS_ENDPOINT_URL_DYNAMODB".to_owned(), dynamodb));
    variables
}

fn clients() -> Clients {
    let environment = Environment::new(variables(), "");
    Clients::new(&AwsAccess::read(&environment).unwrap())
}

/// A bucket, and a table with the state of a site.
async fn account(bucket: &str, table: &str, site: &str) -> (Clients, Bucket, TableName, Name) {
    let clients = clients();
    let bucket = Bucket::new(bucket).unwrap();
    TestBucket::create(&clients, bucket.clone()).await.unwrap();
    let (table, site) = (TableName::new(table).unwrap(), Name::new(site).unwrap());
    TestTable::create(&clients, table.clone(), site.clone())
        .await
        .unwrap();
    let state = SiteState {
        secrets: secrets(1, None, SECRET, None),
        ..SiteState::default()
    };
    clients
        .state_writer(table.clone(), site.clone())
        .create(&state)
        .await
        .unwrap();
    (clients, bucket, table, site)
}

#[tokio::test]
async fn a_bucket_and_a_table_keep_every_promise() {
    let (clients, bucket, table, site) = account("kept-promises", "kept-promises", "kept").await;
    conformance::objects(&clients.release_objects(bucket)).await;
    conformance::ledger(&clients.ledger(table, site)).await;
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_portcullis-with-aws"))
        .current_dir(folder)
        .args(arguments)
        .args(["--state", STATE, "--json"])
        .envs(variables())
        .output()
        .unwrap()
}

fn publish(folder: &Path, page: &str) {
    std::fs::create_dir_all(folder.join("dist")).unwrap();
    std::fs::write(folder.join("dist/index.html"), page).unwrap();
    let ran = run(folder, &["publish", "dist", "--yes"]);
    assert!(ran.status.success(), "{ran:?}");
}

/// The gateway as it is deployed, for the same bucket and table.
async fn gateway(folder: &Path) -> Lambda {
    let compiled = compile(MANIFEST, "portcullis.yaml", &BTreeMap::new()).unwrap();
    let bundle = folder.join("bundle.json");
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
    lambda
}

async fn waits_for(lambda: &Lambda, page: &str) {
    let started = Instant::now();
    loop {
        let answer = ask(lambda, &from("/", "203.0.113.7:46532", "DE", SECRET)).await;
        if answer.status == 200 && answer.body == page.as_bytes() {
            return;
        }
        assert!(started.elapsed() < PATIENCE, "{page}: {answer:?}");
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}

#[tokio::test]
async fn what_is_published_to_an_account_is_served_and_rolled_back() {
    account("released-pages", "released", "released").await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("portcullis.yaml"), MANIFEST).unwrap();
    publish(folder.path(), "<p>first</p>");
    let lambda = gateway(folder.path()).await;
    waits_for(&lambda, "<p>first</p>").await;
    publish(folder.path(), "<p>second</p>");
    waits_for(&lambda, "<p>second</p>").await;
    let again = run(folder.path(), &["publish", "dist", "--plan"]);
    assert_eq!(
        again.status.code(),
        Some(0),
        "nothing would change: {again:?}"
    );
    let back = run(folder.path(), &["rollback"]);
    assert!(back.status.success(), "{back:?}");
    waits_for(&lambda, "<p>first</p>").await;
    let listed = run(folder.path(), &["releases"]);
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    assert_eq!(
        listed
            .lines()
            .filter(|line| line.contains("\"release\""))
            .count(),
        2,
        "{listed}"
    );
    let collected = run(folder.path(), &["gc", "--plan"]);
    assert!(
        matches!(collected.status.code(), Some(0 | 4)),
        "{collected:?}"
    );
}

#[tokio::test]
async fn without_a_state_nothing_goes_live_and_the_next_step_is_told() {
    let (clients, bucket, table, _) = account("stateless-pages", "stateless", "deployed").await;
    drop((bucket, table));
    let folder = tempfile::tempdir().unwrap();
    let manifest = MANIFEST.replace("released-pages", "stateless-pages");
    std::fs::write(folder.path().join("portcullis.yaml"), manifest).unwrap();
    std::fs::create_dir_all(folder.path().join("dist")).unwrap();
    std::fs::write(folder.path().join("dist/index.html"), "page").unwrap();
    let publish = |state: &str| {
        let ran = Command::new(env!("CARGO_BIN_EXE_portcullis-with-aws"))
            .current_dir(folder.path())
            .args(["publish", "dist", "--yes", "--state", state])
            .envs(variables())
            .output();
        let ran = ran.unwrap();
        (
            ran.status.code(),
            String::from_utf8_lossy(&ran.stderr).into_owned(),
        )
    };
    let (code, said) = publish("dynamodb:stateless/other");
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("table `stateless` has no state of site `other`; deploy the site first"),
        "{said}"
    );
    let (code, said) = publish("dynamodb:no-such-table/other");
    assert_eq!(code, Some(1), "{said}");
    drop(clients);
}
