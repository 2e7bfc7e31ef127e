//! The table of the module's documentation, and that no name proves more than it holds.

use super::{Lifetime, Stated, VersionedName};
use crate::field::FieldValue;
use portcullis_http_semantics::{CacheControl, HttpDate};
use portcullis_site::{Behavior, Caching, Seconds, Site, Ttl};
use proptest::prelude::*;

const NOW: u64 = 1_767_225_600;

/// CloudFront's documented rule, written down once more: the seconds an answer stays at the edge, `None` for not at all.
fn edge_ttl(ttl: Ttl, directives: &CacheControl, expires_in: Option<u64>) -> Option<u64> {
    if ttl.max.get() == 0 {
        return None;
    }
    if directives.forbids_shared_reuse() {
        return Some(ttl.min.get()).filter(|min| *min > 0);
    }
    let stated = directives.s_maxage.or(directives.max_age).or(expires_in);
    Some(match stated {
        None => ttl.min.get().max(ttl.default.get()),
        Some(stated) => ttl.min.get().max(stated.min(ttl.max.get())),
    })
}

fn ttl(min: u64, default: u64, max: u64) -> Ttl {
    Ttl {
        min: Seconds::of(min),
        default: Seconds::of(default),
        max: Seconds::of(max),
    }
}

fn stated(cache_control: Option<&str>, expires: Option<&str>) -> Stated {
    let value = |text: &str| FieldValue::new(text.as_bytes()).unwrap();
    Stated::of(
        cache_control.map(value).as_ref(),
        expires.map(value).as_ref(),
        NOW,
    )
}

fn under(
    caching: Caching,
    site: &Site,
    policy: &str,
    stated: Stated,
    versioned: Option<VersionedName>,
) -> String {
    let behavior = Behavior {
        caching,
        policy: portcullis_site::Name::new(policy).unwrap(),
        ..site.behaviors[0].clone()
    };
    let value = Lifetime::of(site, &behavior, stated, versioned).to_field_value();
    value.to_str().unwrap().to_owned()
}

fn cached(ttl: Ttl, stated: Stated, versioned: Option<VersionedName>) -> String {
    let site = crate::serve::tests::site();
    under(
        crate::serve::tests::caching(ttl),
        &site,
        "everyone",
        stated,
        versioned,
    )
}

#[track_caller]
fn check(
    limits: (u64, u64, u64),
    cache_control: Option<&str>,
    expires: Option<&str>,
    expected: &str,
) {
    let (min, default, max) = limits;
    let found = cached(ttl(min, default, max), stated(cache_control, expires), None);
    assert_eq!(found, expected, "{limits:?} {cache_control:?} {expires:?}");
}

#[test]
fn a_lifetime_is_the_object_s_within_the_behavior_s() {
    const DAY: (u64, u64, u64) = (0, 86_400, 31_536_000);
    let later = HttpDate::from_epoch_seconds(NOW + 7_200)
        .unwrap()
        .to_string();
    let past = HttpDate::from_epoch_seconds(NOW - 1).unwrap().to_string();
    check(DAY, None, None, "max-age=0, s-maxage=86400");
    check(
        DAY,
        Some("public"),
        None,
        "public, max-age=0, s-maxage=86400",
    );
    check(DAY, Some("max-age=60"), None, "max-age=60");
    check(
        DAY,
        Some("max-age=60, s-maxage=600"),
        None,
        "max-age=60, s-maxage=600",
    );
    check(DAY, Some("max-age=600, s-maxage=60"), None, "max-age=60");
    check(DAY, Some("s-maxage=600"), None, "max-age=0, s-maxage=600");
    check(DAY, None, Some(&later), "max-age=7200");
    check(DAY, None, Some(&past), "max-age=0");
    check(DAY, None, Some("0"), "max-age=0");
    check(DAY, Some("max-age=60"), Some(&later), "max-age=60");
    check((0, 60, 600), Some("max-age=3600"), None, "max-age=600");
    check(
        (3_600, 86_400, 86_400),
        Some("max-age=60"),
        None,
        "max-age=60, s-maxage=3600",
    );
    check((0, 0, 31_536_000), None, None, "max-age=0");
    check(
        DAY,
        Some("max-age=60, stale-while-revalidate=5, must-revalidate"),
        None,
        "max-age=60, must-revalidate, stale-while-revalidate=5",
    );
}

