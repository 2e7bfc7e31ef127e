//! Keys made at test time and a short way to ask about a URL.

use p256::ecdsa::signature::hazmat::PrehashSigner as _;
use portcullis_signed_access::sign::{Policy, PrivateKey, Signer};
use portcullis_signed_access::{
    Algorithm, Grant, Hash, KeyGroup, KeyId, Profile, Scheme, SignatureRefusal, SignedRequest,
    authenticate,
};
use rsa::pkcs8::{EncodePrivateKey as _, LineEnding};
use sha2::{Digest as _, Sha256};
use std::sync::LazyLock;

pub(crate) const HOST: &str = "d111111abcdef8.cloudfront.net";
pub(crate) const URL: &str = "https://d111111abcdef8.cloudfront.net/image.jpg?size=1";
pub(crate) const EXPIRES: u64 = 1_767_290_400;
pub(crate) const EVERYTHING: &str = "https://d111111abcdef8.cloudfront.net/*";
pub(crate) const LESS_THAN: &str = r#""DateLessThan":{"AWS:EpochTime":1767290400}"#;

/// One RSA-2048 and one P-256 key, with their ids.
pub(crate) struct Keys {
    pub(crate) rsa: PrivateKey,
    pub(crate) rsa_id: KeyId,
    pub(crate) ecdsa: PrivateKey,
    pub(crate) ecdsa_id: KeyId,
    /// The same P-256 key, to sign what the signer would not.
    pub(crate) ecdsa_raw: p256::ecdsa::SigningKey,
    /// The same RSA key.
    pub(crate) rsa_raw: rsa::PrivateKey,
}

pub(crate) static KEYS: LazyLock<Keys> = LazyLock::new(|| {
    let rsa_raw = rsa::PrivateKey::new(&mut getrandom::SysRng, 2048).unwrap();
    let ecdsa_raw = ecdsa_secret();
    let rsa = PrivateKey::from_pem(&rsa_raw.to_pkcs8_pem(LineEnding::LF).unwrap()).unwrap();
    let ecdsa = PrivateKey::from_pem(&ecdsa_raw.to_pkcs8_pem(LineEnding::LF).unwrap()).unwrap();
    Keys {
        rsa_id: KeyId::of_key(rsa.public_key()),
        ecdsa_id: KeyId::of_key(ecdsa.public_key()),
        rsa,
        ecdsa,
        ecdsa_raw: ecdsa_raw.into(),
        rsa_raw,
    }
});

pub(crate) fn ecdsa_secret() -> p256::SecretKey {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).unwrap();
    p256::SecretKey::from_slice(&bytes).unwrap()
}

/// A group of both keys with these algorithms.
pub(crate) fn group(algorithms: &[Algorithm]) -> KeyGroup {
    let keys = vec![
        (KEYS.rsa_id.clone(), KEYS.rsa.public_key().clone()),
        (KEYS.ecdsa_id.clone(), KEYS.ecdsa.public_key().clone()),
    ];
    KeyGroup::new(keys, algorithms).unwrap()
}

/// The group most tests use: SHA-256 with either key.
pub(crate) fn modern() -> KeyGroup {
    group(&[Algorithm::RsaSha256, Algorithm::EcdsaSha256])
}

pub(crate) fn signer(algorithm: Algorithm) -> Signer<'static> {
    let (key, key_id) = match algorithm {
        Algorithm::RsaSha1 | Algorithm::RsaSha256 => (&KEYS.rsa, &KEYS.rsa_id),
        Algorithm::EcdsaSha1 | Algorithm::EcdsaSha256 => (&KEYS.ecdsa, &KEYS.ecdsa_id),
    };
    Signer {
        key,
        key_id,
        hash: algorithm.hash(),
    }
}

/// [`URL`] signed by its canned policy.
pub(crate) fn canned(algorithm: Algorithm) -> String {
    let policy = Policy::Canned {
        url: URL,
        expires: EXPIRES,
    };
    signer(algorithm).sign_url(URL, &policy, &random()).unwrap()
}

pub(crate) fn random() -> ring::rand::SystemRandom {
    ring::rand::SystemRandom::new()
}

/// CloudFront's base64.
pub(crate) fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    let standard = base64::engine::general_purpose::STANDARD.encode(bytes);
    standard
        .replace('+', "-")
        .replace('=', "_")
        .replace('/', "~")
}

/// The query that carries any policy text at all, correctly signed by the P-256 key over SHA-256.
pub(crate) fn custom_query(policy: &[u8]) -> String {
    let signature: p256::ecdsa::Signature = KEYS
        .ecdsa_raw
        .sign_prehash(&Sha256::digest(policy))
        .unwrap();
    let (policy, signature) = (base64(policy), base64(signature.to_der().as_bytes()));
    let key = &KEYS.ecdsa_id;
    format!("Policy={policy}&Signature={signature}&Key-Pair-Id={key}&Hash-Algorithm=SHA256")
}

/// A policy text with `condition` in the place of its conditions' members.
pub(crate) fn policy_with(condition: &str) -> String {
    format!(r#"{{"Statement":[{{"Resource":"{EVERYTHING}","Condition":{{{condition}}}}}]}}"#)
}

pub(crate) fn ask(
    group: &KeyGroup,
    url: &str,
    cookies: &[&str],
    profile: Profile,
) -> Result<Grant, SignatureRefusal> {
    with_request(url, cookies, |request| {
        authenticate(group, request, profile)
    })
}

pub(crate) fn with_request<T>(
    url: &str,
    cookies: &[&str],
    then: impl FnOnce(&SignedRequest<'_>) -> T,
) -> T {
    let (scheme, rest) = url.split_once("://").unwrap();
    let (host, target) = rest.split_at(rest.find('/').unwrap());
    let (raw_path, raw_query) = target.split_once('?').unwrap_or((target, ""));
    let scheme = if scheme == "https" {
        Scheme::Https
    } else {
        Scheme::Http
    };
    then(&SignedRequest {
        scheme,
        host,
        raw_path,
        raw_query,
        cookies,
    })
}

/// What the gateway says to a URL under the modern group.
pub(crate) fn gateway(url: &str, cookies: &[&str]) -> Result<(), SignatureRefusal> {
    ask(&modern(), url, cookies, Profile::Gateway).map(|_grant| ())
}

pub(crate) fn hash_word(hash: Hash) -> &'static str {
    match hash {
        Hash::Sha1 => "SHA1",
        Hash::Sha256 => "SHA256",
    }
}
