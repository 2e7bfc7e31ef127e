//! What is written: one line for each request, as its schema says, without anything that must stay secret.

use crate::fixture::{Deployment, SECRET, ask, decisions, repository, request};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use portcullis_runtime_api::{Lambda, UrlRequest};
use serde_json::Value;

/// The longest line, in bytes.
const LINE_BYTES_MAX: usize = 4_096;

fn schema() -> Value {
    let path = repository().join("schema/decision-line.schema.json");
    serde_json::from_slice(&std::fs::read(path).expect("the schema")).expect("JSON")
}

/// Requests of every verdict, and some that would be long.
fn requests() -> Vec<UrlRequest> {
    let without_secret = UrlRequest {
        headers: Vec::new(),
        ..request("/a.txt")
    };
    let unsigned = UrlRequest {
        iam: None,
        ..request("/a.txt")
    };
    let from_elsewhere = UrlRequest {
        source_ip: "198.51.100.1".to_owned(),
        ..request("/a.txt")
    };
    let long = "\u{202e}\u{2028}\"\\\u{1}".repeat(2_000);
    let odd = UrlRequest {
        method: long.clone(),
        raw_path: format!("/{long}"),
        ..request("/")
    };
    vec![
        request("/a.txt"),
        request("/none.txt"),
        request("/office/a.txt"),
        request("/members/a.txt"),
        request("/members/a.txt?Expires=2000000000&Signature=AAAA&Key-Pair-Id=K1"),
        request("/a%2fb"),
        request(&format!("/{}", "a".repeat(5_000))),
        request("/a.txt").with_header("cdn-loop", "portcullis-system"),
        request("/a.txt").with_header("x-amz-cf-id", &long),
        request("/a.txt").with_header("range", "bytes=0-1"),
        without_secret,
        unsigned,
        from_elsewhere,
        odd,
    ]
}

#[tokio::test]
async fn every_request_has_one_line_that_is_as_its_schema_says() {
    let deployment = Deployment::new();
    deployment.put("a.txt", b"hello");
    let lambda = deployment.start().await;
    let requests = requests();
    for request in &requests {
        let answer = ask(&lambda, request).await;
        assert!(matches!(answer.status, 200..500 | 508), "{answer:?}");
    }
    let lines = decisions(&lambda, requests.len()).await;
    assert_eq!(lines.len(), requests.len());
    let tried = lines
        .iter()
        .filter(|line| line["candidate"]["differs"] == true);
    assert!(tried.count() > 0, "a candidate differs");
    let schema = jsonschema::validator_for(&schema()).expect("a schema");
    for line in &lines {
        let errors: Vec<String> = schema
            .iter_errors(line)
            .map(|error| format!("{error} at {}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{line:#}\n{errors:#?}");
    }
    for line in lambda.logs() {
        assert!(
            line.text.len() <= LINE_BYTES_MAX,
            "{} bytes: {}",
            line.text.len(),
            line.text
        );
        assert!(
            line.text.bytes().all(|byte| (0x20..0x7f).contains(&byte)),
            "{}",
            line.text
        );
    }
    let verdicts: std::collections::BTreeSet<_> =
        lines.iter().map(|line| line["verdict"].as_str()).collect();
    assert_eq!(
        verdicts.len(),
        4,
        "admitted, refused, unproven, rejected: {verdicts:?}"
    );
}

#[tokio::test]
async fn the_viewer_and_the_log_have_the_same_id_and_lambdas_stays_in_the_log() {
    let deployment = Deployment::new();
    let lambda = deployment.start().await;
    let answer = ask(&lambda, &request("/office/a.txt")).await;
    let lines = decisions(&lambda, 1).await;
    let id = lines[0]["id"].as_str().expect("an id");
    assert_eq!(
        (answer.status, answer.header("x-portcullis-id")),
        (403, Some(id))
    );
    assert_eq!(
        (id.len(), id.bytes().all(|b| b.is_ascii_hexdigit())),
        (32, true)
    );
    let lambdas = lines[0]["aws_request_id"].as_str().expect("Lambda's id");
    assert!(!format!("{answer:?}").contains(lambdas));
}

#[tokio::test]
async fn metrics_name_members_that_are_there() {
    let deployment = Deployment::new();
    let lambda = deployment.start().await;
    ask(&lambda, &request("/none.txt")).await;
    let line = decisions(&lambda, 1).await.remove(0);
    let directive = &line["_aws"]["CloudWatchMetrics"][0];
    for metric in directive["Metrics"].as_array().expect("metrics") {
        let name = metric["Name"].as_str().expect("a name");
        assert!(line[name].is_u64(), "{name}");
    }
    for dimension in directive["Dimensions"][0].as_array().expect("dimensions") {
        assert!(
            line[dimension.as_str().expect("a name")].is_string(),
            "{dimension}"
        );
    }
    assert_eq!(
        line["_aws"]["Timestamp"],
        line["time"].as_u64().expect("a time") * 1_000
    );
    assert_eq!(
        (&line["Requests"], &line["ColdStart"]),
        (&Value::from(1), &Value::from(1))
    );
}

/// A flood is counted, not written.
#[tokio::test]
async fn a_flood_of_unproven_requests_leaves_few_lines_that_count_them_all() {
    let deployment = Deployment::new();
    let lambda = deployment.start().await;
    let unproven = UrlRequest {
        iam: None,
        ..request("/a.txt")
    };
    const FLOOD: u64 = 3_000;
    for _ in 0..FLOOD {
        assert_eq!(ask(&lambda, &unproven).await.status, 403);
    }
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    ask(&lambda, &unproven).await;
    let lines = decisions(&lambda, 11).await;
    let counted: u64 = lines
        .iter()
        .filter_map(|line| line["Unproven"].as_u64())
        .sum();
    assert_eq!(counted, FLOOD + 1);
    assert!(lines.len() < 300, "{} lines", lines.len());
}

/// Text that must be nowhere, in every form in which it could be somewhere.
fn forms(canary: &str) -> Vec<String> {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
    let hex: String = canary.bytes().map(|byte| format!("{byte:02x}")).collect();
    let mut forms = vec![canary.to_owned(), hex.to_uppercase(), hex];
    let every_byte: String = canary.bytes().map(|byte| format!("%{byte:02x}")).collect();
    forms.extend([every_byte.to_uppercase(), every_byte]);
    forms.push(utf8_percent_encode(canary, NON_ALPHANUMERIC).to_string());
    for shift in 0..3 {
        // Whatever stands before and after it, the characters in the middle are the same.
        let shifted = ["x".repeat(shift), canary.to_owned()].concat();
        for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
            let encoded = engine.encode(&shifted);
            forms.push(encoded.chars().skip(4).take(encoded.len() - 8).collect());
        }
    }
    forms
}