#[test]
fn an_object_that_forbids_reuse_is_obeyed() {
    const DAY: (u64, u64, u64) = (0, 86_400, 31_536_000);
    check(
        DAY,
        Some("no-store, max-age=600"),
        None,
        "no-store, max-age=600",
    );
    check(
        DAY,
        Some("private, s-maxage=600, max-age=5"),
        None,
        "private, max-age=5",
    );
    check(DAY, Some("no-cache"), None, "no-cache");
    let versioned = VersionedName::prove("a.00000000.js", &[0; 32]);
    assert!(versioned.is_some());
    let found = cached(ttl(0, 60, 600), stated(Some("private"), None), versioned);
    assert_eq!(found, "private");
}

#[test]
fn immutable_follows_from_the_name_alone() {
    const DAY: (u64, u64, u64) = (0, 86_400, 31_536_000);
    check(DAY, Some("max-age=60, immutable"), None, "max-age=60");
    let versioned = VersionedName::prove("a.00000000.js", &[0; 32]);
    let found = cached(
        ttl(0, 60, 31_536_000),
        stated(Some("max-age=60"), None),
        versioned,
    );
    assert_eq!(found, "public, max-age=31536000, immutable");
    let found = cached(ttl(0, 60, 600), stated(None, None), versioned);
    assert_eq!(found, "public, max-age=31536000, s-maxage=600, immutable");
}

#[test]
fn without_caching_a_restricted_answer_is_kept_by_nobody() {
    let site = crate::serve::tests::site();
    let found = |policy: &str, cache_control: Option<&str>| {
        under(
            Caching::Disabled,
            &site,
            policy,
            stated(cache_control, None),
            None,
        )
    };
    assert_eq!(
        found("members", Some("public, max-age=600")),
        "private, no-store"
    );
    assert_eq!(
        found("everyone", Some("public, max-age=600, s-maxage=9")),
        "public, max-age=600"
    );
    assert_eq!(found("everyone", None), "no-cache");
    assert_eq!(
        found("everyone", Some("private, max-age=3")),
        "private, max-age=3"
    );
}

#[test]
fn a_name_proves_its_bytes_by_their_digest() {
    let digest: [u8; 32] = std::array::from_fn(|at| u8::try_from(at * 7 + 3).unwrap_or(255));
    let hex = "030a11181f262d34";
    let base32 = "amfbcga7";
    let base64 = "AwoRGB8mLTQ7QklQ";
    let proves = |name: &str| VersionedName::prove(name, &digest).is_some();
    for name in [
        format!("app.{hex}.js"),
        "app-030a1118.js".to_owned(),
        "030a1118".to_owned(),
        format!("APP.{}.JS", hex.to_ascii_uppercase()),
        format!("app-{base32}.js"),
        format!("app-{}.js", base32.to_ascii_uppercase()),
        format!("app_{base64}.css"),
        "app-AwoRGB8m-x.css".to_owned(),
    ] {
        assert!(proves(&name), "{name}");
    }
    for name in [
        "app.js".to_owned(),
        "app.030a111.js".to_owned(),
        "app.030a11180.js".to_owned(),
        format!("app.x{hex}.js"),
        format!("app.{hex}z.js"),
        "app.30a11181f262d34.js".to_owned(),
        format!("app-{}.js", base64.to_ascii_lowercase()),
        "app.deadbeef.js".to_owned(),
        String::new(),
    ] {
        assert!(!proves(&name), "{name}");
    }
}

proptest! {
    #[test]
    fn the_edge_keeps_what_cloudfront_would_have_kept(
        min in 0_u64..5, more in 0_u64..5, most in 0_u64..5,
        max_age in proptest::option::of(0_u64..15), s_maxage in proptest::option::of(0_u64..15),
        expires_in in proptest::option::of(0_u64..15),
        flag in prop_oneof![Just(""), Just("public"), Just("no-store"), Just("private"), Just("no-cache"), Just("immutable")],
    ) {
        let ttl = ttl(min, min + more, min + more + most);
        let mut directives: Vec<String> = vec![flag.to_owned()];
        directives.extend(max_age.map(|v| format!("max-age={v}")));
        directives.extend(s_maxage.map(|v| format!("s-maxage={v}")));
        let text = directives.join(", ");
        let expires = expires_in.map(|v| HttpDate::from_epoch_seconds(NOW + v).unwrap().to_string());
        let written = CacheControl::parse(cached(ttl, stated(Some(&text), expires.as_deref()), None).as_bytes());
        let read = CacheControl::parse(text.as_bytes());
        let kept = edge_ttl(ttl, &written, None);
        prop_assert_eq!(kept, edge_ttl(ttl, &read, expires_in));
        if let (Some(browser), false) = (written.max_age, written.forbids_shared_reuse()) {
            prop_assert!(browser <= kept.unwrap_or(0), "the browser keeps it longer: {written}");
        }
        prop_assert!(!written.immutable);
    }
}
