//! The gateway: its function, its role, its URL and who may call that.

use crate::storage::bucket_id;
use crate::{Architecture, Options, Resources, distribution_arn, get, set, sub};
use portcullis_distribution::site::timeouts;
use portcullis_site::{Origin, Site};
use serde_json::{Value, json};

const CLOUDFRONT: &str = "cloudfront.amazonaws.com";

pub(crate) fn add(site: &Site, options: &Options, resources: &mut Resources) {
    let mut add = |id: &str, value: Value| {
        resources.insert(id.to_owned(), value);
    };
    add("GatewayLog", log(options));
    add("GatewayRole", role(site));
    add("Gateway", function(site, options));
    add(
        "GatewayUrl",
        json!({
            "Type": "AWS::Lambda::Url",
            "Properties": {
                "AuthType": "AWS_IAM",
                "InvokeMode": "BUFFERED",
                "TargetFunctionArn": get("Gateway", "Arn")
            }
        }),
    );
    add(
        "AllowUrl",
        permission(json!({
            "Action": "lambda:InvokeFunctionUrl", "FunctionUrlAuthType": "AWS_IAM"
        })),
    );
    add(
        "AllowInvoke",
        permission(json!({
            "Action": "lambda:InvokeFunction", "InvokedViaFunctionUrl": true
        })),
    );
}

/// A permission for this distribution alone; both are needed.
fn permission(mut properties: Value) -> Value {
    set(&mut properties, "FunctionName", get("Gateway", "Arn"));
    set(&mut properties, "Principal", CLOUDFRONT);
    set(&mut properties, "SourceArn", distribution_arn());
    json!({ "Type": "AWS::Lambda::Permission", "Properties": properties })
}

fn log(options: &Options) -> Value {
    json!({
        "Type": "AWS::Logs::LogGroup",
        "DeletionPolicy": "Delete",
        "UpdateReplacePolicy": "Delete",
        "Properties": { "RetentionInDays": options.log_days }
    })
}

fn role(site: &Site) -> Value {
    let mut statements = vec![
        json!({
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            // A log stream's name is Lambda's to choose.
            "Resource": sub("${GatewayLog.Arn}")
        }),
        json!({
            "Effect": "Allow",
            "Action": "dynamodb:GetItem",
            "Resource": get("State", "Arn"),
            "Condition": { "ForAllValues:StringEquals": { "dynamodb:LeadingKeys": [site.site.as_str()] } }
        }),
    ];
    let objects: Vec<Value> = site.origins.values().flat_map(readable).collect();
    if !objects.is_empty() {
        statements
            .push(json!({ "Effect": "Allow", "Action": "s3:GetObject", "Resource": objects }));
    }
    json!({
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": { "Version": "2012-10-17", "Statement": [{
                "Effect": "Allow",
                "Principal": { "Service": "lambda.amazonaws.com" },
                "Action": "sts:AssumeRole"
            }] },
            "Policies": [{
                "PolicyName": "gateway",
                "PolicyDocument": { "Version": "2012-10-17", "Statement": statements }
            }]
        }
    })
}

/// The objects of an origin that the gateway reads.
fn readable(origin: &Origin) -> Vec<Value> {
    let below = |bucket: &str, prefix: &str| sub(&format!("${{{bucket}.Arn}}/{prefix}*"));
    match origin {
        Origin::Releases { bucket } => {
            let own = bucket_id(bucket);
            vec![below(&own, "objects/"), below(&own, "releases/")]
        }
        Origin::Bucket { name, prefix, .. } => vec![below(&bucket_id(name), prefix.as_str())],
        Origin::DirectBucket { .. } | Origin::Http(_) => Vec::new(),
    }
}

fn function(site: &Site, options: &Options) -> Value {
    let mut environment = json!({
        "PORTCULLIS_STATE": sub(&format!("dynamodb:${{State}}/{}", site.site)),
        "PORTCULLIS_INVOKE_MODE": "buffered"
    });
    if site.geo.database.is_some() {
        // The database is packaged beside the program.
        set(
            &mut environment,
            "PORTCULLIS_GEOIP",
            "/var/task/country.mmdb",
        );
    }
    let mut properties = json!({
        "Runtime": "provided.al2023",
        "Handler": "bootstrap",
        "Architectures": [match options.architecture {
            Architecture::X86 => "x86_64",
            Architecture::Arm => "arm64",
        }],
        "Code": { "S3Bucket": { "Ref": "CodeBucket" }, "S3Key": { "Ref": "CodeKey" } },
        "Role": get("GatewayRole", "Arn"),
        "MemorySize": options.memory_mb,
        "Timeout": timeouts(site).function_s,
        "LoggingConfig": { "LogGroup": { "Ref": "GatewayLog" } },
        "Environment": { "Variables": environment }
    });
    if let Some(reserved) = options.reserved_concurrency {
        set(&mut properties, "ReservedConcurrentExecutions", reserved);
    }
    json!({ "Type": "AWS::Lambda::Function", "Properties": properties })
}
