//! The control API of `portcullis edge`, asked by the AWS command line: what scripts do with a distribution.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must fail"
)]

use portcullis_system::tool;
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// How long a change may take on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// `portcullis edge` with two points of presence, and its API.
struct Edge {
    child: Child,
    address: String,
    api: String,
    folder: tempfile::TempDir,
}

impl Drop for Edge {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}

impl Edge {
    fn start(propagation: &str) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let mut child = Command::new(env!("CARGO_BIN_EXE_portcullis-with-aws"))
            .current_dir(root.join("examples/distribution"))
            .args([
                "edge",
                "site.json",
                "--port",
                "0",
                "--json",
                "--log",
                "none",
            ])
            .args([
                "--origin",
                "assets=public",
                "--origin",
                "app=http://127.0.0.1:9",
            ])
            .args(["--pop", "FRA56-P1=eu-central-1", "--pop", "IAD89-C1"])
            .args(["--control", "0", "--propagation", propagation])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut ready = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut ready)
            .unwrap();
        let ready: Value = serde_json::from_str(&ready).unwrap();
        let text = |name: &str| ready[name].as_str().unwrap().to_owned();
        Self {
            child,
            address: text("url").trim_start_matches("http://").to_owned(),
            api: text("control_url"),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn aws(&self, arguments: &[&str]) -> Output {
        Command::new(tool("aws").unwrap())
            .args([
                "cloudfront",
                "--endpoint-url",
                &self.api,
                "--output",
                "json",
            ])
            .args(arguments)
            .envs([
                ("AWS_ACCESS_KEY_ID", "test"),
                ("AWS_SECRET_ACCESS_KEY", "test"),
            ])
            .envs([
                ("AWS_DEFAULT_REGION", "us-east-1"),
                ("AWS_EC2_METADATA_DISABLED", "true"),
            ])
            .env("AWS_CONFIG_FILE", self.folder.path().join("none"))
            .output()
            .unwrap()
    }

    /// What the command line prints.
    #[track_caller]
    fn ok(&self, arguments: &[&str]) -> Value {
        let output = self.aws(arguments);
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// The code of the error that the command line prints.
    #[track_caller]
    fn refused(&self, arguments: &[&str]) -> String {
        let output = self.aws(arguments);
        assert!(!output.status.success(), "{arguments:?}: {output:?}");
        let text = String::from_utf8(output.stderr).unwrap();
        let code = text
            .split_once('(')
            .and_then(|(_, rest)| rest.split_once(')'));
        code.unwrap_or_else(|| panic!("{text}")).0.to_owned()
    }

    fn id(&self) -> String {
        let list = self.ok(&["list-distributions"]);
        list["DistributionList"]["Items"][0]["Id"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// Writes a configuration with a change.
    fn changed(&self, config: &Value, change: impl FnOnce(&mut Value)) -> String {
        let mut config = config.clone();
        change(&mut config);
        let path: PathBuf = self.folder.path().join("config.json");
        std::fs::write(&path, config.to_string()).unwrap();
        format!("file://{}", path.display())
    }

    /// The status and the `X-Cache` of a page at a point of presence.
    fn get(&self, pop: &str, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let head = format!(
            "GET {path} HTTP/1.1\r\nhost: www.example.com\r\nx-portcullis-pop: {pop}\r\nconnection: close\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
        let cache = answer.lines().find_map(|line| {
            line.to_lowercase()
                .strip_prefix("x-cache: ")
                .map(str::to_owned)
        });
        (status, cache.unwrap_or_default())
    }
}

fn update<'a>(id: &'a str, config: &'a str, etag: Option<&'a str>) -> Vec<&'a str> {
    let mut arguments = vec!["update-distribution", "--id", id];
    arguments.extend(["--distribution-config", config]);
    arguments.extend(etag.into_iter().flat_map(|etag| ["--if-match", etag]));
    arguments
}

fn wait_for(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

const POPS: [&str; 2] = ["FRA56-P1", "IAD89-C1"];
const PAGE: &str = "/assets/hello.txt";

#[test]
fn an_update_needs_the_entity_tag_and_spreads_from_place_to_place() {
    let edge = Edge::start("6");
    let id = edge.id();
    let got = edge.ok(&["get-distribution-config", "--id", &id]);
    let (etag, config) = (got["ETag"].as_str().unwrap(), &got["DistributionConfig"]);
    assert_eq!(
        config["Aliases"],
        json!({ "Quantity": 1, "Items": ["www.example.com"] })
    );
    let off = edge.changed(config, |config| config["Enabled"] = json!(false));
    assert_eq!(
        edge.refused(&update(&id, &off, None)),
        "InvalidIfMatchVersion"
    );
    assert_eq!(
        edge.refused(&update(&id, &off, Some("ENONE"))),
        "PreconditionFailed"
    );
    let wrong = edge.changed(config, |config| {
        config["DefaultCacheBehavior"]["TargetOriginId"] = json!("nowhere");
    });
    assert_eq!(
        edge.refused(&update(&id, &wrong, Some(etag))),
        "NoSuchOrigin"
    );
    assert_eq!(POPS.map(|pop| edge.get(pop, PAGE).0), [200, 200]);

    let off = edge.changed(config, |config| config["Enabled"] = json!(false));
    let update = update(&id, &off, Some(etag));
    let updated = edge.ok(&update);
    assert_eq!(updated["Distribution"]["Status"], "InProgress");
    assert_ne!(updated["ETag"], etag);
    // What is refused after it is refused for its entity tag: the one before is stale now.
    assert_eq!(edge.refused(&update), "PreconditionFailed");
    let mut seen = Vec::new();
    wait_for("the change is everywhere", || {
        let now = POPS.map(|pop| edge.get(pop, PAGE).0 == 200);
        if seen.last() != Some(&now) {
            seen.push(now);
        }
        now == [false, false]
    });
    assert_eq!(seen, [[true, true], [false, true], [false, false]]);
    wait_for("it is deployed", || {
        edge.ok(&["get-distribution", "--id", &id])["Distribution"]["Status"] == "Deployed"
    });
}

#[test]
fn an_origin_that_an_update_removes_answers_where_the_version_before_is_played() {
    let edge = Edge::start("6");
    let id = edge.id();
    let got = edge.ok(&["get-distribution-config", "--id", &id]);
    let (etag, config) = (got["ETag"].as_str().unwrap(), &got["DistributionConfig"]);
    let without = edge.changed(config, |config| {
        let origins = config["Origins"]["Items"].as_array_mut().unwrap();
        origins.retain(|origin| origin["Id"] == "app");
        config["Origins"]["Quantity"] = json!(1);
        config["CacheBehaviors"]["Items"][0]["TargetOriginId"] = json!("app");
    });
    edge.ok(&update(&id, &without, Some(etag)));
    // Each time another path, which no cache has. The folder refuses what it has not; nobody answers for `app`.
    let mut asked = 0;
    let mut status = |pop| {
        asked += 1;
        edge.get(pop, &format!("/assets/{asked}.txt")).0
    };
    wait_for("the first place plays the update", || {
        status(POPS[0]) == 502
    });
    assert_eq!(edge.get(POPS[1], PAGE).0, 200);
    wait_for("both do", || status(POPS[1]) == 502);
}

#[test]
fn an_invalidation_removes_copies_everywhere_once() {
    let edge = Edge::start("2");
    let id = edge.id();
    for pop in POPS {
        assert_eq!(edge.get(pop, PAGE).0, 200);
        assert!(edge.get(pop, PAGE).1.starts_with("hit"));
    }
    let batch = |paths: &[&str]| {
        json!({
            "Paths": { "Quantity": paths.len(), "Items": paths },
            "CallerReference": "release-7",
        })
        .to_string()
    };
    let (one, other) = (batch(&["/assets/*", "/a&b"]), batch(&["/"]));
    let create = |batch: &str| {
        [
            "create-invalidation",
            "--distribution-id",
            &id,
            "--invalidation-batch",
            batch,
        ]
        .map(str::to_owned)
    };
    let create = |batch: &str| edge.ok(&create(batch).each_ref().map(String::as_str));
    let created = create(&one);
    assert_eq!(created["Invalidation"]["Status"], "InProgress");
    assert_eq!(
        created["Invalidation"]["InvalidationBatch"]["Paths"]["Items"],
        json!(["/assets/*", "/a&b"])
    );
    let name = created["Invalidation"]["Id"].as_str().unwrap();
    assert_eq!(
        create(&one)["Invalidation"]["Id"],
        name,
        "the same again is the same"
    );
    let again = [
        "create-invalidation",
        "--distribution-id",
        &id,
        "--invalidation-batch",
        &other,
    ];
    assert_eq!(edge.refused(&again), "InvalidationBatchAlreadyExists");
    let get = ["get-invalidation", "--distribution-id", &id, "--id", name];
    wait_for("it is completed", || {
        edge.ok(&get)["Invalidation"]["Status"] == "Completed"
    });
    for pop in POPS {
        let (_, cache) = edge.get(pop, PAGE);
        // Behind both places is a regional cache each, which was emptied too.
        assert!(cache.starts_with("miss"), "{pop}: {cache}");
    }
    let list = edge.ok(&["list-invalidations", "--distribution-id", &id]);
    assert_eq!(
        list["InvalidationList"]["Items"].as_array().unwrap().len(),
        1
    );
}

#[test]
fn what_is_not_there_is_refused_by_its_code() {
    let edge = Edge::start("0");
    let id = edge.id();
    let rows: [(&[&str], &str); 6] = [
        (
            &["get-distribution", "--id", "ENOWHERE"],
            "NoSuchDistribution",
        ),
        (
            &[
                "get-invalidation",
                "--distribution-id",
                &id,
                "--id",
                "INONE",
            ],
            "NoSuchInvalidation",
        ),
        (
            &[
                "create-invalidation",
                "--distribution-id",
                &id,
                "--paths",
                "index.html",
            ],
            "InvalidArgument",
        ),
        (
            &[
                "create-invalidation",
                "--distribution-id",
                "ENOWHERE",
                "--paths",
                "/",
            ],
            "NoSuchDistribution",
        ),
        (
            &["delete-distribution", "--id", &id, "--if-match", "E"],
            "NotImplemented",
        ),
        (&["list-streaming-distributions"], "NotImplemented"),
    ];
    for (arguments, code) in rows {
        assert_eq!(edge.refused(arguments), code, "{arguments:?}");
    }
    let many: Vec<String> = (0..16).map(|at| format!("/{at}/*")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let create = [
        &["create-invalidation", "--distribution-id", &id, "--paths"][..],
        &many,
    ]
    .concat();
    assert_eq!(edge.refused(&create), "TooManyInvalidationsInProgress");
}

#[test]
fn only_this_machine_is_answered() {
    let edge = Edge::start("0");
    let api = edge.api.trim_start_matches("http://");
    for (host, status) in [
        ("evil.example", "421"),
        (api, "200"),
        ("localhost:1", "200"),
    ] {
        let mut stream = TcpStream::connect(api).unwrap();
        let head = format!(
            "GET /2020-05-31/distribution HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert_eq!(answer.split(' ').nth(1), Some(status), "{host}");
    }
}
