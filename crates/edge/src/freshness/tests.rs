//! What the shared vectors leave open: the switches, and the limits of the table as properties.

use super::{
    EdgeTtl, ErrorRule, ErrorToCache, ErrorTtl, NotStored, OriginLifetime, TtlRule, Ttls, edge_ttl,
    error_ttl,
};
use crate::switches::{DefaultTtlApplies, ErrorListB, NoCacheAtZeroMin, Switches};
use portcullis_http_semantics::CacheControl;
use proptest::prelude::*;

const ORDINARY: Ttls = Ttls {
    min: 0,
    default: 86_400,
    max: 31_536_000,
};

fn ttl(ttls: Ttls, cache_control: &str, switches: &Switches) -> EdgeTtl {
    let cache_control = CacheControl::parse(cache_control.as_bytes());
    edge_ttl(
        ttls,
        &OriginLifetime {
            cache_control: Some(&cache_control),
            expires_in: None,
            age: 0,
        },
        switches,
    )
}

#[test]
fn caching_disabled_is_disabled_whatever_the_origin_says() {
    let off = Ttls {
        min: 0,
        default: 0,
        max: 0,
    };
    let disabled = EdgeTtl::NotStored(NotStored::CachingDisabled);
    assert_eq!(ttl(off, "max-age=60", &Switches::default()), disabled);
    assert_eq!(ttl(off, "no-store", &Switches::default()), disabled);
}

#[test]
fn the_switch_for_public_without_a_lifetime() {
    let table = EdgeTtl::Stored {
        seconds: 86_400,
        rule: TtlRule::Default,
    };
    assert_eq!(ttl(ORDINARY, "public", &Switches::default()), table);
    let switches = Switches {
        default_ttl: DefaultTtlApplies::NoHeader,
        ..Switches::default()
    };
    let minimum = EdgeTtl::Stored {
        seconds: 0,
        rule: TtlRule::MinWithoutLifetime,
    };
    assert_eq!(ttl(ORDINARY, "public", &switches), minimum);
    let nothing = OriginLifetime {
        cache_control: None,
        expires_in: None,
        age: 0,
    };
    assert_eq!(edge_ttl(ORDINARY, &nothing, &switches), table);
}

#[test]
fn the_switch_for_no_cache_is_about_no_cache_alone() {
    let switches = Switches {
        no_cache_at_zero_min: NoCacheAtZeroMin::Revalidated,
        ..Switches::default()
    };
    let revalidated = EdgeTtl::Stored {
        seconds: 0,
        rule: TtlRule::RevalidatedEachTime,
    };
    let not_stored = EdgeTtl::NotStored(NotStored::OriginDirective);
    assert_eq!(ttl(ORDINARY, "no-cache", &switches), revalidated);
    assert_eq!(ttl(ORDINARY, "no-cache, no-store", &switches), not_stored);
    assert_eq!(ttl(ORDINARY, "no-cache, private", &switches), not_stored);
    assert_eq!(ttl(ORDINARY, "no-store", &switches), not_stored);
    let minimum = EdgeTtl::Stored {
        seconds: 5,
        rule: TtlRule::MinOverridesDirective,
    };
    assert_eq!(
        ttl(Ttls { min: 5, ..ORDINARY }, "no-cache", &switches),
        minimum
    );
}

#[test]
fn by_default_a_refusal_with_no_store_is_cached_for_the_error_minimum() {
    let no_store = CacheControl::parse(b"no-store");
    let refusal = ErrorToCache {
        status: 403,
        origin: OriginLifetime {
            cache_control: Some(&no_store),
            expires_in: None,
            age: 0,
        },
        from_s3: false,
        min_ttl: super::ERROR_CACHING_MIN_TTL_DEFAULT,
        max_ttl: 31_536_000,
        caching: true,
    };
    let ten_seconds = ErrorTtl::Stored {
        seconds: 10,
        rule: ErrorRule::MinTtlOnly,
    };
    assert_eq!(error_ttl(&refusal, ErrorListB::default()), ten_seconds);
    // What a template that sets the error minimum to zero gains.
    let none = ErrorTtl::Stored {
        seconds: 0,
        rule: ErrorRule::MinTtlOnly,
    };
    assert_eq!(
        error_ttl(
            &ErrorToCache {
                min_ttl: 0,
                ..refusal
            },
            ErrorListB::default()
        ),
        none
    );
}

proptest! {
    #[test]
    fn a_lifetime_lies_between_minimum_and_maximum(
        mut bounds in any::<[u32; 3]>(),
        max_age in proptest::option::of(any::<u32>()), s_maxage in proptest::option::of(any::<u32>()),
        expires_in in proptest::option::of(any::<i64>()), flags in any::<[bool; 2]>(),
    ) {
        bounds.sort_unstable();
        let [min, default, max] = bounds.map(u64::from);
        let cache_control = CacheControl {
            max_age: max_age.map(u64::from),
            s_maxage: s_maxage.map(u64::from),
            no_store: flags[0],
            public: flags[1],
            ..CacheControl::default()
        };
        let origin = OriginLifetime { cache_control: Some(&cache_control), expires_in, age: 0 };
        match edge_ttl(Ttls { min, default, max }, &origin, &Switches::default()) {
            EdgeTtl::Stored { seconds, .. } => prop_assert!(min <= seconds && seconds <= max),
            EdgeTtl::NotStored(_) => prop_assert!(min == 0 && (max == 0 || cache_control.no_store)),
        }
    }
}

#[test]
fn an_age_that_counts_is_taken_off_a_named_lifetime_only() {
    let max_age = CacheControl::parse(b"max-age=60");
    let kept = |cache_control, age| {
        let origin = OriginLifetime {
            cache_control,
            expires_in: None,
            age,
        };
        match edge_ttl(ORDINARY, &origin, &Switches::default()) {
            EdgeTtl::Stored { seconds, .. } => Some(seconds),
            EdgeTtl::NotStored(_) => None,
        }
    };
    assert_eq!(kept(Some(&max_age), 0), Some(60));
    assert_eq!(kept(Some(&max_age), 50), Some(10));
    assert_eq!(kept(Some(&max_age), 70), Some(0));
    assert_eq!(kept(None, 70), Some(ORDINARY.default));
}
