//! Cache behaviors.
//!
//! Always holds: a behavior's target and policies are found or reported; each event has one function at most.
//! Deliberately absent: the order of behaviors, which the distribution holds.

mod functions;

use super::legacy::legacy;
use super::resources::Resources;
use crate::fault::Rule;
use crate::read::{Item, Object};
use portcullis_edge::distribution::{
    Behavior, CacheSettings, HeadersAll, Origin, OriginGroup, OriginKind, Target, Trusted,
};
use portcullis_edge::freshness::Ttls;
use portcullis_edge::gate::{AllowedMethods, ViewerProtocolPolicy};

/// The most key groups of one behavior.
const KEY_GROUPS_MAX: usize = 4;
/// What names the lifetimes of legacy settings.
const TTLS: [&str; 3] = ["MinTTL", "DefaultTTL", "MaxTTL"];

/// What behaviors refer to.
pub(crate) struct Scope<'a> {
    pub(crate) resources: &'a Resources,
    pub(crate) origins: &'a [Origin],
    pub(crate) groups: &'a [OriginGroup],
}

/// A behavior; the pattern is read by whoever knows that there is one.
pub(crate) fn behavior(object: &Object<'_>, scope: &Scope<'_>) -> Behavior {
    let target = target(object, scope);
    let viewer_protocol = viewer_protocol(object);
    let (methods, caches_options) = methods(object);
    let caching = caching(object, scope);
    check_s3_key(object, target, &caching, scope);
    let behavior = Behavior {
        // Without one there is a fault, and what is read here goes nowhere.
        target: target.unwrap_or(Target::Origin(0)),
        viewer_protocol,
        methods,
        caches_options,
        compress: object.boolean("Compress"),
        origin_request: origin_request(object, scope),
        caching,
        response_headers: response_headers(object, scope),
        trusted: trusted(object, scope),
        functions: functions::functions(object),
        field_encryption: object.text("FieldLevelEncryptionId").map(str::to_owned),
        smooth_streaming: object.boolean("SmoothStreaming"),
        grpc: enabled(object, "GrpcConfig"),
        real_time_log: object.text("RealtimeLogConfigArn").map(str::to_owned),
    };
    check_field_encryption(object, &behavior);
    object.end(&[]);
    behavior
}

fn enabled(object: &Object<'_>, name: &str) -> bool {
    let Some(config) = object.object(name) else {
        return false;
    };
    let enabled = config.boolean("Enabled");
    config.end(&[]);
    enabled
}

fn target(object: &Object<'_>, scope: &Scope<'_>) -> Option<Target> {
    let id = object.required_text("TargetOriginId")?;
    let origin = scope.origins.iter().position(|origin| origin.id == id);
    let group = || scope.groups.iter().position(|group| group.id == id);
    let target = origin
        .map(Target::Origin)
        .or_else(|| group().map(Target::Group));
    if target.is_none() {
        let message = format!("`{id}` is no origin and no origin group of this distribution");
        object.fault_at("TargetOriginId", Rule::NoSuchOrigin, message);
    }
    target
}

fn viewer_protocol(object: &Object<'_>) -> ViewerProtocolPolicy {
    let read = object.required("ViewerProtocolPolicy").and_then(|item| {
        item.one_of(&[
            ("allow-all", ViewerProtocolPolicy::AllowAll),
            ("https-only", ViewerProtocolPolicy::HttpsOnly),
            ("redirect-to-https", ViewerProtocolPolicy::RedirectToHttps),
        ])
    });
    read.unwrap_or(ViewerProtocolPolicy::HttpsOnly)
}

