//! The life of a site in releases, with the real program: published, served, changed, rolled back, tried, collected.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must fail"
)]

mod support;

use serde_json::Value;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use support::http::get;
use support::server::Server;
use support::{Ran, folder, run, sha256, write};
use tempfile::TempDir;

const MANIFEST: &str = "\
version: 1
site: docs
origins:
  pages: { releases: { bucket: docs-releases } }
policies:
  everyone: [{ allow: any }]
behaviors:
  - { path: /preview/*, origin: pages, policy: everyone, caching: disabled }
  - { path: \"*\", origin: pages, policy: everyone, ttl: { min: 0s, default: 1d, max: 365d } }
releases:
  entry: index.html
  clean_urls: true
  not_found: 404.html
  classes:
    - { match: \"*.html\", browser: 0s, edge: 0s }
  keep: { releases: 1, for: 0s }
";

/// A file whose name has the digest of what it holds.
fn versioned(text: &str) -> String {
    format!(
        "assets/app-{}.js",
        sha256(text.as_bytes()).get(..16).unwrap()
    )
}

/// The page that loads a script.
fn page(script: &str) -> String {
    format!("<script src=\"/{}\"></script>", versioned(script))
}

fn site() -> TempDir {
    let site = folder(&[
        ("portcullis.yaml", MANIFEST),
        ("dist/404.html", "<p>not here</p>"),
        ("dist/guide.html", "<p>guide</p>"),
        ("dist/_redirects", "/old /guide 301\n"),
    ]);
    build(site.path(), "console.log(1)");
    site
}

/// What a bundler does: a new script under a new name, the old one gone.
fn build(site: &Path, script: &str) {
    let assets = site.join("dist/assets");
    if assets.exists() {
        std::fs::remove_dir_all(&assets).unwrap();
    }
    write(
        site,
        &format!("dist/{}", versioned(script)),
        script.as_bytes(),
    );
    write(site, "dist/index.html", page(script).as_bytes());
}

#[track_caller]
fn publish(site: &Path) -> Ran {
    run(site, &["publish", "dist", "--yes"]).exits(0)
}

/// The ids of all releases, the newest first, each with what it is.
fn releases(site: &Path) -> Vec<(String, String)> {
    let listed = run(site, &["releases", "--json"]).exits(0).stdout;
    let rows = listed.lines().map(|line| {
        let row: Value = serde_json::from_str(line).unwrap();
        let text = |name: &str| row[name].as_str().unwrap().to_owned();
        (text("release"), text("standing"))
    });
    rows.collect()
}

#[track_caller]
fn serves(dev: &Server, target: &str, status: u16, body: &str) {
    // A flip is seen within a second.
    dev.wait_for(target, |dev| {
        let answer = get(dev.address, target, &[]);
        (answer.status == status && answer.text().trim() == body).then_some(())
    });
}

/// A page that was opened before a flip goes on finding its script; what has no version is the live release's alone.
#[test]
fn a_site_is_published_changed_rolled_back_and_collected() {
    let site = site();
    let (one, two) = ("console.log(1)", "console.log(2)");
    let dev = Server::start(site.path(), &["dev", "--port", "0"]);
    assert_eq!(get(dev.address, "/", &[]).status, 503);
    publish(site.path());
    serves(&dev, "/", 200, &page(one));
    serves(&dev, "/guide", 200, "<p>guide</p>");
    serves(&dev, "/nothing", 404, "<p>not here</p>");
    let old = get(dev.address, "/old", &[]);
    assert_eq!((old.status, old.header("location")), (301, Some("/guide")));
    let script = get(dev.address, &format!("/{}", versioned(one)), &[]);
    let forever = script.header("cache-control").unwrap();
    assert!(forever.contains("immutable"), "{forever}");

    build(site.path(), two);
    publish(site.path());
    serves(&dev, "/", 200, &page(two));
    serves(&dev, &format!("/{}", versioned(one)), 200, one);
    serves(&dev, &format!("/{}", versioned(two)), 200, two);
    let listed = releases(site.path());
    assert_eq!(
        listed
            .iter()
            .map(|(_, now)| now.as_str())
            .collect::<Vec<_>>(),
        ["live", "kept"]
    );

    run(site.path(), &["rollback"]).exits(0);
    serves(&dev, "/", 200, &page(one));
    run(site.path(), &["rollback", listed[0].0.get(..8).unwrap()]).exits(0);
    serves(&dev, "/", 200, &page(two));
}

#[test]
fn what_no_kept_release_needs_is_collected_in_two_steps() {
    let site = site();
    publish(site.path());
    build(site.path(), "console.log(2)");
    publish(site.path());
    let object = |text: &str| {
        let objects = site.path().join("buckets/docs-releases/objects");
        let eras = std::fs::read_dir(objects).unwrap();
        let files = eras.flat_map(|era| std::fs::read_dir(era.unwrap().path()).unwrap());
        let mut texts = files.map(|file| std::fs::read(file.unwrap().path()).unwrap());
        texts.any(|bytes| bytes == text.as_bytes())
    };
    assert!(object("console.log(1)") && object("console.log(2)"));
    // Clocks may differ by two seconds, which both waits are longer by.
    std::thread::sleep(Duration::from_secs(3));
    run(site.path(), &["gc", "--grace", "0", "--plan"]).exits(4);
    run(site.path(), &["gc", "--grace", "0"]).exits(0);
    assert!(object("console.log(1)"), "condemned, and still there");
    let waiting = run(site.path(), &["gc", "--grace", "0", "--json"]).exits(0);
    assert_eq!(waiting.json()["event"], "waiting");
    std::thread::sleep(Duration::from_secs(3));
    let swept = run(site.path(), &["gc", "--grace", "0", "--json"]).exits(0);
    assert_eq!(swept.json()["event"], "swept");
    assert!(!object("console.log(1)") && object("console.log(2)"));
    run(site.path(), &["gc", "--grace", "0"]).exits(0);
}

#[test]
fn the_plan_says_what_would_change_and_changes_nothing() {
    let site = site();
    let planned = run(site.path(), &["publish", "dist", "--plan", "--json"])
        .exits(4)
        .json();
    assert_eq!(planned["uploads"], 4);
    assert_eq!(planned["immutable"], 1);
    assert_eq!(releases(site.path()), []);
    publish(site.path());
    run(site.path(), &["publish", "dist", "--plan"]).exits(0);
    let again = publish(site.path());
    assert!(again.stdout.contains("served already"), "{again:?}");
    write(site.path(), "dist/guide.html", b"<p>other</p>");
    let changed = run(site.path(), &["publish", "dist", "--plan", "--json"])
        .exits(4)
        .json();
    assert_eq!(changed["changed"], serde_json::json!(["guide.html"]));
    assert_eq!(changed["uploads"], 1);
}

#[test]
fn a_preview_and_a_trial_leave_the_live_release_alone() {
    let site = site();
    publish(site.path());
    let live = releases(site.path())[0].0.clone();
    build(site.path(), "console.log(2)");
    run(
        site.path(),
        &["publish", "dist", "--yes", "--preview", "next"],
    )
    .exits(0);
    assert_eq!(releases(site.path())[1], (live.clone(), "live".to_owned()));
    let shown = releases(site.path())[0].1.clone();
    assert_eq!(shown, "preview next");
    run(site.path(), &["publish", "dist", "--yes", "--canary", "5"]).exits(0);
    run(site.path(), &["withdraw"]).exits(0);
    run(site.path(), &["withdraw"]).exits(0);
    run(site.path(), &["publish", "dist", "--yes", "--canary", "5"]).exits(0);
    run(site.path(), &["promote"]).exits(0);
    let listed = releases(site.path());
    let promoted = listed
        .iter()
        .find(|(_, now)| now.starts_with("live"))
        .unwrap();
    assert_ne!(promoted.0, live);
    run(site.path(), &["withdraw", "--preview", "next"]).exits(0);
}

#[test]
fn releases_are_shown_and_compared() {
    let site = site();
    publish(site.path());
    write(site.path(), "dist/guide.html", b"<p>other</p>");
    write(site.path(), "dist/new.html", b"<p>new</p>");
    publish(site.path());
    let listed = releases(site.path());
    let diff = run(site.path(), &["releases", "diff", &listed[1].0, "live"]).exits(0);
    assert_eq!(diff.stdout, "+ new.html\n~ guide.html\n3 unchanged\n");
    let shown = run(site.path(), &["releases", "show", "live"])
        .exits(0)
        .stdout;
    assert!(
        shown.contains("guide.html  text/html; charset=utf-8  public, max-age=0"),
        "{shown}"
    );
    assert!(
        !shown.contains("_redirects"),
        "a rule file is no file of the site"
    );
    run(site.path(), &["releases", "show", "0000"])
        .exits(2)
        .says("no release begins with `0000`");
}

/// A server that polls a state file hears of every change.
#[test]
fn the_state_of_a_server_follows() {
    let site = site();
    run(
        site.path(),
        &["publish", "dist", "--yes", "--state", "state.json"],
    )
    .exits(0);
    let state = std::fs::read_to_string(site.path().join("state.json")).unwrap();
    let state: Value = serde_json::from_str(&state).unwrap();
    assert_eq!(
        state["release"]["live"]["release"],
        Value::from(releases(site.path())[0].0.clone())
    );
}

/// What is broken in the folder, the exit code, and what is said.
#[test]
fn what_cannot_be_published_is_named_and_nothing_is_touched() {
    let site = site();
    publish(site.path());
    let before = releases(site.path());
    let dist = site.path().join("dist");
    let link = |to: &Path, name: &str| std::os::unix::fs::symlink(to, dist.join(name)).unwrap();
    let check = |code: i32, says: &str, undo: &str| {
        run(site.path(), &["publish", "dist", "--yes"])
            .exits(code)
            .says(says);
        assert_eq!(releases(site.path()), before, "{says}");
        let undo = dist.join(undo);
        std::fs::remove_file(&undo)
            .or_else(|_| std::fs::remove_dir_all(&undo))
            .unwrap();
    };
    link(&dist, "loop");
    check(1, "the link leads back to a directory above it", "loop");
    link(&site.path().join("portcullis.yaml"), "out.html");
    check(
        1,
        "the link leads out of the published directory",
        "out.html",
    );
    write(site.path(), "dist/GUIDE.html", b"x");
    check(1, "differ in case only", "GUIDE.html");
    write(site.path(), "dist/_headers", b"  x-lost: 1\n");
    check(3, "_headers:1", "_headers");
    let name = std::ffi::OsStr::new("dist/pipe");
    assert!(
        Command::new("mkfifo")
            .arg(site.path().join(name))
            .status()
            .unwrap()
            .success()
    );
    check(1, "neither a file nor a directory", "pipe");
    run(site.path(), &["publish", "nowhere"])
        .exits(2)
        .says("there is no folder `nowhere`");
    std::fs::create_dir(site.path().join("empty")).unwrap();
    run(site.path(), &["publish", "empty", "--yes"])
        .exits(1)
        .says("`empty` holds no file");
    write(site.path(), "dist/new.html", b"new");
    run(site.path(), &["publish", "dist"])
        .exits(2)
        .says("publish with `--yes`");
}

#[test]
fn links_that_lead_nowhere_are_told_or_refused() {
    let site = site();
    write(site.path(), "dist/guide.html", b"<a href=\"/gone\">x</a>");
    let strict = ["publish", "dist", "--yes", "--broken-links", "refuse"];
    run(site.path(), &strict)
        .exits(3)
        .says("guide.html:1: `/gone` leads nowhere in the site");
    assert_eq!(releases(site.path()), []);
    publish(site.path()).says("leads nowhere");
}

/// Every object of what is live is there, whenever a publication was killed; the next run ends what the last began.
#[test]
fn a_publication_that_is_killed_anywhere_leaves_a_whole_site_and_goes_on() {
    const KILLS: u64 = 24;
    let site = site();
    for number in 0..60 {
        write(
            site.path(),
            &format!("dist/page-{number}.html"),
            format!("{number}").repeat(400).as_bytes(),
        );
    }
    publish(site.path());
    let mut killed = 0;
    for round in 0..KILLS {
        build(site.path(), &format!("console.log({round})"));
        for number in 0..60 {
            let text = format!("{round} {number} ").repeat(400);
            write(
                site.path(),
                &format!("dist/page-{number}.html"),
                text.as_bytes(),
            );
        }
        let mut child = support::command(site.path())
            .args(["publish", "dist", "--yes"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(20 + 13 * round));
        // It may have been faster.
        let _ended = child.kill();
        killed += u64::from(!child.wait().unwrap().success());
        run(site.path(), &["releases", "show", "live"]).exits(0);
        is_whole(site.path());
    }
    assert!(killed > 0, "no run was stopped");
    publish(site.path());
    is_whole(site.path());
    assert_eq!(releases(site.path())[0].1, "live");
    let plan = run(site.path(), &["publish", "dist", "--plan"]).exits(0);
    assert!(plan.stdout.contains("0 new, 0 changed, 0 gone"), "{plan:?}");
}

/// Serves the live release and asks for each of its files.
fn is_whole(site: &Path) {
    let shown = run(site, &["releases", "show", "live", "--json"])
        .exits(0)
        .stdout;
    let files = shown
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let (mut bytes, mut count) = (0, 0);
    for file in files {
        bytes += file["bytes"].as_u64().unwrap();
        count += 1;
    }
    assert!(count > 3 && bytes > 0);
    let dev = Server::start(site, &["dev", "--port", "0"]);
    for line in shown.lines() {
        let file: Value = serde_json::from_str(line).unwrap();
        let path = format!("/{}", file["path"].as_str().unwrap());
        let answer = get(dev.address, &path, &[]);
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(
            answer.body.len() as u64,
            file["bytes"].as_u64().unwrap(),
            "{path}"
        );
    }
}

/// A program without AWS says how to get one that has it.
#[test]
fn a_store_in_an_account_needs_a_program_that_can_reach_it() {
    let site = folder(&[("portcullis.yaml", MANIFEST), ("dist/index.html", "page")]);
    run(
        site.path(),
        &[
            "publish",
            "dist",
            "--plan",
            "--state",
            "dynamodb:table/site",
        ],
    )
    .exits(2)
    .says("this program has no AWS, so `dynamodb:table/site` cannot be reached")
    .says("--features aws");
}
