//! Signed URLs and cookies, byte for byte: their policy text, its encoding, their layout, and signatures made by
//! AWS's own signers.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a vector that cannot be read must fail"
)]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portcullis_signed_access::sign::{Policy, PrivateKey, Signer};
use portcullis_signed_access::{
    Algorithm, Grant, Hash, KeyGroup, KeyId, Profile, PublicKey, Scheme, SignatureRefusal,
    SignedRequest, authenticate,
};
use portcullis_suite::{hold_all, vector_file, vectors_dir};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

const NOW: u64 = 1_767_290_399;

fn text<'a>(value: &'a Value, name: &str) -> Result<&'a str, String> {
    value[name].as_str().ok_or(format!("no {name}"))
}

fn hash(case: &Value) -> Result<Hash, String> {
    match text(case, "hash")? {
        "SHA1" => Ok(Hash::Sha1),
        "SHA256" => Ok(Hash::Sha256),
        other => Err(format!("hash {other}")),
    }
}

fn public_key(case: &Value) -> Result<(KeyId, PublicKey), String> {
    let id = text(case, "key_pair_id")?;
    let keys = vector_file("signing");
    let pem = std::fs::read_to_string(vectors_dir().join(text(&keys["keys"], id)?))
        .map_err(|e| e.to_string())?;
    let key = PublicKey::from_pem(&pem).map_err(|e| e.to_string())?;
    Ok((id.parse().map_err(|e| format!("{e}"))?, key))
}

/// A URL the case's policy is for, and the request for it with the case's signature.
fn ask(
    case: &Value,
    profile: Profile,
    allowed: Algorithm,
) -> Result<Result<Grant, SignatureRefusal>, String> {
    let group = KeyGroup::new(vec![public_key(case)?], &[allowed]).map_err(|e| e.to_string())?;
    let (url, cookies) = match text(case, "kind")? {
        "url" => (text(case, "signed_url")?.to_owned(), Vec::new()),
        _ => (
            text(case, "resource")?.replace('*', "any/file.bin?v=1"),
            cookies(case)?,
        ),
    };
    let cookies: Vec<&str> = cookies.iter().map(String::as_str).collect();
    let (scheme, rest) = url.split_once("://").ok_or("no scheme")?;
    let (host, target) = rest.split_at(rest.find('/').ok_or("no path")?);
    let (raw_path, raw_query) = target.split_once('?').unwrap_or((target, ""));
    let scheme = if scheme == "https" {
        Scheme::Https
    } else {
        Scheme::Http
    };
    let request = SignedRequest {
        scheme,
        host,
        raw_path,
        raw_query,
        cookies: &cookies,
    };
    Ok(authenticate(&group, &request, profile))
}

fn cookies(case: &Value) -> Result<Vec<String>, String> {
    let cookies = case["cookies"].as_object().ok_or("no cookies")?;
    Ok(cookies
        .iter()
        .map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or_default()))
        .collect())
}

fn cloudfront_base64(bytes: &[u8]) -> String {
    STANDARD
        .encode(bytes)
        .replace('+', "-")
        .replace('=', "_")
        .replace('/', "~")
}

#[test]
fn vectors_signing_are_accepted_with_the_conditions_they_carry() {
    hold_all("signing", |case| {
        let algorithm = Algorithm::of(public_key(case)?.1.kind(), hash(case)?);
        for profile in [Profile::CloudFront, Profile::Gateway] {
            let grant = ask(case, profile, algorithm)?
                .map_err(|refusal| format!("{profile:?}: {refusal}"))?;
            let condition = &serde_json::from_str::<Value>(text(case, "policy_json")?)
                .map_err(|e| e.to_string())?["Statement"][0]["Condition"];
            let source = condition["IpAddress"]["AWS:SourceIp"].as_str();
            let found = (
                Some(grant.expires()),
                grant.not_before(),
                grant.source().map(|network| network.to_string()),
            );
            let expected = (
                condition["DateLessThan"]["AWS:EpochTime"].as_u64(),
                condition["DateGreaterThan"]["AWS:EpochTime"].as_u64(),
                source.map(str::to_owned),
            );
            if found != expected {
                return Err(format!("{found:?} instead of {expected:?}"));
            }
            let viewer = source.and_then(|network| network.split('/').next()?.parse().ok());
            grant
                .admits(NOW, viewer)
                .map_err(|refusal| refusal.to_string())?;
        }
        Ok(())
    });
}

