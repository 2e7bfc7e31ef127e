//! What is signed here is accepted, for all four algorithms, and only as what it was signed for.

use crate::fixture::{
    EVERYTHING, EXPIRES, HOST, KEYS, URL, ask, canned, gateway, group, hash_word, random, signer,
};
use ipnet::Ipv4Net;
use portcullis_signed_access::sign::{Policy, SignError};
use portcullis_signed_access::{
    Algorithm, GrantKind, KeyGroup, PolicyFault, Profile, SignatureRefusal, strip_reserved,
};
use proptest::prelude::*;

fn algorithm() -> impl Strategy<Value = Algorithm> {
    proptest::sample::select(&Algorithm::ALL[..])
}

fn source() -> impl Strategy<Value = Option<Ipv4Net>> {
    proptest::option::of(
        (any::<[u8; 4]>(), 0..=32u8)
            .prop_map(|(address, prefix)| Ipv4Net::new(address.into(), prefix).unwrap().trunc()),
    )
}

fn pinned(algorithm: Algorithm) -> KeyGroup {
    let signer = signer(algorithm);
    let (key, id) = (signer.key.public_key().clone(), signer.key_id.clone());
    KeyGroup::new(vec![(id, key)], &[algorithm]).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_canned_url_is_accepted_under_both_profiles(
        algorithm in algorithm(),
        path in "/[a-zA-Z0-9._~!$&'(),;:@%/-]{0,40}",
        query in "([a-z0-9]{1,5}(=[a-z0-9%+]{0,5})?(&[a-z]{1,3}=[0-9]{0,3}){0,3})?",
        expires in 1..=253_402_300_799u64,
    ) {
        let mark = if query.is_empty() { "" } else { "?" };
        let url = format!("https://{HOST}{path}{mark}{query}");
        let signed = signer(algorithm).sign_url(&url, &Policy::Canned { url: &url, expires }, &random()).unwrap();
        for profile in [Profile::Gateway, Profile::CloudFront] {
            let grant = ask(&pinned(algorithm), &signed, &[], profile).unwrap();
            prop_assert_eq!((grant.kind(), grant.expires()), (GrantKind::Canned, expires));
            prop_assert_eq!((grant.not_before(), grant.source()), (None, None));
        }
        let (_, signed_query) = signed.split_once('?').unwrap();
        prop_assert_eq!(strip_reserved(signed_query), query);
        prop_assert_eq!(signed.contains("Hash-Algorithm"), hash_word(algorithm.hash()) == "SHA256");
    }

    #[test]
    fn custom_cookies_are_accepted_with_their_conditions(
        algorithm in algorithm(),
        expires in 1..=253_402_300_799u64,
        not_before in proptest::option::of(1..=253_402_300_799u64),
        source in source(),
    ) {
        let policy = Policy::Custom { resource: EVERYTHING, expires, not_before, source };
        let cookies = signer(algorithm).sign_cookies(&policy, &random()).unwrap();
        let header = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
        for profile in [Profile::Gateway, Profile::CloudFront] {
            let grant = ask(&pinned(algorithm), URL, &[&header], profile).unwrap();
            prop_assert_eq!(grant.kind(), GrantKind::Custom);
            prop_assert_eq!((grant.expires(), grant.not_before(), grant.source()), (expires, not_before, source));
            prop_assert_eq!(grant.key_id(), signer(algorithm).key_id);
        }
    }

    #[test]
    fn no_query_or_cookie_panics_or_is_accepted_unsigned(query in "\\PC{0,60}", cookie in "\\PC{0,60}", salt in any::<[u8; 40]>()) {
        let salt = crate::fixture::base64(&salt);
        let urls = [
            format!("https://{HOST}/{query}?{query}"),
            format!("https://{HOST}/?Policy={salt}&Signature={salt}&Key-Pair-Id={}&{query}", KEYS.rsa_id),
            format!("https://{HOST}/?Expires=9999999999&Signature={query}&Key-Pair-Id={}", KEYS.ecdsa_id),
        ];
        for url in &urls {
            for profile in [Profile::Gateway, Profile::CloudFront] {
                let cookie = format!("CloudFront-Policy={cookie}; CloudFront-Key-Pair-Id={}", KEYS.rsa_id);
                prop_assert!(ask(&group(&Algorithm::ALL), url, &[&cookie], profile).is_err());
            }
        }
    }
}

