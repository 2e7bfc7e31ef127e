//! `Cache-Control` of a response (RFC 9111 §5.2.2, RFC 5861, RFC 8246): reading it with tolerance, writing it in one
//! canonical form.
//!
//! - names are case-insensitive, an argument may be a token or a quoted string (§5.2);
//! - of a directive that is repeated the first readable one counts (§4.2.1);
//! - a lifetime that is no number counts as not sent, unknown directives are ignored (§5.2.3);
//! - a field with more than [`DIRECTIVES_MAX`] directives is read as `no-store`: what was not read might say so.
//!
//! Deliberately absent: what a cache makes of it (that differs between RFC 9111 and CloudFront), and request directives.

use crate::field::{is_token, list, unquote};
use std::fmt;

/// The most directives of one field that are read.
pub const DIRECTIVES_MAX: usize = 32;

/// The most field names `no-cache` and `private` may list; with more the directive counts for the whole response.
pub const FIELD_NAMES_MAX: usize = 16;

/// The longest lifetime, in seconds (136 years); a longer one is read as this one (RFC 9111 §1.2.2).
///
/// Sums of lifetimes and ages below it cannot overflow `u64`.
pub const DELTA_SECONDS_MAX: u64 = u32::MAX as u64;

/// The directives of a response. Any combination is legal; lifetimes are seconds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CacheControl {
    /// `public`: storable though it might otherwise not be.
    pub public: bool,
    /// `private`: not for shared caches, as a whole or the fields named.
    pub private: Scope,
    /// `no-store`: never stored.
    pub no_store: bool,
    /// `no-cache`: validated before each use, as a whole or the fields named.
    pub no_cache: Scope,
    /// `max-age`.
    pub max_age: Option<u64>,
    /// `s-maxage`: the lifetime in shared caches.
    pub s_maxage: Option<u64>,
    /// `must-revalidate`: never served stale.
    pub must_revalidate: bool,
    /// `proxy-revalidate`: never served stale by shared caches.
    pub proxy_revalidate: bool,
    /// `must-understand`: storable only by a cache that knows the status code.
    pub must_understand: bool,
    /// `no-transform`: the content is not to be recoded.
    pub no_transform: bool,
    /// `immutable`: not revalidated while fresh (RFC 8246).
    pub immutable: bool,
    /// `stale-while-revalidate`: how long it may be served stale while it is fetched anew (RFC 5861 §3).
    pub stale_while_revalidate: Option<u64>,
    /// `stale-if-error`: how long it may be served stale when the origin fails (RFC 5861 §4).
    pub stale_if_error: Option<u64>,
}

/// What part of a response `private` or `no-cache` covers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// The directive is absent.
    #[default]
    Nothing,
    /// Without argument: the whole response.
    Response,
    /// Only the fields named.
    Fields(FieldNames),
}

/// One to [`FIELD_NAMES_MAX`] field names, lower-case, in the order given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldNames(Vec<Box<str>>);

impl FieldNames {
    /// Reads a list of names; `None` when it is empty, too long, or holds something that is no field name.
    #[must_use]
    pub fn parse(names: &[u8]) -> Option<Self> {
        let mut read = Vec::new();
        for name in list(names) {
            let text = std::str::from_utf8(name).ok().filter(|_| is_token(name))?;
            if read.len() == FIELD_NAMES_MAX {
                return None;
            }
            read.push(text.to_ascii_lowercase().into_boxed_str());
        }
        (!read.is_empty()).then_some(Self(read))
    }

    /// The names, lower-case.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(AsRef::as_ref)
    }
}

impl CacheControl {
    /// Reads the directives of a response.
    #[must_use]
    pub fn parse(value: &[u8]) -> Self {
        let mut read = Self::default();
        for (index, directive) in list(value).enumerate() {
            if index == DIRECTIVES_MAX {
                return Self {
                    no_store: true,
                    ..Self::default()
                };
            }
            read.add(directive);
        }
        read
    }

    fn add(&mut self, directive: &[u8]) {
        let mut halves = directive.splitn(2, |&b| b == b'=');
        let name = halves.next().unwrap_or_default().to_ascii_lowercase();
        let argument = halves.next();
        match name.as_slice() {
            b"public" => self.public = true,
            b"private" => self.private.widen(argument),
            b"no-store" => self.no_store = true,
            b"no-cache" => self.no_cache.widen(argument),
            b"max-age" => set_first(&mut self.max_age, argument),
            b"s-maxage" => set_first(&mut self.s_maxage, argument),
            b"must-revalidate" => self.must_revalidate = true,
            b"proxy-revalidate" => self.proxy_revalidate = true,
            b"must-understand" => self.must_understand = true,
            b"no-transform" => self.no_transform = true,
            b"immutable" => self.immutable = true,
            b"stale-while-revalidate" => set_first(&mut self.stale_while_revalidate, argument),
            b"stale-if-error" => set_first(&mut self.stale_if_error, argument),
            _ => {}
        }
    }

