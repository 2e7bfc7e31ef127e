//! The distribution and its policies, from the distribution that the model plays.

use crate::guarded::{function_id, group_id};
use crate::storage::bucket_id;
use crate::{Options, Resources, get, id, set, sub};
use portcullis_distribution::site::{BUCKET, GATEWAY};
use portcullis_edge::distribution::{
    Behavior, CachePolicy, CacheSettings, Compute, CustomError, Distribution, HeaderSelection,
    Origin, OriginKind, OriginRequestPolicy, Target,
};
use portcullis_edge::gate::{AllowedMethods, ViewerProtocolPolicy};
use portcullis_edge::selection::Names;
use portcullis_site::{Name, Origin as SiteOrigin, Site};
use serde_json::{Value, json};

/// The managed policy CachingDisabled.
const CACHING_DISABLED: &str = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad";

pub(crate) fn add(
    played: &Distribution,
    site: &Site,
    options: &Options,
    resources: &mut Resources,
) {
    controls(played, resources);
    let mut policies = Policies::default();
    let mut behaviors = Vec::new();
    for (index, (pattern, behavior)) in played.behaviors.iter().enumerate() {
        let mut one = described(behavior, (site, index), played, &mut policies);
        set(&mut one, "PathPattern", pattern.as_str());
        behaviors.push(one);
    }
    let last = (site, played.behaviors.len());
    let default = described(&played.default_behavior, last, played, &mut policies);
    let mut config = json!({
        "Enabled": true,
        "Comment": format!("{} (Portcullis)", site.site),
        "HttpVersion": "http2",
        "IPV6Enabled": played.viewer.ipv6,
        "Origins": played.origins.iter().map(|one| origin(one, site)).collect::<Vec<_>>(),
        "CacheBehaviors": behaviors,
        "DefaultCacheBehavior": default,
        "CustomErrorResponses": played.errors.iter().map(error).collect::<Vec<_>>(),
        "ViewerCertificate": certificate(played, site),
    });
    if !played.aliases.is_empty() {
        set(&mut config, "Aliases", played.aliases.clone());
    }
    if let Some(header) = &played.cache_tag_header {
        set(
            &mut config,
            "CacheTagConfig",
            json!({ "HeaderName": header }),
        );
    }
    if let Some(acl) = &options.web_acl {
        set(&mut config, "WebACLId", acl.as_str());
    }
    policies.add(site, resources);
    resources.insert(
        "Distribution".to_owned(),
        json!({
            "Type": "AWS::CloudFront::Distribution",
            "Properties": { "DistributionConfig": config }
        }),
    );
}

fn controls(played: &Distribution, resources: &mut Resources) {
    let mut add = |own: &str, kind: &str| {
        resources.insert(
            own.to_owned(),
            json!({
                "Type": "AWS::CloudFront::OriginAccessControl",
                "Properties": { "OriginAccessControlConfig": {
                    "Name": sub(&format!("${{AWS::StackName}}-{kind}")),
                    "OriginAccessControlOriginType": kind,
                    "SigningBehavior": "always",
                    "SigningProtocol": "sigv4"
                } }
            }),
        );
    };
    add("GatewayAccess", "lambda");
    if played.origins.iter().any(|one| one.id != GATEWAY) {
        add("BucketAccess", "s3");
    }
}

fn origin(one: &Origin, site: &Site) -> Value {
    let mut origin = json!({
        "Id": one.id,
        "ConnectionAttempts": one.connection_attempts,
        "ConnectionTimeout": one.connection_timeout_s,
    });
    let headers: Vec<Value> = one
        .custom_headers
        .iter()
        .map(|(name, value)| json!({ "HeaderName": name, "HeaderValue": sub(value) }))
        .collect();
    if !headers.is_empty() {
        set(&mut origin, "OriginCustomHeaders", headers);
    }
    if !one.path.is_empty() {
        set(&mut origin, "OriginPath", one.path.as_str());
    }
    if let Some(region) = &one.shield {
        set(
            &mut origin,
            "OriginShield",
            json!({ "Enabled": true, "OriginShieldRegion": region }),
        );
    }
    match &one.kind {
        OriginKind::Custom(custom) => {
            // `https://NAME/` in a function URL: the third part is the name.
            set(
                &mut origin,
                "DomainName",
                json!({ "Fn::Select": [2, { "Fn::Split": ["/", get("GatewayUrl", "FunctionUrl")] }] }),
            );
            set(
                &mut origin,
                "OriginAccessControlId",
                get("GatewayAccess", "Id"),
            );
            set(
                &mut origin,
                "CustomOriginConfig",
                json!({
                    "OriginProtocolPolicy": "https-only",
                    "OriginSSLProtocols": ["TLSv1.2"],
                    "OriginReadTimeout": custom.read_timeout_s,
                    "OriginKeepaliveTimeout": custom.keepalive_timeout_s,
                }),
            );
        }
        OriginKind::S3 { .. } | OriginKind::Vpc { .. } => {
            set(
                &mut origin,
                "DomainName",
                get(&direct(site, &one.id), "RegionalDomainName"),
            );
            set(
                &mut origin,
                "OriginAccessControlId",
                get("BucketAccess", "Id"),
            );
            set(
                &mut origin,
                "S3OriginConfig",
                json!({ "OriginAccessIdentity": "" }),
            );
        }
    }
    origin
}

