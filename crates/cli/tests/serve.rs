//! `portcullis serve`: the gateway as a plain server, with its state in a file.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    reason = "a test that cannot go on must fail"
)]

mod support;

use serde_json::{Value, json};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use support::http::{self, get};
use support::server::Server;
use support::{folder, run, sha256, write};
use tempfile::TempDir;

const MANIFEST: &str = "\
version: 1
site: plain
hosts: [www.example.com]
certificate: arn:aws:acm:us-east-1:111122223333:certificate/0f3c1d9e-6a57-4c9b-9a39-3f4f0c1b2a11
origins: { files: { bucket: { name: plain-files, index: index.html } } }
guard:
  access_control: off
  secret_header: { name: x-front-proof, rotate_every: 30d, overlap: 1h }
  edges: { mode: off }
networks: { office: [198.51.100.0/24] }
policies:
  everyone: [{ allow: any }]
  office-only: [{ allow: { networks: [office] } }]
behaviors:
  - { path: /office/*, origin: files, policy: office-only, caching: disabled }
  - { path: \"*\", origin: files, policy: everyone }
";

const SECRET: &str = "the-first-secret-of-thirty-two-bytes";
const NEXT_SECRET: &str = "another-secret-of-thirty-two-bytes-!";
const EDGES: &str = "com.amazonaws.global.cloudfront.origin-facing";
/// More than the socket buffers of a connection hold together.
const LARGE_BYTES: u64 = 32 * 1024 * 1024;

fn proof(secret: &str) -> String {
    format!("x-front-proof: {secret}")
}

fn state(version: u64, secret: &str) -> Value {
    json!({ "secrets": { "version": version, "current": sha256(secret.as_bytes()) } })
}

fn site(manifest: &str, state: &Value) -> TempDir {
    let site = folder(&[
        ("portcullis.yaml", manifest),
        ("state.json", &state.to_string()),
        ("buckets/plain-files/index.html", "<p>welcome</p>"),
        ("buckets/plain-files/office/index.html", "<p>office</p>"),
    ]);
    let large = std::fs::File::create(site.path().join("buckets/plain-files/large.bin"));
    large.unwrap().set_len(LARGE_BYTES).unwrap();
    site
}

const ARGUMENTS: [&str; 5] = ["serve", "--listen", "127.0.0.1:0", "--state", "state.json"];

struct Serve {
    server: Server,
    folder: TempDir,
}

impl Serve {
    #[track_caller]
    fn start(manifest: &str, state: &Value, more: &[&str]) -> Self {
        let folder = site(manifest, state);
        let server = Server::start(folder.path(), &[&ARGUMENTS, more].concat());
        Self { server, folder }
    }

    fn address(&self) -> SocketAddr {
        self.server.address
    }

    /// The status of a request that says this secret.
    #[track_caller]
    fn status(&self, secret: &str) -> u16 {
        get(self.address(), "/", &[&proof(secret)]).status
    }
}

#[test]
fn only_who_knows_the_secret_is_heard() {
    let serve = Serve::start(MANIFEST, &state(1, SECRET), &[]);
    let admitted = get(serve.address(), "/", &[&proof(SECRET)]);
    assert_eq!(
        (admitted.status, admitted.text().as_str()),
        (200, "<p>welcome</p>")
    );
    for headers in [
        &[][..],
        &["x-front-proof: "],
        &[&proof(NEXT_SECRET)],
        &[&proof(&SECRET.to_uppercase())],
        &[&proof(SECRET), &proof(SECRET)],
        &[&proof(&sha256(SECRET.as_bytes()))],
    ] {
        let refused = get(serve.address(), "/", headers);
        assert_eq!(refused.status, 403, "{headers:?}");
        assert_eq!(refused.header("cache-control"), Some("no-store"));
    }
}

#[test]
fn the_proven_front_says_who_the_viewer_is() {
    let serve = Serve::start(MANIFEST, &state(1, SECRET), &[]);
    let from = |address: &str| {
        let viewer = format!("cloudfront-viewer-address: {address}");
        get(serve.address(), "/office/", &[&proof(SECRET), &viewer]).status
    };
    assert_eq!(from("198.51.100.7:443"), 200);
    assert_eq!(from("203.0.113.9:443"), 403);
    assert_eq!(from("no address"), 403);
    assert_eq!(
        get(serve.address(), "/office/", &[&proof(SECRET)]).status,
        403
    );
}

#[test]
fn decision_lines_go_where_they_are_told_to_and_hold_no_secret() {
    for (log, stdout, stderr) in [("stdout", 1, 0), ("stderr", 0, 1), ("none", 0, 0)] {
        let serve = Serve::start(MANIFEST, &state(1, SECRET), &["--log", log]);
        assert_eq!(serve.status(SECRET), 200);
        let lines = |text: &str| text.lines().filter(|line| line.starts_with('{')).count();
        let wait = |server: &Server| {
            let found = (lines(&server.stdout()), lines(&server.stderr()));
            (found == (stdout, stderr)).then_some(())
        };
        serve.server.wait_for("decision line", wait);
        let printed = serve.server.stdout() + &serve.server.stderr();
        assert!(!printed.contains(SECRET), "{printed}");
        assert_eq!(printed.contains("\"/\""), log != "none", "{printed}");
    }
}

#[test]
fn decision_lines_are_appended_to_a_file() {
    let more = ["--log", "decisions.log"];
    let serve = Serve::start(MANIFEST, &state(1, SECRET), &more);
    let log = serve.folder.path().join("decisions.log");
    for count in 1..=3 {
        assert_eq!(serve.status(SECRET), 200);
        let lines = || std::fs::read_to_string(&log).unwrap();
        let wait = |_: &Server| (lines().lines().count() == count).then_some(());
        serve.server.wait_for("decision line", wait);
        assert!(lines().lines().all(|line| line.starts_with('{')));
    }
    let arguments = [&ARGUMENTS[..], &["--log", "no/such/folder.log"]].concat();
    run(serve.folder.path(), &arguments)
        .exits(1)
        .says("error: the log `no/such/folder.log` cannot be written: ");
}

#[test]
fn a_new_secret_is_taken_without_a_restart() {
    let serve = Serve::start(MANIFEST, &state(1, SECRET), &[]);
    assert_eq!(
        (serve.status(SECRET), serve.status(NEXT_SECRET)),
        (200, 403)
    );
    let mut rotated = state(2, NEXT_SECRET);
    rotated["secrets"]["previous"] = sha256(SECRET.as_bytes()).into();
    write(
        serve.folder.path(),
        "state.json",
        rotated.to_string().as_bytes(),
    );
    let taken = |_: &Server| (serve.status(NEXT_SECRET) == 200).then_some(());
    serve.server.wait_for("new secret", taken);
    assert_eq!(
        serve.status(SECRET),
        200,
        "the previous one holds during the overlap"
    );
}

#[test]
fn a_state_that_breaks_leaves_the_last_good_one() {
    let serve = Serve::start(MANIFEST, &state(2, SECRET), &[]);
    for broken in [
        "{",
        "[]",
        "",
        "{\"secrets\":{\"version\":3,\"current\":\"short\"}}",
        &state(1, NEXT_SECRET).to_string(),
    ] {
        write(serve.folder.path(), "state.json", broken.as_bytes());
        assert_eq!(serve.status(NEXT_SECRET), 403, "{broken}");
        assert_eq!(serve.status(SECRET), 200, "{broken}");
    }
    std::thread::sleep(std::time::Duration::from_secs(7));
    assert_eq!(
        (serve.status(NEXT_SECRET), serve.status(SECRET)),
        (403, 200)
    );
}

#[test]
fn a_large_object_arrives_whole() {
    let serve = Serve::start(MANIFEST, &state(1, SECRET), &[]);
    let answer = get(serve.address(), "/large.bin", &[&proof(SECRET)]);
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.header("content-length"),
        Some(LARGE_BYTES.to_string().as_str())
    );
    assert_eq!(answer.body.len() as u64, LARGE_BYTES);
    assert!(answer.body.iter().all(|byte| *byte == 0) && answer.after.is_empty());
}

/// Who is being served when the process is asked to stop gets the rest; who comes later is not heard.
#[test]
fn a_stop_lets_answers_under_way_finish() {
    let mut serve = Serve::start(MANIFEST, &state(1, SECRET), &[]);
    let mut stream = TcpStream::connect(serve.address()).unwrap();
    let request = format!(
        "GET /large.bin HTTP/1.1\r\nhost: a\r\n{}\r\n\r\n",
        proof(SECRET)
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut first = [0; 5];
    stream.read_exact(&mut first).unwrap();
    serve.server.terminate();
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).unwrap();
    let head = rest
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .unwrap();
    assert_eq!((rest.len() - head - 4) as u64, LARGE_BYTES);
    assert_eq!(serve.server.ended(), Some(0));
    assert!(TcpStream::connect(serve.address()).is_err());
}

#[test]
fn several_requests_share_one_connection() {
    let serve = Serve::start(MANIFEST, &state(1, SECRET), &[]);
    let mut stream = TcpStream::connect(serve.address()).unwrap();
    let one = |more: &str| {
        format!(
            "GET / HTTP/1.1\r\nhost: a\r\n{}\r\n{more}\r\n",
            proof(SECRET)
        )
    };
    let both = one("") + &one("connection: close\r\n");
    stream.write_all(both.as_bytes()).unwrap();
    let first = http::read(stream, false);
    assert_eq!(
        (first.status, first.text().as_str()),
        (200, "<p>welcome</p>")
    );
    let after = String::from_utf8(first.after).unwrap();
    assert!(
        after.starts_with("HTTP/1.1 200 OK\r\n") && after.ends_with("<p>welcome</p>"),
        "{after}"
    );
}

/// A manifest and a state with which it does not start: why.
#[track_caller]
fn check_does_not_start(manifest: &str, state: &Value, code: i32, why: &str) {
    let site = site(manifest, state);
    let ran = run(site.path(), &ARGUMENTS).exits(code).says(why);
    assert_eq!(ran.stdout, "");
    assert!(!ran.stderr.contains(SECRET), "{ran:?}");
}

#[test]
fn what_cannot_be_served_does_not_start() {
    let good = state(1, SECRET);
    let required = MANIFEST.replace("access_control: off", "access_control: required");
    check_does_not_start(
        &required,
        &good,
        1,
        "this site requires access control, which only Lambda can verify",
    );
    check_does_not_start(
        &required,
        &good,
        1,
        "help: set `guard: { access_control: off }`",
    );
    check_does_not_start(
        &MANIFEST.replace("site: plain", "sight: plain"),
        &good,
        3,
        "error[PC1101]",
    );
    check_does_not_start(
        MANIFEST,
        &json!([]),
        1,
        "error: the state `state.json`: the state is not readable: ",
    );
    check_does_not_start(
        MANIFEST,
        &json!({ "secret": {} }),
        1,
        "unknown field `secret`",
    );
    let short = json!({ "secrets": { "version": 1, "current": "short" } });
    check_does_not_start(
        MANIFEST,
        &short,
        1,
        "a secret digest has 64 hexadecimal digits",
    );
}

/// This build has no AWS in it; one that has is tested with the servers it needs.
#[test]
fn without_aws_it_says_how_to_get_it() {
    let site = site(MANIFEST, &state(1, SECRET));
    let without = "error: this program was built without S3 and DynamoDB";
    let help = "help: build it with `cargo build --release -p portcullis --features aws`";
    let s3 = [&ARGUMENTS[..], &["--s3"]].concat();
    run(site.path(), &s3).exits(2).says(without).says(help);
    let table = ["serve", "--state", "dynamodb:table/plain"];
    run(site.path(), &table).exits(2).says(without).says(help);
    let empty = ["serve", "--state", "file:"];
    run(site.path(), &empty)
        .exits(2)
        .says("expected the path of a file");
}

fn edge_list(network: &str) -> Value {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let fetched_at = now.unwrap().as_secs();
    json!({ EDGES: { "list": EDGES, "version": 1, "fetched_at": fetched_at, "networks": [network] } })
}

/// The state's list of edges, the reason in the decision line: nobody here is an edge.
#[track_caller]
fn check_no_edge(lists: &Value, reason: &str) {
    let edges = format!("edges: {{ prefix_lists: [{EDGES}] }}");
    let manifest = MANIFEST.replace("edges: { mode: off }", &edges);
    let mut state = state(1, SECRET);
    state["edge_lists"] = lists.clone();
    let serve = Serve::start(&manifest, &state, &["--log", "stdout"]);
    assert_eq!(serve.status(SECRET), 403);
    let told = |server: &Server| server.stdout().contains(reason).then_some(());
    serve.server.wait_for(reason, told);
}

#[test]
fn the_peer_must_be_an_edge_where_the_manifest_says_so() {
    check_no_edge(&edge_list("203.0.113.0/24"), "edge-outside");
    check_no_edge(&json!({}), "edge-list-missing");
    // No edge has a loopback address, so a list that says so is not believed.
    check_no_edge(&edge_list("127.0.0.0/8"), "edge-list-missing");
}

#[test]
fn an_address_in_use_and_a_missing_state_fail() {
    let serve = Serve::start(MANIFEST, &state(1, SECRET), &[]);
    let taken = serve.address().to_string();
    let here = serve.folder.path();
    run(
        here,
        &["serve", "--listen", &taken, "--state", "state.json"],
    )
    .exits(1)
    .says(&format!(
        "error: cannot listen on {taken}: Address already in use"
    ));
    run(
        here,
        &["serve", "--listen", "127.0.0.1:0", "--state", "gone.json"],
    )
    .exits(1)
    .says("error: the state `gone.json`: ");
    run(here, &["serve", "--listen", "127.0.0.1:0"])
        .exits(2)
        .says("--state");
    let both = [&ARGUMENTS[..], &["--s3", "--root", "buckets"]].concat();
    run(here, &both).exits(2).says("cannot be used with");
}
