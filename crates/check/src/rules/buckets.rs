//! PC025, PC026: how buckets are read, and by whom else.

use super::function_url::access_control;
use super::{Site, at};
use crate::catalogue::Case;
use crate::distribution::{Origin, OriginKind};
use crate::report::{Finding, Report};
use crate::template::Resource;
use crate::tree::{Node, Piece};
use std::collections::BTreeSet;

const BLOCKS: [&str; 4] = [
    "BlockPublicAcls",
    "BlockPublicPolicy",
    "IgnorePublicAcls",
    "RestrictPublicBuckets",
];
const CLOUDFRONT: &str = "cloudfront.amazonaws.com";

pub(super) fn check(site: &Site<'_>, report: &mut Report) {
    for origin in &site.cdn.origins {
        read(site, origin, report);
    }
    let buckets = site
        .world
        .resources
        .of("AWS::S3::Bucket")
        .filter(|bucket| is_ours(site, bucket));
    for bucket in buckets {
        blocks(bucket, report);
        let policies = site.world.resources.of("AWS::S3::BucketPolicy");
        for policy in policies.filter(|policy| is_for(policy, bucket)) {
            grants(site, bucket, policy, report);
        }
    }
}

fn read(site: &Site<'_>, origin: &Origin, report: &mut Report) {
    let id = &origin.id;
    let mut add = |case: Case, property: &str, message: String| {
        report.push(Finding::new(
            case,
            site.cdn.place_of_origin(origin, property),
            message,
        ));
    };
    if origin.kind == OriginKind::Website {
        add(
            Case::Website,
            "DomainName",
            format!("`{id}` is a website endpoint: plain HTTP, public by nature"),
        );
        return;
    }
    if !origin.is_bucket() {
        return;
    }
    let identity = origin
        .node
        .path(&["S3OriginConfig", "OriginAccessIdentity"]);
    let identity = identity.is_there() && identity.literal() != Some("");
    let control = origin.node.get("OriginAccessControlId").is_there();
    match (identity, control) {
        (true, true) => add(
            Case::IdentityAndControl,
            "S3OriginConfig",
            format!("origin `{id}` names an identity and an access control"),
        ),
        (true, false) => add(
            Case::LegacyIdentity,
            "S3OriginConfig",
            format!("origin `{id}` uses an origin access identity: no KMS, no newer Regions"),
        ),
        (false, false) => add(
            Case::BucketUnsigned,
            "OriginAccessControlId",
            format!(
                "origin `{id}` reads its bucket unsigned: it works only if the bucket is public"
            ),
        ),
        (false, true) => {
            let signing = access_control(site, origin)
                .and_then(|control| control.get("SigningBehavior").literal());
            if let Some(signing) = signing.filter(|signing| *signing != "always") {
                add(
                    Case::BucketSigning,
                    "OriginAccessControlId",
                    format!("the access control of `{id}` signs `{signing}`"),
                );
            }
        }
    }
}

/// The buckets that are origins.
pub(super) fn origin_buckets(site: &Site<'_>) -> BTreeSet<String> {
    let named = site
        .cdn
        .origins
        .iter()
        .filter_map(|origin| match &origin.kind {
            OriginKind::Bucket(id) => id.clone(),
            _ => None,
        });
    named.collect()
}

fn is_ours(site: &Site<'_>, bucket: &Resource) -> bool {
    let named = bucket.properties.get("BucketName").literal();
    let by_manifest = site
        .intent
        .zip(named)
        .is_some_and(|(intent, name)| intent.buckets().contains(name));
    origin_buckets(site).contains(&bucket.id) || by_manifest
}

fn is_for(policy: &Resource, bucket: &Resource) -> bool {
    let named = policy.properties.get("Bucket");
    let by_name = named.literal().is_some()
        && named.literal() == bucket.properties.get("BucketName").literal();
    named.resource() == Some(bucket.id.as_str()) || by_name
}