/// The methods that are allowed, and whether OPTIONS is cached.
fn methods(object: &Object<'_>) -> (AllowedMethods, bool) {
    let (allowed, cached) = if object.is_template() {
        (object.get("AllowedMethods"), object.get("CachedMethods"))
            .map_both(|item| item.map(Item::items))
    } else {
        match object.object("AllowedMethods") {
            None => (None, None),
            Some(config) => {
                let cached = config.get("CachedMethods").map(Item::items);
                let allowed = config.counted_items(false);
                config.end(&[]);
                (Some(allowed), cached)
            }
        }
    };
    let allowed = allowed.map_or(Some(AllowedMethods::GetHead), |items| set(&items));
    let cached = cached.map_or(Some(AllowedMethods::GetHead), |items| set(&items));
    let (Some(allowed), Some(cached)) = (allowed, cached) else {
        let message = "methods are GET and HEAD; these and OPTIONS; or all seven";
        object.fault_at("AllowedMethods", Rule::InvalidArgument, message);
        return (AllowedMethods::GetHead, false);
    };
    let options = cached == AllowedMethods::GetHeadOptions;
    if cached == AllowedMethods::All || (options && allowed == AllowedMethods::GetHead) {
        let message = "cached methods are GET, HEAD and, where it is allowed, OPTIONS";
        object.fault_at("AllowedMethods", Rule::InvalidArgument, message);
    }
    (allowed, options)
}

trait Both<T> {
    fn map_both<U>(self, f: impl Fn(T) -> U) -> (U, U);
}

impl<T> Both<T> for (T, T) {
    fn map_both<U>(self, f: impl Fn(T) -> U) -> (U, U) {
        (f(self.0), f(self.1))
    }
}

