//! Codes, groups and sets of countries (regression group R14).

use super::{CODES, Country, CountrySet, Group, NotACountry};
use proptest::prelude::*;

fn country(code: &str) -> Country {
    code.parse().unwrap()
}

#[test]
fn the_codes_are_ascending_pairs_of_capitals() {
    assert!(CODES.windows(2).all(|pair| pair[0] < pair[1]));
    assert!(CODES.iter().flatten().all(u8::is_ascii_uppercase));
    assert!(CODES.contains(b"XK"));
    assert_eq!(
        CODES.len() - 1,
        249,
        "assigned codes of ISO 3166-1, XK apart"
    );
}

#[test]
fn a_country_reads_back_and_knows_its_place() {
    assert_eq!(Country::all().len(), Country::COUNT);
    for (position, country) in Country::all().enumerate() {
        assert_eq!(country.as_str().parse(), Ok(country));
        assert_eq!(country.to_string(), country.as_str());
        assert_eq!(Country::try_from(&country.code()[..]), Ok(country));
        assert_eq!(usize::from(country.index()), position);
    }
}

#[test]
fn what_is_not_a_country_is_refused() {
    for text in [
        "EU", "AP", "A1", "A2", "T1", "XX", "ZZ", "UK", "EL", "AN", "YU", "AA", "OO",
    ] {
        let expected = if text.bytes().all(|byte| byte.is_ascii_uppercase()) {
            NotACountry::NotAssigned
        } else {
            NotACountry::NotTwoCapitals
        };
        assert_eq!(text.parse::<Country>(), Err(expected), "{text}");
    }
    for text in [
        "", "D", "de", "De", "DEU", " DE", "DE ", "D\u{c9}", "[@", "276",
    ] {
        assert_eq!(
            text.parse::<Country>(),
            Err(NotACountry::NotTwoCapitals),
            "{text:?}"
        );
    }
}

#[test]
fn norway_is_a_country_in_json() {
    assert_eq!(serde_json::to_string(&country("NO")).unwrap(), r#""NO""#);
    assert_eq!(
        serde_json::from_str::<Country>(r#""NO""#).unwrap(),
        country("NO")
    );
    assert_eq!(
        serde_json::from_str::<Country>(r#""\u004eO""#).unwrap(),
        country("NO")
    );
    assert!(serde_json::from_str::<Country>("false").is_err());
    assert!(serde_json::from_str::<Country>(r#""EU""#).is_err());
}

#[test]
fn r14_groups_are_their_members() {
    #[track_caller]
    fn check(group: Group, count: usize, inside: &[&str], outside: &[&str]) {
        let members = group.members();
        assert_eq!(members.len(), count, "{}", group.name());
        assert!(
            inside.iter().all(|code| members.contains(country(code))),
            "{members:?}"
        );
        assert!(
            !outside.iter().any(|code| members.contains(country(code))),
            "{members:?}"
        );
        assert_eq!(Group::from_name(group.name()), Some(group));
    }
    check(
        Group::Eu,
        27,
        &["DE", "FR", "GR", "HR", "IE"],
        &["CH", "NO", "IS", "LI", "GB", "UA"],
    );
    check(Group::Eea, 30, &["DE", "NO", "IS", "LI"], &["CH", "GB"]);
    check(Group::Efta, 4, &["CH", "NO", "IS", "LI"], &["DE", "AT"]);
    assert_eq!(Group::from_name("eu"), None);
    assert_eq!(Group::from_name("DE"), None);
}

#[test]
fn a_set_is_written_as_its_ascending_codes() {
    let set: CountrySet = ["FR", "DE", "ZW", "FR", "AD"]
        .into_iter()
        .map(country)
        .collect();
    assert_eq!(
        serde_json::to_string(&set).unwrap(),
        r#"["AD","DE","FR","ZW"]"#
    );
    assert_eq!(
        serde_json::from_str::<CountrySet>(r#"["ZW","DE","FR","AD","AD"]"#).unwrap(),
        set
    );
    assert!(serde_json::from_str::<CountrySet>(r#"["DE","EU"]"#).is_err());
}

proptest! {
    #[test]
    fn a_set_equals_a_sorted_list(picks in proptest::collection::vec(0..Country::COUNT, 0..40)) {
        let all: Vec<Country> = Country::all().collect();
        let mut list: Vec<Country> = picks.iter().map(|&at| all[at]).collect();
        let mut set = CountrySet::EMPTY;
        for &country in &list {
            let new = !set.contains(country);
            prop_assert_eq!(set.insert(country), new);
        }
        list.sort();
        list.dedup();
        prop_assert_eq!(set.iter().collect::<Vec<_>>(), list.clone());
        prop_assert_eq!(set.len(), list.len());
        prop_assert_eq!(set.is_empty(), list.is_empty());
        for country in Country::all() {
            prop_assert_eq!(set.contains(country), list.contains(&country));
        }
    }

    #[test]
    fn any_two_bytes_are_a_country_or_an_error(code: [u8; 2]) {
        prop_assert_eq!(Country::try_from(&code[..]).is_ok(), CODES.contains(&code));
    }
}
