//! Origins and origin groups.
//!
//! Always holds: an origin has one kind; a group two members that are origins. Deliberately absent: reaching them.

use super::resources::Resources;
use crate::fault::Rule;
use crate::read::{Item, Object};
use portcullis_edge::distribution::{
    AccessControl, AccessControlOrigin, CustomOrigin, Origin, OriginGroup, OriginKind,
    OriginProtocol,
};
use portcullis_edge::headers::{CUSTOM_HEADERS_MAX, CustomHeaders};

/// Statuses that count as failure in a group, if they are listed.
const FAILOVER_STATUSES: [u64; 9] = [400, 403, 404, 416, 429, 500, 502, 503, 504];
/// The read timeout when it is left out, in seconds.
const READ_TIMEOUT_S: u8 = 30;
/// The keep-alive timeout when it is left out, in seconds.
const KEEPALIVE_TIMEOUT_S: u8 = 5;

pub(crate) fn origin(item: Item<'_>, resources: &Resources) -> Option<Origin> {
    let object = item.object()?;
    let id = object.required_text("Id").unwrap_or_default().to_owned();
    let domain = object.required_text("DomainName").unwrap_or_default();
    let domain = domain.to_ascii_lowercase();
    // Without one there is a fault; the origin stays, so that behaviors find it.
    let kind = kind(&object).unwrap_or(OriginKind::S3 {
        access_identity: false,
        read_timeout_s: READ_TIMEOUT_S,
    });
    let origin = Origin {
        id,
        path: path(&object),
        custom_headers: custom_headers(&object),
        connection_attempts: small(&object, "ConnectionAttempts", 1..=3, 3),
        connection_timeout_s: small(&object, "ConnectionTimeout", 1..=10, 10),
        completion_timeout_s: completion_timeout(&object, &kind),
        shield: shield(&object),
        access_control: access_control(&object, &kind, &domain, resources),
        domain,
        kind,
    };
    check_website(&object, &origin);
    object.end(&[]);
    Some(origin)
}

fn small(object: &Object<'_>, name: &str, range: std::ops::RangeInclusive<u64>, else_: u8) -> u8 {
    let number = object.integer(name, range);
    number.and_then(|n| u8::try_from(n).ok()).unwrap_or(else_)
}

fn timeout(object: &Object<'_>, name: &str, rule: Rule, else_: u8) -> u8 {
    let number = object
        .get(name)
        .and_then(|item| item.integer(1..=120, rule));
    number.and_then(|n| u8::try_from(n).ok()).unwrap_or(else_)
}

fn read_timeout(object: &Object<'_>) -> u8 {
    let rule = Rule::InvalidOriginReadTimeout;
    timeout(object, "OriginReadTimeout", rule, READ_TIMEOUT_S)
}

fn kind(object: &Object<'_>) -> Option<OriginKind> {
    let s3 = object.object("S3OriginConfig").map(|config| s3(&config));
    let custom = object.object("CustomOriginConfig");
    let custom = custom.map(|config| OriginKind::Custom(custom_origin(&config)));
    let vpc = object.object("VpcOriginConfig").map(|config| vpc(&config));
    let mut kinds = [s3, custom, vpc].into_iter().flatten();
    match (kinds.next(), kinds.next()) {
        (Some(kind), None) => Some(kind),
        _ => {
            let message =
                "an origin has one of S3OriginConfig, CustomOriginConfig and VpcOriginConfig";
            object.fault(Rule::InvalidArgument, message);
            None
        }
    }
}

fn s3(config: &Object<'_>) -> OriginKind {
    let kind = OriginKind::S3 {
        access_identity: config.text("OriginAccessIdentity").is_some(),
        read_timeout_s: read_timeout(config),
    };
    config.end(&[]);
    kind
}

fn vpc(config: &Object<'_>) -> OriginKind {
    let kind = OriginKind::Vpc {
        id: config
            .required_text("VpcOriginId")
            .unwrap_or_default()
            .to_owned(),
        read_timeout_s: read_timeout(config),
    };
    let rule = Rule::InvalidOriginKeepaliveTimeout;
    timeout(config, "OriginKeepaliveTimeout", rule, KEEPALIVE_TIMEOUT_S);
    config.end(&["OwnerAccountId"]);
    kind
}

