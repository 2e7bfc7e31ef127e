//! The edge guard of the example, as its template has it, in the engine: what CloudFront is given is what is run.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must fail"
)]

mod support;

use portcullis_edge::compute::Computed;
use portcullis_edge::distribution::EventType;
use portcullis_edge_functions::EdgeFunction;
use serde_json::Value;
use support::{PLACE, call};

fn guard() -> EdgeFunction {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../infra/example.template.json"
    );
    let template: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let resources = template["Resources"].as_object().unwrap();
    let functions: Vec<&Value> = resources
        .values()
        .filter(|one| one["Type"] == "AWS::CloudFront::Function")
        .collect();
    assert_eq!(functions.len(), 1);
    let code = functions[0]["Properties"]["FunctionCode"].as_str().unwrap();
    EdgeFunction::new("guard", code, None).unwrap()
}

/// The policy `launch-countries`: not from 192.0.2.0/24; from two networks; from CH, DE, FR, LU and NL; not from an unknown
/// country.
#[test]
fn the_guard_decides_in_the_engine() {
    let guard = guard();
    assert_eq!(guard.doubts(), []);
    let rows = [
        ("192.0.2.2", Some("CH"), Some("denied")),
        ("198.51.100.7", Some("US"), None),
        ("198.51.100.7", None, None),
        ("203.0.113.9", Some("CH"), None),
        ("203.0.113.9", Some("US"), Some("no-match")),
        ("203.0.113.9", None, Some("denied-country-unknown")),
        ("2001:db8:51::1", None, None),
        ("2001:db8:52::1", Some("NL"), None),
    ];
    for (address, country, expected) in rows {
        let mut call = call(EventType::ViewerRequest, None);
        call.viewer = address.parse().unwrap();
        if let Some(country) = country {
            let name = "CloudFront-Viewer-Country";
            call.request.headers.add(name, country);
        }
        let ran = guard.run(call, PLACE);
        assert!(ran.utilization < 50, "{}", ran.utilization);
        let reason = match ran.outcome {
            Ok(Computed::Request(_)) => None,
            Ok(Computed::Response(response)) => {
                assert_eq!(response.status, 403);
                let reason = response.headers.get("x-portcullis-reason").unwrap();
                Some(String::from_utf8_lossy(reason).into_owned())
            }
            Err(failure) => panic!("{failure:?}: {:?}", ran.log),
        };
        assert_eq!(reason.as_deref(), expected, "{address} {country:?}");
    }
}
