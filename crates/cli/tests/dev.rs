//! `portcullis dev`: the whole system over a real socket, from the edge front to the bucket.
//!
//! Countries come from the demonstration database that is built in: 193.0.6.139 is in NL, 81.2.69.142 in GB.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    reason = "a test that cannot go on must fail"
)]

mod support;

use std::net::SocketAddr;
use support::http::{Answer, get, send};
use support::keys::Pair;
use support::server::Server;
use support::{folder, write};
use tempfile::TempDir;

const MANIFEST: &str = "\
version: 1
site: house
hosts: [www.example.com]
certificate: arn:aws:acm:us-east-1:111122223333:certificate/0f3c1d9e-6a57-4c9b-9a39-3f4f0c1b2a11
origins:
  pages: { bucket: { name: house-pages, index: index.html, clean_urls: true, precompressed: true } }
  uploads: { bucket: { name: house-uploads, uploads: true } }
  media: { direct_bucket: { name: house-media } }
  store: { releases: { bucket: house-releases } }
geo: { source: both, database: { file: country.mmdb, paths: [country_code] }, on_disagreement: deny }
networks: { office: [198.51.100.0/24] }
key_groups: { members: { public_keys: [member.pem], algorithms: [ECDSA-SHA256] } }
policies:
  everyone: [{ allow: any }]
  office-only: [{ allow: { networks: [office] } }]
  europe: [{ allow: { networks: [office] } }, { allow: { countries: [EU] } }]
  members: [{ allow: { signed_by: members } }]