fn custom_origin(config: &Object<'_>) -> CustomOrigin {
    let protocol = config.required("OriginProtocolPolicy").and_then(|item| {
        item.one_of(&[
            ("http-only", OriginProtocol::HttpOnly),
            ("https-only", OriginProtocol::HttpsOnly),
            ("match-viewer", OriginProtocol::MatchViewer),
        ])
    });
    if let Some(protocols) = config.named("OriginSslProtocols", "OriginSSLProtocols") {
        let known = ["SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2"].map(|name| (name, ()));
        for protocol in protocols.items() {
            protocol.one_of(&known);
        }
    }
    let rule = Rule::InvalidOriginKeepaliveTimeout;
    let origin = CustomOrigin {
        http_port: port(config, "HTTPPort", 80),
        https_port: port(config, "HTTPSPort", 443),
        protocol: protocol.unwrap_or(OriginProtocol::HttpsOnly),
        read_timeout_s: read_timeout(config),
        keepalive_timeout_s: timeout(config, "OriginKeepaliveTimeout", rule, KEEPALIVE_TIMEOUT_S),
    };
    config.end(&["IpAddressType", "OriginMtlsConfig"]);
    origin
}

fn port(config: &Object<'_>, name: &str, else_: u16) -> u16 {
    let item = match config.is_template() {
        true => config.get(name),
        false => config.required(name),
    };
    let Some(item) = item else { return else_ };
    let number = item.integer(1..=65_535, Rule::InvalidArgument);
    let port = number.and_then(|n| u16::try_from(n).ok()).unwrap_or(else_);
    if !matches!(port, 80 | 443 | 1024..) {
        item.fault(Rule::InvalidArgument, "a port is 80, 443 or 1024 to 65535");
    }
    port
}

fn path(object: &Object<'_>) -> String {
    let path = object.text("OriginPath").unwrap_or_default();
    if !path.is_empty() && (!path.starts_with('/') || path.ends_with('/')) {
        let message = "an origin path begins with a slash and does not end with one";
        object.fault_at("OriginPath", Rule::InvalidRelativePath, message);
    }
    path.to_owned()
}

fn custom_headers(object: &Object<'_>) -> CustomHeaders {
    let name = match object.is_template() {
        true => "OriginCustomHeaders",
        false => "CustomHeaders",
    };
    let items = object.items(name);
    if items.len() > CUSTOM_HEADERS_MAX {
        let message = format!(
            "{} custom headers; at most {CUSTOM_HEADERS_MAX}",
            items.len()
        );
        object.fault_at(name, Rule::TooManyOriginCustomHeaders, message);
        return CustomHeaders::default();
    }
    let headers = items.into_iter().filter_map(custom_header).collect();
    CustomHeaders::new(headers).unwrap_or_else(|error| {
        object.fault_at(name, Rule::InvalidArgument, error.to_string());
        CustomHeaders::default()
    })
}

fn custom_header(item: Item<'_>) -> Option<(String, String)> {
    let object = item.object()?;
    let (name, value) = (
        object.required_text("HeaderName"),
        object.required_text("HeaderValue"),
    );
    object.end(&[]);
    Some((name?.to_owned(), value?.to_owned()))
}

fn completion_timeout(object: &Object<'_>, kind: &OriginKind) -> Option<u32> {
    let seconds = object.integer("ResponseCompletionTimeout", 0..=u64::from(u32::MAX))?;
    let read = match kind {
        OriginKind::S3 { read_timeout_s, .. } | OriginKind::Vpc { read_timeout_s, .. } => {
            *read_timeout_s
        }
        OriginKind::Custom(custom) => custom.read_timeout_s,
    };
    if seconds > 0 && seconds < u64::from(read) {
        let message = format!("shorter than the read timeout, {read} seconds");
        object.fault_at("ResponseCompletionTimeout", Rule::InvalidArgument, message);
    }
    u32::try_from(seconds).ok().filter(|seconds| *seconds > 0)
}

fn shield(object: &Object<'_>) -> Option<String> {
    let shield = object.object("OriginShield")?;
    let enabled = shield.boolean("Enabled");
    let region = shield.text("OriginShieldRegion").map(str::to_owned);
    if enabled && region.is_none() {
        let message = "an Origin Shield has a region";
        shield.fault_at("OriginShieldRegion", Rule::MissingMember, message);
    }
    shield.end(&[]);
    region.filter(|_| enabled)
}

