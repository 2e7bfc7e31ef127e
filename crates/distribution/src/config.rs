//! The JSON of `aws cloudfront get-distribution-config` and `get-distribution`, read into a distribution.
//!
//! Always holds: what CloudFront refuses is refused here under its own error name; every mistake of a text is reported
//! in one run. Deliberately absent: what changes no answer (comments, price class, caller reference), and asking AWS.

mod behavior;
mod deployment;
mod encryption;
mod legacy;
mod managed;
mod origin;
pub(crate) mod policy;
pub(crate) mod resources;
pub(crate) mod response_headers;
mod viewer;

pub use deployment::check_continuous_deployment;
pub use encryption::{EncryptionConfiguration, EncryptionProfile};
pub use managed::{managed_cache_policy, managed_origin_request_policy};
pub use resources::{Quotas, Resources};

use crate::fault::{Fault, Faults, Rule};
use crate::identity::{Identity, derived};
use crate::read::{Dialect, Item, Object, is_json, root};
use crate::value::{Value, parse};
use behavior::Scope;
use portcullis_edge::distribution::{
    BEHAVIORS_MAX, Behavior, Distribution, ORIGINS_MAX, Origin, OriginGroup,
};
use portcullis_edge::path::DefaultRootObject;
use portcullis_edge::pattern::PathPattern;

/// CloudFront's quota of behaviors, the default one included.
const BEHAVIORS_QUOTA: usize = 75;
/// CloudFront's quota of origin groups.
const GROUPS_QUOTA: usize = 10;
/// Members that change no answer, or whose absence changes none.
const PASSED_OVER: [&str; 8] = [
    "AnycastIpListId",
    "CallerReference",
    "Comment",
    "ConnectionFunctionAssociation",
    "ConnectionMode",
    "PriceClass",
    "Tags",
    "TenantConfig",
];

/// Reads a distribution: a `DistributionConfig`, or an answer of the API that holds one.
///
/// # Errors
/// Every mistake in the text, and everything it refers to that `resources` does not hold.
pub fn read(bytes: &[u8], resources: &Resources) -> Result<Distribution, Vec<Fault>> {
    let faults = Faults::default();
    let value = parse(bytes, &faults);
    let read = value.and_then(|value| {
        let item = root(&faults, Dialect::Api, is_json(bytes), &value);
        answer(item, resources)
    });
    faults.end(read)
}

/// Reads the `DistributionConfig` of an update, whose scalars have no quotes, for a distribution that exists.
///
/// # Errors
/// As [`read`].
pub fn read_update(
    config: &Value,
    resources: &Resources,
    id: &str,
    domain: &str,
) -> Result<Distribution, Vec<Fault>> {
    let faults = Faults::default();
    let identity = Identity {
        id: id.to_owned(),
        domain: domain.to_owned(),
    };
    let item = root(&faults, Dialect::Api, false, config);
    let read = distribution(item, resources, identity);
    faults.end(read)
}

/// The `DistributionConfig` in a text that [`read`] reads.
#[must_use]
pub fn config_of(bytes: &[u8]) -> Option<Value> {
    let whole = parse(bytes, &Faults::default())?;
    let outer = whole.get("Distribution").unwrap_or(&whole);
    let config = outer.get("DistributionConfig").unwrap_or(outer);
    config.get("DefaultCacheBehavior")?;
    Some(config.clone())
}

/// Takes the wrappers off.
fn answer(item: Item<'_>, resources: &Resources) -> Option<Distribution> {
    let wrapped = |name| item.value.get(name).is_some();
    if !wrapped("Distribution") && !wrapped("DistributionConfig") {
        let reference = item.value.get("CallerReference");
        let reference = reference.and_then(|value| value.as_text());
        let identity = derived(reference.unwrap_or_default());
        return distribution(item, resources, identity);
    }
    let whole = item.clone().object()?;
    whole.end(&["ETag", "Distribution", "DistributionConfig"]);
    let outer = match whole.object("Distribution") {
        Some(outer) => outer,
        None => whole,
    };
    let config = outer.required("DistributionConfig")?;
    let reference = config.value.get("CallerReference");
    let reference = reference.and_then(|value| value.as_text());
    let mut identity = derived(reference.unwrap_or_default());
    if let (Some(id), Some(domain)) = (outer.text("Id"), outer.text("DomainName")) {
        identity = Identity {
            id: id.to_owned(),
            domain: domain.to_owned(),
        };
    }
    // A fault is named by its place in the configuration.
    let path = String::new();
    distribution(Item { path, ..config }, resources, identity)
}

