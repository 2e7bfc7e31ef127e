//! What `get-distribution-config` prints, written as the template that would make it.
//!
//! Only the form changes: counted lists become lists, a few names their other spelling, and what is empty is left out.

use portcullis_distribution::value::{Kind, Member, Value};

/// Names that a template spells otherwise.
const RENAMED: [(&str, &str); 6] = [
    ("ACMCertificateArn", "AcmCertificateArn"),
    (
        "CloudFrontDefaultCertificate",
        "CloudFrontDefaultCertificate",
    ),
    ("CustomHeaders", "OriginCustomHeaders"),
    ("IAMCertificateId", "IamCertificateId"),
    ("OriginSslProtocols", "OriginSSLProtocols"),
    ("SSLSupportMethod", "SslSupportMethod"),
];

/// The template of a distribution's configuration; `None` if the value is none.
#[must_use]
pub fn as_template(value: &Value) -> Option<Value> {
    let whole = value.get("Distribution").unwrap_or(value);
    let config = whole.get("DistributionConfig").unwrap_or(whole);
    config.get("DefaultCacheBehavior")?;
    let at = value.at;
    let member = |key: &str, value: Value| Member {
        key: key.to_owned(),
        at,
        value,
    };
    let resource = Value {
        at,
        kind: Kind::Map(vec![
            member("Type", Value::text(at, "AWS::CloudFront::Distribution")),
            member(
                "Properties",
                Value::single(at, "DistributionConfig", converted(config)),
            ),
        ]),
    };
    let resources = Value::single(at, "Distribution", resource);
    Some(Value::single(at, "Resources", resources))
}

fn converted(value: &Value) -> Value {
    let kind = match &value.kind {
        Kind::List(items) => Kind::List(items.iter().map(converted).collect()),
        Kind::Map(members) if value.get("RestrictionType").is_some() => {
            Kind::Map(renamed(members, &[("Items", "Locations")]))
        }
        Kind::Map(_) if value.get("Quantity").is_some() => {
            let items = value.get("Items").map_or(&[][..], Value::items);
            Kind::List(items.iter().map(converted).collect())
        }
        Kind::Map(members) => Kind::Map(renamed(members, &RENAMED)),
        other => other.clone(),
    };
    Value { at: value.at, kind }
}

fn renamed(members: &[Member], names: &[(&str, &str)]) -> Vec<Member> {
    let kept = members.iter().filter(|member| !is_empty(&member.value));
    let kept = kept.filter(|member| !(member.key == "Logging" && is_off(&member.value)));
    kept.map(|member| {
        let other = names.iter().find(|(api, _)| *api == member.key);
        Member {
            key: other
                .map_or(member.key.as_str(), |(_, template)| template)
                .to_owned(),
            at: member.at,
            value: converted(&member.value),
        }
    })
    .collect()
}

/// An empty text, or a list that counts nothing.
fn is_empty(value: &Value) -> bool {
    let none = value.get("Quantity").and_then(Value::as_text) == Some("0");
    value.as_text() == Some("") || (none && value.get("RestrictionType").is_none())
}

fn is_off(value: &Value) -> bool {
    value.get("Enabled").and_then(Value::as_text) == Some("false")
}
