//! `portcullis compile`: the digest, the bundle, and every mistake where it stands.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    reason = "a test that cannot go on must fail"
)]

mod support;

use support::{Ran, folder, names, root, run, sha256};

/// The digest of `example/portcullis.yaml`; whoever changes it changes what is deployed.
const DIGEST: &str = "sha256:9bf0b8d458ccfa71148a2f3172caa09cf38179707c754b868029745270cb3cf9";

/// The ten mistakes of the fixture, as code and place.
const MISTAKES: [(&str, u64, u64); 10] = [
    ("PC1201", 11, 13),
    ("PC1101", 12, 1),
    ("PC1202", 22, 72),
    ("PC1203", 45, 11),
    ("PC1204", 58, 38),
    ("PC1403", 63, 29),
    ("PC1404", 65, 29),
    ("PC1401", 81, 13),
    ("PC1503", 86, 5),
    ("PC1102", 111, 3),
];

/// A site that compiles with one warning.
const WARNED: &str = "\
version: 1
site: warned
origins: { files: { bucket: { name: warned-files } } }
policies:
  everyone: [{ allow: any }]
  nobody-asks: [{ deny: any }]
behaviors:
  - { path: \"*\", origin: files, policy: everyone }
";

fn compile(arguments: &[&str]) -> Ran {
    run(&root(), &[&["compile"], arguments].concat())
}

/// The fixture in a folder that has the keys it names, so that ten mistakes are all there is.
fn ten_mistakes() -> tempfile::TempDir {
    let read = |name: &str| std::fs::read_to_string(root().join(name)).unwrap();
    folder(&[
        (
            "portcullis.yaml",
            &read("tests/fixtures/manifests/ten-mistakes.yaml"),
        ),
        (
            "keys/training-2026-rsa.pem",
            &read("example/keys/training-2026-rsa.pem"),
        ),
        (
            "keys/training-2026-ec.pem",
            &read("example/keys/training-2026-ec.pem"),
        ),
    ])
}

#[test]
fn a_manifest_is_named_by_its_file_or_its_folder() {
    for named in ["example/portcullis.yaml", "example"] {
        let ran = compile(&[named])
            .exits(0)
            .says("site handbook: 6 behaviors, 5 policies");
        assert_eq!(ran.stdout, format!("{DIGEST}\n"));
    }
    let ran = run(&root().join("example"), &["compile"]).exits(0);
    assert_eq!(ran.stdout, format!("{DIGEST}\n"));
}

#[test]
fn groups_are_expanded_and_keys_named_for_a_reviewer() {
    compile(&["example"])
        .exits(0)
        .says("EU as of 2026-01-01: AT BE BG ")
        .says("launch: CH DE FR NL")
        .says("key KINPEKMAFUUZUH of training-2026: keys/training-2026-rsa.pem");
}

#[test]
fn json_says_what_text_says() {
    let value = compile(&["example/portcullis.yaml", "--json"])
        .exits(0)
        .json();
    assert_eq!(value["digest"], DIGEST);
    assert_eq!(value["site"], "handbook");
    assert_eq!(value["file"], "example/portcullis.yaml");
    assert_eq!(value["diagnostics"], serde_json::json!([]));
}

#[test]
fn every_mistake_is_shown_where_it_stands() {
    let site = ten_mistakes();
    let ran = run(site.path(), &["compile"]).exits(3);
    assert_eq!(ran.stdout, "");
    let heads: Vec<&str> = ran
        .stderr
        .lines()
        .filter(|l| l.contains(": error["))
        .collect();
    assert_eq!(heads.len(), MISTAKES.len(), "{}", ran.stderr);
    for ((code, line, column), head) in MISTAKES.iter().zip(heads) {
        let start = format!("portcullis.yaml:{line}:{column}: error[{code}]: ");
        assert!(head.starts_with(&start), "{head}");
    }
    assert!(ran.stderr.ends_with("portcullis.yaml: 10 errors\n"));
}

#[test]
fn mistakes_in_json_are_data_on_standard_output() {
    let site = ten_mistakes();
    let ran = run(site.path(), &["compile", "--json"]).exits(3);
    assert_eq!(ran.stderr, "");
    let value = ran.json();
    assert!(value["digest"].is_null());
    assert_eq!(value["left_out"], 0);
    let found: Vec<_> = value["diagnostics"]
        .as_array()
        .unwrap()
        .iter()
        .map(|d| {
            (
                d["code"].as_str().unwrap(),
                d["line"].as_u64().unwrap(),
                d["column"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(found, MISTAKES);
}

#[test]
fn the_bundle_is_the_bytes_of_its_digest() {
    let out = folder(&[("bundle.json", "an older bundle")]);
    let path = out.path().join("bundle.json");
    for json in [&[][..], &["--json"]] {
        let ran = compile(&[&["example", "-o", path.to_str().unwrap()], json].concat()).exits(0);
        assert!(ran.stdout.contains(DIGEST), "{ran:?}");
        assert_eq!(
            format!("sha256:{}", sha256(&std::fs::read(&path).unwrap())),
            DIGEST
        );
        assert_eq!(
            names(out.path()),
            ["bundle.json"],
            "nothing else is left behind"
        );
    }
}

#[test]
fn the_bundle_may_go_to_standard_output() {
    let ran = compile(&["example", "-o", "-"])
        .exits(0)
        .says(&format!("{DIGEST}\n"));
    assert_eq!(format!("sha256:{}", sha256(ran.stdout.as_bytes())), DIGEST);
}

#[test]
fn json_and_a_bundle_cannot_share_standard_output() {
    let here = folder(&[("portcullis.yaml", WARNED)]);
    let ran = run(here.path(), &["compile", "--json", "-o", "-"]).exits(2);
    assert_eq!(ran.stdout, "");
    assert_eq!(
        names(here.path()),
        ["portcullis.yaml"],
        "no file is called `-`"
    );
}

#[test]
fn a_device_is_written_to_and_not_replaced() {
    let out = folder(&[]);
    let device = out.path().join("null");
    std::os::unix::fs::symlink("/dev/null", &device).unwrap();
    compile(&["example", "-o", device.to_str().unwrap()]).exits(0);
    assert!(
        device.is_symlink(),
        "the link to a device was replaced by a file"
    );
}

#[test]
fn warnings_go_to_standard_error_and_stop_nothing() {
    let site = folder(&[("portcullis.yaml", WARNED)]);
    let ran = run(site.path(), &["compile"])
        .exits(0)
        .says("portcullis.yaml:6:3: warning[");
    assert!(
        ran.stdout.starts_with("sha256:") && ran.stdout.lines().count() == 1,
        "{ran:?}"
    );
    let json = run(site.path(), &["compile", "--json"]).exits(0);
    assert_eq!(json.stderr, "");
    assert_eq!(json.json()["diagnostics"][0]["line"], 6);
}

#[track_caller]
fn check_unreadable(name: &str, bytes: &[u8], why: &str) {
    let here = folder(&[]);
    if !bytes.is_empty() {
        support::write(here.path(), name, bytes);
    }
    let ran = run(here.path(), &["compile", name]).exits(1);
    let ran = ran.says(&format!(
        "error: the manifest `{name}` cannot be read: {why}"
    ));
    let ran = ran.says("help: name another file, or make one with `portcullis init`");
    assert_eq!(ran.stdout, "");
}

#[test]
fn what_cannot_be_read_fails_with_the_next_thing_to_type() {
    check_unreadable("nothing.yaml", b"", "No such file or directory");
    check_unreadable("latin-1.yaml", b"site: caf\xe9\n", "it is not UTF-8 text");
}

#[test]
fn a_bundle_that_cannot_be_written_fails() {
    let ran = compile(&["example", "-o", "no-such-folder/bundle.json"]).exits(1);
    ran.says("error: `no-such-folder/bundle.json` cannot be written: No such file or directory");
}
