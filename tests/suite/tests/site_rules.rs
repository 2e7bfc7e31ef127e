//! The rules between the parts of a site: one change to a valid one breaks exactly the rule it should.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    reason = "a test that cannot go on must fail, and JSON is passed as it is written"
)]

use portcullis_site::{Bundle, Rule, Site};
use serde_json::{Value, json};

#[track_caller]
fn check(what: &str, change: impl FnOnce(&mut Value), expected: &[Rule]) {
    let mut site = portcullis_suite::small_site_json();
    change(&mut site);
    let site: Site = serde_json::from_value(site).unwrap_or_else(|e| panic!("{what}: {e}"));
    let faults = site.validate();
    let rules: Vec<Rule> = faults.iter().map(|f| f.rule).collect();
    assert_eq!(rules, expected, "{what}: {faults:#?}");
    assert_eq!(Bundle::new(site).is_ok(), expected.is_empty(), "{what}");
    for fault in faults {
        assert!(
            !fault.help.is_empty() && !fault.message.ends_with('.'),
            "{what}: {fault:?}"
        );
    }
}

fn conditions(networks: Value, countries: Value, signed_by: Value) -> Value {
    json!({ "networks": networks, "countries": countries, "unknown_country": false, "countries_written": [], "signed_by": signed_by })
}

fn only(effect: &str, when: Value) -> Value {
    json!({ "mode": "enforce", "statements": [{ "effect": effect, "when": when, "reason": null }] })
}

fn cached(country: bool) -> Value {
    json!({ "enabled": {
        "key": { "query": "none", "headers": [], "country": country },
        "ttl": { "min": 0, "default": 60, "max": 600 }
    } })
}

#[test]
fn a_valid_site_breaks_no_rule() {
    check("nothing changed", |_| {}, &[]);
}

#[test]
fn names_must_be_declared() {
    check(
        "origin",
        |s| s["behaviors"][0]["origin"] = json!("filez"),
        &[Rule::UnknownOrigin],
    );
    check(
        "policy",
        |s| s["behaviors"][0]["policy"] = json!("q"),
        &[Rule::UnknownPolicy],
    );
    let network = only(
        "allow",
        conditions(json!(["offize"]), Value::Null, Value::Null),
    );
    check(
        "network",
        |s| s["policies"]["p"] = network,
        &[Rule::UnknownNetwork],
    );
    let group = only(
        "allow",
        conditions(Value::Null, Value::Null, json!("memberz")),
    );
    check(
        "key group",
        |s| s["policies"]["p"] = group,
        &[Rule::UnknownKeyGroup],
    );
}

#[test]
fn nothing_that_decides_is_empty() {
    check(
        "statements",
        |s| s["policies"]["p"]["statements"] = json!([]),
        &[Rule::EmptyRule],
    );
    check(
        "network",
        |s| s["networks"]["office"]["addresses"] = json!([]),
        &[Rule::EmptyRule],
    );
    let none = only("allow", conditions(Value::Null, Value::Null, Value::Null));
    check(
        "conditions",
        |s| s["policies"]["p"] = none,
        &[Rule::EmptyRule],
    );
    let list = only("allow", conditions(json!([]), Value::Null, Value::Null));
    check("list", |s| s["policies"]["p"] = list, &[Rule::EmptyRule]);
    check(
        "edges",
        |s| s["guard"]["edges"]["prefix_lists"] = json!([]),
        &[Rule::Guard],
    );
}

#[test]
fn an_unknown_country_is_never_allowed() {
    let mut when = conditions(Value::Null, json!(["DE"]), Value::Null);
    when["unknown_country"] = json!(true);
    check(
        "allow",
        |s| s["policies"]["p"] = only("allow", when.clone()),
        &[Rule::UnknownAllowed],
    );
    check(
        "deny",
        |s| s["policies"]["p"] = only("deny", when.clone()),
        &[],
    );
}

/// A policy of two statements.
fn two(first: (&str, Value), second: (&str, Value)) -> Value {
    let statement =
        |(effect, when): (&str, Value)| json!({ "effect": effect, "when": when, "reason": null });
    json!({ "mode": "enforce", "statements": [statement(first), statement(second)] })
}

