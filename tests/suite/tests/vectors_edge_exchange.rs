//! Whole requests through the model, against the vectors: response headers, error pages, requests that meet.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must fail"
)]

mod play;

use play::{Got, Play, behavior, distribution, policy, said};
use portcullis_distribution::{Resources, config};
use portcullis_edge::compute::{Computed, FunctionResponse};
use portcullis_edge::distribution::HeaderSelection;
use portcullis_edge::distribution::{
    Behavior, Compute, Cors, CorsNames, CustomError, CustomField, Distribution, ErrorPage,
    OriginKind, OriginRequestPolicy, Overridable, ResponseHeadersPolicy, StrictTransport,
};
use portcullis_edge::exchange::{Ending, Event, Next, ReplyBody};
use portcullis_edge::headers::Headers;
use portcullis_edge::selection::Names;
use portcullis_edge::trace::Step;
use portcullis_suite::hold_all;
use serde_json::{Value, json};
use std::sync::Arc;

fn text<'a>(case: &'a Value, name: &str) -> Option<&'a str> {
    case[name].as_str()
}

fn number(case: &Value, name: &str) -> Option<u16> {
    case[name].as_u64().map(|n| u16::try_from(n).unwrap())
}

/// A response headers policy as the vectors write it, or one that AWS manages.
fn headers_policy(written: &Value) -> Option<Arc<ResponseHeadersPolicy>> {
    if let Some(name) = written.as_str() {
        return Some(managed(name));
    }
    let written = written.as_object()?;
    let mut policy = ResponseHeadersPolicy {
        name: "tried".to_owned(),
        ..ResponseHeadersPolicy::default()
    };
    let texts = |value: &Value| -> Vec<String> {
        value
            .as_array()
            .into_iter()
            .flatten()
            .map(|one| one.as_str().unwrap().to_owned())
            .collect()
    };
    for (key, value) in written {
        match key.as_str() {
            "remove" => policy.remove = texts(value),
            "custom" => {
                let fields = value.as_array().unwrap().iter();
                policy.custom = fields
                    .map(|field| CustomField {
                        name: field[0].as_str().unwrap().to_owned(),
                        value: field[1].as_str().unwrap().to_owned(),
                        overrides: field[2] == json!(true),
                    })
                    .collect();
            }
            "cors" => {
                policy.cors = Some(Cors {
                    overrides: value["override"] == json!(true),
                    origins: texts(&value["origins"]),
                    headers: CorsNames::default(),
                    methods: vec!["GET".to_owned()],
                    credentials: false,
                    expose: CorsNames::default(),
                    max_age_s: None,
                });
            }
            "hsts" => {
                policy.strict_transport = Some(Overridable {
                    value: StrictTransport {
                        max_age_s: value["max_age"].as_u64().unwrap(),
                        include_subdomains: value["include_subdomains"] == json!(true),
                        preload: value["preload"] == json!(true),
                    },
                    overrides: true,
                });
            }
            other => panic!("unknown policy member {other}"),
        }
    }
    Some(Arc::new(policy))
}

/// The managed policy of that name, by a configuration that refers to it.
fn managed(name: &str) -> Arc<ResponseHeadersPolicy> {
    let id = match name {
        "SecurityHeadersPolicy" => "67f7725c-6f97-4210-82d7-5512b31e9d03",
        other => panic!("unknown managed policy {other}"),
    };
    let text = include_str!("../../../examples/distribution/site.json");
    let mut site: Value = serde_json::from_str(text).unwrap();
    site["DistributionConfig"]["DefaultCacheBehavior"]["ResponseHeadersPolicyId"] = id.into();
    let read = config::read(site.to_string().as_bytes(), &Resources::default()).unwrap();
    read.default_behavior.response_headers.unwrap()
}

fn cookies_forwarded(one: &mut Behavior) {
    one.origin_request = Some(OriginRequestPolicy {
        name: "cookies".to_owned(),
        headers: HeaderSelection::None,
        cookies: Names::All,
        query: Names::Nothing,
    });
}

