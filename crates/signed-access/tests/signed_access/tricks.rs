//! A10.1 and A10.4: games with parameters, policies and cookies, each by its name.
//!
//! Policies here are correctly signed, so that only the game itself can be the reason for the refusal.

use crate::fixture::{
    EVERYTHING, EXPIRES, HOST, KEYS, URL, ask, base64, canned, custom_query, gateway, modern,
    policy_with,
};
use portcullis_signed_access::{Algorithm, PolicyFault, Profile, SignatureRefusal};

const LESS_THAN: &str = r#""DateLessThan":{"AWS:EpochTime":1767290400}"#;

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

/// A policy, correctly signed, that the gateway refuses; `cloudfront` is what the model of CloudFront says.
#[track_caller]
fn check_policy(
    what: &str,
    policy: impl AsRef<[u8]>,
    gateway: Result<(), PolicyFault>,
    cloudfront: Result<(), PolicyFault>,
) {
    let url = format!("https://{HOST}/a?{}", custom_query(policy.as_ref()));
    let said = |profile| ask(&modern(), &url, &[], profile).map(|_grant| ());
    assert_eq!(
        said(Profile::Gateway),
        gateway.map_err(Into::into),
        "{what}, gateway"
    );
    assert_eq!(
        said(Profile::CloudFront),
        cloudfront.map_err(Into::into),
        "{what}, CloudFront"
    );
}

#[track_caller]
fn both_refuse(what: &str, policy: impl AsRef<[u8]>, fault: PolicyFault) {
    check_policy(what, policy, Err(fault), Err(fault));
}

#[track_caller]
fn only_the_gateway_refuses(what: &str, policy: impl AsRef<[u8]>, fault: PolicyFault) {
    check_policy(what, policy, Err(fault), Ok(()));
}

