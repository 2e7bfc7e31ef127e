//! Which keys, ids and groups are accepted.

use crate::fixture::{KEYS, ecdsa_secret};
use portcullis_signed_access::sign::PrivateKey;
use portcullis_signed_access::{
    Algorithm, KeyError, KeyGroup, KeyGroupError, KeyId, KeyKind, PublicKey,
};
use rsa::pkcs1::EncodeRsaPrivateKey as _;
use rsa::pkcs8::{EncodePrivateKey as _, EncodePublicKey as _, LineEnding};

fn rsa_of(bits: usize) -> rsa::PrivateKey {
    rsa::PrivateKey::new_unchecked(&mut getrandom::SysRng, bits).unwrap()
}

fn public_pem(key: &rsa::PrivateKey) -> String {
    key.to_public_key()
        .to_public_key_pem(LineEnding::LF)
        .unwrap()
}

#[test]
fn an_rsa_key_has_2048_to_4096_bits() {
    for bits in [1024, 2040, 2047] {
        assert_eq!(
            PublicKey::from_pem(&public_pem(&rsa_of(bits))).err(),
            Some(KeyError::RsaBits(bits))
        );
    }
    let key = PublicKey::from_pem(&public_pem(&rsa_of(2048))).unwrap();
    assert_eq!(key.kind(), KeyKind::Rsa);
}

#[test]
fn a_private_key_below_2048_bits_does_not_sign() {
    let pem = rsa_of(1024).to_pkcs8_pem(LineEnding::LF).unwrap();
    assert!(PrivateKey::from_pem(&pem).is_err());
}

#[test]
fn every_private_key_format_gives_the_same_public_key() {
    let rsa = KEYS.rsa.public_key().spki_der();
    let pkcs1 = KEYS.rsa_raw.to_pkcs1_pem(LineEnding::CRLF).unwrap();
    assert_eq!(
        PrivateKey::from_pem(&pkcs1)
            .unwrap()
            .public_key()
            .spki_der(),
        rsa
    );
    let secret = ecdsa_secret();
    let base64 = {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode(&*secret.to_sec1_der().unwrap())
    };
    let label = "EC PRIVATE KEY";
    let pem = format!("-----BEGIN {label}-----\n{base64}\n-----END {label}-----\n");
    let spki = secret.public_key().to_public_key_der().unwrap();
    assert_eq!(
        PrivateKey::from_pem(&pem).unwrap().public_key().spki_der(),
        spki.as_bytes()
    );
}

#[test]
fn a_damaged_public_key_is_refused_or_another_key() {
    let spki = KEYS.ecdsa.public_key().spki_der();
    let whole = PublicKey::from_spki_der(spki).unwrap();
    for position in 0..spki.len() {
        let mut damaged = spki.to_vec();
        damaged[position] ^= 1;
        assert!(
            PublicKey::from_spki_der(&damaged).is_err(),
            "byte {position}: the point leaves the curve"
        );
        assert!(
            PublicKey::from_spki_der(&spki[..position]).is_err(),
            "cut at {position}"
        );
    }
    let longer = [spki, &[0]].concat();
    assert_eq!(
        PublicKey::from_spki_der(&longer).err(),
        Some(KeyError::Encoding)
    );
    assert_eq!(KeyId::of_key(&whole), KEYS.ecdsa_id);
}

#[test]
fn only_one_strict_encoding_of_an_rsa_key_is_read() {
    #[track_caller]
    fn check(what: &str, from: &[u8], to: &[u8], expected: KeyError) {
        let spki = KEYS.rsa.public_key().spki_der();
        let at = spki
            .windows(from.len())
            .position(|window| window == from)
            .expect(what);
        let changed = [&spki[..at], to, &spki[at + from.len()..]].concat();
        assert_eq!(
            PublicKey::from_spki_der(&changed).err(),
            Some(expected),
            "{what}"
        );
    }
    check(
        "parameter that is not NULL",
        &[0x05, 0x00, 0x03],
        &[0x04, 0x00, 0x03],
        KeyError::Kind,
    );
    check(
        "another algorithm",
        &[0x01, 0x01, 0x01, 0x05],
        &[0x01, 0x01, 0x0a, 0x05],
        KeyError::Kind,
    );
    check(
        "unused bits",
        &[0x03, 0x82, 0x01, 0x0f, 0x00],
        &[0x03, 0x82, 0x01, 0x0f, 0x01],
        KeyError::Encoding,
    );
    check(
        "negative modulus",
        &[0x02, 0x82, 0x01, 0x01, 0x00],
        &[0x02, 0x82, 0x01, 0x01, 0x80],
        KeyError::Encoding,
    );
    check(
        "even exponent",
        &[0x02, 0x03, 1, 0, 1],
        &[0x02, 0x03, 1, 0, 2],
        KeyError::RsaExponent,
    );
    check(
        "padded exponent",
        &[0x02, 0x03, 1, 0, 1],
        &[0x02, 0x03, 0, 0, 1],
        KeyError::Encoding,
    );
    check(
        "exponent 1",
        &[0x02, 0x03, 1, 0, 1],
        &[0x02, 0x01, 1],
        KeyError::Encoding,
    );
}

