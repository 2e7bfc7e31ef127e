//! `portcullis serve` over S3 and DynamoDB: the same answers as over a folder, a secret that is rotated in the table, and a
//! start that fails where AWS does not answer.
//!
//! Witnesses: SeaweedFS for S3, moto for DynamoDB. What the answers themselves must be is held elsewhere; here it is shown
//! that the program reaches both.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on must fail"
)]

use bytes::Bytes;
use portcullis_aws::clients::Clients;
use portcullis_aws::config::{AwsAccess, TableName};
use portcullis_aws::environment::Environment;
use portcullis_aws::testing::{TestBucket, TestTable};
use portcullis_origin::state::{SecretDigest, Secrets, SiteState};
use portcullis_origin::store::RawMetadata;
use portcullis_site::{Bucket, Name};
use portcullis_system::{Moto, SeaweedFs};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

const MANIFEST: &str = "\
version: 1
site: plain
origins: { files: { bucket: { name: served-files, index: index.html } } }
guard:
  access_control: off
  secret_header: { name: x-front-proof, rotate_every: 30d, overlap: 1h }
  edges: { mode: off }
policies: { everyone: [{ allow: any }] }
behaviors: [{ path: \"*\", origin: files, policy: everyone }]
";

const SECRET: &str = "the-first-secret-of-thirty-two-bytes";
const NEXT_SECRET: &str = "another-secret-of-thirty-two-bytes-!";
const STATE: &str = "dynamodb:served/plain";

/// How long the program may take to learn of a new state.
const PATIENCE: Duration = Duration::from_secs(30);

/// The variables that lead to both servers.
fn variables() -> Vec<(String, String)> {
    let mut variables = SeaweedFs::shared().unwrap().env();
    let dynamodb = Moto::shared().unwrap().endpoint();
    variables.push(("AWS_ENDPOINT_URL_DYNAMODB".to_owned(), dynamodb));
    variables
}

fn command(folder: &Path, variables: &[(String, String)], arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis-with-aws"));
    command
        .current_dir(folder)
        .args(["serve", "--listen", "127.0.0.1:0", "--log", "none"])
        .args(arguments)
        .envs(variables.iter().cloned())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// The running program; it ends with the test.
struct Serve {
    child: Child,
    address: SocketAddr,
}

impl Serve {
    #[track_caller]
    fn start(folder: &Path) -> Self {
        let mut command = command(folder, &variables(), &["--s3", "--state", STATE]);
        let mut child = command.stderr(Stdio::inherit()).spawn().unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        let address = line.trim_end().strip_prefix("http://").unwrap();
        let address = address.parse().unwrap();
        Self { child, address }
    }

    /// The whole answer to a request with this secret and one more header.
    fn ask(&self, method: &str, target: &str, secret: &str, header: &str) -> String {
        let mut stream = TcpStream::connect(self.address).unwrap();
        let request = format!(
            "{method} {target} HTTP/1.1\r\nhost: a\r\nconnection: close\r\nx-front-proof: {secret}\r\n{header}\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn is_heard(&self, secret: &str) -> bool {
        let answer = self.ask("GET", "/", secret, "x: y");
        answer.starts_with("HTTP/1.1 200 ")
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// A request and what its answer begins and ends with.
#[track_caller]
fn check(serve: &Serve, method: &str, target: &str, header: &str, status: &str, body: &str) {
    let answer = serve.ask(method, target, SECRET, header);
    let (head, rest) = answer.split_once("\r\n\r\n").unwrap();
    let begins = head.starts_with(&format!("HTTP/1.1 {status} "));
    assert!(begins, "{method} {target}: {answer}");
    assert_eq!(rest, body, "{method} {target}");
}

fn secrets(version: u64, current: &str, previous: Option<&str>) -> Secrets {
    let digest = |secret: &str| SecretDigest::of(secret.as_bytes());
    Secrets {
        version,
        current: Some(digest(current)),
        previous: previous.map(digest),
        ..Secrets::default()
    }
}

fn site() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("portcullis.yaml"), MANIFEST).unwrap();
    folder
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_come_from_s3_and_secrets_from_dynamodb() {
    let environment = Environment::new(variables(), "");
    let clients = Clients::new(&AwsAccess::read(&environment).unwrap());
    let bucket = Bucket::new("served-files").unwrap();
    let bucket = TestBucket::create(&clients, bucket).await.unwrap();
    let plain = RawMetadata::default();
    for (key, text) in [("index.html", "<p>welcome</p>"), ("a.txt", "0123456789")] {
        bucket.put(key, Bytes::from(text), &plain).await.unwrap();
    }
    let (table, name) = (
        TableName::new("served").unwrap(),
        Name::new("plain").unwrap(),
    );
    TestTable::create(&clients, table.clone(), name.clone())
        .await
        .unwrap();
    let writer = clients.state_writer(table, name);
    let state = SiteState {
        secrets: secrets(1, SECRET, None),
        ..SiteState::default()
    };
    writer.create(&state).await.unwrap();

    let folder = site();
    let serve = Serve::start(folder.path());
    check(&serve, "GET", "/", "x: y", "200", "<p>welcome</p>");
    check(&serve, "HEAD", "/a.txt", "x: y", "200", "");
    check(&serve, "GET", "/a.txt", "range: bytes=2-4", "206", "234");
    check(&serve, "GET", "/a.txt", "if-none-match: *", "304", "");
    let missing = serve.ask("GET", "/nothing", SECRET, "x: y");
    assert!(missing.starts_with("HTTP/1.1 404 "), "{missing}");
    assert!(!serve.is_heard(NEXT_SECRET));

    let next = secrets(2, NEXT_SECRET, Some(SECRET));
    writer.update_secrets(1, &next).await.unwrap();
    let start = Instant::now();
    while !serve.is_heard(NEXT_SECRET) {
        assert!(start.elapsed() < PATIENCE, "the new secret is never heard");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(serve.is_heard(SECRET), "the previous one still is");
}

/// Variables with some changed, a state, an exit code, and what standard error says.
#[track_caller]
fn check_does_not_start(changed: &[(&str, &str)], state: &str, code: i32, why: &str) {
    let mut variables = variables();
    let changed = changed.iter().map(|(name, value)| (*name, *value));
    variables.extend(changed.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let folder = site();
    let arguments = ["--s3", "--state", state];
    let ended = command(folder.path(), &variables, &arguments).output();
    let Output {
        status,
        stdout,
        stderr,
    } = ended.unwrap();
    let stderr = String::from_utf8(stderr).unwrap();
    assert_eq!(status.code(), Some(code), "{stderr}");
    assert!(stdout.is_empty() && stderr.contains(why), "{stderr}");
    let secret = SeaweedFs::shared().unwrap().secret_key();
    assert!(!stderr.contains(secret), "{stderr}");
}

#[test]
fn where_aws_does_not_answer_it_does_not_start() {
    let nowhere = [("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:9")];
    let unavailable = "error: the state `dynamodb:served/plain`: the state store is unavailable: ";
    check_does_not_start(&nowhere, STATE, 10, unavailable);
    check_does_not_start(
        &[],
        "dynamodb:no-such-table/plain",
        10,
        "help: look at the table",
    );
    check_does_not_start(&[], "dynamodb:no", 2, "expected dynamodb:TABLE/SITE");
    check_does_not_start(&[], "dynamodb:x/plain", 2, "`x` is no name of a table");
    let wrong = [("AWS_ENDPOINT_URL_DYNAMODB", "no url")];
    check_does_not_start(&wrong, STATE, 2, "AWS_ENDPOINT_URL_DYNAMODB");
}
