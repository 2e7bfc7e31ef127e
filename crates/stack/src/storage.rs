//! Buckets, the state table and the secret. All of them outlive the stack.

use crate::{Resources, distribution_arn, get, id, sub};
use portcullis_site::{Bucket, Origin, Site};
use serde_json::{Value, json};
use std::collections::BTreeSet;

pub(crate) fn add(site: &Site, resources: &mut Resources) {
    let direct: BTreeSet<&Bucket> = buckets(site, true);
    let behind: BTreeSet<&Bucket> = buckets(site, false);
    for bucket in direct.union(&behind) {
        resources.insert(bucket_id(bucket), described(bucket));
        let policy = policy(bucket, direct.contains(bucket));
        resources.insert(id(&[&bucket_id(bucket), "policy"]), policy);
    }
    resources.insert("State".to_owned(), state());
    resources.insert("Secret".to_owned(), secret(site));
}

/// The buckets that CloudFront reads itself, or those that the gateway reads.
fn buckets(site: &Site, directly: bool) -> BTreeSet<&Bucket> {
    let named = site.origins.values().filter_map(|origin| match origin {
        Origin::DirectBucket { name, .. } if directly => Some(name),
        Origin::Releases { bucket } if !directly => Some(bucket),
        Origin::Bucket { name, .. } if !directly => Some(name),
        _ => None,
    });
    named.collect()
}

/// The logical id of a bucket.
pub(crate) fn bucket_id(bucket: &Bucket) -> String {
    id(&["bucket", bucket.as_str()])
}

fn described(bucket: &Bucket) -> Value {
    json!({
        "Type": "AWS::S3::Bucket",
        "DeletionPolicy": "Retain",
        "UpdateReplacePolicy": "Retain",
        "Properties": {
            "BucketName": bucket.as_str(),
            "BucketEncryption": { "ServerSideEncryptionConfiguration": [
                { "ServerSideEncryptionByDefault": { "SSEAlgorithm": "AES256" } }
            ] },
            "OwnershipControls": { "Rules": [{ "ObjectOwnership": "BucketOwnerEnforced" }] },
            "PublicAccessBlockConfiguration": {
                "BlockPublicAcls": true, "BlockPublicPolicy": true,
                "IgnorePublicAcls": true, "RestrictPublicBuckets": true
            },
            "VersioningConfiguration": { "Status": "Enabled" },
            "LifecycleConfiguration": { "Rules": [{
                "Id": "old-versions",
                "Status": "Enabled",
                "NoncurrentVersionExpiration": { "NoncurrentDays": 30 },
                "AbortIncompleteMultipartUpload": { "DaysAfterInitiation": 2 }
            }] }
        }
    })
}

/// Nobody without TLS; and of a direct bucket this distribution may read objects.
fn policy(bucket: &Bucket, is_direct: bool) -> Value {
    let own = bucket_id(bucket);
    let mut statements = vec![json!({
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [get(&own, "Arn"), sub(&format!("${{{own}.Arn}}/*"))],
        "Condition": { "Bool": { "aws:SecureTransport": "false" } }
    })];
    if is_direct {
        statements.push(json!({
            "Effect": "Allow",
            "Principal": { "Service": "cloudfront.amazonaws.com" },
            "Action": "s3:GetObject",
            "Resource": sub(&format!("${{{own}.Arn}}/*")),
            "Condition": { "StringEquals": { "AWS:SourceArn": distribution_arn() } }
        }));
    }
    json!({
        "Type": "AWS::S3::BucketPolicy",
        "Properties": {
            "Bucket": { "Ref": own },
            "PolicyDocument": { "Version": "2012-10-17", "Statement": statements }
        }
    })
}

fn state() -> Value {
    json!({
        "Type": "AWS::DynamoDB::Table",
        "DeletionPolicy": "Retain",
        "UpdateReplacePolicy": "Retain",
        "Properties": {
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{ "AttributeName": "site", "AttributeType": "S" }],
            "KeySchema": [{ "AttributeName": "site", "KeyType": "HASH" }],
            "PointInTimeRecoverySpecification": { "PointInTimeRecoveryEnabled": true },
            "SSESpecification": { "SSEEnabled": true }
        }
    })
}

fn secret(site: &Site) -> Value {
    json!({
        "Type": "AWS::SecretsManager::Secret",
        "DeletionPolicy": "Retain",
        "UpdateReplacePolicy": "Retain",
        "Properties": {
            "Description": format!("The secret header that the distribution of {} sends to its gateway.", site.site),
            "GenerateSecretString": {
                "SecretStringTemplate": "{}",
                "GenerateStringKey": "current",
                "PasswordLength": 64,
                "ExcludePunctuation": true
            }
        }
    })
}