#[test]
fn policy_games_with_json() {
    let good = policy_with(LESS_THAN);
    check_policy("nothing changed", &good, Ok(()), Ok(()));
    only_the_gateway_refuses(
        "an escaped member name",
        good.replace("Resource", r"\u0052esource"),
        PolicyFault::Text,
    );
    only_the_gateway_refuses(
        "an escaped value",
        good.replace("https://", r"https:\/\/"),
        PolicyFault::Text,
    );
    only_the_gateway_refuses(
        "a space after a colon",
        good.replace(r#"":["#, r#"": ["#),
        PolicyFault::Text,
    );
    only_the_gateway_refuses(
        "a newline at the end",
        format!("{good}\n"),
        PolicyFault::Text,
    );
    only_the_gateway_refuses("a tab at the start", format!("\t{good}"), PolicyFault::Text);
    let missing = format!(r#"{{"Statement":[{{"Condition":{{{LESS_THAN}}}}}]}}"#);
    only_the_gateway_refuses("no Resource", missing, PolicyFault::NoResource);
    check_policy(
        "a byte-order mark",
        format!("\u{feff}{good}"),
        Err(PolicyFault::Text),
        Err(PolicyFault::Syntax),
    );
    check_policy(
        "a no-break space",
        good.replace("\":[", "\":\u{a0}["),
        Err(PolicyFault::Text),
        Err(PolicyFault::Syntax),
    );
    check_policy(
        "UTF-16",
        good.encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect::<Vec<u8>>(),
        Err(PolicyFault::Text),
        Err(PolicyFault::Syntax),
    );
    check_policy(
        "bytes that are not UTF-8",
        [good.as_bytes(), &[0xff]].concat(),
        Err(PolicyFault::Text),
        Err(PolicyFault::Syntax),
    );
    check_policy(
        "a line break in a string",
        good.replace("https", "https\n"),
        Err(PolicyFault::Text),
        Err(PolicyFault::Syntax),
    );
    check_policy(
        "a wrong escape",
        good.replace("https", r"https\x"),
        Err(PolicyFault::Text),
        Err(PolicyFault::Syntax),
    );
    both_refuse(
        "an array for the document",
        format!("[{good}]"),
        PolicyFault::Syntax,
    );
    both_refuse(
        "an array for the statement",
        r#"{"Statement":[["https://e.com/*"]]}"#,
        PolicyFault::Syntax,
    );
    both_refuse(
        "an array for the time",
        good.replace(r#"{"AWS:EpochTime":1767290400}"#, "[1767290400]"),
        PolicyFault::Syntax,
    );
    both_refuse(
        "an object for the statements",
        good.replace(":[{", ":{").replace("}]}", "}}"),
        PolicyFault::Syntax,
    );
    both_refuse(
        "no statement",
        r#"{"Statement":[]}"#,
        PolicyFault::StatementCount,
    );
    let two = good.replace(
        "}]}",
        &format!(r#"}},{{"Resource":"*","Condition":{{{LESS_THAN}}}}}]}}"#),
    );
    both_refuse("two statements", two, PolicyFault::StatementCount);
    both_refuse(
        "Statement twice",
        good.replace("}]}", r#"}],"Statement":[]}"#),
        PolicyFault::StatementCount,
    );
    let again = format!(
        "{},{}",
        good.replace("}]}", "}]"),
        good.replacen('{', "", 1)
    );
    both_refuse(
        "the same Statement twice",
        again,
        PolicyFault::DuplicateMember,
    );
    both_refuse(
        "Resource twice",
        good.replace("[{", r#"[{"Resource":"*","#),
        PolicyFault::DuplicateMember,
    );
    both_refuse(
        "Condition twice",
        good.replace("}]}", &format!(r#","Condition":{{{LESS_THAN}}}}}]}}"#)),
        PolicyFault::DuplicateMember,
    );
    both_refuse(
        "an unknown member",
        good.replace("[{", r#"[{"Effect":"Allow","#),
        PolicyFault::UnknownMember,
    );
    both_refuse(
        "a member in lower case",
        good.replace("Resource", "resource"),
        PolicyFault::UnknownMember,
    );
    both_refuse(
        "an array of resources",
        good.replace(&format!(r#""{EVERYTHING}""#), r#"["*","*"]"#),
        PolicyFault::Syntax,
    );
    both_refuse(
        "something after the end",
        format!("{good}{good}"),
        PolicyFault::Syntax,
    );
    both_refuse(
        "a trailing comma",
        good.replace("}]}", "},]}"),
        PolicyFault::StatementCount,
    );
    both_refuse("single quotes", good.replace('"', "'"), PolicyFault::Syntax);
    both_refuse("cut short", good.replace("}]}", "}]"), PolicyFault::Syntax);
    both_refuse("nothing", "", PolicyFault::Syntax);
    both_refuse(
        "deep nesting",
        "{\"Statement\":".repeat(300),
        PolicyFault::Syntax,
    );
    both_refuse("deep arrays", "[".repeat(5000), PolicyFault::Syntax);
    both_refuse(
        "a member name that never ends",
        r#"{"Statement"#,
        PolicyFault::Syntax,
    );
}

#[test]
fn policy_games_with_times() {
    let with =
        |number: &str| policy_with(&format!(r#""DateLessThan":{{"AWS:EpochTime":{number}}}"#));
    check_policy("seconds", with("1767290400"), Ok(()), Ok(()));
    for number in [
        "\"1767290400\"",
        "1767290400.0",
        "1.7672904e9",
        "-1767290400",
        "+1767290400",
        "01767290400",
        "0",
        "-0",
        "1e18",
        "1000000000000000000",
        "1767290400000",
        "9223372036854775807",
        "9223372036854775808",
        "99999999999999999999999999",
        "0x69",
        "true",
        "null",
        "[]",
        "{}",
        "NaN",
        "",
    ] {
        both_refuse(number, with(number), PolicyFault::Epoch);
    }
    check_policy(
        "the last second of 9999",
        with("253402300799"),
        Ok(()),
        Ok(()),
    );
    both_refuse("one second more", with("253402300800"), PolicyFault::Epoch);
    both_refuse("no DateLessThan", policy_with(""), PolicyFault::NoExpiry);
    let greater = r#""DateGreaterThan":{"AWS:EpochTime":1767290400}"#;
    both_refuse(
        "DateGreaterThan alone",
        policy_with(greater),
        PolicyFault::NoExpiry,
    );
    both_refuse(
        "no Condition",
        format!(r#"{{"Statement":[{{"Resource":"{EVERYTHING}"}}]}}"#),
        PolicyFault::NoExpiry,
    );
    both_refuse(
        "DateLessThan twice",
        policy_with(&format!("{LESS_THAN},{LESS_THAN}")),
        PolicyFault::DuplicateMember,
    );
    let twice = r#""DateLessThan":{"AWS:EpochTime":1,"AWS:EpochTime":1767290400}"#;
    both_refuse(
        "EpochTime twice",
        policy_with(twice),
        PolicyFault::DuplicateMember,
    );
    both_refuse(
        "no EpochTime",
        policy_with(r#""DateLessThan":{}"#),
        PolicyFault::Syntax,
    );
    both_refuse(
        "another time",
        policy_with(r#""DateLessThan":{"EpochTime":1}"#),
        PolicyFault::UnknownMember,
    );
    both_refuse(
        "DateNotEquals",
        policy_with(&format!(r#"{LESS_THAN},"DateNotEquals":{{}}"#)),
        PolicyFault::UnknownMember,
    );
}

#[test]
fn policy_games_with_addresses() {
    let with = |source: &str| {
        policy_with(&format!(
            r#"{LESS_THAN},"IpAddress":{{"AWS:SourceIp":{source}}}"#
        ))
    };
    for source in [
        "\"192.0.2.0/24\"",
        "\"192.0.2.10/32\"",
        "\"192.0.2.10\"",
        "\"0.0.0.0/0\"",
    ] {
        check_policy(source, with(source), Ok(()), Ok(()));
    }
    for source in [
        "\"2001:db8::/32\"",
        "\"::ffff:192.0.2.1\"",
        "\"192.0.2.1/24\"",
        "\"192.0.2.0/33\"",
        "\"192.0.2.0/-1\"",
        "\"192.0.2.0/024\"",
        "\"192.0.2.0/\"",
        "\"192.0.2/24\"",
        "\"192.0.02.0/24\"",
        "\"0300.0.2.0/24\"",
        "\"e.com\"",
        "\"*\"",
        "\"\"",
        "\"192.0.2.0/24,198.51.100.0/24\"",
    ] {
        both_refuse(source, with(source), PolicyFault::SourceAddress);
    }
    both_refuse("a list", with(r#"["192.0.2.0/24"]"#), PolicyFault::Syntax);
    both_refuse("a number", with("3221225985"), PolicyFault::Syntax);
    both_refuse(
        "NotIpAddress",
        with("\"0.0.0.0/0\"").replace("IpAddress", "NotIpAddress"),
        PolicyFault::UnknownMember,
    );
}

#[test]
fn policy_games_with_wildcards() {
    #[track_caller]
    fn check(what: &str, resource: &str, expected: Result<(), SignatureRefusal>) {
        let policy = policy_with(LESS_THAN).replace(EVERYTHING, resource);
        let url = format!(
            "https://{HOST}/a/b.txt?x=1&{}",
            custom_query(policy.as_bytes())
        );
        for profile in [Profile::Gateway, Profile::CloudFront] {
            let said = ask(&modern(), &url, &[], profile).map(|_grant| ());
            assert_eq!(said, expected, "{what}: {resource}, {profile:?}");
        }
    }
    let wrong = Err(SignatureRefusal::WrongResource);
    check(
        "a trailing * that implies the query",
        &format!("https://{HOST}/a/*"),
        Ok(()),
    );
    check("* inside the domain", "https://d1*.net/a/b.txt?x=1", Ok(()));
    check(
        "* from the domain to the path",
        "https://d1*/b.txt?x=1",
        wrong,
    );
    check(
        "* from the domain to the file name",
        "https://*b.txt?x=1",
        wrong,
    );
    check(
        "* from the protocol to the path",
        "https*/a/b.txt?x=1",
        wrong,
    );
    check(
        "* from the path to the query",
        &format!("https://{HOST}/a*x=1"),
        wrong,
    );
    check(
        "? for the slash",
        &format!("https://{HOST}?a/b.txt?x=1"),
        wrong,
    );
    check(
        "? for the query's mark only",
        &format!("https://{HOST}/a/b.txt?x=1"),
        Ok(()),
    );
    check(
        "without its query",
        &format!("https://{HOST}/a/b.txt"),
        wrong,
    );
    check(
        "another protocol",
        &format!("http://{HOST}/a/b.txt?x=1"),
        wrong,
    );
    check("an empty resource", "", wrong);
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
