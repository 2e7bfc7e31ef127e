//! The steps of a trace in words.

use portcullis_edge::trace::{Bypass, Found, Step, WhyNotStored};
use serde_json::{Value, json};

/// What happened, what it came to, and whether it is good news, bad news or neither.
pub(super) fn in_words(step: &Step) -> Value {
    let (what, result, kind) = match step {
        Step::Generated(cause) => (
            "answered by the edge",
            cause.detailed_result().to_owned(),
            "bad",
        ),
        Step::RedirectedToHttps => ("sent to https", String::new(), ""),
        Step::Signed => ("signature holds", String::new(), "good"),
        Step::Ran(event) => ("function ran", event.name().to_owned(), ""),
        Step::Answered(event) => ("function answered", event.name().to_owned(), "bad"),
        Step::Failed(event, why) => (
            "function failed",
            format!("{}: {why:?}", event.name()),
            "bad",
        ),
        Step::Bypassed(Bypass::Method) => {
            ("cache passed by", "the method is not cached".to_owned(), "")
        }
        Step::Bypassed(Bypass::CachingDisabled) => {
            ("cache passed by", "caching is disabled".to_owned(), "")
        }
        Step::Asked { layer, found, .. } => {
            let (result, kind) = match found {
                Found::Fresh { age, remaining } => {
                    (format!("fresh: {age} s old, {remaining} s to live"), "good")
                }
                Found::Expired { age } => (format!("expired: {age} s old"), ""),
                Found::Nothing => ("nothing".to_owned(), ""),
            };
            return json!({ "what": format!("cache: {}", layer.name()), "result": result, "kind": kind });
        }
        Step::Collapsed => (
            "waited",
            "for another request for the same object".to_owned(),
            "",
        ),
        Step::Origin { id, conditional } => {
            let how = if *conditional {
                ", with conditions"
            } else {
                ""
            };
            ("origin asked", format!("{id}{how}"), "")
        }
        Step::Status(status) => (
            "origin answered",
            status.to_string(),
            if *status < 400 { "good" } else { "bad" },
        ),
        Step::OriginFailed(why) => ("origin failed", format!("{why:?}"), "bad"),
        Step::FailedOver => (
            "failed over",
            "to the second origin of the group".to_owned(),
            "",
        ),
        Step::Stale(serving) => ("stale copy served", format!("{serving:?}"), ""),
        Step::Stored { ttl, rule } => ("kept", format!("for {ttl} s, by {}", rule.code()), "good"),
        Step::NotStored(why) => ("not kept", not_stored(*why), ""),
        Step::Refreshed { ttl } => ("refreshed by a 304", format!("for {ttl} s"), "good"),
        Step::Compressed => ("compressed by the edge", String::new(), ""),
        Step::ErrorPage { status, path } => {
            ("custom error page", format!("{path}, for {status}"), "")
        }
    };
    json!({ "what": what, "result": result, "kind": kind })
}

fn not_stored(why: WhyNotStored) -> String {
    match why {
        WhyNotStored::Ttl(why) => format!("{why:?}"),
        WhyNotStored::Error(why) => format!("error: {why:?}"),
        WhyNotStored::Status => "this status is not kept".to_owned(),
        WhyNotStored::Generated => "a function made it before the cache".to_owned(),
        WhyNotStored::Conditional => "it answers the viewer's own condition".to_owned(),
        WhyNotStored::Head => "it answers HEAD".to_owned(),
        WhyNotStored::TooLarge => "it is too large, or there was no room".to_owned(),
        WhyNotStored::Incomplete => "it did not arrive whole".to_owned(),
        WhyNotStored::Superseded => "another answer of the same key came first".to_owned(),
    }
}
