//! Changes of one part of a state, each on the condition that nobody changed it before.
//!
//! Always holds: a write replaces exactly one part, with a higher version than the one it replaces; the others stay as they
//! are. A write that was carried out although its answer was lost is told as done when it is tried again, by the caller or
//! within the call, since what is then found is what was to be written.

use super::{BoundedAnswer, KEY, item, key};
use crate::config::TableName;
use crate::failure::Failure;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use portcullis_origin::state::{Secrets, Serving, SiteState};
use portcullis_site::Name;
use portcullis_viewer::prefixes::PrefixSnapshot;
use serde::Serialize;
use serde_json::Value;

/// Why a part was not written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// The version to be written is not higher than the one it replaces. Nothing was sent.
    #[error("version {version} does not follow version {expected}")]
    NotNewer {
        /// The version to be written.
        version: u64,
        /// The version it was to replace.
        expected: u64,
    },
    /// The part has another version than the expected one, or the site has no state, or has one already.
    #[error("the part was changed by somebody else")]
    Conflict {
        /// The version that is there, if the part is.
        found: Option<u64>,
    },
    /// The store refuses us.
    #[error("the state store refuses access: {0}")]
    Denied(String),
    /// There is no answer: the part may have been written or not. Trying again is safe.
    #[error("the state store is unavailable: {0}")]
    Unavailable(String),
    /// The part cannot be written: it is too large, or not of a state's form.
    #[error("the part cannot be written: {0}")]
    Unwritable(String),
}

/// What changes the state of one site in a DynamoDB table.
#[derive(Debug, Clone)]
pub struct DynamoStateWriter {
    client: aws_sdk_dynamodb::Client,
    table: TableName,
    site: Name,
}

/// The part that a write replaces: an attribute, or a member of one.
#[derive(Clone, Copy)]
struct Place<'a> {
    attribute: &'static str,
    member: Option<&'a str>,
    /// The name of the part's version.
    version: &'static str,
}

impl DynamoStateWriter {
    pub(crate) fn new(client: aws_sdk_dynamodb::Client, table: TableName, site: Name) -> Self {
        Self {
            client,
            table,
            site,
        }
    }

