//! Keys with every character, and of every length S3 takes, through the deployed program and its signed S3 client; and
//! spellings that try to name another key than the one that was decided on.
#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on must fail"
)]

mod deployed;

use deployed::{Deployment, ask, genuine};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use portcullis_runtime_api::Lambda;
use portcullis_system::{Moto, SeaweedFs};

/// S3's limit for a key, in bytes.
const KEY_BYTES_MAX: usize = 1_024;
/// What no viewer of this test may see.
const CANARY: &str = "canary-of-the-office";

/// RFC 3986 §3.3: all but unreserved characters, sub-delimiters, `:`, `@` and `/`.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=')
    .remove(b':')
    .remove(b'@')
    .remove(b'/');

/// Spellings around an object that only the office may see, `office/secret.txt`, asked by a stranger.
const TRICKS: &[&str] = &[
    "/everyone/../office/secret.txt",
    "/everyone/%2e%2e/office/secret.txt",
    "/everyone/%2E%2E/office/secret.txt",
    "/everyone/.%2e/office/secret.txt",
    "/everyone/..%2foffice/secret.txt",
    "/everyone/..%2Foffice%2Fsecret.txt",
    "/everyone/%252e%252e/office/secret.txt",
    "/everyone/..%5coffice%5csecret.txt",
    "/everyone/..\\office\\secret.txt",
    "/everyone/..;/office/secret.txt",
    "/everyone/%c0%ae%c0%ae/office/secret.txt",
    "/everyone/%e0%80%ae%e0%80%ae/office/secret.txt",
    "/everyone/%uff0e%uff0e/office/secret.txt",
    "/everyone/\u{ff0e}\u{ff0e}/office/secret.txt",
    "/everyone/%EF%BC%8E%EF%BC%8E/office/secret.txt",
    "/./office/secret.txt",
    "//office/secret.txt",
    "/%2foffice/secret.txt",
    "/%6fffice/secret.txt",
    "/%6Fffice/secret.txt",
    "/offic%65/secret.txt",
    "/office%2fsecret.txt",
    "/office%2Fsecret.txt",
    "/office%5Csecret.txt",
    "/office%00/secret.txt",
    "/office%0a/secret.txt",
    "/OFFICE/secret.txt",
    "/Office/secret.txt",
    "/ office/secret.txt",
    "/%20office/secret.txt",
    "/office%20/secret.txt",
    "/office./secret.txt",
    "/%",
    "/%2",
    "/%zz",
    "/%FF",
    "office/secret.txt",
    "https://www.example.com/office/secret.txt",
    "/everyone/https://www.example.com/office/secret.txt",
    "/everyone/deployed-files/office/secret.txt",
    "/deployed-files/office/secret.txt",
    "",
];

#[tokio::test]
async fn every_key_is_served_under_its_one_spelling_and_under_no_other() {
    let (weed, moto) = (SeaweedFs::shared().unwrap(), Moto::shared().unwrap());
    let deployment = Deployment::new(weed, moto).await;
    deployment.put("office/secret.txt", CANARY).await;
    let lambda = deployment.start(1).await;

    let characters = characters(&deployment, &lambda).await;
    let lengths = lengths(&deployment, &lambda).await;
    for path in TRICKS {
        refused(&lambda, path).await;
    }
    // The path as it is governed by the office's own policy, which refuses a stranger and says nothing of what is there.
    for path in ["/office/secret.txt", "/office/nothing.txt"] {
        let answer = ask(&lambda, &genuine(path)).await;
        assert_eq!(
            (answer.status, &answer.body[..]),
            (403, &b"Access denied.\n"[..])
        );
    }
    println!(
        "keys: {characters} characters, {lengths} lengths, {} tricks, 0 differences",
        TRICKS.len()
    );
}

/// Each character in a folder and in a name. All are stored before one is asked for, so that a spelling that is taken for
/// another would bring other bytes.
async fn characters(deployment: &Deployment, lambda: &Lambda) -> usize {
    let others = "éß日🦀\u{a0}\u{200d}\u{e000}ａ";
    let characters = (' '..='~').filter(|c| !['/', '%', '\\'].contains(c));
    let names: Vec<String> = characters
        .chain(others.chars())
        .map(|c| format!("everyone/a{c}b/{c}x{c}.txt"))
        .collect();
    for name in &names {
        deployment.put(name, name.clone()).await;
    }
    for name in &names {
        served(lambda, name).await;
        // Encoded throughout, it is another spelling, and refused where it differs.
        let throughout = utf8_percent_encode(name, NON_ALPHANUMERIC).to_string();
        refused(lambda, &format!("/{throughout}")).await;
    }
    // What would be forbidden or misread somewhere on the way, as bytes that no key of ours has.
    for forbidden in ["%25", "%5C", "%2F", "%7F", "%1F", "%00", "%C2%85"] {
        refused(lambda, &format!("/everyone/a{forbidden}b/x.txt")).await;
    }
    names.len()
}

async fn lengths(deployment: &Deployment, lambda: &Lambda) -> usize {
    let named = |length: usize, filler: &str| {
        let mut name = "everyone/".to_owned();
        while name.len() + filler.len() + ".txt".len() <= length {
            name.push_str(filler);
        }
        while name.len() + ".txt".len() < length {
            name.push('x');
        }
        name + ".txt"
    };
    // SeaweedFS takes no segment of more than 255 bytes.
    let fillers = ["folder-of-thirty-characters-1/", "日本語の鍵/", "a+ b@c/"];
    for filler in fillers {
        let longest = named(KEY_BYTES_MAX, filler);
        assert_eq!(longest.len(), KEY_BYTES_MAX);
        deployment.put(&longest, longest.clone()).await;
        served(lambda, &longest).await;
        refused(lambda, &spelled(&named(KEY_BYTES_MAX + 1, filler))).await;
    }
    fillers.len()
}

fn spelled(name: &str) -> String {
    format!("/{}", utf8_percent_encode(name, ENCODED))
}

async fn served(lambda: &Lambda, name: &str) {
    let mut request = genuine("/");
    request.raw_path = spelled(name);
    let answer = ask(lambda, &request).await;
    let got = String::from_utf8_lossy(&answer.body);
    assert_eq!((answer.status, &*got), (200, name), "{answer:?}");
}

/// There is no such object, or no such path: never another one, and never a failure.
async fn refused(lambda: &Lambda, path: &str) {
    let mut request = genuine("/");
    request.raw_path = path.to_owned();
    let answer = ask(lambda, &request).await;
    assert!(matches!(answer.status, 400 | 404), "{path:?}: {answer:?}");
    assert_eq!(answer.header("cache-control"), Some("no-store"), "{path:?}");
    let body = String::from_utf8_lossy(&answer.body);
    assert!(!body.contains(CANARY), "{path:?}");
}