#[test]
fn a_statement_that_cannot_be_reached_is_a_mistake() {
    let countries = |list: &[&str]| conditions(Value::Null, json!(list), Value::Null);
    let networks = |list: &[&str]| conditions(json!(list), Value::Null, Value::Null);
    for (what, policy, reached) in [
        (
            "after any",
            two(("allow", Value::Null), ("deny", countries(&["DE"]))),
            false,
        ),
        (
            "subset",
            two(
                ("allow", countries(&["DE", "FR"])),
                ("allow", countries(&["FR"])),
            ),
            false,
        ),
        (
            "overlap",
            two(
                ("allow", countries(&["DE", "FR"])),
                ("allow", countries(&["FR", "US"])),
            ),
            true,
        ),
        (
            "denied subset",
            two(
                ("deny", countries(&["DE", "FR"])),
                ("allow", countries(&["FR"])),
            ),
            false,
        ),
        // An unknown country satisfies the `deny` and not the `allow`, so the `deny` is reached.
        (
            "deny behind allow",
            two(
                ("allow", countries(&["DE", "FR"])),
                ("deny", countries(&["FR"])),
            ),
            true,
        ),
        (
            "same network",
            two(
                ("allow", networks(&["office", "abuse"])),
                ("allow", networks(&["abuse"])),
            ),
            false,
        ),
        (
            "prefix list",
            two(
                ("allow", networks(&["office"])),
                ("allow", networks(&["partners"])),
            ),
            true,
        ),
    ] {
        let expected: &[Rule] = if reached { &[] } else { &[Rule::Unreachable] };
        check(what, |s| s["policies"]["p"] = policy, expected);
    }
    let wider = two(
        ("allow", networks(&["office"])),
        ("allow", networks(&["desk"])),
    );
    let change = |s: &mut Value| {
        s["networks"]["desk"] = json!({ "addresses": ["198.51.100.7/32"] });
        s["policies"]["p"] = wider;
    };
    check("a network within another", change, &[Rule::Unreachable]);
}

#[test]
fn no_cache_undoes_a_decision_at_the_origin() {
    let address = || {
        only(
            "allow",
            conditions(json!(["office"]), Value::Null, Value::Null),
        )
    };
    let country = || only("allow", conditions(Value::Null, json!(["DE"]), Value::Null));
    let signed = || {
        only(
            "allow",
            conditions(Value::Null, Value::Null, json!("members")),
        )
    };
    let broken: &[Rule] = &[Rule::Enforcement];
    for (what, policy, caching, enforce, expected) in [
        ("address, cached", address(), cached(true), "origin", broken),
        (
            "address, at the edge",
            address(),
            cached(false),
            "edge",
            &[][..],
        ),
        (
            "address, not cached",
            address(),
            json!("disabled"),
            "origin",
            &[],
        ),
        (
            "country, not in the key",
            country(),
            cached(false),
            "origin",
            broken,
        ),
        (
            "country, in the key",
            country(),
            cached(true),
            "origin",
            &[],
        ),
        (
            "country, at the edge",
            country(),
            cached(false),
            "edge",
            &[],
        ),
        (
            "signature, cached",
            signed(),
            cached(false),
            "origin",
            broken,
        ),
        (
            "signature, at the edge",
            signed(),
            cached(false),
            "edge",
            broken,
        ),
        (
            "signature, not cached",
            signed(),
            json!("disabled"),
            "origin",
            &[],
        ),
    ] {
        let change = |s: &mut Value| {
            s["policies"]["p"] = policy;
            s["behaviors"][0]["caching"] = caching;
            s["behaviors"][0]["enforce"] = json!(enforce);
        };
        check(what, change, expected);
    }
}

