//! CloudFront's rules one by one: aliases, compression, origins of another site, ranges, failover, invalidation, response
//! headers, against the vectors.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must fail"
)]

mod play;

use play::{DOMAIN, behavior, distribution, policy};
use portcullis_edge::accept_encoding::EdgeCodings;
use portcullis_edge::alias::{Handshake, best, may_name};
use portcullis_edge::compress::{Answer, coding, weaken};
use portcullis_edge::distribution::Distribution;
use portcullis_edge::failover::{Primary, goes_to_secondary};
use portcullis_edge::gate::HttpVersion;
use portcullis_edge::headers::Headers;
use portcullis_edge::invalidation::InvalidationPath;
use portcullis_edge::range::{Selected, select};
use portcullis_edge::respond::AllowedOrigin;
use portcullis_edge::switches::Switches;
use portcullis_suite::{hold_all, vector_file};
use serde_json::{Value, json};

fn text<'a>(case: &'a Value, name: &str) -> Option<&'a str> {
    case[name].as_str()
}

fn same<T: PartialEq + std::fmt::Debug>(found: &T, expected: &T) -> Result<(), String> {
    if found == expected {
        Ok(())
    } else {
        Err(format!("found {found:?}, expected {expected:?}"))
    }
}

fn named(id: &str, aliases: &[Value]) -> Distribution {
    let mut one = distribution(behavior(policy(0, 0, 0)));
    one.id = id.to_owned();
    one.domain = if id == "A" {
        DOMAIN.to_owned()
    } else {
        format!("{id}.cloudfront.net")
    };
    one.aliases = aliases
        .iter()
        .map(|alias| alias.as_str().unwrap().to_ascii_lowercase())
        .collect();
    one
}

#[test]
fn aliases_lead_to_their_distribution() {
    hold_all("alias_match", |case| {
        if case["valid"] == json!(false) {
            // Which aliases a configuration may have is `config_validation`'s and CloudFront's API; the model is given
            // distributions that were accepted.
            return Ok(());
        }
        let host = text(case, "host").unwrap();
        if let Some(sni) = case.get("sni") {
            let handshake = Handshake {
                server_name: sni.as_str(),
                accounts_differ: case["accounts_differ"] == json!(true),
                certificate_covers_host: case["cert_covers_host"] == json!(true),
            };
            return same(&may_name(&handshake, host), &(case["status"] != json!(421)));
        }
        let all = case["aliases"].as_object().unwrap().iter();
        let all: Vec<Distribution> = all
            .map(|(id, aliases)| named(id, aliases.as_array().unwrap()))
            .collect();
        let found = best(all.iter(), host).map(|at| all[at].id.as_str());
        same(&found, &text(case, "distribution"))
    });
}

#[test]
fn answers_are_compressed_as_cloudfront_does() {
    hold_all("compress", |case| {
        let mut keys = policy(0, 86_400, 31_536_000);
        keys.codings = EdgeCodings {
            gzip: case["gz"] == json!(true),
            brotli: case["br"] == json!(true),
        };
        if case["caching"] == json!("disabled") || case["caching_disabled"] == json!(true) {
            keys.ttls = policy(0, 0, 0).ttls;
        }
        let mut one = behavior(keys);
        one.compress = case["enabled"] == json!(true);
        let mut headers = Headers::default();
        for (field, name) in [("ctype", "Content-Type"), ("cenc", "Content-Encoding")] {
            if let Some(value) = text(case, field) {
                headers.set(name, value);
            }
        }
        let length = case["clen"]
            .as_u64()
            .filter(|_| case["has_body"] != json!(false));
        let answer = Answer {
            status: u16::try_from(case["status"].as_u64().unwrap()).unwrap(),
            headers: &headers,
            length,
        };
        let version = match case["http10"] == json!(true) {
            true => HttpVersion::Http10,
            false => HttpVersion::Http11,
        };
        let accept = text(case, "accept").map(str::as_bytes);
        let found = coding(&one, accept, version, &answer, &Switches::default());
        let found = found.map(|coding| format!("{coding:?}").to_ascii_lowercase());
        same(&found.as_deref(), &text(case, "encoding"))
    });
}

#[test]
fn a_compressed_answer_has_a_weak_tag() {
    hold_all("etag", |case| {
        let mut headers = Headers::default();
        if let Some(tag) = text(case, "origin") {
            headers.set("ETag", tag);
        }
        weaken(&mut headers);
        let found = headers
            .get("etag")
            .map(|tag| String::from_utf8_lossy(tag).into_owned());
        same(&found.as_deref(), &text(case, "viewer"))
    });
}

#[test]
fn patterns_of_origins_match_whole_labels() {
    hold_all("cors_origin", |case| {
        let pattern: AllowedOrigin = text(case, "allow_origin")
            .unwrap()
            .parse()
            .map_err(|why| format!("{why}"))?;
        same(
            &pattern.matches(text(case, "origin").unwrap()),
            &(case["match"] == json!(true)),
        )
    });
    let invalid = vector_file("cors_origin")["invalid_patterns"]
        .as_array()
        .unwrap()
        .clone();
    assert!(!invalid.is_empty());
    for pattern in invalid {
        let pattern = pattern.as_str().unwrap();
        assert!(pattern.parse::<AllowedOrigin>().is_err(), "{pattern}");
    }
}

#[test]
fn ranges_select_of_a_kept_object() {
    hold_all("range", |case| {
        let size = case["object_size"].as_u64().unwrap();
        let selected = select(text(case, "range").map(str::as_bytes), size);
        let (status, ranges) = match selected {
            Selected::Full => (200, Value::Null),
            Selected::Unsatisfiable => (416, Value::Null),
            Selected::Parts(parts) => {
                let parts = parts.iter().map(|part| json!([part.first(), part.last()]));
                (206, parts.collect())
            }
        };
        same(
            &(json!(status), ranges),
            &(case["status"].clone(), case["ranges"].clone()),
        )
    });
}

#[test]
fn groups_go_on_to_their_second_origin() {
    hold_all("failover", |case| {
        let codes = case["failover_codes"].as_array().unwrap().iter();
        let codes: Vec<u16> = codes
            .map(|code| u16::try_from(code.as_u64().unwrap()).unwrap())
            .collect();
        let primary = match &case["primary"] {
            Value::Number(status) => {
                Primary::Status(u16::try_from(status.as_u64().unwrap()).unwrap())
            }
            Value::String(what) => match what.as_str() {
                "connect-failure" => Primary::ConnectFailure,
                "response-timeout" => Primary::Timeout,
                // Each request begins at the first origin: what happened before does not count, and it answered.
                "after-previous-failover" => Primary::Status(200),
                other => return Err(format!("unknown primary {other}")),
            },
            other => return Err(format!("unknown primary {other}")),
        };
        let options = case["options_cached"] == json!(true);
        let goes = goes_to_secondary(&codes, text(case, "method").unwrap(), options, primary);
        same(&goes, &(case["goes_to_secondary"] == json!(true)))
    });
}

#[test]
fn invalidations_remove_what_their_path_names() {
    hold_all("invalidation", |case| {
        let path =
            InvalidationPath::new(text(case, "path").unwrap()).map_err(|why| why.to_string())?;
        same(
            &path.removes(text(case, "cached_key").unwrap()),
            &(case["removed"] == json!(true)),
        )
    });
    for case in vector_file("invalidation")["validation"]
        .as_array()
        .unwrap()
    {
        let accepted = InvalidationPath::new(text(case, "path").unwrap()).is_ok();
        assert_eq!(accepted, case["api"] == json!("accept"), "{case}");
    }
}