behaviors:
  - { path: /members/*, origin: pages, policy: members, caching: disabled }
  - { path: /office/*, origin: pages, policy: office-only, caching: disabled }
  - { path: /uploads/*, origin: uploads, policy: everyone }
  - { path: /media/*, origin: media, policy: everyone }
  - { path: /store/*, origin: store, policy: everyone }
  - { path: /errors/*, origin: pages, policy: everyone, caching: disabled }
  - { path: \"*\", origin: pages, policy: europe, enforce: edge }
errors:
  403: { document: /errors/403.html, min_ttl: 0s }
  404: { document: /errors/404.html, min_ttl: 0s }
";

const TEXT: &str = "0123456789abcdefghij";
const OFFICE: &str = "x-portcullis-viewer: 198.51.100.7";
const BRITISH: &str = "x-portcullis-viewer: 81.2.69.142";

/// A running site; the folder lives as long as the server.
struct Dev {
    server: Server,
    folder: TempDir,
}

impl Dev {
    #[track_caller]
    fn start(arguments: &[&str]) -> Self {
        let folder = folder(&[
            ("portcullis.yaml", MANIFEST),
            ("member.pem", &Pair::new().public),
            ("buckets/house-pages/index.html", "<p>welcome</p>"),
            ("buckets/house-pages/index.html.br", "as brotli"),
            ("buckets/house-pages/guide.html", "<p>guide</p>"),
            ("buckets/house-pages/digits.txt", TEXT),
            ("buckets/house-pages/members/index.html", "<p>members</p>"),
            ("buckets/house-pages/office/index.html", "<p>office</p>"),
            ("buckets/house-pages/errors/403.html", "<p>not for you</p>"),
            ("buckets/house-pages/errors/404.html", "<p>not here</p>"),
            (
                "buckets/house-uploads/uploads/a.html",
                "<script>alert(1)</script>",
            ),
            ("buckets/house-media/media/a.txt", "from the bucket"),
            ("secret.txt", "beside the buckets"),
        ]);
        let server = Server::start(
            folder.path(),
            &[&["dev", "--port", "0"], arguments].concat(),
        );
        Self { server, folder }
    }

    fn address(&self) -> SocketAddr {
        self.server.address
    }

    #[track_caller]
    fn get(&self, target: &str, headers: &[&str]) -> Answer {
        get(self.address(), target, headers)
    }
}

/// A request with its headers, the status, and the body it must have.
#[track_caller]
fn check(dev: &Dev, target: &str, headers: &[&str], status: u16, body: &str) {
    let answer = dev.get(target, headers);
    assert_eq!(answer.status, status, "{target} {headers:?}: {answer:?}");
    assert_eq!(answer.text(), body, "{target} {headers:?}");
    assert_eq!(answer.after, b"", "{target} {headers:?}");
}

#[test]
fn an_admitted_request_is_answered_as_cloudfront_answers() {
    let dev = Dev::start(&[]);
    let answer = dev.get("/", &[]);
    assert_eq!(
        (answer.status, answer.text().as_str()),
        (200, "<p>welcome</p>")
    );
    assert_eq!(
        answer.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    assert_eq!(answer.header("x-cache"), Some("Miss from cloudfront"));
    assert!(
        answer
            .header("via")
            .unwrap()
            .ends_with(".cloudfront.net (CloudFront)"),
        "{answer:?}"
    );
    assert_eq!(
        answer.header("x-amz-cf-id").unwrap().len(),
        56,
        "{answer:?}"
    );
    assert!(answer.header("x-amz-cf-pop").is_some() && answer.header("date").is_some());
    let again = dev.get("/", &[]);
    assert_ne!(answer.header("x-amz-cf-id"), again.header("x-amz-cf-id"));
}

/// The order of the three is the point: what the cache holds for one viewer, it does not give to another.
#[test]
fn the_cache_does_not_undo_the_policy() {
    let dev = Dev::start(&[]);
    let rows = [
        (
            "refused, with nothing kept",
            BRITISH,
            403,
            "FunctionGeneratedResponse",
        ),
        ("from the gateway", OFFICE, 200, "Miss"),
        ("from the cache", OFFICE, 200, "Hit"),
        (
            "from the cache, for another viewer",
            "x-portcullis-country: NL",
            200,
            "Hit",
        ),
        ("still refused", BRITISH, 403, "FunctionGeneratedResponse"),
        ("and still kept for who may", OFFICE, 200, "Hit"),
    ];
    for (what, viewer, status, x_cache) in rows {
        let answer = dev.get("/guide", &[viewer]);
        assert_eq!(answer.status, status, "{what}");
        let expected = format!("{x_cache} from cloudfront");
        assert_eq!(answer.header("x-cache"), Some(expected.as_str()), "{what}");
        let body = if status == 200 {
            "<p>guide</p>"
        } else {
            "Access denied.\n"
        };
        assert_eq!(answer.text(), body, "{what}");
    }
}

#[test]
fn policies_decide_over_the_socket() {
    let dev = Dev::start(&[]);
    let (refused, missing) = ("<p>not for you</p>", "<p>not here</p>");
    // What the edge guard answers no custom error page replaces.
    let at_edge = "Access denied.\n";
    check(&dev, "/guide", &[], 200, "<p>guide</p>");
    check(&dev, "/guide", &[OFFICE], 200, "<p>guide</p>");
    check(&dev, "/guide", &[BRITISH], 403, at_edge);
    check(&dev, "/guide", &["x-portcullis-country: US"], 403, at_edge);
    check(&dev, "/office/", &[OFFICE], 200, "<p>office</p>");
    check(&dev, "/office/", &[], 403, refused);
    check(&dev, "/members/", &[], 403, refused);
    check(&dev, "/nothing", &[], 404, missing);
    check(&dev, "/nothing", &[BRITISH], 403, at_edge);
    check(&dev, "/media/a.txt", &[BRITISH], 200, "from the bucket");
    // What a viewer claims about itself counts for nothing.
    check(
        &dev,
        "/office/",
        &["cloudfront-viewer-address: 198.51.100.7:443"],
        403,
        refused,
    );
    check(
        &dev,
        "/office/",
        &["x-forwarded-for: 198.51.100.7"],
        403,
        refused,
    );
    check(
        &dev,
        "/guide",
        &[BRITISH, "cloudfront-viewer-country: NL"],
        403,
        at_edge,
    );
}

/// The status and the `Cache-Control` of an answer that is an error.
#[track_caller]
fn check_error(dev: &Dev, target: &str, headers: &[&str], status: u16, cache_control: &str) {
    let answer = dev.get(target, headers);
    assert_eq!(answer.status, status, "{target}: {answer:?}");
    let x_cache = match answer.header("x-portcullis-reason") {
        Some(_) => "FunctionGeneratedResponse from cloudfront",
        None => "Error from cloudfront",
    };
    assert_eq!(answer.header("x-cache"), Some(x_cache), "{target}");
    assert_eq!(
        answer.header("cache-control"),
        Some(cache_control),
        "{target}"
    );
}

/// The gateway forbids everyone to keep a refusal; the page that CloudFront puts in its place has headers of its own.
#[test]
fn a_refusal_is_used_again_by_nobody() {
    let dev = Dev::start(&[]);
    check_error(&dev, "/guide", &[BRITISH], 403, "no-store");
    check_error(&dev, "/office/", &[], 403, "no-cache");
    check_error(&dev, "/nothing", &[], 404, "no-cache");
    let plain = MANIFEST.split_once("errors:\n").unwrap().0;
    write(dev.folder.path(), "portcullis.yaml", plain.as_bytes());
    dev.server.wait_for_error("reloaded: sha256:");
    check_error(&dev, "/guide", &[BRITISH], 403, "no-store");
    check_error(&dev, "/nothing", &[], 404, "no-store");
}

#[test]
fn the_viewer_and_its_country_may_be_given_at_the_start() {
    let dev = Dev::start(&["--viewer", "81.2.69.142"]);
    assert_eq!(dev.get("/guide", &[]).status, 403);
    assert_eq!(dev.get("/guide", &[OFFICE]).status, 200);
    assert_eq!(
        dev.get("/guide", &["x-portcullis-viewer: 193.0.6.139"])
            .status,
        200
    );
    let dev = Dev::start(&["--country", "US"]);
    assert_eq!(
        dev.get("/guide", &[]).status,
        403,
        "header and database disagree"
    );
}

/// The links that are printed lead where they say, and a changed one leads nowhere.
#[test]
fn the_printed_links_do_what_they_say() {
    let dev = Dev::start(&["--json"]);
    let printed = dev.server.stdout();
    let ready: serde_json::Value = serde_json::from_str(printed.lines().next().unwrap()).unwrap();
    let base = format!("http://{}", dev.address());
    assert_eq!(
        (&ready["event"], &ready["url"]),
        (&"ready".into(), &base.as_str().into())
    );
    let listed = ready["links"].to_string();
    for path in [
        "/uploads/a.html",
        "/media/a.txt",
        "/errors/403.html",
        "/office/",
    ] {
        assert!(
            listed.contains(&format!("{base}{path}\"")),
            "{path}: {listed}"
        );
    }
    let mut signed = None;
    for link in ready["links"].as_array().unwrap() {
        let target = link["url"].as_str().unwrap().strip_prefix(&base).unwrap();
        let status = dev.get(target, &[]).status;
        assert_eq!(link["verdict"] == "refused", status == 403, "{link}");
        // What is admitted is there to be seen, or the link says why not.
        let expected = match link["why"].as_str().unwrap() {
            why if why.contains("503") => 503,
            _ if status == 403 => 403,
            _ => 200,
        };
        assert_eq!(status, expected, "{link}");
        signed = signed.or(target.contains("Signature=").then(|| target.to_owned()));
    }
    let signed = signed.unwrap();
    assert_eq!(dev.get(&signed, &[]).text(), "<p>members</p>");
    let (start, rest) = signed.split_once("Expires=").unwrap();
    let longer = format!("{start}Expires=9{rest}");
    assert_eq!(dev.get(&longer, &[]).status, 403, "{longer}");
    let other = signed.replace("/members/", "/members/other");
    assert_eq!(dev.get(&other, &[]).status, 403, "{other}");
}

#[test]
fn ranges_conditions_and_codings_hold() {
    let dev = Dev::start(&[]);
    let part = dev.get("/digits.txt", &["range: bytes=5-9"]);
    assert_eq!((part.status, part.text().as_str()), (206, "56789"));
    assert_eq!(part.header("content-range"), Some("bytes 5-9/20"));
    let beyond = dev.get("/digits.txt", &["range: bytes=20-"]);
    assert_eq!(
        (beyond.status, beyond.header("content-range")),
        (416, Some("bytes */20"))
    );
    let whole = dev.get("/digits.txt", &[]);
    let tag = format!("if-none-match: {}", whole.header("etag").unwrap());
    let unchanged = dev.get("/digits.txt", &[&tag]);
    assert_eq!((unchanged.status, unchanged.body.len()), (304, 0));
    assert_eq!(
        (unchanged.header("etag"), unchanged.after.len()),
        (whole.header("etag"), 0)
    );
    let coded = dev.get("/", &["accept-encoding: gzip, br"]);
    assert_eq!(
        (coded.header("content-encoding"), coded.text().as_str()),
        (Some("br"), "as brotli")
    );
    assert!(
        coded
            .header("vary")
            .unwrap()
            .to_ascii_lowercase()
            .contains("accept-encoding")
    );
    assert_eq!(dev.get("/", &[]).header("content-encoding"), None);
}

