//! How long an answer may be kept, from what the object says, the behavior's TTLs and what its name proves.
//!
//! The edge's lifetime is what CloudFront's own rule makes of the object (developer guide, "Managing how long content
//! stays in the cache"), written out as `s-maxage`, so that whoever reads the answer sees it and CloudFront, applying the
//! rule to what we write, comes to the same number. The browser's lifetime, `max-age`, is never longer than the edge's:
//!
//! | the object says | answer |
//! |---|---|
//! | `no-store`, `private` or `no-cache` for the whole | the same, no `s-maxage`; a minimum TTL above zero wins at the edge all the same (law L2) |
//! | a lifetime `v`: `s-maxage`, else `max-age`, else `Expires` minus now | `s-maxage` = `v` within the TTLs; `max-age` = its own, else 0, at most `s-maxage` |
//! | no lifetime | `s-maxage` = the default TTL, `max-age=0` |
//!
//! With caching disabled the edge keeps nothing. If the behavior's policy admits everyone, the object's own word goes to
//! the browser, without `s-maxage`, or `no-cache` if it has none. Else the answer is `private, no-store`: whether the
//! viewer may see it is decided each time.
//!
//! `immutable` is taken from no metadata. It follows from a [`VersionedName`] alone.

use crate::field::FieldValue;
use crate::store::Metadata;
use portcullis_http_semantics::cache_control::Scope;
use portcullis_http_semantics::{CacheControl, HttpDate};
use portcullis_site::{Behavior, Caching, Effect, Policy, Site, Ttl};

/// A year in seconds: the longest lifetime that is worth stating.
const YEAR: u64 = 31_536_000;

/// Characters of a digest a name must hold to prove it: 32 bits in hexadecimal, 40 in base32, 48 in base64url.
const PROOF_CHARS_MIN: usize = 8;

/// The `Cache-Control` of a 200, 206 or 304 answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lifetime(CacheControl);

/// Proof that a name holds the digest of the object it names, so that other bytes would have another name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VersionedName(());

/// The lifetime an origin states.
#[derive(Debug, Clone, Default)]
pub(super) struct Stated {
    directives: CacheControl,
    /// Seconds until `Expires`, 0 if it has passed or cannot be read.
    expires_in: Option<u64>,
}

impl VersionedName {
    /// Looks for the beginning of `sha256` in a file name: hexadecimal, base32 or base64url, at least
    /// [`PROOF_CHARS_MIN`] characters between the ends of the name, `.`, `-` and `_`.
    #[must_use]
    pub fn prove(file_name: &str, sha256: &[u8; 32]) -> Option<Self> {
        let caseless = file_name.to_ascii_lowercase();
        let found = holds(&caseless, &digits(sha256, 4, b"0123456789abcdef"))
            || holds(
                &caseless,
                &digits(sha256, 5, b"abcdefghijklmnopqrstuvwxyz234567"),
            )
            || holds(
                file_name,
                &digits(
                    sha256,
                    6,
                    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
                ),
            );
        found.then_some(Self(()))
    }

    /// What a release says of a name: publishing has proved it.
    pub(super) fn by_release(versioned: bool) -> Option<Self> {
        versioned.then_some(Self(()))
    }

    /// Whether a name may hold a digest at all, so that it is worth looking one up.
    pub(super) fn is_plausible(file_name: &str) -> bool {
        let is_long =
            |part: &str| part.len() >= PROOF_CHARS_MIN && part.bytes().any(|b| b.is_ascii_digit());
        file_name.split(['.', '-', '_']).any(is_long)
    }
}

/// Whether `name` holds a beginning of `digest` between separators.
fn holds(name: &str, digest: &[u8]) -> bool {
    let is_border = |byte: Option<&u8>| byte.is_none_or(|b| matches!(b, b'.' | b'-' | b'_'));
    let name = name.as_bytes();
    (0..name.len()).any(|start| {
        let (before, run) = name.split_at(start);
        let proof = run.iter().zip(digest).take_while(|(a, b)| a == b).count();
        proof >= PROOF_CHARS_MIN && is_border(before.last()) && is_border(run.get(proof))
    })
}

/// `bytes` in an alphabet of 2^`width` digits, most significant bit first, the last digit filled with zeros.
fn digits(bytes: &[u8], width: usize, alphabet: &[u8]) -> Vec<u8> {
    let bit = |at: usize| {
        bytes
            .get(at / 8)
            .map_or(0, |byte| usize::from(byte >> (7 - at % 8) & 1))
    };
    (0..bytes.len() * 8)
        .step_by(width)
        .filter_map(|start| {
            let value = (start..start + width).fold(0, |value, at| value << 1 | bit(at));
            alphabet.get(value).copied()
        })
        .collect()
}

