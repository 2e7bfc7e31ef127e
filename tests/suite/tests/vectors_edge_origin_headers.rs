//! The headers of the origin request, against the vectors.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must fail"
)]

mod play;

use play::{behavior, policy};
use portcullis_distribution::template::{Surroundings, Template, read};
use portcullis_edge::accept_encoding::EdgeCodings;
use portcullis_edge::distribution::{
    Behavior, CacheSettings, HeaderSelection, HeadersAll, LegacyCookies, LegacyForwarding,
    LegacyQuery, OriginRequestPolicy,
};
use portcullis_edge::freshness::Ttls;
use portcullis_edge::gate::{HttpVersion, Scheme};
use portcullis_edge::headers::{CustomHeaders, Headers};
use portcullis_edge::identity::{EdgeHost, REQUEST_ID_RANDOM_BYTES, RequestId};
use portcullis_edge::origin_request::{Forwarding, Origin, ViewerRequest, origin_request};
use portcullis_edge::selection::Names;
use portcullis_edge::switches::Switches;
use portcullis_suite::hold_all;
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

/// The viewer's country as CloudFront sees it, in the vectors of what an origin gets.
const REAL_COUNTRY: &str = "DE";

/// The behavior that a regime of the vectors names, and the custom headers of its origin.
fn regime(name: &str) -> (Behavior, CustomHeaders) {
    let mut one = behavior(policy(0, 0, 0));
    let mut custom = CustomHeaders::default();
    let forwarding = |headers: HeaderSelection, cookies: Names| {
        Some(OriginRequestPolicy {
            name: name.to_owned(),
            headers,
            cookies,
            query: Names::Nothing,
        })
    };
    let listed = |names: &[&str]| {
        names
            .iter()
            .map(|name| (*name).to_owned())
            .collect::<Vec<_>>()
    };
    let mut keyed = policy(0, 0, 0);
    match name {
        "legacy" | "legacy + OPTIONS cached" => {
            one.caches_options = name.ends_with("cached");
            one.caching = CacheSettings::Legacy(LegacyForwarding {
                ttls: Ttls {
                    min: 0,
                    default: 86_400,
                    max: 31_536_000,
                },
                query: LegacyQuery::None,
                cookies: LegacyCookies::None,
                headers: HeadersAll::Listed(Vec::new()),
            });
        }
        "ORP AllViewer" => one.origin_request = forwarding(HeaderSelection::AllViewer, Names::All),
        "ORP AllViewerExceptHostHeader" => {
            let but_host = HeaderSelection::AllExcept(listed(&["Host"]));
            one.origin_request = forwarding(but_host, Names::All);
        }
        "ORP UserAgentRefererHeaders" => {
            let both = HeaderSelection::Listed(listed(&["User-Agent", "Referer"]));
            one.origin_request = forwarding(both, Names::Nothing);
        }
        "policy none + custom header X-Origin-Secret" => {
            let secret = ("X-Origin-Secret".to_owned(), "s3cret".to_owned());
            custom = CustomHeaders::new(vec![secret]).unwrap();
        }
        "cache policy headers=[Authorization]" => {
            keyed.headers = listed(&["Authorization"]);
            one.caching = CacheSettings::Policy(keyed);
        }
        "cache policy gzip+br" => {
            keyed.codings = EdgeCodings {
                gzip: true,
                brotli: true,
            };
            one.caching = CacheSettings::Policy(keyed);
        }
        other => panic!("no regime {other}"),
    }
    (one, custom)
}

/// Whether a template may list `Authorization` in an origin request policy.
fn takes_authorization() -> bool {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../fixtures/scenarios/template.yaml"
    );
    let text = std::fs::read_to_string(path).unwrap();
    let (before, after) = text.split_once("OriginRequestPolicyConfig:").unwrap();
    let none = "HeadersConfig: { HeaderBehavior: none }";
    let listed = "HeadersConfig: { HeaderBehavior: whitelist, Headers: [Authorization] }";
    let text = format!(
        "{before}OriginRequestPolicyConfig:{}",
        after.replacen(none, listed, 1)
    );
    let parameters = [("Host".to_owned(), "www.example.com".to_owned())].into();
    let templates = [Template {
        name: "template.yaml",
        bytes: text.as_bytes(),
        parameters: &parameters,
    }];
    read(&templates, &Surroundings::default()).is_ok()
}

#[test]
fn vectors_origin_headers() {
    hold_all("origin_headers", |case| {
        if case["valid"] == json!(false) {
            return same(&takes_authorization(), &false);
        }
        let (one, custom_headers) = regime(text(case, "regime").unwrap());
        let mut headers = Headers::default();
        for part in ["viewer_headers", "extra_viewer_headers"] {
            for (name, value) in case[part].as_object().into_iter().flatten() {
                headers.add(name, value.as_str().unwrap());
            }
        }
        let viewer = ViewerRequest {
            method: text(case, "method").unwrap(),
            target: "/",
            version: HttpVersion::Http11,
            scheme: Scheme::Https,
            headers: &headers,
            peer: "192.0.2.2:50443".parse().unwrap(),
            country: REAL_COUNTRY.parse().ok(),
        };
        let origin = Origin {
            domain: "origin.example.org".to_owned(),
            path: String::new(),
            custom_headers,
        };
        let (edge, id) = (
            EdgeHost::new([0; 16]),
            RequestId::new([0; REQUEST_ID_RANDOM_BYTES]),
        );
        let forwarding = Forwarding::of(&one);
        let sent = origin_request(
            &viewer,
            &forwarding,
            None,
            &origin,
            &edge,
            &id,
            &Switches::default(),
        );
        for (name, value) in case["present"].as_object().unwrap() {
            // The connection's own field is its driver's to write.
            if name == "Connection" {
                continue;
            }
            let found = sent
                .headers
                .joined(name, ",")
                .map(|value| String::from_utf8_lossy(&value).into_owned());
            let expected = value.as_str().unwrap().replace("<real>", REAL_COUNTRY);
            same(&(name, found), &(name, Some(expected)))?;
        }
        for name in case["absent"].as_array().unwrap() {
            same(
                &(name, sent.headers.get(name.as_str().unwrap())),
                &(name, None),
            )?;
        }
        Ok(())
    });
}
