//! A remembered signature saves the verification and nothing else.

use crate::fixture::{
    EXPIRES, HOST, URL, canned, custom_query, group, modern, policy_with, with_request,
};
use portcullis_signed_access::{
    Algorithm, Grant, KeyGroup, PolicyFault, Profile, SignatureRefusal, VerifiedCache,
    authenticate_cached,
};

fn ask(cache: &VerifiedCache, group: &KeyGroup, url: &str) -> Result<Grant, SignatureRefusal> {
    with_request(url, &[], |request| {
        authenticate_cached(group, request, Profile::Gateway, cache)
    })
}

#[test]
fn a_remembered_signature_still_expires() {
    let (cache, url) = (VerifiedCache::new(16), canned(Algorithm::RsaSha256));
    for _ in 0..2 {
        let grant = ask(&cache, &modern(), &url).unwrap();
        assert_eq!(grant.admits(EXPIRES - 1, None), Ok(()));
        assert_eq!(grant.admits(EXPIRES, None), Err(SignatureRefusal::Expired));
        assert_eq!(
            grant.admits(EXPIRES + 1, None),
            Err(SignatureRefusal::Expired)
        );
    }
}

#[test]
fn a_remembered_signature_opens_nothing_else() {
    let (cache, url) = (VerifiedCache::new(16), canned(Algorithm::RsaSha256));
    assert!(ask(&cache, &modern(), &url).is_ok());
    let longer = url.replace(&format!("Expires={EXPIRES}"), "Expires=1767290401");
    assert_eq!(
        ask(&cache, &modern(), &longer),
        Err(SignatureRefusal::BadSignature)
    );
    let other = url.replace("image.jpg", "image2.jpg");
    assert_eq!(
        ask(&cache, &modern(), &other),
        Err(SignatureRefusal::BadSignature)
    );
    let sha1 = group(&[Algorithm::RsaSha1, Algorithm::EcdsaSha1]);
    assert_eq!(
        ask(&cache, &sha1, &url),
        Err(SignatureRefusal::WrongAlgorithm)
    );
    assert!(url.starts_with(URL) && ask(&cache, &modern(), &url).is_ok());
}

#[test]
fn a_bad_signature_is_never_remembered() {
    let cache = VerifiedCache::new(16);
    let bad = canned(Algorithm::EcdsaSha256).replace("Expires=1", "Expires=2");
    for _ in 0..2 {
        assert_eq!(
            ask(&cache, &modern(), &bad),
            Err(SignatureRefusal::BadSignature)
        );
    }
}

#[test]
fn what_one_profile_accepted_the_other_reads_again() {
    let cache = VerifiedCache::new(16);
    let spaced = policy_with(r#" "DateLessThan":{"AWS:EpochTime":1767290400}"#);
    let url = format!("https://{HOST}/a?{}", custom_query(spaced.as_bytes()));
    for _ in 0..2 {
        let cloudfront = with_request(&url, &[], |request| {
            authenticate_cached(&modern(), request, Profile::CloudFront, &cache)
        });
        assert!(cloudfront.is_ok());
        assert_eq!(ask(&cache, &modern(), &url), Err(PolicyFault::Text.into()));
    }
}

#[test]
fn a_remembered_policy_is_matched_against_each_url() {
    let cache = VerifiedCache::new(16);
    let policy =
        policy_with(r#""DateLessThan":{"AWS:EpochTime":1767290400}"#).replace("/*", "/open/*");
    let query = custom_query(policy.as_bytes());
    for _ in 0..2 {
        assert!(ask(&cache, &modern(), &format!("https://{HOST}/open/a?{query}")).is_ok());
        let closed = ask(
            &cache,
            &modern(),
            &format!("https://{HOST}/closed/a?{query}"),
        );
        assert_eq!(closed, Err(SignatureRefusal::WrongResource));
    }
}
