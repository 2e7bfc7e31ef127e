//! `portcullis sign`: what it signs the gateway admits, what it refuses it names, and the private key stays where it is.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    reason = "a test that cannot go on must fail"
)]

mod support;

use base64::Engine as _;
use std::time::{SystemTime, UNIX_EPOCH};
use support::keys::Pair;
use support::{Ran, folder, run, run_with_input};
use tempfile::TempDir;

const URL: &str = "https://handbook.example.com/training/a.pdf";

const MANIFEST: &str = "\
version: 1
site: handbook
hosts: [handbook.example.com]
certificate: arn:aws:acm:us-east-1:111122223333:certificate/0f3c1d9e-6a57-4c9b-9a39-3f4f0c1b2a11
origins: { files: { bucket: { name: handbook-files } } }
key_groups:
  training: { public_keys: [trusted.pem], algorithms: [ECDSA-SHA256] }
policies:
  members: [{ allow: { signed_by: training } }]
behaviors:
  - { path: \"*\", origin: files, policy: members, caching: disabled }
";

/// A folder with a site that trusts one key; the private one lies beside it, and so does another.
struct Signing {
    folder: TempDir,
    trusted: Pair,
    other: Pair,
}

impl Signing {
    fn new() -> Self {
        let (trusted, other) = (Pair::new(), Pair::new());
        let folder = folder(&[
            ("portcullis.yaml", MANIFEST),
            ("trusted.pem", &trusted.public),
            ("private.pem", &trusted.private),
            ("other.pem", &other.private),
            ("note.txt", "no key at all\n"),
        ]);
        Self {
            folder,
            trusted,
            other,
        }
    }

    /// Runs `sign` and holds that nothing printed has any of the private keys in it.
    #[track_caller]
    fn sign(&self, arguments: &[&str]) -> Ran {
        self.held(run(self.folder.path(), &[&["sign"], arguments].concat()))
    }

    #[track_caller]
    fn held(&self, ran: Ran) -> Ran {
        for pair in [&self.trusted, &self.other] {
            let secret = pair.secret().get(..40).unwrap();
            assert!(
                !ran.stdout.contains(secret) && !ran.stderr.contains(secret),
                "{ran:?}"
            );
        }
        ran
    }

    /// What `explain` decides about a signed URL: its reason.
    #[track_caller]
    fn reason(&self, url: &str) -> String {
        let arguments = ["explain", url, "--viewer", "193.0.6.139", "--json"];
        let value = run(self.folder.path(), &arguments).json();
        value["reason"].as_str().unwrap().to_owned()
    }
}

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
}

/// The parameter of a query.
fn parameter<'a>(url: &'a str, name: &str) -> Option<&'a str> {
    let (_, query) = url.split_once('?')?;
    query
        .split('&')
        .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}

