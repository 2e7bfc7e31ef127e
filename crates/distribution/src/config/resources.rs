//! What a distribution refers to by id: policies, key groups, public keys, origin access controls.
//!
//! Always holds: managed policies are known without being given, and a given one of the same id comes first. Deliberately
//! absent: asking AWS for what is missing.

use super::encryption::{self, EncryptionConfiguration, EncryptionProfile};
use super::managed::MANAGED;
use super::{policy, response_headers};
use crate::fault::{Fault, Faults, Rule};
use crate::read::{Dialect, Item, Object, is_json, root};
use crate::value::parse;
use portcullis_edge::distribution::{
    AccessControl, AccessControlOrigin, CachePolicy, OriginRequestPolicy, ResponseHeadersPolicy,
    Signing,
};
use portcullis_signed_access::{Algorithm, KeyGroup, KeyId, PublicKey};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Which numbers of things are refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Quotas {
    /// CloudFront's quotas, as an account without raised ones has them.
    #[default]
    CloudFront,
    /// Only what the model cannot hold.
    Raised,
}

/// What a distribution refers to, by id.
#[derive(Clone, Debug, Default)]
pub struct Resources {
    /// Cache policies.
    pub cache_policies: BTreeMap<String, CachePolicy>,
    /// Origin request policies.
    pub origin_request_policies: BTreeMap<String, OriginRequestPolicy>,
    /// Response headers policies.
    pub response_headers_policies: BTreeMap<String, Arc<ResponseHeadersPolicy>>,
    /// Key groups: the ids of their public keys.
    pub key_groups: BTreeMap<String, Vec<String>>,
    /// Public keys: the value of `Key-Pair-Id` and the key.
    pub public_keys: BTreeMap<String, (KeyId, PublicKey)>,
    /// The same public keys as field-level encryption has them: their names and PEM.
    pub encryption_keys: BTreeMap<String, (String, String)>,
    /// Profiles of field-level encryption.
    pub encryption_profiles: BTreeMap<String, EncryptionProfile>,
    /// Configurations of field-level encryption.
    pub encryption_configurations: BTreeMap<String, EncryptionConfiguration>,
    /// Origin access controls.
    pub access_controls: BTreeMap<String, AccessControl>,
    /// Which quotas hold.
    pub quotas: Quotas,
}

impl Resources {
    /// Adds what the JSON of `get-cache-policy`, `get-origin-request-policy`, `get-response-headers-policy`,
    /// `get-key-group`, `get-public-key`, `get-origin-access-control`, `get-field-level-encryption` or
    /// `get-field-level-encryption-profile` says.
    ///
    /// # Errors
    /// Every mistake in the text; nothing is added then.
    pub fn add(&mut self, bytes: &[u8]) -> Result<(), Vec<Fault>> {
        let faults = Faults::default();
        let value = parse(bytes, &faults);
        let mut with = self.clone();
        let added = value.and_then(|value| {
            let item = root(&faults, Dialect::Api, is_json(bytes), &value);
            add(item, &mut with)
        });
        faults.end(added)?;
        *self = with;
        Ok(())
    }

    pub(crate) fn cache_policy(&self, id: &str) -> Option<&CachePolicy> {
        let given = self.cache_policies.get(id);
        given.or_else(|| MANAGED.cache.get(id))
    }

    pub(crate) fn origin_request_policy(&self, id: &str) -> Option<&OriginRequestPolicy> {
        let given = self.origin_request_policies.get(id);
        given.or_else(|| MANAGED.origin_request.get(id))
    }

    pub(crate) fn response_headers_policy(&self, id: &str) -> Option<&Arc<ResponseHeadersPolicy>> {
        let given = self.response_headers_policies.get(id);
        given.or_else(|| MANAGED.response_headers.get(id))
    }

    /// A key group with its keys.
    pub(crate) fn key_group(&self, id: &str) -> Result<Arc<KeyGroup>, String> {
        let listed = self.key_groups.get(id);
        let listed = listed.ok_or_else(|| format!("key group `{id}` was not given"))?;
        let keys = listed.iter().map(|key| {
            let known = self.public_keys.get(key).cloned();
            known.ok_or_else(|| format!("public key `{key}` of key group `{id}` was not given"))
        });
        let keys = keys.collect::<Result<Vec<_>, _>>()?;
        let group = KeyGroup::new(keys, &Algorithm::ALL);
        group.map(Arc::new).map_err(|error| error.to_string())
    }
}

