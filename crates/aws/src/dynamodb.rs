//! The site state in DynamoDB: one item for each site.
//!
//! **The table** has a partition key `site` (string), no sort key and no index, and pays per request. An item is the JSON
//! form of the [`SiteState`] in DynamoDB's own types, under the site's name:
//!
//! | attribute | type | holds | version |
//! |---|---|---|---|
//! | `site` | S | the site's name; the key | |
//! | `secrets` | M | `version`, and the digests `pending`, `current`, `previous` (S or NULL) | `secrets.version` |
//! | `release` | M or NULL | `epoch`, `live`, `canary`, `previews`, `kept` | `release.epoch` |
//! | `edge_lists` | M of M | by list name: `list`, `version`, `fetched_at`, `networks` (L of S) | each its `version`, then `fetched_at` |
//! | `prefix_lists` | M of M | by list id: the same | the same |
//!
//! Each part is changed alone, by the function it belongs to, with a condition on its own version
//! ([`DynamoStateWriter`]); so two writers of different parts never meet, and of two writers of one part one is told that
//! the other was first. An attribute that is not in the table above makes the state malformed: a part that a gateway does
//! not know might be one it must not ignore.
//!
//! DynamoDB's limit of 400 KB for an item is some 10,000 networks in all lists together.
//!
//! **Permissions**: `dynamodb:GetItem` for a gateway; `dynamodb:UpdateItem` for the functions that change a part, and
//! `dynamodb:PutItem` for what creates the item. With the condition key `dynamodb:LeadingKeys` each is confined to its
//! site, with `dynamodb:Attributes` to its part.
//!
//! Always holds: reads are strongly consistent, one call, and bounded in time and size.

mod item;
mod write;

#[cfg(feature = "testing")]
pub(crate) use item::attribute as from_json;
#[cfg(feature = "releases")]
pub(crate) use write::release_attribute;
pub use write::{DynamoStateWriter, WriteError};

use crate::config::TableName;
use crate::failure::Failure;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeDeserializationInterceptorContextMut;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::ConfigBag;
use http_body_util::Limited;
use portcullis_origin::state::{SiteState, StateError, StateStore};
use portcullis_site::Name;

/// The largest answer that is read, in bytes. An item has at most 400 KB, and its JSON form less than three times as much.
pub const ANSWER_BYTES_MAX: usize = 2 * 1024 * 1024;

/// The name of the key attribute.
pub(crate) const KEY: &str = "site";

/// The state of one site in a DynamoDB table.
#[derive(Debug, Clone)]
pub struct DynamoState {
    client: aws_sdk_dynamodb::Client,
    table: TableName,
    site: Name,
}

impl DynamoState {
    pub(crate) fn new(client: aws_sdk_dynamodb::Client, table: TableName, site: Name) -> Self {
        Self {
            client,
            table,
            site,
        }
    }
}

impl StateStore for DynamoState {
    async fn load(&self) -> Result<SiteState, StateError> {
        let sent = self
            .client
            .get_item()
            .table_name(self.table.as_str())
            .key(KEY, key(&self.site))
            .consistent_read(true)
            .customize()
            .interceptor(BoundedAnswer)
            .send()
            .await;
        match sent {
            Ok(output) => output.item.map_or(Err(StateError::Missing), item::state),
            Err(error) => Err(Failure::of("dynamodb:GetItem", &error).into()),
        }
    }
}

pub(crate) fn key(site: &Name) -> AttributeValue {
    AttributeValue::S(site.as_str().to_owned())
}

impl From<Failure> for StateError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Denied(text) => Self::Denied(text),
            Failure::Throttled(text) | Failure::Unavailable(text) => Self::Unavailable(text),
            Failure::TimedOut => Self::Unavailable("dynamodb: no answer in time".to_owned()),
            Failure::Malformed(text) => Self::Malformed(text),
        }
    }
}

/// Breaks an answer off that is longer than [`ANSWER_BYTES_MAX`].
#[derive(Debug)]
struct BoundedAnswer;

impl Intercept for BoundedAnswer {
    fn name(&self) -> &'static str {
        "BoundedAnswer"
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let body = context.response_mut().body_mut();
        let whole = std::mem::replace(body, SdkBody::taken());
        *body = SdkBody::from_body_1_x(Limited::new(whole, ANSWER_BYTES_MAX));
        Ok(())
    }
}

#[cfg(test)]
mod tests;
