//! PC013, PC014: the secret header, and what a prefix list proves.

use super::Site;
use crate::catalogue::Case;
use crate::distribution::{Origin, OriginKind};
use crate::input::World;
use crate::intent::Intent;
use crate::report::{Finding, Report};
use crate::tree::{Node, Piece, Text};

/// Words in the name of a header that make it a secret.
const SECRET_WORDS: [&str; 6] = ["secret", "verify", "token", "auth", "key", "cloak"];
/// Names that CloudFront refuses, besides those that begin with `X-Amz-` or `X-Edge-`.
const FORBIDDEN: [&str; 23] = [
    "cache-control",
    "connection",
    "content-length",
    "cookie",
    "host",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "max-forwards",
    "pragma",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "range",
    "request-range",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "x-real-ip",
];
/// CloudFront's limits: headers, characters of a name, of a value, of all together.
const HEADERS_MAX: usize = 30;
const NAME_MAX: usize = 256;
const VALUE_MAX: usize = 1_783;
const SUM_MAX: usize = 10_240;

pub(super) fn check(site: &Site<'_>, report: &mut Report) {
    for origin in &site.cdn.origins {
        headers(site, origin, report);
        load_balancer(site, origin, report);
    }
}

fn custom_headers(origin: &Origin) -> impl Iterator<Item = (&str, &Node)> {
    let listed = origin.node.get("OriginCustomHeaders").items().iter();
    listed.filter_map(|one| Some((one.get("HeaderName").literal()?, one.get("HeaderValue"))))
}

fn is_secret(site: &Site<'_>, name: &str) -> bool {
    let named = site
        .intent
        .and_then(|intent| intent.secret_header.as_deref());
    let lower = name.to_ascii_lowercase();
    named.is_some_and(|own| own.eq_ignore_ascii_case(name))
        || SECRET_WORDS.iter().any(|word| lower.contains(word))
}

fn headers(site: &Site<'_>, origin: &Origin, report: &mut Report) {
    let place = site.cdn.place_of_origin(origin, "OriginCustomHeaders");
    let mut add =
        |case: Case, message: String| report.push(Finding::new(case, place.clone(), message));
    let (mut count, mut sum) = (0, 0);
    for (name, value) in custom_headers(origin) {
        let text = value.text().cloned().unwrap_or_default();
        let length = text.literal().map_or(0, |known| known.chars().count());
        count += 1;
        sum += name.len() + length;
        if is_forbidden(name) {
            add(
                Case::SecretName,
                format!(
                    "CloudFront refuses the header name `{name}` of origin `{}`",
                    origin.id
                ),
            );
        }
        if name.len() > NAME_MAX || length > VALUE_MAX {
            add(
                Case::SecretLimits,
                format!(
                    "the header `{name}` of origin `{}` exceeds CloudFront's limit of {NAME_MAX} characters for a name or {VALUE_MAX} for a value",
                    origin.id
                ),
            );
        }
        if is_secret(site, name) {
            match exposure(&text) {
                Some((case, message)) => add(case, message.replace("{header}", name)),
                None => add(
                    Case::SecretDrift,
                    format!(
                        "a deployment may write an old value of `{name}` back while a rotation runs"
                    ),
                ),
            }
        }
    }
    if count > HEADERS_MAX || sum > SUM_MAX {
        add(
            Case::SecretLimits,
            format!(
                "origin `{}` has {count} custom headers of {sum} characters; CloudFront takes {HEADERS_MAX} and {SUM_MAX}",
                origin.id
            ),
        );
    }
    let demanded = site
        .intent
        .and_then(|intent| intent.secret_header.as_deref());
    if let Some(header) = demanded.filter(|_| origin.is_gateway()) {
        let sends = custom_headers(origin).any(|(name, _)| name.eq_ignore_ascii_case(header));
        if !sends {
            add(
                Case::SecretMissing,
                format!(
                    "the manifest demands `{header}`, origin `{}` does not send it: everybody is denied",
                    origin.id
                ),
            );
        }
    }
}

fn is_forbidden(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    lower.starts_with("x-amz-")
        || lower.starts_with("x-edge-")
        || FORBIDDEN.contains(&lower.as_str())
}

/// How a secret value can be read, if it can.
fn exposure(text: &Text) -> Option<(Case, &'static str)> {
    let clear = text
        .0
        .iter()
        .any(|piece| matches!(piece, Piece::Parameter { no_echo: false, .. }));
    if clear {
        return Some((
            Case::SecretParameter,
            "`{header}` comes from a parameter shown in clear",
        ));
    }
    let plain = text
        .literal()
        .is_some_and(|known| !known.contains("{{resolve:"));
    plain.then_some((Case::SecretPlain, "the value of `{header}` is in the template: whoever reads the repository, the stack or the change set can call the gateway"))
}

fn load_balancer(site: &Site<'_>, origin: &Origin, report: &mut Report) {
    let is_balancer = origin
        .domain
        .resource()
        .and_then(|id| site.world.resources.get(id))
        .is_some_and(|one| one.kind == "AWS::ElasticLoadBalancingV2::LoadBalancer");
    let proven = origin.node.get("VpcOriginConfig").is_there()
        || origin.node.holds_key("OriginMtlsConfig")
        || custom_headers(origin).any(|(name, _)| is_secret(site, name));
    if is_balancer && origin.kind == OriginKind::Custom && !proven {
        let message = format!(
            "`{}` believes every CloudFront distribution, an attacker's included",
            origin.id
        );
        report.push(Finding::new(
            Case::OnlyPrefixList,
            site.cdn.place_of_origin(origin, "DomainName"),
            message,
        ));
    }
}

/// Rules of security groups that refer to prefix lists.
pub(super) fn security_groups(world: &World<'_>, report: &mut Report) {
    for group in world.resources.of("AWS::EC2::SecurityGroup") {
        let inline = group.properties.get("SecurityGroupIngress").items();
        let apart = world
            .resources
            .of("AWS::EC2::SecurityGroupIngress")
            .filter(|one| one.properties.get("GroupId").resource() == Some(group.id.as_str()));
        let apart = apart.map(|one| &one.properties);
        let referring = inline
            .iter()
            .chain(apart)
            .filter(|rule| rule.get("SourcePrefixListId").is_there());
        let count = referring.count();
        if count > 1 {
            let message = format!(
                "security group `{}` refers to a prefix list {count} times; CloudFront's weighs 55 of 60 rules",
                group.id
            );
            report.push(Finding::new(
                Case::PrefixListWeight,
                group.place(&["SecurityGroupIngress"]),
                message,
            ));
        }
    }
}

pub(super) fn of_manifest(intent: &Intent, report: &mut Report) {
    let guard = intent.node.get("guard");
    let access = guard.get("access_control").literal();
    let by_access = access.is_some_and(|mode| mode == "required");
    if guard.get("edges").is_there() && !by_access && intent.secret_header.is_none() {
        let message = "the gateway believes every CloudFront distribution, an attacker's included";
        report.push(Finding::new(
            Case::OnlyPrefixList,
            intent.place(&["guard", "edges"]),
            message,
        ));
    }
}