#[test]
fn cloudfront_can_decide_what_it_serves_itself() {
    let country = || conditions(Value::Null, json!(["DE"]), Value::Null);
    for (what, when, enforce, expected) in [
        ("everyone", Value::Null, "origin", &[][..]),
        (
            "signed, cached",
            conditions(Value::Null, Value::Null, json!("members")),
            "origin",
            &[],
        ),
        ("country", country(), "origin", &[Rule::DirectBucket]),
        ("country, at the edge", country(), "edge", &[]),
        (
            "both",
            conditions(Value::Null, json!(["DE"]), json!("members")),
            "edge",
            &[Rule::DirectBucket],
        ),
    ] {
        let change = |s: &mut Value| {
            s["origins"]["files"] =
                json!({ "direct_bucket": { "name": "small-files", "prefix": "" } });
            s["policies"]["p"] = only("allow", when);
            s["behaviors"][0]["caching"] = cached(false);
            s["behaviors"][0]["enforce"] = json!(enforce);
        };
        check(what, change, expected);
    }
}

#[test]
fn behaviors_are_ordered_and_reachable() {
    let behavior = |s: &Value, path: &str| {
        let mut behavior = s["behaviors"][0].clone();
        behavior["path"] = json!(path);
        behavior
    };
    let listed = |paths: &'static [&'static str]| {
        move |s: &mut Value| s["behaviors"] = paths.iter().map(|p| behavior(s, p)).collect()
    };
    check("no default", listed(&["/a/*"]), &[Rule::DefaultBehavior]);
    check(
        "shadowed",
        listed(&["/a/*", "/a/b/*", "*"]),
        &[Rule::Shadowed],
    );
    check(
        "behind the default",
        listed(&["*", "/a/*", "*"]),
        &[Rule::Shadowed, Rule::Shadowed],
    );
    check("specific first", listed(&["/a/b/*", "/a/*", "*"]), &[]);
    let ttl = |s: &mut Value| {
        s["behaviors"][0]["caching"] = cached(false);
        s["behaviors"][0]["caching"]["enabled"]["ttl"] =
            json!({ "min": 60, "default": 30, "max": 600 });
    };
    check("TTL order", ttl, &[Rule::TtlOrder]);
}

#[test]
fn the_rest_holds_together() {
    check(
        "alias without certificate",
        |s| s["certificate"] = Value::Null,
        &[Rule::Certificate],
    );
    let elsewhere = json!("arn:aws:acm:eu-west-1:111122223333:certificate/x");
    check(
        "certificate elsewhere",
        |s| s["certificate"] = elsewhere,
        &[Rule::Certificate],
    );
    check(
        "database",
        |s| s["geo"]["source"] = json!("both"),
        &[Rule::Geo],
    );
    check(
        "secret in a header of CloudFront's",
        |s| s["guard"]["secret_header"]["name"] = json!("x-amz-key"),
        &[Rule::Guard],
    );
    let cors = json!({ "allow_origins": ["https://a.example/", "*"], "allow_headers": [], "expose_headers": [], "max_age": 0 });
    check(
        "CORS",
        |s| s["behaviors"][0]["response_headers"]["cors"] = cors,
        &[Rule::Cors, Rule::Cors],
    );
    let several = |key: &[&str]| {
        let key = json!(key);
        move |s: &mut Value| {
            let origins = json!(["https://a.example.com", "https://b.example.com"]);
            s["behaviors"][0]["response_headers"]["cors"] = json!({ "allow_origins": origins, "allow_headers": [], "expose_headers": [], "max_age": 0 });
            s["behaviors"][0]["caching"] = cached(false);
            s["behaviors"][0]["caching"]["enabled"]["key"]["headers"] = key;
        }
    };
    check("two origins, not keyed", several(&[]), &[Rule::Cors]);
    check("two origins, keyed", several(&["origin"]), &[]);
    let hidden = json!({ "403": { "document": "/e.html", "status": 200, "min_ttl": 0 } });
    check(
        "a refusal that becomes a success",
        |s| s["errors"] = hidden,
        &[Rule::ErrorResponse],
    );
    let group = json!({ "ha": { "primary": "files", "secondary": "files", "failover_on": [418] } });
    check(
        "group",
        |s| s["origin_groups"] = group,
        &[Rule::OriginGroup, Rule::OriginGroup],
    );
}
