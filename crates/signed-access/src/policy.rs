//! Policies: the canned text that is rebuilt from a URL, and the custom JSON a signer sent.
//!
//! The shape is the documented one and nothing else, under both profiles: one statement, known members only, none
//! twice, times as unquoted epoch seconds, one IPv4 network without host bits. The gateway moreover refuses what
//! CloudFront tells signers to leave out (white space) or never needs (escapes, non-ASCII text, a byte-order mark).

use crate::authenticate::Profile;
use crate::json::{Json, fill};
use crate::refusal::PolicyFault;
use ipnet::Ipv4Net;
use std::borrow::Cow;

/// Longest custom policy that is read, in bytes: what fits the longest query as base64.
pub const POLICY_MAX_BYTES: usize = 6144;

/// Latest time that is accepted, in epoch seconds: the end of the year 9999. CloudFront documents 2^63 - 1 but was
/// observed to refuse milliseconds, and a time in milliseconds is far above this.
pub const EPOCH_MAX_SECONDS: u64 = 253_402_300_799;

/// What a custom policy says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct CustomPolicy<'a> {
    pub(crate) resource: Option<Cow<'a, str>>,
    pub(crate) conditions: Conditions,
}

/// When, and from where, a policy lets a request in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Conditions {
    pub(crate) expires: u64,
    pub(crate) not_before: Option<u64>,
    pub(crate) source: Option<Ipv4Net>,
}

impl<'a> CustomPolicy<'a> {
    pub(crate) fn read(bytes: &'a [u8], profile: Profile) -> Result<Self, PolicyFault> {
        if bytes.len() > POLICY_MAX_BYTES {
            return Err(PolicyFault::TooLong);
        }
        if profile == Profile::Gateway
            && !bytes
                .iter()
                .all(|byte| byte.is_ascii_graphic() && *byte != b'\\')
        {
            return Err(PolicyFault::Text);
        }
        let text = str::from_utf8(bytes).map_err(|_| PolicyFault::Syntax)?;
        let policy = document(text)?;
        if profile == Profile::Gateway && policy.resource.is_none() {
            return Err(PolicyFault::NoResource);
        }
        Ok(policy)
    }
}

fn document(text: &str) -> Result<CustomPolicy<'_>, PolicyFault> {
    let mut json = Json::new(text);
    let policy = json.object_of("Statement", |json| {
        json.expect('[')?;
        if json.take(']') {
            return Err(PolicyFault::StatementCount);
        }
        let policy = statement(json)?;
        if json.take(',') {
            return Err(PolicyFault::StatementCount);
        }
        json.expect(']')?;
        Ok(policy)
    })?;
    json.end()?;
    Ok(policy)
}

fn statement<'a>(json: &mut Json<'a>) -> Result<CustomPolicy<'a>, PolicyFault> {
    let (mut resource, mut found) = (None, None);
    json.object(|json, name| match name {
        "Resource" => fill(&mut resource, json.string()?),
        "Condition" => fill(&mut found, conditions(json)?),
        _ => Err(PolicyFault::UnknownMember),
    })?;
    Ok(CustomPolicy {
        resource,
        conditions: found.ok_or(PolicyFault::NoExpiry)?,
    })
}

fn conditions(json: &mut Json<'_>) -> Result<Conditions, PolicyFault> {
    let (mut expires, mut not_before, mut source) = (None, None, None);
    json.object(|json, name| match name {
        "DateLessThan" => fill(&mut expires, json.object_of("AWS:EpochTime", Json::epoch)?),
        "DateGreaterThan" => fill(
            &mut not_before,
            json.object_of("AWS:EpochTime", Json::epoch)?,
        ),
        "IpAddress" => {
            let text = json.object_of("AWS:SourceIp", Json::string)?;
            fill(
                &mut source,
                ipv4_network(&text).ok_or(PolicyFault::SourceAddress)?,
            )
        }
        _ => Err(PolicyFault::UnknownMember),
    })?;
    Ok(Conditions {
        expires: expires.ok_or(PolicyFault::NoExpiry)?,
        not_before,
        source,
    })
}

/// One IPv4 address, or a network in its one spelling: no host bits, no leading zeros.
fn ipv4_network(text: &str) -> Option<Ipv4Net> {
    let (address, prefix) = text.split_once('/').unwrap_or((text, "32"));
    let spelled = prefix == "0" || (!prefix.starts_with(['0', '+']));
    let network = Ipv4Net::new(
        address.parse().ok()?,
        prefix.parse().ok().filter(|_| spelled)?,
    )
    .ok()?;
    (network.trunc() == network).then_some(network)
}

/// A time in epoch seconds, written the one way JSON writes an integer.
pub(crate) fn epoch(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = text
        .parse()
        .ok()
        .filter(|_| digits && !text.starts_with('0'))?;
    (seconds <= EPOCH_MAX_SECONDS).then_some(seconds)
}

/// The canned policy for a URL: byte-exact, without white space.
pub(crate) fn canned(url: &str, expires: u64) -> String {
    format!(
        r#"{{"Statement":[{{"Resource":"{url}","Condition":{{"DateLessThan":{{"AWS:EpochTime":{expires}}}}}}}]}}"#
    )
}

/// Whether a URL can stand in a policy text as it is. A quote or a backslash could end the string it stands in, so that
/// the text signed for one URL would read as a policy for another.
pub(crate) fn is_plain(url: &str) -> bool {
    url.bytes()
        .all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\')
}