    /// Whether a shared cache is told to keep its hands off: `no-store`, or `private` or `no-cache` for the whole.
    #[must_use]
    pub fn forbids_shared_reuse(&self) -> bool {
        self.no_store || self.private == Scope::Response || self.no_cache == Scope::Response
    }

    /// The lifetime a shared cache is given: `s-maxage` before `max-age` (RFC 9111 §4.2.1).
    #[must_use]
    pub fn shared_lifetime(&self) -> Option<u64> {
        self.s_maxage.or(self.max_age)
    }
}

impl Scope {
    /// Adds one more occurrence of the directive. An argument that cannot be read covers the whole response.
    fn widen(&mut self, argument: Option<&[u8]>) {
        let names = argument.and_then(unquote).and_then(FieldNames::parse);
        let occurrence = names.map_or(Self::Response, Self::Fields);
        *self = match (std::mem::take(self), occurrence) {
            (Self::Nothing, occurrence) => occurrence,
            (Self::Fields(first), Self::Fields(second)) => {
                first.joined(second).map_or(Self::Response, Self::Fields)
            }
            _ => Self::Response,
        };
    }
}

impl FieldNames {
    fn joined(mut self, other: Self) -> Option<Self> {
        self.0.extend(other.0);
        (self.0.len() <= FIELD_NAMES_MAX).then_some(self)
    }
}

fn set_first(lifetime: &mut Option<u64>, argument: Option<&[u8]>) {
    if lifetime.is_none() {
        *lifetime = argument.and_then(unquote).and_then(delta_seconds);
    }
}

/// RFC 9111 §1.2.2: a non-negative whole number; a large one saturates.
fn delta_seconds(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |sum, &byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        Some((sum * 10 + digit).min(DELTA_SECONDS_MAX))
    })
}

impl fmt::Display for CacheControl {
    /// Writes the directives in a fixed order, so that equal values are equal text; nothing when there is none.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut list = DirectiveWriter {
            out: f,
            separator: "",
        };
        list.flag("public", self.public)?;
        list.scope("private", &self.private)?;
        list.flag("no-store", self.no_store)?;
        list.scope("no-cache", &self.no_cache)?;
        list.lifetime("max-age", self.max_age)?;
        list.lifetime("s-maxage", self.s_maxage)?;
        list.flag("must-revalidate", self.must_revalidate)?;
        list.flag("proxy-revalidate", self.proxy_revalidate)?;
        list.flag("must-understand", self.must_understand)?;
        list.flag("no-transform", self.no_transform)?;
        list.flag("immutable", self.immutable)?;
        list.lifetime("stale-while-revalidate", self.stale_while_revalidate)?;
        list.lifetime("stale-if-error", self.stale_if_error)
    }
}

struct DirectiveWriter<'f, 'out> {
    out: &'f mut fmt::Formatter<'out>,
    separator: &'static str,
}

impl DirectiveWriter<'_, '_> {
    fn write(&mut self, directive: fmt::Arguments<'_>) -> fmt::Result {
        self.out.write_str(self.separator)?;
        self.separator = ", ";
        self.out.write_fmt(directive)
    }

    fn flag(&mut self, name: &str, present: bool) -> fmt::Result {
        if present {
            self.write(format_args!("{name}"))
        } else {
            Ok(())
        }
    }

    fn lifetime(&mut self, name: &str, seconds: Option<u64>) -> fmt::Result {
        seconds.map_or(Ok(()), |s| self.write(format_args!("{name}={s}")))
    }