    /// Writes the first state of the site.
    ///
    /// # Errors
    /// [`WriteError::Conflict`] if the site has another one already.
    pub async fn create(&self, state: &SiteState) -> Result<(), WriteError> {
        let AttributeValue::M(mut item) = attribute(state)? else {
            return Err(WriteError::Unwritable("it is no object".to_owned()));
        };
        item.insert(KEY.to_owned(), key(&self.site));
        let sent = self
            .client
            .put_item()
            .table_name(self.table.as_str())
            .set_item(Some(item.clone()))
            .condition_expression("attribute_not_exists(#key)")
            .expression_attribute_names("#key", KEY)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .customize()
            .interceptor(BoundedAnswer)
            .send()
            .await;
        let Err(error) = sent else { return Ok(()) };
        match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(failed))
                if failed.item() == Some(&item) =>
            {
                Ok(())
            }
            Some(PutItemError::ConditionalCheckFailedException(_)) => {
                Err(WriteError::Conflict { found: None })
            }
            _ => Err(Failure::of("dynamodb:PutItem", &error).into()),
        }
    }

    /// Replaces the secrets, which have version `expected`.
    ///
    /// # Errors
    /// [`WriteError`]; nothing was written, unless it is [`WriteError::Unavailable`].
    pub async fn update_secrets(&self, expected: u64, secrets: &Secrets) -> Result<(), WriteError> {
        let place = Place {
            attribute: "secrets",
            member: None,
            version: "version",
        };
        self.update(place, Some(expected), secrets.version, attribute(secrets)?)
            .await
    }

    /// Replaces what readers know of releases, which has epoch `expected`, or is not there.
    ///
    /// # Errors
    /// [`WriteError`]; nothing was written, unless it is [`WriteError::Unavailable`].
    pub async fn update_release(
        &self,
        expected: Option<u64>,
        release: &Serving,
    ) -> Result<(), WriteError> {
        let place = Place {
            attribute: "release",
            member: None,
            version: "epoch",
        };
        self.update(place, expected, release.epoch, attribute(release)?)
            .await
    }

    /// Replaces a list of CloudFront's edges, which has version `expected`, or is not there.
    ///
    /// # Errors
    /// [`WriteError`]; nothing was written, unless it is [`WriteError::Unavailable`].
    pub async fn update_edge_list(
        &self,
        name: &str,
        expected: Option<u64>,
        list: &PrefixSnapshot,
    ) -> Result<(), WriteError> {
        self.update_list("edge_lists", name, expected, list).await
    }

    /// Replaces a list of the site's own, which has version `expected`, or is not there.
    ///
    /// # Errors
    /// [`WriteError`]; nothing was written, unless it is [`WriteError::Unavailable`].
    pub async fn update_prefix_list(
        &self,
        id: &str,
        expected: Option<u64>,
        list: &PrefixSnapshot,
    ) -> Result<(), WriteError> {
        self.update_list("prefix_lists", id, expected, list).await
    }

    async fn update_list(
        &self,
        lists: &'static str,
        name: &str,
        expected: Option<u64>,
        list: &PrefixSnapshot,
    ) -> Result<(), WriteError> {
        let place = Place {
            attribute: lists,
            member: Some(name),
            version: "version",
        };
        let json = serde_json::from_str(&list.to_json()).map_err(unwritable)?;
        self.update(place, expected, list.version(), json_attribute(json)?)
            .await
    }

    async fn update(
        &self,
        place: Place<'_>,
        expected: Option<u64>,
        version: u64,
        part: AttributeValue,
    ) -> Result<(), WriteError> {
        if let Some(expected) = expected.filter(|expected| version <= *expected) {
            return Err(WriteError::NotNewer { version, expected });
        }
        let path = place.path();
        let condition = match expected {
            Some(_) => format!("{path}.#version = :expected"),
            // An empty place, in an item that is there.
            None => format!(
                "attribute_exists(#key) AND (attribute_not_exists({path}) OR attribute_type({path}, :null))"
            ),
        };
        let request = self
            .client
            .update_item()
            .table_name(self.table.as_str())
            .key(KEY, key(&self.site))
            .update_expression(format!("SET {path} = :part"))
            .condition_expression(condition)
            .expression_attribute_names("#part", place.attribute)
            .expression_attribute_values(":part", part.clone())
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let request = match place.member {
            Some(member) => request.expression_attribute_names("#member", member),
            None => request,
        };
        let request = match expected {
            Some(expected) => request
                .expression_attribute_names("#version", place.version)
                .expression_attribute_values(":expected", AttributeValue::N(expected.to_string())),
            None => request
                .expression_attribute_names("#key", KEY)
                .expression_attribute_values(":null", AttributeValue::S("NULL".to_owned())),
        };
        let sent = request.customize().interceptor(BoundedAnswer).send().await;
        let Err(error) = sent else { return Ok(()) };
        let Some(UpdateItemError::ConditionalCheckFailedException(failed)) =
            error.as_service_error()
        else {
            return Err(Failure::of("dynamodb:UpdateItem", &error).into());
        };
        match failed.item().and_then(|item| place.of(item)) {
            Some(found) if *found == part => Ok(()),
            found => Err(WriteError::Conflict {
                found: found.and_then(|found| place.version_of(found)),
            }),
        }
    }
}

impl Place<'_> {
    fn path(self) -> &'static str {
        match self.member {
            Some(_) => "#part.#member",
            None => "#part",
        }
    }

    fn of(self, item: &item::Item) -> Option<&AttributeValue> {
        let part = item.get(self.attribute)?;
        match self.member {
            Some(member) => part.as_m().ok()?.get(member),
            None => Some(part),
        }
    }

    fn version_of(self, part: &AttributeValue) -> Option<u64> {
        part.as_m()
            .ok()?
            .get(self.version)?
            .as_n()
            .ok()?
            .parse()
            .ok()
    }
}

impl From<Failure> for WriteError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Denied(text) => Self::Denied(text),
            Failure::TimedOut => Self::Unavailable("no answer in time".to_owned()),
            Failure::Throttled(text) | Failure::Unavailable(text) | Failure::Malformed(text) => {
                Self::Unavailable(text)
            }
        }
    }
}

/// What readers know of releases, as its attribute.
#[cfg(feature = "releases")]
pub(crate) fn release_attribute(release: &Serving) -> Result<AttributeValue, WriteError> {
    attribute(release)
}

fn attribute(part: &impl Serialize) -> Result<AttributeValue, WriteError> {
    json_attribute(serde_json::to_value(part).map_err(unwritable)?)
}

fn json_attribute(json: Value) -> Result<AttributeValue, WriteError> {
    item::attribute(json).ok_or_else(|| WriteError::Unwritable("it is nested too deep".to_owned()))
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the shape that map_err calls"
)]
fn unwritable(error: serde_json::Error) -> WriteError {
    WriteError::Unwritable(error.to_string())
}
