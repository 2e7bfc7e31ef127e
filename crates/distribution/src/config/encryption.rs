//! Field-level encryption as CloudFront's API has it: configurations, profiles and keys that name each other by id.
//!
//! They are put together once all have been read, so that their order does not matter. CloudFormation has no such resources.

use super::Resources;
use crate::read::{Item, Object};
use portcullis_field_encryption::{Configuration, FieldPattern, Profile, Recipient, config::FORM};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A profile: for each of its keys, the id, the provider and the patterns of fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncryptionProfile(Vec<(String, String, Vec<String>)>);

/// A configuration, which names profiles by id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncryptionConfiguration {
    forms: Option<Option<String>>,
    forward_other_content_types: bool,
    by_query: Vec<(String, Option<String>)>,
    forward_unknown_queries: bool,
}

/// `FieldLevelEncryptionProfileConfig`
pub(super) fn profile(item: Item<'_>) -> Option<EncryptionProfile> {
    let object = item.object()?;
    let entities = object.required("EncryptionEntities")?.object();
    object.end(&["Name", "CallerReference", "Comment"]);
    let entities = entities?.counted_items(false);
    let entities = entities.into_iter().map(|entity| {
        let entity = entity.object()?;
        let key = entity.required_text("PublicKeyId");
        let provider = entity.required_text("ProviderId");
        let patterns = entity.required("FieldPatterns").and_then(Item::object);
        entity.end(&[]);
        let patterns = patterns?.counted_items(false);
        let patterns = patterns.iter().map(|it| it.text().map(str::to_owned));
        Some((
            key?.to_owned(),
            provider?.to_owned(),
            patterns.collect::<Option<_>>()?,
        ))
    });
    entities.collect::<Option<_>>().map(EncryptionProfile)
}

/// `FieldLevelEncryptionConfig`
pub(super) fn configuration(item: Item<'_>) -> Option<EncryptionConfiguration> {
    let object = item.object()?;
    let by_query = object.object("QueryArgProfileConfig");
    let by_content = object.object("ContentTypeProfileConfig");
    object.end(&["CallerReference", "Comment"]);
    let profiles = |of: Option<&Object<'_>>, list: &str, name: &str, ignored: &[&str]| {
        let list = of.and_then(|of| of.object(list));
        let items = list
            .map(|list| list.counted_items(false))
            .unwrap_or_default();
        let items = items.into_iter().filter_map(|item| {
            let item = item.object()?;
            let named = item.required_text(name).map(str::to_owned);
            let profile = item.text("ProfileId").map(str::to_owned);
            item.end(ignored);
            Some((named?, profile))
        });
        items.collect::<Vec<_>>()
    };
    let forms = profiles(
        by_content.as_ref(),
        "ContentTypeProfiles",
        "ContentType",
        &["Format"],
    );
    let queries = profiles(by_query.as_ref(), "QueryArgProfiles", "QueryArg", &[]);
    let forwards = |of: Option<&Object<'_>>, name: &str| of.is_some_and(|of| of.boolean(name));
    let read = EncryptionConfiguration {
        forms: forms
            .into_iter()
            .find(|(content, _)| content == FORM)
            .map(|(_, profile)| profile),
        forward_other_content_types: forwards(
            by_content.as_ref(),
            "ForwardWhenContentTypeIsUnknown",
        ),
        by_query: queries,
        forward_unknown_queries: forwards(by_query.as_ref(), "ForwardWhenQueryArgProfileIsUnknown"),
    };
    by_content
        .iter()
        .chain(&by_query)
        .for_each(|part| part.end(&[]));
    Some(read)
}

impl Resources {
    /// A configuration of field-level encryption with the profiles and keys it names.
    ///
    /// # Errors
    /// What it names was not given, or does not stand: one sentence.
    pub fn field_encryption(&self, id: &str) -> Result<Configuration, String> {
        let read = self.encryption_configurations.get(id);
        let read = read.ok_or_else(|| format!("field-level encryption `{id}` was not given"))?;
        let mut profiles = BTreeMap::new();
        let mut profile = |named: &Option<String>| -> Result<Option<Arc<Profile>>, String> {
            let Some(id) = named else { return Ok(None) };
            if !profiles.contains_key(id) {
                profiles.insert(id.clone(), Arc::new(self.encryption_profile(id)?));
            }
            Ok(profiles.get(id).cloned())
        };
        let by_query = read.by_query.iter();
        let by_query = by_query.map(|(name, id)| Ok((name.clone(), profile(id)?)));
        let by_query = by_query.collect::<Result<Vec<_>, String>>()?;
        let configuration = Configuration {
            forms: read.forms.as_ref().map(&mut profile).transpose()?,
            forward_other_content_types: read.forward_other_content_types,
            by_query,
            forward_unknown_queries: read.forward_unknown_queries,
        };
        let checked = configuration.checked();
        checked.map_err(|error| format!("field-level encryption `{id}`: {error}"))
    }

    fn encryption_profile(&self, id: &str) -> Result<Profile, String> {
        let read = self.encryption_profiles.get(id);
        let EncryptionProfile(entities) =
            read.ok_or_else(|| format!("profile `{id}` was not given"))?;
        let wrong = |error: &dyn std::fmt::Display| format!("profile `{id}`: {error}");
        let mut fields = Vec::new();
        for (key_id, provider, patterns) in entities {
            let key = self.encryption_keys.get(key_id);
            let (name, pem) = key
                .ok_or_else(|| format!("public key `{key_id}` of profile `{id}` was not given"))?;
            let recipient = Recipient::new(provider, name, pem).map_err(|error| wrong(&error))?;
            let recipient = Arc::new(recipient);
            for pattern in patterns {
                let pattern = FieldPattern::parse(pattern).map_err(|error| wrong(&error))?;
                fields.push((pattern, Arc::clone(&recipient)));
            }
        }
        Profile::new(fields).map_err(|error| wrong(&error))
    }
}
