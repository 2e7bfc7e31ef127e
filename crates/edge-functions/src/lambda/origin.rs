//! The origin that a Lambda@Edge function is shown at `origin-request`, and the one it leaves.

use super::event::Header;
use crate::event::Members;
use crate::origin::settings::{
    PLAIN, custom_headers, describe, domain, path, read_timeout, set_completion_timeout,
    set_protocol, set_read_timeout, within,
};
use crate::rules::Refused;
use portcullis_edge::compute::OriginChoice;
use portcullis_edge::distribution::{CustomOrigin, Origin, OriginKind, OriginProtocol};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// Exactly one of both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Shown {
    Custom(Custom),
    S3(Bucket),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Custom {
    #[serde(default)]
    custom_headers: Members<Vec<Header>>,
    domain_name: String,
    keepalive_timeout: u8,
    #[serde(default)]
    path: String,
    port: u16,
    protocol: String,
    read_timeout: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    response_completion_timeout: Option<u32>,
    ssl_protocols: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Bucket {
    auth_method: String,
    #[serde(default)]
    custom_headers: Members<Vec<Header>>,
    domain_name: String,
    #[serde(default)]
    path: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    read_timeout: Option<u8>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    response_completion_timeout: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    region: Option<String>,
}

/// An origin as a function sees it.
pub(super) fn shown(origin: &Origin) -> Shown {
    let headers = origin.custom_headers.iter().map(|(name, value)| {
        let header = Header {
            key: Some(name.to_owned()),
            value: value.to_owned(),
        };
        (name.to_ascii_lowercase(), vec![header])
    });
    let custom_headers = Members(headers.collect());
    match &origin.kind {
        OriginKind::S3 {
            access_identity,
            read_timeout_s,
        } => Shown::S3(Bucket {
            auth_method: auth_method(*access_identity).to_owned(),
            custom_headers,
            domain_name: origin.domain.clone(),
            path: origin.path.clone(),
            read_timeout: Some(*read_timeout_s),
            response_completion_timeout: origin.completion_timeout_s,
            region: Some(region(&origin.domain).to_owned()),
        }),
        kind @ (OriginKind::Custom(_) | OriginKind::Vpc { .. }) => {
            let settings = custom_of(kind);
            // The call does not say how the viewer came; `match-viewer` is shown as https.
            let (protocol, port) = match settings.protocol {
                OriginProtocol::HttpOnly => ("http", settings.http_port),
                OriginProtocol::HttpsOnly | OriginProtocol::MatchViewer => {
                    ("https", settings.https_port)
                }
            };
            Shown::Custom(Custom {
                custom_headers,
                domain_name: origin.domain.clone(),
                keepalive_timeout: settings.keepalive_timeout_s,
                path: origin.path.clone(),
                port,
                protocol: protocol.to_owned(),
                read_timeout: settings.read_timeout_s,
                response_completion_timeout: origin.completion_timeout_s,
                ssl_protocols: vec!["TLSv1.2".to_owned()],
            })
        }
    }
}

fn custom_of(kind: &OriginKind) -> CustomOrigin {
    match kind {
        OriginKind::Custom(settings) => *settings,
        OriginKind::S3 { .. } | OriginKind::Vpc { .. } => CustomOrigin {
            read_timeout_s: read_timeout(kind),
            ..PLAIN
        },
    }
}

fn auth_method(access_identity: bool) -> &'static str {
    if access_identity {
        "origin-access-identity"
    } else {
        "none"
    }
}

/// The region in a bucket's domain name.
fn region(domain: &str) -> &str {
    let rest = domain.strip_suffix(".amazonaws.com").unwrap_or_default();
    let found = rest
        .rsplit_once(".s3.")
        .or_else(|| rest.rsplit_once(".s3-"));
    found.map_or("us-east-1", |(_, region)| region)
}

/// What a function left, as a choice: the same origin, or the one it described.
pub(super) fn of(given: &RawValue, assigned: &Origin) -> Result<OriginChoice, Refused> {
    let refused = |why: serde_json::Error| Refused::Origin(why.to_string());
    let given: Shown = serde_json::from_str(given.get()).map_err(refused)?;
    if given == shown(assigned) {
        return Ok(OriginChoice::Unchanged);
    }
    if matches!(assigned.kind, OriginKind::Vpc { .. }) {
        return Err(Refused::Origin("a VPC origin cannot be changed".to_owned()));
    }
    let mut origin = assigned.clone();
    match given {
        Shown::Custom(custom) => make_custom(custom, &mut origin)?,
        Shown::S3(bucket) => make_bucket(bucket, &mut origin)?,
    }
    describe(&mut origin);
    Ok(OriginChoice::Described(Box::new(origin)))
}

fn make_custom(custom: Custom, origin: &mut Origin) -> Result<(), Refused> {
    let mut settings = custom_of(&origin.kind);
    set_protocol(&custom.protocol, custom.port, &mut settings)?;
    settings.read_timeout_s = within(custom.read_timeout, 1, 120, "readTimeout")?;
    settings.keepalive_timeout_s = within(custom.keepalive_timeout, 1, 120, "keepaliveTimeout")?;
    origin.kind = OriginKind::Custom(settings);
    make_common(
        custom.domain_name,
        custom.path,
        custom.custom_headers,
        custom.response_completion_timeout,
        origin,
    )
}

fn make_bucket(bucket: Bucket, origin: &mut Origin) -> Result<(), Refused> {
    let had_identity = matches!(
        origin.kind,
        OriginKind::S3 {
            access_identity: true,
            ..
        }
    );
    let access_identity = match (bucket.auth_method.as_str(), &bucket.region) {
        ("none", _) => false,
        ("origin-access-identity", Some(_)) if had_identity => true,
        ("origin-access-identity", _) => {
            let why = "an origin access identity needs a region, and an origin that had one";
            return Err(Refused::Origin(why.to_owned()));
        }
        _ => {
            let why = "`authMethod` is origin-access-identity or none";
            return Err(Refused::Origin(why.to_owned()));
        }
    };
    if bucket
        .domain_name
        .bytes()
        .any(|byte| byte.is_ascii_uppercase())
    {
        return Err(Refused::Origin("a bucket's name is lower-case".to_owned()));
    }
    origin.kind = OriginKind::S3 {
        access_identity,
        read_timeout_s: read_timeout(&origin.kind),
    };
    if let Some(seconds) = bucket.read_timeout {
        set_read_timeout(within(seconds, 1, 120, "readTimeout")?, &mut origin.kind);
    }
    make_common(
        bucket.domain_name,
        bucket.path,
        bucket.custom_headers,
        bucket.response_completion_timeout,
        origin,
    )
}

fn make_common(
    name: String,
    prefix: String,
    headers: Members<Vec<Header>>,
    completion_timeout: Option<u32>,
    origin: &mut Origin,
) -> Result<(), Refused> {
    domain(&name)?;
    path(&prefix)?;
    let headers = headers.0.into_iter().flat_map(|(name, all)| {
        all.into_iter()
            .map(move |header| (header.key.unwrap_or_else(|| name.clone()), header.value))
    });
    origin.custom_headers = custom_headers(Members(headers.collect()))?;
    origin.domain = name;
    origin.path = prefix;
    // None and zero are the default: no limit.
    origin.completion_timeout_s = None;
    match completion_timeout {
        Some(0) | None => Ok(()),
        Some(seconds) => set_completion_timeout(seconds, origin),
    }
}
