//! A10.1 and A10.4: games with parameters, base64 and cookies, each by its name.

use crate::fixture::{
    EXPIRES, HOST, KEYS, LESS_THAN, URL, ask, base64, canned, custom_query, gateway, modern,
    policy_with,
};
use portcullis_signed_access::{Algorithm, PolicyFault, Profile, SignatureRefusal};

#[test]
fn parameter_games() {
    #[track_caller]
    fn check(what: &str, url: &str, expected: Result<(), SignatureRefusal>) {
        assert_eq!(gateway(url, &[]), expected, "{what}: {url}");
    }
    let good = canned(Algorithm::EcdsaSha256);
    let expires = format!("Expires={EXPIRES}");
    let bad_signature = Err(SignatureRefusal::BadSignature);
    let absent = Err(PolicyFault::Absent.into());
    check("nothing changed", &good, Ok(()));
    check(
        "Expires twice, the later last",
        &format!("{good}&Expires=9999999999"),
        Err(SignatureRefusal::Duplicate),
    );
    check(
        "Expires twice, the later first",
        &good.replace("size=1", "size=1&Expires=9999999999"),
        Err(SignatureRefusal::Duplicate),
    );
    check(
        "Expires twice, equal",
        &format!("{good}&{expires}"),
        Err(SignatureRefusal::Duplicate),
    );
    check(
        "an empty second Signature",
        &format!("{good}&Signature="),
        Err(SignatureRefusal::Duplicate),
    );
    check(
        "a second Key-Pair-Id without value",
        &format!("{good}&Key-Pair-Id"),
        Err(SignatureRefusal::Duplicate),
    );
    check(
        "expires in lower case",
        &good.replace("Expires", "expires"),
        absent,
    );
    check("%45xpires", &good.replace("Expires", "%45xpires"), absent);
    check("Expires%20", &good.replace("Expires", "Expires%20"), absent);
    check("+Expires", &good.replace("Expires", "+Expires"), absent);
    check(
        "a later %45xpires beside it",
        &format!("{good}&%45xpires=9999999999"),
        bad_signature,
    );
    check(
        "a query added after signing",
        &format!("{good}&download=1"),
        bad_signature,
    );
    check(
        "an empty query pair added",
        &format!("{good}&"),
        bad_signature,
    );
    check(
        "a query added before",
        &good.replace("?size", "?a=1&size"),
        bad_signature,
    );
    check(
        "a signed parameter removed",
        &good.replace("size=1&", ""),
        bad_signature,
    );
    check(
        "a signed parameter re-encoded",
        &good.replace("size=1", "size=%31"),
        bad_signature,
    );
    check(
        "the path re-encoded",
        &good.replace("image", "%69mage"),
        bad_signature,
    );
    check(
        "the other protocol",
        &good.replace("https:", "http:"),
        bad_signature,
    );
    check("another host", &good.replace(HOST, "e.com"), bad_signature);
    let (url, reserved) = good.split_once(&format!("&{expires}")).unwrap();
    check(
        "reserved parameters moved to the front",
        &url.replace('?', &format!("?{expires}{reserved}&")),
        Ok(()),
    );
    let policy = base64(policy_with(LESS_THAN).as_bytes());
    check(
        "canned and custom together",
        &format!("{good}&Policy={policy}"),
        Err(PolicyFault::CannedAndCustom.into()),
    );
    check(
        "no Signature",
        &good.replace("&Signature=", "&signature="),
        Err(SignatureRefusal::MalformedSignature),
    );
    check("not signed at all", URL, Err(SignatureRefusal::Absent));
    for value in [
        "",
        "0",
        "-1",
        "+1767290400",
        "01767290400",
        "1767290400.0",
        "1.7e9",
        "0x69",
        " 1767290400",
        "1e18",
        "1767290400000",
        "1000000000000000000",
        "18446744073709553383",
        "%31767290400",
        "١",
    ] {
        let other = good.replace(&expires, &format!("Expires={value}"));
        check(
            "another spelling of Expires",
            &other,
            Err(PolicyFault::Epoch.into()),
        );
    }
    check(
        "a quote in the URL",
        &good.replace("size=1", "size=\""),
        Err(SignatureRefusal::WrongResource),
    );
    check(
        "a backslash in the URL",
        &good.replace("image", "im\\age"),
        Err(SignatureRefusal::WrongResource),
    );
}

