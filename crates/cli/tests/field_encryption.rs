//! Field-level encryption as its users meet it: a form goes in, the origin gets fields that only the private key opens, and the
//! log says so.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must fail"
)]

mod support;

use getrandom::SysRng;
use rsa::pkcs8::{EncodePrivateKey as _, EncodePublicKey as _, LineEnding};
use serde_json::{Value, json};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use support::http::send;
use support::server::Server;
use support::{folder, run, run_with_input, write};

/// Answers every request with the whole of what it got.
fn echo() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut heard = Vec::new();
            let mut buffer = [0; 4096];
            loop {
                let bytes = stream.read(&mut buffer).unwrap();
                heard.extend_from_slice(&buffer[..bytes]);
                let text = String::from_utf8_lossy(&heard).to_lowercase();
                let Some((head, body)) = text.split_once("\r\n\r\n") else {
                    continue;
                };
                let length = head
                    .lines()
                    .find_map(|line| line.strip_prefix("content-length: "));
                let length: usize = length.map_or(0, |length| length.parse().unwrap());
                if body.len() >= length || bytes == 0 {
                    break;
                }
            }
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                heard.len()
            );
            stream
                .write_all(&[head.as_bytes(), &heard].concat())
                .unwrap();
        }
    });
    address
}

fn distribution(id: &str) -> Value {
    json!({ "DistributionConfig": {
        "CallerReference": "x", "Comment": "", "Enabled": true,
        "Origins": { "Quantity": 1, "Items": [{
            "Id": "app", "DomainName": "app.example.com", "OriginPath": "", "CustomHeaders": { "Quantity": 0 },
            "CustomOriginConfig": {
                "HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "https-only",
                "OriginSslProtocols": { "Quantity": 1, "Items": ["TLSv1.2"] },
            },
        }] },
        "DefaultCacheBehavior": {
            "TargetOriginId": "app",
            "ViewerProtocolPolicy": "https-only",
            "AllowedMethods": {
                "Quantity": 7, "Items": ["GET", "HEAD", "POST", "PUT", "PATCH", "OPTIONS", "DELETE"],
                "CachedMethods": { "Quantity": 2, "Items": ["GET", "HEAD"] },
            },
            "CachePolicyId": "4135ea2d-6df8-44a3-9df3-4b5a84be39ad",
            "OriginRequestPolicyId": "216adef6-5c7f-47e4-b989-5492eafa07d3",
            "FieldLevelEncryptionId": id,
        },
    } })
}

fn encryption(forwards: bool) -> Value {
    json!({ "FieldLevelEncryption": { "Id": "C1", "FieldLevelEncryptionConfig": {
        "CallerReference": "x", "Comment": "",
        "ContentTypeProfileConfig": {
            "ForwardWhenContentTypeIsUnknown": forwards,
            "ContentTypeProfiles": { "Quantity": 1, "Items": [
                { "Format": "URLEncoded", "ContentType": "application/x-www-form-urlencoded", "ProfileId": "P1" },
            ] },
        },
        "QueryArgProfileConfig": {
            "ForwardWhenQueryArgProfileIsUnknown": false,
            "QueryArgProfiles": { "Quantity": 1, "Items": [{ "QueryArg": "names", "ProfileId": "P2" }] },
        },
    } } })
}

fn profile(id: &str, pattern: &str) -> Value {
    json!({ "FieldLevelEncryptionProfile": { "Id": id, "FieldLevelEncryptionProfileConfig": {
        "Name": id, "CallerReference": "x",
        "EncryptionEntities": { "Quantity": 1, "Items": [{
            "PublicKeyId": "K1", "ProviderId": "PAYMENTS",
            "FieldPatterns": { "Quantity": 1, "Items": [pattern] },
        }] },
    } } })
}

/// A folder with everything a distribution with field-level encryption needs, and the private key.
fn site(forwards: bool) -> tempfile::TempDir {
    let private = rsa::PrivateKey::new(&mut SysRng, 2048).unwrap();
    let public = rsa::PublicKey::from(&private)
        .to_public_key_pem(LineEnding::LF)
        .unwrap();
    let key = json!({ "PublicKey": { "Id": "K1", "PublicKeyConfig": {
        "CallerReference": "x", "Name": "payments-2026", "EncodedKey": public,
    } } });
    let folder = folder(&[]);
    let files = [
        ("site.json", distribution("C1")),
        ("fle.json", encryption(forwards)),
        ("p1.json", profile("P1", "card*")),
        ("p2.json", profile("P2", "name")),
        ("key.json", key),
    ];
    for (name, value) in files {
        write(folder.path(), name, value.to_string().as_bytes());
    }
    let pem = private.to_pkcs8_pem(LineEnding::LF).unwrap();
    write(folder.path(), "private.pem", pem.as_bytes());
    folder
}

const FILES: [&str; 5] = ["site.json", "fle.json", "p1.json", "p2.json", "key.json"];

fn start(folder: &Path, origin: SocketAddr) -> Server {
    let origin = format!("app=http://{origin}");
    let more = [
        "edge",
        "--port",
        "0",
        "--origin",
        &origin,
        "--access-log",
        "access.log",
    ];
    Server::start(folder, &[&more[..], &FILES].concat())
}

