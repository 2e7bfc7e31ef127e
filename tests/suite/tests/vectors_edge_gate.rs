//! CloudFront's gate: methods, viewer protocol policy, geo restriction.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a malformed vector must fail"
)]

use portcullis_edge::answer::Cause;
use portcullis_edge::gate::{
    AllowedMethods, Arrival, Gate, GeoRestriction, HttpVersion, Passage, Scheme,
    ViewerProtocolPolicy, pass,
};
use portcullis_edge::switches::Switches;
use portcullis_suite::hold_all;
use portcullis_viewer::country::{Country, CountrySet};
use serde_json::Value;

const HOST: &str = "example.org";
const TARGET: &str = "/a//b/../c?d=%20&e";

fn text<'v>(case: &'v Value, field: &str) -> &'v str {
    case[field]
        .as_str()
        .unwrap_or_else(|| panic!("`{field}` is text in {case}"))
}

/// A request that passes every rule but the one under test.
fn arrival(method: &str) -> Arrival<'_> {
    Arrival {
        method,
        host: HOST,
        target: TARGET,
        scheme: Scheme::Https,
        version: HttpVersion::Http11,
        country: None,
        has_body: false,
        header_bytes: 100,
    }
}

const OPEN: Gate<'static> = Gate {
    geo: &GeoRestriction::Off,
    viewer_protocol: ViewerProtocolPolicy::AllowAll,
    allowed_methods: AllowedMethods::All,
};

/// The status and the `Location` with which the gate answers; none when it lets pass.
fn answer(gate: &Gate<'_>, arrival: &Arrival<'_>) -> (Option<u16>, Option<String>) {
    match pass(gate, arrival, &Switches::default()) {
        Passage::Pass => (None, None),
        Passage::Redirect { status, location } => (Some(status.code()), Some(location)),
        Passage::Refuse(cause) => (Some(cause.status()), None),
    }
}

fn status(case: &Value) -> Option<u16> {
    case["status"]
        .as_u64()
        .and_then(|status| status.try_into().ok())
}

#[test]
fn vectors_methods() {
    hold_all("methods", |case| {
        let allowed_methods = match text(case, "allowed_set") {
            "2" => AllowedMethods::GetHead,
            "3" => AllowedMethods::GetHeadOptions,
            "7" => AllowedMethods::All,
            other => return Err(format!("no set of {other} methods")),
        };
        let method = text(case, "method");
        let found = answer(
            &Gate {
                allowed_methods,
                ..OPEN
            },
            &arrival(method),
        )
        .0;
        let forwarded = allowed_methods.allow(method);
        if found == status(case) && Some(forwarded) == case["forwarded"].as_bool() {
            Ok(())
        } else {
            Err(format!("found {found:?}, forwarded {forwarded}"))
        }
    });
}

#[test]
fn vectors_viewer_protocol() {
    hold_all("viewer_protocol", |case| {
        let viewer_protocol = match text(case, "policy") {
            "allow-all" => ViewerProtocolPolicy::AllowAll,
            "redirect-to-https" => ViewerProtocolPolicy::RedirectToHttps,
            "https-only" => ViewerProtocolPolicy::HttpsOnly,
            other => return Err(format!("no policy {other}")),
        };
        let scheme = match text(case, "scheme") {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            other => return Err(format!("no scheme {other}")),
        };
        let version = match text(case, "http_version") {
            "1.0" => HttpVersion::Http10,
            "1.1" => HttpVersion::Http11,
            "2" => HttpVersion::Http2,
            "3" => HttpVersion::Http3,
            other => return Err(format!("no version {other}")),
        };
        let location = case["location"].as_str().map(|l| {
            l.replace("{host}", HOST)
                .replace("{raw path and query}", TARGET)
        });
        let arrival = Arrival {
            scheme,
            version,
            ..arrival(text(case, "method"))
        };
        let found = answer(
            &Gate {
                viewer_protocol,
                ..OPEN
            },
            &arrival,
        );
        if found == (status(case), location) {
            Ok(())
        } else {
            Err(format!("found {found:?}"))
        }
    });
}

#[test]
fn vectors_geo() {
    hold_all("geo", |case| {
        let mut listed = CountrySet::default();
        for code in case["locations"].as_array().into_iter().flatten() {
            listed.insert(
                code.as_str()
                    .unwrap_or_default()
                    .parse()
                    .map_err(|_| format!("no country {code}"))?,
            );
        }
        let geo = match text(case, "restriction") {
            "none" => GeoRestriction::Off,
            "whitelist" => GeoRestriction::Allow(listed),
            "blacklist" => GeoRestriction::Deny(listed),
            other => return Err(format!("no restriction {other}")),
        };
        let country: Option<Country> = match case["viewer_country"].as_str() {
            None => None,
            Some(code) => Some(code.parse().map_err(|_| format!("no country {code}"))?),
        };
        let found = pass(
            &Gate { geo: &geo, ..OPEN },
            &Arrival {
                country,
                ..arrival("GET")
            },
            &Switches::default(),
        );
        let expected = if case["allowed"].as_bool() == Some(true) {
            Passage::Pass
        } else {
            Passage::Refuse(Cause::CountryBlocked)
        };
        let status_holds =
            status(case) == (expected != Passage::Pass).then(|| Cause::CountryBlocked.status());
        if found == expected && status_holds {
            Ok(())
        } else {
            Err(format!("found {found:?}"))
        }
    });
}
