//! `portcullis edge`: any distribution over real sockets, from what AWS prints for it and from its template.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must fail"
)]

mod support;

use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use support::http::get;
use support::server::Server;
use support::{folder, root, run, write};

const ASSETS: &str = "assets=examples/distribution/public";

/// A server that answers everything alike, and how often it was asked.
struct App {
    address: SocketAddr,
    asked: Arc<AtomicU32>,
}

impl App {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&asked);
        std::thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                let lines = BufReader::new(&stream).lines().map_while(Result::ok);
                let host = lines
                    .take_while(|line| !line.is_empty())
                    .find(|line| line.to_ascii_lowercase().starts_with("host:"));
                count.fetch_add(1, Ordering::SeqCst);
                let body = host.unwrap_or_default();
                // Whoever asked may be gone.
                let _gone = write!(
                    stream,
                    "HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                    body.len()
                );
            }
        });
        Self { address, asked }
    }

    fn origin(&self) -> String {
        format!("app=http://{}", self.address)
    }
}

fn start(app: &App, more: &[&str]) -> Server {
    let origin = app.origin();
    let arguments = [
        &[
            "edge", "--port", "0", "--origin", &origin, "--origin", ASSETS,
        ],
        more,
    ]
    .concat();
    Server::start(&root(), &arguments)
}

const CONFIG: &str = "examples/distribution/site.json";
const TEMPLATE: [&str; 3] = [
    "examples/distribution/template.yaml",
    "--parameter",
    "Host=www.example.com",
];

