//! A remembered signature saves the verification and nothing else.

use crate::fixture::{EXPIRES, URL, canned, group, modern, with_request};
use portcullis_signed_access::{
    Algorithm, Grant, KeyGroup, Profile, SignatureRefusal, VerifiedCache, authenticate_cached,
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