#[test]
fn a_url_signed_by_cookies_of_the_canned_policy_is_accepted() {
    let policy = Policy::Canned {
        url: URL,
        expires: EXPIRES,
    };
    let cookies = signer(Algorithm::EcdsaSha256)
        .sign_cookies(&policy, &random())
        .unwrap();
    let pairs: Vec<String> = cookies
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let pairs: Vec<&str> = pairs.iter().map(String::as_str).collect();
    assert_eq!(gateway(URL, &pairs), Ok(()));
    assert_eq!(
        gateway(&format!("{URL}&more=1"), &pairs),
        Err(SignatureRefusal::BadSignature)
    );
}

#[test]
fn the_layout_is_cloudfronts() {
    let signed = canned(Algorithm::RsaSha1);
    let (before, signature) = signed.split_once("&Signature=").unwrap();
    assert_eq!(before, format!("{URL}&Expires={EXPIRES}"));
    let (signature, after) = signature.split_once("&Key-Pair-Id=").unwrap();
    assert_eq!(after, KEYS.rsa_id.as_str());
    assert_eq!(signature.len(), 344, "256 bytes in base64");
}

#[test]
fn rsa_signatures_are_deterministic_although_blinded() {
    assert_eq!(canned(Algorithm::RsaSha256), canned(Algorithm::RsaSha256));
    assert_eq!(
        canned(Algorithm::EcdsaSha256),
        canned(Algorithm::EcdsaSha256),
        "RFC 6979"
    );
}

#[test]
fn nothing_is_signed_that_would_be_refused() {
    #[track_caller]
    fn check(url: &str, policy: Policy<'_>, expected: SignError) {
        assert_eq!(
            signer(Algorithm::EcdsaSha256).sign_url(url, &policy, &random()),
            Err(expected),
            "{url}"
        );
    }
    fn canned(url: &str) -> Policy<'_> {
        Policy::Canned {
            url,
            expires: EXPIRES,
        }
    }
    let custom = |resource| Policy::Custom {
        resource,
        expires: EXPIRES,
        not_before: None,
        source: None,
    };
    for url in [
        "e.com/a",
        "ftp://e.com/a",
        "https://e.com",
        "https:///a",
        "https://e.com/a#b",
        "HTTPS://e.com/a",
    ] {
        check(url, canned(url), SignError::Url);
    }
    for url in [
        "https://e.com/a b",
        "https://e.com/\"",
        "https://e.com/\\",
        "https://e.com/é",
        "https://e.com/\n",
    ] {
        check(url, canned(url), SignError::NotPlain);
    }
    let starred = "https://e.com/a*";
    check(starred, canned(starred), SignError::Wildcard);
    check(URL, canned("https://e.com/a"), SignError::OtherUrl);
    check(
        URL,
        custom("https://e.com/*"),
        SignError::Refused(SignatureRefusal::WrongResource),
    );
    check(URL, custom("https://e.com/\",\""), SignError::NotPlain);
    let reserved = "https://e.com/a?Expires=1";
    check(
        reserved,
        canned(reserved),
        SignError::Refused(SignatureRefusal::Duplicate),
    );
    let hashed = "https://e.com/a?Policy=";
    check(
        hashed,
        canned(hashed),
        SignError::Refused(PolicyFault::CannedAndCustom.into()),
    );
    let empty_query = "https://e.com/a?";
    check(
        empty_query,
        canned(empty_query),
        SignError::Refused(SignatureRefusal::BadSignature),
    );
    for expires in [0, 1_767_290_400_000, u64::MAX] {
        check(
            URL,
            Policy::Canned { url: URL, expires },
            SignError::Policy(PolicyFault::Epoch),
        );
    }
    let long = format!("https://e.com/{}", "a".repeat(8192));
    check(
        &long,
        canned(&long),
        SignError::Policy(PolicyFault::TooLong),
    );
}