/// The logical id of the bucket behind an origin's id.
fn direct(site: &Site, origin: &str) -> String {
    let name = origin.strip_prefix(BUCKET).unwrap_or(origin);
    let bucket = site.origins.iter().find_map(|(own, origin)| match origin {
        SiteOrigin::DirectBucket { name: bucket, .. } if own.as_str() == name => Some(bucket),
        _ => None,
    });
    bucket.map(bucket_id).unwrap_or_default()
}

fn described(
    one: &Behavior,
    (site, index): (&Site, usize),
    played: &Distribution,
    policies: &mut Policies,
) -> Value {
    let target = match one.target {
        Target::Origin(at) => played.origins.get(at).map(|origin| origin.id.as_str()),
        Target::Group(at) => played.groups.get(at).map(|group| group.id.as_str()),
    };
    let methods: &[&str] = match one.methods {
        AllowedMethods::GetHead => &["GET", "HEAD"],
        AllowedMethods::GetHeadOptions => &["GET", "HEAD", "OPTIONS"],
        AllowedMethods::All => &["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"],
    };
    let mut behavior = json!({
        "TargetOriginId": target,
        "ViewerProtocolPolicy": match one.viewer_protocol {
            ViewerProtocolPolicy::AllowAll => "allow-all",
            ViewerProtocolPolicy::HttpsOnly => "https-only",
            ViewerProtocolPolicy::RedirectToHttps => "redirect-to-https",
        },
        "AllowedMethods": methods,
        "CachedMethods": ["GET", "HEAD"],
        "Compress": one.compress,
    });
    if let CacheSettings::Policy(policy) = &one.caching {
        set(&mut behavior, "CachePolicyId", policies.cache(policy));
    }
    if let Some(policy) = &one.origin_request {
        set(
            &mut behavior,
            "OriginRequestPolicyId",
            policies.request(policy),
        );
    }
    if let Some(Compute::Function(name)) = &one.functions.viewer_request {
        set(
            &mut behavior,
            "FunctionAssociations",
            json!([
                { "EventType": "viewer-request", "FunctionARN": get(&function_id(name), "FunctionARN") }
            ]),
        );
    }
    if one.trusted.is_some() {
        let groups = signed_by(site, index).into_iter();
        set(
            &mut behavior,
            "TrustedKeyGroups",
            groups
                .map(|group| json!({ "Ref": group_id(group) }))
                .collect::<Vec<_>>(),
        );
    }
    behavior
}

fn signed_by(site: &Site, behavior: usize) -> Vec<&Name> {
    let policy = site
        .behaviors
        .get(behavior)
        .and_then(|one| site.policies.get(&one.policy));
    let statements = policy.into_iter().flat_map(|policy| &policy.statements);
    statements
        .filter_map(|statement| statement.when.as_ref()?.signed_by.as_ref())
        .collect()
}

fn error(one: &CustomError) -> Value {
    let mut error = json!({ "ErrorCode": one.status });
    if let Some(ttl) = one.min_ttl {
        set(&mut error, "ErrorCachingMinTTL", ttl);
    }
    if let Some(page) = &one.page {
        set(&mut error, "ResponsePagePath", page.path.as_str());
        set(&mut error, "ResponseCode", page.status);
    }
    error
}

fn certificate(played: &Distribution, site: &Site) -> Value {
    match &site.certificate {
        Some(arn) => json!({
            "AcmCertificateArn": arn,
            "SslSupportMethod": "sni-only",
            "MinimumProtocolVersion": played.viewer.tls_policy,
        }),
        None => json!({ "CloudFrontDefaultCertificate": true }),
    }
}

