//! PC030: release files that vanish or go stale.

use super::Site;
use super::buckets::origin_buckets;
use super::paths::meet;
use crate::catalogue::Case;
use crate::pattern::{Pattern, contains};
use crate::report::{Finding, Report};
use crate::template::Resource;
use crate::tree::Node;

/// What expires a current object.
const EXPIRY: [&str; 4] = [
    "ExpirationInDays",
    "ExpirationDate",
    "Expiration",
    "ExpiredObjectDeleteMarker",
];
const DEPLOYMENT: &str = "Custom::CDKBucketDeployment";

pub(super) fn check(site: &Site<'_>, report: &mut Report) {
    for bucket in site.world.resources.of("AWS::S3::Bucket") {
        if holds_releases(site, bucket) {
            lifecycle(bucket, report);
        }
    }
    for deployment in site.world.resources.of(DEPLOYMENT) {
        prune(site, deployment, report);
        invalidation(site, deployment, report);
    }
    let store = site
        .intent
        .is_some_and(|intent| !intent.release_buckets().is_empty());
    if store && !site.cdn.config().get("CacheTagConfig").is_there() {
        let message =
            "the release store could invalidate by tag, but the distribution names no tag header";
        report.push(Finding::new(
            Case::TagsOff,
            site.cdn.place(&["CacheTagConfig"]),
            message,
        ));
    }
}

/// A bucket that the manifest names for releases; without a manifest one that is an origin.
fn holds_releases(site: &Site<'_>, bucket: &Resource) -> bool {
    match site.intent {
        Some(intent) => {
            let name = bucket.properties.get("BucketName").literal();
            name.is_some_and(|name| intent.release_buckets().contains(name))
        }
        None => origin_buckets(site).contains(&bucket.id),
    }
}

fn lifecycle(bucket: &Resource, report: &mut Report) {
    let rules = bucket
        .properties
        .path(&["LifecycleConfiguration", "Rules"])
        .items();
    for (index, rule) in rules.iter().enumerate() {
        let enabled = rule.get("Status").literal() == Some("Enabled");
        let expires = EXPIRY.iter().take(3).find(|name| rule.get(name).is_there());
        let tagged = rule.get("TagFilters").is_there() || rule.get("TagFilter").is_there();
        if let Some(expires) = expires.filter(|_| enabled && !tagged) {
            let after = rule.get(expires).literal().unwrap_or("some time");
            let place = bucket.place(&["LifecycleConfiguration", "Rules", &index.to_string()]);
            let message = format!(
                "a lifecycle rule expires current objects of release bucket `{}` ({expires} {after}): without a deployment in that time the live release is deleted",
                bucket.id
            );
            report.push(Finding::new(Case::Lifecycle, place, message));
        }
    }
}

fn prune(site: &Site<'_>, deployment: &Resource, report: &mut Report) {
    let bucket = deployment
        .properties
        .get("DestinationBucketName")
        .resource();
    let bucket = bucket.and_then(|id| site.world.resources.get(id));
    let ours = bucket.is_some_and(|bucket| {
        holds_releases(site, bucket) || origin_buckets(site).contains(&bucket.id)
    });
    if ours && !deployment.properties.get("Prune").is_false() {
        let message = "each deployment deletes files that open tabs still ask for";
        report.push(Finding::new(
            Case::Prune,
            deployment.place(&["Prune"]),
            message,
        ));
    }
}

fn invalidation(site: &Site<'_>, deployment: &Resource, report: &mut Report) {
    let paths = deployment.properties.get("DistributionPaths").texts();
    for path in paths.iter().filter(|path| *path != "/*") {
        let pattern = Pattern::new(path);
        for one in &site.behaviors {
            if meet(&pattern, &one.behavior.pattern)
                && rewrites(site, one.behavior.viewer_request())
            {
                let message = format!(
                    "invalidating `{path}` has no effect under `{}`: a viewer-request function rewrites the URI before the cache key",
                    one.path()
                );
                let place = deployment.place(&["DistributionPaths"]);
                report.push(
                    Finding::new(Case::RewrittenInvalidation, place, message).about(one.path()),
                );
            }
            // What is wholly under this behavior meets none after it.
            if contains(&one.behavior.pattern, &pattern) == Ok(true) {
                break;
            }
        }
    }
}

/// Whether a function of the template assigns the request's path.
fn rewrites(site: &Site<'_>, function: Option<&Node>) -> bool {
    let id = function.and_then(|node| {
        node.get("FunctionARN")
            .resource()
            .or_else(|| node.get("FunctionArn").resource())
    });
    let function = id.and_then(|id| site.world.resources.get(id));
    let code = function.and_then(|one| one.properties.get("FunctionCode").literal());
    code.is_some_and(|code| {
        code.match_indices(".uri").any(|(at, found)| {
            let after = code
                .get(at + found.len()..)
                .unwrap_or_default()
                .trim_start();
            let assigns = after.starts_with('=') && !after.starts_with("==");
            assigns || after.starts_with("+=")
        })
    })
}