#[test]
fn head_has_the_headers_of_get_and_no_body() {
    let dev = Dev::start(&[]);
    for (target, headers) in [
        ("/digits.txt", &[][..]),
        ("/office/", &[]),
        ("/nothing", &[]),
    ] {
        let get = dev.get(target, headers);
        let head = send(dev.address(), "HEAD", target, headers, "");
        assert_eq!(head.status, get.status);
        assert_eq!(head.after, b"", "{target}: a body");
        for name in ["content-length", "content-type", "etag", "cache-control"] {
            assert_eq!(head.header(name), get.header(name), "{target}: {name}");
        }
    }
}

#[test]
fn what_others_sent_in_never_runs() {
    let dev = Dev::start(&[]);
    let answer = dev.get("/uploads/a.html", &[]);
    assert_eq!(answer.status, 200);
    assert!(
        answer
            .header("content-disposition")
            .unwrap()
            .starts_with("attachment"),
        "{answer:?}"
    );
    assert!(
        answer
            .header("content-security-policy")
            .unwrap()
            .contains("sandbox"),
        "{answer:?}"
    );
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
}

/// A method, a target, a body, and the status.
#[track_caller]
fn check_refused(dev: &Dev, method: &str, target: &str, body: &str, status: u16) {
    let answer = send(dev.address(), method, target, &[], body);
    assert_eq!(answer.status, status, "{method} {target:.60}: {answer:?}");
    assert!(!answer.text().contains("beside the buckets"));
}

