//! PC027, PC028, PC029: logs, settings that CloudFront refuses or misreads, and who checks signatures.

use super::{Judged, Site};
use crate::catalogue::Case;
use crate::intent::Intent;
use crate::report::{Finding, Report};

/// The Regions of Origin Shield.
const SHIELD: [&str; 13] = [
    "us-east-1",
    "us-east-2",
    "us-west-2",
    "ap-south-1",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "eu-central-1",
    "eu-west-1",
    "eu-west-2",
    "sa-east-1",
    "me-central-1",
];
/// The longest default root object, in characters.
const ROOT_MAX: usize = 255;
/// Settings of a behavior that stand for a cache policy.
const LEGACY: [&str; 4] = ["ForwardedValues", "MinTTL", "DefaultTTL", "MaxTTL"];

pub(super) fn check(site: &Site<'_>, report: &mut Report) {
    log(site, report);
    whole(site, report);
    pages(site, report);
    origins(site, report);
    for one in &site.behaviors {
        behavior(site, one, report);
        signatures(site, one, report);
    }
    for policy in site.world.resources.of("AWS::CloudFront::CachePolicy") {
        let config = policy.properties.get("CachePolicyConfig");
        let ttl = |name: &str| config.get(name).number();
        let order = (ttl("MinTTL"), ttl("DefaultTTL"), ttl("MaxTTL"));
        if let (Some(min), Some(default), Some(max)) = order
            && !(min <= default && default <= max)
        {
            let message = format!(
                "TTLs of `{}` are {min}/{default}/{max}; they must not fall",
                policy.id
            );
            report.push(Finding::new(
                Case::TtlOrder,
                policy.place(&["CachePolicyConfig"]),
                message,
            ));
        }
    }
}

fn log(site: &Site<'_>, report: &mut Report) {
    let id = site.cdn.resource.id.as_str();
    let bucket = site.cdn.config().path(&["Logging", "Bucket"]);
    let every = site
        .behaviors
        .iter()
        .all(|one| one.behavior.node.get("RealtimeLogConfigArn").is_there());
    let sources = site
        .world
        .resources
        .of("AWS::Logs::DeliverySource")
        .filter(|source| source.properties.get("ResourceArn").resource() == Some(id));
    let delivered = sources.into_iter().any(|source| {
        let name = source.properties.get("Name").literal();
        site.world
            .resources
            .of("AWS::Logs::Delivery")
            .any(|delivery| {
                let from = delivery.properties.get("DeliverySourceName");
                from.resource() == Some(source.id.as_str())
                    || (name.is_some() && from.literal() == name)
            })
    });
    if !bucket.is_there() && !every && !delivered {
        let message = "the distribution writes no access log: a denial at the edge leaves no trace";
        report.push(Finding::new(
            Case::LogOff,
            site.cdn.place(&["Logging"]),
            message,
        ));
    }
}

fn whole(site: &Site<'_>, report: &mut Report) {
    let config = site.cdn.config();
    if let Some(root) = config.get("DefaultRootObject").literal() {
        let why = if root.starts_with('/') {
            Some("begins with a slash: `/` answers 403")
        } else if root.chars().count() > ROOT_MAX {
            Some("is longer than 255 characters")
        } else {
            None
        };
        if let Some(why) = why {
            let message = format!("default root object `{root}` {why}");
            report.push(Finding::new(
                Case::RootObject,
                site.cdn.place(&["DefaultRootObject"]),
                message,
            ));
        }
    }
    for alias in config.get("Aliases").texts() {
        if alias.chars().any(|c| c.is_ascii_uppercase()) {
            let message = format!("alias `{alias}` must be lower case");
            report.push(Finding::new(
                Case::AliasCase,
                site.cdn.place(&["Aliases"]),
                message,
            ));
        }
    }
}

