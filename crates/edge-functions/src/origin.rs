//! The origin that a CloudFront Function chose with the helpers of its runtime (DG:helper-functions-origin-modification).
//!
//! Always holds: what the model cannot play (another host name than the origin's, another server name, certificate names,
//! quality by media score) is refused by name and not left out; a described origin differs in its id from every other, so
//! that nobody reaches it over a connection to another.

pub(crate) mod settings;

use crate::event::Members;
use crate::rules::Refused;
use portcullis_edge::compute::{ComputeCall, OriginChoice};
use portcullis_edge::distribution::{
    AccessControl, AccessControlOrigin, CustomOrigin, Origin, OriginKind, Signing,
};
use serde::Deserialize;
use serde_json::Value;
use settings::{
    PLAIN, custom_headers, describe, domain, refused, set_completion_timeout, set_protocol,
    set_read_timeout, within,
};

#[derive(Deserialize)]
#[serde(tag = "how", content = "what")]
enum Chosen {
    #[serde(rename = "updateRequestOrigin")]
    Update(Box<Update>),
    #[serde(rename = "selectRequestOriginById")]
    Select(Named),
    #[serde(rename = "createRequestOriginGroup")]
    Group(Group),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Update {
    domain_name: Option<String>,
    host_header: Option<Value>,
    origin_path: Option<String>,
    custom_headers: Option<Members<String>>,
    connection_attempts: Option<u8>,
    origin_shield: Option<Shield>,
    origin_access_control_config: Option<Access>,
    timeouts: Option<Timeouts>,
    custom_origin_config: Option<Custom>,
    sni: Option<Value>,
    allowed_certificate_names: Option<Value>,
}

#[derive(Deserialize)]
struct Shield {
    enabled: bool,
    region: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Access {
    enabled: bool,
    signing_behavior: Option<String>,
    signing_protocol: Option<String>,
    origin_type: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Timeouts {
    read_timeout: Option<u8>,
    response_completion_timeout: Option<u32>,
    keep_alive_timeout: Option<u8>,
    connection_timeout: Option<u8>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Custom {
    port: u16,
    protocol: String,
    ssl_protocols: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Named {
    origin_id: String,
    origin_overrides: Option<Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Member {
    Id(String),
    Named(Named),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Group {
    origin_ids: Vec<Member>,
    selection_criteria: Option<String>,
    failover_criteria: Failover,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Failover {
    status_codes: Vec<u16>,
}

/// What a helper was called with, as JSON.
///
/// # Errors
/// [`Refused::Origin`]
pub fn of(chosen: &str, call: &ComputeCall) -> Result<OriginChoice, Refused> {
    match serde_json::from_str(chosen).map_err(refused)? {
        Chosen::Update(update) => {
            let assigned = call.origin.as_deref();
            let assigned = assigned.ok_or_else(|| refused("no origin is assigned"))?;
            let origin = updated(*update, assigned.clone())?;
            Ok(OriginChoice::Described(Box::new(origin)))
        }
        Chosen::Select(named) => position(named, call).map(OriginChoice::Known),
        Chosen::Group(group) => grouped(group, call),
    }
}

fn position(named: Named, call: &ComputeCall) -> Result<usize, Refused> {
    let overrides = named.origin_overrides.filter(|value| !value.is_null());
    unplayable(&[("originOverrides", &overrides)])?;
    let id = named.origin_id;
    let at = call.origins.iter().position(|origin| origin.id == id);
    at.ok_or_else(|| refused(format!("there is no origin `{id}`")))
}

fn grouped(group: Group, call: &ComputeCall) -> Result<OriginChoice, Refused> {
    if group.selection_criteria.is_some_and(|how| how != "default") {
        return Err(refused(
            "`selectionCriteria` other than `default` is not played",
        ));
    }
    let members = group.origin_ids.into_iter().map(|member| {
        let named = match member {
            Member::Named(named) => named,
            Member::Id(origin_id) => Named {
                origin_id,
                origin_overrides: None,
            },
        };
        position(named, call)
    });
    let members: Vec<usize> = members.collect::<Result<_, _>>()?;
    let members =
        <[usize; 2]>::try_from(members).map_err(|_| refused("a group has two origins"))?;
    let statuses = group.failover_criteria.status_codes;
    Ok(OriginChoice::Group { members, statuses })
}

fn unplayable(settings: &[(&str, &Option<Value>)]) -> Result<(), Refused> {
    let set = settings.iter().find(|(_, value)| value.is_some());
    match set {
        Some((name, _)) => Err(refused(format!("`{name}` is not played here"))),
        None => Ok(()),
    }
}

/// The assigned origin with what a function set; what it did not set stays.
fn updated(update: Update, mut origin: Origin) -> Result<Origin, Refused> {
    if matches!(origin.kind, OriginKind::Vpc { .. }) {
        return Err(refused("a VPC origin cannot be updated"));
    }
    unplayable(&[
        ("hostHeader", &update.host_header),
        ("sni", &update.sni),
        ("allowedCertificateNames", &update.allowed_certificate_names),
    ])?;
    if let Some(name) = update.domain_name {
        domain(&name)?;
        origin.kind = kind_for(&name, &origin.kind);
        origin.domain = name;
    }
    if let Some(path) = update.origin_path {
        settings::path(&path)?;
        origin.path = path;
    }
    if let Some(headers) = update.custom_headers {
        origin.custom_headers = custom_headers(headers)?;
    }
    if let Some(attempts) = update.connection_attempts {
        origin.connection_attempts = within(attempts, 1, 3, "connectionAttempts")?;
    }
    if let Some(shield) = update.origin_shield {
        origin.shield = match (shield.enabled, shield.region) {
            (false, _) => None,
            (true, Some(region)) => Some(region),
            (true, None) => return Err(refused("an Origin Shield has a region")),
        };
    }
    if let Some(access) = update.origin_access_control_config {
        origin.access_control = access_control(&access)?;
    }
    if let Some(custom) = update.custom_origin_config {
        customize(&custom, &mut origin.kind)?;
    }
    if let Some(timeouts) = update.timeouts {
        set_timeouts(&timeouts, &mut origin)?;
    }
    describe(&mut origin);
    Ok(origin)
}

/// The kind of an origin whose domain changed: a bucket's REST endpoint is one of S3, anything else is not.
fn kind_for(domain: &str, was: &OriginKind) -> OriginKind {
    match (is_bucket(domain), was) {
        (true, OriginKind::Custom(custom)) => OriginKind::S3 {
            access_identity: false,
            read_timeout_s: custom.read_timeout_s,
        },
        (false, OriginKind::S3 { read_timeout_s, .. }) => OriginKind::Custom(CustomOrigin {
            read_timeout_s: *read_timeout_s,
            ..PLAIN
        }),
        (true, OriginKind::S3 { read_timeout_s, .. }) => OriginKind::S3 {
            access_identity: false,
            read_timeout_s: *read_timeout_s,
        },
        (_, was) => was.clone(),
    }
}

fn is_bucket(domain: &str) -> bool {
    let inside = domain.strip_suffix(".amazonaws.com").unwrap_or_default();
    (inside.ends_with(".s3") || inside.contains(".s3.") || inside.contains(".s3-"))
        && !inside.contains(".s3-website")
}

fn customize(custom: &Custom, kind: &mut OriginKind) -> Result<(), Refused> {
    let mut settings = match kind {
        OriginKind::Custom(settings) => *settings,
        OriginKind::S3 { .. } | OriginKind::Vpc { .. } => return Ok(()),
    };
    const PROTOCOLS: [&str; 4] = ["SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2"];
    let unknown = |name: &String| !PROTOCOLS.contains(&name.as_str());
    if let Some(name) = custom.ssl_protocols.iter().find(|name| unknown(name)) {
        return Err(refused(format!("`{}` is no protocol", name.escape_debug())));
    }
    set_protocol(&custom.protocol, custom.port, &mut settings)?;
    *kind = OriginKind::Custom(settings);
    Ok(())
}

fn set_timeouts(timeouts: &Timeouts, origin: &mut Origin) -> Result<(), Refused> {
    if let Some(seconds) = timeouts.read_timeout {
        let seconds = within(seconds, 1, 120, "readTimeout")?;
        set_read_timeout(seconds, &mut origin.kind);
    }
    if let Some(seconds) = timeouts.connection_timeout {
        origin.connection_timeout_s = within(seconds, 1, 10, "connectionTimeout")?;
    }
    if let (Some(seconds), OriginKind::Custom(custom)) =
        (timeouts.keep_alive_timeout, &mut origin.kind)
    {
        custom.keepalive_timeout_s = within(seconds, 1, 120, "keepAliveTimeout")?;
    }
    if let Some(seconds) = timeouts.response_completion_timeout {
        set_completion_timeout(seconds, origin)?;
    }
    Ok(())
}

fn access_control(access: &Access) -> Result<Option<AccessControl>, Refused> {
    if !access.enabled {
        return Ok(None);
    }
    if access.signing_protocol.as_deref() != Some("sigv4") {
        return Err(refused("`signingProtocol` is sigv4"));
    }
    let signing = match access.signing_behavior.as_deref() {
        Some("always") => Signing::Always,
        Some("never") => Signing::Never,
        Some("no-override") => Signing::NoOverride,
        _ => return Err(refused("`signingBehavior` is always, never or no-override")),
    };
    let origin = match access.origin_type.as_deref() {
        Some("s3") => AccessControlOrigin::S3,
        Some("lambda") => AccessControlOrigin::Lambda,
        Some("mediastore") => AccessControlOrigin::MediaStore,
        Some("mediapackagev2") => AccessControlOrigin::MediaPackageV2,
        _ => {
            return Err(refused(
                "`originType` is s3, lambda, mediastore or mediapackagev2",
            ));
        }
    };
    Ok(Some(AccessControl { origin, signing }))
}
