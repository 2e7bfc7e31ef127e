//! Origin groups: when the second origin is tried, and when it is not.

use super::custom::says;
use super::{Ask, Script, World, get};
use crate::serve::Outcome;
use crate::store::StoreError;
use crate::store::memory::{At, Fault, MemoryObject};
use crate::upstream::UpstreamError;

/// Whether the second origin of `path`'s group is asked after the first did this.
fn fails_over(path: &str, method: &str, first: Result<Script, UpstreamError>) -> bool {
    let world = World::new();
    world.will_answer(first);
    world.will_answer(Ok(says(200, &[], b"standby")));
    let got = world.ask(Ask {
        method,
        ..get(path)
    });
    let origins: Vec<String> = world.received().into_iter().map(|r| r.origin).collect();
    assert_eq!(
        origins[0], "https://api.internal.example.com",
        "the first is always tried first"
    );
    assert_eq!(u32::try_from(origins.len()).unwrap(), got.upstream_calls);
    assert_eq!(
        origins.get(1).is_some(),
        got.outcome == Outcome::Full && got.header("content-length") == Some("7")
    );
    origins.len() == 2
}

#[test]
fn a_group_fails_over_on_what_it_lists() {
    // `/pair/` lists 404, 500 and 503; `/patient/` 502 and 504.
    let status = |status| Ok(says(status, &[("location", b"/x")], b""));
    for (path, method, first, expected) in [
        ("/pair/x", "GET", status(404), true),
        ("/pair/x", "HEAD", status(500), true),
        ("/pair/x", "GET", status(502), false),
        ("/pair/x", "GET", status(403), false),
        ("/pair/x", "GET", status(302), false),
        ("/pair/x", "GET", status(200), false),
        ("/pair/x", "GET", Err(UpstreamError::Connect), true),
        ("/pair/x", "GET", Err(UpstreamError::Dns), true),
        ("/pair/x", "GET", Err(UpstreamError::TimedOut), false),
        ("/pair/x", "GET", Err(UpstreamError::Tls), false),
        ("/patient/x", "GET", Err(UpstreamError::TimedOut), true),
        ("/patient/x", "GET", Err(UpstreamError::Connect), false),
        ("/patient/x", "GET", Err(UpstreamError::Malformed), true),
        (
            "/patient/x",
            "GET",
            Err(UpstreamError::PrivateAddress),
            false,
        ),
        ("/patient/x", "GET", status(504), true),
        ("/patient/x", "GET", status(503), false),
    ] {
        let what = format!("{method} {path} {:?}", first.as_ref().map(|s| s.status));
        assert_eq!(fails_over(path, method, first), expected, "{what}");
    }
}

#[test]
fn options_never_fails_over() {
    let mut world = World::new();
    world.behavior("/pair/*").methods = portcullis_site::Methods::GetHeadOptions;
    world.will_answer(Ok(says(503, &[], b"")));
    let got = world.ask(Ask {
        method: "OPTIONS",
        ..get("/pair/x")
    });
    assert_eq!((got.status, got.upstream_calls), (503, 1));
}

#[test]
fn a_bucket_can_be_the_first_of_a_group() {
    let ask = |fault: Option<StoreError>, put: bool| {
        let world = World::new();
        if put {
            world.put("files", "mixed/a", MemoryObject::new("bucket"));
        }
        if let Some(error) = fault {
            world.store.plan(At::From(1), Fault::Fail(error));
        }
        world.will_answer(Ok(says(200, &[], b"standby")));
        world.get("/mixed/a")
    };
    assert_eq!(ask(None, true).text(), "bucket");
    assert_eq!(ask(None, false).text(), "standby");
    assert_eq!(ask(Some(StoreError::Throttled), true).text(), "standby");
    assert_eq!(
        ask(Some(StoreError::Denied(String::new())), true).status,
        502
    );
}
