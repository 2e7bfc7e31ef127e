//! PC020, PC021, PC022: compression, sizes and deadlines on the way through the gateway.

use super::Site;
use crate::catalogue::{Case, Severity};
use crate::distribution::OriginKind;
use crate::intent::Intent;
use crate::report::{Finding, Report};
use crate::template::Resource;
use crate::tree::Node;

/// The largest body of a buffered answer, in bytes.
const BODY_MAX: u64 = 4_500_000;
/// How long the gateway waits for S3, in seconds.
const STORE_WAIT: u64 = 10;
/// Lambda's and CloudFront's defaults, in seconds.
const LAMBDA_TIMEOUT: u64 = 3;
const ORIGIN_TIMEOUT: u64 = 30;
/// The defaults of a custom origin behind the gateway, in seconds.
const CONNECT_TIMEOUT: u64 = 10;
const RESPONSE_TIMEOUT: u64 = 30;

pub(super) fn check(site: &Site<'_>, report: &mut Report) {
    for origin in &site.cdn.origins {
        if let OriginKind::Gateway(Some(url)) = &origin.kind
            && let Some(url) = site.world.resources.get(url)
        {
            streaming(site, url, report);
            deadlines(site, origin.index, url, report);
        }
    }
    for one in &site.behaviors {
        let behavior = one.behavior;
        let (Some(caching), true) = (&behavior.caching, behavior.node.get("Compress").is_true())
        else {
            continue;
        };
        if caching.is_off() {
            let message = format!(
                "`{}` asks for compression with caching off: CloudFront does not compress",
                one.path()
            );
            report.push(site.finding(Case::CompressUncached, one, "Compress", message));
        } else if !caching.codings {
            let message = format!(
                "`{}` asks for compression, but its cache policy enables neither gzip nor Brotli: nothing is compressed",
                one.path()
            );
            report.push(site.finding(Case::CompressWithoutPolicy, one, "Compress", message));
        }
    }
    sizes(site, report);
}

fn streaming(site: &Site<'_>, url: &Resource, report: &mut Report) {
    if url.properties.get("InvokeMode").literal() != Some("RESPONSE_STREAM") {
        return;
    }
    let mut through = site
        .behaviors
        .iter()
        .filter(|one| site.reaches_gateway(one));
    if site.intent.is_some()
        && through.all(|one| one.planned.is_some_and(|planned| planned.streams))
    {
        return;
    }
    let severity = if site.intent.is_some() {
        Severity::Error
    } else {
        Severity::Warning
    };
    let message = format!(
        "`{}` streams: no `Content-Length`, so CloudFront neither compresses nor honours ranges, and empty answers may hang",
        url.id
    );
    report.push(Finding::new(Case::Streaming, url.place(&["InvokeMode"]), message).rated(severity));
}

fn sizes(site: &Site<'_>, report: &mut Report) {
    for (path, bytes) in site.world.files {
        let governing = site
            .behaviors
            .iter()
            .find(|one| one.behavior.pattern.matches(path));
        let Some(one) = governing.filter(|one| site.reaches_gateway(one)) else {
            continue;
        };
        if *bytes > BODY_MAX {
            let message = format!(
                "`{path}` has {bytes} bytes; through the gateway it can only fail with 502"
            );
            report.push(
                site.finding(Case::Oversize, one, "TargetOriginId", message)
                    .witnessed(path),
            );
        }
    }
    let Some(intent) = site.intent else { return };
    for one in &site.behaviors {
        let Some(planned) = one.planned else { continue };
        if intent.origin_kind(&planned.origin) == "bucket" && !planned.says_of_large {
            let bucket = intent
                .node
                .path(&["origins", &planned.origin, "bucket", "name"])
                .literal()
                .unwrap_or(&planned.origin);
            let message = format!(
                "sizes in bucket `{bucket}` behind the gateway are unknown; objects over 4.5 MB fail under `{}`",
                one.path()
            );
            report.push(site.finding(Case::UnknownSize, one, "TargetOriginId", message));
        }
    }
}

fn deadlines(site: &Site<'_>, origin: usize, url: &Resource, report: &mut Report) {
    let function = url.properties.get("TargetFunctionArn").resource();
    let function = function.and_then(|id| site.world.resources.get(id));
    let Some(function) = function.filter(|one| one.kind == "AWS::Lambda::Function") else {
        return;
    };
    let timeout = function
        .properties
        .get("Timeout")
        .number()
        .unwrap_or(LAMBDA_TIMEOUT);
    if let Some(intent) = site.intent {
        let waits = intent.behaviors.iter().filter_map(|planned| {
            let wait = wait_of(intent, &planned.origin)?;
            Some((wait, planned.origin.as_str()))
        });
        if let Some((wait, upstream)) = waits.max().filter(|(wait, _)| timeout <= *wait) {
            let message = format!(
                "the gateway may wait {wait} s for `{upstream}` but is killed after {timeout} s: the viewer gets 502 instead of an answer; the timeout must be at least {}",
                wait + 1
            );
            report.push(Finding::new(
                Case::LambdaTimeout,
                function.place(&["Timeout"]),
                message,
            ));
        }
    }
    let Some(origin) = site.cdn.origins.get(origin) else {
        return;
    };
    let config = origin.node.get("CustomOriginConfig");
    let given = config
        .get("OriginReadTimeout")
        .number()
        .unwrap_or(ORIGIN_TIMEOUT);
    if given <= timeout {
        let attempts = origin.node.get("ConnectionAttempts").number().unwrap_or(3);
        let message = format!(
            "CloudFront gives up after {given} s, before the gateway's own deadline of {timeout} s, and asks up to {attempts} times"
        );
        report.push(Finding::new(
            Case::OriginTimeout,
            site.cdn.place_of_origin(origin, "CustomOriginConfig"),
            message,
        ));
    }
}

/// How long the gateway may wait for an origin or a group, in seconds; `None` for one that it does not ask.
fn wait_of(intent: &Intent, name: &str) -> Option<u64> {
    let group = intent.node.path(&["origin_groups", name]);
    if group.is_there() {
        let member = |key: &str| {
            wait_of(
                intent,
                group.get(key).literal().filter(|member| *member != name)?,
            )
        };
        return Some(
            member("primary").unwrap_or_default() + member("secondary").unwrap_or_default(),
        );
    }
    let http = intent.node.path(&["origins", name, "http"]);
    match intent.origin_kind(name) {
        "http" => Some(
            seconds(http.get("connect_timeout")).unwrap_or(CONNECT_TIMEOUT)
                + seconds(http.get("response_timeout")).unwrap_or(RESPONSE_TIMEOUT),
        ),
        "releases" | "bucket" => Some(STORE_WAIT),
        _ => None,
    }
}

/// A duration as a manifest writes it.
fn seconds(node: &Node) -> Option<u64> {
    let text = node.literal()?;
    let unit = text.chars().last()?;
    let number: u64 = text.strip_suffix(unit)?.parse().ok()?;
    let factor = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return None,
    };
    number.checked_mul(factor)
}
