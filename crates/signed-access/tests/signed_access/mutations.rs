//! Every byte of what is signed, and of the signature, counts.

use crate::fixture::{EXPIRES, URL, canned, gateway, random, signer};
use portcullis_signed_access::Algorithm;
use portcullis_signed_access::sign::Policy;

/// Replaces each byte of `text` from `start` on by others that could stand there, and asks about the result.
#[track_caller]
fn every_change_is_refused(text: &str, start: usize, accepted: impl Fn(&str) -> bool) {
    assert!(accepted(text), "the original must be good");
    let mut tried = 0;
    for position in start..text.len() {
        let old = text.as_bytes()[position];
        for new in [old ^ 1, old ^ 2, old ^ 0x20, b'-', b'A', b'_'] {
            // A changed separator changes the names, which the tables of tricks are about.
            if new == old || !new.is_ascii_graphic() || b"&=;".contains(&old) {
                continue;
            }
            let mut changed = text.as_bytes().to_vec();
            changed[position] = new;
            let changed = String::from_utf8(changed).unwrap();
            assert!(
                !accepted(&changed),
                "{old:?} to {new:?} at {position}: {changed}"
            );
            tried += 1;
        }
    }
    assert!(tried > 500, "only {tried} changes were tried");
}

#[test]
fn any_change_of_a_canned_url_is_refused() {
    for algorithm in [Algorithm::RsaSha256, Algorithm::EcdsaSha256] {
        // From the path on: scheme and host are not the request's to choose.
        every_change_is_refused(&canned(algorithm), "https://".len(), |url| {
            url.contains(".net/") && gateway(url, &[]).is_ok()
        });
    }
}

#[test]
fn any_change_of_a_custom_url_is_refused() {
    let policy = Policy::Custom {
        resource: URL,
        expires: EXPIRES,
        not_before: None,
        source: None,
    };
    let signed = signer(Algorithm::RsaSha256)
        .sign_url(URL, &policy, &random())
        .unwrap();
    every_change_is_refused(&signed, URL.len() + 1, |url| gateway(url, &[]).is_ok());
}

#[test]
fn any_change_of_a_signed_cookie_is_refused() {
    let policy = Policy::Custom {
        resource: URL,
        expires: EXPIRES,
        not_before: None,
        source: None,
    };
    let cookies = signer(Algorithm::EcdsaSha256)
        .sign_cookies(&policy, &random())
        .unwrap();
    let header = cookies
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect::<Vec<_>>()
        .join(";");
    every_change_is_refused(&header, 0, |cookie| gateway(URL, &[cookie]).is_ok());
}
