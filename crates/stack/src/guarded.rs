//! Edge functions, and the keys of behaviors whose signatures CloudFront verifies itself.

use crate::{Resources, get, id};
use portcullis_edge_guard::Guard;
use portcullis_site::{Name, Origin, Site};
use serde_json::json;
use std::collections::BTreeSet;

pub(crate) fn add(guards: &[Guard], site: &Site, resources: &mut Resources) {
    for guard in guards {
        resources.insert(
            function_id(&guard.name),
            json!({
                "Type": "AWS::CloudFront::Function",
                "Properties": {
                    "Name": guard.name,
                    "AutoPublish": true,
                    "FunctionConfig": {
                        "Comment": format!("Decides by policy {} before the cache.", guard.policy),
                        "Runtime": "cloudfront-js-2.0"
                    },
                    "FunctionCode": guard.code
                }
            }),
        );
    }
    for group in signers(site) {
        keys(site, group, resources);
    }
}

/// The logical id of a function.
pub(crate) fn function_id(name: &str) -> String {
    id(&["function", name])
}

/// The logical id of a key group.
pub(crate) fn group_id(group: &Name) -> String {
    id(&["keys", group.as_str()])
}

/// The key groups by which CloudFront itself verifies signatures: those of direct buckets.
pub(crate) fn signers(site: &Site) -> BTreeSet<&Name> {
    let direct = site.behaviors.iter().filter(|behavior| {
        matches!(
            site.origins.get(&behavior.origin),
            Some(Origin::DirectBucket { .. })
        )
    });
    let policies = direct.filter_map(|behavior| site.policies.get(&behavior.policy));
    let statements = policies.flat_map(|policy| &policy.statements);
    statements
        .filter_map(|statement| statement.when.as_ref()?.signed_by.as_ref())
        .collect()
}

fn keys(site: &Site, name: &Name, resources: &mut Resources) {
    let Some(group) = site.key_groups.get(name) else {
        return;
    };
    let mut items = Vec::new();
    for (number, key) in group.public_keys.iter().enumerate() {
        let own = format!("{}{number}", id(&["key", name.as_str()]));
        resources.insert(
            own.clone(),
            json!({
                "Type": "AWS::CloudFront::PublicKey",
                "Properties": { "PublicKeyConfig": {
                    "CallerReference": format!("{}-{name}-{}", site.site, key.id),
                    "Name": format!("{}-{name}-{number}", site.site),
                    "EncodedKey": key.pem
                } }
            }),
        );
        items.push(get(&own, "Id"));
    }
    resources.insert(group_id(name), json!({
        "Type": "AWS::CloudFront::KeyGroup",
        "Properties": { "KeyGroupConfig": { "Name": format!("{}-{name}", site.site), "Items": items } }
    }));
}
