//! Whether a behavior caches at all, and whether requests for the same object wait for one another
//! (DG:RequestAndResponseBehaviorCustomOrigin, DG:Cookies).

use crate::distribution::{Behavior, CacheSettings, HeadersAll, LegacyCookies};
use crate::selection::Names;

/// Whether anything is cached. Nothing is where all TTLs are zero, or where legacy settings forward all headers.
#[must_use]
pub fn caches(behavior: &Behavior) -> bool {
    let all_headers = match &behavior.caching {
        CacheSettings::Legacy(legacy) => legacy.headers == HeadersAll::All,
        CacheSettings::Policy(_) => false,
    };
    !all_headers && !behavior.caching.ttls().disable_caching()
}

/// Whether cookies reach the origin, by whatever setting. Copies are then not revalidated, and `Set-Cookie` is kept.
#[must_use]
pub fn forwards_cookies(behavior: &Behavior) -> bool {
    let cached = match &behavior.caching {
        CacheSettings::Policy(policy) => policy.cookies != Names::Nothing,
        CacheSettings::Legacy(legacy) => legacy.cookies != LegacyCookies::None,
    };
    let requested = behavior.origin_request.as_ref();
    cached || requested.is_some_and(|policy| policy.cookies != Names::Nothing)
}

/// Whether requests for an absent object wait for the first one. Never where the answer may be somebody's own.
#[must_use]
pub fn may_collapse(behavior: &Behavior) -> bool {
    caches(behavior) && !forwards_cookies(behavior)
}
