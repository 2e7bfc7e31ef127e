//! What a distribution says about viewers: names, certificate, protocols, countries, error pages, logs.
//!
//! Always holds: names are in lower case and there once. Deliberately absent: the certificate itself.

use super::resources::Quotas;
use crate::fault::Rule;
use crate::read::{Item, Object};
use portcullis_edge::distribution::{CustomError, ErrorPage, Logging, ViewerConnections};
use portcullis_edge::gate::GeoRestriction;
use portcullis_viewer::country::{Country, CountrySet};

/// The most alternate domain names.
const ALIASES_MAX: usize = 100;
/// The statuses that have custom error responses.
const ERROR_CODES: [u64; 11] = [400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504];
/// The security policies, weakest first.
const TLS_POLICIES: [&str; 9] = [
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

pub(crate) fn aliases(object: &Object<'_>, quotas: Quotas) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let items = object.items("Aliases");
    if quotas == Quotas::CloudFront && items.len() > ALIASES_MAX {
        let message = format!(
            "{} alternate domain names; at most {ALIASES_MAX}",
            items.len()
        );
        object.fault_at("Aliases", Rule::TooManyDistributionCNAMEs, message);
    }
    for item in items {
        let Some(name) = item.text().map(str::to_ascii_lowercase) else {
            continue;
        };
        if !is_alias(&name) {
            let message = format!("`{}` is no domain name", name.escape_debug());
            item.fault(Rule::InvalidArgument, message);
        } else if names.contains(&name) {
            item.fault(Rule::InvalidArgument, format!("`{name}` is there twice"));
        }
        names.push(name);
    }
    names
}

/// Two labels or more; the first may be `*`.
fn is_alias(name: &str) -> bool {
    let plain = name.strip_prefix("*.").unwrap_or(name);
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.len() <= 253 && plain.contains('.') && plain.split('.').all(label)
}

pub(crate) fn connections(object: &Object<'_>, has_aliases: bool) -> ViewerConnections {
    let mut viewer = ViewerConnections {
        http2: !object.is_template(),
        ipv6: object
            .named("IsIPV6Enabled", "IPV6Enabled")
            .and_then(|item| item.boolean())
            .unwrap_or(false),
        ..ViewerConnections::default()
    };
    if let Some((http2, http3)) = object.get("HttpVersion").and_then(|item| {
        item.one_of(&[
            ("http1.1", (false, false)),
            ("HTTP1.1", (false, false)),
            ("http2", (true, false)),
            ("http3", (false, true)),
            ("http2and3", (true, true)),
        ])
    }) {
        (viewer.http2, viewer.http3) = (http2, http3);
    }
    if let Some(config) = object.object("ViewerCertificate") {
        certificate(&config, &mut viewer);
    }
    if has_aliases && !viewer.own_certificate {
        let message = "alternate domain names need a certificate that covers them";
        object.fault_at("ViewerCertificate", Rule::InvalidViewerCertificate, message);
    }
    viewer.mutual_tls = object.get("ViewerMtlsConfig").is_some();
    viewer
}

fn certificate(config: &Object<'_>, viewer: &mut ViewerConnections) {
    let own = config.boolean("CloudFrontDefaultCertificate");
    let managed = config
        .named("ACMCertificateArn", "AcmCertificateArn")
        .and_then(|item| item.text());
    let uploaded = config
        .named("IAMCertificateId", "IamCertificateId")
        .and_then(|item| item.text());
    let given = [managed, uploaded].into_iter().flatten();
    let given = given.filter(|text| !text.is_empty()).count();
    if given + usize::from(own) > 1 {
        let message = "one certificate: CloudFront's own, one of ACM, or one of IAM";
        config.fault(Rule::InvalidViewerCertificate, message);
    }
    let elsewhere = |arn: &str| arn.starts_with("arn:") && !arn.contains(":acm:us-east-1:");
    if managed.is_some_and(elsewhere) {
        let message = "a certificate for CloudFront is in us-east-1";
        config.fault(Rule::InvalidViewerCertificate, message);
    }
    viewer.own_certificate = given > 0;
    security_policy(config, viewer);
    config.end(&["Certificate", "CertificateSource"]);
}

fn security_policy(config: &Object<'_>, viewer: &mut ViewerConnections) {
    let known = TLS_POLICIES.map(|name| (name, name));
    let policy = config.get("MinimumProtocolVersion");
    let policy = policy.and_then(|item| item.one_of(&known));
    let own_addresses = config
        .named("SSLSupportMethod", "SslSupportMethod")
        .and_then(|item| item.one_of(&[("sni-only", false), ("vip", true), ("static-ip", true)]));
    if let Some(policy) = policy.filter(|_| viewer.own_certificate) {
        policy.clone_into(&mut viewer.tls_policy);
    }
    if !viewer.own_certificate {
        return;
    }
    let old = matches!(policy, None | Some("SSLv3" | "TLSv1"));
    let name = "MinimumProtocolVersion";
    match own_addresses {
        None => {
            let message = "a certificate of one's own needs `SSLSupportMethod`";
            config.fault(Rule::InvalidViewerCertificate, message);
        }
        Some(true) if !old => {
            let message = "addresses of one's own (`vip`) go with SSLv3 and TLSv1 only";
            config.fault_at(name, Rule::InvalidMinimumProtocolVersion, message);
        }
        Some(false) if policy == Some("SSLv3") => {
            let message = "`sni-only` goes with TLSv1 or later";
            config.fault_at(name, Rule::InvalidMinimumProtocolVersion, message);
        }
        Some(_) => {}
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Restriction {
    None,
    Allow,
    Deny,
}

pub(crate) fn geo(object: &Object<'_>) -> GeoRestriction {
    let Some(restrictions) = object.object("Restrictions") else {
        return GeoRestriction::Off;
    };
    let config = restrictions
        .required("GeoRestriction")
        .and_then(Item::object);
    restrictions.end(&[]);
    config.map_or(GeoRestriction::Off, |config| restriction(&config))
}

fn restriction(config: &Object<'_>) -> GeoRestriction {
    let kind = config.required("RestrictionType").and_then(|item| {
        item.one_of(&[
            ("none", Restriction::None),
            ("whitelist", Restriction::Allow),
            ("blacklist", Restriction::Deny),
        ])
    });
    let items = match config.is_template() {
        true => config.items("Locations"),
        false => config.counted_items(false),
    };
    config.end(&[]);
    let kind = kind.unwrap_or(Restriction::None);
    if (kind == Restriction::None) != items.is_empty() {
        let message = "`none` lists no countries, and a list names some";
        config.fault_at(
            "RestrictionType",
            Rule::InvalidGeoRestrictionParameter,
            message,
        );
    }
    let mut listed = CountrySet::EMPTY;
    for country in items.iter().filter_map(country) {
        listed.insert(country);
    }
    match kind {
        Restriction::None => GeoRestriction::Off,
        Restriction::Allow => GeoRestriction::Allow(listed),
        Restriction::Deny => GeoRestriction::Deny(listed),
    }
}

fn country(item: &Item<'_>) -> Option<Country> {
    let code = item.text()?.parse::<Country>();
    code.map_err(|error| item.fault(Rule::InvalidLocationCode, error.to_string()))
        .ok()
}

pub(crate) fn errors(object: &Object<'_>) -> Vec<CustomError> {
    let mut errors: Vec<CustomError> = Vec::new();
    for item in object.items("CustomErrorResponses") {
        let Some(error) = error(item.clone()) else {
            continue;
        };
        if errors.iter().any(|known| known.status == error.status) {
            let message = format!("a second response for {}", error.status);
            item.fault(Rule::InvalidErrorCode, message);
        }
        errors.push(error);
    }
    errors
}

fn error(item: Item<'_>) -> Option<CustomError> {
    let object = item.object()?;
    let any = 0..=u64::from(u32::MAX);
    let status = object.required("ErrorCode");
    let status = status.and_then(|item| item.integer(any.clone(), Rule::InvalidErrorCode));
    let error = CustomError {
        status: code(&object, "ErrorCode", status?, Rule::InvalidErrorCode)?,
        min_ttl: object.integer("ErrorCachingMinTTL", any),
        page: page(&object),
    };
    object.end(&[]);
    Some(error)
}

fn code(object: &Object<'_>, name: &str, status: u64, rule: Rule) -> Option<u16> {
    let fits =
        ERROR_CODES.contains(&status) || (status == 200 && rule == Rule::InvalidResponseCode);
    if !fits {
        object.fault_at(name, rule, format!("{status} cannot stand here"));
    }
    u16::try_from(status).ok().filter(|_| fits)
}

fn page(object: &Object<'_>) -> Option<ErrorPage> {
    let path = object.text("ResponsePagePath");
    // The API writes the status as text, CloudFormation as a number.
    let status = match object.is_template() {
        true => object.integer("ResponseCode", 0..=u64::from(u32::MAX)),
        false => object
            .text("ResponseCode")
            .map(|text| text.parse().unwrap_or(0)),
    };
    let rule = Rule::InvalidResponseCode;
    let status = status.map(|status| code(object, "ResponseCode", status, rule).unwrap_or(0));
    match (path, status) {
        (None, None) => None,
        (Some(path), Some(status)) => {
            if !path.starts_with('/') {
                let message = "the path of an error page begins with a slash";
                object.fault_at("ResponsePagePath", Rule::InvalidRelativePath, message);
            }
            let path = path.to_owned();
            Some(ErrorPage { path, status })
        }
        _ => {
            let message = "`ResponsePagePath` and `ResponseCode` go together";
            object.fault_at("ResponsePagePath", rule, message);
            None
        }
    }
}

pub(crate) fn logging(object: &Object<'_>) -> Option<Logging> {
    let config = object.object("Logging")?;
    let enabled = match config.get("Enabled") {
        Some(item) => item.boolean().unwrap_or(false),
        None => object.is_template(),
    };
    let logging = Logging {
        bucket: config.text("Bucket").unwrap_or_default().to_owned(),
        prefix: config.text("Prefix").unwrap_or_default().to_owned(),
        cookies: config.boolean("IncludeCookies"),
    };
    config.end(&[]);
    (enabled && !logging.bucket.is_empty()).then_some(logging)
}