/// A target, a header, the status, and the result that `X-Cache` shows.
type Row = (&'static str, &'static str, u16, &'static str);

const ROWS: [Row; 6] = [
    ("/assets/hello.txt", "", 200, "Miss from cloudfront"),
    ("/assets/hello.txt", "", 200, "Hit from cloudfront"),
    (
        "/assets/hello.txt",
        "x-portcullis-country: GB",
        403,
        "Error from cloudfront",
    ),
    ("/assets/nothing.txt", "", 403, "Error from cloudfront"),
    ("/", "", 200, "Miss from cloudfront"),
    (
        "/",
        "x-portcullis-viewer: 198.51.100.7",
        200,
        "Hit from cloudfront",
    ),
];

#[test]
fn a_configuration_and_its_template_answer_alike() {
    for files in [&[CONFIG][..], &TEMPLATE] {
        let app = App::start();
        let edge = start(&app, files);
        for (target, header, status, x_cache) in ROWS {
            let headers: &[&str] = if header.is_empty() { &[] } else { &[header] };
            let answer = get(edge.address, target, headers);
            assert_eq!(answer.status, status, "{files:?} {target} {header}");
            let shown = answer.header("x-cache");
            assert_eq!(shown, Some(x_cache), "{files:?} {target} {header}");
        }
        assert_eq!(app.asked.load(Ordering::SeqCst), 1, "one of two was a hit");
        let heard = get(edge.address, "/", &[]).text().to_ascii_lowercase();
        assert!(heard.contains("app."), "the origin's own name: {heard}");
    }
}

#[test]
fn origins_of_two_distributions_may_have_the_same_id() {
    let folder = folder(&[]);
    let text = std::fs::read_to_string(root().join(CONFIG)).unwrap();
    let apps = ["one", "two"].map(|name| {
        let app = App::start();
        let mut site: Value = serde_json::from_str(&text).unwrap();
        let config = &mut site["DistributionConfig"];
        config["CallerReference"] = name.into();
        config["Aliases"]["Items"] = json!([format!("{name}.example.com")]);
        let origin = &mut config["Origins"]["Items"][0];
        origin["DomainName"] = "localhost".into();
        origin["CustomOriginConfig"]["HTTPPort"] = app.address.port().into();
        origin["CustomOriginConfig"]["OriginProtocolPolicy"] = "http-only".into();
        let file = format!("{name}.json");
        write(folder.path(), &file, site.to_string().as_bytes());
        app
    });
    let assets = root().join("examples/distribution/public");
    let assets = format!("assets={}", assets.display());
    let edge = Server::start(
        folder.path(),
        &[
            "edge", "one.json", "two.json", "--port", "0", "--origin", &assets,
        ],
    );
    for (at, name) in ["one", "two"].iter().enumerate() {
        let host = format!("host: {name}.example.com");
        assert_eq!(get(edge.address, "/", &[&host]).status, 200, "{name}");
        let asked = apps.each_ref().map(|app| app.asked.load(Ordering::SeqCst));
        assert_eq!(asked, [1, u32::try_from(at).unwrap()], "{name}");
    }
}

#[test]
fn each_place_has_its_own_cache_and_viewers_come_to_theirs() {
    let app = App::start();
    let pops = [
        "--pop",
        "FRA56-P1=eu-central-1:DE,FR",
        "--pop",
        "IAD89-C1=us-east-1",
    ];
    let edge = start(&app, &[&[CONFIG][..], &pops].concat());
    let rows = [
        ("x-portcullis-country: DE", "FRA56-P1", "Miss"),
        ("x-portcullis-country: FR", "FRA56-P1", "Hit"),
        ("x-portcullis-country: US", "IAD89-C1", "Miss"),
        ("x-portcullis-pop: FRA56-P1", "FRA56-P1", "Hit"),
    ];
    for (header, pop, result) in rows {
        let answer = get(edge.address, "/", &[header]);
        assert_eq!(answer.header("x-amz-cf-pop"), Some(pop), "{header}");
        let expected = format!("{result} from cloudfront");
        assert_eq!(
            answer.header("x-cache"),
            Some(expected.as_str()),
            "{header}"
        );
    }
}

#[test]
fn events_are_lines_of_json() {
    let app = App::start();
    let edge = start(&app, &[CONFIG, "--json"]);
    get(edge.address, "/assets/hello.txt?Signature=seen", &[]);
    let answer = edge.wait_for("the answer", |server| {
        let printed = server.stdout();
        let mut events = printed
            .lines()
            .map(|l| serde_json::from_str::<Value>(l).unwrap());
        events.find(|event| event["event"] == "answer")
    });
    assert_eq!(
        (
            &answer["status"],
            &answer["path"],
            &answer["result"],
            &answer["origin_requests"]
        ),
        (
            &json!(200),
            &json!("/assets/hello.txt"),
            &json!("Miss"),
            &json!(1)
        )
    );
    assert!(!edge.stdout().contains("Signature"));
    let printed = edge.stdout();
    let ready: Value = serde_json::from_str(printed.lines().next().unwrap()).unwrap();
    assert_eq!(
        ready["distributions"][0]["aliases"],
        json!(["www.example.com"])
    );
}

/// With TLS a viewer over plain HTTP is one over plain HTTP.
#[test]
fn with_tls_plain_http_stands_for_itself() {
    let app = App::start();
    let edge = start(&app, &[CONFIG, "--tls-port", "0"]);
    assert!(edge.stdout().contains("https://127.0.0.1:"));
    let answer = get(edge.address, "/", &[]);
    assert_eq!(answer.status, 301);
    assert!(answer.header("location").unwrap().starts_with("https://"));
}

#[test]
fn a_changed_file_is_put_to_work_and_a_broken_one_is_not() {
    let app = App::start();
    let text = std::fs::read_to_string(root().join(CONFIG)).unwrap();
    let site = folder(&[("site.json", &text), ("assets/hello.txt", "hello")]);
    let origin = app.origin();
    let arguments = [
        "edge",
        "site.json",
        "--port",
        "0",
        "--origin",
        &origin,
        "--origin",
        "assets=.",
    ];
    let edge = Server::start(site.path(), &arguments);
    let british = || {
        get(
            edge.address,
            "/assets/hello.txt",
            &["x-portcullis-country: GB"],
        )
        .status
    };
    assert_eq!(british(), 403);
    write(site.path(), "site.json", b"{ \"DistributionConfig\": {} }");
    edge.wait_for_error("the last good configuration stays in force");
    assert_eq!(british(), 403);
    let open = text.replace("\"GB\"", "\"FR\"");
    write(site.path(), "site.json", open.as_bytes());
    edge.wait_for_error("reloaded");
    assert_eq!(british(), 200);
}

/// The arguments after `edge`, the exit code, and what is said.
#[track_caller]
fn refused(at: &Path, arguments: &[&str], code: i32, says: &[&str]) {
    let ran = run(at, &[&["edge"], arguments].concat()).exits(code);
    says.iter().fold(ran, |ran, text| ran.says(text));
}

#[test]
fn what_is_wrong_is_named_with_the_next_thing_to_type() {
    let at = root();
    refused(
        &at,
        &["nothing.json"],
        1,
        &["`nothing.json` cannot be read"],
    );
    refused(
        &at,
        &[CONFIG],
        2,
        &["origin `assets` is a bucket", "--origin assets=./FOLDER"],
    );
    refused(
        &at,
        &[CONFIG, "--origin", "asets=."],
        2,
        &["no origin has the id `asets`", "there are: app, assets"],
    );
    refused(
        &at,
        &[CONFIG, "--origin", "assets=no-folder"],
        2,
        &["`no-folder` for origin `assets` is neither a URL nor a folder"],
    );
    refused(
        &at,
        &["examples/distribution/template.yaml"],
        3,
        &["Host", "has 1 mistake"],
    );
    refused(
        &at,
        &[&TEMPLATE[..], &["--distribution", "Sight"]].concat(),
        2,
        &[
            "no distribution has the logical id `Sight`",
            "there are: Site",
        ],
    );
    refused(
        &at,
        &[CONFIG, "--origin", ASSETS, "--pop", "FRA=eu:XX"],
        2,
        &["`XX` in `FRA=eu:XX` is no country code"],
    );
}

/// What cannot be played is refused by name, and played without when that is said.
#[test]
fn an_option_that_cannot_be_played_is_refused_by_name() {
    let text = std::fs::read_to_string(root().join(CONFIG)).unwrap();
    let walled = text.replace(
        "\"WebACLId\": \"\"",
        "\"WebACLId\": \"arn:aws:wafv2:us-east-1:111122223333:global/webacl/a/b\"",
    );
    let site = folder(&[("site.json", &walled), ("assets/hello.txt", "hello")]);
    let arguments = ["site.json", "--origin", "assets=."];
    refused(
        site.path(),
        &arguments,
        1,
        &["`WebACLId` cannot be played", "--without WebACLId"],
    );
    let without = [
        "edge",
        "site.json",
        "--origin",
        "assets=.",
        "--without",
        "WebACLId",
        "--port",
        "0",
    ];
    let edge = Server::start(site.path(), &without);
    assert_eq!(get(edge.address, "/assets/hello.txt", &[]).status, 200);
}

/// The log has a line for each answer, and `replay` reads it.
#[test]
fn an_access_log_is_written_as_cloudfront_writes_it() {
    for (name, fields) in [("access.log", true), ("access.json", false)] {
        let app = App::start();
        let logs = folder(&[]);
        let log = logs.path().join(name);
        let log = log.to_str().unwrap();
        let edge = start(&app, &[CONFIG, "--access-log", log]);
        get(
            edge.address,
            "/assets/hello.txt?v=1",
            &["user-agent: it's me"],
        );
        get(edge.address, "/assets/hello.txt?v=1", &["range: bytes=0-2"]);
        get(
            edge.address,
            "/assets/hello.txt",
            &["x-portcullis-country: GB"],
        );
        let lines = edge.wait_for("three lines", |_| {
            let text = std::fs::read_to_string(log).unwrap();
            let lines: Vec<String> = text
                .lines()
                .filter(|l| !l.starts_with('#'))
                .map(str::to_owned)
                .collect();
            (lines.len() == 3).then_some(lines)
        });
        if fields {
            let values: Vec<Vec<&str>> = lines
                .iter()
                .map(|line| line.split('\t').collect())
                .collect();
            assert!(values.iter().all(|line| line.len() == 33));
            let some = |line: usize| [7, 8, 10, 11, 13, 28, 31, 32].map(|at| values[line][at]);
            assert_eq!(
                some(0),
                [
                    "/assets/hello.txt",
                    "200",
                    "it%27s%20me",
                    "v=1",
                    "Miss",
                    "Miss",
                    "-",
                    "-"
                ]
            );
            assert_eq!(
                some(1),
                [
                    "/assets/hello.txt",
                    "206",
                    "-",
                    "v=1",
                    "Hit",
                    "Hit",
                    "0",
                    "2"
                ]
            );
            assert_eq!(
                some(2),
                [
                    "/assets/hello.txt",
                    "403",
                    "-",
                    "-",
                    "Error",
                    "ClientGeoBlocked",
                    "-",
                    "-"
                ]
            );
        }
        let report = run(
            &root(),
            &["replay", log, "--manifest", "examples/handbook", "--json"],
        )
        .json();
        assert_eq!(report["counts"]["requests"], 3, "{name}");
        assert_eq!(report["counts"]["unreadable"], 0, "{name}");
        assert_eq!(report["caching_logged"]["hits"], 1, "{name}");
    }
}