async fn everything_written(lambda: &Lambda) -> String {
    lambda
        .logs()
        .into_iter()
        .map(|line| line.text + "\n")
        .collect()
}

#[tokio::test]
async fn no_secret_signature_cookie_or_query_is_in_anything_that_is_written_or_answered() {
    let canaries = [
        SECRET,
        "wrong-secret-4f1d9c2b7a",
        "SIGNATURE~CANARY~5e8a1c3d",
        "POLICY-CANARY-91b2e4f7_",
        "cookie-canary-77aa31c0",
        "query-canary-c0ffee42",
    ];
    let [_, wrong, signature, policy, cookie, query] = canaries;
    let deployment = Deployment::new();
    deployment.put("a.txt", b"hello");
    let lambda = deployment.start().await;
    let signed = format!("Policy={policy}&Signature={signature}&Key-Pair-Id=K1");
    let cookies = format!(
        "CloudFront-Policy={policy}; CloudFront-Signature={signature}; CloudFront-Key-Pair-Id=K1; s={cookie}"
    );
    let mut answers = String::new();
    for path in [
        "/a.txt",
        "/none.txt",
        "/members/a.txt",
        "/office/a.txt",
        "/cut/a",
        "/a%2f",
    ] {
        for target in [
            format!("{path}?q={query}&{signed}"),
            format!("{path}?{query}"),
        ] {
            let plain = request(&target).with_header("cookie", &cookies);
            let mut with_wrong_secret = plain.clone();
            with_wrong_secret.headers[0].1 = wrong.to_owned();
            let twice = plain.clone().with_header("x-origin-verify", wrong);
            for request in [plain, with_wrong_secret, twice] {
                answers.push_str(&format!("{:?}", ask(&lambda, &request).await));
            }
        }
    }
    decisions(&lambda, 10).await;
    let written = everything_written(&lambda).await + &answers;
    assert!(
        written.contains("\"verdict\":\"admitted\"")
            && written.contains("\"verdict\":\"unproven\"")
    );
    for canary in canaries {
        for form in forms(canary) {
            assert!(
                !written.contains(&form),
                "`{canary}` is written as `{form}`"
            );
        }
    }
}

/// Every member of the schema is explained, and so is every word that a member may be.
#[test]
fn every_field_is_documented() {
    let page =
        std::fs::read_to_string(repository().join("docs/decision-line.md")).expect("the page");
    let mut names = Vec::new();
    collect(&schema(), &mut names);
    assert!(names.len() > 40, "{names:?}");
    let missing: Vec<_> = names
        .iter()
        .filter(|name| !page.contains(&format!("`{name}`")))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

fn collect(schema: &Value, names: &mut Vec<String>) {
    if let Some(properties) = schema["properties"].as_object() {
        names.extend(properties.keys().cloned());
    }
    match schema {
        Value::Object(object) => object.values().for_each(|value| collect(value, names)),
        Value::Array(list) => list.iter().for_each(|value| collect(value, names)),
        _ => {}
    }
}
