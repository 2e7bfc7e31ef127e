//! Response headers policies.
//!
//! Always holds: `ALL` methods are written out. Deliberately absent: how the headers are applied; the edge model does.

use crate::fault::Rule;
use crate::read::{Item, Object, texts};
use portcullis_edge::distribution::{
    Cors, CorsNames, CustomField, FrameOption, Overridable, ResponseHeadersPolicy, ServerTiming,
    StrictTransport, XssProtection,
};

/// What `ALL` stands for.
const METHODS: [&str; 7] = ["GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"];
/// The most custom headers of a policy.
const CUSTOM_MAX: usize = 10;
/// The values of `Referrer-Policy`.
const REFERRER_POLICIES: [&str; 8] = [
    "no-referrer",
    "no-referrer-when-downgrade",
    "origin",
    "origin-when-cross-origin",
    "same-origin",
    "strict-origin",
    "strict-origin-when-cross-origin",
    "unsafe-url",
];

pub(crate) fn response_headers_policy(item: Item<'_>) -> Option<ResponseHeadersPolicy> {
    let object = item.object()?;
    let mut policy = ResponseHeadersPolicy {
        name: object.required_text("Name").unwrap_or_default().to_owned(),
        cors: object.object("CorsConfig").map(|cors| cross_origin(&cors)),
        ..ResponseHeadersPolicy::default()
    };
    if let Some(security) = object.object("SecurityHeadersConfig") {
        security_headers(&security, &mut policy);
    }
    policy.custom = custom_fields(&object);
    let remove = object.items("RemoveHeadersConfig").into_iter();
    policy.remove = remove.filter_map(|item| named(item, "Header")).collect();
    policy.server_timing = server_timing(&object);
    object.end(&["Comment"]);
    Some(policy)
}

fn named(item: Item<'_>, member: &str) -> Option<String> {
    let object = item.object()?;
    let name = object.required_text(member).map(str::to_owned);
    object.end(&[]);
    name
}

fn custom_fields(object: &Object<'_>) -> Vec<CustomField> {
    let items = object.items("CustomHeadersConfig");
    if items.len() > CUSTOM_MAX {
        let message = format!("{} custom headers; at most {CUSTOM_MAX}", items.len());
        object.fault_at("CustomHeadersConfig", Rule::InvalidArgument, message);
    }
    items.into_iter().filter_map(custom_field).collect()
}

fn custom_field(item: Item<'_>) -> Option<CustomField> {
    let object = item.object()?;
    let overrides = overrides(&object);
    let (name, value) = (
        object.required_text("Header"),
        object.required_text("Value"),
    );
    object.end(&[]);
    Some(CustomField {
        name: name?.to_owned(),
        value: value?.to_owned(),
        overrides,
    })
}

fn overrides(object: &Object<'_>) -> bool {
    object
        .required("Override")
        .and_then(|item| item.boolean())
        .unwrap_or(false)
}

fn server_timing(object: &Object<'_>) -> Option<ServerTiming> {
    let config = object.object("ServerTimingHeadersConfig")?;
    let enabled = config.boolean("Enabled");
    let rate = config.get("SamplingRate").and_then(|item| item.number());
    let sampling_percent = rate.unwrap_or(0.0);
    if !(0.0..=100.0).contains(&sampling_percent) {
        let message = "the sampling rate is 0 to 100 percent";
        config.fault_at("SamplingRate", Rule::InvalidArgument, message);
    }
    config.end(&[]);
    enabled.then_some(ServerTiming { sampling_percent })
}

fn cross_origin(object: &Object<'_>) -> Cors {
    let required = |name: &str| object.required(name).map(texts).unwrap_or_default();
    let mut methods = required("AccessControlAllowMethods");
    if methods.iter().any(|method| method == "ALL") {
        methods = METHODS.map(str::to_owned).to_vec();
    }
    for method in &methods {
        if !METHODS.contains(&method.as_str()) {
            let (name, message) = (
                "AccessControlAllowMethods",
                format!("`{method}` is no method"),
            );
            object.fault_at(name, Rule::InvalidArgument, message);
        }
    }
    let credentials = object.required("AccessControlAllowCredentials");
    let replaces = object.required("OriginOverride");
    let cors = Cors {
        overrides: replaces.and_then(|item| item.boolean()).unwrap_or(false),
        origins: required("AccessControlAllowOrigins"),
        headers: CorsNames(required("AccessControlAllowHeaders")),
        methods,
        credentials: credentials.and_then(|item| item.boolean()).unwrap_or(false),
        expose: CorsNames(object.texts("AccessControlExposeHeaders")),
        max_age_s: object.integer("AccessControlMaxAgeSec", 0..=u64::from(u32::MAX)),
    };
    object.end(&[]);
    cors
}

fn security_headers(security: &Object<'_>, policy: &mut ResponseHeadersPolicy) {
    policy.xss_protection = part(security, "XSSProtection", xss);
    policy.frame_options = part(security, "FrameOptions", |object| {
        object.required("FrameOption")?.one_of(&[
            ("DENY", FrameOption::Deny),
            ("SAMEORIGIN", FrameOption::SameOrigin),
        ])
    });
    policy.referrer_policy = part(security, "ReferrerPolicy", |object| {
        let known = REFERRER_POLICIES.map(|name| (name, name));
        let policy = object.required("ReferrerPolicy")?.one_of(&known)?;
        Some(policy.to_owned())
    });
    policy.content_security_policy = part(security, "ContentSecurityPolicy", |object| {
        object
            .required_text("ContentSecurityPolicy")
            .map(str::to_owned)
    });
    policy.content_type_options = part(security, "ContentTypeOptions", |_| Some(()));
    policy.strict_transport = part(security, "StrictTransportSecurity", strict_transport);
    security.end(&[]);
}

/// One security header and whether it overrides.
fn part<T>(
    security: &Object<'_>,
    name: &str,
    read: impl FnOnce(&Object<'_>) -> Option<T>,
) -> Option<Overridable<T>> {
    let object = security.object(name)?;
    let (overrides, value) = (overrides(&object), read(&object));
    object.end(&[]);
    let value = value?;
    Some(Overridable { value, overrides })
}

fn xss(object: &Object<'_>) -> Option<XssProtection> {
    let on = object.required("Protection")?.boolean()?;
    let (block, report) = (object.boolean("ModeBlock"), object.text("ReportUri"));
    if block && report.is_some() {
        let message = "`ModeBlock` and `ReportUri` exclude each other";
        object.fault_at("ReportUri", Rule::InvalidArgument, message);
    }
    Some(match (on, block, report) {
        (false, ..) => XssProtection::Off,
        (true, true, _) => XssProtection::Block,
        (true, false, Some(uri)) => XssProtection::Report(uri.to_owned()),
        (true, false, None) => XssProtection::On,
    })
}

fn strict_transport(object: &Object<'_>) -> Option<StrictTransport> {
    let any = 0..=u64::from(u32::MAX);
    Some(StrictTransport {
        max_age_s: object
            .required("AccessControlMaxAgeSec")?
            .integer(any, Rule::InvalidArgument)?,
        include_subdomains: object.boolean("IncludeSubdomains"),
        preload: object.boolean("Preload"),
    })
}