fn set(items: &[Item<'_>]) -> Option<AllowedMethods> {
    let mut names: Vec<&str> = items.iter().filter_map(Item::text).collect();
    names.sort_unstable();
    names.dedup();
    match names.as_slice() {
        ["GET", "HEAD"] => Some(AllowedMethods::GetHead),
        ["GET", "HEAD", "OPTIONS"] => Some(AllowedMethods::GetHeadOptions),
        ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"] => Some(AllowedMethods::All),
        _ => None,
    }
}

fn caching(object: &Object<'_>, scope: &Scope<'_>) -> CacheSettings {
    let Some(id) = object.text("CachePolicyId") else {
        if object.get("ForwardedValues").is_none() {
            let message = "a behavior has a cache policy or `ForwardedValues`";
            object.fault_at("CachePolicyId", Rule::InvalidArgument, message);
        }
        return CacheSettings::Legacy(legacy(object));
    };
    for name in ["ForwardedValues"].iter().chain(&TTLS) {
        if object.get(name).is_some() {
            let message = "legacy settings do not stand beside a cache policy";
            object.fault_at(name, Rule::InvalidArgument, message);
        }
    }
    if let Some(policy) = scope.resources.cache_policy(id) {
        return CacheSettings::Policy(policy.clone());
    }
    let message = format!("cache policy `{id}` is not a managed one and was not given");
    object.fault_at("CachePolicyId", Rule::NoSuchCachePolicy, message);
    nothing()
}

/// Stands where a policy is missing, which was reported.
fn nothing() -> CacheSettings {
    use portcullis_edge::distribution::{LegacyCookies, LegacyForwarding, LegacyQuery};
    CacheSettings::Legacy(LegacyForwarding {
        ttls: Ttls {
            min: 0,
            default: 0,
            max: 0,
        },
        query: LegacyQuery::None,
        cookies: LegacyCookies::None,
        headers: HeadersAll::Listed(Vec::new()),
    })
}

fn origin_request(
    object: &Object<'_>,
    scope: &Scope<'_>,
) -> Option<portcullis_edge::distribution::OriginRequestPolicy> {
    const NAME: &str = "OriginRequestPolicyId";
    let id = object.text(NAME)?;
    if object.text("CachePolicyId").is_none() {
        let message = "an origin request policy needs a cache policy beside it";
        object.fault_at(NAME, Rule::InvalidArgument, message);
    }
    let policy = scope.resources.origin_request_policy(id);
    if policy.is_none() {
        let message =
            format!("origin request policy `{id}` is not a managed one and was not given");
        object.fault_at(NAME, Rule::NoSuchOriginRequestPolicy, message);
    }
    policy.cloned()
}

fn response_headers(
    object: &Object<'_>,
    scope: &Scope<'_>,
) -> Option<std::sync::Arc<portcullis_edge::distribution::ResponseHeadersPolicy>> {
    const NAME: &str = "ResponseHeadersPolicyId";
    let id = object.text(NAME)?;
    let policy = scope.resources.response_headers_policy(id);
    if policy.is_none() {
        let message =
            format!("response headers policy `{id}` is not a managed one and was not given");
        object.fault_at(NAME, Rule::NoSuchResponseHeadersPolicy, message);
    }
    policy.cloned()
}

/// The ids of a list that can be switched off.
fn switched(object: &Object<'_>, name: &str) -> Vec<String> {
    if object.is_template() {
        return object.texts(name);
    }
    let Some(config) = object.object(name) else {
        return Vec::new();
    };
    let (items, on) = (config.counted_items(false), config.boolean("Enabled"));
    config.end(&[]);
    let texts = items.iter().filter(|_| on).filter_map(Item::text);
    texts.map(str::to_owned).collect()
}

fn trusted(object: &Object<'_>, scope: &Scope<'_>) -> Option<Trusted> {
    const NAME: &str = "TrustedKeyGroups";
    let accounts = switched(object, "TrustedSigners");
    let groups = switched(object, NAME);
    if groups.len() > KEY_GROUPS_MAX {
        let message = format!("{} key groups; at most {KEY_GROUPS_MAX}", groups.len());
        object.fault_at(
            NAME,
            Rule::TooManyKeyGroupsAssociatedToDistribution,
            message,
        );
        return None;
    }
    if groups.is_empty() {
        return (!accounts.is_empty()).then_some(Trusted::Accounts);
    }
    let found = groups.iter().map(|id| scope.resources.key_group(id));
    match found.collect() {
        Ok(groups) => Some(Trusted::KeyGroups(groups)),
        Err(message) => {
            object.fault_at(NAME, Rule::TrustedKeyGroupDoesNotExist, message);
            None
        }
    }
}

fn check_field_encryption(object: &Object<'_>, behavior: &Behavior) {
    if behavior.field_encryption.is_none() {
        return;
    }
    let plain = behavior.viewer_protocol == ViewerProtocolPolicy::AllowAll;
    if plain || behavior.methods != AllowedMethods::All {
        let rule = Rule::IllegalFieldLevelEncryptionConfigAssociationWithCacheBehavior;
        let message = "field-level encryption needs https from viewers, and PUT and POST allowed";
        object.fault_at("FieldLevelEncryptionId", rule, message);
    }
}

/// S3 would look for a bucket of the viewer's host name.
fn check_s3_key(
    object: &Object<'_>,
    target: Option<Target>,
    caching: &CacheSettings,
    scope: &Scope<'_>,
) {
    let origins: Vec<usize> = match target {
        Some(Target::Origin(at)) => vec![at],
        Some(Target::Group(at)) => {
            let group = scope.groups.get(at);
            group
                .map(|group| group.members.to_vec())
                .unwrap_or_default()
        }
        None => Vec::new(),
    };
    let s3 = |at: &usize| {
        let origin = scope.origins.get(*at);
        origin.is_some_and(|origin| matches!(origin.kind, OriginKind::S3 { .. }))
    };
    let (name, headers) = match caching {
        CacheSettings::Policy(policy) => ("CachePolicyId", policy.headers.as_slice()),
        CacheSettings::Legacy(legacy) => match &legacy.headers {
            HeadersAll::Listed(names) => ("ForwardedValues", names.as_slice()),
            HeadersAll::All => return,
        },
    };
    let host = headers.iter().any(|name| name.eq_ignore_ascii_case("host"));
    if host && origins.iter().any(s3) {
        let message = "`Host` must not reach an S3 origin";
        object.fault_at(name, Rule::InvalidHeadersForS3Origin, message);
    }
}