#[test]
fn vectors_signing_verify_over_their_policy_text() {
    hold_all("signing", |case| {
        let (policy, (_, key)) = (text(case, "policy_json")?, public_key(case)?);
        let standard = text(case, "signature")?
            .replace('-', "+")
            .replace('_', "=")
            .replace('~', "/");
        let signature = STANDARD.decode(standard).map_err(|e| e.to_string())?;
        let named = Algorithm::of(key.kind(), hash(case)?);
        for algorithm in Algorithm::ALL {
            let verified = key.verify(algorithm, policy.as_bytes(), &signature).is_ok();
            if verified != (algorithm == named) {
                return Err(format!("{algorithm}: {verified}"));
            }
        }
        let digest = Sha256::digest(policy.as_bytes());
        let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        // The cookie cases carry no digest.
        let digest_holds = case["policy_sha256"]
            .as_str()
            .map_or(case["kind"] == "cookie", |expected| expected == digest);
        if !digest_holds || cloudfront_base64(policy.as_bytes()) != text(case, "policy_b64")? {
            return Err("the policy's digest or base64 differs".into());
        }
        Ok(())
    });
}

#[test]
fn vectors_signing_name_an_algorithm_that_a_group_must_allow() {
    hold_all("signing", |case| {
        let kind = public_key(case)?.1.kind();
        let other = match hash(case)? {
            Hash::Sha1 => Hash::Sha256,
            Hash::Sha256 => Hash::Sha1,
        };
        match ask(case, Profile::Gateway, Algorithm::of(kind, other))? {
            Err(SignatureRefusal::WrongAlgorithm) => Ok(()),
            unexpected => Err(format!("{unexpected:?}")),
        }
    });
}

/// A P-256 key made here; the layout does not depend on the key.
fn own_key() -> PrivateKey {
    use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
    let random = ring::rand::SystemRandom::new();
    let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).unwrap();
    let base64 = STANDARD.encode(document.as_ref());
    let label = "PRIVATE KEY";
    let pem = format!("-----BEGIN {label}-----\n{base64}\n-----END {label}-----\n");
    PrivateKey::from_pem(&pem).unwrap()
}

/// The policy of a case, from the parts a user would give.
fn policy<'a>(case: &'a Value, parsed: &'a Value) -> Result<Policy<'a>, String> {
    let condition = &parsed["Statement"][0]["Condition"];
    let expires = condition["DateLessThan"]["AWS:EpochTime"]
        .as_u64()
        .ok_or("no expiry")?;
    if text(case, "policy_type")? == "canned" {
        let url = text(case, "base_url").or_else(|_| text(case, "resource"))?;
        return Ok(Policy::Canned {
            url,
            expires: case["expires"].as_u64().ok_or("no expires")?,
        });
    }
    Ok(Policy::Custom {
        resource: text(&parsed["Statement"][0], "Resource")?,
        expires,
        not_before: condition["DateGreaterThan"]["AWS:EpochTime"].as_u64(),
        source: condition["IpAddress"]["AWS:SourceIp"]
            .as_str()
            .and_then(|source| source.parse().ok()),
    })
}

#[test]
fn vectors_signing_are_rebuilt_by_our_signer() {
    let key = own_key();
    hold_all("signing", |case| {
        let parsed = serde_json::from_str(text(case, "policy_json")?).map_err(|e| e.to_string())?;
        let policy = policy(case, &parsed)?;
        if policy.text().map_err(|e| e.to_string())? != text(case, "policy_json")? {
            return Err(format!("policy text {:?}", policy.text()));
        }
        let key_id: KeyId = text(case, "key_pair_id")?
            .parse()
            .map_err(|e| format!("{e}"))?;
        let signer = Signer {
            key: &key,
            key_id: &key_id,
            hash: hash(case)?,
        };
        let random = ring::rand::SystemRandom::new();
        let theirs = text(case, "signature")?;
        if text(case, "kind")? == "url" {
            let ours = signer
                .sign_url(text(case, "base_url")?, &policy, &random)
                .map_err(|e| e.to_string())?;
            let signature = ours
                .split_once("&Signature=")
                .and_then(|(_, rest)| rest.split('&').next());
            let ours = ours.replace(signature.ok_or("no signature")?, theirs);
            return if ours == text(case, "signed_url")? {
                Ok(())
            } else {
                Err(ours)
            };
        }
        let mut ours = signer
            .sign_cookies(&policy, &random)
            .map_err(|e| e.to_string())?;
        for (name, value) in &mut ours {
            if name == "CloudFront-Signature" {
                value.replace_range(.., theirs);
            }
        }
        let mut ours: Vec<String> = ours
            .into_iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let mut expected = cookies(case)?;
        ours.sort();
        expected.sort();
        if ours == expected {
            Ok(())
        } else {
            Err(format!("{ours:?}"))
        }
    });
}