#[test]
fn what_cloudfront_or_the_gateway_would_not_hear_is_refused() {
    let dev = Dev::start(&[]);
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"] {
        check_refused(&dev, method, "/guide", "", 403);
    }
    check_refused(&dev, "POST", "/guide", "a=b", 403);
    check_refused(&dev, "TRACE", "/guide", "", 403);
    check_refused(&dev, "GET", "/guide", "a body", 403);
    for target in [
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/a%2f..%2f..%2fsecret.txt",
        "/a%00",
        "/a%zz",
    ] {
        check_refused(&dev, "GET", target, "", 400);
    }
    let long = |bytes: usize| format!("/{}", "a".repeat(bytes - 1));
    check_refused(&dev, "GET", &long(8_193), "", 414);
    // One byte less is heard; no file has such a name.
    assert_ne!(dev.get(&long(8_192), &[]).status, 414);
}

#[test]
fn a_release_store_without_a_release_says_so() {
    let dev = Dev::start(&[]);
    assert_eq!(dev.get("/store/a", &[]).status, 503);
}

#[test]
fn a_changed_manifest_is_put_to_work_and_a_broken_one_is_not() {
    let dev = Dev::start(&[]);
    let change = |text: &str| write(dev.folder.path(), "portcullis.yaml", text.as_bytes());
    let status = || dev.get("/guide", &[BRITISH]).status;
    assert_eq!(status(), 403);
    change(&MANIFEST.replace("countries: [EU]", "countries: [EU, GB]"));
    dev.server.wait_for_error("reloaded: sha256:");
    assert_eq!(status(), 200);
    change(&MANIFEST.replace("countries: [EU]", "countries: [EU, UK]"));
    dev.server
        .wait_for_error("the last good manifest stays in force");
    assert!(
        dev.server.stderr().contains("error[PC1204]"),
        "{}",
        dev.server.stderr()
    );
    assert_eq!(status(), 200);
    change(MANIFEST);
    dev.server
        .wait_for("refusal", |_| (status() == 403).then_some(()));
}

#[test]
fn it_listens_on_the_loopback_address_and_stops_when_asked() {
    let mut dev = Dev::start(&[]);
    assert!(dev.address().ip().is_loopback());
    dev.server.terminate();
    assert_eq!(dev.server.ended(), Some(0));
}

/// A port in use is passed over.
#[test]
fn a_second_one_finds_another_port() {
    let dev = Dev::start(&[]);
    let port = dev.address().port().to_string();
    let second = Server::start(dev.folder.path(), &["dev", "--port", &port]);
    assert_ne!(second.address, dev.address());
    assert_eq!(get(second.address, "/guide", &[]).status, 200);
}

#[test]
fn without_a_manifest_there_is_the_next_thing_to_type() {
    let nothing = folder(&[]);
    support::run(nothing.path(), &["dev", "nothing.yaml"])
        .exits(2)
        .says("error: there is no manifest at `nothing.yaml`")
        .says("help: name one, or make one with `portcullis init`");
}
