//! The tree against the obvious rule: the first pattern that matches.

use super::Behaviors;
use crate::object_path::ObjectPath;
use portcullis_site::{
    Behavior, Caching, Enforcement, LargeObjects, Methods, Name, PathPattern, ResponseHeaders,
    ViewerProtocol,
};
use proptest::prelude::*;

fn behavior(pattern: &str) -> Behavior {
    Behavior {
        path: PathPattern::new(pattern).unwrap(),
        origin: Name::new("o").unwrap(),
        policy: Name::new("p").unwrap(),
        enforce: Enforcement::Origin,
        caching: Caching::Disabled,
        methods: Methods::GetHead,
        viewer_protocol: ViewerProtocol::RedirectToHttps,
        compress: false,
        response_headers: ResponseHeaders::default(),
        large_objects: LargeObjects::default(),
    }
}

fn table(patterns: &[&str]) -> Behaviors {
    Behaviors::new(&patterns.iter().map(|p| behavior(p)).collect::<Vec<_>>())
}

#[track_caller]
fn check(patterns: &[&str], path: &str, expected: &str) {
    let table = table(patterns);
    let (_, found) = table.of(&ObjectPath::parse(path).unwrap()).unwrap();
    assert_eq!(found.path.as_str(), expected, "{path}");
}

#[test]
fn the_first_match_wins_not_the_most_specific() {
    let patterns = ["images/*.jpg", "images/*", "*.gif", "*"];
    check(&patterns, "/images/a.jpg", "/images/*.jpg");
    check(&patterns, "/images/sample.gif", "/images/*");
    check(&patterns, "/x/sample.gif", "/*.gif");
    check(&patterns, "/", "*");
    check(&["/a", "/a*", "*"], "/a", "/a");
    check(&["/a", "/a*", "*"], "/ab", "/a*");
    check(&["/%".trim_end_matches('%'), "*"], "/", "/");
}

#[test]
fn behaviors_are_matched_on_the_path_as_cloudfront_sees_it() {
    // `?` is one character of what was sent, so an encoded letter is six of them.
    check(&["/a?", "*"], "/a%C3%A9", "*");
    check(&["/a??????", "*"], "/a%C3%A9", "/a??????");
}

proptest! {
    #[test]
    fn the_tree_equals_a_scan(patterns in prop::collection::vec("/[ab/*?]{0,5}", 0..12), path in "/[ab]{0,3}(/[ab]{1,2}){0,2}") {
        prop_assume!(ObjectPath::parse(&path).is_ok());
        let mut all: Vec<&str> = patterns.iter().map(String::as_str).collect();
        all.push("*");
        let scan = all.iter().position(|p| PathPattern::new(p).unwrap().matches(&path));
        let found = table(&all).of(&ObjectPath::parse(&path).unwrap()).map(|(index, _)| index);
        prop_assert_eq!(found, scan, "{:?} {}", all, path);
    }
}
