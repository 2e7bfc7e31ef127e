//! Signature verification against the Wycheproof vectors: our verifier agrees on every valid and every invalid one.
//!
//! The one "acceptable" RSA case of each file leaves out the NULL parameter of the digest info. It is refused: no
//! signer of CloudFront's writes it, and one form per signature is the strict choice.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a vector that cannot be read must fail"
)]

use portcullis_signed_access::{Algorithm, PublicKey};
use portcullis_suite::data_dir;
use serde_json::Value;

/// How many vectors of each result a file holds.
#[derive(Debug, Default, PartialEq, Eq)]
struct Count {
    valid: usize,
    acceptable: usize,
    invalid: usize,
}

fn hex(text: &str) -> Vec<u8> {
    let (digits, rest) = text.as_bytes().as_chunks::<2>();
    assert!(rest.is_empty(), "odd hex");
    let byte = |digits: &[u8; 2]| u8::from_str_radix(str::from_utf8(digits).ok()?, 16).ok();
    digits.iter().map(byte).collect::<Option<_>>().expect("hex")
}

/// Verifies every vector of a file, which must hold exactly `expected` of them; `accepts` says which results verify.
#[track_caller]
fn check(file: &str, algorithm: Algorithm, expected: &Count, accepts: impl Fn(&str) -> bool) {
    let path = data_dir().join("wycheproof").join(file);
    let document: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let mut found = Count::default();
    for group in document["testGroups"].as_array().unwrap() {
        let key = PublicKey::from_pem(group["publicKeyPem"].as_str().unwrap()).unwrap();
        for test in group["tests"].as_array().unwrap() {
            let result = test["result"].as_str().unwrap();
            match result {
                "valid" => found.valid += 1,
                "acceptable" => {
                    found.acceptable += 1;
                    assert_eq!(
                        test["flags"],
                        serde_json::json!(["MissingNull"]),
                        "{file}: {test}"
                    );
                }
                "invalid" => found.invalid += 1,
                other => panic!("{file}: result {other}"),
            }
            let bytes = |name: &str| hex(test[name].as_str().unwrap());
            let verified = key.verify(algorithm, &bytes("msg"), &bytes("sig")).is_ok();
            assert_eq!(verified, accepts(result), "{file}: {test}");
        }
    }
    assert_eq!(&found, expected, "{file}");
}

fn valid_only(result: &str) -> bool {
    result == "valid"
}

#[test]
fn vectors_wycheproof_rsa_2048() {
    let expected = Count {
        valid: 9,
        acceptable: 1,
        invalid: 249,
    };
    check(
        "rsa_signature_2048_sha256_test.json",
        Algorithm::RsaSha256,
        &expected,
        valid_only,
    );
}

#[test]
fn vectors_wycheproof_rsa_3072() {
    let expected = Count {
        valid: 8,
        acceptable: 1,
        invalid: 250,
    };
    check(
        "rsa_signature_3072_sha256_test.json",
        Algorithm::RsaSha256,
        &expected,
        valid_only,
    );
}

#[test]
fn vectors_wycheproof_rsa_4096() {
    let expected = Count {
        valid: 7,
        acceptable: 1,
        invalid: 250,
    };
    check(
        "rsa_signature_4096_sha256_test.json",
        Algorithm::RsaSha256,
        &expected,
        valid_only,
    );
}

#[test]
fn vectors_wycheproof_ecdsa_der() {
    let expected = Count {
        valid: 174,
        acceptable: 0,
        invalid: 310,
    };
    check(
        "ecdsa_secp256r1_sha256_test.json",
        Algorithm::EcdsaSha256,
        &expected,
        valid_only,
    );
}

/// The raw `r || s` form is not CloudFront's, so not one of these verifies, whatever Wycheproof says of it.
#[test]
fn vectors_wycheproof_ecdsa_p1363_is_refused() {
    let expected = Count {
        valid: 173,
        acceptable: 0,
        invalid: 89,
    };
    check(
        "ecdsa_secp256r1_sha256_p1363_test.json",
        Algorithm::EcdsaSha256,
        &expected,
        |_| false,
    );
    check(
        "ecdsa_secp256r1_sha256_p1363_test.json",
        Algorithm::EcdsaSha1,
        &expected,
        |_| false,
    );
}