/// Decodes CloudFront's own base64 alphabet.
fn decode(text: &str) -> String {
    let text = text.replace('-', "+").replace('_', "=").replace('~', "/");
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(text)
        .unwrap();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn a_signed_url_is_admitted_and_a_changed_one_is_not() {
    let signing = Signing::new();
    let ran = signing
        .sign(&[URL, "--key", "private.pem", "--expires", "10m"])
        .exits(0);
    let url = ran.stdout.trim_end();
    assert!(url.starts_with(&format!("{URL}?Expires=")), "{url}");
    assert_eq!(signing.reason(url), "admitted");
    assert_eq!(
        signing.reason(&url.replace("a.pdf", "b.pdf")),
        "signature-bad"
    );
    assert_eq!(signing.reason(URL), "signature-absent");
    let expires: u64 = parameter(url, "Expires").unwrap().parse().unwrap();
    assert!((now() + 590..=now() + 600).contains(&expires), "{expires}");
}

#[test]
fn conditions_make_a_custom_policy() {
    let signing = Signing::new();
    let conditions = ["--not-before", "1700000000", "--ip", "193.0.6.0/24"];
    let arguments = [&[URL, "--key", "private.pem"], &conditions[..]].concat();
    let url = signing.sign(&arguments).exits(0).stdout;
    let policy = decode(parameter(url.trim_end(), "Policy").unwrap());
    for part in [
        &format!("\"Resource\":\"{URL}\""),
        "\"DateGreaterThan\":{\"AWS:EpochTime\":1700000000}",
        "\"IpAddress\":{\"AWS:SourceIp\":\"193.0.6.0/24\"}",
    ] {
        assert!(policy.contains(part), "{part} in {policy}");
    }
    assert_eq!(signing.reason(url.trim_end()), "admitted");
}

#[test]
fn cookies_cover_a_pattern_and_carry_their_attributes() {
    let signing = Signing::new();
    let pattern = "https://handbook.example.com/training/*";
    let ran = signing
        .sign(&[pattern, "--key", "private.pem", "--cookies"])
        .exits(0);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    for name in ["Policy", "Signature", "Key-Pair-Id"] {
        let start = format!("Set-Cookie: CloudFront-{name}=");
        assert!(
            lines.iter().any(|line| line.starts_with(&start)),
            "{name} in {lines:?}"
        );
    }
    for line in &lines {
        assert!(
            line.ends_with("; Secure; HttpOnly; SameSite=Lax; Path=/"),
            "{line}"
        );
    }
    let json = signing
        .sign(&[pattern, "--key", "private.pem", "--cookies", "--json"])
        .exits(0)
        .json();
    let policy = decode(json["cookies"]["CloudFront-Policy"].as_str().unwrap());
    assert!(
        policy.contains(&format!("\"Resource\":\"{pattern}\"")),
        "{policy}"
    );
}

#[test]
fn signed_cookies_are_admitted_by_explain() {
    let signing = Signing::new();
    let pattern = "https://handbook.example.com/training/*";
    let json = signing
        .sign(&[pattern, "--key", "private.pem", "--cookies", "--json"])
        .exits(0)
        .json();
    let cookies: Vec<String> = json["cookies"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| format!("{name}={}", value.as_str().unwrap()))
        .collect();
    let header = format!("Cookie: {}", cookies.join("; "));
    let arguments = [
        "explain",
        URL,
        "--viewer",
        "193.0.6.139",
        "--header",
        &header,
    ];
    let ran = run(signing.folder.path(), &arguments).exits(0);
    assert!(ran.stdout.contains("ADMITTED"), "{}", ran.stdout);
}

#[test]
fn json_gives_the_url_its_end_and_the_key() {
    let signing = Signing::new();
    let ran = signing
        .sign(&[URL, "--key", "private.pem", "--key-id", "K123", "--json"])
        .exits(0);
    let value = ran.json();
    assert_eq!(value["key_id"], "K123");
    let url = value["url"].as_str().unwrap();
    assert_eq!(parameter(url, "Key-Pair-Id"), Some("K123"));
    assert_eq!(
        parameter(url, "Expires"),
        Some(value["expires"].to_string().as_str())
    );
}

#[test]
fn the_key_may_come_from_standard_input() {
    let signing = Signing::new();
    let key = ["sign", URL, "--key", "-"];
    let manifest = ["-m", "portcullis.yaml", "--key-group", "training"];
    let arguments = [&key[..], &manifest].concat();
    let ran = run_with_input(signing.folder.path(), &arguments, &signing.trusted.private);
    let ran = signing.held(ran).exits(0);
    assert_eq!(signing.reason(ran.stdout.trim_end()), "admitted");
}

#[track_caller]
fn check_refused(arguments: &[&str], code: i32, message: &str) {
    let signing = Signing::new();
    let ran = signing
        .sign(&[&[URL], arguments].concat())
        .exits(code)
        .says(message);
    assert_eq!(ran.stdout, "", "nothing is signed");
}

#[test]
fn what_cannot_be_signed_is_named() {
    let key = ["--key", "private.pem"];
    let with = |more: &[&'static str]| [&key[..], more].concat();
    check_refused(
        &["--key", "gone.pem"],
        1,
        "the private key `gone.pem` cannot be read: No such",
    );
    check_refused(
        &["--key", "note.txt"],
        1,
        "error: the private key cannot be used: ",
    );
    check_refused(
        &["--key", "trusted.pem"],
        1,
        "error: the private key cannot be used: ",
    );
    check_refused(&[], 2, "--key");
    for expires in [
        "",
        "1",
        "1w",
        "0s",
        "-1h",
        "h",
        "1.5h",
        "99999999999999999999s",
        "1\u{fc}",
    ] {
        let expires = format!("--expires={expires}");
        check_refused(&[&key[..], &[&expires]].concat(), 2, "is no duration");
    }
    check_refused(
        &with(&["--expires=213503982334601d"]),
        2,
        "`213503982334601d` is too long",
    );
    check_refused(
        &with(&["--ip", "2001:db8::/32"]),
        2,
        "invalid value '2001:db8::/32'",
    );
    check_refused(&with(&["--key-id", "not an id"]), 2, "error: ");
    check_refused(
        &with(&["--not-before", "99999999999"]),
        2,
        "the signature would end before it begins to be valid",
    );
}

#[test]
fn a_pattern_is_signed_as_cookies_only() {
    let signing = Signing::new();
    let pattern = "https://handbook.example.com/*";
    let ran = signing.sign(&[pattern, "--key", "private.pem"]).exits(2);
    let ran = ran
        .says("a URL with `*` can only be signed as cookies")
        .says("help: add --cookies");
    assert_eq!(ran.stdout, "");
}

#[test]
fn a_manifest_names_the_keys_that_may_sign() {
    let manifest = ["-m", "portcullis.yaml"];
    let untrusted = "no key group of the site trusts this key under the id ";
    let with = |more: &[&'static str]| [&manifest[..], more].concat();
    check_refused(&with(&["--key", "other.pem"]), 1, untrusted);
    check_refused(
        &with(&["--key", "private.pem", "--key-id", "K123"]),
        1,
        &format!("{untrusted}K123"),
    );
    let in_group =
        |group: &'static str, key: &'static str| with(&["--key", key, "--key-group", group]);
    check_refused(
        &in_group("training", "other.pem"),
        1,
        "key group `training` does not trust this key under the id ",
    );
    check_refused(
        &in_group("trainees", "private.pem"),
        2,
        "the site has no key group `trainees`",
    );
    check_refused(
        &["--key", "private.pem", "--key-group", "training"],
        2,
        "--manifest",
    );
    let refused = "key group `training` does not allow ECDSA-SHA1";
    check_refused(
        &with(&["--key", "private.pem", "--hash", "sha1"]),
        1,
        refused,
    );
}
