//! PC009, PC023, PC024: where viewers are, and how they connect.

use super::Site;
use crate::catalogue::Case;
use crate::input::World;
use crate::report::{Finding, Report};

/// Security policies, the weakest first.
const TLS: [&str; 9] = [
    "SSLv3",
    "TLSv1",
    "TLSv1_2016",
    "TLSv1.1_2016",
    "TLSv1.2_2018",
    "TLSv1.2_2019",
    "TLSv1.2_2021",
    "TLSv1.2_2025",
    "TLSv1.3_2025",
];
/// What is good enough.
const GOOD: &str = "TLSv1.2_2021";

pub(super) fn check(site: &Site<'_>, report: &mut Report) {
    geography(site, report);
    for one in &site.behaviors {
        if one.behavior.node.get("ViewerProtocolPolicy").literal() != Some("allow-all") {
            continue;
        }
        let (case, message) = match one.is_restricted() {
            true => (
                Case::RestrictedPlainHttp,
                format!(
                    "`{}` is restricted and answers over plain HTTP: signatures and content travel in clear",
                    one.path()
                ),
            ),
            false => (
                Case::AllowAll,
                format!("`{}` answers over plain HTTP", one.path()),
            ),
        };
        report.push(site.finding(case, one, "ViewerProtocolPolicy", message));
    }
    certificate(site, report);
}

fn geography(site: &Site<'_>, report: &mut Report) {
    let geo = site.cdn.config().path(&["Restrictions", "GeoRestriction"]);
    if geo.get("RestrictionType").literal() == Some("whitelist") {
        let countries = geo.get("Locations").texts().join(", ");
        let message = format!(
            "the geo restriction allows {countries}, but viewers whose location CloudFront cannot tell are served"
        );
        report.push(Finding::new(
            Case::NativeGeo,
            site.cdn.place(&["Restrictions"]),
            message,
        ));
    }
}

/// Rules of web ACLs of CloudFront that a request without a header passes by.
pub(super) fn firewalls(world: &World<'_>, report: &mut Report) {
    for acl in world.resources.of("AWS::WAFv2::WebACL") {
        let ours = acl.properties.get("Scope").literal() == Some("CLOUDFRONT");
        let allows = acl.properties.path(&["DefaultAction", "Allow"]).is_there()
            || acl
                .properties
                .get("DefaultAction")
                .members()
                .iter()
                .any(|(name, _)| name == "Allow");
        if !ours || !allows {
            continue;
        }
        for (index, rule) in acl.properties.get("Rules").items().iter().enumerate() {
            if rule.holds_key("ForwardedIPConfig") || rule.holds_key("IPSetForwardedIPConfig") {
                let name = rule.get("Name").literal().unwrap_or("a rule");
                let message = format!(
                    "WAF rule `{name}` is skipped for requests without the forwarded header; the default action allows them"
                );
                report.push(Finding::new(
                    Case::ForwardedAddress,
                    acl.place(&["Rules", &index.to_string()]),
                    message,
                ));
            }
        }
    }
}

fn rank(policy: &str) -> Option<usize> {
    TLS.iter().position(|known| *known == policy)
}

fn certificate(site: &Site<'_>, report: &mut Report) {
    let config = site.cdn.config();
    let certificate = config.get("ViewerCertificate");
    let aliases = config.get("Aliases").texts();
    let acm = certificate.get("AcmCertificateArn");
    let own = acm.is_there() || certificate.get("IamCertificateId").is_there();
    let mut add = |case: Case, property: &str, message: String| {
        report.push(Finding::new(
            case,
            site.cdn.place(&["ViewerCertificate", property]),
            message,
        ));
    };
    if !own {
        match aliases.is_empty() {
            false => add(
                Case::AliasWithoutCertificate,
                "AcmCertificateArn",
                format!(
                    "{} need a certificate; the deployment fails",
                    aliases.join(", ")
                ),
            ),
            true => add(
                Case::DefaultCertificate,
                "CloudFrontDefaultCertificate",
                "the default certificate forces policy TLSv1".to_owned(),
            ),
        }
        return;
    }
    let region = acm.literal().and_then(|arn| arn.split(':').nth(3));
    if let Some(region) = region
        .filter(|region| !region.is_empty() && *region != "us-east-1" && !region.starts_with("${"))
    {
        add(
            Case::CertificateRegion,
            "AcmCertificateArn",
            format!(
                "the certificate is in {region}; CloudFront takes viewer certificates from us-east-1 only"
            ),
        );
    }
    for alias in uncovered(site, &aliases) {
        add(
            Case::Uncovered,
            "AcmCertificateArn",
            format!("no name of the certificate covers `{alias}` (a wildcard covers one level)"),
        );
    }
    let policy = certificate
        .get("MinimumProtocolVersion")
        .literal()
        .unwrap_or("TLSv1");
    if rank(policy) < rank(GOOD) {
        add(
            Case::OldTls,
            "MinimumProtocolVersion",
            format!("security policy {policy} still allows protocols or ciphers below {GOOD}"),
        );
    }
    let promised = site
        .intent
        .and_then(|intent| intent.node.get("viewer_tls").literal());
    if let Some(promised) = promised.filter(|promised| rank(policy) < rank(promised)) {
        add(
            Case::WeakerThanManifest,
            "MinimumProtocolVersion",
            format!("the template allows {policy}, the manifest promises {promised}"),
        );
    }
}

/// The aliases that a certificate of the template does not cover.
fn uncovered(site: &Site<'_>, aliases: &[String]) -> Vec<String> {
    let acm = site
        .cdn
        .config()
        .path(&["ViewerCertificate", "AcmCertificateArn"]);
    let resource = acm.resource().and_then(|id| site.world.resources.get(id));
    let Some(certificate) =
        resource.filter(|one| one.kind == "AWS::CertificateManager::Certificate")
    else {
        return Vec::new();
    };
    let mut names = certificate
        .properties
        .get("SubjectAlternativeNames")
        .texts();
    names.extend(certificate.properties.get("DomainName").texts());
    let covers = |name: &String, alias: &str| {
        name == alias
            || name.strip_prefix("*.").is_some_and(|parent| {
                alias
                    .split_once('.')
                    .is_some_and(|(_, rest)| rest == parent)
            })
    };
    let open = aliases
        .iter()
        .filter(|alias| !names.iter().any(|name| covers(name, alias)));
    open.cloned().collect()
}