impl Stated {
    /// What an object's metadata states at `now`, in seconds since the epoch.
    pub(super) fn by_object(metadata: &Metadata, now: u64) -> Self {
        Self::of(
            metadata.cache_control.as_ref(),
            metadata.expires.as_ref(),
            now,
        )
    }

    /// What two fields state at `now`.
    pub(super) fn of(
        cache_control: Option<&FieldValue>,
        expires: Option<&FieldValue>,
        now: u64,
    ) -> Self {
        Self {
            directives: cache_control
                .map(|value| CacheControl::parse(value.as_bytes()))
                .unwrap_or_default(),
            expires_in: expires.map(|value| {
                HttpDate::parse(value.as_bytes())
                    .map_or(0, |d| d.epoch_seconds().saturating_sub(now))
            }),
        }
    }

    /// Whether it states a lifetime or forbids one.
    pub(super) fn says_anything(&self) -> bool {
        self.expires_in.is_some()
            || self.directives.shared_lifetime().is_some()
            || self.directives.forbids_shared_reuse()
    }
}

impl Lifetime {
    /// The lifetime of a representation under `behavior`.
    pub(super) fn of(
        site: &Site,
        behavior: &Behavior,
        stated: Stated,
        versioned: Option<VersionedName>,
    ) -> Self {
        Self(match &behavior.caching {
            Caching::Disabled => uncached(site.policies.get(&behavior.policy), stated, versioned),
            Caching::Enabled { ttl, .. } => cached(*ttl, stated, versioned),
        })
    }

    /// The value of `Cache-Control`.
    #[must_use]
    pub fn to_field_value(&self) -> FieldValue {
        FieldValue::from(&self.0)
    }
}

fn uncached(
    policy: Option<&Policy>,
    stated: Stated,
    versioned: Option<VersionedName>,
) -> CacheControl {
    if !policy.is_some_and(admits_everyone) {
        return CacheControl {
            private: Scope::Response,
            no_store: true,
            ..CacheControl::default()
        };
    }
    let browser = stated.directives.max_age.or(stated.expires_in);
    let directives = for_name(stated.directives, versioned);
    if directives.forbids_shared_reuse() || directives.immutable {
        return CacheControl {
            s_maxage: None,
            ..directives
        };
    }
    CacheControl {
        max_age: browser,
        s_maxage: None,
        no_cache: if browser.is_none() {
            Scope::Response
        } else {
            directives.no_cache
        },
        ..directives
    }
}

fn cached(ttl: Ttl, stated: Stated, versioned: Option<VersionedName>) -> CacheControl {
    let stated_browser = stated.directives.max_age.or(stated.expires_in);
    let stated_edge = stated.directives.shared_lifetime().or(stated.expires_in);
    let directives = for_name(stated.directives, versioned);
    if directives.forbids_shared_reuse() {
        return CacheControl {
            s_maxage: None,
            ..directives
        };
    }
    let (browser, edge) = if directives.immutable {
        (YEAR, within(ttl, YEAR))
    } else {
        let edge = stated_edge.map_or(ttl.min.max(ttl.default).get(), |v| within(ttl, v));
        (stated_browser.unwrap_or(0).min(edge), edge)
    };
    CacheControl {
        max_age: Some(browser),
        s_maxage: Some(edge).filter(|edge| *edge != browser),
        ..directives
    }
}

fn within(ttl: Ttl, lifetime: u64) -> u64 {
    lifetime.min(ttl.max.get()).max(ttl.min.get())
}

/// The directives for a name that proves its content, or does not: an object that forbids reuse is obeyed in any case.
fn for_name(directives: CacheControl, versioned: Option<VersionedName>) -> CacheControl {
    match versioned {
        Some(VersionedName(())) if !directives.forbids_shared_reuse() => CacheControl {
            public: true,
            max_age: Some(YEAR),
            immutable: true,
            no_transform: directives.no_transform,
            ..CacheControl::default()
        },
        _ => CacheControl {
            immutable: false,
            ..directives
        },
    }
}

/// Whether a policy is `allow: any` and nothing else.
fn admits_everyone(policy: &Policy) -> bool {
    policy
        .statements
        .iter()
        .all(|s| s.effect == Effect::Allow && s.when.is_none())
}

#[cfg(test)]
mod tests;
