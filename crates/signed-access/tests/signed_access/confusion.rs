//! A10.2: the wrong key, the wrong algorithm, the wrong form of a signature.

use crate::fixture::{
    EXPIRES, KEYS, URL, ask, base64, canned, gateway, group, modern, random, signer,
};
use p256::ecdsa::signature::hazmat::PrehashSigner as _;
use portcullis_signed_access::sign::Policy;
use portcullis_signed_access::{Algorithm, KeyGroup, Profile, SignatureRefusal};
use sha2::{Digest as _, Sha256};

#[track_caller]
fn check(what: &str, url: &str, expected: Result<(), SignatureRefusal>) {
    assert_eq!(gateway(url, &[]), expected, "{what}: {url}");
}

#[test]
fn the_algorithm_is_the_groups_not_the_requests() {
    let rsa = canned(Algorithm::RsaSha256);
    let ecdsa = canned(Algorithm::EcdsaSha256);
    let named = "&Hash-Algorithm=SHA256";
    check("pinned, RSA", &rsa, Ok(()));
    check("pinned, ECDSA", &ecdsa, Ok(()));
    check(
        "SHA-1 where SHA-256 is pinned, RSA",
        &canned(Algorithm::RsaSha1),
        Err(SignatureRefusal::WrongAlgorithm),
    );
    check(
        "SHA-1 where SHA-256 is pinned, ECDSA",
        &canned(Algorithm::EcdsaSha1),
        Err(SignatureRefusal::WrongAlgorithm),
    );
    check(
        "Hash-Algorithm removed",
        &rsa.replace(named, ""),
        Err(SignatureRefusal::WrongAlgorithm),
    );
    check(
        "Hash-Algorithm repeated",
        &format!("{rsa}{named}"),
        Err(SignatureRefusal::Duplicate),
    );
    for word in ["", "SHA1", "sha256", "SHA-256", "MD5", "SHA512", "none"] {
        let other = rsa.replace(named, &format!("&Hash-Algorithm={word}"));
        check(
            "another Hash-Algorithm",
            &other,
            Err(SignatureRefusal::WrongAlgorithm),
        );
    }
    let sha1_only = group(&[Algorithm::RsaSha1, Algorithm::EcdsaSha1]);
    let refused = ask(&sha1_only, &rsa, &[], Profile::Gateway).err();
    assert_eq!(
        refused,
        Some(SignatureRefusal::WrongAlgorithm),
        "SHA-256 where SHA-1 is pinned"
    );
    assert!(
        ask(&sha1_only, &rsa, &[], Profile::CloudFront).is_ok(),
        "CloudFront pins nothing"
    );
}

#[test]
fn a_signature_belongs_to_the_key_it_names() {
    let rsa = canned(Algorithm::RsaSha256);
    let (rsa_id, ecdsa_id) = (KEYS.rsa_id.as_str(), KEYS.ecdsa_id.as_str());
    check(
        "an RSA signature under the ECDSA key",
        &rsa.replace(rsa_id, ecdsa_id),
        Err(SignatureRefusal::BadSignature),
    );
    let ecdsa = canned(Algorithm::EcdsaSha256);
    check(
        "an ECDSA signature under the RSA key",
        &ecdsa.replace(ecdsa_id, rsa_id),
        Err(SignatureRefusal::BadSignature),
    );
    check(
        "an unknown key",
        &rsa.replace(rsa_id, "KUNKNOWN"),
        Err(SignatureRefusal::UnknownKey),
    );
    check(
        "an empty key id",
        &rsa.replace(rsa_id, ""),
        Err(SignatureRefusal::UnknownKey),
    );
    check(
        "a key id in lower case",
        &rsa.replace(rsa_id, &rsa_id.to_lowercase()),
        Err(SignatureRefusal::UnknownKey),
    );
    let no_id = rsa.replace(&format!("&Key-Pair-Id={rsa_id}"), "");
    check("no key id", &no_id, Err(SignatureRefusal::MissingKeyPairId));
    let other_behavior = KeyGroup::new(
        vec![(KEYS.ecdsa_id.clone(), KEYS.ecdsa.public_key().clone())],
        &[Algorithm::EcdsaSha256],
    );
    let refused = ask(&other_behavior.unwrap(), &rsa, &[], Profile::CloudFront).err();
    assert_eq!(
        refused,
        Some(SignatureRefusal::UnknownKey),
        "a key of another behavior's group"
    );
    let disguised = KeyGroup::new(
        vec![(KEYS.rsa_id.clone(), KEYS.ecdsa.public_key().clone())],
        &[Algorithm::EcdsaSha256],
    );
    let refused = ask(&disguised.unwrap(), &rsa, &[], Profile::Gateway).err();
    assert_eq!(
        refused,
        Some(SignatureRefusal::BadSignature),
        "the same id for another key"
    );
}

