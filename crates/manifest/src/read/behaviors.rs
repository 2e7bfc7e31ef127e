//! Behaviors, with CloudFront's defaults for what is left out.

use super::{DAY, Reading, stand_in};
use crate::codes;
use crate::view::View;
use portcullis_site::{
    Behavior, CacheKey, Caching, Cors, Effect, Enforcement, LargeObjects, Methods, Name,
    PathPattern, Policy, QueryKey, ResponseHeaders, Seconds, Ttl, ViewerProtocol,
};
use std::collections::BTreeMap;

impl Reading<'_, '_> {
    pub(super) fn behaviors(
        &mut self,
        view: View,
        policies: &BTreeMap<Name, Policy>,
    ) -> Vec<Behavior> {
        let last = view.items().len().saturating_sub(1);
        view.items()
            .enumerate()
            .map(|(i, behavior)| self.behavior(behavior, policies, i == last))
            .collect()
    }

    fn behavior(&mut self, view: View, policies: &BTreeMap<Name, Policy>, last: bool) -> Behavior {
        let policy = view.get("policy").parse(Name::new).unwrap_or_else(stand_in);
        let cached = view.get("caching").text() != Some("disabled");
        if !cached {
            self.without_effect(view);
        }
        let plain = policies.get(&policy).is_none_or(admits_everyone);
        let default_enforcement = if cached && !plain {
            Enforcement::Edge
        } else {
            Enforcement::Origin
        };
        Behavior {
            path: view
                .get("path")
                .parse(PathPattern::new)
                .unwrap_or_else(|| refused_path(last)),
            origin: view.get("origin").parse(Name::new).unwrap_or_else(stand_in),
            enforce: view.get("enforce").word().unwrap_or(default_enforcement),
            caching: if cached {
                Caching::Enabled {
                    key: cache_key(view.get("cache_key")),
                    ttl: ttl(view.get("ttl")),
                }
            } else {
                Caching::Disabled
            },
            methods: self.methods(view.get("methods")),
            viewer_protocol: view
                .get("viewer_protocol")
                .word()
                .unwrap_or(ViewerProtocol::RedirectToHttps),
            compress: view.get("compress").flag().unwrap_or(cached),
            response_headers: response_headers(view.get("response_headers")),
            large_objects: large_objects(view.get("large_objects")),
            policy,
        }
    }

    /// Keys that only a cache gives a meaning.
    fn without_effect(&mut self, view: View) {
        let compress = view.get("compress");
        let compress = if compress.flag() == Some(true) {
            Some(("compress: true", compress))
        } else {
            None
        };
        let set = ["cache_key", "ttl"]
            .map(|key| Some((key, view.get(key))).filter(|(_, value)| value.is_present()));
        for (key, value) in set.into_iter().chain([compress]).flatten() {
            self.sink
                .error(
                    codes::NO_EFFECT,
                    value.span(),
                    format!("`{key}` has no effect where caching is disabled"),
                )
                .help("remove it, or remove `caching: disabled`");
        }
    }

    fn methods(&mut self, view: View) -> Methods {
        let given: Vec<&str> = view.items().filter_map(View::text).collect();
        if view.items().len() > 0 && !["GET", "HEAD"].iter().all(|method| given.contains(method)) {
            self.sink
                .error(
                    codes::METHOD,
                    view.span(),
                    "GET and HEAD cannot be left out",
                )
                .help("CloudFront's sets are [GET, HEAD] and [GET, HEAD, OPTIONS]");
        }
        if given.contains(&"OPTIONS") {
            Methods::GetHeadOptions
        } else {
            Methods::GetHead
        }
    }
}

/// Whether the policy is no more than `allow: any`.
fn admits_everyone(policy: &Policy) -> bool {
    matches!(policy.statements.as_slice(), [only] if only.effect == Effect::Allow && only.when.is_none())
}

/// In place of a pattern that was refused: one that covers nothing, or the default if it stands last.
fn refused_path(last: bool) -> PathPattern {
    let nothing = || PathPattern::new("/refused/3f1c9a52d0e84b67").ok();
    Some(last)
        .filter(|last| !last)
        .and_then(|_| nothing())
        .unwrap_or_else(PathPattern::default_behavior)
}

fn cache_key(view: View) -> CacheKey {
    let query = view.get("query");
    CacheKey {
        query: match query.text() {
            Some("all") => QueryKey::All,
            _ if query.is_list() => QueryKey::Only(query.texts()),
            _ => QueryKey::None,
        },
        headers: header_names(view.get("headers")),
        country: view.get("country").flag().unwrap_or(false),
    }
}

/// CloudFront's defaults: 0s, then a day or the minimum, then a year or the default.
fn ttl(view: View) -> Ttl {
    let min = view.get("min").seconds_or(0);
    let default = view
        .get("default")
        .seconds()
        .unwrap_or_else(|| Seconds::of(DAY).max(min));
    let max = view
        .get("max")
        .seconds()
        .unwrap_or_else(|| Seconds::of(365 * DAY).max(default));
    Ttl { min, default, max }
}

fn response_headers(view: View) -> ResponseHeaders {
    let cors = view.get("cors");
    ResponseHeaders {
        security: view.get("security").word().unwrap_or_default(),
        cors: cors.is_present().then(|| Cors {
            allow_origins: cors.get("allow_origins").texts(),
            allow_headers: header_names(cors.get("allow_headers")),
            expose_headers: header_names(cors.get("expose_headers")),
            max_age: cors.get("max_age").seconds_or(600),
        }),
    }
}

/// Header names are the same in any case.
fn header_names(view: View) -> Vec<String> {
    view.list(|item| item.text().map(str::to_lowercase))
}

fn large_objects(view: View) -> LargeObjects {
    let hand_off = view.get("hand_off");
    if !hand_off.is_present() {
        return view.word().unwrap_or_default();
    }
    LargeObjects::HandOff {
        path: hand_off.get("path").text().unwrap_or_default().to_owned(),
        key_group: hand_off
            .get("key_group")
            .parse(Name::new)
            .unwrap_or_else(stand_in),
        expires: hand_off.get("expires").seconds_or(300),
    }
}
