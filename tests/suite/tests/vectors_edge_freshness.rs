//! CloudFront's lifetimes: the TTL table, error caching, stale serving.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a malformed vector must fail"
)]

use portcullis_edge::freshness::{
    EdgeTtl, ErrorToCache, ErrorTtl, OriginLifetime, Ttls, edge_ttl, error_ttl,
};
use portcullis_edge::stale::{OriginReply, StoredCopy};
use portcullis_edge::switches::{ErrorListB, StaleLimit, Switches};
use portcullis_http_semantics::CacheControl;
use portcullis_suite::hold_all;
use serde_json::Value;

fn number(case: &Value, field: &str) -> u64 {
    case[field]
        .as_u64()
        .unwrap_or_else(|| panic!("`{field}` is a number in {case}"))
}

fn flag(case: &Value, field: &str) -> bool {
    case[field]
        .as_bool()
        .unwrap_or_else(|| panic!("`{field}` is true or false in {case}"))
}

fn cache_control(case: &Value) -> Option<CacheControl> {
    case["cache_control"]
        .as_str()
        .map(|value| CacheControl::parse(value.as_bytes()))
}

fn equal(case: &Value, ttl: Option<u64>, reason: &str) -> Result<(), String> {
    let expected = (
        case["ttl"].as_u64(),
        case["reason"].as_str().unwrap_or_default(),
    );
    if (ttl, reason) == expected {
        Ok(())
    } else {
        Err(format!("found {ttl:?} by {reason}"))
    }
}

#[test]
fn vectors_ttl() {
    hold_all("ttl", |case| {
        let ttls = Ttls {
            min: number(case, "min"),
            default: number(case, "default"),
            max: number(case, "max"),
        };
        let cache_control = cache_control(case);
        let origin = OriginLifetime {
            cache_control: cache_control.as_ref(),
            expires_in: case["expires_in"].as_i64(),
            age: 0,
        };
        match edge_ttl(ttls, &origin, &Switches::default()) {
            EdgeTtl::Stored { seconds, rule } => equal(case, Some(seconds), rule.code()),
            EdgeTtl::NotStored(reason) => equal(case, None, reason.code()),
        }
    });
}

#[test]
fn vectors_error_ttl() {
    hold_all("error_ttl", |case| {
        let cache_control = cache_control(case);
        let error = ErrorToCache {
            status: u16::try_from(number(case, "status")).map_err(|e| e.to_string())?,
            origin: OriginLifetime {
                cache_control: cache_control.as_ref(),
                expires_in: case["expires_in"].as_i64(),
                age: 0,
            },
            from_s3: flag(case, "s3_origin"),
            min_ttl: number(case, "error_caching_min_ttl"),
            max_ttl: number(case, "max_ttl"),
            caching: flag(case, "caching"),
        };
        let list_b = if flag(case, "strict_list") {
            ErrorListB::HeaderRequired
        } else {
            ErrorListB::MinTtl
        };
        match error_ttl(&error, list_b) {
            ErrorTtl::Stored { seconds, rule } => equal(case, Some(seconds), rule.code()),
            ErrorTtl::NotStored(reason) => equal(case, None, reason.code()),
        }
    });
}

#[test]
fn vectors_stale() {
    hold_all("stale", |case| {
        let cache_control = cache_control(case).unwrap_or_default();
        let copy = StoredCopy {
            age: number(case, "age"),
            ttl: number(case, "ttl"),
            max_ttl: number(case, "max_ttl"),
            stale_while_revalidate: cache_control.stale_while_revalidate,
            stale_if_error: cache_control.stale_if_error,
        };
        let origin = match &case["origin"] {
            Value::String(word) if word == "ok" => OriginReply::Status(200),
            Value::String(word) if word == "unreachable" => OriginReply::Unreachable,
            status => OriginReply::Status(
                status
                    .as_u64()
                    .and_then(|s| s.try_into().ok())
                    .ok_or("no origin")?,
            ),
        };
        let action = copy.serve(origin, StaleLimit::default()).code();
        if case["action"].as_str() == Some(action) {
            Ok(())
        } else {
            Err(format!("found {action}"))
        }
    });
}
