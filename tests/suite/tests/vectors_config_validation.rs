//! `config_validation.json`: each case is one change to a configuration that is accepted, and says whether CloudFront
//! takes what comes of it. Where the case names CloudFront's error, that is the error reported.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a malformed vector must fail"
)]

use portcullis_distribution::config::{Quotas, Resources, check_continuous_deployment, read};
use portcullis_edge::distribution::{AccessControl, AccessControlOrigin, Signing};
use portcullis_suite::{hold_all, vector_cases};
use serde_json::{Value, json};

/// A configuration with a bucket and a custom origin; nothing in it is refused.
fn accepted() -> Value {
    json!({
        "CallerReference": "vectors", "Comment": "", "Enabled": true,
        "Origins": { "Quantity": 2, "Items": [
            { "Id": "bucket", "DomainName": "b.s3.eu-central-1.amazonaws.com",
              "S3OriginConfig": { "OriginAccessIdentity": "" } },
            custom("web", "web.example.com"),
        ] },
        "OriginGroups": { "Quantity": 1, "Items": [ {
            "Id": "pair",
            "FailoverCriteria": { "StatusCodes": { "Quantity": 1, "Items": [500] } },
            "Members": { "Quantity": 2, "Items": [{ "OriginId": "web" }, { "OriginId": "bucket" }] },
        } ] },
        "DefaultCacheBehavior": {
            "TargetOriginId": "web", "ViewerProtocolPolicy": "redirect-to-https",
            "AllowedMethods": { "Quantity": 7, "Items": ["GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"],
                "CachedMethods": { "Quantity": 2, "Items": ["GET", "HEAD"] } },
            "ForwardedValues": { "QueryString": false, "Cookies": { "Forward": "none" } },
            "MinTTL": 0, "DefaultTTL": 100, "MaxTTL": 1000,
        },
        "Restrictions": { "GeoRestriction": { "RestrictionType": "whitelist", "Quantity": 1, "Items": ["GB"] } },
        "ViewerCertificate": {
            "ACMCertificateArn": "arn:aws:acm:us-east-1:111122223333:certificate/1",
            "SSLSupportMethod": "sni-only", "MinimumProtocolVersion": "TLSv1.2_2021",
        },
        "Aliases": { "Quantity": 1, "Items": ["www.example.com"] },
    })
}

fn custom(id: &str, domain: &str) -> Value {
    json!({ "Id": id, "DomainName": domain, "CustomOriginConfig": {
        "HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "https-only",
        "OriginReadTimeout": 30, "OriginKeepaliveTimeout": 5,
        "OriginSslProtocols": { "Quantity": 1, "Items": ["TLSv1.2"] } } })
}

fn listed(items: &[Value]) -> Value {
    json!({ "Quantity": items.len(), "Items": items })
}

fn headers(fields: Vec<(String, String)>) -> Value {
    let field = |(name, value)| json!({ "HeaderName": name, "HeaderValue": value });
    listed(&fields.into_iter().map(field).collect::<Vec<_>>())
}

fn field(name: &str, value: &str) -> Vec<(String, String)> {
    vec![(name.to_owned(), value.to_owned())]
}

fn pattern(of: &Value, pattern: &str) -> Value {
    let mut behavior = of["DefaultCacheBehavior"].clone();
    behavior["PathPattern"] = json!(pattern);
    behavior
}

/// The default behavior with a cache policy in place of legacy settings.
fn with_policy(config: &mut Value, id: &str) {
    let behavior = config["DefaultCacheBehavior"].as_object_mut().unwrap();
    for legacy in ["ForwardedValues", "MinTTL", "DefaultTTL", "MaxTTL"] {
        behavior.remove(legacy);
    }
    behavior.insert("CachePolicyId".to_owned(), json!(id));
}

