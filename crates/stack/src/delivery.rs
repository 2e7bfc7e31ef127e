//! Around the distribution: access logs, names, alarms.

use crate::{Options, Resources, distribution_arn, get, id, set};
use portcullis_site::Site;
use serde_json::{Value, json};

/// The hosted zone of every distribution, for alias records (Route 53's documentation).
const CLOUDFRONT_ZONE: &str = "Z2FDTNDATAQYW2";

pub(crate) fn add(site: &Site, options: &Options, resources: &mut Resources) {
    logs(options, resources);
    names(site, resources);
    alarms(resources);
}

/// Standard logs, version 2: a source, a bucket, and the delivery between them.
fn logs(options: &Options, resources: &mut Resources) {
    let mut add = |own: &str, kind: &str, properties: Value| {
        resources.insert(
            own.to_owned(),
            json!({ "Type": kind, "Properties": properties }),
        );
    };
    add(
        "AccessLogs",
        "AWS::S3::Bucket",
        json!({
            "BucketEncryption": { "ServerSideEncryptionConfiguration": [
                { "ServerSideEncryptionByDefault": { "SSEAlgorithm": "AES256" } }
            ] },
            "OwnershipControls": { "Rules": [{ "ObjectOwnership": "BucketOwnerEnforced" }] },
            "PublicAccessBlockConfiguration": {
                "BlockPublicAcls": true, "BlockPublicPolicy": true,
                "IgnorePublicAcls": true, "RestrictPublicBuckets": true
            },
            "LifecycleConfiguration": { "Rules": [
                { "Id": "old-logs", "Status": "Enabled", "ExpirationInDays": options.log_days }
            ] }
        }),
    );
    add(
        "AccessLogSource",
        "AWS::Logs::DeliverySource",
        json!({
            "Name": { "Fn::Sub": "${AWS::StackName}-access" },
            "LogType": "ACCESS_LOGS",
            "ResourceArn": distribution_arn()
        }),
    );
    add(
        "AccessLogDestination",
        "AWS::Logs::DeliveryDestination",
        json!({
            "Name": { "Fn::Sub": "${AWS::StackName}-access" },
            "DestinationResourceArn": get("AccessLogs", "Arn"),
            "OutputFormat": "json"
        }),
    );
    add(
        "AccessLogDelivery",
        "AWS::Logs::Delivery",
        json!({
            "DeliverySourceName": { "Ref": "AccessLogSource" },
            "DeliveryDestinationArn": get("AccessLogDestination", "Arn")
        }),
    );
    if let Some(bucket) = resources.get_mut("AccessLogs") {
        set(bucket, "DeletionPolicy", "Retain");
        set(bucket, "UpdateReplacePolicy", "Retain");
    }
}

/// Alias records for every host, for IPv4 and IPv6.
fn names(site: &Site, resources: &mut Resources) {
    let Some(zone) = &site.hosted_zone else {
        return;
    };
    for host in &site.hosts {
        for kind in ["A", "AAAA"] {
            resources.insert(
                id(&["record", host.as_str(), kind]),
                json!({
                    "Type": "AWS::Route53::RecordSet",
                    "Properties": {
                        "HostedZoneName": format!("{zone}."),
                        "Name": host.as_str(),
                        "Type": kind,
                        "AliasTarget": {
                            "DNSName": get("Distribution", "DomainName"),
                            "HostedZoneId": CLOUDFRONT_ZONE
                        }
                    }
                }),
            );
        }
    }
}

fn alarms(resources: &mut Resources) {
    let mut add = |own: &str, description: &str, metric: Value, threshold: u32| {
        let mut properties = json!({
            "AlarmDescription": description,
            "Period": 300,
            "EvaluationPeriods": 2,
            "Threshold": threshold,
            "ComparisonOperator": "GreaterThanThreshold",
            "TreatMissingData": "notBreaching"
        });
        if let (Some(all), Some(more)) = (properties.as_object_mut(), metric.as_object()) {
            all.extend(more.clone());
        }
        resources.insert(
            own.to_owned(),
            json!({ "Type": "AWS::CloudWatch::Alarm", "Properties": properties }),
        );
    };
    let function = json!([{ "Name": "FunctionName", "Value": { "Ref": "Gateway" } }]);
    let of_lambda = |name: &str| json!({ "Namespace": "AWS/Lambda", "MetricName": name, "Statistic": "Sum", "Dimensions": function });
    add(
        "GatewayErrors",
        "The gateway fails. Look at its log.",
        of_lambda("Errors"),
        5,
    );
    add(
        "GatewayThrottles",
        "The gateway is throttled: viewers get errors.",
        of_lambda("Throttles"),
        0,
    );
    let distribution = json!({
        "Namespace": "AWS/CloudFront",
        "MetricName": "5xxErrorRate",
        "Statistic": "Average",
        "Dimensions": [
            { "Name": "DistributionId", "Value": { "Ref": "Distribution" } },
            { "Name": "Region", "Value": "Global" }
        ]
    });
    add(
        "ServerErrors",
        "More than one answer in a hundred is a server error.",
        distribution,
        1,
    );
}