fn decrypted(folder: &Path, field: &str) -> String {
    let key = [
        "--key",
        "private.pem",
        "--provider",
        "PAYMENTS",
        "--key-name",
        "payments-2026",
    ];
    let ran = run_with_input(folder, &[&["decrypt"][..], &key].concat(), field);
    ran.exits(0).stdout.trim_end().to_owned()
}

const FORM: &str = "content-type: application/x-www-form-urlencoded";

#[test]
fn the_origin_gets_what_only_the_private_key_opens() {
    let folder = site(false);
    let edge = start(folder.path(), echo());
    let body = "name=Ada&card=4111+1111&cardholder=A%2FB";
    let heard = send(edge.address, "POST", "/pay", &[FORM], body);
    assert_eq!(heard.status, 200, "{}", heard.text());
    let text = heard.text();
    let form = text.rsplit("\r\n").next().unwrap();
    let fields: Vec<(&str, &str)> = form
        .split('&')
        .map(|pair| pair.split_once('=').unwrap())
        .collect();
    assert_eq!(fields[0], ("name", "Ada"));
    assert_eq!(
        (fields[1].0, decrypted(folder.path(), fields[1].1)),
        ("card", "4111 1111".to_owned())
    );
    assert_eq!(
        (fields[2].0, decrypted(folder.path(), fields[2].1)),
        ("cardholder", "A/B".to_owned())
    );
    assert!(!text.contains("4111"), "{text}");
    // The query chooses another profile.
    let heard = send(
        edge.address,
        "POST",
        "/pay?fle-profile=names",
        &[FORM],
        body,
    )
    .text();
    let form = heard.rsplit("\r\n").next().unwrap();
    let (name, rest) = form.split_once('&').unwrap();
    assert_eq!(rest, "card=4111+1111&cardholder=A%2FB");
    assert_eq!(
        decrypted(folder.path(), name.split_once('=').unwrap().1),
        "Ada"
    );
}

#[test]
fn what_cannot_be_encrypted_does_not_go_on_and_the_log_says_why() {
    let json = "content-type: application/json";
    let eleven = "a=1&".repeat(10) + "b=1";
    let rows: [(&str, &str, &str, u16, &str); 6] = [
        ("/", FORM, "card=100%", 400, "MalformedInputClientError"),
        ("/", FORM, &eleven, 400, "FieldNumberLimitClientError"),
        ("/", json, "{}", 400, "RejectedByContentType"),
        (
            "/?fle-profile=nope",
            FORM,
            "card=1",
            400,
            "RejectedByQueryArgs",
        ),
        (
            "/?fle-profile=names&fle-profile=names",
            FORM,
            "card=1",
            400,
            "MalformedQueryArgsClientError",
        ),
        ("/", FORM, "card=1", 200, "Processed"),
    ];
    let folder = site(false);
    let edge = start(folder.path(), echo());
    for (target, content_type, body, status, _) in rows {
        let answer = send(edge.address, "POST", target, &[content_type], body);
        assert_eq!(answer.status, status, "{target} {body}");
    }
    let log = edge.wait_for("the log", |_| {
        let log = std::fs::read_to_string(folder.path().join("access.log")).unwrap();
        (log.lines().filter(|line| !line.starts_with('#')).count() == rows.len()).then_some(log)
    });
    let lines = log.lines().filter(|line| !line.starts_with('#'));
    for (line, (target, .., expected)) in lines.zip(rows) {
        let fields: Vec<&str> = line.split('\t').collect();
        let encrypted = if expected == "Processed" { "1" } else { "0" };
        assert_eq!((fields[24], fields[25]), (expected, encrypted), "{target}");
    }
}

#[test]
fn bodies_of_another_type_go_on_where_the_configuration_says_so() {
    let folder = site(true);
    let edge = start(folder.path(), echo());
    let heard = send(
        edge.address,
        "POST",
        "/",
        &["content-type: application/json"],
        "{\"card\":1}",
    );
    assert_eq!(heard.status, 200);
    assert!(heard.text().ends_with("{\"card\":1}"));
}

#[test]
fn what_is_missing_is_named() {
    let folder = site(false);
    let rows = [
        (&FILES[..1], "field-level encryption `C1` was not given"),
        (&FILES[..2], "profile `P2` was not given"),
        (&FILES[..4], "public key `K1` of profile `P2` was not given"),
    ];
    for (files, says) in rows {
        let arguments = [&["edge", "--port", "0"][..], files].concat();
        run(folder.path(), &arguments)
            .exits(2)
            .says(says)
            .says("get-field-level-encryption");
    }
    let key = [
        "decrypt",
        "--key",
        "private.pem",
        "--provider",
        "OTHER",
        "--key-name",
        "payments-2026",
    ];
    run_with_input(folder.path(), &key, "no base64!\n")
        .exits(1)
        .says("line 1: this is no base64");
    run_with_input(folder.path(), &key, "AYADeA==\n")
        .exits(1)
        .says("no message of the AWS Encryption SDK");
}