/// A cache policy with one header in its key, as the API gives it.
fn policy(id: &str, header: &str) -> Value {
    json!({ "CachePolicy": { "Id": id, "CachePolicyConfig": {
        "Name": id, "MinTTL": 0, "DefaultTTL": 1, "MaxTTL": 10,
        "ParametersInCacheKeyAndForwardedToOrigin": {
            "EnableAcceptEncodingGzip": false,
            "HeadersConfig": { "HeaderBehavior": "whitelist", "Headers": listed(&[json!(header)]) },
            "CookiesConfig": { "CookieBehavior": "none" },
            "QueryStringsConfig": { "QueryStringBehavior": "none" } } } } })
}

/// Makes the change of a case; `false` for a case that is not about the configuration of a distribution.
fn change(id: &str, config: &mut Value) -> bool {
    match id {
        "76-behaviours" => {
            let behaviors: Vec<_> = (0..75)
                .map(|n| pattern(config, &format!("/{n}/*")))
                .collect();
            config["CacheBehaviors"] = listed(&behaviors);
        }
        "101-origins" => {
            let more = (1..101).map(|n| custom(&format!("o{n}"), "o.example.com"));
            let origins = std::iter::once(custom("web", "web.example.com")).chain(more);
            config.as_object_mut().unwrap().remove("OriginGroups");
            config["Origins"] = listed(&origins.collect::<Vec<_>>());
        }
        "path-star-user" => config["CacheBehaviors"] = listed(&[pattern(config, "*")]),
        "failover-401" => {
            let criteria = &mut config["OriginGroups"]["Items"][0]["FailoverCriteria"];
            criteria["StatusCodes"] = listed(&[json!(401)]);
        }
        "geo-lowercase" => config["Restrictions"]["GeoRestriction"]["Items"] = json!(["gb"]),
        "geo-none-with-items" => {
            config["Restrictions"]["GeoRestriction"]["RestrictionType"] = json!("none");
        }
        "cert-region" => {
            config["ViewerCertificate"]["ACMCertificateArn"] =
                json!("arn:aws:acm:eu-west-1:111122223333:certificate/1");
        }
        "vip-tls12" => config["ViewerCertificate"]["SSLSupportMethod"] = json!("vip"),
        "alias-without-cert" => {
            config["ViewerCertificate"] = json!({ "CloudFrontDefaultCertificate": true });
        }
        "http3-continuous" => {
            config["HttpVersion"] = json!("http2and3");
            config["ContinuousDeploymentPolicyId"] = json!("cd-1");
        }
        "weight-16" | "cd-header-prefix" => return false,
        _ => change_behavior(id, config),
    }
    true
}

fn change_behavior(id: &str, config: &mut Value) {
    let behavior = &mut config["DefaultCacheBehavior"];
    match id {
        "ttl-order" => (behavior["MinTTL"], behavior["DefaultTTL"]) = (json!(100), json!(10)),
        "legacy-all-headers-min" => {
            behavior["MinTTL"] = json!(1);
            behavior["ForwardedValues"]["Headers"] = listed(&[json!("*")]);
        }
        "orp-without-cache-policy" => {
            behavior["OriginRequestPolicyId"] = json!("216adef6-5c7f-47e4-b989-5492eafa07d3");
        }
        "unknown-target" => behavior["TargetOriginId"] = json!("nowhere"),
        "fle-allow-all" => {
            behavior["FieldLevelEncryptionId"] = json!("F1");
            behavior["ViewerProtocolPolicy"] = json!("allow-all");
        }
        "key-groups-5" => {
            let mut groups = listed(&(0..5).map(|n| json!(format!("g{n}"))).collect::<Vec<_>>());
            groups["Enabled"] = json!(true);
            behavior["TrustedKeyGroups"] = groups;
        }
        "address-in-cache-policy" => with_policy(config, "by-address"),
        "host-key-s3" => {
            with_policy(config, "by-host");
            config["DefaultCacheBehavior"]["TargetOriginId"] = json!("bucket");
        }
        _ => change_origin(id, &mut config["Origins"]["Items"][1]),
    }
}