/// The answers of the API: the member that holds the resource, and what adds it.
const ANSWERS: [(&str, &str, Adds); 8] = [
    ("CachePolicy", "CachePolicyConfig", |item, id, to| {
        let policy = policy::cache_policy(item)?;
        to.cache_policies.insert(id, policy);
        Some(())
    }),
    (
        "OriginRequestPolicy",
        "OriginRequestPolicyConfig",
        |item, id, to| {
            let policy = policy::origin_request_policy(item)?;
            to.origin_request_policies.insert(id, policy);
            Some(())
        },
    ),
    (
        "ResponseHeadersPolicy",
        "ResponseHeadersPolicyConfig",
        |item, id, to| {
            let policy = response_headers::response_headers_policy(item)?;
            to.response_headers_policies.insert(id, Arc::new(policy));
            Some(())
        },
    ),
    ("KeyGroup", "KeyGroupConfig", |item, id, to| {
        to.key_groups.insert(id, key_group(item)?);
        Some(())
    }),
    ("PublicKey", "PublicKeyConfig", |item, id, to| {
        let named = id.parse().ok();
        let object = item.object()?;
        let name = object.text("Name").unwrap_or_default().to_owned();
        let pem = object.text("EncodedKey").unwrap_or_default().to_owned();
        to.public_keys
            .insert(id.clone(), public_key(&object, named)?);
        to.encryption_keys.insert(id, (name, pem));
        Some(())
    }),
    (
        "OriginAccessControl",
        "OriginAccessControlConfig",
        |item, id, to| {
            to.access_controls.insert(id, access_control(item)?);
            Some(())
        },
    ),
    (
        "FieldLevelEncryption",
        "FieldLevelEncryptionConfig",
        |item, id, to| {
            let configuration = encryption::configuration(item)?;
            to.encryption_configurations.insert(id, configuration);
            Some(())
        },
    ),
    (
        "FieldLevelEncryptionProfile",
        "FieldLevelEncryptionProfileConfig",
        |item, id, to| {
            to.encryption_profiles
                .insert(id, encryption::profile(item)?);
            Some(())
        },
    ),
];

type Adds = fn(Item<'_>, String, &mut Resources) -> Option<()>;

fn add(item: Item<'_>, to: &mut Resources) -> Option<()> {
    let answer = item.object()?;
    let present = ANSWERS
        .iter()
        .find_map(|(member, config, adds)| Some((answer.object(member)?, config, adds)));
    let Some((resource, config, adds)) = present else {
        let names: Vec<_> = ANSWERS.iter().map(|(member, ..)| *member).collect();
        let message = format!("none of {} is here", names.join(", "));
        answer.fault(Rule::MissingMember, message);
        return None;
    };
    answer.end(&["ETag"]);
    let id = resource.required_text("Id").map(str::to_owned);
    let config = resource.required(config);
    resource.end(&["LastModifiedTime", "CreatedTime"]);
    adds(config?, id?, to)
}

/// The ids of a key group's public keys.
pub(crate) fn key_group(item: Item<'_>) -> Option<Vec<String>> {
    let object = item.object()?;
    object.required_text("Name");
    let items = object.required("Items").map(|items| items.plain_items());
    object.end(&["Comment"]);
    let ids = items?;
    let ids = ids.iter().filter_map(Item::text);
    Some(ids.map(str::to_owned).collect())
}

/// A public key; one without an id of its own gets one that follows from the key.
pub(crate) fn public_key(object: &Object<'_>, id: Option<KeyId>) -> Option<(KeyId, PublicKey)> {
    let pem = object.required_text("EncodedKey").map(str::to_owned);
    object.end(&["CallerReference", "Name", "Comment"]);
    match PublicKey::from_pem(&pem?) {
        Ok(key) => Some((id.unwrap_or_else(|| KeyId::of_key(&key)), key)),
        Err(error) => {
            object.fault_at("EncodedKey", Rule::InvalidArgument, error.to_string());
            None
        }
    }
}

/// An origin access control.
pub(crate) fn access_control(item: Item<'_>) -> Option<AccessControl> {
    let object = item.object()?;
    let signs = object.required("SigningProtocol");
    signs.and_then(|item| item.one_of(&[("sigv4", ())]));
    let control = origin_and_signing(&object);
    object.end(&["Name", "Description"]);
    control
}

fn origin_and_signing(object: &Object<'_>) -> Option<AccessControl> {
    let origin = object.required("OriginAccessControlOriginType");
    let signing = object.required("SigningBehavior");
    Some(AccessControl {
        origin: origin?.one_of(&[
            ("s3", AccessControlOrigin::S3),
            ("lambda", AccessControlOrigin::Lambda),
            ("mediastore", AccessControlOrigin::MediaStore),
            ("mediapackagev2", AccessControlOrigin::MediaPackageV2),
        ])?,
        signing: signing?.one_of(&[
            ("always", Signing::Always),
            ("never", Signing::Never),
            ("no-override", Signing::NoOverride),
        ])?,
    })
}