#[test]
fn only_pkcs1_and_der_signatures_are_accepted() {
    let text = Policy::Canned {
        url: URL,
        expires: EXPIRES,
    }
    .text()
    .unwrap();
    let digest = Sha256::digest(text.as_bytes());
    let with = |algorithm, signature: &[u8]| {
        let id = signer(algorithm).key_id;
        let signature = base64(signature);
        format!(
            "{URL}&Expires={EXPIRES}&Signature={signature}&Key-Pair-Id={id}&Hash-Algorithm=SHA256"
        )
    };
    let raw: p256::ecdsa::Signature = KEYS.ecdsa_raw.sign_prehash(&digest).unwrap();
    let der = raw.to_der();
    let ecdsa = |signature: &[u8]| with(Algorithm::EcdsaSha256, signature);
    check("DER", &ecdsa(der.as_bytes()), Ok(()));
    check(
        "P1363",
        &ecdsa(&raw.to_bytes()),
        Err(SignatureRefusal::BadSignature),
    );
    check(
        "DER and a byte more",
        &ecdsa(&[der.as_bytes(), &[0]].concat()),
        Err(SignatureRefusal::BadSignature),
    );
    check(
        "zeros",
        &ecdsa(&[0x30, 6, 2, 1, 0, 2, 1, 0]),
        Err(SignatureRefusal::BadSignature),
    );
    check(
        "empty",
        &ecdsa(&[]),
        Err(SignatureRefusal::MalformedSignature),
    );
    let mut rng = getrandom::SysRng;
    let rsa = |signature: &[u8]| with(Algorithm::RsaSha256, signature);
    let info = signer(Algorithm::RsaSha256);
    check(
        "PKCS#1",
        &info
            .sign_url(
                URL,
                &Policy::Canned {
                    url: URL,
                    expires: EXPIRES,
                },
                &random(),
            )
            .unwrap(),
        Ok(()),
    );
    let pss = KEYS
        .rsa_raw
        .sign_with_rng(&mut rng, rsa::Pss::<Sha256>::new(), &digest)
        .unwrap();
    check("PSS", &rsa(&pss), Err(SignatureRefusal::BadSignature));
    let bare = KEYS
        .rsa_raw
        .sign_with_rng(&mut rng, rsa::Pkcs1v15Sign::new_unprefixed(), &digest)
        .unwrap();
    check(
        "PKCS#1 without digest info",
        &rsa(&bare),
        Err(SignatureRefusal::BadSignature),
    );
}

#[test]
fn p1363_is_refused_with_sha1_too() {
    let sha1 = group(&[Algorithm::RsaSha1, Algorithm::EcdsaSha1]);
    let good = canned(Algorithm::EcdsaSha1);
    assert!(ask(&sha1, &good, &[], Profile::Gateway).is_ok());
    let (before, rest) = good.split_once("&Signature=").unwrap();
    let (_, after) = rest.split_once('&').unwrap();
    let raw = format!("{before}&Signature={}&{after}", base64(&[1; 64]));
    assert_eq!(
        ask(&sha1, &raw, &[], Profile::Gateway).err(),
        Some(SignatureRefusal::BadSignature)
    );
}

#[test]
fn a_key_answers_only_for_algorithms_of_its_kind() {
    let key = KEYS.rsa.public_key();
    assert_eq!(
        key.verify(Algorithm::EcdsaSha256, b"", b""),
        Err(SignatureRefusal::WrongAlgorithm)
    );
    assert_eq!(
        key.verify(Algorithm::RsaSha256, b"", b""),
        Err(SignatureRefusal::BadSignature)
    );
    assert!(modern().allows(Algorithm::RsaSha256) && !modern().allows(Algorithm::RsaSha1));
}
