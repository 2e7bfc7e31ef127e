//! A response headers policy: names are removed first, then fields are added.

use super::{AllowedOrigin, Asked, cors};
use crate::distribution::{FrameOption, ResponseHeadersPolicy, StrictTransport, XssProtection};
use crate::headers::Headers;

/// Names that a policy cannot remove; one that ends with a dash stands for all that begin with it.
const UNREMOVABLE: [&str; 33] = [
    "connection",
    "content-encoding",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "warning",
    "x-accel-buffering",
    "x-accel-charset",
    "x-accel-limit-rate",
    "x-accel-redirect",
    "x-amz-cf-",
    "x-amzn-auth",
    "x-amzn-cf-billing",
    "x-amzn-cf-id",
    "x-amzn-cf-xff",
    "x-amzn-errortype",
    "x-amzn-fle-profile",
    "x-amzn-header-count",
    "x-amzn-header-order",
    "x-amzn-lambda-integration-tag",
    "x-amzn-requestid",
    "x-cache",
    "x-edge-",
    "x-forwarded-proto",
    "x-real-ip",
];

pub(super) fn apply(
    policy: &ResponseHeadersPolicy,
    origins: &[AllowedOrigin],
    asked: &Asked<'_>,
    headers: &mut Headers,
) {
    for name in policy.remove.iter().filter(|name| is_removable(name)) {
        headers.remove(name);
        // DG:understanding-response-headers-policies: CloudFront puts its own in the place of these.
        if name.eq_ignore_ascii_case("server") {
            headers.set("Server", "CloudFront");
        }
    }
    if let Some(cors) = &policy.cors {
        cors::apply(cors, origins, asked, headers);
    }
    add_security(policy, headers);
    for field in &policy.custom {
        add(headers, &field.name, &field.value, field.overrides);
    }
}

fn is_removable(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    !UNREMOVABLE.iter().any(|kept| {
        let is_prefix = kept.ends_with('-');
        name == *kept || is_prefix && name.starts_with(kept)
    })
}

fn add_security(policy: &ResponseHeadersPolicy, headers: &mut Headers) {
    if let Some(setting) = &policy.strict_transport {
        let value = strict_transport(setting.value);
        add(
            headers,
            "Strict-Transport-Security",
            &value,
            setting.overrides,
        );
    }
    if let Some(setting) = &policy.content_type_options {
        add(
            headers,
            "X-Content-Type-Options",
            "nosniff",
            setting.overrides,
        );
    }
    if let Some(setting) = &policy.frame_options {
        let value = match setting.value {
            FrameOption::Deny => "DENY",
            FrameOption::SameOrigin => "SAMEORIGIN",
        };
        add(headers, "X-Frame-Options", value, setting.overrides);
    }
    if let Some(setting) = &policy.xss_protection {
        let value = match &setting.value {
            XssProtection::Off => "0".to_owned(),
            XssProtection::On => "1".to_owned(),
            XssProtection::Block => "1; mode=block".to_owned(),
            XssProtection::Report(uri) => format!("1; report={uri}"),
        };
        add(headers, "X-XSS-Protection", &value, setting.overrides);
    }
    if let Some(setting) = &policy.referrer_policy {
        add(
            headers,
            "Referrer-Policy",
            &setting.value,
            setting.overrides,
        );
    }
    if let Some(setting) = &policy.content_security_policy {
        let value = &setting.value;
        add(headers, "Content-Security-Policy", value, setting.overrides);
    }
}

fn strict_transport(setting: StrictTransport) -> String {
    let subdomains = if setting.include_subdomains {
        "; includeSubDomains"
    } else {
        ""
    };
    let preload = if setting.preload { "; preload" } else { "" };
    format!("max-age={}{subdomains}{preload}", setting.max_age_s)
}

/// The origin's value stays where there is one and the policy does not override it.
fn add(headers: &mut Headers, name: &str, value: &str, overrides: bool) {
    if overrides || headers.get(name).is_none() {
        headers.set(name, value);
    }
}
