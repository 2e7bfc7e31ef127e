//! A10.1: games with the text of a policy, each by its name.
//!
//! Every policy here is correctly signed, so that only the game itself can be the reason for the refusal.

use crate::fixture::{EVERYTHING, HOST, LESS_THAN, ask, custom_query, modern, policy_with};
use portcullis_signed_access::{PolicyFault, Profile, SignatureRefusal};

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
