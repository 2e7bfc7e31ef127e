//! Lambda@Edge at the origin's side, in the model: what it sees of the request, and what the origin gets.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must fail"
)]

mod play;
mod support;

use play::{Play, Runs};
use portcullis_edge::distribution::{CacheSettings, Distribution, EventType};
use portcullis_edge::gate::Scheme;
use portcullis_edge::headers::CustomHeaders;
use portcullis_edge::selection::Names;
use portcullis_edge_functions::LambdaLimits;
use portcullis_edge_functions::lambda::Runtime;
use serde_json::Value;
use support::Lambda;

fn with_query(names: Names) -> Distribution {
    let mut distribution = play::distribution();
    let origin = &mut distribution.origins[0];
    origin.path = "/base".to_owned();
    origin.custom_headers =
        CustomHeaders::new(vec![("X-Secret".to_owned(), "s".to_owned())]).unwrap();
    if let CacheSettings::Policy(policy) = &mut distribution.default_behavior.caching {
        policy.query = names;
    }
    distribution
}

fn lambda(change: &str) -> Runs {
    let code = format!(
        "exports.handler = async (e) => {{ const cf = e.Records[0].cf; const r = cf.request; \
         console.log(JSON.stringify(r)); {change}; return cf.response || r; }};"
    );
    Runs::Lambda(Lambda::new(Runtime::Node, &code, LambdaLimits::default()))
}

/// A viewer's `/a?x=1&y=2` through a function at `event`.
fn ask(names: Names, event: EventType, change: &str) -> (Play, Value) {
    let mut distribution = with_query(names);
    let runs = lambda(change);
    runs.associate(&mut distribution.default_behavior.functions, event);
    let mut play = Play::new(distribution, runs);
    let mut request = play::request(Scheme::Https);
    request.target = "/a?x=1&y=2".to_owned();
    let reply = play.ask(request, |_| Ok(200));
    assert_eq!(reply.status, 200, "{:?}", play.log);
    let shown = serde_json::from_str(&play.log[0]).unwrap();
    (play, shown)
}

/// Which parameters are forwarded, what the function does, what it sees of the query, and what the origin is asked for.
#[test]
fn a_query_is_seen_where_all_of_it_is_forwarded() {
    let only = || Names::Only(vec!["x".to_owned()]);
    let rows = [
        (Names::All, "", "x=1&y=2", "/base/a?x=1&y=2"),
        (Names::All, "r.querystring = ''", "x=1&y=2", "/base/a"),
        (
            Names::All,
            "r.querystring = 'z=3'",
            "x=1&y=2",
            "/base/a?z=3",
        ),
        (only(), "", "", "/base/a?x=1"),
        (only(), "r.uri = '/b'", "", "/base/b?x=1"),
        (only(), "r.querystring = 'z=3'", "", "/base/a?z=3"),
        (Names::Nothing, "", "", "/base/a"),
    ];
    for (names, change, seen, asked) in rows {
        let (play, shown) = ask(names, EventType::OriginRequest, change);
        assert_eq!(
            (shown["querystring"].as_str(), shown["uri"].as_str()),
            (Some(seen), Some("/a")),
            "{change}"
        );
        assert_eq!(play.asked, [asked], "{change}");
    }
}

#[test]
fn a_response_function_sees_the_request_that_went_to_the_origin() {
    let (_, shown) = ask(Names::All, EventType::OriginResponse, "");
    assert_eq!(
        shown["headers"]["user-agent"][0]["value"],
        "Amazon CloudFront"
    );
    assert_eq!(shown["headers"]["host"][0]["value"], "first.example.org");
    assert_eq!(
        (shown["uri"].as_str(), shown["querystring"].as_str()),
        (Some("/a"), Some("x=1&y=2"))
    );
}

/// The custom headers are with the origin, and are those of the origin that is asked.
#[test]
fn custom_headers_go_with_the_origin() {
    let sent = |change: &str| {
        let (play, shown) = ask(Names::Nothing, EventType::OriginRequest, change);
        assert!(shown["headers"]["x-secret"].is_null());
        assert_eq!(
            shown["origin"]["custom"]["customHeaders"]["x-secret"][0]["value"],
            "s"
        );
        let all: Vec<String> = support::fields(&play.sent[0])
            .into_iter()
            .filter(|(name, _)| name.starts_with("X-Secret") || name.starts_with("X-Other"))
            .map(|(name, value)| format!("{name}: {value}"))
            .collect();
        all.join(", ")
    };
    assert_eq!(sent(""), "X-Secret: s");
    assert_eq!(
        sent("r.origin.custom.customHeaders = { 'x-other': [{ value: 'o' }] }"),
        "X-Other: o"
    );
    assert_eq!(sent("r.origin.custom.customHeaders = {}"), "");
}