fn change_origin(id: &str, origin: &mut Value) {
    let website = json!("b.s3-website.eu-central-1.amazonaws.com");
    let custom = "CustomOriginConfig";
    match id {
        "timeout-121" => origin[custom]["OriginReadTimeout"] = json!(121),
        "completion-lt-read" => origin["ResponseCompletionTimeout"] = json!(20),
        "origin-path-noslash" => origin["OriginPath"] = json!("prod"),
        "origin-path-trailing" => origin["OriginPath"] = json!("/prod/"),
        "custom-header-host" => origin["CustomHeaders"] = headers(field("Host", "a")),
        "custom-header-31" => {
            let many = (0..31).map(|n| (format!("X-{n}"), "1".to_owned()));
            origin["CustomHeaders"] = headers(many.collect());
        }
        "custom-header-value-1784" => {
            origin["CustomHeaders"] = headers(field("X-A", &"v".repeat(1784)));
        }
        "tls-protocol-13-origin" => {
            origin[custom]["OriginSslProtocols"] = listed(&[json!("TLSv1.3")]);
        }
        "website-https" => origin["DomainName"] = website,
        "oac-website" => {
            origin["DomainName"] = website;
            origin[custom]["OriginProtocolPolicy"] = json!("http-only");
            origin["OriginAccessControlId"] = json!("oac");
        }
        other => panic!("no change is written for `{other}`"),
    }
}

/// A continuous deployment policy with the change of a case.
fn deployment(id: &str) -> Value {
    let traffic = match id {
        "weight-16" => {
            json!({ "Type": "SingleWeight", "SingleWeightConfig": { "Weight": 0.16 } })
        }
        _ => json!({ "Type": "SingleHeader",
            "SingleHeaderConfig": { "Header": "x-staging", "Value": "1" } }),
    };
    json!({ "Enabled": true, "TrafficConfig": traffic,
        "StagingDistributionDnsNames": listed(&[json!("d1.cloudfront.net")]) })
}

fn resources() -> (Resources, bool) {
    let mut resources = Resources::default();
    let (origin, signing) = (AccessControlOrigin::S3, Signing::Always);
    let control = AccessControl { origin, signing };
    resources.access_controls.insert("oac".to_owned(), control);
    let host = resources.add(policy("by-host", "Host").to_string().as_bytes());
    host.unwrap();
    let address = policy("by-address", "CloudFront-Viewer-Address").to_string();
    (resources.clone(), resources.add(address.as_bytes()).is_ok())
}

/// The errors a case makes.
fn errors(id: &str) -> Vec<String> {
    let mut config = accepted();
    let found = if change(id, &mut config) {
        read(config.to_string().as_bytes(), &resources().0).map(|_| ())
    } else {
        check_continuous_deployment(deployment(id).to_string().as_bytes())
    };
    let faults = found.err().unwrap_or_default();
    faults
        .iter()
        .map(|fault| fault.rule.name().to_owned())
        .collect()
}

#[test]
fn every_case_is_taken_or_refused_as_the_vectors_say() {
    assert_eq!(vector_cases("config_validation").len(), 30);
    hold_all("config_validation", |case| {
        let (id, named) = (
            case["id"].as_str().unwrap_or_default(),
            case["error"].as_str(),
        );
        let errors = errors(id);
        let stands = errors.is_empty() == (case["valid"] == json!(true));
        // One change, one fault.
        if stands && errors.len() <= 1 && named.is_none_or(|named| errors == [named]) {
            return Ok(());
        }
        Err(format!("{errors:?}"))
    });
}

/// What the changes begin with is accepted, so that a fault is the change's own; and a policy that is refused is so when
/// it is given.
#[test]
fn only_the_changes_are_refused() {
    let (resources, by_address) = resources();
    assert!(!by_address, "an address is in no cache key");
    let read = read(accepted().to_string().as_bytes(), &resources).unwrap();
    assert_eq!(
        (read.origins.len(), resources.quotas),
        (2, Quotas::CloudFront)
    );
}
