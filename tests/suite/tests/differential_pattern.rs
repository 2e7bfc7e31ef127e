//! The gateway's behavior match against CloudFront's side of the wire: two pattern matchers and two ways to find the first
//! match, written apart, over random lists of patterns and every canonical path the gateway accepts.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    reason = "a test that cannot go on must fail, and JSON is passed as it is written"
)]

use portcullis_edge::pattern::{PathPattern as EdgePattern, first_match};
use portcullis_origin::behaviors::Behaviors;
use portcullis_origin::object_path::ObjectPath;
use portcullis_site::{Behavior, Site};
use proptest::collection::vec;
use proptest::prelude::*;

fn table(patterns: &[String]) -> Behaviors {
    let site: Site = serde_json::from_value(portcullis_suite::small_site_json()).unwrap();
    let behavior = |pattern: &str| Behavior {
        path: pattern.to_owned().try_into().unwrap(),
        ..site.behaviors[0].clone()
    };
    let list: Vec<Behavior> = patterns
        .iter()
        .map(|p| behavior(p))
        .chain([behavior("*")])
        .collect();
    Behaviors::new(&list)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn gateway_and_edge_find_the_same_behavior(
        patterns in vec("/?[ab*?.]{1,3}(/[ab*?]{0,3}){0,2}", 0..6),
        path in "/([ab.]{1,3}|%C3%A9|%20)(/[ab.~]{0,3}){0,2}",
    ) {
        let Ok(parsed) = ObjectPath::parse(&path) else { return Ok(()) };
        let edge: Vec<EdgePattern> = patterns.iter().map(|p| EdgePattern::new(p).unwrap()).collect();
        let by_edge = first_match(&edge, &path).unwrap_or(patterns.len());
        let by_gateway = table(&patterns).of(&parsed).map(|(index, _)| index);
        prop_assert_eq!(by_gateway, Some(by_edge), "{:?} {}", patterns, path);
    }
}