#[test]
fn response_headers_are_those_of_the_policy() {
    hold_all("response_headers", |case| {
        let mut keys = policy(0, 86_400, 31_536_000);
        if let Some(names) = case["forwarded_headers"].as_array() {
            keys.headers = names
                .iter()
                .map(|name| name.as_str().unwrap().to_owned())
                .collect();
        }
        let mut one = behavior(keys);
        one.response_headers = headers_policy(&case["policy"]);
        if case["cookies_forwarded"] == json!(true) {
            cookies_forwarded(&mut one);
        }
        let mut site = distribution(one);
        if text(case, "origin_type") == Some("s3") {
            site.origins[0].kind = OriginKind::S3 {
                access_identity: false,
                read_timeout_s: 30,
            };
        }
        let mut play = Play::of(site);
        let fields: Vec<(&'static str, String)> = case["origin"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, value)| {
                let name: &'static str = Box::leak(name.clone().into_boxed_str());
                (name, value.as_str().unwrap().to_owned())
            })
            .collect();
        let asked: Vec<(&str, &str)> = text(case, "request_origin")
            .map(|origin| ("Origin", origin))
            .into_iter()
            .collect();
        let got = play.ask("GET", "/a", &asked, |_| Ok((200, fields.clone(), "hello")));
        expect_headers(case, &got)?;
        if let Some(ttl) = case["edge_ttl"].as_u64() {
            let stored = got.trace.steps.iter().find_map(|step| match step {
                Step::Stored { ttl, .. } => Some(*ttl),
                _ => None,
            });
            if stored != Some(ttl) {
                return Err(format!("stored for {stored:?}"));
            }
        }
        // And once more, from the cache.
        let again = play.ask("GET", "/a", &asked, |_| Ok((200, fields.clone(), "hello")));
        expect_headers(case, &again).map_err(|why| format!("from the cache: {why}"))
    });
}

fn expect_headers(case: &Value, got: &Got) -> Result<(), String> {
    let origin = case["origin"].as_object().unwrap();
    for (name, value) in case["viewer"].as_object().into_iter().flatten() {
        if got.header(name).as_deref() != value.as_str() {
            return Err(format!("{name}: {:?}", got.header(name)));
        }
    }
    for (name, pattern) in case["viewer_pattern"].as_object().into_iter().flatten() {
        // The one pattern there is: CloudFront's own `Via`.
        let found = got.header(name).unwrap_or_default();
        let inner = found
            .strip_prefix("1.1 ")
            .and_then(|rest| rest.strip_suffix(".cloudfront.net (CloudFront)"));
        let holds =
            inner.is_some_and(|id| id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit()));
        if !holds {
            return Err(format!("{name}: {found:?} is not {pattern}"));
        }
    }
    // What the origin sent and the viewer is not said to get, it does not get.
    for name in origin.keys() {
        let kept = case["viewer"].get(name).is_some() || case["viewer_pattern"].get(name).is_some();
        if !kept && got.header(name).is_some() {
            return Err(format!("{name} is still there"));
        }
    }
    Ok(())
}

/// The distribution of a case about error pages: `/e*` is another behavior's.
fn with_pages(case: &Value) -> Distribution {
    let mut site = distribution(behavior(policy(0, 86_400, 31_536_000)));
    let entries = case["config"].as_array().unwrap().iter();
    site.errors = entries
        .map(|entry| CustomError {
            status: number(entry, "code").unwrap(),
            min_ttl: entry["ecmttl"].as_u64(),
            page: text(entry, "page").map(|path| ErrorPage {
                path: path.to_owned(),
                status: number(entry, "response").unwrap(),
            }),
        })
        .collect();
    site
}