fn is_website(domain: &str) -> bool {
    domain.contains(".s3-website-") || domain.contains(".s3-website.")
}

fn access_control(
    object: &Object<'_>,
    kind: &OriginKind,
    domain: &str,
    resources: &Resources,
) -> Option<AccessControl> {
    const NAME: &str = "OriginAccessControlId";
    let id = object.text(NAME)?;
    if is_website(domain) {
        let message = "a website endpoint takes no signed requests; use the bucket's REST endpoint";
        object.fault_at(NAME, Rule::InvalidOriginAccessControl, message);
        return None;
    }
    let Some(control) = resources.access_controls.get(id) else {
        let message = format!("origin access control `{id}` was not given");
        object.fault_at(NAME, Rule::MissingReference, message);
        return None;
    };
    let s3 = matches!(kind, OriginKind::S3 { .. });
    if s3 != (control.origin == AccessControlOrigin::S3) {
        let message = format!("`{id}` signs for another kind of origin");
        object.fault_at(NAME, Rule::InvalidOriginAccessControl, message);
    }
    Some(*control)
}

/// A website endpoint speaks http alone, and is no S3 origin.
fn check_website(object: &Object<'_>, origin: &Origin) {
    if !is_website(&origin.domain) {
        return;
    }
    let message = "an S3 website endpoint is a custom origin that speaks http only";
    match origin.kind {
        OriginKind::Custom(custom) if custom.protocol == OriginProtocol::HttpOnly => {}
        OriginKind::Custom(_) => {
            let name = "CustomOriginConfig.OriginProtocolPolicy";
            object.fault_at(name, Rule::InvalidRequiredProtocol, message);
        }
        _ => object.fault_at("DomainName", Rule::InvalidArgument, message),
    }
}

pub(crate) fn group(item: Item<'_>, origins: &[Origin]) -> Option<OriginGroup> {
    let object = item.object()?;
    let id = object.required_text("Id").map(str::to_owned);
    let statuses = statuses(&object);
    let members = members(&object, origins);
    let selection = object.get("SelectionCriteria");
    let selection = selection
        .and_then(|item| item.one_of(&[("default", false), ("media-quality-based", true)]));
    object.end(&[]);
    Some(OriginGroup {
        id: id?,
        statuses,
        // Without them there is a fault; the group stays, so that behaviors find it.
        members: members.unwrap_or([0, 0]),
        by_media_quality: selection.unwrap_or(false),
    })
}

fn statuses(object: &Object<'_>) -> Vec<u16> {
    let Some(criteria) = object.required("FailoverCriteria").and_then(Item::object) else {
        return Vec::new();
    };
    let items = criteria.required("StatusCodes").map(Item::items);
    criteria.end(&[]);
    let items = items.unwrap_or_default();
    items.iter().filter_map(status).collect()
}

fn status(item: &Item<'_>) -> Option<u16> {
    let status = item.integer(100..=599, Rule::InvalidArgument)?;
    if !FAILOVER_STATUSES.contains(&status) {
        item.fault(Rule::InvalidArgument, format!("{status} does not count as failure; one of 400, 403, 404, 416, 429, 500, 502, 503, 504"));
    }
    u16::try_from(status).ok()
}

fn members(object: &Object<'_>, origins: &[Origin]) -> Option<[usize; 2]> {
    let items = object.required("Members")?.items();
    let count = items.len();
    let members: Vec<_> = items
        .into_iter()
        .filter_map(|item| member(item, origins))
        .collect();
    match members.as_slice() {
        &[first, second] if first != second => Some([first, second]),
        _ if count == 2 && members.len() < 2 => None,
        _ => {
            let message = "a group has two members that differ";
            object.fault_at("Members", Rule::InvalidArgument, message);
            None
        }
    }
}

fn member(item: Item<'_>, origins: &[Origin]) -> Option<usize> {
    let object = item.object()?;
    let id = object.required_text("OriginId");
    object.end(&[]);
    let id = id?;
    let found = origins.iter().position(|origin| origin.id == id);
    if found.is_none() {
        let message = format!("`{id}` is no origin of this distribution");
        object.fault_at("OriginId", Rule::NoSuchOrigin, message);
    }
    found
}