/// The policies that behaviors share, each once.
#[derive(Default)]
struct Policies {
    cache: Vec<CachePolicy>,
    request: Vec<OriginRequestPolicy>,
}

impl Policies {
    /// What names a cache policy; one that keeps nothing is AWS's own.
    fn cache(&mut self, policy: &CachePolicy) -> Value {
        if policy.ttls.disable_caching() {
            return CACHING_DISABLED.into();
        }
        let own = CachePolicy {
            name: String::new(),
            ..policy.clone()
        };
        json!({ "Ref": cache_id(position(&mut self.cache, own)) })
    }

    fn request(&mut self, policy: &OriginRequestPolicy) -> Value {
        let own = OriginRequestPolicy {
            name: String::new(),
            ..policy.clone()
        };
        json!({ "Ref": request_id(position(&mut self.request, own)) })
    }

    fn add(&self, site: &Site, resources: &mut Resources) {
        for (number, policy) in self.cache.iter().enumerate() {
            let name = format!("{}-cache-{number}", site.site);
            resources.insert(cache_id(number), cache_policy(&name, policy));
        }
        for (number, policy) in self.request.iter().enumerate() {
            let name = format!("{}-request-{number}", site.site);
            resources.insert(request_id(number), request_policy(&name, policy));
        }
    }
}

fn position<T: PartialEq>(known: &mut Vec<T>, one: T) -> usize {
    known
        .iter()
        .position(|other| *other == one)
        .unwrap_or_else(|| {
            known.push(one);
            known.len() - 1
        })
}

fn cache_id(number: usize) -> String {
    id(&["cache", "policy", &number.to_string()])
}

fn request_id(number: usize) -> String {
    id(&["request", "policy", &number.to_string()])
}

fn named(names: &Names, behavior: &str, list: &str) -> Value {
    match names {
        Names::Nothing => json!({ behavior: "none" }),
        Names::All => json!({ behavior: "all" }),
        Names::Only(names) => json!({ behavior: "whitelist", list: names }),
        Names::Except(names) => json!({ behavior: "allExcept", list: names }),
    }
}

fn cache_policy(name: &str, policy: &CachePolicy) -> Value {
    let headers = match policy.headers.is_empty() {
        true => Names::Nothing,
        false => Names::Only(policy.headers.clone()),
    };
    json!({
        "Type": "AWS::CloudFront::CachePolicy",
        "Properties": { "CachePolicyConfig": {
            "Name": name,
            "MinTTL": policy.ttls.min,
            "DefaultTTL": policy.ttls.default,
            "MaxTTL": policy.ttls.max,
            "ParametersInCacheKeyAndForwardedToOrigin": {
                "EnableAcceptEncodingGzip": policy.codings.gzip,
                "EnableAcceptEncodingBrotli": policy.codings.brotli,
                "HeadersConfig": named(&headers, "HeaderBehavior", "Headers"),
                "CookiesConfig": named(&policy.cookies, "CookieBehavior", "Cookies"),
                "QueryStringsConfig": named(&policy.query, "QueryStringBehavior", "QueryStrings"),
            }
        } }
    })
}

fn request_policy(name: &str, policy: &OriginRequestPolicy) -> Value {
    let headers = match &policy.headers {
        HeaderSelection::None => json!({ "HeaderBehavior": "none" }),
        HeaderSelection::Listed(names) => {
            json!({ "HeaderBehavior": "whitelist", "Headers": names })
        }
        HeaderSelection::AllViewer => json!({ "HeaderBehavior": "allViewer" }),
        HeaderSelection::AllViewerAnd(names) => {
            json!({ "HeaderBehavior": "allViewerAndWhitelistCloudFront", "Headers": names })
        }
        HeaderSelection::AllExcept(names) => {
            json!({ "HeaderBehavior": "allExcept", "Headers": names })
        }
    };
    json!({
        "Type": "AWS::CloudFront::OriginRequestPolicy",
        "Properties": { "OriginRequestPolicyConfig": {
            "Name": name,
            "HeadersConfig": headers,
            "CookiesConfig": named(&policy.cookies, "CookieBehavior", "Cookies"),
            "QueryStringsConfig": named(&policy.query, "QueryStringBehavior", "QueryStrings"),
        } }
    })
}