/// A `DistributionConfig` in either dialect.
pub(crate) fn distribution(
    item: Item<'_>,
    resources: &Resources,
    identity: Identity,
) -> Option<Distribution> {
    let object = item.object()?;
    let origins = origins(&object, resources);
    let groups = groups(&object, &origins, resources.quotas);
    let scope = Scope {
        resources,
        origins: &origins,
        groups: &groups,
    };
    let behaviors = behaviors(&object, &scope);
    let default_behavior = object.required("DefaultCacheBehavior");
    let default_behavior = default_behavior
        .and_then(Item::object)
        .map(|item| behavior::behavior(&item, &scope));
    let aliases = viewer::aliases(&object, resources.quotas);
    let enabled = object.required("Enabled").and_then(|item| item.boolean());
    let read = Distribution {
        id: identity.id,
        domain: identity.domain,
        enabled: enabled.unwrap_or(false),
        default_root: default_root(&object),
        viewer: viewer::connections(&object, !aliases.is_empty()),
        aliases,
        behaviors,
        default_behavior: default_behavior?,
        errors: viewer::errors(&object),
        geo: viewer::geo(&object),
        logging: viewer::logging(&object),
        cache_tag_header: cache_tag_header(&object),
        web_acl: object.text("WebACLId").map(str::to_owned),
        continuous_deployment: object
            .text("ContinuousDeploymentPolicyId")
            .map(str::to_owned),
        staging: object.boolean("Staging"),
        origins,
        groups,
    };
    check_deployment(&object, &read);
    object.end(&PASSED_OVER);
    Some(read)
}

fn origins(object: &Object<'_>, resources: &Resources) -> Vec<Origin> {
    let items = object.required("Origins").map(Item::items);
    let items = items.unwrap_or_default();
    if items.is_empty() {
        let message = "a distribution has at least one origin";
        object.fault_at("Origins", Rule::InvalidArgument, message);
    }
    if items.len() > ORIGINS_MAX {
        let message = format!("{} origins; at most {ORIGINS_MAX}", items.len());
        object.fault_at("Origins", Rule::TooManyOrigins, message);
    }
    let mut origins: Vec<Origin> = Vec::new();
    for item in items {
        let Some(origin) = origin::origin(item.clone(), resources) else {
            continue;
        };
        if origins.iter().any(|known| known.id == origin.id) {
            let message = format!("a second origin `{}`", origin.id);
            item.fault(Rule::InvalidArgument, message);
        }
        origins.push(origin);
    }
    origins
}

/// CloudFormation counts groups as the API does.
fn groups(object: &Object<'_>, origins: &[Origin], quotas: Quotas) -> Vec<OriginGroup> {
    let items = object.items("OriginGroups");
    if quotas == Quotas::CloudFront && items.len() > GROUPS_QUOTA {
        let message = format!("{} origin groups; at most {GROUPS_QUOTA}", items.len());
        let rule = Rule::TooManyOriginGroupsPerDistribution;
        object.fault_at("OriginGroups", rule, message);
    }
    let groups = items.into_iter();
    groups
        .filter_map(|item| origin::group(item, origins))
        .collect()
}

fn behaviors(object: &Object<'_>, scope: &Scope<'_>) -> Vec<(PathPattern, Behavior)> {
    let items = object.items("CacheBehaviors");
    let most = match scope.resources.quotas {
        Quotas::CloudFront => BEHAVIORS_QUOTA,
        Quotas::Raised => BEHAVIORS_MAX,
    };
    if items.len() + 1 > most {
        let message = format!(
            "{} behaviors with the default one; at most {most}",
            items.len() + 1
        );
        object.fault_at("CacheBehaviors", Rule::TooManyCacheBehaviors, message);
        return Vec::new();
    }
    let mut known = std::collections::BTreeSet::new();
    let read = items.into_iter().filter_map(|item| {
        let object = item.object()?;
        let text = object.required_text("PathPattern");
        let behavior = behavior::behavior(&object, scope);
        let pattern = PathPattern::new(text?)
            .map_err(|error| {
                object.fault_at("PathPattern", Rule::InvalidArgument, error.to_string());
            })
            .ok()?;
        let bare = pattern.as_str().strip_prefix('/');
        if !known.insert(bare.unwrap_or(pattern.as_str()).to_owned()) {
            let message = format!("a second behavior for `{}`", pattern.as_str());
            object.fault_at("PathPattern", Rule::InvalidArgument, message);
        }
        Some((pattern, behavior))
    });
    read.collect()
}

fn default_root(object: &Object<'_>) -> Option<DefaultRootObject> {
    let name = object.text("DefaultRootObject")?;
    DefaultRootObject::new(name)
        .map_err(|error| {
            let (name, rule) = ("DefaultRootObject", Rule::InvalidDefaultRootObject);
            object.fault_at(name, rule, error.to_string());
        })
        .ok()
}

fn cache_tag_header(object: &Object<'_>) -> Option<String> {
    let config = object.object("CacheTagConfig")?;
    let name = config.required_text("HeaderName").map(str::to_owned);
    config.end(&[]);
    name
}

fn check_deployment(object: &Object<'_>, read: &Distribution) {
    if read.continuous_deployment.is_some() && read.viewer.http3 {
        let message = "continuous deployment does not go with HTTP/3";
        object.fault_at("HttpVersion", Rule::IllegalUpdate, message);
    }
}

#[cfg(test)]
mod tests;