    fn scope(&mut self, name: &str, scope: &Scope) -> fmt::Result {
        match scope {
            Scope::Nothing => Ok(()),
            Scope::Response => self.write(format_args!("{name}")),
            // RFC 9111 §5.2.2.4: the quoted form, even for one name.
            Scope::Fields(names) => self.write(format_args!("{name}=\"{}\"", names.0.join(", "))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        CacheControl, DELTA_SECONDS_MAX, DIRECTIVES_MAX, FIELD_NAMES_MAX, FieldNames, Scope,
    };
    use proptest::prelude::*;

    /// Reads `value` and compares its canonical text.
    #[track_caller]
    fn check(value: &str, canonical: &str) {
        let read = CacheControl::parse(value.as_bytes());
        assert_eq!(read.to_string(), canonical, "{value:?}");
        assert_eq!(
            CacheControl::parse(canonical.as_bytes()),
            read,
            "{canonical:?} reads back"
        );
    }

    #[test]
    fn rfc9111_5_2_2_every_directive() {
        check("public", "public");
        check("private, max-age=60", "private, max-age=60");
        check("no-store", "no-store");
        check("no-cache", "no-cache");
        check("s-maxage=600, max-age=60", "max-age=60, s-maxage=600");
        check(
            "must-revalidate, proxy-revalidate, must-understand, no-transform",
            "must-revalidate, proxy-revalidate, must-understand, no-transform",
        );
        check("max-age=31536000,immutable", "max-age=31536000, immutable");
        check(
            "stale-if-error=5, stale-while-revalidate=6",
            "stale-while-revalidate=6, stale-if-error=5",
        );
        check("", "");
    }

    #[test]
    fn rfc9111_5_2_names_in_any_case_arguments_in_either_form() {
        check("Max-Age=600", "max-age=600");
        check("max-age=\"600\"", "max-age=600");
        check("NO-STORE", "no-store");
        check("private=Set-Cookie", "private=\"set-cookie\"");
    }

    #[test]
    fn rfc9111_5_2_2_4_named_fields() {
        check(
            "no-cache=\"Set-Cookie, X-A\", max-age=1",
            "no-cache=\"set-cookie, x-a\", max-age=1",
        );
        check("private=\"a\", private=\"b\"", "private=\"a, b\"");
        check("private=\"a\", private", "private");
        // What cannot be read covers everything.
        for unreadable in [
            "private=\"\"",
            "private=",
            "private=\"a",
            "private=\"a b\"",
            "private=\",\"",
        ] {
            check(unreadable, "private");
        }
        let many = vec!["a"; FIELD_NAMES_MAX + 1].join(",");
        check(&format!("private=\"{many}\""), "private");
        assert_eq!(
            FieldNames::parse(b"X-A, b")
                .unwrap()
                .iter()
                .collect::<Vec<_>>(),
            ["x-a", "b"]
        );
    }

    #[test]
    fn a_lifetime_that_is_no_number_counts_as_not_sent() {
        for bad in [
            "max-age=abc",
            "max-age",
            "max-age=",
            "max-age=-1",
            "max-age=1.5",
            "max-age= 1",
            "max-age =1",
            "max-age=\"1",
            "max-age=0x1",
            "max-age=1 2",
        ] {
            check(bad, "");
        }
        check("max-age=abc, max-age=60, max-age=5", "max-age=60");
    }

    #[test]
    fn rfc9111_1_2_2_a_large_lifetime_saturates() {
        check(
            "max-age=99999999999999999999999999",
            &format!("max-age={DELTA_SECONDS_MAX}"),
        );
        check(
            "max-age=4294967295",
            &format!("max-age={DELTA_SECONDS_MAX}"),
        );
        check("max-age=3153600000", "max-age=3153600000");
    }

    #[test]
    fn rfc9111_5_2_3_unknown_directives_are_ignored() {
        check("community=\"UCI, no-store\", x, max-age=1", "max-age=1");
        check(",, ,max-age=1,", "max-age=1");
        check("no-store2, xno-store", "");
    }

    #[test]
    fn a_field_beyond_the_limit_is_not_stored() {
        let many = |count: usize| vec!["public"; count].join(",");
        check(&many(DIRECTIVES_MAX), "public");
        check(&many(DIRECTIVES_MAX + 1), "no-store");
    }

    #[test]
    fn what_a_shared_cache_may_reuse() {
        for (value, forbids) in [
            ("no-store", true),
            ("private", true),
            ("no-cache", true),
            ("private=\"x\"", false),
            ("no-cache=\"Set-Cookie\"", false),
            ("max-age=0", false),
            ("", false),
        ] {
            assert_eq!(
                CacheControl::parse(value.as_bytes()).forbids_shared_reuse(),
                forbids,
                "{value}"
            );
        }
        assert_eq!(
            CacheControl::parse(b"s-maxage=1, max-age=2").shared_lifetime(),
            Some(1)
        );
        assert_eq!(CacheControl::parse(b"max-age=2").shared_lifetime(), Some(2));
    }

    fn any_scope() -> impl Strategy<Value = Scope> {
        let names = proptest::collection::vec("[a-z][a-z-]{0,8}", 1..=FIELD_NAMES_MAX);
        prop_oneof![
            Just(Scope::Nothing),
            Just(Scope::Response),
            names.prop_map(|names| Scope::Fields(
                FieldNames::parse(names.join(",").as_bytes()).unwrap()
            )),
        ]
    }

    fn any_lifetime() -> impl Strategy<Value = Option<u64>> {
        proptest::option::of(0..=DELTA_SECONDS_MAX)
    }

    prop_compose! {
        fn any_value()(
            flags in any::<[bool; 7]>(), private in any_scope(), no_cache in any_scope(),
            max_age in any_lifetime(), s_maxage in any_lifetime(), swr in any_lifetime(), sie in any_lifetime(),
        ) -> CacheControl {
            let [public, no_store, must_revalidate, proxy_revalidate, must_understand, no_transform, immutable] = flags;
            CacheControl {
                public, private, no_store, no_cache, max_age, s_maxage, must_revalidate, proxy_revalidate, must_understand,
                no_transform, immutable, stale_while_revalidate: swr, stale_if_error: sie,
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(value in any_value()) {
            prop_assert_eq!(CacheControl::parse(value.to_string().as_bytes()), value);
        }

        #[test]
        fn any_bytes_become_canonical_in_one_step(bytes in proptest::collection::vec(any::<u8>(), 0..96)) {
            let read = CacheControl::parse(&bytes);
            prop_assert_eq!(CacheControl::parse(read.to_string().as_bytes()), read);
        }
    }
}
