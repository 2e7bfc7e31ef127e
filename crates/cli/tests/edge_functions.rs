//! The functions of a distribution that `portcullis edge` plays: CloudFront Functions, Lambda@Edge, and our own guards.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must fail"
)]

mod support;

use serde_json::{Value, json};
use support::http::get;
use support::server::Server;
use support::{folder, root, run};
use tempfile::TempDir;

const GREET: &str = "\
import cf from 'cloudfront';
async function handler(event) {
  const request = event.request;
  if (request.uri === '/loop') { while (true) {} }
  if (request.uri === '/old') { return { statusCode: 302, headers: { location: { value: '/hello.txt' } } }; }
  request.uri = '/' + await cf.kvs().get('page');
  console.log(`sent to ${request.uri}`);
  return request;
}
";

const STAMP: &str = "\
exports.handler = async (event) => {
  const response = event.Records[0].cf.response;
  response.headers['x-stamp'] = [{ key: 'X-Stamp', value: event.Records[0].cf.config.eventType }];
  return response;
};
";

/// A bucket behind a function of either kind.
fn site() -> TempDir {
    let text = std::fs::read_to_string(root().join("examples/distribution/site.json")).unwrap();
    let mut site: Value = serde_json::from_str(&text).unwrap();
    let config = &mut site["DistributionConfig"];
    config["CacheBehaviors"] = json!({ "Quantity": 0 });
    let behavior = &mut config["DefaultCacheBehavior"];
    behavior["TargetOriginId"] = json!("assets");
    behavior["FunctionAssociations"] = json!({ "Quantity": 1, "Items": [{
        "EventType": "viewer-request",
        "FunctionARN": "arn:aws:cloudfront::111122223333:function/greet",
    }] });
    behavior["LambdaFunctionAssociations"] = json!({ "Quantity": 1, "Items": [{
        "EventType": "origin-response",
        "LambdaFunctionARN": "arn:aws:lambda:us-east-1:111122223333:function:stamp:3",
        "IncludeBody": false,
    }] });
    folder(&[
        ("site.json", &site.to_string()),
        ("greet.js", GREET),
        (
            "pairs.json",
            "{\"data\": [{\"key\": \"page\", \"value\": \"hello.txt\"}]}",
        ),
        ("stamp/index.js", STAMP),
        ("files/hello.txt", "hello"),
    ])
}

const PLACES: [&str; 6] = [
    "edge",
    "site.json",
    "--origin",
    "assets=files",
    "--origin",
    "app=http://127.0.0.1:9",
];

const CODE: [&str; 6] = [
    "--function",
    "greet=greet.js",
    "--store",
    "greet=pairs.json",
    "--lambda",
    "stamp=stamp/index.handler",
];

#[test]
fn functions_of_both_kinds_run_and_what_they_print_is_shown() {
    let site = site();
    let edge = Server::start(
        site.path(),
        &[&PLACES[..], &CODE, &["--port", "0"]].concat(),
    );
    let answer = get(edge.address, "/anything", &[]);
    assert_eq!((answer.status, answer.text()), (200, "hello".to_owned()));
    assert_eq!(answer.header("x-stamp"), Some("origin-response"));
    edge.wait_for_error("greet: sent to /hello.txt");
    let answer = get(edge.address, "/old", &[]);
    assert_eq!(answer.status, 302);
    assert_eq!(
        answer.header("x-cache"),
        Some("FunctionGeneratedResponse from cloudfront")
    );
    let answer = get(edge.address, "/loop", &[]);
    assert_eq!(answer.status, 503);
    assert_eq!(
        answer.header("x-cache"),
        Some("FunctionExecutionError from cloudfront")
    );
}

#[test]
fn a_function_without_code_is_named_with_what_gives_it() {
    let site = site();
    run(site.path(), &PLACES)
        .exits(2)
        .says("`*` runs function `greet`, whose code is not here")
        .says("--function greet=FILE")
        .says("--without FunctionAssociations");
    run(site.path(), &[&PLACES[..], &CODE[..4]].concat())
        .exits(2)
        .says("function:stamp:3`, whose code is not here")
        .says("--without LambdaFunctionAssociations");
    let broken = [&PLACES[..], &CODE, &["--function", "greet=pairs.json"]].concat();
    run(site.path(), &broken).exits(3).says("function `greet`");
    let nowhere = [
        &PLACES[..],
        &CODE[..4],
        &["--lambda", "stamp=stamp/main.handler"],
    ]
    .concat();
    run(site.path(), &nowhere)
        .exits(2)
        .says("`stamp/main.handler` is no handler");
    let unknown = [
        &PLACES[..],
        &CODE,
        &["--lambda", "stump=stamp/index.handler"],
    ]
    .concat();
    run(site.path(), &unknown)
        .exits(2)
        .says("no behavior runs a Lambda named `stump`");
}

#[test]
fn without_functions_the_rest_is_played() {
    let site = site();
    let without = [
        "--without",
        "FunctionAssociations",
        "--without",
        "LambdaFunctionAssociations",
        "--port",
        "0",
    ];
    let edge = Server::start(site.path(), &[&PLACES[..], &without].concat());
    let answer = get(edge.address, "/hello.txt", &[]);
    assert_eq!((answer.status, answer.header("x-stamp")), (200, None));
}

/// The template that an account deploys is played with the guard that it deploys.
#[test]
fn the_guard_of_our_own_template_refuses_on_hits_too() {
    let files = folder(&[("api/search", "found")]);
    let place = |id: &str| format!("{id}={}", files.path().display());
    let (gateway, media) = (place("gateway"), place("bucket-media"));
    let arguments = [
        "edge",
        "infra/example.template.json",
        "--parameter",
        "CodeBucket=code",
        "--parameter",
        "CodeKey=gateway.zip",
        "--origin",
        &gateway,
        "--origin",
        &media,
        "--port",
        "0",
    ];
    let edge = Server::start(&root(), &arguments);
    let rows = [
        ("FR", 200, "Miss from cloudfront"),
        ("FR", 200, "Hit from cloudfront"),
        ("KP", 403, "FunctionGeneratedResponse from cloudfront"),
    ];
    for (country, status, x_cache) in rows {
        let from = format!("x-portcullis-country: {country}");
        let answer = get(edge.address, "/api/search", &[&from]);
        assert_eq!(answer.status, status, "{country}");
        assert_eq!(answer.header("x-cache"), Some(x_cache), "{country}");
    }
}