fn blocks(bucket: &Resource, report: &mut Report) {
    let block = bucket.properties.get("PublicAccessBlockConfiguration");
    for setting in BLOCKS {
        if block.get(setting).is_false() {
            let place = bucket.place(&["PublicAccessBlockConfiguration", setting]);
            let message = format!(
                "public access block of `{}` is switched off ({setting})",
                bucket.id
            );
            report.push(Finding::new(Case::BlockOff, place, message));
        }
    }
    if !block.is_there() {
        let message = format!(
            "public access block of `{}` is not stated; new buckets block by default",
            bucket.id
        );
        report.push(Finding::new(Case::BlockUnset, bucket.place(&[]), message));
    }
    let access = bucket
        .properties
        .get("AccessControl")
        .literal()
        .unwrap_or_default();
    if access.starts_with("PublicRead") {
        let message = format!(
            "bucket `{}` is readable by everybody: every policy in front of it is void",
            bucket.id
        );
        report.push(Finding::new(
            Case::PublicBucket,
            bucket.place(&["AccessControl"]),
            message,
        ));
    }
}

fn grants(site: &Site<'_>, bucket: &Resource, policy: &Resource, report: &mut Report) {
    let statements = policy
        .properties
        .path(&["PolicyDocument", "Statement"])
        .items();
    for (index, statement) in statements.iter().enumerate() {
        if statement.get("Effect").literal() != Some("Allow") {
            continue;
        }
        let place = || {
            at(
                site.world,
                &policy.id,
                &["PolicyDocument", "Statement", &index.to_string()],
            )
        };
        if is_everybody(statement.get("Principal")) && !statement.get("Condition").is_there() {
            let message = format!(
                "bucket `{}` is readable by everybody: every policy in front of it is void",
                bucket.id
            );
            report.push(Finding::new(Case::PublicBucket, place(), message));
        }
        let service = statement.path(&["Principal", "Service"]).texts();
        if !service.iter().any(|name| name == CLOUDFRONT) {
            continue;
        }
        if !names_distribution(statement.get("Condition")) {
            let message = format!(
                "the policy of `{}` trusts CloudFront as a whole: any account's distribution may read it",
                bucket.id
            );
            report.push(Finding::new(Case::AnyDistribution, place(), message));
        }
        let actions = statement.get("Action").texts();
        writes(site, (bucket, &actions), &place, report);
        let lists = actions
            .iter()
            .any(|action| matches!(action.as_str(), "s3:*" | "*" | "s3:List*" | "s3:ListBucket"));
        if lists && !site.cdn.config().get("DefaultRootObject").is_there() {
            let message = format!(
                "CloudFront may list `{}` and no default root object is set: `/` shows the directory",
                bucket.id
            );
            report.push(Finding::new(Case::ListableBucket, place(), message));
        }
    }
}

fn is_everybody(principal: &Node) -> bool {
    principal.literal() == Some("*") || principal.get("AWS").texts().iter().any(|one| one == "*")
}

/// Whether a condition names a distribution, or at least something other than every one.
fn names_distribution(condition: &Node) -> bool {
    let keys = condition
        .members()
        .iter()
        .flat_map(|(_, tests)| tests.members());
    let mut sources = keys.filter(|(key, _)| key.eq_ignore_ascii_case("AWS:SourceArn"));
    sources.any(|(_, value)| {
        value.items().iter().all(|item| {
            let refers = item
                .text()
                .is_some_and(|text| text.0.iter().any(|piece| !matches!(piece, Piece::Known(_))));
            refers
                || item.literal().is_some_and(|arn| {
                    arn.contains(":distribution/") && !arn.ends_with("distribution/*")
                })
        })
    })
}

fn writes(
    site: &Site<'_>,
    (bucket, actions): (&Resource, &[String]),
    place: &dyn Fn() -> crate::report::Where,
    report: &mut Report,
) {
    let writing: Vec<&str> = actions
        .iter()
        .map(String::as_str)
        .filter(|action| {
            matches!(*action, "s3:*" | "*" | "s3:Put*")
                || action.starts_with("s3:PutObject")
                || action.starts_with("s3:Delete")
        })
        .collect();
    let passing = site.behaviors.iter().find(|one| {
        let reads = site
            .cdn
            .origins_of(one.behavior)
            .any(|origin| origin.kind == OriginKind::Bucket(Some(bucket.id.clone())));
        reads && !one.behavior.writing_methods().is_empty()
    });
    if let Some(one) = passing.filter(|_| !writing.is_empty()) {
        let message = format!(
            "CloudFront may {} in `{}` and `{}` passes {}: viewers can write",
            writing.join(", "),
            bucket.id,
            one.path(),
            one.behavior.writing_methods().join(", ")
        );
        report.push(Finding::new(Case::WritableBucket, place(), message).about(one.path()));
    }
}
