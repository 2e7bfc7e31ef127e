//! Settings of an origin that a function may set, in either language: what each may be, and setting it.

use crate::event::Members;
use crate::rules::{Refused, capitals};
use portcullis_edge::distribution::{CustomOrigin, Origin, OriginKind, OriginProtocol};
use portcullis_edge::headers::CustomHeaders;
use std::net::IpAddr;

/// The longest name of a domain, in bytes.
const DOMAIN_BYTES_MAX: usize = 253;
/// The longest origin path, in bytes.
const PATH_BYTES_MAX: usize = 255;

#[allow(clippy::needless_pass_by_value, reason = "what `map_err` hands over")]
pub(crate) fn refused(why: impl ToString) -> Refused {
    Refused::Origin(why.to_string())
}

/// Gives an origin that a function described an id of its own: all that a connection depends on.
pub(crate) fn describe(origin: &mut Origin) {
    origin.id = format!(
        "{} as {} {:?} {} {}",
        origin.id,
        origin.domain,
        origin.kind,
        origin.connection_attempts,
        origin.connection_timeout_s,
    );
}

/// A domain name: no address, no port.
pub(crate) fn domain(name: &str) -> Result<(), Refused> {
    let holds = !name.is_empty()
        && name.len() <= DOMAIN_BYTES_MAX
        && name.parse::<IpAddr>().is_err()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'));
    holds
        .then_some(())
        .ok_or_else(|| refused(format!("`{}` is no domain name", name.escape_debug())))
}

/// An origin path: empty, or begins and does not end with a slash.
pub(crate) fn path(path: &str) -> Result<(), Refused> {
    let begins = path.is_empty() || (path.starts_with('/') && !path.ends_with('/'));
    let holds = begins
        && path.len() <= PATH_BYTES_MAX
        && path
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'?' && byte != b'#');
    holds
        .then_some(())
        .ok_or_else(|| refused(format!("`{}` is no origin path", path.escape_debug())))
}

pub(crate) fn custom_headers(given: Members<String>) -> Result<CustomHeaders, Refused> {
    let fields = given.0.into_iter();
    let fields = fields.map(|(name, value)| (capitals(&name.to_ascii_lowercase()), value));
    CustomHeaders::new(fields.collect()).map_err(refused)
}

/// What an origin has that was none of HTTP before; the guide does not say.
pub(crate) const PLAIN: CustomOrigin = CustomOrigin {
    http_port: 80,
    https_port: 443,
    protocol: OriginProtocol::MatchViewer,
    read_timeout_s: 30,
    keepalive_timeout_s: 5,
};

/// `http` or `https` at a port.
pub(crate) fn set_protocol(
    protocol: &str,
    port: u16,
    settings: &mut CustomOrigin,
) -> Result<(), Refused> {
    if !matches!(port, 80 | 443 | 1024..) {
        return Err(refused(format!("port {port} is not allowed")));
    }
    match protocol {
        "http" => {
            settings.protocol = OriginProtocol::HttpOnly;
            settings.http_port = port;
        }
        "https" => {
            settings.protocol = OriginProtocol::HttpsOnly;
            settings.https_port = port;
        }
        _ => return Err(refused("`protocol` is http or https")),
    }
    Ok(())
}

pub(crate) fn within(value: u8, least: u8, most: u8, name: &str) -> Result<u8, Refused> {
    if (least..=most).contains(&value) {
        return Ok(value);
    }
    Err(refused(format!("`{name}` is from {least} to {most}")))
}

pub(crate) fn set_read_timeout(seconds: u8, kind: &mut OriginKind) {
    match kind {
        OriginKind::S3 { read_timeout_s, .. } | OriginKind::Vpc { read_timeout_s, .. } => {
            *read_timeout_s = seconds;
        }
        OriginKind::Custom(custom) => custom.read_timeout_s = seconds,
    }
}

pub(crate) fn read_timeout(kind: &OriginKind) -> u8 {
    match kind {
        OriginKind::S3 { read_timeout_s, .. } | OriginKind::Vpc { read_timeout_s, .. } => {
            *read_timeout_s
        }
        OriginKind::Custom(custom) => custom.read_timeout_s,
    }
}

/// Not shorter than the time to the first byte.
pub(crate) fn set_completion_timeout(seconds: u32, origin: &mut Origin) -> Result<(), Refused> {
    if seconds < u32::from(read_timeout(&origin.kind)) {
        return Err(refused(
            "`responseCompletionTimeout` is shorter than `readTimeout`",
        ));
    }
    origin.completion_timeout_s = Some(seconds);
    Ok(())
}