#[test]
fn error_pages_stand_for_errors() {
    hold_all("custom_errors", |case| {
        if case["valid"] == json!(false) {
            // The reader of configurations refuses it.
            let entry = &case["config"][0];
            let text = include_str!("../../../examples/distribution/site.json");
            let mut site: Value = serde_json::from_str(text).unwrap();
            site["DistributionConfig"]["CustomErrorResponses"] = json!({ "Quantity": 1, "Items": [
                { "ErrorCode": entry["code"], "ResponsePagePath": entry["page"], "ResponseCode": "" }] });
            let read = config::read(site.to_string().as_bytes(), &Resources::default());
            return read
                .err()
                .map(|_| ())
                .ok_or_else(|| "it was accepted".to_owned());
        }
        let mut site = with_pages(case);
        match text(case, "cause") {
            None => {}
            Some("CloudFront Function returned 403") => {
                site.default_behavior.functions.viewer_request =
                    Some(Compute::Function("deny".to_owned()));
            }
            // The network of one laptop has no capacity to exceed: the model never makes this answer.
            Some("CapacityExceeded") => return Ok(()),
            Some(other) => return Err(format!("unknown cause {other}")),
        }
        let mut play = Play::of(site);
        play.computes = Some(|_| {
            Ok(Computed::Response(FunctionResponse {
                status: 403,
                headers: Headers::default(),
                body: Some(bytes::Bytes::from_static(b"function body")),
            }))
        });
        let (status, page) = (
            number(case, "origin_status").unwrap_or(200),
            number(case, "page_fetch"),
        );
        let got = play.get("/missing", |fetch| {
            match fetch.request.target.starts_with("/e/") {
                true => said(
                    page.unwrap(),
                    "",
                    if page == Some(200) {
                        "page"
                    } else {
                        "from page origin"
                    },
                ),
                false => said(status, "", "origin body"),
            }
        });
        if Some(got.status) != number(case, "viewer_status") {
            return Err(format!("status {}", got.status));
        }
        if let Some(body) = text(case, "body")
            && got.body != body.as_bytes()
        {
            return Err(format!("body {:?}", got.body));
        }
        if let Some(result) = text(case, "log_result")
            && format!("{:?}", got.result) != result
        {
            return Err(format!("result {:?}", got.result));
        }
        if let Some(x_cache) = text(case, "x_cache")
            && got.header("x-cache").as_deref() != Some(x_cache)
        {
            return Err(format!("x-cache {:?}", got.header("x-cache")));
        }
        if case.get("negative_ttl") == Some(&Value::Null) {
            let before = play.asked.len();
            play.get("/missing", |_| said(200, "", "better"));
            if play.asked.len() == before {
                return Err("the error was kept".to_owned());
            }
        }
        Ok(())
    });
}

#[test]
fn requests_for_one_absent_object_meet() {
    hold_all("collapsing", |case| {
        let mut keys = policy(case["min"].as_u64().unwrap_or(1), 86_400, 31_536_000);
        if text(case, "policy") == Some("CachingDisabled") {
            keys = policy(0, 0, 0);
        }
        let mut one = behavior(keys);
        if case.get("cookies_orp").is_some() {
            cookies_forwarded(&mut one);
        }
        let mut play = Play::of(distribution(one));
        let method = text(case, "method").unwrap_or("GET");
        let control = text(case, "cache_control")
            .unwrap_or("max-age=60")
            .to_owned();
        let (asked, results) = together(&mut play, method, &control);
        if json!(asked) != case["origin_requests"] {
            return Err(format!("{asked} requests to the origin"));
        }
        match case["logs"].as_array() {
            Some(logs) if *logs != results => Err(format!("results {results:?}")),
            _ => Ok(()),
        }
    });
}

/// Two requests of which the second comes before the origin has answered the first: how often the origin was asked, and
/// how both are logged.
fn together(play: &mut Play, method: &str, control: &str) -> (u32, Vec<Value>) {
    let mut first = play.request(method, "/a", &[]);
    let mut second = play.request(method, "/a", &[]);
    let now = play.now_ms;
    let Next::Fetch(_) = play.network.advance(&mut first, Event::Begin, now) else {
        panic!("the first asks the origin");
    };
    let mut asked = 1;
    let waits = match play.network.advance(&mut second, Event::Begin, now) {
        Next::Wait(_) => true,
        Next::Fetch(_) => {
            asked += 1;
            false
        }
        other => panic!("{other:?}"),
    };
    let mut results = Vec::new();
    let head = || play::head(200, &[("Cache-Control", control.to_owned())], "hello");
    let mut finish = |play: &mut Play, exchange: &mut portcullis_edge::exchange::Exchange| {
        let Next::Answer(reply) = play
            .network
            .advance(exchange, Event::Fetched(Ok(head())), now)
        else {
            panic!("an answer");
        };
        results.push(json!(format!("{:?}", reply.result)));
        assert_eq!(reply.body, ReplyBody::Origin);
        if let Some(mut keep) = reply.keep {
            keep.push(&bytes::Bytes::from_static(b"hello"));
            play.network.finish(keep, Ending::Complete, now);
        }
    };
    finish(play, &mut first);
    if !waits {
        finish(play, &mut second);
        return (asked, results);
    }
    match play.network.advance(&mut second, Event::Landed, now) {
        Next::Answer(reply) => results.push(json!(format!("{:?}", reply.result))),
        Next::Fetch(_) => {
            asked += 1;
            finish(play, &mut second);
        }
        other => panic!("{other:?}"),
    }
    (asked, results)
}
