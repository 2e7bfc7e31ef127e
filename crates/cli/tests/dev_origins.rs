//! `portcullis dev` and what is behind the edge: custom origins over real connections, buckets that CloudFront reads itself,
//! large objects, and the lines that say what was decided.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    reason = "a test that cannot go on must fail"
)]

mod support;

use serde_json::Value;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;
use support::folder;
use support::http::get;
use support::keys::Pair;
use support::server::Server;
use tempfile::TempDir;

const MANIFEST: &str = "\
version: 1
site: house
hosts: [www.example.com]
certificate: arn:aws:acm:us-east-1:111122223333:certificate/0f3c1d9e-6a57-4c9b-9a39-3f4f0c1b2a11
origins:
  search: { http: { url: \"http://ORIGIN\", private_addresses: true } }
  media: { direct_bucket: { name: house-media } }
  files: { bucket: { name: house-files } }
networks: { office: [198.51.100.0/24] }
key_groups: { members: { public_keys: [member.pem], algorithms: [ECDSA-SHA256] } }
policies:
  everyone: [{ allow: any }]
  office-only: [{ allow: { networks: [office] } }]
  members: [{ allow: { signed_by: members } }]
behaviors:
  - { path: /search/*, origin: search, policy: office-only, caching: disabled }
  - { path: /media/*, origin: media, policy: members }
  - { path: \"*\", origin: files, policy: everyone }
";

const OFFICE: &str = "x-portcullis-viewer: 198.51.100.7";
/// More than the socket buffers of a connection hold together, and no multiple of a part.
const LARGE_BYTES: u64 = 16 * 1024 * 1024 + 7;
/// How long the origin may wait for a request.
const PATIENCE: Duration = Duration::from_secs(20);

/// An origin that gives one answer to every request, and the heads of the requests it heard.
struct Origin {
    address: SocketAddr,
    heard: Receiver<String>,
}

impl Origin {
    fn start(answer: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, heard) = channel();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let head = head(&stream);
                if tell.send(head).is_err() {
                    return;
                }
                // Whoever asked may be gone.
                let _gone = (&stream).write_all(answer.as_bytes());
            }
        });
        Self { address, heard }
    }
}

fn head(stream: &TcpStream) -> String {
    let lines = BufReader::new(stream).lines().map_while(Result::ok);
    let lines = lines.take_while(|line| !line.is_empty());
    lines.map(|line| line.to_ascii_lowercase() + "\n").collect()
}

fn start(origin: SocketAddr, more: &[&str]) -> (Server, TempDir) {
    let manifest = MANIFEST.replace("ORIGIN", &origin.to_string());
    let site = folder(&[
        ("portcullis.yaml", &manifest),
        ("member.pem", &Pair::new().public),
        ("buckets/house-media/media/a.txt", "from the bucket"),
        ("buckets/house-files/a.txt", "a file"),
    ]);
    let large = std::fs::File::create(site.path().join("buckets/house-files/large.bin"));
    large.unwrap().set_len(LARGE_BYTES).unwrap();
    let arguments = [&["dev", "--port", "0"], more].concat();
    (Server::start(site.path(), &arguments), site)
}

/// No origin is asked in these tests.
const NOBODY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 9);

const FOUND: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 5\r\nconnection: close\r\n\r\nfound";

#[test]
fn a_custom_origin_is_asked_and_told_no_secret() {
    let origin = Origin::start(FOUND);
    let (dev, _site) = start(origin.address, &[]);
    let answer = get(dev.address, "/search/x?q=1", &[OFFICE]);
    assert_eq!((answer.status, answer.text().as_str()), (200, "found"));
    let heard = origin.heard.recv_timeout(PATIENCE).unwrap();
    assert!(heard.starts_with("get /search/x?q=1 http/1.1\n"), "{heard}");
    for name in [
        "x-portcullis-viewer",
        "x-portcullis-country",
        "x-origin-verify",
    ] {
        assert!(!heard.contains(name), "{heard}");
    }
}

#[test]
fn who_is_refused_reaches_no_origin() {
    let origin = Origin::start(FOUND);
    let (dev, _site) = start(origin.address, &[]);
    assert_eq!(get(dev.address, "/search/x", &[]).status, 403);
    assert!(origin.heard.try_recv().is_err());
}

#[test]
fn an_origin_that_is_away_is_a_502() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (dev, _site) = start(listener.local_addr().unwrap(), &[]);
    drop(listener);
    let answer = get(dev.address, "/search/x", &[OFFICE]);
    assert_eq!(
        (answer.status, answer.header("cache-control")),
        (502, Some("no-store"))
    );
}

/// What the origin did not finish does not look finished.
#[test]
fn a_body_that_breaks_off_breaks_the_connection() {
    let origin = Origin::start(
        "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 3000000\r\n\r\nbegun",
    );
    let (dev, _site) = start(origin.address, &[]);
    let mut stream = TcpStream::connect(dev.address).unwrap();
    let request = format!("GET /search/x HTTP/1.1\r\nhost: a\r\n{OFFICE}\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    // A reset is as visible as an end that comes too early.
    let _reset = stream.read_to_end(&mut answer);
    let answer = String::from_utf8(answer).unwrap();
    let is_error = answer.starts_with("HTTP/1.1 502 ") && !answer.contains("begun");
    let is_short = answer.contains("content-length: 3000000") && answer.ends_with("begun");
    assert!(is_error || is_short, "{answer}");
}

/// CloudFront verifies signatures by itself where it reads the bucket; the link that is printed has one.
#[test]
fn a_direct_bucket_is_read_with_a_signature_only() {
    let (dev, _site) = start(NOBODY, &["--json"]);
    let stdout = dev.stdout();
    let ready: Value = serde_json::from_str(stdout.lines().next().unwrap()).unwrap();
    let base = format!("http://{}", dev.address);
    let links = ready["links"].as_array().unwrap().iter();
    let mut targets = links.map(|link| link["url"].as_str().unwrap().strip_prefix(&base).unwrap());
    let signed = targets
        .find(|target| target.starts_with("/media/a.txt?"))
        .unwrap();
    assert_eq!(get(dev.address, signed, &[]).text(), "from the bucket");
    assert_eq!(get(dev.address, "/media/a.txt", &[]).status, 403);
    let other = signed.replace("a.txt", "b.txt");
    assert_eq!(get(dev.address, &other, &[]).status, 403);
}

#[test]
fn a_large_object_arrives_whole_and_in_parts() {
    let (dev, _site) = start(NOBODY, &[]);
    let whole = get(dev.address, "/large.bin", &[]);
    assert_eq!((whole.status, whole.body.len() as u64), (200, LARGE_BYTES));
    let last = get(dev.address, "/large.bin", &["range: bytes=-7"]);
    assert_eq!((last.status, last.body.len()), (206, 7));
    let range = format!(
        "bytes {}-{}/{LARGE_BYTES}",
        LARGE_BYTES - 7,
        LARGE_BYTES - 1
    );
    assert_eq!(last.header("content-range"), Some(range.as_str()));
}

#[test]
fn each_decision_is_told_in_words() {
    let (dev, _site) = start(NOBODY, &[]);
    get(dev.address, "/a.txt", &[]);
    get(dev.address, "/search/x", &[]);
    get(dev.address, "/a.txt?Signature=seen", &[]);
    support::http::send(dev.address, "POST", "/a.txt", &[], "");
    for line in [
        "200 GET /a.txt  admitted by statement 1 of everyone\n",
        "403 GET /search/x  refused of office-only: no-match\n",
        "POST /a.txt  refused at the edge: InvalidRequestMethod\n",
    ] {
        dev.wait_for_error(line);
    }
    assert!(!dev.stderr().contains("Signature"), "{}", dev.stderr());
}

/// With `--json` every line is an object, and says what happened.
#[test]
fn events_are_lines_of_json() {
    let (dev, site) = start(NOBODY, &["--json"]);
    let event = |named: &'static str| {
        dev.wait_for(named, |server| {
            let printed = server.stdout();
            let mut values = printed
                .lines()
                .map(|l| serde_json::from_str::<Value>(l).unwrap());
            values.find(|value| value["event"] == named)
        })
    };
    assert!(event("ready")["notes"].is_array());
    support::http::send(dev.address, "POST", "/a.txt", &[], "");
    let refused = event("refused-at-edge");
    assert_eq!(
        (&refused["method"], &refused["target"]),
        (&"POST".into(), &"/a.txt".into())
    );
    let path = site.path().join("portcullis.yaml");
    let manifest = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, "version: 2\n").unwrap();
    event("not-reloaded");
    std::fs::write(
        &path,
        manifest.replace("[{ allow: any }]", "[{ deny: any }]"),
    )
    .unwrap();
    assert!(
        event("reloaded")["digest"]
            .as_str()
            .unwrap()
            .starts_with("sha256:")
    );
    assert_eq!(get(dev.address, "/a.txt", &[]).status, 403);
    let refused = dev.wait_for("refusal", |server| {
        let printed = server.stdout();
        let mut values = printed
            .lines()
            .map(|l| serde_json::from_str::<Value>(l).unwrap());
        values.find(|value| value["event"] == "refused-at-edge" && value["method"] == "GET")
    });
    assert_eq!(
        (&refused["target"], &refused["why"]),
        (&"/a.txt".into(), &"denied".into())
    );
}