#[test]
fn a_pem_file_holds_one_public_key() {
    #[track_caller]
    fn check(pem: &str, expected: KeyError) {
        assert_eq!(PublicKey::from_pem(pem).err(), Some(expected), "{pem:?}");
    }
    let good = public_pem(&KEYS.rsa_raw);
    assert!(PublicKey::from_pem(&format!("\n{}\r\n", good.replace('\n', "\r\n"))).is_ok());
    check("", KeyError::Pem);
    check(&good.repeat(2), KeyError::Pem);
    check(&format!("comment\n{good}"), KeyError::Pem);
    check(&good.replace("PUBLIC", "RSA PUBLIC"), KeyError::Pem);
    check(&good.replacen("PUBLIC", "PRIVATE", 1), KeyError::Pem);
    check(&good.replacen("MII", "M!I", 1), KeyError::Pem);
    check(
        "-----BEGIN PUBLIC KEY----------END PUBLIC KEY-----",
        KeyError::Encoding,
    );
    check(&format!("{good}{}", " ".repeat(16 * 1024)), KeyError::Pem);
}

#[test]
fn a_key_id_is_short_upper_case_and_digits() {
    for good in [
        "K",
        "K2JCJMDEHXQW5F",
        "APKAIOSFODNN7EXAMPLE",
        &"A".repeat(64),
    ] {
        assert_eq!(good.parse::<KeyId>().unwrap().as_str(), good);
    }
    for bad in ["", "k2", "K-1", "K 1", "K\n", "É", &"A".repeat(65)] {
        assert_eq!(bad.parse::<KeyId>(), Err(KeyError::Id), "{bad:?}");
    }
}

#[test]
fn a_derived_id_is_stable_and_has_cloudfronts_form() {
    // Computed apart from this code: sha256 of the SPKI, base32, the first 13 letters.
    let pem = include_str!("../../../../tests/vectors/keys/ec1.pub.pem");
    let id = KeyId::of_key(&PublicKey::from_pem(pem).unwrap());
    assert_eq!(id.as_str(), "K5PM7LUZOH45EB");
    assert_eq!(id.as_str().parse(), Ok(id));
}

#[test]
fn algorithms_have_the_manifests_words() {
    for algorithm in Algorithm::ALL {
        assert_eq!(algorithm.as_str().parse(), Ok(algorithm));
    }
    for bad in ["", "rsa-sha256", "RSA-SHA512", "RSASSA-PSS", "RSA-SHA256 "] {
        assert!(bad.parse::<Algorithm>().is_err(), "{bad}");
    }
}

#[test]
fn a_group_has_one_to_five_keys_each_with_an_algorithm() {
    let key = |id: &str| {
        (
            id.parse::<KeyId>().unwrap(),
            KEYS.ecdsa.public_key().clone(),
        )
    };
    let group = |ids: &[&str], algorithms: &[Algorithm]| {
        KeyGroup::new(ids.iter().map(|id| key(id)).collect(), algorithms).err()
    };
    let all = Algorithm::ALL;
    assert_eq!(group(&["A"], &all), None);
    assert_eq!(group(&["A", "B", "C", "D", "E"], &all), None);
    assert_eq!(group(&[], &all), Some(KeyGroupError::KeyCount(0)));
    assert_eq!(
        group(&["A", "B", "C", "D", "E", "F"], &all),
        Some(KeyGroupError::KeyCount(6))
    );
    assert_eq!(
        group(&["A", "B", "A"], &all),
        Some(KeyGroupError::DuplicateId("A".parse().unwrap()))
    );
    assert_eq!(
        group(&["A"], &[Algorithm::RsaSha256]),
        Some(KeyGroupError::NoAlgorithm("A".parse().unwrap()))
    );
    assert_eq!(
        group(&["A"], &[]),
        Some(KeyGroupError::NoAlgorithm("A".parse().unwrap()))
    );
}
