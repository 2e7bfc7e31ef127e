//! The permissions that each use of a site needs, and no others, as IAM policies: for those who write their own roles.
//!
//! Always holds: no action and no resource has a wildcard but the keys below a prefix.

use portcullis_site::{Bucket, KeyPrefix, Origin, Site};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Who needs permissions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// The gateway.
    Gateway,
    /// Whoever publishes, rolls back and collects releases.
    Publisher,
    /// Whoever rotates the secret header.
    Rotator,
}

/// The policy of one use of a site, whose state is in the table with this ARN.
#[must_use]
pub fn policy(site: &Site, who: Who, table: &str) -> Value {
    let statements = match who {
        Who::Gateway => gateway(site, table),
        Who::Publisher => publisher(site, table),
        Who::Rotator => vec![items(
            site,
            table,
            &["GetItem", "PutItem", "UpdateItem"],
            &[""],
        )],
    };
    json!({ "Version": "2012-10-17", "Statement": statements })
}

/// Actions on the items of a site, whose keys end so.
fn items(site: &Site, table: &str, actions: &[&str], ends: &[&str]) -> Value {
    let actions: Vec<String> = actions
        .iter()
        .map(|name| format!("dynamodb:{name}"))
        .collect();
    let keys: Vec<String> = ends
        .iter()
        .map(|end| format!("{}{end}", site.site))
        .collect();
    json!({
        "Effect": "Allow",
        "Action": actions,
        "Resource": table,
        "Condition": { "ForAllValues:StringEquals": { "dynamodb:LeadingKeys": keys } },
    })
}

fn gateway(site: &Site, table: &str) -> Vec<Value> {
    let mut statements = vec![items(site, table, &["GetItem"], &[""])];
    let origins = site.origins.values();
    let readable = origins.filter_map(|origin| match origin {
        Origin::Bucket { name, prefix, .. } => Some(objects(name, Some(prefix))),
        Origin::Releases { bucket } => Some(objects(bucket, None)),
        Origin::DirectBucket { .. } | Origin::Http(_) => None,
    });
    let readable: Vec<String> = readable.collect();
    if !readable.is_empty() {
        statements
            .push(json!({ "Effect": "Allow", "Action": ["s3:GetObject"], "Resource": readable }));
    }
    statements
}

fn publisher(site: &Site, table: &str) -> Vec<Value> {
    let actions = ["GetItem", "PutItem", "UpdateItem"];
    let mut statements = vec![items(site, table, &actions, &["", "/releases"])];
    let stores = site.origins.values().filter_map(|origin| match origin {
        Origin::Releases { bucket } => Some((bucket.as_str(), bucket)),
        _ => None,
    });
    for bucket in stores.collect::<BTreeMap<_, _>>().into_values() {
        let actions = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"];
        statements.push(
            json!({ "Effect": "Allow", "Action": actions, "Resource": [objects(bucket, None)] }),
        );
        let own = format!("arn:aws:s3:::{}", bucket.as_str());
        statements
            .push(json!({ "Effect": "Allow", "Action": ["s3:ListBucket"], "Resource": [own] }));
    }
    statements
}

fn objects(bucket: &Bucket, prefix: Option<&KeyPrefix>) -> String {
    let prefix = prefix.map_or("", KeyPrefix::as_str);
    format!("arn:aws:s3:::{}/{prefix}*", bucket.as_str())
}