#[test]
fn a_canned_text_cannot_be_read_as_another_policy() {
    // A custom policy whose resource a URL with quotes would reproduce byte for byte.
    let inner = format!(r#"x","Condition":{{{LESS_THAN}}}}},{{"Resource":"y"#);
    let text = format!(
        r#"{{"Statement":[{{"Resource":"https://{HOST}/{inner}","Condition":{{{LESS_THAN}}}}}]}}"#
    );
    let query = custom_query(text.as_bytes());
    let (_, signature) = query.split_once('&').unwrap();
    let canned = format!("https://{HOST}/{inner}?Expires={EXPIRES}&{signature}");
    for profile in [Profile::Gateway, Profile::CloudFront] {
        assert_eq!(
            ask(&modern(), &canned, &[], profile).err(),
            Some(SignatureRefusal::WrongResource)
        );
    }
}

#[test]
fn base64_games() {
    let query = custom_query(
        policy_with(&format!(
            r#"{LESS_THAN},"IpAddress":{{"AWS:SourceIp":"0.0.0.0/0"}}"#
        ))
        .as_bytes(),
    );
    let url = format!("https://{HOST}/a?{query}");
    assert_eq!(gateway(&url, &[]), Ok(()));
    let (policy, signature) = query
        .strip_prefix("Policy=")
        .unwrap()
        .split_once("&Signature=")
        .unwrap();
    let signature = signature.split_once('&').unwrap().0;
    assert!(
        policy.ends_with('_') || signature.ends_with('_'),
        "padding must be there to play with"
    );
    for (what, from, to) in [
        (
            "policy in the standard alphabet",
            policy.to_owned(),
            policy.replace('_', "="),
        ),
        (
            "policy without padding",
            policy.to_owned(),
            policy.replace('_', ""),
        ),
        (
            "policy with a line break",
            policy.to_owned(),
            format!("{policy}%0A"),
        ),
        (
            "policy with a space",
            policy.to_owned(),
            format!("{policy} "),
        ),
        ("an empty policy", policy.to_owned(), String::new()),
        (
            "signature in the standard alphabet",
            signature.to_owned(),
            signature.replace('_', "="),
        ),
        (
            "signature with more padding",
            signature.to_owned(),
            format!("{signature}____"),
        ),
        (
            "signature percent-encoded",
            signature.to_owned(),
            signature.replacen('M', "%4D", 1),
        ),
        (
            "signature with standard slashes",
            signature.to_owned(),
            format!("////{signature}"),
        ),
        (
            "signature with standard pluses",
            signature.to_owned(),
            format!("++++{signature}"),
        ),
    ] {
        if from != to {
            assert!(gateway(&url.replace(&from, &to), &[]).is_err(), "{what}");
        }
    }
    let long = base64(&[b' '; 6145]);
    let long = format!("https://{HOST}/a?Policy={}", long);
    assert_eq!(
        gateway(&format!("{long}&Key-Pair-Id={}", KEYS.rsa_id), &[]),
        Err(SignatureRefusal::TooLong)
    );
}

#[test]
fn a_policy_in_a_cookie_has_its_own_limit() {
    let policy = base64(&[b' '; 6147]);
    let cookie = format!(
        "CloudFront-Policy={policy}; CloudFront-Key-Pair-Id={}",
        KEYS.rsa_id
    );
    assert_eq!(gateway(URL, &[&cookie]), Err(PolicyFault::TooLong.into()));
}

/// The cookies of a policy for everything, as `(policy, rest)`.
fn good_cookies() -> (String, String) {
    let query = custom_query(policy_with(LESS_THAN).as_bytes());
    let cookies: Vec<String> = query
        .split('&')
        .map(|pair| format!("CloudFront-{pair}"))
        .collect();
    (cookies[0].clone(), cookies[1..].join("; "))
}

#[test]
fn a_signed_url_hides_good_cookies() {
    let (policy, rest) = good_cookies();
    let cookies = [policy.as_str(), rest.as_str()];
    assert_eq!(gateway(URL, &cookies), Ok(()));
    let bad_url = canned(Algorithm::EcdsaSha256).replace("Expires=1", "Expires=2");
    assert_eq!(
        gateway(&bad_url, &cookies),
        Err(SignatureRefusal::BadSignature)
    );
    assert_eq!(
        gateway(&format!("{URL}&Expires=12"), &cookies),
        Err(SignatureRefusal::MissingKeyPairId)
    );
    assert_eq!(
        gateway(&canned(Algorithm::EcdsaSha256), &["CloudFront-Policy=x"]),
        Ok(())
    );
}

#[test]
fn cookie_tossing() {
    #[track_caller]
    fn check(
        what: &str,
        cookies: &[&str],
        gateway: Result<(), SignatureRefusal>,
        cloudfront_admits: bool,
    ) {
        assert_eq!(crate::fixture::gateway(URL, cookies), gateway, "{what}");
        let cloudfront = ask(&modern(), URL, cookies, Profile::CloudFront);
        assert_eq!(
            cloudfront.is_ok(),
            cloudfront_admits,
            "{what}, CloudFront: {cloudfront:?}"
        );
    }
    let (policy, rest) = good_cookies();
    let tossed = "CloudFront-Policy=dG9zc2Vk";
    let duplicate = Err(SignatureRefusal::Duplicate);
    check("nothing tossed", &[&policy, &rest], Ok(()), true);
    check(
        "one header, the tossed one first",
        &[&format!("{tossed}; {policy}; {rest}")],
        duplicate,
        false,
    );
    check(
        "one header, the tossed one second",
        &[&format!("{policy}; {tossed}; {rest}")],
        duplicate,
        true,
    );
    check(
        "two headers, the tossed one first",
        &[tossed, &policy, &rest],
        duplicate,
        false,
    );
    check(
        "two headers, the tossed one last",
        &[&policy, &rest, tossed],
        duplicate,
        true,
    );
    check(
        "the same cookie twice",
        &[&policy, &policy, &rest],
        duplicate,
        true,
    );
    check(
        "a tossed expiry beside a policy",
        &[&policy, &rest, "CloudFront-Expires=9999999999"],
        Err(PolicyFault::CannedAndCustom.into()),
        true,
    );
    let lower = policy.to_lowercase();
    check(
        "a name in another case is another cookie",
        &[&lower, &policy, &rest],
        Ok(()),
        true,
    );
    check(
        "a name inside a value",
        &[&format!("a={policy}"), &rest],
        Err(PolicyFault::Absent.into()),
        false,
    );
    check(
        "quoted values",
        &[
            &policy.replace("Policy=", "Policy=\"").replace("_\"", "\""),
            &rest,
        ],
        Err(PolicyFault::Base64.into()),
        false,
    );
}