fn pages(site: &Site<'_>, report: &mut Report) {
    for (status, (index, node)) in site.cdn.errors() {
        let (page, code) = (
            node.get("ResponsePagePath").is_there(),
            node.get("ResponseCode").is_there(),
        );
        if page != code {
            let what = if page {
                "a page without a code"
            } else {
                "a code without a page"
            };
            let place = site
                .cdn
                .place(&["CustomErrorResponses", &index.to_string()]);
            let message = format!("the error response for {status} has {what}");
            report.push(Finding::new(Case::PagePair, place, message));
        }
    }
}

fn origins(site: &Site<'_>, report: &mut Report) {
    for origin in &site.cdn.origins {
        let path = origin.node.get("OriginPath").literal().unwrap_or_default();
        if !path.is_empty() && (!path.starts_with('/') || path.ends_with('/')) {
            let message = format!("origin path `{path}` must begin with `/` and not end with one");
            report.push(Finding::new(
                Case::OriginPath,
                site.cdn.place_of_origin(origin, "OriginPath"),
                message,
            ));
        }
        let shield = origin.node.get("OriginShield");
        let region = shield.get("OriginShieldRegion").literal();
        if let Some(region) =
            region.filter(|region| shield.get("Enabled").is_true() && !SHIELD.contains(region))
        {
            let message = format!("{region} is not one of the 13 origin shield Regions");
            report.push(Finding::new(
                Case::ShieldRegion,
                site.cdn.place_of_origin(origin, "OriginShield"),
                message,
            ));
        }
    }
}

fn behavior(site: &Site<'_>, one: &Judged<'_>, report: &mut Report) {
    let (behavior, path) = (one.behavior, one.path());
    if behavior.origins.is_empty() {
        let message = format!(
            "`{path}` targets origin `{}`, which does not exist",
            behavior.target
        );
        report.push(site.finding(Case::Dangling, one, "TargetOriginId", message));
    }
    let legacy: Vec<&str> = LEGACY
        .into_iter()
        .filter(|name| behavior.node.get(name).is_there())
        .collect();
    if !behavior.legacy && !legacy.is_empty() {
        let message = format!(
            "`{path}` mixes a cache policy with {}; the deployment fails",
            legacy.join(", ")
        );
        report.push(site.finding(Case::LegacyAndPolicy, one, "CachePolicyId", message));
    }
    if behavior.legacy && behavior.node.get("ForwardedValues").is_there() {
        let message = format!(
            "`{path}` uses legacy forwarding: no Brotli, most viewer headers reach the origin"
        );
        report.push(site.finding(Case::Legacy, one, "ForwardedValues", message));
    }
}

fn signatures(site: &Site<'_>, one: &Judged<'_>, report: &mut Report) {
    let (path, wants) = (one.path(), one.inputs().signature);
    let policy = one.planned.map_or("", |planned| planned.policy.as_str());
    let signed = one.behavior.is_signed();
    if signed && wants && site.reaches_gateway(one) {
        let message = format!(
            "`{path}` has trusted key groups and a policy whose signature the gateway checks; the gateway never sees the parameters and denies all"
        );
        report.push(site.finding(Case::CheckedTwice, one, "TrustedKeyGroups", message));
    }
    if !signed && wants && site.reaches_bucket(one) {
        let message = format!(
            "policy `{policy}` of `{path}` needs a signature, but the origin is a bucket read directly and no trusted key groups are set"
        );
        report.push(site.finding(Case::CheckedByNobody, one, "TrustedKeyGroups", message));
    }
    if !one.behavior.node.get("TrustedSigners").items().is_empty() {
        let message = format!("`{path}` trusts account key pairs, which need the root user");
        report.push(site.finding(Case::TrustedSigners, one, "TrustedSigners", message));
    }
}

pub(super) fn of_manifest(intent: &Intent, report: &mut Report) {
    for (name, group) in intent.node.get("key_groups").members() {
        if group
            .get("algorithms")
            .texts()
            .iter()
            .any(|algorithm| algorithm == "RSA-SHA1")
        {
            let place = intent.place(&["key_groups", name, "algorithms"]);
            let message = format!("key group `{name}` accepts RSA-SHA1");
            report.push(Finding::new(Case::WeakHash, place, message));
        }
    }
}
