//! PC010, PC011, PC012: whether the gateway is reached through this distribution, and by nobody else.

use super::{Site, at};
use crate::catalogue::Case;
use crate::distribution::{Origin, OriginKind};
use crate::report::{Finding, Report};
use crate::template::Resource;
use crate::tree::{Node, Piece};
use portcullis_edge::distribution::HeaderSelection;

const INVOKE_URL: &str = "lambda:InvokeFunctionUrl";
const INVOKE: &str = "lambda:InvokeFunction";
const CLOUDFRONT: &str = "cloudfront.amazonaws.com";

pub(super) fn check(site: &Site<'_>, report: &mut Report) {
    for origin in site.cdn.origins.iter().filter(|origin| origin.is_gateway()) {
        reached(site, origin, report);
        if let OriginKind::Gateway(Some(url)) = &origin.kind
            && let Some(url) = site.world.resources.get(url)
        {
            permissions(site, url, report);
        }
    }
    for one in &site.behaviors {
        let writes = one.behavior.writing_methods();
        if site.reaches_gateway(one) && !writes.is_empty() {
            let message = format!(
                "`{}` accepts {}; through origin access control a body needs a client-sent SHA-256, and the gateway answers 405 anyway",
                one.path(),
                writes.join(", ")
            );
            report.push(site.finding(Case::Writes, one, "AllowedMethods", message));
        }
        host(site, one, report);
    }
}

/// The access control of an origin, if it is in the template.
pub(super) fn access_control<'a>(site: &'a Site<'_>, origin: &Origin) -> Option<&'a Node> {
    let id = origin.node.get("OriginAccessControlId").resource()?;
    let resource = site.world.resources.get(id)?;
    Some(resource.properties.get("OriginAccessControlConfig"))
}

fn reached(site: &Site<'_>, origin: &Origin, report: &mut Report) {
    let id = &origin.id;
    if let OriginKind::Gateway(Some(url)) = &origin.kind {
        let open = site
            .world
            .resources
            .get(url)
            .is_some_and(|url| url.properties.get("AuthType").literal() == Some("NONE"));
        if open {
            let message = format!(
                "`{url}` has AuthType NONE: anyone who learns the name reaches the gateway, past WAF and cache, and every request is billed"
            );
            report.push(Finding::new(
                Case::AuthNone,
                at(site.world, url, &["AuthType"]),
                message,
            ));
        }
    }
    if !origin.node.get("OriginAccessControlId").is_there() {
        let place = site.cdn.place_of_origin(origin, "OriginAccessControlId");
        let message = format!(
            "origin `{id}` has no origin access control: CloudFront's requests are unsigned and refused"
        );
        report.push(Finding::new(Case::FunctionUnsigned, place, message));
    }
    if let Some(control) = access_control(site, origin) {
        let kind = control
            .get("OriginAccessControlOriginType")
            .literal()
            .unwrap_or_default();
        let signing = control.get("SigningBehavior").literal().unwrap_or_default();
        if kind != "lambda" || signing != "always" {
            let place = site.cdn.place_of_origin(origin, "OriginAccessControlId");
            let message = format!(
                "the access control of `{id}` is of type {kind} and signs {signing}: not every request is signed by CloudFront"
            );
            report.push(Finding::new(Case::FunctionSigning, place, message));
        }
    }
    let protocol = origin
        .node
        .path(&["CustomOriginConfig", "OriginProtocolPolicy"]);
    if protocol.is_there() && protocol.literal() != Some("https-only") {
        let place = site.cdn.place_of_origin(origin, "CustomOriginConfig");
        let message = format!("origin `{id}` may be called over HTTP");
        report.push(Finding::new(Case::FunctionPlainHttp, place, message));
    }
}

fn permissions(site: &Site<'_>, url: &Resource, report: &mut Report) {
    let relevant = site
        .world
        .resources
        .of("AWS::Lambda::Permission")
        .filter(|one| is_for(one, url));
    let mut found = [false, false];
    for permission in relevant {
        let action = permission
            .properties
            .get("Action")
            .literal()
            .unwrap_or_default();
        match action {
            INVOKE_URL => found[0] = true,
            INVOKE => found[1] = true,
            "lambda:*" => found = [true, true],
            _ => continue,
        }
        open(site, permission, report);
    }
    let place = || url.place(&[]);
    if !found[0] {
        let message = format!(
            "CloudFront may not call `{}`: `{INVOKE_URL}` for this distribution is missing; every request is 403",
            url.id
        );
        report.push(Finding::new(Case::FirstPermission, place(), message));
    }
    if !found[1] {
        let message = format!(
            "`{INVOKE}` is missing beside `{INVOKE_URL}` for `{}`; new URLs need both and answer 403",
            url.id
        );
        report.push(Finding::new(Case::SecondPermission, place(), message));
    }
}

/// Whether a permission is about the function of a URL: by its name, reference or ARN, its alias's, or the URL's.
fn is_for(permission: &Resource, url: &Resource) -> bool {
    let name = permission.properties.get("FunctionName");
    let target = url.properties.get("TargetFunctionArn");
    let (Some(name_text), Some(target_text)) = (name.text(), target.text()) else {
        return false;
    };
    let by_url = name.resource() == Some(url.id.as_str());
    let same_resource = name.resource().is_some() && name.resource() == target.resource();
    by_url || same_resource || name_text == target_text
}

fn open(site: &Site<'_>, permission: &Resource, report: &mut Report) {
    let principal = permission
        .properties
        .get("Principal")
        .literal()
        .unwrap_or_default();
    let source = permission.properties.get("SourceArn");
    let ours = source.text().is_some_and(|text| {
        let refers = text.0.iter().any(|piece| matches!(piece, Piece::Ref(id) | Piece::Attribute(id, _) if *id == site.cdn.resource.id));
        let one = text.literal().is_some_and(|arn| arn.contains(":distribution/") && !arn.ends_with('*'));
        let elsewhere = text.resource().is_none() && text.hole().is_some();
        refers || one || elsewhere
    });
    let who = match (principal == CLOUDFRONT, ours) {
        (true, true) => return,
        (true, false) => "any distribution",
        (false, _) if principal == "*" => "everybody",
        (false, _) => principal,
    };
    let message = format!(
        "permission `{}` lets {who} invoke the gateway",
        permission.id
    );
    report.push(Finding::new(
        Case::OpenPermission,
        permission.place(&["Principal"]),
        message,
    ));
}

fn host(site: &Site<'_>, one: &super::Judged<'_>, report: &mut Report) {
    let signed = site
        .cdn
        .origins_of(one.behavior)
        .find(|origin| origin.is_gateway() || origin.is_bucket());
    let Some(origin) = signed else { return };
    let is_host = |name: &String| name.eq_ignore_ascii_case("host");
    let sent = match one.behavior.sends.as_ref().map(|sends| &sends.headers) {
        Some(HeaderSelection::AllViewer | HeaderSelection::AllViewerAnd(_)) => true,
        Some(HeaderSelection::Listed(names)) => names.iter().any(is_host),
        Some(HeaderSelection::AllExcept(names)) => !names.iter().any(is_host),
        Some(HeaderSelection::None) | None => false,
    };
    if sent || one.behavior.keys_header("host") {
        let message = format!(
            "`{}` sends the viewer's `Host` to `{}`: the signature does not match, every request is 403",
            one.path(),
            origin.id
        );
        report.push(site.finding(Case::ViewerHost, one, "OriginRequestPolicyId", message));
    }
}
