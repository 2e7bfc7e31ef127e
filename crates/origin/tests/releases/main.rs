//! Releases served by the whole gateway over a directory and a state file: what each path answers, at how many store calls.
#![allow(clippy::unwrap_used, reason = "a test fails where it cannot be set up")]

mod world;

use portcullis_origin::request::Headers;
use portcullis_origin::state::{Serving, Stored};
use portcullis_release_manifest::serving::{Percent, Trial};
use portcullis_release_manifest::{Digest, Rules};
use std::time::Duration;
use world::{Ask, Got, World, only, rules};

const FILES: &[(&str, &str)] = &[
    ("index.html", "home"),
    ("app.html", "app"),
    ("404.html", "nothing here"),
    ("guide/index.html", "guide"),
    ("page.html", "page"),
    ("short.html", "short"),
    ("forced.html", "never seen"),
    ("packed.js", "script"),
    ("assets/main-h1.js", "one"),
    ("secret/plan.html", "plan"),
];

fn world() -> (World, Stored) {
    let world = World::new();
    let stored = world.store(FILES, rules());
    world.publish(only(1, stored));
    (world, stored)
}

fn headers(set: impl FnOnce(&mut Headers<'static>)) -> Ask<'static> {
    let mut headers = Headers::default();
    set(&mut headers);
    Ask {
        headers,
        ..Ask::default()
    }
}

fn navigation() -> Ask<'static> {
    headers(|h| h.fetch_mode = Some("navigate"))
}

#[tokio::test]
async fn each_path_answers_by_the_manifest() {
    let (world, _) = world();
    world.get("/").await;
    // Path, status, text or location, store calls.
    for (path, status, said, calls) in [
        ("/", 200, "home", 1),
        ("/page.html", 200, "page", 1),
        ("/page", 200, "page", 1),
        ("/guide/", 200, "guide", 1),
        ("/assets/main-h1.js", 200, "one", 1),
        ("/nowhere", 404, "nothing here", 0),
        ("/nowhere.js", 404, "nothing here", 0),
        ("/assets/", 404, "nothing here", 0),
        ("/page.html/", 404, "nothing here", 0),
        // There is something at `/guide`, so the rule that is not forced does not hold.
        ("/guide", 308, "/guide/", 0),
        ("/forced.html", 301, "/guide", 0),
        ("/old/a/b", 302, "/guide/a/b", 0),
        ("/away", 301, "https://example.com/x", 0),
        ("/app/any/where", 200, "app", 1),
        ("/gone/x", 410, "nothing here", 1),
        // A rewrite to what another policy governs leads nowhere.
        ("/steal", 404, "nothing here", 0),
        ("/secret/plan.html", 403, "Access denied.\n", 0),
    ] {
        let got = world.get(path).await;
        let location = got.header("location").unwrap_or(&got.text);
        assert_eq!(
            (got.status, location, got.calls),
            (status, said, calls),
            "{path}"
        );
        assert_eq!(
            got.header("x-robots-tag").is_some(),
            status != 403,
            "{path}"
        );
        if !matches!(status, 200) {
            assert_eq!(got.header("cache-control"), Some("no-store"), "{path}");
            assert_eq!(got.header("etag"), None, "{path}");
        }
    }
}

#[tokio::test]
async fn a_redirect_takes_the_query_along() {
    let (world, _) = world();
    let ask = Ask {
        query: "a=1",
        ..Ask::default()
    };
    let got = world.ask("/old/x", ask).await;
    assert_eq!(got.header("location"), Some("/guide/x?a=1"));
}

#[tokio::test]
async fn conditions_and_ranges_hold_by_the_manifest_alone() {
    let (world, _) = world();
    let full = world.get("/page.html").await;
    let etag: &'static str = full.header("etag").unwrap().to_owned().leak();
    #[track_caller]
    fn check(got: &Got, status: u16, text: &str, calls: u32) {
        assert_eq!(
            (got.status, got.text.as_str(), got.calls),
            (status, text, calls)
        );
    }
    let head = Ask {
        method: Some("HEAD"),
        ..Ask::default()
    };
    let got = world.ask("/page.html", head).await;
    check(&got, 200, "", 0);
    assert_eq!(got.header("content-length"), Some("4"));
    assert_eq!(got.header("etag"), Some(etag));
    let same = world
        .ask("/page.html", headers(|h| h.if_none_match = Some(etag)))
        .await;
    check(&same, 304, "", 0);
    assert_eq!(same.header("cache-control"), full.header("cache-control"));
    let other = world
        .ask("/page.html", headers(|h| h.if_match = Some("\"x\"")))
        .await;
    assert_eq!((other.status, other.calls), (412, 0));
    let part = world
        .ask("/page.html", headers(|h| h.range = Some("bytes=1-2")))
        .await;
    check(&part, 206, "ag", 1);
    assert_eq!(part.header("content-range"), Some("bytes 1-2/4"));
    let outside = world
        .ask("/page.html", headers(|h| h.range = Some("bytes=9-")))
        .await;
    assert_eq!((outside.status, outside.calls), (416, 0));
    let changed = headers(|h| {
        h.range = Some("bytes=1-2");
        h.if_range = Some("\"x\"");
    });
    check(&world.ask("/page.html", changed).await, 200, "page", 1);
}

#[tokio::test]
async fn a_variant_is_chosen_by_what_the_viewer_accepts() {
    let (world, _) = world();
    let mut tags = Vec::new();
    for (accept, text, coding) in [
        (None, "script", None),
        (Some("gzip"), "script", None),
        (Some("gzip, br"), "br of script", Some("br")),
        (Some("br;q=0"), "script", None),
    ] {
        let got = world
            .ask("/packed.js", headers(|h| h.accept_encoding = accept))
            .await;
        assert_eq!(
            (got.text.as_str(), got.header("content-encoding")),
            (text, coding)
        );
        assert_eq!(
            got.header("content-type"),
            Some("text/javascript; charset=utf-8")
        );
        assert_eq!(got.header("vary"), Some("Accept-Encoding"));
        tags.push(got.header("etag").unwrap().to_owned());
    }
    assert_ne!(tags[0], tags[2], "a coding has a tag of its own");
}

#[tokio::test]
async fn lifetimes_and_tags_say_what_the_release_says() {
    let (world, stored) = world();
    for (path, lifetime) in [
        ("/page.html", "s-maxage=300, max-age=60"),
        ("/assets/main-h1.js", "immutable, max-age=31536000"),
        ("/short.html", "max-age=7, s-maxage=8"),
    ] {
        let got = world.get(path).await;
        let stated = got.header("cache-control").unwrap().to_owned();
        for directive in lifetime.split(", ") {
            assert!(stated.contains(directive), "{path}: {stated}");
        }
        let short = format!("{:.16}", stored.release.to_string());
        let tags = format!("release:{short},class:0,path:{path},docs");
        assert_eq!(got.header("cache-tag"), Some(tags.as_str()));
    }
    let missing = world.get("/nowhere").await;
    let short = format!("{:.16}", stored.release.to_string());
    let tags = format!("release:{short},path:/nowhere");
    assert_eq!(missing.header("cache-tag"), Some(tags.as_str()));
}

#[tokio::test]
async fn the_fallback_is_for_navigations_and_decided_by_the_path_that_was_asked_for() {
    let (world, _) = world();
    for (path, ask, status, text) in [
        ("/any/where", navigation(), 200, "app"),
        (
            "/any/where",
            headers(|h| h.accept = Some("text/html,*/*")),
            200,
            "app",
        ),
        (
            "/any/where",
            headers(|h| h.accept = Some("*/*")),
            404,
            "nothing here",
        ),
        (
            "/any/where",
            headers(|h| h.fetch_mode = Some("cors")),
            404,
            "nothing here",
        ),
        ("/any/where.js", navigation(), 404, "nothing here"),
        ("/secret/where", navigation(), 403, "Access denied.\n"),
    ] {
        let got = world.ask(path, ask).await;
        assert_eq!((got.status, got.text.as_str()), (status, text), "{path}");
        if status == 200 {
            let lifetime = got.header("cache-control").unwrap();
            assert!(
                lifetime.contains("no-cache"),
                "it depends on no cache key: {lifetime}"
            );
        }
    }
}

#[tokio::test]
async fn an_open_page_keeps_its_assets_across_flips() {
    let world = World::new();
    let text = |n: u32| format!("release {n}");
    let mut kept = Vec::new();
    for n in 1..=3 {
        let asset = format!("assets/main-h{n}.js");
        let files = [("index.html", text(n)), (asset.as_str(), text(n))];
        let files = files.each_ref().map(|(path, text)| (*path, text.as_str()));
        let rules = Rules {
            entry: "index.html".to_owned(),
            ..Rules::default()
        };
        let stored = world.store(&files, rules);
        kept.insert(0, stored);
        let serving = Serving {
            kept: kept.clone(),
            ..only(n.into(), stored)
        };
        world.publish(serving);
        for old in 1..=n {
            let got = world.get(&format!("/assets/main-h{old}.js")).await;
            assert_eq!((got.status, got.text), (200, text(old)), "{old} in {n}");
        }
        assert_eq!(world.get("/").await.text, text(n));
    }
    assert_eq!(world.get("/assets/main-h4.js").await.status, 404);
    let again = world.get("/assets/main-h4.js").await;
    assert_eq!(
        (again.status, again.calls),
        (404, 0),
        "what is open is not read again"
    );
    // What is not kept any more is gone; so is a name that does not change with its content.
    world.publish(only(4, kept[0]));
    assert_eq!(world.get("/assets/main-h1.js").await.status, 404);
}

#[tokio::test]
async fn a_damaged_or_missing_release_leaves_the_last_good_one() {
    let (world, first) = world();
    assert_eq!(world.get("/page.html").await.text, "page");
    let second = world.store(&[("page.html", "new page")], Rules::default());
    let key = second.manifest_key();
    let lost = Stored {
        release: Digest::of(b"no such release"),
        era: 1,
    };
    for (epoch, bad) in [(2, second), (3, lost)] {
        world.write(&key, b"damaged");
        world.publish(only(epoch, bad));
        for _ in 0..3 {
            let got = world.get("/page.html").await;
            assert_eq!(
                (got.status, got.text.as_str()),
                (200, "page"),
                "epoch {epoch}"
            );
        }
        let missing = world.get("/nowhere").await;
        assert_eq!(
            (missing.status, missing.calls),
            (404, 0),
            "a failure is not tried at once again"
        );
    }
    // A rollback is a higher epoch.
    world.publish(only(4, first));
    assert_eq!(world.get("/page.html").await.text, "page");
}

#[tokio::test]
async fn without_any_release_there_is_a_503_and_not_a_404() {
    let world = World::new();
    assert_eq!(world.get("/").await.status, 503);
    let lost = Stored {
        release: Digest::of(b"no such release"),
        era: 1,
    };
    world.publish(only(1, lost));
    let got = world.get("/").await;
    assert_eq!(
        (got.status, got.header("cache-control")),
        (502, Some("no-store"))
    );
}

#[tokio::test]
async fn an_object_that_the_release_promises_and_is_not_there_is_no_404() {
    let (world, _) = world();
    let digest = Digest::of(b"page");
    let key = portcullis_release_manifest::VersionedKey::of_object(1, &digest, Some("html"));
    world.remove(&key);
    assert_eq!(world.get("/page.html").await.status, 502);
    world.write(&key, b"pagE");
    assert_eq!(
        world.get("/page.html").await.status,
        502,
        "other bytes of the same length"
    );
}

#[tokio::test]
async fn a_preview_is_seen_where_the_cache_can_tell_it_apart() {
    let (world, live) = world();
    let next = world.store(
        &[
            ("page.html", "next"),
            ("live/page.html", "next"),
            ("keyed/page.html", "next"),
        ],
        Rules::default(),
    );
    let serving = Serving {
        previews: [("next".to_owned(), next)].into(),
        ..only(2, live)
    };
    world.publish(serving);
    let by_header = headers(|h| h.preview = Some("next"));
    let by_host = headers(|h| h.host = Some("preview--next.example.com"));
    for (path, ask, status, text) in [
        ("/live/page.html", by_header, 200, "next"),
        ("/live/page.html", by_host, 200, "next"),
        ("/live/page.html", Ask::default(), 404, "nothing here"),
        ("/keyed/page.html", by_header, 200, "next"),
        ("/keyed/page.html", by_host, 404, "nothing here"),
        ("/page.html", by_header, 200, "page"),
        ("/page.html", by_host, 200, "page"),
        (
            "/live/page.html",
            headers(|h| h.preview = Some("other")),
            404,
            "There is nothing here.\n",
        ),
        ("/secret/plan.html", by_header, 403, "Access denied.\n"),
    ] {
        let got = world.ask(path, ask).await;
        assert_eq!((got.status, got.text.as_str()), (status, text), "{path}");
    }
}

#[tokio::test]
async fn a_trial_takes_its_share_of_viewers_and_keeps_them() {
    let world = World::new();
    let all = |text| {
        let paths = ["page.html", "live/page.html", "keyed/page.html"];
        paths.map(|path| (path, text))
    };
    let live = world.store(&all("live"), Rules::default());
    let trial = world.store(&all("trial"), Rules::default());
    let mut before: Vec<u32> = Vec::new();
    for (epoch, share) in [(1, 10), (2, 50), (3, 100)] {
        world.publish(Serving {
            canary: Some(Trial {
                release: trial.release,
                era: trial.era,
                share: Percent::new(share).unwrap(),
            }),
            ..only(epoch, live)
        });
        let mut taken = Vec::new();
        for viewer in 0..200_u32 {
            let (name, cookie) = (
                format!("v{viewer}"),
                format!("a=b; portcullis-sticky=v{viewer}"),
            );
            let sticky = Headers {
                sticky: Some(&name),
                ..Headers::default()
            };
            let by_header = Ask {
                headers: sticky,
                ..Ask::default()
            };
            let cookies = [cookie.as_str()];
            let by_cookie = Ask {
                cookies: &cookies,
                ..Ask::default()
            };
            let got = world.ask("/live/page.html", by_cookie).await.text;
            assert_eq!(got, world.ask("/keyed/page.html", by_header).await.text);
            // Where the cache cannot tell viewers apart they all get the same.
            assert_eq!(world.ask("/page.html", by_cookie).await.text, "live");
            assert_eq!(world.ask("/page.html", by_header).await.text, "live");
            assert_eq!(world.ask("/keyed/page.html", by_cookie).await.text, "live");
            taken.extend((got == "trial").then_some(viewer));
        }
        let expected = usize::from(share) * 2;
        assert!(
            taken.len().abs_diff(expected) <= 20,
            "{share} %: {} of 200",
            taken.len()
        );
        assert!(
            before.iter().all(|viewer| taken.contains(viewer)),
            "nobody is let go"
        );
        before = taken;
    }
    // By address, whatever the port.
    let ask = |address| headers(|h| h.viewer_address = Some(address));
    let first = world.ask("/live/page.html", ask("203.0.113.7:1")).await;
    assert_eq!(
        first.text,
        world
            .ask("/live/page.html", ask("203.0.113.7:2"))
            .await
            .text
    );
}

#[tokio::test]
async fn epochs_never_go_back() {
    let world = World::new();
    let old = world.store(&[("page.html", "old")], Rules::default());
    let new = world.store(&[("page.html", "new")], Rules::default());
    world.publish(only(1, old));
    assert_eq!(world.get("/page.html").await.text, "old");
    world.publish(only(2, new));
    assert_eq!(world.get("/page.html").await.text, "new");
    world.overwrite(only(1, old));
    for _ in 0..3 {
        world.pass(Duration::from_secs(11));
        assert_eq!(world.get("/page.html").await.text, "new");
    }
}
