//! Messages of field-level encryption against the AWS Encryption SDK for Python, both ways.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on must fail"
)]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use getrandom::SysRng;
use portcullis_field_encryption::Recipient;
use portcullis_field_encryption::message::{Opener, encrypt, parse};
use portcullis_system::tool;
use rsa::pkcs8::{EncodePrivateKey as _, EncodePublicKey as _, LineEnding};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::{Command, Stdio};

/// Opens what it is given, then seals the same plaintexts in every suite, in frames of some lengths and in none.
const SDK: &str = r#"
import base64, json, sys
import aws_encryption_sdk as sdk
from aws_encryption_sdk.identifiers import Algorithm, CommitmentPolicy, EncryptionKeyType, WrappingAlgorithm
from aws_encryption_sdk.internal.crypto.wrapping_keys import WrappingKey
from aws_encryption_sdk.key_providers.raw import RawMasterKeyProvider

asked = json.load(sys.stdin)

class Provider(RawMasterKeyProvider):
    provider_id = "PAYMENTS"

    def _get_raw_key(self, key_id):
        kind = WrappingAlgorithm.RSA_OAEP_SHA256_MGF1
        return WrappingKey(kind, asked["key"].encode(), EncryptionKeyType.PRIVATE)

provider = Provider()
provider.add_master_key(b"payments-2026")
old = sdk.EncryptionSDKClient(commitment_policy=CommitmentPolicy.FORBID_ENCRYPT_ALLOW_DECRYPT)
new = sdk.EncryptionSDKClient(commitment_policy=CommitmentPolicy.REQUIRE_ENCRYPT_ALLOW_DECRYPT)
opened, sealed = [], []
for message in asked["messages"]:
    plaintext, header = old.decrypt(source=base64.b64decode(message), key_provider=provider)
    opened.append(base64.b64encode(plaintext).decode())
suites = [
    (old, Algorithm.AES_256_GCM_IV12_TAG16),
    (old, Algorithm.AES_256_GCM_IV12_TAG16_HKDF_SHA256),
    (old, Algorithm.AES_256_GCM_IV12_TAG16_HKDF_SHA384_ECDSA_P384),
    (new, Algorithm.AES_256_GCM_HKDF_SHA512_COMMIT_KEY),
    (new, Algorithm.AES_256_GCM_HKDF_SHA512_COMMIT_KEY_ECDSA_P384),
]
for plaintext in opened:
    for client, suite in suites:
        for frame in [128, 4096, 0]:
            message, header = client.encrypt(
                source=base64.b64decode(plaintext), key_provider=provider, algorithm=suite,
                frame_length=frame, encryption_context={"purpose": "test"})
            sealed.append([plaintext, base64.b64encode(message).decode()])
json.dump({"opened": opened, "sealed": sealed}, sys.stdout)
"#;

fn python(script: &str, input: &str) -> Vec<u8> {
    let mut child = Command::new(tool("python").unwrap())
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    output.stdout
}

#[test]
fn each_opens_what_the_other_sealed() {
    let private = rsa::PrivateKey::new(&mut SysRng, 2048).unwrap();
    let public = rsa::PublicKey::from(&private)
        .to_public_key_pem(LineEnding::LF)
        .unwrap();
    let pem = private.to_pkcs8_pem(LineEnding::LF).unwrap();
    let recipient = Recipient::new("PAYMENTS", "payments-2026", &public).unwrap();
    let plaintexts: Vec<Vec<u8>> = [0_usize, 1, 16, 4096, 9000]
        .map(|length| {
            (0..length)
                .map(|at| u8::try_from(at % 251).unwrap())
                .collect()
        })
        .into();
    let messages = plaintexts
        .iter()
        .map(|plaintext| STANDARD.encode(encrypt(&recipient, plaintext, &mut SysRng).unwrap()));
    let asked = json!({ "key": &*pem, "messages": messages.collect::<Vec<_>>() });
    let answer: Value = serde_json::from_slice(&python(SDK, &asked.to_string())).unwrap();

    let expected: Vec<String> = plaintexts
        .iter()
        .map(|plaintext| STANDARD.encode(plaintext))
        .collect();
    assert_eq!(
        answer.get("opened"),
        Some(&json!(expected)),
        "what we sealed"
    );

    let opener = Opener::new("PAYMENTS", "payments-2026", &pem).unwrap();
    let sealed: Vec<(String, String)> =
        serde_json::from_value(answer.get("sealed").unwrap().clone()).unwrap();
    assert_eq!(sealed.len(), plaintexts.len() * 5 * 3);
    let mut suites = BTreeSet::new();
    for (plaintext, message) in sealed {
        let message = STANDARD.decode(message).unwrap();
        let header = parse(&message).unwrap().header;
        suites.insert(header.suite.id());
        let opened = opener.open(&message, &mut SysRng);
        let opened = opened.unwrap_or_else(|why| panic!("{:?}: {why}", header.suite));
        assert_eq!(
            STANDARD.encode(&*opened),
            plaintext,
            "{:?} {:?}",
            header.suite,
            header.framing
        );
    }
    assert_eq!(suites, [0x0078, 0x0178, 0x0378, 0x0478, 0x0578].into());
}
