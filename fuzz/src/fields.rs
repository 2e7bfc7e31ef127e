//! The other fields of requests and of object metadata: what is read and written again reads the same.
//!
//! An input is the value of one field, read by every parser in turn.

use portcullis_http_semantics::{
    CacheControl, Coding, EntityTag, EntityTagList, HttpDate, Method, Precondition, Preconditions,
    Validators, cache_control::DELTA_SECONDS_MAX, etag::TAGS_MAX, preferred,
};

/// Holds for any input.
pub fn hold(input: &[u8]) {
    dates(input);
    tags(input);
    preconditions(input);
    cache_control(input);
    codings(input);
}

fn dates(value: &[u8]) {
    if let Some(date) = HttpDate::parse(value) {
        assert_eq!(HttpDate::parse(date.to_string().as_bytes()), Some(date));
    }
}

fn tags(value: &[u8]) {
    if let Some(tag) = EntityTag::parse(value) {
        let written = tag.to_field_value();
        assert_eq!(EntityTag::parse(&written), Some(tag));
        assert!(tag.weak_eq(tag.weakened()));
        assert_eq!(tag.strong_eq(tag), !tag.is_weak());
    }
    if let Some(EntityTagList::Tags(tags)) = EntityTagList::parse(value) {
        let count = tags.iter().count();
        assert!((1..=TAGS_MAX).contains(&count));
    }
}

/// A condition that names nothing current never tells a client that its copy is current.
fn preconditions(value: &[u8]) {
    let only =
        |name: &'static str| Preconditions::parse(move |field| (field == name).then_some(value));
    let unknown = Validators::default();
    for name in ["if-modified-since", "if-unmodified-since", "if-range"] {
        let outcome = only(name).evaluate(Method::Get, &unknown);
        assert_eq!(outcome, Precondition::Proceed, "{name}");
    }
    assert_ne!(
        only("if-match").evaluate(Method::Get, &unknown),
        Precondition::NotModified
    );
    assert_ne!(
        only("if-none-match").evaluate(Method::Get, &unknown),
        Precondition::Failed
    );
    assert!(!only("if-range").range_applies(Method::Head, &unknown));
}

fn cache_control(value: &[u8]) {
    let read = CacheControl::parse(value);
    let lifetimes = [
        read.max_age,
        read.s_maxage,
        read.stale_while_revalidate,
        read.stale_if_error,
    ];
    assert!(
        lifetimes
            .into_iter()
            .flatten()
            .all(|seconds| seconds <= DELTA_SECONDS_MAX)
    );
    assert!(
        read.forbids_shared_reuse() || !read.no_store,
        "`no-store` was lost"
    );
}

/// A coding is chosen among those that are there, whatever their order.
fn codings(value: &[u8]) {
    let mut available = [Coding::Br, Coding::Gzip, Coding::Identity];
    let chosen = preferred(Some(value), &available);
    assert!(chosen.is_none_or(|coding| available.contains(&coding)));
    available.reverse();
    assert_eq!(preferred(Some(value), &available), chosen);
}
